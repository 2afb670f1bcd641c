package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/vnfm/vnfm/cmd/vnfm/show"
)

// ended shows an operation until it ends, and fails when it ends in a state that is not wanted.
func (s *session) ended(id string, noWait bool, want ...string) error {
	if noWait {
		return s.show(map[string]string{"vnfLcmOpOccId": id}, func(w io.Writer) {
			_, _ = fmt.Fprintf(w, "operation %s (vnfm op watch %s)\n", id, id)
		})
	}
	view := show.Watcher{Screen: s.Screen}
	lost := s.Lost
	s.Lost = view.Lost
	defer func() { s.Lost = lost }()
	p, err := s.WaitOp(s.ctx, id, s.poll, view.Look)
	if s.ctx.Err() != nil {
		return &interrupted{how: "no longer watching; the operation goes on: vnfm op watch " + id, cause: context.Cause(s.ctx)}
	}
	if err != nil {
		return fmt.Errorf("operation %s: %w", id, err)
	}
	if !s.Form.ForPeople() {
		o, err := s.Op(s.ctx, id)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		if err := s.show(o, nil); err != nil {
			return err
		}
	}
	if slices.Contains(want, p.OperationState) {
		return nil
	}
	text := "the operation is " + p.OperationState
	if p.OperationState == "FAILED_TEMP" {
		text += fmt.Sprintf("; vnfm op show %s says what is possible", id)
	}
	return &failed{text}
}

// begun reports an operation that has begun: its id at once, or how it ends.
func (s *session) begun(id string, noWait bool) error { return s.ended(id, noWait, "COMPLETED") }

// watch shows an operation until it ends; any end but COMPLETED is a failure.
func (s *session) watch(id string) error { return s.ended(id, false, "COMPLETED") }
