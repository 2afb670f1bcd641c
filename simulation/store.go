package simulation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// nodeStore is the shared store as one node sees it: the place of suspensions, crashes and faults.
type nodeStore struct {
	eventstore.Store
	w *world
	n *node
}

func (s *nodeStore) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	s.w.pause(s.n, "load")
	if s.w.fault(StoreAway) {
		return nil, eventstore.ErrUnavailable
	}
	return s.Store.Load(ctx, l)
}

func (s *nodeStore) Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error) {
	s.w.pause(s.n, "records")
	return s.Store.Records(ctx, q)
}

func (s *nodeStore) Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	s.w.pause(s.n, "views")
	return s.Store.Views(ctx, q)
}

func (s *nodeStore) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]eventstore.Event, error) {
	s.w.pause(s.n, "stream")
	if s.w.fault(StoreAway) {
		return nil, eventstore.ErrUnavailable
	}
	return s.Store.ReadStream(ctx, stream, after, limit)
}

func (s *nodeStore) Timeouts(ctx context.Context, lanes []int, by time.Time, limit int) ([]eventstore.Timeout, error) {
	s.w.pause(s.n, "timeouts")
	return s.Store.Timeouts(ctx, lanes, by, limit)
}

// Cursors may be read long before what is read is acted on: meanwhile the lane may be lost, and be held again.
func (s *nodeStore) Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error) {
	at, err := s.Store.Cursors(ctx, consumer)
	s.w.pause(s.n, "cursors")
	if t := s.w.current; t != nil && s.w.fault(TaskOvertaken) {
		t.wakeAt = s.w.now.Add(s.w.between(leaseTTL, 4*leaseTTL))
		s.w.suspend(t, "cursors overtaken")
	}
	return at, err
}

func (s *nodeStore) Lease(ctx context.Context, r eventstore.LeaseRequest) (eventstore.Leases, error) {
	s.w.pause(s.n, "lease")
	if s.w.fault(StoreAway) {
		return eventstore.Leases{}, eventstore.ErrUnavailable
	}
	leases, err := s.Store.Lease(ctx, r)
	for _, l := range leases.Held {
		s.w.observed.epochs[l.RoleLane] = max(s.w.observed.epochs[l.RoleLane], l.Epoch)
	}
	s.w.pause(s.n, "leased")
	return leases, err
}

// Execute decides on what was loaded, lets others go first, and then writes: as without key locks. So what the program
// may rely on is the guards.
func (s *nodeStore) Execute(ctx context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	w := s.w
	w.pause(s.n, "begin")
	if w.fault(CrashBeforeCommit) {
		w.die(s.n)
	}
	if w.fault(StoreAway) {
		return nil, eventstore.ErrUnavailable
	}
	results, err := s.execute(ctx, works)
	if len(works) > 1 {
		w.happened[Batched]++
		if errors.Is(err, eventstore.ErrVersion) {
			w.happened[BatchSplit]++
		}
	}
	return results, err
}

func (s *nodeStore) execute(ctx context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	w := s.w
	at := w.now
	highest := make([]int64, len(works))
	stale := make([]*eventstore.Loaded, len(works))
	for i, work := range works {
		var l eventstore.Load
		if work.Load != nil {
			l = work.Load()
		}
		loaded, err := s.Store.Load(ctx, l)
		if err != nil {
			return nil, err
		}
		w.mutateLoaded(loaded)
		stale[i], highest[i] = loaded, w.protocol.highest[work.Keys[0]]
	}
	w.pause(s.n, "decided")
	w.overtake(pick(w.rng, works).Keys[0])
	plan := commitPlan{at: at, refuse: w.fault(CommitRefused), lateAck: w.fault(CommitLateAck), unknown: w.fault(CommitUnknown)}
	crash := w.fault(CrashAfterCommit)
	var cursors map[string][eventstore.Lanes]eventstore.Position
	if w.lacks(NoPosition) {
		cursors = w.allCursors()
	}
	var after []message.Message
	held := make([]*eventstore.Work, len(works))
	for i, work := range works {
		held[i] = &eventstore.Work{Keys: work.Keys, Shared: work.Shared, Load: work.Load}
		held[i].Decide = func(fresh *eventstore.Loaded) (*eventstore.Commit, error) {
			c, err := work.Decide(stale[i])
			if err != nil || c == nil || c.Empty() {
				return nil, err
			}
			s.identify(c)
			claim := claimOf(c, highest[i])
			if claim.by = s.n.asked[work]; claim.by == nil {
				claim.by = w.current
			}
			if w.lacks(NoSettle) {
				if err := s.impatient(stale[i], c); err != nil {
					return nil, err
				}
				claim.outbox = c.Outbox
			}
			on, late := w.network(c.Outbox)
			c.Outbox, w.plan.late = on, append(w.plan.late, late...)
			apart := w.mutate(c, stale[i], fresh, cursors)
			after = append(after, apart...)
			claim.arrives = slices.Concat(c.Outbox, apart)
			w.plan.commits, w.plan.claims = append(w.plan.commits, c), append(w.plan.claims, claim)
			return c, nil
		}
	}
	w.plan = plan
	results, err := s.Store.Execute(ctx, held)
	w.plan = commitPlan{}
	if err != nil {
		w.tracef("  %s refused: %v", s.n.name, firstLine(err))
	}
	if crash {
		w.die(s.n)
	}
	if plan.lateAck && err == nil && w.lacks(NoCommitID) {
		return s.execute(ctx, works) // nobody knows whether it was written: try again
	}
	if len(after) > 0 && err == nil {
		w.pause(s.n, "outbox of its own") // the mutant's second transaction
		if w.rng.IntN(20) == 0 && !w.quiet {
			w.die(s.n)
		}
		w.publish(after)
	}
	if plan.unknown && err != nil {
		w.pause(s.n, "unknown")
	}
	return results, err
}

