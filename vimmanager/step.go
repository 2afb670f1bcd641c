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

// step moves one due row on.
func (w *Worker) step(ctx context.Context, rec eventstore.Record) error {
	if rec.Table == eventstore.TableVimCommands {
		return w.stepCommand(ctx, rec)
	}
	s := &stepping{Config: w.cfg, rec: rec}
	if err := json.Unmarshal(rec.Doc, &s.doc); err != nil {
		return fmt.Errorf("ledger row %s: %w", rec.ID, err)
	}
	ctx = w.cfg.Context(ctx, s.doc.Trace)
	if len(s.doc.Cancelled) > 0 {
		return s.tellCancelled(ctx)
	}
	if rec.State == Failed || rec.State == Released {
		return s.forget(ctx)
	}
	var err error
	if s.conn, s.driver, err = w.cfg.vim(ctx, s.doc.Owner, rec.Group); vnfm.KindOf(err) == vnfm.Unavailable {
		return err // the registry cannot be read now: what is configured is not known
	}
	if err == nil && s.conn.Disabled && rec.State == Wanted {
		err = vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %s is disabled", rec.Group)
	}
	if err != nil {
		return s.noVim(ctx, err)
	}
	switch rec.State {
	case Wanted:
		return s.start(ctx)
	case Starting, Unresolved:
		return s.look(ctx)
	case Building:
		return s.poll(ctx)
	case Clearing:
		return s.clear(ctx)
	case Releasing:
		return s.release(ctx)
	default:
		return fmt.Errorf("ledger row %s is due in state %q", rec.ID, rec.State)
	}
}

// stepping is one step of one row.
type stepping struct {
	Config
	rec    eventstore.Record
	doc    resource // as read; a change looks at the row again
	intent string   // id of the intent that the last change committed, "" when it committed none
	conn   vim.Connection
	driver vim.Driver
}

// change runs f on the row as it is now. A row that is gone, or not in one of the states, is left alone.
func (s *stepping) change(ctx context.Context, f func(*ledger, *resourceRow) error, states ...string) error {
	return s.Config.change(ctx, s.rec.Key, s.refs(), []string{s.rec.ID}, func(lg *ledger) error {
		s.intent = "" // run again, f may not be called: another worker was first
		r, err := lg.resource(s.rec.ID)
		if err != nil || r == nil {
			return err
		}
		for _, state := range states {
			if r.State == state {
				return f(lg, r)
			}
		}
		return nil
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
	if s.doc.Attempt > 0 {
		return s.doc.Attempt
	}
	return s.Attempt
}

// tellCancelled answers the reserves that a release overtook.
func (s *stepping) tellCancelled(ctx context.Context) error {
	return s.change(ctx, func(lg *ledger, r *resourceRow) error {
		cancelled := r.doc.Cancelled
		r.doc.Cancelled = nil
		due := r.Due
		if r.State == Releasing && r.doc.Intent != nil {
			due = lg.resolved(r.doc.Intent)
		}
		r.move(r.State, due)
		return lg.settle(cancelled, r, itemCancelled, nil)
	}, Releasing, Released)
}

// forget removes a row that was kept for the retention time.
func (s *stepping) forget(ctx context.Context) error {
	_, err := s.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{s.rec.Key},
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: s.rec, Expected: s.rec.Version, Delete: true}}}, nil
		},
	})
	if errors.Is(err, eventstore.ErrVersion) {
		return nil // somebody wants it after all
	}
	return err
}

// noVim answers for a row whose VIM cannot be spoken to because nothing is configured for it.
func (s *stepping) noVim(ctx context.Context, cause error) error {
	class := message.Permanent
	if vnfm.KindOf(cause) == vnfm.Internal { // an operator can mend the key file
		class = message.Unavailable
	}
	return s.change(ctx, func(lg *ledger, r *resourceRow) error {
		f := &failure{class, cause.Error()}
		switch r.State {
		case Wanted:
			return lg.fail(r, f)
		case Releasing:
			return lg.releaseFailed(r, f)
		default: // something may stand there: look again when it may be configured
			r.move(r.State, lg.now.Add(lg.PollMax))
			return nil
		}
	}, Wanted, Starting, Unresolved, Building, Clearing, Releasing)
}

