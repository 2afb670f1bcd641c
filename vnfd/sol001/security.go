package sol001

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// securityRules reads the rules of security groups, and gives them to the connection points that they are for
// (SOL001 v4.4.1, tosca.policies.nfv.SecurityGroupRule).
func (s *scope) securityRules(f *vnfd.Flavour) {
	for _, policy := range s.ofType("tosca.policies.nfv.SecurityGroupRule") {
		rule, ok := s.securityRule(policy)
		if !ok {
			continue
		}
		for _, target := range s.Get(policy.Value, "targets").List() {
			cp := s.pointOf(f, target.Text())
			switch {
			case cp == nil:
				s.Findf("unknown-target", target.Where(), "the rule %s is for %s, which is no connection point of a VDU, nor exposes one: it is left out there",
					vnfd.Quote(policy.Name), vnfd.Quote(target.Text()))
			case slices.Contains(cp.Rules, rule):
			case len(cp.Rules) == s.Limits.SecurityRules:
				s.Exceedf("security-rules", "too-large", target.Where(), "the connection point %s has more than %d security rules", vnfd.Quote(cp.ID), s.Limits.SecurityRules)
				return
			default:
				cp.Rules = append(cp.Rules, rule)
			}
		}
	}
	for i := range f.Cps {
		slices.SortFunc(f.Cps[i].Rules, vnfd.SecurityRule.Compare) // in whichever order they are written they say the same
	}
}

// pointOf returns the connection point of a VDU with a name, or the one that an external connection point exposes.
func (s *scope) pointOf(f *vnfd.Flavour, name string) *vnfd.VduCp {
	for i := range f.ExtCps {
		if f.ExtCps[i].ID == name {
			name = f.ExtCps[i].Cp
		}
	}
	for i := range f.Cps {
		if f.Cps[i].ID == name {
			return &f.Cps[i]
		}
	}
	return nil
}

// lastPort is the highest number of a port.
const lastPort = 65535

// securityRule reads one rule.
func (s *scope) securityRule(policy tosca.Field) (r vnfd.SecurityRule, ok bool) {
	p := s.Get(policy.Value, "properties")
	word := func(name, otherwise string) string {
		if t := strings.ToLower(s.Get(p, name).Text()); t != "" {
			return t
		}
		return otherwise
	}
	bad := func(name string) (vnfd.SecurityRule, bool) {
		at := s.Get(p, name)
		s.Failf("bad-value", at.Where(), "the %s %s of the rule %s is not one that a security rule has", name, vnfd.Quote(at.Text()), vnfd.Quote(policy.Name))
		return vnfd.SecurityRule{}, false
	}
	if r.Direction = word("direction", "ingress"); r.Direction != "ingress" && r.Direction != "egress" {
		return bad("direction")
	}
	switch word("ether_type", "ipv4") {
	case "ipv4":
		r.IPVersion = 4
	case "ipv6":
		r.IPVersion = 6
	default:
		return bad("ether_type")
	}
	if r.Protocol, ok = protocol(word("protocol", "tcp"), r.IPVersion); !ok {
		return bad("protocol")
	}
	if !slices.Contains([]string{"tcp", "udp", "sctp", "dccp"}, r.Protocol) {
		return r, true // it has no ports, whatever the defaults of the type say
	}
	low, high := s.Count(s.Get(p, "port_range_min"), 0), s.Count(s.Get(p, "port_range_max"), lastPort)
	switch {
	case low > lastPort:
		return bad("port_range_min")
	case high > lastPort || high < low || high == 0:
		return bad("port_range_max")
	case low <= 1 && high == lastPort:
	default:
		r.PortMin, r.PortMax = max(low, 1), high
	}
	return r, true
}

