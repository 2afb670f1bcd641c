package openstack

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// ports are Neutron's ports. A cloud's default security group is on each that has no rules, as on any port of the project.
type ports struct{}

type portDoc struct {
	neutron
	Network  string    `json:"network_id"`
	MAC      string    `json:"mac_address"`
	FixedIPs []fixedIP `json:"fixed_ips"`
	VnicType string    `json:"binding:vnic_type"`
	Device   string    `json:"device_id"`
	Role     string    `json:"device_owner"`
	Groups   []string  `json:"security_groups"`
	Pairs    []pair    `json:"allowed_address_pairs"`
}

// pair is an address that a port may use beside its own.
type pair struct {
	Address string `json:"ip_address"`
	MAC     string `json:"mac_address,omitempty"`
}

// pairs are shared addresses as Neutron takes them.
func pairs(shared []string) []pair {
	out := []pair{}
	for _, a := range shared {
		out = append(out, pair{Address: a})
	}
	return out
}

// shared are the addresses of a port's pairs. One with a MAC of its own says more than we would.
func (p portDoc) shared() []string {
	var out []string
	for _, x := range p.Pairs {
		a := strings.TrimSuffix(strings.TrimSuffix(x.Address, "/32"), "/128")
		if x.MAC != "" && x.MAC != p.MAC {
			a += " with " + x.MAC
		}
		out = append(out, a)
	}
	return out
}

type fixedIP struct {
	Subnet  string `json:"subnet_id,omitempty"`
	Address string `json:"ip_address,omitempty"`
}

func (p portDoc) item() (item, bool) {
	it, ok := p.neutron.item(vim.Port, "OS::Neutron::Port")
	it.doc, it.MAC = p, p.MAC
	for _, a := range p.FixedIPs {
		it.Addresses = append(it.Addresses, vim.IP{Address: a.Address, Subnet: a.Subnet})
	}
	return it, ok
}

func (ports) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	var out struct{ Ports []portDoc }
	err := c.get(ctx, network, "ports", marked(t), &out)
	return itemsOf(out.Ports), err
}

func (ports) get(ctx context.Context, c call, id string) (*item, error) {
	var out struct{ Port portDoc }
	return itemOf(&out.Port, c.get(ctx, network, "ports/"+escaped(id), nil, &out))
}

func (ports) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Port
	p := object{
		"name": marks{r.Token, r.Owner, 1}.name(r.Spec.Name), "description": description(r.Token), "network_id": spec.Network, "admin_state_up": true,
	}
	if spec.MAC != "" {
		p["mac_address"] = spec.MAC
	}
	if spec.VnicType != "" {
		p["binding:vnic_type"] = spec.VnicType
	}
	ips, err := c.fixed(ctx, spec)
	if err != nil {
		return "", err
	}
	if ips != nil || spec.NoIPs {
		p["fixed_ips"] = ips
	}
	if len(spec.Shared) > 0 {
		p["allowed_address_pairs"] = pairs(spec.Shared)
	}
	var out struct{ Port portDoc }
	for try := 0; ; try++ {
		group, err := c.secure(ctx, r.Owner, spec.Rules)
		if err != nil {
			return "", err
		}
		if group != "" {
			p["security_groups"] = []string{group}
		}
		err = c.post(ctx, network, "ports", object{"port": p}, &out)
		if group != "" && try == 0 && vim.ClassOf(err) == message.NotFound { // the last port that had it has gone meanwhile
			continue
		}
		return out.Port.ID, portRefused(err)
	}
}

// portRefused says what a project that may not make a port can do about it.
func portRefused(err error) error {
	var refused *vim.Error
	if errors.As(err, &refused) && refused.Class == message.Auth {
		refused.Hint += "; extVirtualLinks name a network that the project may use"
	}
	return err
}

