// Package memory is the event store of simulations and unit tests: it keeps everything in maps, is as strict as the
// databases, and lets a test inject the clock and the faults.
//
// It promises what eventstore promises, except to survive the process. It starts no goroutine and never sleeps.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
)

// The points at which Config.Fault is asked.
const (
	// FaultBegin: before anything is read. An error means that the database is out of reach.
	FaultBegin = "begin"
	// FaultCommit: the transaction is about to be committed. An error means that it was not.
	FaultCommit = "commit"
	// FaultAcknowledge: the transaction is committed. An error loses the acknowledgement: the outcome is looked up.
	FaultAcknowledge = "acknowledge"
	// FaultLookup: the outcome of a commit is looked up. An error means that it could not be learnt in time.
	FaultLookup = "lookup"
	// FaultRead: before a read outside a transaction. An error means that the database is out of reach.
	FaultRead = "read"
)

// Config says what a simulation replaces. The zero value is a store on the wall clock without faults.
type Config struct {
	// Now is the store's clock.
	Now func() time.Time
	// Fault is asked at each point, and fails it with its error.
	Fault func(point string) error
}

// Store is an event store in memory. It may be used by several callers at once.
type Store struct {
	now   func() time.Time
	fault func(string) error

	mu sync.RWMutex
	t  tables
}

var _ eventstore.Store = (*Store)(nil)

// New returns an empty store.
func New(cfg Config) *Store {
	s := &Store{now: cfg.Now, fault: cfg.Fault, t: newTables()}
	if s.now == nil {
		s.now = time.Now
	}
	if s.fault == nil {
		s.fault = func(string) error { return nil }
	}
	return s
}

// Execute runs the works in one transaction.
func (s *Store) Execute(_ context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	if err := s.unavailable(FaultBegin); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.decide(works)
	if len(b.Commits) == 0 {
		return b.Results, nil
	}
	tx := &transaction{t: &s.t}
	if err := tx.write(b); err != nil {
		tx.undo()
		return nil, err
	}
	if err := s.unavailable(FaultCommit); err != nil {
		tx.undo()
		return nil, err
	}
	b.Number()
	if s.fault(FaultAcknowledge) != nil {
		if err := s.lookUp(b.ID); err != nil {
			return nil, err
		}
	}
	return b.Results, nil
}

func (s *Store) decide(works []*eventstore.Work) *batch.Batch {
	works, loads := batch.Loads(works)
	loaded := make([]*eventstore.Loaded, len(works))
	for i, l := range loads {
		loaded[i] = s.t.load(l)
	}
	b := batch.Decide(s.now(), works, loaded)
	heads := map[string]*eventstore.StreamState{}
	for _, name := range b.Missing() {
		if h, ok := s.t.streams[name]; ok {
			heads[name] = &eventstore.StreamState{Version: h.Version, Hash: h.Hash, Last: h.Last}
		}
	}
	b.Seal(heads)
	return b
}

// lookUp learns whether a batch was written, as a database's client does after it lost the acknowledgement.
func (s *Store) lookUp(id string) error {
	if err := s.unavailable(FaultLookup); err != nil {
		return err
	}
	if _, ok := s.t.commits[id]; !ok {
		return fmt.Errorf("commit %s was not written: %w", id, eventstore.ErrUnavailable)
	}
	return nil
}

func (s *Store) unavailable(point string) error {
	if err := s.fault(point); err != nil {
		return fmt.Errorf("%s: %w: %w", point, eventstore.ErrUnavailable, err)
	}
	return nil
}

// Now returns the store's clock.
func (s *Store) Now(context.Context) (time.Time, error) {
	if err := s.unavailable(FaultRead); err != nil {
		return time.Time{}, err
	}
	return batch.Micro(s.now()), nil
}

// OutboxIDs returns the ids of this store's outbox, the one that counts first.
func (s *Store) OutboxIDs(context.Context) ([]string, error) {
	return read(s, func(t *tables) []string { return slices.Clone(t.outboxIDs) })
}

// RenewOutbox gives the outbox another id.
func (s *Store) RenewOutbox(context.Context) error {
	if err := s.unavailable(FaultBegin); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.outboxIDs = slices.Insert(s.t.outboxIDs, 0, batch.NewID())
	return nil
}

// Check finds nothing: memory is not damaged.
func (s *Store) Check(context.Context) ([]string, error) { return nil, s.unavailable(FaultRead) }

// Ping says whether the store answers.
func (s *Store) Ping(context.Context) error { return s.unavailable(FaultRead) }

// Close does nothing: a store that is closed and opened again by a test keeps what it has.
func (s *Store) Close() error { return nil }

// ResetViews deletes all views.
func (s *Store) ResetViews(context.Context) error {
	if err := s.unavailable(FaultBegin); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.t.views)
	clear(s.t.names)
	return nil
}

// Tamper replaces the events of a stream behind the store's back, for tests of verification.
func (s *Store) Tamper(stream string, f func([]eventstore.Event) []eventstore.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := f(slices.Clone(s.t.events[stream]))
	s.t.events[stream] = events
	for n := range s.t.lanes {
		l := &s.t.lanes[n]
		l.events = slices.DeleteFunc(slices.Clone(l.events), func(e eventstore.Event) bool { return e.Stream == stream })
		for _, e := range events {
			if e.Lane == n {
				l.events = append(l.events, e)
			}
		}
		slices.SortFunc(l.events, func(a, b eventstore.Event) int { return cmp.Compare(a.Offset, b.Offset) })
	}
}
