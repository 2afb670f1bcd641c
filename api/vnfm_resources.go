package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
)

func (a *api) cleanup(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (string, error) {
		return a.LCM.Cleanup(c.ctx, c.id, by)
	}, func(id string) *answer {
		return respond(http.StatusAccepted).json(sol.Cleanup{SagaId: id}).location(c.base + "/vnfm/v1/sagas/" + id)
	})
}

func (a *api) progress(c *call) (*answer, error) {
	var op vnf.OpOcc
	v, err := c.view(readmodel.KindOpOcc, c.id, opOccWord, &op)
	if err != nil {
		return nil, err
	}
	now, err := a.Views.Now(c.ctx)
	if err != nil {
		return nil, fmt.Errorf("read the store's clock: %w", err)
	}
	out := opProgress(&op)
	out.Now = now
	return respond(http.StatusOK).json(out).etag(v.Revision), nil
}

// listSagas lists the sagas of a VNF, or all, in order of their ids, without their stages and attempts.
func (a *api) listSagas(c *call) (*answer, error) {
	m, q, err := c.page()
	if err != nil {
		return nil, err
	}
	query := eventstore.SagaQuery{Key: q.Get("vnf"), State: q.Get("state"), After: m.After, Limit: 1001}
	if query.State != "" && !slices.Contains(saga.States, saga.State(query.State)) {
		return nil, badQuery("state", "The query parameter state is one of %v, not %q.", saga.States, query.State)
	}
	if a.PageSize > 0 {
		query.Limit = a.PageSize + 1
	}
	rows, err := a.Views.Sagas(c.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list sagas: %w", err)
	}
	res := respond(http.StatusOK)
	if len(rows) == query.Limit {
		rows = rows[:len(rows)-1]
		c.next(res, marker{Path: m.Path, After: rows[len(rows)-1].ID, Query: m.Query})
	}
	out := make([]*sol.Saga, 0, len(rows))
	for i := range rows {
		one, in, err := sagaHead(&rows[i], c.base)
		if err != nil {
			return nil, err
		}
		if !in.State.Final() {
			one.NextTimeout = in.Wake // its timers are with its items, which a list does not read
		}
		out = append(out, one)
	}
	return res.json(out), nil
}

func (a *api) showSaga(c *call) (*answer, error) {
	cleanups, err := a.Views.Sagas(c.ctx, eventstore.SagaQuery{Parent: c.id})
	if err != nil {
		return nil, fmt.Errorf("list cleanups of saga %s: %w", c.id, err)
	}
	whole := eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: c.id}}}
	for i := range cleanups {
		whole.Sagas = append(whole.Sagas, eventstore.SagaFrom{ID: cleanups[i].ID})
	}
	l, err := a.Views.Load(c.ctx, whole)
	if err != nil {
		return nil, fmt.Errorf("read saga %s: %w", c.id, err)
	}
	row := l.Sagas[c.id]
	if row == nil {
		return nil, notFound("saga", c.id)
	}
	out, err := a.saga(c, row)
	if err != nil {
		return nil, err
	}
	for i := range cleanups {
		row := l.Sagas[cleanups[i].ID]
		if row == nil {
			continue
		}
		one, err := a.saga(c, row)
		if err != nil {
			return nil, err
		}
		out.Cleanups = append(out.Cleanups, *one)
		out.Links.Cleanups = append(out.Links.Cleanups, one.Links.Self)
	}
	return respond(http.StatusOK).json(out), nil
}

// sagaHead shows what a saga is and where it stands.
func sagaHead(row *eventstore.SagaRow, base string) (*sol.Saga, *saga.Instance, error) {
	in, err := saga.Decode(row)
	if err != nil {
		return nil, nil, err
	}
	uri := func(id string) string { return base + ownRoot + "/sagas/" + id }
	out := &sol.Saga{
		Id: row.ID, Type: row.Type, Definition: row.DefVersion, VnfId: row.Key, Parent: row.Parent, State: row.State,
		Policy: string(in.Policy), CancelMode: in.CancelMode, UndoBegun: in.Undone, Cause: failure(in.Cause),
		Started: in.Started, Updated: row.Updated, Deadline: in.Deadline,
		Links: sol.SagaLinks{Self: sol.Link{Href: uri(row.ID)}, VnfInstance: sol.Link{Href: vnfURI(base, row.Key)}},
	}
	if row.Parent != "" {
		out.Links.Parent = &sol.Link{Href: uri(row.Parent)}
	}
	if row.Type != lcm.SagaCleanup {
		out.Links.VnfLcmOpOcc = &sol.Link{Href: opOccURI(base, row.ID)}
	}
	return out, in, nil
}

