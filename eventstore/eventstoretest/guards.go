package eventstoretest

import (
	"errors"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// broken changes a commit such that one guard does not hold on top of seed.
var broken = []struct {
	name  string
	err   error
	guard func(l *eventstore.Loaded, c *eventstore.Commit)
}{
	{"append to a stream that is further", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Appends = append(c.Appends, eventstore.Append{Stream: "old-b", Expected: 1, Events: events("x")})
	}},
	{"append to a stream that is not that far", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Appends = append(c.Appends, eventstore.Append{Stream: "old-b", Expected: 3, Events: events("x")})
	}},
	{"append to a stream that does not exist", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Appends = append(c.Appends, eventstore.Append{Stream: "nope", Expected: 1, Events: events("x")})
	}},
	{"begin a stream that exists", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Appends = append(c.Appends, eventstore.Append{Stream: "old-b", Events: events("x")})
	}},
	{"append twice to a stream, not in a row", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Appends = append(c.Appends, eventstore.Append{Stream: "old-b", Expected: 2, Events: events("x")},
			eventstore.Append{Stream: "old-b", Expected: 2, Events: events("y")})
	}},
	{"append nothing to a stream at another version", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Appends = append(c.Appends, eventstore.Append{Stream: "old-b", Expected: 1})
	}},
	{"expect another version", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Expect = append(c.Expect, eventstore.StreamVersion{Stream: "old-c", Version: 1})
	}},
	{"expect a stream to be absent", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Expect = append(c.Expect, eventstore.StreamVersion{Stream: "old-c", Version: 0})
	}},
	{"insert a saga that exists", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Sagas = append(c.Sagas, eventstore.SagaRow{ID: "oldsaga-a", Key: "k"})
	}},
	{"write a saga at another version", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Sagas[1].Expected = 2
	}},
	{"write a saga that does not exist", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Sagas = append(c.Sagas, eventstore.SagaRow{ID: "nope", Key: "k", Expected: 1})
	}},
	{"delete a saga at another version", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Sagas = append(c.Sagas, eventstore.SagaRow{ID: "oldsaga-a", Expected: 2, Delete: true})
	}},
	{"handle a message again", eventstore.ErrHandled, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Handled = append(c.Handled, eventstore.HandledMark{MessageID: "oldmsg-b", Saga: "oldsaga-b"})
	}},
	{"handle a message twice", eventstore.ErrHandled, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Handled = append(c.Handled, c.Handled[0])
	}},
	{"fire a timeout that is gone", eventstore.ErrTimeoutGone, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Fired = append(c.Fired, eventstore.FiredTimer{ID: "nope", Token: 7})
	}},
	{"fire a timeout that was replaced", eventstore.ErrTimeoutGone, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Fired[0].Token = 6
	}},
	{"fire a timeout that is not due", eventstore.ErrTimeoutGone, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Fired = append(c.Fired, eventstore.FiredTimer{ID: "later-b", Token: 7})
	}},
	{"move a cursor from elsewhere", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors[0].From = 4
	}},
	{"move a cursor under an older epoch", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors[0].Epoch = 0
	}},
	{"move a cursor under an epoch to come", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors[0].Epoch = 2
	}},
	{"move a cursor of another role", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors[0].Role = "other"
	}},
	{"begin a cursor of a role that nobody has", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors = append(c.Cursors, eventstore.CursorMove{Consumer: "new-b", Role: "other", Lane: 3, From: 0, To: 2, Epoch: 1})
	}},
	{"begin a cursor that has moved", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors[0].From = 0
	}},
	{"begin a cursor in the middle", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors = append(c.Cursors, eventstore.CursorMove{Consumer: "new-b", Lane: 3, From: 1, To: 2, Epoch: 1})
	}},
	{"begin a cursor under another epoch", eventstore.ErrFenced, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Cursors = append(c.Cursors, eventstore.CursorMove{Consumer: "new-b", Lane: 3, From: 0, To: 2, Epoch: 2})
	}},
	{"use an idempotency key again", eventstore.ErrIdempotencyKeyUsed, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Idempotency.Key = "old-a"
	}},
	{"take a name that is taken", eventstore.ErrNameTaken, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Views = append(c.Views, eventstore.ViewWrite{View: eventstore.View{Kind: "k", ID: "thief", Name: "oldname-c"}})
	}},
	{"insert a record that exists", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Records = append(c.Records, eventstore.RecordWrite{
			Record: eventstore.Record{Table: eventstore.TableVimCommands, ID: "oldrec-c", Key: "k"},
		})
	}},
	{"write a record at another version", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Records[1].Expected = 2
	}},
	{"delete a record at another version", eventstore.ErrVersion, func(_ *eventstore.Loaded, c *eventstore.Commit) {
		c.Records[2].Expected = 2
	}},
}

