package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// cleanup is the type of the sagas that are of no operation: they release what one left.
const cleanup = "cleanup"

// lookAtTimers looks for timers of nothing, and for those that nobody fires.
func (l *look) lookAtTimers(ctx context.Context) error {
	now, err := l.cfg.Main.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the store's clock: %w", err)
	}
	for lane := range eventstore.Lanes {
		timers, err := l.cfg.Main.Timeouts(ctx, []int{lane}, time.Time{}, maxTimers)
		if err != nil {
			return fmt.Errorf("read timers: %w", err)
		}
		l.timers += len(timers)
		if len(timers) == maxTimers {
			l.unmade = append(l.unmade, Unmade{TimerOrphaned, fmt.Sprintf("lane %d has more timers than the %d that were looked at", lane, maxTimers)})
		}
		for _, t := range timers {
			if err := l.lookAtTimer(ctx, t, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookAtTimer looks at one timer. Its saga is mostly one of those that have not ended; else it is looked up.
func (l *look) lookAtTimer(ctx context.Context, t eventstore.Timeout, now time.Time) error {
	f := Finding{Where: "timer " + t.ID, Vnf: t.Key, Since: t.Due, version: strconv.FormatInt(t.Token, 10)}
	if t.Owner == saga.TimeoutOwner {
		known, unfinished := l.unfinished[sagaOf(t)]
		if !unfinished {
			loaded, err := l.cfg.Main.Load(ctx, eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: sagaOf(t)}}, Timeouts: []string{t.ID}})
			if err != nil {
				return fmt.Errorf("read the saga of a timer: %w", err)
			}
			row := loaded.Sagas[sagaOf(t)]
			switch {
			case loaded.Timeouts[t.ID] == nil: // it went meanwhile
			case row == nil || saga.State(row.State).Final():
				f.Check, f.What = TimerOrphaned, "its saga is not there"
				if row != nil {
					f.What = "its saga is " + row.State
				}
				f.Do = "It does no harm: a timer of nothing is dropped when it is due. Report it."
				l.found(f)
			}
			return nil // else it began meanwhile
		}
		if !known {
			return nil // its saga is a finding itself
		}
	}
	if l.waits[t.Key] {
		return nil // with the messages it must not overtake
	}
	if late := now.Sub(t.Due); late > l.cfg.Overdue {
		f.Check, f.What = TimerOverdue, fmt.Sprintf("due %s ago, and nobody has fired it", late.Round(1e9))
		f.Do = "See whether a node holds lane " + strconv.Itoa(t.Lane) + " (vnfm_lease_lanes) and what its log says of timers; start a node when none runs."
		l.found(f)
	}
	return nil
}

// maxTimers bounds the timers of a lane that are looked at. A saga has one.
const maxTimers = 1 << 14

// sagaOf returns the saga whose timer this is.
func sagaOf(t eventstore.Timeout) string {
	id, _, _ := strings.Cut(t.ID, "/")
	return id
}

// lookAtSagas looks for sagas that nothing will move on, and for operations and sagas of which one has lost the other.
func (l *look) lookAtSagas(ctx context.Context) error {
	for _, state := range saga.Unfinished {
		err := pages(func(after string, limit int) ([]eventstore.SagaRow, error) {
			return l.cfg.Main.Sagas(ctx, eventstore.SagaQuery{State: string(state), After: after, Limit: limit})
		}, func(r eventstore.SagaRow) string { return r.ID }, func(row eventstore.SagaRow) error {
			l.unfinished[row.ID], l.busy[row.Key] = l.knows(&row), true
			l.sagas++
			return l.lookAtSaga(ctx, row)
		})
		if err != nil {
			return fmt.Errorf("look at sagas: %w", err)
		}
	}
	for _, state := range []vnf.OpState{vnf.Starting, vnf.Processing, vnf.RollingBack, vnf.FailedTemp} {
		err := pages(func(after string, limit int) ([]eventstore.View, error) {
			return l.cfg.Main.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindOpOcc, State: string(state), After: after, Limit: limit})
		}, func(v eventstore.View) string { return v.ID }, func(v eventstore.View) error {
			l.busy[v.Parent] = true
			if _, unfinished := l.unfinished[v.ID]; !unfinished {
				l.found(Finding{
					Check: SagaOrphaned, Where: "operation " + v.ID, Vnf: v.Parent, Since: v.Updated, version: strconv.FormatInt(v.Revision, 10),
					What: "it is " + v.State + ", and no saga carries it on",
					Do:   "It will never end by itself. Report it with the instance's events; the database may have been restored in part.",
				})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("look at operations: %w", err)
		}
	}
	return nil
}

