package lcm_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

func (s *site) terminate(id string, r lcm.Terminate) string {
	s.t.Helper()
	s.sent = nil
	op, err := s.svc.Terminate(s.ctx(), id, r, by)
	s.must(err)
	return op.ID
}

func TestTerminateForceful(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	id := s.up()
	resources := s.vnf(id).Resources
	op := s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
	s.run()
	o, v := s.op(op), s.vnf(id)
	if o.State != vnf.Completed || v.State != vnf.NotInstantiated || v.Info != nil || len(v.Resources) != 0 || len(s.held) != 0 {
		t.Fatalf("%s %s, recorded %v, held %v: %+v", o.State, v.State, v.Resources, s.held, o.Error)
	}
	if len(v.Connections) != 1 {
		t.Error("the VIM connections are not kept")
	}
	c := o.Changes
	if c.Vnfcs.Len() != 2 || c.Links.Len() != 2 || c.ExtPorts.Len() != 2 || c.Storages.Len() != 1 {
		t.Errorf("changes %+v", c)
	}
	for _, l := range c.Links.All() {
		if l.Change != vnf.Removed || len(l.PortIDs) != 2 {
			t.Errorf("%+v", l)
		}
	}
	if o.Progress.Len() != len(resources) {
		t.Errorf("%d entries for %d resources", o.Progress.Len(), len(resources))
	}
	t.Run("asks for a grant of what is removed", func(t *testing.T) {
		var g nfvo.GrantRequest
		s.must(json.Unmarshal(s.sent[0].Data, &g))
		if len(g.Remove) != 7 { // 2 computes, 2 networks, 1 volume, 2 external ports
			t.Errorf("%d resources to remove", len(g.Remove))
		}
		for _, d := range g.Remove {
			if d.Resource == nil || d.Resource.ID == "" {
				t.Errorf("%+v", d)
			}
		}
	})
	t.Run("releases in the reverse order", func(t *testing.T) {
		var got []vim.Kind
		for _, m := range s.sent[1:] {
			if k := kindOf(m); len(got) == 0 || got[len(got)-1] != k {
				got = append(got, k)
			}
		}
		want := []vim.Kind{vim.Compute, vim.Port, vim.Subnet, vim.Volume, vim.Network, vim.ServerGroup}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
	s.must(s.svc.DeleteVnf(s.ctx(), id, by))
	if _, err := s.svc.Instantiate(s.ctx(), id, s.request(), by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("after DELETE: %v", err)
	}
	s.finish()
}

func TestTerminateGraceful(t *testing.T) {
	t.Run("stops first", func(t *testing.T) {
		s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
		id := s.up()
		op := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
		s.run()
		stops := 0
		for _, m := range s.sent[1:] {
			if m.Type != vim.TypeChangeResource {
				break
			}
			var c vim.Change
			s.must(json.Unmarshal(m.Data, &c))
			if c.Kind != vim.Compute || c.To.Compute.Power != vim.PowerOff || c.Revision != 2 || c.Grace() != 30*time.Second {
				t.Errorf("%+v", c)
			}
			stops++
		}
		if stops != 2 {
			t.Errorf("%d computes are stopped, want 2", stops)
		}
		if o := s.op(op); o.State != vnf.Completed || len(s.held) != 0 || len(o.Warnings) != 0 {
			t.Errorf("%s %v, left %v", o.State, o.Warnings, s.held)
		}
		s.finish()
	})
	// Design §4: "graceful terminate's timeout too". Seen failing with TimeoutOf removed from the step.
	t.Run("goes on when nobody says that it has stopped, within what the descriptor allows", func(t *testing.T) {
		const forced = 2 * time.Minute // to turn off what did not stop
		for asked, want := range map[int]time.Duration{10: 10*time.Second + forced, 3600: 30*time.Second + forced} {
			s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
			id := s.up()
			s.script = on(vim.TypeChangeResource, vim.Compute, lost)
			op := s.terminate(id, lcm.Terminate{Type: "GRACEFUL", GracefulTimeout: asked})
			began := s.now
			for s.settle(); len(s.op(op).Warnings) == 0 && s.fire(); s.settle() {
			}
			if waited := s.now.Sub(began); waited != want {
				t.Errorf("waited %s, want %s", waited, want)
			}
			s.run()
			o := s.op(op)
			if o.State != vnf.Completed || len(s.held) != 0 || len(o.Warnings) != 2 || !strings.Contains(o.Warnings[0], "no reply") {
				t.Errorf("%s %v, left %v", o.State, o.Warnings, s.held)
			}
			s.finish()
		}
	})
}

// Design §4: TERMINATE is held when it fails, and never rolls back (404).
func TestTerminateFails(t *testing.T) {
	failed := func(t *testing.T) (*site, string, string) {
		t.Helper()
		s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
		id := s.up()
		s.script = on(vim.TypeReleaseResource, vim.Port, permanent)
		op := s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
		s.run()
		if o := s.op(op); o.State != vnf.FailedTemp {
			t.Fatalf("%s", o.State)
		}
		if _, err := s.svc.Rollback(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("rollback: %v", err)
		}
		if c := s.op(op).Changes; c.Vnfcs.Len() != 2 || c.ExtPorts.Len() != 0 {
			t.Errorf("changes so far: %+v", c)
		}
		s.script = nil
		return s, id, op
	}
	t.Run("retry", func(t *testing.T) {
		s, id, op := failed(t)
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		if s.op(op).State != vnf.Completed || s.vnf(id).State != vnf.NotInstantiated || len(s.held) != 0 {
			t.Errorf("%s, left %v", s.op(op).State, s.held)
		}
		s.finish()
	})
	t.Run("fail, then terminate what is left", func(t *testing.T) {
		s, id, op := failed(t)
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		v := s.vnf(id)
		if v.State != vnf.Instantiated || len(v.Info.Vnfcs) != 0 || len(v.Info.Links) != 2 || len(v.Resources)+len(v.Leftovers) != len(s.held) {
			t.Errorf("%s, %d recorded, %d held: %+v", v.State, len(v.Resources), len(s.held), v.Info)
		}
		again := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
		s.run()
		if s.op(again).State != vnf.Completed || len(s.held) != 0 {
			t.Errorf("%s, left %v", s.op(again).State, s.held)
		}
		s.finish()
	})
}

// recorded are the resources that an instance says it has, or has left over: exactly those that stand at the VIMs.
func (s *site) recorded(id string) {
	s.t.Helper()
	v := s.vnf(id)
	have := map[vim.Token]bool{}
	for _, r := range v.Held() {
		have[vim.Token{ID: r.ID, Generation: r.Generation}] = true
	}
	for token, r := range s.held {
		if !have[token] {
			s.t.Errorf("%s %s stands and is recorded nowhere", r.Kind, r.Name)
		}
	}
	if len(have) != len(s.held) {
		s.t.Errorf("%d are recorded, %d stand", len(have), len(s.held))
	}
}

// What an earlier operation left over goes with the rest. Seen failing (a network for ever) with the resources alone released.
func TestTerminateReleasesLeftovers(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{UndoAttempts: 1})
	s.script = func(m message.Message) *answer {
		if a := on(configuration.TypeConfigure, vim.Configuration, permanent)(m); a != nil {
			return a
		}
		return on(vim.TypeReleaseResource, vim.Network, permanent)(m)
	}
	id := s.create()
	op := s.instantiate(id)
	s.run()
	s.script = nil
	for _, l := range s.op(op).Changes.Links.All() {
		_, err := s.svc.Resolve(s.ctx(), op, saga.Action{Kind: saga.SkipItem, Step: "create", Item: l.ID, Reason: "later"}, by)
		s.must(err)
		s.run()
	}
	if o, v := s.op(op), s.vnf(id); o.State != vnf.RolledBack || len(v.Leftovers) != 2 {
		t.Fatalf("%s, left over %+v", o.State, v.Leftovers)
	}
	s.instantiate(id)
	s.run()
	s.recorded(id)
	if v := s.vnf(id); v.State != vnf.Instantiated || len(v.Leftovers) != 2 {
		t.Fatalf("%s, left over %+v", v.State, v.Leftovers)
	}
	op = s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
	s.run()
	if o, v := s.op(op), s.vnf(id); o.State != vnf.Completed || len(s.held) != 0 || len(v.Leftovers) != 0 {
		t.Errorf("%s, held %v, left over %+v", o.State, s.held, v.Leftovers)
	}
	s.finish()
}

// Two generations of one resource are two resources: what an attempt left over is released beside what the instance has. Seen failing
// with the second taken for the first.
func TestALeftoverOfAnotherGenerationIsAResourceOfItsOwn(t *testing.T) {
	one := vnf.Resource{ID: "r", Kind: string(vim.Network), Connection: "vim-1", VimID: "new", Generation: 2, Spec: json.RawMessage(`{"name":"n"}`)}
	old := one
	old.VimID, old.Generation = "old", 1
	have, err := lcm.Holding(&vnf.Instance{Resources: []vnf.Resource{one}, Leftovers: []vnf.Resource{old}}, true)
	if err != nil || len(have) != 2 || have[0].ID == have[1].ID {
		t.Fatalf("%+v, %v", have, err)
	}
	for i, want := range []vim.Token{{ID: "r", Generation: 2}, {ID: "r", Generation: 1}} {
		if got := have[i].Token(); got != want {
			t.Errorf("the token is %s, want %s", got, want)
		}
	}
}

// Guests stop at the same time, however few commands may be under way: each may take all of the grace. Seen failing with the stage
// within the window.
func TestGuestsStopAtTheSameTime(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{Window: 1})
	id := s.up()
	s.terminate(id, lcm.Terminate{Type: "GRACEFUL", GracefulTimeout: 600})
	s.reply(*s.serve(s.next()[0])) // the grant
	if stops := s.next(); len(stops) != 2 || stops[0].Type != vim.TypeChangeResource || stops[1].Type != vim.TypeChangeResource {
		t.Errorf("under way: %+v", stops)
	}
}

