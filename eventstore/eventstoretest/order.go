package eventstoretest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

func streams(t *testing.T, s eventstore.Store) {
	var last *eventstore.Event
	for i := range 5 {
		c := mustDo(t, s, "vnf-a", func(*eventstore.Loaded) *eventstore.Commit {
			return &eventstore.Commit{Appends: []eventstore.Append{
				{Stream: "s", Expected: int64(3 * i), Events: events("x", "y")},
				{Stream: "s", Expected: int64(3*i + 2), Events: events("z")},
				{Stream: fmt.Sprint("other-", i), Events: events("x")},
			}}
		})
		for j := range c.Events[:3] {
			e := &c.Events[j]
			if e.Version != int64(3*i+j+1) {
				t.Fatalf("event %d has version %d", 3*i+j+1, e.Version)
			}
			if last != nil && (!bytes.Equal(e.Prev, last.Hash) || e.Time.Before(last.Time)) {
				t.Fatalf("event %d does not follow the one before", e.Version)
			}
			if !bytes.Equal(e.Seal(), e.Hash) {
				t.Fatalf("event %d is not sealed", e.Version)
			}
			last = e
		}
	}
	for after := range int64(16) {
		got := must(s.ReadStream(t.Context(), "s", after, 4))(t)
		if len(got) != int(min(4, 15-after)) || len(got) > 0 && got[0].Version != after+1 {
			t.Errorf("after %d: %d events", after, len(got))
		}
		l := mustLoad(t, s, eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "s", After: after}}})
		if st := l.Stream("s"); st.Version != 15 || len(st.Events) != int(15-after) {
			t.Errorf("load after %d: version %d, %d events", after, st.Version, len(st.Events))
		}
	}
	names := must(s.Streams(t.Context(), "other-", "other-1", 2))(t)
	if len(names) != 2 || names[0].Stream != "other-2" || names[1].Stream != "other-3" || names[1].Version != 1 {
		t.Errorf("streams: %v", names)
	}
	mustVerify(t, s)
}

// appendUnloaded appends to a stream that Load did not ask for: the chain must still hold.
func appendUnloaded(t *testing.T, s eventstore.Store) {
	for i := range 3 {
		mustDo(t, s, "vnf-a", always(eventstore.Commit{
			Appends: []eventstore.Append{{Stream: "s", Expected: int64(i), Events: events("x")}},
		}))
		w := work("vnf-b", always(eventstore.Commit{
			Appends: []eventstore.Append{{Stream: "t", Expected: int64(i), Events: events("x")}},
		}))
		w.Load = func() eventstore.Load {
			return eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "t", After: int64(i)}}}
		}
		if _, err := do(t, s, w); err != nil {
			t.Fatal(err)
		}
	}
	if sum := mustVerify(t, s); sum.Streams != 2 || sum.Events != 6 {
		t.Errorf("verified %+v", sum)
	}
}

func offsets(t *testing.T, s eventstore.Store) {
	keys := []string{"k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"}
	for n := range 10 {
		var works []*eventstore.Work
		for i, k := range keys {
			works = append(works, work(k, func(*eventstore.Loaded) *eventstore.Commit {
				c := &eventstore.Commit{Appends: []eventstore.Append{{Stream: k, Expected: int64(2 * n), Events: events("x", "y")}}}
				for j := range i % 3 {
					c.Outbox = append(c.Outbox, outboxMessage(fmt.Sprint(k, n, j), k))
				}
				return c
			}))
		}
		r, err := s.Execute(t.Context(), works)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r {
			same(t, r[i].Commit.Events, must(s.ReadLane(t.Context(), r[i].Commit.Lane, r[i].Commit.Events[0].Offset-1, 2))(t), "lane")
		}
	}
	heads := must(s.Heads(t.Context()))(t)
	var total int64
	for lane, h := range heads {
		all := must(s.ReadLane(t.Context(), lane, 0, 1000))(t)
		for i, e := range all {
			if e.Offset != int64(i+1) || e.Lane != lane {
				t.Fatalf("lane %d: event %d has offset %d", lane, i+1, e.Offset)
			}
		}
		box := must(s.ReadOutbox(t.Context(), lane, 0, 1000))(t)
		for i, m := range box {
			if m.Offset != int64(i+1) || m.Lane != lane {
				t.Fatalf("lane %d: message %d has offset %d", lane, i+1, m.Offset)
			}
		}
		if h.Event != int64(len(all)) || h.Outbox != int64(len(box)) {
			t.Errorf("lane %d: head %v, but %d events and %d messages", lane, h, len(all), len(box))
		}
		total += h.Event
	}
	if total != 160 {
		t.Errorf("%d events in the lanes, want 160", total)
	}
}

