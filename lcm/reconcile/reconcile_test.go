package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// What differs is noted when it begins, when it changes and when it ends, and not in between.
func TestWhatDiffersIsNotedOnce(t *testing.T) {
	s := newSite(t, reconcile.Settings{})
	s.make("a", "v1", 8)
	s.make("b", "v2", 8)
	for _, step := range []struct {
		name string
		do   func()
		want [3]int
		told int
	}{
		{"nothing differs", func() {}, [3]int{}, 0},
		{"one is gone", func() { s.lose("v1", "a", 0) }, [3]int{1, 0, 0}, 1},
		{"it is still gone", func() {}, [3]int{1, 0, 0}, 1},
		{"and one has changed", func() { s.resize("v1", "a", 1, "large") }, [3]int{1, 1, 0}, 2},
		{"in another way", func() { s.resize("v1", "a", 1, "huge") }, [3]int{1, 1, 0}, 3},
		{"and there is one that nobody knows", func() {
			x := vim.Token{ID: "stray", Generation: 1}
			s.held["v1"][x] = vim.Observed{Resource: vim.Resource{Token: x, Kind: vim.Compute, ID: "stray", Owner: "a"}}
		}, [3]int{1, 1, 1}, 4},
		{"the VIM is away", func() { s.away = errAway }, [3]int{1, 1, 1}, 4},
		{"and back", func() { s.away = nil }, [3]int{1, 1, 1}, 4},
		{"all is well again", func() {
			s.resize("v1", "a", 1, "small")
			delete(s.held["v1"], vim.Token{ID: "stray", Generation: 1})
			o := s.held["v1"][token("a", 1)]
			o.Resource.Token, o.Resource.ID = token("a", 0), "vim-a-000"
			s.held["v1"][token("a", 0)] = o
		}, [3]int{}, 5},
	} {
		step.do()
		if err := s.tries(); (err != nil) != (s.away != nil) {
			t.Fatal(step.name, err)
		}
		if got := s.counts("a"); got != step.want || s.told("a") != step.told {
			t.Errorf("%s: %v in %d events, want %v in %d", step.name, got, s.told("a"), step.want, step.told)
		}
		if s.told("b") > 0 {
			t.Errorf("%s: told of what does not differ", step.name)
		}
	}
	if s.vnf("a").Drift != nil {
		t.Errorf("%+v", s.vnf("a").Drift)
	}
}

