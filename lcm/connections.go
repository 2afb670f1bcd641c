package lcm

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Connections is what the use cases need of the VIM connections; a vimregistry.Service is one.
type Connections interface {
	// Connection returns the connection that a VNF means by an id; NotFound when there is none.
	Connection(ctx context.Context, vnfID, id string) (vim.Connection, error)
	// Default returns the id of the connection used when nobody names one; "" when there is none.
	Default(ctx context.Context) (string, error)
	// Connections lists all registered ones.
	Connections(ctx context.Context) ([]vim.Connection, error)
	// OwnRow names the ledger row of the connections that a VNF has of its own.
	OwnRow(vnfID string) eventstore.RecordRef
	// Own prepares a change of these: merge patches by vimConnectionId, null to remove. The function returned decides, from
	// the row as loaded: what the instance records, nil for nothing, and the row to write, if any. With an id that is
	// removed comes what is registered under it, in the event's Connections. Errors name the attribute below
	// /vimConnectionInfo.
	Own(ctx context.Context, vnfID string, patches map[string]json.RawMessage) (
		func(row *eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error), error)
}

// FixedConnections are connections that never change, where VNFs have none of their own.
type FixedConnections struct{ vim.Registry }

var _ Connections = FixedConnections{}

// OwnRow names a row that is never there.
func (FixedConnections) OwnRow(vnfID string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: vnfID}
}

// Own refuses every change.
func (FixedConnections) Own(_ context.Context, _ string, patches map[string]json.RawMessage) (
	func(*eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error), error,
) {
	for _, id := range slices.Sorted(maps.Keys(patches)) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %q cannot be changed here", id).At(pointerTo(id))
	}
	return func(*eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error) {
		return nil, nil, nil
	}, nil
}

// pointerTo is the attribute of a request that describes a connection.
func pointerTo(id string) string {
	return "/vimConnectionInfo" + vnfm.Step(id)
}

// owning is a change of the connections that a VNF has of its own, prepared outside a commit and made in one.
type owning struct {
	ref    eventstore.RecordRef
	decide func(row *eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error)
}

// longestID is how long the id of a connection may be, in bytes: as long as any name in a request. Databases keep it in indexes,
// which take no longer keys.
const longestID = 1024

// own prepares a change; nil when there is none to make.
func (s *Service) own(ctx context.Context, vnfID string, patches map[string]json.RawMessage) (*owning, error) {
	if len(patches) == 0 {
		return nil, nil //nolint:nilnil // said above
	}
	for id := range patches {
		if len(id) > longestID {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the id of a VIM connection is longer than %d bytes", longestID).At(pointerTo(id))
		}
	}
	decide, err := s.cfg.Connections.Own(ctx, vnfID, patches)
	if err != nil {
		return nil, err
	}
	return &owning{ref: s.cfg.Connections.OwnRow(vnfID), decide: decide}, nil
}

// load is what the change needs.
func (o *owning) load() eventstore.Load {
	if o == nil {
		return eventstore.Load{}
	}
	return eventstore.Load{Records: []eventstore.RecordRef{o.ref}}
}

// apply makes the change: on the instance what anybody may read, in the row all of it. It returns what the instance has now.
func (x *change) own(o *owning, v *vnf.Instance, opID string) (*vnf.ConnectionsChanged, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // nothing to change
	}
	event, row, err := o.decide(x.l.Records[o.ref])
	if err != nil {
		return nil, err
	}
	if row != nil {
		x.c.Records = append(x.c.Records, *row)
	}
	if event == nil {
		return nil, nil //nolint:nilnil // the VNF has it so already
	}
	event.OpID = opID
	removed := event.Removed
	event.Removed = nil
	for _, id := range removed {
		registered := event.Connections[id] // what counts from now on; nothing, when nothing is registered
		delete(event.Connections, id)
		if used(v, id) {
			event.Connections[id] = registered
			continue
		}
		if _, ok := v.Connections[id]; ok {
			event.Removed = append(event.Removed, id)
		}
	}
	for id, c := range event.Connections {
		if there, ok := v.Connections[id]; ok && same(there, c) {
			delete(event.Connections, id)
		}
	}
	if len(event.Connections)+len(event.Removed) == 0 && row == nil {
		return nil, nil //nolint:nilnil // as above
	}
	return event, x.onInstance(v, v.ID, vnf.ChangeConnections{Changed: *event})
}

