// Package batch turns a batch of works into rows, the same way for every back-end: it runs the Decide functions, fills
// in what execution owns (ids, lanes, times, versions, hashes) and flattens the commits into one list per table.
//
// It owns the rules, never a database. A back-end loads, calls Decide, looks up the Missing heads if there are any,
// calls Seal, writes the lists in the order of the fields of Batch, allots offsets last and calls Number. Within a
// list, rows are in an order that two batches agree on, so that row locks are taken in one order.
package batch

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Batch is what a batch of works writes. Its lists are in the order in which they are to be written: within one commit
// a timeout is fired or cancelled first and set last, so that setting one wins.
type Batch struct {
	// ID is unique to the transaction and stored in it, so that its outcome can be looked up when the acknowledgement was lost.
	ID      string
	Now     time.Time
	Results []eventstore.Result
	// Commits are those that write anything, in the order of the works.
	Commits []*eventstore.Commit

	Idempotency []eventstore.IdempotencyResult
	Handled     []eventstore.HandledMark
	Fired       []eventstore.FiredTimer
	Cursors     []eventstore.CursorMove
	Expect      []eventstore.StreamVersion
	Heads       []Head
	SagaDeletes []eventstore.SagaRow
	Sagas       []Saga
	Cancelled   []string
	Timeouts    []eventstore.Timeout
	ViewDeletes []eventstore.ViewRef
	Views       []eventstore.View
	Records     []eventstore.RecordWrite
	Snapshots   []eventstore.Snapshot
	Unsnapped   []string
	Unparked    []string
	Parked      []eventstore.ParkedMessage
	Lanes       []Lane

	loaded []*eventstore.Loaded // of the work of each commit
}

// Head is a stream's head to be written, guarded by the version and the hash that were read.
type Head struct {
	Stream   string
	Expected int64
	Prev     []byte
	Version  int64
	Hash     []byte
	Last     time.Time
}

// Saga is a saga row to be written, with its lane.
type Saga struct {
	eventstore.SagaRow
	Lane int
}

// Lane says how many offsets a lane needs. After allotment the bases are the last offsets taken before.
type Lane struct {
	Lane                   int
	Events, Outbox         int
	EventBase, OutboxBase  int64
	nextEvent, nextMessage int64
}

// never is a version at which no stream is: a guard on it fails.
const never = -1

// Micro is a time as every back-end keeps it: UTC, in microseconds, zero when it is zero.
func Micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Decide runs the works on what was loaded for them. A Decide that panics has failed with an Internal error.
func Decide(now time.Time, works []*eventstore.Work, loaded []*eventstore.Loaded) *Batch {
	b := &Batch{ID: NewID(), Now: Micro(now), Results: make([]eventstore.Result, len(works))}
	for i, w := range works {
		loaded[i].Now = b.Now
		c, err := decide(w, loaded[i])
		if err != nil {
			b.Results[i].Err = err
			continue
		}
		if c == nil || c.Empty() {
			continue
		}
		c.Key = w.Keys[0]
		c.Lane = eventstore.LaneOf(c.Key)
		c.Time = b.Now
		b.Results[i].Commit = c
		b.Commits = append(b.Commits, c)
		b.loaded = append(b.loaded, loaded[i])
	}
	return b
}

func decide(w *eventstore.Work, l *eventstore.Loaded) (c *eventstore.Commit, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, vnfm.Wrap(vnfm.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "decide")
		}
	}()
	return w.Decide(l)
}

// Loads asks the works what they need. A work whose Load panics is replaced by one that fails with an Internal error.
func Loads(works []*eventstore.Work) ([]*eventstore.Work, []eventstore.Load) {
	works = slices.Clone(works)
	loads := make([]eventstore.Load, len(works))
	for i, w := range works {
		if w.Load == nil {
			continue
		}
		var err error
		if loads[i], err = load(w); err != nil {
			works[i] = &eventstore.Work{
				Keys: w.Keys, Shared: w.Shared,
				Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return nil, err },
			}
		}
	}
	return works, loads
}

func load(w *eventstore.Work) (l eventstore.Load, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = vnfm.Wrap(vnfm.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "load")
		}
	}()
	return w.Load(), nil
}

// KnownTable reports whether a ledger table exists.
func KnownTable(name string) bool { return slices.Contains(eventstore.Tables, name) }

// NewID returns a UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Missing lists the streams that are appended to and were not loaded: their heads are needed for Seal.
func (b *Batch) Missing() []string {
	var out []string
	for i, c := range b.Commits {
		for _, a := range c.Appends {
			if _, ok := b.loaded[i].Streams[a.Stream]; !ok && a.Expected > 0 && !slices.Contains(out, a.Stream) {
				out = append(out, a.Stream)
			}
		}
	}
	return out
}

