package simulation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/timer"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vimmanager/gate"
	"github.com/vnfm/vnfm/vnfpkg"
)

// The consumers, as server names them.
const (
	consumerVim     = "vim-manager"
	consumerNfvo    = "nfvo-manager"
	consumerVnf     = "configuration"
	consumerReplies = "replies"
)

// The roles, as server names them; all nodes have all.
const (
	roleOrchestrator = "orchestrator"
	roleProjector    = "projector"
	roleNotifier     = "notifier"
	roleVim          = "vim-manager"
	roleNfvo         = "nfvo-manager"
)

func roles() []string {
	return []string{roleOrchestrator, roleProjector, roleNotifier, roleVim, roleNfvo}
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
	// How long sagas that ended, and rows of the ledgers, are kept; 0: for longer than a seed lasts.
	keepSagas, keepLedger time.Duration
}

func (w *world) drawSite() *site {
	s := &site{lcm: lcm.Settings{
		Deadline: deadline, StepTimeout: pick(w.rng, []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second}), Attempts: 2 + w.rng.IntN(3), Backoff: time.Second,
		UndoAttempts: 3 + w.rng.IntN(4), GracefulTimeout: gracefulLimit, Configures: w.rng.IntN(4) > 0,
	}}
	s.lcm.OnFailure = w.drawPolicies()
	s.direct, s.repair = w.seed%2 == 0, w.seed%3 > 0
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
	caches    []func(*eventstore.Commit) // of what was folded
	opoccs    *readmodel.OpOccs
	instances *readmodel.Instances
	ticks     *timer.Timer
	lease     *lease.Keeper
	sagas     *saga.Runtime

	consumers []*inbox.Consumer
	replies   *inbox.Consumer // the last of them

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
	on    wake
	every time.Duration // 0: only when woken
	awake bool
	next  time.Time // not before
	busy  bool      // a turn is under way
}

// wake says what makes a loop worth running.
type wake int

const (
	onMessages wake = 1 << iota
	onRecords       // also when one comes due
	onTimeouts      // when one comes due
	onEvents
	onNotices // queues of notifications
)

// Do makes a change, like server's committer before its loops run; each call by itself, because one that is suspended
// must not keep others of the node waiting.
func (n *node) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	c := eventstore.NewCommitter(n.store, eventstore.CommitterConfig{
		Committers: 1, OnCommit: append(n.caches[:len(n.caches):len(n.caches)], n.feed.OnCommit, n.sagas.OnCommit, n.ticks.OnCommit), Logger: quietLog,
	})
	done, err := c.Do(ctx, work)
	n.w.pause(n, "did")
	return done, err
}

var quietLog = slog.New(slog.DiscardHandler) //nolint:gochecknoglobals // says nothing

