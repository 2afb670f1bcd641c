package vimmanager

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
)

// make has the driver start the resource.
func (s *stepping) make(ctx context.Context) (vim.Resource, error) {
	return s.withSecrets(ctx, "start", func(specs []vim.Spec) (vim.Resource, error) {
		return s.driver.Start(ctx, s.conn, vim.StartRequest{Token: s.doc.Token, Kind: s.doc.Kind, Owner: s.doc.Owner, Spec: specs[0]})
	}, s.doc.Spec)
}

// withSecrets calls a driver with specifications in which what was sealed is opened, here and nowhere else; what was sealed is
// not in what is kept of the driver's answer. A specification that cannot be opened is one for which the VIM is away: the key
// may come back.
func (s *stepping) withSecrets(
	ctx context.Context, op string, call func(specs []vim.Spec) (vim.Resource, error), sealed ...vim.Spec,
) (vim.Resource, error) {
	specs, secrets, err := s.opened(ctx, sealed)
	if err != nil {
		return vim.Resource{}, &vim.Error{Op: op, Resource: s.doc.Token.String(), Class: message.Unavailable, Hint: err.Error(), Err: err}
	}
	got, err := call(specs)
	for i, w := range got.Warnings {
		got.Warnings[i] = secret.Scrub(w, secrets)
	}
	if err != nil && len(secrets) > 0 {
		err = scrubbed(err, secrets)
	}
	return got, err
}

// opened returns the specifications as a driver needs them, and the secrets in them.
func (s *stepping) opened(ctx context.Context, specs []vim.Spec) ([]vim.Spec, []string, error) {
	if s.Open == nil {
		return specs, nil, nil
	}
	plain, secrets, err := s.Open(ctx, s.doc.Owner, vim.Encode(specs))
	if err != nil || len(secrets) == 0 {
		return specs, nil, err
	}
	var out []vim.Spec
	if json.Unmarshal(plain, &out) != nil { // the error would quote it
		return nil, nil, errors.New("what is sealed in the specification does not fit where it stands")
	}
	return out, secrets, nil
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