// guards breaks each guard inside a batch of full commits: nothing of the batch may be written. Run one by one, only
// the broken one fails.
func guards(t *testing.T, s eventstore.Store) {
	seed(t, s)
	before := dump(t, s)
	works := func(i int) []*eventstore.Work {
		return []*eventstore.Work{
			work("vnf-a", full("a")),
			work("vnf-b", func(l *eventstore.Loaded) *eventstore.Commit {
				c := full("b")(l)
				broken[i].guard(l, c)
				return c
			}),
			work("vnf-c", full("c")),
		}
	}
	for i, g := range broken {
		_, err := s.Execute(t.Context(), works(i))
		if !errors.Is(err, g.err) {
			t.Errorf("%s: got error %v, want %v", g.name, err, g.err)
		}
		same(t, before, dump(t, s), g.name+": something was written")
	}
	for i, g := range broken {
		_, err := do(t, s, works(i)[1])
		if !errors.Is(err, g.err) {
			t.Errorf("%s, alone: got error %v, want %v", g.name, err, g.err)
		}
		same(t, before, dump(t, s), g.name+", alone: something was written")
	}
	for _, i := range []int{0, 2} {
		if _, err := do(t, s, works(0)[i]); err != nil {
			t.Errorf("the good one at %d: %v", i, err)
		}
	}
	mustVerify(t, s)
}

