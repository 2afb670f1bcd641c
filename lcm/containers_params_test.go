package lcm_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// strict lets an operation have a schema that knows one parameter, and nothing else.
func strict(f *vnfd.Flavour, ops ...vnf.Operation) {
	f.Operations = map[string]vnfd.Operation{}
	for _, op := range ops {
		f.Operations[string(op)] = vnfd.Operation{ParamsSchema: json.RawMessage(`{"type":"object","properties":{"size":{"type":"integer"}},"additionalProperties":false}`)}
	}
}

// TestOwnParametersStandBesideAStrictSchema: what the VNFM itself reads of additionalParams does not have to be in the schema of the VNFD, in each operation that
// reads it; everything else does, and of a VNF of machines what is for containers. What a schema does say of such a member counts. Seen failing.
func TestOwnParametersStandBesideAStrictSchema(t *testing.T) {
	s, id := containers(t, "")
	big := s.d.Flavours[0]
	big.ID = "big"
	s.d.Flavours = append(s.d.Flavours, big)
	for i := range s.d.Flavours {
		strict(&s.d.Flavours[i], vnf.OpInstantiate, vnf.OpChangeFlavour, vnf.OpChangeVnfPkg, vnf.OpScale, vnf.OpHeal)
	}
	next := *s.d
	next.ID = "containers-2"
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": &next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	files := `"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml"]`
	fresh := s.create()
	ops := map[string]func(params string) error{
		"instantiate": func(params string) error {
			_, err := s.svc.PlanInstantiate(s.ctx(), fresh, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(params)})
			return err
		},
		"flavour": func(params string) error {
			_, err := s.svc.PlanChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: "big", AdditionalParams: json.RawMessage(params)})
			return err
		},
		"package": func(params string) error {
			_, err := s.svc.PlanChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: next.ID, AdditionalParams: json.RawMessage(params)})
			return err
		},
	}
	for name, op := range ops {
		for _, more := range []string{"", `,"size":1`, `,"namespace":"shop"`, `,"vdu_mapping":{},"helm_values":{},"helm_parameters":{},"helm_value_names":{},"helm_replica_values":{}`} {
			if err := op("{" + files + more + "}"); err != nil {
				t.Errorf("%s with %s: %v", name, more, err)
			}
		}
		if err := op("{" + files + `,"sizes":1}`); vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/additionalParams" && !strings.Contains(err.Error(), "sizes") {
			t.Errorf("%s with what nobody knows: %v", name, err)
		}
	}
	if err := ops["package"]("{" + files + `,"batchSize":1}`); err != nil {
		t.Errorf("batchSize: %v", err)
	}
	if err := ops["flavour"]("{" + files + `,"batchSize":1}`); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("batchSize of a change of flavour: %v", err)
	}
	o := s.d.Flavours[1].Operations[string(vnf.OpChangeFlavour)]
	o.ParamsSchema = json.RawMessage(`{"type":"object","required":["namespace"],"properties":{"namespace":{"enum":["shop"]}},"additionalProperties":false}`)
	s.d.Flavours[1].Operations[string(vnf.OpChangeFlavour)] = o
	for params, good := range map[string]bool{`{"namespace":"shop"}`: true, `{"namespace":"inn"}`: false, `{}`: false} {
		if err := ops["flavour"](params); (err == nil) != good {
			t.Errorf("%s, of which the schema says something: %v", params, err)
		}
	}

	m, vm := threeApps(t, lcm.Settings{}, nil)
	for i := range m.d.Flavours {
		strict(&m.d.Flavours[i], vnf.OpChangeFlavour)
	}
	_, err := m.svc.PlanChangeFlavour(m.ctx(), vm, lcm.ChangeFlavour{FlavourID: "large", AdditionalParams: json.RawMessage(`{"namespace":"shop"}`)})
	if vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a namespace for machines: %v", err)
	}
}

// TestAChangeRemembersWhatItWasAsked: of which manifests and with which values an operation made the containers, the next operation knows; one that
// was undone, or asked for nothing of that kind, changes nothing. Seen failing with the parameters of the instantiation alone.
func TestAChangeRemembersWhatItWasAsked(t *testing.T) {
	s, id := containers(t, `,"about":"instantiation"`)
	for _, name := range []string{"big", "huge"} {
		f := s.d.Flavours[0]
		f.ID = name
		s.d.Flavours = append(s.d.Flavours, f)
	}
	s.files = maps.Clone(s.files)
	s.files["Files/more.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"
	more := json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/more.yaml"],"once":true}`)
	said := func() map[string]any {
		var out map[string]any
		s.must(json.Unmarshal(s.vnf(id).Params, &out))
		return out
	}
	was := len(said()["lcm-kubernetes-def-files"].([]any))
	n := len(s.held)

	s.script = on(doing(vim.Unit), vim.Unit, permanent)
	op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "big", AdditionalParams: more})
	s.settle()
	s.script = nil
	_, err := s.svc.Rollback(s.ctx(), op, by)
	s.must(err)
	s.settle()
	if p := said(); len(s.held) != n || p["about"] != "instantiation" || p["once"] != nil || len(p["lcm-kubernetes-def-files"].([]any)) != was || was != 2 {
		t.Errorf("undone, the VNF has %d objects, %d before, and %v", len(s.held), n, p)
	}

	s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "big", AdditionalParams: more}))
	if p := said(); p["about"] != "instantiation" || p["once"] != nil || p["lcm-kubernetes-def-files"].([]any)[1] != "Files/more.yaml" {
		t.Errorf("the VNF has %v", p)
	}
	n = len(s.held)
	s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "huge"}))
	if len(s.held) != n {
		t.Errorf("the next change made %d objects of %d", len(s.held), n)
	}
	next := *s.d
	next.ID = "containers-2"
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": &next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	changed, err := s.svc.ChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: next.ID, AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml"]}`)}, by)
	s.must(err)
	s.ended(changed.ID)
	if p := said(); len(p["lcm-kubernetes-def-files"].([]any)) != 1 || len(s.held) >= n {
		t.Errorf("the VNF has %d objects, %d before, and %v", len(s.held), n, p)
	}
	s.recorded(id)
	s.finish()
}

// TestAChangeRemembersValues: the values of a change are those of the next one, too.
func TestAChangeRemembersValues(t *testing.T) {
	s, id := shop(t, lcm.Settings{}, chartsCan["in place"])
	s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "large", AdditionalParams: json.RawMessage(`{"helm_parameters":{"port":81,"password":"canary"}}`)}))
	s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: "simple"}))
	for token := range s.held {
		if u := s.specs[token].Unit; u != nil && strings.Contains(string(u.Objects), "app.tgz") && !strings.Contains(string(u.Values), `"port":81`) {
			t.Errorf("the values are %s", u.Values)
		}
	}
}
