package lcm_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// heal begins to heal a VNF.
func (s *site) heal(id string, r lcm.Heal) string {
	s.t.Helper()
	op, err := s.svc.Heal(s.ctx(), id, r, by)
	s.must(err)
	return op.ID
}

// forget lets the VIMs lose the resources of some kinds.
func (s *site) forget(kinds ...vim.Kind) {
	for t, r := range s.held {
		if slices.Contains(kinds, r.Kind) {
			delete(s.held, t)
		}
	}
}

// healed asserts which kinds of resources a VNF has in another generation than before; all else is as it was, and so are names,
// addresses and MACs of everything. With networks go their ports; those outside stay, unless everything goes.
func (s *site) healed(id string, was *vnf.Instance, kinds ...vim.Kind) {
	s.t.Helper()
	now := s.vnf(id)
	if len(now.Resources) != len(was.Resources) || now.Operation != "" {
		s.t.Fatalf("%d resources, held by %q", len(now.Resources), now.Operation)
	}
	for i, r := range now.Resources {
		old := was.Resources[i]
		outside := r.Kind == string(vim.Port) && strings.HasSuffix(r.Template, "_out") && slices.Contains(kinds, vim.Network)
		if again := slices.Contains(kinds, vim.Kind(r.Kind)) && (!outside || slices.Contains(kinds, vim.Volume)); again != (r.Generation > old.Generation) || again != (r.VimID != old.VimID) {
			s.t.Errorf("%s %s is %d (%s), was %d (%s)", r.Kind, r.Name, r.Generation, r.VimID, old.Generation, old.VimID)
		}
		if r.ID != old.ID || r.Name != old.Name || r.MAC != old.MAC || !reflect.DeepEqual(r.Addresses, old.Addresses) || r.MayBeGone || r.Unsure {
			s.t.Errorf("%+v\nwas %+v", r, old)
		}
		if string(r.Spec) != string(old.Spec) {
			s.t.Errorf("%s\nwas %s", r.Spec, old.Spec)
		}
	}
	if !reflect.DeepEqual(addressesOf(now), addressesOf(was)) || !reflect.DeepEqual(now.Info.ScaleStatus, was.Info.ScaleStatus) ||
		now.Info.VnfState != was.Info.VnfState || !reflect.DeepEqual(now.Values, was.Values) || len(now.Leftovers) > 0 {
		s.t.Errorf("is  %+v\nwas %+v", now.Info, was.Info)
	}
	s.consistent(id)
	s.recorded(id)
	s.finish()
}

func addressesOf(v *vnf.Instance) map[string]vnf.Protocol {
	out := map[string]vnf.Protocol{}
	for _, c := range v.Info.Vnfcs {
		for _, cp := range c.Cps {
			out[cp.ID] = cp.Addresses
		}
	}
	return out
}

// A VNF that is healed has new computes, with the ports, volumes, boot data and addresses it had. Seen failing with computes kept
// that stand.
func TestHeal(t *testing.T) {
	s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
	s.scale(id, "SCALE_OUT", "grow", 2)
	s.settle()
	was := s.vnf(id)
	boot := map[string]string{}
	for token, spec := range s.specs {
		if spec.Compute != nil {
			boot[token.ID] = spec.Compute.UserData
		}
	}
	s.sent = nil
	op := s.heal(id, lcm.Heal{Cause: "smoke", Params: json.RawMessage(`{"cause":"smoke"}`)})
	s.settle()
	o := s.op(op)
	if o.State != vnf.Completed || o.Irreversible || string(o.Params) != `{"cause":"smoke"}` || o.Policy != "hold" {
		t.Fatalf("%s %s: %+v", o.State, o.Params, o.Error)
	}
	s.healed(id, was, vim.Compute)
	for token, spec := range s.specs {
		if spec.Compute != nil && spec.Compute.UserData != boot[token.ID] {
			t.Errorf("%s boots with %q, and %q before", token, spec.Compute.UserData, boot[token.ID])
		}
	}
	// For a reader each VNFC was modified, and nothing was removed.
	if o.Changes.Vnfcs.Len() != len(was.Info.Vnfcs) || o.Changes.Links.Len()+o.Changes.Storages.Len()+o.Changes.ExtPorts.Len() > 0 {
		t.Errorf("%+v", o.Changes)
	}
	for _, c := range o.Changes.Vnfcs.All() {
		if i := slices.IndexFunc(s.vnf(id).Info.Vnfcs, func(x vnf.Vnfc) bool { return x.ID == c.ID }); c.Change != vnf.Modified || s.vnf(id).Info.Vnfcs[i].Handle != c.Handle {
			t.Errorf("%+v", c)
		}
	}
	events, err := s.store.ReadStream(s.ctx(), s.instances.Stream(id), 0, 1000)
	s.must(err)
	if last := events[len(events)-1]; last.Type != "vnf.healed" || !strings.Contains(string(last.Data), `"cause":"smoke"`) {
		t.Errorf("%s %s", last.Type, last.Data)
	}
}

