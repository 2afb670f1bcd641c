package lease

import (
	"slices"

	"github.com/vnfm/vnfm/eventstore"
)

// Share says which lanes a node should take, and which to give up, when all lie as they do. Of the nodes with a role those that
// know most share its lanes evenly: the first, by ID, have one more where it does not come out even. All nodes that see the same
// come to the same, so nobody has to decide for others. Only lanes that no node has are to be taken.
func Share(id string, l eventstore.Leases) (want, give []eventstore.RoleLane) {
	i := slices.IndexFunc(l.Nodes, func(n eventstore.Node) bool { return n.ID == id })
	if i < 0 {
		return nil, nil // it is dead, and has nothing
	}
	held := map[eventstore.RoleLane]string{}
	for _, h := range l.Held {
		held[h.RoleLane] = h.Owner
	}
	for _, role := range l.Nodes[i].Roles {
		w, g := shareRole(id, role, l.Nodes, held)
		want, give = append(want, w...), append(give, g...)
	}
	return want, give
}

func shareRole(id, role string, nodes []eventstore.Node, held map[eventstore.RoleLane]string) (want, give []eventstore.RoleLane) {
	rank, sharers := sharing(id, role, nodes)
	var mine, free []eventstore.RoleLane
	for _, lane := range eventstore.LanesOf(role) {
		switch owner, ok := held[lane]; {
		case !ok:
			free = append(free, lane)
		case owner == id:
			mine = append(mine, lane)
		}
	}
	due := quota(rank, sharers)
	if len(mine) > due {
		return nil, mine[due:]
	}
	// Each begins at another place, so that those who ask at once do not all ask for the same.
	before := 0
	for r := range rank {
		before += quota(r, sharers)
	}
	for n := range min(due-len(mine), len(free)) {
		want = append(want, free[(before*len(free)/eventstore.Lanes+n)%len(free)])
	}
	return want, nil
}

// sharing returns which of the nodes that share a role's lanes a node is, -1 when it is none of them, and how many there are.
func sharing(id, role string, nodes []eventstore.Node) (rank, sharers int) {
	rank = -1
	most := 0
	for i := range nodes {
		n := &nodes[i]
		if !slices.Contains(n.Roles, role) || n.Knows < most {
			continue
		}
		if sharers == 0 || n.Knows > most {
			most, sharers, rank = n.Knows, 0, -1
		}
		if n.ID == id {
			rank = sharers
		}
		sharers++
	}
	return rank, sharers
}

// quota is how many lanes the node of a rank has when all have their share.
func quota(rank, sharers int) int {
	if rank < 0 {
		return 0
	}
	n := eventstore.Lanes / sharers
	if rank < eventstore.Lanes%sharers {
		n++
	}
	return n
}
