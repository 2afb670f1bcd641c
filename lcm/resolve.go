package lcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// resolver turns a plan's references into the VIM's ids, from the grant and what earlier stages made.
type resolver struct {
	plan  *Plan
	grant *nfvo.Grant
	made  map[string]vim.Resource // by planned id
}

func newResolver(plan *Plan, in *saga.Instance) (*resolver, error) {
	g, err := grantOf(in)
	if err != nil {
		return nil, err
	}
	if g == nil {
		return nil, fmt.Errorf("there is no grant")
	}
	made, err := reserved(in)
	if err != nil {
		return nil, err
	}
	return &resolver{plan: plan.granted(g), grant: g, made: made}, nil
}

// reserved returns what a saga's done items made, by planned id.
func reserved(in *saga.Instance) (map[string]vim.Resource, error) {
	made := map[string]vim.Resource{}
	for _, r := range in.Items {
		if r.Step == stepGrant || r.State != saga.ItemDone || len(r.Result) == 0 {
			continue
		}
		var result vim.Reserved
		if err := json.Unmarshal(r.Result, &result); err != nil {
			return nil, fmt.Errorf("the result of %s %s cannot be read: %w", r.Step, r.Item, err)
		}
		for _, res := range result.Resources {
			made[res.Token.ID] = res
		}
	}
	return made, nil
}

func (p *Plan) resource(id string) *Planned {
	for i := range p.Resources {
		if p.Resources[i].ID == id {
			return &p.Resources[i]
		}
	}
	return nil
}

// placement is what the grant says of a planned resource beside its VIM connection and zone; nil when nothing.
func (r *resolver) placement(p *Planned) *vim.Placement {
	i := r.grant.Info(p.Definition)
	if p.Definition == "" || i == nil || i.Reservation == "" && i.Group == "" && i.Provider == "" {
		return nil
	}
	return &vim.Placement{Reservation: i.Reservation, Group: i.Group, Provider: i.Provider}
}

// place returns the VIM connection and the VIM's zone of a planned resource.
func (r *resolver) place(p *Planned) (connection, zone string) {
	for p != nil && p.Definition == "" {
		p = r.plan.resource(p.Near)
	}
	if p == nil {
		return "", ""
	}
	i := r.grant.Info(p.Definition)
	if i == nil {
		return "", ""
	}
	if z := r.grant.Zone(i.Zone); z != nil {
		zone = z.ZoneID
	}
	return i.Connection, zone
}

// group is a server group at one VIM: a rule whose computes are spread over several has one at each VIM that has at
// least two of them.
type group struct {
	id, connection string
}

func (r *resolver) groups(p *Planned) []group {
	count := map[string]int{}
	var order []string
	for _, m := range p.Members {
		c, _ := r.place(r.plan.resource(m))
		if count[c] == 0 {
			order = append(order, c)
		}
		count[c]++
	}
	var out []group
	for _, c := range order {
		if count[c] < 2 {
			continue
		}
		id := p.ID
		if len(out) > 0 {
			id = message.DeriveID(p.ID, c)
		}
		out = append(out, group{id: id, connection: c})
	}
	return out
}

// spec returns the specification of a planned resource with all references resolved.
func (r *resolver) spec(p *Planned) (vim.Spec, error) {
	connection, zone := r.place(p)
	s := p.Spec
	var err error
	switch p.Kind {
	case vim.Compute:
		s.Compute, err = r.compute(p, connection, zone)
	case vim.Port:
		s.Port, err = r.port(p, connection)
	case vim.Subnet:
		c := *s.Subnet
		c.Network, err = r.ref(c.Network, connection)
		s.Subnet = &c
	case vim.Volume:
		c := *s.Volume
		c.Zone = zone
		c.Image, err = r.ref(c.Image, connection)
		s.Volume = &c
	case vim.Configuration:
		c := *s.Configuration
		c.Computes = make(map[string]string, len(s.Configuration.Computes))
		for id, ref := range s.Configuration.Computes {
			if c.Computes[id], err = r.ref(ref, ""); err != nil {
				break
			}
		}
		s.Configuration = &c
	case vim.Network, vim.ServerGroup: // refer to nothing
	}
	if err != nil {
		return vim.Spec{}, fmt.Errorf("%s %s: %w", p.Kind, p.Spec.Name, err)
	}
	s.Placement = r.placement(p)
	return s, nil
}