// Of some VNFCs the others stay. A second healing makes a third generation.
func TestHealOneVnfc(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.scale(id, "SCALE_OUT", "grow", 2)
	s.settle()
	was := s.vnf(id)
	one := was.Info.Vnfcs[1].ID
	for n := 2; n < 4; n++ {
		op := s.heal(id, lcm.Heal{Vnfcs: []string{one, one}})
		s.settle()
		if o := s.op(op); o.State != vnf.Completed || o.Changes.Vnfcs.Len() != 1 {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		for i, r := range s.vnf(id).Resources {
			if old := was.Resources[i]; r.ID == one && r.Generation != n || r.ID != one && !reflect.DeepEqual(r, old) {
				t.Errorf("%+v\nwas %+v", r, old)
			}
		}
		s.consistent(id)
		s.recorded(id)
	}
	s.finish()
}

// With all, volumes are made again, too: of one VNFC its own, of the VNF all.
func TestHealAll(t *testing.T) {
	for name, whole := range map[string]bool{"whole": true, "one": false} {
		t.Run(name, func(t *testing.T) {
			s, id := elastic(t, lcm.Settings{})
			s.scale(id, "SCALE_OUT", "grow", 1)
			s.settle()
			was := s.vnf(id)
			r := lcm.Heal{AdditionalParams: json.RawMessage(`{"all":true}`)}
			i := slices.IndexFunc(was.Info.Vnfcs, func(c vnf.Vnfc) bool { return len(c.Storages) > 1 })
			own := 0
			if !whole {
				r.Vnfcs = []string{was.Info.Vnfcs[i].ID}
			}
			op := s.heal(id, r)
			s.settle()
			if o := s.op(op); o.State != vnf.Completed {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			if whole {
				s.healed(id, was, vim.Compute, vim.Volume)
				return
			}
			for k, r := range s.vnf(id).Resources {
				if old := was.Resources[k]; r.Generation > old.Generation && vim.Kind(r.Kind) == vim.Volume {
					own++
					if !slices.Contains(was.Info.Vnfcs[i].Storages, r.ID) {
						t.Errorf("%s is not the VNFC's", r.Name)
					}
				}
			}
			if own != 1 { // the other is shared
				t.Errorf("%d volumes were made again", own)
			}
			s.consistent(id)
			s.recorded(id)
		})
	}
}

// What the VIMs forgot is made again, and what hangs on it; the rest stays, data and all. Seen failing (a port that refers to a network
// of yesterday) without what hangs on a network.
func TestHealWhatVimsForgot(t *testing.T) {
	everything := []vim.Kind{vim.Network, vim.Subnet, vim.Port, vim.Volume, vim.ServerGroup, vim.Compute}
	for name, c := range map[string]struct{ forgot, again []vim.Kind }{
		"computes":      {[]vim.Kind{vim.Compute}, []vim.Kind{vim.Compute}},
		"ports":         {[]vim.Kind{vim.Port}, []vim.Kind{vim.Port, vim.Compute}},
		"volumes":       {[]vim.Kind{vim.Volume}, []vim.Kind{vim.Volume, vim.Compute}},
		"server groups": {[]vim.Kind{vim.ServerGroup}, []vim.Kind{vim.ServerGroup, vim.Compute}},
		"networks":      {[]vim.Kind{vim.Network}, []vim.Kind{vim.Network, vim.Subnet, vim.Port, vim.Compute}},
		"everything":    {everything, everything},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := elastic(t, lcm.Settings{})
			s.scale(id, "SCALE_OUT", "grow", 2)
			s.settle()
			was := s.vnf(id)
			s.forget(c.forgot...)
			op := s.heal(id, lcm.Heal{})
			s.settle()
			if o := s.op(op); o.State != vnf.Completed {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			s.healed(id, was, c.again...)
		})
	}
}

// Of some VNFCs their own ports and volumes are made again; what others need as well is for a healing of the whole.
func TestHealOneVnfcOfWhichMoreIsGone(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.scale(id, "SCALE_OUT", "grow", 1)
	s.settle()
	was := s.vnf(id)
	c := was.Info.Vnfcs[1]
	mine := map[string]bool{c.ID: true}
	for _, cp := range c.Cps {
		if token := (vim.Token{ID: cp.LinkPortID, Generation: 1}); cp.LinkPortID != "" {
			mine[token.ID] = true
			delete(s.held, token)
		}
	}
	op := s.heal(id, lcm.Heal{Vnfcs: []string{c.ID}})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed || len(mine) < 2 {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	for i, r := range s.vnf(id).Resources {
		if (r.Generation > was.Resources[i].Generation) != mine[r.ID] {
			t.Errorf("%s %s is %d", r.Kind, r.Name, r.Generation)
		}
	}
	s.consistent(id)
	s.recorded(id)
	s.forget(vim.Network)
	_, err := s.svc.Heal(s.ctx(), id, lcm.Heal{Vnfcs: []string{c.ID}}, by)
	if vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), "heal the whole VNF") {
		t.Errorf("%v", err)
	}
	if v := s.vnf(id); v.Operation != "" {
		t.Errorf("held by %s", v.Operation)
	}
}

