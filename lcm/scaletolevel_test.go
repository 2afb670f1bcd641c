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
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

func level(grow, apps int) lcm.ScaleToLevel {
	return lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "grow", Level: grow}, {AspectID: "apps", Level: apps}}}
}

// TestScaleToLevel: by a level's name or by scale levels, out and in at once; what is there already is not touched.
func TestScaleToLevel(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	defer s.finish()
	done := func(r lcm.ScaleToLevel) *vnf.OpOcc {
		t.Helper()
		s.sent = nil
		op := s.scaleTo(id, r)
		s.settle()
		o := s.op(op)
		if o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		s.consistent(id)
		return o
	}
	done(lcm.ScaleToLevel{Level: "big"})
	s.sized(id, 5, 2, 2, 1)
	if v := s.vnf(id); v.Info.Level != "big" {
		t.Errorf("level %q", v.Info.Level)
	}
	o := done(level(0, 3)) // one database and three apps less, two apps more
	s.sized(id, 4, 1, 0, 3)
	kinds := map[vnf.ChangeType]int{}
	for _, c := range o.Changes.Vnfcs.All() {
		kinds[c.Change]++
	}
	if kinds[vnf.Removed] != 2 || kinds[vnf.Added] != 0 {
		t.Errorf("%v", kinds)
	}
	done(lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "apps", Level: 0, VnfdID: "elastic"}}}) // the other keeps its level
	s.sized(id, 1, 1, 0, 0)
	if o := done(lcm.ScaleToLevel{Level: "small"}); o.Progress.Len() != 0 || len(s.sent) != 1 { // the grant
		t.Errorf("%d steps, %d commands to be what it is", o.Progress.Len(), len(s.sent))
	}
	s.d.Flavours[0].Aspects[1].Steps = map[string][]int{"db": {1, 1, 1}} // two aspects for two VDUs: one out, the other in
	done(level(2, 0))
	s.sized(id, 4, 2, 2, 0)
	s.d.Flavours[0].Vdus[1].Max = 5
	o = done(level(0, 3))
	s.sized(id, 1, 4, 0, 3)
	kinds = map[vnf.ChangeType]int{}
	for _, c := range o.Changes.Vnfcs.All() {
		kinds[c.Change]++
	}
	if kinds[vnf.Removed] != 3 || kinds[vnf.Added] != 2 {
		t.Errorf("%v", kinds)
	}
}

func TestScaleToLevelRefused(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	for name, tt := range map[string]struct {
		r    lcm.ScaleToLevel
		kind vnfm.Kind
		at   string
		says string
	}{
		"both":      {lcm.ScaleToLevel{Level: "big", Scale: []lcm.AspectLevel{{AspectID: "grow"}}}, vnfm.Invalid, "", "not both"},
		"neither":   {lcm.ScaleToLevel{}, vnfm.Invalid, "", "either"},
		"level":     {lcm.ScaleToLevel{Level: "x"}, vnfm.Unprocessable, "/instantiationLevelId", "small"},
		"aspect":    {lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "x"}}}, vnfm.Unprocessable, "/scaleInfo/0/aspectId", "grow, apps"},
		"too high":  {level(3, 0), vnfm.Unprocessable, "/scaleInfo/0/scaleLevel", "0 to 2"},
		"negative":  {level(0, -1), vnfm.Invalid, "/scaleInfo/1/scaleLevel", ""},
		"twice":     {lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "grow"}, {AspectID: "grow"}}}, vnfm.Invalid, "/scaleInfo/1/aspectId", ""},
		"profile":   {level(2, 3), vnfm.Unprocessable, "/scaleInfo", "1 to 6"},
		"other":     {lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "grow", VnfdID: "z"}}}, vnfm.Unprocessable, "/scaleInfo/0/vnfdId", "elastic"},
		"params":    {lcm.ScaleToLevel{Level: "big", AdditionalParams: json.RawMessage(`{"vnfcInstanceId":["x"]}`)}, vnfm.Unprocessable, "/additionalParams/vnfcInstanceId/0", ""},
		"no aspect": {lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{}}}, vnfm.Invalid, "/scaleInfo/0/aspectId", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.svc.ScaleToLevel(s.ctx(), id, tt.r, by)
			if vnfm.KindOf(err) != tt.kind || attribute(err) != tt.at || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%v at %q", err, attribute(err))
			}
		})
	}
}

