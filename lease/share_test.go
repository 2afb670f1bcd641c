package lease_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/lease"
)

// lies lays lanes 0, 1, 2 … of the role out to owners, by number; "" has none.
func lies(nodes []eventstore.Node, held ...any) eventstore.Leases {
	l := eventstore.Leases{Nodes: nodes}
	lane := 0
	for i := 0; i < len(held); i += 2 {
		for range held[i+1].(int) {
			if owner := held[i].(string); owner != "" {
				l.Held = append(l.Held, eventstore.Lease{RoleLane: eventstore.RoleLane{Role: role, Lane: lane}, Owner: owner, Epoch: 1})
			}
			lane++
		}
	}
	return l
}

func nodes(knows ...int) (out []eventstore.Node) {
	for i, k := range knows {
		out = append(out, eventstore.Node{ID: string(rune('a' + i)), Roles: []string{role}, Knows: k})
	}
	return out
}

func TestShare(t *testing.T) {
	other := eventstore.Node{ID: "x", Roles: []string{"other"}, Knows: 9}
	for name, c := range map[string]struct {
		id         string
		l          eventstore.Leases
		want, give int
	}{
		"alone takes all": {"a", lies(nodes(1)), 64, 0},
		"alone has all":   {"a", lies(nodes(1), "a", 64), 0, 0},
		"one that joins takes nothing that is had": {"b", lies(nodes(1, 1), "a", 64), 0, 0},
		"one that is joined gives half":            {"a", lies(nodes(1, 1), "a", 64), 0, 32},
		"what is free is taken up to the share":    {"b", lies(nodes(1, 1), "a", 50), 14, 0},
		"no more than the share is taken":          {"b", lies(nodes(1, 1), "a", 10), 32, 0},
		"the first has one more":                   {"a", lies(nodes(1, 1, 1), "a", 22, "b", 21, "c", 21), 0, 0},
		"the others do not":                        {"c", lies(nodes(1, 1, 1), "a", 21, "b", 21, "c", 22), 0, 1},
		"more nodes than a dead one leaves":        {"a", lies(nodes(1, 1), "a", 22, "b", 21), 10, 0},
		"who knows less gets none":                 {"a", lies(nodes(1, 2)), 0, 0},
		"who knows less gives all":                 {"a", lies(nodes(1, 2), "a", 40), 0, 40},
		"who knows more gets all":                  {"b", lies(nodes(1, 2)), 64, 0},
		"they share who know as much":              {"b", lies(nodes(1, 2, 2)), 32, 0},
		"who has not the role does not count":      {"a", lies(append(nodes(1), other)), 64, 0},
		"who has not the role has no share":        {"x", lies(append(nodes(1), other)), 0, 0},
		"the dead have no share":                   {"z", lies(nodes(1)), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			want, give := lease.Share(c.id, c.l)
			if c.id == "x" { // of its own role it has all
				want = slices.DeleteFunc(want, func(k eventstore.RoleLane) bool { return k.Role != role })
			}
			if len(want) != c.want || len(give) != c.give {
				t.Errorf("takes %d and gives %d, want %d and %d", len(want), len(give), c.want, c.give)
			}
			seen := map[eventstore.RoleLane]bool{}
			for _, k := range want {
				if seen[k] || slices.ContainsFunc(c.l.Held, func(h eventstore.Lease) bool { return h.RoleLane == k }) {
					t.Errorf("lane %v is asked for twice, or is not free", k)
				}
				seen[k] = true
			}
		})
	}
}

// Those who ask at once do not ask for the same.
func TestShare_spreads_who_asks_at_once(t *testing.T) {
	seen := map[eventstore.RoleLane]string{}
	l := lies(nodes(1, 1, 1))
	for _, n := range l.Nodes {
		want, _ := lease.Share(n.ID, l)
		for _, k := range want {
			if seen[k] != "" {
				t.Errorf("lane %d is asked for by %s and %s", k.Lane, seen[k], n.ID)
			}
			seen[k] = n.ID
		}
	}
	if len(seen) != eventstore.Lanes {
		t.Errorf("%d lanes are asked for", len(seen))
	}
}

// crowd is nodes that come and go, on one store.
type crowd struct {
	*rapid.T
	c      *clock
	store  *memory.Store
	made   int
	live   []*member
	asleep []*member // paused past their leases, perhaps
	event  time.Time // when something last came or went
	bare   map[int]time.Time
}

type member struct {
	*lease.Keeper
	id    string
	knows int
	at    time.Time // of its next turn
}

const (
	ttl    = 3 * time.Second
	moment = ttl / 30
)