// collisions puts works into one batch whose keys are disjoint but whose rows are not.
func collisions(t *testing.T, s eventstore.Store) {
	seed(t, s)
	for _, c := range []struct {
		name   string
		err    error
		commit eventstore.Commit
	}{
		{"stream", eventstore.ErrVersion, eventstore.Commit{Appends: []eventstore.Append{{Stream: "old-a", Expected: 2, Events: events("x")}}}},
		{"new stream", eventstore.ErrVersion, eventstore.Commit{Appends: []eventstore.Append{{Stream: "new", Events: events("x")}}}},
		{"message", eventstore.ErrHandled, eventstore.Commit{Handled: []eventstore.HandledMark{{MessageID: "both", Saga: "s"}}}},
		{"saga", eventstore.ErrVersion, eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: "both", Key: "k"}}}},
		{"saga update", eventstore.ErrVersion, eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: "oldsaga-a", Key: "k", Expected: 1}}}},
		{"timeout", eventstore.ErrTimeoutGone, eventstore.Commit{Fired: []eventstore.FiredTimer{{ID: "due-a", Token: 7}}}},
		{"cursor", eventstore.ErrFenced, eventstore.Commit{Cursors: []eventstore.CursorMove{{Consumer: "old-a", Lane: 3, From: 5, To: 6, Epoch: 1}}}},
		{"new cursor", eventstore.ErrFenced, eventstore.Commit{Cursors: []eventstore.CursorMove{{Consumer: "both", Lane: 3, To: 6, Epoch: 1}}}},
		{"key", eventstore.ErrIdempotencyKeyUsed, eventstore.Commit{Idempotency: answer("both")}},
		{"record", eventstore.ErrVersion, eventstore.Commit{Records: []eventstore.RecordWrite{
			{Record: eventstore.Record{Table: eventstore.TableVimResources, ID: "both", Key: "k"}},
		}}},
		{"record update", eventstore.ErrVersion, eventstore.Commit{Records: []eventstore.RecordWrite{
			{Record: eventstore.Record{Table: eventstore.TableVimCommands, ID: "oldrec-a", Key: "k"}, Expected: 1},
		}}},
	} {
		before := dump(t, s)
		copied := func(*eventstore.Loaded) *eventstore.Commit {
			x := c.commit
			if x.Idempotency != nil {
				x.Idempotency = answer("both")
			}
			return &x
		}
		_, err := s.Execute(t.Context(), []*eventstore.Work{work("one", copied), work("two", copied)})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.err)
		}
		same(t, before, dump(t, s), c.name+": something was written")
	}
	named := func(id string) *eventstore.Work {
		return work(id, always(eventstore.Commit{Views: []eventstore.ViewWrite{{View: eventstore.View{Kind: "k", ID: id, Name: "both"}}}}))
	}
	_, err := s.Execute(t.Context(), []*eventstore.Work{named("one"), named("two")})
	wantErr(t, err, eventstore.ErrNameTaken)

	// Each relies on the stream that the other writes: one of them must not be written.
	skew := func(reads, writes string) *eventstore.Work {
		return work(writes, always(eventstore.Commit{
			Appends: []eventstore.Append{{Stream: writes, Expected: 2, Events: events("x")}},
			Expect:  []eventstore.StreamVersion{{Stream: reads, Version: 2}},
		}))
	}
	_, err = s.Execute(t.Context(), []*eventstore.Work{skew("old-a", "old-b"), skew("old-b", "old-a")})
	wantErr(t, err, eventstore.ErrVersion)
}

func decideFails(t *testing.T, s eventstore.Store) {
	seed(t, s)
	boom := errors.New("refused")
	r, err := s.Execute(t.Context(), []*eventstore.Work{
		work("vnf-a", full("a")),
		{Keys: []string{"vnf-b"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return nil, boom }},
		{Keys: []string{"vnf-p"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { panic("decide") }},
		{
			Keys: []string{"vnf-l"}, Load: func() eventstore.Load { panic("load") },
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return nil, nil },
		},
		work("vnf-c", full("c")),
	})
	if err != nil {
		t.Fatalf("execute: %v", err)
	}
	if r[0].Err != nil || r[4].Err != nil || r[0].Commit == nil || r[4].Commit == nil {
		t.Fatalf("the good works got %v and %v", r[0], r[4])
	}
	wantErr(t, r[1].Err, boom)
	for _, i := range []int{2, 3} {
		if r[i].Err == nil || r[i].Commit != nil {
			t.Fatalf("a panic gave %v", r[i])
		}
	}
	for _, stream := range []string{"s-a", "s-c"} {
		if n := len(must(s.ReadStream(t.Context(), stream, 0, 10))(t)); n != 2 {
			t.Errorf("stream %s has %d events, want 2", stream, n)
		}
	}
}

func nothing(t *testing.T, s eventstore.Store) {
	seed(t, s)
	before := dump(t, s)
	for name, w := range map[string]*eventstore.Work{
		"nil":   {Keys: []string{"a"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return nil, nil }},
		"empty": work("b", always(eventstore.Commit{})),
	} {
		c, err := do(t, s, w)
		if c != nil || err != nil {
			t.Errorf("%s: got %v, %v, want nothing", name, c, err)
		}
	}
	same(t, before, dump(t, s), "something was written")
}

