package lcm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// podsOf is what a workload makes of its pods: those that are not to go stay, as many as there is room for.
func (s *site) podsOf(spec vim.Spec, now []vim.Pod) []vim.Pod {
	if _, ok := vim.ChartOf(spec.Unit); ok {
		var all []vim.Pod
		for _, vdu := range slices.Sorted(maps.Keys(spec.Unit.Counts)) {
			left := slices.DeleteFunc(slices.Clone(now), func(p vim.Pod) bool { return p.Vdu != vdu || slices.Contains(spec.Unit.Gone, p.ID) })
			for len(left) < spec.Unit.Counts[vdu] {
				s.made++
				left = append(left, vim.Pod{ID: fmt.Sprintf("pod-%s-%d", vdu, s.made), Name: "p", Ready: true, Vdu: vdu})
			}
			all = append(all, left[:spec.Unit.Counts[vdu]]...)
		}
		return all
	}
	if spec.Unit == nil || !strings.Contains(string(spec.Unit.Objects), `"Deployment"`) {
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(now), func(p vim.Pod) bool { return slices.Contains(spec.Unit.Gone, p.ID) })
	for len(left) < spec.Unit.Replicas {
		s.made++
		left = append(left, vim.Pod{ID: fmt.Sprintf("pod-%d", s.made), Name: "p", Ready: true})
	}
	return left[:spec.Unit.Replicas]
}

// manifests are files of a package, as they are in the field.
var manifestFiles = map[string]string{
	"Files/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: default}\nspec: {replicas: 9}\n",
	"Files/rest.yaml": `
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: sa, namespace: ""}]
`,
}

// containers is a VNF of one VDU of containers, instantiated with the files and more parameters.
func containers(t *testing.T, params string) (*site, string) {
	t.Helper()
	one := 2
	web := vnfd.Vdu{ID: "VDU1", Name: "web", Min: 1, Max: 4, Initial: &one, Container: true}
	d := &vnfd.Descriptor{
		ID: "containers", Version: "1.0", Provider: "Company", ProductName: "Sample", SoftwareVersion: "1.0",
		Flavours: []vnfd.Flavour{{ID: "simple", Vdus: []vnfd.Vdu{web}, Aspects: []vnfd.Aspect{{ID: "webs", MaxLevel: 2, Steps: map[string][]int{"VDU1": {1, 1}}}}}},
	}
	s := newSite(t, d, lcm.Settings{})
	s.files = manifestFiles
	s.can = vim.InPlace{vim.Unit: {vim.AttributeReplicas, vim.AttributeObjects, vim.AttributeGone}}
	id := s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: "simple", AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml"]` + params + `}`),
	}, by)
	s.must(err)
	s.settle()
	if o := s.op(op.ID); o.State != vnf.Completed {
		t.Fatalf("instantiate is %s: %+v", o.State, o.Error)
	}
	return s, id
}

// made returns the objects in the order in which they were asked for, as kind and namespace.
func (s *site) madeObjects() []string {
	var out []string
	for _, m := range s.sent {
		if m.Type != vim.TypeReserveResource {
			continue
		}
		var r vim.Reserve
		s.must(json.Unmarshal(m.Data, &r))
		var o struct {
			Kind     string
			Metadata struct{ Namespace string }
		}
		s.must(json.Unmarshal(r.Spec.Unit.Objects, &o))
		out = append(out, strings.TrimSuffix(o.Kind+" "+o.Metadata.Namespace, " "))
	}
	return out
}

// pods returns the VNFCs' pods, by index.
func (s *site) pods(id string) []string { return podIDs(s.vnf(id)) }

func (s *site) ended(op string) *vnf.OpOcc {
	s.t.Helper()
	s.settle()
	o := s.op(op)
	if o.State != vnf.Completed {
		s.t.Fatalf("%s is %s: %+v", o.Operation, o.State, o.Error)
	}
	return o
}

