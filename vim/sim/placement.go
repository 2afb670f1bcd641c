package sim

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// zoneNames are the availability zones of every simulated VIM.
var zoneNames = []string{"az-1", "az-2"}

// zones returns the zones a wish leaves to choose from.
func (s *Sim) zones(c call, want string) ([]string, *vim.Error) {
	if want == "" {
		return zoneNames, nil
	}
	if !slices.Contains(zoneNames, want) {
		return nil, c.fail(message.NotFound, "there is no zone "+want)
	}
	return []string{want}, nil
}

// hash makes the simulator's choices: the same for the same seed, VIM and token, whatever happened before.
func (s *Sim) hash(h *held, purpose string, n int) uint64 {
	f := fnv.New64a()
	_, _ = fmt.Fprintf(f, "%d|%s|%s|%s|%d", s.state.behaviour.Seed, h.Vim, h.Resource.Token, purpose, n) // never fails
	sum := f.Sum64()
	return sum ^ sum>>29 ^ sum>>47 // the low bits of FNV alone follow the last byte
}

// place chooses host and zone of a new compute. As with a real VIM, a compute that fits nowhere is accepted first and found
// failed later.
func (s *Sim) place(c call, h *held) *vim.Error {
	found, err := s.host(c, h)
	switch {
	case err != nil:
		return err
	case !found:
		h.Resource.Failed = c.fail(message.Quota, "no valid host was found")
	}
	return nil
}

// host chooses host and zone of a compute by its server groups, and reports whether there is one.
func (s *Sim) host(c call, h *held) (bool, *vim.Error) {
	zones, err := s.zones(c, h.Spec.Compute.Zone)
	if err != nil {
		return false, err
	}
	var hosts []string
	for _, z := range zones {
		for i := range s.hosts {
			hosts = append(hosts, fmt.Sprintf("%s-host-%d", z, i+1))
		}
	}
	for _, id := range h.Spec.Compute.ServerGroup {
		group, err := s.need(c, h.Vim, vim.ServerGroup, id)
		if err != nil {
			return false, err
		}
		if group == nil {
			continue // the site's own, about which nothing is known
		}
		var taken []string
		for _, member := range s.state.usersOf(h.Vim, id, vim.Compute) {
			if member.Host != "" && member.Resource.ID != h.Resource.ID {
				taken = append(taken, member.Host)
			}
		}
		affinity := group.Spec.ServerGroup.Affinity
		if affinity && len(taken) == 0 {
			continue
		}
		hosts = slices.DeleteFunc(hosts, func(host string) bool { return slices.Contains(taken, host) != affinity })
	}
	if len(hosts) == 0 {
		return false, nil
	}
	h.Host = hosts[s.hash(h, "host", 0)%uint64(len(hosts))]
	h.Resource.Zone = h.Host[:len(zoneNames[0])]
	return true, nil
}
