package openstack

import (
	"context"
	"net/url"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// What is Neutron's is made, changed and deleted within one request: it is ready at once.

// neutron is what Neutron tells of anything.
type neutron struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Created     string `json:"created_at"`
}

func (n neutron) item(k vim.Kind, word string) (item, bool) {
	x, given, ok := marksOf(n.Name, n.Description)
	if !ok {
		return item{}, false
	}
	return item{created: n.Created, Resource: vim.Resource{
		Token: x.token, Kind: k, ID: n.ID, Owner: x.owner, Name: given, Revision: x.revision, Type: word, Ready: true,
	}}, true
}

// docItem is a document of a service that may be a resource of ours.
type docItem interface{ item() (item, bool) }

// itemsOf returns what is ours of a page.
func itemsOf[T docItem](page []T) (out []item) {
	for _, d := range page {
		if it, ok := d.item(); ok {
			out = append(out, it)
		}
	}
	return out
}

// itemOf returns a resource that was read, nil when it is none of ours.
func itemOf(d docItem, err error) (*item, error) {
	if err != nil {
		return absent(err)
	}
	if it, ok := d.item(); ok {
		return &it, nil
	}
	return nil, nil //nolint:nilnil // none of ours
}

// absent makes nothing of the error that something is not there.
func absent(err error) (*item, error) {
	if vim.ClassOf(err) == message.NotFound {
		return nil, nil //nolint:nilnil // it is not there
	}
	return nil, err
}

// unchanged answers a change of what cannot be changed: it stands when it is asked for nothing else.
func unchanged(_ call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	it.Revision = r.Revision
	return it.Resource, nil
}

// marked looks for what bears a token at Neutron.
func marked(t vim.Token) url.Values { return url.Values{"description": {description(t)}} }

// networks are Neutron's networks.
type networks struct{}

type networkDoc struct {
	neutron
	MTU    int    `json:"mtu"`
	Type   string `json:"provider:network_type"` // which only an administrator is shown
	Policy string `json:"qos_policy_id"`
}

func (n networkDoc) item() (item, bool) {
	it, ok := n.neutron.item(vim.Network, "OS::Neutron::Net")
	it.doc = n
	return it, ok
}

func (networks) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	var out struct{ Networks []networkDoc }
	err := c.get(ctx, network, "networks", marked(t), &out)
	return itemsOf(out.Networks), err
}

func (networks) get(ctx context.Context, c call, id string) (*item, error) {
	var out struct{ Network networkDoc }
	return itemOf(&out.Network, c.get(ctx, network, "networks/"+escaped(id), nil, &out))
}

func (networks) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Network
	n := object{"name": marks{r.Token, r.Owner, 1}.name(r.Spec.Name), "description": description(r.Token), "admin_state_up": true}
	if spec.MTU > 0 {
		n["mtu"] = spec.MTU
	}
	if spec.Type != "" {
		n["provider:network_type"] = spec.Type
	}
	policy, err := c.limit(ctx, r.Token, spec.LeafBitRate)
	if err != nil {
		return "", err
	}
	if policy != "" {
		n["qos_policy_id"] = policy
	}
	var out struct{ Network networkDoc }
	err = c.post(ctx, network, "networks", object{"network": n}, &out)
	if vim.ClassOf(err) == message.Auth && spec.Type != "" {
		err = c.fail(message.Auth, "the project may not choose the type of a network ("+spec.Type+"): the cloud's policy create_network:provider:network_type says who may")
	}
	return out.Network.ID, err
}

