package lcm

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// CreateSnapshot is the command behind CreateVnfSnapshotRequest (SOL003 v3.7.1 §5.5.2.20).
type CreateSnapshot struct {
	InfoID           string                     `json:"vnfSnapshotInfoId"`
	VnfcID           string                     `json:"vnfcInstanceId,omitempty"` // of which alone it is taken; "": of all
	UserData         map[string]json.RawMessage `json:"userDefinedData,omitempty"`
	AdditionalParams json.RawMessage            `json:"additionalParams,omitempty"`
	Params           json.RawMessage            `json:"-"`
}

// snapshotting is what the saga of an operation about a snapshot knows for its landing.
type snapshotting struct {
	InfoID   string                     `json:"vnfSnapshotInfoId"`
	Vnfcs    []vnf.VnfcSnapshot         `json:"vnfcSnapshots,omitempty"`
	UserData map[string]json.RawMessage `json:"userDefinedData,omitempty"`
	// Configurable are the vnfcConfigurableProperties at the snapshot that a VNF is reverted to, by VNFC.
	Configurable map[string]map[string]json.RawMessage `json:"vnfcConfigurableProperties,omitempty"`
	// Parts: what is on the disks of some VNFCs is reverted, and nothing else.
	Parts bool `json:"parts,omitempty"`
	// Vnfc is the one that is reverted, where the plan is about that alone; "": the plan is about all of the VNF.
	Vnfc string `json:"vnfcInstanceId,omitempty"`
}

// snapshotAttempts is how many operations may try to take a snapshot into one resource.
const snapshotAttempts = 4

// SnapshotIDs are the ids of the operations that may take a snapshot into a resource, the first attempt first: the VnfSnapshot has the id of the
// one that did. They follow from the resource's, so that what is known of each is found, and no two operations take it at once.
func SnapshotIDs(infoID string) []string {
	out := make([]string, snapshotAttempts)
	for i := range out {
		out[i] = message.DeriveID(infoID, "snapshot", itoa(i+1))
	}
	return out
}

// aboutSnapshot is a snapshot resource, and what operations made of it.
type aboutSnapshot struct {
	info vnf.SnapshotInfo
	// next is the id of the next operation that may take a snapshot into it; "": none may.
	next  string
	taken *vnf.Snapshot // as readers see it; nil: none was taken, or it is gone
	busy  string        // the operation that takes it, and has not ended
	spent bool          // a snapshot was taken, and is deleted
	uses  bool          // the operation that is asked for takes it
}

// loadAttempts is what is known of the operations that may have taken a snapshot into a resource.
func (s *Service) loadAttempts(id string) eventstore.Load {
	l := s.cfg.Snapshots.Infos.Load(id)
	for _, op := range SnapshotIDs(id) {
		l.Views = append(l.Views, eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: op}, eventstore.ViewRef{Kind: readmodel.KindSnapshot, ID: op})
	}
	return l
}

// snapshot reads a snapshot resource, and what operations made of it. Its version is 0 when there is none.
func (s *Service) snapshot(ctx context.Context, id string) (*aboutSnapshot, error) {
	l, err := s.cfg.Store.Load(ctx, s.loadAttempts(id))
	if err != nil {
		return nil, err
	}
	return s.snapshotIn(l, id)
}

// snapshotIn is snapshot of what was loaded.
func (s *Service) snapshotIn(l *eventstore.Loaded, id string) (*aboutSnapshot, error) {
	st, err := s.cfg.Snapshots.Infos.Read(l, &eventstore.Commit{}, id)
	if err != nil {
		return nil, err
	}
	out := &aboutSnapshot{info: st.Value}
	for _, op := range SnapshotIDs(id) {
		row := l.Views[eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: op}]
		if row == nil {
			out.next = op
			break
		}
		taken := l.Views[eventstore.ViewRef{Kind: readmodel.KindSnapshot, ID: op}]
		switch state := vnf.OpState(row.State); {
		case taken != nil:
			out.taken = &vnf.Snapshot{}
			if err := json.Unmarshal(taken.Doc, out.taken); err != nil {
				return nil, vnfm.Wrap(vnfm.Internal, err, "the snapshot %s", op)
			}
		case state == vnf.Completed:
			out.spent = true
		case !state.Final():
			out.busy = op
		}
	}
	return out, nil
}

