package lcm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// sagaInstantiate is the type of the saga of INSTANTIATE.
const sagaInstantiate = "instantiate"

// instantiateData is the data of the saga: fixed at its begin.
type instantiateData struct {
	VnfID        string                     `json:"vnfInstanceId"`
	OpID         string                     `json:"opOccId"`
	Number       int64                      `json:"number"` // the operation's, for its VNF: the fence
	Batch        int                        `json:"batch"`
	Plan         *Plan                      `json:"plan"`
	Grant        nfvo.GrantRequest          `json:"grantRequest"`
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"`
}

// Instantiate implements API.
func (s *Service) Instantiate(ctx context.Context, vnfID string, r Instantiate, by request.Info) (*vnf.OpOcc, error) {
	own, connection, err := s.connect(ctx, vnfID, &r)
	if err != nil {
		if _, missing := s.instance(ctx, vnfID); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	return s.begin(ctx, vnfID, "lcm.instantiate", by, func(x *change, v *vnf.Instance, opID string, d *vnfd.Descriptor) error {
		return s.beginInstantiate(x, v, opID, d, &r, own, connection, by)
	}, also{load: own.load()})
}

// beginInstantiate adds the operation and its saga to the commit.
func (s *Service) beginInstantiate(
	x *change, v *vnf.Instance, opID string, d *vnfd.Descriptor, r *Instantiate, own *owning, connection string, by request.Info,
) error {
	err := x.onInstance(v, v.ID, vnf.BeginOperation{
		OpID: opID, Operation: vnf.OpInstantiate, Descriptor: d, Extensions: r.Extensions, Configurable: r.Configurable,
	})
	if err != nil {
		return err
	}
	f, ok := d.Flavour(r.FlavourID)
	if !ok {
		return vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no deployment flavour %q; it has %s", r.FlavourID, flavours(d)).At("/flavourId")
	}
	if err := vnf.CheckSchema(f.Operations[string(vnf.OpInstantiate)].ParamsSchema, r.AdditionalParams, "/additionalParams"); err != nil {
		return err
	}
	if _, err := x.own(own, v, opID); err != nil {
		return err
	}
	if connection == "" {
		connection = ownOnly(v)
	}
	vars := bootValues(v, f, r)
	plan, err := NewPlan(opID, nameOf(v), d, r, vars)
	if err != nil {
		return err
	}
	data := instantiateData{
		VnfID: v.ID, OpID: opID, Number: v.Operations, Batch: s.cfg.Settings.Batch, Plan: plan,
		Extensions: r.Extensions, Configurable: r.Configurable,
		Grant: nfvo.GrantRequest{
			VnfID: v.ID, OpOccID: opID, VnfdID: v.VnfdID, FlavourID: f.ID, Operation: string(vnf.OpInstantiate),
			Level: plan.Level, DefaultConnection: connection, AdditionalParams: r.AdditionalParams,
		},
	}
	plan.addRequest(&data.Grant)
	raw, err := json.Marshal(data)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode the data of operation %s", opID)
	}
	policy := s.policy(vnf.OpInstantiate, f)
	started := vnf.OpStarted{
		ID: opID, VnfID: v.ID, Operation: vnf.OpInstantiate, Number: v.Operations, Params: r.Params,
		Policy: string(policy), Actor: by.Actor,
	}
	for _, p := range plan.Resources {
		started.Planned = append(started.Planned, vnf.PlannedStep{
			Step: stepOf(&p), ID: p.ID, Kind: string(p.Kind), Name: p.Spec.Name,
		})
	}
	if err := x.onOpOcc(&vnf.OpOcc{}, opID, vnf.StartOperation{Started: started}); err != nil {
		return err
	}
	return s.runtime.Begin(x.l, x.c, saga.New{
		ID: opID, Type: sagaInstantiate, DefVersion: s.runtime.Newest(sagaInstantiate), Key: v.ID, Policy: policy, Data: raw,
		Actor: by.Actor, Cause: by.ID, Traceparent: by.Traceparent,
	})
}

// nameOf is what the names of an instance's resources begin with.
func nameOf(v *vnf.Instance) string {
	if v.Name != "" {
		return v.Name
	}
	return "vnf-" + v.ID[:min(8, len(v.ID))]
}

