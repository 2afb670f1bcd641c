package lcm_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// A compute that is stopped or started, also on the way of a graceful termination, keeps the boot data that it was made with. Seen
// failing when only instantiations had boot data: all others were changed to have none.
func TestAChangeKeepsBootData(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	id := s.up()
	data := func() map[string]string {
		out := map[string]string{}
		for _, spec := range s.specs {
			if spec.Compute != nil {
				out[spec.Name] = spec.Compute.UserData
			}
		}
		return out
	}
	made := data()
	for _, r := range []lcm.Operate{{To: "STOPPED"}, {To: "STARTED"}, {To: "STOPPED", StopType: "GRACEFUL"}, {To: "STARTED"}} {
		op, err := s.svc.Operate(s.ctx(), id, r, by)
		s.must(err)
		s.settle()
		if o := s.op(op.ID); o.State != vnf.Completed {
			t.Fatalf("%s is %s: %+v", r.To, o.State, o.Error)
		}
		for name, now := range data() {
			if now != made[name] {
				t.Errorf("%s: the boot data of %s are %q, were %q", r.To, name, now, made[name])
			}
		}
	}
	op := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
	s.settle()
	if o := s.op(op); o.State != vnf.Completed || len(o.Warnings) > 0 {
		t.Errorf("terminate is %s: %v", o.State, o.Warnings)
	}
	booted := 0
	for _, text := range made {
		if text != "" {
			booted++
		}
	}
	if stopped := s.kinds()[vim.Compute]; booted == 0 || stopped != 0 {
		t.Errorf("%d computes have boot data, %d are left", booted, stopped)
	}
}

// The parameters of a grant are for what its operation makes: those of an instantiation are in the boot data, and stay there when a
// later grant has others. Seen failing with every grant's parameters laid over the boot data of what stands.
func TestAGrantsParametersAreOnlyForWhatIsMade(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	says := func(admin string) {
		s.grant = func(g *nfvo.Grant) {
			g.AdditionalParams = map[string]json.RawMessage{"admin": json.RawMessage(`"` + admin + `"`)}
		}
	}
	data := func() map[vim.Token]string {
		out := map[vim.Token]string{}
		for token, spec := range s.specs {
			if spec.Compute != nil && spec.Compute.UserData != "" {
				out[token] = spec.Compute.UserData
			}
		}
		return out
	}
	says("first")
	id := s.up()
	made := data()
	for _, text := range made {
		if !strings.Contains(text, "admin=first") {
			t.Errorf("boot data %q", text)
		}
	}
	if len(made) == 0 {
		t.Fatal("nothing has boot data")
	}
	says("second")
	for _, to := range []string{"STOPPED", "STARTED"} {
		op, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: to}, by)
		s.must(err)
		s.settle()
		if o := s.op(op.ID); o.State != vnf.Completed {
			t.Fatalf("%s is %s: %+v", to, o.State, o.Error)
		}
		if now := data(); !maps.Equal(now, made) {
			t.Errorf("%s: the boot data are %q, were %q", to, now, made)
		}
	}
}
