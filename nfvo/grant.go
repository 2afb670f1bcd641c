package nfvo

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Grant is the answer (SOL003 v3.7.1 §9.5.2.3).
type Grant struct {
	ID         string      `json:"id,omitempty"`    // a local one has that of its operation
	Href       string      `json:"href,omitempty"`  // where the orchestrator shows it
	Local      bool        `json:"local,omitempty"` // decided by our own policy
	Zones      []Zone      `json:"zones,omitempty"`
	ZoneGroups [][]string  `json:"zoneGroups,omitempty"`              // of Zone.IDs
	Infos      []GrantInfo `json:"grantInfos"`                        // one per resource definition
	Flavours   []VimAsset  `json:"computeResourceFlavours,omitempty"` // by VduID
	Images     []VimAsset  `json:"softwareImages,omitempty"`          // by image id
	// MakeImages are images, and MakeFlavours VDUs, for which the sites lack what is needed and the VNF has it made. A grant of an orchestrator that names no image has
	// it made where the VNF package has its file.
	MakeImages   []string     `json:"makeImages,omitempty"`
	MakeFlavours []string     `json:"makeFlavours,omitempty"`
	Snapshots    []Snapshot   `json:"snapshotResources,omitempty"`
	ExtNetworks  []ExtNetwork `json:"extNetworks,omitempty"` // of the site, for external CPs that nobody covers
	// ExtLinks and ExtManaged are what the orchestrator connects where the request did not.
	ExtLinks   []ExtLink    `json:"extVirtualLinks,omitempty"`
	ExtManaged []ExtManaged `json:"extManagedVirtualLinks,omitempty"`
	// AdditionalParams are laid over those of the request.
	AdditionalParams map[string]json.RawMessage `json:"additionalParams,omitempty"`
	// Vims is what anybody may read of the VIM connections that are granted, by their ids, as it was at the grant.
	Vims     map[string]VimConnection `json:"vimConnections,omitempty"`
	Warnings []string                 `json:"warnings,omitempty"`
}

// VimConnection is what anybody may read of a VIM connection (SOL003 v3.7.1 §4.4.1.6): credentials are masked.
type VimConnection struct {
	VimID         string                     `json:"vimId,omitempty"`
	Type          string                     `json:"vimType"`
	InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo,omitempty"`
	AccessInfo    map[string]json.RawMessage `json:"accessInfo,omitempty"`
	Extra         map[string]json.RawMessage `json:"extra,omitempty"`
}

// Describe notes what anybody may read of a connection that is granted.
func (g *Grant) Describe(id string, c VimConnection) {
	if g.Vims == nil {
		g.Vims = map[string]VimConnection{}
	}
	g.Vims[id] = c
}

// Zone is a granted zone; GrantInfo refers to its ID.
type Zone struct {
	ID         string `json:"id"`
	ZoneID     string `json:"zoneId"` // the VIM's
	Connection string `json:"vimConnectionId"`
	Provider   string `json:"resourceProviderId,omitempty"`
}

// GrantInfo says where one resource definition is to be realised.
type GrantInfo struct {
	DefinitionID string `json:"resourceDefinitionId"`
	Connection   string `json:"vimConnectionId"`
	Zone         string `json:"zoneId,omitempty"`        // a Zone.ID
	Reservation  string `json:"reservationId,omitempty"` // the VIM's
	Group        string `json:"resourceGroupId,omitempty"`
	Provider     string `json:"resourceProviderId,omitempty"`
}

// VimAsset maps an id of the VNFD to a VIM's asset.
type VimAsset struct {
	ID         string `json:"id"`
	VimAssetID string `json:"vimAssetId"`
	Connection string `json:"vimConnectionId"`
	Provider   string `json:"resourceProviderId,omitempty"`
}

// Snapshot maps a snapshot of a VNFC or a storage to a VIM's snapshot (SOL003 v3.7.1 §9.5.3.10).
type Snapshot struct {
	VnfSnapshotID     string `json:"vnfSnapshotId"`
	VnfcSnapshotID    string `json:"vnfcSnapshotId,omitempty"`
	StorageSnapshotID string `json:"storageSnapshotId,omitempty"`
	VimSnapshotID     string `json:"vimSnapshotResourceId"`
	Connection        string `json:"vimConnectionId,omitempty"`
}