func snapshots(t *testing.T, s eventstore.Store) {
	mustDo(t, s, "k", always(eventstore.Commit{Appends: []eventstore.Append{{Stream: "s", Events: events("a", "b", "c", "d")}}}))
	snap := func(version int64, data string) {
		mustDo(t, s, "k", always(eventstore.Commit{
			Snapshots: []eventstore.Snapshot{{Stream: "s", Version: version, Schema: 2, Data: []byte(data)}},
		}))
	}
	load := func(f eventstore.StreamFrom) *eventstore.StreamState {
		return mustLoad(t, s, eventstore.Load{Streams: []eventstore.StreamFrom{f}}).Stream("s")
	}
	if st := load(eventstore.StreamFrom{Stream: "s", Schema: 2}); st.Snapshot != nil || len(st.Events) != 4 {
		t.Fatalf("without a snapshot: %+v", st)
	}
	snap(3, `"three"`)
	snap(2, `"two"`) // an older one, late
	st := load(eventstore.StreamFrom{Stream: "s", Schema: 2})
	same(t, &eventstore.Snapshot{Stream: "s", Version: 3, Schema: 2, Data: []byte(`"three"`)}, st.Snapshot, "snapshot")
	if len(st.Events) != 1 || st.Events[0].Version != 4 || st.Version != 4 {
		t.Fatalf("events behind the snapshot: %+v", st)
	}
	if st := load(eventstore.StreamFrom{Stream: "s", After: 1, Schema: 2}); st.Snapshot != nil || len(st.Events) != 3 {
		t.Fatalf("after a version no snapshot is wanted: %+v", st)
	}
	if st := load(eventstore.StreamFrom{Stream: "s"}); st.Snapshot != nil || len(st.Events) != 4 {
		t.Fatalf("no snapshot was asked for: %+v", st)
	}
	if st := load(eventstore.StreamFrom{Stream: "s", Schema: 3}); st.Snapshot != nil || len(st.Events) != 4 {
		t.Fatalf("a snapshot of another schema: %+v", st)
	}
	mine := &eventstore.Snapshot{Stream: "s", Version: 2, Schema: 3, Data: []byte(`"mine"`)}
	if st := load(eventstore.StreamFrom{Stream: "s", After: 2, Schema: 3, Base: mine}); st.Snapshot != mine || len(st.Events) != 2 {
		t.Fatalf("what the asker holds: %+v", st)
	}
	ahead := &eventstore.Snapshot{Stream: "s", Version: 5, Schema: 3, Data: []byte(`"ahead"`)}
	if st := load(eventstore.StreamFrom{Stream: "s", After: 5, Schema: 3, Base: ahead}); st.Snapshot != nil || st.Version != 4 {
		t.Fatalf("what is ahead of the stream: %+v", st)
	}
	snap(4, `"four"`)
	if st := load(eventstore.StreamFrom{Stream: "s", Schema: 2}); st.Snapshot.Version != 4 || len(st.Events) != 0 {
		t.Fatalf("the newest snapshot: %+v", st)
	}
}

