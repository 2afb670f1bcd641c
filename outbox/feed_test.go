package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "key"

var (
	lane      = eventstore.LaneOf(key)
	published int
)

// reads counts what is asked of the store.
type reads struct {
	*memory.Store
	n int
}

func (r *reads) ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error) {
	r.n++
	return r.Store.ReadOutbox(ctx, lane, after, limit)
}

func publish(t *testing.T, store eventstore.Executor, n int, on ...func(*eventstore.Commit)) {
	t.Helper()
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{OnCommit: on})
	for range n {
		published++
		_, err := doer.Do(t.Context(), &eventstore.Work{
			Keys: []string{key},
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				m := message.Message{ID: fmt.Sprint("m", published), Topic: "t", Key: key, Data: []byte(`{}`)}
				return &eventstore.Commit{Outbox: []message.Message{m}}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func offsets(t *testing.T, f *outbox.Feed, after int64, limit int) (out []int64) {
	t.Helper()
	rs, err := f.Read(t.Context(), lane, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		out = append(out, r.Offset)
	}
	return out
}

func expect(t *testing.T, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("offsets %v, want %v", got, want)
	}
}

func TestRead_hands_over_in_memory_what_this_process_committed(t *testing.T) {
	store := &reads{Store: memory.New(memory.Config{})}
	f := outbox.NewFeed(store, 4)
	publish(t, store, 3, f.OnCommit)
	expect(t, offsets(t, f, 0, 10), 1, 2, 3)
	expect(t, offsets(t, f, 1, 1), 2)
	if store.n != 0 || f.Head(lane) != 3 {
		t.Fatalf("%d reads of the store, head %d", store.n, f.Head(lane))
	}
	select {
	case <-f.Nudge():
	default:
		t.Fatal("no nudge")
	}
	publish(t, store, 3, f.OnCommit) // 1 and 2 fall out of memory
	expect(t, offsets(t, f, 0, 10), 1, 2, 3, 4, 5, 6)
	if store.n != 1 {
		t.Fatalf("%d reads of the store", store.n)
	}
}

// Another process commits to the lane, too: what it wrote comes from the store, in its place.
// Seen failing with OnCommit appending behind a gap.
func TestRead_finds_what_other_processes_committed(t *testing.T) {
	store := &reads{Store: memory.New(memory.Config{})}
	f := outbox.NewFeed(store, 10)
	publish(t, store, 1, f.OnCommit)
	publish(t, store, 2) // another process
	publish(t, store, 1, f.OnCommit)
	expect(t, offsets(t, f, 0, 10), 1, 2, 3, 4)
	expect(t, offsets(t, f, 3, 10), 4)
	publish(t, store, 1)
	if f.Head(lane) != 4 {
		t.Fatalf("head %d", f.Head(lane))
	}
	if err := f.Refresh(t.Context()); err != nil || f.Head(lane) != 5 {
		t.Fatalf("head %d after asking the store, %v", f.Head(lane), err)
	}
}

// holed is a store that lost a message.
type holed struct{ *memory.Store }

func (h holed) ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error) {
	rs, err := h.Store.ReadOutbox(ctx, lane, after, limit)
	return slices.DeleteFunc(rs, func(r eventstore.OutboxRecord) bool { return r.Offset == 2 }), err
}

func TestRead_of_a_lane_with_a_hole_is_an_error(t *testing.T) {
	store := memory.New(memory.Config{})
	publish(t, store, 3)
	f := outbox.NewFeed(holed{store}, 10)
	if rs, err := f.Read(t.Context(), lane, 0, 10); err == nil {
		t.Fatalf("read %v", rs)
	}
}

// design §5: rows behind the cursor of every consumer are deleted in bulk, keys and commit ids by age.
// Seen failing with the lowest cursor taken of one consumer only.
func TestPruner_deletes_behind_all_consumers_and_a_new_one_begins_at_what_is_kept(t *testing.T) {
	store := memory.New(memory.Config{})
	publish(t, store, 10)
	leases, err := store.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: "a"}, Want: eventstore.LanesOf("", lane), TTL: 60_000})
	if err != nil {
		t.Fatal(err)
	}
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{})
	for consumer, to := range map[string]int64{"slow": 4, "fast": 9} {
		_, err := doer.Do(t.Context(), &eventstore.Work{
			Keys: []string{key},
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Cursors: []eventstore.CursorMove{{Consumer: consumer, Lane: lane, To: to, Epoch: leases.Held[0].Epoch}}}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p := outbox.NewPruner(outbox.PrunerConfig{Store: store, Consumers: []string{"slow", "fast"}})
	if _, err := p.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := outbox.NewFeed(store, 10)
	expect(t, offsets(t, f, 4, 100), 5, 6, 7, 8, 9, 10)
	expect(t, offsets(t, f, 0, 100), 5, 6, 7, 8, 9, 10)
}

func TestPruner_runs_until_it_is_stopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var prunes []eventstore.Prune
		p := outbox.NewPruner(outbox.PrunerConfig{Store: janitor{&prunes}, Consumers: []string{"c"}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		<-time.After(25 * time.Second)
		stop()
		if err := <-ended; err != nil || len(prunes) != 2 {
			t.Fatalf("pruned %d times, %v", len(prunes), err)
		}
		if d := prunes[0].CommitsBefore.Sub(prunes[0].IdempotencyBefore); d != 23*time.Hour {
			t.Fatalf("keys are kept %s longer than commit ids", d)
		}
	})
}

type janitor struct{ prunes *[]eventstore.Prune }

func (j janitor) Prune(_ context.Context, p eventstore.Prune) error {
	*j.prunes = append(*j.prunes, p)
	return nil
}

func (janitor) Cursors(context.Context, string) (at [eventstore.Lanes]eventstore.Position, err error) {
	return at, nil
}

func (janitor) Records(context.Context, eventstore.RecordQuery) ([]eventstore.Record, error) {
	return nil, nil
}

func (janitor) Now(context.Context) (time.Time, error) { return time.Now(), nil }
