package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

const snapshots = "/vnflcm/v2/vnf_snapshots"

// aSnapshot puts a snapshot resource with what was taken into it.
func aSnapshot(w *world, id, vnfID string) {
	in := instance(vnfID)
	in.State, in.Info = vnf.Instantiated, &vnf.InstantiatedInfo{
		FlavourID: "f", VnfState: "STARTED", Vnfcs: []vnf.Vnfc{{ID: "c1", VduID: "v", Storages: []string{"s1"}, Handle: vnf.Handle{Connection: "vim", VimID: "vm"}}},
		Storages: []vnf.Storage{{ID: "s1", StorageID: "data", Handle: vnf.Handle{Connection: "vim", VimID: "vol"}}},
	}
	w.put(readmodel.KindSnapshotInfo, vnf.SnapshotInfoStream, id, vnfID, vnfID, 1, vnf.SnapshotInfo{ID: id, Created: epoch, Version: 1})
	w.put(readmodel.KindSnapshotInfo, vnf.SnapshotInfoStream, id, vnfID, vnfID, 2, vnf.SnapshotInfo{ID: id, Created: epoch, Version: 2})
	taken := lcm.SnapshotIDs(id)[1] // the first operation left nothing
	w.put(readmodel.KindSnapshot, vnf.SnapshotStream, taken, vnfID, vnfID, 1, vnf.Snapshot{
		ID: taken, InfoID: id, VnfID: vnfID, VnfdID: in.VnfdID, Started: epoch, Finished: epoch, Version: 1, Vnf: in,
		Vnfcs: []vnf.VnfcSnapshot{{ID: "x", VnfcID: "c1", Compute: "r1", Storages: []vnf.StorageSnapshot{{Storage: "s1", Snapshot: "r2"}}}},
		Taken: []vnf.Resource{
			{ID: "r1", Kind: "snapshot", Connection: "vim", VimID: "image-of-vm", VimType: "T"}, {ID: "r2", Kind: "snapshot", Connection: "vim", VimID: "snap-of-vol"},
		},
		UserData: map[string]json.RawMessage{"why": json.RawMessage(`"test"`)},
	})
}

// TestSnapshots: the resources, as SOL003 has them, and what the use cases hear. Every answer is held against ETSI's document.
func TestSnapshots(t *testing.T) {
	w := newWorld(t)
	var made sol.VnfSnapshotInfo
	created := w.do("POST", snapshots, `{}`).want(201)
	created.json(&made)
	if at := created.header.Get("Location"); !strings.HasSuffix(at, snapshots+"/"+made.Id) || made.VnfSnapshot != nil || made.Links.TakenFrom != nil {
		t.Errorf("%s %+v", at, made)
	}
	aSnapshot(w, "full", "i")
	var full sol.VnfSnapshotInfo
	shown := w.do("GET", snapshots+"/full", "").want(200)
	shown.json(&full)
	s := full.VnfSnapshot
	if s == nil || s.VnfInstanceId != "i" || s.VnfInstance == nil || s.VnfInstance.InstantiatedVnfInfo == nil || len(s.VnfcSnapshots) != 1 ||
		!strings.HasSuffix(full.Links.TakenFrom.Href, "/vnf_instances/i") || s.CreationFinishedAt.IsZero() || string(s.UserDefinedData["why"]) != `"test"` {
		t.Fatalf("%s", shown.body)
	}
	w.do("GET", snapshots+"/none/vnf_state_snapshot", "").want(404, "none")
	w.do("GET", snapshots+"/"+made.Id+"/vnf_state_snapshot", "", "Accept", "application/octet-stream").want(409, "yet")
	w.do("GET", snapshots+"/full/vnf_state_snapshot", "", "Accept", "*/*").want(404, "disks")
	w.do("POST", snapshots+"/full/vnf_state_snapshot", "{}").want(405)
	c := s.VnfcSnapshots[0]
	if c.VnfcInstanceId != "c1" || c.ComputeSnapshotResource.ResourceId != "image-of-vm" || c.StorageSnapshotResources[0].StorageResourceId != "s1" ||
		c.StorageSnapshotResources[0].StorageSnapshotResource.ResourceId != "snap-of-vol" {
		t.Errorf("%+v", c)
	}
	if shown.header.Get("ETag") != `"3"` { // changes when it is taken
		t.Errorf("ETag %s", shown.header.Get("ETag"))
	}
	// Lists: by default without the instance and the VNFCs, with filters over what was taken.
	for query, want := range map[string]string{
		"": "full " + made.Id, "?filter=(eq,id,full)": "full", "?filter=(eq,vnfSnapshot/vnfInstanceId,i)": "full",
		"?filter=(eq,vnfSnapshot/vnfcSnapshots/vnfcInstanceId,c1)": "full", "?filter=(eq,vnfSnapshot/vnfInstanceId,j)": "",
		"?filter=(eq,vnfSnapshotPkgId,p)": "",
	} {
		var all []sol.VnfSnapshotInfo
		w.do("GET", snapshots+query, "").want(200).json(&all)
		ids := map[string]bool{}
		for _, x := range all {
			ids[x.Id] = true
			if x.VnfSnapshot != nil && (x.VnfSnapshot.VnfInstance != nil || len(x.VnfSnapshot.VnfcSnapshots) > 0) {
				t.Errorf("%s: %+v", query, x.VnfSnapshot)
			}
		}
		for id := range strings.FieldsSeq(want) {
			if !ids[id] || len(ids) != len(strings.Fields(want)) {
				t.Errorf("%s: %v, want %s", query, ids, want)
			}
		}
	}
	var whole []sol.VnfSnapshotInfo
	w.do("GET", snapshots+"?all_fields&filter=(eq,id,full)", "").want(200).json(&whole)
	if len(whole) != 1 || whole[0].VnfSnapshot.VnfInstance == nil {
		t.Errorf("%+v", whole)
	}
	w.do("GET", snapshots+"/nope", "").want(404)
	// What an NFVO says of a snapshot package.
	const extracted = `{"id":"s","vnfInstanceId":"i","vnfdId":"d","vnfcSnapshots":[{"id":"c","vnfcInstanceId":"v"}]}`
	w.do("PATCH", snapshots+"/"+made.Id, `{"vnfSnapshotPkgId":"p","vnfSnapshot":`+extracted+`}`).want(200, `"vnfSnapshotPkgId":"p"`)
	w.do("GET", snapshots+"/"+made.Id, "").want(200, `"vnfSnapshotPkgId":"p"`, `"vnfcInstanceId":"v"`)
	w.do("PATCH", snapshots+"/"+made.Id, `{}`).want(400)
	w.do("PATCH", snapshots+"/"+made.Id, `{"vnfSnapshot":{"id":"s"}}`).want(400, `"attribute":"/vnfSnapshot/vnfInstanceId"`)
	w.do("POST", snapshots, `{"vnfSnapshot":7}`).want(400, `"attribute":"/vnfSnapshot"`)
	w.do("DELETE", snapshots+"/"+made.Id, "").want(204)
	w.do("DELETE", snapshots+"/"+made.Id, "").want(404)
	// The tasks.
	id := w.do("POST", vnfs, newID).want(201).id()
	w.do("POST", vnfs+"/"+id+"/create_snapshot", `{"vnfSnapshotInfoId":"x","userDefinedData":{"u":1}}`).want(202)
	if got, _ := w.cases.last.(lcm.CreateSnapshot); got.InfoID != "x" || string(got.UserData["u"]) != "1" {
		t.Errorf("%+v", w.cases.last)
	}
	other := w.do("POST", vnfs, newID).want(201).id()
	w.do("POST", vnfs+"/"+other+"/revert_to_snapshot", `{"vnfSnapshotInfoId":"x"}`).want(202)
	if got, _ := w.cases.last.(lcm.RevertToSnapshot); got.InfoID != "x" {
		t.Errorf("%+v", w.cases.last)
	}
	w.do("POST", strings.Replace(vnfs, "v2", "v1", 1)+"/"+other+"/create_snapshot", `{"vnfSnapshotInfoId":"x"}`).want(404)
	w.put(readmodel.KindOpOcc, "opocc-", "o", other, other, 1, vnf.OpOcc{ID: "o", VnfID: other, State: vnf.Completed, Operation: vnf.OpCreateSnapshot, Snapshot: "full", Started: epoch, StateEntered: epoch})
	w.do("GET", ops+"/o", "").want(200, `"vnfSnapshotInfoId":"full"`, snapshots+"/full")
	w.do("GET", ops+"?filter=(eq,vnfSnapshotInfoId,full)", "").want(200, `"id":"o"`)
	w.do("GET", strings.Replace(ops, "v2", "v1", 1)+"/o", "").want(200)
}

