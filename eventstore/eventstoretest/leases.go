package eventstoretest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

const hour = 3600_000

// ask makes a request for a node, and returns how the lanes lie.
func ask(t *testing.T, s eventstore.Owner, id string, ttl int64, want, give []eventstore.RoleLane) eventstore.Leases {
	t.Helper()
	return must(s.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: id, Roles: []string{"r"}}, Want: want, Give: give, TTL: ttl}))(t)
}

// wantHeld compares who holds what: "owner role/lane epoch".
func wantHeld(t *testing.T, l eventstore.Leases, want ...string) {
	t.Helper()
	var got []string
	for _, h := range l.Held {
		got = append(got, fmt.Sprintf("%s %s/%d %d", h.Owner, h.Role, h.Lane, h.Epoch))
	}
	if !slices.Equal(got, want) {
		t.Errorf("held: %q, want %q", got, want)
	}
}

// mover moves the cursor of a consumer in lane 5.
func mover(t *testing.T, s eventstore.Store) func(consumer, role string, from, to, epoch int64) error {
	return func(consumer, role string, from, to, epoch int64) error {
		_, err := do(t, s, work("k", always(eventstore.Commit{
			Cursors: []eventstore.CursorMove{{Consumer: consumer, Role: role, Lane: 5, From: from, To: to, Epoch: epoch}},
		})))
		return err
	}
}

func leases(t *testing.T, s eventstore.Store) {
	lane := eventstore.LanesOf
	move := mover(t, s)
	wantErr(t, move("c", "r", 0, 1, 0), eventstore.ErrFenced) // nobody holds the lane
	first := ask(t, s, "one", hour, lane("r", 5, 6), nil)
	wantHeld(t, first, "one r/5 1", "one r/6 1")
	if n := first.Nodes; len(n) != 1 || n[0].ID != "one" || n[0].Until < first.Now+hour-1000 || n[0].Started == 0 {
		t.Errorf("nodes %+v at %d", n, first.Now)
	}
	if err := move("c", "r", 0, 3, 1); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, ask(t, s, "two", hour, lane("r", 5, 7), nil), "one r/5 1", "one r/6 1", "two r/7 1")
	wantHeld(t, ask(t, s, "one", hour, nil, nil), "one r/5 1", "one r/6 1", "two r/7 1") // renewed
	if err := move("c", "r", 3, 4, 1); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "one", 1, nil, nil) // lives for a millisecond more
	var taken eventstore.Leases
	eventually(t, "the lease runs out", func() bool {
		taken = ask(t, s, "two", hour, lane("r", 5), nil)
		return len(taken.Of("two")) == 2
	})
	wantHeld(t, taken, "two r/5 2", "two r/7 1")
	wantErr(t, move("c", "r", 4, 5, 1), eventstore.ErrFenced)
	wantErr(t, move("new", "r", 0, 5, 1), eventstore.ErrFenced)
	if err := move("c", "r", 4, 5, 2); err != nil {
		t.Fatal(err)
	}
	if err := move("new", "r", 0, 5, 2); err != nil {
		t.Fatal(err)
	}
	wantErr(t, move("c", "r", 5, 6, 1), eventstore.ErrFenced)
	// One that comes back has what nobody took.
	wantHeld(t, ask(t, s, "one", hour, lane("r", 5), nil), "two r/5 2", "one r/6 1", "two r/7 1")
}

func leaseGivenUp(t *testing.T, s eventstore.Store) {
	lane := eventstore.LanesOf
	ask(t, s, "one", hour, lane("r", 1, 2, 5), nil)
	wantHeld(t, ask(t, s, "two", hour, nil, lane("r", 1, 2)), "one r/1 1", "one r/2 1", "one r/5 1") // it is not its to give
	if err := mover(t, s)("c", "r", 0, 3, 1); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, ask(t, s, "one", hour, nil, lane("r", 1, 5)), "one r/2 1")
	wantErr(t, mover(t, s)("c", "r", 3, 4, 1), eventstore.ErrFenced) // nobody's
	wantHeld(t, ask(t, s, "two", hour, lane("r", 1, 2), nil), "two r/1 2", "one r/2 1")
	// Who gives up and takes at once is a new holder, too.
	wantHeld(t, ask(t, s, "one", hour, lane("r", 2), lane("r", 2)), "two r/1 2", "one r/2 2")
}

