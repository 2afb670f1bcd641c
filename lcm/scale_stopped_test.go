package lcm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// A VNF that is stopped stays so: what a scale out adds is made and not started, until the VNF is.
func TestScaleOfAStoppedVnf(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	_, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED"}, by)
	s.must(err)
	s.settle()
	power := func(want vim.Power, state string) {
		t.Helper()
		for token, r := range s.held {
			if c := s.specs[token].Compute; c != nil && c.Off() != (want == vim.PowerOff) {
				t.Errorf("%s is %q", r.Name, c.Power)
			}
		}
		if v := s.vnf(id); v.Info.VnfState != state {
			t.Errorf("the VNF is %s", v.Info.VnfState)
		}
	}
	s.scale(id, "SCALE_OUT", "apps", 1)
	s.settle()
	s.sized(id, 2, 1, 0, 1)
	power(vim.PowerOff, "STOPPED")
	_, err = s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STARTED"}, by)
	s.must(err)
	s.settle()
	power(vim.PowerOn, "STARTED")
	s.scale(id, "SCALE_IN", "apps", 1)
	s.settle()
	s.sized(id, 1, 1, 0, 0)
	s.finish()
}

// A compute that a failed scale out left over is no part of the VNF: a graceful termination releases it, and stops it not. Seen
// failing with a change to a specification that is not known.
func TestAGracefulTerminationStopsNoLeftovers(t *testing.T) {
	s, id := elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpScale: saga.Hold}})
	made := 0
	s.script = func(m message.Message) *answer {
		if m.Type == vim.TypeReserveResource && kindOf(m) == vim.Compute {
			if made++; made == 2 {
				return permanent
			}
		}
		return nil
	}
	op := s.scale(id, "SCALE_OUT", "apps", 2)
	s.run()
	_, err := s.svc.Fail(s.ctx(), op, by)
	s.must(err)
	left := slices.DeleteFunc(s.vnf(id).Leftovers, func(r vnf.Resource) bool { return r.Kind != string(vim.Compute) })
	if len(left) != 1 {
		t.Fatalf("%d computes are left over", len(left))
	}
	s.script = func(m message.Message) *answer {
		if m.Type == vim.TypeChangeResource && strings.Contains(string(m.Data), left[0].ID) {
			t.Errorf("%s", m.Data)
		}
		return nil
	}
	end := s.terminate(id, lcm.Terminate{Type: "GRACEFUL"})
	s.run()
	if o := s.op(end); o.State != vnf.Completed || len(s.held) != 0 || len(s.vnf(id).Leftovers) != 0 {
		t.Errorf("%s, %d stand", o.State, len(s.held))
	}
}
