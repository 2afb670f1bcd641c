package lcm

import (
	"context"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// Retry implements API.
func (s *Service) Retry(ctx context.Context, opID string, by request.Info) (*vnf.OpOcc, error) {
	return s.handleError(ctx, opID, vnf.HandleError{Task: vnf.TriggerRetry}, saga.Retrying, by)
}

// Rollback implements API.
func (s *Service) Rollback(ctx context.Context, opID string, by request.Info) (*vnf.OpOcc, error) {
	return s.handleError(ctx, opID, vnf.HandleError{Task: vnf.TriggerRollback}, saga.RollBack, by)
}

// Fail implements API.
func (s *Service) Fail(ctx context.Context, opID string, by request.Info) (*vnf.OpOcc, error) {
	return s.handleError(ctx, opID, vnf.HandleError{Task: vnf.TriggerFail}, saga.Fail, by)
}

// Cancel implements API.
func (s *Service) Cancel(ctx context.Context, opID, mode string, by request.Info) (*vnf.OpOcc, error) {
	return s.handleError(ctx, opID, vnf.HandleError{Task: vnf.TriggerCancel, Mode: mode}, saga.Cancel, by)
}

// Resolve decides about one resource whose undo failed for good, in an operation that is FAILED_TEMP for it: RetryItem
// tries again, SkipItem leaves it behind (the instance lists it), MarkDone takes an operator's word that it is gone.
// The last two need a reason, which is kept. Returns Conflict when the item is not stuck, NotFound when there is none,
// Unprocessable at /reason without one.
func (s *Service) Resolve(ctx context.Context, opID string, a saga.Action, by request.Info) (*vnf.OpOcc, error) {
	switch a.Kind {
	case saga.RetryItem, saga.SkipItem, saga.MarkDone:
	case saga.Retrying, saga.RollBack, saga.Fail, saga.Cancel:
		return nil, vnfm.Errorf(vnfm.Invalid, "%s is no decision about one resource", a.Kind).At("/kind")
	default:
		return nil, vnfm.Errorf(vnfm.Invalid, "the decision is %s, %s or %s, not %q", saga.RetryItem, saga.SkipItem, saga.MarkDone, a.Kind).At("/kind")
	}
	return s.act(ctx, opID, a, by, func(*vnf.OpOcc) error { return nil })
}

// handleError asks the operation's saga for an error-handling task. The operation's own table says first whether it is
// possible; what the saga then does comes back as a turn, in the same commit.
func (s *Service) handleError(ctx context.Context, opID string, task vnf.HandleError, kind saga.ActionKind, by request.Info) (*vnf.OpOcc, error) {
	return s.act(ctx, opID, saga.Action{Kind: kind, Mode: task.Mode}, by, func(o *vnf.OpOcc) error {
		_, err := o.Process(task)
		return err
	})
}

// act asks an operation's saga for an action that the operation allows.
func (s *Service) act(
	ctx context.Context, opID string, a saga.Action, by request.Info, allowed func(o *vnf.OpOcc) error,
) (*vnf.OpOcc, error) {
	a.Actor, a.Cause = by.Actor, by.ID
	seen, err := s.opOcc(ctx, opID)
	if err != nil {
		return nil, err
	}
	load := func() eventstore.Load { return s.runtime.LoadFor(opID, seen.VnfID) }
	return s.decideOp(ctx, seen.VnfID, opID, by, load, func(x *change) error {
		o, err := x.opOcc(opID)
		if err != nil {
			return err
		}
		if err := allowed(o); err != nil {
			return err
		}
		err = s.runtime.Act(x.l, x.c, opID, a)
		if a.Kind == saga.RollBack && vnfm.KindOf(err) == vnfm.NotFound { // the operation can be, and its saga cannot any more
			return vnfm.Wrap(vnfm.NotFound, err, "a %s cannot be rolled back once it has released resources: retry it, or let it fail", o.Operation)
		}
		return err
	})
}

// opOcc reads an operation occurrence outside any change. Returns NotFound when there is none.
func (s *Service) opOcc(ctx context.Context, id string) (*vnf.OpOcc, error) {
	l, err := s.cfg.Store.Load(ctx, s.cfg.OpOccs.Load(id))
	if err != nil {
		return nil, err
	}
	st, err := s.cfg.OpOccs.Read(l, &eventstore.Commit{}, id)
	if err != nil {
		return nil, err
	}
	if st.Version == 0 {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no operation occurrence %s", id)
	}
	return &st.Value, nil
}

// OpRule is one line of the table operation state × saga state × {retry, rollback, fail, cancel} (SOL003 v3.7.1 §5.6.2.2,
// §5.4.14 ff.): the state the saga moves to at once, "" where the task is refused with Conflict. What follows a move by
// itself (SETTLING to HELD when nothing is outstanding, COMPENSATING to COMPENSATED when nothing is left) may happen in the
// same turn.
type OpRule struct {
	Op        vnf.OpState
	Saga      saga.State
	UndoBegun bool // an undo command was sent
	Retry     saga.State
	RollBack  saga.State // NotFound instead when the saga cannot be rolled back
	Fail      saga.State
	Cancel    saga.State
}

// OpRules is the table. Pairs that it does not name do not exist: an operation and its saga move in one commit.
//
//nolint:gochecknoglobals // data
var OpRules = []OpRule{
	{Op: vnf.Starting, Saga: saga.Running, Cancel: saga.Settling}, // to COMPENSATED: nothing was begun
	{Op: vnf.Starting, Saga: saga.Settling, Cancel: saga.Settling},
	{Op: vnf.Processing, Saga: saga.Running, Cancel: saga.Settling},
	{Op: vnf.Processing, Saga: saga.Settling, Cancel: saga.Settling},
	{Op: vnf.FailedTemp, Saga: saga.Held, Retry: saga.Running, RollBack: saga.Compensating, Fail: saga.Abandoned},
	{Op: vnf.FailedTemp, Saga: saga.Held, UndoBegun: true, RollBack: saga.Compensating, Fail: saga.Abandoned},
	{Op: vnf.FailedTemp, Saga: saga.Stuck, UndoBegun: true, RollBack: saga.Compensating, Fail: saga.Abandoned},
	{Op: vnf.RollingBack, Saga: saga.Compensating, UndoBegun: true, Cancel: saga.Compensating}, // to HELD or STUCK
	{Op: vnf.Completed, Saga: saga.Completed},
	{Op: vnf.RolledBack, Saga: saga.Compensated},
	{Op: vnf.RolledBack, Saga: saga.Compensated, UndoBegun: true},
	{Op: vnf.Failed, Saga: saga.Abandoned},
	{Op: vnf.Failed, Saga: saga.Abandoned, UndoBegun: true},
}

// opState returns the operation state that goes with a saga state. begun says that a command was sent that does more
// than ask (a stage after the grant).
func opState(s saga.State, begun bool) vnf.OpState {
	for _, r := range OpRules {
		if r.Saga == s && (r.Op != vnf.Starting || !begun) {
			return r.Op
		}
	}
	return ""
}
