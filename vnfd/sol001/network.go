package sol001

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// virtualLink reads a VnfVirtualLink.
func (s *scope) virtualLink(nt *tosca.NodeTemplate) vnfd.VirtualLink {
	vl := vnfd.VirtualLink{
		ID: nt.Name, Protocols: s.Get(s.Prop(nt, "connectivity_type"), "layer_protocols").Texts(),
		ExternallyManaged: s.Prop(nt, "externally_managed").Text(), At: nt.At,
	}
	for _, data := range s.Get(s.Prop(nt, "vl_profile"), "virtual_link_protocol_data").List() {
		l2 := s.Get(data, "l2_protocol_data")
		if t := s.Get(l2, "network_type").Text(); t != "" {
			vl.NetworkType = t
		}
		vl.MTU = s.Count(s.Get(l2, "mtu"), vl.MTU)
		l3 := s.Get(data, "l3_protocol_data")
		if l3.Empty() {
			continue
		}
		if len(vl.Subnets) == s.Limits.Addresses {
			s.Exceedf("addresses", "too-large", l3.At, "the virtual link %s has more than %d subnets", vnfd.Quote(nt.Name), s.Limits.Addresses)
			break
		}
		if subnet, ok := s.subnet(l3); ok {
			vl.Subnets = append(vl.Subnets, subnet)
		}
	}
	return vl
}

func (s *scope) subnet(n *tosca.Node) (vnfd.SubnetProfile, bool) {
	cidr := s.Get(n, "cidr")
	sp := vnfd.SubnetProfile{
		Name: s.Get(n, "name").Text(), IPVersion: 4, CIDR: cidr.Text(), Gateway: s.Get(n, "gateway_ip").Text(),
		DHCP: s.Boolean(s.Get(n, "dhcp_enabled"), true),
	}
	if strings.EqualFold(s.Get(n, "ip_version").Text(), "ipv6") {
		sp.IPVersion = 6
	}
	prefix, err := netip.ParsePrefix(sp.CIDR)
	if err != nil {
		s.Failf("bad-value", n.At, "the cidr %s is not an IP network", vnfd.Quote(sp.CIDR))
		return sp, false
	}
	if prefix.Addr().Is4() != (sp.IPVersion == 4) {
		s.Failf("bad-value", cidr.At, "the cidr %s is not of IP version %d", sp.CIDR, sp.IPVersion)
	}
	if sp.Gateway != "" {
		if gw, err := netip.ParseAddr(sp.Gateway); err != nil || !prefix.Contains(gw) {
			s.Failf("bad-value", s.Get(n, "gateway_ip").Where(), "the gateway_ip %s is not in %s", vnfd.Quote(sp.Gateway), sp.CIDR)
		}
	}
	return sp, true
}

// vnicTypes are those of SOL001 (v4.4.1, VduCp) that machines have; virtio is what older descriptors call a normal one.
var vnicTypes = []string{"normal", "virtio", "direct", "direct-physical", "macvtap", "virtio-forwarder", "baremetal", "smart-nic"}

