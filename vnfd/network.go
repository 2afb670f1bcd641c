package vnfd

import (
	"net/netip"
	"slices"
	"strings"
)

// virtualLink reads a VnfVirtualLink.
func (s *scope) virtualLink(nt *nodeTemplate) VirtualLink {
	vl := VirtualLink{
		ID: nt.name, Protocols: s.get(s.prop(nt, "connectivity_type"), "layer_protocols").texts(),
		ExternallyManaged: s.prop(nt, "externally_managed").text(), At: nt.at,
	}
	for _, data := range s.get(s.prop(nt, "vl_profile"), "virtual_link_protocol_data").list() {
		l2 := s.get(data, "l2_protocol_data")
		if t := s.get(l2, "network_type").text(); t != "" {
			vl.NetworkType = t
		}
		vl.MTU = s.count(s.get(l2, "mtu"), vl.MTU)
		if l3 := s.get(data, "l3_protocol_data"); !l3.empty() {
			if subnet, ok := s.subnet(l3); ok {
				vl.Subnets = append(vl.Subnets, subnet)
			}
		}
	}
	return vl
}

func (s *scope) subnet(n *node) (SubnetProfile, bool) {
	cidr := s.get(n, "cidr")
	sp := SubnetProfile{
		Name: s.get(n, "name").text(), IPVersion: 4, CIDR: cidr.text(), Gateway: s.get(n, "gateway_ip").text(),
		DHCP: s.boolean(s.get(n, "dhcp_enabled"), true),
	}
	if strings.EqualFold(s.get(n, "ip_version").text(), "ipv6") {
		sp.IPVersion = 6
	}
	prefix, err := netip.ParsePrefix(sp.CIDR)
	if err != nil {
		s.failf("bad-value", n.at, "the cidr %s is not an IP network", quote(sp.CIDR))
		return sp, false
	}
	if prefix.Addr().Is4() != (sp.IPVersion == 4) {
		s.failf("bad-value", cidr.at, "the cidr %s is not of IP version %d", sp.CIDR, sp.IPVersion)
	}
	if sp.Gateway != "" {
		if gw, err := netip.ParseAddr(sp.Gateway); err != nil || !prefix.Contains(gw) {
			s.failf("bad-value", s.get(n, "gateway_ip").where(), "the gateway_ip %s is not in %s", quote(sp.Gateway), sp.CIDR)
		}
	}
	return sp, true
}

// vnicTypes are the types of SOL001 and those OpenStack adds; virtio is SOL001's word for what a VIM calls normal.
var vnicTypes = []string{"normal", "virtio", "direct", "direct-physical", "macvtap", "virtio-forwarder"}

// vduCp reads a connection point of a VDU. One that is bound to no VDU is no NIC of anything.
func (s *scope) vduCp(nt *nodeTemplate, exposed map[string]bool) (VduCp, bool) {
	cp := VduCp{
		ID: nt.name, Order: s.count(s.prop(nt, "order"), 0), VnicType: s.prop(nt, "vnic_type").text(),
		Protocols: s.prop(nt, "layer_protocols").texts(), Trunk: s.boolean(s.prop(nt, "trunk_mode"), false), At: nt.at,
	}
	if cp.VnicType != "" && !slices.Contains(vnicTypes, cp.VnicType) {
		s.findf("vnic-type", s.prop(nt, "vnic_type").where(), "the vnic_type %s of %s is not known", quote(cp.VnicType), quote(nt.name))
	}
	binding := s.requirements(nt, "virtual_binding")
	if len(binding) == 0 {
		s.findf("cp-without-vdu", nt.at, "the connection point %s is bound to no VDU; it is left out", quote(nt.name))
		return cp, false
	}
	cp.Vdu = binding[0].text()
	if target := s.byName[cp.Vdu]; target == nil || !s.isVdu(target.kind) {
		s.failf("unknown-reference", binding[0].at, "the virtual_binding of %s names %s, which is no VDU of this template", quote(nt.name), quote(cp.Vdu))
	}
	cp.Link = s.linkOf(nt, "virtual_link")
	cp.External = cp.Link == ""
	if exposed[nt.name] && cp.Link != "" {
		s.findf("substitution-mapping", nt.at, "%s is exposed by substitution_mappings, but linked to %s inside; the link inside counts", quote(nt.name), quote(cp.Link))
	}
	s.fixedIPs(nt, &cp)
	return cp, true
}

// linkOf returns the internal link that a requirement names.
func (s *scope) linkOf(nt *nodeTemplate, requirement string) string {
	links := s.requirements(nt, requirement)
	if len(links) == 0 {
		return ""
	}
	if target := s.byName[links[0].text()]; target == nil || !s.derives(nodeTypes, target.kind, typeVirtualLink) {
		s.failf("unknown-reference", links[0].at, "the %s of %s names %s, which is no virtual link of this template", requirement, quote(nt.name), quote(links[0].text()))
		return ""
	}
	return links[0].text()
}

// fixedIPs reads the addresses of the protocol data, and checks that the link inside has a network for them.
func (s *scope) fixedIPs(nt *nodeTemplate, cp *VduCp) {
	var networks []netip.Prefix
	if link := s.byName[cp.Link]; link != nil {
		for _, data := range s.get(s.prop(link, "vl_profile"), "virtual_link_protocol_data").list() {
			if prefix, err := netip.ParsePrefix(s.get(data, "l3_protocol_data", "cidr").text()); err == nil {
				networks = append(networks, prefix)
			}
		}
	}
	for _, protocol := range s.prop(nt, "protocol").list() {
		for _, address := range s.get(protocol, "address_data").list() {
			for _, ip := range s.get(address, "l3_address_data", "fixed_ip_address").list() {
				addr, err := netip.ParseAddr(ip.text())
				if err != nil {
					s.failf("bad-value", ip.at, "the fixed_ip_address %s is not an IP address", quote(ip.text()))
					continue
				}
				if cp.Link != "" && !slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) }) {
					s.findf("fixed-ip", ip.at, "the fixed_ip_address %s of %s is in no network of %s", ip.text(), quote(nt.name), quote(cp.Link))
				}
				cp.FixedIPs = append(cp.FixedIPs, addr.String())
			}
		}
	}
}

// extCp reads a VnfExtCp.
func (s *scope) extCp(nt *nodeTemplate) ExtCp {
	e := ExtCp{ID: nt.name, Link: s.linkOf(nt, "internal_virtual_link"), Protocols: s.prop(nt, "layer_protocols").texts(), At: nt.at}
	for _, r := range s.requirements(nt, "internal_cp") {
		e.Cp = r.text()
	}
	if e.Link == "" && e.Cp == "" {
		s.findf("ext-cp-without-link", nt.at, "the external connection point %s has no internal_virtual_link", quote(nt.name))
	}
	return e
}
