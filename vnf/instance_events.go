package vnf

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// InstanceCreated is the first event of an instance: its identity and the initial values of what its VNFD declares.
type InstanceCreated struct {
	ID               string                     `json:"id"`
	Name             string                     `json:"name,omitempty"`
	Description      string                     `json:"description,omitempty"`
	VnfdID           string                     `json:"vnfdId"`
	VnfdVersion      string                     `json:"vnfdVersion"`
	Provider         string                     `json:"provider"`
	ProductName      string                     `json:"productName"`
	SoftwareVersion  string                     `json:"softwareVersion"`
	PackageID        string                     `json:"packageId"`
	DescriptorDigest string                     `json:"descriptorDigest"`
	Configurable     map[string]json.RawMessage `json:"configurableProperties,omitempty"`
	Extensions       map[string]json.RawMessage `json:"extensions,omitempty"`
	Metadata         map[string]json.RawMessage `json:"metadata,omitempty"`
}

// InstanceDeleted is the last event of an instance.
type InstanceDeleted struct{}

// OperationBegun records that an operation occurrence holds the instance. Number is its fencing token, Package the one that the instance
// is of once it lands, where that is another.
type OperationBegun struct {
	OpID      string    `json:"opOccId"`
	Operation Operation `json:"operation"`
	Number    int64     `json:"number"`
	Package   string    `json:"packageId,omitempty"`
}

// ConnectionsChanged records what the VNF has of its own of VIM connections, as far as anybody may read it. It comes with
// the operation that brought them, so that whatever becomes of the operation finds the VIM.
type ConnectionsChanged struct {
	OpID        string                   `json:"opOccId,omitempty"`
	Connections map[string]VimConnection `json:"vimConnections,omitempty"`
	Removed     []string                 `json:"removed,omitempty"`
}

// InstanceInstantiated records that an instantiation landed: what the VNF now consists of.
type InstanceInstantiated struct {
	OpID         string                     `json:"opOccId"`
	Info         *InstantiatedInfo          `json:"instantiatedInfo"`
	Resources    []Resource                 `json:"resources"`
	Connections  map[string]VimConnection   `json:"vimConnections,omitempty"`         // those now in use
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`             // set by the request; null: removed
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"` // as above
	Values       map[string]string          `json:"values,omitempty"`                 // for boot data, also of VNFCs made later
	Params       json.RawMessage            `json:"params,omitempty"`                 // additionalParams of request and grant, sealed
	Assets       *Assets                    `json:"vimAssets,omitempty"`
}

// InstanceTerminated records that a termination landed: the instance consists of nothing any more.
type InstanceTerminated struct {
	OpID     string   `json:"opOccId"`
	Released []string `json:"released"` // planned resource ids, of leftovers too
}

// InstanceOperated records that the VNF, or some of its VNFCs, were started or stopped.
type InstanceOperated struct {
	OpID     string     `json:"opOccId"`
	VnfState string     `json:"vnfState"` // STARTED, STOPPED
	Changed  []Resource `json:"changed,omitempty"`
}

// InstanceScaled records that a VNF has other VNFCs than before: those that were added, with what they brought, and the resources
// that are gone. What is not named is as it was.
type InstanceScaled struct {
	OpID        string                   `json:"opOccId"`
	ScaleStatus []ScaleInfo              `json:"scaleStatus,omitempty"`
	Level       string                   `json:"instantiationLevelId,omitempty"` // that it was scaled to, if any
	Added       InfoParts                `json:"added"`
	Resources   []Resource               `json:"resources,omitempty"` // that were made
	Released    []string                 `json:"released,omitempty"`  // planned resource ids
	Changed     []Resource               `json:"changed,omitempty"`
	Connections map[string]VimConnection `json:"vimConnections,omitempty"` // of what was made
}

// InstanceHealed records that resources of a VNF were made again: Changed are those that stand in a new generation, or were changed
// with them. What is not named is as it was.
type InstanceHealed struct {
	OpID        string                   `json:"opOccId"`
	Cause       string                   `json:"cause,omitempty"` // as the request has it
	Changed     []Resource               `json:"changed,omitempty"`
	Resources   []Resource               `json:"resources,omitempty"` // that there were none of before
	Released    []string                 `json:"released,omitempty"`  // planned resource ids of what is needed no more
	Connections map[string]VimConnection `json:"vimConnections,omitempty"`
	// Synced: what differed from the records was repaired. What differs still is for the next comparison to tell.
	Synced bool `json:"synced,omitempty"`
}