// The life of a VNF of containers: objects in the order of their kinds, pods as VNFCs, more and fewer, one made again, and nothing
// left.
func TestContainersOfAPackage(t *testing.T) {
	s, id := containers(t, "")
	ns := "vnf-" + id
	want := []string{"Namespace", "ServiceAccount " + ns, "RoleBinding " + ns, "ConfigMap " + ns, "Service " + ns, "Deployment default", "Thing " + ns}
	if got := s.madeObjects(); !slices.Equal(got, want) {
		t.Errorf("made %v, want %v", got, want)
	}
	first := s.pods(id)
	if len(first) != 2 || first[0] == first[1] || !strings.HasPrefix(first[0], "pod-") {
		t.Fatalf("the VNFCs are %v", first)
	}
	o := s.ended(s.scale(id, "SCALE_OUT", "webs", 1))
	grown := s.pods(id)
	if len(grown) != 3 || !slices.Equal(grown[:2], first) || !strings.HasPrefix(grown[2], "pod-") {
		t.Errorf("after scale out the VNFCs are %v, were %v", grown, first)
	}
	if n := o.Changes.Vnfcs.Len(); n != 1 {
		t.Errorf("scale out affects %d VNFCs, want 1", n)
	}
	healed := s.vnf(id).Info.Vnfcs[1]
	o = s.ended(s.heal(id, lcm.Heal{Vnfcs: []string{healed.ID}}))
	after := s.pods(id)
	if after[0] != grown[0] || after[2] != grown[2] || after[1] == grown[1] || !strings.HasPrefix(after[1], "pod-") {
		t.Errorf("after the healing of the second the VNFCs are %v, were %v", after, grown)
	}
	if all := o.Changes.Vnfcs.All(); o.Changes.Vnfcs.Len() != 1 {
		t.Errorf("the healing affects %v", all)
	}
	o = s.ended(s.scale(id, "SCALE_IN", "webs", 1))
	if left := s.pods(id); len(left) != 2 {
		t.Errorf("after scale in the VNFCs are %v", left)
	}
	if n := o.Changes.Vnfcs.Len(); n != 1 {
		t.Errorf("scale in affects %d VNFCs, want 1", n)
	}
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
}

// Where the namespace is said, everything goes there, whatever the manifests say, and none is made.
func TestNamespaceOfContainers(t *testing.T) {
	s, _ := containers(t, `,"namespace":"shop"`)
	for _, o := range s.madeObjects() {
		if !strings.HasSuffix(o, " shop") {
			t.Errorf("%s is not in the namespace", o)
		}
	}
	s, id := containers(t, "")
	if !slices.Contains(s.madeObjects(), "Namespace") {
		t.Error("no namespace is made")
	}
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	s.sent = nil
	s.grant = func(g *nfvo.Grant) {
		for i := range g.Infos {
			g.Infos[i].Group = "tenant"
		}
	}
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: "simple", AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml"]}`),
	}, by)
	s.must(err)
	s.ended(op.ID)
	for _, m := range s.sent {
		var r vim.Reserve
		if m.Type != vim.TypeReserveResource {
			continue
		}
		s.must(json.Unmarshal(m.Data, &r))
		if r.Spec.Placement == nil || r.Spec.Placement.Group != "tenant" || strings.Contains(string(r.Spec.Unit.Objects), `"Namespace"`) {
			t.Errorf("%s is placed %+v", r.Spec.Unit.Objects, r.Spec.Placement)
		}
	}
}

