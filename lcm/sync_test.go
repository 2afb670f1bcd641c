package lcm_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/drift"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Look is the lcm.Inventory of the VIMs: what they hold, and how.
func (s *site) Look(_ context.Context, vnfID, connection string, of map[vim.Token]vim.Kind) (*vim.Look, error) {
	s.looks = append(s.looks, connection)
	if s.blind != nil {
		return nil, s.blind
	}
	out := &vim.Look{}
	order := func(a, b vim.Token) int { return strings.Compare(a.String(), b.String()) }
	for _, t := range slices.SortedFunc(maps.Keys(s.held), order) {
		if s.held[t].Owner == vnfID {
			out.Found = append(out.Found, s.observed(t))
		}
	}
	for _, t := range slices.SortedFunc(maps.Keys(of), order) {
		if _, ok := s.held[t]; !ok {
			out.Missing = append(out.Missing, t)
		}
	}
	return out, nil
}

// observed is what a VIM shows of a resource.
func (s *site) observed(t vim.Token) vim.Observed {
	o := vim.Observed{Resource: s.held[t], Spec: s.specs[t]}
	switch {
	case o.Spec.Compute != nil:
		c := *o.Spec.Compute
		c.UserData, o.Spec.Compute = "", &c
		o.About = []vim.Attribute{vim.AttributePower, vim.AttributeFlavour, vim.AttributeImage, vim.AttributePorts, vim.AttributeVolumes}
	case o.Spec.Port != nil:
		o.About = []vim.Attribute{vim.AttributeNetwork}
	case o.Spec.Volume != nil:
		o.About = []vim.Attribute{vim.AttributeSize}
	case o.Spec.Network != nil:
		o.About = []vim.Attribute{vim.AttributeMTU}
	case o.Spec.Unit != nil:
		o.About = []vim.Attribute{vim.AttributeReplicas}
	}
	return o
}

// tamper changes how a resource of the VNF stands.
func (s *site) tamper(r *vnf.Resource, change func(spec *vim.Spec, res *vim.Resource)) {
	t := vim.Token{ID: r.ID, Generation: r.Generation}
	spec, res := s.specs[t], s.held[t]
	if spec.Compute != nil {
		c := *spec.Compute
		spec.Compute = &c
	}
	if spec.Volume != nil {
		c := *spec.Volume
		spec.Volume = &c
	}
	if spec.Network != nil {
		c := *spec.Network
		spec.Network = &c
	}
	change(&spec, &res)
	s.specs[t], s.held[t] = spec, res
}

func (s *site) sync(id string, r lcm.Sync) string {
	s.t.Helper()
	r.Repair = true
	d, op, err := s.svc.Sync(s.ctx(), id, r, by)
	s.must(err)
	if op == nil {
		s.t.Fatalf("nothing was begun: %+v", d)
	}
	return op.ID
}

func (s *site) drift(id string) *lcm.Drift {
	s.t.Helper()
	d, err := s.svc.Drift(s.ctx(), id)
	s.must(err)
	return d
}

// inSync asserts that nothing differs from the records.
func (s *site) inSync(id string) {
	s.t.Helper()
	if d := s.drift(id); len(d.Differences) > 0 {
		s.t.Errorf("%+v", d.Differences)
	}
	s.consistent(id)
	s.recorded(id)
	s.finish()
}

func firstOf(v *vnf.Instance, kind vim.Kind) *vnf.Resource {
	i := slices.IndexFunc(v.Resources, func(r vnf.Resource) bool { return r.Kind == string(kind) })
	return &v.Resources[i]
}

var whatVimsCan = vim.InPlace{
	vim.Compute: {vim.AttributePower, vim.AttributeFlavour, vim.AttributePorts, vim.AttributeVolumes},
	vim.Port:    {vim.AttributeAddresses, vim.AttributeMAC}, vim.Volume: {vim.AttributeSize}, vim.Network: {vim.AttributeMTU},
}

