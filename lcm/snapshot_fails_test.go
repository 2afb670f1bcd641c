package lcm_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// nth answers the nth command of a kind, and those behind it, in a way of its own.
func nth(n int, msgType string, kind vim.Kind, a *answer) func(message.Message) *answer {
	seen := 0
	return func(m message.Message) *answer {
		if on(msgType, kind, a)(m) == nil {
			return nil
		}
		if seen++; seen < n {
			return nil
		}
		return a
	}
}

// However the taking of a snapshot fails, the VNF is what it was and nothing is leaked; the resource is empty, and can be used once more.
func TestCreateSnapshotFails(t *testing.T) {
	begin := func(t *testing.T, policy saga.Policy) (s *site, id, info, op string, was *vnf.Instance) {
		s, id = elastic(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpCreateSnapshot: policy}})
		was, info = s.vnf(id), s.info()
		s.script = nth(2, vim.TypeReserveResource, vim.Snapshot, permanent)
		op = s.take(id, info)
		s.run()
		s.script = nil
		return s, id, info, op, was
	}
	empty := func(t *testing.T, s *site, id, info, op string, was *vnf.Instance) {
		t.Helper()
		if v := s.vnf(id); len(v.Leftovers) > 0 {
			_, err := s.svc.Cleanup(s.ctx(), id, by)
			s.must(err)
			s.run()
		}
		now := s.vnf(id)
		if !reflect.DeepEqual(now.Info, was.Info) || !reflect.DeepEqual(now.Resources, was.Resources) || len(now.Snapshots) > 0 || s.taken(op) != nil || s.kinds()[vim.Snapshot] > 0 {
			t.Errorf("is  %+v\nwas %+v", now, was)
		}
		s.recorded(id)
		again := s.take(id, info)
		s.run()
		if o := s.op(again); o.State != vnf.Completed || s.taken(again) == nil {
			t.Errorf("once more: %s %+v", o.State, o.Error)
		}
		s.must(s.svc.DeleteSnapshot(s.ctx(), info, by))
		s.run()
		s.recorded(id)
		s.finish()
	}
	t.Run("hold, retry", func(t *testing.T) {
		s, id, _, op, _ := begin(t, "")
		if o := s.op(op); o.State != vnf.FailedTemp || o.Irreversible {
			t.Fatal(o.State)
		}
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.Completed || len(s.taken(op).Taken) != s.kinds()[vim.Snapshot] {
			t.Fatal(o.State)
		}
		s.recorded(id)
		s.finish()
	})
	t.Run("rollback by policy", func(t *testing.T) {
		s, id, info, op, was := begin(t, saga.Rollback)
		if o := s.op(op); o.State != vnf.RolledBack {
			t.Fatal(o.State)
		}
		empty(t, s, id, info, op, was)
	})
	t.Run("rollback by an operator", func(t *testing.T) {
		s, id, info, op, was := begin(t, "")
		_, err := s.svc.Rollback(s.ctx(), op, by)
		s.must(err)
		s.run()
		empty(t, s, id, info, op, was)
	})
	t.Run("given up", func(t *testing.T) {
		s, id, info, op, was := begin(t, "")
		if err := s.svc.DeleteSnapshot(s.ctx(), info, by); vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("deleted in the middle: %v", err)
		}
		_, err := s.svc.Fail(s.ctx(), op, by)
		s.must(err)
		s.run()
		if v := s.vnf(id); s.op(op).State != vnf.Failed || len(v.Leftovers) == 0 {
			t.Fatalf("left %+v", v.Leftovers)
		}
		empty(t, s, id, info, op, was)
	})
	t.Run("cancelled, and a success comes late", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1})
		was, info := s.vnf(id), s.info()
		s.script = on(vim.TypeReserveResource, vim.Snapshot, late)
		op := s.take(id, info)
		s.settle()
		_, err := s.svc.Cancel(s.ctx(), op, "FORCEFUL", by)
		s.must(err)
		s.script = nil
		s.run()
		_, err = s.svc.Rollback(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.RolledBack {
			t.Fatal(o.State)
		}
		empty(t, s, id, info, op, was)
	})
	t.Run("what a deleted snapshot had is released again when that failed", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1})
		info, taken := s.snapshotted(id)
		s.script = on(vim.TypeReleaseResource, vim.Snapshot, permanent)
		s.must(s.svc.DeleteSnapshot(s.ctx(), info, by))
		s.run()
		s.script = nil
		if v := s.vnf(id); len(v.Leftovers) != len(taken.Taken) || v.Cleanup != "" {
			t.Fatalf("%+v", v.Leftovers)
		}
		_, err := s.svc.Cleanup(s.ctx(), id, by)
		s.must(err)
		s.run()
		s.recorded(id)
		if s.kinds()[vim.Snapshot] > 0 {
			t.Error("leaked")
		}
		s.finish()
	})
}

