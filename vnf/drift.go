package vnf

import (
	"encoding/json"
	"maps"
	"time"
)

// Drift is in what the resources of an instance differ from its records, as its VIMs showed them when they were last compared.
type Drift struct {
	State DriftState `json:"state"`
	Since time.Time  `json:"since"` // when the oldest difference that is still there was seen first
	DriftCounts
	// RepairGivenUp: the policy has repaired it as often as it may, and does so no more.
	RepairGivenUp bool `json:"repairGivenUp,omitempty"`
	// At is what differs by VIM connection.
	At map[string]DriftAt `json:"vimConnections"`
}

// DriftState says what is thought of a drift.
type DriftState string

// The states of a drift.
const (
	Drifted      DriftState = "DRIFTED"
	DriftSuspect DriftState = "SUSPECT" // a VIM shows much less than the records say: it may have failed
)

// DriftCounts counts differences by their type.
type DriftCounts struct {
	Missing  int `json:"missing"`  // the VIM does not have it
	Changed  int `json:"changed"`  // it stands in another way
	Orphaned int `json:"orphaned"` // the VIM has it under the VNF's name, and the records do not
	Unsure   int `json:"unsure"`   // an operation was given up in the middle of it
}

// Sum is the number of differences.
func (c DriftCounts) Sum() int { return c.Missing + c.Changed + c.Orphaned + c.Unsure }

// DriftAt is what differs at one VIM connection.
type DriftAt struct {
	Since time.Time `json:"since"`
	DriftNoted
}

// DriftNoted is what a comparison with one VIM connection has found.
type DriftNoted struct {
	DriftCounts
	Suspect       bool `json:"suspect,omitempty"`       // the VIM shows much less than the records of all VNFs say
	RepairGivenUp bool `json:"repairGivenUp,omitempty"` // by the policy
	// Digest names the differences: two that are the same differ in nothing.
	Digest string `json:"digest"`
	// Differences are the first of them, as many as a site wants to keep.
	Differences []DriftedResource `json:"differences,omitempty"`
}

// Same reports whether a comparison has found nothing new.
func (d *DriftNoted) Same(o *DriftNoted) bool {
	return d.Digest == o.Digest && d.Suspect == o.Suspect && d.RepairGivenUp == o.RepairGivenUp && d.DriftCounts == o.DriftCounts
}

// DriftedResource is a resource that differs from the records.
type DriftedResource struct {
	Type       string       `json:"type"` // missing, changed, orphaned, unsure
	ID         string       `json:"id"`   // of the planned resource
	Generation int          `json:"generation"`
	Kind       string       `json:"kind"`
	Name       string       `json:"name,omitempty"`
	VimID      string       `json:"resourceId,omitempty"`
	Fields     []DriftField `json:"fields,omitempty"` // of what changed
}

// DriftField is an attribute that stands in another way than the records say.
type DriftField struct {
	Attribute string `json:"attribute"`
	Recorded  string `json:"recorded"`
	Found     string `json:"found"`
	By        string `json:"by,omitempty"` // who set it last, and when, where the VIM says so
}

// InstanceDrifted records that what a VIM connection has of an instance differs from its records, or does so in another way than before.
type InstanceDrifted struct {
	Connection string     `json:"vimConnectionId"`
	Found      DriftNoted `json:"found"`
}

// InstanceDriftEnded records that nothing differs at a VIM connection any more.
type InstanceDriftEnded struct {
	Connection string `json:"vimConnectionId"`
}

// InstancePodsObserved records that container units have other pods than the records knew: their cluster has replaced some by itself.
type InstancePodsObserved struct {
	Connection string     `json:"vimConnectionId"`
	Units      []UnitPods `json:"units"`
}

// UnitPods are the pods of a container unit, all of which are ready.
type UnitPods struct {
	ID   string `json:"id"` // of the planned resource
	Pods []Pod  `json:"pods"`
}

// EventType returns "vnf.pods-observed".
func (*InstancePodsObserved) EventType() string { return "vnf.pods-observed" }

// EventType returns "vnf.drifted".
func (*InstanceDrifted) EventType() string { return "vnf.drifted" }

// EventType returns "vnf.drift-ended".
func (*InstanceDriftEnded) EventType() string { return "vnf.drift-ended" }

func (*InstanceDrifted) instanceEvent()    {}
func (*InstanceDriftEnded) instanceEvent() {}

func (*InstancePodsObserved) instanceEvent() {}

// NoteDrift takes note of what a comparison with a VIM connection has found of an instance at a version. It brings nothing about when
// the instance has changed since, when an operation or a clean-up is under way, whose work it may be, and when it is nothing new.
type NoteDrift struct {
	Version    int64
	Connection string
	Found      DriftNoted // without a difference: nothing differs
	// Pods are those of units that have others than the records say, at a VIM that is believed.
	Pods []UnitPods
}

func (NoteDrift) instanceCommand() {}

func (v *Instance) noteDrift(c NoteDrift) []InstanceEvent {
	if v.Version != c.Version || v.Busy() {
		return nil
	}
	var noted *DriftNoted
	if v.Drift != nil {
		if at, ok := v.Drift.At[c.Connection]; ok {
			noted = &at.DriftNoted
		}
	}
	var out []InstanceEvent
	if len(c.Pods) > 0 {
		out = append(out, &InstancePodsObserved{Connection: c.Connection, Units: c.Pods})
	}
	switch {
	case c.Found.Sum() == 0 && noted != nil:
		return append(out, &InstanceDriftEnded{Connection: c.Connection})
	case c.Found.Sum() == 0, noted != nil && noted.Same(&c.Found):
		return out
	}
	return append(out, &InstanceDrifted{Connection: c.Connection, Found: c.Found})
}

// Busy reports whether an operation or a clean-up is under way: what differs from the records may be its work.
func (v *Instance) Busy() bool { return v.Operation != "" || v.Cleanup != "" }

// drifted lays what was found at a VIM connection over what is noted; nil: nothing differs there any more.
func (d *Drift) drifted(connection string, found *DriftNoted, at time.Time) *Drift {
	all := map[string]DriftAt{}
	if d != nil {
		maps.Copy(all, d.At)
	}
	if found == nil {
		delete(all, connection)
	} else {
		now := DriftAt{Since: at, DriftNoted: *found}
		if before, ok := all[connection]; ok {
			now.Since = before.Since
		}
		all[connection] = now
	}
	if len(all) == 0 {
		return nil
	}
	out := &Drift{State: Drifted, At: all}
	for _, x := range all {
		if out.Since.IsZero() || x.Since.Before(out.Since) {
			out.Since = x.Since
		}
		out.Missing += x.Missing
		out.Changed += x.Changed
		out.Orphaned += x.Orphaned
		out.Unsure += x.Unsure
		if out.RepairGivenUp = out.RepairGivenUp || x.RepairGivenUp; x.Suspect {
			out.State = DriftSuspect
		}
	}
	return out
}

// autoHeal is the configurable property that says whether a VNF is repaired by itself (SOL001 v3.7.1 §6.8.13,
// is_autoheal_enabled), in both ways that VNFDs write it.
var autoHeal = []string{"isAutohealEnabled", "is_autoheal_enabled"} //nolint:gochecknoglobals // data

// AutoHeal says whether the VNF wants to be repaired without anybody's asking; known is false when it does not say.
func (v *Instance) AutoHeal() (wanted, known bool) {
	for _, name := range autoHeal {
		if raw, ok := v.Configurable[name]; ok && json.Unmarshal(raw, &wanted) == nil {
			return wanted, true
		}
	}
	return false, false
}