// fixed returns the addresses that are wanted as Neutron takes them: nil leaves all to it. Where only a version is wanted, a subnet of
// the network that has it is looked for.
func (c call) fixed(ctx context.Context, spec *vim.PortSpec) ([]fixedIP, error) {
	if spec.NoIPs {
		return []fixedIP{}, nil
	}
	var out []fixedIP
	var known []subnetDoc
	for _, want := range spec.FixedIPs {
		ip := fixedIP{want.Subnet, want.Address}
		if ip == (fixedIP{}) {
			if known == nil {
				var page struct{ Subnets []subnetDoc }
				if err := c.get(ctx, network, "subnets", url.Values{"network_id": {spec.Network}}, &page); err != nil {
					return nil, err
				}
				known = page.Subnets
			}
			for _, s := range known {
				if s.IPVersion == want.IPVersion || want.IPVersion == 0 {
					ip.Subnet = s.ID
					break
				}
			}
			if ip.Subnet == "" {
				return nil, c.fail(message.Permanent, "the network "+spec.Network+" has no subnet of IP version "+strconv.Itoa(want.IPVersion))
			}
		}
		out = append(out, ip)
	}
	return out, nil
}

func (ports) change(ctx context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	p := object{"name": marks{it.Token, it.Owner, r.Revision}.name(r.To.Name)}
	ips, err := c.fixed(ctx, r.To.Port)
	if err != nil {
		return vim.Resource{}, err
	}
	if ips != nil {
		p["fixed_ips"] = ips
	}
	was := it.doc.(portDoc) //nolint:forcetypeassert // get puts it there
	if !slices.Equal(was.shared(), r.To.Port.Shared) {
		p["allowed_address_pairs"] = pairs(r.To.Port.Shared)
	}
	old, err := c.regroup(ctx, p, was, r)
	if err != nil {
		return vim.Resource{}, err
	}
	var out struct{ Port portDoc }
	if err := c.put(ctx, network, "ports/"+escaped(it.ID), object{"port": p}, &out); err != nil {
		return vim.Resource{}, err
	}
	for _, id := range old {
		if err := c.unsecure(ctx, id); err != nil {
			return vim.Resource{}, err
		}
	}
	return c.stands(&out.Port)
}

// regroup gives a port the security group that a change asks for, and returns groups of ours that it has then no more. An earlier attempt
// may have come as far as to take one away.
func (c call) regroup(ctx context.Context, p object, was portDoc, r vim.ChangeRequest) (old []string, err error) {
	group, err := c.secure(ctx, r.Owner, r.To.Port.Rules)
	if err != nil {
		return nil, err
	}
	had, err := c.mine(ctx, was.Groups)
	if err != nil {
		return nil, err
	}
	switch {
	case group != "" && !slices.Equal(was.Groups, []string{group}):
		p["security_groups"] = []string{group}
	case group == "" && len(had) > 0:
		if p["security_groups"], err = c.usual(ctx); err != nil {
			return nil, err
		}
	}
	if from := r.From.Port; from != nil && len(from.Rules) > 0 && !slices.Equal(from.Rules, r.To.Port.Rules) {
		before, err := c.named(ctx, securityName(r.Owner, from.Rules))
		if err != nil {
			return nil, err
		}
		for _, g := range before {
			had[g.ID] = g
		}
	}
	delete(had, group)
	return slices.Sorted(maps.Keys(had)), nil
}

// remove deletes the security groups of ours with the last port that has them.
func (ports) remove(ctx context.Context, c call, it *item) (bool, error) {
	had, err := c.mine(ctx, it.doc.(portDoc).Groups) //nolint:forcetypeassert // find puts it there
	if err != nil {
		return false, err
	}
	if _, err := c.remove(ctx, network, "ports/"+escaped(it.ID)); err != nil {
		return false, err
	}
	for _, id := range slices.Sorted(maps.Keys(had)) {
		if err := c.unsecure(ctx, id); err != nil {
			return false, err
		}
	}
	return true, nil
}

// rest looks for security groups that nobody has where there was no port: a program may have ended in the middle of remove.
func (ports) rest(ctx context.Context, c call, _ vim.Token, found bool) error {
	if found {
		return nil
	}
	return c.sweep(ctx)
}
