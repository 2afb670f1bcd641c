package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type opCmd struct {
	List     opList     `cmd:"" help:"List operations, the newest last."`
	Show     opShow     `cmd:"" help:"Show an operation with what it changed."`
	Watch    opWatch    `cmd:"" help:"Watch an operation until it ends."`
	Saga     opSaga     `cmd:"" help:"Show the process behind an operation: stages, attempts, timings, results, compensations."`
	Grant    opGrant    `cmd:"" help:"Show what was asked for an operation, and how it was answered."`
	History  opHistory  `cmd:"" help:"Tell what happened in an operation, or show what it was at a time."`
	Diff     opDiff     `cmd:"" help:"Show what changed in an operation between two times."`
	Retry    opRetry    `cmd:"" help:"Try a failed operation again from where it stands."`
	Rollback opRollback `cmd:"" help:"Undo a failed operation."`
	Fail     opFail     `cmd:"" help:"Declare a failed operation failed for good."`
	Cancel   opCancel   `cmd:"" help:"Cancel a running operation."`
	Resolve  opResolve  `cmd:"" help:"Decide about one resource whose undo failed for good (see op saga)."`
}

type opList struct {
	narrowed
	Vnf string `help:"Of this VNF only: id or name." placeholder:"VNF"`
}

func (c *opList) Run(s *session) error {
	q := c.query()
	if c.Vnf != "" {
		id, err := s.vnfID(c.Vnf)
		if err != nil {
			return err
		}
		q.Filter = strings.TrimSuffix("(eq,vnfInstanceId,"+id+");"+q.Filter, ";")
	}
	all, err := s.Ops(s.ctx, q)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	slices.SortStableFunc(all, func(a, b sol.VnfLcmOpOcc) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.Id, b.Id))
	})
	by := map[string]string{}
	if origins, err := s.OpOrigins(s.ctx); err == nil { // whoever may not see it sees the rest
		for _, o := range origins {
			by[o.VnfLcmOpOccId] = o.StartedBy
		}
	}
	ops := make([]operation, len(all))
	for i, o := range all {
		ops[i] = operation{o, by[o.Id]}
	}
	return s.show(ops, func(w io.Writer) {
		var rows [][]string
		for _, o := range ops {
			reason := ""
			if o.Error != nil {
				reason = o.Error.Detail
			}
			rows = append(rows, []string{o.Id, o.Operation, state(o.OperationState), stamp(o.StartTime), o.StartedBy, o.VnfInstanceId, reason})
		}
		table(w, []string{"ID", "OPERATION", "STATE", "STARTED", "BY", "VNF", "ERROR"}, rows)
	})
}

// operation is an occurrence with what the standard does not say of it.
type operation struct {
	sol.VnfLcmOpOcc
	StartedBy string `json:"startedBy,omitempty"`
}

type opArg struct {
	Op string `arg:"" help:"Id of the operation, or its beginning."`
}

type opShow struct{ opArg }

func (c *opShow) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	o, err := s.Op(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	shown := &operation{VnfLcmOpOcc: *o}
	if p, err := s.Progress(s.ctx, id); err == nil { // whoever may not see it sees the rest
		shown.StartedBy = p.StartedBy
	}
	return s.show(shown, func(w io.Writer) { printOp(w, shown) })
}

