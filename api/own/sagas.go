package own

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
)

// listSagas lists the sagas of a VNF, or all, in order of their ids, without their stages and attempts.
func (a *API) listSagas(c *rest.Call) (*rest.Answer, error) {
	m, q, err := c.Page()
	if err != nil {
		return nil, err
	}
	query := eventstore.SagaQuery{Key: q.Get("vnf"), State: q.Get("state"), After: m.After, Limit: 1001}
	if query.State != "" && !slices.Contains(saga.States, saga.State(query.State)) {
		return nil, rest.BadQuery("state", "The query parameter state is one of %v, not %q.", saga.States, query.State)
	}
	if c.Server.PageSize > 0 {
		query.Limit = c.Server.PageSize + 1
	}
	rows, err := c.Server.Views.Sagas(c.Ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list sagas: %w", err)
	}
	res := rest.Respond(http.StatusOK)
	if len(rows) == query.Limit {
		rows = rows[:len(rows)-1]
		c.Next(res, rest.Marker{Path: m.Path, After: rows[len(rows)-1].ID, Query: m.Query})
	}
	out := make([]*sol.Saga, 0, len(rows))
	for i := range rows {
		one, in, err := sagaHead(&rows[i], c.Base)
		if err != nil {
			return nil, err
		}
		if !in.State.Final() {
			one.NextTimeout = in.Wake // its timers are with its items, which a list does not read
		}
		out = append(out, one)
	}
	return res.JSON(out), nil
}

func (a *API) showSaga(c *rest.Call) (*rest.Answer, error) {
	cleanups, err := c.Server.Views.Sagas(c.Ctx, eventstore.SagaQuery{Parent: c.ID})
	if err != nil {
		return nil, fmt.Errorf("list cleanups of saga %s: %w", c.ID, err)
	}
	whole := eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: c.ID}}}
	for i := range cleanups {
		whole.Sagas = append(whole.Sagas, eventstore.SagaFrom{ID: cleanups[i].ID})
	}
	l, err := c.Server.Views.Load(c.Ctx, whole)
	if err != nil {
		return nil, fmt.Errorf("read saga %s: %w", c.ID, err)
	}
	row := l.Sagas[c.ID]
	if row == nil {
		return nil, a.swept(c, "saga", "keep-sagas", a.KeepSagas)
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
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// swept says that something of an operation is not there: it never was, or it was removed some time after the operation ended.
func (a *API) swept(c *rest.Call, what, setting string, keep time.Duration) error {
	o, err := readmodel.OpOcc(c.Ctx, c.Server.Views, c.ID)
	switch {
	case vnfm.KindOf(err) == vnfm.NotFound || err == nil && !o.State.Final():
		return rest.NotFound(what, c.ID)
	case err != nil:
		return err //nolint:wrapcheck // says what it was about
	}
	text := "The " + what + " of the operation is not kept any more: it ended " + string(o.State) + " at " + o.StateEntered.UTC().Format(time.RFC3339)
	if keep > 0 {
		text += fmt.Sprintf(", and was removed %s after that, from %s on (setting %s)", keep, o.StateEntered.Add(keep).UTC().Format(time.RFC3339), setting)
	} else {
		text += fmt.Sprintf(", and was removed while the setting %s was another than it is now", setting)
	}
	return vnfm.Errorf(vnfm.NotFound, "%s. Its events and its outcome are kept.", text)
}

// sagaHead shows what a saga is and where it stands.
func sagaHead(row *eventstore.SagaRow, base string) (*sol.Saga, *saga.Instance, error) {
	in, err := saga.Decode(row)
	if err != nil {
		return nil, nil, err
	}
	uri := func(id string) string { return base + rest.OwnRoot + "/sagas/" + id }
	out := &sol.Saga{
		Id: row.ID, Type: row.Type, Definition: row.DefVersion, VnfId: row.Key, Parent: row.Parent, State: row.State,
		Policy: string(in.Policy), CancelMode: in.CancelMode, UndoBegun: in.Undone, Cause: failure(in.Cause),
		Started: in.Started, Updated: row.Updated, Deadline: in.Deadline,
		Links: sol.SagaLinks{Self: sol.Link{Href: uri(row.ID)}, VnfInstance: sol.Link{Href: vnflcm.VnfURI(base, row.Key)}},
	}
	if row.Parent != "" {
		out.Links.Parent = &sol.Link{Href: uri(row.Parent)}
	}
	if row.Type != lcm.SagaCleanup {
		out.Links.VnfLcmOpOcc = &sol.Link{Href: vnflcm.OpOccURI(base, row.ID)}
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
func (a *API) saga(c *rest.Call, row *eventstore.SagaRow) (*sol.Saga, error) {
	out, in, err := sagaHead(row, c.Base)
	if err != nil {
		return nil, err
	}
	nextTimeout(out, in)
	steps, err := c.Server.Views.Steps(c.Ctx, row.ID)
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