// Without a difference there is none, and nothing to repair.
func TestSyncOfWhatIsInSync(t *testing.T) {
	s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
	s.scale(id, "SCALE_OUT", "grow", 2)
	s.settle()
	s.inSync(id)
	d, op, err := s.svc.Sync(s.ctx(), id, lcm.Sync{Repair: true}, by)
	if err != nil || op != nil || len(d.Differences) > 0 || d.Operation != "" || s.vnf(id).Operation != "" {
		t.Errorf("%+v, %+v, %v", d, op, err)
	}
	p, err := s.svc.PlanSync(s.ctx(), id, lcm.Sync{Repair: true})
	if s.must(err); len(p.Steps) > 0 {
		t.Errorf("%+v", p.Steps)
	}
	if l := d.Looks[0]; l.Suspect || l.Recorded == 0 || l.Found != l.Recorded {
		t.Errorf("%+v", l)
	}
	blank := s.create() // nowhere anything is recorded of it
	if d := s.drift(blank); len(d.Differences)+len(d.Looks) > 0 {
		t.Errorf("%+v", d)
	}
}

// What somebody changed is told with both values and changed back where it stands: nothing else is touched. Seen failing (a plan without
// steps) without the drift in differ.decide, and with the addresses left to the VIM in Resolver.Changing.
func TestSyncChangesBack(t *testing.T) {
	for name, c := range map[string]struct {
		kind            vim.Kind
		change          func(*vim.Spec, *vim.Resource)
		attribute       vim.Attribute
		recorded, found string
	}{
		"power":   {vim.Compute, func(s *vim.Spec, r *vim.Resource) { s.Compute.Power, r.Power = vim.PowerOff, vim.PowerOff }, vim.AttributePower, "on", "off"},
		"flavour": {vim.Compute, func(s *vim.Spec, _ *vim.Resource) { s.Compute.Flavour = "huge" }, vim.AttributeFlavour, "flavour-1", "huge"},
		"ports":   {vim.Compute, func(s *vim.Spec, _ *vim.Resource) { s.Compute.Ports = nil }, vim.AttributePorts, "*", ""},
		"address": {vim.Port, func(_ *vim.Spec, r *vim.Resource) { r.Addresses = []vim.IP{{Address: "10.9.9.9", Subnet: "s"}} }, vim.AttributeAddresses, "*", "10.9.9.9"},
		"volume":  {vim.Volume, func(s *vim.Spec, _ *vim.Resource) { s.Volume.SizeBytes = 7 }, vim.AttributeSize, "*", "7"},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := elastic(t, lcm.Settings{})
			s.can = whatVimsCan
			was := s.vnf(id)
			r := firstOf(was, c.kind)
			s.tamper(r, c.change)
			d := s.drift(id)
			if len(d.Differences) != 1 {
				t.Fatalf("%+v", d.Differences)
			}
			x := d.Differences[0]
			if x.Type != drift.Changed || x.ID != r.ID || x.VimID != r.VimID || x.Kind != c.kind || x.Template != r.Template || x.Connection != "vim-1" || x.Kept != "" || len(x.Fields) != 1 {
				t.Fatalf("%+v", x)
			}
			if f := x.Fields[0]; f.Attribute != c.attribute || c.recorded != "*" && f.Recorded != c.recorded || f.Recorded == f.Found || f.Found != c.found {
				t.Errorf("%+v", f)
			}
			if c.kind == vim.Compute && !slices.Equal(x.Vnfcs, []string{r.ID}) {
				t.Errorf("of the VNFCs %v", x.Vnfcs)
			}
			s.sent = nil
			op := s.sync(id, lcm.Sync{})
			s.settle()
			o := s.op(op)
			if o.State != vnf.Completed || o.Operation != vnf.OpHeal || o.Irreversible || !strings.Contains(string(o.Params), `"sync":true`) {
				t.Fatalf("%s %s: %+v", o.State, o.Params, o.Error)
			}
			changes := 0
			for _, m := range s.sent {
				switch m.Type {
				case vim.TypeChangeResource:
					changes++
				case vim.TypeReserveResource, vim.TypeReleaseResource:
					t.Errorf("%s", m.Type)
				}
			}
			now := s.vnf(id)
			for i, x := range now.Resources {
				old := was.Resources[i]
				if x.ID == r.ID {
					old.Revision++
				}
				if x.Off = old.Off; !reflect.DeepEqual(x, old) {
					t.Errorf("%+v\nwas %+v", x, old)
				}
			}
			if changes != 1 || !reflect.DeepEqual(addressesOf(now), addressesOf(was)) {
				t.Errorf("%d changes", changes)
			}
			s.inSync(id)
		})
	}
}

