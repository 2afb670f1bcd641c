package csar_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// TestForms has packages that are written differently and are all right.
func TestForms(t *testing.T) {
	t.Parallel()
	vnfType := "node_types:\n  x.Vnf:\n    derived_from: tosca.nodes.nfv.VNF\n    properties: { descriptor_id: { type: string, default: by-type } }\n"
	for name, pkg := range map[string]files{
		"TOSCA.meta":                     small,
		"TOSCA.meta with CRLF and a BOM": small.with(meta, "\ufeff"+strings.ReplaceAll(small[meta], "\n", "\r\n")),
		"TOSCA.meta without a blank":     small.with(meta, strings.ReplaceAll(small[meta], ": ", ":")),
		"TOSCA.meta in lower case":       small.with(meta, strings.ToLower(strings.Split(small[meta], "Entry")[0])+"entry-definitions: Definitions/main.yaml\n"),
		"a continued line":               small.with(meta, "CSAR-Version: 1.1\nEntry-Definitions: Definitions/\n main.yaml\n"),
		"no TOSCA.meta":                  {"v1.yaml": small[main], "v1.mf": "metadata:\n  vnfd_id: v1\n"},
		"Entry-Manifest":                 small.with(meta, small[meta]+"Entry-Manifest: m/x.mf\n", "m/x.mf", "metadata:\n  vnfd_id: v1\n"),
		"types by URL":                   small.replace("[ etsi_nfv_sol001_vnfd_types.yaml ]", "[ { file: 'https://forge.etsi.org/rep/nfv/SOL001/raw/v3.3.1/etsi_nfv_sol001_vnfd_types.yaml' } ]"),
		"named import":                   small.replace("[ etsi_nfv_sol001_vnfd_types.yaml ]", "[ types: etsi_nfv_sol001_vnfd_types.yaml ]"),
		"import with a file":             small.replace("[ etsi_nfv_sol001_vnfd_types.yaml ]", "[ types: { file: etsi_nfv_sol001_vnfd_types.yaml } ]"),
		"a diamond of imports": small.replace("imports: [ ", "imports: [ a.yaml, ./b.yaml, ./a.yaml, ").
			with("Definitions/a.yaml", head+"imports: [ sub/../c.yaml ]\n", "Definitions/b.yaml", head+"imports: [ ./c.yaml ]\n", "Definitions/c.yaml", head),
		"Other-Definitions":         small.with(meta, small[meta]+"Other-Definitions: Definitions/a.yaml, Definitions/b.yaml\n", "Definitions/a.yaml", head, "Definitions/b.yaml", head),
		"identity of the type":      small.replace("descriptor_id: v1", "x: y").replace("type: tosca.nodes.nfv.VNF\n      prop", "type: x.Vnf\n      prop").with().append(strings.Replace(vnfType, "by-type", "v1", 1)),
		"identity by an input":      small.replace("descriptor_id: v1", "descriptor_id: { get_input: id }").replace("  node_templates:\n", "  inputs: { id: { type: string, default: v1 } }\n  node_templates:\n"),
		"identity of substitution":  small.replace("descriptor_id: v1", "x: y").replace("  node_templates:\n", "  substitution_mappings: { node_type: tosca.nodes.nfv.VNF, properties: { descriptor_id: v1 } }\n  node_templates:\n"),
		"requirements with nothing": small.replace("        flavour_description: Simple.\n", "        flavour_description: Simple.\n      requirements:\n"),
		"requirements by name only": small.replace("        flavour_description: Simple.\n", "        flavour_description: Simple.\n      requirements:\n        - virtual_link\n"),
		"operations as empty lists": small.replace("        flavour_description: Simple.\n", "        flavour_description: Simple.\n      interfaces: { Vnflcm: { instantiate: [], terminate: [] } }\n"),
		"a YAML merge key":          small.replace("      properties:\n", "      properties:\n        <<: { provider: Merged, product_name: Merged }\n"),
		"dates and octals are text": small.replace("software_version: '2.0'", "software_version: 2026-01-01"),
		"a listed directory":        small.with("main.mf", "Source: Files/x/\n", "Files/x/y", "z"),
		"signed as a whole":         {"pkg.csar": string(small.zip(t)), "pkg.cms": "-----BEGIN CMS-----", "pkg.cert": "x"},
		"directories in the zip":    small.with("Definitions/", "", "Files/x/", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := pkg.mustOpen(t).Descriptor
			if d.ID != "v1" || d.Provider != "Example" || len(d.Flavours) != 1 || d.Flavours[0].ID != "simple" {
				t.Errorf("%+v", d)
			}
		})
	}
}

func (f files) append(text string) files { return f.with(main, f[main]+text) }

