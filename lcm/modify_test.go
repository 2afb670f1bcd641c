package lcm_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

func pairs(kv ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = json.RawMessage(kv[i+1])
	}
	return m
}

func ptr(s string) *string { return &s }

// SOL003 v3.7.1 §5.4.3.3.4: an operation of its own, in both states, by merge patch. Seen failing with the patch put in place of
// the values.
func TestModify(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	id := s.create()
	modify := func(r lcm.Modify) *vnf.OpOcc {
		t.Helper()
		op, err := s.svc.Modify(s.ctx(), id, r, by)
		s.must(err)
		if op.State != vnf.Completed || op.Operation != vnf.OpModifyInfo || op.Ended.IsZero() {
			t.Fatalf("%+v", op)
		}
		return op
	}
	op := modify(lcm.Modify{
		Name: ptr("new"), Extensions: pairs("admin", `"root"`), Metadata: pairs("a", `{"x":1,"y":2}`), Params: json.RawMessage(`{"p":1}`),
	})
	if c := op.ChangedInfo; c == nil || *c.Name != "new" || c.Description != nil || string(c.Extensions["admin"]) != `"root"` || string(op.Params) != `{"p":1}` {
		t.Errorf("%+v", op.ChangedInfo)
	}
	events, err := s.store.ReadStream(s.ctx(), "opocc-"+op.ID, 0, 10)
	s.must(err)
	var types []string
	for _, e := range events {
		types = append(types, e.Type)
	}
	if want := []string{"opocc.started", "opocc.info-changed", "opocc.completed"}; !reflect.DeepEqual(types, want) {
		t.Errorf("events %v, want %v", types, want)
	}
	s.must(func() error {
		_, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "simple"}, by)
		return err
	}())
	s.settle()
	modify(lcm.Modify{
		Name: ptr(""), Description: ptr("text"), Metadata: pairs("a", `{"y":null,"z":3}`, "b", `null`), Configurable: pairs("isAutohealEnabled", `true`),
	})
	v := s.vnf(id)
	if v.Name != "" || v.Description != "text" || string(v.Metadata["a"]) != `{"x":1,"z":3}` || string(v.Configurable["isAutohealEnabled"]) != "true" ||
		string(v.Extensions["admin"]) != `"root"` || v.State != vnf.Instantiated || v.Operation != "" || v.Info == nil {
		t.Errorf("%+v", v)
	}
	if n := len(s.sent); n == 0 {
		t.Error("the instantiation asked nobody")
	}
	before := len(s.next())
	modify(lcm.Modify{})
	if after := len(s.next()); before != 0 || after != 0 {
		t.Errorf("a modification sent %d messages", after)
	}
	s.check()
}

func TestModifyRefuses(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	id := s.up()
	running := s.create()
	s.instantiate(running)
	version := s.vnf(id).Version
	for name, c := range map[string]struct {
		vnf  string
		r    lcm.Modify
		kind vnfm.Kind
		at   string
	}{
		"unknown VNF":         {"nope", lcm.Modify{}, vnfm.NotFound, ""},
		"under way":           {running, lcm.Modify{Name: ptr("x")}, vnfm.Conflict, ""},
		"unknown extension":   {id, lcm.Modify{Extensions: pairs("x/y", `1`)}, vnfm.Unprocessable, "/extensions/x~1y"},
		"bad extension":       {id, lcm.Modify{Extensions: pairs("admin", `"x"`)}, vnfm.Unprocessable, "/extensions/admin"},
		"required extension":  {id, lcm.Modify{Extensions: pairs("admin", `null`)}, vnfm.Unprocessable, "/extensions/admin"},
		"unknown property":    {id, lcm.Modify{Configurable: pairs("x", `1`)}, vnfm.Unprocessable, "/vnfConfigurableProperties/x"},
		"bad property":        {id, lcm.Modify{Configurable: pairs("isAutohealEnabled", `"x"`)}, vnfm.Unprocessable, "/vnfConfigurableProperties/isAutohealEnabled"},
		"connection of a VNF": {id, lcm.Modify{Connections: pairs("vim-9", `{"vimType":"x"}`)}, vnfm.Unprocessable, "/vimConnectionInfo/vim-9"},
	} {
		_, err := s.svc.Modify(s.ctx(), c.vnf, c.r, by)
		if vnfm.KindOf(err) != c.kind || attribute(err) != c.at {
			t.Errorf("%s: %v at %q", name, err, attribute(err))
		}
	}
	stale := by
	stale.Revision = version - 1
	if _, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Name: ptr("x")}, stale); vnfm.KindOf(err) != vnfm.Precondition {
		t.Errorf("another version: %v", err)
	}
	if v := s.vnf(id); v.Version != version {
		t.Errorf("a refused modification left version %d, was %d", v.Version, version)
	}
}