// ExtNetwork connects an external CP to a network of the site.
type ExtNetwork struct {
	CpdID      string `json:"cpdId"`
	NetworkID  string `json:"networkId"` // the VIM's
	Connection string `json:"vimConnectionId"`
}

// ExtLink is an external virtual link to connect to (SOL003 v3.7.1 §4.4.1.11, ExtVirtualLinkData).
type ExtLink struct {
	ID         string      `json:"id"`
	Connection string      `json:"vimConnectionId,omitempty"`
	NetworkID  string      `json:"resourceId"` // the VIM's
	Cps        []ExtCpData `json:"extCps"`
	Ports      []ExtPort   `json:"extLinkPorts,omitempty"` // made by someone else
}

// ExtCpData is how the external connection points of one CPD are connected.
type ExtCpData struct {
	CpdID  string                 `json:"cpdId"`
	Config map[string]ExtCpConfig `json:"cpConfig"` // by cpConfigId
}

// ExtCpConfig configures one external connection point.
type ExtCpConfig struct {
	LinkPortID string     `json:"linkPortId,omitempty"` // an ExtPort.ID
	MAC        string     `json:"macAddress,omitempty"`
	IPs        []ExtCpIPs `json:"ipAddresses,omitempty"`
	NoIPs      bool       `json:"noIpAddresses,omitempty"` // a MAC address is given, and no other

	// Addresses of one subnet, as older programs wrote them.
	FixedIPs   []string `json:"fixedAddresses,omitempty"`
	Subnet     string   `json:"subnetId,omitempty"` // the VIM's
	DynamicIPs int      `json:"numDynamicAddresses,omitempty"`
}

// Wanted is how many addresses the connection point is to have.
func (c ExtCpConfig) Wanted() int {
	n := len(c.FixedIPs) + c.DynamicIPs
	for _, ips := range c.IPs {
		n += len(ips.Fixed) + ips.Dynamic
	}
	return n
}

// ExtCpIPs is addresses of one connection point from one subnet.
type ExtCpIPs struct {
	Type    string   `json:"type"` // IPV4, IPV6
	Fixed   []string `json:"fixedAddresses,omitempty"`
	Dynamic int      `json:"numDynamicAddresses,omitempty"`
	Subnet  string   `json:"subnetId,omitempty"` // the VIM's
}

// ExtPort is a port on an external link made by someone else.
type ExtPort struct {
	ID     string         `json:"id"`
	Handle ResourceHandle `json:"resourceHandle"`
}

// ExtManaged is an internal link provided from outside (SOL003 v3.7.1 §4.4.1.12, ExtManagedVirtualLinkData).
type ExtManaged struct {
	ID         string `json:"id"`
	LinkID     string `json:"vnfVirtualLinkDescId"`
	Connection string `json:"vimConnectionId,omitempty"`
	NetworkID  string `json:"resourceId"`
}

// Info returns what the grant says of a resource definition, nil when it says nothing.
func (g *Grant) Info(definition string) *GrantInfo {
	if i := slices.IndexFunc(g.Infos, func(i GrantInfo) bool { return i.DefinitionID == definition }); i >= 0 {
		return &g.Infos[i]
	}
	return nil
}

// Zone returns the zone with an id of the grant's own, nil when it defines none.
func (g *Grant) Zone(id string) *Zone {
	if i := slices.IndexFunc(g.Zones, func(z Zone) bool { return z.ID == id }); i >= 0 {
		return &g.Zones[i]
	}
	return nil
}

// Snapshot returns the VIM's snapshot of a VNFC, or of one of its storages; nil when the grant names none.
func (g *Grant) Snapshot(vnf, vnfc, storage string) *Snapshot {
	i := slices.IndexFunc(g.Snapshots, func(s Snapshot) bool {
		return s.VnfSnapshotID == vnf && s.VnfcSnapshotID == vnfc && s.StorageSnapshotID == storage && s.VimSnapshotID != ""
	})
	if i < 0 {
		return nil
	}
	return &g.Snapshots[i]
}

