package vnf

import "slices"

// with returns the changes with one more. A link port joins the entry of its link.
func (c ResourceChanges) with(vnfc *AffectedVnfc, link *AffectedLink, port *AffectedExtPort, storage *AffectedStorage) ResourceChanges {
	if vnfc != nil {
		c.Vnfcs = put(c.Vnfcs, *vnfc, func(x *AffectedVnfc) bool { return x.ID == vnfc.ID && x.Change == vnfc.Change })
	}
	if port != nil {
		c.ExtPorts = put(c.ExtPorts, *port, func(x *AffectedExtPort) bool { return x.ID == port.ID && x.Change == port.Change })
	}
	if storage != nil {
		c.Storages = put(c.Storages, *storage, func(x *AffectedStorage) bool { return x.ID == storage.ID && x.Change == storage.Change })
	}
	if link != nil {
		c.Links = withLink(c.Links, *link)
	}
	return c
}

// withLink adds a link, or ports to the entry of a link: that of the added or removed link when there is one, else the
// one that says that only ports were (SOL003 v3.7.1 §5.5.3.14: one entry per link and change type).
func withLink(links List[AffectedLink], l AffectedLink) List[AffectedLink] {
	whole := map[ChangeType]ChangeType{LinkPortAdded: Added, LinkPortRemoved: Removed}[l.Change]
	i := links.Index(func(x *AffectedLink) bool {
		return x.ID == l.ID && (x.Change == l.Change || whole != "" && x.Change == whole)
	})
	if i < 0 && l.Change == Removed { // its ports went before it
		i = links.Index(func(x *AffectedLink) bool { return x.ID == l.ID && x.Change == LinkPortRemoved })
	}
	if i < 0 {
		return links.With(links.Len(), l)
	}
	now := *links.At(i)
	ports := slices.Clone(now.PortIDs)
	for _, p := range l.PortIDs {
		if !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	if l.Change == Removed || l.Change == Added {
		now = l
	}
	now.PortIDs = ports
	return links.With(i, now)
}

func put[T any](list List[T], x T, same func(*T) bool) List[T] {
	i := list.Index(same)
	if i < 0 {
		i = list.Len()
	}
	return list.With(i, x)
}

// without returns the changes without what was made of one resource.
func (c ResourceChanges) without(id string) ResourceChanges {
	c.Vnfcs = c.Vnfcs.Without(func(x *AffectedVnfc) bool { return x.ID == id || x.Unit == id && id != "" })
	c.ExtPorts = c.ExtPorts.Without(func(x *AffectedExtPort) bool { return x.ID == id })
	c.Storages = c.Storages.Without(func(x *AffectedStorage) bool { return x.ID == id })
	c.Links = c.Links.Without(func(x *AffectedLink) bool { return x.ID == id })
	for i, l := range c.Links.All() {
		if !slices.Contains(l.PortIDs, id) {
			continue
		}
		left := *l
		left.PortIDs = slices.DeleteFunc(slices.Clone(l.PortIDs), func(p string) bool { return p == id })
		if len(left.PortIDs) == 0 {
			left.PortIDs = nil
		}
		c.Links = c.Links.With(i, left)
		if left.Change == LinkPortAdded && len(left.PortIDs) == 0 {
			c.Links = c.Links.Without(func(x *AffectedLink) bool { return x.ID == left.ID && x.Change == left.Change })
		}
		break
	}
	return c
}