// everyField writes a full commit and reads each field back, both ways.
func everyField(t *testing.T, s eventstore.Store) {
	seed(t, s)
	c := mustDo(t, s, "vnf-a", full("a"))
	lane := eventstore.LaneOf("vnf-a")
	if c.Key != "vnf-a" || c.Lane != lane || c.Time.IsZero() || len(c.Events) != 2 || len(c.Messages) != 2 {
		t.Fatalf("the commit was not filled in: %+v", c)
	}
	if c.Time.Location() != time.UTC || c.Time.Nanosecond()%1000 != 0 {
		t.Errorf("the commit's time %v is not in UTC and microseconds", c.Time)
	}
	stored := must(s.ReadStream(t.Context(), "s-a", 0, 10))(t)
	same(t, c.Events, stored, "events as returned and as read")
	same(t, c.Messages, must(s.ReadOutbox(t.Context(), lane, 0, 10))(t), "messages as returned and as read")
	want := outboxMessage("m1-a", "vnf-a")
	want.Time = c.Time
	same(t, want, c.Messages[0].Message, "message")
	for i, e := range stored {
		if e.ID == "" || e.Time != c.Time || string(e.Data) == "" || string(e.Meta) != `{"actor":"suite"}` {
			t.Errorf("event %d: %+v", i, e)
		}
	}

	l := mustLoad(t, s, eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "s-a"}, {Stream: "nope"}}, Sagas: []eventstore.SagaFrom{{ID: "saga-a"}, {ID: "oldsaga-a"}, {ID: "nope"}},
		Handled:     []eventstore.HandledMark{{MessageID: "msg-a", Saga: "saga-a"}, {MessageID: "oldmsg-a", Saga: "oldsaga-a"}, {MessageID: "nope", Saga: "saga-a"}},
		Timeouts:    []string{"saga-a/t", "due-a", "cancel-a", "later-a"},
		Idempotency: &eventstore.IdempotencyKey{Caller: "me", Key: "key-a"},
		Views:       []eventstore.ViewRef{{Kind: "k", ID: "view-a"}, {Kind: "k", ID: "gone-a"}},
		CountViews:  []eventstore.ViewCount{{Kind: "k", Parent: "par-a"}, {Kind: "k", Parent: "nope"}, {Kind: "k", Parent: "1-a", Column: eventstore.ColumnAttr(0)}, {Kind: "k", Parent: "par-a", Column: eventstore.ColumnAttr(0)}},
		Records: []eventstore.RecordRef{
			{Table: eventstore.TableVimCommands, ID: "rec-a"}, {Table: eventstore.TableVimCommands, ID: "oldrec-a"},
			{Table: eventstore.TableVimResources, ID: "gonerec-a"},
		},
		ParkedKeys: []string{"cons/vnf-a", "cons/parkedkey-a", "cons/parkedkey-b"},
	})
	if l.Now.Before(c.Time) {
		t.Errorf("the clock went back: %v after %v", l.Now, c.Time)
	}
	last := stored[1]
	same(t, map[string]*eventstore.StreamState{
		"s-a": {Version: 2, Hash: last.Hash, Last: last.Time, Events: stored},
	}, l.Streams, "streams")
	in := full("a")(&eventstore.Loaded{Now: c.Time})
	for i := range in.Sagas {
		r := &in.Sagas[i]
		r.Version, r.Expected, r.Updated = r.Expected+1, 0, c.Time
		r.Created = l.Sagas[r.ID].Created
		for j := range r.Items {
			r.Items[j].Version, r.Items[j].New = r.Version, false
		}
	}
	if !l.Sagas["saga-a"].Created.Equal(c.Time) || !l.Sagas["oldsaga-a"].Created.Before(c.Time) {
		t.Errorf("created: %v and %v", l.Sagas["saga-a"].Created, l.Sagas["oldsaga-a"].Created)
	}
	same(t, map[string]*eventstore.SagaRow{"saga-a": &in.Sagas[0], "oldsaga-a": &in.Sagas[1]}, l.Sagas, "sagas")
	same(t, map[string]bool{"msg-a": true, "oldmsg-a": true}, l.Handled, "handled")
	in.Timeouts[0].Lane = lane
	if len(l.Timeouts) != 2 {
		t.Errorf("timeouts: %v", l.Timeouts)
	}
	same(t, &in.Timeouts[0], l.Timeouts["saga-a/t"], "timeout")
	in.Idempotency.At = c.Time
	same(t, in.Idempotency, l.Idempotency, "idempotency")
	in.Views[0].Updated = c.Time
	same(t, map[eventstore.ViewRef]*eventstore.View{{Kind: "k", ID: "view-a"}: &in.Views[0].View}, l.Views, "views")
	if l.Counts[eventstore.ViewCount{Kind: "k", Parent: "par-a"}] != 1 || l.Counts[eventstore.ViewCount{Kind: "k", Parent: "nope"}] != 0 {
		t.Errorf("counts: %v", l.Counts)
	}
	if by := eventstore.ColumnAttr(0); l.Counts[eventstore.ViewCount{Kind: "k", Parent: "1-a", Column: by}] != 1 || l.Counts[eventstore.ViewCount{Kind: "k", Parent: "par-a", Column: by}] != 0 {
		t.Errorf("counts by a column: %v", l.Counts)
	}
	for i := range in.Records {
		in.Records[i].Version, in.Records[i].Lane = in.Records[i].Expected+1, lane
	}
	same(t, map[eventstore.RecordRef]*eventstore.Record{
		{Table: eventstore.TableVimCommands, ID: "rec-a"}:    &in.Records[0].Record,
		{Table: eventstore.TableVimCommands, ID: "oldrec-a"}: &in.Records[1].Record,
	}, l.Records, "records")
	same(t, map[string]bool{"cons/vnf-a": true, "cons/parkedkey-b": true}, l.Parked, "parked keys")
	in.Parked[0].At = c.Time
	parked := must(s.Parked(t.Context(), eventstore.ParkedQuery{Consumer: "cons", Limit: 10}))(t)
	same(t, in.Parked[0], parked[0], "parked message")
	if at := must(s.Cursors(t.Context(), "old-a"))(t); at[3].Offset != 8 || at[4].Offset != 0 {
		t.Errorf("cursor: %v", at)
	}
	mustVerify(t, s)
}

