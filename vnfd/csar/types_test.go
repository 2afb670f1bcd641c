package csar_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// vnfdTypes is as ETSI publishes its files: the VNFD types import the common ones by URL, and not every parent is in one of them.
const vnfdTypes = `tosca_definitions_version: tosca_simple_yaml_1_3
metadata: { template_name: etsi_nfv_sol001_vnfd_types, template_author: ETSI_NFV, template_version: 3.5.1 }
imports: [ 'https://forge.etsi.org/rep/nfv/SOL001/raw/v3.5.1/etsi_nfv_sol001_common_types.yaml' ]
node_types:
  tosca.nodes.nfv.VNF: { derived_from: tosca.nodes.Root }
  tosca.nodes.nfv.VduCp: { derived_from: tosca.nodes.nfv.Cp }
  tosca.nodes.nfv.Vdu.Compute: { derived_from: tosca.nodes.Root, properties: { boot_order: { type: boolean, default: false } } }
policy_types:
  tosca.policies.nfv.SecurityGroupRule: { derived_from: tosca.policies.nfv.Abstract.SecurityGroupRule }
`

const commonTypes = `tosca_definitions_version: tosca_simple_yaml_1_3
metadata: { template_name: etsi_nfv_sol001_common_types, template_version: 3.5.1 }
node_types:
  tosca.nodes.nfv.Cp: { derived_from: tosca.nodes.Root }
policy_types:
  tosca.policies.nfv.Abstract.SecurityGroupRule: { derived_from: tosca.policies.Root }
`

// ETSI's definition files may be shipped or not, and imported by path or by URL, in every form that TOSCA has: nothing is fetched.
func TestETSITypesHoweverImported(t *testing.T) {
	t.Parallel()
	const url = "https://forge.etsi.org/rep/nfv/SOL001/raw/v3.5.1/etsi_nfv_sol001_vnfd_types.yaml"
	with := func(imports string, more ...string) files {
		text := template(vdu("A", image("size: 1 GiB")) + "    C: { type: tosca.nodes.nfv.VduCp, requirements: [ { virtual_binding: A } ] }\n" +
			"  policies:\n    - s: { type: tosca.policies.nfv.SecurityGroupRule, targets: [ C ] }\n    - a: { type: tosca.policies.nfv.Abstract.SecurityGroupRule }\n")
		return small.with(append([]string{main, strings.Replace(text, "imports: [ etsi_nfv_sol001_vnfd_types.yaml ]", "imports:\n"+imports, 1)}, more...)...)
	}
	vendor := head + "imports: [ etsi_nfv_sol001_vnfd_types.yaml ]\nnode_types:\n  vendor.Vdu: { derived_from: tosca.nodes.nfv.Vdu.Compute }\n"
	for name, pkg := range map[string]files{
		"not shipped, by name":              with("  - etsi_nfv_sol001_vnfd_types.yaml\n"),
		"not shipped, by path":              with("  - file: ../types/etsi_nfv_sol001_vnfd_types.yaml\n"),
		"not shipped, by URL":               with("  - " + url + "\n"),
		"not shipped, by URL with a query":  with("  - '" + url + "?inline=false'\n"),
		"not shipped, named":                with("  - types: " + url + "\n"),
		"not shipped, named with a file":    with("  - types: { file: " + url + ", namespace_prefix: etsi }\n"),
		"not shipped, both files":           with("  - etsi_nfv_sol001_common_types.yaml\n  - etsi_nfv_sol001_vnfd_types.yaml\n"),
		"not shipped, the release in it":    with("  - etsi_nfv_sol001_vnfd_2_6_1_types.yaml\n"),
		"from a repository":                 with("  - { file: etsi_nfv_sol001_vnfd_types.yaml, repository: etsi }\n"),
		"shipped, common types by URL":      with("  - etsi_nfv_sol001_vnfd_types.yaml\n", "Definitions/etsi_nfv_sol001_vnfd_types.yaml", vnfdTypes),
		"shipped, imported by URL":          with("  - "+url+"\n", "Definitions/etsi_nfv_sol001_vnfd_types.yaml", vnfdTypes),
		"shipped elsewhere, imported so":    with("  - "+url+"\n", "types/etsi_nfv_sol001_vnfd_types.yaml", vnfdTypes),
		"shipped in another folder":         with("  - etsi_nfv_sol001_vnfd_types.yaml\n", "types/etsi_nfv_sol001_vnfd_types.yaml", vnfdTypes),
		"both shipped":                      with("  - etsi_nfv_sol001_vnfd_types.yaml\n", "Definitions/etsi_nfv_sol001_vnfd_types.yaml", vnfdTypes, "Definitions/etsi_nfv_sol001_common_types.yaml", commonTypes),
		"both shipped, by name":             with("  - etsi_nfv_sol001_vnfd_types.yaml\n", "Definitions/etsi_nfv_sol001_vnfd_types.yaml", strings.Replace(vnfdTypes, "https://forge.etsi.org/rep/nfv/SOL001/raw/v3.5.1/", "", 1), "Definitions/etsi_nfv_sol001_common_types.yaml", commonTypes),
		"shipped under another name":        with("  - nfv.yaml\n", "Definitions/nfv.yaml", vnfdTypes),
		"a vendor's types that import them": with("  - vendor.yaml\n", "Definitions/vendor.yaml", vendor),
		"a vendor's types by URL":           with("  - https://example.com/types/vendor.yaml\n", "Definitions/vendor.yaml", vendor),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := open(pkg.zip(t), csar.Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			f := p.Descriptor.Flavours[0]
			if len(f.Vdus) != 1 || len(f.Cps) != 1 || len(f.Vdus[0].BootOrder) != 0 {
				t.Errorf("%+v", f)
			}
		})
	}
}