func timeouts(t *testing.T, s eventstore.Store) {
	lane := eventstore.LaneOf("k")
	set := func(id string, token int64, due time.Duration, extra func(*eventstore.Commit)) {
		mustDo(t, s, "k", func(l *eventstore.Loaded) *eventstore.Commit {
			c := &eventstore.Commit{Timeouts: []eventstore.Timeout{{ID: id, Owner: "o", Key: "k", Token: token, Due: l.Now.Add(due)}}}
			if extra != nil {
				extra(c)
			}
			return c
		})
	}
	set("t1", 1, time.Hour, nil)
	set("t2", 1, -time.Minute, nil)
	set("t1", 2, -time.Hour, func(c *eventstore.Commit) { c.Cancelled = []string{"t1"} }) // moved, though cancelled as well
	set("t3", 1, -time.Second, nil)
	got := must(s.Timeouts(t.Context(), []int{lane}, time.Time{}, 10))(t)
	if len(got) != 3 || got[0].ID != "t1" || got[0].Token != 2 || got[1].ID != "t2" || got[2].ID != "t3" || got[0].Lane != lane {
		t.Fatalf("timeouts: %+v", got)
	}
	if due := must(s.Timeouts(t.Context(), []int{lane}, got[1].Due, 10))(t); len(due) != 2 || due[1].ID != "t2" {
		t.Fatalf("due by the time of t2: %+v", due)
	}
	if n := len(must(s.Timeouts(t.Context(), []int{(lane + 1) % eventstore.Lanes}, time.Time{}, 10))(t)); n != 0 {
		t.Fatalf("%d timeouts in another lane", n)
	}
	fire := eventstore.Commit{Fired: []eventstore.FiredTimer{{ID: "t1", Token: 2}}}
	mustDo(t, s, "k", always(fire))
	_, err := do(t, s, work("k", always(fire)))
	wantErr(t, err, eventstore.ErrTimeoutGone)
	// Firing and setting again in one commit is how a timer repeats.
	set("t2", 2, -time.Second, func(c *eventstore.Commit) { c.Fired = []eventstore.FiredTimer{{ID: "t2", Token: 1}} })
	mustDo(t, s, "k", always(eventstore.Commit{Cancelled: []string{"t3", "nope"}}))
	got = must(s.Timeouts(t.Context(), []int{lane}, time.Time{}, 10))(t)
	if len(got) != 1 || got[0].ID != "t2" || got[0].Token != 2 {
		t.Fatalf("timeouts: %+v", got)
	}
}

func sagaDelete(t *testing.T, s eventstore.Store) {
	seed(t, s)
	before := dump(t, s)
	mustDo(t, s, "vnf-a", func(l *eventstore.Loaded) *eventstore.Commit {
		c := &eventstore.Commit{Handled: []eventstore.HandledMark{{MessageID: "msg-a", Saga: "saga"}}}
		c.Sagas = []eventstore.SagaRow{{ID: "saga", Key: "vnf-a"}, {ID: "saga-2", Key: "vnf-a"}}
		for _, id := range []string{"saga", "saga-2"} {
			c.Timeouts = append(c.Timeouts, eventstore.Timeout{ID: id + "/t", Due: l.Now}, eventstore.Timeout{ID: id + "/u/v", Due: l.Now})
		}
		return c
	})
	mustDo(t, s, "vnf-a", always(eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: "saga-2", Expected: 1, Delete: true}}}))
	l := mustLoad(t, s, eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: "saga"}}, Timeouts: []string{"saga/t", "saga/u/v"}})
	if len(l.Sagas)+len(l.Timeouts) != 3 {
		t.Fatalf("another saga's rows are gone: %+v", l)
	}
	mustDo(t, s, "vnf-a", always(eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: "saga", Expected: 1, Delete: true}}}))
	same(t, before, dump(t, s), "left behind by the saga")
}

