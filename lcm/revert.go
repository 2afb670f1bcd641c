package lcm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// RevertToSnapshot is the command behind RevertToVnfSnapshotRequest (SOL003 v3.7.1 §5.5.2.26).
type RevertToSnapshot struct {
	InfoID           string          `json:"vnfSnapshotInfoId"`
	VnfcID           string          `json:"vnfcInstanceId,omitempty"`     // that alone is reverted; "": the VNF
	VnfcSnapshotID   string          `json:"vnfcSnapshotInfoId,omitempty"` // to which; "": to the one there is
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
	Params           json.RawMessage `json:"-"`
}

// RevertToSnapshot implements API: the plan makes of what the VNF has what the snapshot has.
func (s *Service) RevertToSnapshot(ctx context.Context, vnfID string, r RevertToSnapshot, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.reverting(ctx, vnfID, &r, &by)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpRevertToSnapshot, err)
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanRevertToSnapshot implements API.
func (s *Service) PlanRevertToSnapshot(ctx context.Context, vnfID string, r RevertToSnapshot) (*Preview, error) {
	o, err := s.reverting(ctx, vnfID, &r, nil)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpRevertToSnapshot, err)
	}
	return s.preview(ctx, vnfID, o)
}

// reverting is what is wished for. by is who wishes it; nil: it is a dry run.
func (s *Service) reverting(ctx context.Context, vnfID string, r *RevertToSnapshot, by *request.Info) (*wish, error) {
	const at = "/vnfSnapshotInfoId"
	if r.InfoID == "" {
		return nil, vnfm.Errorf(vnfm.Invalid, "vnfSnapshotInfoId names the snapshot that the VNF is to be reverted to").At(at)
	}
	if r.VnfcSnapshotID != "" && r.VnfcID == "" {
		return nil, vnfm.Errorf(vnfm.Invalid, "vnfcSnapshotInfoId goes with a vnfcInstanceId").At("/vnfcSnapshotInfoId")
	}
	about, err := s.snapshot(ctx, r.InfoID)
	if err != nil {
		return nil, err
	}
	switch {
	case about.missing():
		return nil, vnfm.Errorf(vnfm.Unprocessable, "there is no VNF snapshot %s", r.InfoID).At(at)
	}
	if about.taken == nil && about.info.PackageID != "" && len(about.info.Extracted) == 0 {
		if about, err = s.fetchSnapshot(ctx, about, vnfID, by); err != nil {
			return nil, err
		}
	}
	taken := about.extracted()
	switch {
	case about.taken != nil:
		taken = about.taken
	case taken == nil:
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is empty: no snapshot was taken yet", r.InfoID).At(at)
	}
	if taken.VnfID != vnfID {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is of another VNF instance, %s", r.InfoID, taken.VnfID).At(at)
	}
	if about.taken != nil {
		if taken, err = s.whole(ctx, taken.ID); err != nil {
			return nil, err
		}
	}
	if taken, err = r.narrowed(taken); err != nil {
		return nil, err
	}
	return &wish{
		command: "lcm.revert-to-snapshot", operation: vnf.OpRevertToSnapshot, params: r.Params, snapshot: about,
		plan: func(b *beginning) error { return s.planRevert(b, r, taken) },
	}, nil
}

