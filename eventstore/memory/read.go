package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
)

const defaultLimit = 1000

// Load reads without locks, from one state of the store.
func (s *Store) Load(_ context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	if err := s.unavailable(FaultRead); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := s.t.load(l)
	out.Now = batch.Micro(s.now())
	return out, nil
}

func (t *tables) load(l eventstore.Load) *eventstore.Loaded {
	out := &eventstore.Loaded{
		Streams: map[string]*eventstore.StreamState{}, Sagas: map[string]*eventstore.SagaRow{},
		Handled: map[string]bool{}, Timeouts: pick(t.timeouts, l.Timeouts), Views: pick(t.views, l.Views),
		Counts: map[eventstore.ViewCount]int{}, Records: pick(t.records, l.Records), Parked: map[string]bool{},
	}
	for _, f := range l.Streams {
		if st := t.stream(f); st != nil {
			out.Streams[f.Stream] = st
		}
	}
	for _, f := range l.Sagas {
		if row, ok := t.sagas[f.ID]; ok {
			out.Sagas[f.ID] = t.saga(row, f)
		}
	}
	for _, h := range l.Handled {
		if t.handled[h] {
			out.Handled[h.MessageID] = true
		}
	}
	if l.Idempotency != nil {
		if r, ok := t.idempotency[*l.Idempotency]; ok {
			out.Idempotency = &r
		}
	}
	for _, c := range l.CountViews {
		for _, v := range t.views {
			if v.Kind == c.Kind && v.Column(cmp.Or(c.Column, eventstore.ColumnParent)) == c.Parent && out.Counts[c] < eventstore.MaxCount {
				out.Counts[c]++
			}
		}
	}
	for _, k := range l.ParkedKeys {
		for _, p := range t.parked {
			if p.Consumer+"/"+p.Key == k {
				out.Parked[k] = true
			}
		}
	}
	return out
}

func (t *tables) stream(f eventstore.StreamFrom) *eventstore.StreamState {
	h, ok := t.streams[f.Stream]
	if !ok {
		return nil
	}
	st := &eventstore.StreamState{Version: h.Version, Hash: h.Hash, Last: h.Last}
	after := f.After
	switch {
	case f.Base != nil:
		st.HandBack(f.Base)
	case f.Schema != 0 && f.After == 0:
		if sn := t.snapshot(f.Stream, h.Version, f.Schema); sn != nil {
			st.Snapshot, after = sn, sn.Version
		}
	}
	for _, e := range t.events[f.Stream] {
		if e.Version > after {
			st.Events = append(st.Events, e)
		}
	}
	return st
}

// saga returns what a reader that has a saga at one version does not know yet.
func (t *tables) saga(row eventstore.SagaRow, f eventstore.SagaFrom) *eventstore.SagaRow {
	row.Base = f.Base
	if f.After > 0 {
		row.Plan = nil
	}
	if row.Version == f.After {
		row.Data = nil
	}
	if row.Version > f.After {
		for _, i := range t.items[f.ID] {
			if i.Version > f.After {
				row.Items = append(row.Items, i)
			}
		}
		slices.SortFunc(row.Items, func(a, b eventstore.SagaItem) int { return cmp.Compare(a.No, b.No) })
	}
	return &row
}

// pick returns copies of the rows of the keys that exist.
func pick[K comparable, V any](m map[K]V, keys []K) map[K]*V {
	out := map[K]*V{}
	for _, k := range keys {
		if v, ok := m[k]; ok {
			out[k] = &v
		}
	}
	return out
}

// ReadStream returns up to limit events of a stream after a version.
func (s *Store) ReadStream(_ context.Context, stream string, after int64, limit int) ([]eventstore.Event, error) {
	return read(s, func(t *tables) []eventstore.Event {
		return firstAfter(t.events[stream], limit, func(e eventstore.Event) int64 { return e.Version }, after)
	})
}

// ReadStreams returns up to limit events of several streams of one lane, after an offset, in order of offset.
func (s *Store) ReadStreams(_ context.Context, streams []string, after int64, limit int) ([]eventstore.Event, error) {
	return read(s, func(t *tables) []eventstore.Event {
		var out []eventstore.Event
		for _, name := range streams {
			for _, e := range t.events[name] {
				if e.Offset > after {
					out = append(out, e)
				}
			}
		}
		slices.SortFunc(out, func(a, b eventstore.Event) int { return cmp.Compare(a.Offset, b.Offset) })
		return cut(out, limit)
	})
}

// VersionAt returns the highest version of a stream whose event is not later than t.
func (s *Store) VersionAt(_ context.Context, stream string, at time.Time) (int64, error) {
	return read(s, func(t *tables) int64 {
		return int64(earlier(t.events[stream], at.Add(1))) // a nanosecond: what is at that time counts
	})
}

