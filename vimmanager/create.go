package vimmanager

import (
	"context"
	"slices"
	"time"

	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// intendStart commits that a Start may be under way, unless a later operation has begun.
func (s *stepping) intendStart(b *book, r *resourceRow) error {
	f, err := b.obsolete(r, r.Doc.Fence)
	switch {
	case err != nil:
		return err
	case f != nil:
		return b.fail(r, f)
	}
	s.intend(b, r, Starting)
	return nil
}

// start looks the token up, and creates what is not there.
func (s *stepping) start(ctx context.Context) {
	if s.find(ctx); vim.ClassOf(s.err) != message.NotFound {
		if s.err != nil { // the outcome of a look is never unknown
			s.err = &vim.Error{Op: "find", Resource: s.rec.ID, Class: s.class(true), Hint: hint(s.err), Err: s.err, RetryAfter: vim.RetryAfter(s.err)}
		}
		return
	}
	s.got, s.err = s.make(ctx)
}

// started commits what came of a Start. The row may have gone on without this call, which took too long. Where it is at its end,
// nobody wants what was made, and it is released, or left to the sweep; where a later attempt is under way, that one finds it.
func (s *stepping) started(b *book, r *resourceRow) error {
	if r == nil {
		r = ledger.Add[resource](b.Book, resourceRef(s.rec.ID), s.rec.Key, s.rec.Group)
		r.Doc, r.State = s.doc, Failed // the ledger was lost: no release has come, so the token may be asked for again
		d := &r.Doc
		d.Intent, d.Change, d.Waiting, d.Failing, d.Cancelled, d.Superseded, d.Releasing = nil, nil, nil, nil, nil, nil, nil
	}
	class := s.class(false)
	mayStand := s.err == nil || class == message.UnknownOutcome
	switch ours := s.ours(r); {
	case ours && r.State == Releasing:
		if class == message.UnknownOutcome {
			return nil // the release waits for the deadline
		}
		r.Doc.Intent = nil
		r.Move(Releasing, b.Now)
		return nil
	case ours && s.err == nil:
		return b.take(r, s.got)
	case ours && class == message.UnknownOutcome:
		r.Doc.Intent.Silence = s.err.Error()
		r.Move(Unresolved, b.nextLook(r.Doc.Intent))
		return nil
	case ours && s.held(b, r, Wanted):
		r.Doc.Intent = nil
		return nil
	case ours:
		return b.fail(r, &failure{Class: class, Reason: hint(s.err)})
	case mayStand && r.State == Released:
		r.Doc.Intent = &intent{ID: s.intent, Deadline: b.Now}
		r.Move(Releasing, b.Now)
	case mayStand && r.State == Failed && s.Wanted == nil: // else the sweep asks the records: a ledger that went back knows less than they do
		b.clear(r, nil)
	}
	return nil
}

// nextLook returns when an open intent is looked up next: soon and often until its deadline, then at the deadline.
func (b *book) nextLook(in *intent) time.Time {
	next := b.Now.Add(b.Look)
	if b.Now.Before(in.Deadline) && next.After(in.Deadline) {
		return in.Deadline
	}
	return next
}

// looked resolves the intent of a Start whose outcome is open.
func (s *stepping) looked(b *book, r *resourceRow) error {
	if r == nil || r.State != Starting && r.State != Unresolved {
		return nil
	}
	in, looked := r.Doc.Intent, s.doc.Intent
	switch {
	case in == nil || looked == nil || in.ID != looked.ID:
		return nil
	case s.err == nil:
		return b.take(r, s.got)
	case vim.ClassOf(s.err) != message.NotFound:
		return b.blind(r, hint(s.err))
	case b.Now.Before(in.Deadline):
		r.Move(r.State, b.nextLook(in))
		return nil
	case !in.Quarantined:
		in.Quarantined = true
		r.Move(Unresolved, b.Now.Add(b.Quarantine))
		return nil
	case in.Silence == "": // the worker died before the call, or the call came to nothing, or what a reserve joined is gone
		r.Doc.Intent, r.Doc.Tries = nil, 0
		r.Move(Wanted, b.Now)
		return nil
	default:
		return b.fail(r, &failure{Class: message.UnknownOutcome, Reason: "the VIM gave no answer, and nothing was found afterwards: " + in.Silence})
	}
}

// blind goes on with an intent whose VIM cannot be asked what came of it. It is asked for as long as it takes, but who waits is told
// when as much time has passed as a build may take: no command waits for ever.
func (b *book) blind(r *resourceRow, why string) error {
	d := &r.Doc
	d.Tries++
	r.Move(r.State, b.Now.Add(b.pace(d.Tries)))
	if b.Now.Before(d.Intent.Deadline.Add(b.Build)) {
		return nil
	}
	waiting := slices.Concat(d.Waiting, d.abandon())
	d.Waiting = nil
	return b.failed(waiting, r, &failure{Class: message.UnknownOutcome, Reason: "the VIM gave no answer, and cannot be asked what came of it: " + why})
}

// polled goes on with what is being built.
func (s *stepping) polled(b *book, r *resourceRow) error {
	if r == nil || r.State != Building || r.Doc.Resource == nil || r.Doc.Resource.ID != s.doc.Resource.ID {
		return nil
	}
	switch {
	case vim.ClassOf(s.err) == message.NotFound:
		return b.fail(r, &failure{Class: message.Transient, Reason: "the resource vanished while it was being built"})
	case s.err == nil && (s.got.Ready || s.got.Failed != nil):
		return b.take(r, s.got)
	case !b.Now.Before(r.Doc.BuildBy):
		b.clear(r, &failure{Class: message.Transient, Reason: "the resource was not ready within " + b.Build.String()})
		return nil
	default:
		r.Doc.Tries++
		r.Move(Building, b.Now.Add(b.pace(r.Doc.Tries)))
		return nil
	}
}
