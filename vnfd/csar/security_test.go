package csar_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// points are two VDUs with a connection point each, the second of which an external one exposes.
func points() string {
	cp := func(name, vdu string) string {
		return "    " + name + ": { type: tosca.nodes.nfv.VduCp, properties: { protocol: [ { address_data: [ { l3_address_data: { fixed_ip_address: [ 10.0.0." +
			map[string]string{"A": "5", "B": "6"}[vdu] + " ] } } ] } ] }, requirements: [ { virtual_binding: " + vdu + " }, { virtual_link: net } ] }\n"
	}
	return vdu("A", image("size: 1 GiB")) + vdu("B", image("size: 1 GiB")) + link("10.0.0.0/24") + cp("a", "A") + cp("b", "B") +
		"    outside: { type: tosca.nodes.nfv.VnfExtCp, requirements: [ { internal_cp: b } ] }\n"
}

func securityRules(policies ...string) string {
	out := "  policies:\n"
	for i, p := range policies {
		out += fmt.Sprintf("    - r%d: { type: tosca.policies.nfv.SecurityGroupRule, %s }\n", i, p)
	}
	return out
}

// Rules of an external connection point are those of the VduCp that it exposes: that is the port.
func TestSecurityRulesOfConnectionPoints(t *testing.T) {
	t.Parallel()
	text := template(points() + securityRules(
		"properties: { protocol: udp, port_range_min: 53, port_range_max: 53, direction: egress }, targets: [ a ]",
		"targets: [ a, outside ]", // the defaults of the type: all of TCP in
		"properties: { protocol: icmp, ether_type: ipv6, port_range_min: 0, port_range_max: 65535 }, targets: [ outside ]",
		"properties: { protocol: ospfigp }, targets: [ b ]",
		"properties: { protocol: tcp, port_range_min: 0, port_range_max: 1023 }, targets: [ b ]",
		"properties: { protocol: udp_lite }, targets: [ b ]",
		"properties: { protocol: rohc }, targets: [ b, net ]",
	))
	pkg := small.with(main, text).mustOpen(t)
	f := pkg.Descriptor.Flavours[0]
	tcp := vnfd.SecurityRule{Direction: "ingress", IPVersion: 4, Protocol: "tcp"}
	want := map[string][]vnfd.SecurityRule{
		"a": {{Direction: "egress", IPVersion: 4, Protocol: "udp", PortMin: 53, PortMax: 53}, tcp},
		"b": {
			{Direction: "ingress", IPVersion: 4, Protocol: "136"}, {Direction: "ingress", IPVersion: 4, Protocol: "142"}, {Direction: "ingress", IPVersion: 4, Protocol: "89"},
			tcp, {Direction: "ingress", IPVersion: 4, Protocol: "tcp", PortMin: 1, PortMax: 1023}, {Direction: "ingress", IPVersion: 6, Protocol: "ipv6-icmp"},
		},
	}
	for _, cp := range f.Cps {
		if !slices.Equal(cp.Rules, want[cp.ID]) {
			t.Errorf("%s has %+v, want %+v", cp.ID, cp.Rules, want[cp.ID])
		}
	}
	if len(pkg.Findings) != 1 || pkg.Findings[0].Rule != "unknown-target" { // of the link
		t.Errorf("findings: %v", pkg.Findings)
	}
	for bad, name := range map[string]string{
		"direction: sideways": "direction", "ether_type: arp": "ether_type", "protocol: carrier_pigeon": "protocol", "protocol: 300": "protocol",
		"port_range_min: 70000": "port_range_min", "port_range_min: 80, port_range_max: 79": "port_range_max",
	} {
		_, err := open(small.with(main, template(points()+securityRules("properties: { "+bad+" }, targets: [ a ]"))).zip(t), csar.Options{})
		if err == nil || !strings.Contains(err.Error(), "the "+name+" ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSharedAddressesOfConnectionPoints(t *testing.T) {
	t.Parallel()
	vip := func(properties, more string) string {
		return "    vip: { type: tosca.nodes.nfv.VipCp, properties: { vip_function: high_availability" + properties + " }, requirements: [ { target: a }, { target: outside }" + more + ", { virtual_link: net } ] }\n"
	}
	fixed := ", protocol: [ { address_data: [ { l3_address_data: { fixed_ip_address: [ 10.0.0.99 ] } } ] } ]"
	for name, x := range map[string]struct {
		vip      string
		a, b     []string
		findings int
	}{
		"an address of its own":       {vip(fixed, ""), []string{"10.0.0.99"}, []string{"10.0.0.99"}, 0},
		"the address of a point":      {vip(", dedicated_ip_address: false", ""), []string{"10.0.0.6"}, []string{"10.0.0.5"}, 0},
		"an address that nobody says": {vip("", ""), nil, nil, 1},
		"of no connection point":      {vip(fixed, ", { target: A }"), []string{"10.0.0.99"}, []string{"10.0.0.99"}, 1},
	} {
		pkg := small.with(main, template(points()+x.vip)).mustOpen(t)
		cps := pkg.Descriptor.Flavours[0].Cps
		if !slices.Equal(cps[0].Shared, x.a) || !slices.Equal(cps[1].Shared, x.b) || len(pkg.Findings) != x.findings {
			t.Errorf("%s: %v and %v; %v", name, cps[0].Shared, cps[1].Shared, pkg.Findings)
		}
	}
}
