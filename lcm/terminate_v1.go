package lcm

import (
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// sagaTerminate is the type of the saga that carried out TERMINATE before every operation had a plan. Sagas of it that are under
// way go on; none is begun.
const sagaTerminate = "terminate"

// stepStop is the step that stops the VNF before its resources go.
const stepStop = "stop"

// terminateData is the data of the saga: fixed at its begin.
type terminateData struct {
	VnfID     string                `json:"vnfInstanceId"`
	OpID      string                `json:"opOccId"`
	Grant     nfvo.GrantRequest     `json:"grantRequest"`
	Resources []vnf.Resource        `json:"resources"` // all to be released
	Stop      *vim.ReserveResources `json:"stop,omitempty"`
	StopMs    int64                 `json:"stopTimeoutMs,omitempty"`
}

// terminateV1 is the saga: grant → stop, when graceful → release, kind by kind.
func (s *Service) terminateV1() *saga.Definition {
	stop := saga.Step{
		ID: stepStop, Topic: message.TopicVimCommands, Do: vim.TypeReserve, Optional: true,
		Timeout: s.cfg.Settings.GracefulTimeout, Retry: saga.Retry{Attempts: 1}, DataFor: withGeneration,
		TimeoutOf: func(in *saga.Instance) time.Duration {
			d, err := saga.Data[terminateData](in)
			if err != nil {
				return 0
			}
			return time.Duration(d.StopMs) * time.Millisecond
		},
		Items: func(in *saga.Instance) ([]saga.Item, error) {
			d, err := s.grantedRemoval(in)
			if err != nil || d.Stop == nil {
				return nil, err
			}
			return []saga.Item{{ID: d.Stop.Resources[0].Token.ID, Data: vim.Encode(d.Stop)}}, nil
		},
	}
	stages := []saga.Stage{
		s.grantStage(func(in *saga.Instance) (nfvo.GrantRequest, error) {
			d, err := saga.Data[terminateData](in)
			if err != nil {
				return nfvo.GrantRequest{}, err
			}
			return d.Grant, nil
		}),
		{ID: stepStop, Steps: []saga.Step{stop}},
	}
	stages = append(stages, s.releaseStages(func(in *saga.Instance) (string, []vnf.Resource, error) {
		d, err := s.grantedRemoval(in)
		if err != nil {
			return "", nil, err
		}
		return d.VnfID, d.Resources, nil
	})...)
	return &saga.Definition{
		Type: sagaTerminate, Version: 1, Deadline: s.cfg.Settings.Deadline, Undo: s.undoRetry(), Stages: stages,
	}
}

// grantedRemoval returns the data of a termination whose grant is in order.
func (s *Service) grantedRemoval(in *saga.Instance) (*terminateData, error) {
	d, err := saga.Data[terminateData](in)
	if err != nil {
		return nil, err
	}
	g, err := grantOf(in)
	if err != nil {
		return nil, err
	}
	if g == nil {
		return nil, fmt.Errorf("there is no grant")
	}
	return d, g.Check(&d.Grant)
}

// terminateOp is what TERMINATE makes of the turns of its saga.
type terminateOp struct{ before }

func (op terminateOp) warnings(*saga.Instance) []string { return nil }

// done records the resources an item released.
func (op terminateOp) done(_ *saga.Instance, run *saga.ItemRun, v *vnf.Instance) ([]vnf.OpCommand, error) {
	if run.Step == stepStop {
		return nil, nil
	}
	var out []vnf.OpCommand
	for _, x := range readCommand(run).Resources {
		out = append(out, vnf.Record{Event: plan.Released(v, x.Token.ID, x.Kind)})
	}
	return out, nil
}

func (op terminateOp) landed(in *saga.Instance, _ *vnf.Instance) (vnf.InstanceCommand, error) {
	return vnf.CompleteTerminate{OpID: in.ID, Released: releasedBy(in)}, nil
}

// rolledBack is empty: a termination undoes nothing.
func (op terminateOp) rolledBack(*saga.Instance, *vnf.Instance) (left, changed []vnf.Resource, err error) {
	return nil, nil, nil
}

// failed says what was released: the rest stays the instance's, to be terminated again. What told the VIM's side to
// stop belongs to nothing: it is left over unless it was released.
func (op terminateOp) failed(in *saga.Instance, _ *vnf.Instance) (vnf.OperationFailed, error) {
	d, err := saga.Data[terminateData](in)
	if err != nil {
		return vnf.OperationFailed{}, err
	}
	f := vnf.OperationFailed{OpID: in.ID, Released: releasedBy(in)}
	if d.Stop == nil {
		return f, nil
	}
	stop := d.Stop.Resources[0].Token.ID
	for _, r := range d.Resources {
		if r.ID == stop && !slices.Contains(f.Released, stop) && everSent(in, stepStop) {
			f.Leftovers = append(f.Leftovers, r)
		}
	}
	return f, nil
}

// releasedBy lists what a termination has released.
func releasedBy(in *saga.Instance) []string {
	var ids []string
	for _, run := range in.Items {
		if run.State != saga.ItemDone || run.Step == stepStop {
			continue
		}
		for _, x := range readCommand(run).Resources {
			ids = append(ids, x.Token.ID)
		}
	}
	return ids
}

// everSent reports whether any command of a step was sent.
func everSent(in *saga.Instance, step string) bool {
	return slices.ContainsFunc(in.Items, func(r *saga.ItemRun) bool { return r.Step == step && r.EverSent })
}
