package lcm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Design §4, "a compensation fails": STUCK, FAILED_TEMP, then only rollback and fail.
func TestCompensationFails(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{UndoAttempts: 2})
	s.script = func(m message.Message) *answer {
		if a := on(configuration.TypeConfigure, vim.Configuration, permanent)(m); a != nil {
			return a
		}
		return on(vim.TypeReleaseResource, vim.Port, transient)(m)
	}
	id := s.create()
	op := s.instantiate(id)
	s.run()
	o := s.op(op)
	if o.State != vnf.FailedTemp || o.Error == nil || o.Error.Title != "Operation failed" || !o.UndoBegun {
		t.Fatalf("%s %+v", o.State, o.Error)
	}
	if _, err := s.svc.Retry(s.ctx(), op, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("retry: %v", err)
	}
	s.script = nil
	_, err := s.svc.Rollback(s.ctx(), op, by)
	s.must(err)
	s.run()
	if o := s.op(op); o.State != vnf.RolledBack || len(s.held) != 0 {
		t.Errorf("%s, left %v", o.State, s.held)
	}
	s.finish()
}

// Why an operation failed is said in each state from then on, with what came on top: one undo that failed, another, a cancel.
// Seen failing (the last undo that failed, and no cause) with each put in the place of the one before.
func TestFirstCauseStays(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{UndoAttempts: 1})
	says := func(o *vnf.OpOcc, state vnf.OpState, parts ...string) {
		t.Helper()
		if o.State != state || o.Error == nil || o.Error.Title != "Operation failed" {
			t.Fatalf("%s %+v, want %s", o.State, o.Error, state)
		}
		got := strings.Split(o.Error.Detail, "; ")
		if len(got) != len(parts) {
			t.Fatalf("%q, want %d parts", got, len(parts))
		}
		for i, part := range parts {
			if !strings.HasPrefix(got[i], part) {
				t.Errorf("%q, want %q at %d", got, part, i)
			}
		}
	}
	fails := func(kinds ...vim.Kind) func(m message.Message) *answer {
		return func(m message.Message) *answer {
			if a := on(configuration.TypeConfigure, vim.Configuration, permanent)(m); a != nil {
				return a
			}
			for _, k := range kinds {
				if a := on(vim.TypeReleaseResource, k, permanent)(m); a != nil {
					return a
				}
			}
			return nil
		}
	}
	s.script = fails(vim.Compute)
	op := s.instantiate(s.create())
	s.run()
	says(s.op(op), vnf.FailedTemp, "configuration ", "undoing compute fw-VDU1", "undoing compute fw-VDU2")
	_, err := s.svc.Rollback(s.ctx(), op, by) // it fails as it did: that is said already
	s.must(err)
	says(s.op(op), vnf.RollingBack, "configuration ", "undoing compute fw-VDU1", "undoing compute fw-VDU2")
	s.run()
	says(s.op(op), vnf.FailedTemp, "configuration ", "undoing compute fw-VDU1", "undoing compute fw-VDU2")
	s.script = fails(vim.Network)
	_, err = s.svc.Rollback(s.ctx(), op, by)
	s.must(err)
	s.run()
	says(s.op(op), vnf.FailedTemp, "configuration ", "undoing compute fw-VDU1", "undoing compute fw-VDU2", "undoing network ")
	s.script = nil
	_, err = s.svc.Rollback(s.ctx(), op, by)
	s.must(err)
	_, err = s.svc.Cancel(s.ctx(), op, "FORCEFUL", by)
	s.must(err)
	s.run()
	says(s.op(op), vnf.FailedTemp, "configuration ", "undoing compute fw-VDU1", "undoing compute fw-VDU2", "undoing network ", "undoing was cancelled")
	_, err = s.svc.Rollback(s.ctx(), op, by)
	s.must(err)
	s.run()
	says(s.op(op), vnf.RolledBack, "configuration ", "undoing compute fw-VDU1", "undoing compute fw-VDU2", "undoing network ", "undoing was cancelled")
	if len(s.held) != 0 {
		t.Errorf("left %v", s.held)
	}
	s.finish()
}

