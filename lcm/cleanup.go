package lcm

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// SagaCleanup is the type of the saga that releases what operations left behind: what a failed one listed, and what a
// success made that came after its saga had given up on it.
const SagaCleanup = "cleanup"

// cleanupData is the data of the first version of the saga.
type cleanupData struct {
	VnfID     string         `json:"vnfInstanceId"`
	Resources []vnf.Resource `json:"resources"`
}

// cleaning is the data of the saga that releases resources: a plan to nothing.
func cleaning(v *vnf.Instance) (json.RawMessage, error) {
	have, err := holding(&vnf.Instance{Leftovers: v.Leftovers}, true)
	if err != nil {
		return nil, err
	}
	p, err := plan.New(have, &plan.Wanted{}, plan.Options{})
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(&planData{VnfID: v.ID, Plan: p})
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "encode what is to be cleaned up")
	}
	return b, nil
}

// Cleanup implements API.
func (s *Service) Cleanup(ctx context.Context, vnfID string, by request.Info) (string, error) {
	if err := s.room(); err != nil {
		return "", err
	}
	id := s.cfg.NewID()
	err := s.do(ctx, &eventstore.Work{
		Keys: []string{vnfID},
		Load: func() eventstore.Load { return s.load(id, vnfID) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata("lcm.cleanup", id)}
			v, err := x.instance(vnfID)
			if err != nil {
				return nil, err
			}
			if err := x.cleanUp(v, vnfID, id, by); err != nil {
				return nil, err
			}
			x.c.Idempotency = by.Idempotency(id)
			return x.c, nil
		},
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// cleanUp begins the release of an instance's leftovers by a saga.
func (x *change) cleanUp(v *vnf.Instance, vnfID, id string, by request.Info) error {
	if err := x.onInstance(v, vnfID, vnf.BeginCleanup{Saga: id}); err != nil {
		return err
	}
	data, err := cleaning(v)
	if err != nil {
		return err
	}
	return x.s.runtime.Begin(x.l, x.c, saga.New{
		ID: id, Type: SagaCleanup, DefVersion: x.s.runtime.Newest(SagaCleanup), Key: vnfID, Policy: saga.GiveUp, Data: data,
		Actor: by.Actor, Cause: by.ID, Traceparent: by.Traceparent,
	})
}

// Cleanup implements saga.Host: it names the saga that releases what one late success left. A release that came late
// left nothing, and a change that came late is undone, or superseded, by revision.
func (s host) Cleanup(in *saga.Instance, step string, data, _ json.RawMessage) (string, int, json.RawMessage, bool) {
	if step == stepGrant || in.Type == SagaCleanup {
		return "", 0, nil, false
	}
	r, ok := reservation(data)
	if !ok {
		return "", 0, nil, false
	}
	left := &vnf.Instance{ID: in.Key, Leftovers: []vnf.Resource{{
		ID: r.Token.ID, Generation: r.Token.Generation, Kind: string(r.Kind), Name: r.Spec.Name, Connection: r.Connection,
		Stage: plan.StageOf(r.Kind),
	}}}
	d, err := cleaning(left)
	if err != nil {
		return "", 0, nil, false
	}
	return SagaCleanup, s.runtime.Newest(SagaCleanup), d, true
}

// reservation reads a command that makes a resource, in today's form or the older one; false when it is another command.
func reservation(data json.RawMessage) (vim.Reserve, bool) {
	var c struct {
		vim.Reserve
		Revision  int           `json:"revision"` // of a change
		Resources []vim.Reserve `json:"resources"`
	}
	if json.Unmarshal(data, &c) != nil {
		return vim.Reserve{}, false
	}
	r := c.Reserve
	if len(c.Resources) == 1 {
		connection := r.Connection
		r = c.Resources[0]
		r.Connection = connection
	}
	return r, r.Token.ID != "" && r.Spec != (vim.Spec{}) && c.Revision == 0
}

// cleanupV1 is the saga: release, kind by kind.
func (s *Service) cleanupV1() *saga.Definition {
	return &saga.Definition{
		Type: SagaCleanup, Version: 1, Deadline: s.cfg.Settings.Deadline,
		Stages: s.releaseStages(func(in *saga.Instance) (string, []vnf.Resource, error) {
			d, err := saga.Data[cleanupData](in)
			if err != nil {
				return "", nil, err
			}
			return d.VnfID, d.Resources, nil
		}),
	}
}

// cleanupV2 is the saga: it carries out a plan to nothing, without a grant.
func (s *Service) cleanupV2() *saga.Definition {
	return &saga.Definition{Type: SagaCleanup, Version: 2, Deadline: s.cfg.Settings.Deadline, StagesOf: s.stagesOf}
}

// cleanupTurn records on the instance what a cleanup released, or could not. It touches no operation.
func (s *Service) cleanupTurn(x *change, t *saga.Turn) error {
	in := t.Instance
	if in.State != saga.Completed && in.State != saga.Held && in.State != saga.Abandoned || in.State == t.From {
		return nil
	}
	v, err := x.instance(in.Key)
	if err != nil || v.Version == 0 || v.Deleted {
		return err
	}
	all, done, err := cleaned(in)
	if err != nil {
		return err
	}
	end := vnf.EndCleanup{Saga: in.ID}
	var left []vnf.Resource
	for _, r := range all {
		if done[vim.Token{ID: r.ID, Generation: r.Generation}] {
			end.Released = append(end.Released, r)
		} else {
			left = append(left, r)
		}
	}
	return x.onInstance(v, in.Key, end, vnf.ReportLeftovers{Saga: in.ID, Leftovers: left})
}

// cleaned lists what a cleanup is to release, and what it has released.
func cleaned(in *saga.Instance) (all []vnf.Resource, done map[vim.Token]bool, err error) {
	done = map[vim.Token]bool{}
	if in.DefVersion == 1 {
		d, err := saga.Data[cleanupData](in)
		if err != nil {
			return nil, nil, err
		}
		for _, run := range in.Items {
			for _, r := range readCommand(run).Resources {
				done[r.Token] = run.State == saga.ItemDone
			}
		}
		return d.Resources, done, nil
	}
	d, err := dataOf(in)
	if err != nil {
		return nil, nil, err
	}
	for i := range d.Plan.Held {
		r := &d.Plan.Held[i]
		t := r.Token()
		if run := in.Item(stepRelease, r.ID); run != nil {
			done[t] = run.State == saga.ItemDone
		}
		all = append(all, vnf.Resource{
			ID: t.ID, Generation: t.Generation, Kind: string(r.Kind), Name: r.Spec.Name, Template: r.Template, Definition: r.Definition,
			Connection: r.At.Connection, VimID: r.At.ID, VimType: r.At.Type, Zone: r.At.Zone, Stage: plan.StageOf(r.Kind),
		})
	}
	return all, done, nil
}

// Swept adds to the commit that deletes an ended saga what goes with it: the snapshots of its operation, whose stream does not grow
// any more. Its events and its view stay.
func Swept(row *eventstore.SagaRow, c *eventstore.Commit) {
	if row.Type != SagaCleanup {
		c.Unsnapped = append(c.Unsnapped, vnf.OpOccStream+row.ID)
	}
}
