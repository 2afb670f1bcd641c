package e2e

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// The scenario that everyone asks about, with real processes, a real database, the real bus and the simulated VIM: the
// VIM manager reserves a resource and dies before it replies; after the restart the VIM cannot be asked what came of it, for as long
// as a row says that it is waited for, and the saga releases it; then the old reserve is delivered again, as itself and as an attempt that was on its way, and then the
// release, too. In the end nothing stands, nobody was told a lie, and the record tells all of it.
//
// Seen failing with a reserve that takes a tombstone for nothing: it allocates.
func TestReserveCrashTimeoutReleaseThenTheReserveAgainThenTheRelease(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, append(args(t), "--operation-attempts", "1", "--operation-step-timeout", "2s", "--vim-sweep-interval", "0",
				"--vim-call-timeout", "1s", "--vim-build-timeout", "4s")...)
			vnfd := d.samplePackage()
			vnf := d.create(vnfd, "fw1")
			d.behave(0, map[string]any{"on": "reserve", "outcome": "lose-reply"})
			op := d.begin(vnf, "instantiate", map[string]any{"flavourId": "standard"})
			path := op[strings.Index(op, "/vnflcm"):]

			// It reserves, and dies before it can reply: the call's answer is lost, and then the process.
			var held []string
			d.await("the reservation", func() bool { held = d.tokens(vnf); return len(held) > 0 })
			d.behave(0, map[string]any{"on": "find", "outcome": "hang"}) // nobody learns what stands before its time is over
			d.kill()
			s := d.store()
			reserves := commands(t, s, vnf, vim.TypeReserveResource)
			for _, r := range replies(t, s, vnf) {
				if slices.ContainsFunc(reserves, func(m message.Message) bool { return m.ID == r.CausationID }) {
					t.Fatalf("a reserve was answered before the crash: %s", r.Data)
				}
			}
			closed(t, s)

			// Its time is over by the row's clock, and what may stand is undone.
			d.start()
			var got any
			d.await("the end of its time", func() bool {
				_, got = d.call("GET", path, nil)
				return text(got, "operationState") == "ROLLING_BACK"
			})
			if !strings.Contains(text(got, "error", "detail"), "no answer") {
				t.Errorf("the operation says: %v", field(got, "error"))
			}
			d.behave(0) // from now on the VIM does whatever it is asked for
			d.await("the rollback", func() bool { _, got = d.call("GET", path, nil); return text(got, "operationState") == "ROLLED_BACK" })
			if left := d.tokens(vnf); len(left) != 0 {
				t.Fatalf("left after the rollback: %v", left)
			}
			id := path[strings.LastIndex(path, "/")+1:]
			d.attempts(id, "do", "UNKNOWN")
			d.attempts(id, "undo", "SUCCEEDED")

			// The reserve comes again, and then the release: each as the bus may deliver it twice, and as one more attempt.
			d.comesAgain(vnf, reserves, message.Cancelled)
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("allocated by a late reserve: %v", left)
			}
			s = d.store()
			releases := commands(t, s, vnf, vim.TypeReleaseResource)
			closed(t, s)
			if len(releases) == 0 {
				t.Fatal("nothing was released")
			}
			d.comesAgain(vnf, releases, message.Succeeded)

			// Nothing stands, nothing is recorded as standing, and the VNF is as free as before.
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("allocated by a late reserve: %v", left)
			}
			if left := list(d.must(200, "GET", "/vnfm/v1/vnf_instances/"+vnf+"/leftovers", nil)); len(left) != 0 {
				t.Errorf("leftovers: %v", left)
			}
			if all := list(d.must(200, "GET", "/vnfm/v1/sagas?vnf="+vnf, nil)); len(all) != 1 || text(all, 0, "state") != "COMPENSATED" {
				t.Errorf("sagas: %v", all)
			}
			if v := d.must(200, "GET", path, nil); text(v, "operationState") != "ROLLED_BACK" || field(v, "resourceChanges") != nil {
				t.Errorf("the operation is %v", v)
			}
			if all := list(d.must(200, "GET", "/vnfm/v1/parked_messages", nil)); len(all) != 0 {
				t.Errorf("parked: %v", all)
			}
			if v := d.must(200, "GET", "/vnfm/v1/audit/verify", nil); field(v, "ok") != true {
				t.Errorf("audit: %v", v)
			}
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
		})
	}
}

