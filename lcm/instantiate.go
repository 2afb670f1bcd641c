package lcm

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Instantiate implements API: the plan is from nothing to what the descriptor and the request want.
func (s *Service) Instantiate(ctx context.Context, vnfID string, r Instantiate, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.instantiation(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanInstantiate implements API.
func (s *Service) PlanInstantiate(ctx context.Context, vnfID string, r Instantiate) (*Preview, error) {
	o, err := s.instantiation(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) instantiation(ctx context.Context, vnfID string, r *Instantiate) (*wish, error) {
	if err := s.checkAddresses(r.ExtLinks); err != nil {
		return nil, err
	}
	own, connection, err := s.connect(ctx, vnfID, r.ExtLinks, r.ExtManaged, r.Connections)
	if err != nil {
		return nil, s.orMissing(ctx, vnfID, err)
	}
	return &wish{
		command: "lcm.instantiate", operation: vnf.OpInstantiate, params: r.Params, own: own,
		extensions: r.Extensions, configurable: r.Configurable, checksProperties: true, take: s.cfg.Settings.Take,
		plan: func(b *beginning) error { return s.planInstantiate(b, r, connection) },
	}, nil
}

func (s *Service) planInstantiate(b *beginning, asked *Instantiate, connection string) error {
	r := *asked
	r.Extensions, r.Configurable = b.data.Extensions, b.data.Configurable // laid over what is there
	f, ok := b.descriptor.Flavour(r.FlavourID)
	if !ok {
		return vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no deployment flavour %q; it has %s", r.FlavourID, plan.Flavours(b.descriptor)).At("/flavourId")
	}
	schema := f.Operations[string(vnf.OpInstantiate)].ParamsSchema
	if err := b.check(schema, r.AdditionalParams); err != nil {
		return err
	}
	r.AdditionalParams = b.seal(r.AdditionalParams, schema)
	want, err := plan.Build(b.data.OpID, nameOf(b.vnf), b.descriptor, &plan.Request{
		FlavourID: r.FlavourID, Level: r.Level, ExtLinks: r.ExtLinks, ExtManaged: r.ExtManaged, Localization: r.Localization,
		Limits: s.cfg.Settings.Limits,
	}, bootValues(b.vnf, f, &r))
	if err != nil {
		return err
	}
	if connection == "" {
		connection = ownOnly(b.vnf)
	}
	want.Warnings = append(want.Warnings, vnf.Beyond(b.descriptor, r.Extensions, r.Configurable)...)
	b.data.Grant = nfvo.GrantRequest{
		FlavourID: f.ID, Level: want.Level, DefaultConnection: connection, AdditionalParams: r.AdditionalParams,
	}
	b.data.Reversible = true
	b.policy = s.policy(vnf.OpInstantiate, f)
	return b.want(nil, want, plan.Options{})
}

// landInstantiate makes the instance what the resources amount to.
func landInstantiate(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	resources, err := records(o)
	if err != nil {
		return nil, err
	}
	params, err := overlaid(d.Grant.AdditionalParams, o.Grant().AdditionalParams)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteInstantiate{Landed: vnf.InstanceInstantiated{
		OpID: d.OpID, Info: o.Info(), Resources: resources, Connections: connections(v, resources, o.Grant()),
		Extensions: d.Extensions, Configurable: d.Configurable, Values: o.Want().Vars, Params: params,
	}}, nil
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
			if all[k] = vnfd.Text(raw); mergepatch.Null(raw) {
				delete(all, k)
			}
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

// checkAddresses refuses more addresses on one connection point than the site allows.
func (s *Service) checkAddresses(links []ExtLink) error {
	for i, l := range links {
		for j, data := range l.Cps {
			for _, key := range slices.Sorted(maps.Keys(data.Config)) {
				c := data.Config[key]
				negative := slices.ContainsFunc(c.Addresses(), func(ips vnf.ExtCpIPs) bool { return ips.Dynamic < 0 })
				if n := c.Wanted(); negative || n > s.cfg.Settings.Addresses {
					at := fmt.Sprintf("/extVirtualLinks/%d/extCps/%d/cpConfig%s", i, j, vnfm.Step(key))
					return vnfm.Errorf(vnfm.Unprocessable, "a connection point has at most %d addresses here (operation-addresses), fixedAddresses and numDynamicAddresses together; %s of %s wants %d",
						s.cfg.Settings.Addresses, key, data.CpdID, n).At(at)
				}
			}
		}
	}
	return nil
}
