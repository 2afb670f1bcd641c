package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// The settings of every simulated program.
const (
	nodes         = 2
	leaseTTL      = 10 * time.Second
	attempt       = 20 * time.Second // of one call to a VIM
	sweepEvery    = time.Minute
	deadline      = 20 * time.Minute
	gracefulLimit = 10 * time.Second
)

// world is everything of one run.
type world struct {
	seed    uint64
	opts    Options
	without map[Mutant]bool
	rng     *rand.Rand
	ids     int

	began, now time.Time
	store      *memory.Store
	sim        *sim.Sim
	blobs      blobs
	shared     *site // decided by the seed, the same for every node
	packages   []*packageRef
	nodes      []*node
	tasks      []*task
	current    *task // the coroutine that runs
	restarts   int

	// faults
	chance     map[Fault]float64
	interleave float64
	strict     bool // nothing may be left for the sweep, and there is none
	tokenless  bool // the VIMs keep no client tokens: a second Start of a token makes a second resource
	quiet      bool
	faults     map[Fault]int
	faultsSeen int
	plan       commitPlan // what the store does with the commit under way
	late       []lateMessage
	backup     func() // puts an older ledger back
	changed    bool   // something was changed since

	live           readmodel.Live       // views as readers see them
	instanceStates *readmodel.Instances // states as their events say
	fixed          vim.InPlace          // what the VIMs cannot change of what stands
	changing       map[string]time.Time // calls that change a token, and may have their effect until then
	happened       map[Event]int
	comparing      bool            // VIMs are compared with the records though nothing runs
	meddled        map[string]bool // instances of which somebody has changed what VIMs hold

	clients      clients
	other        other // another orchestrator
	orchestrator orchestrator
	subscribers  subscribers
	observed     observed
	protocol     protocol

	steps, commits, calls int
	stays                 int // commits that put off the end of sagas that may not go yet
	hash                  hash.Hash
	buf                   []byte
	trace                 []string
	violations            []string
	operations            map[string]int
}

func newWorld(seed uint64, o Options) *world {
	w := &world{
		seed: seed, opts: o, rng: rand.New(rand.NewPCG(seed, 0x766e666d)), hash: sha256.New(), //nolint:gosec // replay wants no secret
		began: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), faults: map[Fault]int{}, operations: map[string]int{}, blobs: blobs{},
	}
	w.now, w.without = w.began, o.Mutant.parts()
	w.observed.init()
	w.protocol.init()
	w.orchestrator.init()
	w.changing, w.happened, w.meddled = map[string]time.Time{}, map[Event]int{}, map[string]bool{}
	w.store = memory.New(memory.Config{Now: w.clock, Fault: w.storeFault})
	forms, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		panic(err)
	}
	w.instanceStates = readmodel.NewInstances(forms, 0)
	w.live = readmodel.Live{Reader: w.store, OpOccs: readmodel.NewOpOccs(forms, 0), Instances: w.instanceStates}
	if w.rng.IntN(6) == 0 {
		w.fixed = vim.InPlace{vim.Compute: {vim.AttributePower}}
	}
	s, err := sim.Open(sim.Config{Now: w.clock, Block: w.hang, Behaviour: w.behaves()})
	if err != nil {
		panic(err)
	}
	w.sim = s
	w.drawFaults()
	w.interleave = []float64{.05, .2, .5}[w.rng.IntN(3)]
	w.shared = w.drawSite()
	w.packages = w.drawPackages()
	w.drawOther()
	w.drawSubscribers()
	for i := range nodes {
		w.nodes = append(w.nodes, w.newNode(i, 1, w.drawProgram()))
	}
	return w
}

// behaves is how the VIMs behave when nothing is wrong.
func (w *world) behaves() sim.Behaviour {
	b := sim.Behaviour{Seed: int64(w.seed), Fixed: w.fixed} //nolint:gosec // any number
	if w.seed%3 == 0 {
		b.Absent = []string{lackedName}
	}
	return b
}