// comesAgain kills the daemon, puts commands into the outbox once more, and once more as other messages, starts it, and
// wants the others to be answered with an outcome: the first were answered before.
func (d *daemon) comesAgain(vnf string, all []message.Message, want message.Outcome) {
	d.t.Helper()
	d.kill()
	others := slices.Clone(all)
	for i := range others {
		others[i].ID = uuid.NewString()
	}
	s := d.store()
	outbox(d.t, s, vnf, slices.Concat(all, others))
	closed(d.t, s)
	d.start()
	s = d.store()
	defer closed(d.t, s)
	answered := map[string]bool{}
	d.await("the answers", func() bool {
		for _, r := range replies(d.t, s, vnf) {
			var reply message.Reply
			if err := json.Unmarshal(r.Data, &reply); err != nil {
				d.t.Fatal(err)
			}
			if !slices.ContainsFunc(others, func(m message.Message) bool { return m.ID == r.CausationID }) {
				continue
			}
			if answered[r.CausationID] = true; reply.Outcome != want {
				d.t.Fatalf("answered %s (%s), want %s", reply.Outcome, reply.Reason, want)
			}
		}
		return len(answered) == len(others)
	})
}

// attempts wants every attempt of a saga in one direction to be in a state, and at least one; the request of the grant
// apart.
func (d *daemon) attempts(saga, direction, state string) {
	d.t.Helper()
	n := 0
	for _, a := range list(d.must(200, "GET", "/vnfm/v1/sagas/"+saga, nil), "attempts") {
		if text(a, "direction") != direction || text(a, "step") == "grant" {
			continue
		}
		n++
		if text(a, "state") != state {
			d.t.Errorf("want %s: %v", state, a)
		}
	}
	if n == 0 {
		d.t.Errorf("the saga has no attempt to %s", direction)
	}
}

// store opens the database of a daemon.
func (d *daemon) store() eventstore.Store {
	d.t.Helper()
	option := func(name string) string {
		if i := slices.Index(d.args, name); i >= 0 {
			return d.args[i+1]
		}
		return ""
	}
	var s eventstore.Store
	var err error
	if url := option("--database"); url != "" {
		s, err = postgres.Open(d.t.Context(), postgres.Config{URL: url})
	} else {
		s, err = sqlite.Open(d.t.Context(), sqlite.Config{Path: filepath.Join(option("--data"), "vnfm.db")})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s eventstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// sent returns the messages of a VNF that are in the outbox.
func sent(t *testing.T, s eventstore.Store, vnf string, wanted func(message.Message) bool) (out []message.Message) {
	t.Helper()
	all, err := s.ReadOutbox(t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Key == vnf && wanted(r.Message) {
			out = append(out, r.Message)
		}
	}
	return out
}

func commands(t *testing.T, s eventstore.Store, vnf, kind string) []message.Message {
	t.Helper()
	return sent(t, s, vnf, func(m message.Message) bool { return m.Type == kind })
}

func replies(t *testing.T, s eventstore.Store, vnf string) []message.Message {
	t.Helper()
	return sent(t, s, vnf, func(m message.Message) bool { return m.Type == message.ReplyType })
}

// outbox commits messages as the saga of a VNF would.
func outbox(t *testing.T, s eventstore.Store, vnf string, all []message.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	results, err := s.Execute(ctx, []*eventstore.Work{{Keys: []string{vnf}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Outbox: all}, nil
	}}})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		t.Fatal(err)
	}
}
