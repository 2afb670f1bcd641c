// Package outbox hands committed messages to a bus, per lane and in the order of their offsets.
//
// It owns the short way: what this process committed is handed over in memory; whatever is missing there (another
// process's commits, a reader that fell behind, everything after a restart) is read from the store. It promises that
// a reader sees every message of a lane once, in order, without holes. It deletes what all consumers have behind them
// (Pruner), and must not know who they are otherwise.
package outbox

import (
	"context"
	"fmt"
	"sync"

	"github.com/vnfm/vnfm/eventstore"
)

// Reader is what a feed reads when its memory does not reach.
type Reader interface {
	ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error)
	Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
}

// Feed gives access to one store's outbox. Its methods may be called by several callers at once.
type Feed struct {
	store Reader
	keep  int
	nudge chan struct{}
	lanes [eventstore.Lanes]laneFeed
}

type laneFeed struct {
	mu      sync.Mutex
	head    int64                     // the last offset known to exist
	records []eventstore.OutboxRecord // contiguous, ending at an offset this process committed
}

// NewFeed returns a feed that keeps up to keep messages per lane in memory; 0 means 1024.
func NewFeed(store Reader, keep int) *Feed {
	if keep <= 0 {
		keep = 1024
	}
	return &Feed{store: store, keep: keep, nudge: make(chan struct{}, 1)}
}

// OnCommit takes the messages of a commit over. Give it to the committer, which calls it in the order of each lane.
func (f *Feed) OnCommit(c *eventstore.Commit) {
	if len(c.Messages) == 0 {
		return
	}
	l := &f.lanes[c.Lane]
	l.mu.Lock()
	first, last := c.Messages[0].Offset, c.Messages[len(c.Messages)-1].Offset
	switch n := len(l.records); {
	case n > 0 && first <= l.records[n-1].Offset:
		// A commit whose outcome was looked up late; the store has it.
		l.records = nil
	case n > 0 && first != l.records[n-1].Offset+1:
		l.records = append([]eventstore.OutboxRecord(nil), c.Messages...) // another process was in between
	default:
		l.records = append(l.records, c.Messages...)
	}
	if over := len(l.records) - f.keep; over > 0 {
		clear(l.records[:over]) // what they hold may go before the array does
		l.records = l.records[over:]
	}
	l.head = max(l.head, last)
	l.mu.Unlock()
	f.wake()
}

// Heard takes over what another process tells of its commits.
func (f *Feed) Heard(w eventstore.Wake) {
	grew := false
	for lane, h := range w.Heads {
		l := &f.lanes[lane]
		l.mu.Lock()
		if h.Outbox > l.head {
			l.head, grew = h.Outbox, true
		}
		l.mu.Unlock()
	}
	if grew {
		f.wake()
	}
}

func (f *Feed) wake() {
	select {
	case f.nudge <- struct{}{}:
	default:
	}
}

// Nudge returns a channel that receives after messages were committed. It only shortens a wait.
func (f *Feed) Nudge() <-chan struct{} { return f.nudge }

// Head returns the last offset of a lane known to this process.
func (f *Feed) Head(lane int) int64 {
	l := &f.lanes[lane]
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Refresh asks the store for the last offset of every lane: other processes commit, too.
func (f *Feed) Refresh(ctx context.Context) error {
	heads, err := f.store.Heads(ctx)
	if err != nil {
		return fmt.Errorf("read lane heads: %w", err)
	}
	for lane := range heads {
		l := &f.lanes[lane]
		l.mu.Lock()
		l.head = max(l.head, heads[lane].Outbox)
		l.mu.Unlock()
	}
	return nil
}

// Read returns up to limit messages of a lane after an offset, in order. A hole is an error: offsets have none. After 0
// it begins with the first message that is kept.
func (f *Feed) Read(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error) {
	if r := f.lanes[lane].read(after, limit); len(r) > 0 {
		return r, nil
	}
	records, err := f.store.ReadOutbox(ctx, lane, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read outbox lane %d after %d: %w", lane, after, err)
	}
	for i, r := range records {
		if i == 0 && after == 0 {
			after = r.Offset - 1 // a new reader: what came before may have been deleted
		}
		if r.Offset != after+int64(i)+1 {
			return nil, fmt.Errorf("outbox lane %d: offset %d follows %d: messages are missing", lane, r.Offset, after+int64(i))
		}
	}
	return records, nil
}

func (l *laneFeed) read(after int64, limit int) []eventstore.OutboxRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) == 0 {
		return nil
	}
	i := after + 1 - l.records[0].Offset
	if i < 0 || i >= int64(len(l.records)) {
		return nil
	}
	r := l.records[i:min(int(i)+limit, len(l.records))]
	return append([]eventstore.OutboxRecord(nil), r...)
}