// fetchSnapshot asks the NFVO what the package of a snapshot resource has, and notes it with the resource, in a commit of its own: the request
// that comes again after a crash finds it there, or asks again. A dry run notes nothing. The VNF is looked at first, so that the NFVO is not asked for
// nothing.
func (s *Service) fetchSnapshot(ctx context.Context, about *aboutSnapshot, vnfID string, by *request.Info) (*aboutSnapshot, error) {
	const at = "/vnfSnapshotInfoId"
	id, packageID := about.info.ID, about.info.PackageID
	if s.cfg.SnapshotPackages == nil {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is of the snapshot package %s, and nobody has said what that has: PATCH its vnfSnapshot first, or set nfvo-url", id, packageID).At(at)
	}
	v, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	if _, err := v.Process(vnf.BeginOperation{OpID: id, Operation: vnf.OpRevertToSnapshot}); err != nil {
		return nil, err
	}
	raw, err := s.cfg.SnapshotPackages.Extract(ctx, packageID)
	if err != nil {
		var told *vnfm.Error
		if errors.As(err, &told) {
			return nil, told.At(at)
		}
		return nil, err
	}
	raw = secret.Masked(raw)
	if by == nil {
		about.info.Extracted = raw
		return about, nil
	}
	noted := request.Info{Actor: by.Actor, Role: by.Role, ID: by.ID, Traceparent: by.Traceparent}
	if _, err := s.ModifySnapshotInfo(ctx, id, ExtractedSnapshot{Snapshot: raw}, noted); err != nil && vnfm.KindOf(err) != vnfm.Conflict {
		return nil, err // Conflict: somebody else has said it meanwhile, which is read now
	}
	if about, err = s.snapshot(ctx, id); err == nil && about.missing() {
		err = vnfm.Errorf(vnfm.Unprocessable, "there is no VNF snapshot %s any more", id).At(at)
	}
	return about, err
}

// narrowed is the part of a snapshot that a request is about.
func (r *RevertToSnapshot) narrowed(taken *vnf.Snapshot) (*vnf.Snapshot, error) {
	if r.VnfcID == "" {
		if taken.Vnf != nil && taken.Vnf.Info != nil && len(taken.Vnfcs) < len(taken.Vnf.Info.Vnfcs) {
			return nil, vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s was taken of the VNFC %s alone: name it by vnfcInstanceId", r.InfoID, taken.Vnfcs[0].VnfcID).At("/vnfSnapshotInfoId")
		}
		return taken, nil
	}
	part := *taken
	part.Vnfcs = nil
	for _, c := range taken.Vnfcs {
		if c.VnfcID == r.VnfcID {
			part.Vnfcs = append(part.Vnfcs, c)
		}
	}
	switch {
	case len(part.Vnfcs) == 0:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF snapshot %s has nothing of a VNFC %q", r.InfoID, r.VnfcID).At("/vnfcInstanceId")
	case r.VnfcSnapshotID != "" && part.Vnfcs[0].ID != r.VnfcSnapshotID:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF snapshot %s has the VNFC snapshot %s of the VNFC %s, and not %q", r.InfoID, part.Vnfcs[0].ID, r.VnfcID, r.VnfcSnapshotID).At("/vnfcSnapshotInfoId")
	}
	return &part, nil
}

// extracted is what an NFVO has said of what a snapshot package has: which VNFCs and storages of which VNF; nil when it has not.
func (a *aboutSnapshot) extracted() *vnf.Snapshot {
	var s struct { // of VnfSnapshot (SOL003 v3.7.1 §5.5.2.21)
		ID            string `json:"id"`
		VnfInstanceID string `json:"vnfInstanceId"`
		VnfdID        string `json:"vnfdId"`
		VnfcSnapshots []struct {
			ID             string `json:"id"`
			VnfcInstanceID string `json:"vnfcInstanceId"`
			Storages       []struct {
				ID string `json:"storageResourceId"`
			} `json:"storageSnapshotResources"`
		} `json:"vnfcSnapshots"`
	}
	if len(a.info.Extracted) == 0 || json.Unmarshal(a.info.Extracted, &s) != nil {
		return nil
	}
	out := &vnf.Snapshot{ID: s.ID, InfoID: a.info.ID, VnfID: s.VnfInstanceID, VnfdID: s.VnfdID}
	for _, c := range s.VnfcSnapshots {
		of := vnf.VnfcSnapshot{ID: c.ID, VnfcID: c.VnfcInstanceID}
		for _, st := range c.Storages {
			of.Storages = append(of.Storages, vnf.StorageSnapshot{Storage: st.ID})
		}
		out.Vnfcs = append(out.Vnfcs, of)
	}
	return out
}