// What cannot be changed where it stands is made again with the same addresses; a volume never is, since what is on it would be lost.
func TestSyncOfWhatCannotBeChangedInPlace(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	was := s.vnf(id)
	s.tamper(firstOf(was, vim.Compute), func(x *vim.Spec, _ *vim.Resource) { x.Compute.Flavour = "huge" })
	small, large := firstOf(was, vim.Volume), func(x *vim.Spec, _ *vim.Resource) { x.Volume.SizeBytes = 1 << 60 }
	s.tamper(small, func(x *vim.Spec, _ *vim.Resource) { x.Volume.SizeBytes = 7 })
	op := s.sync(id, lcm.Sync{})
	s.settle()
	o := s.op(op)
	if o.State != vnf.Completed || len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], "would be lost") {
		t.Fatalf("%s %v: %+v", o.State, o.Warnings, o.Error)
	}
	for i, r := range s.vnf(id).Resources {
		if again := r.ID == firstOf(was, vim.Compute).ID; again != (r.Generation > was.Resources[i].Generation) {
			t.Errorf("%s %s is %d", r.Kind, r.Name, r.Generation)
		}
	}
	s.consistent(id)
	s.recorded(id)
	s.can = whatVimsCan
	s.tamper(small, large)
	d, none, err := s.svc.Sync(s.ctx(), id, lcm.Sync{Repair: true}, by)
	if s.must(err); none != nil || len(d.Differences) != 1 || !strings.Contains(d.Differences[0].Kept, "shrink") {
		t.Errorf("%+v %+v", none, d)
	}
}

// What is gone is made again with the same identity, addresses and MAC, and what hangs on it; computes that are there stay.
func TestSyncMakesAgain(t *testing.T) {
	for name, forgot := range map[string][]vim.Kind{
		"computes": {vim.Compute}, "ports": {vim.Port}, "volumes": {vim.Volume}, "networks": {vim.Network}, "all": {
			vim.Network, vim.Subnet, vim.Port, vim.Volume, vim.ServerGroup, vim.Compute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := elastic(t, lcm.Settings{})
			s.can = whatVimsCan
			s.scale(id, "SCALE_OUT", "grow", 2)
			s.settle()
			was := s.vnf(id)
			s.forget(forgot...)
			for _, x := range s.drift(id).Differences {
				if x.Type != drift.Missing || !slices.Contains(forgot, x.Kind) {
					t.Errorf("%+v", x)
				}
			}
			op := s.sync(id, lcm.Sync{Confirmed: true})
			s.settle()
			if o := s.op(op); o.State != vnf.Completed {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			now := s.vnf(id)
			for i, r := range now.Resources {
				old := was.Resources[i]
				if r.ID != old.ID || r.MAC != old.MAC || !reflect.DeepEqual(r.Addresses, old.Addresses) || string(r.Spec) != string(old.Spec) {
					t.Errorf("%+v\nwas %+v", r, old)
				}
				if gone := slices.Contains(forgot, vim.Kind(r.Kind)); gone && r.Generation == old.Generation || !gone && r.Kind == string(vim.Volume) && r.Generation > old.Generation {
					t.Errorf("%s %s is %d, was %d", r.Kind, r.Name, r.Generation, old.Generation)
				}
			}
			if !reflect.DeepEqual(addressesOf(now), addressesOf(was)) || len(now.Leftovers) > 0 {
				t.Errorf("is  %+v\nwas %+v", now.Info, was.Info)
			}
			s.inSync(id)
		})
	}
}

// A repair of one machine that is gone costs what one machine costs: the plan has nothing that does not differ, but for what that refers to.
func TestSyncIsAsLargeAsWhatDiffers(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.scale(id, "SCALE_OUT", "grow", 2)
	s.settle()
	v := s.vnf(id)
	last := v.Info.Vnfcs[len(v.Info.Vnfcs)-1].ID
	delete(s.held, vim.Token{ID: last, Generation: 1})
	op := s.sync(id, lcm.Sync{})
	s.settle()
	o := s.op(op)
	if o.State != vnf.Completed || o.Changes.Vnfcs.Len() != 1 || len(o.Changes.Vnfcs.At(0).CpIDs) == 0 {
		t.Fatalf("%s: %+v, %+v", o.State, o.Error, o.Changes)
	}
	if raw := len(s.saga(op).Data); raw == 0 || strings.Count(string(s.saga(op).Data), `"kind":"compute"`) != 2 {
		t.Errorf("the plan: %s", s.saga(op).Data)
	}
	s.inSync(id)
}