// OffsetsBefore returns the last offset of every lane whose event is earlier than t.
func (s *Store) OffsetsBefore(_ context.Context, at time.Time) ([eventstore.Lanes]int64, error) {
	return read(s, func(t *tables) (out [eventstore.Lanes]int64) {
		for i := range t.lanes {
			out[i] = int64(earlier(t.lanes[i].events, at))
		}
		return out
	})
}

// earlier counts the events before a time, of a list in order of time.
func earlier(events []eventstore.Event, at time.Time) int {
	n, _ := slices.BinarySearchFunc(events, at, func(e eventstore.Event, at time.Time) int { return e.Time.Compare(at) })
	return n
}

// SnapshotAt returns the newest snapshot of a stream, of one schema, that is not of a later version.
func (s *Store) SnapshotAt(_ context.Context, stream string, version int64, schema int) (*eventstore.Snapshot, error) {
	return read(s, func(t *tables) *eventstore.Snapshot { return t.snapshot(stream, version, schema) })
}

func (t *tables) snapshot(stream string, version int64, schema int) *eventstore.Snapshot {
	for _, sn := range slices.Backward(t.snapshots[stream]) {
		if sn.Version <= version && sn.Schema == schema {
			return &sn
		}
	}
	return nil
}

// Streams lists stream heads with a prefix, after a name, in order.
func (s *Store) Streams(_ context.Context, prefix, after string, limit int) ([]eventstore.StreamHead, error) {
	return read(s, func(t *tables) []eventstore.StreamHead {
		var out []eventstore.StreamHead
		for name, h := range t.streams {
			if strings.HasPrefix(name, prefix) && name > after {
				out = append(out, eventstore.StreamHead{Stream: name, Version: h.Version, Hash: h.Hash})
			}
		}
		slices.SortFunc(out, func(a, b eventstore.StreamHead) int { return cmp.Compare(a.Stream, b.Stream) })
		return cut(out, limit)
	})
}

