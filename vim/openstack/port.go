package openstack

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// ports are Neutron's ports. A cloud's default security group is on each, as on any port of the project.
type ports struct{}

type portDoc struct {
	neutron
	Network  string    `json:"network_id"`
	MAC      string    `json:"mac_address"`
	FixedIPs []fixedIP `json:"fixed_ips"`
	VnicType string    `json:"binding:vnic_type"`
	Device   string    `json:"device_id"`
	Role     string    `json:"device_owner"`
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
	var out struct{ Port portDoc }
	err = c.post(ctx, network, "ports", object{"port": p}, &out)
	var refused *vim.Error
	if errors.As(err, &refused) && refused.Class == message.Auth {
		refused.Hint += "; extVirtualLinks name a network that the project may use"
	}
	return out.Port.ID, err
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
	var out struct{ Port portDoc }
	if err := c.put(ctx, network, "ports/"+escaped(it.ID), object{"port": p}, &out); err != nil {
		return vim.Resource{}, err
	}
	return c.stands(&out.Port)
}

func (ports) remove(ctx context.Context, c call, it *item) (bool, error) {
	_, err := c.remove(ctx, network, "ports/"+escaped(it.ID))
	return err == nil, err
}

func (ports) rest(context.Context, call, vim.Token) error { return nil }
