package lcm_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// info makes a resource for a snapshot.
func (s *site) info() string {
	s.t.Helper()
	i, err := s.svc.CreateSnapshotInfo(s.ctx(), lcm.ExtractedSnapshot{}, by)
	s.must(err)
	return i.ID
}

// take begins to take a snapshot.
func (s *site) take(id, info string) string {
	s.t.Helper()
	op, err := s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: info, UserData: map[string]json.RawMessage{"why": json.RawMessage(`"before"`)}}, by)
	s.must(err)
	return op.ID
}

// snapshotted takes a snapshot, and returns the resource and what was taken.
func (s *site) snapshotted(id string) (string, *vnf.Snapshot) {
	s.t.Helper()
	info := s.info()
	op := s.take(id, info)
	s.run()
	if o := s.op(op); o.State != vnf.Completed || o.Snapshot != info {
		s.t.Fatalf("%s: %+v", o.State, o.Error)
	}
	return info, s.taken(op)
}

// taken is the VnfSnapshot that an operation took; nil when there is none.
func (s *site) taken(op string) *vnf.Snapshot {
	s.t.Helper()
	l, err := s.store.Load(s.ctx(), s.snapshots.Taken.Load(op))
	s.must(err)
	st, err := s.snapshots.Taken.Read(l, &eventstore.Commit{}, op)
	s.must(err)
	if st.Version == 0 || st.Value.Deleted {
		return nil
	}
	return &st.Value
}

// revert begins to revert a VNF.
func (s *site) revert(id, info string) string {
	s.t.Helper()
	op, err := s.svc.RevertToSnapshot(s.ctx(), id, lcm.RevertToSnapshot{InfoID: info}, by)
	s.must(err)
	return op.ID
}

// whole is an instance with all that the records have of it.
func (s *site) whole(id string) *vnf.Instance {
	s.t.Helper()
	l, err := s.store.Load(s.ctx(), s.instances.Load(id))
	s.must(err)
	st, err := s.instances.Read(l, &eventstore.Commit{}, id)
	s.must(err)
	return &st.Value
}

// A snapshot has what the VNF was, and at the VIM a snapshot of each disk; the VNF itself does not change.
func TestCreateSnapshot(t *testing.T) {
	s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
	was := s.vnf(id)
	info, taken := s.snapshotted(id)
	if taken.InfoID != info || taken.VnfID != id || taken.VnfdID != was.VnfdID || taken.Started.IsZero() || taken.Finished.Before(taken.Started) ||
		string(taken.UserData["why"]) != `"before"` {
		t.Errorf("%+v", taken)
	}
	if !reflect.DeepEqual(taken.Vnf.Info, was.Info) || taken.Vnf.Operation != "" || len(taken.Vnfcs) != len(was.Info.Vnfcs) {
		t.Errorf("%+v", taken.Vnf)
	}
	disks, volumes := map[string]bool{}, map[string]bool{}
	for i, c := range taken.Vnfcs {
		if c.VnfcID != was.Info.Vnfcs[i].ID || len(c.Storages) != len(was.Info.Vnfcs[i].Storages) {
			t.Errorf("%+v is of %+v", c, was.Info.Vnfcs[i])
		}
		if c.Compute != "" {
			disks[c.Compute] = true
		}
		for _, x := range c.Storages {
			volumes[x.Snapshot] = true
		}
	}
	if n := s.kinds(); n[vim.Snapshot] != len(disks)+len(volumes) || len(volumes) != len(was.Info.Storages) || len(taken.Taken) != n[vim.Snapshot] {
		t.Errorf("%d disks, %d volumes, at the VIM %v", len(disks), len(volumes), n)
	}
	for _, r := range taken.Taken {
		if r.VimID == "" || r.Kind != string(vim.Snapshot) || r.Connection != "vim-1" {
			t.Errorf("%+v", r)
		}
	}
	now := s.vnf(id)
	if !reflect.DeepEqual(now.Info, was.Info) || !reflect.DeepEqual(now.Resources, was.Resources) || len(now.Snapshots) != 1 || now.Operation != "" {
		t.Errorf("is  %+v\nwas %+v", now, was)
	}
	s.recorded(id)
	s.finish()
}