// The time that guests are given comes on top of the operation's: one that is given three hours has not failed after one. Seen failing
// with the deadline as it is for any operation.
func TestTheDeadlineContainsTheGrace(t *testing.T) {
	const grace = 3 * time.Hour
	s := newSite(t, plantest.Minimal(), lcm.Settings{Deadline: time.Hour})
	for name, begin := range map[string]func(id string) string{
		"terminate": func(id string) string {
			return s.terminate(id, lcm.Terminate{Type: "GRACEFUL", GracefulTimeout: int(grace.Seconds())})
		},
		"operate": func(id string) string {
			op, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED", StopType: "GRACEFUL", GracefulTimeout: int(grace.Seconds())}, by)
			s.must(err)
			return op.ID
		},
	} {
		op := begin(s.up())
		s.next()
		if in := s.saga(op); in.Deadline.Sub(s.now) != grace+time.Hour {
			t.Errorf("%s ends after %s", name, in.Deadline.Sub(s.now))
		}
		s.settle()
	}
}

// A graceful termination that is given up records all that stands, what told the VNF to stop included, and what is left goes in
// the next. Seen failing with what told it to stop left out.
func TestFailedTerminationLeavesNothingUnrecorded(t *testing.T) {
	for name, script := range map[string]func(m message.Message) *answer{
		"nothing was released":   on(vim.TypeReleaseResource, vim.Compute, permanent),
		"the ports stand":        on(vim.TypeReleaseResource, vim.Port, permanent),
		"all but a network went": on(vim.TypeReleaseResource, vim.Network, permanent),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
			id := s.up()
			s.script = script
			op := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
			s.run()
			if o := s.op(op); o.State != vnf.FailedTemp {
				t.Fatalf("%s", o.State)
			}
			_, err := s.svc.Fail(s.ctx(), op, by)
			s.must(err)
			s.recorded(id)
			s.script = nil
			op = s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
			s.run()
			if o := s.op(op); o.State != vnf.Completed || len(s.held) != 0 {
				t.Errorf("%s, held %v", o.State, s.held)
			}
			s.finish()
		})
	}
}