// Seal numbers and hashes the events and fills the lists. heads holds the Missing streams that exist.
func (b *Batch) Seal(heads map[string]*eventstore.StreamState) {
	lanes := map[int]*Lane{}
	writer := map[string]int{}
	for i, c := range b.Commits {
		for _, a := range c.Appends {
			writer[a.Stream] = i
		}
	}
	for i, c := range b.Commits {
		for _, e := range c.Expect {
			// Two works of one batch must not both rely on what the other changes.
			if j, ok := writer[e.Stream]; ok && j != i {
				e.Version = never
			}
			b.Expect = append(b.Expect, e)
		}
		b.seal(c, b.loaded[i].Streams, heads)
		b.flatten(c)
		l := lanes[c.Lane]
		if l == nil {
			l = &Lane{Lane: c.Lane}
			lanes[c.Lane] = l
		}
		l.Events += len(c.Events)
		l.Outbox += len(c.Messages)
	}
	for _, l := range lanes {
		if l.Events+l.Outbox > 0 {
			b.Lanes = append(b.Lanes, *l)
		}
	}
	b.order()
}

// seal makes the events and messages of one commit.
func (b *Batch) seal(c *eventstore.Commit, loaded, heads map[string]*eventstore.StreamState) {
	n := 0
	for _, a := range c.Appends {
		n += len(a.Events)
	}
	c.Events, c.Messages = make([]eventstore.Event, 0, n), make([]eventstore.OutboxRecord, 0, len(c.Outbox))
	mine := map[string]int{} // stream → index in b.Heads
	for _, a := range c.Appends {
		if len(a.Events) == 0 {
			continue
		}
		at, again := mine[a.Stream]
		if !again {
			h := loaded[a.Stream]
			if h == nil {
				h = heads[a.Stream]
			}
			if h == nil || a.Expected == 0 {
				h = &eventstore.StreamState{}
			}
			at = len(b.Heads)
			mine[a.Stream] = at
			b.Heads = append(b.Heads, Head{
				Stream: a.Stream, Expected: a.Expected, Version: a.Expected, Prev: h.Hash, Hash: h.Hash, Last: h.Last,
			})
		} else if b.Heads[at].Version != a.Expected {
			b.Heads[at].Expected = never
		}
		head := &b.Heads[at]
		for _, e := range a.Events {
			e.Lane, e.Key, e.Stream, e.Version, e.Prev = c.Lane, c.Key, a.Stream, head.Version+1, head.Hash
			e.Time = b.Now
			if head.Last.After(e.Time) {
				e.Time = head.Last
			}
			if e.ID == "" {
				e.ID = NewID()
			}
			e.Hash = e.Seal()
			head.Version, head.Hash, head.Last = e.Version, e.Hash, e.Time
			c.Events = append(c.Events, e)
		}
	}
	for _, m := range c.Outbox {
		m.Time = Micro(m.Time)
		if m.Time.IsZero() {
			m.Time = b.Now
		}
		c.Messages = append(c.Messages, eventstore.OutboxRecord{Lane: c.Lane, Message: m})
	}
}

// flatten adds a commit's rows to the lists.
func (b *Batch) flatten(c *eventstore.Commit) {
	if r := c.Idempotency; r != nil {
		r.At = b.Now
		b.Idempotency = append(b.Idempotency, *r)
	}
	b.Handled = append(b.Handled, c.Handled...)
	b.Fired = append(b.Fired, c.Fired...)
	b.Cancelled = append(b.Cancelled, c.Cancelled...)
	for _, a := range c.Appends {
		if len(a.Events) == 0 {
			b.Expect = append(b.Expect, eventstore.StreamVersion{Stream: a.Stream, Version: a.Expected})
		}
	}
	b.Unparked = append(b.Unparked, c.Unparked...)
	b.Unsnapped = append(b.Unsnapped, c.Unsnapped...)
	for _, m := range c.Cursors {
		b.move(m)
	}
	for _, s := range c.Sagas {
		if s.Delete {
			b.SagaDeletes = append(b.SagaDeletes, s)
			continue
		}
		s.Version, s.Created, s.Updated = s.Expected+1, b.Now, b.Now
		if s.Ended {
			s.EndedAt = b.Now
		}
		for i := range s.Items {
			s.Items[i].Version = s.Version
		}
		b.Sagas = append(b.Sagas, Saga{SagaRow: s, Lane: c.Lane})
	}
	for _, t := range c.Timeouts {
		t.Lane, t.Due = c.Lane, Micro(t.Due)
		b.Timeouts = append(b.Timeouts, t)
	}
	for _, v := range c.Views {
		if v.Delete {
			b.ViewDeletes = append(b.ViewDeletes, eventstore.ViewRef{Kind: v.Kind, ID: v.ID})
			continue
		}
		if v.Updated = Micro(v.Updated); v.Updated.IsZero() {
			v.Updated = b.Now
		}
		b.Views = append(b.Views, v.View)
	}
	for _, r := range c.Records {
		r.Lane, r.Due, r.Version = eventstore.LaneOf(r.Key), Micro(r.Due), r.Expected+1
		b.Records = append(b.Records, r)
	}
	b.Snapshots = append(b.Snapshots, c.Snapshots...)
	for _, p := range c.Parked {
		p.At = b.Now
		p.Message.Time = Micro(p.Message.Time)
		b.Parked = append(b.Parked, p)
	}
}