func (s *cases) CreateSnapshot(ctx context.Context, id string, r lcm.CreateSnapshot, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpCreateSnapshot, r, by)
}

func (s *cases) RevertToSnapshot(ctx context.Context, id string, r lcm.RevertToSnapshot, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpRevertToSnapshot, r, by)
}

func (s *cases) PlanCreateSnapshot(ctx context.Context, id string, r lcm.CreateSnapshot) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpCreateSnapshot, r)
}

func (s *cases) PlanRevertToSnapshot(ctx context.Context, id string, r lcm.RevertToSnapshot) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpRevertToSnapshot, r)
}

func (s *cases) CreateSnapshotInfo(ctx context.Context, r lcm.ExtractedSnapshot, by request.Info) (*vnf.SnapshotInfo, error) {
	if err := s.enter(r, by); err != nil {
		return nil, err
	}
	info := &vnf.SnapshotInfo{ID: uuid.NewString(), PackageID: r.PackageID, Extracted: r.Snapshot, Created: epoch, Version: 1}
	return info, s.write(ctx, readmodel.KindSnapshotInfo, vnf.SnapshotInfoStream, info.ID, info.ID, "", 1, info, &by)
}

func (s *cases) ModifySnapshotInfo(ctx context.Context, id string, r lcm.ExtractedSnapshot, by request.Info) (*vnf.SnapshotInfo, error) {
	if err := s.enter(r, by); err != nil {
		return nil, err
	}
	ref := eventstore.ViewRef{Kind: readmodel.KindSnapshotInfo, ID: id}
	l, err := s.store.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return nil, err
	}
	info := &vnf.SnapshotInfo{ID: id, PackageID: r.PackageID, Extracted: r.Snapshot, Created: epoch, Version: l.Views[ref].Revision + 1}
	return info, s.write(ctx, readmodel.KindSnapshotInfo, vnf.SnapshotInfoStream, id, id, "", info.Version, info, &by)
}

func (s *cases) DeleteSnapshot(ctx context.Context, id string, by request.Info) error {
	if err := s.enter(id, by); err != nil {
		return err
	}
	_, err := s.doer.Do(ctx, &eventstore.Work{
		Keys: []string{id},
		Load: func() eventstore.Load { return eventstore.Load{} },
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{
				Views:       []eventstore.ViewWrite{{View: eventstore.View{Kind: readmodel.KindSnapshotInfo, ID: id}, Delete: true}},
				Idempotency: by.Idempotency(nil),
			}, nil
		},
	})
	return err
}
