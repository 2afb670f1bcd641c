package vim

import (
	"context"
	"encoding/json"
	"fmt"
)

// Site is a connection, and whose resources are looked for through it.
type Site struct {
	Connection
	owners map[string]bool // only of these VNFs; nil: of all that have no connection of their own under this id
	others map[string]bool // those that have
}

// Covers reports whether the resources of a VNF are looked for through this connection.
func (s Site) Covers(vnfID string) bool {
	if s.owners != nil {
		return s.owners[vnfID]
	}
	return !s.others[vnfID]
}

// Sites lists everywhere that resources may be: the registered connections, then those VNFs have of their own. VNFs whose
// connections are the same in every detail share a site. Errors: of the registry.
func Sites(ctx context.Context, r Registry) ([]Site, error) {
	registered, err := r.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the VIM connections: %w", err)
	}
	owned, err := r.Owned(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the VIM connections of VNFs: %w", err)
	}
	others := map[string]map[string]bool{}
	at := map[string]int{}
	var own []Site
	for _, o := range owned {
		if others[o.ID] == nil {
			others[o.ID] = map[string]bool{}
		}
		others[o.ID][o.VnfID] = true
		key, err := json.Marshal(o.Connection) // stays in memory
		if err != nil {
			return nil, fmt.Errorf("VIM connection %s of VNF %s: %w", o.ID, o.VnfID, err)
		}
		i, ok := at[string(key)]
		if !ok {
			i = len(own)
			at[string(key)] = i
			own = append(own, Site{Connection: o.Connection, owners: map[string]bool{}})
		}
		own[i].owners[o.VnfID] = true
	}
	out := make([]Site, 0, len(registered)+len(own))
	for _, c := range registered {
		out = append(out, Site{Connection: c, others: others[c.ID]})
	}
	return append(out, own...), nil
}
