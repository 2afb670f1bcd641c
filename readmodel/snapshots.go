package readmodel

import (
	"context"
	"slices"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vnf"
)

// Snapshots load the aggregates of snapshots and add their events to commits.
type Snapshots struct {
	Infos *aggregate.Repository[vnf.SnapshotInfo]
	Taken *aggregate.Repository[vnf.Snapshot]
}

// snapshotSchema is the version of both states as JSON.
const snapshotSchema = 1

// NewSnapshots returns the repositories of snapshots. The registry must know Forms. cache is how many bytes of events whose states are
// kept, 0 for the default.
func NewSnapshots(r *aggregate.Registry, cache int64) Snapshots {
	return Snapshots{
		Infos: aggregate.NewRepository(aggregate.Config[vnf.SnapshotInfo]{
			Prefix: vnf.SnapshotInfoStream, Registry: r, Schema: snapshotSchema, Cache: cache,
			New: func(string) vnf.SnapshotInfo { return vnf.SnapshotInfo{} },
			Apply: func(s *vnf.SnapshotInfo, e aggregate.Event, at time.Time) {
				if e, ok := e.(vnf.SnapshotEvent); ok { // a stream holds no others
					s.Apply(e, at)
				}
			},
		}),
		Taken: aggregate.NewRepository(aggregate.Config[vnf.Snapshot]{
			Prefix: vnf.SnapshotStream, Registry: r, Schema: snapshotSchema, Cache: cache,
			New: func(string) vnf.Snapshot { return vnf.Snapshot{} },
			Apply: func(s *vnf.Snapshot, e aggregate.Event, at time.Time) {
				if e, ok := e.(vnf.SnapshotEvent); ok {
					s.Apply(e, at)
				}
			},
		}),
	}
}

// SnapshotInfoView returns the row of a VnfSnapshotInfo; one that deletes it when it is deleted.
func SnapshotInfoView(s *vnf.SnapshotInfo) eventstore.ViewWrite {
	return eventstore.ViewWrite{Delete: s.Deleted, View: eventstore.View{
		Kind: KindSnapshotInfo, ID: s.ID, Revision: s.Version, Updated: s.Updated, Doc: encode(s),
	}}
}

// AtSnapshot returns the instance as a VnfSnapshot has it: that of a large one is folded from the instance's stream (ADR 38). nil: it has none.
func AtSnapshot(ctx context.Context, past aggregate.Past, instances *Instances, s *vnf.Snapshot) (*vnf.Instance, error) {
	if s.VnfVersion == 0 {
		return s.Vnf, nil
	}
	st, _, err := instances.At(ctx, past, s.VnfID, s.VnfVersion)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	return st.Value.AtSnapshot(), nil
}

// SnapshotView returns the row of a VnfSnapshot; one that deletes it when it is discarded. Its document has of the instance what
// InstanceView shows of one; that of a large one is a shell without it.
func SnapshotView(s *vnf.Snapshot) eventstore.ViewWrite {
	shown := *s
	if s.Vnf != nil {
		v := shownInstance(s.Vnf)
		v.Params = nil
		shown.Vnf = &v
	}
	shown.Taken = slices.Clone(s.Taken)
	for i := range shown.Taken {
		shown.Taken[i].Spec = nil
	}
	w := eventstore.ViewWrite{Delete: s.Deleted, View: eventstore.View{
		Kind: KindSnapshot, ID: s.ID, Revision: s.Version, Parent: s.VnfID, Updated: s.Updated, Doc: encode(&shown),
	}}
	if s.Vnf == nil && s.VnfVersion > 0 {
		w.Attrs[columnLarge] = isLarge
	}
	return w
}