// Design §4, "a compensation fails … operator: retry, skip with reason, mark done, each an audited event".
func TestOperatorDecidesAboutAStuckItem(t *testing.T) {
	for kind, held := range map[saga.ActionKind]int{saga.RetryItem: 0, saga.SkipItem: 1, saga.MarkDone: 1} {
		t.Run(string(kind), func(t *testing.T) {
			s := newSite(t, plantest.Minimal(), lcm.Settings{UndoAttempts: 1})
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
			a := saga.Action{Kind: kind, Step: "create", Item: s.op(op).Changes.Links.At(0).ID}
			if kind != saga.RetryItem {
				if _, err := s.svc.Resolve(s.ctx(), op, a, by); vnfm.KindOf(err) != vnfm.Unprocessable {
					t.Errorf("without a reason: %v", err)
				}
			}
			a.Reason = "looked at it"
			_, err := s.svc.Resolve(s.ctx(), op, a, by)
			s.must(err)
			s.run()
			o, v := s.op(op), s.vnf(id)
			if o.State != vnf.RolledBack || len(s.held) != held || v.Operation != "" {
				t.Errorf("%s, held %v", o.State, s.held)
			}
			if listed := len(v.Leftovers); (kind == saga.SkipItem) != (listed == 1) {
				t.Errorf("%d listed: %+v", listed, v.Leftovers)
			}
			if kind != saga.RetryItem && !slices.ContainsFunc(o.Warnings, func(w string) bool { return strings.Contains(w, "looked at it") }) {
				t.Errorf("the reason is not kept: %v", o.Warnings)
			}
			s.finish()
		})
	}
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	op := s.instantiate(s.create())
	if _, err := s.svc.Resolve(s.ctx(), op, saga.Action{Kind: saga.Fail}, by); vnfm.KindOf(err) != vnfm.Invalid {
		t.Errorf("a task is no decision: %v", err)
	}
}

// Design §4, "cancel".
func TestCancel(t *testing.T) {
	t.Run("in STARTING ends ROLLED_BACK", func(t *testing.T) {
		for _, mode := range []string{"GRACEFUL", "FORCEFUL"} {
			s := newSite(t, plantest.Minimal(), lcm.Settings{})
			id := s.create()
			op := s.instantiate(id)
			msgs := s.next()
			o, err := s.svc.Cancel(s.ctx(), op, mode, by)
			s.must(err)
			if mode == "GRACEFUL" && (o.State != vnf.Starting || !o.CancelPending || o.CancelMode != mode) {
				t.Errorf("%s: %+v", mode, o)
			}
			s.reply(*s.serve(msgs[0]))
			s.run()
			if o := s.op(op); o.State != vnf.RolledBack || o.CancelPending || o.Error == nil {
				t.Errorf("%s: %s %+v", mode, o.State, o.Error)
			}
			if len(s.sent) != 1 {
				t.Errorf("%s: %d commands sent", mode, len(s.sent))
			}
			s.finish()
		}
	})
	t.Run("in PROCESSING holds in FAILED_TEMP, whatever the policy", func(t *testing.T) {
		s := newSite(t, plantest.Minimal(), lcm.Settings{})
		id := s.create()
		op := s.instantiate(id)
		s.reply(*s.serve(s.next()[0]))
		running := s.next()
		o, err := s.svc.Cancel(s.ctx(), op, "GRACEFUL", by)
		s.must(err)
		if o.State != vnf.Processing || !o.CancelPending {
			t.Errorf("%s %v", o.State, o.CancelPending)
		}
		for _, m := range running {
			s.reply(*s.serve(m))
		}
		s.run()
		o = s.op(op)
		if o.State != vnf.FailedTemp || o.CancelPending || o.Error.Title != "Cancelled" {
			t.Errorf("%s %+v", o.State, o.Error)
		}
		if _, err := s.svc.Cancel(s.ctx(), op, "GRACEFUL", by); vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("cancel in FAILED_TEMP: %v", err)
		}
		_, err = s.svc.Rollback(s.ctx(), op, by)
		s.must(err)
		s.run()
		if len(s.held) != 0 || s.vnf(id).Operation != "" {
			t.Errorf("left %v", s.held)
		}
		s.finish()
	})
}