// What a request names must be in the package, be objects, and have a workload for each VDU.
func TestContainersAreRefused(t *testing.T) {
	s, _ := containers(t, "")
	s.files = map[string]string{"Files/web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}", "Files/bad.yaml": "- no object", "Files/other.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}"}
	for params, at := range map[string]string{
		`{"lcm-kubernetes-def-files":["Files/none.yaml"]}`:                  "/additionalParams/lcm-kubernetes-def-files/0",
		`{"lcm-kubernetes-def-files":["Files/other.yaml","../etc/passwd"]}`: "/additionalParams/lcm-kubernetes-def-files/1",
		`{"lcm-kubernetes-def-files":["https://example.com/x.yaml"]}`:       "/additionalParams/lcm-kubernetes-def-files/0",
		`{"lcm-kubernetes-def-files":["Files/bad.yaml"]}`:                   "/additionalParams/lcm-kubernetes-def-files/0",
		`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/web.yaml"]}`:  "/additionalParams/lcm-kubernetes-def-files/1",
		`{"lcm-kubernetes-def-files":"Files/web.yaml"}`:                     "/additionalParams/lcm-kubernetes-def-files",
		`{"lcm-kubernetes-def-files":["Files/other.yaml"]}`:                 "/additionalParams/lcm-kubernetes-def-files",
		`{"lcm-kubernetes-def-files":["Files/web.yaml"]}`:                   "/additionalParams/lcm-kubernetes-def-files", // one pod, two wanted
		`{}`: "/additionalParams",
	} {
		id := s.create()
		_, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(params)}, by)
		e := &vnfm.Error{}
		if !errors.As(err, &e) || e.Kind != vnfm.Unprocessable || e.Attribute != at {
			t.Errorf("%s: %v, want %s", params, err, at)
		}
	}
}

// charted is a VNF of two VDUs of containers by two charts, one after the other, as its descriptor says.
func charted(t *testing.T, params string) (*site, string, *vnf.OpOcc) {
	t.Helper()
	one, two := 1, 2
	d := &vnfd.Descriptor{
		ID: "charts", Version: "1.0", Provider: "Company", ProductName: "Sample", SoftwareVersion: "1.0",
		Flavours: []vnfd.Flavour{{
			ID: "simple", Vdus: []vnfd.Vdu{{ID: "VDU1", Name: "front", Min: 1, Max: 4, Initial: &two, Container: true}, {ID: "VDU2", Name: "back", Min: 0, Max: 4, Initial: &one, Container: true}},
			Mciops:  []vnfd.Mciop{{ID: "app", Chart: "Files/app.tgz", Vdus: []string{"VDU1", "VDU2"}, After: []string{"base"}}, {ID: "base", Chart: "Files/base"}},
			Aspects: []vnfd.Aspect{{ID: "all", MaxLevel: 2, Steps: map[string][]int{"VDU1": {1, 1}, "VDU2": {2, 0}}}},
		}},
	}
	s := newSite(t, d, lcm.Settings{})
	s.files = map[string]string{"Files/app.tgz": "app", "Files/base/Chart.yaml": "name: base", "Files/base/templates/a.yaml": ""}
	s.can = vim.InPlace{vim.Unit: {vim.AttributeCounts, vim.AttributeValues, vim.AttributeObjects, vim.AttributeGone}}
	id := s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(params)}, by)
	s.must(err)
	s.settle()
	return s, id, s.op(op.ID)
}

// podsByVdu returns the pods of the VNFCs by VDU.
func (s *site) podsByVdu(id string) map[string][]string {
	out := map[string][]string{}
	for _, c := range s.vnf(id).Info.Vnfcs {
		out[c.VduID] = append(out[c.VduID], c.Handle.VimID)
		if !strings.HasPrefix(c.Handle.VimID, "pod-"+c.VduID) {
			s.t.Errorf("a VNFC of %s is %s", c.VduID, c.Handle.VimID)
		}
	}
	return out
}

