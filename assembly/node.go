package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/timer"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Config says what a node is made of. Store, Doer, Epochs and Logger of its parts, and where their ends go, are set by New.
type Config struct {
	Main   *Side // events, sagas, views
	Ledger *Side // what the participants keep; nil: in Main
	// Apart makes the sagas handle each reply in a commit of its own though the participants' database is theirs. Else it is handled in
	// the commit that makes it.
	Apart bool

	Runtime   *saga.Runtime
	Instances *readmodel.Instances
	OpOccs    *readmodel.OpOccs
	Packages  *vnfpkg.Service
	Notify    *notify.Service
	Notices   eventstore.Doer // writes which notifications there are to be; nil: that of Main

	Vims  vimmanager.Config
	Nfvos nfvomanager.Config
	Grant nfvomanager.IntakeConfig
	Vnfs  configurator.Config

	Follower  projection.Follower // of the log
	Gather    time.Duration       // see projection.Config
	Compare   *reconcile.Config   // nil: VIMs are not compared with the records
	Sweep     bool                // resources that nobody wants are released
	KeepSagas time.Duration       // how long a saga is kept after it ended; 0: for ever
	Swept     func(n int)         // told how many went; nil: nobody is
	Prune     outbox.PrunerConfig
	Senders   map[*Side]string // who sends a side's outbox away, by name; none: nobody does

	// Wrap surrounds the handler of a consumer; nil: it is taken as it is.
	Wrap   func(consumer string, h inbox.Handler) inbox.Handler
	Logger *slog.Logger
}

// Wake says what makes a loop worth a look.
type Wake int

// What makes loops worth a look.
const (
	OnMessages Wake = 1 << iota
	OnRecords       // also when one comes due
	OnTimeouts      // when one comes due
	OnEvents
	OnNotices // queues of notifications
)

// Loop is a part of a node that works by itself. A process that lacks the role does not run it.
type Loop struct {
	Name string
	Role string // "": it is run whatever the roles are
	On   Wake   // 0: it looks now and then
	Once func(ctx context.Context) (did bool, err error)
	Run  func(ctx context.Context) error // runs Once, and whatever may go on beside it, until the context ends
}

// looper is what most parts are.
type looper interface {
	RunOnce(ctx context.Context) (bool, error)
	Run(ctx context.Context) error
}

// Names of loops that who steps them treats apart.
const (
	LoopTimer     = "timer"
	LoopResume    = "resume" // followed by the name of a consumer
	LoopPackages  = "packages"
	LoopKeep      = "keep"
	LoopPrune     = "prune"
	LoopReconcile = "reconcile"
	LoopSweep     = "sweep"
	LoopNotices   = "notices"
	LoopDeliver   = "deliver"
)

// Node is what was joined.
type Node struct {
	Loops   []Loop
	Notices *projection.Runner // plans notifications

	cfg     Config
	replies *inbox.Consumer // those of the participants
}

// New joins the parts. Nothing runs until its loops do; its sides must have no consumers yet.
func New(c Config) (*Node, error) {
	if c.Ledger == nil {
		c.Ledger = c.Main
	}
	if c.Wrap == nil {
		c.Wrap = func(_ string, h inbox.Handler) inbox.Handler { return h }
	}
	n := &Node{cfg: c}
	n.participants()
	n.followers()
	if err := n.notifications(); err != nil {
		return nil, err
	}
	n.clearing()
	for _, d := range n.sides() {
		n.loop("bus "+d.Name, "", OnMessages, d.Bus)
		for _, r := range d.Readers {
			n.Loops = append(n.Loops, Loop{Name: LoopResume + " " + r.Name, Role: r.Role, On: OnTimeouts, Once: r.Consumer.Resume, Run: r.Consumer.Run})
		}
	}
	return n, nil
}

// sides returns the one side there is, or both.
func (n *Node) sides() []*Side {
	if n.cfg.Ledger == n.cfg.Main {
		return []*Side{n.cfg.Main}
	}
	return []*Side{n.cfg.Main, n.cfg.Ledger}
}

