package nfvomanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

const vnf = "0a5f7c1e-0000-4000-8000-000000000001"

// listing is a driver of a site that lists everything it offers.
type listing struct {
	vim.Driver // nothing else is asked of it
	assets     vim.Assets
	err        error
	asked      int
	during     func() // what happens while it is asked
}

func (d *listing) Runs() []vim.Form { return sim.Runs() }

func (d *listing) Assets(context.Context, vim.Connection) (vim.Assets, error) {
	d.asked++
	if f := d.during; f != nil {
		d.during = nil
		f()
	}
	return d.assets, d.err
}

// world is a worker, its store and a site on one clock.
type world struct {
	t      *testing.T
	now    time.Time
	fault  func(string) error
	store  *memory.Store
	cfg    nfvomanager.Config
	worker *ledger.Worker
}

func newWorld(t *testing.T, d vim.Driver) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.store = memory.New(memory.Config{Now: func() time.Time { return w.now }, Fault: func(p string) error {
		if w.fault == nil {
			return nil
		}
		return w.fault(p)
	}})
	doer := eventstore.NewCommitter(w.store, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){
		func(c *eventstore.Commit) { w.worker.OnCommit(c) },
	}})
	w.cfg = nfvomanager.Config{
		Store: w.store, Doer: doer, Registry: vim.Fixed(sim.Connections()),
		Drivers: map[string]vim.Driver{sim.Type: d}, Logger: slog.New(slog.DiscardHandler),
	}
	w.worker = nfvomanager.NewWorker(w.cfg)
	return w
}