// start commits the intent, looks the token up, creates what is not there, and commits what came of it.
func (s *stepping) start(ctx context.Context) error {
	// The clock of the call starts before the intent's: the call is given up by the intent's deadline.
	call, cancel := context.WithTimeout(ctx, s.attempt())
	defer cancel()
	err := s.change(ctx, func(lg *ledger, r *resourceRow) error {
		f, err := get(lg, lg.fences, fenceRef(r.doc.Owner))
		if err != nil {
			return err
		}
		if f != nil && r.doc.Fence < f.doc.Highest {
			return lg.fail(r, &failure{message.Permanent, fmt.Sprintf("superseded: operation %d of the VNF has begun", f.doc.Highest)})
		}
		s.intent = r.ID + "/" + strconv.FormatInt(r.Version, 10)
		r.doc.Intent = &intent{ID: s.intent, Deadline: lg.now.Add(s.attempt())}
		r.move(Starting, lg.now.Add(min(lg.Look, s.attempt())))
		s.doc = r.doc
		return nil
	}, Wanted)
	id := s.intent
	if err != nil || id == "" {
		return err
	}
	got, err := s.driver.Find(call, s.conn, s.doc.Kind, s.doc.Token)
	class := vim.ClassOf(err)
	switch class {
	case message.NotFound:
		got, err = s.make(call)
		class = vim.ClassOf(err)
	case message.UnknownOutcome: // a look changes nothing: its outcome is that the VIM is away
		class = message.Unavailable
	}
	if err != nil && ctx.Err() != nil {
		return nil // this process is stopping; the intent tells the next one
	}
	return s.conclude(context.WithoutCancel(ctx), id, got, class, err)
}

// conclude commits what came of a Start. When the row is no longer about this intent, what was made is not wanted there,
// unless a later attempt is under way, which will find it: then the row has it released.
func (s *stepping) conclude(ctx context.Context, intentID string, got vim.Resource, class message.Class, cause error) error {
	return s.Config.change(ctx, s.rec.Key, s.refs(), []string{s.rec.ID}, func(lg *ledger) error {
		r, err := lg.resource(s.rec.ID)
		if err != nil {
			return err
		}
		if r == nil {
			r = add(lg, lg.resources, resourceRef(s.rec.ID), s.rec.Key, s.rec.Group)
			r.doc, r.State = s.doc, Failed // the ledger was lost: no release has come, so the token may be asked for again
			r.doc.Intent, r.doc.Waiting, r.doc.Failing, r.doc.Cancelled, r.doc.Releasing = nil, nil, nil, nil, nil
		}
		ours := r.doc.Intent != nil && r.doc.Intent.ID == intentID
		mayStand := cause == nil || class == message.UnknownOutcome
		switch {
		case ours && r.State == Releasing:
			if class == message.UnknownOutcome {
				return nil // the release waits for the deadline
			}
			r.doc.Intent = nil
			r.move(Releasing, lg.now)
			return nil
		case ours && cause == nil:
			return lg.take(r, got)
		case ours && class == message.UnknownOutcome:
			r.doc.Intent.Silence = cause.Error()
			r.move(Unresolved, lg.nextLook(r.doc.Intent))
			return nil
		case ours:
			return lg.fail(r, &failure{class, hint(cause)})
		case mayStand && r.State == Released:
			r.doc.Intent = &intent{ID: intentID, Deadline: lg.now}
			r.move(Releasing, lg.now)
		case mayStand && r.State == Failed:
			lg.clear(r, nil)
		}
		return nil
	})
}

// nextLook returns when an open intent is looked up next: soon and often until its deadline, then at the deadline.
func (lg *ledger) nextLook(in *intent) time.Time {
	next := lg.now.Add(lg.Look)
	if lg.now.Before(in.Deadline) && next.After(in.Deadline) {
		return in.Deadline
	}
	return next
}

// hint is what people are told of an error.
func hint(err error) string {
	var e *vim.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return err.Error()
}

// look resolves an intent whose outcome is open.
func (s *stepping) look(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, s.attempt())
	defer cancel()
	got, err := s.driver.Find(call, s.conn, s.doc.Kind, s.doc.Token)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	looked := s.doc.Intent
	return s.change(context.WithoutCancel(ctx), func(lg *ledger, r *resourceRow) error {
		in := r.doc.Intent
		switch {
		case in == nil || looked == nil || in.ID != looked.ID:
			return nil
		case err == nil:
			return lg.take(r, got)
		case vim.ClassOf(err) != message.NotFound:
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
	}, Starting, Unresolved)
}

