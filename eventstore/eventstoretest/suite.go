// Package eventstoretest is the conformance suite of eventstore.Store: every back-end runs it whole.
package eventstoretest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Run runs the suite. open returns an empty store, which the suite does not close.
func Run(t *testing.T, open func(t *testing.T) eventstore.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s eventstore.Store)
	}{
		{"a commit writes every field and Load reads it back", everyField},
		{"a guard that does not hold undoes the whole batch", guards},
		{"two works of a batch that want the same row are told apart", collisions},
		{"a failed Decide does not keep the others from being written", decideFails},
		{"a commit that spans nothing is not written", nothing},
		{"versions and hashes chain, times do not go back", streams},
		{"a stream that was not loaded can be appended to", appendUnloaded},
		{"offsets are gapless and in lane order", offsets},
		{"snapshots are read with the events behind them", snapshots},
		{"a snapshot of any version is kept and found", snapshotsAt},
		{"the past is found by time", past},
		{"the events of several streams are read in order", severalStreams},
		{"setting a timeout wins over cancelling it, and it fires once", timeouts},
		{"a saga is a row, a plan and its items", sagaParts},
		{"readers of a saga get what each does not know", sagaSince},
		{"the items of a saga are written with it or not at all", sagaGuards},
		{"a finished saga takes its rows along", sagaDelete},
		{"consecutive cursor moves of one batch are one move", cursorMoves},
		{"leases run out with their node and are taken over with a higher epoch", leases},
		{"a lease given up is granted to another at once", leaseGivenUp},
		{"each role's lanes are owned by themselves", leaseRoles},
		{"a node ends, and is remembered", nodeEnds},
		{"who is alone succeeds all others at once", leaseAlone},
		{"nodes that ask at once never own one lane together", leaseRace},
		{"queries select, order and page", queries},
		{"views are listed in the order of a column, page by page", ordered},
		{"a view is written again whichever column changes", viewAgain},
		{"filters find what they match", filters},
		{"streams are read in order of their names", readAll},
		{"prune removes what is behind and keeps the rest", prune},
		{"views can be reset", resetViews},
		{"an outbox is given another id", renewOutbox},
		{"the poison work of a batch isolates itself", poison},
		{"a hundred writers at once", writers},
		{"two writers of one stream, one is told to retry", race},
		{"every ledger table is written and read", ledgerTables},
		{"a ledger row is in the lane of its own key", ledgerLanes},
		{"sagas that ended are found by when, in their lanes", sagasEnded},
		{"snapshots of a stream are removed", unsnapped},
		{"parked messages are read page by page", parkedPages},
		{"of what one batch writes twice the last is kept", writtenTwice},
		{"verify finds nothing wrong", verify},
		{"the clock does not stand still", clock},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// RunDurable checks that what was written is there after the store was closed and opened again. open opens the same
// database each time it is called.
func RunDurable(t *testing.T, open func(t *testing.T) eventstore.Store) {
	s := open(t)
	seed(t, s)
	mustDo(t, s, "vnf-a", full("a"))
	before := dump(t, s)
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	s = open(t)
	same(t, before, dump(t, s), "after it was opened again")
	mustDo(t, s, "vnf-a", func(l *eventstore.Loaded) *eventstore.Commit {
		return &eventstore.Commit{Appends: []eventstore.Append{{Stream: "s-a", Expected: 2, Events: events("more")}}}
	})
	mustVerify(t, s)
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// work makes a work that loads nothing.
func work(key string, c func(*eventstore.Loaded) *eventstore.Commit) *eventstore.Work {
	return &eventstore.Work{
		Keys:   []string{key},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) { return c(l), nil },
	}
}

// always decides on the same commit; each attempt gets its own copy.
func always(c eventstore.Commit) func(*eventstore.Loaded) *eventstore.Commit {
	return func(*eventstore.Loaded) *eventstore.Commit { return &c }
}

func do(t *testing.T, s eventstore.Executor, w *eventstore.Work) (*eventstore.Commit, error) {
	t.Helper()
	r, err := s.Execute(t.Context(), []*eventstore.Work{w})
	if err != nil {
		return nil, err
	}
	return r[0].Commit, r[0].Err
}

func mustDo(t *testing.T, s eventstore.Executor, key string, c func(*eventstore.Loaded) *eventstore.Commit) *eventstore.Commit {
	t.Helper()
	out, err := do(t, s, work(key, c))
	if err != nil {
		t.Fatalf("execute: %v", err)
	}
	return out
}

func mustLoad(t *testing.T, s eventstore.Reader, l eventstore.Load) *eventstore.Loaded {
	t.Helper()
	out, err := s.Load(t.Context(), l)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return out
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func events(types ...string) []eventstore.Event {
	out := make([]eventstore.Event, len(types))
	for i, ty := range types {
		out[i] = eventstore.Event{Type: ty, Schema: 1, Meta: []byte(`{"actor":"suite"}`), Data: fmt.Appendf(nil, `{ "n" :%d}`, i)}
	}
	return out
}

func outboxMessage(id, key string) message.Message {
	return message.Message{
		ID: id, Type: "vim.test.v1", Source: "/vnfm/suite", Topic: message.TopicVimCommands, Key: key, CorrelationID: "op-1",
		CausationID: "cause", ReplyTo: message.TopicReplies, Traceparent: "00-1-2-01", Tracestate: "x=y",
		Data: []byte(`{"b":1, "a":2}`),
	}
}

// seed writes what full changes and what the guards are broken against.
func seed(t *testing.T, s eventstore.Store) {
	t.Helper()
	must(s.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: "suite"}, Want: eventstore.LanesOf(""), TTL: time.Hour.Milliseconds()}))(t)
	for _, id := range []string{"a", "b", "c"} {
		mustDo(t, s, "vnf-"+id, func(l *eventstore.Loaded) *eventstore.Commit {
			return &eventstore.Commit{
				Appends: []eventstore.Append{{Stream: "old-" + id, Events: events("x", "y")}},
				Sagas:   []eventstore.SagaRow{{ID: "oldsaga-" + id, Type: "t", DefVersion: 1, Key: "vnf-" + id, State: "RUNNING"}},
				Timeouts: []eventstore.Timeout{
					{ID: "due-" + id, Owner: "suite", Key: "vnf-" + id, Token: 7, Due: l.Now.Add(-time.Second)},
					{ID: "later-" + id, Owner: "suite", Key: "vnf-" + id, Token: 7, Due: l.Now.Add(time.Hour)},
					{ID: "cancel-" + id, Owner: "suite", Key: "vnf-" + id, Token: 7, Due: l.Now.Add(time.Hour)},
				},
				Handled:     []eventstore.HandledMark{{MessageID: "oldmsg-" + id, Saga: "oldsaga-" + id}},
				Cursors:     []eventstore.CursorMove{{Consumer: "old-" + id, Lane: 3, From: 0, To: 5, Epoch: 1}},
				Idempotency: &eventstore.IdempotencyResult{IdempotencyKey: eventstore.IdempotencyKey{Caller: "me", Key: "old-" + id}},
				Views: []eventstore.ViewWrite{
					{View: eventstore.View{Kind: "k", ID: "oldview-" + id, Name: "oldname-" + id}},
					{View: eventstore.View{Kind: "k", ID: "gone-" + id, Name: "free-" + id}},
				},
				Records: []eventstore.RecordWrite{
					{Record: eventstore.Record{Table: eventstore.TableVimCommands, ID: "oldrec-" + id, Key: "vnf-" + id}},
					{Record: eventstore.Record{Table: eventstore.TableVimResources, ID: "gonerec-" + id, Key: "vnf-" + id}},
				},
				Parked: []eventstore.ParkedMessage{
					{ID: "oldparked-" + id, Consumer: "cons", Key: "parkedkey-" + id, Seq: 9, Reason: "r", Message: outboxMessage("oldparked-"+id, "k")},
				},
			}
		})
	}
}