// keys are locked for the operation, shared with others, so that the resource is not deleted meanwhile.
func (a *aboutSnapshot) keys() []string {
	if a == nil {
		return nil
	}
	return []string{a.info.ID}
}

// missing reports whether there is no such resource.
func (a *aboutSnapshot) missing() bool { return a.info.Version == 0 || a.info.Deleted }

// free refuses a snapshot that an operation takes.
func (a *aboutSnapshot) free() error {
	if a.busy != "" {
		return vnfm.Errorf(vnfm.Conflict, "the operation occurrence %s takes the VNF snapshot %s, and has not ended", a.busy, a.info.ID).At("/vnfSnapshotInfoId")
	}
	return nil
}

// usable says why no snapshot can be taken into the resource, nil when one can.
func (a *aboutSnapshot) usable() error {
	const at = "/vnfSnapshotInfoId"
	switch {
	case a.missing():
		return vnfm.Errorf(vnfm.Unprocessable, "there is no VNF snapshot resource of this id: create one first").At(at)
	case a.info.PackageID != "" || len(a.info.Extracted) > 0:
		return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot resource %s is of a snapshot package: create another", a.info.ID).At(at)
	case a.taken != nil:
		return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot resource %s has a snapshot of the VNF instance %s already: create another", a.info.ID, a.taken.VnfID).At(at)
	case a.busy != "":
		return a.free()
	case a.spent || a.next == "":
		return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot resource %s was used %d times, or what was taken is deleted: create another", a.info.ID, snapshotAttempts).At(at)
	}
	return nil
}

// CreateSnapshot implements API: the plan adds snapshots of machines and volumes to what the VNF has.
func (s *Service) CreateSnapshot(ctx context.Context, vnfID string, r CreateSnapshot, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.takingSnapshot(ctx, &r)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpCreateSnapshot, err)
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanCreateSnapshot implements API.
func (s *Service) PlanCreateSnapshot(ctx context.Context, vnfID string, r CreateSnapshot) (*Preview, error) {
	o, err := s.takingSnapshot(ctx, &r)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpCreateSnapshot, err)
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) takingSnapshot(ctx context.Context, r *CreateSnapshot) (*wish, error) {
	if r.InfoID == "" {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "vnfSnapshotInfoId names the VNF snapshot resource that the snapshot is for: create one first").At("/vnfSnapshotInfoId")
	}
	about, err := s.snapshot(ctx, r.InfoID)
	if err != nil {
		return nil, err
	}
	if err := about.usable(); err != nil {
		return nil, err
	}
	about.uses = true
	return &wish{
		command: "lcm.create-snapshot", operation: vnf.OpCreateSnapshot, params: r.Params, snapshot: about,
		plan: func(b *beginning) error { return s.planCreateSnapshot(b, r) },
	}, nil
}

func (s *Service) planCreateSnapshot(b *beginning, r *CreateSnapshot) error {
	about := b.about(vnf.OpCreateSnapshot)
	if err := b.check(about.ParamsSchema, r.AdditionalParams); err != nil {
		return err
	}
	if n := len(b.vnf.Snapshots); n >= b.limits.Snapshots {
		return vnfm.Errorf(vnfm.Conflict, "the VNF has %d snapshots, and max-snapshots-per-vnf allows no more: delete one", n)
	}
	of := b.vnf
	if r.VnfcID != "" {
		var err error
		if of, err = plan.Part(b.vnf, []string{r.VnfcID}); err != nil {
			return err
		}
	}
	have, err := holding(of, false)
	if err != nil {
		return err
	}
	want, vnfcs, err := plan.Take(&plan.Snapshotting{Op: b.data.OpID, Name: nameOf(b.vnf), Vnf: of, Vnfc: r.VnfcID}, have)
	if err != nil {
		return err
	}
	b.data.Snapshot = &snapshotting{InfoID: r.InfoID, Vnfcs: vnfcs, UserData: r.UserData}
	b.data.Grant = nfvo.GrantRequest{DefaultConnection: usual(b.vnf), AdditionalParams: b.seal(r.AdditionalParams, about.ParamsSchema)}
	b.data.Reversible = true
	b.policy = s.policy(vnf.OpCreateSnapshot, b.flavour())
	return b.want(have, want, plan.Options{InPlace: b.inPlace})
}

