package lcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// sagaInstantiate is the type of the saga that carried out INSTANTIATE before every operation had a plan. Sagas of it that are
// under way go on; none is begun.
const sagaInstantiate = "instantiate"

// instantiateData is the data of the saga: fixed at its begin.
type instantiateData struct {
	VnfID        string                     `json:"vnfInstanceId"`
	OpID         string                     `json:"opOccId"`
	Number       int64                      `json:"number"` // the operation's, for its VNF: the fence
	Plan         *plan.Wanted               `json:"plan"`
	Grant        nfvo.GrantRequest          `json:"grantRequest"`
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"`

	mu       sync.Mutex
	resolver *plan.Resolver
	grant    *nfvo.Grant // that of the resolver
}

// reserveStep is the step that reserves a kind.
//
//nolint:gochecknoglobals // data
var reserveStep = map[vim.Kind]string{
	vim.Network: "networks", vim.ServerGroup: "server-groups", vim.Subnet: "subnets", vim.Volume: "volumes",
	vim.Port: "ports", vim.Compute: "computes", vim.Configuration: "configuration",
}

// stepFixedPorts reserves the ports whose addresses are given, before the others: a VIM that chooses an address for one
// would else be free to choose the one that another must have.
const stepFixedPorts = "fixed-ports"

// reserveStepOf is the step that reserves a planned resource.
func reserveStepOf(p *plan.Resource) string {
	if p.Kind == vim.Port && slices.ContainsFunc(p.Spec.Port.FixedIPs, func(ip vim.FixedIP) bool { return ip.Address != "" }) {
		return stepFixedPorts
	}
	return reserveStep[p.Kind]
}

// instantiateV1 is the saga: grant → networks, server groups → subnets, volumes → ports with given addresses → other
// ports → computes → configuration.
func (s *Service) instantiateV1() *saga.Definition {
	step := func(id string) saga.Step {
		return saga.Step{
			ID: id, Topic: message.TopicVimCommands, Do: vim.TypeReserve, UndoAs: vim.TypeRelease,
			Timeout: s.cfg.Settings.StepTimeout, Retry: s.retry(), DataFor: withGeneration, UndoData: releaseOf,
			Items: func(in *saga.Instance) ([]saga.Item, error) { return reserveItems(in, id) },
		}
	}
	return &saga.Definition{
		Type: sagaInstantiate, Version: 1, Rollbackable: saga.Always, Deadline: s.cfg.Settings.Deadline, Undo: s.undoRetry(),
		Stages: []saga.Stage{
			s.grantStage(func(in *saga.Instance) (nfvo.GrantRequest, error) {
				d, err := saga.Data[instantiateData](in)
				if err != nil {
					return nfvo.GrantRequest{}, err
				}
				return d.Grant, nil
			}),
			{ID: "networks", Steps: []saga.Step{step("networks"), step("server-groups")}},
			{ID: "subnets", Steps: []saga.Step{step("subnets"), step("volumes")}},
			{ID: "fixed-ports", Steps: []saga.Step{step(stepFixedPorts)}},
			{ID: "ports", Steps: []saga.Step{step("ports")}},
			{ID: "computes", Steps: []saga.Step{step("computes")}},
			{ID: "configuration", Steps: []saga.Step{step("configuration")}},
		},
	}
}

// outcome returns the plan with its grant, and what was made.
func (d *instantiateData) outcome(in *saga.Instance) (*plan.Outcome, error) {
	run := in.Item(stepGrant, "")
	if run == nil || len(run.Result) == 0 {
		return nil, fmt.Errorf("there is no grant")
	}
	g, err := saga.Result[nfvo.Grant](run)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.grant != g {
		p, err := plan.New(nil, d.Plan, plan.Options{})
		if err != nil {
			return nil, err
		}
		d.resolver, d.grant = plan.NewResolver(p, g), g
	}
	return &plan.Outcome{Resolver: d.resolver, Made: reserved(in)}, nil
}

// reservations is what the items of a saga reserved, by planned id.
type reservations map[string]vim.Resource

// reserved returns what the items of a saga have reserved, whatever became of it since.
func reserved(in *saga.Instance) reservations {
	m := reservations{}
	for _, run := range in.Items {
		if r, err := saga.Result[vim.Reserved](run); run.Step != stepGrant && err == nil && r != nil {
			for _, res := range r.Resources {
				m[res.Token.ID] = res
			}
		}
	}
	return m
}

// Made implements plan.Made.
func (m reservations) Made(id string) (vim.Resource, bool) {
	r, ok := m[id]
	return r, ok
}

// Changed implements plan.Made: nothing was ever changed.
func (m reservations) Changed(string) (vim.Resource, bool) { return vim.Resource{}, false }

// Remade implements plan.Made: nothing was ever made again.
func (m reservations) Remade(string) (vim.Resource, bool) { return vim.Resource{}, false }

