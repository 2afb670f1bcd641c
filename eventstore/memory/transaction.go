package memory

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
)

// transaction writes a batch and can take back all of it.
type transaction struct {
	t    *tables
	back []func()
}

func put[K comparable, V any](tx *transaction, m map[K]V, k K, v V) {
	old, ok := m[k]
	tx.back = append(tx.back, func() {
		if ok {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
	m[k] = v
}

func remove[K comparable, V any](tx *transaction, m map[K]V, k K) {
	old, ok := m[k]
	if !ok {
		return
	}
	tx.back = append(tx.back, func() { m[k] = old })
	delete(m, k)
}

func (tx *transaction) undo() {
	for _, f := range slices.Backward(tx.back) {
		f()
	}
}

// write applies the lists of a batch in order, and stops at the first guard that does not hold.
func (tx *transaction) write(b *batch.Batch) error {
	for _, f := range []func(*batch.Batch) error{
		tx.marks, tx.fired, tx.cursors, tx.streams, tx.sagas, tx.upserts, tx.views, tx.records, tx.lanes,
	} {
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) marks(b *batch.Batch) error {
	put(tx, tx.t.commits, b.ID, b.Now)
	for _, r := range b.Idempotency {
		if _, ok := tx.t.idempotency[r.IdempotencyKey]; ok {
			return fmt.Errorf("idempotency key %s: %w", r.Key, eventstore.ErrIdempotencyKeyUsed)
		}
		r.Header, r.Body = r.Header.Clone(), bytes.Clone(r.Body)
		put(tx, tx.t.idempotency, r.IdempotencyKey, r)
	}
	for _, h := range b.Handled {
		if tx.t.handled[h] {
			return fmt.Errorf("message %s: %w", h.MessageID, eventstore.ErrHandled)
		}
		put(tx, tx.t.handled, h, true)
	}
	return nil
}

func (tx *transaction) fired(b *batch.Batch) error {
	for _, f := range b.Fired {
		t, ok := tx.t.timeouts[f.ID]
		if !ok || t.Token != f.Token || t.Due.After(b.Now) {
			return fmt.Errorf("timeout %s: %w", f.ID, eventstore.ErrTimeoutGone)
		}
		remove(tx, tx.t.timeouts, f.ID)
	}
	return nil
}

func (tx *transaction) cursors(b *batch.Batch) error {
	for _, m := range b.Cursors {
		k := cursorKey{m.Consumer, m.Lane}
		lease := tx.t.leases[eventstore.RoleLane{Role: m.Role, Lane: m.Lane}]
		c, ok := tx.t.cursors[k]
		if !ok {
			c.role, c.epoch = m.Role, m.Epoch
		}
		if lease.Owner == "" || lease.Epoch != m.Epoch || c.role != m.Role || c.epoch != m.Epoch || c.Offset != m.From {
			return fmt.Errorf("cursor of %s in lane %d: %w", m.Consumer, m.Lane, eventstore.ErrFenced)
		}
		put(tx, tx.t.cursors, k, cursor{
			Position: eventstore.Position{Offset: m.To, Mark: cmp.Or(m.Mark, c.Mark)}, role: m.Role, epoch: m.Epoch,
		})
	}
	return nil
}

func (tx *transaction) streams(b *batch.Batch) error {
	for _, e := range b.Expect {
		if tx.t.streams[e.Stream].Version != e.Version {
			return fmt.Errorf("stream %s: %w", e.Stream, eventstore.ErrVersion)
		}
	}
	for _, h := range b.Heads {
		old := tx.t.streams[h.Stream]
		if old.Version != h.Expected || !bytes.Equal(old.Hash, h.Prev) {
			return fmt.Errorf("stream %s: %w", h.Stream, eventstore.ErrVersion)
		}
		put(tx, tx.t.streams, h.Stream, head{Version: h.Version, Hash: h.Hash, Last: h.Last})
	}
	return nil
}

func (tx *transaction) sagas(b *batch.Batch) error {
	for _, s := range b.SagaDeletes {
		if old, ok := tx.t.sagas[s.ID]; !ok || old.Version != s.Expected {
			return fmt.Errorf("saga %s: %w", s.ID, eventstore.ErrVersion)
		}
		remove(tx, tx.t.sagas, s.ID)
		remove(tx, tx.t.items, s.ID)
		removeWhere(tx, tx.t.timeouts, func(id string, _ eventstore.Timeout) bool { return strings.HasPrefix(id, s.ID+"/") })
		removeWhere(tx, tx.t.handled, func(h eventstore.HandledMark, _ bool) bool { return h.Saga == s.ID })
	}
	for _, s := range b.Sagas {
		old, ok := tx.t.sagas[s.ID]
		if old.Version != s.Expected {
			return fmt.Errorf("saga %s: %w", s.ID, eventstore.ErrVersion)
		}
		row := s.SagaRow
		row.Expected, row.Ended, row.Data, row.Plan, row.Items, row.Base = 0, false, clone(s.Data), clone(s.Plan), nil, nil
		if ok {
			changed := row
			row = old
			row.State, row.Version, row.Data, row.Updated, row.EndedAt = changed.State, changed.Version, changed.Data, changed.Updated, changed.EndedAt
		}
		put(tx, tx.t.sagas, s.ID, row)
		if len(s.Items) > 0 && tx.t.items[s.ID] == nil {
			put(tx, tx.t.items, s.ID, map[int]eventstore.SagaItem{})
		}
		for _, i := range s.Items {
			if _, there := tx.t.items[s.ID][i.No]; there == i.New {
				return fmt.Errorf("item %d of saga %s: %w", i.No, s.ID, eventstore.ErrVersion)
			}
			i.New, i.Data = false, clone(i.Data)
			put(tx, tx.t.items[s.ID], i.No, i)
		}
	}
	return nil
}

func (tx *transaction) upserts(b *batch.Batch) error {
	for _, id := range b.Cancelled {
		remove(tx, tx.t.timeouts, id)
	}
	for _, t := range b.Timeouts {
		t.Data = clone(t.Data)
		put(tx, tx.t.timeouts, t.ID, t)
	}
	for _, stream := range b.Unsnapped {
		remove(tx, tx.t.snapshots, stream)
	}
	for _, s := range b.Snapshots {
		s.Data = clone(s.Data)
		kept := tx.t.snapshots[s.Stream] // in order of version; replaced whole, so that it can be taken back
		i, there := slices.BinarySearchFunc(kept, s.Version, func(o eventstore.Snapshot, v int64) int { return cmp.Compare(o.Version, v) })
		after := kept[i:]
		if there {
			after = kept[i+1:]
		}
		put(tx, tx.t.snapshots, s.Stream, slices.Concat(kept[:i], []eventstore.Snapshot{s}, after))
	}
	for _, id := range b.Unparked {
		removeWhere(tx, tx.t.parked, func(k parkedKey, _ eventstore.ParkedMessage) bool { return k.id == id })
	}
	for _, p := range b.Parked {
		p.Message.Data = clone(p.Message.Data)
		put(tx, tx.t.parked, parkedKey{p.Consumer, p.ID}, p)
	}
	return nil
}

func (tx *transaction) views(b *batch.Batch) error {
	for _, ref := range b.ViewDeletes {
		if v, ok := tx.t.views[ref]; ok {
			remove(tx, tx.t.views, ref)
			remove(tx, tx.t.names, nameKey{v.Kind, v.Name})
		}
	}
	for _, v := range b.Views {
		ref := eventstore.ViewRef{Kind: v.Kind, ID: v.ID}
		if old, ok := tx.t.views[ref]; ok && old.Name != "" {
			remove(tx, tx.t.names, nameKey{old.Kind, old.Name})
		}
		if v.Name != "" {
			if owner, taken := tx.t.names[nameKey{v.Kind, v.Name}]; taken && owner != v.ID {
				return fmt.Errorf("name %q of %s: %w", v.Name, v.Kind, eventstore.ErrNameTaken)
			}
			put(tx, tx.t.names, nameKey{v.Kind, v.Name}, v.ID)
		}
		v.Doc = clone(v.Doc)
		put(tx, tx.t.views, ref, v)
	}
	return nil
}

func (tx *transaction) records(b *batch.Batch) error {
	for _, r := range b.Records {
		ref := eventstore.RecordRef{Table: r.Table, ID: r.ID}
		if !batch.KnownTable(r.Table) {
			return fmt.Errorf("unknown ledger table %q", r.Table)
		}
		if tx.t.records[ref].Version != r.Expected {
			return fmt.Errorf("record %s %s: %w", r.Table, r.ID, eventstore.ErrVersion)
		}
		if r.Delete {
			remove(tx, tx.t.records, ref)
			continue
		}
		row := r.Record
		row.Doc = clone(r.Doc)
		put(tx, tx.t.records, ref, row)
	}
	return nil
}

// lanes allots the offsets and stores events and messages.
func (tx *transaction) lanes(b *batch.Batch) error {
	for i := range b.Lanes {
		l := &b.Lanes[i]
		lane := &tx.t.lanes[l.Lane]
		l.EventBase, l.OutboxBase = lane.head.Event, lane.head.Outbox
		old := *lane
		tx.back = append(tx.back, func() { *lane = old })
	}
	b.Number()
	for _, c := range b.Commits {
		lane := &tx.t.lanes[c.Lane]
		for _, e := range c.Events {
			e.Meta, e.Data = clone(e.Meta), clone(e.Data)
			put(tx, tx.t.events, e.Stream, append(tx.t.events[e.Stream], e))
			lane.events = append(lane.events, e)
			lane.head.Event = e.Offset
		}
		for _, m := range c.Messages {
			m.Data = clone(m.Data)
			lane.outbox = append(lane.outbox, m)
			lane.head.Outbox = m.Offset
		}
	}
	return nil
}

func removeWhere[K comparable, V any](tx *transaction, m map[K]V, f func(K, V) bool) {
	for k, v := range m {
		if f(k, v) {
			remove(tx, m, k)
		}
	}
}

// clone copies bytes; empty is nil, as in a database column.
func clone(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}

type (
	head struct {
		Version int64
		Hash    []byte
		Last    time.Time
	}
	lane struct {
		head   eventstore.LaneHead
		events []eventstore.Event
		outbox []eventstore.OutboxRecord
	}
	cursor struct {
		eventstore.Position
		role  string
		epoch int64
	}

	cursorKey struct {
		consumer string
		lane     int
	}
	parkedKey struct{ consumer, id string }
	nameKey   struct{ kind, name string }
)

// tables is what the store holds.
type tables struct {
	streams     map[string]head
	events      map[string][]eventstore.Event
	lanes       [eventstore.Lanes]lane
	snapshots   map[string][]eventstore.Snapshot
	sagas       map[string]eventstore.SagaRow // without their items
	items       map[string]map[int]eventstore.SagaItem
	timeouts    map[string]eventstore.Timeout
	handled     map[eventstore.HandledMark]bool
	idempotency map[eventstore.IdempotencyKey]eventstore.IdempotencyResult
	commits     map[string]time.Time
	views       map[eventstore.ViewRef]eventstore.View
	names       map[nameKey]string
	records     map[eventstore.RecordRef]eventstore.Record
	parked      map[parkedKey]eventstore.ParkedMessage
	nodes       map[string]eventstore.Node
	leases      map[eventstore.RoleLane]eventstore.Lease
	leased      []eventstore.RoleLane // the keys of leases, sorted
	cursors     map[cursorKey]cursor
	outboxIDs   []string // the one that counts first
}

func newTables() tables {
	return tables{
		streams:     map[string]head{},
		events:      map[string][]eventstore.Event{},
		snapshots:   map[string][]eventstore.Snapshot{},
		sagas:       map[string]eventstore.SagaRow{},
		items:       map[string]map[int]eventstore.SagaItem{},
		timeouts:    map[string]eventstore.Timeout{},
		handled:     map[eventstore.HandledMark]bool{},
		idempotency: map[eventstore.IdempotencyKey]eventstore.IdempotencyResult{},
		commits:     map[string]time.Time{},
		views:       map[eventstore.ViewRef]eventstore.View{},
		names:       map[nameKey]string{},
		records:     map[eventstore.RecordRef]eventstore.Record{},
		parked:      map[parkedKey]eventstore.ParkedMessage{},
		nodes:       map[string]eventstore.Node{},
		leases:      map[eventstore.RoleLane]eventstore.Lease{},
		cursors:     map[cursorKey]cursor{},
		outboxIDs:   []string{batch.NewID()},
	}
}