// nextTimeout shows the timer of a saga that goes off first.
func nextTimeout(out *sol.Saga, in *saga.Instance) {
	if in.State.Final() {
		return
	}
	var next saga.TimedOut
	if next, out.NextTimeout = in.NextTimer(); out.NextTimeout.IsZero() {
		return
	}
	out.TimeoutOf = &sol.SagaTimeout{Kind: sol.TimeoutDeadline}
	if run := in.Item(next.Step, next.Item); next.Step != "" && run != nil {
		out.TimeoutOf = &sol.SagaTimeout{Kind: sol.TimeoutAttempt, Step: run.Step, Item: run.Item}
		if run.Waiting {
			out.TimeoutOf.Kind = sol.TimeoutBackoff
		}
	}
}

// saga shows one saga with its command attempts.
func (a *api) saga(c *call, row *eventstore.SagaRow) (*sol.Saga, error) {
	out, in, err := sagaHead(row, c.base)
	if err != nil {
		return nil, err
	}
	nextTimeout(out, in)
	steps, err := a.Views.Steps(c.ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("read steps of saga %s: %w", row.ID, err)
	}
	for _, run := range in.Items {
		if n := len(out.Stages); n == 0 || out.Stages[n-1].Index != run.Stage {
			out.Stages = append(out.Stages, sol.SagaStage{Index: run.Stage})
		}
		stage := &out.Stages[len(out.Stages)-1]
		stage.Items = append(stage.Items, sol.SagaItem{
			Step: run.Step, Item: run.Item, State: string(run.State), Generation: run.Generation,
			Attempt: run.Attempt, Undo: run.Undo, Due: run.Due, Result: run.Result, Cause: failure(run.Cause),
		})
	}
	for _, s := range in.Attempts(steps) {
		out.Attempts = append(out.Attempts, sol.SagaAttempt{
			CommandId: s.CommandID, Seq: s.Seq, Step: s.Step, Item: s.Item, Direction: s.Direction, Attempt: s.Attempt,
			State: s.State, Sent: s.Sent, Replied: s.Replied, Result: s.Result, Class: s.Class, Reason: s.Reason,
		})
	}
	return out, nil
}

func failure(f *saga.Failure) *sol.SagaFailure {
	if f == nil {
		return nil
	}
	return &sol.SagaFailure{Step: f.Step, Item: f.Item, Class: string(f.Class), Reason: f.Reason}
}

// maxProblems bounds the problems an audit lists; all are counted.
const maxProblems = 1000

// audit looks at the running system. It answers 200 whatever it finds: the verdict is in the body.
func (a *api) audit(c *call) (*answer, error) {
	chain := true
	if q := c.query; q.Has("chain") {
		var err error
		if chain, err = strconv.ParseBool(q.Get("chain")); err != nil {
			return nil, badQuery("chain", "The query parameter chain is true or false, not %q.", q.Get("chain"))
		}
	}
	r, err := a.Audit(c.ctx, chain)
	if err != nil {
		return nil, err
	}
	out := sol.LiveAudit{
		Ok: len(r.Findings) == 0, Complete: len(r.Unmade) == 0, At: r.At, TookMs: r.Took.Milliseconds(), Chain: r.Chain,
		Counts: map[string]int{}, Findings: []sol.AuditFinding{}, Unmade: []sol.AuditUnmade{},
		Looked: sol.AuditLooked{Events: r.Events, Streams: r.Streams, Sagas: r.Sagas, Timers: r.Timers, VimResources: r.VimHeld},
	}
	for check, n := range r.Counts() {
		out.Counts[string(check)] = n
	}
	for i, f := range r.Findings {
		if i == maxProblems {
			break
		}
		out.Findings = append(out.Findings, sol.AuditFinding{
			Check: string(f.Check), Where: f.Where, VnfInstanceId: f.Vnf, Since: f.Since, What: f.What, Do: f.Do,
		})
	}
	for _, u := range r.Unmade {
		out.Unmade = append(out.Unmade, sol.AuditUnmade{Check: string(u.Check), Reason: u.Reason})
	}
	return respond(http.StatusOK).json(out), nil
}

