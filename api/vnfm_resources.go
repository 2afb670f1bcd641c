package api

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
)

// vnfEvents lists every event of a VNF instance and of its operations, in the order in which they happened: all of them
// are in the instance's lane. It answers for deleted instances too.
func (a *api) vnfEvents(c *call) (*answer, error) {
	m, err := page(c.r.URL.Query())
	if err != nil {
		return nil, err
	}
	after := int64(0)
	if m.After != "" {
		if after, err = strconv.ParseInt(m.After, 10, 64); err != nil {
			return nil, vnfm.Errorf(vnfm.Invalid, "nextpage_opaque_marker is none of this resource's.")
		}
	}
	streams := []string{"vnf-" + c.id}
	ops := eventstore.ViewQuery{Kind: readmodel.KindOpOcc, Parent: c.id, Limit: 1000}
	for {
		views, err := a.Views.Views(c.ctx, ops)
		if err != nil {
			return nil, fmt.Errorf("list operations of %s: %w", c.id, err)
		}
		for _, v := range views {
			streams = append(streams, "opocc-"+v.ID)
		}
		if len(views) < ops.Limit {
			break
		}
		ops.After = views[len(views)-1].ID
	}
	events := []sol.VnfEvent{}
	for i, stream := range streams {
		got, err := a.stream(c, stream)
		if err != nil {
			return nil, err
		}
		if i == 0 && len(got) == 0 {
			return nil, notFound(vnfWord, c.id)
		}
		for _, e := range got {
			if e.Offset > after {
				events = append(events, vnfEvent(&e))
			}
		}
	}
	slices.SortFunc(events, func(x, y sol.VnfEvent) int { return cmp.Compare(x.Offset, y.Offset) })
	res := respond(http.StatusOK)
	if n := a.PageSize; n > 0 && len(events) > n {
		events = events[:n]
		c.next(res, marker{After: strconv.FormatInt(events[n-1].Offset, 10)})
	}
	return res.json(events), nil
}

func (a *api) stream(c *call, name string) ([]eventstore.Event, error) {
	const chunk = 1000
	var all []eventstore.Event
	for {
		after := int64(0)
		if len(all) > 0 {
			after = all[len(all)-1].Version
		}
		got, err := a.Views.ReadStream(c.ctx, name, after, chunk)
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", name, err)
		}
		all = append(all, got...)
		if len(got) < chunk {
			return all, nil
		}
	}
}

func vnfEvent(e *eventstore.Event) sol.VnfEvent {
	var meta eventstore.Metadata
	_ = json.Unmarshal(e.Meta, &meta) // an event without readable metadata is still shown
	return sol.VnfEvent{
		Lane: e.Lane, Offset: e.Offset, Stream: e.Stream, Version: e.Version, Id: e.ID, Type: e.Type, Schema: e.Schema,
		Time: e.Time, Actor: meta.Actor, Command: meta.Command, CorrelationId: meta.CorrelationID,
		CausationId: meta.CausationID, Traceparent: meta.Traceparent, Data: e.Data, Hash: hex.EncodeToString(e.Hash),
	}
}

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

func (a *api) showSaga(c *call) (*answer, error) {
	l, err := a.Views.Load(c.ctx, eventstore.Load{Sagas: []string{c.id}})
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
	cleanups, err := a.Views.Sagas(c.ctx, eventstore.SagaQuery{Parent: c.id})
	if err != nil {
		return nil, fmt.Errorf("list cleanups of saga %s: %w", c.id, err)
	}
	for i := range cleanups {
		one, err := a.saga(c, &cleanups[i])
		if err != nil {
			return nil, err
		}
		out.Cleanups = append(out.Cleanups, *one)
	}
	return respond(http.StatusOK).json(out), nil
}

// saga shows one saga with its command attempts.
func (a *api) saga(c *call, row *eventstore.SagaRow) (*sol.Saga, error) {
	var in saga.Instance
	if err := json.Unmarshal(row.Data, &in); err != nil {
		return nil, fmt.Errorf("read saga %s: %w", row.ID, err)
	}
	steps, err := a.Views.Steps(c.ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("read steps of saga %s: %w", row.ID, err)
	}
	out := &sol.Saga{
		Id: row.ID, Type: row.Type, Definition: row.DefVersion, VnfId: row.Key, Parent: row.Parent, State: row.State,
		Policy: string(in.Policy), CancelMode: in.CancelMode, UndoBegun: in.Undone, Cause: failure(in.Cause),
		Started: in.Started, Updated: row.Updated, Deadline: in.Deadline,
		Stages: []sol.SagaStage{}, Attempts: []sol.SagaAttempt{},
	}
	if !saga.State(row.State).Final() {
		_, out.NextTimeout = in.NextTimer()
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
	if one := c.r.URL.Query().Get("consumer"); one != "" {
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
	out := []sol.Leftover{}
	for _, r := range v.Leftovers {
		out = append(out, sol.Leftover{
			Id: r.ID, Generation: r.Generation, Kind: r.Kind, Name: r.Name, VimConnectionId: r.Connection, ResourceId: r.VimID,
		})
	}
	return respond(http.StatusOK).json(out), nil
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