// poison puts a work whose guard fails into one batch with others, through a Committer: the others are written.
func poison(t *testing.T, s eventstore.Store) {
	seed(t, s)
	g := newGate(s)
	stop := run(t, eventstore.NewCommitter(g, eventstore.CommitterConfig{Committers: 1}), func(c *eventstore.Committer) {
		first := g.doAsync(t, c, work("vnf-x", always(eventstore.Commit{Outbox: []message.Message{outboxMessage("x", "vnf-x")}})))
		<-g.entered // the first batch is in flight; the next three go together
		var rest []<-chan error
		for _, id := range []string{"a", "b", "c"} {
			decide := full(id)
			if id == "b" {
				decide = func(l *eventstore.Loaded) *eventstore.Commit {
					c := full("b")(l)
					c.Handled = append(c.Handled, eventstore.HandledMark{MessageID: "oldmsg-a", Saga: "oldsaga-a"})
					return c
				}
			}
			rest = append(rest, g.doAsync(t, c, work("vnf-"+id, decide)))
		}
		close(g.release)
		if err := <-first; err != nil {
			t.Errorf("first: %v", err)
		}
		for i, want := range []error{nil, eventstore.ErrHandled, nil} {
			if err := <-rest[i]; !errors.Is(err, want) {
				t.Errorf("work %d: got %v, want %v", i, err, want)
			}
		}
	})
	stop()
	for _, id := range []string{"a", "c"} {
		if n := len(must(s.ReadStream(t.Context(), "s-"+id, 0, 10))(t)); n != 2 {
			t.Errorf("stream s-%s has %d events, want 2", id, n)
		}
	}
	if n := len(must(s.ReadStream(t.Context(), "s-b", 0, 10))(t)); n != 0 {
		t.Errorf("the poison work wrote %d events", n)
	}
	mustVerify(t, s)
}
