package csar_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

func sample(t testing.TB) *vnfd.Descriptor {
	t.Helper()
	pkg, err := open(samples.CSAR(), csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Descriptor
}

var noPositions = cmpopts.IgnoreTypes(vnfd.Position{})

func TestSampleModel(t *testing.T) {
	t.Parallel()
	d := sample(t)
	f := flavour(t, d, "standard")
	t.Run("identity", func(t *testing.T) {
		t.Parallel()
		got := []string{d.ID, d.Version, d.Provider, d.ProductName, d.SoftwareVersion, d.VnfmInfo[0]}
		want := []string{samples.VnfdID, "1.0", "vnfm", "Sample Firewall", "1.0.0", "etsivnfm:v3.7.1"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("flavours are in order of import, each with what its own template says", func(t *testing.T) {
		t.Parallel()
		if len(d.Flavours) != 2 || d.Flavours[0].ID != "standard" || d.Flavours[1].ID != "redundant" {
			t.Fatalf("%d flavours", len(d.Flavours))
		}
		if len(f.Aspects) != 2 || len(d.Flavours[1].Aspects) != 1 {
			t.Error("aspects got mixed up")
		}
	})
	t.Run("compute", func(t *testing.T) {
		t.Parallel()
		gateway := f.Vdus[0]
		gateway.BootData, gateway.Image = nil, nil
		one := 1
		want := vnfd.Vdu{
			ID: "gateway", Name: "gateway", Description: "Forwards and filters.", Min: 1, Max: 6, Initial: &one, VCPUs: 2,
			MemoryBytes: 2 << 30, DiskBytes: 10 << 30,
		}
		if diff := cmp.Diff(want, gateway, noPositions); diff != "" {
			t.Error(diff)
		}
		if at := f.Vdus[0].At; at.File != "Definitions/df_standard.yaml" || at.Line != 26 {
			t.Errorf("at %+v", at)
		}
	})
	t.Run("image", func(t *testing.T) {
		t.Parallel()
		want := &vnfd.Image{
			ID: "gateway", Name: "firewall-gateway-1.0.0", Version: "1.0.0", Format: "qcow2", Container: "bare",
			Checksum:     "sha-256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730",
			MinDiskBytes: 2 << 30, MinRAMBytes: 1 << 30, SizeBytes: 800 << 20,
		}
		if diff := cmp.Diff(want, f.Vdus[0].Image); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("connection points", func(t *testing.T) {
		t.Parallel()
		ipv4 := []string{"ipv4"}
		want := []vnfd.VduCp{
			{ID: "gateway_outside", Vdu: "gateway", VnicType: "direct", Protocols: ipv4, External: true},
			{ID: "gateway_inside", Vdu: "gateway", Order: 1, VnicType: "direct", Protocols: ipv4, Trunk: true, External: true},
			{ID: "gateway_control", Vdu: "gateway", Order: 2, Link: "control", VnicType: "normal", Protocols: ipv4},
			{ID: "manager_management", Vdu: "manager", Protocols: ipv4, External: true},
			{ID: "manager_control", Vdu: "manager", Order: 1, Link: "control", Protocols: ipv4, FixedIPs: []string{"10.10.0.10"}},
		}
		if diff := cmp.Diff(want, f.Cps, noPositions); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("links and storages", func(t *testing.T) {
		t.Parallel()
		links := []vnfd.VirtualLink{{ID: "control", Protocols: []string{"ipv4"}, NetworkType: "vxlan", MTU: 1400, Subnets: []vnfd.SubnetProfile{
			{IPVersion: 4, CIDR: "10.10.0.0/24", Gateway: "10.10.0.1", DHCP: true},
		}}}
		if diff := cmp.Diff(links, f.Links, noPositions); diff != "" {
			t.Error(diff)
		}
		storages := []vnfd.Storage{{ID: "log_store", Type: "BLOCK", SizeBytes: 20 << 30, PerVnfc: true}}
		if diff := cmp.Diff(storages, f.Storages, noPositions); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"log_store"}, f.Vdus[1].Storages); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("two aspects change one VDU, one of them by steps that differ", func(t *testing.T) {
		t.Parallel()
		want := []map[string][]int{{"gateway": {1, 1}}, {"gateway": {1, 2}}}
		if diff := cmp.Diff(want, []map[string][]int{f.Aspects[0].Steps, f.Aspects[1].Steps}); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("affinity over a group, and over a VDU", func(t *testing.T) {
		t.Parallel()
		want := []vnfd.AffinityRule{{ID: "together", Affinity: true, Scope: "zone", Vdus: []string{"gateway", "manager"}}, {ID: "apart", Scope: "nfvi_node", Vdus: []string{"gateway"}}}
		if diff := cmp.Diff(want, []vnfd.AffinityRule{f.Affinity[0], d.Flavours[1].Affinity[0]}, noPositions); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("operations", func(t *testing.T) {
		t.Parallel()
		if got := f.Operations["TERMINATE"].MaxGracefulTimeout; got != 120 {
			t.Errorf("graceful timeout %d s", got)
		}
	})
	t.Run("declared properties with their initial values", func(t *testing.T) {
		t.Parallel()
		type property struct {
			Name     string
			Required bool
			Initial  string
		}
		short := func(ps []vnfd.Property) (out []property) {
			for _, p := range ps {
				out = append(out, property{p.Name, p.Required, string(p.Initial)})
			}
			return out
		}
		for name, tt := range map[string]struct{ got, want []property }{
			"configurable": {short(d.Configurable), []property{{"isAutoscaleEnabled", false, ""}, {"isAutohealEnabled", false, "false"}, {"log_level", true, `"info"`}, {"session_limit", true, "250000"}}},
			"extensions":   {short(d.Extensions), []property{{"log_server", true, `"192.0.2.10"`}, {"license_key", false, ""}}},
			"metadata":     {short(d.Metadata), []property{{"contact", false, `"sample@example.com"`}}},
		} {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

// The schemas made of TOSCA types work in a JSON Schema validator.
func TestSchemas(t *testing.T) {
	t.Parallel()
	d := sample(t)
	byName := func(ps []vnfd.Property, name string) json.RawMessage {
		for _, p := range ps {
			if p.Name == name {
				return p.Schema
			}
		}
		t.Fatalf("no property %s", name)
		return nil
	}
	params := flavour(t, d, "standard").Operations["INSTANTIATE"].ParamsSchema
	for name, tt := range map[string]struct {
		schema json.RawMessage
		value  string
		ok     bool
	}{
		"no parameters":               {params, `{}`, true},
		"all parameters":              {params, `{"admin_contact":"a@b","features":["nat","vpn"],"rule_sets":{"a":{"action":"accept","ports":[22,80]}}}`, true},
		"an unknown parameter":        {params, `{"admin":"a@b"}`, false},
		"a pattern that fails":        {params, `{"admin_contact":"nobody"}`, false},
		"a value that is not valid":   {params, `{"features":["fly"]}`, false},
		"a list that is none":         {params, `{"features":"nat"}`, false},
		"a number out of range":       {params, `{"rule_sets":{"a":{"ports":[70000]}}}`, false},
		"a required one missing":      {params, `{"rule_sets":{"a":{"action":"drop"}}}`, false},
		"a type derived from string":  {byName(d.Extensions, "log_server"), `"2001:db8::1"`, true},
		"its constraint":              {byName(d.Extensions, "log_server"), `"no address"`, false},
		"text that is too short":      {byName(d.Extensions, "license_key"), `"short"`, false},
		"an integer in range":         {byName(d.Configurable, "session_limit"), `1000`, true},
		"an integer out of range":     {byName(d.Configurable, "session_limit"), `999`, false},
		"a boolean":                   {byName(d.Configurable, "isAutohealEnabled"), `true`, true},
		"text is no boolean":          {byName(d.Configurable, "isAutohealEnabled"), `"true"`, false},
		"one of the valid values":     {byName(d.Configurable, "log_level"), `"debug"`, true},
		"none of the valid values":    {byName(d.Configurable, "log_level"), `"loud"`, false},
		"every TOSCA type, satisfied": {everyType(t), `{"i":4,"f":1.5,"b":true,"ts":"2026-01-01","size":"4 GiB","time":"10 s","list":["ab"],"map":{"k":1},"range":[1,2],"len":"abc","eq":"x","deep":{"inner":1}}`, true},
		"greater_than":                {everyType(t), `{"i":3}`, false},
		"less_or_equal":               {everyType(t), `{"f":2.5}`, false},
		"a size without unit":         {everyType(t), `{"size":"4"}`, false},
		"max_length of a list":        {everyType(t), `{"list":["a","b","c"]}`, false},
		"min_length of a map":         {everyType(t), `{"map":{}}`, false},
		"length of text":              {everyType(t), `{"len":"ab"}`, false},
		"equal":                       {everyType(t), `{"eq":"y"}`, false},
		"a property of another type":  {everyType(t), `{"deep":{"outer":1}}`, false},
		"an inherited property":       {everyType(t), `{"inherited":"yes"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiler := jsonschema.NewCompiler()
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(tt.schema))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiler.AddResource("schema.json", document); err != nil {
				t.Fatal(err)
			}
			schema, err := compiler.Compile("schema.json")
			if err != nil {
				t.Fatal(err)
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(tt.value))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); (err == nil) != tt.ok {
				t.Errorf("%s: %v\n%s", tt.value, err, tt.schema)
			}
		})
	}
	t.Run("initial values satisfy their schemas", func(t *testing.T) {
		t.Parallel()
		for _, p := range append(append(d.Configurable, d.Extensions...), d.Metadata...) {
			if p.Initial == nil {
				continue
			}
			compiler := jsonschema.NewCompiler()
			document, _ := jsonschema.UnmarshalJSON(bytes.NewReader(p.Schema))
			_ = compiler.AddResource("schema.json", document)
			value, _ := jsonschema.UnmarshalJSON(bytes.NewReader(p.Initial))
			if err := compiler.MustCompile("schema.json").Validate(value); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
	})
}

// everyType returns the schema of a data type with a property of every kind.
func everyType(t *testing.T) json.RawMessage {
	t.Helper()
	pkg := small.with(main, template("")+`node_types:
  x.Vnf:
    derived_from: tosca.nodes.nfv.VNF
    interfaces:
      Vnflcm:
        type: x.Lcm
interface_types:
  x.Lcm:
    derived_from: tosca.interfaces.nfv.Vnflcm
    instantiate:
      inputs:
        additional_parameters: { type: x.Params }
data_types:
  x.Base: { derived_from: tosca.datatypes.nfv.VnfOperationAdditionalParameters, properties: { inherited: { type: string, required: false } } }
  x.Params:
    derived_from: x.Base
    properties:
      i: { type: integer, required: false, constraints: [ greater_than: 3 ] }
      f: { type: float, required: false, constraints: [ less_or_equal: 2.0 ] }
      b: { type: boolean, required: false }
      ts: { type: timestamp, required: false }
      size: { type: scalar-unit.size, required: false }
      time: { type: scalar-unit.time, required: false }
      list: { type: list, required: false, entry_schema: string, constraints: [ max_length: 2 ] }
      map: { type: map, required: false, entry_schema: { type: integer }, constraints: [ min_length: 1 ] }
      range: { type: range, required: false }
      len: { type: string, required: false, constraints: [ length: 3 ] }
      eq: { type: string, required: false, constraints: [ equal: x ] }
      deep: { type: x.Deep, required: false }
  x.Deep: { derived_from: tosca.datatypes.Root, properties: { inner: { type: integer, required: false }, again: { type: x.Deep, required: false } } }
`).replace("type: tosca.nodes.nfv.VNF\n      prop", "type: x.Vnf\n      prop").mustOpen(t)
	return pkg.Descriptor.Flavours[0].Operations["INSTANTIATE"].ParamsSchema
}

func TestRender(t *testing.T) {
	t.Parallel()
	boot := sample(t).Flavours[0].Vdus[0].BootData
	if !boot.ConfigDrive {
		t.Error("no config drive")
	}
	builtin := map[string]string{"vnf.id": "1234", "vnf.name": "fw", "vdu.id": "gateway", "vnfc.index": "0"}
	t.Run("defaults of the descriptor fill in", func(t *testing.T) {
		t.Parallel()
		got, err := vnfd.Render(boot, builtin)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"hostname: gateway-0\n", "vnf = 1234\n", "log_server = 192.0.2.10\n", "session_limit = 250000\n", "admin_contact = noc@example.com\n", "${HOSTNAME} is up"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	})
	t.Run("values win over defaults", func(t *testing.T) {
		t.Parallel()
		vars := map[string]string{"log_level": "debug", "vnf.id": "1", "vnf.name": "2", "vdu.id": "3", "vnfc.index": "4"}
		if got, err := vnfd.Render(boot, vars); err != nil || !strings.Contains(got, "log_level = debug\n") {
			t.Errorf("%v\n%s", err, got)
		}
	})
	t.Run("a declared variable without a value is an error that names it", func(t *testing.T) {
		t.Parallel()
		_, err := vnfd.Render(boot, map[string]string{"vnf.id": "1"})
		if vnfm.KindOf(err) != vnfm.Unprocessable || !strings.Contains(err.Error(), "vnf.name") {
			t.Errorf("%v", err)
		}
	})
	t.Run("what nobody declares stays", func(t *testing.T) {
		t.Parallel()
		got, err := vnfd.Render(&vnfd.BootData{Content: "${a} ${b} $${a} $c"}, map[string]string{"a": "1"})
		if want := "1 ${b} ${a} $c"; err != nil || got != want {
			t.Errorf("%q, want %q (%v)", got, want, err)
		}
	})
	t.Run("values are not looked into again", func(t *testing.T) {
		t.Parallel()
		got, err := vnfd.Render(&vnfd.BootData{Content: "${a}"}, map[string]string{"a": "${b}", "b": "secret"})
		if err != nil || got != "${b}" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("no boot data", func(t *testing.T) {
		t.Parallel()
		if got, err := vnfd.Render(nil, nil); got != "" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestDigest(t *testing.T) {
	t.Parallel()
	digest, canonical := vnfd.Digest(sample(t))
	again, _ := vnfd.Digest(sample(t))
	if digest != again || len(digest) != 64 {
		t.Errorf("%s, then %s", digest, again)
	}
	var back vnfd.Descriptor
	if err := json.Unmarshal(canonical, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(t), &back); diff != "" {
		t.Errorf("a descriptor read back differs: %s", diff)
	}
	if got, _ := vnfd.Digest(&back); got != digest {
		t.Errorf("%s, read back %s", digest, got)
	}
}