func TestTerminateRefusedByTheGrant(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	id := s.up()
	s.script = func(m message.Message) *answer {
		if m.Type == nfvo.TypeRequestGrant {
			return permanent
		}
		return nil
	}
	held := len(s.held)
	op := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
	s.run()
	if o, v := s.op(op), s.vnf(id); o.State != vnf.RolledBack || v.State != vnf.Instantiated || v.Operation != "" || len(s.held) != held {
		t.Errorf("%s %s", o.State, v.State)
	}
	if len(s.sent) != 1 {
		t.Errorf("%d commands sent", len(s.sent))
	}
	s.finish()
}

func TestTerminateIsRefused(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	id := s.create()
	for _, tt := range []struct {
		r    lcm.Terminate
		kind vnfm.Kind
	}{
		{lcm.Terminate{Type: "FORCEFUL"}, vnfm.Conflict}, // not instantiated
		{lcm.Terminate{Type: "GENTLE"}, vnfm.Invalid},
		{lcm.Terminate{Type: "FORCEFUL", GracefulTimeout: 3}, vnfm.Invalid},
		{lcm.Terminate{Type: "GRACEFUL", GracefulTimeout: -3}, vnfm.Invalid},
	} {
		if _, err := s.svc.Terminate(s.ctx(), id, tt.r, by); vnfm.KindOf(err) != tt.kind {
			t.Errorf("%+v: %v", tt.r, err)
		}
	}
	if _, err := s.svc.Terminate(s.ctx(), "nobody", lcm.Terminate{Type: "FORCEFUL"}, by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("unknown instance: %v", err)
	}
}