// landSnapshot has the instance know what stands at VIMs for its new snapshot.
func landSnapshot(_ *Service, _ *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	taken, err := takenBy(o)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteSnapshot{Landed: vnf.InstanceSnapshotTaken{
		OpID: d.OpID, Snapshot: vnf.SnapshotHeld{ID: d.Snapshot.InfoID, Resources: taken},
	}}, nil
}

// takenBy is what an operation that took a snapshot has made.
func takenBy(o *plan.Outcome) ([]vnf.Resource, error) {
	all, err := records(o)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r vnf.Resource) bool { return r.Kind != string(vim.Snapshot) })
	for i := range all {
		all[i].Spec, all[i].Near = nil, "" // it is changed and made again by nobody
	}
	return all, nil
}

// keepSnapshot adds the VnfSnapshot to the commit in which the operation lands that took it. v is the VNF as the operation found it.
func (x *change) keepSnapshot(op *vnf.OpOcc, v *vnf.Instance, in *saga.Instance) error {
	if op.Operation != vnf.OpCreateSnapshot {
		return nil
	}
	d, o, err := outcome(in)
	if err != nil {
		return err
	}
	taken, err := takenBy(o)
	if err != nil {
		return err
	}
	made := vnf.Snapshot{
		ID: d.OpID, InfoID: d.Snapshot.InfoID, VnfID: v.ID, VnfdID: v.VnfdID, Started: op.Started, Finished: x.at(vnf.SnapshotStream + d.OpID),
		Vnfcs: d.Snapshot.Vnfcs, Taken: taken, UserData: d.Snapshot.UserData,
	}
	if readmodel.IsLarge(v) {
		made.VnfVersion = v.Version
	} else {
		made.Vnf = v.AtSnapshot()
	}
	return x.onSnapshot(d.OpID, &vnf.SnapshotTaken{Snapshot: made})
}

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

