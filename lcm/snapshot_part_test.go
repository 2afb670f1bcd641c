package lcm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// remade are the resources of a VNF that are of another generation than before, by their kinds.
func remade(was, now *vnf.Instance) map[string][]string {
	out := map[string][]string{}
	for _, r := range now.Resources {
		i := slices.IndexFunc(was.Resources, func(o vnf.Resource) bool { return o.ID == r.ID })
		if i < 0 || was.Resources[i].Generation != r.Generation {
			out[r.Kind] = append(out[r.Kind], r.ID)
		}
	}
	return out
}

// TestASnapshotOfOneVnfc: SOL002's vnfcInstanceId takes, and reverts to, what one VNFC has on its disks; whatever else the VNF is stays.
// Seen failing with the attribute ignored.
func TestASnapshotOfOneVnfc(t *testing.T) {
	s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
	s.scale(id, "SCALE_OUT", "grow", 1)
	s.run()
	one := s.vnf(id).Info.Vnfcs[0]
	info := s.info()
	take := func(vnfc string) (string, error) {
		op, err := s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: info, VnfcID: vnfc}, by)
		if err != nil {
			return "", err
		}
		s.run()
		return op.ID, nil
	}
	if _, err := take("nobody"); vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/vnfcInstanceId" {
		t.Errorf("of no VNFC: %v", err)
	}
	op, err := take(one.ID)
	s.must(err)
	taken := s.taken(op)
	if len(taken.Vnfcs) != 1 || taken.Vnfcs[0].VnfcID != one.ID || s.kinds()[vim.Snapshot] != len(taken.Taken) || len(taken.Taken) == 0 {
		t.Fatalf("%+v", taken)
	}
	s.scale(id, "SCALE_OUT", "grow", 1)
	s.run()
	was := s.vnf(id)
	revert := func(r lcm.RevertToSnapshot) (*vnf.OpOcc, error) {
		r.InfoID = info
		return s.svc.RevertToSnapshot(s.ctx(), id, r, by)
	}
	for name, c := range map[string]struct {
		r    lcm.RevertToSnapshot
		kind vnfm.Kind
		at   string
	}{
		"no VNFC":               {lcm.RevertToSnapshot{VnfcSnapshotID: "x"}, vnfm.Invalid, "/vnfcSnapshotInfoId"},
		"the whole VNF":         {lcm.RevertToSnapshot{}, vnfm.Conflict, "/vnfSnapshotInfoId"},
		"another VNFC":          {lcm.RevertToSnapshot{VnfcID: was.Info.Vnfcs[1].ID}, vnfm.Unprocessable, "/vnfcInstanceId"},
		"another VNFC snapshot": {lcm.RevertToSnapshot{VnfcID: one.ID, VnfcSnapshotID: "x"}, vnfm.Unprocessable, "/vnfcSnapshotInfoId"},
	} {
		if _, err := revert(c.r); vnfm.KindOf(err) != c.kind || attribute(err) != c.at {
			t.Errorf("%s: %v at %s", name, err, attribute(err))
		}
	}
	o, err := revert(lcm.RevertToSnapshot{VnfcID: one.ID, VnfcSnapshotID: taken.Vnfcs[0].ID})
	s.must(err)
	if got := s.saga(o.ID).Type; got != "plan-beside" { // an older program, which knows no parts, lets it wait
		t.Errorf("its saga is of type %s", got)
	}
	s.run()
	if o = s.op(o.ID); o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	now := s.vnf(id)
	got := remade(was, now)
	if len(got["compute"]) != 1 || got["compute"][0] != one.ID || len(got) > 2 || len(got["volume"]) == 0 {
		t.Errorf("made again: %v", got)
	}
	for _, v := range got["volume"] {
		if !slices.Contains(one.Storages, v) || strings.HasSuffix(v, "pool") {
			t.Errorf("the volume %s was made again", v)
		}
	}
	if len(now.Info.Vnfcs) != len(was.Info.Vnfcs) || fmt.Sprint(now.Info.ScaleStatus) != fmt.Sprint(was.Info.ScaleStatus) || fmt.Sprint(now.Info.ExtCps) != fmt.Sprint(was.Info.ExtCps) {
		t.Errorf("is %+v, was %+v", now.Info, was.Info)
	}
	if !slices.ContainsFunc(o.Warnings, func(w string) bool { return strings.Contains(w, "shared") }) {
		t.Errorf("warnings: %v", o.Warnings)
	}
	s.recorded(id)
	s.finish()
}