func (networks) change(ctx context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	spec := r.To.Network
	n := object{"name": marks{it.Token, it.Owner, r.Revision}.name(r.To.Name)}
	if spec.MTU > 0 {
		n["mtu"] = spec.MTU
	}
	was := it.doc.(networkDoc).Policy //nolint:forcetypeassert // get puts it there
	policy, err := c.limit(ctx, r.Token, spec.LeafBitRate)
	if err != nil {
		return vim.Resource{}, err
	}
	switch {
	case policy != "":
		n["qos_policy_id"] = policy
	case was != "":
		n["qos_policy_id"] = nil
	}
	var out struct{ Network networkDoc }
	if err := c.put(ctx, network, "networks/"+escaped(it.ID), object{"network": n}, &out); err != nil {
		return vim.Resource{}, err
	}
	if policy == "" && was != "" {
		if err := c.unlimit(ctx, r.Token); err != nil {
			return vim.Resource{}, err
		}
	}
	return c.stands(&out.Network)
}

// stands returns what an update has answered.
func (c call) stands(d docItem) (vim.Resource, error) {
	if it, ok := d.item(); ok {
		return it.Resource, nil
	}
	return vim.Resource{}, c.fail(message.UnknownOutcome, "the answer to a change shows another resource")
}

func (networks) remove(ctx context.Context, c call, it *item) (bool, error) {
	_, err := c.remove(ctx, network, "networks/"+escaped(it.ID))
	return err == nil, err
}

func (networks) rest(ctx context.Context, c call, t vim.Token, _ bool) error {
	return c.unlimit(ctx, t)
}

// subnets are Neutron's subnets.
type subnets struct{}

type subnetDoc struct {
	neutron
	Network   string `json:"network_id"`
	IPVersion int    `json:"ip_version"`
	CIDR      string `json:"cidr"`
	Gateway   string `json:"gateway_ip"`
	DHCP      bool   `json:"enable_dhcp"`
}

func (s subnetDoc) item() (item, bool) {
	it, ok := s.neutron.item(vim.Subnet, "OS::Neutron::Subnet")
	it.doc = s
	return it, ok
}

func (subnets) find(ctx context.Context, c call, t vim.Token) ([]item, error) {
	var out struct{ Subnets []subnetDoc }
	err := c.get(ctx, network, "subnets", marked(t), &out)
	return itemsOf(out.Subnets), err
}

func (subnets) get(ctx context.Context, c call, id string) (*item, error) {
	var out struct{ Subnet subnetDoc }
	return itemOf(&out.Subnet, c.get(ctx, network, "subnets/"+escaped(id), nil, &out))
}

func (subnets) create(ctx context.Context, c call, r vim.StartRequest) (string, error) {
	spec := r.Spec.Subnet
	s := object{
		"name": marks{r.Token, r.Owner, 1}.name(r.Spec.Name), "description": description(r.Token), "network_id": spec.Network,
		"ip_version": spec.IPVersion, "cidr": spec.CIDR, "enable_dhcp": spec.DHCP,
	}
	if spec.Gateway != "" {
		s["gateway_ip"] = spec.Gateway
	}
	if spec.IPVersion == 6 && spec.DHCP {
		s["ipv6_address_mode"], s["ipv6_ra_mode"] = "dhcpv6-stateful", "dhcpv6-stateful"
	}
	var out struct{ Subnet subnetDoc }
	err := c.post(ctx, network, "subnets", object{"subnet": s}, &out)
	return out.Subnet.ID, err
}

func (subnets) change(ctx context.Context, c call, it *item, r vim.ChangeRequest) (vim.Resource, error) {
	s := object{"name": marks{it.Token, it.Owner, r.Revision}.name(r.To.Name), "enable_dhcp": r.To.Subnet.DHCP}
	var out struct{ Subnet subnetDoc }
	if err := c.put(ctx, network, "subnets/"+escaped(it.ID), object{"subnet": s}, &out); err != nil {
		return vim.Resource{}, err
	}
	return c.stands(&out.Subnet)
}

func (subnets) remove(ctx context.Context, c call, it *item) (bool, error) {
	_, err := c.remove(ctx, network, "subnets/"+escaped(it.ID))
	return err == nil, err
}

func (subnets) rest(context.Context, call, vim.Token, bool) error { return nil }
