package nfvomanager_test

import (
	"context"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/vim"
)

// gated counts calls, and holds them back until a time.
type gated struct {
	w     *world
	until time.Time
	calls int
	busy  int
}

func (g *gated) Free(context.Context, string) (time.Time, bool, error) {
	return g.until, !g.w.now.Before(g.until), nil
}

func (g *gated) Begin(vim.Connection) func(context.Context, error) {
	if g.calls++; g.w.now.Before(g.until) {
		g.w.t.Error("a call is made to a VIM that is held")
	}
	g.busy++
	return func(_ context.Context, err error) {
		g.busy--
		if after := vim.RetryAfter(err); after > 0 {
			g.until = g.w.now.Add(after)
		}
	}
}

func (g *gated) Wait(_ string, err error) (time.Time, bool) { return g.until, vim.RetryAfter(err) > 0 }

// busy is a site that has too much to do for a number of calls.
type busy struct {
	listing
	refusals int
}

func (d *busy) Assets(ctx context.Context, c vim.Connection) (vim.Assets, error) {
	d.err = nil
	if d.asked < d.refusals {
		d.err = &vim.Error{Op: "assets", Class: message.Transient, Hint: "too many requests", RetryAfter: 5 * time.Second}
	}
	return d.listing.Assets(ctx, c)
}

// A grant by our own policy asks its VIM as everybody does: not while it is held, and after the time that it asks for. Seen failing with the gate left out, when the tries run out.
func TestAGrantKeepsToTheLimitsOfItsVim(t *testing.T) {
	d := &busy{refusals: 7} // more than there are tries
	w := newWorld(t, d)
	g := &gated{w: w, until: w.now.Add(10 * time.Second)}
	w.cfg.Gate = g
	w.worker = nfvomanager.NewWorker(w.cfg)
	w.deliver("c1", nfvo.GrantRequest{VnfID: vnf, Add: computes("a")})
	w.run(9 * time.Second)
	if d.asked != 0 || len(w.replies()) != 0 {
		t.Errorf("asked %d times while the VIM was held", d.asked)
	}
	w.run(time.Minute)
	if r := w.replies(); d.asked != 8 || g.busy != 0 || len(r) != 1 || r[0].Outcome != message.Succeeded {
		t.Errorf("asked %d times, %d under way: %+v", d.asked, g.busy, r)
	}
}