// A VNF that is stopped is healed and stays so.
func TestHealAStoppedVnf(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	_, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED"}, by)
	s.must(err)
	s.settle()
	was := s.vnf(id)
	op := s.heal(id, lcm.Heal{})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	s.healed(id, was, vim.Compute)
	for token, r := range s.held {
		if spec := s.specs[token]; spec.Compute != nil && spec.Compute.Power != vim.PowerOff {
			t.Errorf("%s is on", r.Name)
		}
	}
	if s.vnf(id).Info.VnfState != "STOPPED" {
		t.Error("it was started")
	}
}

// What is wrong is told before anything is begun, and by the dry run as well.
func TestHealRefused(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	down := vnfm.Errorf(vnfm.Unavailable, "vim-1 does not answer")
	for name, c := range map[string]struct {
		r     lcm.Heal
		blind error
		kind  vnfm.Kind
		at    string
	}{
		"no such VNFC":      {r: lcm.Heal{Vnfcs: []string{s.vnf(id).Info.Vnfcs[0].ID, "x"}}, kind: vnfm.Unprocessable, at: "/vnfcInstanceId/1"},
		"all is no boolean": {r: lcm.Heal{AdditionalParams: json.RawMessage(`{"all":"yes"}`)}, kind: vnfm.Unprocessable, at: "/additionalParams/all"},
		"a VIM is down":     {blind: down, kind: vnfm.Unavailable},
	} {
		s.blind = c.blind
		_, err := s.svc.Heal(s.ctx(), id, c.r, by)
		if vnfm.KindOf(err) != c.kind || attribute(err) != c.at {
			t.Errorf("%s: %v at %q", name, err, attribute(err))
		}
		_, err = s.svc.PlanHeal(s.ctx(), id, c.r)
		if vnfm.KindOf(err) != c.kind || attribute(err) != c.at {
			t.Errorf("%s, dry run: %v at %q", name, err, attribute(err))
		}
	}
	s.blind = nil
	if v := s.vnf(id); v.Operation != "" || len(s.sent) > 0 {
		t.Errorf("held by %s after %d commands", v.Operation, len(s.sent))
	}
	other := s.create()
	if _, err := s.svc.Heal(s.ctx(), other, lcm.Heal{}, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("one that is not instantiated: %v", err)
	}
	p, err := s.svc.PlanHeal(s.ctx(), id, lcm.Heal{})
	s.must(err)
	if computes := s.kinds()[vim.Compute]; len(p.Steps) != 2*computes+1 || p.Steps[2*computes].Kind != string(vim.Configuration) || !p.Reversible || len(p.Grant.Add) != computes || len(p.Grant.Remove) != computes {
		t.Errorf("%+v", p)
	}
}

