package plan

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// vnfcs plans the computes of every VDU with their volumes and ports.
func (p *planner) vnfcs() error {
	for i := range p.f.Vdus {
		vdu := &p.f.Vdus[i]
		n := p.counts[vdu.ID]
		if n == 0 || vdu.Container {
			continue
		}
		if err := p.needs(vdu); err != nil {
			return err
		}
		for k := range n {
			if err := p.vnfc(vdu, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// needs notes what the VNFCs of a VDU need: flavour, image and boot data.
func (p *planner) needs(vdu *vnfd.Vdu) error {
	p.plan.Vdus = append(p.plan.Vdus, VduNeed{
		ID: vdu.ID, FlavourName: vdu.FlavourName, VCPUs: vdu.VCPUs, MemoryBytes: vdu.MemoryBytes, DiskBytes: vdu.DiskBytes,
		NoBoot: !p.f.Bootable(vdu),
	})
	p.image(vdu.Image)
	if vdu.BootData != nil {
		// Rendered once, so that whoever asked hears of a variable without a value.
		if _, err := vnfd.Render(vdu.BootData, bootVars(p.plan.Vars, vdu.ID, 0)); err != nil {
			return err
		}
		p.plan.Boots[vdu.ID] = vdu.BootData
	}
	return nil
}

// bootVars adds what differs from VNFC to VNFC.
func bootVars(vars map[string]string, vdu string, index int) map[string]string {
	m := make(map[string]string, len(vars)+2)
	for k, v := range vars {
		m[k] = v
	}
	m["vdu.id"], m["vnfc.index"] = vdu, strconv.Itoa(index)
	return m
}

func (p *planner) vnfc(vdu *vnfd.Vdu, index int) error {
	n := strconv.Itoa(index)
	name := p.name(vdu.ID, n)
	id := p.id(vim.Compute, vdu.ID, n)
	spec := &vim.ComputeSpec{
		Flavour:  refFlavour + vdu.ID,
		Metadata: map[string]string{"vnfc": id, "vdu": vdu.ID},
	}
	if vdu.Image != nil {
		spec.Image = refImage + vdu.Image.ID
	}
	if vdu.BootData != nil {
		spec.UserData, spec.ConfigDrive = refBoot+vdu.ID+":"+n, vdu.BootData.ConfigDrive
	}
	c := Vnfc{ID: id, Vdu: vdu.ID, Index: index}
	p.volumes(vdu, &c, spec, name)
	cps := slices.DeleteFunc(slices.Clone(p.f.Cps), func(cp vnfd.VduCp) bool { return cp.Vdu != vdu.ID })
	slices.SortStableFunc(cps, func(a, b vnfd.VduCp) int { return cmp.Compare(a.Order, b.Order) })
	interfaces := nics{ports: []string{}, byKey: map[string]Cp{}, refs: map[string]string{}}
	for _, cp := range cps {
		if err := p.port(&c, cp, name, &interfaces); err != nil {
			return err
		}
	}
	if err := p.trunk(&c, spec, &interfaces); err != nil {
		return err
	}
	p.plan.Vnfcs = append(p.plan.Vnfcs, c)
	p.byVdu[vdu.ID] = append(p.byVdu[vdu.ID], id)
	p.add(Resource{
		ID: id, Kind: vim.Compute, Template: vdu.ID, Definition: id, Spec: vim.Spec{Name: name, Compute: spec},
	})
	return nil
}

// volumes plans the block storages of a VNFC. A VDU without an image of its own boots from its first storage that has
// one, or from the one its boot order names first.
func (p *planner) volumes(vdu *vnfd.Vdu, c *Vnfc, spec *vim.ComputeSpec, name string) {
	boots := ""
	if len(vdu.BootOrder) > 0 {
		boots = vdu.BootOrder[0]
	}
	for _, sid := range vdu.Storages {
		i := slices.IndexFunc(p.f.Storages, func(s vnfd.Storage) bool { return s.ID == sid })
		if i < 0 {
			p.warnf("VDU %s names the storage %s, which the VNFD does not have", vdu.ID, sid)
			continue
		}
		s := &p.f.Storages[i]
		if s.Type != "BLOCK" && s.Type != "" {
			p.warnf("the storage %s is not made: %s storage cannot be attached", sid, s.Type)
			continue
		}
		if boots == "" && vdu.Image == nil && s.Image != nil {
			boots = sid
		}
		vid := p.volume(s, c, name)
		c.Storages = append(c.Storages, vid)
		spec.Volumes = append(spec.Volumes, vim.VolumeRef{ID: refPlan + vid, Boot: boots == sid && s.Image != nil})
	}
}

func (p *planner) volume(s *vnfd.Storage, c *Vnfc, name string) string {
	if vid := p.shared[s.ID]; vid != "" {
		return vid
	}
	parts := []string{c.Vdu, strconv.Itoa(c.Index)}
	vname := name + "-" + s.ID
	if !s.PerVnfc {
		parts, vname = nil, p.name(s.ID)
	}
	v := Resource{
		ID: p.id(vim.Volume, s.ID, parts...), Kind: vim.Volume, Template: s.ID,
		Spec: vim.Spec{Name: vname, Volume: &vim.VolumeSpec{SizeBytes: s.SizeBytes}},
	}
	v.Definition = v.ID
	if s.Image != nil {
		v.Spec.Volume.Image = refImage + s.Image.ID
		p.image(s.Image)
	}
	p.add(v)
	if !s.PerVnfc {
		p.shared[s.ID] = v.ID
	}
	return v.ID
}

func (p *planner) image(i *vnfd.Image) {
	if i != nil && !slices.ContainsFunc(p.plan.Images, func(x vnfd.Image) bool { return x.ID == i.ID }) {
		p.plan.Images = append(p.plan.Images, vnfd.Image{
			ID: i.ID, Name: i.Name, Checksum: i.Checksum, Format: i.Format, Container: i.Container, MinDiskBytes: i.MinDiskBytes, MinRAMBytes: i.MinRAMBytes, File: i.File,
		})
	}
}

// port plans one interface of a VNFC: an internal port, an external one with its subports, or one that someone else made.
func (p *planner) port(c *Vnfc, cp vnfd.VduCp, name string, interfaces *nics) error {
	n := strconv.Itoa(c.Index)
	port := Resource{
		ID: p.id(vim.Port, cp.ID, n), Kind: vim.Port, Template: cp.ID, Near: c.ID,
		Spec: vim.Spec{Name: name + "-" + cp.ID, Port: portOf(&cp)},
	}
	point := Cp{ID: message.DeriveID(port.ID, "cp"), Cpd: cp.ID}
	if p.external(cp) {
		return p.extPorts(c, cp, port, point, interfaces)
	}
	network, ok := p.network[cp.Link]
	if !ok {
		return vnfm.Errorf(vnfm.Unprocessable, "the connection point %s names the virtual link %s, which the flavour does not have",
			cp.ID, cp.Link).At("/flavourId")
	}
	port.Spec.Port.Network = network
	port.Spec.Port.FixedIPs = p.fixed(cp, c.Index)
	p.add(port)
	point.Port, point.Link = port.ID, cp.Link
	c.Cps = append(c.Cps, point)
	interfaces.ports = append(interfaces.ports, refPlan+port.ID)
	return nil
}

// portOf is what a connection point's ports are, wherever they are.
func portOf(cp *vnfd.VduCp) *vim.PortSpec {
	s := &vim.PortSpec{VnicType: cp.VnicType, Shared: slices.Clone(cp.Shared)}
	if s.VnicType == "virtio" { // which no VIM has
		s.VnicType = "normal"
	}
	for _, r := range cp.Rules {
		s.Rules = append(s.Rules, vim.SecurityRule(r))
	}
	return s
}

// fixed returns the addresses the VNFD fixes for one instance of a connection point: all for the only instance, else
// one each, and none for instances beyond the list.
func (p *planner) fixed(cp vnfd.VduCp, index int) []vim.FixedIP {
	addresses := slices.DeleteFunc(slices.Clone(cp.FixedIPs), func(a string) bool { return p.counts[cp.Vdu] <= 1 && p.taken[addressKey(cp.Link, a)] })
	if p.counts[cp.Vdu] > 1 {
		if index >= len(addresses) {
			if len(addresses) > 0 {
				p.warnf("%s: the VNFD fixes %d addresses; instance %d gets one from the VIM", cp.ID, len(addresses), index)
			}
			return nil
		}
		addresses = addresses[index : index+1]
		if p.taken[addressKey(cp.Link, addresses[0])] {
			p.warnf("%s: another has the address %s; instance %d gets one from the VIM", cp.ID, addresses[0], index)
			return nil
		}
	}
	out := make([]vim.FixedIP, 0, len(addresses))
	for _, a := range addresses {
		out = append(out, vim.FixedIP{Address: a, Subnet: p.subnetOf(cp.Link, a)})
	}
	return out
}

// addressKey names an address on a link, entryKey an entry of the configuration of a CPD.
func addressKey(link, address string) string { return "address " + link + " " + address }

func entryKey(cpd, key string) string { return "entry " + cpd + " " + key }

// subnetOf refers to the planned subnet of a link that an address belongs to.
func (p *planner) subnetOf(link, address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	for _, s := range p.subnets[link] {
		if prefix, err := netip.ParsePrefix(s.Spec.Subnet.CIDR); err == nil && prefix.Contains(a) {
			return refPlan + s.ID
		}
	}
	return ""
}