// The life of a VNF of charts: each after those it depends on, in a namespace of its own; the pods of both VDUs of one release are their
// VNFCs, scale together, and one is made again.
func TestChartsOfADescriptor(t *testing.T) {
	s, id, op := charted(t, `{"helm_value_names":{"VDU1":{"replica":"n"}},"helm_parameters":{"port":80}}`)
	if op.State != vnf.Completed {
		t.Fatalf("instantiate is %s: %+v", op.State, op.Error)
	}
	var made []string
	for _, m := range s.sent {
		if m.Type != vim.TypeReserveResource {
			continue
		}
		var r vim.Reserve
		s.must(json.Unmarshal(m.Data, &r))
		c, ok := vim.ChartOf(r.Spec.Unit)
		if !ok {
			made = append(made, r.Spec.Name)
			continue
		}
		made = append(made, c.Path)
		if c.Namespace != "vnf-"+id || string(r.Spec.Unit.Values) != `{"set":{"port":80}}` {
			t.Errorf("%s is to be in %s with %s", c.Path, c.Namespace, r.Spec.Unit.Values)
		}
	}
	if want := []string{"Namespace vnf-" + id, "Files/base", "Files/app.tgz"}; !slices.Equal(made, want) {
		t.Errorf("made %v, want %v", made, want)
	}
	first := s.podsByVdu(id)
	if len(first["VDU1"]) != 2 || len(first["VDU2"]) != 1 {
		t.Fatalf("the VNFCs are %v", first)
	}
	o := s.ended(s.scale(id, "SCALE_OUT", "all", 1))
	grown := s.podsByVdu(id)
	if len(grown["VDU1"]) != 3 || len(grown["VDU2"]) != 3 || !slices.Equal(grown["VDU1"][:2], first["VDU1"]) || o.Changes.Vnfcs.Len() != 3 {
		t.Errorf("after scale out the VNFCs are %v, were %v; %d are affected", grown, first, o.Changes.Vnfcs.Len())
	}
	at := slices.IndexFunc(s.vnf(id).Info.Vnfcs, func(c vnf.Vnfc) bool { return c.Handle.VimID == grown["VDU2"][1] })
	s.ended(s.heal(id, lcm.Heal{Vnfcs: []string{s.vnf(id).Info.Vnfcs[at].ID}}))
	healed := s.podsByVdu(id)
	if !slices.Equal(healed["VDU1"], grown["VDU1"]) || healed["VDU2"][1] == grown["VDU2"][1] || healed["VDU2"][0] != grown["VDU2"][0] {
		t.Errorf("after the healing the VNFCs are %v, were %v", healed, grown)
	}
	o = s.ended(s.scale(id, "SCALE_IN", "all", 1))
	if left := s.podsByVdu(id); len(left["VDU1"]) != 2 || len(left["VDU2"]) != 1 || o.Changes.Vnfcs.Len() != 3 {
		t.Errorf("after scale in the VNFCs are %v; %d are affected", left, o.Changes.Vnfcs.Len())
	}
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
}

// Another package brings another chart: the releases that stand are upgraded, with the values of the instantiation and those of the request,
// their VNFCs stay, and what would be more than that is refused.
func TestChartsOfAnotherPackage(t *testing.T) {
	s, id, op := charted(t, `{"helm_parameters":{"port":80}}`)
	if op.State != vnf.Completed {
		t.Fatalf("instantiate is %s: %+v", op.State, op.Error)
	}
	s.ended(s.scale(id, "SCALE_OUT", "all", 1))
	was := s.vnf(id)
	next := *s.d
	next.ID, next.SoftwareVersion = "charts-2", "2.0"
	next.PackageChanges = []vnfd.PackageChange{{ID: "to", Selectors: []vnfd.PackageChangeSelector{{Source: s.d.ID, Destination: next.ID, Flavour: "simple"}}}}
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": &next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	s.files["Files/app.tgz"] = "another app"
	s.sent = nil
	changed, err := s.svc.ChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: next.ID, AdditionalParams: json.RawMessage(`{"helm_values":{"a":1}}`)}, by)
	s.must(err)
	s.ended(changed.ID)
	var charts []string
	for _, m := range s.sent {
		if m.Type == vim.TypeReserveResource || m.Type == vim.TypeReleaseResource {
			t.Errorf("a command %s", m.Type)
		}
		if m.Type != vim.TypeChangeResource {
			continue
		}
		var c vim.Change
		s.must(json.Unmarshal(m.Data, &c))
		from, _ := vim.ChartOf(c.From.Unit)
		to, _ := vim.ChartOf(c.To.Unit)
		charts = append(charts, to.Path)
		if to.Package != "pkg-2" || to.Namespace != from.Namespace || string(c.To.Unit.Values) != `{"values":{"a":1},"set":{"port":80}}` || !maps.Equal(c.From.Unit.Counts, c.To.Unit.Counts) {
			t.Errorf("%+v becomes %+v with %s and %v", from, to, c.To.Unit.Values, c.To.Unit.Counts)
		}
	}
	if !slices.Equal(charts, []string{"Files/base", "Files/app.tgz"}) {
		t.Errorf("changed: %v", charts)
	}
	now := s.vnf(id)
	if now.VnfdID != next.ID || len(now.Info.Vnfcs) != len(was.Info.Vnfcs) || now.Info.Vnfcs[0].ID != was.Info.Vnfcs[0].ID || now.Info.ScaleStatus[0].Level != 1 {
		t.Errorf("the VNF is %+v, was %+v", now.Info, was.Info)
	}
	delete(s.files, "Files/app.tgz")
	_, err = s.svc.ChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: "charts-3"}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a package without the chart: %v", err)
	}
}

