package vim_test

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm/vim"
)

// A VIM shows what it chose, and in its own order: neither differs from a specification that says nothing of it.
func TestWhatIsLeftToTheVimDoesNotDiffer(t *testing.T) {
	volumes := func(ids ...string) (out []vim.VolumeRef) {
		for _, id := range ids {
			out = append(out, vim.VolumeRef{ID: id})
		}
		return out
	}
	compute := func(c vim.ComputeSpec) vim.Spec { return vim.Spec{Compute: &c} }
	for name, x := range map[string]struct {
		asked, seen vim.Spec
		about, want []vim.Attribute
	}{
		"zone": {
			compute(vim.ComputeSpec{}), compute(vim.ComputeSpec{Zone: "nova"}), []vim.Attribute{vim.AttributeZone}, nil,
		},
		"another zone": {
			compute(vim.ComputeSpec{Zone: "a"}), compute(vim.ComputeSpec{Zone: "b"}), []vim.Attribute{vim.AttributeZone}, []vim.Attribute{vim.AttributeZone},
		},
		"MTU, another type": {
			vim.Spec{Network: &vim.NetworkSpec{Type: "vlan"}}, vim.Spec{Network: &vim.NetworkSpec{Type: "vxlan", MTU: 1450}},
			[]vim.Attribute{vim.AttributeMTU, vim.AttributeType}, []vim.Attribute{vim.AttributeType},
		},
		"another MTU": {
			vim.Spec{Network: &vim.NetworkSpec{MTU: 1500}}, vim.Spec{Network: &vim.NetworkSpec{MTU: 1450}}, []vim.Attribute{vim.AttributeMTU}, []vim.Attribute{vim.AttributeMTU},
		},
		"gateway": {
			vim.Spec{Subnet: &vim.SubnetSpec{}}, vim.Spec{Subnet: &vim.SubnetSpec{Gateway: "10.0.0.1"}}, []vim.Attribute{vim.AttributeGateway}, nil,
		},
		"order": {
			compute(vim.ComputeSpec{Ports: []string{"b", "a"}, Volumes: []vim.VolumeRef{{ID: "y", Boot: true}, {ID: "x"}}}),
			compute(vim.ComputeSpec{Ports: []string{"a", "b"}, Volumes: volumes("x", "y")}), []vim.Attribute{vim.AttributePorts, vim.AttributeVolumes}, nil,
		},
		"a port less": {
			compute(vim.ComputeSpec{Ports: []string{"b", "a"}}), compute(vim.ComputeSpec{Ports: []string{"a"}}), []vim.Attribute{vim.AttributePorts}, []vim.Attribute{vim.AttributePorts},
		},
		"a volume more": {
			compute(vim.ComputeSpec{}), compute(vim.ComputeSpec{Volumes: volumes("x")}), []vim.Attribute{vim.AttributeVolumes}, []vim.Attribute{vim.AttributeVolumes},
		},
		"what is not known": {
			compute(vim.ComputeSpec{Flavour: "a"}), compute(vim.ComputeSpec{}), []vim.Attribute{vim.AttributeName}, nil,
		},
	} {
		o := vim.Observed{Spec: x.seen, About: x.about}
		if got := o.Differs(x.asked); !slices.Equal(got, x.want) {
			t.Errorf("%s: differs in %v, want %v", name, got, x.want)
		}
	}
}
