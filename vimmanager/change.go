package vimmanager

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// intendChange commits that a Change may be under way, unless a later operation has begun. The first one sets when a guest is
// turned off that does not stop by itself, and when the change is given up; both outlive this process.
func (s *stepping) intendChange(b *book, r *resourceRow) error {
	c := r.Doc.Change
	if c == nil {
		r.Move(Active, time.Time{})
		return nil
	}
	f, err := b.obsolete(r, c.Fence)
	switch {
	case err != nil:
		return err
	case f != nil:
		return b.changeFailed(r, f)
	}
	if c.By.IsZero() {
		if c.Grace > 0 {
			c.GraceBy = b.Now.Add(c.Grace)
		}
		c.By = b.Now.Add(c.Grace + b.Build)
	}
	if c.Grace = max(0, c.GraceBy.Sub(b.Now)); c.Grace == 0 {
		c.GraceBy = time.Time{}
	}
	s.intend(b, r, Changing).Revision = c.Revision
	return nil
}

// change looks the token up, and changes what is not as it is to be. What is past that stays. What is said to be at the revision
// is changed, too: half of a later change may have been made of it, by a command that the ledger has forgotten.
func (s *stepping) change(ctx context.Context) {
	c := s.doc.Change
	if s.find(ctx); s.err != nil {
		s.err = &vim.Error{Op: "find", Resource: s.rec.ID, Class: s.class(true), Hint: hint(s.err), Err: s.err, RetryAfter: vim.RetryAfter(s.err)}
		return
	}
	if s.found = s.got; s.got.Revision > c.Revision {
		return
	}
	c.Called = true
	s.got, s.err = s.withSecrets(ctx, "change", func(specs []vim.Spec) (vim.Resource, error) {
		return s.driver.Change(ctx, s.conn, vim.ChangeRequest{
			Token: s.doc.Token, Kind: s.doc.Kind, Owner: s.doc.Owner, ID: s.got.ID, Revision: c.Revision, From: specs[0], To: specs[1], Grace: c.Grace,
		})
	}, c.From, c.To)
}

// changed commits what came of a Change. A row that is no longer about this intent needs nothing: a change makes no resource.
func (s *stepping) changed(b *book, r *resourceRow) error {
	if !s.ours(r) {
		return nil
	}
	d, class := &r.Doc, s.class(false)
	unknown := class == message.UnknownOutcome
	if c := d.Change; c != nil && c.Revision == s.doc.Change.Revision {
		c.Called = c.Called || s.doc.Change.Called
	}
	switch {
	case r.State == Releasing:
		if !unknown { // else the release waits for the deadline
			d.Intent = b.rest(d)
			r.Move(Releasing, b.Now)
		}
		return nil
	case d.Change.Revision != s.doc.Change.Revision: // another was asked for meanwhile
		if d.Intent = nil; unknown {
			b.loosen(d, s.doc.Intent)
		}
		if s.err == nil {
			d.Resource = &s.got
		}
		r.Move(Outdated, b.free(d))
		return nil
	case unknown:
		d.Intent.Silence = s.err.Error()
		r.Move(Changing, b.nextLook(d.Intent))
		return nil
	case s.held(b, r, Outdated):
		d.Intent = nil
		return nil
	case s.err != nil:
		if d.Intent = nil; s.found.ID != "" {
			if d.Resource = &s.found; s.found.Ready {
				d.saw(s.found.Revision)
			}
		}
		return b.changeFailed(r, &failure{Class: class, Reason: hint(s.err)})
	}
	d.Intent = nil
	return b.follow(r, s.got)
}

// loosen notes that a call was not answered: until its deadline and the quarantine have passed it may have its effect.
func (b *book) loosen(d *resource, in *intent) {
	until := in.Deadline.Add(b.Quarantine)
	if d.Loose != nil && d.Loose.Until.After(until) {
		until = d.Loose.Until
	}
	d.Loose = &loose{Revision: in.Revision, Until: until}
}