// full is a commit with every field set, on top of seed.
func full(id string) func(*eventstore.Loaded) *eventstore.Commit {
	return func(l *eventstore.Loaded) *eventstore.Commit {
		key := "vnf-" + id
		return &eventstore.Commit{
			Appends: []eventstore.Append{{Stream: "s-" + id, Events: events("born", "grew")}},
			Expect:  []eventstore.StreamVersion{{Stream: "old-" + id, Version: 2}, {Stream: "absent-" + id, Version: 0}},
			Sagas: []eventstore.SagaRow{
				{ID: "saga-" + id, Type: "t", DefVersion: 2, Key: key, Parent: "p-" + id, State: "RUNNING", Data: []byte(`{"z": 1}`), Plan: []byte(`{"p": [1]}`),
					Items: []eventstore.SagaItem{{No: 1, New: true, Data: []byte(`{"i": 1}`)}, {No: 2, New: true, Data: []byte(`{"i": 2}`)}}},
				{ID: "oldsaga-" + id, Type: "t", DefVersion: 1, Key: key, State: "COMPLETED", Expected: 1, Data: []byte(`{}`),
					Items: []eventstore.SagaItem{{No: 7, New: true, Data: []byte(`{}`)}}},
			},
			Timeouts: []eventstore.Timeout{{
				ID: "saga-" + id + "/t", Owner: "saga", Key: key, Name: "t", Token: 3, Due: l.Now.Add(time.Minute), Data: []byte(`{"d":1}`),
			}},
			Cancelled:   []string{"cancel-" + id, "never-was"},
			Fired:       []eventstore.FiredTimer{{ID: "due-" + id, Token: 7}},
			Outbox:      []message.Message{outboxMessage("m1-"+id, key), outboxMessage("m2-"+id, key)},
			Handled:     []eventstore.HandledMark{{MessageID: "msg-" + id, Saga: "saga-" + id}},
			Cursors:     []eventstore.CursorMove{{Consumer: "old-" + id, Lane: 3, From: 5, To: 8, Epoch: 1, Mark: "mark-" + id}},
			Idempotency: answer(id),
			Views: []eventstore.ViewWrite{
				{View: eventstore.View{
					Kind: "k", ID: "view-" + id, Revision: 2, Parent: "par-" + id, State: "S", Name: "name-" + id, Doc: []byte(`{"v" : 1}`),
					Attrs: [eventstore.MaxAttrs]string{"1-" + id, "2", "3", "4", "5", "6", "7", "8"},
				}},
				{View: eventstore.View{Kind: "k", ID: "gone-" + id}, Delete: true},
			},
			Records: []eventstore.RecordWrite{
				{Record: eventstore.Record{
					Table: eventstore.TableVimCommands, ID: "rec-" + id, Key: key, Group: "g", State: "S", Due: l.Now, Doc: []byte(`{"doc":1}`),
				}},
				{Record: eventstore.Record{
					Table: eventstore.TableVimCommands, ID: "oldrec-" + id, Key: key, Group: "g2", State: "T", Doc: []byte(`{}`),
				}, Expected: 1},
				{Record: eventstore.Record{Table: eventstore.TableVimResources, ID: "gonerec-" + id}, Expected: 1, Delete: true},
			},
			Snapshots: []eventstore.Snapshot{{Stream: "s-" + id, Version: 1, Schema: 4, Data: []byte(`{"snap":1}`)}},
			Parked: []eventstore.ParkedMessage{{
				ID: "parked-" + id, Consumer: "cons", Key: key, Seq: 2, Message: message.Message{ID: "parked-" + id, Data: []byte("no JSON\x00\xff")}, Reason: "poison",
			}},
			Unparked: []string{"oldparked-" + id},
		}
	}
}

