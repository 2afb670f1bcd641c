package lcm

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
)

// A VIM that chooses an address for one port must not be free to choose the one that another has to have. Seen failing,
// now and then, as "the address 10.10.0.10 is in use" while all ports were reserved at once.
func TestPortsWithGivenAddressesComeFirst(t *testing.T) {
	port := func(ips ...vim.FixedIP) *Planned {
		return &Planned{Kind: vim.Port, Spec: vim.Spec{Port: &vim.PortSpec{FixedIPs: ips}}}
	}
	for want, p := range map[string]*Planned{
		"fixed-ports": port(vim.FixedIP{Subnet: "s"}, vim.FixedIP{Address: "10.0.0.1"}),
		"ports":       port(vim.FixedIP{Subnet: "s"}),
		"networks":    {Kind: vim.Network},
	} {
		if got := stepOf(p); got != want {
			t.Errorf("%+v belongs to step %s, want %s", p, got, want)
		}
	}
	stages := (&Service{}).instantiateV1().Stages
	at := func(id string) int { return slices.IndexFunc(stages, func(s saga.Stage) bool { return s.ID == id }) }
	if at("fixed-ports") < at("subnets") || at("ports") < at("fixed-ports") || at("computes") < at("ports") {
		t.Errorf("the order of stages is %v", stages)
	}
}
