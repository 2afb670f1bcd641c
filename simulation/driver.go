package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// nodeDriver is the simulated VIM as one node reaches it.
type nodeDriver struct {
	*sim.Sim
	w *world
	n *node
}

// call surrounds one call to a VIM. A node that was suspended for so long that the call's context has ended makes none.
func (d *nodeDriver) call(ctx context.Context, what string, f func() error) error {
	w := d.w
	w.pause(d.n, "before "+what)
	draws := 1
	if strings.HasPrefix(what, "change") { // there are few
		draws = 4
	}
	if slices.ContainsFunc(make([]bool, draws), func(bool) bool { return w.fault(CrashBeforeCall) }) {
		w.die(d.n)
	}
	if !w.now.Before(w.until(ctx)) {
		w.tracef("  %s %s: given up", d.n.name, what)
		return &vim.Error{Op: what, Class: message.UnknownOutcome, Hint: "the caller gave up"}
	}
	w.calls++
	err := f()
	if d.n.dead {
		panic(crash{})
	}
	w.tracef("  %s %s: %v", d.n.name, what, vim.ClassOf(err))
	if slices.ContainsFunc(make([]bool, draws), func(bool) bool { return w.fault(CrashAfterCall) }) {
		w.die(d.n)
	}
	w.pause(d.n, "after "+what)
	return err
}

func (d *nodeDriver) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (out vim.Resource, err error) {
	err = d.call(ctx, "start "+string(r.Kind)+" "+r.Token.String(), func() (e error) {
		there := d.Sim.Has(conn.ID, r.Token)
		d.w.judgeCall("make", r.Token, vimmanager.Starting, vimmanager.Unresolved, vimmanager.Releasing)
		out, e = d.Sim.Start(ctx, conn, d.w.madeOf(r))
		if e == nil && there && d.w.tokenless {
			d.w.violate("I2: a VIM without client tokens made a second %s for %s", r.Kind, r.Token)
		}
		return e
	})
	return out, err
}

func (d *nodeDriver) Poll(ctx context.Context, conn vim.Connection, kind vim.Kind, id string) (out vim.Resource, err error) {
	err = d.call(ctx, "poll "+id, func() (e error) { out, e = d.Sim.Poll(ctx, conn, kind, id); return e })
	return out, err
}

func (d *nodeDriver) Find(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (out vim.Resource, err error) {
	err = d.call(ctx, "find "+string(kind)+" "+token.String(), func() (e error) {
		if d.w.lacks(FindBlind) {
			return &vim.Error{Op: "find", Class: message.NotFound, Hint: "mutant"}
		}
		if out, e = d.Sim.Find(ctx, conn, kind, token); d.w.lacks(NoRevision) {
			out.Revision = 0
		}
		return e
	})
	return out, err
}

func (d *nodeDriver) Release(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (done bool, err error) {
	err = d.call(ctx, "release "+string(kind)+" "+token.String(), func() (e error) {
		d.w.judgeCall("delete", token, vimmanager.Releasing, vimmanager.Clearing, vimmanager.Released)
		if d.w.lacks(NoUndo) {
			done = true
			return nil
		}
		done, e = d.Sim.Release(ctx, conn, kind, token)
		return e
	})
	return done, err
}

func (d *nodeDriver) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (out vim.Resource, err error) {
	w, token := d.w, r.Token.String()
	w.changing[token] = w.until(ctx)
	finished := false
	defer func() {
		if finished {
			delete(w.changing, token)
		} else if d.n.dead && !w.quiet { // unwound: what its call does nobody hears
			w.happened[CrashedChanging]++
		}
	}()
	err = d.call(ctx, fmt.Sprintf("change %s %s to %d", r.Kind, r.Token, r.Revision), func() (e error) {
		w.judgeCall("change", r.Token, vimmanager.Changing, vimmanager.Releasing)
		if w.fault(ChangeMisbehaves) {
			w.misbehaveOnChange()
		}
		before, at := w.sim.Fired(), w.now
		out, e = d.Sim.Change(ctx, conn, r)
		w.changed = w.changed || e == nil
		w.noteChange(before, at)
		return e
	})
	finished = vim.ClassOf(err) != message.UnknownOutcome
	return out, err
}

// configure is how a node reaches the VNFs of one VIM.
func (n *node) configure(ctx context.Context, conn vim.Connection, token string, computes []string) error {
	d := &nodeDriver{Sim: n.w.sim, w: n.w, n: n}
	return d.call(ctx, "configure "+token, func() error {
		n.w.judgeConfiguring(token)
		err := n.w.sim.Configure(ctx, conn, token, computes)
		if err == nil {
			n.w.protocol.configured[token] = true
		}
		return err
	})
}

// noteChange counts what the VIM made of a change, by the rule that has applied since.
func (w *world) noteChange(before []int, at time.Time) {
	if w.now.After(at) {
		w.happened[ChangeHung]++
		return
	}
	rules := w.sim.Behaviour().Rules
	for i, n := range w.sim.Fired() {
		if e, is := changeEvents[rules[i].Outcome]; is && n > before[i] {
			w.happened[e]++
		}
	}
}

var changeEvents = map[string]Event{ //nolint:gochecknoglobals // data
	sim.LoseReply: ChangeLost, sim.LateEffect: ChangeLate, sim.Twice: ChangeTwice, sim.Half: ChangeHalf,
}

func (d *nodeDriver) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (out vim.ListPage, err error) {
	err = d.call(ctx, "list "+conn.ID, func() (e error) { out, e = d.Sim.List(ctx, conn, r); return e })
	return out, err
}

func (d *nodeDriver) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (out vim.ObservedPage, err error) {
	err = d.call(ctx, "observe "+conn.ID, func() (e error) { out, e = d.Sim.Observe(ctx, conn, r); return e })
	return out, err
}
