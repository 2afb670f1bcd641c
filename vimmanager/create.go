package vimmanager

import (
	"context"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// intendStart commits that a Start may be under way, unless a later operation has begun.
func (s *stepping) intendStart(lg *ledger, r *resourceRow) error {
	f, err := lg.obsolete(r, r.doc.Fence)
	switch {
	case err != nil:
		return err
	case f != nil:
		return lg.fail(r, f)
	}
	s.intend(lg, r, Starting)
	return nil
}

// start looks the token up, and creates what is not there.
func (s *stepping) start(ctx context.Context) {
	if s.find(ctx); vim.ClassOf(s.err) != message.NotFound {
		if s.err != nil { // the outcome of a look is never unknown
			s.err = &vim.Error{Op: "find", Resource: s.rec.ID, Class: s.class(true), Hint: hint(s.err), Err: s.err}
		}
		return
	}
	s.got, s.err = s.driver.Start(ctx, s.conn, vim.StartRequest{Token: s.doc.Token, Kind: s.doc.Kind, Owner: s.doc.Owner, Spec: s.doc.Spec})
}

// started commits what came of a Start. When the row is no longer about this intent, what was made is not wanted there,
// unless a later attempt is under way, which will find it: then the row has it released.
func (s *stepping) started(lg *ledger, r *resourceRow) error {
	if r == nil {
		r = add(lg, lg.resources, resourceRef(s.rec.ID), s.rec.Key, s.rec.Group)
		r.doc, r.State = s.doc, Failed // the ledger was lost: no release has come, so the token may be asked for again
		d := &r.doc
		d.Intent, d.Change, d.Waiting, d.Failing, d.Cancelled, d.Superseded, d.Releasing = nil, nil, nil, nil, nil, nil, nil
	}
	class := s.class(false)
	mayStand := s.err == nil || class == message.UnknownOutcome
	switch ours := s.ours(r); {
	case ours && r.State == Releasing:
		if class == message.UnknownOutcome {
			return nil // the release waits for the deadline
		}
		r.doc.Intent = nil
		r.move(Releasing, lg.now)
		return nil
	case ours && s.err == nil:
		return lg.take(r, s.got)
	case ours && class == message.UnknownOutcome:
		r.doc.Intent.Silence = s.err.Error()
		r.move(Unresolved, lg.nextLook(r.doc.Intent))
		return nil
	case ours:
		return lg.fail(r, &failure{class, hint(s.err)})
	case mayStand && r.State == Released:
		r.doc.Intent = &intent{ID: s.intent, Deadline: lg.now}
		r.move(Releasing, lg.now)
	case mayStand && r.State == Failed:
		lg.clear(r, nil)
	}
	return nil
}

// nextLook returns when an open intent is looked up next: soon and often until its deadline, then at the deadline.
func (lg *ledger) nextLook(in *intent) time.Time {
	next := lg.now.Add(lg.Look)
	if lg.now.Before(in.Deadline) && next.After(in.Deadline) {
		return in.Deadline
	}
	return next
}

// looked resolves the intent of a Start whose outcome is open.
func (s *stepping) looked(lg *ledger, r *resourceRow) error {
	if r == nil || r.State != Starting && r.State != Unresolved {
		return nil
	}
	in, looked := r.doc.Intent, s.doc.Intent
	switch {
	case in == nil || looked == nil || in.ID != looked.ID:
		return nil
	case s.err == nil:
		return lg.take(r, s.got)
	case vim.ClassOf(s.err) != message.NotFound:
		r.doc.Tries++
		r.move(r.State, lg.now.Add(lg.pace(r.doc.Tries)))
		return nil
	case lg.now.Before(in.Deadline):
		r.move(r.State, lg.nextLook(in))
		return nil
	case !in.Quarantined:
		in.Quarantined = true
		r.move(Unresolved, lg.now.Add(lg.Quarantine))
		return nil
	case in.Silence == "": // the worker died before the call, or the call came to nothing, or what a reserve joined is gone
		r.doc.Intent, r.doc.Tries = nil, 0
		r.move(Wanted, lg.now)
		return nil
	default:
		return lg.fail(r, &failure{message.UnknownOutcome, "the VIM gave no answer, and nothing was found afterwards: " + in.Silence})
	}
}

// polled goes on with what is being built.
func (s *stepping) polled(lg *ledger, r *resourceRow) error {
	if r == nil || r.State != Building || r.doc.Resource == nil || r.doc.Resource.ID != s.doc.Resource.ID {
		return nil
	}
	switch {
	case vim.ClassOf(s.err) == message.NotFound:
		return lg.fail(r, &failure{message.Transient, "the resource vanished while it was being built"})
	case s.err == nil && (s.got.Ready || s.got.Failed != nil):
		return lg.take(r, s.got)
	case !lg.now.Before(r.doc.BuildBy):
		lg.clear(r, &failure{message.Transient, "the resource was not ready within " + lg.Build.String()})
		return nil
	default:
		r.doc.Tries++
		r.move(Building, lg.now.Add(lg.pace(r.doc.Tries)))
		return nil
	}
}