// vduCp reads a connection point of a VDU. One that is bound to no VDU is no NIC of anything.
func (s *scope) vduCp(nt *tosca.NodeTemplate, exposed map[string]bool) (vnfd.VduCp, bool) {
	cp := vnfd.VduCp{
		ID: nt.Name, Order: s.Count(s.Prop(nt, "order"), 0), VnicType: s.Prop(nt, "vnic_type").Text(),
		Protocols: s.Prop(nt, "layer_protocols").Texts(), Trunk: s.Boolean(s.Prop(nt, "trunk_mode"), false), At: nt.At,
	}
	if cp.VnicType != "" && !slices.Contains(vnicTypes, cp.VnicType) {
		s.Findf("vnic-type", s.Prop(nt, "vnic_type").Where(), "the vnic_type %s of %s is not known", vnfd.Quote(cp.VnicType), vnfd.Quote(nt.Name))
	}
	binding := s.Requirements(nt, "virtual_binding")
	if len(binding) == 0 {
		s.Findf("cp-without-vdu", nt.At, "the connection point %s is bound to no VDU; it is left out", vnfd.Quote(nt.Name))
		return cp, false
	}
	cp.Vdu = binding[0].Text()
	if target := s.Template(cp.Vdu); target == nil || !s.isVdu(target.Kind) {
		s.Failf("unknown-reference", binding[0].At, "the virtual_binding of %s names %s, which is no VDU of this template", vnfd.Quote(nt.Name), vnfd.Quote(cp.Vdu))
	}
	cp.Link = s.linkOf(nt, "virtual_link")
	cp.External = cp.Link == ""
	if exposed[nt.Name] && cp.Link != "" {
		s.Findf("substitution-mapping", nt.At, "%s is exposed by substitution_mappings, but linked to %s inside; the link inside counts", vnfd.Quote(nt.Name), vnfd.Quote(cp.Link))
	}
	s.fixedIPs(nt, &cp)
	return cp, true
}

// linkOf returns the internal link that a requirement names.
func (s *scope) linkOf(nt *tosca.NodeTemplate, requirement string) string {
	links := s.Requirements(nt, requirement)
	if len(links) == 0 {
		return ""
	}
	if target := s.Template(links[0].Text()); target == nil || !s.Derives(tosca.NodeTypes, target.Kind, typeVirtualLink) {
		s.Failf("unknown-reference", links[0].At, "the %s of %s names %s, which is no virtual link of this template", requirement, vnfd.Quote(nt.Name), vnfd.Quote(links[0].Text()))
		return ""
	}
	return links[0].Text()
}

// fixedIPs reads the addresses of the protocol data, and checks that the link inside has a network for them.
func (s *scope) fixedIPs(nt *tosca.NodeTemplate, cp *vnfd.VduCp) {
	var networks []netip.Prefix
	if link := s.Template(cp.Link); link != nil {
		for _, data := range s.Get(s.Prop(link, "vl_profile"), "virtual_link_protocol_data").List() {
			if len(networks) > s.Limits.Addresses {
				break // said of the link
			}
			if prefix, err := netip.ParsePrefix(s.Get(data, "l3_protocol_data", "cidr").Text()); err == nil {
				networks = append(networks, prefix)
			}
		}
	}
	for _, protocol := range s.Prop(nt, "protocol").List() {
		for _, address := range s.Get(protocol, "address_data").List() {
			for _, ip := range s.Get(address, "l3_address_data", "fixed_ip_address").List() {
				if len(cp.FixedIPs) == s.Limits.Addresses {
					s.Exceedf("addresses", "too-large", ip.At, "the connection point %s has more than %d fixed addresses", vnfd.Quote(nt.Name), s.Limits.Addresses)
					return
				}
				addr, err := netip.ParseAddr(ip.Text())
				if err != nil {
					s.Failf("bad-value", ip.At, "the fixed_ip_address %s is not an IP address", vnfd.Quote(ip.Text()))
					continue
				}
				if cp.Link != "" && !slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) }) {
					s.Findf("fixed-ip", ip.At, "the fixed_ip_address %s of %s is in no network of %s", ip.Text(), vnfd.Quote(nt.Name), vnfd.Quote(cp.Link))
				}
				cp.FixedIPs = append(cp.FixedIPs, addr.String())
			}
		}
	}
}

// extCp reads a VnfExtCp.
func (s *scope) extCp(nt *tosca.NodeTemplate) vnfd.ExtCp {
	e := vnfd.ExtCp{ID: nt.Name, Link: s.linkOf(nt, "internal_virtual_link"), Protocols: s.Prop(nt, "layer_protocols").Texts(), At: nt.At}
	for _, r := range s.Requirements(nt, "internal_cp") {
		e.Cp = r.Text()
	}
	if e.Link == "" && e.Cp == "" {
		s.Findf("ext-cp-without-link", nt.At, "the external connection point %s has no internal_virtual_link", vnfd.Quote(nt.Name))
	}
	return e
}