// What changed after the snapshot is as it was after a reversion: VNFCs that came are gone, those that went are back with their ids,
// addresses and MACs, and what stood is made again of what the snapshot has. The snapshot stays, and can be reverted to again.
func TestRevertToSnapshot(t *testing.T) {
	for name, change := range map[string]func(s *site, id string){
		"nothing happened": func(*site, string) {},
		"scaled out":       func(s *site, id string) { s.scale(id, "SCALE_OUT", "grow", 1) },
		"scaled in":        func(s *site, id string) { s.scale(id, "SCALE_IN", "grow", 1) },
		"scaled in and out": func(s *site, id string) {
			s.scale(id, "SCALE_IN", "grow", 1)
			s.run()
			s.scale(id, "SCALE_OUT", "grow", 1)
		},
		"healed": func(s *site, id string) {
			s.heal(id, lcm.Heal{AdditionalParams: json.RawMessage(`{"all":true}`)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := elastic(t, lcm.Settings{}, ext("out", data("app_out", nil)))
			s.scale(id, "SCALE_OUT", "grow", 1)
			s.run()
			was := s.vnf(id)
			info, taken := s.snapshotted(id)
			change(s, id)
			s.run()
			for range 2 {
				op := s.revert(id, info)
				s.run()
				if o := s.op(op); o.State != vnf.Completed || o.Snapshot != info || o.Policy != "hold" {
					t.Fatalf("%s: %+v", o.State, o.Error)
				}
				s.reverted(id, was, taken)
			}
			s.finish()
		})
	}
}

// reverted asserts that a VNF is what it was, made of what a snapshot has.
func (s *site) reverted(id string, was *vnf.Instance, taken *vnf.Snapshot) {
	s.t.Helper()
	now := s.whole(id)
	if !reflect.DeepEqual(addressesOf(now), addressesOf(was)) || !reflect.DeepEqual(now.Info.ScaleStatus, was.Info.ScaleStatus) ||
		now.Info.VnfState != was.Info.VnfState || now.Operation != "" || len(now.Snapshots) == 0 {
		s.t.Errorf("is  %+v\nwas %+v", now.Info, was.Info)
	}
	ids := func(v *vnf.Instance) (out []string) {
		for _, r := range v.Resources {
			out = append(out, r.ID)
		}
		slices.Sort(out)
		return out
	}
	if !slices.Equal(ids(now), ids(was)) {
		s.t.Errorf("has %v\nhad %v", ids(now), ids(was))
	}
	from := map[string]string{}
	for _, c := range taken.Vnfcs {
		if c.Compute != "" {
			from[c.VnfcID] = taken.Resource(c.Compute).VimID
		}
		for _, x := range c.Storages {
			from[x.Storage] = taken.Resource(x.Snapshot).VimID
		}
	}
	for _, r := range now.Resources {
		spec := s.specs[vim.Token{ID: r.ID, Generation: r.Generation}]
		if got := computeOf(spec).Snapshot + volumeOf(spec).Snapshot; got != from[r.ID] {
			s.t.Errorf("%s %s is made of %q, want %q", r.Kind, r.Name, got, from[r.ID])
		}
		var kept vim.Spec
		s.must(json.Unmarshal(r.Spec, &kept))
		if computeOf(kept).Snapshot+volumeOf(kept).Snapshot != "" {
			s.t.Errorf("%s %s would be made of a snapshot again", r.Kind, r.Name)
		}
	}
	s.consistent(id)
	s.recorded(id)
}

// A VNF that was stopped at the snapshot is stopped after a reversion, and the other way round.
func TestRevertBringsTheOperationalStateBack(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	op, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED"}, by)
	s.must(err)
	s.run()
	info, _ := s.snapshotted(id)
	_, err = s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STARTED"}, by)
	s.must(err)
	s.run()
	if got := s.vnf(id).Info.VnfState; got != "STARTED" {
		t.Fatalf("%s after %s", got, op.ID)
	}
	s.revert(id, info)
	s.run()
	if got := s.vnf(id).Info.VnfState; got != "STOPPED" {
		t.Errorf("the VNF is %s", got)
	}
	s.recorded(id)
	s.finish()
}

// A snapshot outlives the termination of its VNF, which cannot be deleted then; once instantiated again it is reverted to what it was,
// networks and all. A snapshot that is deleted leaves nothing.
func TestASnapshotOutlivesATermination(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	was := s.vnf(id)
	info, taken := s.snapshotted(id)
	_, err := s.svc.Terminate(s.ctx(), id, lcm.Terminate{Type: "FORCEFUL"}, by)
	s.must(err)
	s.run()
	if n := s.kinds(); n[vim.Snapshot] != len(taken.Taken) || len(n) != 1 {
		t.Fatalf("at the VIM %v", n)
	}
	s.recorded(id)
	if err := s.svc.DeleteVnf(s.ctx(), id, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("deleted: %v", err)
	}
	_, err = s.svc.RevertToSnapshot(s.ctx(), id, lcm.RevertToSnapshot{InfoID: info}, by)
	if vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("reverted while it is not instantiated: %v", err)
	}
	o, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`)}, by)
	s.must(err)
	s.run()
	if o := s.op(o.ID); o.State != vnf.Completed {
		t.Fatalf("%+v", o.Error)
	}
	op := s.revert(id, info)
	s.run()
	if o := s.op(op); o.State != vnf.Completed {
		t.Fatalf("%+v", o.Error)
	}
	s.reverted(id, was, taken)
	s.must(s.svc.DeleteSnapshot(s.ctx(), info, by))
	s.run()
	if n := s.kinds(); n[vim.Snapshot] != 0 {
		t.Errorf("at the VIM %v", n)
	}
	v := s.vnf(id)
	if len(v.Snapshots)+len(v.Leftovers) > 0 || v.Cleanup != "" || s.taken(taken.ID) != nil {
		t.Errorf("%+v", v)
	}
	_, err = s.svc.Terminate(s.ctx(), id, lcm.Terminate{Type: "FORCEFUL"}, by)
	s.must(err)
	s.run()
	s.must(s.svc.DeleteVnf(s.ctx(), id, by))
	if len(s.held) > 0 {
		t.Errorf("left at the VIM: %v", s.kinds())
	}
	s.finish()
}

// What cannot be snapshotted or reverted is refused, by kind and attribute.
func TestSnapshotRefused(t *testing.T) {
	s, id := elastic(t, lcm.Settings{Limits: plan.Limits{Snapshots: 2}})
	bare, other := s.create(), s.create()
	_, err := s.svc.Instantiate(s.ctx(), other, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`)}, by)
	s.must(err)
	s.settle()
	full, taken := s.snapshotted(id)
	empty := s.info()
	extracted, err := s.svc.CreateSnapshotInfo(s.ctx(), lcm.ExtractedSnapshot{PackageID: "pkg"}, by)
	s.must(err)
	create := func(vnfID, info string) error {
		_, err := s.svc.CreateSnapshot(s.ctx(), vnfID, lcm.CreateSnapshot{InfoID: info}, by)
		return err
	}
	revert := func(vnfID, info string) error {
		_, err := s.svc.RevertToSnapshot(s.ctx(), vnfID, lcm.RevertToSnapshot{InfoID: info}, by)
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		kind vnfm.Kind
		at   string
	}{
		"no such resource":            {create(id, "nope"), vnfm.Unprocessable, "/vnfSnapshotInfoId"},
		"none named":                  {create(id, ""), vnfm.Unprocessable, "/vnfSnapshotInfoId"},
		"used already":                {create(id, full), vnfm.Conflict, "/vnfSnapshotInfoId"},
		"used by another VNF":         {create(other, full), vnfm.Conflict, "/vnfSnapshotInfoId"},
		"of a package":                {create(id, extracted.ID), vnfm.Conflict, "/vnfSnapshotInfoId"},
		"VNF not instantiated":        {create(bare, empty), vnfm.Conflict, ""},
		"no such VNF":                 {create("nope", empty), vnfm.NotFound, ""},
		"revert to none":              {revert(id, ""), vnfm.Invalid, "/vnfSnapshotInfoId"},
		"revert to no such":           {revert(id, "nope"), vnfm.Unprocessable, "/vnfSnapshotInfoId"},
		"revert to an empty one":      {revert(id, empty), vnfm.Conflict, "/vnfSnapshotInfoId"},
		"revert to a package's":       {revert(id, extracted.ID), vnfm.Conflict, "/vnfSnapshotInfoId"},
		"revert to another VNF's":     {revert(other, full), vnfm.Conflict, "/vnfSnapshotInfoId"},
		"revert no such VNF":          {revert("nope", full), vnfm.NotFound, ""},
		"delete no such":              {s.svc.DeleteSnapshot(s.ctx(), "nope", by), vnfm.NotFound, ""},
		"modify one that was taken":   {modifySnapshot(s, full), vnfm.Conflict, ""},
		"delete with another version": {s.svc.DeleteSnapshot(s.ctx(), full, request.Info{Actor: "bob", ID: "r", Revision: 1}), vnfm.Precondition, ""},
	} {
		if vnfm.KindOf(tt.err) != tt.kind || attribute(tt.err) != tt.at {
			t.Errorf("%s: %s at %q: %v", name, vnfm.KindOf(tt.err), attribute(tt.err), tt.err)
		}
	}
	s.snapshotted(id)
	if err := create(id, empty); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("more than are allowed: %v", err)
	}
	s.d.Version = "2" // what follows is of another VNFD
	if got := s.taken(taken.ID); got == nil {
		t.Error("the snapshot is gone")
	}
	s.must(s.svc.DeleteSnapshot(s.ctx(), empty, by))
	s.must(s.svc.DeleteSnapshot(s.ctx(), extracted.ID, by))
	_, err = s.svc.Terminate(s.ctx(), other, lcm.Terminate{Type: "FORCEFUL"}, by)
	s.must(err)
	s.run()
	s.recorded(id)
	s.finish()
}

func modifySnapshot(s *site, id string) error {
	_, err := s.svc.ModifySnapshotInfo(s.ctx(), id, lcm.ExtractedSnapshot{PackageID: "pkg"}, by)
	return err
}

// A snapshot in use is not deleted: while it is taken, and while its VNF is reverted to it.
func TestASnapshotInUseIsNotDeleted(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	info := s.info()
	op := s.take(id, info)
	for _, err := range []error{s.svc.DeleteSnapshot(s.ctx(), info, by), modifySnapshot(s, info)} {
		if vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("while it is taken: %v", err)
		}
	}
	if _, err := s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: info}, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("taken twice: %v", err)
	}
	s.run()
	if o := s.op(op); o.State != vnf.Completed {
		t.Fatal(o.Error)
	}
	s.revert(id, info)
	if err := s.svc.DeleteSnapshot(s.ctx(), info, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("while its VNF is reverted to it: %v", err)
	}
	s.run()
	s.must(s.svc.DeleteSnapshot(s.ctx(), info, by))
	if err := s.svc.DeleteSnapshot(s.ctx(), info, by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
	s.run()
	s.recorded(id)
	s.finish()
}