func (n *Node) loop(name, role string, on Wake, l looper) {
	n.Loops = append(n.Loops, Loop{Name: name, Role: role, On: on, Once: l.RunOnce, Run: l.Run})
}

// participants makes the VIM manager, the NFVO manager and what configures VNFs, and joins them with the sagas: commands go to them from
// the main side's outbox, replies come back from that of theirs.
func (n *Node) participants() {
	c, main, ledger := &n.cfg, n.cfg.Main, n.cfg.Ledger
	ends := n.ends()
	c.Vims.Store, c.Vims.Doer, c.Vims.Ends, c.Vims.Epochs, c.Vims.Logger = ledger.Store, ledger.Doer, ends, ledger.Leases.Role(lease.RoleVim), c.Logger
	c.Nfvos.Store, c.Nfvos.Doer, c.Nfvos.Ends, c.Nfvos.Epochs, c.Nfvos.Logger = ledger.Store, ledger.Doer, ends, ledger.Leases.Role(lease.RoleNfvo), c.Logger
	c.Vnfs.Store, c.Vnfs.Doer, c.Vnfs.Ends, c.Vnfs.Epochs, c.Vnfs.Logger = ledger.Store, ledger.Doer, ends, ledger.Leases.Role(lease.RoleVim), c.Logger
	vims, nfvos, vnfs := vimmanager.NewWorker(c.Vims), nfvomanager.NewWorker(c.Nfvos), configurator.NewWorker(c.Vnfs)
	take := func(from, to *Side, role, name, topic string, h inbox.Handler) *inbox.Consumer {
		return from.deliver(to, role, name, topic, c.Wrap(name, h))
	}
	take(main, ledger, lease.RoleVim, ConsumerVim, message.TopicVimCommands, vimmanager.NewIntake(c.Vims))
	take(main, ledger, lease.RoleNfvo, ConsumerNfvo, message.TopicNfvoCommands, nfvomanager.NewIntake(c.Grant))
	take(main, ledger, lease.RoleVim, ConsumerVnf, message.TopicVnfCommands, configurator.Intake{})
	replies := ConsumerReplies
	if ledger != main { // a cursor over another outbox is another cursor
		replies = ConsumerVimReplies
	}
	n.replies = take(ledger, main, lease.RoleOrchestrator, replies, message.TopicReplies, c.Runtime.Replies())
	ledger.Followers = append(ledger.Followers, vims.OnCommit, nfvos.OnCommit, vnfs.OnCommit)
	n.loop("vim", lease.RoleVim, OnRecords, vims)
	n.loop("nfvo", lease.RoleNfvo, OnRecords, nfvos)
	n.loop("configure", lease.RoleVim, OnRecords, vnfs)
}

// ends makes the commits of what participants did. Where they share the database with the sagas, these handle the replies in
// the same commit.
func (n *Node) ends() eventstore.Doer {
	if n.cfg.Ledger != n.cfg.Main || n.cfg.Apart {
		return n.cfg.Ledger.Doer
	}
	return &inbox.Direct{Doer: n.cfg.Main.Doer, Consumer: ConsumerReplies, Topic: message.TopicReplies, Handler: n.cfg.Runtime.Replies()}
}

