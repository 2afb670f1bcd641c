package vim

import (
	"cmp"
	"fmt"
)

// The directions of a SecurityRule, as seen from the machine.
const (
	Ingress = "ingress"
	Egress  = "egress"
)

// Compare orders rules.
func (r SecurityRule) Compare(o SecurityRule) int {
	return cmp.Or(cmp.Compare(r.Direction, o.Direction), cmp.Compare(r.IPVersion, o.IPVersion), cmp.Compare(r.Protocol, o.Protocol),
		cmp.Compare(r.PortMin, o.PortMin), cmp.Compare(r.PortMax, o.PortMax))
}

// String returns a rule for people: "ingress IPv4 tcp 80-443".
func (r SecurityRule) String() string {
	s := fmt.Sprintf("%s IPv%d %s", r.Direction, r.IPVersion, r.Protocol)
	switch {
	case r.PortMax == 0:
		return s
	case r.PortMin == r.PortMax:
		return fmt.Sprintf("%s %d", s, r.PortMin)
	}
	return fmt.Sprintf("%s %d-%d", s, r.PortMin, r.PortMax)
}
