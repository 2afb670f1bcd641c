package openstack

import (
	"context"
	"strconv"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// roleSubPort is the device owner of a port that hangs on a trunk.
const roleSubPort = "trunk:subport"

type trunkDoc struct {
	ID   string `json:"id"`
	Port string `json:"port_id"`
}

func (c call) trunks(ctx context.Context, t vim.Token) ([]trunkDoc, error) {
	var out struct{ Trunks []trunkDoc }
	err := c.get(ctx, network, "trunks", marked(t), &out)
	return out.Trunks, err
}

// trunk makes the trunks of a server that is to be made, one of each port that others are reached through: before the server, for many
// clouds make none of a port that is in use. They bear the server's token.
func (c call) trunk(ctx context.Context, t vim.Token, spec *vim.ComputeSpec) error {
	if len(spec.SubPorts) == 0 {
		return nil
	}
	there, err := c.trunks(ctx, t)
	if vim.ClassOf(err) == message.NotFound {
		return c.fail(message.Permanent, "the cloud has no trunks (Neutron's extension trunk), and ports are to be reached through others")
	}
	if err != nil {
		return err
	}
	of := map[string][]object{}
	var order []string
	for _, s := range spec.SubPorts {
		o, err := c.subPort(s)
		if err != nil {
			return err
		}
		if of[s.Parent] == nil {
			order = append(order, s.Parent)
		}
		of[s.Parent] = append(of[s.Parent], o)
	}
	for _, x := range there {
		delete(of, x.Port)
	}
	for _, parent := range order {
		if of[parent] == nil {
			continue
		}
		in := object{"trunk": object{
			"name": fitting("trunk of "+parent, maxName), "description": description(t), "port_id": parent, "admin_state_up": true, "sub_ports": of[parent],
		}}
		if err := c.post(ctx, network, "trunks", in, &object{}); err != nil {
			return err
		}
	}
	return nil
}

func (c call) subPort(s vim.SubPort) (object, error) {
	switch s.SegmentationType {
	case "", "VLAN", "vlan":
		id, err := strconv.Atoi(s.SegmentationID)
		if err != nil {
			return nil, c.fail(message.Permanent, "the segmentation id of a port of a trunk is a number, not "+s.SegmentationID)
		}
		return object{"port_id": s.Port, "segmentation_type": "vlan", "segmentation_id": id}, nil
	case "INHERIT", "inherit":
		return object{"port_id": s.Port, "segmentation_type": "inherit"}, nil
	}
	return nil, c.fail(message.Permanent, "OpenStack has no segments of the type "+s.SegmentationType)
}

// untrunk deletes the trunks that bear a server's token.
func (c call) untrunk(ctx context.Context, t vim.Token) error {
	there, err := c.trunks(ctx, t)
	if vim.ClassOf(err) == message.NotFound { // the cloud has none
		return nil
	}
	for _, x := range there {
		if err == nil {
			_, err = c.remove(ctx, network, "trunks/"+escaped(x.ID))
		}
	}
	return err
}
