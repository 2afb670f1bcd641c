package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// injector does harm.
type injector struct {
	nodes    []*daemon       // vnfmd processes, all on one database
	vim      *daemon         // the simulated VIMs
	disk     *disk           // what the database is on; nil where one cannot be made small
	cluster  *dbtest.Cluster // nil on SQLite
	database string          // its URL
	// vimDatabase is the URL of the VIM managers' database; "": they have none of their own.
	vimDatabase string
	networks    []*proxy // between each node and the database; none on SQLite
	lab         *lab     // nil: the bus is embedded
	rng         *rand.Rand
	book        *book
	caller      caller // of the nodes
	vimCaller   caller // of the simulated VIMs
	faults      map[string]int
	recoveries  []recovery
	notes       []string // for the report
}

// recovery is how long it took after a fault, from when everything that is needed had been started again.
type recovery struct {
	Fault         string
	Ready, Commit time.Duration
}

// fault is one kind of harm. It returns when the program should begin to recover.
type fault struct {
	name   string
	weight int
	do     func(ctx context.Context) error
}

// span returns a random time between two.
func (in *injector) span(from, to time.Duration) time.Duration {
	return from + time.Duration(in.rng.Int64N(int64(to-from)))
}

func (in *injector) kinds() []fault {
	kinds := []fault{
		{"kill -9", 8, in.kill},
		{"kill -9 while it starts", 2, in.killTwice},
		{"stop and start", 1, in.restart},
		{"SIGSTOP, SIGCONT", 3, in.freeze},
		{"VIM: kill -9", 3, in.killVim},
		{"VIM: SIGSTOP, SIGCONT", 1, in.freezeVim},
		{"power cut: kill -9 of everything", 2, in.powerCut},
	}
	if in.disk != nil {
		kinds = append(kinds, fault{"disk full", 3, in.fillDisk})
	}
	if in.cluster != nil {
		kinds = append(kinds,
			fault{"database crash", 3, in.crashDatabase},
			fault{"database crash and kill -9", 2, in.crashBoth},
			fault{"all connections terminated", 5, in.terminate},
			fault{"node cut off from the database", 4, in.cutOff},
			fault{"packets lost between node and database", 4, in.lose},
			fault{"slow network", 2, in.slow})
	}
	if in.lab != nil {
		kinds = append(kinds,
			fault{"broker: kill -9", 6, in.killBroker},
			fault{"broker: SIGSTOP, SIGCONT", 3, in.freezeBroker},
			fault{"brokers: rolling restart", 2, in.rollBrokers})
	}
	if in.lab != nil && in.lab.connect != "" {
		kinds = append(kinds,
			fault{"Kafka Connect: kill -9", 5, in.killConnect},
			fault{"replication slot dropped", 4, in.dropSlot})
	}
	return kinds
}

// node returns one of the nodes.
func (in *injector) node() *daemon { return in.nodes[in.rng.IntN(len(in.nodes))] }

// run does harm until the context ends. An error means that it cannot go on.
func (in *injector) run(ctx context.Context) error {
	kinds := in.kinds()
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	for {
		in.misbehave(ctx)
		pause(ctx, in.span(time.Second, 5*time.Second))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		n := in.rng.IntN(total)
		for _, k := range kinds {
			if n -= k.weight; n >= 0 {
				continue
			}
			in.faults[k.name]++
			// What was begun is brought to its end: the judge wants everything running.
			if err := k.do(context.WithoutCancel(ctx)); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			if err := in.recovered(ctx, k.name); err != nil {
				return err
			}
			break
		}
	}
}

// recovered measures how long the program takes to be ready, and to commit the first change.
func (in *injector) recovered(ctx context.Context, name string) error {
	since := time.Now()
	if err := in.survived(name); err != nil {
		return err
	}
	const limit = 30 * time.Second
	if err := in.up(context.WithoutCancel(ctx), limit); err != nil {
		in.book.violation("after %s not all is up within %s: %v", name, limit, err)
		return in.survived(name)
	}
	r := recovery{Fault: name, Ready: time.Since(since)}
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := poll(wait, 2*time.Millisecond, "a commit", func() (bool, error) {
		at := in.book.lastEffect()
		r.Commit = at.Sub(since)
		return at.After(since), nil
	})
	if ctx.Err() != nil {
		return nil // the load ends too
	}
	if err != nil {
		in.book.violation("after %s nothing is committed within %s", name, limit)
		return nil
	}
	in.recoveries = append(in.recoveries, r)
	return nil
}