// What a termination has asked to be released goes as soon as it can, whether the VIM gave no answer or refused: once the termination is
// given up the VNF has it no more, it is left over, and what the VNF still has can be operated. Seen failing with the records naming
// what the sweep releases.
func TestWhatATerminationAskedToBeReleasedIsLeftOver(t *testing.T) {
	for name, how := range map[string]*answer{"not answered": unknown, "refused": permanent} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, plantest.TwoVdus(), lcm.Settings{Attempts: 1})
			id := s.up()
			var doomed []vim.Token
			s.script = func(m message.Message) *answer {
				var r vim.Release
				if m.Type != vim.TypeReleaseResource || json.Unmarshal(m.Data, &r) != nil || r.Kind != vim.Compute || len(doomed) > 0 {
					return nil
				}
				doomed = append(doomed, r.Token)
				return how
			}
			op := s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
			s.run()
			if o := s.op(op); o.State != vnf.FailedTemp || len(doomed) == 0 {
				t.Fatalf("%s", o.State)
			}
			_, err := s.svc.Fail(s.ctx(), op, by)
			s.must(err)
			v := s.vnf(id)
			if !slices.ContainsFunc(v.Leftovers, func(r vnf.Resource) bool { return r.ID == doomed[0].ID && len(r.Spec) == 0 }) {
				t.Errorf("%s is not left over", doomed[0])
			}
			for _, r := range v.Resources {
				if r.ID == doomed[0].ID {
					t.Errorf("the VNF has %s", r.ID)
				}
			}
			for _, c := range v.Info.Vnfcs {
				if c.ID == doomed[0].ID {
					t.Errorf("the VNF has the VNFC %s", c.ID)
				}
			}
			s.script = nil
			if len(v.Info.Vnfcs) > 0 {
				stop, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED"}, by)
				s.must(err)
				s.settle()
				if o := s.op(stop.ID); o.State != vnf.Completed {
					t.Errorf("a stop of the rest is %s: %+v", o.State, o.Error)
				}
			}
			delete(s.held, doomed[0]) // as the sweep does
			op = s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
			s.run()
			if o := s.op(op); o.State != vnf.Completed || len(s.held) != 0 || len(s.vnf(id).Leftovers) > 0 {
				t.Errorf("%s, held %v", o.State, s.held)
			}
			s.finish()
		})
	}
}
