package vnfd

import "cmp"

// Compare orders rules.
func (r SecurityRule) Compare(o SecurityRule) int {
	return cmp.Or(cmp.Compare(r.Direction, o.Direction), cmp.Compare(r.IPVersion, o.IPVersion), cmp.Compare(r.Protocol, o.Protocol),
		cmp.Compare(r.PortMin, o.PortMin), cmp.Compare(r.PortMax, o.PortMax))
}
