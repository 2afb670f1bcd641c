package csar_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

const properties = `          properties:
            virtual_cpu: { num_virtual_cpu: 1 }
            virtual_memory: { virtual_mem_size: 1 GiB }
            virtual_local_storage: [ { size_of_storage: 4 GiB } ]
`

const etsiVnf = `node_types:
  x.Vnf:
    derived_from: tosca.nodes.nfv.VNF
    requirements:
      - outside: { capability: tosca.capabilities.nfv.VirtualLinkable }
`

// TestFindings has one tiny package for each deviation that is kept with a package, and rejects it in strict mode.
func TestFindings(t *testing.T) {
	t.Parallel()
	policies := func(more string) files { return small.with(main, template(vdu("A", "")+"  policies:\n"+more)) }
	aspect := "    - s: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { a: { max_scale_level: 2, step_deltas: [ d ] } } } }\n" +
		"    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 1 } }, targets: [ A ] }\n" +
		"    - d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: a, deltas: { d: { number_of_instances: 1 } } }, targets: [ A ] }\n"
	levels := "    - l: { type: tosca.policies.nfv.InstantiationLevels, properties: { levels: { zero: { scale_info: { a: { scale_level: 0 } } }, one: { scale_info: { a: { scale_level: 1 } } } }"
	cp := func(more string) files {
		return small.with(main, template(vdu("A", "")+link("10.0.0.0/24")+"    C:\n      type: tosca.nodes.nfv.VduCp\n"+more))
	}
	bound := "      requirements: [ { virtual_binding: A }, { virtual_link: net } ]\n"
	substitution := func(mapping string) files {
		return small.with(main, template(vdu("A", "")+link("10.0.0.0/24")+"    C:\n      type: tosca.nodes.nfv.VduCp\n"+bound+
			"  substitution_mappings:\n    node_type: x.Vnf\n    properties: { flavour_id: simple }\n    requirements:\n      "+mapping+"\n")+etsiVnf).
			replace("type: tosca.nodes.nfv.VNF\n      prop", "type: x.Vnf\n      prop")
	}
	for name, tt := range map[string]struct {
		pkg  files
		rule string
		at   string
	}{
		"no vnfm_info":                  {small.replace("vnfm_info: [ 'etsivnfm:v3.7.1' ]", "vnfm_info: []"), "vnfm-info", main + ":5: "},
		"odd vnfm_info":                 {small.replace("etsivnfm:v3.7.1", "Tacker"), "vnfm-info", main + ":13: "},
		"no CSAR-Version":               {small.with(meta, "Entry-Definitions: Definitions/main.yaml\n"), "bad-meta", meta + ":1: "},
		"unlisted file":                 {small.with("Definitions/x.txt", "x", "main.mf", "Source: Definitions/x.txt\nAlgorithm: SHA-256\nHash: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n"), "unlisted-files", meta + ": "},
		"manifest of another VNFD":      {small.with("main.mf", "metadata:\n  vnfd_id: v2\n"), "manifest-differs", "main.mf:2: "},
		"signed manifest":               {small.with("main.mf", "metadata:\n  vnfd_id: v1\n-----BEGIN CMS-----\nMIIF\n-----END CMS-----\n"), "signature-not-verified", "main.mf:3: "},
		"mapping of no requirement":     {substitution("nowhere: [ C, virtual_link ]"), "substitution-mapping", main},
		"mapping of no node":            {substitution("outside: [ D, virtual_link ]"), "substitution-mapping", main},
		"mapping of what is linked":     {substitution("outside: [ C, virtual_link ]"), "substitution-mapping", main},
		"levels contradict deltas":      {policies(aspect + levels + ", default_level: zero } }\n    - v: { type: tosca.policies.nfv.VduInstantiationLevels, properties: { levels: { one: { number_of_instances: 3 } } }, targets: [ A ] }\n"), "levels-contradict-deltas", main},
		"count outside the profile":     {policies("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 5 } }, targets: [ A ] }\n    - l: { type: tosca.policies.nfv.InstantiationLevels, properties: { levels: { only: {} } } }\n"), "count-outside-profile", main},
		"initial count outside":         {policies("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 5 } }, targets: [ A ] }\n"), "count-outside-profile", main},
		"no default level":              {policies(aspect + levels + " } }\n"), "no-default-level", main},
		"policy for no VDU":             {policies("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 1 } }, targets: [ B ] }\n"), "unknown-target", main},
		"deltas of no aspect":           {policies("    - d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: a, deltas: { d: { number_of_instances: 1 } } }, targets: [ A ] }\n"), "unknown-aspect", main},
		"sizes of no level":             {policies("    - v: { type: tosca.policies.nfv.VduInstantiationLevels, properties: { levels: { one: { number_of_instances: 3 } } }, targets: [ A ] }\n"), "unknown-level", main},
		"too few step_deltas":           {policies(strings.Replace(aspect, "max_scale_level: 2, step_deltas: [ d ]", "max_scale_level: 3, step_deltas: [ d, d ]", 1)), "step-deltas", main},
		"a step of no delta":            {policies(strings.Replace(aspect, "step_deltas: [ d ]", "step_deltas: [ e ]", 1)), "step-deltas", main},
		"bit rate of no link":           {policies(strings.Replace(aspect, "VduInitialDelta, properties: { initial_delta: { number_of_instances: 1 } }", "VirtualLinkBitrateInitialDelta, properties: { initial_delta: { bitrate_requirements: { root: 1 } } }", 1)), "unknown-target", main},
		"bit rates of no aspect":        {policies("    - d: { type: tosca.policies.nfv.VirtualLinkBitrateScalingAspectDeltas, properties: { aspect: a, deltas: { d: { bitrate_requirements: { root: 1 } } } }, targets: [] }\n"), "unknown-aspect", main},
		"bit rates of no level":         {policies("    - v: { type: tosca.policies.nfv.VirtualLinkInstantiationLevels, properties: { levels: { one: { bitrate_requirements: { root: 3 } } } }, targets: [] }\n"), "unknown-level", main},
		"rule for nothing":              {policies("    - r: { type: tosca.policies.nfv.AffinityRule, properties: { scope: zone }, targets: [ B ] }\n"), "unknown-target", main},
		"rule without a scope":          {policies("    - r: { type: tosca.policies.nfv.AffinityRule, targets: [ A ] }\n"), "affinity-scope", main},
		"min_disk 0":                    {small.with(main, template(vdu("A", image("min_disk: 0 GB")))), "implausible-size", main + ":21: "},
		"image larger than the disk":    {small.with(main, template(vdu("A", image("size: 12 GB")))), "implausible-size", main + ":21: "},
		"image wants more memory":       {small.with(main, template(vdu("A", image("min_ram: 2 GiB")))), "implausible-size", main + ":21: "},
		"no CPU":                        {small.with(main, template(vdu("A", ""))).replace("num_virtual_cpu: 1", "num_virtual_cpu: 0"), "implausible-size", main},
		"no memory":                     {small.with(main, template(vdu("A", ""))).replace("virtual_memory: { virtual_mem_size: 1 GiB }", "virtual_memory: {}"), "implausible-size", main},
		"storage without a size":        {small.with(main, template("    S: { type: tosca.nodes.nfv.Vdu.VirtualBlockStorage }\n")), "implausible-size", main + ":16: "},
		"size without a unit":           {small.with(main, template(vdu("A", ""))).replace("1 GiB", "1073741824"), "size-without-unit", main},
		"artifact file missing":         {small.with(main, template(vdu("A", image("size: 1 GiB"))+"      artifacts: { sw_image: { type: tosca.artifacts.nfv.SwImage, file: ../Files/x.img } }\n")), "artifact-missing", main + ":28: "},
		"boot data file missing":        {small.with(main, template(vdu("A", "        boot_data: { content_or_file_data: { source_path: ../x } }\n"))), "artifact-missing", main + ":21: "},
		"boot data without data":        {small.with(main, template(vdu("A", "        boot_data: { other: x }\n"))), "boot-data", main + ":21: "},
		"boot order of no storage":      {small.with(main, template(vdu("A", "        boot_order: [ S ]\n"))), "boot-order", main + ":21: "},
		"a variable of nobody":          {small.with(main, template(vdu("A", "        boot_data: '${HOME}'\n"))), "undeclared-variable", main + ":16: "},
		"unknown vnic_type":             {cp("      properties: { vnic_type: magic }\n" + bound), "vnic-type", main},
		"fixed IP outside its network":  {cp("      properties: { protocol: [ { address_data: [ { l3_address_data: { fixed_ip_address: [ 10.1.0.1 ] } } ] } ] }\n" + bound), "fixed-ip", main},
		"connection point of no VDU":    {cp("      properties: {}\n"), "cp-without-vdu", main},
		"external CP of nothing":        {small.with(main, template("    E: { type: tosca.nodes.nfv.VnfExtCp }\n")), "ext-cp-without-link", main + ":16: "},
		"node that is not provided for": {small.with(main, template("    M: { type: tosca.nodes.nfv.Mciop }\n")), "not-supported", main + ":16: "},
		"get_input of no input":         {small.with(main, template(vdu("A", "        description: { get_input: nothing }\n"))), "unknown-input", main + ":21: "},
		"scripts": {small.replace("        flavour_description: Simple.\n", "        flavour_description: Simple.\n      interfaces:\n        Vnflcm:\n          instantiate_start: run\n      artifacts: { run: ../run.sh }\n").
			with("run.sh", "#!/bin/sh\n"), "scripts-not-run", main},
		"pattern that is not understood": {small.with(main, template("")+"node_types:\n  x.Vnf:\n    derived_from: tosca.nodes.nfv.VNF\n    properties: { configurable_properties: { type: x.C } }\ndata_types:\n  x.C: { derived_from: tosca.datatypes.Root, properties: { p: { type: string, required: false, constraints: [ pattern: '(' ] } } }\n").
			replace("type: tosca.nodes.nfv.VNF\n      prop", "type: x.Vnf\n      prop"), "bad-pattern", main},
		"ETSI types not imported":       {small.replace("imports: [ etsi_nfv_sol001_vnfd_types.yaml ]\n", ""), "types-not-imported", main + ":1: "},
		"types of a release to come":    {small.replace("etsi_nfv_sol001_vnfd_types.yaml", "'https://forge.etsi.org/rep/nfv/SOL001/raw/v9.1.1/etsi_nfv_sol001_vnfd_types.yaml'"), "etsi-release", main + ":2: "},
		"import without a file":         {small.replace("imports: [ ", "imports: [ {}, { x: }, "), "empty-import", main + ":2: "},
		"change log missing":            {small.with(meta, small[meta]+"ETSI-Entry-Change-Log: ChangeLog.txt\n"), "meta-entry-missing", meta + ":5: "},
		"licences missing":              {small.with(meta, small[meta]+"ETSI-Entry-Licenses: Licenses/\n"), "meta-entry-missing", meta + ":5: "},
		"tests missing":                 {small.with(meta, small[meta]+"Entry-Tests: Tests\n"), "meta-entry-missing", meta + ":5: "},
		"certificate missing":           {small.with(meta, small[meta]+"ETSI-Entry-Certificate: vendor.cert\n"), "meta-entry-missing", meta + ":5: "},
		"manifest of another product":   {small.with("main.mf", "metadata:\n  vnf_product_name: Large\n"), "manifest-differs", "main.mf:2: "},
		"manifest of another provider":  {small.with("main.mf", "metadata:\n  vnf_provider_id: Other\n"), "manifest-differs", "main.mf:2: "},
		"manifest of other software":    {small.with("main.mf", "metadata:\n  vnf_software_version: '3.0'\n"), "manifest-differs", "main.mf:2: "},
		"manifest of another version":   {small.with("main.mf", "metadata:\n  vnf_package_version: '3.0'\n"), "manifest-differs", "main.mf:2: "},
		"nothing to run":                {small, "no-vdu", main + ":4: "},
		"nothing to boot from":          {small.with(main, template(vdu("A", ""))), "nothing-to-boot-from", main + ":16: "},
		"volumes that do not boot":      {small.with(main, template(volume("S", "")+vdu("A", "")+"      requirements: [ { virtual_storage: S } ]\n")), "nothing-to-boot-from", main},
		"boot order of a blank volume":  {small.with(main, template(volume("S", "")+volume("I", image("size: 1 GiB"))+vdu("A", "        boot_order: [ S, I ]\n")+"      requirements: [ { virtual_storage: S }, { virtual_storage: I } ]\n")), "boot-order", main},
		"virtual_compute says nothing":  {small.with(main, template(vdu("A", image("size: 1 GiB")))).replace(properties, ""), "virtual-compute", main + ":16: "},
		"virtual_compute beside itself": {small.with(main, template(vdu("A", image("size: 1 GiB")))).replace("          properties:\n            virtual_cpu", "            virtual_cpu"), "virtual-compute", main},
		"no virtual_compute":            {small.with(main, template("    A: { type: tosca.nodes.nfv.Vdu.Compute }\n")), "virtual-compute", main + ":16: "},
		"image without a name":          {small.with(main, template(vdu("A", "")+"      artifacts: { sw_image: { type: tosca.artifacts.nfv.SwImage, file: ../Files/disk.qcow2 } }\n"), "Files/disk.qcow2", "QFI"), "image-name", main + ":27: "},
		"more VNFCs than may be":        {policies("    - s: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { a: { max_scale_level: 3 } } } }\n    - d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: a, deltas: { d: { number_of_instances: 2000 } } }, targets: [ A ] }\n"), "exceeds-vnfcs", main},
		"a value known later":           {small.with(main, template(vdu("A", "        description: { get_attribute: [ SELF, private_address ] }\n"))), "runtime-value", main + ":21: "},
		"a property of nobody":          {small.with(main, template(vdu("A", "        description: { get_property: [ SELF, nothing ] }\n"))), "unknown-property", main + ":21: "},
		"a function of nobody":          {small.with(main, template(vdu("A", "        description: { get_property: [ B, name ] }\n"))), "unknown-reference", main + ":21: "},
		"an unused type of nothing":     {small.with(main, template("")+"artifact_types:\n  x.Y: { derived_from: no.such.Type }\n"), "unknown-type", main + ":17: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tt.pkg.zip(t)
			pkg, err := open(data, csar.Options{})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(pkg.Findings, func(f vnfd.Finding) bool { return f.Rule == tt.rule })
			if i < 0 {
				t.Fatalf("no finding %s: %v", tt.rule, pkg.Findings)
			}
			if at := pkg.Findings[i].At.String(); !strings.HasPrefix(at, tt.at) {
				t.Errorf("at %q, want %q", at, tt.at)
			}
			if _, err := open(data, csar.Options{Strict: true}); !slices.Contains(rules(err), tt.rule) {
				t.Errorf("strict mode does not reject it: %v", err)
			}
		})
	}
	t.Run("the smallest package that runs something has none", func(t *testing.T) {
		t.Parallel()
		runs := small.with(main, template(vdu("A", image("size: 1 GiB"))))
		if _, err := open(runs.zip(t), csar.Options{Strict: true}); err != nil {
			t.Error(err)
		}
	})
}
