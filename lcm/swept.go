package lcm

import (
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vnf"
)

// Swept adds to the commit that deletes an ended saga what goes with it: the snapshots of its operation, whose stream does not grow
// any more. Its events and its view stay.
func Swept(row *eventstore.SagaRow, c *eventstore.Commit) {
	if row.Type != SagaCleanup {
		c.Unsnapped = append(c.Unsnapped, vnf.OpOccStream+row.ID)
	}
}
