package vimmanager

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// stepping is one step of one row.
type stepping struct {
	Config
	rec    eventstore.Record
	doc    resource // as begin left it; without begin, as it was read
	conn   vim.Connection
	driver vim.Driver

	begin func(*book, *resourceRow) error // commits an intent; nil when the call needs none
	call  func(context.Context)           // nil when there is nothing to ask the VIM
	end   func(*book, *resourceRow) error // commits what came of the call; the row is nil when the ledger was lost

	intent string       // id of the intent that begin committed; "" when it committed none, and no call is made
	found  vim.Resource // by the look before a Change
	got    vim.Resource
	done   bool // of a Release
	err    error
	// unasked: the error is our own. The VIM was looked at before, and has answered.
	unasked bool
	// wait: calls to the VIM are held back, until then, because of an error like this one.
	wait  bool
	until time.Time
}

// step says what the step of a due row is.
func (cfg Config) step(ctx context.Context, rec eventstore.Record) (*ledger.Step, error) {
	if rec.Table != eventstore.TableVimResources {
		return nil, fmt.Errorf("row %s of %s is due in state %q", rec.ID, rec.Table, rec.State)
	}
	r, err := ledger.Decode[resource](rec)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	s := &stepping{Config: cfg, rec: rec, doc: r.Doc}
	if err := s.choose(ctx); err != nil {
		return nil, err
	}
	out := &ledger.Step{Load: s.refs(), Timeout: s.attempt()}
	if s.begin != nil {
		out.Begin = s.commitBegin
	}
	if s.call != nil {
		out.Call = func(call context.Context) error {
			ended := cfg.Gates.Begin(s.conn)
			s.call(cfg.Context(call, s.doc.Trace))
			if s.unasked {
				ended(call, nil)
			} else {
				ended(call, s.err)
				s.until, s.wait = cfg.Gates.Wait(s.conn.ID, s.err)
			}
			return s.err
		}
		out.End = func(lb *ledger.Book) error { return s.commit(lb, s.end) }
	}
	if s.begin != nil && s.call != nil {
		out.Deadline = func() time.Time { return s.doc.Intent.Deadline }
	}
	return out, nil
}

// choose sets what is done before, at and after the call.
func (s *stepping) choose(ctx context.Context) error {
	if len(s.doc.Cancelled) > 0 {
		s.begin = tellCancelled
		return nil
	}
	if s.conn, s.driver, s.err = s.vim(ctx, s.doc.Owner, s.rec.Group); vnfm.KindOf(s.err) == vnfm.Unavailable {
		return s.err // the registry cannot be read now: what is configured is not known
	}
	if s.err == nil && s.conn.Disabled && s.rec.State == Wanted {
		s.err = vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %s is disabled", s.rec.Group)
	}
	if s.err != nil {
		s.begin = s.noVim
		return nil //nolint:nilerr // those who wait are told
	}
	switch s.rec.State {
	case Wanted:
		s.begin, s.call, s.end = s.intendStart, s.start, s.started
	case Starting, Unresolved:
		s.call, s.end = s.find, s.looked
	case Building:
		s.call, s.end = s.poll, s.polled
	case Outdated:
		s.begin, s.call, s.end = s.intendChange, s.change, s.changed
	case Changing:
		s.call, s.end = s.poll, s.watched
		if s.doc.Intent != nil {
			s.call = s.find
		}
	case Clearing:
		s.begin, s.call, s.end = s.intendClear, s.release, s.cleared
	case Releasing:
		s.call, s.end = s.release, s.released
	default:
		return fmt.Errorf("row %s is due in state %q", s.rec.ID, s.rec.State)
	}
	return nil
}

// commitBegin commits what comes before the call, and reports whether there is to be one: another worker may have been first.
func (s *stepping) commitBegin(lb *ledger.Book) (bool, error) {
	s.intent = ""
	err := s.commit(lb, func(b *book, r *resourceRow) error {
		if r == nil || r.State != s.rec.State {
			return nil
		}
		return s.begin(b, r)
	})
	return s.intent != "", err
}

// commit makes a change to the row, and tells those whose change another one has taken the place of.
func (s *stepping) commit(lb *ledger.Book, f func(*book, *resourceRow) error) error {
	b := &book{s.Config, lb}
	r, err := b.resource(s.rec.ID)
	if err != nil {
		return err
	}
	if r != nil && len(r.Doc.Superseded) > 0 {
		superseded := r.Doc.Superseded
		r.Doc.Superseded = nil
		r.Touch()
		if err := b.failed(superseded, r, supersededBy(r.Doc.Highest)); err != nil {
			return err
		}
	}
	return f(b, r)
}

// refs are the rows a step will need, as far as is known: its own, the VNF's fence and the commands that wait.
func (s *stepping) refs() []eventstore.RecordRef {
	refs := []eventstore.RecordRef{resourceRef(s.rec.ID), fenceRef(s.doc.Owner)}
	for _, id := range s.doc.commands() {
		refs = append(refs, commandRef(id))
	}
	return refs
}