func printOp(w io.Writer, o *operation) {
	reason, pending := "", ""
	if o.Error != nil {
		reason = bad.Render(o.Error.Detail)
	}
	if o.IsCancelPending {
		pending = o.CancelMode
	}
	var possible []string
	for name, link := range map[string]*sol.Link{
		"retry": o.Links.Retry, "rollback": o.Links.Rollback, "fail": o.Links.Fail, "cancel": o.Links.Cancel,
	} {
		if link != nil {
			possible = append(possible, name)
		}
	}
	slices.Sort(possible)
	fields(w, "id", o.Id, "operation", o.Operation, "state", state(o.OperationState), "since", stamp(o.StateEnteredTime),
		"started", stamp(o.StartTime), "by", o.StartedBy, "VNF", o.VnfInstanceId, "parameters", compact(o.OperationParams), "cancelling", pending,
		"error", reason, "possible", strings.Join(possible, ", "))
	for _, warning := range o.Warnings {
		_, _ = fmt.Fprintln(w, moving.Render("warning:"), warning)
	}
	if c := o.ResourceChanges; c != nil {
		var rows [][]string
		for _, a := range c.AffectedVnfcs {
			rows = append(rows, []string{a.ChangeType, "compute", a.VduId, a.ComputeResource.ResourceId, a.ComputeResource.VimConnectionId})
		}
		for _, a := range c.AffectedVirtualLinks {
			rows = append(rows, []string{a.ChangeType, "network", a.VnfVirtualLinkDescId, a.NetworkResource.ResourceId, a.NetworkResource.VimConnectionId})
		}
		for _, a := range c.AffectedExtLinkPorts {
			rows = append(rows, []string{a.ChangeType, "external port", a.ExtCpInstanceId, a.ResourceHandle.ResourceId, a.ResourceHandle.VimConnectionId})
		}
		for _, a := range c.AffectedVirtualStorages {
			rows = append(rows, []string{a.ChangeType, "storage", a.VirtualStorageDescId, a.StorageResource.ResourceId, a.StorageResource.VimConnectionId})
		}
		heading(w, "Changed resources")
		table(w, []string{"CHANGE", "KIND", "IN THE VNFD", "RESOURCE", "VIM"}, rows)
	}
}

type opWatch struct{ opArg }

func (c *opWatch) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	return s.watch(id)
}

type opSaga struct {
	Op string `arg:"" help:"Id of the operation, its beginning, or the id of a cleanup saga."`
}

func (c *opSaga) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		id = c.Op // a cleanup saga is no operation
	}
	saga, sagaErr := s.Saga(s.ctx, id)
	if sagaErr != nil {
		return sagaErr //nolint:wrapcheck // of the client
	}
	names := map[string]string{}
	if p, err := s.Progress(s.ctx, id); err == nil { // a cleanup saga has none; its ids stand for themselves
		for _, r := range p.Resources {
			names[r.Id] = r.Name
		}
	}
	return s.show(saga, func(w io.Writer) { s.printSaga(w, saga, names, "") })
}

type opRetry struct {
	opArg
	NoWait bool `help:"Return when it has begun."`
}

func (c *opRetry) Run(s *session) error {
	return s.task(c.Op, c.NoWait, func(id string) error { return s.Retry(s.ctx, id) })
}

type opRollback struct {
	opArg
	NoWait bool `help:"Return when it has begun."`
}

func (c *opRollback) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	if err := s.Rollback(s.ctx, id); err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.ended(id, c.NoWait, "ROLLED_BACK")
}

type opFail struct{ opArg }

func (c *opFail) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	if err := s.Fail(s.ctx, id); err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.ended(id, false, "FAILED")
}

type opCancel struct {
	opArg
	Mode   string `help:"GRACEFUL lets running commands end, FORCEFUL cancels them." enum:"GRACEFUL,FORCEFUL" default:"GRACEFUL"`
	NoWait bool   `help:"Return when it has begun."`
}

func (c *opCancel) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	if err := s.Cancel(s.ctx, id, sol.CancelModeType(c.Mode)); err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.ended(id, c.NoWait, "ROLLED_BACK", "FAILED_TEMP")
}

type opResolve struct {
	opArg
	Decision string `required:"" enum:"retry-item,skip-item,mark-done" help:"Try its undo again (retry-item), leave it behind (skip-item), or say that it is gone (mark-done)." placeholder:"DECISION"`
	Step     string `required:"" help:"Step of the saga." placeholder:"STEP"`
	Item     string `help:"Item of the step: the planned resource's id." placeholder:"ITEM"`
	Reason   string `help:"Why; needed to skip an item or mark it done, and kept." placeholder:"TEXT"`
	NoWait   bool   `help:"Return when it has begun."`
}

func (c *opResolve) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	r := sol.ResolveRequest{Decision: sol.DecisionType(c.Decision), Step: c.Step, Item: c.Item, Reason: c.Reason}
	if err := s.Resolve(s.ctx, id, r); err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.ended(id, c.NoWait, "ROLLED_BACK", "FAILED_TEMP")
}

func (s *session) task(word string, noWait bool, do func(id string) error) error {
	id, err := s.opID(word)
	if err != nil {
		return err
	}
	if err := do(id); err != nil {
		return err
	}
	return s.begun(id, noWait)
}