// identify gives the events of a commit ids that are the same in every run.
func (s *nodeStore) identify(c *eventstore.Commit) {
	for i := range c.Appends {
		c.Appends[i].Events = slices.Clone(c.Appends[i].Events)
		for j := range c.Appends[i].Events {
			if e := &c.Appends[i].Events[j]; e.ID == "" {
				e.ID = s.w.newID()
			}
		}
	}
}

// lateMessage is on its way.
type lateMessage struct {
	due   time.Time
	until func() bool // kept back until it says true; nil: it is not
	msg   message.Message
}

// delay is how long a message is on its way: overtaken by others, by its timeout, or by the end of its operation.
func (w *world) delay() time.Duration {
	return w.between(0, pick(w.rng, []time.Duration{5 * time.Second, 100 * time.Second, 400 * time.Second}))
}

// hold keeps a message back until the operation under way of its key has ended, or the one after it.
func (w *world) hold(m message.Message) lateMessage {
	at := w.protocol.ended[m.Key] + 1 + w.rng.IntN(2)
	return lateMessage{w.now.Add(w.delay() / 20), func() bool { return w.protocol.ended[m.Key] >= at }, m}
}

// network loses, delays, keeps back and doubles messages to and from participants, and returns those that arrive.
func (w *world) network(msgs []message.Message) (out []message.Message, late []lateMessage) {
	for _, m := range msgs {
		switch {
		case w.fault(MessageLost):
			w.observed.sent[m.ID] = true
			w.tracef("  lost %s %s", m.Topic, m.ID[:8])
			continue
		case w.fault(MessageHeld):
			w.tracef("  held %s %s", m.Topic, m.ID[:8])
			w.observed.sent[m.ID] = true
			late = append(late, w.hold(m))
			continue
		case w.fault(MessageLate):
			late = append(late, lateMessage{w.now.Add(w.delay()), nil, m})
			continue
		case w.fault(MessageTwice):
			switch w.rng.IntN(3) {
			case 0:
				out = append(out, m)
			case 1:
				late = append(late, lateMessage{w.now.Add(w.delay()), nil, m})
			default:
				late = append(late, w.hold(m))
			}
		}
		out = append(out, m)
	}
	return out, late
}

// publish writes messages as they are.
func (w *world) publish(msgs []message.Message) {
	for _, m := range msgs {
		_, err := w.store.Execute(context.Background(), []*eventstore.Work{{
			Keys: []string{m.Key},
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				c := &eventstore.Commit{Outbox: []message.Message{m}}
				w.plan.commits, w.plan.claims = []*eventstore.Commit{c}, []claim{{}}
				return c, nil
			},
		}})
		w.plan = commitPlan{}
		w.must(err)
	}
}

// arrive publishes the late messages that are due.
func (w *world) arrive() {
	var due []message.Message
	w.late = slices.DeleteFunc(w.late, func(l lateMessage) bool {
		if l.due.After(w.now) || l.until != nil && !l.until() {
			return false
		}
		due = append(due, l.msg)
		return true
	})
	w.publish(due)
}

// letGo has everything arrive that is kept back, but for what the other orchestrator gave up for something that was lost:
// nothing keeps that from being carried out.
func (w *world) letGo() {
	w.late = slices.DeleteFunc(w.late, func(l lateMessage) bool {
		t := w.other.of[l.msg.ID]
		return t != nil && t.phase == forgotten && w.protocol.highest[w.other.key] <= t.op
	})
	for i := range w.late {
		w.late[i].until = nil
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