// newNode builds the program as server does, on the store and the VIMs of the world.
func (w *world) newNode(index, life, program int) *node {
	n := &node{w: w, index: index, life: life, program: program, name: fmt.Sprintf("n%d.%d", index+1, life)}
	n.store = &nodeStore{Store: w.store, w: w, n: n}
	n.feed = outbox.NewFeed(n.store, 0)
	n.lease = lease.New(lease.Config{Store: n.store, Node: n.row(), TTL: leaseTTL, Now: n.clock, Logger: quietLog})
	registry := vim.Fixed(sim.Connections())
	drivers := map[string]vim.Driver{sim.Type: &nodeDriver{Sim: w.sim, w: w, n: n}}
	pkgs, err := vnfpkg.New(vnfpkg.Config{Store: n.store, Doer: n, Blobs: w.blobs, NewID: w.newID, Logger: quietLog})
	w.must(err)
	forms, err := aggregate.NewRegistry(readmodel.Forms()...)
	w.must(err)
	instances := readmodel.NewInstances(forms, 0)
	n.opoccs, n.instances = readmodel.NewOpOccs(forms, 0), instances
	n.caches = []func(*eventstore.Commit){instances.OnCommit, n.opoccs.OnCommit}
	vims := vimmanager.Config{
		Store: n.store, Doer: n, Registry: registry, Drivers: drivers, Epochs: n.lease.Role(roleVim), Logger: quietLog,
		Attempt: attempt, Build: time.Minute, Sweep: sweepEvery, Wanted: w.wanted, Tap: w.tap,
		Retention: w.shared.keepLedger, Needed: w.needed, Again: 2 * soon, Removed: w.removed,
	}
	vims.Gates = gate.New(gate.Config{Store: n.store, Doer: n, Registry: registry, Limits: vim.Limits{Failures: 3}, First: 2 * time.Second, Most: 10 * time.Second, Patience: time.Minute, Logger: quietLog})
	looks := vims
	looks.PerConnection = 1 // one after the other, as all of a task
	service, err := lcm.New(lcm.Config{
		Doer: n, Store: n.store, Instances: instances, OpOccs: n.opoccs, Snapshots: readmodel.NewSnapshots(forms, 0), InPlace: func(typ string) vim.InPlace { return drivers[typ].InPlace() },
		Packages: packages{pkgs}, Connections: lcm.FixedConnections{Registry: registry}, Settings: w.shared.lcm, NewID: w.newID, Definitions: n.definitions,
		Inventory: vimmanager.NewInventory(looks),
	})
	w.must(err)
	n.sagas = service.Runtime()
	n.ticks = timer.New(timer.Config{
		Handlers: map[string]timer.Handler{saga.TimeoutOwner: n.sagas.Timeouts()},
		Store:    n.store, Doer: n, Epochs: n.lease.Role(roleOrchestrator), Holds: func(key string) bool { return n.replies.Holds(key) }, Logger: quietLog,
	})
	nfvos := nfvomanager.Config{Store: n.store, Doer: n, Registry: registry, Drivers: drivers, Epochs: n.lease.Role(roleNfvo), Logger: quietLog, Attempt: attempt,
		Retention: w.shared.keepLedger, Needed: w.needed, Again: 2 * soon, Removed: w.removed,
	}
	vnfs := configurator.Config{
		Store: n.store, Doer: n, Epochs: n.lease.Role(roleVim), Configurer: configurator.Simulated{One: n.configure}, Logger: quietLog, Attempt: attempt, Limit: time.Minute,
		Retention: w.shared.keepLedger, Needed: w.needed, Again: 2 * soon, Removed: w.removed,
	}
	if w.shared.direct {
		direct := &inbox.Direct{Doer: n, Consumer: consumerReplies, Topic: message.TopicReplies, Handler: n.sagas.Replies()}
		vims.Ends, nfvos.Ends, vnfs.Ends = direct, direct, direct
	}
	b := embedded.New(embedded.Config{Source: n.feed, Logger: quietLog})
	var replies inbox.Handler = n.sagas.Replies()
	if w.lacks(SkipReply) {
		replies = skipping{replies}
	}
	for _, in := range []struct {
		role, name, topic string
		handler           inbox.Handler
	}{
		{roleVim, consumerVim, message.TopicVimCommands, n.vimIntake(vimmanager.NewIntake(vims))},
		{roleNfvo, consumerNfvo, message.TopicNfvoCommands, nfvomanager.NewIntake(nfvomanager.IntakeConfig{Retention: w.shared.keepLedger})},
		{roleVim, consumerVnf, message.TopicVnfCommands, configurator.Intake{}},
		{roleOrchestrator, consumerReplies, message.TopicReplies, replies},
	} {
		n.replies = inbox.New(inbox.Config{
			Name: in.name, Handlers: map[string]inbox.Handler{in.topic: in.handler}, Store: n.store, Doer: n, Epochs: n.lease.Role(in.role), Logger: quietLog,
		})
		n.consumers = append(n.consumers, n.replies)
		b.Subscribe(n.replies)
	}
	follower := projection.New(projection.Config{Follower: &w.observed, Store: n.store, Doer: n, Epochs: n.lease.Role(roleProjector), Logger: quietLog})
	pruner := outbox.NewPruner(outbox.PrunerConfig{Store: n.store, Consumers: []string{consumerVim, consumerNfvo, consumerVnf, consumerReplies}, Logger: quietLog})
	subscriptions, tellers := w.notifications(n)
	n.api = api.New(api.Config{
		LCM: service, Packages: pkgs, Subscriptions: subscriptions, Views: w.viewsFor(n), Log: quietLog, BaseURL: "http://vnfm",
		Authenticate: func(*http.Request) (*access.Caller, error) {
			return &access.Caller{Name: "client", Roles: []access.Role{access.Admin}}, nil
		},
		Consumers: []string{consumerVim, consumerNfvo, consumerVnf, consumerReplies},
	})
	n.loops = []*loop{
		{name: "lease", once: n.lease.RunOnce, every: leaseTTL / 4, awake: true},
		{name: "bus", once: b.RunOnce, on: onMessages, awake: true},
		{name: "timer", once: n.fire, on: onTimeouts, awake: true},
		{name: "vim", once: vimmanager.NewWorker(vims).RunOnce, on: onRecords, awake: true},
		{name: "nfvo", once: nfvomanager.NewWorker(nfvos).RunOnce, on: onRecords, awake: true},
		{name: "configure", once: configurator.NewWorker(vnfs).RunOnce, on: onRecords, awake: true},
		{name: "follow", once: follower.RunOnce, on: onEvents, awake: true},
		{name: "packages", once: pkgs.Processor().RunOnce, every: 5 * time.Minute, awake: true},
		{name: "keep", once: w.keeps(n), every: 20 * time.Second},
		{name: "prune", once: pruner.RunOnce, every: 30 * time.Second},
		{name: "reconcile", once: n.compares(registry, drivers, service), every: compareEvery, next: w.now.Add(compareEvery)},
		{name: "sweep", once: vimmanager.NewSweeper(vims).RunOnce, every: sweepEvery, next: w.now.Add(sweepEvery)},
	}
	if w.strict || w.lacks(NoSweep) {
		n.loops = n.loops[:len(n.loops)-1]
	}
	n.loops = append(n.loops, tellers...)
	for _, l := range n.loops {
		l.node = n
	}
	return n
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

// packages gives lcm what it needs of vnfpkg.
type packages struct{ *vnfpkg.Service }

func (p packages) Enabled(ctx context.Context, vnfdID string) (lcm.PackageRef, error) {
	pkg, err := p.ByVnfdID(ctx, vnfdID)
	if err != nil {
		return lcm.PackageRef{}, err
	}
	return lcm.PackageRef{ID: pkg.ID, Digest: pkg.DescriptorDigest, Stream: vnfpkg.StreamPrefix + pkg.ID, Version: pkg.Version}, nil
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
	known, err := readmodel.Wanted(ctx, w.live, vnfIDs)
	out := map[string]func(vim.Token) bool{}
	for id, f := range known {
		out[id] = func(t vim.Token) bool { return f(t.ID, t.Generation) }
		if id == w.other.key {
			out[id] = w.other.wants
		}
	}
	return out, err
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

// keeps is a node's sweep of ended sagas.
func (w *world) keeps(n *node) func(context.Context) (bool, error) {
	if w.shared.keepSagas == 0 {
		return func(context.Context) (bool, error) { return false, nil }
	}
	if w.lacks(SweepEarly) {
		return n.sweepsEarly
	}
	return saga.NewSweeper(saga.SweeperConfig{
		Store: n.store, Doer: n, Epochs: n.lease.Role(roleOrchestrator), Keep: w.shared.keepSagas, Consumers: []string{consumerReplies}, Along: lcm.Swept,
		Swept: func(some int) { w.happened[SagaSwept] += some }, Logger: quietLog,
	}).RunOnce
}

// sweepsEarly is a sweep that asks for nothing but the age.
func (n *node) sweepsEarly(ctx context.Context) (bool, error) {
	rows, err := n.store.Sagas(ctx, eventstore.SagaQuery{Lanes: eventstore.Held(n.lease.Role(roleOrchestrator)), EndedBy: n.w.now.Add(-n.w.shared.keepSagas), Limit: 64})
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
	live, err := w.store.Sagas(ctx, eventstore.SagaQuery{Key: key, Live: true, Limit: 1})
	if err != nil || len(live) > 0 {
		return true, err //nolint:wrapcheck // the store's own
	}
	parked, err := w.store.Parked(ctx, eventstore.ParkedQuery{Key: key, Limit: 1})
	if err != nil || len(parked) > 0 {
		return true, err //nolint:wrapcheck // the store's own
	}
	if key == w.other.key || slices.ContainsFunc(w.late, func(l lateMessage) bool { return l.msg.Key == key }) {
		return true, nil // nobody knows when the other orchestrator has had enough
	}
	lane := eventstore.LaneOf(key)
	at, err := w.store.Cursors(ctx, consumerVim)
	if err != nil {
		return true, err //nolint:wrapcheck // the store's own
	}
	sent, err := w.store.ReadOutbox(ctx, lane, at[lane].Offset, 1000)
	return slices.ContainsFunc(sent, func(m eventstore.OutboxRecord) bool { return m.Key == key }), err //nolint:wrapcheck // the store's own
}

func (w *world) removed(_ string, n int) { w.happened[RowRemoved] += n }