// InfoParts are parts of what a VNF consists of, to be added to what there is: of a link that is there already its ports, of an
// external one also its configuration.
type InfoParts struct {
	Vnfcs      []Vnfc           `json:"vnfcs,omitempty"`
	Links      []VirtualLink    `json:"virtualLinks,omitempty"`
	Storages   []Storage        `json:"storages,omitempty"`
	ExtCps     []ExtCp          `json:"extCps,omitempty"`
	ExtLinks   []ExtVirtualLink `json:"extVirtualLinks,omitempty"`
	ExtManaged []ExtManagedLink `json:"extManagedVirtualLinks,omitempty"`
}

// OperationRolledBack records that an operation ended without a trace. What it had changed or released has its spec back, in
// another revision or generation, and maybe under another id of the VIM.
type OperationRolledBack struct {
	OpID    string     `json:"opOccId"`
	Changed []Resource `json:"changed,omitempty"`
}

// OperationFailed records that an operation was given up: what it had released is gone from the instance, what it had
// created and nobody released is left over, what it had changed is as it was left.
type OperationFailed struct {
	OpID      string     `json:"opOccId"`
	Released  []string   `json:"released,omitempty"` // planned resource ids
	Leftovers []Resource `json:"leftovers,omitempty"`
	Changed   []Resource `json:"changed,omitempty"`
	// ScaleStatus is the scale levels that what is left amounts to, where that changed.
	ScaleStatus []ScaleInfo `json:"scaleStatus,omitempty"`
	// Made is what it had created and resources that stand now refer to; Connected how far it got with external connection points.
	Made      []Resource    `json:"made,omitempty"`
	Connected *Connectivity `json:"connected,omitempty"`
}

// LeftoversFound records resources that stand at a VIM for this instance and belong to nothing.
type LeftoversFound struct {
	Saga      string     `json:"saga"` // what could not release them
	Leftovers []Resource `json:"leftovers"`
}

// CleanupBegun records that a saga releases the leftovers.
type CleanupBegun struct {
	Saga string `json:"saga"`
}

// CleanupEnded records what a saga released of the leftovers. What it could not release stays.
type CleanupEnded struct {
	Saga     string   `json:"saga"`
	Released []string `json:"released,omitempty"` // planned resource ids
}

// EventType returns "vnf.instance-created".
func (*InstanceCreated) EventType() string { return "vnf.instance-created" }

// EventType returns "vnf.instance-deleted".
func (*InstanceDeleted) EventType() string { return "vnf.instance-deleted" }

// EventType returns "vnf.operation-begun".
func (*OperationBegun) EventType() string { return "vnf.operation-begun" }

// EventType returns "vnf.connections-changed".
func (*ConnectionsChanged) EventType() string { return "vnf.connections-changed" }

// EventType returns "vnf.instantiated".
func (*InstanceInstantiated) EventType() string { return "vnf.instantiated" }

// EventType returns "vnf.terminated".
func (*InstanceTerminated) EventType() string { return "vnf.terminated" }

// EventType returns "vnf.operated".
func (*InstanceOperated) EventType() string { return "vnf.operated" }

// EventType returns "vnf.scaled".
func (*InstanceScaled) EventType() string { return "vnf.scaled" }

// EventType returns "vnf.healed".
func (*InstanceHealed) EventType() string { return "vnf.healed" }

// EventType returns "vnf.operation-rolled-back".
func (*OperationRolledBack) EventType() string { return "vnf.operation-rolled-back" }

// EventType returns "vnf.operation-failed".
func (*OperationFailed) EventType() string { return "vnf.operation-failed" }

// EventType returns "vnf.leftovers-found".
func (*LeftoversFound) EventType() string { return "vnf.leftovers-found" }

// EventType returns "vnf.cleanup-begun".
func (*CleanupBegun) EventType() string { return "vnf.cleanup-begun" }

// EventType returns "vnf.cleanup-ended".
func (*CleanupEnded) EventType() string { return "vnf.cleanup-ended" }