// TestRevertToASnapshotPackage: the NFVO says which VNFCs its package has, and its grant where the VIM has them (SOL003 v3.7.1 §9.5.3.9).
// Seen failing with 409 for every package.
func TestRevertToASnapshotPackage(t *testing.T) {
	s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
	was := s.vnf(id)
	extracted := func(change func(doc map[string]any)) string {
		doc := map[string]any{"id": "packed", "vnfInstanceId": id, "vnfdId": was.VnfdID}
		var vnfcs []any
		for _, c := range was.Info.Vnfcs {
			var storages []any
			for _, st := range c.Storages {
				storages = append(storages, map[string]any{"storageResourceId": st})
			}
			vnfcs = append(vnfcs, map[string]any{"id": "of-" + c.ID, "vnfcInstanceId": c.ID, "storageSnapshotResources": storages})
		}
		doc["vnfcSnapshots"] = vnfcs
		if change != nil {
			change(doc)
		}
		raw, err := json.Marshal(doc)
		s.must(err)
		info, err := s.svc.CreateSnapshotInfo(s.ctx(), lcm.ExtractedSnapshot{PackageID: "pkg-1", Snapshot: raw}, by)
		s.must(err)
		return info.ID
	}
	revert := func(info string) (*vnf.OpOcc, error) {
		return s.svc.RevertToSnapshot(s.ctx(), id, lcm.RevertToSnapshot{InfoID: info}, by)
	}
	for name, change := range map[string]func(doc map[string]any){
		"of another VNF":  func(doc map[string]any) { doc["vnfInstanceId"] = "other" },
		"of another VNFD": func(doc map[string]any) { doc["vnfdId"] = "other" },
		"of fewer VNFCs":  func(doc map[string]any) { doc["vnfcSnapshots"] = doc["vnfcSnapshots"].([]any)[:1] },
		"of another VNFC": func(doc map[string]any) { doc["vnfcSnapshots"].([]any)[0].(map[string]any)["vnfcInstanceId"] = "x" },
	} {
		if _, err := revert(extracted(change)); vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	bare, err := s.svc.CreateSnapshotInfo(s.ctx(), lcm.ExtractedSnapshot{PackageID: "pkg-1"}, by)
	s.must(err)
	if _, err := revert(bare.ID); vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), "pkg-1") {
		t.Errorf("of which nobody has said what it has: %v", err)
	}

	info := extracted(nil)
	if err := modifySnapshot(s, info); err == nil {
		t.Error("it was modified to be of another package")
	}
	asked := map[string]*nfvo.SnapshotDefinition{}
	s.grant = func(g *nfvo.Grant) {
		g.Local = false
		for _, d := range s.asked.Add {
			asked[d.Planned] = d.Snapshot
			g.Snapshots = append(g.Snapshots, nfvo.Snapshot{
				VnfSnapshotID: d.Snapshot.VnfSnapshotID, VnfcSnapshotID: d.Snapshot.VnfcSnapshotID, StorageSnapshotID: d.Snapshot.StorageSnapshotID,
				VimSnapshotID: "image-of-" + d.Planned, Connection: "vim-1",
			})
		}
	}
	for _, c := range was.Info.Vnfcs {
		s.others = append(s.others, "image-of-"+c.ID)
		for _, st := range c.Storages {
			s.others = append(s.others, "image-of-"+st)
		}
	}
	o, err := revert(info)
	s.must(err)
	if err := s.svc.DeleteSnapshot(s.ctx(), info, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("deleted while it is reverted to: %v", err)
	}
	s.run()
	if o = s.op(o.ID); o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	made := map[string]string{}
	for _, m := range s.sent {
		var c vim.Reserve
		if m.Type == vim.TypeReserveResource && json.Unmarshal(m.Data, &c) == nil {
			if c.Spec.Compute != nil {
				made[c.Token.ID] = c.Spec.Compute.Snapshot
			}
			if c.Spec.Volume != nil {
				made[c.Token.ID] = c.Spec.Volume.Snapshot
			}
		}
	}
	for of, d := range asked {
		if d == nil || !d.Package || d.VnfSnapshotID != "packed" || !strings.HasPrefix(d.VnfcSnapshotID, "of-") {
			t.Errorf("asked for %s with %+v", of, d)
		}
		if made[of] != "image-of-"+of {
			t.Errorf("%s is made of %q", of, made[of])
		}
	}
	if len(asked) < 2 {
		t.Errorf("asked for %v", asked)
	}
	s.recorded(id)
	s.finish()
}

// library is an NFVO with one snapshot package.
type library struct {
	has   json.RawMessage
	fails error
	reads int
}

