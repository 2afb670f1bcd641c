package vnf

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
)

// The streams of snapshots.
const (
	SnapshotInfoStream = "snapshotinfo-"
	SnapshotStream     = "snapshot-"
)

// SnapshotInfo is the state of the VnfSnapshotInfo aggregate (SOL003 v3.7.1 §5.5.2.22), and, as JSON, the document of its view.
type SnapshotInfo struct {
	ID        string `json:"id"`
	PackageID string `json:"vnfSnapshotPkgId,omitempty"`
	// Extracted is the VnfSnapshot of a snapshot package, as the NFVO has sent it.
	Extracted json.RawMessage `json:"extracted,omitempty"`
	Created   time.Time       `json:"created"`
	Updated   time.Time       `json:"updated"`
	Deleted   bool            `json:"deleted,omitempty"`
	Version   int64           `json:"version"` // of the stream
}

// Snapshot is the state of the VnfSnapshot aggregate (SOL003 v3.7.1 §5.5.2.21), and, as JSON, the document of its view. Its id is that
// of the operation that took it.
type Snapshot struct {
	ID       string    `json:"id"`
	InfoID   string    `json:"vnfSnapshotInfoId"`
	VnfID    string    `json:"vnfInstanceId"`
	VnfdID   string    `json:"vnfdId"`
	Started  time.Time `json:"creationStartedAt"`
	Finished time.Time `json:"creationFinishedAt"`
	// Vnf is the instance as it was; nil of a large one, whose stream had the version VnfVersion then (ADR 38).
	Vnf        *Instance `json:"vnfInstance"`
	VnfVersion int64     `json:"vnfVersion,omitempty"`

	Vnfcs    []VnfcSnapshot             `json:"vnfcSnapshots"`
	Taken    []Resource                 `json:"resources"` // what stands at VIMs for it
	UserData map[string]json.RawMessage `json:"userDefinedData,omitempty"`
	Updated  time.Time                  `json:"updated,omitzero"`
	Deleted  bool                       `json:"deleted,omitempty"`
	Version  int64                      `json:"version,omitempty"` // of the stream
}

// VnfcSnapshot is what a snapshot has of one VNFC (SOL003 v3.7.1 §5.5.3.20). Resources are named by their planned ids.
type VnfcSnapshot struct {
	ID       string            `json:"id"`
	VnfcID   string            `json:"vnfcInstanceId"`
	Compute  string            `json:"computeSnapshot,omitempty"` // "" of a machine that boots from a volume
	Storages []StorageSnapshot `json:"storageSnapshots,omitempty"`
}

// StorageSnapshot is what a snapshot has of one volume.
type StorageSnapshot struct {
	Storage  string `json:"storageResourceId"`
	Snapshot string `json:"snapshot"`
}

// Resource returns what stands at a VIM for a snapshot, by its planned id; nil when there is none.
func (s *Snapshot) Resource(id string) *Resource {
	if i := slices.IndexFunc(s.Taken, func(r Resource) bool { return r.ID == id }); i >= 0 {
		return &s.Taken[i]
	}
	return nil
}

// AtSnapshot is what a VnfSnapshot has of the instance: not what holds it, nor what stands at VIMs beside it.
func (v *Instance) AtSnapshot() *Instance {
	was := *v
	was.Operation, was.Cleanup, was.Leftovers, was.Snapshots = "", "", nil, nil
	return &was
}

// SnapshotHeld is what stands at VIMs for one snapshot of an instance.
type SnapshotHeld struct {
	ID        string     `json:"vnfSnapshotInfoId"`
	Resources []Resource `json:"resources,omitempty"`
}

// SnapshotEvent is an event of the VnfSnapshotInfo or the VnfSnapshot aggregate.
type SnapshotEvent interface {
	Event
	snapshotEvent()
}

// SnapshotInfoCreated is the first event of a VnfSnapshotInfo.
type SnapshotInfoCreated struct {
	ID        string          `json:"id"`
	PackageID string          `json:"vnfSnapshotPkgId,omitempty"`
	Extracted json.RawMessage `json:"extracted,omitempty"`
}

