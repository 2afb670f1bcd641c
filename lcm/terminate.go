package lcm

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// sagaTerminate is the type of the saga of TERMINATE.
const sagaTerminate = "terminate"

// stepStop is the step that stops the VNF before its resources go.
const stepStop = "stop"

// The termination types (SOL003 v3.7.1 §5.5.2.8).
const (
	graceful = "GRACEFUL"
	forceful = "FORCEFUL"
)

// terminateData is the data of the saga: fixed at its begin.
type terminateData struct {
	VnfID     string                `json:"vnfInstanceId"`
	OpID      string                `json:"opOccId"`
	Grant     nfvo.GrantRequest     `json:"grantRequest"`
	Resources []vnf.Resource        `json:"resources"` // all to be released
	Stop      *vim.ReserveResources `json:"stop,omitempty"`
	StopMs    int64                 `json:"stopTimeoutMs,omitempty"`
}

// Terminate implements API.
func (s *Service) Terminate(ctx context.Context, vnfID string, r Terminate, by request.Info) (*vnf.OpOcc, error) {
	switch {
	case r.Type != graceful && r.Type != forceful:
		return nil, vnfm.Errorf(vnfm.Invalid, "terminationType is %s or %s, not %q", forceful, graceful, r.Type).At("/terminationType")
	case r.Type == forceful && r.GracefulTimeout != 0:
		return nil, vnfm.Errorf(vnfm.Invalid, "gracefulTerminationTimeout goes with %s only", graceful).At("/gracefulTerminationTimeout")
	case r.GracefulTimeout < 0:
		return nil, vnfm.Errorf(vnfm.Invalid, "a timeout is not negative").At("/gracefulTerminationTimeout")
	}
	return s.begin(ctx, vnfID, "lcm.terminate", by, func(x *change, v *vnf.Instance, opID string, d *vnfd.Descriptor) error {
		return s.beginTerminate(x, v, opID, d, &r, by)
	}, also{})
}

// beginTerminate adds the operation and its saga to the commit.
func (s *Service) beginTerminate(x *change, v *vnf.Instance, opID string, d *vnfd.Descriptor, r *Terminate, by request.Info) error {
	if err := x.onInstance(v, v.ID, vnf.BeginOperation{OpID: opID, Operation: vnf.OpTerminate}); err != nil {
		return err
	}
	flavour := &vnfd.Flavour{}
	if f, ok := d.Flavour(v.Info.FlavourID); ok {
		flavour = f
	}
	about := flavour.Operations[string(vnf.OpTerminate)]
	if err := vnf.CheckSchema(about.ParamsSchema, r.AdditionalParams, "/additionalParams"); err != nil {
		return err
	}
	data := terminateData{
		VnfID: v.ID, OpID: opID, Resources: slices.Concat(v.Resources, v.Leftovers),
		Grant: nfvo.GrantRequest{
			VnfID: v.ID, OpOccID: opID, VnfdID: v.VnfdID, Operation: string(vnf.OpTerminate), AdditionalParams: r.AdditionalParams,
		},
	}
	for _, res := range v.Resources {
		if res.Definition == "" {
			continue
		}
		def := nfvo.ResourceDefinition{
			ID: res.Definition, Type: grantTypes[vim.Kind(res.Kind)], TemplateID: res.Template, Planned: res.ID,
			Resource: &nfvo.ResourceHandle{Connection: res.Connection, ID: res.VimID, Type: res.VimType},
		}
		if vim.Kind(res.Kind) == vim.Compute {
			def.VduID = res.Template
		}
		data.Grant.Remove = append(data.Grant.Remove, def)
	}
	if r.Type == graceful {
		data.stop(v, s.gracefulTimeout(r, about))
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode the data of operation %s", opID)
	}
	started := vnf.OpStarted{
		ID: opID, VnfID: v.ID, Operation: vnf.OpTerminate, Number: v.Operations, Params: r.Params,
		Policy: string(saga.Hold), Irreversible: true, Actor: by.Actor, Planned: data.planned(nameOf(v)),
	}
	if err := x.onOpOcc(&vnf.OpOcc{}, opID, vnf.StartOperation{Started: started}); err != nil {
		return err
	}
	return s.runtime.Begin(x.l, x.c, saga.New{
		ID: opID, Type: sagaTerminate, DefVersion: s.runtime.Newest(sagaTerminate), Key: v.ID, Policy: saga.Hold, Data: raw,
		Actor: by.Actor, Cause: by.ID, Traceparent: by.Traceparent,
	})
}

