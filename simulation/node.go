package simulation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vimmanager/gate"
	"github.com/vnfm/vnfm/vnfpkg"
)

// roles are those that have lanes in a database; all nodes have all.
func roles() []string {
	return []string{lease.RoleOrchestrator, lease.RoleRelay, lease.RoleProjector, lease.RoleNotifier, lease.RoleVim, lease.RoleNfvo}
}

// row is the node as others see it. In some seeds nobody told that the newer program knows more: then the older one has lanes in which
// it meets what it does not know.
func (n *node) row() eventstore.Node {
	row := eventstore.Node{ID: n.name, Roles: roles(), Knows: n.program}
	if n.w.seed%3 == 0 {
		row.Knows = 0
	}
	return row
}

// site is what the settings of a seed are: the same for all nodes.
type site struct {
	lcm    lcm.Settings
	repair bool // what differs is repaired without anybody's asking
	direct bool // replies are handled in the commit that makes them
	// Commits are made in batches.
	batched bool
	// How long sagas that ended, and rows of the ledgers, are kept; 0: for longer than a seed lasts.
	keepSagas, keepLedger time.Duration
}

func (w *world) drawSite() *site {
	s := &site{lcm: lcm.Settings{
		Deadline: deadline, StepTimeout: pick(w.rng, []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second}), Attempts: 2 + w.rng.IntN(3), Backoff: time.Second,
		UndoAttempts: 3 + w.rng.IntN(4), GracefulTimeout: gracefulLimit, Configures: w.rng.IntN(4) > 0,
	}}
	s.lcm.OnFailure = w.drawPolicies()
	s.direct, s.repair, s.batched = w.seed%2 == 0, w.seed%3 > 0, w.seed/2%2 == 0
	ages := []time.Duration{0, 10 * time.Second, time.Minute, 10 * time.Minute}
	s.keepSagas, s.keepLedger = pick(w.rng, ages), pick(w.rng, ages)
	s.lcm.GrantTimeout, s.lcm.GrantAttempts = pick(w.rng, []time.Duration{5 * time.Second, 30 * time.Second}), 2+w.rng.IntN(4)
	return s
}

// node is one life of a virtual node: what a process keeps in memory, with the loops of server.
type node struct {
	w           *world
	index, life int
	program     int
	name        string
	dead        bool
	buried      bool
	asleep      time.Time     // paused, or starting, until then
	skew        time.Duration // of its own clock

	store     *nodeStore
	feed      *outbox.Feed
	side      *assembly.Side
	batches   *eventstore.Committer
	asked     map[*eventstore.Work]*task // whose works wait for a batch
	opoccs    *readmodel.OpOccs
	instances *readmodel.Instances
	lease     *lease.Keeper
	sagas     *saga.Runtime

	api   http.Handler
	loops []*loop
}

// clock is the node's own, which goes as the world's does, but may be set.
func (n *node) clock() time.Time { return n.w.now.Add(n.skew) }

// loop is one loop of a node.
type loop struct {
	node  *node
	name  string
	once  func(ctx context.Context) (bool, error)
	on    assembly.Wake
	every time.Duration // 0: only when woken
	awake bool
	next  time.Time // not before
	busy  bool      // a turn is under way
	batch bool      // it makes batches of commits
	// It takes up what waits for a program that knows it; timeouts come after.
	resumes bool
}

// Do makes a change. In half of the seeds works wait for a batch, with what others of the node want, as in a server whose loops run;
// else, and for who is no coroutine, each is made by itself, so that one that is suspended does not keep others waiting.
func (n *node) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	c := n.batches
	if n.w.current == nil || !n.w.shared.batched {
		c = n.committer(nil)
	} else {
		n.asked[work] = n.w.current
		defer delete(n.asked, work)
	}
	done, err := c.Do(ctx, work)
	n.w.pause(n, "did")
	return done, err
}

