package eventstoretest

import (
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

func snapshotsAt(t *testing.T, s eventstore.Store) {
	mustDo(t, s, "k", always(eventstore.Commit{Appends: []eventstore.Append{
		{Stream: "s", Events: events("a", "b", "c", "d", "e", "f")}, {Stream: "other", Events: events("g")},
	}}))
	snap := func(version int64, schema int, data string) {
		mustDo(t, s, "k", always(eventstore.Commit{
			Snapshots: []eventstore.Snapshot{{Stream: "s", Version: version, Schema: schema, Data: []byte(data)}},
		}))
	}
	snap(4, 2, `"four"`)
	snap(2, 2, `"two"`) // an older one, late
	snap(3, 1, `"three of an older form"`)
	for _, c := range []struct {
		version int64
		schema  int
		want    int64 // 0: none
	}{
		{1, 2, 0}, {2, 2, 2}, {3, 2, 2}, {4, 2, 4}, {6, 2, 4}, {100, 2, 4}, {2, 1, 0}, {3, 1, 3}, {6, 1, 3}, {6, 3, 0},
	} {
		got := must(s.SnapshotAt(t.Context(), "s", c.version, c.schema))(t)
		switch {
		case got == nil && c.want != 0:
			t.Errorf("version %d, schema %d: no snapshot, want that of %d", c.version, c.schema, c.want)
		case got != nil && (got.Version != c.want || got.Schema != c.schema || got.Stream != "s"):
			t.Errorf("version %d, schema %d: %+v, want that of %d", c.version, c.schema, got, c.want)
		}
	}
	if got := must(s.SnapshotAt(t.Context(), "other", 6, 2))(t); got != nil {
		t.Errorf("a snapshot of another stream: %+v", got)
	}
	snap(3, 2, `"three anew"`) // in the present form
	same(t, &eventstore.Snapshot{Stream: "s", Version: 3, Schema: 2, Data: []byte(`"three anew"`)},
		must(s.SnapshotAt(t.Context(), "s", 3, 2))(t), "the snapshot written again")
	st := mustLoad(t, s, eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "s", Schema: 2}}}).Stream("s")
	if st.Snapshot == nil || st.Snapshot.Version != 4 || len(st.Events) != 2 {
		t.Errorf("the newest snapshot with the events behind it: %+v", st)
	}
}

// past finds versions and offsets by the times that the store itself gave.
func past(t *testing.T, s eventstore.Store) {
	if v := must(s.VersionAt(t.Context(), "nothing", time.Now().Add(time.Hour)))(t); v != 0 {
		t.Errorf("a stream that does not exist is at %d", v)
	}
	began := must(s.Now(t.Context()))(t)
	version := int64(0)
	for i := range 12 { // commits of one, two and three events: events of a commit have one time
		names := []string{"a", "b", "c"}[:1+i%3]
		mustDo(t, s, "k", always(eventstore.Commit{Appends: []eventstore.Append{{Stream: "s", Expected: version, Events: events(names...)}}}))
		version += int64(len(names))
		mustDo(t, s, fmt.Sprint("another-", i), always(eventstore.Commit{Appends: []eventstore.Append{{Stream: fmt.Sprint("t-", i), Events: events("x")}}}))
	}
	all := must(s.ReadStream(t.Context(), "s", 0, 100))(t)
	if int64(len(all)) != version {
		t.Fatalf("%d events, want %d", len(all), version)
	}
	at := func(when time.Time) int64 { return must(s.VersionAt(t.Context(), "s", when))(t) }
	for i, e := range all {
		last := e.Version // of those with its time
		for _, f := range all[i+1:] {
			if f.Time.Equal(e.Time) {
				last = f.Version
			}
		}
		before := int64(0)
		for _, f := range all[:i] {
			if f.Time.Before(e.Time) {
				before = f.Version
			}
		}
		if got := at(e.Time); got != last {
			t.Errorf("at the time of %d: version %d, want %d", e.Version, got, last)
		}
		if got := at(e.Time.Add(-time.Microsecond)); got != before {
			t.Errorf("just before %d: version %d, want %d", e.Version, got, before)
		}
		if got := at(e.Time.Add(-time.Nanosecond)); got != before {
			t.Errorf("a nanosecond before %d: version %d, want %d", e.Version, got, before)
		}
	}
	if got := at(began.Add(-time.Second)); got != 0 {
		t.Errorf("before its first event: version %d", got)
	}
	if got := at(all[len(all)-1].Time.Add(time.Hour)); got != version {
		t.Errorf("in the future: version %d, want %d", got, version)
	}
	for _, when := range []time.Time{began.Add(-time.Second), all[0].Time, all[3].Time, all[3].Time.Add(time.Nanosecond), all[10].Time, all[10].Time.Add(time.Hour)} {
		got := must(s.OffsetsBefore(t.Context(), when))(t)
		for lane := range eventstore.Lanes {
			want := int64(0)
			for _, e := range must(s.ReadLane(t.Context(), lane, 0, 1000))(t) {
				if e.Time.Before(when) {
					want = e.Offset
				}
			}
			if got[lane] != want {
				t.Errorf("lane %d before %v: offset %d, want %d", lane, when, got[lane], want)
			}
		}
	}
}