// SnapshotInfoModified records what an NFVO has put in for a snapshot package; what is absent has not changed.
type SnapshotInfoModified struct {
	PackageID string          `json:"vnfSnapshotPkgId,omitempty"`
	Extracted json.RawMessage `json:"extracted,omitempty"`
}

// SnapshotInfoDeleted is the last event of a VnfSnapshotInfo.
type SnapshotInfoDeleted struct{}

// SnapshotTaken is the first event of a VnfSnapshot: all of it.
type SnapshotTaken struct{ Snapshot }

// SnapshotDiscarded is the last event of a VnfSnapshot.
type SnapshotDiscarded struct{}

// InstanceSnapshotTaken records that a snapshot of the VNF was taken; nothing of the VNF has changed.
type InstanceSnapshotTaken struct {
	OpID     string       `json:"opOccId"`
	Snapshot SnapshotHeld `json:"snapshot"`
}

// InstanceReverted records that a VNF consists again of what it was at a snapshot.
type InstanceReverted struct {
	OpID       string `json:"opOccId"`
	SnapshotID string `json:"vnfSnapshotInfoId"`
	Rebuilt
}

// InstanceVnfcsReverted records that some VNFCs have again what they had at a snapshot; what is not named is as it was.
type InstanceVnfcsReverted struct {
	OpID        string                   `json:"opOccId"`
	SnapshotID  string                   `json:"vnfSnapshotInfoId"`
	Changed     []Resource               `json:"changed,omitempty"` // made again, or changed with that
	Resources   []Resource               `json:"resources,omitempty"`
	Released    []string                 `json:"released,omitempty"` // planned resource ids
	Connections map[string]VimConnection `json:"vimConnections,omitempty"`
	// Vnfcs are the vnfcConfigurableProperties of the VNFCs that were reverted, as they are now.
	Vnfcs map[string]map[string]json.RawMessage `json:"vnfcs"`
}

// InstanceSnapshotDiscarded records that a snapshot is deleted: what stands at VIMs for it is left over.
type InstanceSnapshotDiscarded struct {
	SnapshotID string `json:"vnfSnapshotInfoId"`
}

// CompleteSnapshot lands the taking of a snapshot, CompleteRevert a reversion to one. DiscardSnapshot deletes one.
type (
	CompleteSnapshot struct{ Landed InstanceSnapshotTaken }
	CompleteRevert   struct{ Landed InstanceReverted }
	// CompleteVnfcsRevert lands a reversion of some VNFCs.
	CompleteVnfcsRevert struct{ Landed InstanceVnfcsReverted }
	DiscardSnapshot     struct{ ID string }
)

func (CompleteSnapshot) instanceCommand()    {}
func (CompleteRevert) instanceCommand()      {}
func (CompleteVnfcsRevert) instanceCommand() {}
func (DiscardSnapshot) instanceCommand()     {}

// EventType returns "snapshot.info-created".
func (*SnapshotInfoCreated) EventType() string { return "snapshot.info-created" }

// EventType returns "snapshot.info-modified".
func (*SnapshotInfoModified) EventType() string { return "snapshot.info-modified" }

// EventType returns "snapshot.info-deleted".
func (*SnapshotInfoDeleted) EventType() string { return "snapshot.info-deleted" }

// EventType returns "snapshot.taken".
func (*SnapshotTaken) EventType() string { return "snapshot.taken" }

// EventType returns "snapshot.discarded".
func (*SnapshotDiscarded) EventType() string { return "snapshot.discarded" }

// EventType returns "vnf.snapshot-taken".
func (*InstanceSnapshotTaken) EventType() string { return "vnf.snapshot-taken" }

// EventType returns "vnf.vnfcs-reverted".
func (*InstanceVnfcsReverted) EventType() string { return "vnf.vnfcs-reverted" }

// EventType returns "vnf.reverted".
func (*InstanceReverted) EventType() string { return "vnf.reverted" }

// EventType returns "vnf.snapshot-discarded".
func (*InstanceSnapshotDiscarded) EventType() string { return "vnf.snapshot-discarded" }