// committer makes a node's changes.
func (n *node) committer(wait func(done func() bool)) *eventstore.Committer {
	return eventstore.NewCommitter(n.store, eventstore.CommitterConfig{
		Committers: committers, MaxBatch: maxBatch, OnCommit: []func(*eventstore.Commit){n.feed.OnCommit, n.side.Tell}, Wait: wait, Logger: quietLog,
	})
}

// committers is the number of a node's loops that make batches, each of at most so many works.
const (
	committers = 2
	maxBatch   = 4
)

// waits suspends a coroutine until its work was in a batch.
func (n *node) waits(done func() bool) {
	for _, l := range n.loops {
		l.awake = l.awake || l.batch
	}
	t := n.w.current
	t.wakeAt, t.until = n.w.now.Add(soon), done
	n.w.suspend(t, "batch")
}

// batch is a loop that makes batches.
func (n *node) batch(i int) *loop {
	return &loop{node: n, name: fmt.Sprintf("commit-%d", i+1), batch: true, once: func(ctx context.Context) (bool, error) {
		return n.batches.Step(ctx, i), nil
	}}
}

var quietLog = slog.New(slog.DiscardHandler) //nolint:gochecknoglobals // says nothing

// newNode joins the program's parts as server does, on the store and the VIMs of the world.
func (w *world) newNode(index, life, program int) *node {
	n := &node{w: w, index: index, life: life, program: program, name: fmt.Sprintf("n%d.%d", index+1, life)}
	n.store = &nodeStore{Store: w.store, w: w, n: n}
	n.feed = outbox.NewFeed(n.store, 0)
	n.lease = lease.New(lease.Config{Store: n.store, Node: n.row(), TTL: leaseTTL, Now: n.clock, Logger: quietLog})
	n.side = &assembly.Side{Name: "main", Store: n.store, Doer: n, Leases: n.lease, Bus: embedded.New(embedded.Config{Source: n.feed, Logger: quietLog}), Logger: quietLog}
	registry := vim.Fixed(sim.Connections())
	drivers := map[string]vim.Driver{sim.Type: &nodeDriver{Sim: w.sim, w: w, n: n}}
	pkgs, err := vnfpkg.New(vnfpkg.Config{Store: n.store, Doer: n, Blobs: w.blobs, NewID: w.newID, Logger: quietLog})
	w.must(err)
	forms, err := aggregate.NewRegistry(readmodel.Forms()...)
	w.must(err)
	n.opoccs, n.instances = readmodel.NewOpOccs(forms, 0), readmodel.NewInstances(forms, 0)
	vims := vimmanager.Config{
		Registry: registry, Drivers: drivers, Logger: quietLog, Attempt: attempt, Build: time.Minute, Sweep: sweepEvery, Wanted: w.wanted, Tap: w.tap,
		Retention: w.shared.keepLedger, Needed: w.needed, Again: 2 * soon, Removed: w.removed,
	}
	vims.Gates = gate.New(gate.Config{Store: n.store, Doer: n, Registry: registry, Limits: vim.Limits{Failures: 3}, First: 2 * time.Second, Most: 10 * time.Second, Patience: time.Minute, Logger: quietLog})
	at := library{&nodeDriver{Sim: w.sim, w: w, n: n}}
	looks := vims
	looks.PerConnection = 1 // one after the other, as all of a task
	service, err := lcm.New(lcm.Config{
		Doer: n, Store: n.store, Instances: n.instances, OpOccs: n.opoccs, Snapshots: readmodel.NewSnapshots(forms, 0), InPlace: func(typ string) vim.InPlace { return drivers[typ].InPlace() },
		Packages: assembly.Packages{Service: pkgs}, Connections: lcm.FixedConnections{Registry: registry}, Settings: w.shared.lcm, NewID: w.newID, Definitions: n.definitions,
		Inventory: vimmanager.NewInventory(looks), SnapshotPackages: at,
	})
	w.must(err)
	n.sagas = service.Runtime()
	subscriptions, sender := w.notifications(n)
	joined, err := assembly.New(assembly.Config{
		Main: n.side, Apart: !w.shared.direct, Runtime: n.sagas, Instances: n.instances, OpOccs: n.opoccs, Packages: pkgs, Notify: subscriptions, Notices: w.doerOf(n), Vims: vims,
		Nfvos: nfvomanager.Config{
			Registry: registry, Drivers: drivers, Attempt: attempt, Retention: w.shared.keepLedger, Needed: w.needed, Again: 2 * soon, Removed: w.removed, Orchestrator: at,
		},
		Grant: nfvomanager.IntakeConfig{Retention: w.shared.keepLedger, Body: w.body, GrantTimeout: 2 * time.Minute},
		Vnfs: configurator.Config{
			Configurer: configurator.Simulated{One: n.configure}, Attempt: attempt, Limit: time.Minute,
			Retention: w.shared.keepLedger, Needed: w.needed, Again: 2 * soon, Removed: w.removed,
		},
		Follower: &w.observed, Compare: n.compares(registry, drivers, service), Sweep: !w.strict && !w.lacks(NoSweep),
		KeepSagas: w.shared.keepSagas, Swept: func(some int) { w.happened[SagaSwept] += some }, Wrap: n.handles, Logger: quietLog,
	})
	w.must(err)
	consumers := make([]string, len(n.side.Readers))
	for i, r := range n.side.Readers {
		consumers[i] = r.Name
	}
	n.api = api.New(api.Config{
		LCM: service, Packages: pkgs, Subscriptions: subscriptions, Views: w.viewsFor(n), Log: quietLog, BaseURL: "http://vnfm",
		Authenticate: func(*http.Request) (*access.Caller, error) {
			return &access.Caller{Name: "client", Roles: []access.Role{access.Admin}}, nil
		},
		Consumers: consumers,
	})
	n.batches, n.asked = n.committer(n.waits), map[*eventstore.Work]*task{}
	n.loops = []*loop{{node: n, name: loopLease, once: n.lease.RunOnce, every: leaseTTL / 4, awake: true}}
	for i := range committers {
		n.loops = append(n.loops, n.batch(i))
	}
	for _, l := range joined.Loops {
		n.loops = append(n.loops, n.steps(l, sender)...)
	}
	return n
}

