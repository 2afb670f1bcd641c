package csar_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// functions is a template with a function wherever a value may stand, and what it would be without.
const functions = `
    net:
      type: tosca.nodes.nfv.VnfVirtualLink
      properties:
        connectivity_type: { layer_protocols: [ { get_input: protocol } ] }
        vl_profile:
          virtual_link_protocol_data:
            - l3_protocol_data: { ip_version: { get_input: protocol }, cidr: { concat: [ { get_input: net }, '.0/', '24' ] }, gateway_ip: { concat: [ { get_input: net }, '.1' ] } }
    S:
      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage
      properties:
        virtual_block_storage_data: { size_of_storage: { get_input: [ sizes, disk ] } }
    A:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: { concat: [ 'vdu-', { token: [ { get_property: [ VNF, descriptor_id ] }, '-', 1 ] } ] }
        vdu_profile: { min_number_of_instances: { get_input: least }, max_number_of_instances: { get_property: [ B, vdu_profile, max_number_of_instances ] } }
        boot_order: [ { concat: [ S ] } ]
        boot_data:
          content_or_file_data: { source_path: { get_artifact: [ SELF, init ] } }
        sw_image_data:
          name: { get_property: [ SELF, name ] }
          version: { get_attribute: [ VNF, software_version ] }
          checksum: { algorithm: { get_input: [ checksums, 0, algorithm ] }, hash: { get_input: [ checksums, 0, hash ] } }
      capabilities:
        virtual_compute:
          properties:
            virtual_cpu: { num_virtual_cpu: { get_property: [ B, virtual_compute, virtual_cpu, num_virtual_cpu ] } }
            virtual_memory: { get_property: [ B, virtual_compute, virtual_memory ] }
            virtual_local_storage: [ { size_of_storage: { get_input: [ sizes, disk ] } }, { get_input: second_disk } ]
      requirements: [ { virtual_storage: { get_input: storage } } ]
      artifacts:
        init: ../Files/init.sh
        sw_image: { type: tosca.artifacts.nfv.SwImage, file: { join: [ [ '..', Files, { get_input: file } ], '/' ] } }
    B:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: b
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 7 }
        boot_data: { kvp_data: { data: { host: { get_property: [ VNF, product_name ] }, list: [ { get_input: net }, plain ] } } }
        sw_image_data: { name: b, version: '1', checksum: { algorithm: sha-256, hash: CD } }
      capabilities: { virtual_compute: { properties: { virtual_cpu: { num_virtual_cpu: 3 }, virtual_memory: { virtual_mem_size: 2 GiB } } } }
    C:
      type: tosca.nodes.nfv.VduCp
      properties:
        order: { get_input: order }
        protocol: [ { address_data: [ { l3_address_data: { fixed_ip_address: [ { get_input: ip }, { concat: [ { get_property: [ SELF, virtual_link, base ] }, '.9' ] } ] } } ] } ]
      requirements: [ { virtual_binding: A }, { virtual_link: { node: net } } ]
  policies:
    - s: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { out: { max_scale_level: { get_input: steps }, step_deltas: [ { get_input: delta } ] } } } }
    - d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: { get_input: aspect }, deltas: { d: { number_of_instances: { get_input: least } } } }, targets: [ A ] }
    - r: { type: tosca.policies.nfv.AntiAffinityRule, properties: { scope: { get_input: scope } }, targets: [ { get_input: target }, B ] }
  inputs:
    protocol: { default: ipv4 }
    net: { default: 10.1.2 }
    ip: { default: { concat: [ { get_input: net }, '.7' ] } }
    sizes: { default: { disk: 5 GiB } }
    second_disk: { default: { size_of_storage: 1 GiB } }
    checksums: { default: [ { algorithm: sha-512, hash: EF } ] }
    least: { default: 2 }
    storage: { default: S }
    file: { default: a.img }
    order: { default: 4 }
    steps: { default: 2 }
    delta: { default: d }
    aspect: { default: out }
    scope: { default: zone }
    target: { default: A }
    given_later: { type: string }
`

