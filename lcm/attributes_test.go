package lcm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// attributes says in short which of the result attributes a document has: how many entries of each list and type of change, which members of what has changed, which
// links.
func attributes(t *testing.T, doc []byte) []string {
	t.Helper()
	var v map[string]json.RawMessage
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	if nested := v["resourceChanges"]; nested != nil {
		if err := json.Unmarshal(nested, &v); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	for name, raw := range v {
		switch {
		case strings.HasPrefix(name, "affected"):
			var list []map[string]json.RawMessage
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatal(err)
			}
			n, with := map[string]int{}, map[string]map[string]int{}
			for _, a := range list {
				change := strings.Trim(string(a["changeType"]), `"`)
				if n[change]++; with[change] == nil {
					with[change] = map[string]int{}
				}
				for member, raw := range a {
					var ids []string
					if json.Unmarshal(raw, &ids) == nil {
						with[change][member] += len(ids)
					}
				}
			}
			for change, count := range n {
				text := fmt.Sprintf("%s %s %d", strings.TrimPrefix(name, "affected"), change, count)
				for _, member := range slices.Sorted(maps.Keys(with[change])) {
					text += fmt.Sprintf(" %s %d", member, with[change][member])
				}
				out = append(out, text)
			}
		case name == "changedInfo", name == "modificationsTriggeredByVnfPkgChange":
			var members map[string]json.RawMessage
			if err := json.Unmarshal(raw, &members); err != nil {
				t.Fatal(err)
			}
			out = append(out, name+" "+strings.Join(slices.Sorted(maps.Keys(members)), ","))
		case name == "changedExtConnectivity":
			var list []struct{ ID string }
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatal(err)
			}
			for _, l := range list {
				out = append(out, name+" "+l.ID)
			}
		}
	}
	slices.Sort(out)
	return out
}

// told returns what an operation's resource and the notification of its result say of what it has changed, in a version; they say the same, and fit the standard's own
// description of them.
func (s *site) told(op string, old bool) []string {
	s.t.Helper()
	o := s.op(op)
	const root = "http://vnfm"
	doc, err := json.Marshal(vnflcm.VnfLcmOpOcc(o, root))
	s.must(err)
	sub := &notify.Subscription{ID: "sub", Verbosity: notify.Full, Base: root}
	wrong := etsitest.Body
	check := etsitest.Notification
	if old {
		sub.Form = v1.Form
		doc = v1.VnfLcmOpOcc.Down(doc, root)
		wrong = etsitest.Older
		check = func(b []byte) []string { return etsitest.Older("VnfLcmOperationOccurrenceNotification", b) }
	}
	note, err := vnflcm.NotificationOf(root)(&notify.Notice{ID: "n", Type: notify.TypeOperation, Instance: s.vnf(o.VnfID), Op: o}, sub, time.Unix(1, 0))
	s.must(err)
	for _, w := range slices.Concat(wrong("VnfLcmOpOcc", doc), check(note)) {
		s.t.Errorf("%s: %s", o.Operation, w)
	}
	if !o.State.Final() {
		s.t.Fatalf("%s is %s", o.Operation, o.State)
	}
	of := attributes(s.t, doc)
	in := attributes(s.t, note)
	if old { // v2.6.1 has no external link ports there
		of = slices.DeleteFunc(of, func(x string) bool { return strings.HasPrefix(x, "ExtLinkPorts") })
	}
	if !slices.Equal(of, in) {
		s.t.Errorf("%s: the resource says %q, the notification %q", o.Operation, of, in)
	}
	return of
}

