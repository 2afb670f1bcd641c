package vimmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// stepping is one step of one row: what is committed before the call to the VIM, the call, and what is committed of it.
type stepping struct {
	Config
	rec    eventstore.Record
	doc    resource // as begin left it; without begin, as it was read
	conn   vim.Connection
	driver vim.Driver

	begin func(*ledger, *resourceRow) error // commits an intent; nil when the call needs none
	call  func(context.Context)             // nil when there is nothing to ask the VIM
	end   func(*ledger, *resourceRow) error // commits what came of the call; the row is nil when the ledger was lost

	intent string       // id of the intent that begin committed; "" when it committed none, and no call is made
	found  vim.Resource // by the look before a Change
	got    vim.Resource
	done   bool // of a Release
	err    error
}

// prepare says what the step of a due row is; nil: it was kept for the retention time, and goes.
func (w *Worker) prepare(ctx context.Context, rec eventstore.Record) (*stepping, error) {
	if rec.Table == eventstore.TableVimCommands {
		return nil, nil
	}
	s := &stepping{Config: w.cfg, rec: rec}
	if err := json.Unmarshal(rec.Doc, &s.doc); err != nil {
		return nil, fmt.Errorf("ledger row %s: %w", rec.ID, err)
	}
	switch {
	case len(s.doc.Cancelled) > 0:
		s.begin = tellCancelled
		return s, nil
	case rec.State == Failed || rec.State == Released:
		return nil, nil
	}
	var err error
	if s.conn, s.driver, err = w.cfg.vim(ctx, s.doc.Owner, rec.Group); vnfm.KindOf(err) == vnfm.Unavailable {
		return nil, err // the registry cannot be read now: what is configured is not known
	}
	if err == nil && s.conn.Disabled && rec.State == Wanted {
		err = vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %s is disabled", rec.Group)
	}
	if err != nil {
		s.err, s.begin = err, s.noVim
		return s, nil
	}
	switch rec.State {
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
		return nil, fmt.Errorf("ledger row %s is due in state %q", rec.ID, rec.State)
	}
	return s, nil
}

// step moves one due row on.
func (w *Worker) step(ctx context.Context, rec eventstore.Record) error {
	s, err := w.prepare(ctx, rec)
	switch {
	case err != nil:
		return err
	case s == nil:
		return w.forget(ctx, rec)
	}
	ctx = s.Context(ctx, s.doc.Trace)
	// The clock of the call starts before the intent's: the call is given up by the intent's deadline.
	call, cancel := context.WithTimeout(ctx, s.attempt())
	defer cancel()
	if s.begin != nil {
		err := s.commit(ctx, func(lg *ledger, r *resourceRow) error {
			s.intent = "" // run again, it may find that another worker was first
			if r == nil || r.State != s.rec.State {
				return nil
			}
			return s.begin(lg, r)
		})
		if err != nil || s.intent == "" {
			return err
		}
	}
	if s.call(call); s.err != nil && ctx.Err() != nil {
		return nil // this process is stopping; the row tells the next one
	}
	return s.commit(context.WithoutCancel(ctx), s.end)
}

// commit makes one change to the row.
func (s *stepping) commit(ctx context.Context, f func(*ledger, *resourceRow) error) error {
	return s.Config.change(ctx, s.rec.Key, s.refs(), []string{s.rec.ID}, func(lg *ledger) error {
		r, err := lg.resource(s.rec.ID)
		if err != nil {
			return err
		}
		if r != nil && len(r.doc.Superseded) > 0 {
			superseded := r.doc.Superseded
			r.doc.Superseded, r.changed = nil, true
			if err := lg.failed(superseded, r, supersededBy(r.doc.Highest)); err != nil {
				return err
			}
		}
		return f(lg, r)
	})
}

// refs are the rows a change will need, as far as is known: the VNF's fence and the commands that wait.
func (s *stepping) refs() []eventstore.RecordRef {
	refs := []eventstore.RecordRef{fenceRef(s.doc.Owner)}
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
func (s *stepping) intend(lg *ledger, r *resourceRow, state string) *intent {
	s.intent = r.ID + "/" + strconv.FormatInt(r.Version, 10)
	in := &intent{ID: s.intent, Deadline: lg.now.Add(s.attempt())}
	r.doc.Intent = in
	r.move(state, lg.now.Add(min(lg.Look, s.attempt())))
	s.doc = r.doc
	return in
}

// ours reports whether a row is still about the intent of this step.
func (s *stepping) ours(r *resourceRow) bool {
	return r != nil && r.doc.Intent != nil && r.doc.Intent.ID == s.intent
}

// obsolete reports whether an operation has begun after the one whose command a row is about, and why that ends it.
func (lg *ledger) obsolete(r *resourceRow, number int64) (*failure, error) {
	f, err := get(lg, lg.fences, fenceRef(r.doc.Owner))
	if err != nil || f == nil || number >= f.doc.Highest {
		return nil, err
	}
	return older(f.doc.Highest), nil
}

func (s *stepping) find(ctx context.Context) {
	s.got, s.err = s.driver.Find(ctx, s.conn, s.doc.Kind, s.doc.Token)
}

func (s *stepping) poll(ctx context.Context) {
	s.got, s.err = s.driver.Poll(ctx, s.conn, s.doc.Kind, s.doc.Resource.ID)
}

func (s *stepping) release(ctx context.Context) {
	s.done, s.err = s.driver.Release(ctx, s.conn, s.doc.Kind, s.doc.Token)
}

// class returns the class of the call's error. A look changes nothing: when its outcome is unknown, the VIM is away.
func (s *stepping) class(look bool) message.Class {
	class := vim.ClassOf(s.err)
	if look && class == message.UnknownOutcome {
		return message.Unavailable
	}
	return class
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
func tellCancelled(lg *ledger, r *resourceRow) error {
	cancelled := r.doc.Cancelled
	r.doc.Cancelled = nil
	due := r.Due
	if r.State == Releasing && r.doc.Intent != nil {
		due = lg.resolved(r.doc.Intent)
	}
	r.move(r.State, due)
	return lg.cancelled(cancelled, r)
}

// forget removes a row that was kept for the retention time, unless somebody wants it after all.
func (w *Worker) forget(ctx context.Context, rec eventstore.Record) error {
	_, err := w.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{rec.Key},
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: rec, Expected: rec.Version, Delete: true}}}, nil
		},
	})
	if errors.Is(err, eventstore.ErrVersion) {
		return nil
	}
	return err
}

// noVim answers for a row whose VIM cannot be spoken to because nothing is configured for it.
func (s *stepping) noVim(lg *ledger, r *resourceRow) error {
	class := message.Permanent
	if vnfm.KindOf(s.err) == vnfm.Internal { // an operator can mend the key file
		class = message.Unavailable
	}
	f := &failure{class, s.err.Error()}
	switch r.State {
	case Wanted:
		return lg.fail(r, f)
	case Outdated:
		return lg.changeFailed(r, f)
	case Releasing:
		return lg.releaseFailed(r, f)
	default: // something may be under way there: look again when it may be configured
		r.move(r.State, lg.now.Add(lg.PollMax))
		return nil
	}
}