func TestFunctionsEverywhere(t *testing.T) {
	t.Parallel()
	text := strings.Replace(template(functions), "descriptor_id: v1", "descriptor_id: vnf-7-x", 1)
	text = strings.Replace(text, "      type: tosca.nodes.nfv.VnfVirtualLink\n      properties:\n", "      type: tosca.nodes.nfv.VnfVirtualLink\n      properties:\n        base: 10.1.2\n", 1)
	pkg := small.with(main, text, "Files/init.sh", "#!/bin/sh", "Files/a.img", "x").mustOpen(t)
	if len(pkg.Findings) > 0 {
		t.Errorf("findings: %v", pkg.Findings)
	}
	f := pkg.Descriptor.Flavours[0]
	want := vnfd.Flavour{
		ID: "simple", Description: "Simple.",
		Vdus: []vnfd.Vdu{
			{
				ID: "A", Name: "vdu-7", Min: 2, Max: 7, VCPUs: 3, MemoryBytes: 2 << 30, DiskBytes: 6 << 30, Storages: []string{"S"}, BootOrder: []string{"S"},
				BootData: &vnfd.BootData{Content: "#!/bin/sh"},
				Image:    &vnfd.Image{ID: "A", Name: "vdu-7", Version: "2.0", Checksum: "sha-512:ef", File: "Files/a.img"},
			},
			{
				ID: "B", Name: "b", Min: 1, Max: 7, VCPUs: 3, MemoryBytes: 2 << 30,
				BootData: &vnfd.BootData{Content: `{"host":"Small","list":["10.1.2","plain"]}`},
				Image:    &vnfd.Image{ID: "B", Name: "b", Version: "1", Checksum: "sha-256:cd"},
			},
		},
		Storages: []vnfd.Storage{{ID: "S", Type: "BLOCK", SizeBytes: 5 << 30, PerVnfc: true}},
		Links: []vnfd.VirtualLink{{ID: "net", Protocols: []string{"ipv4"}, Subnets: []vnfd.SubnetProfile{
			{IPVersion: 4, CIDR: "10.1.2.0/24", Gateway: "10.1.2.1", DHCP: true},
		}}},
		Cps:      []vnfd.VduCp{{ID: "C", Vdu: "A", Order: 4, Link: "net", FixedIPs: []string{"10.1.2.7", "10.1.2.9"}}},
		Aspects:  []vnfd.Aspect{{ID: "out", MaxLevel: 2, Steps: map[string][]int{"A": {2, 2}}}},
		Affinity: []vnfd.AffinityRule{{ID: "r", Scope: "zone", Vdus: []string{"A", "B"}}},
	}
	if diff := cmp.Diff(want, f, noPositions); diff != "" {
		t.Error(diff)
	}
}

// What a list or map holds of an input without a value is left out; whoever needs it says so.
func TestFunctionsWithoutAValue(t *testing.T) {
	t.Parallel()
	const cp = "    C:\n      type: tosca.nodes.nfv.VduCp\n      properties: { protocol: [ { address_data: [ { l3_address_data: { fixed_ip_address: [ { get_input: ip } ] } } ] } ] }\n      requirements: [ { virtual_binding: A } ]\n  inputs: { ip: { type: string } }\n"
	pkg := small.with(main, template(vdu("A", image("size: 1 GiB"))+cp)).mustOpen(t)
	if ips := pkg.Descriptor.Flavours[0].Cps[0].FixedIPs; len(ips) != 0 || len(pkg.Findings) > 0 {
		t.Errorf("%v, %v", ips, pkg.Findings)
	}
}