// TestManifestsOfAnotherPackage: a VNF of manifests is changed to another package, as its instantiation named them there: objects of one kind, namespace and name are changed
// where they stand, others are made or go; its VNFCs and pods stay. It is undone to what it was, object by object, and what the VIM has is as many as before. Seen failing: it was refused.
func TestManifestsOfAnotherPackage(t *testing.T) {
	for _, end := range []string{"lands", "rollback", "rollback of what stands", "given up"} {
		t.Run(end, func(t *testing.T) {
			s, id := containers(t, "")
			s.ended(s.scale(id, "SCALE_OUT", "webs", 1))
			was, before, pods := s.vnf(id), len(s.held), s.pods(id)
			next := *s.d
			next.ID, next.SoftwareVersion = "containers-2", "2.0"
			s.byDigest = map[string]*vnfd.Descriptor{"digest-2": &next}
			s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
			old := s.files
			s.files = map[string]string{
				"Files/web.yaml":  strings.Replace(old["Files/web.yaml"], "replicas: 9", "replicas: 9, template: {spec: {containers: [{name: web, image: 'web:2'}]}}", 1),
				"Files/rest.yaml": strings.Replace(strings.Replace(old["Files/rest.yaml"], "metadata: {name: c}", "metadata: {name: c}\ndata: {a: '2'}", 1), "kind: Thing\nmetadata: {name: t}", "kind: Thing\nmetadata: {name: t2}", 1),
			}
			s.sent = nil
			if end != "lands" {
				s.script = on(vim.TypeChangeResource, vim.Unit, permanent)
			}
			if end == "rollback of what stands" { // pods that do not start: the workload is changed all the same
				end, s.script = "rollback", on(vim.TypeChangeResource, vim.Unit, half)
			}
			changed, err := s.svc.ChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: next.ID}, by)
			s.must(err)
			s.settle()
			s.script = nil
			switch end {
			case "rollback":
				_, err = s.svc.Rollback(s.ctx(), changed.ID, by)
			case "given up":
				_, err = s.svc.Fail(s.ctx(), changed.ID, by)
			}
			s.must(err)
			s.settle()
			o, now := s.op(changed.ID), s.vnf(id)
			if want := map[string]vnf.OpState{"lands": vnf.Completed, "rollback": vnf.RolledBack, "given up": vnf.Failed}[end]; o.State != want {
				t.Fatalf("%s: %+v", o.State, o.Error)
			}
			if end == "given up" {
				if len(now.Leftovers) > 0 {
					_, err := s.svc.Cleanup(s.ctx(), id, by)
					s.must(err)
					s.settle()
				}
				if now.VnfdID != s.d.ID {
					t.Errorf("is of %s", now.VnfdID)
				}
				return
			}
			if len(s.held) != before || !slices.Equal(s.pods(id), pods) || len(now.Info.Vnfcs) != 3 || now.Info.Vnfcs[0].ID != was.Info.Vnfcs[0].ID || now.Info.ScaleStatus[0].Level != 1 {
				t.Errorf("%d resources, %d before; pods %v, %v before; %+v", len(s.held), before, s.pods(id), pods, now.Info)
			}
			if of := map[string]string{"lands": next.ID, "rollback": s.d.ID}[end]; now.VnfdID != of {
				t.Errorf("is of %s", now.VnfdID)
			}
			counts := map[string]int{}
			for _, m := range s.sent {
				counts[m.Type]++
			}
			if end == "lands" && (counts[vim.TypeChangeResource] != 2 || counts[vim.TypeReserveResource] != 1 || counts[vim.TypeReleaseResource] != 1) {
				t.Errorf("commands: %v", counts)
			}
			if end == "rollback" {
				s.recorded(id)
				for token := range s.held {
					if u := s.specs[token].Unit; strings.Contains(string(u.Objects), "web:2") {
						t.Errorf("%s is %s", token, u.Objects)
					}
				}
			}
		})
	}
}

