package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/notify/notifytest"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnf"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	canary   = `c4nary"<pass>&word`
	callback = "https://nfvo.example/in"
)

var (
	by     = request.Info{Actor: "nfvo", ID: "request-1"}
	errCut = errors.New("the process died here")
	down   = egress.Failure(egress.Unreachable, "connection refused")
)

// clock is a clock that goes a little with each look.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time {
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// backends open an empty store and say how its time passes: fast for one whose clock is its own.
var backends = map[string]func(t *testing.T, c *clock) eventstore.Store{
	"memory": func(_ *testing.T, c *clock) eventstore.Store { return memory.New(memory.Config{Now: c.Now}) },
	"sqlite": func(t *testing.T, c *clock) eventstore.Store {
		t.Helper()
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "n.db"), Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
	"postgres": func(t *testing.T, _ *clock) eventstore.Store {
		t.Helper()
		s, err := postgres.Open(t.Context(), postgres.Config{URL: dbtest.Postgres(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
}

func onEach(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for name := range backends {
		t.Run(name, func(t *testing.T) { f(t, newWorld(t, name)) })
	}
}

// world is notifications on a store, in one or more nodes that share it.
type world struct {
	t     *testing.T
	clock *clock
	store eventstore.Store
	cfg   notify.Config
	subs  *notifytest.Subscribers
	keys  *secret.Keyring
	log   strings.Builder
	reg   *aggregate.Registry
	vnfs  *readmodel.Instances
	ops   *readmodel.OpOccs
	ids   int
	seen  map[string]int // outcomes
	*node
}

// node is one process.
type node struct {
	w      *world
	svc    *notify.Service
	runner *projection.Runner
	worker *ledger.Worker
	leases *lease.Keeper
	// cut, when set, is asked before and after each commit of the node; its error is that of the commit.
	cut func(after bool, c *eventstore.Commit) error
}

func newWorld(t *testing.T, backend string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, subs: &notifytest.Subscribers{}, seen: map[string]int{}}
	w.store = backends[backend](t, w.clock)
	var err error
	w.keys, err = secret.Parse(secret.NewKey())
	w.must(err)
	w.reg, err = aggregate.NewRegistry(readmodel.Forms()...)
	w.must(err)
	w.vnfs, w.ops = readmodel.NewInstances(w.reg, 0), readmodel.NewOpOccs(w.reg, 0)
	w.cfg = notify.Config{
		Store: w.store, Keys: w.keys, Sender: w.subs, Body: body, NewID: func() string { w.ids++; return fmt.Sprintf("sub%d", w.ids) },
		Logger:  slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(outcome string) { w.seen[outcome]++ },
	}
	if backend == "postgres" { // its clock cannot be set
		w.cfg.Backoff, w.cfg.MaxBackoff, w.cfg.Idle = time.Millisecond, 5*time.Millisecond, 5*time.Millisecond
	}
	w.node = w.start("a")
	return w
}

// body is a wire form that shows all that a test looks at.
func body(n *notify.Notice, s *notify.Subscription, at time.Time) ([]byte, error) {
	m := map[string]any{"id": n.ID, "notificationType": n.Type, "vnfInstanceId": n.Instance.ID, "subscriptionId": s.ID, "timeStamp": at, "name": n.Instance.Name}
	if n.Op != nil {
		m["operationState"], m["verbosity"] = n.Op.State, s.Verbosity
		m["instantiated"] = n.Instance.Info != nil
	}
	return json.Marshal(m)
}

// start makes a process that holds the lanes nobody has.
func (w *world) start(name string) *node {
	w.t.Helper()
	n := &node{w: w}
	n.leases = lease.New(lease.Config{
		Store: w.store, Node: eventstore.Node{ID: name, Roles: []string{"notifier"}}, TTL: 10 * time.Second, Now: func() time.Time { return w.clock.now }, Logger: w.cfg.Logger,
	})
	_, err := n.leases.RunOnce(w.t.Context())
	w.must(err)
	cfg := w.cfg
	cfg.Doer, cfg.Epochs = n, n.leases.Role("notifier")
	n.svc, err = notify.New(cfg)
	w.must(err)
	p, err := n.svc.Projector()
	w.must(err)
	n.runner = projection.New(projection.Config{Planner: p, Store: w.store, Doer: n, Epochs: n.leases.Role("notifier"), Logger: cfg.Logger})
	n.worker = n.svc.Worker()
	return n
}

// Do makes a change of the node's.
func (n *node) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	if n.cut != nil {
		if err := n.cut(false, nil); err != nil {
			return nil, err
		}
	}
	c, err := eventstore.NewCommitter(n.w.store, eventstore.CommitterConfig{Logger: n.w.cfg.Logger}).Do(ctx, work)
	if err == nil && c != nil && n.cut != nil {
		if err := n.cut(true, c); err != nil {
			return nil, err
		}
	}
	return c, err
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// subscribe makes a subscription and returns it with the heads of the lanes before it.
func (w *world) subscribe(want notify.Subscribe) *notify.Subscription {
	w.t.Helper()
	if want.CallbackURI == "" {
		want.CallbackURI = callback
	}
	s, err := w.svc.Subscribe(w.t.Context(), want, by)
	w.must(err)
	return s
}

// add commits events of instances and operations of one VNF.
func (w *world) add(vnfID string, events ...aggregate.Event) {
	w.t.Helper()
	opID := ""
	_, err := eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}).Do(w.t.Context(), &eventstore.Work{
		Keys: []string{vnfID},
		Load: func() eventstore.Load {
			l := w.vnfs.Load(vnfID)
			for _, e := range events {
				if id := opOf(e); id != "" {
					opID = id
				}
			}
			if opID != "" {
				l.Streams = append(l.Streams, w.ops.Load(opID).Streams...)
			}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			for _, e := range events {
				if o, ok := e.(op); ok {
					e = o.Event
				}
				if _, ok := e.(vnf.InstanceEvent); ok {
					if err := w.vnfs.Append(l, c, vnfID, eventstore.Metadata{}, e); err != nil {
						return nil, err
					}
				} else if err := w.ops.Append(l, c, opID, eventstore.Metadata{}, e); err != nil {
					return nil, err
				}
			}
			return c, nil
		},
	})
	w.must(err)
}

// op is an event of an operation.
type op struct {
	aggregate.Event

	id string
}

func opOf(e aggregate.Event) string {
	switch e := e.(type) {
	case *vnf.OpStarted:
		return e.ID
	case op:
		return e.id
	}
	return ""
}

// create makes an instance.
func (w *world) create(id string) {
	w.t.Helper()
	w.add(id, &vnf.InstanceCreated{ID: id, Name: "name of " + id, VnfdID: "d1", VnfdVersion: "1.1", Provider: "ACME", ProductName: "router", SoftwareVersion: "1.0"})
}

// instantiate runs an operation that succeeds: three changes of its state.
func (w *world) instantiate(id, opID string) {
	w.t.Helper()
	w.add(id, &vnf.OpStarted{ID: opID, VnfID: id, Operation: vnf.OpInstantiate, Number: 1}, &vnf.OperationBegun{OpID: opID, Operation: vnf.OpInstantiate, Number: 1})
	w.add(id, op{&vnf.OpGranted{}, opID}, op{&vnf.OpProgressed{}, opID})
	w.add(id, op{&vnf.OpCompleted{}, opID}, &vnf.InstanceInstantiated{OpID: opID, Info: &vnf.InstantiatedInfo{FlavourID: "f"}})
}

// project follows the log until nothing is left.
func (n *node) project() {
	n.w.t.Helper()
	for range 10_000 {
		did, err := n.runner.RunOnce(n.w.t.Context())
		n.w.must(err)
		if !did {
			return
		}
	}
	n.w.t.Fatal("the projector never came to rest")
}

// deliver works until nothing is due.
func (n *node) deliver() {
	n.w.t.Helper()
	for range 100_000 {
		did, err := n.worker.RunOnce(n.w.t.Context())
		n.w.must(err)
		if !did {
			return
		}
	}
	n.w.t.Fatal("the worker never came to rest")
}

// settle lets time pass until nothing waits.
func (n *node) settle() {
	n.w.t.Helper()
	for range 10_000 {
		n.project()
		n.deliver()
		waiting, _, err := n.svc.Backlog(n.w.t.Context())
		n.w.must(err)
		if waiting == 0 {
			return
		}
		n.w.pass(time.Second)
	}
	n.w.t.Fatal("notifications wait for ever")
}

// pass lets time pass, and the leases be renewed.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for d > 0 {
		step := min(d, 5*time.Second)
		d -= step
		w.clock.now = w.clock.now.Add(step)
		if w.node != nil {
			_, err := w.leases.RunOnce(w.t.Context())
			w.must(err)
		}
	}
}

// check holds what arrived at a URI against the log.
func (w *world) check(s *notify.Subscription, uri string) {
	w.t.Helper()
	wrong, err := notifytest.Check(w.t.Context(), w.store, s.From, w.subs.Told(uri))
	w.must(err)
	for _, x := range wrong {
		w.t.Error(x)
	}
}

// rows returns the rows of notifications by state.
func (w *world) rows() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	rows, err := w.store.Records(w.t.Context(), eventstore.RecordQuery{Table: eventstore.TableNotifications})
	w.must(err)
	for _, r := range rows {
		out[r.State]++
	}
	return out
}
