package sim

import (
	"context"
	"fmt"
	"slices"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

var _ vim.Checker = (*Sim)(nil)

// Check tells the quotas of a simulated site, and how much of each is used. Everything is allowed.
func (s *Sim) Check(_ context.Context, conn vim.Connection) ([]vim.Fact, error) {
	c := call{op: "check", what: conn.ID}
	if conn.Type != Type {
		return nil, c.fail(message.Permanent, "not a connection to the simulator: type "+conn.Type)
	}
	used := map[vim.Kind]int{}
	for _, e := range s.Inventory() {
		if e.Vim == conn.ID {
			used[e.Kind]++
		}
	}
	b := s.Behaviour()
	out := []vim.Fact{{Area: vim.AreaVersion, Name: "simulator", Value: "1"}, {Area: vim.AreaRight, Name: "everything", Value: "allowed"}}
	for _, kind := range slices.Sorted(slices.Values(quotaKinds)) {
		most := b.quota(kind)
		out = append(out, vim.Fact{Area: vim.AreaQuota, Name: string(kind), Value: fmt.Sprintf("%d of %d used", used[kind], most), Lacks: used[kind] >= most})
	}
	return out, nil
}