// up waits until every process answers, and every node is ready.
func (in *injector) up(ctx context.Context, limit time.Duration) error {
	if err := in.vim.answers(ctx, remote.HealthPath, limit); err != nil {
		return err
	}
	for _, d := range in.nodes {
		if err := d.answers(ctx, "/readyz", limit); err != nil {
			return err
		}
	}
	return nil
}

// survived notes processes that ended by themselves and starts others.
func (in *injector) survived(name string) error {
	for _, d := range append([]*daemon{in.vim}, in.nodes...) {
		for _, end := range d.byItself() {
			in.book.violation("ended by itself after %s: %s", name, end)
		}
		if !d.running() {
			if err := d.start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// kill ends one node.
func (in *injector) kill(ctx context.Context) error { return in.killOne(ctx, in.node()) }

func (in *injector) killOne(ctx context.Context, d *daemon) error {
	if err := d.kill(); err != nil {
		return err
	}
	pause(ctx, in.span(0, 500*time.Millisecond))
	return d.start()
}

func (in *injector) killTwice(ctx context.Context) error {
	d := in.node()
	for range 1 + in.rng.IntN(3) {
		if err := in.killOne(ctx, d); err != nil {
			return err
		}
		pause(ctx, in.span(0, 300*time.Millisecond))
	}
	return in.killOne(ctx, d)
}

func (in *injector) restart(context.Context) error {
	d := in.node()
	if err := d.stop(); err != nil {
		in.book.violation("%v", err)
	}
	return d.start()
}

// freeze stops a node for longer than its leases last, at times: it comes back and does not know.
func (in *injector) freeze(ctx context.Context) error {
	return in.freezeOne(ctx, in.node(), in.span(300*time.Millisecond, 4*time.Second))
}

func (in *injector) freezeOne(ctx context.Context, d *daemon, long time.Duration) error {
	if err := d.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	pause(ctx, long)
	return d.signal(syscall.SIGCONT)
}

// killVim ends the simulated VIMs: calls under way are lost, some before and some after their effect.
func (in *injector) killVim(ctx context.Context) error { return in.killOne(ctx, in.vim) }

// freezeVim stops the simulated VIMs.
func (in *injector) freezeVim(ctx context.Context) error {
	return in.freezeOne(ctx, in.vim, in.span(100*time.Millisecond, 3*time.Second))
}

// powerCut ends all processes at once.
func (in *injector) powerCut(ctx context.Context) error {
	all := append([]*daemon{in.vim}, in.nodes...)
	for _, d := range all {
		if err := d.kill(); err != nil {
			return err
		}
	}
	if in.cluster != nil {
		if err := errors.Join(in.cluster.Kill(), in.cluster.Restart()); err != nil {
			return err
		}
	}
	pause(ctx, in.span(0, 300*time.Millisecond))
	for _, d := range all {
		if err := d.start(); err != nil {
			return err
		}
	}
	return nil
}

// fillDisk leaves no room for the database for some seconds, in which, at times, a node dies; then there is room again.
func (in *injector) fillDisk(ctx context.Context) error {
	if err := in.disk.fill(ctx); err != nil {
		return err
	}
	pause(ctx, in.span(300*time.Millisecond, 4*time.Second))
	var dead *daemon
	if in.rng.IntN(3) == 0 {
		dead = in.node()
		if err := dead.kill(); err != nil {
			return err
		}
		pause(ctx, in.span(0, time.Second))
	}
	if err := in.disk.free(); err != nil {
		return err
	}
	if in.cluster != nil {
		limited, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := in.cluster.Recover(limited); err != nil {
			return err
		}
	}
	if dead != nil {
		return dead.start()
	}
	return nil
}

func (in *injector) crashDatabase(ctx context.Context) error {
	if err := in.cluster.Kill(); err != nil {
		return err
	}
	pause(ctx, in.span(0, 3*time.Second))
	return in.cluster.Restart()
}

func (in *injector) crashBoth(ctx context.Context) error {
	if err := in.cluster.Kill(); err != nil {
		return err
	}
	pause(ctx, in.span(0, 500*time.Millisecond))
	d := in.node()
	if err := d.kill(); err != nil {
		return err
	}
	if err := in.cluster.Restart(); err != nil {
		return err
	}
	return d.start()
}

// terminate ends all connections, a few times in a row: those that come back too.
func (in *injector) terminate(ctx context.Context) error {
	for range 1 + in.rng.IntN(4) {
		if err := dbtest.Disconnect(ctx, in.database); err != nil {
			return err
		}
		pause(ctx, in.span(0, 300*time.Millisecond))
	}
	return nil
}

// network returns that of one of the nodes.
func (in *injector) network() *proxy { return in.networks[in.rng.IntN(len(in.networks))] }

// cutOff closes a node's connections to the database, and lets it make none, for longer than its leases last, at times.
func (in *injector) cutOff(ctx context.Context) error {
	p := in.network()
	p.sever()
	pause(ctx, in.span(300*time.Millisecond, 5*time.Second))
	p.mend()
	return nil
}

// lose keeps what a node and the database say to each other on its way, also a commit or its acknowledgement; then it arrives.
func (in *injector) lose(ctx context.Context) error {
	p := in.network()
	p.hold()
	pause(ctx, in.span(300*time.Millisecond, 6*time.Second))
	if in.rng.IntN(2) == 0 { // or never: the connection breaks
		p.sever()
	}
	p.mend()
	return nil
}

// slow makes each message of every node to the database take its time.
func (in *injector) slow(ctx context.Context) error {
	by := in.span(2*time.Millisecond, 40*time.Millisecond)
	for _, p := range in.networks {
		p.slow(by)
	}
	pause(ctx, in.span(time.Second, 4*time.Second))
	for _, p := range in.networks {
		p.mend()
	}
	return nil
}

// misbehave gives the simulated VIM a new behaviour: none at times, else up to three rules.
func (in *injector) misbehave(ctx context.Context) {
	b := sim.Behaviour{Seed: in.rng.Int64N(1000), Delay: sim.Duration(in.span(0, 300*time.Millisecond)), Rules: []sim.Rule{}}
	outcomes := []string{sim.Transient, sim.Transient, sim.Unavailable, sim.Throttled, sim.Permanent, sim.Quota, sim.Hang, sim.LoseReply, sim.LoseReply, sim.DuplicateReply, sim.LateEffect, sim.LateEffect}
	operations := []string{sim.OnReserve, sim.OnReserve, sim.OnRelease, sim.OnConfigure, sim.OnFind, sim.OnAny}
	for range in.rng.IntN(4) {
		r := sim.Rule{On: operations[in.rng.IntN(len(operations))], Outcome: outcomes[in.rng.IntN(len(outcomes))], Times: 1 + in.rng.IntN(6)}
		switch r.Outcome {
		case sim.Permanent, sim.Quota:
			r.Times = 1
		case sim.LateEffect:
			r.After = sim.Duration(in.span(50*time.Millisecond, 3*time.Second))
		}
		b.Rules = append(b.Rules, r)
	}
	if in.behave(ctx, b) {
		for _, r := range b.Rules {
			in.faults["VIM calls told to end "+r.Outcome] += r.Times
		}
	}
}

// behave sets the behaviour of the simulated VIM; false when the server did not take it.
func (in *injector) behave(ctx context.Context, b sim.Behaviour) bool {
	body, err := json.Marshal(b)
	if err != nil {
		panic(err) // a struct of ours
	}
	a, ok := in.vimCaller.send(ctx, request{method: http.MethodPut, path: remote.BehaviourPath, body: body}, 2*time.Second)
	return ok && a.status == http.StatusOK
}
