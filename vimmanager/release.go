package vimmanager

import (
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// intendClear commits that a Release may be under way of what failed. Unlike a tombstone's, its token may be asked for again: a
// Release whose outcome is open, because its answer or its worker was lost, must not meet what is made then. So it has an intent,
// too, and an open one is waited for before the row is clear.
func (s *stepping) intendClear(lg *ledger, r *resourceRow) error {
	before := r.doc.Intent
	in := s.intend(lg, r, Clearing)
	if before != nil && !before.Quarantined {
		in.Silence = "a release before this one was not answered"
	}
	r.Due = lg.now.Add(lg.Look)
	return nil
}

// cleared goes on with removing what failed, for as long as it takes.
func (s *stepping) cleared(lg *ledger, r *resourceRow) error {
	if !s.ours(r) || r.State != Clearing {
		return nil
	}
	in := r.doc.Intent
	if vim.ClassOf(s.err) == message.UnknownOutcome {
		in.Silence = s.err.Error()
	}
	switch {
	case s.err == nil && s.done && in.Silence == "":
		r.doc.Intent = nil
		return lg.cleared(r)
	case s.err == nil && s.done:
		in.Quarantined = true
		r.move(Clearing, in.Deadline.Add(lg.Quarantine))
		return nil
	}
	if in.Silence == "" {
		r.doc.Intent = nil
	}
	r.doc.Tries++
	r.move(Clearing, lg.now.Add(lg.pace(r.doc.Tries)))
	return nil
}

// released goes on with the release of a token. An intent that was open when the release came may still have its effect: its
// deadline is waited for, and the token released again after the quarantine.
func (s *stepping) released(lg *ledger, r *resourceRow) error {
	if r == nil || r.State != Releasing {
		return nil
	}
	in := r.doc.Intent
	switch {
	case s.err != nil:
		return lg.releaseFailed(r, &failure{vim.ClassOf(s.err), hint(s.err)})
	case !s.done:
		r.doc.Tries++
		r.move(Releasing, lg.now.Add(lg.pace(r.doc.Tries)))
		return nil
	case in != nil && lg.now.Before(in.Deadline):
		r.move(Releasing, in.Deadline)
		return nil
	case in != nil && !in.Quarantined:
		in.Quarantined = true
		r.move(Releasing, lg.now.Add(lg.Quarantine))
		return nil
	default:
		return lg.released(r)
	}
}
