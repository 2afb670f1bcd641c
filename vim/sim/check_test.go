package sim_test

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// A check of a simulated site tells its quotas, and which are used up.
func TestCheckTellsQuotas(t *testing.T) {
	s, err := sim.Open(sim.Config{Behaviour: sim.Behaviour{Quota: map[vim.Kind]int{vim.Network: 1, vim.Port: 0}}})
	if err != nil {
		t.Fatal(err)
	}
	conn := sim.Connections()[0]
	if _, err := s.Start(t.Context(), conn, vim.StartRequest{Token: vim.Token{ID: "n", Generation: 1}, Kind: vim.Network, Owner: "v", Spec: vim.Spec{Name: "n", Network: &vim.NetworkSpec{}}}); err != nil {
		t.Fatal(err)
	}
	facts, err := s.Check(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []vim.Fact{
		{Area: vim.AreaQuota, Name: "network", Value: "1 of 1 used", Lacks: true}, {Area: vim.AreaQuota, Name: "port", Value: "0 of 0 used", Lacks: true},
		{Area: vim.AreaQuota, Name: "volume", Value: "0 of 100000 used"},
	} {
		if !slices.Contains(facts, want) {
			t.Errorf("no %+v in %+v", want, facts)
		}
	}
	if _, err := s.Check(t.Context(), vim.Connection{Type: "other"}); vim.ClassOf(err) != message.Permanent {
		t.Errorf("%v", err)
	}
}