// The files as they are published, where they are at hand; what is in them is in the tests above and in tosca's list of types.
func TestPublishedETSIFiles(t *testing.T) {
	t.Parallel()
	root := os.Getenv("VNFM_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "etsi", "sol001")
	releases, err := os.ReadDir(dir)
	if err != nil {
		t.Log("no published files: nothing to read")
		return
	}
	for _, r := range releases {
		if !r.IsDir() {
			continue
		}
		t.Run(r.Name(), func(t *testing.T) {
			t.Parallel()
			pkg := small.with(main, template(vdu("A", "")+"  policies:\n    - s: { type: tosca.policies.nfv.SecurityGroupRule }\n"))
			for _, name := range []string{"etsi_nfv_sol001_vnfd_types.yaml", "etsi_nfv_sol001_common_types.yaml"} {
				data, err := os.ReadFile(filepath.Join(dir, r.Name(), name))
				if err != nil {
					t.Fatal(err)
				}
				pkg = pkg.with("Definitions/"+name, string(data))
				for _, p := range []files{pkg, pkg.with("Definitions/etsi_nfv_sol001_common_types.yaml", "")} {
					if got := found(p.mustOpen(t)); !slices.Equal(got, []string{"nothing-to-boot-from"}) {
						t.Error(got)
					}
				}
			}
		})
	}
}

// Data types of ETSI's whose properties are not built in take any.
func TestBuiltInDataTypesAreOpen(t *testing.T) {
	t.Parallel()
	d := small.with(main, strings.Replace(template(""), "type: tosca.nodes.nfv.VNF", "type: x.Vnf", 1)+`node_types:
  x.Vnf: { derived_from: tosca.nodes.nfv.VNF, properties: { configurable_properties: { type: x.C } } }
data_types:
  x.C: { derived_from: tosca.datatypes.nfv.VnfConfigurableProperties, properties: { address: { type: tosca.datatypes.nfv.L3AddressData } } }
`).mustOpen(t).Descriptor
	want := map[string]string{
		"isAutoscaleEnabled": `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"boolean"}`,
		"isAutohealEnabled":  `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"boolean"}`,
		"address":            `{"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":true,"properties":{},"type":"object"}`,
	}
	got := map[string]string{}
	for _, p := range d.Configurable {
		got[p.Name] = string(p.Schema)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// boot_order is a list of storages, or says whether the order of the storages is one (SOL001 v3.3.1).
func TestBootOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		boot string
		want []string
	}{
		"none":               {"", nil},
		"a list":             {"        boot_order: [ I, S ]\n", []string{"I", "S"}},
		"true":               {"        boot_order: true\n", []string{"I"}}, // a blank volume starts nothing
		"false":              {"        boot_order: false\n", nil},
		"true, quoted":       {"        boot_order: 'true'\n", []string{"I"}},
		"through a function": {"        boot_order: { get_input: order }\n", []string{"I"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pkg := small.with(main, template(volume("S", "")+volume("I", image("size: 1 GiB"))+vdu("A", tt.boot)+
				"      requirements: [ { virtual_storage: S }, { virtual_storage: I } ]\n  inputs: { order: { default: true } }\n")).mustOpen(t)
			if diff := cmp.Diff(tt.want, pkg.Descriptor.Flavours[0].Vdus[0].BootOrder); diff != "" || len(pkg.Findings) > 0 {
				t.Errorf("%s %v", diff, pkg.Findings)
			}
		})
	}
}

// The image is described by a property of its node until SOL001 v4.2.1, and by its artifact since v3.3.1.
func TestImageOfAnArtifact(t *testing.T) {
	t.Parallel()
	const artifact = `      artifacts:
        disk:
          type: x.Image
          file: ../Files/a.qcow2
          properties: { name: a, version: '2', checksum: { algorithm: SHA-256, hash: AB }, container_format: bare, disk_format: qcow2, min_disk: 1 GiB, size: 900 MB }
`
	pkg := small.with(main, template(vdu("A", "")+artifact+volume("S", artifact))+"artifact_types:\n  x.Image: { derived_from: tosca.artifacts.nfv.SwImage }\n", "Files/a.qcow2", "QFI").mustOpen(t)
	f := pkg.Descriptor.Flavours[0]
	want := vnfd.Image{
		ID: "A", Name: "a", Version: "2", Checksum: "sha-256:ab", Format: "qcow2", Container: "bare", MinDiskBytes: 1 << 30, SizeBytes: 900e6, File: "Files/a.qcow2",
	}
	if diff := cmp.Diff(&want, f.Vdus[0].Image); diff != "" {
		t.Error(diff)
	}
	want.ID = "S"
	if diff := cmp.Diff(&want, f.Storages[0].Image); diff != "" {
		t.Error(diff)
	}
}

// A virtual machine is one although its size stands in the wrong place, or nowhere; only what has no virtual_compute at all is
// taken for a container.
func TestVirtualCompute(t *testing.T) {
	t.Parallel()
	base := small.with(main, template(vdu("A", image("size: 1 GiB"))))
	for name, tt := range map[string]struct {
		pkg  files
		want vnfd.Vdu
	}{
		"properties":       {base, vnfd.Vdu{VCPUs: 1, MemoryBytes: 1 << 30, DiskBytes: 4 << 30}},
		"beside":           {base.replace("          properties:\n            virtual_cpu", "            virtual_cpu"), vnfd.Vdu{VCPUs: 1, MemoryBytes: 1 << 30, DiskBytes: 4 << 30}},
		"nothing":          {base.replace(properties, ""), vnfd.Vdu{}},
		"empty properties": {base.replace(properties, "          properties: {}\n"), vnfd.Vdu{}},
		"of its type": {
			small.with(main, template("    A: { type: x.Vdu }\n")+"node_types:\n  x.Vdu:\n    derived_from: tosca.nodes.nfv.Vdu.Compute\n    capabilities:\n      virtual_compute:\n        type: tosca.capabilities.nfv.VirtualCompute\n        properties: { virtual_cpu: { default: { num_virtual_cpu: 3 } } }\n"),
			vnfd.Vdu{VCPUs: 3},
		},
		"no capability": {base.replace("      capabilities:\n        virtual_compute:\n"+properties, ""), vnfd.Vdu{Container: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := tt.pkg.mustOpen(t).Descriptor.Flavours[0].Vdus[0]
			got := vnfd.Vdu{VCPUs: v.VCPUs, MemoryBytes: v.MemoryBytes, DiskBytes: v.DiskBytes, Container: v.Container}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