// poll looks at what is being built.
func (s *stepping) poll(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, s.attempt())
	defer cancel()
	got, err := s.driver.Poll(call, s.conn, s.doc.Kind, s.doc.Resource.ID)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	return s.change(context.WithoutCancel(ctx), func(lg *ledger, r *resourceRow) error {
		if r.doc.Resource == nil || r.doc.Resource.ID != s.doc.Resource.ID {
			return nil
		}
		switch {
		case vim.ClassOf(err) == message.NotFound:
			return lg.fail(r, &failure{message.Transient, "the resource vanished while it was being built"})
		case err == nil && (got.Ready || got.Failed != nil):
			return lg.take(r, got)
		case !lg.now.Before(r.doc.BuildBy):
			lg.clear(r, &failure{message.Transient, "the resource was not ready within " + lg.Build.String()})
			return nil
		default:
			r.doc.Tries++
			r.move(Building, lg.now.Add(lg.pace(r.doc.Tries)))
			return nil
		}
	}, Building)
}

// clear removes what failed, for as long as it takes. Unlike a tombstone's, its token may be asked for again: a Release
// whose outcome is open, because its answer or its worker was lost, must not meet what is made then. So a Release has an
// intent, too, and an open one is waited for before the row is clear.
func (s *stepping) clear(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, s.attempt())
	defer cancel()
	err := s.change(ctx, func(lg *ledger, r *resourceRow) error {
		in := &intent{ID: r.ID + "/" + strconv.FormatInt(r.Version, 10), Deadline: lg.now.Add(s.attempt())}
		if before := r.doc.Intent; before != nil && !before.Quarantined {
			in.Silence = "a release before this one was not answered"
		}
		s.intent, r.doc.Intent = in.ID, in
		r.move(Clearing, lg.now.Add(lg.Look))
		return nil
	}, Clearing)
	id := s.intent
	if err != nil || id == "" {
		return err
	}
	done, err := s.driver.Release(call, s.conn, s.doc.Kind, s.doc.Token)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	return s.change(context.WithoutCancel(ctx), func(lg *ledger, r *resourceRow) error {
		in := r.doc.Intent
		if in == nil || in.ID != id {
			return nil
		}
		if vim.ClassOf(err) == message.UnknownOutcome {
			in.Silence = err.Error()
		}
		switch {
		case err == nil && done && in.Silence == "":
			r.doc.Intent = nil
			return lg.cleared(r)
		case err == nil && done:
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
	}, Clearing)
}

// release releases a token. An intent that was open when the release came may still have its effect: its deadline is
// waited for, and the token released again after the quarantine.
func (s *stepping) release(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, s.attempt())
	defer cancel()
	done, err := s.driver.Release(call, s.conn, s.doc.Kind, s.doc.Token)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	return s.change(context.WithoutCancel(ctx), func(lg *ledger, r *resourceRow) error {
		in := r.doc.Intent
		switch {
		case err != nil:
			return lg.releaseFailed(r, &failure{vim.ClassOf(err), hint(err)})
		case !done:
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
	}, Releasing)
}

// releaseFailed tells the releases that wait. The tombstone stands; whether to try again is for them to say.
func (lg *ledger) releaseFailed(r *resourceRow, f *failure) error {
	releasing := r.doc.Releasing
	r.doc.Releasing, r.doc.Failure = nil, f
	r.move(Releasing, time.Time{})
	return lg.settle(releasing, r, itemFailed, f)
}

// stepCommand moves a due command row on: one that failed in part has what stands of it cleared away; an old one goes.
func (w *Worker) stepCommand(ctx context.Context, rec eventstore.Record) error {
	if rec.State == CommandDone {
		return (&stepping{Config: w.cfg, rec: rec}).forget(ctx)
	}
	var cmd command
	if err := json.Unmarshal(rec.Doc, &cmd); err != nil {
		return fmt.Errorf("ledger row %s: %w", rec.ID, err)
	}
	var tokens []string
	for _, it := range cmd.Items {
		tokens = append(tokens, it.Token.String())
	}
	return w.cfg.change(ctx, rec.Key, []eventstore.RecordRef{commandRef(rec.ID)}, tokens, func(lg *ledger) error {
		c, err := lg.command(rec.ID)
		if err != nil || c == nil || c.State != CommandClearing {
			return err
		}
		c.move(CommandClearing, time.Time{})
		for i := range c.doc.Items {
			it := &c.doc.Items[i]
			if it.State != itemDone {
				continue
			}
			r, err := lg.resource(it.Token.String())
			if err != nil {
				return err
			}
			if r == nil { // the ledger went back
				it.State = itemCleared
				continue
			}
			r.changed = true
			// Released meanwhile; or a later attempt has joined the row, and it is that one's to clear.
			if held := r.doc.letGo(c.ID); held || r.State != Active {
				it.State = itemCleared
				continue
			}
			it.State = itemClearing
			r.doc.Failing = append(r.doc.Failing, c.ID)
			lg.clear(r, nil)
		}
		lg.complete(c)
		return nil
	})
}
