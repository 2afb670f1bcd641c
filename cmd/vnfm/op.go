package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
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

type opArg struct {
	Op string `arg:"" help:"Id of the operation, or its beginning; or a VNF, for its newest operation." predictor:"op"`
}

// opArgs is the arguments of verbs that take several operations.
type opArgs struct {
	Op []string `arg:"" help:"Ids of operations, or their beginnings; or VNFs, for their newest operations." predictor:"op"`
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
	shown := &show.Operation{VnfLcmOpOcc: *o}
	if p, err := s.Progress(s.ctx, id); err == nil { // whoever may not see it sees the rest
		shown.StartedBy = p.StartedBy
	}
	return s.show(shown, func(w io.Writer) { show.Op(w, shown) })
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
	Op string `arg:"" help:"Id of the operation, its beginning, or the id of a cleanup saga; or a VNF, for its newest operation." predictor:"op"`
}

func (c *opSaga) Run(s *session) error {
	id, err := s.sagaID(c.Op)
	if err != nil {
		return err
	}
	saga, err := s.Saga(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	names := s.itemNames(saga)
	return s.show(saga, func(w io.Writer) { show.Saga(w, saga, names, "") })
}

// itemNames are the names of what a saga is about, by their ids: of the operation's resources, and of what was left behind. Whoever may not
// see them sees ids.
func (s *session) itemNames(g *sol.Saga) map[string]string {
	names := map[string]string{}
	op := g.Id
	if g.Parent != "" {
		op = g.Parent
	}
	if p, err := s.Progress(s.ctx, op); err == nil {
		for _, r := range p.Resources {
			names[r.Id] = r.Name
		}
	}
	if left, err := s.Leftovers(s.ctx, g.VnfId); err == nil {
		for _, l := range left {
			names[l.Id] = l.Name
		}
	}
	return names
}

type opRetry struct {
	opArgs
	NoWait bool `help:"Return when it has begun."`
}

func (c *opRetry) Run(s *session) error {
	return s.task(c.Op, c.NoWait, func(id string) error { return s.Retry(s.ctx, id) }, "COMPLETED")
}

type opRollback struct {
	opArgs
	sure
	NoWait bool `help:"Return when it has begun."`
}

func (c *opRollback) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Roll back", "operation", c.Op); err != nil {
		return err
	}
	return s.task(c.Op, c.NoWait, func(id string) error { return s.Rollback(s.ctx, id) }, "ROLLED_BACK")
}

type opFail struct {
	opArgs
	sure
}

func (c *opFail) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Give up for good", "operation", c.Op); err != nil {
		return err
	}
	return s.task(c.Op, false, func(id string) error { return s.Fail(s.ctx, id) }, "FAILED")
}

type opCancel struct {
	opArgs
	Mode string `help:"GRACEFUL lets running commands end, FORCEFUL cancels them." enum:"GRACEFUL,FORCEFUL" default:"GRACEFUL"`
	sure
	NoWait bool `help:"Return when it has begun."`
}

// Help is examples.
func (*opCancel) Help() string {
	return `Examples:
  vnfm op cancel fw1
  vnfm op cancel 019adf2e-1234 --mode FORCEFUL --yes`
}

func (c *opCancel) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Cancel", "operation", c.Op); err != nil {
		return err
	}
	return s.task(c.Op, c.NoWait, func(id string) error { return s.Cancel(s.ctx, id, sol.CancelModeType(c.Mode)) }, "ROLLED_BACK", "FAILED_TEMP")
}

type opResolve struct {
	opArg
	Decision string `enum:"retry-item,skip-item,mark-done," default:"" help:"Try its undo again (retry-item), leave it behind (skip-item), or say that it is gone (mark-done); without a decision, what is stuck is listed." placeholder:"DECISION"`
	Step     string `help:"Step of the saga; needed where more than one item is stuck." placeholder:"STEP"`
	Item     string `help:"Item of the step: the planned resource's id, its beginning or its name." placeholder:"ITEM"`
	Reason   string `help:"Why; needed to skip an item or mark it done, and kept." placeholder:"TEXT"`
	sure
	NoWait bool `help:"Return when it has begun."`
}

// Help is examples.
func (*opResolve) Help() string {
	return `Examples:
  vnfm op resolve fw1
  vnfm op resolve fw1 --decision retry-item
  vnfm op resolve fw1 --step release --item fw1-gateway-0 --decision mark-done --reason "deleted by hand"`
}

func (c *opResolve) Run(s *session) error {
	id, err := s.sagaID(c.Op)
	if err != nil {
		return err
	}
	if c.Decision == "" {
		return s.stuck(id)
	}
	r := sol.ResolveRequest{Decision: sol.DecisionType(c.Decision), Step: c.Step, Item: c.Item, Reason: c.Reason}
	if err := s.stuckItem(id, &r); err != nil {
		return err
	}
	if c.Decision != "retry-item" {
		if err := s.confirm(c.sure, fmt.Sprintf("%s %s of %s?", c.Decision, strings.TrimSpace(r.Step+" "+c.Item), c.Op)); err != nil {
			return err
		}
	}
	if err := s.Resolve(s.ctx, id, r); err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.ended(id, c.NoWait, "ROLLED_BACK", "FAILED_TEMP")
}

// stuckItems are the items of a saga, and of its cleanups, that wait for a decision.
func stuckItems(g *sol.Saga) []sol.SagaItem {
	var out []sol.SagaItem
	for _, stage := range g.Stages {
		for _, item := range stage.Items {
			if item.State == "STUCK" {
				out = append(out, item)
			}
		}
	}
	return out
}

// stuck lists what waits for a decision, each with the lines that decide.
func (s *session) stuck(id string) error {
	g, err := s.Saga(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	names := s.itemNames(g)
	items := stuckItems(g)
	return s.show(items, func(w io.Writer) {
		if len(items) == 0 {
			_, _ = fmt.Fprintln(w, screen.Good.Render("nothing waits for a decision"))
		}
		for i := range items {
			show.Stuck(w, id, &items[i], names)
		}
	})
}

// stuckItem completes a decision: the only stuck item needs no name, and others may be named as people see them.
func (s *session) stuckItem(id string, r *sol.ResolveRequest) error {
	if r.Step != "" && (r.Item == "" || isID(r.Item)) {
		return nil
	}
	g, err := s.Saga(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	names := s.itemNames(g)
	var found []sol.SagaItem
	for _, item := range stuckItems(g) {
		if (r.Step == "" || r.Step == item.Step) && (r.Item == "" || r.Item == names[item.Item] || strings.HasPrefix(item.Item, r.Item)) {
			found = append(found, item)
		}
	}
	switch {
	case len(found) == 1:
		r.Step, r.Item = found[0].Step, found[0].Item
		return nil
	case len(found) > 1:
		return usagef("more than one item is stuck; name it by --step and --item: vnfm op resolve %s lists them", id)
	case r.Step != "": // the server says what it knows of it
		return nil
	}
	return usagef("no such item is stuck; vnfm op resolve %s lists those that are", id)
}

// task does something with each of several operations, and shows each until it ends.
func (s *session) task(words []string, noWait bool, do func(id string) error, want ...string) error {
	return each(s, words, func(word string) string { return word }, func(word string) error {
		id, err := s.opID(word)
		if err != nil {
			return err
		}
		if err := do(id); err != nil {
			return err
		}
		return s.ended(id, noWait, want...)
	})
}

type opGrant struct{ opArg }

func (c *opGrant) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	g, err := s.Grant(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(g, func(w io.Writer) { show.Grant(w, g) })
}