// Declared properties, their defaults and constraints follow functions, too.
func TestFunctionsInDeclaredProperties(t *testing.T) {
	t.Parallel()
	text := strings.Replace(template("  inputs: { level: { default: info }, levels: { default: [ info, debug ] } }\n"), "type: tosca.nodes.nfv.VNF\n      properties:\n", "type: x.Vnf\n      properties:\n        configurable_properties: { log: { level: { get_input: level } }, list: [ { get_input: level } ] }\n", 1)
	text += `node_types:
  x.Vnf: { derived_from: tosca.nodes.nfv.VNF, properties: { configurable_properties: { type: x.C } } }
data_types:
  x.C:
    derived_from: tosca.datatypes.Root
    properties:
      log: { type: x.L }
      list: { type: list, entry_schema: { type: string, constraints: [ valid_values: { get_input: levels } ] } }
      name: { type: string, default: { concat: [ { get_property: [ VNF, provider ] }, '-', { get_input: level } ] } }
  x.L: { derived_from: tosca.datatypes.Root, properties: { level: { type: string } } }
`
	got := map[string]string{}
	for _, p := range small.with(main, text).mustOpen(t).Descriptor.Configurable {
		got[p.Name] = string(p.Initial)
		if p.Name == "list" {
			var schema struct{ Items struct{ Enum []string } }
			if err := json.Unmarshal(p.Schema, &schema); err != nil || !slices.Equal(schema.Items.Enum, []string{"info", "debug"}) {
				t.Errorf("%s: %v", p.Schema, err)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"log": `{"level":"info"}`, "list": `["info"]`, "name": `"Example-info"`}, got); diff != "" {
		t.Error(diff)
	}
}

// A script may be named by get_artifact; what it is given when it runs is nobody's concern here, because none ever runs.
func TestFunctionsOfScripts(t *testing.T) {
	t.Parallel()
	pkg := small.replace("        flavour_description: Simple.\n", `        flavour_description: Simple.
      interfaces:
        Vnflcm:
          operations:
            instantiate_start:
              implementation: { primary: { get_artifact: [ SELF, run ] } }
              inputs: { address: { get_attribute: [ SELF, address ] } }
      artifacts: { run: ../run.sh }
`).with("run.sh", "#!/bin/sh\n").mustOpen(t)
	want := []vnfd.Script{{Operation: "instantiate_start", Artifact: "../run.sh", File: "run.sh"}}
	if diff := cmp.Diff(want, pkg.Descriptor.Flavours[0].Scripts, noPositions); diff != "" || slices.Contains(found(pkg), "runtime-value") {
		t.Errorf("%s %v", diff, pkg.Findings)
	}
}

func TestFunctionsThatFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ value, more, rule string }{
		"an input of itself":             {"{ get_input: a }", "  inputs: { a: { default: { get_input: b } }, b: { default: { get_input: a } } }\n", "function-cycle"},
		"a property of itself":           {"{ get_property: [ SELF, description ] }", "", "function-cycle"},
		"concat of a list":               {"{ concat: [ a, [ b ] ] }", "", "bad-value"},
		"token without such a part":      {"{ token: [ a.b, '.', 2 ] }", "", "bad-value"},
		"token with an index that is no": {"{ token: [ a.b, '.', x ] }", "", "bad-value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(small.with(main, template(vdu("A", "        description: "+tt.value+"\n")+tt.more)).zip(t), csar.Options{})
			if got := rules(err); !slices.Equal(got, []string{tt.rule}) {
				t.Errorf("%v, want %s: %v", got, tt.rule, err)
			}
		})
	}
	t.Run("what only looks like a function is data", func(t *testing.T) {
		t.Parallel()
		b := small.with(main, template(vdu("A", "        boot_data: { kvp_data: { data: { token: secret, get_property: x, nested: { concat: 1 } } } }\n"))).mustOpen(t).Descriptor.Flavours[0].Vdus[0].BootData
		if want := `{"get_property":"x","nested":{"concat":1},"token":"secret"}`; b.Content != want {
			t.Errorf("%s, want %s", b.Content, want)
		}
	})
}
