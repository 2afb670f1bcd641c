package vimmanager

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// intendChange commits that a Change may be under way, unless a later operation has begun. The first one sets when a guest is
// turned off that does not stop by itself, and when the change is given up; both outlive this process.
func (s *stepping) intendChange(lg *ledger, r *resourceRow) error {
	c := r.doc.Change
	if c == nil {
		r.move(Active, time.Time{})
		return nil
	}
	f, err := lg.obsolete(r, c.Fence)
	switch {
	case err != nil:
		return err
	case f != nil:
		return lg.changeFailed(r, f)
	}
	if c.By.IsZero() {
		if c.Grace > 0 {
			c.GraceBy = lg.now.Add(c.Grace)
		}
		c.By = lg.now.Add(c.Grace + lg.Build)
	}
	if c.Grace = max(0, c.GraceBy.Sub(lg.now)); c.Grace == 0 {
		c.GraceBy = time.Time{}
	}
	s.intend(lg, r, Changing).Revision = c.Revision
	return nil
}

// change looks the token up, and changes what is not as it is to be. What is past that stays.
func (s *stepping) change(ctx context.Context) {
	c := s.doc.Change
	if s.find(ctx); s.err != nil {
		s.err = &vim.Error{Op: "find", Resource: s.rec.ID, Class: s.class(true), Hint: hint(s.err), Err: s.err}
		return
	}
	s.found = s.got
	if s.got.Revision > c.Revision || s.got.Revision == c.Revision && s.got.Ready {
		return
	}
	c.Called = true
	s.got, s.err = s.driver.Change(ctx, s.conn, vim.ChangeRequest{
		Token: s.doc.Token, Kind: s.doc.Kind, Owner: s.doc.Owner, ID: s.got.ID, Revision: c.Revision, From: c.From, To: c.To, Grace: c.Grace,
	})
}

// changed commits what came of a Change. A row that is no longer about this intent needs nothing: a change makes no resource.
func (s *stepping) changed(lg *ledger, r *resourceRow) error {
	if !s.ours(r) {
		return nil
	}
	d, class := &r.doc, s.class(false)
	unknown := class == message.UnknownOutcome
	if c := d.Change; c != nil && c.Revision == s.doc.Change.Revision {
		c.Called = c.Called || s.doc.Change.Called
	}
	switch {
	case r.State == Releasing:
		if !unknown { // else the release waits for the deadline
			d.Intent = nil
			r.move(Releasing, lg.now)
		}
		return nil
	case d.Change.Revision != s.doc.Change.Revision: // another was asked for meanwhile
		if d.Intent = nil; unknown {
			lg.loosen(d, s.doc.Intent)
		}
		if s.err == nil {
			d.Resource = &s.got
		}
		r.move(Outdated, lg.free(d))
		return nil
	case unknown:
		d.Intent.Silence = s.err.Error()
		r.move(Changing, lg.nextLook(d.Intent))
		return nil
	case s.err != nil:
		if d.Intent = nil; s.found.ID != "" {
			if d.Resource = &s.found; s.found.Ready {
				d.saw(s.found.Revision)
			}
		}
		return lg.changeFailed(r, &failure{class, hint(s.err)})
	}
	d.Intent = nil
	return lg.follow(r, s.got)
}

// loosen notes that a call was not answered: until its deadline and the quarantine have passed it may have its effect.
func (lg *ledger) loosen(d *resource, in *intent) {
	until := in.Deadline.Add(lg.Quarantine)
	if d.Loose != nil && d.Loose.Until.After(until) {
		until = d.Loose.Until
	}
	d.Loose = &loose{Revision: in.Revision, Until: until}
}