func answer(id string) *eventstore.IdempotencyResult {
	return &eventstore.IdempotencyResult{
		IdempotencyKey: eventstore.IdempotencyKey{Caller: "me", Key: "key-" + id}, Fingerprint: "f", Status: 202,
		Header: http.Header{"Location": {"/x"}}, Body: []byte("body\x00\xff"),
	}
}

// state is all of a store that can be read, but for what only Load shows: that is read for the ids of seed and full.
type state struct {
	Streams  []eventstore.StreamHead
	Events   []eventstore.Event
	Outboxes []string
	Heads    [eventstore.Lanes]eventstore.LaneHead
	Lanes    []eventstore.Event
	Outbox   []eventstore.OutboxRecord
	Views    []eventstore.View
	Sagas    []eventstore.SagaRow
	Steps    []eventstore.StepRow
	Timeouts []eventstore.Timeout
	Records  []eventstore.Record
	Parked   []eventstore.ParkedMessage
	Cursors  [][eventstore.Lanes]eventstore.Position
	Loaded   []*eventstore.Loaded
}

func dump(t *testing.T, s eventstore.Store) state {
	t.Helper()
	ctx := t.Context()
	const all = 10000
	var out state
	out.Streams = must(s.Streams(ctx, "", "", all))(t)
	for _, h := range out.Streams {
		out.Events = append(out.Events, must(s.ReadStream(ctx, h.Stream, 0, all))(t)...)
	}
	out.Heads, out.Outboxes = must(s.Heads(ctx))(t), must(s.OutboxIDs(ctx))(t)
	if len(out.Outboxes) == 0 || out.Outboxes[0] == "" {
		t.Fatal("the outbox has no id")
	}
	lanes := make([]int, eventstore.Lanes)
	for i := range lanes {
		lanes[i] = i
		out.Lanes = append(out.Lanes, must(s.ReadLane(ctx, i, 0, all))(t)...)
		out.Outbox = append(out.Outbox, must(s.ReadOutbox(ctx, i, 0, all))(t)...)
	}
	out.Views = must(s.Views(ctx, eventstore.ViewQuery{Limit: all}))(t)
	out.Sagas = must(s.Sagas(ctx, eventstore.SagaQuery{Limit: all}))(t)
	for _, r := range out.Sagas {
		out.Steps = append(out.Steps, must(s.Steps(ctx, r.ID))(t)...)
	}
	out.Timeouts = must(s.Timeouts(ctx, lanes, time.Time{}, all))(t)
	for _, table := range []string{eventstore.TableVimCommands, eventstore.TableVimResources} {
		out.Records = append(out.Records, must(s.Records(ctx, eventstore.RecordQuery{Table: table, Limit: all}))(t)...)
	}
	out.Parked = must(s.Parked(ctx, eventstore.ParkedQuery{Limit: all}))(t)
	for _, id := range []string{"a", "b", "c"} {
		out.Cursors = append(out.Cursors, must(s.Cursors(ctx, "old-"+id))(t), must(s.Cursors(ctx, "new-"+id))(t))
		l := mustLoad(t, s, eventstore.Load{
			Handled:     []eventstore.HandledMark{{MessageID: "msg-" + id, Saga: "saga-" + id}, {MessageID: "oldmsg-" + id, Saga: "oldsaga-" + id}},
			Idempotency: &eventstore.IdempotencyKey{Caller: "me", Key: "key-" + id},
			Streams:     []eventstore.StreamFrom{{Stream: "s-" + id, Schema: 4}},
			Sagas:       []eventstore.SagaFrom{{ID: "saga-" + id}, {ID: "oldsaga-" + id}},
		})
		l.Now = time.Time{}
		out.Loaded = append(out.Loaded, l)
	}
	return out
}

func same(t *testing.T, want, got any, what string) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func mustVerify(t *testing.T, s eventstore.Reader) eventstore.Summary {
	t.Helper()
	sum, err := eventstore.Verify(t.Context(), s, func(p eventstore.Problem) { t.Errorf("verify: %v", p) })
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return sum
}

// eventually polls until ok, for at most ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}