// followers makes what follows the main side: timers and the log.
func (n *Node) followers() {
	c, d := &n.cfg, n.cfg.Main
	ticks := timer.New(timer.Config{
		Handlers: map[string]timer.Handler{saga.TimeoutOwner: c.Runtime.Timeouts()},
		Store:    d.Store, Doer: d.Doer, Epochs: d.Leases.Role(lease.RoleOrchestrator), Holds: n.replies.Holds, Logger: c.Logger,
	})
	follower := projection.New(projection.Config{
		Follower: c.Follower, Store: d.Store, Doer: d.Doer, Epochs: d.Leases.Role(lease.RoleProjector), Gather: c.Gather, Logger: c.Logger,
	})
	d.Followers = append(d.Followers, c.Instances.OnCommit, c.OpOccs.OnCommit, c.Runtime.OnCommit, ticks.OnCommit, follower.OnCommit)
	d.Hearers = append(d.Hearers, ticks.Heard, follower.Heard)
	n.loop(LoopTimer, lease.RoleOrchestrator, OnTimeouts, ticks)
	n.loop("follow", lease.RoleProjector, OnEvents, follower)
	n.loop(LoopPackages, lease.RoleNfvo, 0, c.Packages.Processor().In(d.Leases.Role(lease.RoleNfvo)))
}

// notifications makes what tells subscribers.
func (n *Node) notifications() error {
	c, d := &n.cfg, n.cfg.Main
	projector, err := c.Notify.Projector()
	if err != nil {
		return err
	}
	if c.Notices == nil {
		c.Notices = d.Doer
	}
	n.Notices = projection.New(projection.Config{Planner: projector, Store: d.Store, Doer: c.Notices, Epochs: d.Leases.Role(lease.RoleNotifier), Logger: c.Logger})
	worker := c.Notify.Worker()
	d.Followers = append(d.Followers, worker.OnCommit, func(c *eventstore.Commit) {
		if projector.Watches() { // without subscriptions an operation costs nothing here
			n.Notices.OnCommit(c)
		}
	})
	d.Hearers = append(d.Hearers, func(w eventstore.Wake) {
		if projector.Watches() {
			n.Notices.Heard(w)
		}
	})
	n.loop(LoopNotices, lease.RoleNotifier, OnEvents, n.Notices)
	n.loop(LoopDeliver, lease.RoleNotifier, OnNotices, worker)
	return nil
}

// clearing makes what looks after the rest: ended sagas, resources that nobody wants, what differs at the VIMs, and outboxes.
func (n *Node) clearing() {
	c, main, ledger := &n.cfg, n.cfg.Main, n.cfg.Ledger
	if c.KeepSagas > 0 {
		n.loop(LoopKeep, lease.RoleOrchestrator, 0, saga.NewSweeper(saga.SweeperConfig{
			Store: main.Store, Doer: main.Doer, Epochs: main.Leases.Role(lease.RoleOrchestrator), Keep: c.KeepSagas,
			Consumers: []string{ConsumerReplies, ConsumerVimReplies}, Along: lcm.Swept, Swept: c.Swept, Logger: c.Logger,
		}))
	}
	for _, d := range n.sides() {
		n.loop(LoopPrune, lease.RoleRelay, 0, d.pruner(c.Prune, c.Senders[d]))
	}
	if c.Compare != nil {
		compare := *c.Compare
		compare.Store, compare.Doer, compare.Epochs, compare.Logger = main.Store, main.Doer, ledger.Leases.Role(lease.RoleVim), c.Logger
		n.loop(LoopReconcile, lease.RoleVim, 0, reconcile.New(compare))
	}
	if c.Sweep {
		n.loop(LoopSweep, lease.RoleVim, 0, vimmanager.NewSweeper(c.Vims))
	}
}

// Needed reports whether commands about what the ledgers have of a key may still come: one of its sagas has not ended, or messages of
// it are parked, on one of the sides.
func Needed(ctx context.Context, key string, main eventstore.Reader, sides ...eventstore.Reader) (bool, error) {
	live, err := main.Sagas(ctx, eventstore.SagaQuery{Key: key, Live: true, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("list the sagas of %s: %w", key, err)
	}
	if len(live) > 0 {
		return true, nil
	}
	for _, d := range sides {
		parked, err := d.Parked(ctx, eventstore.ParkedQuery{Key: key, Limit: 1})
		if err != nil {
			return false, fmt.Errorf("list the parked messages of %s: %w", key, err)
		}
		if len(parked) > 0 {
			return true, nil
		}
	}
	return false, nil
}