// follow goes on with a change by what the VIM shows of the resource.
func (b *book) follow(r *resourceRow, got vim.Resource) error {
	d := &r.Doc
	c := d.Change
	d.Resource = &got
	switch f := failureOf(got); {
	case f != nil:
		return b.changeFailed(r, f)
	case got.Revision > c.Revision:
		d.saw(got.Revision)
		return b.changeFailed(r, supersededBy(got.Revision))
	case got.Ready && got.Revision == c.Revision:
		d.saw(got.Revision)
		d.Spec = c.To
		waiting := d.abandon()
		b.stands(r)
		return b.succeeded(waiting, r)
	case !b.Now.Before(c.By):
		return b.changeFailed(r, &failure{Class: message.Transient, Reason: "the change did not stand in time"})
	case got.Ready: // nothing of it is under way: it was made by half, or not at all
		d.Tries++
		r.Move(Outdated, b.Now.Add(b.pace(d.Tries)))
	case !c.GraceBy.IsZero() && !b.Now.Before(c.GraceBy): // the guest has not stopped by itself
		r.Move(Outdated, b.Now)
	default:
		next := b.Now.Add(b.pace(d.Tries))
		if d.Tries++; !c.GraceBy.IsZero() && next.After(c.GraceBy) {
			next = c.GraceBy
		}
		r.Move(Changing, next)
	}
	return nil
}

// watched goes on with a change that was seen under way: by another worker, whose call may not have ended, or at the VIM.
func (s *stepping) watched(b *book, r *resourceRow) error {
	if r == nil || r.State != Changing {
		return nil
	}
	d, was := &r.Doc, s.doc.Intent
	in := d.Intent
	if (in == nil) != (was == nil) || in != nil && in.ID != was.ID {
		return nil // somebody went on with it
	}
	class := s.class(true)
	if in == nil {
		return s.seen(b, r, class)
	}
	shown := s.err == nil && s.got.Revision >= in.Revision
	if !shown && b.Now.Before(in.Deadline) {
		r.Move(Changing, b.nextLook(in))
		return nil
	}
	// It is changed once more, whatever is shown: what answers says that all of it stands, and the same change twice does no harm.
	another := d.Change.Revision != in.Revision
	if !another {
		d.Change.Called = true
		if s.err != nil && class != message.NotFound && b.Now.Before(d.Change.By) {
			return s.seen(b, r, class)
		}
	}
	b.loosen(d, in)
	d.Intent = nil
	switch {
	case another: // it begins when the call before can do no more
		d.Tries = 0
		r.Move(Outdated, b.free(d))
		return nil
	case s.err != nil:
		return s.seen(b, r, class)
	case !shown && !b.Now.Before(d.Change.By):
		return b.changeFailed(r, &failure{Class: message.UnknownOutcome, Reason: "the VIM gave no answer, and the change does not stand"})
	}
	r.Move(Outdated, b.Now)
	return nil
}

// seen goes on with a change by a look at the VIM.
func (s *stepping) seen(b *book, r *resourceRow, class message.Class) error {
	switch {
	case s.err == nil:
		return b.follow(r, s.got)
	case class == message.NotFound:
		return b.changeFailed(r, &failure{Class: class, Reason: "the resource is not there"})
	case !b.Now.Before(r.Doc.Change.By):
		return b.changeFailed(r, &failure{Class: class, Reason: hint(s.err)})
	}
	r.Doc.Tries++
	r.Move(Changing, b.Now.Add(b.pace(r.Doc.Tries)))
	return nil
}

// changeFailed ends a change that was not made, or not to its end. What stands is left: a later revision decides.
func (b *book) changeFailed(r *resourceRow, f *failure) error {
	d := &r.Doc
	called := d.Change != nil && d.Change.Called
	waiting := d.abandon()
	if d.Resource == nil && f.Class == message.NotFound { // the ledger does not know it, nor does the VIM
		d.Failure, d.Tries = f, 0
		r.Move(Failed, ledger.Until(b.Now, b.Retention))
		return b.failed(waiting, r, f)
	}
	told := *f
	switch {
	case f.Class == message.Superseded:
	case called:
		told.Partly = true
		told.Reason += "; what of the change was made is not known"
	case d.Revision > 0:
		told.Reason += fmt.Sprintf("; it stands at revision %d", d.Revision)
	}
	b.stands(r)
	return b.failed(waiting, r, &told)
}