// move adds a cursor's move; one that begins where an earlier one of the batch ended prolongs it.
func (b *Batch) move(m eventstore.CursorMove) {
	for i := range b.Cursors {
		p := &b.Cursors[i]
		if p.Consumer == m.Consumer && p.Lane == m.Lane && p.Epoch == m.Epoch && p.To == m.From {
			p.To, p.Mark = m.To, cmp.Or(m.Mark, p.Mark)
			return
		}
	}
	b.Cursors = append(b.Cursors, m)
}

// order sorts the lists and keeps the last of rows that overwrite each other.
func (b *Batch) order() {
	slices.SortStableFunc(b.Idempotency, func(x, y eventstore.IdempotencyResult) int {
		return cmp.Or(cmp.Compare(x.Caller, y.Caller), cmp.Compare(x.Key, y.Key))
	})
	slices.SortStableFunc(b.Handled, func(x, y eventstore.HandledMark) int { return cmp.Compare(x.MessageID, y.MessageID) })
	slices.SortStableFunc(b.Fired, func(x, y eventstore.FiredTimer) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortStableFunc(b.Cursors, func(x, y eventstore.CursorMove) int {
		return cmp.Or(cmp.Compare(x.Consumer, y.Consumer), cmp.Compare(x.Lane, y.Lane))
	})
	for i := 1; i < len(b.Cursors); i++ {
		if p := b.Cursors[i-1]; p.Consumer == b.Cursors[i].Consumer && p.Lane == b.Cursors[i].Lane {
			b.Cursors[i].From = never
		}
	}
	slices.SortStableFunc(b.Expect, func(x, y eventstore.StreamVersion) int { return cmp.Compare(x.Stream, y.Stream) })
	b.Expect = slices.Compact(b.Expect)
	slices.SortStableFunc(b.Heads, func(x, y Head) int { return cmp.Compare(x.Stream, y.Stream) })
	slices.SortStableFunc(b.SagaDeletes, func(x, y eventstore.SagaRow) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortStableFunc(b.Sagas, func(x, y Saga) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortStableFunc(b.Records, func(x, y eventstore.RecordWrite) int {
		return cmp.Or(cmp.Compare(x.Table, y.Table), cmp.Compare(x.ID, y.ID))
	})
	slices.Sort(b.Cancelled)
	slices.Sort(b.Unparked)
	slices.Sort(b.Unsnapped)
	b.Timeouts = lastByKey(b.Timeouts, func(t eventstore.Timeout) string { return t.ID })
	b.Views = lastByKey(b.Views, func(v eventstore.View) string { return v.Kind + "\x00" + v.ID })
	b.Snapshots = lastByKey(b.Snapshots, func(s eventstore.Snapshot) string { return s.Stream + "\x00" + strconv.FormatInt(s.Version, 10) })
	b.Parked = lastByKey(b.Parked, func(p eventstore.ParkedMessage) string { return p.Consumer + "\x00" + p.ID })
	slices.SortFunc(b.Lanes, func(x, y Lane) int { return cmp.Compare(x.Lane, y.Lane) })
}

func lastByKey[T any](rows []T, key func(T) string) []T {
	if len(rows) < 2 {
		return rows
	}
	slices.SortStableFunc(rows, func(x, y T) int { return cmp.Compare(key(x), key(y)) })
	out := rows[:0]
	for i, r := range rows {
		if i+1 == len(rows) || key(rows[i+1]) != key(r) {
			out = append(out, r)
		}
	}
	return out
}

// Number gives events and messages their offsets, from the bases of the lanes, in the order of the commits.
func (b *Batch) Number() {
	at := map[int]*Lane{}
	for i := range b.Lanes {
		l := &b.Lanes[i]
		l.nextEvent, l.nextMessage = l.EventBase, l.OutboxBase
		at[l.Lane] = l
	}
	for _, c := range b.Commits {
		l := at[c.Lane]
		for i := range c.Events {
			l.nextEvent++
			c.Events[i].Offset = l.nextEvent
		}
		for i := range c.Messages {
			l.nextMessage++
			c.Messages[i].Offset = l.nextMessage
		}
	}
}