// clock is the virtual clock. A transaction keeps the time at which it began.
func (w *world) clock() time.Time {
	if !w.plan.at.IsZero() {
		return w.plan.at
	}
	return w.now
}

// hang is where a VIM gives no answer: until the caller gives up.
func (w *world) hang(ctx context.Context) { w.block(w.until(ctx)) }

// until returns when the context of a call ends on the virtual clock. Contexts are made with the wall clock, at the
// begin of a turn; all bounds are multiples of five seconds, and a run is much shorter.
func (w *world) until(ctx context.Context) time.Time {
	const grain = 5 * time.Second
	from := w.now
	if w.current != nil {
		from = w.current.began
	}
	at, ok := ctx.Deadline()
	if !ok {
		return from.Add(attempt)
	}
	return from.Add((time.Until(at) + grain - 1) / grain * grain) //nolint:durationcheck // rounds up
}

// newID makes the ids of instances, operations, commits and events.
func (w *world) newID() string {
	w.ids++
	return message.DeriveID("simulation", strconv.FormatUint(w.seed, 10), strconv.Itoa(w.ids))
}

func (w *world) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)+1)).Truncate(time.Millisecond)
}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// must ends the run on an error of the simulation's own doing.
func (w *world) must(err error) {
	if err != nil {
		w.violate("the simulation: %v", err)
		panic(stop{})
	}
}

func (w *world) violate(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	w.tracef("VIOLATION %s", v)
	if len(w.violations) < 20 {
		w.violations = append(w.violations, v)
	}
}

// tracef adds a line to the trace.
func (w *world) tracef(format string, args ...any) {
	w.buf = fmt.Appendf(w.buf[:0], "%9.3f ", w.now.Sub(w.began).Seconds())
	w.buf = fmt.Appendf(w.buf, format, args...)
	w.buf = append(w.buf, '\n')
	w.hash.Write(w.buf)
	if w.opts.Trace {
		w.trace = append(w.trace, string(w.buf[:len(w.buf)-1]))
	}
}

// abandon unwinds what is still under way.
func (w *world) abandon() {
	w.quiet = true
	for _, n := range w.nodes {
		n.dead, n.buried = true, true
	}
	for _, t := range w.tasks {
		t.cease()
	}
	w.tasks = nil
}

func (w *world) result() *Result {
	return &Result{
		Seed: w.seed, Hash: hex.EncodeToString(w.hash.Sum(nil)[:12]), Steps: w.steps, Commits: w.commits, Calls: w.calls,
		Actions: w.clients.issued, FaultsSeen: w.faultsSeen, Faults: w.faults, Operations: w.operations,
		Told: w.subscribers.taken.Posted(), GivenUp: len(w.subscribers.givenUp), Elapsed: w.now.Sub(w.began), Violations: w.violations, Trace: w.trace,
		Happened: w.happened,
	}
}

// commitPlan is what the store is to do with the commit under way; drawn before it, because a fault is not drawn under
// the store's lock.
type commitPlan struct {
	at                             time.Time // at which the transaction began
	away, refuse, lateAck, unknown bool
	commits                        []*eventstore.Commit
	claims                         []claim       // what the program meant by each of them
	late                           []lateMessage // sent by it, and not there yet
}

var errFault = errors.New("simulated fault")

// storeFault is asked by the store at each point.
func (w *world) storeFault(point string) error {
	p := &w.plan
	switch point {
	case memory.FaultBegin:
		if p.away {
			return errFault
		}
	case memory.FaultCommit:
		if p.refuse {
			return errFault
		}
	case memory.FaultAcknowledge:
		for i, c := range p.commits {
			w.committed(c)
			w.judge(c, p.claims[i])
		}
		w.late = append(w.late, p.late...)
		if p.lateAck || p.unknown {
			return errFault
		}
	case memory.FaultLookup:
		if p.unknown {
			return errFault
		}
	}
	return nil
}