func (*SnapshotInfoCreated) snapshotEvent()       {}
func (*SnapshotInfoModified) snapshotEvent()      {}
func (*SnapshotInfoDeleted) snapshotEvent()       {}
func (*SnapshotTaken) snapshotEvent()             {}
func (*SnapshotDiscarded) snapshotEvent()         {}
func (*InstanceSnapshotTaken) instanceEvent()     {}
func (*InstanceReverted) instanceEvent()          {}
func (*InstanceVnfcsReverted) instanceEvent()     {}
func (*InstanceSnapshotDiscarded) instanceEvent() {}

// Apply folds one event, with the time it was stored at.
func (s *SnapshotInfo) Apply(event SnapshotEvent, at time.Time) {
	s.Version++
	s.Updated = at
	switch e := event.(type) {
	case *SnapshotInfoCreated:
		s.ID, s.PackageID, s.Extracted, s.Created = e.ID, e.PackageID, e.Extracted, at
	case *SnapshotInfoModified:
		if e.PackageID != "" {
			s.PackageID = e.PackageID
		}
		if len(e.Extracted) > 0 {
			s.Extracted = e.Extracted
		}
	case *SnapshotInfoDeleted:
		s.Deleted = true
	}
}

// Apply folds one event, with the time it was stored at.
func (s *Snapshot) Apply(event SnapshotEvent, at time.Time) {
	version := s.Version + 1
	switch e := event.(type) {
	case *SnapshotTaken:
		*s = e.Snapshot
	case *SnapshotDiscarded:
		*s = Snapshot{ID: s.ID, InfoID: s.InfoID, VnfID: s.VnfID, Deleted: true}
	}
	s.Version, s.Updated = version, at
}

// discard answers the wish to delete a snapshot of an instance.
func (v *Instance) discard(c DiscardSnapshot) ([]InstanceEvent, error) {
	if err := v.free(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(v.Snapshots, func(s SnapshotHeld) bool { return s.ID == c.ID }) {
		return nil, vnfm.Errorf(vnfm.NotFound, "the VNF instance has no snapshot %s", c.ID)
	}
	return []InstanceEvent{&InstanceSnapshotDiscarded{SnapshotID: c.ID}}, nil
}

// snapshotted names the snapshots of an instance for people.
func (v *Instance) snapshotted() string {
	ids := make([]string, len(v.Snapshots))
	for i := range v.Snapshots {
		ids[i] = v.Snapshots[i].ID
	}
	return strings.Join(ids, ", ")
}

// discarded makes what stands at VIMs for a snapshot leftovers.
func (v *Instance) discarded(id string) {
	i := slices.IndexFunc(v.Snapshots, func(s SnapshotHeld) bool { return s.ID == id })
	if i < 0 {
		return
	}
	v.Leftovers = withoutAndWith(v.Leftovers, nil, v.Snapshots[i].Resources)
	v.Snapshots = slices.Delete(slices.Clone(v.Snapshots), i, i+1)
	if len(v.Snapshots) == 0 {
		v.Snapshots = nil
	}
}

// Recorded lists what the instance consists of at VIMs, and what its snapshots have there.
func (v *Instance) Recorded() []Resource {
	out := slices.Clone(v.Resources)
	for i := range v.Snapshots {
		out = append(out, v.Snapshots[i].Resources...)
	}
	return out
}

// Held lists everything that stands at VIMs for the instance, as far as the records know: its resources, what its snapshots have, and what
// is left over.
func (v *Instance) Held() []Resource {
	return append(v.Recorded(), v.Leftovers...)
}

// revertVnfcs gives VNFCs back what they had.
func (v *Instance) revertVnfcs(e *InstanceVnfcsReverted) {
	v.Resources = slices.Concat(without(v.Resources, e.Released), e.Resources)
	v.Connections = merged(v.Connections, e.Connections)
	v.changed(e.Changed)
	if v.Info == nil {
		return
	}
	info := *v.Info
	info.Vnfcs = slices.Clone(info.Vnfcs)
	for i := range info.Vnfcs {
		if now, ok := e.Vnfcs[info.Vnfcs[i].ID]; ok {
			info.Vnfcs[i].Configurable = now
		}
	}
	v.Info = &info
}