func (*InstanceCreated) instanceEvent()      {}
func (*InstanceDeleted) instanceEvent()      {}
func (*OperationBegun) instanceEvent()       {}
func (*ConnectionsChanged) instanceEvent()   {}
func (*InstanceInstantiated) instanceEvent() {}
func (*InstanceTerminated) instanceEvent()   {}
func (*InstanceOperated) instanceEvent()     {}
func (*InstanceScaled) instanceEvent()       {}
func (*InstanceHealed) instanceEvent()       {}
func (*OperationRolledBack) instanceEvent()  {}
func (*OperationFailed) instanceEvent()      {}
func (*LeftoversFound) instanceEvent()       {}
func (*CleanupBegun) instanceEvent()         {}
func (*CleanupEnded) instanceEvent()         {}

// Apply folds one event, with the time it was stored at. It never changes what the state before shares with it.
func (v *Instance) Apply(event InstanceEvent, at time.Time) {
	v.Version++
	v.Updated = at
	switch e := event.(type) {
	case *InstanceCreated:
		v.ID, v.Name, v.Description = e.ID, e.Name, e.Description
		v.VnfdID, v.VnfdVersion, v.Provider = e.VnfdID, e.VnfdVersion, e.Provider
		v.ProductName, v.SoftwareVersion = e.ProductName, e.SoftwareVersion
		v.PackageID, v.DescriptorDigest = e.PackageID, e.DescriptorDigest
		v.Configurable, v.Extensions, v.Metadata = e.Configurable, e.Extensions, e.Metadata
		v.State, v.Created = NotInstantiated, at
	case *InstanceDeleted:
		v.Deleted = true
	case *OperationBegun:
		v.Operation, v.Operations, v.Coming = e.OpID, e.Number, e.Package
	case *InstanceInstantiated:
		v.Operation = ""
		v.State, v.Info = Instantiated, e.Info
		v.Resources, v.Values, v.Params, v.Assets = e.Resources, e.Values, e.Params, e.Assets
		v.podded(e.Resources)
		v.Connections = merged(v.Connections, e.Connections)
		v.Extensions = present(merged(v.Extensions, e.Extensions))
		v.Configurable = present(merged(v.Configurable, e.Configurable))
	case *ConnectionsChanged:
		v.Connections = merged(v.Connections, e.Connections)
		if len(e.Removed) > 0 {
			v.Connections = maps.Clone(v.Connections)
			maps.DeleteFunc(v.Connections, func(id string, _ VimConnection) bool { return slices.Contains(e.Removed, id) })
			for _, id := range e.Removed {
				v.Drift = v.Drift.drifted(id, nil, at)
			}
		}
	case *InstanceModified:
		v.modify(e)
	case *InstanceTerminated:
		v.Operation = ""
		v.State, v.Info, v.Resources, v.Values, v.Params, v.Assets, v.Drift = NotInstantiated, nil, nil, nil, nil, nil, nil
		v.Leftovers = without(v.Leftovers, e.Released)
	case *InstanceOperated:
		v.Operation = ""
		v.changed(e.Changed)
		info := *v.Info
		info.VnfState = e.VnfState
		v.Info = &info
	case *InstanceScaled:
		v.Operation = ""
		v.scale(e)
	case *InstanceHealed:
		v.Operation = ""
		v.Resources = slices.Concat(without(v.Resources, e.Released), e.Resources)
		v.Connections = merged(v.Connections, e.Connections)
		v.changed(e.Changed)
		v.podded(e.Resources)
		if e.Synced {
			v.Drift = nil
		}
	case *InstanceConnected:
		v.Operation = ""
		v.connect(e)
	case *InstanceFlavourChanged:
		v.Operation = ""
		v.rebuild(&e.Rebuilt)
	case *InstancePackageChanged:
		v.Operation = ""
		v.Metadata = merged(v.Metadata, e.Metadata)
		v.rebuild(&e.Rebuilt)
		v.use(&e.Package)
		v.ofOne()
	case *InstanceSnapshotTaken:
		v.Operation = ""
		v.Snapshots = append(slices.Clip(v.Snapshots), e.Snapshot)
	case *InstanceReverted:
		v.Operation = ""
		v.rebuild(&e.Rebuilt)
	case *InstanceVnfcsReverted:
		v.Operation = ""
		v.revertVnfcs(e)
	case *InstanceSnapshotDiscarded:
		v.discarded(e.SnapshotID)
	case *OperationRolledBack:
		v.Operation = ""
		v.changed(e.Changed)
	case *OperationFailed:
		v.Operation = ""
		v.Resources = without(v.Resources, e.Released)
		if len(e.Made) > 0 {
			v.Resources = slices.Concat(v.Resources, e.Made)
		}
		v.Leftovers = withoutAndWith(v.Leftovers, e.Released, e.Leftovers)
		v.Info = v.Info.without(e.Released).at(e.ScaleStatus)
		v.changed(e.Changed)
		v.Info = v.Info.connected(e.Connected)
	case *LeftoversFound:
		v.Leftovers = withoutAndWith(v.Leftovers, nil, e.Leftovers)
	case *CleanupBegun:
		v.Cleanup = e.Saga
	case *CleanupEnded:
		if v.Cleanup == e.Saga {
			v.Cleanup = ""
		}
		v.Leftovers = without(v.Leftovers, e.Released)
	case *InstanceDrifted:
		v.Drift = v.Drift.drifted(e.Connection, &e.Found, at)
	case *InstancePodsObserved:
		v.repod(e.Units)
	case *InstanceDriftEnded:
		v.Drift = v.Drift.drifted(e.Connection, nil, at)
	}
	if v.Operation == "" {
		v.Coming = ""
	}
	v.Scales = v.Info != nil && len(v.Info.MaxScaleLevels) > 0
}