// used reports whether the instance has resources at a connection.
func used(v *vnf.Instance, id string) bool {
	return slices.ContainsFunc(slices.Concat(v.Resources, v.Leftovers), func(r vnf.Resource) bool { return r.Connection == id })
}

func same(a, b vnf.VimConnection) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// MergeConnections lays what a grant says of VIM connections over what the VNF has (design.md §7: registry < instance <
// request < grant): merge patches by vimConnectionId, sealed before anything is stored. Repeating it changes nothing. Returns
// NotFound when there is no such VNF, and Invalid or Unprocessable below /vimConnectionInfo.
func (s *Service) MergeConnections(ctx context.Context, vnfID string, infos map[string]json.RawMessage) error {
	patches := map[string]json.RawMessage{}
	for id, info := range infos {
		if says(info) {
			patches[id] = info
		}
	}
	o, err := s.own(ctx, vnfID, patches)
	if err != nil || o == nil {
		return err
	}
	by := request.Info{Actor: "vnfm"}
	return s.do(ctx, &eventstore.Work{
		Keys: []string{vnfID},
		Load: func() eventstore.Load { return s.cfg.Instances.Load(vnfID).Merge(o.load()) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata("lcm.grant-connections", "")}
			v, err := x.instance(vnfID)
			if err != nil {
				return nil, err
			}
			if v.Version == 0 || v.Deleted {
				return nil, vnfm.Errorf(vnfm.NotFound, "there is no VNF instance %s", vnfID)
			}
			_, err = x.own(o, v, v.Operation)
			return x.c, err
		},
	})
}

// says reports whether a description of a connection says anything; one that does not only names it.
func says(info json.RawMessage) bool {
	return !mergepatch.Null(info) && !mergepatch.Equal(info, json.RawMessage(`{}`))
}

// connect looks at the VIM connections that a request names: merge patches, null to remove what the VNF has of its own. It returns what the
// VNF is to have of its own, the connection to use where the grant need not choose (the only one the request names, else the only one its
// links are at; "" when neither), and the others that it names.
// Returns Unprocessable with the attribute for one that is neither registered, the VNF's, nor described.
func (s *Service) connect(
	ctx context.Context, vnfID string, extLinks []ExtLink, extManaged []ExtManaged, infos map[string]json.RawMessage,
) (*owning, string, []string, error) {
	patches := map[string]json.RawMessage{}
	check := func(id, at string) error {
		if info, described := patches[id]; described && !mergepatch.Null(info) || id == "" {
			return nil
		}
		switch c, err := s.cfg.Connections.Connection(ctx, vnfID, id); {
		case vnfm.KindOf(err) == vnfm.NotFound:
			return vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %q is not registered, and vimConnectionInfo does not describe it", id).At(at)
		case err != nil:
			return err
		case c.Disabled:
			return vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %q is disabled: enable it, or name another", id).At(at)
		}
		return nil
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(infos)) {
		if mergepatch.Null(infos[id]) { // the VNF has it of its own no more
			patches[id] = infos[id]
			continue
		}
		ids = append(ids, id)
		if says(infos[id]) {
			patches[id] = infos[id]
		}
		if err := check(id, pointerTo(id)); err != nil {
			return nil, "", nil, err
		}
	}
	links := map[string]bool{} // where the links of the request are
	for i, l := range extLinks {
		if err := check(l.Connection, fmt.Sprintf("/extVirtualLinks/%d/vimConnectionId", i)); err != nil {
			return nil, "", nil, err
		}
		links[l.Connection] = true
		for j, port := range l.Ports {
			if err := check(port.Handle.Connection, fmt.Sprintf("/extVirtualLinks/%d/extLinkPorts/%d/resourceHandle/vimConnectionId", i, j)); err != nil {
				return nil, "", nil, err
			}
			links[port.Handle.Connection] = true
		}
	}
	for i, l := range extManaged {
		if err := check(l.Connection, fmt.Sprintf("/extManagedVirtualLinks/%d/vimConnectionId", i)); err != nil {
			return nil, "", nil, err
		}
		links[l.Connection] = true
	}
	delete(links, "")
	if len(patches) > 0 {
		v, err := s.instance(ctx, vnfID)
		if err == nil {
			err = s.removable(ctx, v, patches)
		}
		if err != nil {
			return nil, "", nil, err
		}
	}
	usual := ""
	switch {
	case len(ids) == 1:
		usual = ids[0]
	case len(links) == 1:
		usual = slices.Collect(maps.Keys(links))[0]
	}
	o, err := s.own(ctx, vnfID, patches)
	return o, usual, slices.DeleteFunc(ids, func(id string) bool { return id == usual }), err
}