func (l *look) knows(row *eventstore.SagaRow) bool {
	return l.cfg.Knows == nil || l.cfg.Knows(row.Type, row.DefVersion)
}

// lookAtSaga looks at one saga that has not ended.
func (l *look) lookAtSaga(ctx context.Context, row eventstore.SagaRow) error {
	f := Finding{Where: row.Type + " saga " + row.ID, Vnf: row.Key, Since: row.Updated, version: strconv.FormatInt(row.Version, 10)}
	if !l.knows(&row) {
		f.Check, f.What = SagaUnknown, fmt.Sprintf("it is %s, of version %d, which this program does not know: it waits for one that does", row.State, row.DefVersion)
		f.Do = "Finish the upgrade: a node with the newer program goes on with it when it holds lane " + strconv.Itoa(eventstore.LaneOf(row.Key)) + "."
		l.found(f)
		return nil
	}
	timer := row.ID + "/" + saga.WakeUpName
	loaded, err := l.cfg.Main.Load(ctx, eventstore.Load{
		Timeouts: []string{timer},
		Views:    []eventstore.ViewRef{{Kind: readmodel.KindOpOcc, ID: row.ID}},
		Sagas:    []eventstore.SagaFrom{{ID: row.ID}},
	})
	if err != nil {
		return err
	}
	now := loaded.Sagas[row.ID]
	if now == nil || now.Version != row.Version {
		return nil // it moves
	}
	in, err := saga.Decode(now)
	if err != nil {
		f.Check, f.What = SagaIdle, "it cannot be read: "+err.Error()
		f.Do = "Report it. A program of another version may have written it."
		l.found(f)
		return nil //nolint:nilerr // what cannot be read is a finding
	}
	waits := in.State == saga.Held || in.State == saga.Stuck // for an operator
	switch {
	case waits || loaded.Timeouts[timer] != nil:
	case !in.Wake.IsZero():
		f.Check, f.What = SagaIdle, "it is "+row.State+" and waits for a timer that is not there"
	case !outstanding(in):
		f.Check, f.What = SagaIdle, "it is "+row.State+", and has neither a timer nor a command under way"
	}
	if f.Check != "" {
		f.Do = "It will not move by itself. Cancel the operation (vnfm op cancel), then decide about it; report it."
		if in.Type == cleanup {
			f.Do = "It will not move by itself. Report it, with the log of the time it stood still."
		}
		l.found(f)
	}
	if in.Type == cleanup {
		return nil
	}
	f.Check = SagaOrphaned
	op := loaded.Views[eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: in.ID}]
	switch {
	case op == nil:
		f.What = "it is " + row.State + ", and its operation is not there"
	case vnf.OpState(op.State).Final():
		f.What = "it is " + row.State + ", and its operation is " + op.State
	default:
		return nil
	}
	f.Do = "Compare the views with the events (vnfmd rebuild --check) and write them anew when they differ; else report it."
	l.found(f)
	return nil
}

// outstanding reports whether a saga waits for the reply to a command.
func outstanding(in *saga.Instance) bool {
	for _, r := range in.Items {
		if len(r.Open) > 0 {
			return true
		}
	}
	return false
}