// verify walks all events. It answers 200 whatever it finds: the verdict is in the body.
func (a *api) verify(c *call) (*answer, error) {
	out := sol.Audit{Problems: []sol.AuditProblem{}}
	sum, err := eventstore.Verify(c.ctx, a.Views, func(p eventstore.Problem) {
		if len(out.Problems) < maxProblems {
			out.Problems = append(out.Problems, sol.AuditProblem{
				Stream: p.Stream, Version: p.Version, Lane: p.Lane, Offset: p.Offset, Text: p.Detail,
			})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("verify the events: %w", err)
	}
	out.Ok, out.Streams, out.Events, out.Messages, out.Found = sum.Problems == 0, sum.Streams, sum.Events, sum.Messages, sum.Problems
	return respond(http.StatusOK).json(out), nil
}

func (a *api) parked(c *call) (*answer, error) {
	consumers := a.Consumers
	if one := c.query.Get("consumer"); one != "" {
		if !slices.Contains(consumers, one) {
			return nil, badQuery("consumer", "The query parameter consumer is one of %v, not %q.", consumers, one)
		}
		consumers = []string{one}
	}
	out := []sol.ParkedMessage{}
	for _, consumer := range consumers {
		messages, err := a.Views.Parked(c.ctx, consumer, 1000)
		if err != nil {
			return nil, fmt.Errorf("list parked messages: %w", err)
		}
		for _, m := range messages {
			out = append(out, sol.ParkedMessage{
				Id: m.ID, Consumer: m.Consumer, Key: m.Key, Seq: m.Seq, Type: m.Message.Type,
				CorrelationId: m.Message.CorrelationID, Reason: m.Reason, At: m.At,
			})
		}
	}
	return respond(http.StatusOK).json(out), nil
}

// redrive answers when the messages were handled. Repeating it is harmless: what was handled is parked no more.
func (a *api) redrive(c *call) (*answer, error) {
	n, err := a.Redrive(c.ctx, c.id)
	if err != nil {
		return nil, err
	}
	return respond(http.StatusOK).json(sol.Redriven{Handled: n}), nil
}

// leftovers lists what failed operations of a VNF left at VIMs.
func (a *api) leftovers(c *call) (*answer, error) {
	var v vnf.Instance
	if _, err := c.view(readmodel.KindVnf, c.id, vnfWord, &v); err != nil {
		return nil, err
	}
	return respond(http.StatusOK).json(leftoversOf(&v)), nil
}

func leftoversOf(v *vnf.Instance) []sol.Leftover {
	out := []sol.Leftover{}
	for _, r := range v.Leftovers {
		out = append(out, sol.Leftover{
			Id: r.ID, Generation: r.Generation, Kind: r.Kind, Name: r.Name, VimConnectionId: r.Connection, ResourceId: r.VimID,
		})
	}
	return out
}

func (a *api) simInventory(*call) (*answer, error) {
	return respond(http.StatusOK).json(a.Sim.Inventory()), nil
}

func (a *api) simBehaviour(*call) (*answer, error) {
	return respond(http.StatusOK).json(a.Sim.Behaviour()), nil
}

func (a *api) setSimBehaviour(c *call) (*answer, error) {
	behaviour, err := sim.DecodeBehaviour(c.body)
	if err != nil {
		return nil, err
	}
	if err := a.Sim.SetBehaviour(behaviour); err != nil {
		return nil, err
	}
	return a.simBehaviour(c)
}

func (a *api) healthz(*call) (*answer, error) {
	return respond(http.StatusOK).json(sol.Health{Status: "ok"}), nil
}

// readyz answers 503 with ProblemDetails naming what is missing, 200 with all checks when nothing is.
func (a *api) readyz(c *call) (*answer, error) {
	health := sol.Health{Status: "ok"}
	if a.Ready != nil {
		for _, check := range a.Ready(c.ctx) {
			if !check.OK {
				return nil, vnfm.Errorf(vnfm.Unavailable, "Not ready: %s: %s", check.Name, check.Detail)
			}
			health.Checks = append(health.Checks, sol.HealthCheck{Name: check.Name, Ok: true, Detail: check.Detail})
		}
	}
	return respond(http.StatusOK).json(health), nil
}