// useSnapshot guards, in the commit that begins an operation, the snapshot that it takes or reverts to. Returns Conflict when it is not what it was.
func (x *change) useSnapshot(a *aboutSnapshot, opID string) error {
	if a == nil {
		return nil
	}
	o, err := x.opOcc(opID)
	if err != nil {
		return err
	}
	if o.Version > 0 { // another request has begun it
		return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is being taken: send the request again", a.info.ID).At("/vnfSnapshotInfoId")
	}
	x.c.Expect = append(x.c.Expect, eventstore.StreamVersion{Stream: x.s.cfg.Snapshots.Infos.Stream(a.info.ID), Version: a.info.Version})
	return nil
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
	err := s.changeSnapshot(ctx, id, by, "lcm.modify-snapshot-info", func(x *change, a *aboutSnapshot) error {
		if a.missing() {
			return vnfm.Errorf(vnfm.NotFound, "there is no VNF snapshot %s", id)
		}
		if a.taken != nil {
			return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s was taken of the VNF instance %s: it is no place for a snapshot package", id, a.taken.VnfID)
		}
		if len(r.Snapshot) > 0 && len(a.info.Extracted) > 0 || r.PackageID != "" && a.info.PackageID != "" && r.PackageID != a.info.PackageID {
			return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s has what a snapshot package has already: create another", id)
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

// DeleteSnapshot implements API, in two commits, as the resource and what was taken are ordered by different keys. In the first what was taken is
// gone, and a saga begins to release what stands at VIMs for it, as what operations leave over. In between the resource is there, empty, and
// cannot be used: the same request deletes it.
func (s *Service) DeleteSnapshot(ctx context.Context, id string, by request.Info) error {
	a, err := s.snapshot(ctx, id)
	switch {
	case err != nil:
		return err
	case a.missing():
		return vnfm.Errorf(vnfm.NotFound, "there is no VNF snapshot %s", id)
	}
	if err := a.free(); err != nil {
		return err
	}
	if of := a.extracted(); of != nil {
		if v, err := s.instance(ctx, of.VnfID); err == nil && v.Operation != "" {
			return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot may be in use: the operation %s holds the VNF instance %s", v.Operation, v.ID)
		}
	}
	discarded := a.taken != nil
	if discarded {
		if err := by.Check(a.revision()); err != nil {
			return err
		}
		if err := s.discardSnapshot(ctx, id, a.taken, by); err != nil {
			return err
		}
		by.Revision = 0 // it was checked
	}
	return s.changeSnapshot(ctx, id, by, "lcm.delete-snapshot", func(x *change, a *aboutSnapshot) error {
		if a.missing() && discarded { // another request has gone on with what this one began
			x.c.Idempotency = by.Idempotency(nil)
			return nil
		}
		if a.missing() {
			return vnfm.Errorf(vnfm.NotFound, "there is no VNF snapshot %s", id)
		}
		if a.taken != nil {
			return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s was taken meanwhile: send the request again", id)
		}
		if _, err := x.onSnapshotInfo(id, &vnf.SnapshotInfoDeleted{}); err != nil {
			return err
		}
		x.c.Unsnapped = append(x.c.Unsnapped, vnf.SnapshotInfoStream+id) // nothing grows on it any more
		x.c.Idempotency = by.Idempotency(nil)
		return nil
	})
}

// discardSnapshot ends what was taken, and begins to release what stands at VIMs for it.
func (s *Service) discardSnapshot(ctx context.Context, id string, taken *vnf.Snapshot, by request.Info) error {
	cleanup := s.cfg.NewID()
	return s.do(ctx, &eventstore.Work{
		Keys: []string{taken.VnfID},
		Load: func() eventstore.Load {
			return s.load(cleanup, taken.VnfID).Merge(s.cfg.Snapshots.Taken.Load(taken.ID))
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata("lcm.delete-snapshot", cleanup)}
			st, err := s.cfg.Snapshots.Taken.Read(l, x.c, taken.ID)
			if err != nil || st.Value.Deleted {
				return nil, err
			}
			v, err := x.instance(taken.VnfID)
			if err != nil {
				return nil, err
			}
			if err := x.onInstance(v, v.ID, vnf.DiscardSnapshot{ID: id}); err != nil {
				return nil, err
			}
			if err := x.cleanUp(v, v.ID, cleanup, by); err != nil {
				return nil, err
			}
			if err := x.onSnapshot(taken.ID, &vnf.SnapshotDiscarded{}); err != nil {
				return nil, err
			}
			x.c.Unsnapped = append(x.c.Unsnapped, vnf.SnapshotStream+taken.ID) // nothing grows on it any more
			return x.c, nil
		},
	})
}

// changeSnapshot changes a snapshot resource that no operation takes; one that is missing is decided about, too.
func (s *Service) changeSnapshot(ctx context.Context, id string, by request.Info, command string, decide func(x *change, a *aboutSnapshot) error) error {
	return s.do(ctx, &eventstore.Work{
		Keys: []string{id}, Load: func() eventstore.Load { return s.loadAttempts(id) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			a, err := s.snapshotIn(l, id)
			if err != nil {
				return nil, err
			}
			if err := a.free(); err != nil {
				return nil, err
			}
			if !a.missing() {
				if err := by.Check(a.revision()); err != nil {
					return nil, err
				}
			}
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata(command, "")}
			return x.c, decide(x, a)
		},
	})
}

// revision is what changes whenever a reader sees another snapshot.
func (a *aboutSnapshot) revision() int64 {
	if a.taken == nil {
		return a.info.Version
	}
	return a.info.Version + a.taken.Version
}