// protocols are the names of SOL001 in the order of their numbers (IANA, Protocol Numbers); "" has no name.
var protocols = strings.Split("hopopt icmp igmp ggp ipv4 st tcp cbt egp igp bbn_rcc_mon nvp_ii pup argus emcon xnet chaos udp mux dcn_meas hmp prm "+
	"xns_idp trunk_1 trunk_2 leaf_1 leaf_2 rdp irtp iso_tp4 netblt mfe_nsp merit_inp dccp 3pc idpr xtp ddp idpr_cmtp tp++ il ipv6 sdrp ipv6_route "+
	"ipv6_frag idrp rsvp gre dsr bna esp ah i_nlsp swipe narp mobile tlsp skip ipv6_icmp ipv6_no_nxt ipv6_opts  cftp  sat_expak kryptolan rvd ippc "+
	" sat_mon visa ipcv cpnx cphb wsn pvp br_sat_mon sun_nd wb_mon wb_expak iso_ip vmtp secure_vmtp vines ttp nsfnet_igp dgp tcf eigrp ospfigp "+
	"sprite_rpc larp mtp ax.25 ipip micp scc_sp etherip encap  gmtp ifmp pnni pim aris scps qnx a/n ip_comp snp compaq_peer ipx_in_ip vrrp pgm  l2tp "+
	"ddx iatp stp srp uti smp sm ptp isis fire crtp crudp sscopmce iplt sps pipe sctp fc rsvp_e2e_ignore mobility udp_lite mpls_in_ip manet hip shim6 "+
	"wesp rohc", " ")

// protocol returns the word for a protocol: the name of one that VIMs know by name, else its number.
func protocol(name string, version int) (string, bool) {
	name = strings.ReplaceAll(name, "-", "_")
	n := slices.Index(protocols, name)
	switch number, err := strconv.Atoi(name); {
	case name == "":
		return "", false
	case err == nil && number >= 0 && number <= 255:
		n = number
	case name == "iptm": // the other name of 84
		n = 84
	case name == "icmpv6":
		n = 58
	case n < 0:
		return "", false
	}
	if n == 58 || n == 1 && version == 6 {
		return "ipv6-icmp", true
	}
	if n < len(protocols) && slices.Contains([]string{"tcp", "udp", "icmp", "sctp", "dccp"}, protocols[n]) {
		return protocols[n], true
	}
	return strconv.Itoa(n), true
}

// virtualIPs reads the addresses that connection points share, each for all the points that it is shared by
// (SOL001 v4.4.1 tosca.nodes.nfv.VipCp). One whose address is that of one of its points is allowed at the others.
func (s *scope) virtualIPs(f *vnfd.Flavour) {
	for i := range s.Nodes {
		nt := &s.Nodes[i]
		if !s.Derives(tosca.NodeTypes, nt.Kind, typeVipCp) {
			continue
		}
		var points []*vnfd.VduCp
		for _, r := range s.Requirements(nt, "target") {
			if cp := s.pointOf(f, r.Text()); cp != nil {
				points = append(points, cp)
			} else {
				s.Findf("unknown-target", r.Where(), "the virtual address %s is for %s, which is no connection point of a VDU", vnfd.Quote(nt.Name), vnfd.Quote(r.Text()))
			}
		}
		var holder vnfd.VduCp
		s.fixedIPs(nt, &holder)
		addresses := holder.FixedIPs
		if len(addresses) == 0 && !s.Boolean(s.Prop(nt, "dedicated_ip_address"), true) {
			for _, cp := range points {
				addresses = append(addresses, cp.FixedIPs...)
			}
		}
		if len(addresses) == 0 {
			s.Findf("not-supported", nt.At, "the virtual address %s has no fixed_ip_address: nobody can say what its connection points may use", vnfd.Quote(nt.Name))
		}
		for _, cp := range points {
			s.share(cp, addresses, nt)
		}
	}
}

// share lets a connection point use addresses beside its own.
func (s *scope) share(cp *vnfd.VduCp, addresses []string, vip *tosca.NodeTemplate) {
	for _, a := range addresses {
		own := len(cp.FixedIPs) == 1 && cp.FixedIPs[0] == a
		if ip, err := netip.ParseAddr(a); err != nil || own || slices.Contains(cp.Shared, ip.String()) {
			continue
		}
		if len(cp.Shared) == s.Limits.Addresses {
			s.Exceedf("addresses", "too-large", vip.At, "the connection point %s shares more than %d addresses", vnfd.Quote(cp.ID), s.Limits.Addresses)
			return
		}
		cp.Shared = append(cp.Shared, a)
	}
	slices.Sort(cp.Shared)
}
