package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/vnfm/vnfm/eventstore"
)

// NodeColumns are those of a node, as AddNode takes them.
const NodeColumns = "id, name, version, url, roles, knows, started, until, stopped"

// AddNode adds a row of a node to those that live, or to those that are gone.
func AddNode(row Row, to *eventstore.Leases) error {
	var n eventstore.Node
	var roles string
	if err := row.Scan(&n.ID, &n.Name, &n.Version, &n.URL, &roles, &n.Knows, &n.Started, &n.Until, &n.Stopped); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(roles), &n.Roles); err != nil {
		return fmt.Errorf("roles of node %s: %w", n.ID, err)
	}
	if n.Until > to.Now {
		to.Nodes = append(to.Nodes, n)
	} else {
		to.Gone = append(to.Gone, n)
	}
	return nil
}

// AddLease adds a row of a lease, when its owner lives.
func AddLease(row Row, to *eventstore.Leases) error {
	var l eventstore.Lease
	if err := row.Scan(&l.Role, &l.Lane, &l.Owner, &l.Epoch); err != nil {
		return err
	}
	for i := range to.Nodes {
		if to.Nodes[i].ID == l.Owner {
			to.Held = append(to.Held, l)
			break
		}
	}
	return nil
}