func (r *resolver) compute(p *Planned, connection, zone string) (*vim.ComputeSpec, error) {
	c := *p.Spec.Compute
	c.Zone = zone
	var err error
	if c.Flavour, err = r.ref(c.Flavour, connection); err != nil {
		return nil, err
	}
	if c.Image, err = r.ref(c.Image, connection); err != nil {
		return nil, err
	}
	c.Ports = make([]string, len(p.Spec.Compute.Ports))
	for i, ref := range p.Spec.Compute.Ports {
		if c.Ports[i], err = r.ref(ref, connection); err != nil {
			return nil, err
		}
	}
	c.SubPorts = slices.Clone(p.Spec.Compute.SubPorts)
	for i := range c.SubPorts {
		s := &c.SubPorts[i]
		if s.Port, err = r.ref(s.Port, connection); err == nil {
			s.Parent, err = r.ref(s.Parent, connection)
		}
		if err != nil {
			return nil, err
		}
	}
	c.Volumes = slices.Clone(p.Spec.Compute.Volumes)
	for i := range c.Volumes {
		if c.Volumes[i].ID, err = r.ref(c.Volumes[i].ID, connection); err != nil {
			return nil, err
		}
	}
	c.ServerGroup = nil
	for _, ref := range p.Spec.Compute.ServerGroup {
		rule := r.plan.resource(strings.TrimPrefix(ref, refPlan))
		for _, g := range r.groups(rule) {
			if g.connection == connection {
				c.ServerGroup = append(c.ServerGroup, r.made[g.id].ID)
			}
		}
	}
	if c.UserData, err = r.boot(c.UserData); err != nil {
		return nil, err
	}
	return &c, nil
}

func (r *resolver) port(p *Planned, connection string) (*vim.PortSpec, error) {
	c := *p.Spec.Port
	var err error
	if c.Network, err = r.ref(c.Network, connection); err != nil {
		return nil, err
	}
	c.FixedIPs = slices.Clone(c.FixedIPs)
	for i := range c.FixedIPs {
		if c.FixedIPs[i].Subnet, err = r.ref(c.FixedIPs[i].Subnet, connection); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// ref resolves one reference. What is none is the VIM's own id already. connection, when set, is where the result must be.
func (r *resolver) ref(ref, connection string) (string, error) {
	if id, ok := strings.CutPrefix(ref, refPlan); ok {
		made, ok := r.made[id]
		if !ok {
			return "", fmt.Errorf("what it refers to (%s) was not made", id)
		}
		if at, _ := r.place(r.plan.resource(id)); connection != "" && at != connection {
			return "", fmt.Errorf("it is granted at %s, but refers to %s %s at %s", connection, made.Kind, made.Name, at)
		}
		return made.ID, nil
	}
	if id, ok := strings.CutPrefix(ref, refFlavour); ok {
		if a, ok := asset(r.grant.Flavours, id, connection); ok {
			return a, nil
		}
		return "", fmt.Errorf("the grant names no compute flavour for the VDU %s at %s", id, connection)
	}
	if id, ok := strings.CutPrefix(ref, refImage); ok {
		if a, ok := asset(r.grant.Images, id, connection); ok {
			return a, nil
		}
		return "", fmt.Errorf("the grant names no software image for %s at %s", id, connection)
	}
	if cpd, ok := strings.CutPrefix(ref, refExtNet); ok {
		n := extNetwork(r.grant, cpd)
		if n == nil {
			return "", fmt.Errorf("the grant connects %s to no network", cpd)
		}
		if n.Connection != "" && n.Connection != connection {
			return "", fmt.Errorf("it is granted at %s, but connected to the network %s at %s", connection, n.NetworkID, n.Connection)
		}
		return n.NetworkID, nil
	}
	return ref, nil
}

// misplaced says which port is granted at one VIM while what it is to be connected to, or is made of, is said to be at another;
// nil when none is. A network's id at one VIM may be that of something else at another.
func (r *resolver) misplaced() error {
	at := map[string]string{} // connections of links
	for _, l := range r.plan.ExtLinks {
		at["external link "+l.ID] = l.Connection
	}
	for _, l := range r.plan.Links {
		at["internal link "+l.Desc] = l.Connection
	}
	external := map[string]string{} // link by external connection point
	for _, e := range r.plan.ExtCps {
		external[e.ID] = e.ExtLink
	}
	for _, c := range r.plan.Vnfcs {
		granted, _ := r.place(r.plan.resource(c.ID))
		for _, cp := range c.Cps {
			link, wanted := "internal link "+cp.Link, at["internal link "+cp.Link]
			if cp.ExtCp != "" {
				link = "external link " + external[cp.ExtCp]
				wanted = at[link]
			}
			if cp.Foreign != nil && cp.Foreign.Handle.Connection != "" {
				link, wanted = "port "+cp.Foreign.ID, cp.Foreign.Handle.Connection
			}
			if wanted != "" && granted != "" && wanted != granted {
				return fmt.Errorf("%s of the VDU %s is granted at the VIM connection %s, but the %s that it is connected to is at %s",
					cp.Cpd, c.Vdu, granted, link, wanted)
			}
		}
	}
	return nil
}

// boot renders the boot data of a compute.
func (r *resolver) boot(ref string) (string, error) {
	rest, ok := strings.CutPrefix(ref, refBoot)
	if !ok {
		return ref, nil
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return "", fmt.Errorf("%q names no boot data", ref)
	}
	vdu := rest[:i]
	index, err := strconv.Atoi(rest[i+1:])
	if err != nil {
		return "", fmt.Errorf("%q names no boot data: %w", ref, err)
	}
	return vnfd.Render(r.plan.Boots[vdu], bootVars(r.plan.Vars, vdu, index))
}