// A VNF of containers changes its flavour and back, of manifests and of charts: the oldest VNFCs stay, with their pods, more come, and those beyond go; undone it
// is what it was.
func TestContainersChangeTheirFlavour(t *testing.T) {
	makers := map[string]func() (*site, string){
		"manifests": func() (*site, string) { return containers(t, "") },
		"charts": func() (*site, string) {
			s, id, op := charted(t, `{}`)
			if op.State != vnf.Completed {
				t.Fatalf("%s: %+v", op.State, op.Error)
			}
			return s, id
		},
	}
	for name, begin := range makers {
		t.Run(name, func(t *testing.T) {
			s, id := begin()
			was := s.vnf(id)
			big, four := s.d.Flavours[0], 4
			big.ID, big.Vdus, big.Aspects = "big", slices.Clone(big.Vdus), nil
			big.Vdus[0].Initial = &four
			s.d.Flavours = append(s.d.Flavours, big)
			change := func(to string) *vnf.OpOcc {
				op, err := s.svc.ChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: to}, by)
				s.must(err)
				s.settle()
				return s.op(op.ID)
			}
			s.script = on(vim.TypeChangeResource, vim.Unit, permanent)
			op := change("big")
			s.script = nil
			if op.State == vnf.FailedTemp {
				_, err := s.svc.Rollback(s.ctx(), op.ID, by)
				s.must(err)
				s.settle()
				op = s.op(op.ID)
			}
			if op.State != vnf.RolledBack || s.vnf(id).Info.FlavourID != "simple" || !slices.Equal(s.pods(id), podIDs(was)) {
				t.Fatalf("%s: %+v; pods %v, %v before", op.State, op.Error, s.pods(id), podIDs(was))
			}
			if op = change("big"); op.State != vnf.Completed {
				t.Fatalf("%s: %+v", op.State, op.Error)
			}
			now := s.vnf(id)
			if len(now.Info.Vnfcs) != len(was.Info.Vnfcs)+2 || now.Info.FlavourID != "big" || len(now.Info.ScaleStatus) != 0 {
				t.Errorf("%d VNFCs, %d before: %+v", len(now.Info.Vnfcs), len(was.Info.Vnfcs), now.Info)
			}
			for _, c := range was.Info.Vnfcs {
				if i := slices.IndexFunc(now.Info.Vnfcs, func(n vnf.Vnfc) bool { return n.ID == c.ID }); i < 0 || now.Info.Vnfcs[i].Handle.VimID != c.Handle.VimID {
					t.Errorf("VNFC %s had the pod %s; now %+v", c.ID, c.Handle.VimID, now.Info.Vnfcs)
				}
			}
			added := map[vnf.ChangeType]int{}
			for _, a := range op.Changes.Vnfcs.All() {
				added[a.Change]++
			}
			if added[vnf.Added] != 2 {
				t.Errorf("affected: %v", op.Changes.Vnfcs)
			}
			if op = change("simple"); op.State != vnf.Completed {
				t.Fatalf("%s: %+v", op.State, op.Error)
			}
			removed := 0
			for _, a := range op.Changes.Vnfcs.All() {
				if a.Change == vnf.Removed {
					removed++
				}
			}
			if removed != 2 || !slices.Equal(s.pods(id), podIDs(was)) || len(s.vnf(id).Info.ScaleStatus) != 1 {
				t.Errorf("%d removed; pods %v, %v before", removed, s.pods(id), podIDs(was))
			}
			s.recorded(id)
		})
	}
}

func podIDs(v *vnf.Instance) []string {
	var out []string
	for _, c := range v.Info.Vnfcs {
		out = append(out, c.Handle.VimID)
	}
	return out
}