func TestImportsGiveTypesAndNeverNodeTemplates(t *testing.T) {
	t.Parallel()
	types := head + "imports: [ etsi_nfv_sol001_vnfd_types.yaml ]\nnode_types:\n  x.Vnf: { derived_from: tosca.nodes.nfv.VNF }\n"
	df := func(id, node string) string {
		return head + "imports: [ types.yaml ]\ntopology_template:\n  substitution_mappings: { node_type: x.Vnf, properties: { flavour_id: " + id + " } }\n  node_templates:\n" + vdu(node, "")
	}
	pkg := small.with("Definitions/types.yaml", types, "Definitions/one.yaml", df("one", "A"), "Definitions/two.yaml", df("two", "B"),
		main, strings.NewReplacer("imports: [ etsi_nfv_sol001_vnfd_types.yaml ]", "imports: [ types.yaml, two.yaml, one.yaml ]",
			"type: tosca.nodes.nfv.VNF", "type: x.Vnf", "flavour_id: simple", "flavour_id: { get_input: selected_flavour }").Replace(template(""))+"  inputs: { selected_flavour: { type: string } }\n").mustOpen(t)
	var got []string
	for _, f := range pkg.Descriptor.Flavours {
		for _, v := range f.Vdus {
			got = append(got, f.ID+" "+v.ID)
		}
	}
	if diff := cmp.Diff([]string{"two B", "one A"}, got); diff != "" {
		t.Error(diff)
	}
	t.Run("a node of another template is unknown", func(t *testing.T) {
		t.Parallel()
		bad := small.with("Definitions/types.yaml", types, "Definitions/one.yaml", df("one", "A"),
			"Definitions/two.yaml", df("two", "B")+"    C: { type: tosca.nodes.nfv.VduCp, requirements: [ { virtual_binding: A } ] }\n",
			main, strings.Replace(template(""), "imports: [ ", "imports: [ one.yaml, two.yaml, ", 1))
		_, err := open(bad.zip(t), csar.Options{})
		if diff := cmp.Diff([]string{"unknown-reference"}, rules(err)); diff != "" {
			t.Errorf("%s: %v", diff, err)
		}
	})
	t.Run("two flavours of one id are one too many", func(t *testing.T) {
		t.Parallel()
		bad := small.with("Definitions/types.yaml", types, "Definitions/one.yaml", df("one", "A"), "Definitions/two.yaml", df("one", "B"),
			main, strings.Replace(template(""), "imports: [ ", "imports: [ one.yaml, two.yaml, ", 1))
		_, err := open(bad.zip(t), csar.Options{})
		if diff := cmp.Diff([]string{"duplicate-flavour"}, rules(err)); diff != "" {
			t.Errorf("%s: %v", diff, err)
		}
	})
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"512 MB": 512_000_000, "512 MiB": 512 << 20, "1 GB": 1e9, "1 GiB": 1 << 30, "0.5 GiB": 1 << 29, "2 TB": 2e12, "1 TiB": 1 << 40,
		"10 B": 10, "3 kB": 3000, "3 KB": 3000, "3 kib": 3072, "4GB": 4e9, "1.5 B": 1,
	} {
		pkg := small.with(main, template(vdu("A", ""))).replace("size_of_storage: 4 GiB", "size_of_storage: "+text).mustOpen(t)
		if got := pkg.Descriptor.Flavours[0].Vdus[0].DiskBytes; got != want {
			t.Errorf("%s: %d bytes, want %d", text, got, want)
		}
	}
	for _, text := range []string{"-1 GB", "1e9 GB", "1 XB", "GB", "1.2.3 GB", strings.Repeat("9", 30) + " GB", "[]x"} {
		_, err := open(small.with(main, template(vdu("A", ""))).replace("size_of_storage: 4 GiB", "size_of_storage: '"+text+"'").zip(t), csar.Options{})
		if diff := cmp.Diff([]string{"bad-value"}, rules(err)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestDisks(t *testing.T) {
	t.Parallel()
	for name, yaml := range map[string]string{
		"one size":              "[ { size_of_storage: 4 GiB } ]",
		"with SOL001's wrapper": "[ { virtual_block_storage_data: { size_of_storage: 4 GiB } } ]",
		"two disks":             "[ { size_of_storage: 1 GiB }, { size_of_storage: 3 GiB } ]",
		"not a list":            "{ size_of_storage: 4 GiB }",
	} {
		pkg := small.with(main, template(vdu("A", ""))).replace("[ { size_of_storage: 4 GiB } ]", yaml).mustOpen(t)
		if got := pkg.Descriptor.Flavours[0].Vdus[0].DiskBytes; got != 4<<30 {
			t.Errorf("%s: %d bytes", name, got)
		}
	}
}

func TestBootData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ yaml, want string }{
		"text":               {"'#cloud-config'", "#cloud-config"},
		"text on lines":      {"\"a\\nb\"", "a\nb"},
		"a file":             {"../Files/init", "from the file"},
		"content":            {"{ content_or_file_data: { content: inline } }", "inline"},
		"a file by its path": {"{ content_or_file_data: { source_path: ../Files/init, destination_path: /etc/init } }", "from the file"},
		"key-value pairs":    {"{ kvp_data: { data: { b: x, a: '1' } } }", `{"a":"1","b":"x"}`},
	} {
		pkg := small.with(main, template(vdu("A", "        boot_data: "+tt.yaml+"\n")), "Files/init", "from the file").mustOpen(t)
		b := pkg.Descriptor.Flavours[0].Vdus[0].BootData
		if b == nil || b.Content != tt.want {
			t.Errorf("%s: %+v, want %q", name, b, tt.want)
		}
	}
}