// What the VIMs have under the VNF's name and the records do not is released, whichever generation it is of; what is another VNF's, or
// listed as left over, is not.
func TestSyncReleasesOrphans(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	v := s.vnf(id)
	c := firstOf(v, vim.Compute)
	stray := func(token vim.Token, kind vim.Kind, owner string) {
		s.held[token] = vim.Resource{Token: token, Kind: kind, ID: "stray-" + token.String(), Owner: owner, Name: "stray", Ready: true, Revision: 1}
	}
	older, unknown, other := vim.Token{ID: c.ID, Generation: 4}, vim.Token{ID: "nobody", Generation: 1}, vim.Token{ID: "theirs", Generation: 1}
	stray(older, vim.Compute, id)
	stray(unknown, vim.Port, id)
	stray(other, vim.Port, "another")
	snapshot := vim.Token{ID: "snapshot", Generation: 1}
	stray(snapshot, vim.Snapshot, id)
	delete(s.held, vim.Token{ID: c.ID, Generation: 1}) // it is made again in a generation that there was none of
	var got []string
	for _, x := range s.drift(id).Differences {
		got = append(got, fmt.Sprint(x.Type, x.ID == c.ID, x.Generation))
	}
	if want := []string{"missingtrue 1", "orphanedtrue 4", "orphanedfalse 1"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	op := s.sync(id, lcm.Sync{})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed || !s.gone[older] || !s.gone[unknown] || s.gone[other] || s.gone[snapshot] {
		t.Fatalf("%s: %+v, gone %v", o.State, o.Error, s.gone)
	}
	if r := firstOf(s.vnf(id), vim.Compute); r.ID != c.ID || r.Generation != 5 {
		t.Errorf("%+v", r)
	}
	delete(s.held, other)
	delete(s.held, snapshot)
	s.inSync(id)
}

// A VIM that shows much less than the records say, or tells nothing, has nothing repaired unless that is confirmed; the dry run says
// so, too. Seen failing (a whole VNF made again while its VIM was ill) without look.believed.
func TestSyncOfASuspectVim(t *testing.T) {
	s, id := elastic(t, lcm.Settings{Suspect: 30})
	was := s.vnf(id)
	s.blind = vnfm.Errorf(vnfm.Unavailable, "vim-1 does not answer")
	d := s.drift(id)
	if len(d.Looks) != 1 || vnfm.KindOf(d.Looks[0].Err) != vnfm.Unavailable || len(d.Differences) > 0 {
		t.Errorf("%+v", d)
	}
	refused := func(kind vnfm.Kind, text string, r lcm.Sync) {
		t.Helper()
		r.Repair = true
		_, op, err := s.svc.Sync(s.ctx(), id, r, by)
		if _, dry := s.svc.PlanSync(s.ctx(), id, r); op != nil || vnfm.KindOf(err) != kind || !strings.Contains(fmt.Sprint(err), text) || vnfm.KindOf(dry) != kind {
			t.Errorf("%v; %v", err, dry)
		}
		if v := s.vnf(id); v.Operation != "" || v.Version != was.Version {
			t.Errorf("held by %q", v.Operation)
		}
	}
	refused(vnfm.Unavailable, "vim-1", lcm.Sync{Confirmed: true})
	s.blind = nil
	s.forget(vim.Compute, vim.Port)
	if d := s.drift(id); !d.Looks[0].Suspect || d.Looks[0].Found >= d.Looks[0].Recorded {
		t.Errorf("%+v", d.Looks)
	}
	refused(vnfm.Conflict, "--confirm", lcm.Sync{})
	op := s.sync(id, lcm.Sync{Confirmed: true})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed || !strings.Contains(string(o.Params), `"confirmed":true`) {
		t.Fatalf("%s: %s", o.State, o.Params)
	}
	s.inSync(id)
	other := s.create()
	if _, _, err := s.svc.Sync(s.ctx(), other, lcm.Sync{Repair: true}, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("one that is not instantiated: %v", err)
	}
}

// A policy that begins a repair says so.
func TestSyncByAPolicy(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.forget(vim.Compute)
	policy := by
	policy.Automatic = true
	_, op, err := s.svc.Sync(s.ctx(), id, lcm.Sync{Repair: true}, policy)
	if s.must(err); !op.Automatic {
		t.Errorf("%+v", op)
	}
	s.settle()
	s.inSync(id)
}

// However a repair ends, the records say what they said: rolled back, what was changed back stays so; given up, another repair ends it.
func TestSyncFails(t *testing.T) {
	begin := func(t *testing.T, policy saga.Policy) (*site, string, string, *vnf.Instance) {
		s, id := elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpHeal: policy}})
		s.can = whatVimsCan
		was := s.vnf(id)
		v := s.vnf(id)
		s.tamper(firstOf(v, vim.Network), func(x *vim.Spec, _ *vim.Resource) { x.Network.MTU = 900 })
		s.tamper(firstOf(v, vim.Port), func(_ *vim.Spec, r *vim.Resource) { r.Addresses = []vim.IP{{Address: "10.9.9.9", Subnet: "s"}} })
		delete(s.held, vim.Token{ID: firstOf(v, vim.Compute).ID, Generation: 1})
		n := 0
		broken := on(vim.TypeReserveResource, vim.Compute, permanent)
		s.script = func(m message.Message) *answer {
			a := broken(m)
			if a == nil {
				return nil
			}
			if n++; policy == saga.Rollback && n > 1 { // the undo makes the compute, too
				return nil
			}
			return a
		}
		op := s.sync(id, lcm.Sync{})
		s.run()
		s.script = nil
		return s, id, op, was
	}
	same := func(s *site, id string, was *vnf.Instance) {
		s.t.Helper()
		now := s.vnf(id)
		for i, r := range now.Resources {
			old := was.Resources[i]
			if r.ID != old.ID || r.MAC != old.MAC || !reflect.DeepEqual(r.Addresses, old.Addresses) || string(r.Spec) != string(old.Spec) || r.Unsure || r.MayBeGone {
				s.t.Errorf("%+v\nwas %+v", r, old)
			}
		}
		if !reflect.DeepEqual(addressesOf(now), addressesOf(was)) || len(now.Leftovers) > 0 {
			s.t.Errorf("is  %+v\nwas %+v", now.Info, was.Info)
		}
		s.inSync(id)
	}
	t.Run("retry", func(t *testing.T) {
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
		same(s, id, was)
	})
	for _, policy := range []saga.Policy{saga.Hold, saga.Rollback} {
		t.Run("rollback, "+string(policy), func(t *testing.T) {
			s, id, op, was := begin(t, policy)
			if policy == saga.Hold {
				_, err := s.svc.Rollback(s.ctx(), op, by)
				s.must(err)
				s.run()
			}
			if o := s.op(op); o.State != vnf.RolledBack {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			same(s, id, was)
		})
	}
	t.Run("given up", func(t *testing.T) {
		s, id, op, was := begin(t, "")
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.Failed {
			t.Fatalf("%s", o.State)
		}
		if d := s.drift(id); len(d.Differences) == 0 {
			t.Error("nothing differs")
		}
		op = s.sync(id, lcm.Sync{})
		s.run()
		if o := s.op(op); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		same(s, id, was)
	})
}

// A machine that lets go of a port that is made again is not asked to keep a volume that is gone as well. Seen failing: it was changed to
// refer to the volume that its VIM had lost.
func TestSyncOfAMachineThatLostAPortAndAVolume(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	s.can = whatVimsCan
	was := s.vnf(id)
	i := slices.IndexFunc(was.Info.Vnfcs, func(c vnf.Vnfc) bool { return len(c.Storages) > 1 })
	c := was.Info.Vnfcs[i]
	delete(s.held, vim.Token{ID: c.Storages[0], Generation: 1})
	for _, cp := range c.Cps {
		if cp.LinkPortID != "" {
			delete(s.held, vim.Token{ID: cp.LinkPortID, Generation: 1})
		}
	}
	op := s.sync(id, lcm.Sync{Confirmed: true})
	s.settle()
	s.completed(op)
	for i, r := range s.vnf(id).Resources {
		if r.ID == c.ID && r.Generation != was.Resources[i].Generation {
			t.Errorf("the machine was made again: %+v", r)
		}
	}
	s.inSync(id)
}
