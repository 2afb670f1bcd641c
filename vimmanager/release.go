package vimmanager

import (
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// intendClear commits that a Release may be under way of what failed. Unlike a tombstone's, its token may be asked for again: a
// Release whose outcome is open, because its answer or its worker was lost, must not meet what is made then. So it has an intent,
// too, and an open one is waited for before the row is clear.
func (s *stepping) intendClear(b *book, r *resourceRow) error {
	before := r.Doc.Intent
	in := s.intend(b, r, Clearing)
	if before != nil && !before.Quarantined {
		in.Silence = "a release before this one was not answered"
	}
	r.Due = b.Now.Add(b.Look)
	return nil
}

// cleared goes on with removing what failed, for as long as it takes.
func (s *stepping) cleared(b *book, r *resourceRow) error {
	if !s.ours(r) || r.State != Clearing {
		return nil
	}
	in := r.Doc.Intent
	if vim.ClassOf(s.err) == message.UnknownOutcome {
		in.Silence = s.err.Error()
	}
	switch {
	case s.err == nil && s.done && in.Silence == "":
		r.Doc.Intent = nil
		return b.cleared(r)
	case s.err == nil && s.done:
		in.Quarantined = true
		r.Move(Clearing, in.Deadline.Add(b.Quarantine))
		return nil
	}
	if in.Silence == "" {
		r.Doc.Intent = nil
	}
	why := "it is still there"
	if s.err != nil {
		why = hint(s.err)
	}
	return b.uncleared(r, why)
}

// uncleared goes on with what failed and is still there. It is removed for as long as it takes, but who waits is told when as much
// time has passed as a build may take, and takes it for maybe done.
func (b *book) uncleared(r *resourceRow, why string) error {
	d := &r.Doc
	d.Tries++
	r.Move(Clearing, b.Now.Add(b.pace(d.Tries)))
	if !b.late(d) || len(d.Failing) == 0 {
		return nil
	}
	reason := "what failed could not be cleared away: " + why
	if d.Failure != nil {
		reason = d.Failure.Reason + "; " + reason
	}
	failing := d.Failing
	d.Failing = nil
	return b.failed(failing, r, &failure{Class: message.UnknownOutcome, Reason: reason})
}

// released goes on with the release of a token. An intent that was open when the release came may still have its effect: its
// deadline is waited for, and the token released again after the quarantine.
func (s *stepping) released(b *book, r *resourceRow) error {
	if r == nil || r.State != Releasing {
		return nil
	}
	in := r.Doc.Intent
	switch {
	case s.err != nil && !b.late(&r.Doc) && s.held(b, r, Releasing):
		return nil
	case s.err != nil:
		return b.releaseFailed(r, &failure{Class: vim.ClassOf(s.err), Reason: hint(s.err)})
	case !s.done && b.late(&r.Doc):
		return b.releaseFailed(r, &failure{Class: message.Transient, Reason: "the resource was not gone within " + b.Build.String()})
	case !s.done:
		r.Doc.Tries++
		r.Move(Releasing, b.Now.Add(b.pace(r.Doc.Tries)))
		return nil
	case in != nil && b.Now.Before(in.Deadline):
		r.Move(Releasing, in.Deadline)
		return nil
	case in != nil && !in.Quarantined:
		in.Quarantined = true
		r.Move(Releasing, b.Now.Add(b.Quarantine))
		return nil
	default:
		return b.released(r)
	}
}

// late reports whether who waits for a row is to be told. Rows of older programs do not say when.
func (b *book) late(d *resource) bool { return !d.BuildBy.IsZero() && !b.Now.Before(d.BuildBy) }