// What came of a round is kept, and told to who watches.
func TestARoundIsKept(t *testing.T) {
	s := newSite(t, reconcile.Settings{})
	s.make("a", "v1", 8)
	s.make("b", "v1", 8)
	s.lose("v1", "a", 0)
	s.resize("v1", "b", 1, "large")
	s.holds("b", true)
	left := func(connection string) vnf.Resource {
		return vnf.Resource{ID: "left-" + connection, Generation: 1, Kind: string(vim.Port), Name: "left", Connection: connection, VimID: "p"}
	}
	s.append("b", &vnf.OperationFailed{OpID: "op-b", Leftovers: []vnf.Resource{left("v1"), left("v2")}})
	s.make("c", "v1", 0)
	s.append("c", &vnf.OperationBegun{OpID: "op-c", Operation: vnf.OpInstantiate, Number: 1}, &vnf.OperationFailed{OpID: "op-c", Leftovers: []vnf.Resource{left("v1")}})
	s.holds("b", true)
	s.round()
	for name, got := range map[string]reconcile.Status{"told": *s.rounds["v1"], "read": must(reconcile.Read(t.Context(), s.store))["v1"]} {
		if got.Vnfs != 1 || got.Busy != 1 || got.Recorded != 8 || got.Missing != 1 || got.Changed != 0 || got.Drifted != 1 || got.LeftBehind != 2 || !got.At.Equal(s.now) || got.Err != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	s.away = errAway
	if err := s.tries(); !errors.Is(err, errAway) {
		t.Error(err)
	}
	if got := s.rounds["v1"]; !strings.HasSuffix(got.Err, "it is away") || got.Missing != 1 || got.Rounds != 2 {
		t.Errorf("%+v", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What an operation is doing, and what changed while the VIM was asked, is no drift.
func TestWhatIsUnderWayIsNoDrift(t *testing.T) {
	s := newSite(t, reconcile.Settings{})
	s.make("a", "v1", 8)
	s.lose("v1", "a", 0)
	s.holds("a", true)
	s.round()
	if s.told("a") > 0 {
		t.Error("the work of an operation was noted")
	}
	s.holds("a", false)
	s.listed = func() { // an operation comes and goes
		s.listed = nil
		s.holds("a", true)
		s.holds("a", false)
	}
	s.round()
	if s.told("a") > 0 {
		t.Error("what changed meanwhile was noted")
	}
	s.round()
	if s.counts("a") != [3]int{1, 0, 0} {
		t.Errorf("%v", s.counts("a"))
	}
}

// A list that comes late loses nothing, as long as it does not leave too much out.
func TestAListThatComesLateLosesNothing(t *testing.T) {
	s := newSite(t, reconcile.Settings{Finds: 2})
	s.make("a", "v1", 8)
	s.unlisted[token("a", 0)], s.unlisted[token("a", 1)] = true, true
	s.round()
	if s.told("a") > 0 || s.finds != 2 {
		t.Errorf("%v after %d looks", s.counts("a"), s.finds)
	}
	s.unlisted[token("a", 2)] = true
	s.round()
	if s.counts("a") != [3]int{3, 0, 0} || s.finds != 2 {
		t.Errorf("%v after %d looks", s.counts("a"), s.finds)
	}
}

// However many VNFs a VIM has, it is listed once, in pages; and only by who owns the connection, when it is due.
func TestOneListForAll(t *testing.T) {
	s := newSite(t, reconcile.Settings{Page: 10})
	for i := range 30 {
		s.make(fmt.Sprintf("a%02d", i), "v1", 3)
	}
	s.vims = s.vims[:1]
	s.start()
	s.round()
	if s.lists != 9 || s.finds != 0 || s.rounds["v1"].Recorded != 90 {
		t.Errorf("%d lists, %d finds, %+v", s.lists, s.finds, s.rounds["v1"])
	}
	if did, err := s.r.RunOnce(t.Context()); did || err != nil || s.lists != 9 {
		t.Errorf("looked too early: %v %v %d", did, err, s.lists)
	}
	s.start() // another process does not begin anew
	if did, err := s.r.RunOnce(t.Context()); did || err != nil || s.lists != 9 {
		t.Errorf("looked too early after a restart: %v %v %d", did, err, s.lists)
	}
	lane := eventstore.LaneOf("v1")
	s.owned = func(l int) bool { return l != lane }
	if s.round(); s.lists != 9 || len(s.kept) > 0 {
		t.Errorf("looked at what is another's: %d, %v", s.lists, s.kept)
	}
}

// The rounds of connections do not fall together, and come at the interval that is set, more often where that is cheap.
func TestIntervals(t *testing.T) {
	for name, c := range map[string]struct {
		often       time.Duration
		least, most time.Duration
	}{"as set": {0, 54 * time.Second, 66 * time.Second}, "more often": {10 * time.Second, 9 * time.Second, 11 * time.Second}, "never less often": {time.Hour, 54 * time.Second, 66 * time.Second}} {
		s := newSite(t, reconcile.Settings{Often: map[string]time.Duration{"T": c.often}})
		var dues []time.Duration
		for range 20 {
			s.round()
			recs, err := s.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableReconcile, Group: "v1"})
			s.must(err)
			dues = append(dues, recs[0].Due.Sub(s.now))
		}
		differ := false
		for _, d := range dues {
			differ = differ || d != dues[0]
			if d < c.least || d > c.most {
				t.Errorf("%s: %v", name, d)
			}
		}
		if !differ {
			t.Errorf("%s: always %v", name, dues[0])
		}
	}
}

// An outage of a VIM does not look like the loss of everything.
func TestASuspectVimIsNotBelieved(t *testing.T) {
	for _, confirm := range []int{0, 3} {
		s := newSite(t, reconcile.Settings{Repair: true, Confirm: confirm, Backoff: time.Second})
		s.make("a", "v1", 4)
		s.make("b", "v1", 4)
		s.lose("v1", "a", 0, 1, 2, 3)
		s.round()
		if d := s.vnf("a").Drift; d == nil || d.State != vnf.Drifted || len(s.repairs) != 1 || !s.confirmed["a"] {
			t.Fatalf("half of all is lost: %+v, %v", d, s.repairs)
		}
		s.holds("a", false)
		s.repairs = nil
		s.lose("v1", "b", 0)
		for range 3 {
			s.round()
			if s.rounds["v1"].Suspect != true || len(s.repairs) > 0 || s.vnf("a").Drift.State != vnf.DriftSuspect || s.vnf("b").Drift.State != vnf.DriftSuspect {
				t.Fatalf("confirm %d: %+v %v", confirm, s.rounds["v1"], s.repairs)
			}
		}
		told := s.told("b")
		s.round()
		believed := len(s.repairs) > 0 && s.vnf("b").Drift.State == vnf.Drifted && s.told("b") == told+1
		if believed != (confirm == 3) {
			t.Errorf("confirm %d: %+v %v", confirm, s.rounds["v1"], s.repairs)
		}
		if confirm == 0 {
			s.lose("v1", "b", 1) // another picture is not the same again
			s.round()
			if s.rounds["v1"].Same != 0 {
				t.Errorf("%+v", s.rounds["v1"])
			}
		}
	}
}

// A VIM of which another is suspect is not repaired by: a repair would look at both.
func TestARepairWaitsForTheOtherVim(t *testing.T) {
	s := newSite(t, reconcile.Settings{Repair: true})
	s.make("a", "v1", 4)
	s.append("a", &vnf.InstanceDrifted{Connection: "v2", Found: vnf.DriftNoted{DriftCounts: vnf.DriftCounts{Missing: 1}, Suspect: true, Digest: "x"}})
	s.vims = s.vims[:1]
	s.start()
	s.lose("v1", "a", 0)
	s.round()
	if len(s.repairs) > 0 || s.counts("a") != [3]int{2, 0, 0} {
		t.Errorf("%v %v", s.repairs, s.counts("a"))
	}
}

// Who is repaired: as the VNF says, else as the site does; and never what is only to be kept as it is.
func TestWhoIsRepaired(t *testing.T) {
	for _, site := range []bool{false, true} {
		s := newSite(t, reconcile.Settings{Repair: site, Repairs: 10})
		s.make("silent", "v1", 8)
		s.make("wants", "v1", 8, "isAutohealEnabled=true")
		s.make("refuses", "v1", 8, "is_autoheal_enabled=false")
		s.make("mumbles", "v1", 8, `isAutohealEnabled="perhaps"`)
		for _, id := range []string{"silent", "wants", "refuses", "mumbles"} {
			s.lose("v1", id, 0)
		}
		s.round()
		want := map[string]bool{"silent": site, "wants": true, "refuses": false, "mumbles": site}
		got := map[string]bool{}
		for _, id := range s.repairs {
			got[id] = true
		}
		for id := range want {
			if got[id] != want[id] {
				t.Errorf("site %v: %s is repaired: %v", site, id, got[id])
			}
		}
	}
}

// Repairs are bounded: so many at once, none again too early, and not for ever.
func TestRepairsAreBounded(t *testing.T) {
	s := newSite(t, reconcile.Settings{Repair: true, Repairs: 2, Attempts: 2, Backoff: 3 * time.Minute, Quiet: 10 * time.Minute})
	for _, id := range []string{"a", "b", "c"} {
		s.make(id, "v1", 8)
		s.lose("v1", id, 0)
	}
	s.round()
	s.round()
	if fmt.Sprint(s.repairs) != "[a b]" {
		t.Fatalf("at once: %v", s.repairs)
	}
	s.holds("a", false) // it has failed
	s.round()
	if fmt.Sprint(s.repairs) != "[a b c]" {
		t.Fatalf("a place is free: %v", s.repairs)
	}
	s.holds("b", false)
	s.holds("c", false)
	s.repairs = nil
	for range 20 {
		s.round()
		for _, id := range s.repairs {
			if s.vnf(id).Operation != "" {
				s.holds(id, false)
			}
		}
	}
	if len(s.repairs) != 3 || len(s.rows("GIVEN_UP")) != 3 || s.rounds["v1"].GivenUp != 3 {
		t.Fatalf("%v, %v", s.repairs, s.rows(""))
	}
	if d := s.vnf("a").Drift; !d.RepairGivenUp {
		t.Errorf("%+v", d)
	}
	s.make("a2", "v1", 8) // somebody mends a by hand
	o := s.held["v1"][token("a", 1)]
	o.Resource.Token = token("a", 0)
	s.held["v1"][token("a", 0)] = o
	s.round()
	s.lose("v1", "a", 0) // and it happens again at once
	s.round()
	if d := s.vnf("a").Drift; len(s.repairs) != 3 || !d.RepairGivenUp {
		t.Errorf("%v, %+v", s.repairs, d)
	}
	s.held["v1"][token("a", 0)] = o
	for range 12 {
		s.round()
	}
	if len(s.rows("GIVEN_UP")) != 2 {
		t.Errorf("%v", s.rows(""))
	}
	s.lose("v1", "a", 0) // long after
	s.round()
	if d := s.vnf("a").Drift; len(s.repairs) != 4 || d.RepairGivenUp {
		t.Errorf("%v, %+v", s.repairs, d)
	}
}

// A repair for which a VIM cannot tell, or there is no room, is no attempt; one that is refused is.
func TestARepairThatDoesNotBegin(t *testing.T) {
	s := newSite(t, reconcile.Settings{Repair: true, Attempts: 2, Backoff: time.Second})
	s.make("a", "v1", 8)
	s.lose("v1", "a", 0)
	s.begin = func(string) error { return errNoRoom }
	for range 10 {
		s.round()
	}
	if len(s.repairs) != 10 || len(s.rows("WAITING")) != 1 {
		t.Fatalf("%v %v", s.repairs, s.rows(""))
	}
	s.repairs = nil
	s.begin = func(string) error { return vnfm.Errorf(vnfm.Conflict, "no") }
	for range 10 {
		s.round()
	}
	if len(s.repairs) != 2 || len(s.rows("GIVEN_UP")) != 1 {
		t.Fatalf("%v %v", s.repairs, s.rows(""))
	}
}

// One that has failed and waits for a person takes no place from the others.
func TestARepairThatWaitsForAPersonTakesNoPlace(t *testing.T) {
	s := newSite(t, reconcile.Settings{Repair: true, Repairs: 1})
	s.make("a", "v1", 8)
	s.make("b", "v1", 8)
	s.lose("v1", "a", 0)
	s.lose("v1", "b", 0)
	s.round()
	s.round()
	if fmt.Sprint(s.repairs) != "[a]" {
		t.Fatalf("%v", s.repairs)
	}
	_, err := s.committer.Do(t.Context(), &eventstore.Work{Keys: []string{"a"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Views: []eventstore.ViewWrite{{View: eventstore.View{
			Kind: "vnf_lcm_op_occ", ID: "op-a", Parent: "a", State: string(vnf.FailedTemp), Doc: []byte("{}"),
		}}}}, nil
	}})
	s.must(err)
	s.round()
	if fmt.Sprint(s.repairs) != "[a b]" {
		t.Fatalf("%v", s.repairs)
	}
}

// Whatever dies at whichever commit, before it or after it: what differs is told once, and a repair is begun no more often than it may.
func TestARoundThatIsCutOff(t *testing.T) {
	for at := 1; at < 12; at++ {
		for _, after := range []bool{false, true} {
			s := newSite(t, reconcile.Settings{Repair: true, Attempts: 1, Repairs: 5})
			s.make("a", "v1", 8)
			s.make("b", "v1", 8)
			s.lose("v1", "a", 0)
			s.resize("v1", "b", 0, "large")
			s.dieAt, s.after = at, after
			_ = s.tries()
			s.start()
			s.round()
			for _, id := range []string{"a", "b"} {
				n := 0
				for _, x := range s.repairs {
					if x == id {
						n++
					}
				}
				if s.vnf(id).Operation != "" {
					s.holds(id, false)
				}
				if n > 1 || s.told(id) != 1 && !s.vnf(id).Drift.RepairGivenUp {
					t.Errorf("dead at commit %d, after it: %v: %s is repaired %d times, told %d times", at, after, id, n, s.told(id))
				}
			}
			for range 5 {
				s.round()
			}
			if s.counts("a") != [3]int{1, 0, 0} || s.counts("b") != [3]int{0, 1, 0} || len(s.repairs) > 2 {
				t.Errorf("dead at commit %d, after it: %v: %v %v %v", at, after, s.counts("a"), s.counts("b"), s.repairs)
			}
		}
	}
}

// What is kept of VNFs and connections goes with them.
func TestRowsGoWithWhatTheyAreAbout(t *testing.T) {
	s := newSite(t, reconcile.Settings{Repair: true})
	s.make("a", "v1", 8)
	s.lose("v1", "a", 0)
	s.round()
	if len(s.rows("")) != 3 {
		t.Fatalf("%v", s.rows(""))
	}
	s.append("a", &vnf.InstanceTerminated{OpID: "op-a"}, &vnf.InstanceDeleted{})
	clear(s.held["v1"])
	s.round()
	if fmt.Sprint(s.rows("")) != "[vim/v1 vim/v2]" {
		t.Fatalf("%v", s.rows(""))
	}
	s.vims = s.vims[1:]
	s.start()
	s.round()
	if fmt.Sprint(s.rows("")) != "[vim/v2]" {
		t.Fatalf("%v", s.rows(""))
	}
}

// Whatever becomes of a VIM and of operations: after a round, what is noted is what differs, and each change of that was told once.
func TestProperty_what_is_noted_is_what_differs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSite(t, reconcile.Settings{Suspect: 100})
		const n = 4
		gone, large, held := map[string]map[int]bool{}, map[string]map[int]bool{}, map[string]bool{}
		shown, told := map[string][3]int{}, map[string]int{}
		ids := []string{"a", "b", "c"}
		for i, id := range ids {
			s.make(id, s.vims[i%2].ID, n)
			gone[id], large[id] = map[int]bool{}, map[int]bool{}
		}
		at := map[string]string{"a": "v1", "b": "v2", "c": "v1"}
		whole := map[vim.Token]vim.Observed{}
		for _, id := range ids {
			for i := range n {
				whole[token(id, i)] = s.held[at[id]][token(id, i)]
			}
		}
		changed := map[string]bool{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			id, i := rapid.SampledFrom(ids).Draw(rt, "vnf"), rapid.IntRange(0, n-1).Draw(rt, "machine")
			switch rapid.SampledFrom([]string{"lose", "resize", "mend", "hold", "free", "round", "round"}).Draw(rt, "step") {
			case "lose":
				if !gone[id][i] {
					changed[id] = true
				}
				gone[id][i] = true
				delete(large[id], i)
				s.lose(at[id], id, i)
			case "resize":
				if !gone[id][i] && !large[id][i] {
					large[id][i], changed[id] = true, true
					s.resize(at[id], id, i, "large")
				}
			case "mend":
				if gone[id][i] || large[id][i] {
					changed[id] = true
				}
				delete(gone[id], i)
				delete(large[id], i)
				s.held[at[id]][token(id, i)] = whole[token(id, i)]
			case "hold", "free":
				held[id] = !held[id]
				s.holds(id, held[id])
			case "round":
				s.round()
				for _, id := range ids {
					if held[id] {
						continue
					}
					want := [3]int{len(gone[id]), len(large[id]), 0}
					if got := s.counts(id); got != want {
						rt.Fatalf("%s: noted %v, differs %v", id, got, want)
					}
					before, now := told[id], s.told(id)
					if now > before+1 || now > before && !changed[id] || want != shown[id] && now == before {
						rt.Fatalf("%s: told %d times, then %d", id, before, now)
					}
					told[id], shown[id], changed[id] = now, want, false
				}
			}
		}
	})
}