// loopLease is a node's loop that keeps its lanes; server runs it apart, too.
const loopLease = "lease"

// steps makes what is stepped of a part of the program.
func (n *node) steps(part assembly.Loop, sender *nodeSender) []*loop {
	w := n.w
	l := &loop{node: n, name: part.Name, once: part.Once, on: part.On, awake: part.On != 0, resumes: strings.HasPrefix(part.Name, assembly.LoopResume+" ")}
	switch part.Name {
	case assembly.LoopPackages:
		l.every, l.awake = 5*time.Minute, true
	case assembly.LoopKeep:
		l.every = 20 * time.Second
		if w.lacks(SweepEarly) {
			l.once = n.sweepsEarly
		}
	case assembly.LoopPrune:
		l.every = 30 * time.Second
	case assembly.LoopReconcile:
		l.every, l.next = compareEvery, w.now.Add(compareEvery)
		l.once = n.comparing(part.Once)
	case assembly.LoopSweep:
		l.every, l.next = sweepEvery, w.now.Add(sweepEvery)
	case assembly.LoopNotices, assembly.LoopDeliver:
		return w.tells(l, sender)
	}
	return []*loop{l}
}

// handles is what a consumer's handler is in a node's program, and in a mutant.
func (n *node) handles(consumer string, h inbox.Handler) inbox.Handler {
	switch {
	case consumer == assembly.ConsumerVim && n.program != older:
		return surveyor{h}
	case consumer == assembly.ConsumerReplies && n.w.lacks(SkipReply):
		return skipping{h}
	}
	return h
}