// follow goes on with a change by what the VIM shows of the resource.
func (lg *ledger) follow(r *resourceRow, got vim.Resource) error {
	d := &r.doc
	c := d.Change
	d.Resource = &got
	switch {
	case got.Failed != nil:
		return lg.changeFailed(r, &failure{got.Failed.Class, got.Failed.Hint})
	case got.Revision > c.Revision:
		d.saw(got.Revision)
		return lg.changeFailed(r, supersededBy(got.Revision))
	case got.Ready && got.Revision == c.Revision:
		d.saw(got.Revision)
		d.Spec = c.To
		waiting := d.abandon()
		lg.stands(r)
		return lg.succeeded(waiting, r)
	case !lg.now.Before(c.By):
		return lg.changeFailed(r, &failure{message.Transient, "the change did not stand in time"})
	case got.Ready: // nothing of it is under way: it was made by half, or not at all
		d.Tries++
		r.move(Outdated, lg.now.Add(lg.pace(d.Tries)))
	case !c.GraceBy.IsZero() && !lg.now.Before(c.GraceBy): // the guest has not stopped by itself
		r.move(Outdated, lg.now)
	default:
		next := lg.now.Add(lg.pace(d.Tries))
		if d.Tries++; !c.GraceBy.IsZero() && next.After(c.GraceBy) {
			next = c.GraceBy
		}
		r.move(Changing, next)
	}
	return nil
}

// watched goes on with a change that was seen under way: by another worker, whose call may not have ended, or at the VIM.
func (s *stepping) watched(lg *ledger, r *resourceRow) error {
	if r == nil || r.State != Changing {
		return nil
	}
	d, was := &r.doc, s.doc.Intent
	in := d.Intent
	if (in == nil) != (was == nil) || in != nil && in.ID != was.ID {
		return nil // somebody went on with it
	}
	class := s.class(true)
	if in == nil {
		return s.seen(lg, r, class)
	}
	stands := s.err == nil && s.got.Ready && s.got.Revision == in.Revision
	switch {
	case !stands && lg.now.Before(in.Deadline):
		r.move(Changing, lg.nextLook(in))
		return nil
	case d.Change.Revision != in.Revision: // another was asked for meanwhile: it begins when this one can do no more
		lg.loosen(d, in)
		d.Intent, d.Tries = nil, 0
		r.move(Outdated, lg.free(d))
		return nil
	}
	// The change is made again, where it does not stand: the same one twice does no harm.
	d.Change.Called = true
	if s.err == nil || class == message.NotFound || !lg.now.Before(d.Change.By) {
		lg.loosen(d, in)
		d.Intent = nil
	}
	switch {
	case s.err != nil:
		return s.seen(lg, r, class)
	case stands || s.got.Revision > in.Revision || s.got.Failed != nil:
		return lg.follow(r, s.got)
	case !lg.now.Before(d.Change.By):
		return lg.changeFailed(r, &failure{message.UnknownOutcome, "the VIM gave no answer, and the change does not stand"})
	}
	r.move(Outdated, lg.now)
	return nil
}

// seen goes on with a change by a look at the VIM.
func (s *stepping) seen(lg *ledger, r *resourceRow, class message.Class) error {
	switch {
	case s.err == nil:
		return lg.follow(r, s.got)
	case class == message.NotFound:
		return lg.changeFailed(r, &failure{class, "the resource is not there"})
	case !lg.now.Before(r.doc.Change.By):
		return lg.changeFailed(r, &failure{class, hint(s.err)})
	}
	r.doc.Tries++
	r.move(Changing, lg.now.Add(lg.pace(r.doc.Tries)))
	return nil
}

// changeFailed ends a change that was not made, or not to its end. What stands is left: a later revision decides.
func (lg *ledger) changeFailed(r *resourceRow, f *failure) error {
	d := &r.doc
	called := d.Change != nil && d.Change.Called
	waiting := d.abandon()
	if d.Resource == nil && f.Class == message.NotFound { // the ledger does not know it, nor does the VIM
		d.Failure, d.Tries = f, 0
		r.move(Failed, lg.now.Add(lg.Retention))
		return lg.failed(waiting, r, f)
	}
	told := *f
	switch {
	case f.Class == message.Superseded:
	case called:
		told.Reason += "; what of the change was made is not known"
	case d.Revision > 0:
		told.Reason += fmt.Sprintf("; it stands at revision %d", d.Revision)
	}
	lg.stands(r)
	return lg.failed(waiting, r, &told)
}
