package eventstoretest

import (
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// writeSaga writes a saga over a version of it, with items by number: their data, "" for one that is gone. Those up to known
// have rows.
func writeSaga(id string, expected int64, known int, items map[int]string) *eventstore.Work {
	return work("vnf-"+id, func(*eventstore.Loaded) *eventstore.Commit {
		row := eventstore.SagaRow{
			ID: id, Type: "t", DefVersion: 1, Key: "vnf-" + id, State: "RUNNING", Expected: expected,
			Data: fmt.Appendf(nil, `{"turn":%d}`, expected+1),
		}
		if expected == 0 {
			row.Plan = []byte(`{"plan":"` + id + `"}`)
		}
		for no := range 10 {
			if data, ok := items[no]; ok {
				row.Items = append(row.Items, eventstore.SagaItem{No: no, New: no > known, Data: []byte(data)})
			}
		}
		return &eventstore.Commit{Sagas: []eventstore.SagaRow{row}}
	})
}

func mustExecute(t *testing.T, s eventstore.Store, works ...*eventstore.Work) {
	t.Helper()
	results, err := s.Execute(t.Context(), works)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// shown is what a loaded row says, in one line.
func shown(r *eventstore.SagaRow) string {
	if r == nil {
		return "none"
	}
	out := fmt.Sprintf("version %d %s plan %s", r.Version, r.Data, r.Plan)
	for _, i := range r.Items {
		out += fmt.Sprintf(" %d@%d=%s", i.No, i.Version, i.Data)
	}
	if r.Base != nil {
		out += fmt.Sprint(" base ", r.Base)
	}
	return out
}

func loadSaga(t *testing.T, s eventstore.Store, f eventstore.SagaFrom) string {
	t.Helper()
	return shown(mustLoad(t, s, eventstore.Load{Sagas: []eventstore.SagaFrom{f}}).Sagas[f.ID])
}

func sagaParts(t *testing.T, s eventstore.Store) {
	mustExecute(t, s, writeSaga("x", 0, 0, map[int]string{1: `{"a":1}`, 2: `{"a":2}`, 3: `{"a":3}`}), writeSaga("y", 0, 0, map[int]string{1: `{"b":1}`}))
	mustExecute(t, s, writeSaga("x", 1, 3, map[int]string{2: `{"a":22}`, 3: "", 4: `{"a":4}`}))
	mustExecute(t, s, writeSaga("x", 2, 4, nil))
	for after, want := range []string{
		`version 3 {"turn":3} plan {"plan":"x"} 1@1={"a":1} 2@2={"a":22} 3@2= 4@2={"a":4}`,
		`version 3 {"turn":3} plan  2@2={"a":22} 3@2= 4@2={"a":4} base known`,
		`version 3 {"turn":3} plan  base known`,
		`version 3  plan  base known`,
	} {
		f := eventstore.SagaFrom{ID: "x", After: int64(after)}
		if after > 0 {
			f.Base = "known"
		}
		if got := loadSaga(t, s, f); got != want {
			t.Errorf("after %d: %s, want %s", after, got, want)
		}
	}
	if got, want := loadSaga(t, s, eventstore.SagaFrom{ID: "y"}), `version 1 {"turn":1} plan {"plan":"y"} 1@1={"b":1}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := loadSaga(t, s, eventstore.SagaFrom{ID: "z", After: 4}); got != "none" {
		t.Errorf("a saga that is not there: %s", got)
	}
	listed := must(s.Sagas(t.Context(), eventstore.SagaQuery{Limit: 1}))(t)
	if got, want := shown(&listed[0]), `version 3 {"turn":3} plan `; got != want {
		t.Errorf("in a list: %s, want %s", got, want)
	}
}

func sagaSince(t *testing.T, s eventstore.Store) {
	mustExecute(t, s, writeSaga("x", 0, 0, map[int]string{1: `1`}))
	mustExecute(t, s, writeSaga("x", 1, 1, map[int]string{2: `2`}))
	got := make([]string, 3)
	reader := func(i int, f eventstore.SagaFrom) *eventstore.Work {
		return &eventstore.Work{
			Keys: []string{fmt.Sprint("reader-", i)},
			Load: func() eventstore.Load { return eventstore.Load{Sagas: []eventstore.SagaFrom{f}} },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				got[i] = shown(l.Sagas["x"])
				return nil, nil
			},
		}
	}
	mustExecute(t, s, reader(0, eventstore.SagaFrom{ID: "x", After: 1, Base: "first"}), reader(1, eventstore.SagaFrom{ID: "x"}),
		reader(2, eventstore.SagaFrom{ID: "x", After: 2, Base: "second"}))
	same(t, []string{
		`version 2 {"turn":2} plan  2@2=2 base first`, `version 2 {"turn":2} plan {"plan":"x"} 1@1=1 2@2=2`, `version 2  plan  base second`,
	}, got, "what each reader of a batch gets")
}

func sagaGuards(t *testing.T, s eventstore.Store) {
	mustExecute(t, s, writeSaga("x", 0, 0, map[int]string{1: `1`}))
	for name, works := range map[string][]*eventstore.Work{
		"a saga that is further":    {writeSaga("y", 0, 0, map[int]string{1: `y`}), writeSaga("x", 0, 0, map[int]string{1: `bad`, 2: `bad`})},
		"an item that has no row":   {writeSaga("y", 0, 0, map[int]string{1: `y`}), writeSaga("x", 1, 9, map[int]string{2: `bad`})},
		"an item that has one":      {writeSaga("y", 0, 0, map[int]string{1: `y`}), writeSaga("x", 1, 0, map[int]string{1: `bad`})},
		"a saga that is not so far": {writeSaga("y", 0, 0, map[int]string{1: `y`}), writeSaga("x", 2, 1, map[int]string{1: `bad`})},
	} {
		if _, err := s.Execute(t.Context(), works); err == nil {
			t.Errorf("%s: written", name)
		}
		if got, want := loadSaga(t, s, eventstore.SagaFrom{ID: "x"}), `version 1 {"turn":1} plan {"plan":"x"} 1@1=1`; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := loadSaga(t, s, eventstore.SagaFrom{ID: "y"}); got != "none" {
			t.Errorf("%s: another saga of the batch was written: %s", name, got)
		}
	}
	mustExecute(t, s, work("vnf-x", always(eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: "x", Expected: 1, Delete: true}}})))
	mustExecute(t, s, writeSaga("x", 0, 0, nil))
	if got, want := loadSaga(t, s, eventstore.SagaFrom{ID: "x"}), `version 1 {"turn":1} plan {"plan":"x"}`; got != want {
		t.Errorf("one of the same id: %s, want %s", got, want)
	}
}

// sagasEnded: what has ended is found by when it did, the first one first, in the lanes asked for; one that is written as ended
// once more ends then.
func sagasEnded(t *testing.T, s eventstore.Store) {
	at := map[string]time.Time{}
	write := func(id string, expected int64, ended bool) {
		c := mustDo(t, s, "vnf-"+id, always(eventstore.Commit{Sagas: []eventstore.SagaRow{
			{ID: id, Type: "t", DefVersion: 1, Key: "vnf-" + id, State: "S", Expected: expected, Ended: ended, Data: []byte(`{}`)},
		}}))
		at[id] = c.Time
	}
	write("b", 0, true) // at once
	write("a", 0, false)
	write("live", 0, false)
	write("a", 1, true)
	ids := func(q eventstore.SagaQuery) (out []string) {
		for _, row := range must(s.Sagas(t.Context(), q))(t) {
			out = append(out, row.ID)
			if row.EndedAt.IsZero() == (row.ID != "live") || row.ID != "live" && !row.EndedAt.Equal(at[row.ID]) {
				t.Errorf("%s ended at %s, want %s", row.ID, row.EndedAt, at[row.ID])
			}
		}
		return out
	}
	all := eventstore.Held(nil)
	same(t, []string{"b", "a"}, ids(eventstore.SagaQuery{Lanes: all, EndedBy: at["a"]}), "that ended")
	same(t, []string{"b"}, ids(eventstore.SagaQuery{Lanes: all, EndedBy: at["a"], Limit: 1}), "the first")
	same(t, []string{"a"}, ids(eventstore.SagaQuery{Lanes: []int{eventstore.LaneOf("vnf-a")}, EndedBy: at["a"]}), "of a lane")
	same(t, []string{"live"}, ids(eventstore.SagaQuery{Live: true}), "that have not ended")
	same(t, []string(nil), ids(eventstore.SagaQuery{Live: true, Key: "vnf-a"}), "of a VNF whose saga has ended")
	if loaded := mustLoad(t, s, eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: "b"}}}).Sagas["b"]; !loaded.EndedAt.Equal(at["b"]) {
		t.Errorf("loaded, b ended at %s", loaded.EndedAt)
	}
	write("b", 1, true)
	same(t, []string{"a", "b"}, ids(eventstore.SagaQuery{Lanes: all, EndedBy: at["b"]}), "b ended once more")
}

func unsnapped(t *testing.T, s eventstore.Store) {
	mustDo(t, s, "k", always(eventstore.Commit{Snapshots: []eventstore.Snapshot{
		{Stream: "a", Version: 1, Schema: 1, Data: []byte(`1`)}, {Stream: "a", Version: 2, Schema: 1, Data: []byte(`2`)}, {Stream: "b", Version: 1, Schema: 1, Data: []byte(`3`)},
	}}))
	mustDo(t, s, "k", always(eventstore.Commit{Unsnapped: []string{"a", "none"}}))
	for stream, want := range map[string]bool{"a": false, "b": true} {
		if got := must(s.SnapshotAt(t.Context(), stream, 5, 1))(t); (got != nil) != want {
			t.Errorf("the snapshot of %s: %v", stream, got)
		}
	}
}