func severalStreams(t *testing.T, s eventstore.Store) {
	for i, stream := range []string{"s-a", "s-b", "s-c", "s-a", "s-b", "s-a"} {
		mustDo(t, s, "k", func(*eventstore.Loaded) *eventstore.Commit {
			expected := map[int]int64{3: 1, 4: 1, 5: 2}[i]
			return &eventstore.Commit{Appends: []eventstore.Append{{Stream: stream, Expected: expected, Events: events("x")}}}
		})
	}
	read := func(after int64, limit int, streams ...string) (out string) {
		for _, e := range must(s.ReadStreams(t.Context(), streams, after, limit))(t) {
			out += fmt.Sprintf("%s@%d:%d ", e.Stream, e.Version, e.Offset)
		}
		return out
	}
	for _, c := range []struct {
		after   int64
		limit   int
		streams []string
		want    string
	}{
		{0, 10, []string{"s-a", "s-b"}, "s-a@1:1 s-b@1:2 s-a@2:4 s-b@2:5 s-a@3:6 "},
		{0, 3, []string{"s-b", "s-a"}, "s-a@1:1 s-b@1:2 s-a@2:4 "},
		{4, 10, []string{"s-a", "s-b"}, "s-b@2:5 s-a@3:6 "},
		{0, 10, []string{"s-c"}, "s-c@1:3 "},
		{6, 10, []string{"s-a"}, ""},
		{0, 10, []string{"unknown"}, ""},
		{0, 10, nil, ""},
	} {
		if got := read(c.after, c.limit, c.streams...); got != c.want {
			t.Errorf("%v after %d, at most %d: %q, want %q", c.streams, c.after, c.limit, got, c.want)
		}
	}
}

// ClockSetBack checks that no event is earlier than the one before it in its stream when the store's clock was set back, and
// that a state at a time stays what it was. back sets the clock back by an hour, or what is stored ahead by one.
func ClockSetBack(t *testing.T, s eventstore.Store, back func()) {
	mustDo(t, s, "k", always(eventstore.Commit{Appends: []eventstore.Append{{Stream: "s", Events: events("a", "b")}}}))
	back()
	version := int64(2)
	ahead := mustLoad(t, s, eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "s"}}}).Stream("s").Last
	appendTo := func(loaded bool) {
		w := work("k", func(*eventstore.Loaded) *eventstore.Commit { // in two parts, as two use cases of one commit do
			return &eventstore.Commit{Appends: []eventstore.Append{
				{Stream: "s", Expected: version, Events: events("c")}, {Stream: "s", Expected: version + 1, Events: events("d", "e")},
			}}
		})
		if loaded {
			w.Load = func() eventstore.Load {
				return eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "s", After: version}}}
			}
		}
		c := must(do(t, s, w))(t)
		for _, e := range c.Events {
			if e.Time.Before(ahead) {
				t.Errorf("event %d, its stream loaded: %t, is of %v; the one before is of %v", e.Version, loaded, e.Time, ahead)
			}
		}
		version += 3
	}
	appendTo(true)
	appendTo(false)
	if last := mustLoad(t, s, eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "s"}}}).Stream("s").Last; last.Before(ahead) {
		t.Errorf("the stream's last event is of %v, before %v", last, ahead)
	}
	if got := must(s.VersionAt(t.Context(), "s", ahead))(t); got != version {
		t.Errorf("at the time of the last event: version %d, want %d", got, version)
	}
	if now := must(s.Now(t.Context()))(t); !now.Before(ahead) {
		t.Errorf("the clock was not set back: it is %v, the last event is of %v", now, ahead)
	}
}