// However a healing fails, the VNF is not less than it was: it is retried, or the computes are made once more as they were, or, given
// up, a later healing makes what is gone. Seen failing with what was released taken off the records.
func TestHealFails(t *testing.T) {
	broken := on(vim.TypeReserveResource, vim.Compute, permanent)
	begin := func(t *testing.T, policy saga.Policy) (*site, string, string, *vnf.Instance) {
		s, id := elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpHeal: policy}})
		was := s.vnf(id)
		n := 0
		s.script = func(m message.Message) *answer {
			a := broken(m)
			if a == nil {
				return nil
			}
			if n++; n == 1 { // one is made
				return nil
			}
			if policy == saga.Rollback && n > 2 { // the undo makes computes, too
				return nil
			}
			return a
		}
		op := s.heal(id, lcm.Heal{})
		s.run()
		s.script = nil
		return s, id, op, was
	}
	t.Run("hold, retry", func(t *testing.T) {
		s, id, op, was := begin(t, "")
		if o := s.op(op); o.State != vnf.FailedTemp {
			t.Fatalf("%s", o.State)
		}
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		s.healed(id, was, vim.Compute)
	})
	for name, policy := range map[string]saga.Policy{"by an operator": saga.Hold, "by policy": saga.Rollback} {
		t.Run("rollback "+name, func(t *testing.T) {
			s, id, op, was := begin(t, policy)
			if policy == saga.Hold {
				_, err := s.svc.Rollback(s.ctx(), op, by)
				s.must(err)
				s.run()
			}
			o := s.op(op)
			if o.State != vnf.RolledBack || o.Changes.Vnfcs.Len() > 0 {
				t.Fatalf("%s: %+v", o.State, o.Changes)
			}
			s.healed(id, was, vim.Compute)
			for _, r := range s.vnf(id).Resources {
				if r.Kind == string(vim.Compute) && r.Generation != 3 {
					t.Errorf("generation %d", r.Generation)
				}
			}
		})
	}
	t.Run("given up, and healed again", func(t *testing.T) {
		s, id, op, was := begin(t, "")
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		s.run()
		v := s.vnf(id)
		gone := 0
		for _, r := range v.Resources {
			if r.MayBeGone {
				gone++
			}
		}
		if o := s.op(op); o.State != vnf.Failed || gone != 1 || len(v.Resources) != len(was.Resources) || len(v.Info.Vnfcs) != len(was.Info.Vnfcs) || len(v.Leftovers) > 0 {
			t.Fatalf("%s: %d may be gone, %+v, left %+v", o.State, gone, v.Info.Vnfcs, v.Leftovers)
		}
		// An operation that cannot change it either leaves it as it is: seen failing, the record said that it stands.
		s.script = on(vim.TypeChangeResource, vim.Compute, permanent)
		stop, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED", StopType: "FORCEFUL"}, by)
		s.must(err)
		s.run()
		s.script = nil
		_, err = s.svc.Fail(s.ctx(), stop.ID, by)
		s.must(err)
		s.run()
		if v := s.vnf(id); !slices.ContainsFunc(v.Resources, func(r vnf.Resource) bool { return r.MayBeGone }) {
			t.Errorf("nothing may be gone any more")
		}
		again := s.heal(id, lcm.Heal{})
		s.run()
		if o := s.op(again); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		s.healed(id, was, vim.Compute)
	})
	// The volumes stand in two generations when it is undone or given up.
	for _, up := range []bool{false, true} {
		t.Run(fmt.Sprintf("all, given up %t, and healed again", up), func(t *testing.T) {
			s, id := elastic(t, lcm.Settings{Attempts: 1})
			was := s.vnf(id)
			all := lcm.Heal{AdditionalParams: json.RawMessage(`{"all":true}`)}
			s.script = broken
			op := s.heal(id, all)
			s.run()
			s.script = nil
			end, state := s.svc.Rollback, vnf.RolledBack
			if up {
				end, state = s.svc.Fail, vnf.Failed
			}
			_, err := end(s.ctx(), op, by)
			s.must(err)
			s.run()
			if o := s.op(op); o.State != state {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			left := 0
			if up {
				left = s.kinds()[vim.Volume] / 2
				_, err := s.svc.Cleanup(s.ctx(), id, by)
				s.must(err)
				s.run()
			}
			if v := s.vnf(id); len(v.Leftovers) > 0 || up && left == 0 {
				t.Errorf("left %+v", v.Leftovers)
			}
			again := s.heal(id, all)
			s.run()
			if o := s.op(again); o.State != vnf.Completed {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			s.healed(id, was, vim.Compute, vim.Volume)
		})
	}
	t.Run("what referred to a network that is gone is not made once more", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpHeal: saga.Rollback}})
		was := s.vnf(id)
		s.forget(vim.Network)
		s.script = broken
		op := s.heal(id, lcm.Heal{})
		s.run()
		s.script = nil
		if o := s.op(op); o.State != vnf.FailedTemp || !o.Irreversible {
			t.Fatalf("%s", o.State)
		}
		if _, err := s.svc.Rollback(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("%v", err)
		}
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		again := s.heal(id, lcm.Heal{})
		s.run()
		if o := s.op(again); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		if v := s.vnf(id); len(v.Leftovers) > 0 { // the networks that had gone
			_, err := s.svc.Cleanup(s.ctx(), id, by)
			s.must(err)
			s.run()
		}
		s.healed(id, was, vim.Compute, vim.Network, vim.Subnet, vim.Port)
	})
}