// handOver gives the lanes up, unless a request for leases is under way.
func (n *node) handOver() {
	if n.loops[0].busy {
		return
	}
	if err := n.lease.Release(context.Background()); err != nil {
		n.w.tracef("  %s: %v", n.name, err)
	}
}

// tap says how often the reply of a command is sent.
func (w *world) tap(connection string, kind vim.Kind, op string) int {
	n := w.sim.Replies(connection, kind, op)
	if n > 1 && op == sim.OnChange {
		w.happened[AnsweredTwice]++
	}
	return n
}

// wanted is server's answer to the sweep: which resources of VNFs do the records know?
func (w *world) wanted(ctx context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error) {
	out, err := assembly.Wanted(ctx, w.live, vnfIDs)
	if _, asked := out[w.other.key]; asked {
		out[w.other.key] = w.other.wants
	}
	return out, err //nolint:wrapcheck // says what it was about
}

// blobs keeps files in memory.
type blobs map[string][]byte

func (b blobs) Put(_ context.Context, name string, r io.Reader) error {
	all, err := io.ReadAll(r)
	if err == nil {
		b[name] = all
	}
	return err
}

func (b blobs) Get(_ context.Context, name string) (io.ReadCloser, error) {
	all, ok := b[name]
	if !ok {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no blob %s", name)
	}
	return &file{Reader: bytes.NewReader(all)}, nil
}

func (b blobs) Delete(_ context.Context, name string) error { delete(b, name); return nil }

func (b blobs) Exists(_ context.Context, name string) (bool, error) { _, ok := b[name]; return ok, nil }

// file is a blob being read: seekable, as those of a folder are.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// sweepsEarly is a sweep that asks for nothing but the age.
func (n *node) sweepsEarly(ctx context.Context) (bool, error) {
	rows, err := n.store.Sagas(ctx, eventstore.SagaQuery{Lanes: eventstore.Held(n.lease.Role(lease.RoleOrchestrator)), EndedBy: n.w.now.Add(-n.w.shared.keepSagas), Limit: 64})
	if err != nil {
		return false, err //nolint:wrapcheck // a mutant's
	}
	for _, row := range rows {
		_, err := n.Do(ctx, &eventstore.Work{
			Keys: []string{row.Key}, Load: func() eventstore.Load { return eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: row.ID}}} },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				now := l.Sagas[row.ID]
				if now == nil || now.Version != row.Version {
					return nil, nil
				}
				return &eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: row.ID, Expected: row.Version, Delete: true}}}, nil
			},
		})
		if err != nil {
			return true, err //nolint:wrapcheck // a mutant's
		}
	}
	return len(rows) > 0, nil
}

// needed is server's answer to the ledgers: may commands about a key still come? Here they may be on their way, too, as late as it
// pleases the network.
func (w *world) needed(ctx context.Context, key string) (bool, error) {
	if w.lacks(ForgetEarly) {
		return false, nil
	}
	if is, err := assembly.Needed(ctx, key, w.store, w.store); err != nil || is {
		return true, err //nolint:wrapcheck // the store's own
	}
	if key == w.other.key || slices.ContainsFunc(w.late, func(l lateMessage) bool { return l.msg.Key == key }) {
		return true, nil // nobody knows when the other orchestrator has had enough
	}
	lane := eventstore.LaneOf(key)
	at, err := w.store.Cursors(ctx, assembly.ConsumerVim)
	if err != nil {
		return true, err //nolint:wrapcheck // the store's own
	}
	sent, err := w.store.ReadOutbox(ctx, lane, at[lane].Offset, 1000)
	return slices.ContainsFunc(sent, func(m eventstore.OutboxRecord) bool { return m.Key == key }), err //nolint:wrapcheck // the store's own
}

func (w *world) removed(_ string, n int) { w.happened[RowRemoved] += n }
