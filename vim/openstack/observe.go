package openstack

import (
	"context"
	"slices"

	"github.com/vnfm/vnfm/vim"
)

var _ vim.Observer = (*Driver)(nil)

// observed are the attributes that OpenStack shows of a resource within a list, by kind. Of a server it does not show server groups and
// boot data there, of a network the rates of its policy.
//
//nolint:gochecknoglobals // data
var observed = map[vim.Kind][]vim.Attribute{
	vim.Compute:     {vim.AttributeFlavour, vim.AttributeImage, vim.AttributeZone, vim.AttributePorts, vim.AttributeVolumes, vim.AttributeMetadata},
	vim.Port:        {vim.AttributeNetwork, vim.AttributeVnicType, vim.AttributeSecurityRules, vim.AttributeShared},
	vim.Network:     {vim.AttributeMTU},
	vim.Subnet:      {vim.AttributeNetwork, vim.AttributeIPVersion, vim.AttributeCIDR, vim.AttributeGateway, vim.AttributeDHCP},
	vim.Volume:      {vim.AttributeSize, vim.AttributeImage, vim.AttributeType, vim.AttributeZone},
	vim.ServerGroup: {vim.AttributeAffinity},
}

// Observe returns a page of resources as List does, with what OpenStack shows of them. Which ports servers have is asked for many of
// them at once.
func (d *Driver) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	c, items, next, err := d.page(ctx, conn, r)
	if err != nil {
		return vim.ObservedPage{}, err
	}
	wires, err := c.wires(ctx, items)
	if err != nil {
		return vim.ObservedPage{}, err
	}
	rules, err := c.rules(ctx, items)
	if err != nil {
		return vim.ObservedPage{}, err
	}
	out := vim.ObservedPage{Resources: make([]vim.Observed, len(items)), Next: next}
	for i := range items {
		out.Resources[i] = items[i].observed(wires, rules)
	}
	return out, nil
}

// portsAtOnce is of how many servers the ports are asked for by one request: a URL has an end.
const portsAtOnce = 100

// wires returns the ids of the ports of each server.
func (c call) wires(ctx context.Context, items []item) (map[string][]string, error) {
	var ids []string
	for i := range items {
		if items[i].Kind == vim.Compute {
			ids = append(ids, items[i].ID)
		}
	}
	out := map[string][]string{}
	for some := range slices.Chunk(ids, portsAtOnce) {
		q := from("")
		q["device_id"], q["fields"] = some, []string{"id", "device_id", "device_owner"}
		for more := true; more; { // a cloud gives so many at once, and servers have several each
			var page struct {
				Ports []portDoc
				Links []link `json:"ports_links"`
			}
			if err := c.get(ctx, network, "ports", q, &page); err != nil {
				return nil, err
			}
			for _, p := range page.Ports {
				if p.Role != roleSubPort {
					out[p.Device] = append(out[p.Device], p.ID)
				}
				q.Set("marker", p.ID)
			}
			more = len(page.Ports) > 0 && slices.ContainsFunc(page.Links, func(l link) bool { return l.Rel == "next" })
		}
	}
	return out, nil
}

// rules returns those of the security groups of ours that ports have, by group.
func (c call) rules(ctx context.Context, items []item) (map[string]securityGroupDoc, error) {
	var ids []string
	for i := range items {
		if p, ok := items[i].doc.(portDoc); ok {
			ids = append(ids, p.Groups...)
		}
	}
	return c.mine(ctx, ids)
}

// told is what a port's groups let through, as a specification says it. Which groups a port without one of ours has is up to its cloud; one
// of another beside ours lets through what nobody here can say.
func (p portDoc) told(groups map[string]securityGroupDoc) []vim.SecurityRule {
	var out []vim.SecurityRule
	ours, others := false, ""
	for _, id := range p.Groups {
		if g, ok := groups[id]; ok {
			ours, out = true, append(out, g.told()...)
		} else {
			others += " " + id
		}
	}
	if ours && others != "" {
		out = append(out, vim.SecurityRule{Direction: vim.Ingress, IPVersion: 4, Protocol: "those of the security group" + others})
	}
	return out
}

func (it *item) observed(wires map[string][]string, groups map[string]securityGroupDoc) vim.Observed {
	o := vim.Observed{Resource: it.Resource, About: slices.Clone(observed[it.Kind])}
	if o.Spec.Name = it.Name; whole(it.Name) && it.Kind != vim.Snapshot {
		o.About = append(o.About, vim.AttributeName)
	}
	switch d := it.doc.(type) {
	case serverDoc:
		s := &vim.ComputeSpec{Flavour: string(d.Flavour), Image: d.image(), Zone: d.Zone, Ports: wires[d.ID], Power: it.Power, Metadata: map[string]string{}}
		for _, v := range d.Volumes {
			s.Volumes = append(s.Volumes, vim.VolumeRef{ID: string(v)})
		}
		for k, v := range d.Metadata {
			if !ours(k) {
				s.Metadata[k] = v
			}
		}
		if it.Power != "" {
			o.About = append(o.About, vim.AttributePower)
		}
		o.Spec.Compute = s
	case portDoc:
		o.Spec.Port = &vim.PortSpec{Network: d.Network, VnicType: d.VnicType, Rules: d.told(groups), Shared: d.shared()}
	case networkDoc:
		o.Spec.Network = &vim.NetworkSpec{MTU: d.MTU, Type: d.Type}
		if d.Type != "" {
			o.About = append(o.About, vim.AttributeType)
		}
	case subnetDoc:
		o.Spec.Subnet = &vim.SubnetSpec{Network: d.Network, IPVersion: d.IPVersion, CIDR: d.CIDR, Gateway: d.Gateway, DHCP: d.DHCP}
	case volumeDoc:
		if it.Kind == vim.Volume {
			id, _ := d.Image["image_id"].(string)
			o.Spec.Volume = &vim.VolumeSpec{SizeBytes: d.bytes(), Image: id, Type: d.Type, Zone: d.Zone}
		}
	case groupDoc:
		o.Spec.ServerGroup = &vim.ServerGroupSpec{Affinity: slices.Contains(d.Policies, "affinity")}
	}
	return o
}