func (w *crowd) join() {
	w.made++
	m := &member{id: fmt.Sprintf("%c%d", 'a'+rapid.IntRange(0, 25).Draw(w.T, "name"), w.made), knows: rapid.IntRange(1, 2).Draw(w.T, "knows"), at: w.c.now}
	m.Keeper = lease.New(lease.Config{
		Store: w.store, Node: eventstore.Node{ID: m.id, Roles: []string{role}, Knows: m.knows}, TTL: ttl, Now: w.c.Now, Logger: slog.New(slog.DiscardHandler),
	})
	w.live = append(w.live, m)
	w.event = w.c.now
}

func (w *crowd) pick(from *[]*member) *member {
	i := rapid.IntRange(0, len(*from)-1).Draw(w.T, "who")
	m := (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	w.event = w.c.now
	return m
}

// disturb has a node come, go, fall asleep or wake up.
func (w *crowd) disturb() {
	switch what := rapid.IntRange(0, 4).Draw(w.T, "what"); {
	case what <= 1 && len(w.live)+len(w.asleep) < 20:
		w.join()
	case what == 2 && len(w.live) > 1: // killed
		w.pick(&w.live)
	case what == 3 && len(w.live) > 1:
		if m := w.pick(&w.live); rapid.Bool().Draw(w.T, "in order") {
			if err := m.Release(w.Context()); err != nil {
				w.Fatal(err)
			}
		} else {
			w.asleep = append(w.asleep, m)
		}
	case len(w.asleep) > 0:
		m := w.pick(&w.asleep)
		m.at = w.c.now
		w.live = append(w.live, m)
	}
}

// turn lets the node whose turn is next ask, a little late, and looks at who believes in what.
func (w *crowd) turn(until time.Time) bool {
	next := slices.MinFunc(w.live, func(a, b *member) int { return a.at.Compare(b.at) })
	if !next.at.Before(until) {
		w.c.now = until
		return false
	}
	if next.at.After(w.c.now) {
		w.c.now = next.at
	}
	if _, err := next.RunOnce(w.Context()); err != nil {
		w.Fatal(err)
	}
	next.at = next.Next().Add(time.Duration(rapid.IntRange(0, 30).Draw(w.T, "late")) * time.Millisecond)
	w.look()
	return true
}

// look checks that no two believe in one lane, and that none is without an owner for long.
func (w *crowd) look() {
	owners := map[int]string{}
	for _, m := range slices.Concat(w.live, w.asleep) {
		for _, lane := range eventstore.Held(m.Role(role)) {
			if owners[lane] != "" {
				w.Fatalf("lane %d is %s's and %s's", lane, owners[lane], m.id)
			}
			owners[lane] = m.id
		}
	}
	for lane := range eventstore.Lanes {
		if owners[lane] != "" {
			w.bare[lane] = w.c.now
			continue
		}
		since := w.bare[lane]
		if since.Before(w.event) {
			since = w.event
		}
		// A dead owner's time runs out; who takes over may have to find out that another knows more, or shares.
		if gone := w.c.now.Sub(since); gone > ttl+ttl/4+2*moment+200*time.Millisecond {
			w.Fatalf("lane %d is without an owner for %v", lane, gone)
		}
	}
}

// held says who holds how many lanes.
func (w *crowd) held() map[string]int {
	out := map[string]int{}
	for _, m := range w.live {
		out[m.id] = len(eventstore.Held(m.Role(role)))
	}
	return out
}

// Whatever nodes come, go, die and fall asleep: no two believe in one lane at once, no lane is without an owner for longer than it
// must be, and soon after the last of it those who know most have equal shares, which stay as they are.
func TestLanes_are_shared_whoever_comes_and_goes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		w := &crowd{T: t, c: c, store: c.store(), bare: map[int]time.Time{}}
		w.join()
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			w.disturb()
			for end := c.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond); w.turn(end); {
			}
		}
		for end := c.now.Add(2*ttl + ttl/2); w.turn(end); {
		}
		most, sharers := 0, 0
		for _, m := range w.live {
			if m.knows > most {
				most, sharers = m.knows, 0
			}
			if m.knows == most {
				sharers++
			}
		}
		settled := w.held()
		for _, m := range w.live {
			n := settled[m.id]
			if m.knows < most && n > 0 || m.knows == most && n != eventstore.Lanes/sharers && (n != eventstore.Lanes/sharers+1 || eventstore.Lanes%sharers == 0) {
				t.Fatalf("%s, which knows %d, holds %d lanes of %d sharers: %v", m.id, m.knows, n, sharers, settled)
			}
		}
		for end := c.now.Add(10 * ttl); w.turn(end); {
			for id, n := range w.held() {
				if n != settled[id] {
					t.Fatalf("%s had %d lanes and has %d, though nothing happened", id, settled[id], n)
				}
			}
		}
	})
}
