package vimmanager

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

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

// withSecrets calls a driver with specifications in which what was sealed is opened, here and nowhere else. A specification that
// cannot be opened is one for which the VIM is away: the key may come back.
func (s *stepping) withSecrets(
	ctx context.Context, op string, call func(specs []vim.Spec) (vim.Resource, error), sealed ...vim.Spec,
) (vim.Resource, error) {
	specs, _, err := s.opened(ctx, sealed)
	if err != nil {
		s.unasked = true
		return vim.Resource{}, &vim.Error{Op: op, Resource: s.doc.Token.String(), Class: message.Unavailable, Hint: err.Error(), Err: err}
	}
	got, err := call(specs)
	return got, s.hush(ctx, &got, err)
}

// hush takes what is sealed in the row's specifications out of what the driver said, and returns its error so: a VIM may repeat
// what it was given in any answer, long after. Nothing is kept of its words when the secrets in them cannot be known.
func (s *stepping) hush(ctx context.Context, got *vim.Resource, err error) error {
	if err == nil && got.Failed == nil && len(got.Warnings) == 0 {
		return nil // it says nothing
	}
	specs := []vim.Spec{s.doc.Spec}
	if c := s.doc.Change; c != nil {
		specs = append(specs, c.From, c.To)
	}
	_, secrets, closed := s.opened(context.WithoutCancel(ctx), specs) // also when the time of the call is over
	if closed == nil && s.Open != nil && s.doc.Spec == (vim.Spec{}) {
		closed = errors.New("the ledger was lost, or went back, and what the resource was made from with it")
	}
	clean := func(text string) string { return secret.Scrub(text, secrets) }
	switch {
	case closed != nil:
		clean = func(string) string {
			return "what the VIM said is not shown, because the secrets in it cannot be told: " + closed.Error()
		}
	case len(secrets) == 0:
		return err
	}
	got.Warnings = slices.Clone(got.Warnings) // the driver may keep its own
	for i, w := range got.Warnings {
		got.Warnings[i] = clean(w)
	}
	if got.Failed != nil {
		got.Failed = scrubbed(got.Failed, clean)
	}
	var e *vim.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return scrubbed(e, clean)
	}
	return errors.New(clean(err.Error()))
}

// scrubbed is an error of a driver whose texts are clean.
func scrubbed(e *vim.Error, clean func(string) string) *vim.Error {
	out := *e
	out.Hint = clean(e.Hint)
	if e.Err != nil {
		out.Err = errors.New(clean(e.Err.Error()))
	}
	return &out
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
