package vnf

import "slices"

// with returns the changes with one more. A link port joins the entry of its link.
func (c ResourceChanges) with(vnfc *AffectedVnfc, link *AffectedLink, port *AffectedExtPort, storage *AffectedStorage) ResourceChanges {
	if vnfc != nil {
		c.Vnfcs = put(c.Vnfcs, *vnfc, func(x AffectedVnfc) bool { return x.ID == vnfc.ID && x.Change == vnfc.Change })
	}
	if port != nil {
		c.ExtPorts = put(c.ExtPorts, *port, func(x AffectedExtPort) bool { return x.ID == port.ID && x.Change == port.Change })
	}
	if storage != nil {
		c.Storages = put(c.Storages, *storage, func(x AffectedStorage) bool { return x.ID == storage.ID && x.Change == storage.Change })
	}
	if link != nil {
		c.Links = withLink(c.Links, *link)
	}
	return c
}

// withLink adds a link, or ports to the entry of a link: that of the added or removed link when there is one, else the
// one that says that only ports were (SOL003 v3.7.1 §5.5.3.14: one entry per link and change type).
func withLink(links []AffectedLink, l AffectedLink) []AffectedLink {
	whole := map[ChangeType]ChangeType{LinkPortAdded: Added, LinkPortRemoved: Removed}[l.Change]
	i := slices.IndexFunc(links, func(x AffectedLink) bool {
		return x.ID == l.ID && (x.Change == l.Change || whole != "" && x.Change == whole)
	})
	if i < 0 && l.Change == Removed { // its ports went before it
		i = slices.IndexFunc(links, func(x AffectedLink) bool { return x.ID == l.ID && x.Change == LinkPortRemoved })
	}
	if i < 0 {
		return append(slices.Clip(links), l)
	}
	links = slices.Clone(links)
	ports := slices.Clone(links[i].PortIDs)
	for _, p := range l.PortIDs {
		if !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	if l.Change == Removed || l.Change == Added {
		links[i] = l
	}
	links[i].PortIDs = ports
	return links
}

func put[T any](list []T, x T, same func(T) bool) []T {
	if i := slices.IndexFunc(list, same); i >= 0 {
		list = slices.Clone(list)
		list[i] = x
		return list
	}
	return append(slices.Clip(list), x)
}

// without returns the changes without what was made of one resource.
func (c ResourceChanges) without(id string) ResourceChanges {
	c.Vnfcs = drop(c.Vnfcs, func(x AffectedVnfc) bool { return x.ID == id })
	c.ExtPorts = drop(c.ExtPorts, func(x AffectedExtPort) bool { return x.ID == id })
	c.Storages = drop(c.Storages, func(x AffectedStorage) bool { return x.ID == id })
	c.Links = drop(c.Links, func(x AffectedLink) bool { return x.ID == id })
	for i, l := range c.Links {
		if slices.Contains(l.PortIDs, id) {
			c.Links = slices.Clone(c.Links)
			c.Links[i].PortIDs = drop(l.PortIDs, func(p string) bool { return p == id })
			if l.Change == LinkPortAdded && len(c.Links[i].PortIDs) == 0 {
				c.Links = drop(c.Links, func(x AffectedLink) bool { return x.ID == l.ID && x.Change == l.Change })
			}
			break
		}
	}
	return c
}

func drop[T any](list []T, gone func(T) bool) []T {
	if !slices.ContainsFunc(list, gone) {
		return list
	}
	left := slices.DeleteFunc(slices.Clone(list), gone)
	if len(left) == 0 {
		return nil
	}
	return left
}