func cursorMoves(t *testing.T, s eventstore.Store) {
	seed(t, s)
	marks := map[int64]string{1: "first", 4: "second", 6: "third"} // what has none leaves the one before
	move := func(key string, from, to int64) *eventstore.Work {
		return work(key, always(eventstore.Commit{Cursors: []eventstore.CursorMove{
			{Consumer: "c", Lane: 9, From: from, To: to, Epoch: 1, Mark: marks[to]},
		}}))
	}
	if _, err := s.Execute(t.Context(), []*eventstore.Work{move("a", 0, 1), move("b", 1, 4), move("c", 4, 5)}); err != nil {
		t.Fatal(err)
	}
	if at := must(s.Cursors(t.Context(), "c"))(t); at[9] != (eventstore.Position{Offset: 5, Mark: "second"}) {
		t.Fatalf("the cursor is at %v, want 5", at[9])
	}
	for _, w := range []*eventstore.Work{move("a", 5, 6), move("a", 6, 7)} {
		if _, err := do(t, s, w); err != nil {
			t.Fatal(err)
		}
	}
	if at := must(s.Cursors(t.Context(), "c"))(t); at[9] != (eventstore.Position{Offset: 7, Mark: "third"}) {
		t.Fatalf("the cursor is at %v, want 7", at[9])
	}
	_, err := s.Execute(t.Context(), []*eventstore.Work{move("a", 7, 8), move("b", 9, 10)})
	wantErr(t, err, eventstore.ErrFenced)
}

func renewOutbox(t *testing.T, s eventstore.Store) {
	first := must(s.OutboxIDs(t.Context()))(t)
	if len(first) != 1 || first[0] == "" {
		t.Fatalf("the ids of a new outbox are %q", first)
	}
	if err := s.RenewOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := must(s.OutboxIDs(t.Context()))(t); len(now) != 2 || now[0] == "" || now[0] == first[0] || now[1] != first[0] {
		t.Fatalf("the ids were %q and are %q", first, now)
	}
}