// Recall adds the VIM assets that earlier grants named, where this one names none for the same of the VNFD.
func (g *Grant) Recall(r *GrantRequest) {
	recall := func(have, known []VimAsset) []VimAsset {
		out := have
		for _, k := range known {
			if !slices.ContainsFunc(have, func(a VimAsset) bool { return a.ID == k.ID }) {
				out = append(slices.Clip(out), k)
			}
		}
		return out
	}
	g.Flavours, g.Images = recall(g.Flavours, r.KnownComputes), recall(g.Images, r.KnownImages)
}

// Check says why a grant does not answer a request, nil when it does: there must be one GrantInfo per resource
// definition (SOL003 v3.7.1 §9.5.2.3), each with a VIM connection, in zones the grant defines, and an asset for each need.
func (g *Grant) Check(r *GrantRequest) error {
	asked := slices.Concat(r.Add, r.Remove, r.Update, r.Temp)
	known := make(map[string]bool, len(asked))
	for _, d := range asked {
		known[d.ID] = true
	}
	seen := make(map[string]bool, len(g.Infos))
	for _, i := range g.Infos {
		switch {
		case !known[i.DefinitionID]:
			return fmt.Errorf("malformed grant: it decides about %s, which was not asked for", i.DefinitionID)
		case seen[i.DefinitionID]:
			return fmt.Errorf("malformed grant: it decides twice about %s", i.DefinitionID)
		case i.Zone != "" && g.Zone(i.Zone) == nil:
			return fmt.Errorf("malformed grant: the zone %s of %s is not defined", i.Zone, i.DefinitionID)
		}
		seen[i.DefinitionID] = true
	}
	for _, d := range asked {
		if !seen[d.ID] {
			return fmt.Errorf("malformed grant: it does not decide about %s %s (%s)", d.Type, d.TemplateID, d.ID)
		}
	}
	for _, d := range slices.Concat(r.Add, r.Temp) {
		if g.Info(d.ID).Connection == "" {
			return fmt.Errorf("malformed grant: no VIM connection is named for %s %s", d.Type, d.TemplateID)
		}
	}
	for _, group := range g.ZoneGroups {
		for _, z := range group {
			if g.Zone(z) == nil {
				return fmt.Errorf("malformed grant: the zone %s of a zone group is not defined", z)
			}
		}
	}
	return g.checkAssets(r)
}

func (g *Grant) checkAssets(r *GrantRequest) error {
	for _, d := range slices.Concat(r.Add, r.Temp) {
		s := d.Snapshot
		if s != nil && s.Package && g.Snapshot(s.VnfSnapshotID, s.VnfcSnapshotID, s.StorageSnapshotID) == nil {
			return fmt.Errorf("the grant names no snapshot resource for %s %s (VNF snapshot %s, VNFC snapshot %s)", d.Type, d.TemplateID, s.VnfSnapshotID, s.VnfcSnapshotID)
		}
	}
	for _, n := range r.Computes {
		if !slices.Contains(g.MakeFlavours, n.VduID) && !slices.ContainsFunc(g.Flavours, func(a VimAsset) bool { return a.ID == n.VduID && a.VimAssetID != "" }) {
			return fmt.Errorf("the grant names no compute flavour for the VDU %s", n.VduID)
		}
	}
	for _, n := range r.Images {
		if !slices.Contains(g.MakeImages, n.ID) && !slices.ContainsFunc(g.Images, func(a VimAsset) bool { return a.ID == n.ID && a.VimAssetID != "" }) {
			return fmt.Errorf("the grant names no software image for %s (%s)", n.ID, n.Name)
		}
	}
	return nil
}

// Connections returns the VIM connections a grant refers to, each once, in order.
func (g *Grant) Connections() []string {
	var ids []string
	add := func(id string) {
		if id != "" {
			ids = append(ids, id)
		}
	}
	for _, z := range g.Zones {
		add(z.Connection)
	}
	for _, i := range g.Infos {
		add(i.Connection)
	}
	for _, a := range slices.Concat(g.Flavours, g.Images) {
		add(a.Connection)
	}
	for _, l := range g.ExtLinks {
		add(l.Connection)
	}
	for _, l := range g.ExtManaged {
		add(l.Connection)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