// whole reads a VnfSnapshot with what readers do not see: how each resource was made.
func (s *Service) whole(ctx context.Context, id string) (*vnf.Snapshot, error) {
	l, err := s.cfg.Store.Load(ctx, s.cfg.Snapshots.Taken.Load(id))
	if err != nil {
		return nil, err
	}
	st, err := s.cfg.Snapshots.Taken.Read(l, &eventstore.Commit{}, id)
	if err != nil {
		return nil, err
	}
	if st.Version == 0 || st.Value.Deleted {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF snapshot is being deleted").At("/vnfSnapshotInfoId")
	}
	out := st.Value
	if out.Vnf, err = readmodel.AtSnapshot(ctx, s.cfg.Store, s.cfg.Instances, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// generationsPerOperation is more than one operation asks for of one resource, however often it is tried again.
const generationsPerOperation = 1000

func (s *Service) planRevert(b *beginning, r *RevertToSnapshot, taken *vnf.Snapshot) error {
	ofPackage := taken.Vnf == nil
	flavour := b.vnf.Info.FlavourID
	switch {
	case ofPackage && taken.VnfdID != b.vnf.VnfdID:
		return vnfm.Errorf(vnfm.Conflict, "the VNF is of the VNFD %s, and was of %s at the snapshot: change its package back first", b.vnf.VnfdID, taken.VnfdID)
	case ofPackage:
	case !slices.ContainsFunc(b.vnf.Snapshots, func(h vnf.SnapshotHeld) bool { return h.ID == r.InfoID }):
		return vnfm.Errorf(vnfm.Conflict, "the VNF snapshot %s is being deleted", r.InfoID).At("/vnfSnapshotInfoId")
	case taken.Vnf.DescriptorDigest != b.vnf.DescriptorDigest:
		return vnfm.Errorf(vnfm.Conflict, "the VNF is of the VNFD %s (%s) by now, and was of %s (%s) at the snapshot: change its package back first",
			b.vnf.VnfdID, b.vnf.VnfdVersion, taken.VnfdID, taken.Vnf.VnfdVersion)
	case r.VnfcID == "":
		flavour = taken.Vnf.Info.FlavourID
	}
	f, ok := b.descriptor.Flavour(flavour)
	if !ok {
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", flavour)
	}
	schema := f.Operations[string(vnf.OpRevertToSnapshot)].ParamsSchema
	if err := b.check(schema, r.AdditionalParams); err != nil {
		return err
	}
	about := b.vnf
	if r.VnfcID != "" {
		var err error
		if about, err = plan.Part(b.vnf, []string{r.VnfcID}); err != nil {
			return err
		}
	}
	have, err := holding(about, false)
	if err != nil {
		return err
	}
	x := &plan.Reverting{Vnf: about, Whole: b.vnf, Flavour: f, Snapshot: taken, Generation: int(b.data.Number) * generationsPerOperation, Package: ofPackage}
	b.data.Snapshot = &snapshotting{InfoID: r.InfoID, Parts: ofPackage || r.VnfcID != "", Vnfc: r.VnfcID, Configurable: map[string]map[string]json.RawMessage{}}
	var want *plan.Wanted
	if b.data.Snapshot.Parts {
		want, err = b.revertVnfcs(x, have, r.VnfcID == "")
	} else {
		want, err = plan.Revert(x, have)
	}
	if err != nil {
		return err
	}
	if err := freeAddresses(b.vnf, want); err != nil {
		return err
	}
	if taken.Vnf != nil {
		b.restore(taken.Vnf.Info.Vnfcs, r.VnfcID)
	}
	b.data.Grant = nfvo.GrantRequest{DefaultConnection: usual(b.vnf), AdditionalParams: b.seal(r.AdditionalParams, schema)}
	b.data.Reversible = true
	b.policy = s.policy(vnf.OpRevertToSnapshot, f)
	if r.VnfcID != "" { // no other VNFC goes or comes
		return b.want(have, want, plan.Options{InPlace: b.inPlace})
	}
	b.data.Resized = &resized{Losses: plan.LostLevels(b.vnf, f, want)}
	return b.want(have, want, plan.Options{
		InPlace: b.inPlace, Rules: func(map[string]bool) []plan.Rule { return plan.RulesOf(want, f) },
	})
}

// revertVnfcs wants some VNFCs to have what a snapshot has of them, or, of a snapshot package, all: that does not say how others were made,
// so that there may be none.
func (b *beginning) revertVnfcs(x *plan.Reverting, have []plan.Resource, all bool) (*plan.Wanted, error) {
	if n := len(b.vnf.Info.Vnfcs); all && n > len(x.Snapshot.Vnfcs) {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF has %d VNFCs, and the snapshot package has %d: scale in first, or name a VNFC by vnfcInstanceId", n, len(x.Snapshot.Vnfcs)).At("/vnfSnapshotInfoId")
	}
	for _, c := range x.Vnf.Info.Vnfcs { // those that stay as they are
		if len(c.Configurable) > 0 {
			b.data.Snapshot.Configurable[c.ID] = c.Configurable
		}
	}
	return plan.RevertVnfcs(x, have)
}

// restore gives VNFCs the configurable properties that they had at the snapshot: one, or all.
func (b *beginning) restore(had []vnf.Vnfc, only string) {
	for _, c := range had {
		if only != "" && c.ID != only {
			continue
		}
		if delete(b.data.Snapshot.Configurable, c.ID); len(c.Configurable) > 0 {
			b.data.Snapshot.Configurable[c.ID] = c.Configurable
		}
	}
}

// restored is what a reversion changes of the configurable properties of VNFCs, as merge patches.
func (x *snapshotting) restored(i *vnf.InstantiatedInfo) map[string]map[string]json.RawMessage {
	var out map[string]map[string]json.RawMessage
	for _, c := range i.Vnfcs {
		if x.Vnfc != "" && c.ID != x.Vnfc {
			continue
		}
		patch := maps.Clone(x.Configurable[c.ID])
		for name := range c.Configurable {
			if _, kept := patch[name]; !kept {
				patch = with(patch, map[string]json.RawMessage{name: json.RawMessage("null")})
			}
		}
		if patch = differing(c.Configurable, patch); len(patch) > 0 {
			if out == nil {
				out = map[string]map[string]json.RawMessage{}
			}
			out[c.ID] = patch
		}
	}
	return out
}

// freeAddresses refuses to make ports with the addresses that they had while ports that were left over may hold them.
func freeAddresses(v *vnf.Instance, want *plan.Wanted) error {
	anew := slices.ContainsFunc(want.Resources, func(r plan.Resource) bool { return r.Kind == vim.Port && r.At == nil })
	left := slices.ContainsFunc(v.Leftovers, func(l vnf.Resource) bool { return l.Kind == string(vim.Port) })
	if anew && left {
		return vnfm.Errorf(vnfm.Conflict, "a failed operation left ports, which may hold addresses that the VNF is to have again: release what is left by POST /vnfm/v1/vnf_instances/%s/cleanup first", v.ID)
	}
	return nil
}

// landRevert makes the VNF what it was at the snapshot.
func landRevert(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	if id := d.Snapshot.Vnfc; id != "" {
		parts, err := partsOf(d, o)
		if err != nil {
			return nil, err
		}
		return vnf.CompleteVnfcsRevert{Landed: vnf.InstanceVnfcsReverted{
			OpID: d.OpID, SnapshotID: d.Snapshot.InfoID, Changed: parts.changed, Resources: parts.made, Released: parts.released,
			Connections: connections(v, parts.standing(), o.Grant()), Vnfcs: map[string]map[string]json.RawMessage{id: d.Snapshot.Configurable[id]},
		}}, nil
	}
	r, err := rebuiltOf(v, d, o)
	if err != nil {
		return nil, err
	}
	if d.Snapshot.Parts {
		for i := range r.Info.Vnfcs {
			r.Info.Vnfcs[i].Configurable = d.Snapshot.Configurable[r.Info.Vnfcs[i].ID]
		}
		return vnf.CompleteRevert{Landed: vnf.InstanceReverted{OpID: d.OpID, SnapshotID: d.Snapshot.InfoID, Rebuilt: *r}}, nil
	}
	if off, on := powers(o.Want().Resources); on {
		r.Info.VnfState = started
	} else if off {
		r.Info.VnfState = stopped
	}
	for i := range r.Info.Vnfcs {
		r.Info.Vnfcs[i].Configurable = d.Snapshot.Configurable[r.Info.Vnfcs[i].ID]
	}
	return vnf.CompleteRevert{Landed: vnf.InstanceReverted{OpID: d.OpID, SnapshotID: d.Snapshot.InfoID, Rebuilt: *r}}, nil
}
