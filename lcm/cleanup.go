package lcm

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// SagaCleanup is the type of the saga that releases what operations left behind: what a failed one listed, and what a
// success made that came after its saga had given up on it.
const SagaCleanup = "cleanup"

// cleanupData is the data of the saga.
type cleanupData struct {
	VnfID     string         `json:"vnfInstanceId"`
	Resources []vnf.Resource `json:"resources"`
}

// Cleanup implements API.
func (s *Service) Cleanup(ctx context.Context, vnfID string, by request.Info) (string, error) {
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
			if err := x.onInstance(v, vnfID, vnf.BeginCleanup{Saga: id}); err != nil {
				return nil, err
			}
			data, err := json.Marshal(cleanupData{VnfID: vnfID, Resources: v.Leftovers})
			if err != nil {
				return nil, vnfm.Wrap(vnfm.Internal, err, "encode the data of saga %s", id)
			}
			err = s.runtime.Begin(l, x.c, saga.New{
				ID: id, Type: SagaCleanup, DefVersion: s.runtime.Newest(SagaCleanup), Key: vnfID, Policy: saga.GiveUp, Data: data,
				Actor: by.Actor, Cause: by.ID, Traceparent: by.Traceparent,
			})
			if err != nil {
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

// Cleanup implements saga.Host: it names the saga that releases what one late success left. A release that came late
// left nothing.
func (s host) Cleanup(in *saga.Instance, step string, data, _ json.RawMessage) (string, int, json.RawMessage, bool) {
	var c vim.ReserveResources
	if step == stepGrant || in.Type == SagaCleanup || json.Unmarshal(data, &c) != nil || len(c.Resources) == 0 {
		return "", 0, nil, false
	}
	d := cleanupData{VnfID: in.Key}
	for _, r := range c.Resources {
		if r.Spec == (vim.Spec{}) {
			return "", 0, nil, false // a release
		}
		d.Resources = append(d.Resources, vnf.Resource{
			ID: r.Token.ID, Generation: r.Token.Generation, Kind: string(r.Kind), Name: r.Spec.Name, Connection: c.Connection,
			Stage: StageOf(r.Kind),
		})
	}
	return SagaCleanup, s.runtime.Newest(SagaCleanup), vim.Encode(d), true
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
	d, err := saga.Data[cleanupData](in)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, run := range in.Items {
		if run.State != saga.ItemDone {
			continue
		}
		for _, r := range readCommand(run).Resources {
			done[r.Token.ID] = true
		}
	}
	end := vnf.EndCleanup{Saga: in.ID}
	var left []vnf.Resource
	for _, r := range d.Resources {
		if done[r.ID] {
			end.Released = append(end.Released, r)
		} else {
			left = append(left, r)
		}
	}
	return x.onInstance(v, in.Key, end, vnf.ReportLeftovers{Saga: in.ID, Leftovers: left})
}