// However a reversion fails, it can be retried, undone as long as no volume is gone, or given up and begun anew.
func TestRevertFails(t *testing.T) {
	for name, broken := range map[string]func() func(message.Message) *answer{
		"the first machine": func() func(message.Message) *answer { return nth(1, vim.TypeReserveResource, vim.Compute, permanent) },
		"a later machine":   func() func(message.Message) *answer { return nth(2, vim.TypeReserveResource, vim.Compute, permanent) },
		"a volume":          func() func(message.Message) *answer { return nth(1, vim.TypeReserveResource, vim.Volume, permanent) },
		"a release":         func() func(message.Message) *answer { return nth(2, vim.TypeReleaseResource, vim.Compute, permanent) },
	} {
		begin := func(t *testing.T) (s *site, id, info, op string, taken *vnf.Snapshot, was, then *vnf.Instance) {
			s, id = elastic(t, lcm.Settings{Attempts: 1})
			s.scale(id, "SCALE_OUT", "grow", 1)
			s.run()
			was = s.vnf(id)
			info, taken = s.snapshotted(id)
			s.scale(id, "SCALE_IN", "grow", 1)
			s.run()
			s.scale(id, "SCALE_OUT", "grow", 2)
			s.run()
			then = s.vnf(id)
			s.script = broken()
			op = s.revert(id, info)
			s.run()
			s.script = nil
			if o := s.op(op); o.State != vnf.FailedTemp {
				t.Fatal(o.State)
			}
			return s, id, info, op, taken, was, then
		}
		t.Run(name+", retry", func(t *testing.T) {
			s, id, _, op, taken, was, _ := begin(t)
			_, err := s.svc.Retry(s.ctx(), op, by)
			s.must(err)
			s.run()
			if o := s.op(op); o.State != vnf.Completed {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			s.reverted(id, was, taken)
			s.finish()
		})
		t.Run(name+", rollback", func(t *testing.T) {
			s, id, _, op, _, _, then := begin(t)
			_, err := s.svc.Rollback(s.ctx(), op, by)
			s.must(err)
			s.run()
			if o := s.op(op); o.State != vnf.RolledBack {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			now := s.vnf(id)
			if !reflect.DeepEqual(addressesOf(now), addressesOf(then)) || !reflect.DeepEqual(now.Info.ScaleStatus, then.Info.ScaleStatus) ||
				len(now.Resources) != len(then.Resources) || len(now.Leftovers) > 0 || len(now.Snapshots) != 1 {
				t.Errorf("is  %+v\nwas %+v", now.Info, then.Info)
			}
			s.consistent(id)
			(&chaos{s: s}).sweep(id) // what was released and made again in another generation, and stands in both
			s.recorded(id)
			s.finish()
		})
		t.Run(name+", given up and begun anew", func(t *testing.T) {
			s, id, info, op, taken, was, _ := begin(t)
			_, err := s.svc.Fail(s.ctx(), op, by)
			s.must(err)
			s.run()
			if o := s.op(op); o.State != vnf.Failed {
				t.Fatal(o.State)
			}
			if v := s.vnf(id); len(v.Leftovers) > 0 {
				ports := slices.ContainsFunc(v.Leftovers, func(l vnf.Resource) bool { return l.Kind == string(vim.Port) })
				if _, err := s.svc.RevertToSnapshot(s.ctx(), id, lcm.RevertToSnapshot{InfoID: info}, by); ports && vnfm.KindOf(err) != vnfm.Conflict {
					t.Errorf("while ports are left: %v", err)
				}
				if s.vnf(id).Operation == "" {
					_, err := s.svc.Cleanup(s.ctx(), id, by)
					s.must(err)
				}
				s.run()
			}
			again := s.revert(id, info)
			s.run()
			if o := s.op(again); o.State != vnf.Completed {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			if v := s.vnf(id); len(v.Leftovers) > 0 {
				_, err := s.svc.Cleanup(s.ctx(), id, by)
				s.must(err)
				s.run()
			}
			s.reverted(id, was, taken)
			s.finish()
		})
	}
	t.Run("once a volume is gone there is no way back", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1})
		info, taken := s.snapshotted(id)
		was := s.vnf(id)
		s.script = nth(1, vim.TypeReleaseResource, vim.Volume, permanent)
		op := s.revert(id, info)
		s.run()
		s.script = nil
		if _, err := s.svc.Rollback(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("%v", err)
		}
		_, err := s.svc.Retry(s.ctx(), op, by)
		s.must(err)
		s.run()
		if o := s.op(op); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		s.reverted(id, was, taken)
		s.finish()
	})
	t.Run("cancelled, and a success comes late", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{Attempts: 1})
		info, taken := s.snapshotted(id)
		was := s.vnf(id)
		s.script = on(vim.TypeReserveResource, vim.Compute, late)
		op := s.revert(id, info)
		s.settle()
		_, err := s.svc.Cancel(s.ctx(), op, "FORCEFUL", by)
		s.must(err)
		s.script = nil
		s.run()
		_, err = s.svc.Rollback(s.ctx(), op, by)
		s.must(err)
		s.run()
		again := s.revert(id, info)
		s.run()
		if o := s.op(again); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		s.reverted(id, was, taken)
		s.finish()
	})
}
