package shapes

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
)

// Small and Large are the flavours of Containers, and Fronts is an aspect of both.
const (
	Small  = "small"
	Large  = "large"
	Fronts = "more"
)

// ByManifests and ByCharts are the additionalParams that have a flavour of Containers made, by flavour.
//
//nolint:gochecknoglobals // data
var (
	ByManifests = map[string]map[string]any{
		Small: {"lcm-kubernetes-def-files": []string{"Files/config.yaml", "Files/front.yaml", "Files/back.yaml"}},
		Large: {"lcm-kubernetes-def-files": []string{"Files/front.yaml", "Files/cache.yaml"}},
	}
	ByCharts = map[string]map[string]any{
		Small: {"using_helm_install_param": []any{release("app")}, "vdu_mapping": map[string]any{"front": made("front", "app"), "back": made("back", "app")}},
		Large: {
			"using_helm_install_param": []any{release("app"), release("side")}, "vdu_mapping": map[string]any{"front": made("front", "app"), "cache": made("cache", "side")},
		},
	}
)

func release(name string) map[string]any {
	return map[string]any{"helmchartfile_path": "Files/" + name, "helmreleasename": name}
}

func made(name, release string) map[string]any {
	return map[string]any{"kind": "Deployment", "name": name, "helmreleasename": release}
}

// Containers returns a package of containers, in a version, of two flavours of two VDUs: both have "front", which an aspect scales; Small has "back" beside it,
// and Large "cache". They are made by manifests, or by charts of which one comes and goes with the flavour and the other makes other VDUs. Counts are the
// initial VNFCs by VDU. The objects, and the files of the charts, are others than those of another version. A cluster takes them as they are.
func Containers(vnfdID string, version int, counts map[string]int) []byte {
	const main = `tosca_definitions_version: tosca_simple_yaml_1_3
imports: [ etsi_nfv_sol001_vnfd_types.yaml, types.yaml, small.yaml, large.yaml ]
topology_template:
  inputs:
    selected_flavour: { type: string }
  node_templates:
    VNF:
      type: vnfm.shapes.Containers
      properties:
        flavour_id: { get_input: selected_flavour }
        descriptor_id: %[1]s
        descriptor_version: '%[2]d.0'
        provider: vnfm
        product_name: Containers
        software_version: '%[2]d.0'
        vnfm_info: [ 'etsivnfm:v3.7.1' ]
`
	const types = `tosca_definitions_version: tosca_simple_yaml_1_3
imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
node_types:
  vnfm.shapes.Containers:
    derived_from: tosca.nodes.nfv.VNF
    properties:
      descriptor_id: { type: string, default: %[1]s }
      descriptor_version: { type: string, default: '%[2]d.0' }
      provider: { type: string, default: vnfm }
      product_name: { type: string, default: Containers }
      software_version: { type: string, default: '%[2]d.0' }
      vnfm_info: { type: list, entry_schema: { type: string }, default: [ 'etsivnfm:v3.7.1' ] }
      flavour_id: { type: string, constraints: [ valid_values: [ small, large ] ], default: small }
      flavour_description: { type: string, default: flavour }
    interfaces:
      Vnflcm: { type: tosca.interfaces.nfv.Vnflcm }
`
	files := map[string]string{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: vnfm\nEntry-Definitions: Definitions/main.yaml\n",
		"Definitions/main.yaml":     fmt.Sprintf(main, vnfdID, version),
		"Definitions/types.yaml":    fmt.Sprintf(types, vnfdID, version),
		"Definitions/small.yaml":    containerFlavour(Small, "back", counts),
		"Definitions/large.yaml":    containerFlavour(Large, "cache", counts),
		"Files/config.yaml":         fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: config }\ndata: { version: '%d' }\n", version),
	}
	order := []string{"TOSCA-Metadata/TOSCA.meta", "Definitions/main.yaml", "Definitions/types.yaml", "Definitions/small.yaml", "Definitions/large.yaml", "Files/config.yaml"}
	for _, name := range []string{"front", "back", "cache"} {
		at := "Files/" + name + ".yaml"
		files[at] = fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: { name: %[1]s }
spec:
  replicas: 1
  selector: { matchLabels: { app: %[1]s } }
  template: { metadata: { labels: { app: %[1]s } }, spec: { containers: [ { name: %[1]s, image: '%[1]s:%[2]d' } ] } }
`, name, version)
		order = append(order, at)
	}
	for _, chart := range []struct {
		name  string
		makes []string
	}{{"app", []string{"config", "front", "back"}}, {"side", []string{"cache"}}} {
		at := "Files/" + chart.name + "/Chart.yaml"
		files[at] = fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %d.0.0\n", chart.name, version)
		order = append(order, at)
		for _, name := range chart.makes {
			at := "Files/" + chart.name + "/templates/" + name + ".yaml"
			files[at] = files["Files/"+name+".yaml"]
			order = append(order, at)
		}
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range order {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			panic(err) // into memory
		}
	}
	if err := z.Close(); err != nil {
		panic(err) // as above
	}
	return buf.Bytes()
}

// containerFlavour is the template of a flavour of Containers.
func containerFlavour(id, other string, counts map[string]int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `tosca_definitions_version: tosca_simple_yaml_1_3
imports: [ etsi_nfv_sol001_vnfd_types.yaml, types.yaml ]
topology_template:
  inputs:
    descriptor_id: { type: string }
    flavour_id: { type: string }
  substitution_mappings:
    node_type: vnfm.shapes.Containers
    properties: { flavour_id: %s }
  node_templates:
    VNF:
      type: vnfm.shapes.Containers
      properties: { flavour_description: Containers. }
`, id)
	for _, vdu := range []string{"front", other} {
		fmt.Fprintf(&b, `    %[1]s:
      type: tosca.nodes.nfv.Vdu.OsContainerDeployableUnit
      properties:
        name: %[1]s
        description: Pods.
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 4 }
`, vdu)
	}
	b.WriteString("  policies:\n    - aspects: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { more: { name: more, description: more, max_scale_level: 2, step_deltas: [ one ] } } } }\n")
	for _, vdu := range []string{"front", other} {
		fmt.Fprintf(&b, "    - %[1]s_initial: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: %[2]d } }, targets: [ %[1]s ] }\n", vdu, counts[vdu])
	}
	b.WriteString("    - front_more: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: more, deltas: { one: { number_of_instances: 1 } } }, targets: [ front ] }\n")
	return b.String()
}