// TestScaleToLevelFails: it can be rolled back as long as nothing was released, also when it means to release something.
func TestScaleToLevelFails(t *testing.T) {
	begin := func(t *testing.T, fails func(message.Message) *answer) (s *site, id, op string, was *vnf.Instance) {
		t.Helper()
		s, id = elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpScaleToLevel: saga.Rollback}})
		s.d.Flavours[0].Aspects[1].Steps = map[string][]int{"db": {1, 1, 1}}
		s.d.Flavours[0].Vdus[1].Max = 5
		s.scaleTo(id, level(2, 0))
		s.run()
		s.sized(id, 4, 2, 2, 0)
		was = s.vnf(id)
		s.script = fails
		op = s.scaleTo(id, level(1, 3)) // two apps less, two databases more
		s.run()
		s.script = nil
		return s, id, op, was
	}
	t.Run("before anything was released", func(t *testing.T) {
		s, id, op, was := begin(t, on(vim.TypeReserveResource, vim.Compute, permanent))
		if o := s.op(op); o.State != vnf.RolledBack { // by policy
			t.Fatalf("%s", o.State)
		}
		now := s.vnf(id)
		if !reflect.DeepEqual(now.Info, was.Info) || !reflect.DeepEqual(now.Resources, was.Resources) {
			t.Errorf("was %+v\nis  %+v", was.Info, now.Info)
		}
		s.finish()
	})
	t.Run("after something was released", func(t *testing.T) {
		s, id, op, _ := begin(t, on(vim.TypeReleaseResource, vim.Port, permanent))
		if o := s.op(op); o.State != vnf.FailedTemp {
			t.Fatalf("%s", o.State)
		}
		if _, err := s.svc.Rollback(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("rollback: %v", err)
		}
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		s.sized(id, 2, 4, 1, 3)
		s.consistent(id)
		s.finish()
	})
	t.Run("given up", func(t *testing.T) {
		s, id, op, _ := begin(t, on(vim.TypeReleaseResource, vim.Port, permanent))
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		s.run()
		v := s.vnf(id)
		if levelOf(v, "grow") != 1 || levelOf(v, "apps") != 0 || len(v.Leftovers) == 0 { // what was to come did not
			t.Errorf("%+v, %d left over", v.Info.ScaleStatus, len(v.Leftovers))
		}
		s.recorded(id)
		_, err = s.svc.Cleanup(s.ctx(), id, by)
		s.must(err)
		s.run()
		s.sized(id, 2, 1+1, 1, 0)
		if n := s.kinds(); n[vim.Port] != 2*2+2 || n[vim.Volume] != 2+1 { // what was left of the VNFCs that are gone went with the rest
			t.Errorf("%v", n)
		}
		s.finish()
	})
	t.Run("default policy is hold", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1})
		s.script = on(vim.TypeReserveResource, vim.Compute, permanent)
		op := s.scaleTo(id, level(1, 1))
		s.run()
		if o := s.op(op); o.State != vnf.FailedTemp || o.Irreversible {
			t.Errorf("%s", o.State)
		}
	})
}

// TestScaleOutsideConnections: a further connection point is what the configuration has that serves none yet; then what can serve
// several; then one with addresses that the VIM chooses. No address and no port is had twice.
func TestScaleOutsideConnections(t *testing.T) {
	fixed := func(ip string) vnf.ExtCpConfig {
		return vnf.ExtCpConfig{IPs: []vnf.ExtCpIPs{{Type: "IPV4", Fixed: []string{ip}, Subnet: "sub"}}}
	}
	out := ext("out", data("app_out", map[string]vnf.ExtCpConfig{"a": fixed("10.9.0.1"), "b": fixed("10.9.0.2"), "c": {LinkPortID: "p"}}))
	out.Ports = []vnf.ExtPort{{ID: "p", Handle: vnf.Handle{Connection: "vim-1", VimID: "port-x"}}}
	s, id := elastic(t, lcm.Settings{}, out)
	defer s.finish()
	given := func() map[string]string {
		t.Helper()
		got := map[string]string{}
		v := s.vnf(id)
		for _, e := range v.Info.ExtCps {
			ip := ""
			for _, a := range e.Addresses.IPs {
				ip = a.Address
			}
			if got[e.ConfigID] != "" && e.ConfigID != "dynamic" {
				t.Errorf("%s serves two", e.ConfigID)
			}
			got[e.ConfigID] = ip + "@" + v.Info.ExtLinks[0].ID
			if e.LinkPortID == "p" {
				got[e.ConfigID] = "port-x"
			}
		}
		return got
	}
	if got := given(); len(got) != 1 || got["a"] != "10.9.0.1@out" {
		t.Errorf("%v", got)
	}
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	if got := given(); len(got) != 3 || got["b"] != "10.9.0.2@out" || got["c"] != "port-x" {
		t.Errorf("%v", got)
	}
	s.recorded(id)
	s.consistent(id)
	if ports := s.vnf(id).Info.ExtLinks[0].Ports; len(ports) != 3 {
		t.Errorf("%+v", ports)
	}
	op := s.scale(id, "SCALE_OUT", "apps", 1)
	s.settle()
	got := given()
	if len(got) != 4 || got["dynamic"] == "" || len(s.op(op).Warnings) == 0 {
		t.Errorf("%v %v", got, s.op(op).Warnings)
	}
	s.consistent(id)
	link := s.vnf(id).Info.ExtLinks[0]
	if c := link.Cps[0].Config; len(c) != 4 || !reflect.DeepEqual(c["dynamic"].IPs, []vnf.ExtCpIPs{{Type: "IPV4", Dynamic: 1, Subnet: "sub"}}) {
		t.Errorf("%+v", c)
	}
	var port vim.PortSpec
	for _, m := range s.sent {
		var c vim.Reserve
		if m.Type == vim.TypeReserveResource && json.Unmarshal(m.Data, &c) == nil && c.Spec.Port != nil && strings.HasSuffix(c.Spec.Name, "app_out") {
			port = *c.Spec.Port
		}
	}
	if port.Network != "net-out" || !slices.Equal(port.FixedIPs, []vim.FixedIP{{Subnet: "sub", IPVersion: 4}}) {
		t.Errorf("%+v", port)
	}
	// What is given back can be had again.
	s.scaleTo(id, level(0, 0))
	s.settle()
	if got := given(); len(got) != 1 || got["a"] == "" {
		t.Errorf("%v", got)
	}
	for _, p := range s.vnf(id).Info.ExtLinks[0].Ports {
		if p.ID == "p" && p.CpID != "" {
			t.Errorf("the port of somebody else serves %s, which is gone", p.CpID)
		}
	}
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	if got := given(); got["b"] != "10.9.0.2@out" || got["c"] != "port-x" {
		t.Errorf("%v", got)
	}
	s.consistent(id)
}