// merged returns a map of both, of which the second wins.
func merged[V any](old, set map[string]V) map[string]V {
	if len(set) == 0 {
		return old
	}
	m := make(map[string]V, len(old)+len(set))
	for k, x := range old {
		m[k] = x
	}
	for k, x := range set {
		m[k] = x
	}
	return m
}

func without(from []Resource, ids []string) []Resource {
	if len(ids) == 0 {
		return from
	}
	gone := set(ids)
	var left []Resource
	for _, r := range from {
		if !gone[r.ID] {
			left = append(left, r)
		}
	}
	return left
}

func set(ids []string) map[string]bool {
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

// changed puts resources in place of what they were, and their new handles and addresses into the information about the VNF.
func (v *Instance) changed(rs []Resource) {
	if len(rs) == 0 {
		return
	}
	by := make(map[string]*Resource, len(rs))
	for i := range rs {
		by[rs[i].ID] = &rs[i]
	}
	v.Resources = slices.Clone(v.Resources)
	for i, r := range v.Resources {
		if now := by[r.ID]; now != nil {
			v.Resources[i] = *now
		}
	}
	v.Info = v.Info.rehandled(by)
	v.podded(rs)
}

// withoutAndWith drops resources and adds others; one that is there in an older generation is replaced.
func withoutAndWith(from []Resource, drop []string, add []Resource) []Resource {
	left := slices.Clone(without(from, drop))
	for _, r := range add {
		i := slices.IndexFunc(left, func(x Resource) bool { return x.ID == r.ID })
		switch {
		case i < 0:
			left = append(left, r)
		case left[i].Generation <= r.Generation:
			left[i] = r
		}
	}
	return left
}

// without returns the info without what was released: VNFCs, links, storages and ports that are gone.
func (i *InstantiatedInfo) without(ids []string) *InstantiatedInfo {
	if i == nil || len(ids) == 0 {
		return i
	}
	released := set(ids)
	gone := func(id string) bool { return released[id] }
	c := *i
	c.Vnfcs, c.Links, c.Storages, c.ExtCps, c.ExtLinks, c.ExtManaged = nil, nil, nil, nil, nil, nil
	cps := map[string]bool{} // connection points that went with their VNFC or their port
	for _, x := range i.Vnfcs {
		if gone(x.ID) || x.UnitID != "" && gone(x.UnitID) {
			for _, cp := range x.Cps {
				cps[cp.ID] = true
			}
			continue
		}
		c.Vnfcs = append(c.Vnfcs, x)
	}
	links := map[string]bool{}
	for _, x := range i.Links {
		if gone(x.ID) {
			links[x.ID] = true
			continue
		}
		x.Ports = keepPorts(x.Ports, gone)
		c.Links = append(c.Links, x)
	}
	for _, x := range i.Storages {
		if !gone(x.ID) {
			c.Storages = append(c.Storages, x)
		}
	}
	for _, x := range i.ExtManaged {
		x.Ports = keepPorts(x.Ports, gone)
		c.ExtManaged = append(c.ExtManaged, x)
	}
	ext := map[string]bool{}
	for _, x := range i.ExtCps {
		if gone(x.LinkPortID) || cps[x.VnfcCpID] || links[x.LinkID] {
			ext[x.ID] = true
			continue
		}
		c.ExtCps = append(c.ExtCps, x)
	}
	for _, x := range i.ExtLinks {
		x.Ports = slices.DeleteFunc(slices.Clone(x.Ports), func(p ExtPort) bool { return gone(p.ID) })
		for n := range x.Ports {
			if ext[x.Ports[n].CpID] { // a port that someone else made serves nobody now
				x.Ports[n].CpID = ""
			}
		}
		c.ExtLinks = append(c.ExtLinks, x)
	}
	return &c
}

func keepPorts(ports []LinkPort, gone func(string) bool) []LinkPort {
	return slices.DeleteFunc(slices.Clone(ports), func(p LinkPort) bool { return gone(p.ID) })
}

// rehandled returns the info with the handles, zones and addresses that resources have now.
func (i *InstantiatedInfo) rehandled(by map[string]*Resource) *InstantiatedInfo {
	if i == nil {
		return nil
	}
	c := *i
	handle := func(id string, h *Handle) *Resource {
		r := by[id]
		if r != nil && r.VimID != "" {
			*h = Handle{Connection: r.Connection, VimID: r.VimID, VimType: r.VimType}
		}
		return r
	}
	protocol := func(port string, p *Protocol) {
		if r := by[port]; r != nil && r.MAC != "" {
			*p = Protocol{MAC: r.MAC, IPs: r.Addresses}
		}
	}
	c.Vnfcs, c.Links, c.Storages = slices.Clone(i.Vnfcs), slices.Clone(i.Links), slices.Clone(i.Storages)
	c.ExtCps, c.ExtLinks, c.ExtManaged = slices.Clone(i.ExtCps), slices.Clone(i.ExtLinks), slices.Clone(i.ExtManaged)
	portOf := make(map[string]string, len(i.ExtCps)) // by external CP
	for n := range c.ExtCps {
		portOf[c.ExtCps[n].ID] = c.ExtCps[n].LinkPortID
		protocol(c.ExtCps[n].LinkPortID, &c.ExtCps[n].Addresses)
	}
	for n := range c.Vnfcs {
		x := &c.Vnfcs[n]
		if r := handle(x.ID, &x.Handle); r != nil && r.Zone != "" {
			x.Zone = r.Zone
		}
		x.Cps = slices.Clone(x.Cps)
		for k := range x.Cps {
			port := x.Cps[k].LinkPortID
			if port == "" {
				port = portOf[x.Cps[k].ExtCpID]
			}
			protocol(port, &x.Cps[k].Addresses)
		}
	}
	for n := range c.Links {
		handle(c.Links[n].ID, &c.Links[n].Handle)
		c.Links[n].Ports = rehandledPorts(c.Links[n].Ports, handle)
	}
	for n := range c.ExtManaged {
		c.ExtManaged[n].Ports = rehandledPorts(c.ExtManaged[n].Ports, handle)
	}
	for n := range c.Storages {
		handle(c.Storages[n].ID, &c.Storages[n].Handle)
	}
	for n := range c.ExtLinks {
		c.ExtLinks[n].Ports = slices.Clone(c.ExtLinks[n].Ports)
		for k := range c.ExtLinks[n].Ports {
			handle(c.ExtLinks[n].Ports[k].ID, &c.ExtLinks[n].Ports[k].Handle)
		}
	}
	return &c
}

func rehandledPorts(ports []LinkPort, handle func(id string, h *Handle) *Resource) []LinkPort {
	ports = slices.Clone(ports)
	for n := range ports {
		handle(ports[n].ID, &ports[n].Handle)
	}
	return ports
}