func queries(t *testing.T, s eventstore.Store) {
	ctx := t.Context()
	seed(t, s)
	for _, id := range []string{"c", "a", "b"} {
		mustDo(t, s, "vnf-"+id, full(id))
	}
	ids := func(v []eventstore.View) (out []string) {
		for _, x := range v {
			out = append(out, x.ID)
		}
		return out
	}
	for _, c := range []struct {
		q    eventstore.ViewQuery
		want []string
	}{
		{eventstore.ViewQuery{Kind: "k"}, []string{"oldview-a", "oldview-b", "oldview-c", "view-a", "view-b", "view-c"}},
		{eventstore.ViewQuery{Kind: "k", Limit: 2, After: "oldview-c"}, []string{"view-a", "view-b"}},
		{eventstore.ViewQuery{Kind: "k", Parent: "par-b"}, []string{"view-b"}},
		{eventstore.ViewQuery{Kind: "k", State: "S", After: "view-a"}, []string{"view-b", "view-c"}},
		{eventstore.ViewQuery{Kind: "k", Name: "name-c"}, []string{"view-c"}},
		{eventstore.ViewQuery{Kind: "nope"}, nil},
		{eventstore.ViewQuery{Kind: "k", Desc: true, Limit: 2, After: "view-b"}, []string{"view-a", "oldview-c"}},
	} {
		whole := must(s.Views(ctx, c.q))(t)
		same(t, c.want, ids(whole), fmt.Sprintf("views %+v", c.q))
		c.q.Docs = true
		for i, v := range must(s.Views(ctx, c.q))(t) {
			if v.ID != whole[i].ID || string(v.Doc) != string(whole[i].Doc) {
				t.Errorf("views %+v: %+v, want the document of %+v", c.q, v, whole[i])
			}
		}
	}
	sagas := must(s.Sagas(ctx, eventstore.SagaQuery{State: "RUNNING", After: "saga-a", Limit: 1}))(t)
	if len(sagas) != 1 || sagas[0].ID != "saga-b" {
		t.Errorf("sagas by state: %+v", sagas)
	}
	if n := len(must(s.Sagas(ctx, eventstore.SagaQuery{Key: "vnf-c"}))(t)); n != 2 {
		t.Errorf("%d sagas by key, want 2", n)
	}
	if n := len(must(s.Sagas(ctx, eventstore.SagaQuery{Parent: "p-c"}))(t)); n != 1 {
		t.Errorf("%d sagas by parent, want 1", n)
	}
	now := must(s.Now(ctx))(t)
	for i, q := range []eventstore.RecordQuery{
		{Group: "g"}, {Key: "vnf-a", State: "S"}, {DueBy: now.Add(time.Hour)}, {Lanes: []int{eventstore.LaneOf("vnf-a")}, Group: "g2"},
		{After: "oldrec-c"}, {DueBy: now.Add(-time.Hour)}, {Lanes: []int{}}, {Limit: 2},
	} {
		q.Table = eventstore.TableVimCommands
		if n, want := len(must(s.Records(ctx, q))(t)), []int{3, 1, 3, 1, 3, 0, 0, 2}[i]; n != want {
			t.Errorf("records %+v: %d, want %d", q, n, want)
		}
	}
	if _, err := s.Records(ctx, eventstore.RecordQuery{Table: "nope"}); err == nil {
		t.Error("an unknown table has no records")
	}
	byDue := must(s.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableVimCommands, DueBy: now.Add(time.Hour)}))(t)
	if !slices.IsSortedFunc(byDue, func(a, b eventstore.Record) int { return a.Due.Compare(b.Due) }) || byDue[0].ID != "rec-c" {
		t.Errorf("by due: %+v", byDue)
	}
	parked := must(s.Parked(ctx, eventstore.ParkedQuery{Consumer: "cons", Limit: 2}))(t)
	if len(parked) != 2 || parked[0].Seq != 2 {
		t.Errorf("parked: %+v", parked)
	}
	if n := len(must(s.Parked(ctx, eventstore.ParkedQuery{Consumer: "nope", Limit: 2}))(t)); n != 0 {
		t.Errorf("%d parked of another consumer", n)
	}
	count := map[string]int{}
	for _, row := range must(s.Sagas(ctx, eventstore.SagaQuery{}))(t) {
		count[row.State]++
	}
	var states []string
	for state := range count {
		states = append(states, state)
	}
	counts := must(s.Counts(ctx, states))(t)
	same(t, count, counts.Sagas, "sagas by state")
	same(t, map[string]int{"cons": len(must(s.Parked(ctx, eventstore.ParkedQuery{Limit: 1000}))(t))}, counts.Parked, "parked messages by consumer")
	views := map[eventstore.ViewState]int{}
	for _, kind := range []string{"k", "k2"} {
		for _, v := range must(s.Views(ctx, eventstore.ViewQuery{Kind: kind}))(t) {
			views[eventstore.ViewState{Kind: v.Kind, State: v.State}]++
		}
	}
	census := must(s.Census(ctx))(t)
	for of, n := range views {
		if census.Views[of] != n {
			t.Errorf("the census has %d views %+v, there are %d", census.Views[of], of, n)
		}
	}
	if len(views) == 0 || census.Bytes < 0 {
		t.Errorf("%d states of views, %d bytes", len(views), census.Bytes)
	}
}