// BenchmarkRound is what a round costs in which nothing differs.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("vnfs=%d", n), func(b *testing.B) {
			s := newSite(b, reconcile.Settings{Page: 20_000})
			for i := range n {
				s.make(fmt.Sprintf("a%04d", i), "v1", 10)
			}
			s.round()
			b.ResetTimer()
			for b.Loop() {
				s.round()
			}
			if s.rounds["v1"].Recorded != 10*n || s.rounds["v1"].Drifted != 0 {
				b.Errorf("%+v", s.rounds["v1"])
			}
		})
	}
}

// Resources that may be gone say nothing about a VIM, and do not make up for others that it lacks.
func TestWhatMayBeGoneDoesNotVouchForAVim(t *testing.T) {
	for _, gone := range []bool{false, true} {
		s := newSite(t, reconcile.Settings{Repair: true})
		s.make("a", "v1", 4)
		s.doubt("b", "v1", 8)
		s.lose("v1", "a", 0, 1, 2)
		if gone {
			s.lose("v1", "b", 0, 1, 2, 3, 4, 5, 6, 7)
		}
		s.round()
		if !s.rounds["v1"].Suspect || len(s.repairs) > 0 {
			t.Errorf("three of the four that are to be there are not: %+v %v", s.rounds["v1"], s.repairs)
		}
	}
}

// VIMs are asked at once, so that some that hang cost the others the time of one: with one after the other the second is not asked until the first has failed.
func TestAVimThatHangsKeepsNobodyWaiting(t *testing.T) {
	s := newSite(t, reconcile.Settings{Lists: 2})
	s.make("b", "v2", 4)
	s.lose("v2", "b", 0)
	other := make(chan struct{})
	s.asked = func(ctx context.Context, which string) error {
		if which == "v2" {
			close(other)
			return nil
		}
		select { // v1 hangs for at least as long as v2 is not asked
		case <-other:
			return &vim.Error{Class: message.UnknownOutcome, Hint: "in time"}
		case <-time.After(5 * time.Second):
			return &vim.Error{Class: message.UnknownOutcome, Hint: "too late"}
		}
	}
	err := s.tries()
	if err == nil || s.rounds["v1"].Err != "the VIM could not be looked at" || strings.Contains(err.Error(), "too late") {
		t.Errorf("%v: %+v", err, s.rounds["v1"])
	}
	if s.counts("b") != [3]int{1, 0, 0} {
		t.Errorf("%v", s.counts("b"))
	}
}