// attempt bounds one call to the VIM.
func (s *stepping) attempt() time.Duration {
	switch {
	case s.doc.Change != nil && s.doc.Change.Attempt > 0:
		return s.doc.Change.Attempt
	case s.doc.Attempt > 0:
		return s.doc.Attempt
	}
	return s.Attempt
}

// intend puts an intent into a row: from its commit on a call may be under way.
func (s *stepping) intend(b *book, r *resourceRow, state string) *intent {
	s.intent = r.ID + "/" + strconv.FormatInt(r.Version, 10)
	in := &intent{ID: s.intent, Deadline: b.Now.Add(s.attempt())}
	r.Doc.Intent = in
	r.Move(state, b.Now.Add(min(b.Look, s.attempt())))
	s.doc = r.Doc
	return in
}

// ours reports whether a row is still about the intent of this step.
func (s *stepping) ours(r *resourceRow) bool {
	return r != nil && r.Doc.Intent != nil && r.Doc.Intent.ID == s.intent
}

// obsolete reports whether an operation has begun after the one whose command a row is about, and why that ends it.
func (b *book) obsolete(r *resourceRow, number int64) (*failure, error) {
	f, err := ledger.Get[fence](b.Book, fenceRef(r.Doc.Owner))
	if err != nil || f == nil || number >= f.Doc.Highest {
		return nil, err
	}
	return older(f.Doc.Highest), nil
}

func (s *stepping) find(ctx context.Context) {
	s.got, s.err = s.driver.Find(ctx, s.conn, s.doc.Kind, s.doc.Token)
	s.err = s.hush(ctx, &s.got, s.err)
}

func (s *stepping) poll(ctx context.Context) {
	if s.doc.Kind.Shared() { // whose it is no id can tell
		s.find(ctx)
		return
	}
	s.got, s.err = s.driver.Poll(ctx, s.conn, s.doc.Kind, s.doc.Resource.ID)
	s.err = s.hush(ctx, &s.got, s.err)
}

// release releases the token. A VIM may refuse to release what is gone already, by a call before this one of which nobody heard: so it
// is looked whether there is anything that was refused.
func (s *stepping) release(ctx context.Context) {
	s.done, s.err = s.driver.Release(ctx, s.conn, s.doc.Kind, s.doc.Token)
	if s.err = s.hush(ctx, &s.got, s.err); s.err == nil || vim.ClassOf(s.err) == message.UnknownOutcome {
		return
	}
	if _, err := s.driver.Find(ctx, s.conn, s.doc.Kind, s.doc.Token); vim.ClassOf(err) == message.NotFound {
		s.done, s.err = true, nil
	}
}

// class returns the class of the call's error. A look changes nothing: when its outcome is unknown, the VIM is away.
func (s *stepping) class(look bool) message.Class {
	class := vim.ClassOf(s.err)
	if look && class == message.UnknownOutcome {
		return message.Unavailable
	}
	return class
}

// held has a row wait whose VIM is away, or asks for time, and reports whether it does: a call that did nothing is made again, from a state,
// once calls to the VIM are no longer held back, as long as that is within the time in which anybody is told anyway.
func (s *stepping) held(b *book, r *resourceRow, state string) bool {
	if !s.wait {
		return false
	}
	d := &r.Doc
	if d.HeldBy.IsZero() {
		d.HeldBy = b.Now.Add(b.Build)
	}
	if !b.Now.Before(d.HeldBy) {
		return false
	}
	r.Move(state, s.until)
	return true
}

// hint is what people are told of an error.
func hint(err error) string {
	var e *vim.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return err.Error()
}

// tellCancelled answers the commands that a release overtook.
func tellCancelled(b *book, r *resourceRow) error {
	cancelled := r.Doc.Cancelled
	r.Doc.Cancelled = nil
	due := r.Due
	if r.State == Releasing && r.Doc.Intent != nil {
		due = b.resolved(r.Doc.Intent)
	}
	r.Move(r.State, due)
	return b.cancelled(cancelled, r)
}

// noVim answers for a row whose VIM cannot be spoken to because nothing is configured for it.
func (s *stepping) noVim(b *book, r *resourceRow) error {
	class := message.Permanent
	if vnfm.KindOf(s.err) == vnfm.Internal { // an operator can mend the key file
		class = message.Unavailable
	}
	f := &failure{Class: class, Reason: s.err.Error()}
	switch r.State {
	case Wanted:
		return b.fail(r, f)
	case Outdated:
		return b.changeFailed(r, f)
	case Changing:
		if r.Doc.Intent == nil {
			return b.changeFailed(r, f)
		}
		return s.seen(b, r, class)
	case Releasing:
		return b.releaseFailed(r, f)
	case Starting, Unresolved:
		if r.Doc.Intent != nil {
			return b.blind(r, f.Reason)
		}
	case Clearing:
		return b.uncleared(r, f.Reason)
	}
	// It stands there, or something is under way: it is looked at again when the VIM may be configured.
	r.Move(r.State, b.Now.Add(b.PollMax))
	return nil
}