// bootValues collects the values of the variables that the flavour's boot data use, and no others: additionalParams before extensions
// before configurable properties (those of the request before the instance's), and the built-in names.
func bootValues(v *vnf.Instance, f *vnfd.Flavour, r *Instantiate) map[string]string {
	all := map[string]string{}
	add := func(m map[string]json.RawMessage) {
		for k, raw := range m {
			all[k] = vnfd.Text(raw)
		}
	}
	add(v.Configurable)
	add(r.Configurable)
	add(v.Extensions)
	add(r.Extensions)
	var params map[string]json.RawMessage
	if json.Unmarshal(r.AdditionalParams, &params) == nil {
		add(params)
	}
	all["vnf.id"], all["vnf.name"] = v.ID, nameOf(v)
	vars := map[string]string{}
	for _, vdu := range f.Vdus {
		if vdu.BootData == nil {
			continue
		}
		for name, x := range all {
			if strings.Contains(vdu.BootData.Content, "${"+name+"}") {
				vars[name] = x
			}
		}
	}
	return vars
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

// stepOf is the step that reserves a planned resource.
func stepOf(p *Planned) string {
	if p.Kind == vim.Port && slices.ContainsFunc(p.Spec.Port.FixedIPs, func(ip vim.FixedIP) bool { return ip.Address != "" }) {
		return stepFixedPorts
	}
	return reserveStep[p.Kind]
}

// instantiateV1 is the saga: grant → networks, server groups → subnets, volumes → ports with given addresses → other
// ports → computes → configuration.
func (s *Service) instantiateV1() *saga.Definition {
	step := func(id string) saga.Step {
		return s.reserving(id, func(in *saga.Instance) ([]saga.Item, error) {
			d, err := saga.Data[instantiateData](in)
			if err != nil {
				return nil, err
			}
			r, err := newResolver(d.Plan, in)
			if err != nil {
				return nil, err
			}
			if id == reserveStep[vim.Network] || id == reserveStep[vim.ServerGroup] { // nothing is begun yet: a bad grant leaves no trace
				if err := checkGrant(&d.Grant, r.grant); err != nil {
					return nil, err
				}
				for _, cpd := range r.plan.needsExtNetwork() {
					if extNetwork(r.grant, cpd) == nil {
						return nil, vnfm.Errorf(vnfm.Unprocessable, "neither the request nor the grant connects %s", cpd)
					}
				}
			}
			return reserveItems(vim.ReserveResources{VnfID: d.VnfID, Fence: d.Number}, d.Batch, r, id)
		})
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

// instantiateOp is what INSTANTIATE makes of the turns of its saga.
type instantiateOp struct{ s *Service }

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
	var result vim.Reserved
	if err := json.Unmarshal(run.Result, &result); err != nil {
		return nil, vnfm.Wrap(vnfm.Invalid, err, "the result of %s %s", run.Step, run.Item)
	}
	r, err := newResolver(d.Plan, in)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "operation %s", in.ID)
	}
	var out []vnf.OpCommand
	for _, res := range result.Resources {
		out = append(out, vnf.Record{Event: r.event(res)})
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
	r, err := newResolver(d.Plan, in)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "operation %s", in.ID)
	}
	info := r.info()
	resources := r.held(in)
	return vnf.CompleteInstantiate{Landed: vnf.InstanceInstantiated{
		OpID: in.ID, Info: info, Resources: resources, Connections: op.s.connections(v, resources),
		Extensions: d.Extensions, Configurable: d.Configurable,
	}}, nil
}

// failed lists what stands, or may stand, of the resources.
func (op instantiateOp) failed(in *saga.Instance, v *vnf.Instance) (vnf.OperationFailed, error) {
	f := vnf.OperationFailed{OpID: in.ID}
	left, err := op.left(in, in.Standing())
	if err != nil {
		return f, err
	}
	skipped, err := op.skipped(in, v)
	f.Leftovers = slices.Concat(left, skipped)
	return f, err
}

// skipped lists what an operator left behind on purpose, by skipping an undo that failed.
func (op instantiateOp) skipped(in *saga.Instance, _ *vnf.Instance) ([]vnf.Resource, error) {
	runs := slices.DeleteFunc(slices.Clone(in.Items), func(r *saga.ItemRun) bool { return r.State != saga.ItemSkipped })
	return op.left(in, runs)
}

func (op instantiateOp) left(in *saga.Instance, runs []*saga.ItemRun) ([]vnf.Resource, error) {
	d, err := saga.Data[instantiateData](in)
	if err != nil {
		return nil, err
	}
	made := standingResults(in)
	var out []vnf.Resource
	for _, run := range runs {
		if run.Step != stepGrant {
			out = append(out, leftovers(d.Plan, run, made)...)
		}
	}
	return out, nil
}