func (w *world) deliver(id string, data any) {
	w.t.Helper()
	m := []message.Message{{
		ID: id, Type: nfvo.TypeRequestGrant, Topic: message.TopicNfvoCommands, Key: vnf, CorrelationID: "op-" + id,
		ReplyTo: message.TopicReplies, Time: w.now, Data: vim.Encode(data),
	}}
	_, err := w.cfg.Doer.Do(w.t.Context(), &eventstore.Work{
		Keys: []string{vnf},
		Load: func() eventstore.Load { return nfvomanager.Intake{}.Load(m) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, nfvomanager.Intake{}.Decide(l, m, c)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); ; w.now = w.now.Add(time.Second / 2) {
		for did := true; did; {
			var err error
			if did, err = w.worker.RunOnce(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
		if !w.now.Before(end) {
			return
		}
	}
}

// replies returns the replies that were sent, each once however often it was said.
func (w *world) replies() []message.Reply {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []message.Reply
	said := map[string]string{}
	for _, m := range msgs {
		if m.Type == message.WorkingType {
			continue
		}
		if before, again := said[m.ID]; again {
			if before != string(m.Data) {
				w.t.Errorf("first %s was said, then %s", before, m.Data)
			}
			continue
		}
		said[m.ID] = string(m.Data)
		var r message.Reply
		if err := json.Unmarshal(m.Data, &r); err != nil {
			w.t.Fatal(err)
		}
		if m.ID != message.ReplyID(m.CausationID) || m.Topic != message.TopicReplies || !strings.HasPrefix(m.CorrelationID, "op-") {
			w.t.Errorf("reply badly addressed: %+v", m)
		}
		out = append(out, r)
	}
	return out
}

// grant asks for one grant and returns it.
func (w *world) grant(req nfvo.GrantRequest) nfvo.Grant {
	w.t.Helper()
	w.deliver("c"+string(rune('a'+len(w.replies()))), req)
	w.run(time.Second)
	rs := w.replies()
	if len(rs) == 0 || rs[len(rs)-1].Outcome != message.Succeeded {
		w.t.Fatalf("replies %+v", rs)
	}
	var g nfvo.Grant
	if err := json.Unmarshal(rs[len(rs)-1].Result, &g); err != nil {
		w.t.Fatal(err)
	}
	return g
}

// refused asks for one grant and wants it refused for good, with a reason that names something.
func (w *world) refused(req nfvo.GrantRequest, names string) {
	w.t.Helper()
	w.deliver("c"+string(rune('a'+len(w.replies()))), req)
	w.run(time.Second)
	rs := w.replies()
	r := rs[len(rs)-1]
	if r.Outcome != message.Failed || r.Class != message.Permanent || !strings.Contains(r.Reason, names) {
		w.t.Errorf("%+v, want a refusal that names %s", r, names)
	}
}

func simulator(t *testing.T, behaviour string) *sim.Sim {
	t.Helper()
	b, err := sim.DecodeBehaviour([]byte(behaviour))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.Open(sim.Config{Behaviour: b})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func computes(ids ...string) []nfvo.ResourceDefinition {
	var out []nfvo.ResourceDefinition
	for _, id := range ids {
		out = append(out, nfvo.ResourceDefinition{ID: id, Type: "COMPUTE", VduID: "vdu"})
	}
	return out
}

func zoneOf(g nfvo.Grant, id string) string {
	for _, i := range g.Infos {
		if i.DefinitionID == id {
			return i.Zone
		}
	}
	return "no info"
}

func TestALocalGrantIsComplete(t *testing.T) {
	req := nfvo.GrantRequest{
		VnfID: vnf, OpOccID: "op-1", Operation: "INSTANTIATE",
		Add: append(computes("c1", "c2"), nfvo.ResourceDefinition{ID: "p1", Type: "LINKPORT"}, nfvo.ResourceDefinition{ID: "s1", Type: "STORAGE"}),
		Computes: []nfvo.ComputeNeed{
			{VduID: "small", VCPUs: 1, MemoryBytes: 1 << 30, DiskBytes: 1 << 30}, {VduID: "named", FlavourName: "m1.large"}, {VduID: "any", FlavourName: "gold"},
		},
		Images: []nfvo.ImageNeed{{ID: "sw", Name: "cirros", Checksum: "sha-256:00"}}, UncoveredExtCps: []string{"mgmt"},
	}
	g := newWorld(t, simulator(t, `{}`)).grant(req)
	if !g.Local || g.ID != "op-1" || len(g.Infos) != 4 || len(g.Zones) != 2 || zoneOf(g, "c1") == zoneOf(g, "c2") || zoneOf(g, "p1") != "" {
		t.Errorf("grant %+v", g)
	}
	for _, i := range g.Infos {
		if i.Connection != sim.Default {
			t.Errorf("%s is at %q", i.DefinitionID, i.Connection)
		}
	}
	asset := func(id, vim string) nfvo.VimAsset {
		return nfvo.VimAsset{ID: id, VimAssetID: vim, Connection: sim.Default}
	}
	want := []nfvo.VimAsset{asset("small", "m1.small"), asset("named", "m1.large"), asset("any", "gold")}
	if !slices.Equal(g.Flavours, want) || len(g.Images) != 1 || g.Images[0].VimAssetID == "" {
		t.Errorf("flavours %+v, images %+v", g.Flavours, g.Images)
	}
	if len(g.ExtNetworks) != 1 || g.ExtNetworks[0] != (nfvo.ExtNetwork{CpdID: "mgmt", NetworkID: sim.ExternalNetwork, Connection: sim.Default}) {
		t.Errorf("external networks %+v", g.ExtNetworks)
	}
	if len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], "mgmt") {
		t.Errorf("warnings %q", g.Warnings)
	}
	again := newWorld(t, simulator(t, `{}`)).grant(req)
	a, _ := json.Marshal(g)
	b, _ := json.Marshal(again)
	if string(a) != string(b) {
		t.Errorf("asked again:\n%s\n%s", a, b)
	}
	req.DefaultConnection = sim.Second
	if g := newWorld(t, simulator(t, `{}`)).grant(req); g.Infos[0].Connection != sim.Second || g.Images[0].Connection != sim.Second {
		t.Errorf("the wanted connection is not taken: %+v", g)
	}
}

func TestASiteThatListsItsAssets(t *testing.T) {
	d := &listing{assets: vim.Assets{
		Flavours: []vim.Flavour{
			{ID: "f-big", Name: "big", VCPUs: 8, MemoryBytes: 16, DiskBytes: 100}, {ID: "f-mid", Name: "mid", VCPUs: 2, MemoryBytes: 4, DiskBytes: 40},
			{ID: "f-tiny", Name: "tiny", VCPUs: 1, MemoryBytes: 1, DiskBytes: 1},
		},
		Images: []vim.Image{{ID: "i-1", Name: "fw", Checksum: "sha-256:aa"}, {ID: "i-2", Name: "other", Checksum: "sha-256:BB"}, {ID: "i-3", Name: "md", Checksum: "md5:11"}},
	}}
	w := newWorld(t, d)
	g := w.grant(nfvo.GrantRequest{
		VnfID: vnf, Add: computes("c1"),
		Computes: []nfvo.ComputeNeed{{VduID: "a", VCPUs: 2, MemoryBytes: 3, DiskBytes: 1}, {VduID: "b", FlavourName: "gone", VCPUs: 1, MemoryBytes: 1, DiskBytes: 1}},
		Images:   []nfvo.ImageNeed{{ID: "x", Name: "fw", Checksum: "sha-256:bb"}, {ID: "y", Name: "fw"}, {ID: "z", Name: "md", Checksum: "sha-256:cc"}},
	})
	if g.Flavours[0].VimAssetID != "f-mid" || g.Flavours[1].VimAssetID != "f-tiny" || len(g.Warnings) != 1 || zoneOf(g, "c1") != "" {
		t.Errorf("flavours %+v, warnings %q, zone %q", g.Flavours, g.Warnings, zoneOf(g, "c1"))
	}
	if g.Images[0].VimAssetID != "i-2" || g.Images[1].VimAssetID != "i-1" || g.Images[2].VimAssetID != "i-3" {
		t.Errorf("images %+v: checksum before name, name where no checksum contradicts", g.Images)
	}
	w.refused(nfvo.GrantRequest{VnfID: vnf, Images: []nfvo.ImageNeed{{ID: "sw", Name: "fw", Checksum: "sha-256:dd"}}}, "fw")
	w.refused(nfvo.GrantRequest{VnfID: vnf, Computes: []nfvo.ComputeNeed{{VduID: "vdu-9", VCPUs: 99}}}, "vdu-9")
	w.refused(nfvo.GrantRequest{VnfID: vnf, Computes: []nfvo.ComputeNeed{{VduID: "vdu-8", VCPUs: 1, MemoryBytes: 1, NoBoot: true}}}, "nothing to boot from")
	w.refused(nfvo.GrantRequest{VnfID: vnf, Computes: []nfvo.ComputeNeed{{VduID: "v", FlavourName: "gone"}}}, "gone")
	w.refused(nfvo.GrantRequest{VnfID: vnf, UncoveredExtCps: []string{"mgmt"}}, "mgmt")
	w.refused(nfvo.GrantRequest{VnfID: vnf, Add: computes("c"), DefaultConnection: "vim-9"}, "vim-9")
}

func TestMissingAssetsAreNamed(t *testing.T) {
	w := newWorld(t, simulator(t, `{"absent":["cirros","gold"]}`))
	w.refused(nfvo.GrantRequest{VnfID: vnf, Images: []nfvo.ImageNeed{{ID: "sw", Name: "cirros", Checksum: "sha-256:00"}}}, "cirros")
	w.refused(nfvo.GrantRequest{VnfID: vnf, Computes: []nfvo.ComputeNeed{{VduID: "v", FlavourName: "gold"}}}, "gold")
	w.cfg.Registry = vim.Fixed(nil)
	w.worker = nfvomanager.NewWorker(w.cfg)
	w.refused(nfvo.GrantRequest{VnfID: vnf, Add: computes("c")}, "no VIM connection")
	w.cfg.Registry = vim.Fixed{{ID: "k8s", Type: "other"}}
	w.worker = nfvomanager.NewWorker(w.cfg)
	w.refused(nfvo.GrantRequest{VnfID: vnf, Add: computes("c")}, "no driver")
}

// TestWhereASnapshotPackageIs is for an NFVO to say: a grant that does not is malformed, and our own policy refuses. Seen failing with the
// grant taken.
func TestWhereASnapshotPackageIs(t *testing.T) {
	r := &nfvo.GrantRequest{VnfID: vnf, OpOccID: "op-x", VnfdID: "vnfd", Operation: "REVERT_TO_SNAPSHOT", Add: []nfvo.ResourceDefinition{{
		ID: "d", Type: "COMPUTE", VduID: "vdu", TemplateID: "vdu", Snapshot: &nfvo.SnapshotDefinition{VnfSnapshotID: "s", VnfcSnapshotID: "c", Package: true},
	}}}
	g := &nfvo.Grant{ID: "g", Infos: []nfvo.GrantInfo{{DefinitionID: "d", Connection: sim.Default}}}
	if err := g.Check(r); err == nil || !strings.Contains(err.Error(), "snapshot") {
		t.Errorf("%v", err)
	}
	g.Snapshots = []nfvo.Snapshot{{VnfSnapshotID: "s", VnfcSnapshotID: "c", VimSnapshotID: "image"}}
	if err := g.Check(r); err != nil {
		t.Error(err)
	}
	w := newWorld(t, &listing{})
	w.deliver("x", r)
	w.run(0)
	if rs := w.replies(); len(rs) != 1 || rs[0].Outcome != message.Failed || !strings.Contains(rs[0].Reason, "snapshot package") {
		t.Errorf("%+v", rs)
	}
}

func TestARequestThatAddsNothingAsksNoSite(t *testing.T) {
	d := &listing{err: errors.New("down")}
	g := newWorld(t, d).grant(nfvo.GrantRequest{VnfID: vnf, Operation: "TERMINATE", Remove: []nfvo.ResourceDefinition{
		{ID: "r1", Type: "COMPUTE", Resource: &nfvo.ResourceHandle{Connection: sim.Second, ID: "x"}}, {ID: "r2", Type: "VL"},
	}})
	if d.asked != 0 || len(g.Infos) != 2 || g.Infos[0].Connection != sim.Second || g.Infos[1].Connection != sim.Default {
		t.Errorf("asked %d times, infos %+v", d.asked, g.Infos)
	}
}

// Seen failing with the rules left out of search.
func TestZonesKeepTheRules(t *testing.T) {
	rule := func(affinity bool, scope string, ids ...string) nfvo.PlacementRule {
		return nfvo.PlacementRule{Affinity: affinity, Scope: scope, Resources: ids}
	}
	joins := func(affinity bool, scope string, zones []string, ids ...string) nfvo.PlacementRule {
		r := rule(affinity, scope, ids...)
		r.Zones = zones
		return r
	}
	three := &listing{assets: vim.Assets{Zones: []string{"z1", "z2", "z3"}}}
	for name, c := range map[string]struct {
		rules []nfvo.PlacementRule
		zones int // distinct ones among a, b, c, d; 0: refused
		check func(z func(string) string) bool
	}{
		"no rules: in turn":   {nil, 3, func(z func(string) string) bool { return z("a") == z("d") }},
		"together":            {[]nfvo.PlacementRule{rule(true, "ZONE", "a", "b", "c", "d")}, 1, nil},
		"apart":               {[]nfvo.PlacementRule{rule(false, "ZONE", "a", "d")}, 3, func(z func(string) string) bool { return z("a") != z("d") }},
		"chained and apart":   {[]nfvo.PlacementRule{rule(true, "ZONE", "a", "b"), rule(true, "ZONE", "b", "c"), rule(false, "ZONE", "a", "d")}, 2, func(z func(string) string) bool { return z("a") == z("c") && z("a") != z("d") }},
		"one node, one zone":  {[]nfvo.PlacementRule{rule(true, "NFVI_NODE", "a", "b", "c", "d")}, 1, nil},
		"too many apart":      {[]nfvo.PlacementRule{rule(false, "ZONE", "a", "b", "c", "d")}, 0, nil},
		"contradiction":       {[]nfvo.PlacementRule{rule(true, "ZONE", "a", "b"), rule(false, "ZONE", "b", "a")}, 0, nil},
		"hosts are the VIM's": {[]nfvo.PlacementRule{rule(false, "NFVI_NODE", "a", "b", "c", "d")}, 3, nil},
		"PoPs apart":          {[]nfvo.PlacementRule{rule(false, "NFVI_POP", "a", "b")}, 0, nil},
		"apart from who stands": {[]nfvo.PlacementRule{joins(false, "ZONE", []string{"z1", "z3"}, "a"), joins(false, "ZONE", []string{"z1"}, "b")}, 2, func(z func(string) string) bool {
			return z("a") == "z2" && z("b") != "z1"
		}},
		"with who stands":         {[]nfvo.PlacementRule{joins(true, "ZONE", []string{"z2"}, "a", "b"), joins(true, "NFVI_NODE", []string{"z3"}, "c", "d")}, 2, func(z func(string) string) bool { return z("a") == "z2" && z("d") == "z3" }},
		"hosts apart, zones free": {[]nfvo.PlacementRule{joins(false, "NFVI_NODE", []string{"z1", "z2", "z3"}, "a")}, 3, nil},
		"others are everywhere":   {[]nfvo.PlacementRule{joins(false, "ZONE", []string{"z1", "z2", "z3"}, "a")}, 0, nil},
		"one that is not added":   {[]nfvo.PlacementRule{rule(false, "ZONE", "a", "old")}, 3, nil},
		"the search goes back": {[]nfvo.PlacementRule{rule(false, "ZONE", "a", "d"), rule(false, "ZONE", "b", "d"), rule(false, "ZONE", "a", "c"), rule(false, "ZONE", "c", "d")}, 3, func(z func(string) string) bool {
			return z("a") != z("d") && z("b") != z("d") && z("a") != z("c") && z("c") != z("d")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, three)
			req := nfvo.GrantRequest{VnfID: vnf, Add: computes("a", "b", "c", "d"), Placement: c.rules}
			if c.zones == 0 {
				w.refused(req, "cannot be kept")
				return
			}
			g := w.grant(req)
			if len(g.Zones) != c.zones || c.check != nil && !c.check(func(id string) string { return zoneOf(g, id) }) {
				t.Errorf("zones %+v, infos %+v", g.Zones, g.Infos)
			}
		})
	}
}

func TestASiteThatCannotBeAskedIsTriedAgainThenTheGrantFailsWithItsClass(t *testing.T) {
	for class, want := range map[message.Class]int{message.Transient: 5, message.Unavailable: 5, message.Auth: 1} {
		d := &listing{err: &vim.Error{Op: "assets", Class: class, Hint: "away"}}
		w := newWorld(t, d)
		w.deliver("c1", nfvo.GrantRequest{VnfID: vnf, Add: computes("a")})
		w.run(time.Minute)
		rs := w.replies()
		if d.asked != want || len(rs) != 1 || rs[0].Outcome != message.Failed || rs[0].Class != class {
			t.Errorf("%s: asked %d times, want %d; replies %+v", class, d.asked, want, rs)
		}
	}
	d := &listing{err: errors.New("who knows")}
	w := newWorld(t, d)
	w.deliver("c1", nfvo.GrantRequest{VnfID: vnf, Add: computes("a")})
	w.run(time.Second)
	d.err = nil
	w.run(time.Minute)
	if rs := w.replies(); len(rs) != 1 || rs[0].Outcome != message.Succeeded {
		t.Errorf("back again: %+v", rs)
	}
}

// Seen failing with the row's check removed from Intake.Decide.
func TestTheNfvoManagerDiesAnywhereOrIsToldTwice(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, point := range []string{memory.FaultCommit, memory.FaultAcknowledge} {
			w := newWorld(t, simulator(t, `{}`))
			req := nfvo.GrantRequest{VnfID: vnf, Add: computes("a")}
			w.deliver("c1", req)
			left := n
			w.fault = func(p string) error {
				if p == point {
					if left--; left == 0 {
						return errors.New("injected")
					}
				}
				return nil
			}
			other := nfvomanager.NewWorker(w.cfg)
			for range 5 {
				_, _ = w.worker.RunOnce(t.Context())
				_, _ = other.RunOnce(t.Context())
				w.worker = nfvomanager.NewWorker(w.cfg)
			}
			w.fault = nil
			w.deliver("c1", req)
			w.run(time.Second)
			if rs := w.replies(); len(rs) != 1 || rs[0].Outcome != message.Succeeded {
				t.Errorf("fault %d at %s: replies %+v", n, point, rs)
			}
			w.now = w.now.Add(8 * 24 * time.Hour)
			w.run(time.Second)
			if asked, err := nfvomanager.Show(t.Context(), w.store, "op-c1"); err != nil || asked.State != nfvomanager.Granted {
				t.Errorf("what was asked is not kept: %+v, %v", asked, err)
			}
		}
	}
	w := newWorld(t, simulator(t, `{}`))
	w.deliver("c1", "not a request")
	w.run(time.Second)
	if rs := w.replies(); len(rs) != 1 || rs[0].Class != message.Permanent {
		t.Errorf("replies %+v", rs)
	}
}

// Seen failing with Expected and the version check both left out of write: two replies.
// A command of a newer program is for a newer NFVO manager. Seen failing with every type taken for a request.
func TestACommandOfAnotherTypeIsLeftToAnotherProgram(t *testing.T) {
	m := []message.Message{{ID: "m", Type: "nfvo.request-grant.v2", Key: vnf, CorrelationID: "op-m", Data: json.RawMessage(`{}`)}}
	c := &eventstore.Commit{}
	err := nfvomanager.Intake{}.Decide(&eventstore.Loaded{}, m, c)
	if !errors.Is(err, vnfm.ErrUnknownVersion) || !c.Empty() {
		t.Errorf("%v, %+v", err, c)
	}
}

// Two workers that decide at once may find different things: what the first says counts. Seen failing with both said.
func TestTwoWorkersThatDecideAtOnceAnswerOnce(t *testing.T) {
	d := &listing{}
	w := newWorld(t, d)
	w.deliver("c1", nfvo.GrantRequest{VnfID: vnf, Add: computes("a")})
	d.during = func() {
		if did, err := nfvomanager.NewWorker(w.cfg).RunOnce(t.Context()); !did || err != nil {
			t.Errorf("the other worker: %v, %v", did, err)
		}
		d.err = &vim.Error{Op: "assets", Class: message.Permanent, Hint: "refused", Err: errors.New("refused")}
	}
	w.run(time.Second)
	if rs := w.replies(); d.asked != 2 || len(rs) != 1 || rs[0].Outcome != message.Succeeded {
		t.Errorf("asked %d times, replies %+v", d.asked, rs)
	}
}

func TestRunAnswersAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &listing{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.worker.Run(ctx) }()
		synctest.Wait()
		w.deliver("c1", nfvo.GrantRequest{VnfID: vnf, Add: computes("a")})
		synctest.Wait() // no time passes: the nudge was enough
		if rs := w.replies(); len(rs) != 1 {
			t.Errorf("replies %+v", rs)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A command that comes again, byte for byte, asks how it is with it: worked on while there is no answer, then the same answer.
// Seen failing with a command that is known ignored.
func TestACommandThatComesAgainIsAnswered(t *testing.T) {
	d := &listing{err: &vim.Error{Class: message.Unavailable, Hint: "away"}}
	w := newWorld(t, d)
	req := nfvo.GrantRequest{VnfID: vnf, OpOccID: "op-c", Operation: "INSTANTIATE", Add: computes("a")}
	said := func() string {
		w.t.Helper()
		msgs, err := w.store.ReadOutbox(t.Context(), eventstore.LaneOf(vnf), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, m := range msgs {
			if m.CausationID != "c" || m.CorrelationID != "op-c" || m.Topic != message.TopicReplies {
				t.Errorf("badly addressed: %+v", m)
			}
			out = append(out, m.Type)
		}
		return strings.Join(out, " ")
	}
	w.deliver("c", req)
	w.run(time.Second)
	w.deliver("c", req)
	w.now = w.now.Add(time.Second)
	w.deliver("c", req)
	if got, want := said(), message.WorkingType+" "+message.WorkingType; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	w.run(time.Hour) // it gives up
	first := said()
	w.deliver("c", req)
	if got, want := said(), first+" "+message.ReplyType; got != want || !strings.HasSuffix(first, message.ReplyType) {
		t.Fatalf("%s, want %s", got, want)
	}
}