func leaseRoles(t *testing.T, s eventstore.Store) {
	lane := eventstore.LanesOf
	move := mover(t, s)
	ask(t, s, "one", hour, lane("a", 5), nil)
	wantHeld(t, ask(t, s, "two", hour, lane("b", 5), nil), "one a/5 1", "two b/5 1")
	for _, m := range []struct {
		consumer, role string
		from           int64
	}{{"ca", "a", 0}, {"ca", "a", 1}, {"cb", "b", 0}} {
		if err := move(m.consumer, m.role, m.from, m.from+1, 1); err != nil {
			t.Fatal(m, err)
		}
	}
	wantErr(t, move("ca", "b", 2, 3, 1), eventstore.ErrFenced)
	// That one changes hands is nothing to the other.
	wantHeld(t, ask(t, s, "two", hour, lane("b", 5), lane("b", 5)), "one a/5 1", "two b/5 2")
	if err := move("ca", "a", 2, 3, 1); err != nil {
		t.Fatal(err)
	}
	wantErr(t, move("cb", "b", 1, 2, 1), eventstore.ErrFenced)
	if err := move("cb", "b", 1, 2, 2); err != nil {
		t.Fatal(err)
	}
}

func nodeEnds(t *testing.T, s eventstore.Store) {
	n := eventstore.Node{ID: "one", Name: "host", Version: "v1", URL: "http://host", Roles: []string{"a", "b"}, Knows: 7}
	first := must(s.Lease(t.Context(), eventstore.LeaseRequest{Node: n, Want: eventstore.LanesOf("a", 1, 2), TTL: hour}))(t)
	n.Started, n.Until = first.Nodes[0].Started, first.Nodes[0].Until
	same(t, []eventstore.Node{n}, first.Nodes, "the node")
	if n.Started < first.Now-hour || n.Started > first.Now {
		t.Errorf("it started at %d, and now is %d", n.Started, first.Now)
	}
	two := ask(t, s, "two", hour, eventstore.LanesOf("b", 3), nil)
	if len(two.Nodes) != 2 || two.Nodes[0].Name != "host" || two.Nodes[1].ID != "two" {
		t.Errorf("nodes: %+v", two.Nodes)
	}
	end := must(s.Lease(t.Context(), eventstore.LeaseRequest{Node: n, Want: eventstore.LanesOf("a", 4)}))(t)
	wantHeld(t, end, "two b/3 1")
	if len(end.Nodes) != 1 || len(end.Gone) != 0 {
		t.Errorf("after the end: %+v", end)
	}
	all := must(s.Leases(t.Context()))(t)
	wantHeld(t, all, "two b/3 1")
	if len(all.Nodes) != 1 || len(all.Gone) != 1 || all.Gone[0].Name != "host" || !all.Gone[0].Stopped || all.Gone[0].Until > all.Now || all.Gone[0].Knows != 7 {
		t.Errorf("all nodes: %+v", all)
	}
	wantHeld(t, ask(t, s, "two", hour, eventstore.LanesOf("a", 1), nil), "two a/1 2", "two b/3 1")
}

func leaseAlone(t *testing.T, s eventstore.Store) {
	ask(t, s, "one", hour, eventstore.LanesOf("r", 1, 2), nil)
	next := must(s.Lease(t.Context(), eventstore.LeaseRequest{
		Node: eventstore.Node{ID: "next"}, Want: eventstore.LanesOf("r", 1), TTL: hour, Alone: true,
	}))(t)
	wantHeld(t, next, "next r/1 2")
	if all := must(s.Leases(t.Context()))(t); len(all.Nodes) != 1 || len(all.Gone) != 1 || all.Gone[0].Stopped {
		t.Errorf("nodes: %+v", all)
	}
}

// leaseRace: nodes whose time runs out again and again, and who come back while others take over. Each answer says until when its
// node holds a lane, and nobody is granted it before.
func leaseRace(t *testing.T, s eventstore.Store) {
	type term struct {
		owner       string
		epoch       int64
		from, until int64
	}
	const ttl, lanes = 4, 3
	var mu sync.Mutex
	terms := map[int][]term{}
	var all sync.WaitGroup
	for _, id := range []string{"one", "two", "three"} {
		all.Go(func() {
			for range 60 {
				l, err := s.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: id}, Want: eventstore.LanesOf("r", 0, 1, 2), TTL: ttl})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, h := range l.Of(id) {
					i := slices.IndexFunc(l.Nodes, func(n eventstore.Node) bool { return n.ID == id })
					terms[h.Lane] = append(terms[h.Lane], term{id, h.Epoch, l.Now, l.Nodes[i].Until})
				}
				mu.Unlock()
				<-time.After(time.Duration(rand.IntN(3*ttl)) * time.Millisecond)
			}
		})
	}
	all.Wait()
	for lane := range lanes {
		owners := map[int64]string{}
		for _, a := range terms[lane] {
			if o := owners[a.epoch]; o != "" && o != a.owner {
				t.Errorf("lane %d: epoch %d is %s's and %s's", lane, a.epoch, o, a.owner)
			}
			owners[a.epoch] = a.owner
			for _, b := range terms[lane] {
				if b.epoch > a.epoch && b.from < a.until-1 { // milliseconds were cut off
					t.Fatalf("lane %d: %+v, and before its end %+v", lane, a, b)
				}
			}
		}
	}
}
