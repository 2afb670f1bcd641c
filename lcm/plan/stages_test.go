package plan_test

import (
	"testing"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
)

// A VIM that chooses an address for one port might take the one that another is to have: those are made first, in a stage of
// their own. Seen failing with one stage for all ports.
func TestPortsWithGivenAddressesComeFirst(t *testing.T) {
	want := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple"})
	given, ports := map[string]bool{}, 0
	for i := range want.Resources {
		if r := &want.Resources[i]; r.Kind == vim.Port {
			if ports++; ports%2 == 0 {
				r.Spec.Port.FixedIPs = []vim.FixedIP{{Address: "10.0.0.9"}}
				given[r.ID] = true
			}
		}
	}
	p, err := plan.New(nil, want, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	resolver := plan.NewResolver(p, &nfvo.Grant{})
	var order []string
	for i := range p.Stages {
		for _, s := range resolver.Steps(&p.Stages[i]) {
			if p.To(s).Kind != vim.Port {
				continue
			}
			if order = append(order, s.ID); given[s.ID] != (p.Stages[i].Ports == plan.GivenAddresses) {
				t.Errorf("%s is made in stage %s", s.ID, p.Stages[i].ID)
			}
		}
	}
	if len(order) != ports || len(given) == 0 {
		t.Fatalf("%d of %d ports are made, %d with a given address", len(order), ports, len(given))
	}
	for i, id := range order {
		if given[id] != (i < len(given)) {
			t.Errorf("%s is number %d of %v", id, i, order)
		}
	}
}

// A generation that was tried, and of which nothing is recorded, is not tried again: a late command of that attempt may still come.
// Seen failing with the generation behind the one that stands.
func TestAGenerationThatWasTriedIsNotTriedAgain(t *testing.T) {
	have := []plan.Resource{{
		ID: "n", Kind: vim.Network, Spec: vim.Spec{Name: "n", Network: &vim.NetworkSpec{MTU: 1400}}, Generation: 1, Revision: 1, Tried: 3,
		At: &plan.At{Connection: "vim", ID: "id-n"},
	}}
	want := []plan.Resource{{ID: "n", Kind: vim.Network, Spec: vim.Spec{Name: "n", Network: &vim.NetworkSpec{MTU: 1500}}}}
	p, err := plan.New(have, &plan.Wanted{Resources: want}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if g := p.Want.Resources[0].Generation; g != 4 {
		t.Errorf("generation %d", g)
	}
}