// reserveItems lists the commands of one step.
func reserveItems(in *saga.Instance, step string) ([]saga.Item, error) {
	d, err := saga.Data[instantiateData](in)
	if err != nil {
		return nil, err
	}
	o, err := d.outcome(in)
	if err != nil {
		return nil, err
	}
	if step == reserveStep[vim.Network] || step == reserveStep[vim.ServerGroup] { // nothing is begun yet: a bad grant leaves no trace
		if err := d.grant.Check(&d.Grant); err != nil {
			return nil, err
		}
		if err := o.Check(); err != nil {
			return nil, vnfm.Wrap(vnfm.Unprocessable, err, "operation %s", d.OpID)
		}
	}
	var items []saga.Item
	for i := range o.Want().Resources {
		r := &o.Want().Resources[i]
		if reserveStepOf(r) != step {
			continue
		}
		connection, spec, err := o.Creation(plan.Step{Action: plan.Create, ID: r.ID}, o.Made)
		if err != nil {
			return nil, err
		}
		items = append(items, saga.Item{ID: r.ID, Data: vim.Encode(vim.ReserveResources{
			VnfID: d.VnfID, Connection: connection, Fence: d.Number,
			Resources: []vim.Reserve{{Token: vim.Token{ID: r.ID, Generation: 1}, Kind: r.Kind, Spec: spec}},
		})})
	}
	return items, nil
}

// instantiateOp is what INSTANTIATE makes of the turns of its saga.
type instantiateOp struct{ before }

func (op instantiateOp) warnings(in *saga.Instance) []string {
	d, err := saga.Data[instantiateData](in)
	if err != nil {
		return nil
	}
	return d.Plan.Warnings
}

// done records the resources an item made.
func (op instantiateOp) done(in *saga.Instance, run *saga.ItemRun, _ *vnf.Instance) ([]vnf.OpCommand, error) {
	d, err := saga.Data[instantiateData](in)
	if err != nil {
		return nil, err
	}
	o, err := d.outcome(in)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "operation %s", in.ID)
	}
	result, err := saga.Result[vim.Reserved](run)
	if err != nil || result == nil {
		return nil, err
	}
	var out []vnf.OpCommand
	for _, res := range result.Resources {
		out = append(out, vnf.Record{Event: o.Reserved(plan.Step{}, res)})
		for _, w := range res.Warnings {
			out = append(out, vnf.Record{Event: &vnf.OpWarned{Text: w}})
		}
	}
	return out, nil
}

// landed makes the instance what the resources amount to.
func (op instantiateOp) landed(in *saga.Instance, v *vnf.Instance) (vnf.InstanceCommand, error) {
	d, err := saga.Data[instantiateData](in)
	if err != nil {
		return nil, err
	}
	o, err := d.outcome(in)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "operation %s", in.ID)
	}
	return landInstantiate(op.s, v, &planData{OpID: in.ID, Extensions: d.Extensions, Configurable: d.Configurable}, o)
}

// failed lists what stands, or may stand, of the resources.
func (op instantiateOp) failed(in *saga.Instance, v *vnf.Instance) (vnf.OperationFailed, error) {
	f := vnf.OperationFailed{OpID: in.ID, Leftovers: op.left(in, in.Standing())}
	skipped, _, err := op.rolledBack(in, v)
	f.Leftovers = slices.Concat(f.Leftovers, skipped)
	return f, err
}

// rolledBack lists what an operator left behind on purpose, by skipping an undo that failed.
func (op instantiateOp) rolledBack(in *saga.Instance, _ *vnf.Instance) (left, changed []vnf.Resource, err error) {
	runs := slices.DeleteFunc(slices.Clone(in.Items), func(r *saga.ItemRun) bool { return r.State != saga.ItemSkipped })
	return op.left(in, runs), nil, nil
}

func (op instantiateOp) left(in *saga.Instance, runs []*saga.ItemRun) []vnf.Resource {
	d, err := saga.Data[instantiateData](in)
	if err != nil {
		return nil
	}
	m := reserved(in)
	var out []vnf.Resource
	for _, run := range runs {
		out = append(out, commandedResources(d.Plan, run, m)...)
	}
	return out
}

// commandedResources lists the resources of one item as the instance records them.
func commandedResources(w *plan.Wanted, run *saga.ItemRun, m reservations) []vnf.Resource {
	c := readCommand(run)
	out := make([]vnf.Resource, 0, len(c.Resources))
	for _, x := range c.Resources {
		res := vnf.Resource{
			ID: x.Token.ID, Generation: run.Generation, Kind: string(x.Kind), Connection: c.Connection, Name: x.Spec.Name,
			Stage: plan.StageOf(x.Kind), VimID: m[x.Token.ID].ID, VimType: m[x.Token.ID].Type, Zone: m[x.Token.ID].Zone,
		}
		if i := slices.IndexFunc(w.Resources, func(r plan.Resource) bool { return r.ID == x.Token.ID }); i >= 0 {
			res.Template, res.Definition = w.Resources[i].Template, w.Resources[i].Definition
		}
		out = append(out, res)
	}
	return out
}

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