func TestContainers(t *testing.T) {
	t.Parallel()
	pkg := small.with(main, template(`    A:
      type: tosca.nodes.nfv.Vdu.Compute
      properties: { name: a, vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 3 } }
    B:
      type: tosca.nodes.nfv.Vdu.OsContainerDeployableUnit
      properties: { name: b, vdu_profile: { min_number_of_instances: 0, max_number_of_instances: 2 } }
    C: { type: tosca.nodes.nfv.Vdu.OsContainer }
`)).mustOpen(t)
	want := []vnfd.Vdu{{ID: "A", Name: "a", Min: 1, Max: 3, Container: true}, {ID: "B", Name: "b", Max: 2, Container: true}}
	if diff := cmp.Diff(want, pkg.Descriptor.Flavours[0].Vdus, noPositions); diff != "" {
		t.Error(diff)
	}
}

// Charts of a descriptor: their archives, whose pods they make, and which come before which.
func TestMciops(t *testing.T) {
	t.Parallel()
	pkg := small.with(main, template(`    A:
      type: tosca.nodes.nfv.Vdu.OsContainerDeployableUnit
      properties: { name: a, vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 3 }, mcio_identification_data: { name: web, type: Deployment } }
    M:
      type: tosca.nodes.nfv.Mciop
      requirements: [ { associatedVdu: A }, { dependency: N } ]
      artifacts: { chart: { type: tosca.artifacts.nfv.HelmChart, file: ../Files/m.tgz } }
    N:
      type: tosca.nodes.nfv.Mciop
      artifacts: { chart: { type: tosca.artifacts.nfv.HelmChart, file: ../Files/n.tgz } }
`)).with("Files/m.tgz", "m").with("Files/n.tgz", "n").mustOpen(t)
	f := pkg.Descriptor.Flavours[0]
	want := []vnfd.Mciop{{ID: "M", Chart: "Files/m.tgz", Vdus: []string{"A"}, After: []string{"N"}}, {ID: "N", Chart: "Files/n.tgz"}}
	if diff := cmp.Diff(want, f.Mciops, noPositions); diff != "" {
		t.Error(diff)
	}
	if m := f.Vdus[0].Mcio; m == nil || *m != (vnfd.Mcio{Name: "web", Kind: "Deployment"}) {
		t.Errorf("the workload of the VDU is %+v", m)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	f := flavour(t, sample(t), "standard")
	none := small.with(main, template(vdu("A", "")+vdu("B", "")+"  policies:\n    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 2 } }, targets: [ B ] }\n")).mustOpen(t).Descriptor.Flavours[0]
	t.Run("a level by itself", func(t *testing.T) {
		t.Parallel()
		got, err := f.Counts("busy")
		if diff := cmp.Diff(map[string]int{"gateway": 3, "manager": 1}, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	})
	t.Run("without levels: initial delta, else the minimum", func(t *testing.T) {
		t.Parallel()
		got, err := none.Counts("")
		if diff := cmp.Diff(map[string]int{"A": 1, "B": 2}, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	})
	t.Run("scale status", func(t *testing.T) {
		t.Parallel()
		got, err := f.ScaleStatus("busy")
		if diff := cmp.Diff(map[string]int{"sessions": 1, "throughput": 1}, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	})
	t.Run("down is up in reverse", func(t *testing.T) {
		t.Parallel()
		up, err := f.Delta("throughput", 1, 1)
		if diff := cmp.Diff(map[string]int{"gateway": 2}, up); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
		down, err := f.Delta("throughput", 2, -1)
		if diff := cmp.Diff(map[string]int{"gateway": -2}, down); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	})
	unnamed := vnfd.Flavour{ID: "f", Levels: []vnfd.Level{{ID: "a"}, {ID: "b"}}}
	for name, tt := range map[string]struct {
		ask       func() error
		attribute string
	}{
		"an unknown level":           {func() error { _, err := f.Counts("huge"); return err }, "/instantiationLevelId"},
		"a level where there are no": {func() error { _, err := none.ScaleStatus("any"); return err }, "/instantiationLevelId"},
		"no level where none is set": {func() error { _, err := unnamed.Counts(""); return err }, "/instantiationLevelId"},
		"an unknown aspect":          {func() error { _, err := f.Delta("speed", 0, 1); return err }, "/aspectId"},
		"beyond the maximum":         {func() error { _, err := f.Delta("sessions", 1, 2); return err }, "/numberOfSteps"},
		"below zero":                 {func() error { _, err := f.Delta("sessions", 1, -2); return err }, "/numberOfSteps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.ask()
			e, ok := err.(*vnfm.Error) //nolint:errorlint // the attribute is what the test is about
			if !ok || e.Kind != vnfm.Unprocessable || e.Attribute != tt.attribute {
				t.Errorf("%#v", err)
			}
		})
	}
}