// TestResultAttributesOfEachOperation holds what each operation says it has changed (resourceChanges, changedInfo, changedExtConnectivity and
// modificationsTriggeredByVnfPkgChange, SOL003 v3.7.1 §5.5.2.13 and §5.5.2.17; v2.6.1) against the data model, in the order of a life. A scaling or a healing leaves
// the external links as they are: their ports are among the affected ones. Seen failing without changedInfo of what an instantiation or a change of flavour sets.
func TestResultAttributesOfEachOperation(t *testing.T) {
	d := plantest.Flavours()
	d.Configurable, d.Extensions = []vnfd.Property{{Name: "size"}}, []vnfd.Property{{Name: "mode"}}
	s := newSite(t, d, lcm.Settings{})
	s.can, s.others = sizes["all in place"], []string{"net-out", "net-new"}
	next := plantest.Next()
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": next}
	id, info := s.create(), ""
	values := func(text string) map[string]json.RawMessage {
		return map[string]json.RawMessage{text: json.RawMessage(`"x"`)}
	}
	vnfc := func(vdu string) string {
		i := slices.IndexFunc(s.vnf(id).Info.Vnfcs, func(c vnf.Vnfc) bool { return c.VduID == vdu })
		return s.vnf(id).Info.Vnfcs[i].ID
	}
	begun := func(op *vnf.OpOcc, err error) string { s.must(err); return op.ID }
	for _, x := range []struct {
		name  string
		begin func() string
		want  []string
		old   []string // in v2.6.1
	}{
		{"modify", func() string {
			return begun(s.svc.Modify(s.ctx(), id, lcm.Modify{Configurable: values("size")}, by))
		}, []string{
			"changedInfo vnfConfigurableProperties",
		}, []string{
			"changedInfo vnfConfigurableProperties",
		}},
		{"instantiate", func() string {
			return begun(s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
				FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`), Extensions: values("mode"), Configurable: map[string]json.RawMessage{"size": json.RawMessage(`"y"`)},
				ExtLinks: []lcm.ExtLink{ext("out", data("app_out", configs("a", chosen(), "b", fixed("10.9.0.2"))))},
			}, by))
		}, []string{
			"ExtLinkPorts ADDED 1",
			"VirtualLinks ADDED 1",
			"VirtualLinks LINK_PORT_ADDED 1 vnfLinkPortIds 2",
			"VirtualStorages ADDED 2",
			"Vnfcs ADDED 2 addedStorageResourceIds 3 affectedVnfcCpIds 3",
			"changedExtConnectivity out",
			"changedInfo extensions,vnfConfigurableProperties",
		}, []string{
			"VirtualLinks ADDED 1",
			"VirtualStorages ADDED 2",
			"Vnfcs ADDED 2 addedStorageResourceIds 3 affectedVnfcCpIds 3",
			"changedExtConnectivity out",
			"changedInfo extensions,vnfConfigurableProperties",
		}},
		{"scale out", func() string { return s.scale(id, "SCALE_OUT", "apps", 2) }, []string{
			"ExtLinkPorts ADDED 2",
			"VirtualLinks LINK_PORT_ADDED 1 vnfLinkPortIds 2",
			"VirtualStorages ADDED 2",
			"Vnfcs ADDED 2 addedStorageResourceIds 2 affectedVnfcCpIds 4",
		}, []string{
			"VirtualLinks MODIFIED 1",
			"VirtualStorages ADDED 2",
			"Vnfcs ADDED 2 addedStorageResourceIds 2 affectedVnfcCpIds 4",
		}},
		{"scale in", func() string { return s.scale(id, "SCALE_IN", "apps", 1) }, []string{
			"ExtLinkPorts REMOVED 1",
			"VirtualLinks LINK_PORT_REMOVED 1 vnfLinkPortIds 1",
			"VirtualStorages REMOVED 1",
			"Vnfcs REMOVED 1 affectedVnfcCpIds 2 removedStorageResourceIds 1",
		}, []string{
			"VirtualLinks MODIFIED 1",
			"VirtualStorages REMOVED 1",
			"Vnfcs REMOVED 1 affectedVnfcCpIds 2 removedStorageResourceIds 1",
		}},
		{"scale to level", func() string { return s.scaleTo(id, lcm.ScaleToLevel{Level: "apps"}) }, []string{
			"ExtLinkPorts ADDED 1",
			"VirtualLinks LINK_PORT_ADDED 1 vnfLinkPortIds 1",
			"VirtualStorages ADDED 1",
			"Vnfcs ADDED 1 addedStorageResourceIds 1 affectedVnfcCpIds 2",
		}, []string{
			"VirtualLinks MODIFIED 1",
			"VirtualStorages ADDED 1",
			"Vnfcs ADDED 1 addedStorageResourceIds 1 affectedVnfcCpIds 2",
		}},
		{"heal", func() string { return s.heal(id, lcm.Heal{Vnfcs: []string{vnfc("app")}}) }, []string{
			"Vnfcs MODIFIED 1 affectedVnfcCpIds 2",
		}, []string{
			"Vnfcs MODIFIED 1 affectedVnfcCpIds 2",
		}},
		{"heal all", func() string { return s.heal(id, lcm.Heal{AdditionalParams: json.RawMessage(`{"all":true}`)}) }, []string{
			"VirtualStorages MODIFIED 4",
			"Vnfcs MODIFIED 4 affectedVnfcCpIds 7",
		}, []string{
			"VirtualStorages MODIFIED 4",
			"Vnfcs MODIFIED 4 affectedVnfcCpIds 7",
		}},
		{"stop", func() string { return begun(s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED"}, by)) }, []string{
			"Vnfcs MODIFIED 4 affectedVnfcCpIds 7",
		}, []string{
			"Vnfcs MODIFIED 4 affectedVnfcCpIds 7",
		}},
		{"start", func() string { return begun(s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STARTED"}, by)) }, []string{
			"Vnfcs MODIFIED 4 affectedVnfcCpIds 7",
		}, []string{
			"Vnfcs MODIFIED 4 affectedVnfcCpIds 7",
		}},
		{"connect", func() string { return s.connect(id, ext("new", data("app_out", configs("b", fixed("10.8.0.2"))))) }, []string{
			"ExtLinkPorts MODIFIED 1",
			"changedExtConnectivity new",
			"changedExtConnectivity out",
		}, []string{
			"changedExtConnectivity new",
			"changedExtConnectivity out",
		}},
		{"snapshot", func() string { info = s.info(); return s.take(id, info) }, nil, nil},
		{"flavour", func() string {
			return s.flavour(id, lcm.ChangeFlavour{FlavourID: "large", Level: "three", Extensions: map[string]json.RawMessage{"mode": json.RawMessage(`"z"`)}})
		}, []string{
			"VirtualLinks LINK_PORT_ADDED 1 vnfLinkPortIds 1",
			"VirtualLinks LINK_PORT_REMOVED 1 vnfLinkPortIds 1",
			"VirtualStorages MODIFIED 1",
			"Vnfcs ADDED 1 affectedVnfcCpIds 1",
			"Vnfcs MODIFIED 3 affectedVnfcCpIds 6",
			"Vnfcs REMOVED 1 affectedVnfcCpIds 1",
			"changedInfo extensions",
		}, []string{
			"VirtualLinks MODIFIED 1",
			"VirtualStorages MODIFIED 1",
			"Vnfcs ADDED 1 affectedVnfcCpIds 1",
			"Vnfcs MODIFIED 3 affectedVnfcCpIds 6",
			"Vnfcs REMOVED 1 affectedVnfcCpIds 1",
			"changedInfo extensions",
		}},
		{"revert", func() string { return s.revert(id, info) }, []string{
			"VirtualLinks LINK_PORT_ADDED 1 vnfLinkPortIds 1",
			"VirtualLinks LINK_PORT_REMOVED 1 vnfLinkPortIds 1",
			"VirtualStorages MODIFIED 4",
			"Vnfcs ADDED 1 affectedVnfcCpIds 1",
			"Vnfcs MODIFIED 3 affectedVnfcCpIds 6",
			"Vnfcs REMOVED 1 affectedVnfcCpIds 1",
		}, []string{
			"VirtualLinks MODIFIED 1",
			"VirtualStorages MODIFIED 4",
			"Vnfcs ADDED 1 affectedVnfcCpIds 1",
			"Vnfcs MODIFIED 3 affectedVnfcCpIds 6",
			"Vnfcs REMOVED 1 affectedVnfcCpIds 1",
		}},
		{"package", func() string {
			s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
			return s.upgrade(id, lcm.ChangeVnfPkg{})
		}, []string{
			"VirtualLinks LINK_PORT_ADDED 1 vnfLinkPortIds 1",
			"Vnfcs ADDED 1 affectedVnfcCpIds 1",
			"Vnfcs MODIFIED 3 affectedVnfcCpIds 6",
			"changedExtConnectivity new",
			"changedExtConnectivity out",
			"modificationsTriggeredByVnfPkgChange metadata,vnfProductName,vnfProvider,vnfSoftwareVersion,vnfdId,vnfdVersion",
		}, []string{
			"VirtualLinks MODIFIED 1",
			"Vnfcs ADDED 1 affectedVnfcCpIds 1",
			"Vnfcs MODIFIED 3 affectedVnfcCpIds 6",
			"changedExtConnectivity new",
			"changedExtConnectivity out",
		}},
		{"terminate", func() string { return s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}) }, []string{
			"ExtLinkPorts REMOVED 3",
			"VirtualLinks LINK_PORT_REMOVED 1 vnfLinkPortIds 5",
			"VirtualLinks REMOVED 1",
			"VirtualStorages REMOVED 4",
			"Vnfcs REMOVED 5 affectedVnfcCpIds 8 removedStorageResourceIds 7",
		}, []string{
			"VirtualLinks REMOVED 1",
			"VirtualStorages REMOVED 4",
			"Vnfcs REMOVED 5 affectedVnfcCpIds 8 removedStorageResourceIds 7",
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s.t = t
			op := x.begin()
			s.run()
			if got := s.told(op, false); !slices.Equal(got, x.want) {
				t.Errorf("changed are %q, want %q", got, x.want)
			}
			if got := s.told(op, true); !slices.Equal(got, x.old) {
				t.Errorf("by v2.6.1 changed are %q, want %q", got, x.old)
			}
		})
	}
}

// brought are VIM connections of which a VNF gets one of its own by what a request brings.
type brought struct{ lcm.FixedConnections }

func (*brought) Own(_ context.Context, _ string, patches map[string]json.RawMessage) (
	func(*eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error), error,
) {
	return func(*eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error) {
		e := &vnf.ConnectionsChanged{Connections: map[string]vnf.VimConnection{}}
		for id := range patches {
			e.Connections[id] = vnf.VimConnection{Type: "VNFM.SIM.V_1", Own: true}
		}
		return e, nil, nil
	}, nil
}

// TestConnectionsThatWereBroughtAreChangedInfo: a VIM connection that a request brings is the VNF's, also once the operation was undone.
func TestConnectionsThatWereBroughtAreChangedInfo(t *testing.T) {
	for name, state := range map[string]vnf.OpState{"done": vnf.Completed, "undone": vnf.RolledBack, "refused": vnf.RolledBack} {
		t.Run(name, func(t *testing.T) {
			s := newSiteWith(t, plantest.Minimal(), lcm.Settings{Attempts: 1}, &brought{lcm.FixedConnections{Registry: registered()}})
			id := s.create()
			r := s.request()
			r.Connections = map[string]json.RawMessage{"vim-1": json.RawMessage(`{"vimType":"VNFM.SIM.V_1"}`)}
			switch name {
			case "undone":
				s.script = on(doing(vim.Compute), vim.Compute, permanent)
			case "refused":
				s.script = on(nfvo.TypeRequestGrant, "", permanent)
			}
			op, err := s.svc.Instantiate(s.ctx(), id, r, by)
			s.must(err)
			s.run()
			o := s.op(op.ID)
			if c := o.ChangedInfo; o.State != state || c == nil || len(c.Connections) != 1 || c.Connections["vim-1"].Type == "" {
				t.Errorf("%s: %+v", o.State, c)
			}
			s.finish()
		})
	}
}

// TestARevertTellsOfPropertiesOfVnfcs: what they were set to since the snapshot is not any more.
func TestARevertTellsOfPropertiesOfVnfcs(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	vnfc := s.vnf(id).Info.Vnfcs[0].ID
	set := func(values string) {
		var props map[string]json.RawMessage
		s.must(json.Unmarshal([]byte(values), &props))
		_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Vnfcs: map[string]map[string]json.RawMessage{vnfc: props}}, by)
		s.must(err)
		s.run()
	}
	set(`{"role":"active","same":1}`)
	info, _ := s.snapshotted(id)
	set(`{"role":"standby","more":true}`)
	op := s.revert(id, info)
	s.run()
	got, err := json.Marshal(s.completed(op).ChangedInfo.Vnfcs[vnfc])
	s.must(err)
	if string(got) != `{"more":null,"role":"active"}` {
		t.Errorf("changed: %s", got)
	}
	s.finish()
}