// gracefulTimeout is the request's, else the site's, within what the descriptor allows.
func (s *Service) gracefulTimeout(r *Terminate, about vnfd.Operation) time.Duration {
	d := s.cfg.Settings.GracefulTimeout
	if r.GracefulTimeout > 0 {
		d = time.Duration(r.GracefulTimeout) * time.Second
	}
	if limit := time.Duration(about.MaxGracefulTimeout) * time.Second; limit > 0 && d > limit {
		d = limit
	}
	return d
}

// stop plans to stop the VNF first. What tells the VIM's side to stop is released with the rest.
func (d *terminateData) stop(v *vnf.Instance, timeout time.Duration) {
	c := &vim.ConfigurationSpec{Action: "stop", Computes: map[string]string{}}
	connection := ""
	for _, res := range v.Resources {
		if vim.Kind(res.Kind) == vim.Compute && res.VimID != "" {
			c.Computes[res.ID] = res.VimID
			if connection == "" {
				connection = res.Connection
			}
		}
	}
	if len(c.Computes) == 0 {
		return
	}
	t := vim.Token{ID: message.DeriveID(d.OpID, stepStop), Generation: 1}
	name := nameOf(v) + "-" + stepStop
	d.StopMs = timeout.Milliseconds()
	d.Stop = &vim.ReserveResources{
		VnfID: v.ID, Connection: connection, Fence: v.Operations, Deadline: d.StopMs,
		Resources: []vim.Reserve{{Token: t, Kind: vim.Configuration, Spec: vim.Spec{Name: name, Configuration: c}}},
	}
	d.Resources = append(d.Resources, vnf.Resource{
		ID: t.ID, Generation: t.Generation, Kind: string(vim.Configuration), Name: name, Connection: connection,
		Stage: StageOf(vim.Configuration),
	})
}

// planned lists the steps of the operation for its progress, in the order they are taken.
func (d *terminateData) planned(name string) []vnf.PlannedStep {
	var out []vnf.PlannedStep
	if d.Stop != nil {
		r := d.Stop.Resources[0]
		out = append(out, vnf.PlannedStep{Step: stepStop, ID: r.Token.ID, Kind: string(r.Kind), Name: r.Spec.Name})
	}
	for _, k := range slices.Backward(kindOrder) {
		for _, r := range d.Resources {
			if vim.Kind(r.Kind) != k || d.Stop != nil && r.ID == d.Stop.Resources[0].Token.ID {
				continue
			}
			n := r.Name
			if n == "" {
				n = name + "-" + r.Template
			}
			out = append(out, vnf.PlannedStep{Step: releaseStep[k], ID: r.ID, Kind: r.Kind, Name: n})
		}
	}
	return out
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
	return d, checkGrant(&d.Grant, g)
}

// terminateOp is what TERMINATE makes of the turns of its saga.
type terminateOp struct{ s *Service }

func (op terminateOp) warnings(*saga.Instance) []string { return nil }

// done records the resources an item released.
func (op terminateOp) done(_ *saga.Instance, run *saga.ItemRun, v *vnf.Instance) ([]vnf.OpCommand, error) {
	if run.Step == stepStop {
		return nil, nil
	}
	var out []vnf.OpCommand
	for _, x := range readCommand(run).Resources {
		out = append(out, vnf.Record{Event: released(v, x.Token.ID, x.Kind)})
	}
	return out, nil
}

func (op terminateOp) landed(in *saga.Instance, _ *vnf.Instance) (vnf.InstanceCommand, error) {
	return vnf.CompleteTerminate{OpID: in.ID, Released: releasedBy(in)}, nil
}

// skipped is empty: a termination undoes nothing.
func (op terminateOp) skipped(*saga.Instance, *vnf.Instance) ([]vnf.Resource, error) { return nil, nil }

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