// besides are the connections that a request about a VNF that stands somewhere names, the likeliest first: what it has usually goes where it is.
func besides(usual string, named []string) []string {
	if usual == "" {
		return named
	}
	return slices.Insert(slices.Clone(named), 0, usual)
}

// ownOnly returns the only connection that an instance has of its own, "" when there is none or there are several.
func ownOnly(v *vnf.Instance) string {
	only := ""
	for id, c := range v.Connections {
		switch {
		case !c.Own:
		case only != "":
			return ""
		default:
			only = id
		}
	}
	return only
}

// others are the VIM connections beside the usual one that a grant may place resources at: those the request names, those of resources, the
// last made first, and the VNF's own. A registered one that the VNF was at once is none: it may be gone, and nobody wants it.
func others(v *vnf.Instance, named []string, usual string) []string {
	out := slices.Clone(named)
	add := func(id string) {
		if id != "" && id != usual && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for i := range v.Resources {
		add(v.Resources[len(v.Resources)-1-i].Connection)
	}
	for _, id := range slices.Sorted(maps.Keys(v.Connections)) {
		if v.Connections[id].Own {
			add(id)
		}
	}
	return out
}

// placesFor are where an instantiation may place resources: at the connections that the request names, and nowhere else; where it names none, at
// what the VNF has of its own before others.
func placesFor(v *vnf.Instance, wanted string, named []string) vim.Places {
	p := vim.Places{VnfID: v.ID, Wanted: wanted, Others: named, Named: wanted != "" || len(named) > 0}
	if !p.Named {
		p.Wanted = ownOnly(v)
		p.Others = others(v, nil, p.Wanted)
	}
	return p
}

// assetsOf is the VIM assets that a grant names, to be remembered.
func assetsOf(g *nfvo.Grant) *vnf.Assets {
	out := &vnf.Assets{}
	for _, a := range g.Flavours {
		out.Flavours = append(out.Flavours, vnf.Asset(a))
	}
	for _, a := range g.Images {
		out.Images = append(out.Images, vnf.Asset(a))
	}
	return out
}

// recalled puts the VIM assets that earlier grants named into a grant request. The grants of an instantiation and of a change of
// package name all of them anew (SOL003 v3.7.1 §9.5.2.3, note 3).
func recalled(r *nfvo.GrantRequest, v *vnf.Instance) {
	if v.Assets == nil || r.Operation == string(vnf.OpInstantiate) || r.Operation == string(vnf.OpChangeVnfPkg) {
		return
	}
	for _, a := range v.Assets.Flavours {
		r.KnownComputes = append(r.KnownComputes, nfvo.VimAsset(a))
	}
	for _, a := range v.Assets.Images {
		r.KnownImages = append(r.KnownImages, nfvo.VimAsset(a))
	}
}

// connections returns what the instance records of the VIM connections of its resources: no credentials.
func connections(v *vnf.Instance, resources []vnf.Resource, g *nfvo.Grant) map[string]vnf.VimConnection {
	out := map[string]vnf.VimConnection{}
	for _, r := range resources {
		if _, ok := out[r.Connection]; ok || r.Connection == "" {
			continue
		}
		if c := v.Connections[r.Connection]; c.Own {
			out[r.Connection] = c
			continue
		}
		c := g.Vims[r.Connection]
		out[r.Connection] = vnf.VimConnection{
			VimID: c.VimID, Type: c.Type, InterfaceInfo: c.InterfaceInfo, AccessInfo: c.AccessInfo, Extra: c.Extra,
		}
	}
	return out
}
