package lcm_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// twofold is a VNF of three apps whose machines share nothing, and whose next version is there.
func twofold(t *testing.T, settings lcm.Settings, can vim.InPlace, change func(*vnfd.Descriptor)) (*site, string) {
	t.Helper()
	return twofoldAt(t, settings, can, configs("a", chosen(), "b", chosen()), change)
}

// twofoldAt has some configuration of its external connection points.
func twofoldAt(t *testing.T, settings lcm.Settings, can vim.InPlace, config map[string]vnf.ExtCpConfig, change func(*vnfd.Descriptor)) (*site, string) {
	t.Helper()
	alone := func(d *vnfd.Descriptor) *vnfd.Descriptor {
		f := &d.Flavours[0]
		for i := range f.Vdus {
			f.Vdus[i].Storages = slices.DeleteFunc(f.Vdus[i].Storages, func(s string) bool { return s == "pool" })
		}
		f.Storages = f.Storages[:1]
		f.Cps[1].FixedIPs = nil
		return d
	}
	s := newSite(t, alone(plantest.Elastic()), settings)
	s.can, s.others = can, []string{"net-out"}
	id := s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`), ExtLinks: []lcm.ExtLink{ext("out", data("app_out", config))},
	}, by)
	s.must(err)
	s.settle()
	s.completed(op.ID)
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	next := alone(plantest.Next())
	if change != nil {
		change(next)
	}
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	s.sent = nil
	return s, id
}

var blueGreen = lcm.ChangeVnfPkg{AdditionalParams: json.RawMessage(`{"blueGreen":true}`)}

// computes are the ids of the VNFCs that the records have.
func computesOf(v *vnf.Instance) map[string]bool {
	out := map[string]bool{}
	for _, c := range v.Info.Vnfcs {
		out[c.ID] = true
	}
	return out
}

// replacedBeside asserts that a VNF is of the next version, with VNFCs, ports and volumes all new, and one link as before.
func (s *site) replacedBeside(id string, was *vnf.Instance) {
	s.t.Helper()
	v := s.vnf(id)
	if got := s.vdus(id); !reflect.DeepEqual(got, map[string]int{"front": 3, "db": 1, "cache": 1}) || v.VnfdID != "elastic-2" || v.PackageID != "pkg-2" {
		s.t.Errorf("%v of %s", got, v.VnfdID)
	}
	before := computesOf(was)
	for c := range computesOf(v) {
		if before[c] {
			s.t.Errorf("the VNFC %s is the one that was there", c)
		}
	}
	for i, l := range v.Info.Links {
		if l.ID != was.Info.Links[i].ID {
			s.t.Errorf("link %d is %s, was %s", i, l.ID, was.Info.Links[i].ID)
		}
	}
	if got := s.boots(id); got["front0"] != "front n=0 key=k" || got["front2"] != "front n=2 key=k" {
		s.t.Errorf("%v", got)
	}
	s.consistent(id)
	s.recorded(id)
}

// All new machines stand beside all old ones, and have been told, before the first of the old ones goes: counts at the VIM are exact at each
// stage. Later operations are of the new package.
func TestChangeVnfPkgBlueGreen(t *testing.T) {
	for name, can := range sizes {
		t.Run(name, func(t *testing.T) {
			s, id := twofold(t, lcm.Settings{Configures: true}, can, nil)
			was, entries := s.vnf(id), s.entries(id)
			const before, after = 4, 5
			told, released := 0, 0
			s.script = func(m message.Message) *answer {
				n := s.kinds()[vim.Compute]
				switch {
				case m.Type == configuration.TypeConfigure:
					if told++; n != before+after || released > 0 {
						t.Errorf("told with %d machines, %d commands of release before", n, released)
					}
				case m.Type == vim.TypeReleaseResource:
					if released++; told != 1 || released == 1 && n != before+after {
						t.Errorf("release %d with %d machines, told %d times", released, n, told)
					}
				case n < before || n > before+after:
					t.Errorf("%d machines at %s", n, m.Type)
				}
				return nil
			}
			op := s.upgrade(id, blueGreen)
			if got := s.saga(op).Type; got != "plan-beside" { // an older program, which knows no machines beside others, lets it wait
				t.Errorf("its saga is of type %s", got)
			}
			s.settle()
			s.script = nil
			s.completed(op)
			if n := s.kinds(); n[vim.Compute] != after || n[vim.Volume] != 3 || n[vim.Network] != 1 || told != 1 {
				t.Errorf("%v, told %d times", n, told)
			}
			s.replacedBeside(id, was)
			if got := s.entries(id); !slices.Equal(got, entries) {
				t.Errorf("entries of the external link: %v, were %v", got, entries)
			}
			s.healable(id)
			s.scale(id, "SCALE_OUT", "fronts", 1)
			s.settle()
			s.recorded(id)
			s.terminated(id)
			s.finish()
		})
	}
}

// However it fails, it is retried, undone or given up. Before the switch to undo it touches nothing of what was there.
func TestChangeVnfPkgBlueGreenFails(t *testing.T) {
	for e, end := range []string{"retry", "rollback", "policy", "fail", "cancel"} {
		for breaks := 1 + e%stride; breaks < 28; breaks += stride { // then volumes go: what is on them does not come back
			t.Run(fmt.Sprintf("%s, command %d", end, breaks), func(t *testing.T) {
				policy := saga.Hold
				if end == "policy" {
					policy = saga.Rollback
				}
				s, id := twofold(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpChangeVnfPkg: policy}}, sizes["all in place"], nil)
				was := s.vnf(id)
				s.rebuildingFails(id, end, breaks, func() string { return s.upgrade(id, blueGreen) }, func() { s.replacedBeside(id, was) })
			})
		}
	}
}

func TestChangeVnfPkgBlueGreenUndoneBeforeTheSwitch(t *testing.T) {
	s, id := twofold(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpChangeVnfPkg: saga.Rollback}}, nil, nil)
	was, n := s.vnf(id), 0
	touched := map[string]bool{}
	s.script = func(m message.Message) *answer {
		for c := range computesOf(was) {
			if strings.Contains(string(m.Data), `"id":"`+c+`"`) && m.Type != nfvo.TypeRequestGrant {
				touched[c] = true
			}
		}
		if m.Type == vim.TypeReserveResource && kindOf(m) == vim.Compute && s.kinds()[vim.Compute] == 8 { // the last of the new ones
			n++
			return permanent
		}
		return nil
	}
	op := s.upgrade(id, blueGreen)
	s.run()
	if o := s.op(op); o.State != vnf.RolledBack || n == 0 {
		t.Fatalf("%s, %d commands failed", o.State, n)
	}
	v := s.vnf(id)
	if !reflect.DeepEqual(v.Info, was.Info) || v.PackageID != was.PackageID || len(touched) > 0 {
		t.Errorf("touched %v; it is of %s", touched, v.PackageID)
	}
	s.recorded(id)
	s.finish()
}

// What cannot be had twice is named, and the other ways are; by default of VNFD or site the change is made in the other way, which is said.
func TestChangeVnfPkgBlueGreenRefused(t *testing.T) {
	s, id := twofoldAt(t, lcm.Settings{Beside: true}, sizes["all in place"], configs("a", fixed("10.9.0.2"), "b", chosen()), nil)
	r := blueGreen
	r.VnfdID = "elastic-2"
	_, err := s.svc.ChangeVnfPkg(s.ctx(), id, r, by)
	_, dry := s.svc.PlanChangeVnfPkg(s.ctx(), id, r)
	for _, err := range []error{err, dry} {
		if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/additionalParams/blueGreen" || !strings.Contains(err.Error(), "batchSize") ||
			!strings.Contains(err.Error(), "the address 10.9.0.2 of front_out") {
			t.Errorf("%v at %s", err, attribute(err))
		}
	}
	if v := s.vnf(id); v.Operation != "" {
		t.Errorf("held by %s", v.Operation)
	}
	r.AdditionalParams = nil
	p, err := s.svc.PlanChangeVnfPkg(s.ctx(), id, r)
	s.must(err)
	if !slices.ContainsFunc(p.Warnings, func(w string) bool {
		return strings.Contains(w, "no new machines are made beside") && strings.Contains(w, "10.9.0.2")
	}) {
		t.Errorf("%v", p.Warnings)
	}
	was := computesOf(s.vnf(id))
	op := s.upgrade(id, lcm.ChangeVnfPkg{})
	s.settle()
	s.completed(op)
	now := computesOf(s.vnf(id))
	for c := range was {
		if !now[c] {
			t.Errorf("the VNFC %s is gone", c)
		}
	}
	// With another address of the request it is possible.
	s, id = twofoldAt(t, lcm.Settings{}, sizes["all in place"], configs("a", fixed("10.9.0.2"), "b", chosen()), nil)
	r = blueGreen
	r.ExtLinks = []lcm.ExtLink{ext("out", data("front_out", configs("a", fixed("10.9.0.7"))))}
	before := s.vnf(id)
	op = s.upgrade(id, r)
	s.settle()
	s.completed(op)
	s.replacedBeside(id, before)
}

// Volumes that machines share, and addresses of the VNFD, are had once.
func TestChangeVnfPkgBlueGreenSharedByTheVnfd(t *testing.T) {
	s, id := upgradable(t, lcm.Settings{}, sizes["all in place"], nil)
	r := blueGreen
	r.VnfdID = "elastic-2"
	_, err := s.svc.PlanChangeVnfPkg(s.ctx(), id, r)
	for _, text := range []string{"the volume pool of front", "the address 10.9.0.2 of front_out", "the address 192.168.7.10 of front_in"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not name %s", err, text)
		}
	}
}

// The request says how, else the VNFD, else the site.
func TestChangeVnfPkgWay(t *testing.T) {
	yes, no, two := true, false, 2
	for name, c := range map[string]struct {
		site   bool
		says   vnfd.Operation
		params string
		want   bool
	}{
		"nobody":                       {},
		"the site":                     {site: true, want: true},
		"the VNFD, not the site":       {site: true, says: vnfd.Operation{Beside: &no}},
		"the VNFD has batches":         {site: true, says: vnfd.Operation{Batch: &two}},
		"the VNFD":                     {says: vnfd.Operation{Beside: &yes, Batch: &two}, want: true},
		"the request, not the VNFD":    {says: vnfd.Operation{Beside: &yes}, params: `{"blueGreen":false}`},
		"the request has batches":      {site: true, says: vnfd.Operation{Beside: &yes}, params: `{"batchSize":1}`},
		"the request":                  {says: vnfd.Operation{Beside: &no}, params: `{"blueGreen":true}`, want: true},
		"the request, and all at once": {params: `{"blueGreen":true,"batchSize":0}`, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := twofold(t, lcm.Settings{Beside: c.site}, sizes["all in place"], func(d *vnfd.Descriptor) {
				d.Flavours[0].Operations = map[string]vnfd.Operation{"CHANGE_VNFPKG": c.says}
			})
			p, err := s.svc.PlanChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: "elastic-2", AdditionalParams: json.RawMessage(c.params)})
			s.must(err)
			made := 0
			for _, x := range p.Steps {
				if x.Action == "create" && x.Kind == string(vim.Compute) && !x.Replaces {
					made++
				}
			}
			if beside := made == 5; beside != c.want {
				t.Errorf("%d machines are made beside", made)
			}
		})
	}
	s, id := twofold(t, lcm.Settings{}, nil, nil)
	for _, params := range []string{`{"blueGreen":true,"batchSize":2}`, `{"blueGreen":"yes"}`} {
		if _, err := s.svc.PlanChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: "elastic-2", AdditionalParams: json.RawMessage(params)}); vnfm.KindOf(err) != vnfm.Unprocessable {
			t.Errorf("%s: %v", params, err)
		}
	}
}
