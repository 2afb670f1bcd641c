package lcm

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnf"
)

// ExtractedSnapshot is the command behind CreateVnfSnapshotInfoRequest and VnfSnapshotInfoModificationRequest (SOL003 v3.7.1 §5.5.2.23 and
// §5.5.2.24): what an NFVO says of the snapshot package that it extracts. All of it may be missing.
type ExtractedSnapshot struct {
	PackageID string
	Snapshot  json.RawMessage // a VnfSnapshot
}

// onSnapshotInfo adds events, and the view they amount to, to the commit. It returns the state then.
func (x *change) onSnapshotInfo(id string, events ...aggregate.Event) (*vnf.SnapshotInfo, error) {
	repo := x.s.cfg.Snapshots.Infos
	if err := repo.Append(x.l, x.c, id, x.meta, events...); err != nil {
		return nil, err
	}
	st, err := repo.Read(x.l, x.c, id)
	if err != nil {
		return nil, err
	}
	x.view(readmodel.SnapshotInfoView(&st.Value))
	return &st.Value, nil
}

// onSnapshot is onSnapshotInfo for a VnfSnapshot.
func (x *change) onSnapshot(id string, event aggregate.Event) error {
	repo := x.s.cfg.Snapshots.Taken
	if err := repo.Append(x.l, x.c, id, x.meta, event); err != nil {
		return err
	}
	st, err := repo.Read(x.l, x.c, id)
	if err != nil {
		return err
	}
	x.view(readmodel.SnapshotView(&st.Value))
	return nil
}

// useSnapshot notes in the commit that begins an operation that it takes a snapshot. Returns Conflict when that is not what it was.
func (x *change) useSnapshot(a *aboutSnapshot, vnfID, opID string) error {
	if a == nil {
		return nil
	}
	st, err := x.s.cfg.Snapshots.Infos.Read(x.l, x.c, a.info.ID)
	if err != nil {
		return err
	}
	if st.Version != a.info.Version {
		return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is being changed: send the request again", a.info.ID).At("/vnfSnapshotInfoId")
	}
	if !a.uses {
		x.c.Expect = append(x.c.Expect, eventstore.StreamVersion{Stream: x.s.cfg.Snapshots.Infos.Stream(a.info.ID), Version: a.info.Version})
		return nil
	}
	_, err = x.onSnapshotInfo(a.info.ID, &vnf.SnapshotInfoUsed{VnfID: vnfID, SnapshotID: opID})
	return err
}

// CreateSnapshotInfo implements API.
func (s *Service) CreateSnapshotInfo(ctx context.Context, r ExtractedSnapshot, by request.Info) (*vnf.SnapshotInfo, error) {
	if err := s.room(); err != nil {
		return nil, err
	}
	id := s.cfg.NewID()
	var made *vnf.SnapshotInfo
	err := s.do(ctx, &eventstore.Work{
		Keys: []string{id},
		Load: func() eventstore.Load { return s.cfg.Snapshots.Infos.Load(id) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata("lcm.create-snapshot-info", "")}
			var err error
			if made, err = x.onSnapshotInfo(id, &vnf.SnapshotInfoCreated{ID: id, PackageID: r.PackageID, Extracted: r.Snapshot}); err != nil {
				return nil, err
			}
			x.c.Idempotency = by.Idempotency(made)
			return x.c, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// ModifySnapshotInfo implements API.
func (s *Service) ModifySnapshotInfo(ctx context.Context, id string, r ExtractedSnapshot, by request.Info) (*vnf.SnapshotInfo, error) {
	var now *vnf.SnapshotInfo
	err := s.changeSnapshot(ctx, id, by, "lcm.modify-snapshot-info", func(x *change, a *aboutSnapshot, _ string) error {
		if a.taken != nil {
			return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s was taken of the VNF instance %s: it is no place for a snapshot package", id, a.taken.VnfID)
		}
		var err error
		if now, err = x.onSnapshotInfo(id, &vnf.SnapshotInfoModified{PackageID: r.PackageID, Extracted: r.Snapshot}); err != nil {
			return err
		}
		x.c.Idempotency = by.Idempotency(now)
		return nil
	})
	return now, err
}

// DeleteSnapshot implements API: in one commit the snapshot is gone, and what stands at VIMs for it begins to be released by a saga, as what
// operations leave over.
func (s *Service) DeleteSnapshot(ctx context.Context, id string, by request.Info) error {
	return s.changeSnapshot(ctx, id, by, "lcm.delete-snapshot", func(x *change, a *aboutSnapshot, cleanup string) error {
		if a.taken != nil {
			v, err := x.instance(a.taken.VnfID)
			if err != nil {
				return err
			}
			x.meta.CorrelationID = cleanup
			if err := x.onInstance(v, v.ID, vnf.DiscardSnapshot{ID: id}); err != nil {
				return err
			}
			if err := x.cleanUp(v, v.ID, cleanup, by); err != nil {
				return err
			}
			if err := x.onSnapshot(a.taken.ID, &vnf.SnapshotDiscarded{}); err != nil {
				return err
			}
			x.c.Unsnapped = append(x.c.Unsnapped, vnf.SnapshotStream+a.taken.ID)
		}
		if _, err := x.onSnapshotInfo(id, &vnf.SnapshotInfoDeleted{}); err != nil {
			return err
		}
		x.c.Unsnapped = append(x.c.Unsnapped, vnf.SnapshotInfoStream+id) // nothing grows on it any more
		x.c.Idempotency = by.Idempotency(nil)
		return nil
	})
}

// errMeanwhile says that a snapshot is not what it was when it was read.
var errMeanwhile = errors.New("the VNF snapshot has changed meanwhile")

// changeSnapshot makes a change of a snapshot that no operation is to take. decide is given an id for a saga.
func (s *Service) changeSnapshot(
	ctx context.Context, id string, by request.Info, command string, decide func(x *change, a *aboutSnapshot, saga string) error,
) error {
	cleanup := s.cfg.NewID()
	for range 3 {
		a, err := s.snapshot(ctx, id)
		if err != nil {
			return err
		}
		if a.info.Version == 0 || a.info.Deleted {
			return vnfm.Errorf(vnfm.NotFound, "there is no VNF snapshot %s", id)
		}
		if err := a.free(); err != nil {
			return err
		}
		keys, load := []string{id}, s.cfg.Snapshots.Infos.Load(id)
		if a.taken != nil {
			keys, load = []string{a.taken.VnfID, id}, load.Merge(s.load(cleanup, a.taken.VnfID)).Merge(s.cfg.Snapshots.Taken.Load(a.taken.ID))
		}
		err = s.do(ctx, &eventstore.Work{
			Keys: keys, Load: func() eventstore.Load { return load },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata(command, "")}
				st, err := s.cfg.Snapshots.Infos.Read(l, x.c, id)
				if err != nil {
					return nil, err
				}
				if st.Version != a.info.Version {
					return nil, errMeanwhile
				}
				if err := by.Check(a.revision()); err != nil {
					return nil, err
				}
				return x.c, decide(x, a, cleanup)
			},
		})
		if !errors.Is(err, errMeanwhile) && !errors.Is(err, eventstore.ErrVersion) {
			return err
		}
	}
	return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is being changed: send the request again", id)
}

// revision is what changes whenever a reader sees another snapshot.
func (a *aboutSnapshot) revision() int64 {
	if a.taken == nil {
		return a.info.Version
	}
	return a.info.Version + a.taken.Version
}
