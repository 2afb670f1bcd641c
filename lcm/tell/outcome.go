package tell

import (
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/vnf"
)

// Filled returns the command that configures a VNF with what has become of the plan: the machines that were made by the VIM's ids, and, for who
// has an endpoint, the connection points and VNFCs that the plan is about.
func Filled(c configuration.Configure, p *plan.Plan, o *plan.Outcome) configuration.Configure {
	t := touchedBy(p)
	c.Computes = map[string]configuration.Compute{}
	for id, at := range o.Computes(o.Made) {
		if t.makes[id] {
			c.Computes[id] = configuration.Compute{Connection: at.Connection, ID: at.ID}
		}
	}
	if c.Endpoint == nil {
		return c
	}
	info := o.Info()
	e := addressed(*c.Endpoint, info)
	c.Endpoint = &e
	known := c.Vnfcs
	c.ExtCps, c.Vnfcs = parts(info, t.ids)
	for i := range c.Vnfcs {
		if at := slices.IndexFunc(known, func(x configuration.Vnfc) bool { return x.ID == c.Vnfcs[i].ID }); at >= 0 {
			c.Vnfcs[i].Properties = known[at].Properties
		}
	}
	return c
}

// Addressed returns a coordination with the address of its endpoint as it is by now.
func Addressed(c configuration.Coordinate, o *plan.Outcome) configuration.Coordinate {
	if c.Endpoint.Cpd != "" {
		c.Endpoint = addressed(c.Endpoint, o.Info())
	}
	return c
}

// addressed returns an endpoint with the address of its connection point, where the plan is about it.
func addressed(e configuration.Endpoint, info *vnf.InstantiatedInfo) configuration.Endpoint {
	for _, cp := range info.ExtCps {
		if e.Cpd != "" && cp.CpdID == e.Cpd && len(cp.Addresses.IPs) > 0 && (e.CpID == "" || e.CpID == cp.ID) {
			e.CpID, e.Address = cp.ID, cp.Addresses.IPs[0].Address
		}
	}
	return e
}

// parts are the external connection points and the VNFCs of a VNF that resources belong to.
func parts(info *vnf.InstantiatedInfo, ids map[string]bool) (cps []configuration.Cp, vnfcs []configuration.Vnfc) {
	exposed := map[string]bool{} // VNFC CPs by whether they are touched
	for _, c := range info.Vnfcs {
		touched := ids[c.ID]
		x := configuration.Vnfc{ID: c.ID, Vdu: c.VduID, Properties: object(c.Configurable)}
		for _, cp := range c.Cps {
			if ids[cp.LinkPortID] {
				touched = true
			}
			exposed[cp.ID] = ids[c.ID]
			if cp.ExtCpID == "" {
				x.Cps = append(x.Cps, point(cp.ID, cp.CpdID, cp.Addresses))
			}
		}
		if touched {
			vnfcs = append(vnfcs, x)
		}
	}
	for _, cp := range info.ExtCps {
		if ids[cp.LinkPortID] || exposed[cp.VnfcCpID] || ids[cp.LinkID] {
			cps = append(cps, point(cp.ID, cp.CpdID, cp.Addresses))
		}
	}
	return cps, vnfcs
}

func point(id, cpd string, p vnf.Protocol) configuration.Cp {
	out := configuration.Cp{ID: id, Cpd: cpd, MAC: p.MAC}
	for _, ip := range p.IPs {
		out.IPs = append(out.IPs, ip.Address)
	}
	return out
}

func object(values map[string]json.RawMessage) json.RawMessage {
	if len(values) == 0 {
		return nil
	}
	b, err := json.Marshal(values)
	if err != nil {
		panic("lcm/tell: what was JSON does not marshal") // its text is not said
	}
	return b
}

// Heard returns what an operation occurrence records of a coordination that its participant tells of: what is new of it, and its
// warnings once it has ended.
func Heard(o *vnf.OpOcc, known json.RawMessage) ([]vnf.OpCommand, error) {
	if len(known) == 0 {
		return nil, nil
	}
	var c configuration.Coordination
	if err := json.Unmarshal(known, &c); err != nil {
		return nil, vnfm.Wrap(vnfm.Invalid, err, "what is known of a coordination cannot be read")
	}
	var is *vnf.Coordination
	if c.ID != "" {
		is = &vnf.Coordination{
			ID: c.ID, Action: c.Action, Endpoint: c.Endpoint, Result: c.Result, Started: c.Started, Ended: c.Ended, Delay: c.Delay,
		}
	}
	var rejected []vnf.Rejection
	for _, r := range c.Rejections {
		rejected = append(rejected, vnf.Rejection{Action: c.Action, Endpoint: c.Endpoint, At: r.At, Delay: r.Delay})
	}
	e := o.News(is, rejected)
	if e == nil {
		return nil, nil
	}
	out := []vnf.OpCommand{vnf.Record{Event: e}}
	if c.Warnings != "" && e.Coordination != nil && c.Result != "" {
		out = append(out, vnf.Record{Event: &vnf.OpWarned{Text: c.Action + ": " + c.Warnings}})
	}
	return out, nil
}