// What is on a volume is not brought back by making another: once one was released there is no rollback.
func TestHealAllIsNotRolledBackOnceAVolumeIsGone(t *testing.T) {
	s, id := elastic(t, lcm.Settings{Attempts: 1})
	s.script = on(vim.TypeReleaseResource, vim.Volume, permanent)
	op := s.heal(id, lcm.Heal{AdditionalParams: json.RawMessage(`{"all":true}`)})
	s.run()
	if o := s.op(op); o.State != vnf.FailedTemp {
		t.Fatalf("%s", o.State)
	}
	if _, err := s.svc.Rollback(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.NotFound && vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("%v", err)
	}
	s.script = nil
	_, err := s.svc.Retry(s.ctx(), op, by)
	s.must(err)
	s.run()
	if o := s.op(op); o.State != vnf.Completed {
		t.Errorf("%s: %+v", o.State, o.Error)
	}
	s.recorded(id)
}

// A cancelled healing is held, and rolled back or given up from there; a compute that comes late is the VNF's.
func TestHealCancelled(t *testing.T) {
	s, id := elastic(t, lcm.Settings{Attempts: 1})
	was := s.vnf(id)
	s.script = on(vim.TypeReserveResource, vim.Compute, late)
	op := s.heal(id, lcm.Heal{})
	s.settle()
	_, err := s.svc.Cancel(s.ctx(), op, "FORCEFUL", by)
	s.must(err)
	s.script = nil
	s.run()
	if o := s.op(op); o.State != vnf.FailedTemp {
		t.Fatalf("%s", o.State)
	}
	_, err = s.svc.Rollback(s.ctx(), op, by)
	s.must(err)
	s.run()
	if o := s.op(op); o.State != vnf.RolledBack {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	s.healed(id, was, vim.Compute)
}

// A grant is asked for what goes and what comes, each by a definition of its own, and bound to what stays: to others by the rules of the
// flavour, and to the zone of its volumes. Where the grant puts a compute, there it is made. Seen failing with the zone it had.
func TestHealAsksForAGrant(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.scale(id, "SCALE_OUT", "grow", 2)
	s.settle()
	v := s.vnf(id)
	i := slices.IndexFunc(v.Info.Vnfcs, func(c vnf.Vnfc) bool { return len(c.Storages) > 0 })
	c := v.Info.Vnfcs[i]
	var asked nfvo.GrantRequest
	s.script = func(m message.Message) *answer {
		if m.Type == nfvo.TypeRequestGrant {
			s.must(json.Unmarshal(m.Data, &asked))
		}
		return nil
	}
	s.grant = func(g *nfvo.Grant) { g.Zones[0].ZoneID = "zone-b" }
	op := s.heal(id, lcm.Heal{Vnfcs: []string{c.ID}})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	if len(asked.Add) != 1 || len(asked.Remove) != 1 || len(asked.Update) > 0 || asked.Add[0].ID == asked.Remove[0].ID || asked.Add[0].Resource != nil ||
		asked.Remove[0].Resource.ID != c.Handle.VimID || asked.Add[0].Planned != c.ID {
		t.Errorf("%+v\n%+v", asked.Add, asked.Remove)
	}
	zone, others := false, false
	for _, r := range asked.Placement {
		if !slices.Contains(r.Resources, asked.Add[0].ID) || len(r.Existing) == 0 {
			t.Errorf("%+v", r)
		}
		volumes := slices.ContainsFunc(r.Existing, func(h nfvo.ResourceHandle) bool { return strings.HasPrefix(h.ID, "volume") })
		zone = zone || volumes && r.Affinity && r.Scope == "ZONE" && slices.Equal(r.Zones, []string{"zone-a"})
		others = others || !volumes && r.Scope == "NFVI_NODE"
	}
	if !zone || !others {
		t.Errorf("%+v", asked.Placement)
	}
	if now := s.vnf(id); now.Info.Vnfcs[i].Zone != "zone-b" {
		t.Errorf("it is in %s", now.Info.Vnfcs[i].Zone)
	}
	s.recorded(id)
}

// A healing that is begun while its VNF changes is planned, and looks, anew.
func TestHealLooksAnew(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.rival = func() {
		_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Metadata: map[string]json.RawMessage{"a": json.RawMessage(`1`)}}, by)
		s.must(err)
	}
	op := s.heal(id, lcm.Heal{})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed || len(s.looks) != 2 {
		t.Errorf("%s after %d looks", o.State, len(s.looks))
	}
}
