package vnf

import "slices"

// InstanceConnected records that a VNF is connected to the outside in another way. What is not named is as it was.
type InstanceConnected struct {
	OpID string `json:"opOccId"`
	Connectivity
	Resources   []Resource               `json:"resources,omitempty"` // that were made
	Changed     []Resource               `json:"changed,omitempty"`   // or made again
	Released    []string                 `json:"released,omitempty"`  // planned resource ids
	Connections map[string]VimConnection `json:"vimConnections,omitempty"`
}

// Connectivity is how external connection points of a VNF are connected, as far as that is another than before.
type Connectivity struct {
	Vnfcs    []VnfcCps        `json:"vnfcs,omitempty"`
	ExtCps   []ExtCp          `json:"extCps,omitempty"`          // also new ones
	Gone     []string         `json:"extCpsGone,omitempty"`      // ids of those that are disconnected
	ExtLinks []ExtVirtualLink `json:"extVirtualLinks,omitempty"` // those of which anything changed, all of each
	Left     []string         `json:"extVirtualLinksLeft,omitempty"`
}

// VnfcCps is the connection points of a VNFC, all of them.
type VnfcCps struct {
	ID  string   `json:"id"`
	Cps []VnfcCp `json:"cps,omitempty"`
}

// CompleteConnect lands a change of the external connectivity.
type CompleteConnect struct{ Landed InstanceConnected }

func (CompleteConnect) instanceCommand() {}

// EventType returns "vnf.connected".
func (*InstanceConnected) EventType() string { return "vnf.connected" }

func (*InstanceConnected) instanceEvent() {}

// connect makes an instance what a change of its external connectivity has left of it.
func (v *Instance) connect(e *InstanceConnected) {
	v.Resources = slices.Concat(without(v.Resources, e.Released), e.Resources)
	v.Connections = merged(v.Connections, e.Connections)
	v.changed(e.Changed)
	v.Info = v.Info.connected(&e.Connectivity)
}

// connected returns the info with other external connection points.
func (i *InstantiatedInfo) connected(e *Connectivity) *InstantiatedInfo {
	if i == nil || e == nil {
		return i
	}
	c := *i
	c.Vnfcs = slices.Clone(i.Vnfcs)
	at := make(map[string]int, len(c.Vnfcs))
	for n := range c.Vnfcs {
		at[c.Vnfcs[n].ID] = n
	}
	for _, x := range e.Vnfcs {
		if n, ok := at[x.ID]; ok {
			c.Vnfcs[n].Cps = x.Cps
		}
	}
	gone, left := set(e.Gone), set(e.Left)
	replace := func(to, from *ExtCp) { *to = *from }
	c.ExtCps = joined(slices.DeleteFunc(slices.Clone(i.ExtCps), func(x ExtCp) bool { return gone[x.ID] }), e.ExtCps, func(x *ExtCp) string { return x.ID }, replace)
	c.ExtLinks = joined(slices.DeleteFunc(slices.Clone(i.ExtLinks), func(x ExtVirtualLink) bool { return left[x.ID] }), e.ExtLinks,
		func(x *ExtVirtualLink) string { return x.ID }, func(to, from *ExtVirtualLink) { *to = *from })
	return &c
}

// OpConnectivityChanged records what external links are like that an operation has changed, for its readers (SOL003 v3.7.1 §5.5.2.13,
// changedExtConnectivity).
type OpConnectivityChanged struct {
	ExtLinks []ExtVirtualLink `json:"changedExtConnectivity"`
}

// EventType returns "opocc.connectivity-changed".
func (*OpConnectivityChanged) EventType() string { return "opocc.connectivity-changed" }

func (*OpConnectivityChanged) opEvent() {}
