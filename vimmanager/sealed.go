package vimmanager

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
)

// make has the driver start the resource. What is sealed in its specification is opened here and nowhere else, and is not in
// what is kept of the driver's answer. A specification that cannot be opened is one for which the VIM is away: the key may come back.
func (s *stepping) make(ctx context.Context) (vim.Resource, error) {
	spec, secrets, err := s.opened(ctx)
	if err != nil {
		return vim.Resource{}, &vim.Error{Op: "start", Resource: s.doc.Token.String(), Class: message.Unavailable, Hint: err.Error(), Err: err}
	}
	got, err := s.driver.Start(ctx, s.conn, vim.StartRequest{Token: s.doc.Token, Kind: s.doc.Kind, Owner: s.doc.Owner, Spec: spec})
	for i, w := range got.Warnings {
		got.Warnings[i] = secret.Scrub(w, secrets)
	}
	if err != nil && len(secrets) > 0 {
		err = scrubbed(err, secrets)
	}
	return got, err
}

// opened returns the specification as a driver needs it, and the secrets in it.
func (s *stepping) opened(ctx context.Context) (vim.Spec, []string, error) {
	if s.Open == nil {
		return s.doc.Spec, nil, nil
	}
	doc := vim.Encode(s.doc.Spec)
	plain, secrets, err := s.Open(ctx, s.doc.Owner, doc)
	if err != nil || len(secrets) == 0 {
		return s.doc.Spec, nil, err
	}
	var spec vim.Spec
	if json.Unmarshal(plain, &spec) != nil { // the error would quote it
		return spec, nil, errors.New("what is sealed in the specification does not fit where it stands")
	}
	return spec, secrets, nil
}

// scrubbed is an error of a driver without secrets in its texts.
func scrubbed(err error, secrets []string) error {
	var e *vim.Error
	if !errors.As(err, &e) {
		return errors.New(secret.Scrub(err.Error(), secrets))
	}
	out := *e
	out.Hint = secret.Scrub(e.Hint, secrets)
	if e.Err != nil {
		out.Err = errors.New(secret.Scrub(e.Err.Error(), secrets))
	}
	return &out
}