func (l *library) Extract(_ context.Context, id string) (json.RawMessage, error) {
	l.reads++
	if l.fails != nil || id != "pkg-1" {
		return nil, l.fails
	}
	return l.has, nil
}

// TestASnapshotPackageIsFetchedOnce: what a package of the NFVO has is asked for when the VNF is reverted to it, kept with the snapshot resource, and not asked
// for again; a dry run keeps nothing; while the NFVO does not answer nothing is begun. Seen failing with 409 for every package that the NFVO had not
// described, and with the answer not kept.
func TestASnapshotPackageIsFetchedOnce(t *testing.T) {
	s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
	was := s.vnf(id)
	doc := map[string]any{"id": "packed", "vnfInstanceId": id, "vnfdId": was.VnfdID, "vnfInstance": map[string]any{
		"vimConnectionInfo": map[string]any{"v": map[string]any{"vimType": "x", "accessInfo": map[string]any{"password": "canary"}}},
	}}
	var vnfcs []any
	for _, c := range was.Info.Vnfcs {
		s.others = append(s.others, "image-of-"+c.ID)
		var storages []any
		for _, st := range c.Storages {
			storages = append(storages, map[string]any{"storageResourceId": st})
			s.others = append(s.others, "image-of-"+st)
		}
		vnfcs = append(vnfcs, map[string]any{"id": "of-" + c.ID, "vnfcInstanceId": c.ID, "storageSnapshotResources": storages})
	}
	doc["vnfcSnapshots"] = vnfcs
	raw, err := json.Marshal(doc)
	s.must(err)
	at := &library{has: raw}
	lcm.SetSnapshotPackages(s.svc, at)
	info, err := s.svc.CreateSnapshotInfo(s.ctx(), lcm.ExtractedSnapshot{PackageID: "pkg-1"}, by)
	s.must(err)
	r := lcm.RevertToSnapshot{InfoID: info.ID}

	at.fails = vnfm.Errorf(vnfm.Unavailable, "it is away")
	if _, err := s.svc.RevertToSnapshot(s.ctx(), id, r, by); vnfm.KindOf(err) != vnfm.Unavailable || s.vnf(id).Operation != "" {
		t.Errorf("while the NFVO is away: %v", err)
	}
	at.fails = nil
	if _, err := s.svc.RevertToSnapshot(s.ctx(), "none", r, by); vnfm.KindOf(err) != vnfm.NotFound || at.reads != 1 {
		t.Errorf("of no VNF: %v, %d reads", err, at.reads)
	}
	p, err := s.svc.PlanRevertToSnapshot(s.ctx(), id, r)
	s.must(err)
	if now, err := s.svc.PlanRevertToSnapshot(s.ctx(), id, r); err != nil || at.reads != 3 || len(now.Grant.Add) != len(p.Grant.Add) || len(p.Grant.Add) < 2 {
		t.Errorf("dry runs: %+v, %v, %d reads", now, err, at.reads)
	}
	s.grant = func(g *nfvo.Grant) {
		g.Local = false
		for _, d := range s.asked.Add {
			g.Snapshots = append(g.Snapshots, nfvo.Snapshot{
				VnfSnapshotID: d.Snapshot.VnfSnapshotID, VnfcSnapshotID: d.Snapshot.VnfcSnapshotID, StorageSnapshotID: d.Snapshot.StorageSnapshotID,
				VimSnapshotID: "image-of-" + d.Planned, Connection: "vim-1",
			})
		}
	}
	for range 2 {
		o, err := s.svc.RevertToSnapshot(s.ctx(), id, r, by)
		s.must(err)
		s.run()
		if o = s.op(o.ID); o.State != vnf.Completed {
			t.Fatalf("%s: %+v", o.State, o.Error)
		}
		if at.reads != 4 {
			t.Errorf("asked %d times", at.reads)
		}
	}
	if kept := string(s.extracted(info.ID)); !strings.Contains(kept, "packed") || strings.Contains(kept, "canary") {
		t.Errorf("kept: %s", kept)
	}
	s.recorded(id)
	s.finish()
}

// extracted is what is kept of the package of a snapshot resource.
func (s *site) extracted(id string) json.RawMessage {
	s.t.Helper()
	l, err := s.store.Load(s.ctx(), eventstore.Load{Views: []eventstore.ViewRef{{Kind: readmodel.KindSnapshotInfo, ID: id}}})
	s.must(err)
	var info vnf.SnapshotInfo
	s.must(json.Unmarshal(l.Views[eventstore.ViewRef{Kind: readmodel.KindSnapshotInfo, ID: id}].Doc, &info))
	return info.Extracted
}