// ReadAll returns up to limit events of the streams with a prefix, in order of stream and version, after a place.
func (s *Store) ReadAll(_ context.Context, prefix string, after eventstore.StreamVersion, limit int) ([]eventstore.Event, error) {
	return read(s, func(t *tables) []eventstore.Event {
		var names []string
		for name := range t.events {
			if strings.HasPrefix(name, prefix) && name >= after.Stream {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if limit <= 0 {
			limit = defaultLimit
		}
		var out []eventstore.Event
		for _, name := range names {
			for _, e := range t.events[name] {
				if len(out) == limit {
					return out
				}
				if name > after.Stream || e.Version > after.Version {
					out = append(out, e)
				}
			}
		}
		return out
	})
}

// ReadLane returns up to limit events of a lane after an offset.
func (s *Store) ReadLane(_ context.Context, lane int, after int64, limit int) ([]eventstore.Event, error) {
	return read(s, func(t *tables) []eventstore.Event {
		return firstAfter(t.lanes[lane].events, limit, func(e eventstore.Event) int64 { return e.Offset }, after)
	})
}

// ReadOutbox returns up to limit messages of a lane after an offset.
func (s *Store) ReadOutbox(_ context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error) {
	return read(s, func(t *tables) []eventstore.OutboxRecord {
		return firstAfter(t.lanes[lane].outbox, limit, func(m eventstore.OutboxRecord) int64 { return m.Offset }, after)
	})
}

// Heads returns the last event and outbox offset of every lane.
func (s *Store) Heads(context.Context) ([eventstore.Lanes]eventstore.LaneHead, error) {
	return read(s, func(t *tables) (out [eventstore.Lanes]eventstore.LaneHead) {
		for i := range t.lanes {
			out[i] = t.lanes[i].head
		}
		return out
	})
}

// Views lists views by kind, in order of id or of a column.
func (s *Store) Views(_ context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	return read(s, func(t *tables) []eventstore.View {
		out := where(t.views, func(v eventstore.View) bool {
			return match(q.Kind, v.Kind) && match(q.Parent, v.Parent) && match(q.State, v.State) && match(q.Name, v.Name) &&
				q.Past(&v) && q.Where.Match(v.Doc)
		}, func(a, b eventstore.View) int { return q.Compare(&a, &b) })
		return cut(out, q.Limit)
	})
}

// Sagas lists sagas in order of id, without their plans and items.
func (s *Store) Sagas(_ context.Context, q eventstore.SagaQuery) ([]eventstore.SagaRow, error) {
	byEnd := !q.EndedBy.IsZero()
	return read(s, func(t *tables) []eventstore.SagaRow {
		out := where(t.sagas, func(r eventstore.SagaRow) bool {
			return match(q.Key, r.Key) && match(q.Parent, r.Parent) && match(q.State, r.State) && r.ID > q.After && (!q.Live || r.EndedAt.IsZero()) &&
				(q.Lanes == nil || slices.Contains(q.Lanes, eventstore.LaneOf(r.Key))) && (!byEnd || !r.EndedAt.IsZero() && !r.EndedAt.After(q.EndedBy))
		}, func(a, b eventstore.SagaRow) int {
			if byEnd {
				return cmp.Or(a.EndedAt.Compare(b.EndedAt), cmp.Compare(a.ID, b.ID))
			}
			return cmp.Compare(a.ID, b.ID)
		})
		out = cut(out, q.Limit)
		for i := range out {
			out[i].Plan = nil
		}
		return out
	})
}

// Steps is empty: no older program ever wrote to this store.
func (s *Store) Steps(context.Context, string) ([]eventstore.StepRow, error) {
	return nil, s.unavailable(FaultRead)
}

// Timeouts returns the timeouts of the lanes that are due by a time, the most urgent first.
func (s *Store) Timeouts(_ context.Context, lanes []int, by time.Time, limit int) ([]eventstore.Timeout, error) {
	return read(s, func(t *tables) []eventstore.Timeout {
		out := where(t.timeouts, func(r eventstore.Timeout) bool {
			return slices.Contains(lanes, r.Lane) && (by.IsZero() || !r.Due.After(by))
		},
			func(a, b eventstore.Timeout) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
		return cut(out, limit)
	})
}

// Records lists ledger rows.
func (s *Store) Records(_ context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error) {
	if !batch.KnownTable(q.Table) {
		return nil, fmt.Errorf("unknown ledger table %q", q.Table)
	}
	return read(s, func(t *tables) []eventstore.Record {
		byDue := !q.DueBy.IsZero()
		out := where(t.records, func(r eventstore.Record) bool {
			if byDue && (r.Due.IsZero() || r.Due.After(q.DueBy)) {
				return false
			}
			return r.Table == q.Table && match(q.Key, r.Key) && match(q.Group, r.Group) && match(q.State, r.State) &&
				(q.Lanes == nil || slices.Contains(q.Lanes, r.Lane)) && r.ID > q.After
		}, func(a, b eventstore.Record) int {
			if byDue {
				return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
			}
			return cmp.Compare(a.ID, b.ID)
		})
		return cut(out, q.Limit)
	})
}

// Parked lists parked messages, those of a key in the order they are to be retried.
func (s *Store) Parked(_ context.Context, q eventstore.ParkedQuery) ([]eventstore.ParkedMessage, error) {
	order := func(a, b eventstore.ParkedMessage) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID))
	}
	return read(s, func(t *tables) []eventstore.ParkedMessage {
		out := where(t.parked, func(p eventstore.ParkedMessage) bool {
			return match(q.Consumer, p.Consumer) && match(q.Key, p.Key) && match(q.ID, p.ID) && (q.After == nil || order(p, *q.After) > 0)
		}, order)
		return cut(out, q.Limit)
	})
}

// Counts counts the sagas in each of the states, and parked messages by consumer.
func (s *Store) Counts(_ context.Context, sagaStates []string) (eventstore.Counts, error) {
	return read(s, func(t *tables) eventstore.Counts {
		c := eventstore.Counts{Sagas: map[string]int{}, Parked: map[string]int{}}
		for _, saga := range t.sagas {
			if slices.Contains(sagaStates, saga.State) {
				c.Sagas[saga.State]++
			}
		}
		for _, p := range t.parked {
			c.Parked[p.Consumer]++
		}
		return c
	})
}

// Census counts all views by kind and state. It takes no room anywhere.
func (s *Store) Census(context.Context) (eventstore.Census, error) {
	return read(s, func(t *tables) eventstore.Census {
		c := eventstore.Census{Views: map[eventstore.ViewState]int{}}
		for _, v := range t.views {
			c.Views[eventstore.ViewState{Kind: v.Kind, State: v.State}]++
		}
		return c
	})
}

func read[T any](s *Store, f func(*tables) T) (out T, err error) {
	if err := s.unavailable(FaultRead); err != nil {
		return out, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return f(&s.t), nil
}

func where[K comparable, V any](m map[K]V, ok func(V) bool, order func(a, b V) int) []V {
	var out []V
	for _, v := range m {
		if ok(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, order)
	return out
}

func match(want, have string) bool { return want == "" || want == have }

func cut[T any](rows []T, limit int) []T {
	if limit <= 0 {
		limit = defaultLimit
	}
	return rows[:min(limit, len(rows))]
}

// firstAfter returns copies of the first rows of an ordered list that are behind a position.
func firstAfter[T any](rows []T, limit int, place func(T) int64, after int64) []T {
	from, _ := slices.BinarySearchFunc(rows, after+1, func(r T, at int64) int { return cmp.Compare(place(r), at) })
	return slices.Clone(cut(rows[from:], limit))
}