func prune(t *testing.T, s eventstore.Store) {
	seed(t, s)
	lane := eventstore.LaneOf("vnf-a")
	for i := range 5 {
		mustDo(t, s, "vnf-a", always(eventstore.Commit{Outbox: []message.Message{outboxMessage(fmt.Sprint(i), "vnf-a")}}))
	}
	c := mustDo(t, s, "vnf-a", func(*eventstore.Loaded) *eventstore.Commit {
		return &eventstore.Commit{Idempotency: answer("a")}
	})
	left := func() (out []int64) {
		for _, m := range must(s.ReadOutbox(t.Context(), lane, 0, 10))(t) {
			out = append(out, m.Offset)
		}
		return out
	}
	clean := func(p eventstore.Prune) {
		t.Helper()
		if err := s.Prune(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	clean(eventstore.Prune{IdempotencyBefore: c.Time, CommitsBefore: c.Time})
	same(t, []int64{1, 2, 3, 4, 5}, left(), "without Upto the outbox is kept")
	var upto [eventstore.Lanes]int64
	clean(eventstore.Prune{Upto: &upto})
	same(t, []int64{1, 2, 3, 4, 5}, left(), "up to none")
	upto[lane] = 3
	clean(eventstore.Prune{Upto: &upto})
	same(t, []int64{4, 5}, left(), "up to a place")
	key := eventstore.Load{Idempotency: &eventstore.IdempotencyKey{Caller: "me", Key: "key-a"}}
	if mustLoad(t, s, key).Idempotency == nil {
		t.Fatal("a key that is not old enough was pruned")
	}
	later := c.Time.Add(time.Hour)
	clean(eventstore.Prune{IdempotencyBefore: later, CommitsBefore: later})
	if mustLoad(t, s, key).Idempotency != nil {
		t.Fatal("an old key was not pruned")
	}
	mustVerify(t, s)
	if m := mustDo(t, s, "vnf-a", always(eventstore.Commit{Outbox: []message.Message{outboxMessage("n", "vnf-a")}})); m.Messages[0].Offset != 6 {
		t.Errorf("the next offset after pruning is %d, want 6", m.Messages[0].Offset)
	}
}

func resetViews(t *testing.T, s eventstore.Store) {
	seed(t, s)
	if err := s.ResetViews(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(must(s.Views(t.Context(), eventstore.ViewQuery{}))(t)); n != 0 {
		t.Fatalf("%d views left", n)
	}
	mustDo(t, s, "k", always(eventstore.Commit{Views: []eventstore.ViewWrite{{View: eventstore.View{Kind: "k", ID: "n", Name: "oldname-a"}}}}))
	if n := len(must(s.Streams(t.Context(), "", "", 100))(t)); n != 3 {
		t.Fatalf("%d streams, want 3", n)
	}
}

func clock(t *testing.T, s eventstore.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := must(s.Now(t.Context()))(t)
	if first.Location() != time.UTC || first.Nanosecond()%1000 != 0 {
		t.Errorf("%v is not in UTC and microseconds", first)
	}
	eventually(t, "the clock moves", func() bool { return must(s.Now(t.Context()))(t).After(first) })
}

func verify(t *testing.T, s eventstore.Store) {
	seed(t, s)
	for _, id := range []string{"a", "b", "c"} {
		mustDo(t, s, "vnf-"+id, full(id))
	}
	sum := mustVerify(t, s)
	if sum.Streams != 6 || sum.Events != 12 || sum.Messages != 6 || sum.Problems != 0 {
		t.Errorf("verified %+v", sum)
	}
}

// Tampered checks that Verify finds what was done to a store behind its back. tamper gets a store with the stream
// "s-a" of two events, the stream "long" of 700, and lane head rows, and changes one thing of it.
func Tampered(t *testing.T, open func(t *testing.T) eventstore.Store, cases map[string]func(t *testing.T, s eventstore.Store)) {
	for name, tamper := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			seed(t, s)
			mustDo(t, s, "vnf-a", full("a"))
			for i := range 7 {
				mustDo(t, s, "vnf-long", func(*eventstore.Loaded) *eventstore.Commit {
					return &eventstore.Commit{Appends: []eventstore.Append{
						{Stream: "long", Expected: int64(100 * i), Events: events(make([]string, 100)...)},
					}}
				})
			}
			mustVerify(t, s)
			tamper(t, s)
			var found []eventstore.Problem
			sum, err := eventstore.Verify(t.Context(), s, func(p eventstore.Problem) { found = append(found, p) })
			if err != nil {
				t.Fatal(err)
			}
			if len(found) == 0 || sum.Problems != len(found) {
				t.Fatalf("nothing was found: %+v", sum)
			}
			t.Log(errors.New(found[0].String()))
		})
	}
}