// Two modifications at once: the second decides again, on what the first left. Seen failing with Precondition not checked in
// Decide.
func TestTwoModificationsAtOnce(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	id := s.create()
	known := by
	known.Revision = s.vnf(id).Version
	s.rival = func() {
		_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Description: ptr("rival")}, by)
		s.must(err)
	}
	if _, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Description: ptr("mine")}, known); vnfm.KindOf(err) != vnfm.Precondition {
		t.Errorf("the version known is overwritten: %v", err)
	}
	s.rival = func() {
		_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Metadata: pairs("a", `1`)}, by)
		s.must(err)
	}
	_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Metadata: pairs("b", `2`)}, by)
	s.must(err)
	if m := s.vnf(id).Metadata; string(m["a"]) != "1" || string(m["b"]) != "2" {
		t.Errorf("%s", m)
	}
}

func TestModifyToAnotherPackage(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	id := s.create()
	old, next := s.d, plantest.TwoVdus()
	next.ID, next.Version, next.SoftwareVersion = "two-vdus-2", "2.0", "1.1"
	next.Flavours[0].Vdus[0].Image = &vnfd.Image{ID: "VDU1", Name: "newer"}
	s.byDigest = map[string]*vnfd.Descriptor{"digest": old, "digest-2": next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	op, err := s.svc.Modify(s.ctx(), id, lcm.Modify{VnfdID: ptr("two-vdus-2")}, by)
	s.must(err)
	if v := s.vnf(id); v.VnfdID != "two-vdus-2" || v.PackageID != "pkg-2" || v.DescriptorDigest != "digest-2" || v.SoftwareVersion != "1.1" ||
		op.ChangedInfo.Package == nil || op.ChangedInfo.Package.VnfdVersion != "2.0" {
		t.Errorf("%+v, %+v", v, op.ChangedInfo)
	}
	views, err := s.store.Views(s.ctx(), eventstore.ViewQuery{Kind: "vnf_instance", Parent: "pkg-2"})
	if err != nil || len(views) != 1 {
		t.Errorf("the new package is not in use: %v, %v", views, err)
	}
	next.Flavours[0].Vdus[0].MemoryBytes++
	next.ID = "two-vdus-3"
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-3", Digest: "digest-3"}, nil }
	s.byDigest["digest-3"], s.byDigest["digest-2"] = next, old
	_, err = s.svc.Modify(s.ctx(), id, lcm.Modify{VnfdID: ptr("two-vdus-3")}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/vnfdId" || !strings.Contains(err.Error(), "memoryBytes") {
		t.Errorf("more than an image: %v", err)
	}
	// The package is deleted meanwhile.
	s.byDigest["digest-4"] = old
	s.enabled = func() (lcm.PackageRef, error) {
		return lcm.PackageRef{ID: "pkg-4", Digest: "digest-4", Stream: "pkg-pkg-4", Version: 3}, nil
	}
	if _, err = s.svc.Modify(s.ctx(), id, lcm.Modify{VnfdID: ptr("two-vdus-4")}, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("a package that is gone: %v", err)
	}
}

// A running VNF is told of its properties, and of those of its VNFCs, before the records have them; whoever is told nothing lands at once. The command
// is the same when it is sent again.
func TestAModificationIsTold(t *testing.T) {
	s := newSite(t, plantest.Elastic(), lcm.Settings{Take: true, Attempts: 2})
	s.managed = em
	id := s.create()
	patch := lcm.Modify{Configurable: map[string]json.RawMessage{"log": json.RawMessage(`"debug"`)}, Params: json.RawMessage(`{}`)}
	op, err := s.svc.Modify(s.ctx(), id, patch, by)
	s.must(err)
	if s.completed(op.ID); len(s.configured) > 0 {
		t.Errorf("a VNF that does not run is told %+v", s.configured)
	}
	r := s.request()
	r.AdditionalParams = json.RawMessage(`{"key":"k"}`)
	_, err = s.svc.Instantiate(s.ctx(), id, r, by)
	s.must(err)
	s.run()
	s.configured = nil
	vnfc := s.vnf(id).Info.Vnfcs[0].ID
	patch.Configurable["log"] = json.RawMessage(`"info"`)
	patch.Vnfcs = map[string]map[string]json.RawMessage{vnfc: {"role": json.RawMessage(`"active"`)}}
	lost := 0
	s.script = func(m message.Message) *answer {
		if m.Type == configuration.TypeConfigure && lost == 0 {
			lost++
			return &answer{lost: true}
		}
		return nil
	}
	op, err = s.svc.Modify(s.ctx(), id, patch, by)
	s.must(err)
	if v := s.vnf(id); op.State != vnf.Processing || v.Operation != op.ID || string(v.Configurable["log"]) != `"debug"` || op.ChangedInfo != nil {
		t.Errorf("%s, held by %q, %s", op.State, v.Operation, v.Configurable)
	}
	if _, err := s.svc.Modify(s.ctx(), id, patch, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("another one meanwhile: %v", err)
	}
	s.run()
	o := s.completed(op.ID)
	if o.ChangedInfo == nil || string(o.ChangedInfo.Configurable["log"]) != `"info"` {
		t.Errorf("%+v", o.ChangedInfo)
	}
	v := s.vnf(id)
	if string(v.Configurable["log"]) != `"info"` || string(v.Info.Vnfcs[0].Configurable["role"]) != `"active"` {
		t.Errorf("%s, %s", v.Configurable, v.Info.Vnfcs[0].Configurable)
	}
	c := s.configured[len(s.configured)-1]
	if lost != 1 || c.Action != "modify_info" || string(c.Properties) != `{"log":"info"}` || len(c.Vnfcs) != 1 || c.Vnfcs[0].ID != vnfc || string(c.Vnfcs[0].Properties) != `{"role":"active"}` {
		t.Errorf("told %+v", c)
	}
	for _, x := range s.configured {
		if x.Token != c.Token {
			t.Errorf("told under two names: %s, %s", x.Token, c.Token)
		}
	}
	n := len(s.configured)
	name := "other"
	op, err = s.svc.Modify(s.ctx(), id, lcm.Modify{Name: &name, Params: json.RawMessage(`{}`)}, by)
	s.must(err)
	if s.completed(op.ID); len(s.configured) != n {
		t.Error("told of a name")
	}
	s.finish()
}

// A VNF that refuses is seen in the operation, which waits: it is tried again, or given up, and then nothing has landed.
func TestAModificationThatTheVnfRefuses(t *testing.T) {
	for _, end := range []string{"retry", "fail"} {
		t.Run(end, func(t *testing.T) {
			s := newSite(t, coordinated(vnf.OpHeal), lcm.Settings{Take: true, Attempts: 1})
			s.managed = em
			id := s.up()
			s.script = func(m message.Message) *answer {
				if m.Type == configuration.TypeConfigure {
					return permanent
				}
				return nil
			}
			op, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Configurable: pairs("log", `"info"`), Params: json.RawMessage(`{}`)}, by)
			s.must(err)
			s.run()
			o := s.op(op.ID)
			if o.State != vnf.FailedTemp || o.Error == nil || s.vnf(id).Configurable["log"] != nil {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			if _, err := s.svc.Rollback(s.ctx(), op.ID, by); vnfm.KindOf(err) != vnfm.NotFound {
				t.Errorf("rollback: %v", err)
			}
			s.script = nil
			if end == "retry" {
				_, err = s.svc.Retry(s.ctx(), op.ID, by)
				s.must(err)
				s.run()
				if s.completed(op.ID); string(s.vnf(id).Configurable["log"]) != `"info"` {
					t.Errorf("%s", s.vnf(id).Configurable)
				}
			} else {
				_, err = s.svc.Fail(s.ctx(), op.ID, by)
				s.must(err)
				s.run()
				if v := s.vnf(id); s.op(op.ID).State != vnf.Failed || v.Configurable["log"] != nil || v.Operation != "" {
					t.Errorf("%s, %s", s.op(op.ID).State, v.Configurable)
				}
			}
			s.finish()
		})
	}
}
