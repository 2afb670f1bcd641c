package openstack

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// pageSize is how many resources are read at once; a service may give fewer.
const pageSize = 500

// place is where a page of List begins: behind something within one of the lists.
type place struct {
	List   int    `json:"list"`
	Marker string `json:"marker,omitempty"`
}

// batch is what one request for a part of a list has answered: what is ours of it, and where the next part begins; "" at the end.
type batch struct {
	items []item
	next  string
}

// lists are read one after the other. Nova, Cinder and Glance look for the owner themselves; Neutron cannot, so that all of the project's
// networks, subnets and ports are read, and server groups likewise.
//
//nolint:gochecknoglobals // data
var lists = []func(ctx context.Context, c call, owner, marker string) (batch, error){
	listGroups, listNetworks, listSubnets, listPorts, listVolumes, listServers, listImages, listUploaded, listFlavours,
}

// List returns a page of the resources that bear our marks.
func (d *Driver) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	_, items, next, err := d.page(ctx, conn, r)
	if err != nil {
		return vim.ListPage{}, err
	}
	out := vim.ListPage{Resources: make([]vim.Resource, len(items)), Next: next}
	for i := range items {
		out.Resources[i] = items[i].Resource
	}
	return out, nil
}

func (d *Driver) page(ctx context.Context, conn vim.Connection, r vim.ListRequest) (c call, items []item, next string, err error) {
	cl, err := d.cloud(conn)
	if err != nil {
		return call{}, nil, "", err
	}
	c = call{cloud: cl, driver: d, op: "list", what: r.Owner}
	var from place
	if r.After != "" && json.Unmarshal([]byte(r.After), &from) != nil || from.List < 0 {
		return c, nil, "", c.fail(message.Permanent, "a page does not begin with this")
	}
	if _, err := c.client(ctx, network); err != nil { // from here on the project is known
		return c, nil, "", c.errorOf(network, err)
	}
	limit := pageSize
	if r.Limit > 0 {
		limit = min(limit, r.Limit)
	}
	for ; from.List < len(lists); from = (place{List: from.List + 1}) {
		for {
			b, err := lists[from.List](ctx, c, r.Owner, from.Marker)
			if class := vim.ClassOf(err); from.Marker != "" && (class == message.Permanent || class == message.NotFound) {
				from.Marker = "" // what the page was to begin behind has gone: the list begins anew, and the reader knows what it has seen
				continue
			}
			if err != nil {
				return c, nil, "", err
			}
			for _, it := range b.items {
				if it.going || r.Owner != "" && it.Owner != r.Owner {
					continue
				}
				if len(items) == limit {
					return c, items, string(vim.Encode(from)), nil
				}
				items, from.Marker = append(items, it), it.marker()
			}
			if from.Marker = b.next; from.Marker == "" {
				break
			}
		}
	}
	return c, items, "", nil
}

// marker is what the part of a list behind an item begins behind.
func (it *item) marker() string {
	if it.Kind.Shared() {
		return it.ID + " " + it.Token.String()
	}
	return it.ID
}

// from is the query for a part of a list.
func from(marker string) url.Values {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if marker != "" {
		q.Set("marker", marker)
	}
	return q
}

// part reads what came of a request: a page that is not full is the last one, unless the service says that there is more.
func part[T docItem](page []T, id func(T) string, more []link) batch {
	b := batch{items: itemsOf(page)}
	full := len(page) >= pageSize
	for _, l := range more {
		full = full || l.Rel == "next"
	}
	if full && len(page) > 0 {
		b.next = id(page[len(page)-1])
	}
	return b
}

// link is where a service says that a list goes on.
type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

func listGroups(ctx context.Context, c call, _, marker string) (batch, error) {
	// a part of a page would move when groups come and go: all are read, and cut by id
	all, err := groups{}.all(ctx, c)
	if err != nil {
		return batch{}, err
	}
	items := itemsOf(all)
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.ID, b.ID) })
	after := slices.IndexFunc(items, func(it item) bool { return it.ID > marker })
	if after < 0 {
		return batch{}, nil
	}
	return batch{items: items[after:]}, nil
}

func listNetworks(ctx context.Context, c call, _, marker string) (batch, error) {
	var out struct {
		Networks []networkDoc `json:"networks"`
		Links    []link       `json:"networks_links"`
	}
	err := c.get(ctx, network, "networks", projects(c, from(marker)), &out)
	return part(out.Networks, func(d networkDoc) string { return d.ID }, out.Links), err
}

func listSubnets(ctx context.Context, c call, _, marker string) (batch, error) {
	var out struct {
		Subnets []subnetDoc `json:"subnets"`
		Links   []link      `json:"subnets_links"`
	}
	err := c.get(ctx, network, "subnets", projects(c, from(marker)), &out)
	return part(out.Subnets, func(d subnetDoc) string { return d.ID }, out.Links), err
}

func listPorts(ctx context.Context, c call, _, marker string) (batch, error) {
	var out struct {
		Ports []portDoc `json:"ports"`
		Links []link    `json:"ports_links"`
	}
	err := c.get(ctx, network, "ports", projects(c, from(marker)), &out)
	return part(out.Ports, func(d portDoc) string { return d.ID }, out.Links), err
}

func listVolumes(ctx context.Context, c call, owner, marker string) (batch, error) {
	q := from(marker)
	q.Set("metadata", "{'"+mark+"':'resource'}")
	if owner != "" {
		q.Set("metadata", "{'"+keyOwner+"':'"+owner+"'}")
	}
	var out struct {
		Volumes []volumeDoc `json:"volumes"`
		Links   []link      `json:"volumes_links"`
	}
	err := c.get(ctx, storage, "volumes/detail", q, &out)
	return part(out.Volumes, func(d volumeDoc) string { return d.ID }, out.Links), err
}

func listServers(ctx context.Context, c call, owner, marker string) (batch, error) {
	q := from(marker)
	q.Set("tags", mark)
	if owner != "" {
		q.Set("tags", tagOwner+owner)
	}
	var out struct {
		Servers []serverDoc `json:"servers"`
		Links   []link      `json:"servers_links"`
	}
	err := c.get(ctx, compute, "servers/detail", q, &out)
	return part(out.Servers, func(d serverDoc) string { return d.ID }, out.Links), err
}

func listImages(ctx context.Context, c call, owner, marker string) (batch, error) {
	q := from(marker)
	q.Set(mark, "resource")
	if owner != "" {
		q.Set(keyOwner, owner)
	}
	var out struct {
		Images []imageDoc `json:"images"`
		Next   string     `json:"next"`
	}
	err := c.get(ctx, image, "images", q, &out)
	b := part(out.Images, func(d imageDoc) string { return d.ID }, nil)
	if i := strings.Index(out.Next, "marker="); i >= 0 && len(out.Images) > 0 {
		b.next = out.Images[len(out.Images)-1].ID
	} else {
		b.next = ""
	}
	return b, err
}

// projects keeps an administrator's look to the connection's project.
func projects(c call, q url.Values) url.Values {
	if c.project.ID != "" {
		q.Set("project_id", c.project.ID)
	}
	return q
}
