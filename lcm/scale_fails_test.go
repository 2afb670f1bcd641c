package lcm_test

import (
	"reflect"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// TestScaleOutFails: what was made goes again, by policy or by an operator, and the VNF is what it was; given up, it is left over.
func TestScaleOutFails(t *testing.T) {
	broken := on(vim.TypeReserveResource, vim.Compute, permanent)
	begin := func(t *testing.T, policy saga.Policy) (*site, string, string, *vnf.Instance) {
		s, id := elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpScale: policy}})
		was := s.vnf(id)
		s.script = broken
		op := s.scale(id, "SCALE_OUT", "grow", 2)
		s.run()
		s.script = nil
		return s, id, op, was
	}
	same := func(t *testing.T, s *site, id string, was *vnf.Instance) {
		t.Helper()
		now := s.vnf(id)
		if !reflect.DeepEqual(now.Info, was.Info) || !reflect.DeepEqual(now.Resources, was.Resources) || now.Operation != "" {
			t.Errorf("held by %q\nwas %+v\nis  %+v", now.Operation, was.Info, now.Info)
		}
		s.recorded(id)
		s.finish()
	}
	t.Run("default policy is rollback", func(t *testing.T) {
		s, id, op, was := begin(t, "")
		if o := s.op(op); o.State != vnf.RolledBack || o.Error == nil {
			t.Fatalf("%s", o.State)
		}
		same(t, s, id, was)
	})
	t.Run("hold, rollback", func(t *testing.T) {
		s, id, op, was := begin(t, saga.Hold)
		if o := s.op(op); o.State != vnf.FailedTemp || !reflect.DeepEqual(s.vnf(id).Info, was.Info) {
			t.Fatalf("%s", o.State)
		}
		_, err := s.svc.Rollback(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.RolledBack {
			t.Fatalf("%s", o.State)
		}
		same(t, s, id, was)
	})
	t.Run("hold, retry", func(t *testing.T) {
		s, id, op, _ := begin(t, saga.Hold)
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.Completed || o.Changes.Vnfcs.Len() != 4 {
			t.Fatalf("%s", o.State)
		}
		s.sized(id, 4, 2, 2, 0)
		s.consistent(id)
		s.finish()
	})
	t.Run("hold, fail", func(t *testing.T) {
		s, id, op, was := begin(t, saga.Hold)
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		now := s.vnf(id)
		if o := s.op(op); o.State != vnf.Failed || len(now.Leftovers) == 0 || !reflect.DeepEqual(now.Info, was.Info) {
			t.Fatalf("%s, %d left over", o.State, len(now.Leftovers))
		}
		s.recorded(id)
		_, err = s.svc.Cleanup(s.ctx(), id, by)
		s.must(err)
		s.run()
		same(t, s, id, was)
		s.scale(id, "SCALE_OUT", "grow", 2)
		s.run()
		s.sized(id, 4, 2, 2, 0)
	})
	t.Run("cancel", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{})
		was := s.vnf(id)
		op := s.scale(id, "SCALE_OUT", "apps", 3)
		for _, m := range s.next() { // the grant, and no more
			s.reply(*s.serve(m))
		}
		_, err := s.svc.Cancel(s.ctx(), op, "GRACEFUL", by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.FailedTemp || o.Error.Title != "Cancelled" {
			t.Fatalf("%s %+v", o.State, o.Error)
		}
		_, err = s.svc.Rollback(s.ctx(), op, by)
		s.must(err)
		s.run()
		same(t, s, id, was)
	})
	t.Run("late success", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1, UndoAttempts: 1})
		was := s.vnf(id)
		var kept *message.Message
		s.script = func(m message.Message) *answer {
			if m.Type == vim.TypeReserveResource && kindOf(m) == vim.Compute {
				kept = &m
				return lost
			}
			return nil
		}
		op := s.scale(id, "SCALE_OUT", "apps", 1)
		s.run()
		s.script = nil
		if o := s.op(op); o.State != vnf.RolledBack {
			t.Fatalf("%s", o.State)
		}
		if r := s.serve(*kept); r != nil { // it was released before: nothing is made
			s.reply(*r)
		}
		s.run()
		same(t, s, id, was)
	})
	t.Run("grant refused", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{})
		was := s.vnf(id)
		s.script = func(m message.Message) *answer {
			if m.Type == nfvo.TypeRequestGrant {
				return permanent
			}
			return nil
		}
		op := s.scale(id, "SCALE_OUT", "apps", 1)
		s.run()
		if o := s.op(op); o.State != vnf.RolledBack || o.Error.Status != 403 {
			t.Fatalf("%s %+v", o.State, o.Error)
		}
		same(t, s, id, was)
	})
}

// TestScaleInFails: who goes is fixed at the beginning; a retry chooses no others, there is no rollback, and what is left when it is
// given up has the levels that all its VNFCs are there for.
func TestScaleInFails(t *testing.T) {
	s, id := elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpScale: saga.Rollback}})
	s.scale(id, "SCALE_OUT", "grow", 2)
	s.run()
	s.sized(id, 4, 2, 2, 0)
	vnfcs := s.vnf(id).Info.Vnfcs
	fails := 2 // of the three computes that are to go
	s.script = func(m message.Message) *answer {
		if m.Type == vim.TypeReleaseResource && kindOf(m) == vim.Compute && fails > 0 {
			fails--
			return permanent
		}
		return nil
	}
	op := s.scale(id, "SCALE_IN", "grow", 1)
	s.run()
	if o := s.op(op); o.State != vnf.FailedTemp || o.Changes.Vnfcs.Len() != 1 {
		t.Fatalf("%s", o.State)
	}
	if _, err := s.svc.Rollback(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("rollback of a scale in: %v", err)
	}
	t.Run("fail", func(t *testing.T) {
		fails = 1
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		_, err = s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		v := s.vnf(id)
		if levelOf(v, "grow") != 1 || len(v.Info.Vnfcs) != 3 { // the third that was to go is left over
			t.Errorf("%v, %d VNFCs", v.Info.ScaleStatus, len(v.Info.Vnfcs))
		}
		s.recorded(id)
		s.script = nil
		s.scaleTo(id, lcm.ScaleToLevel{Scale: []lcm.AspectLevel{{AspectID: "grow", Level: 1}}})
		s.run()
		s.sized(id, 2, 1, 1, 0)
		s.consistent(id)
		want := map[string]bool{vnfcs[0].ID: true, vnfcs[1].ID: true, vnfcs[2].ID: true}
		for _, c := range s.vnf(id).Info.Vnfcs {
			if !want[c.ID] {
				t.Errorf("%s %d is left", c.VduID, c.Index)
			}
		}
	})
	s.finish()
}

func levelOf(v *vnf.Instance, aspect string) int {
	for _, x := range v.Info.ScaleStatus {
		if x.AspectID == aspect {
			return x.Level
		}
	}
	return -1
}
