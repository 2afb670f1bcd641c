package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// operationSizes are the VNFCs of the VNFs whose operations are measured; costs are given against those of the second.
//
//nolint:gochecknoglobals // data
var operationSizes = []int{1, 10, 100, 1000}

// operation is one to be measured: what is posted, in turn, to a VNF.
type operation struct {
	name  string
	whole bool // it touches every VNFC: costs are given for each
	steps []step
}

type step struct{ task, body string }

// onOne repeats what touches one VNFC, which costs little.
const onOne = 20

// measureOperations says what each operation costs in VNFs of some sizes: those of one VNFC what the operation does, those of all what each VNFC does.
func measureOperations(ctx context.Context, t table) error {
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "vnfmd")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/vnfmd").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, out)
	}
	p, err := launch(ctx, bin, []string{"serve", "--data=" + filepath.Join(dir, "data"), "--log-level=error", "--operation-step-timeout=10s"})
	if err != nil {
		return err
	}
	defer p.stop()
	base := map[string]time.Duration{}
	for _, n := range operationSizes {
		l := &load{url: p.url, flavour: "f", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
		to := &load{url: p.url, client: l.client}
		for into, kind := range map[*load]string{l: "1", to: "2"} {
			csar, err := changeable(n, kind)
			if err != nil {
				return err
			}
			if err := into.onboard(ctx, csar); err != nil {
				return err
			}
		}
		id, err := l.create(ctx)
		if err != nil {
			return err
		}
		if err := l.operate(ctx, id, "instantiate", `{"flavourId":"f"}`); err != nil {
			return fmt.Errorf("%d VNFCs: instantiate: %w", n, err)
		}
		if err := l.measureEach(ctx, t, p, id, n, to.vnfd, base); err != nil {
			return fmt.Errorf("%d VNFCs: %w", n, err)
		}
	}
	return nil
}

// measureEach measures the operations of one VNF.
func (l *load) measureEach(ctx context.Context, t table, p *program, id string, n int, other string, base map[string]time.Duration) error {
	var vnf struct {
		Info struct {
			Vnfcs []struct {
				ID, VduID string
			} `json:"vnfcResourceInfo"`
		} `json:"instantiatedVnfInfo"`
	}
	if _, err := l.call(ctx, "GET", "/vnflcm/v2/vnf_instances/"+id, nil, &vnf); err != nil {
		return err
	}
	one := vnf.Info.Vnfcs[0].ID
	var infos [2]struct{ ID string }
	for i := range infos {
		if _, err := l.call(ctx, "POST", "/vnflcm/v2/vnf_snapshots", strings.NewReader(`{}`), &infos[i]); err != nil {
			return err
		}
	}
	link := func(network string) string {
		return `{"extVirtualLinks":[{"id":"l","resourceId":"` + network + `","extCps":[{"cpdId":"out","cpConfig":{"c":{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","numDynamicAddresses":1}]}}]}}}]}]}`
	}
	of := `"vnfcInstanceId":["` + one + `"]`
	for _, o := range []operation{
		{"scale out and in by one VNFC", false, []step{{"scale", `{"type":"SCALE_OUT","aspectId":"more"}`}, {"scale", `{"type":"SCALE_IN","aspectId":"more"}`}}},
		{"scale to level, one VNFC more and less", false, []step{
			{"scale_to_level", `{"scaleInfo":[{"aspectId":"more","scaleLevel":1}]}`}, {"scale_to_level", `{"scaleInfo":[{"aspectId":"more","scaleLevel":0}]}`},
		}},
		{"heal one VNFC", false, []step{{"heal", `{` + of + `}`}}},
		{"stop and start one VNFC", false, []step{{"operate", `{"changeStateTo":"STOPPED",` + of + `}`}, {"operate", `{"changeStateTo":"STARTED",` + of + `}`}}},
		{"change the connection of one port", false, []step{{"change_ext_conn", link("external")}, {"change_ext_conn", link("external-2")}}},
		{"snapshot of one VNFC", true, []step{{"create_snapshot", `{"vnfSnapshotInfoId":"` + infos[0].ID + `","vnfcInstanceId":"` + one + `"}`}}},
		{"revert one VNFC", false, []step{{"revert_to_snapshot", `{"vnfSnapshotInfoId":"` + infos[0].ID + `","vnfcInstanceId":"` + one + `"}`}}},
		{"stop and start", true, []step{{"operate", `{"changeStateTo":"STOPPED"}`}, {"operate", `{"changeStateTo":"STARTED"}`}}},
		{"heal", true, []step{{"heal", `{}`}}},
		{"snapshot", true, []step{{"create_snapshot", `{"vnfSnapshotInfoId":"` + infos[1].ID + `"}`}}},
		{"revert", true, []step{{"revert_to_snapshot", `{"vnfSnapshotInfoId":"` + infos[1].ID + `"}`}}},
		{"change the flavour, there and back", true, []step{{"change_flavour", `{"newFlavourId":"g"}`}, {"change_flavour", `{"newFlavourId":"f"}`}}},
		{"change the package, there and back", true, []step{{"change_vnfpkg", `{"vnfdId":"` + other + `"}`}, {"change_vnfpkg", `{"vnfdId":"` + l.vnfd + `"}`}}},
	} {
		repeat, per, unit := onOne, len(o.steps), "an operation"
		if o.whole {
			repeat, per, unit = 1, len(o.steps)*(n+1), "a VNFC"
			if o.name == "snapshot of one VNFC" {
				per, unit = 1, "an operation, once"
			}
		}
		run := func() error {
			for _, s := range o.steps {
				if err := l.operate(ctx, id, s.task, s.body); err != nil {
					return fmt.Errorf("%s: %w", o.name, err)
				}
			}
			return nil
		}
		if !o.whole {
			if err := run(); err != nil { // for whatever is done once
				return err
			}
		}
		before, begin := p.cpu(), time.Now()
		for range repeat {
			if err := run(); err != nil {
				return err
			}
		}
		each := (p.cpu() - before) / time.Duration(repeat*per)
		if base[o.name] == 0 && n == operationSizes[1] {
			base[o.name] = each
		}
		against := ""
		if b := base[o.name]; b > 0 {
			against = fmt.Sprintf("× %.2f of that at %d; ", float64(each)/float64(b), operationSizes[1])
		}
		t.row(fmt.Sprintf("VNF of %d VNFCs: %s", n, o.name), fmt.Sprintf("%.1f ms of processor time %s", ms(each), unit),
			fmt.Sprintf("%s%.2f s for %d operations", against, time.Since(begin).Seconds(), repeat*len(o.steps)))
		_ = t.w.Flush()
	}
	return l.operate(ctx, id, "terminate", `{"terminationType":"FORCEFUL"}`)
}

// changeable is a package whose VNF has n VNFCs, and one with an external port, in two flavours. Packages of two kinds differ in the image.
func changeable(n int, kind string) ([]byte, error) {
	id := fmt.Sprintf("00000000-0000-4000-8%s00-%012d", kind, n)
	files := map[string]string{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.1\nCSAR-Version: 1.1\nCreated-By: bench\nEntry-Definitions: Definitions/vnfd.yaml\nETSI-Entry-Manifest: vnf.mf\nETSI-Entry-Change-Log: ChangeLog.txt\n",
		"ChangeLog.txt":             "1.0\n",
		"vnf.mf":                    "metadata:\nvnf_product_name: Changeable\nvnf_provider_id: Bench\nvnf_package_version: '1.0'\nvnf_release_date_time: 2026-01-01T00:00:00+00:00\n",
	}
	for name, text := range map[string]string{"vnfd": changeableEntry, "types": changeableTypes, "df_f": changeableFlavour, "df_g": changeableFlavour} {
		flavour, memory := strings.TrimPrefix(name, "df_"), "512"
		if flavour == "g" {
			memory = "1024"
		}
		files["Definitions/"+name+".yaml"] = strings.NewReplacer("$MEMORY", memory, "$ID", id, "$N", strconv.Itoa(n), "$M", strconv.Itoa(n+1), "$F", flavour, "$KIND", kind).Replace(text)
	}
	return zipped(files)
}

const changeableEntry = `tosca_definitions_version: tosca_simple_yaml_1_2
imports: [ etsi_nfv_sol001_vnfd_types.yaml, types.yaml, df_f.yaml, df_g.yaml ]
topology_template:
  inputs: { selected_flavour: { type: string } }
  node_templates:
    VNF:
      type: bench.Changeable
      properties:
        flavour_id: { get_input: selected_flavour }
        descriptor_id: "$ID"
        descriptor_version: "$KIND"
        provider: Bench
        product_name: Changeable
        software_version: "$KIND"
        vnfm_info: [ "0:vnfm" ]
`

const changeableTypes = `tosca_definitions_version: tosca_simple_yaml_1_2
imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
node_types:
  bench.Changeable:
    derived_from: tosca.nodes.nfv.VNF
    properties:
      descriptor_id: { type: string, default: "$ID" }
      descriptor_version: { type: string, default: "$KIND" }
      provider: { type: string, default: Bench }
      product_name: { type: string, default: Changeable }
      software_version: { type: string, default: "$KIND" }
      vnfm_info: { type: list, entry_schema: { type: string }, default: [ "0:vnfm" ] }
      flavour_id: { type: string, default: f }
      flavour_description: { type: string, default: one }
`

const changeableFlavour = `tosca_definitions_version: tosca_simple_yaml_1_2
imports: [ etsi_nfv_sol001_vnfd_types.yaml, types.yaml ]
topology_template:
  substitution_mappings:
    node_type: bench.Changeable
    properties: { flavour_id: $F }
    requirements: { virtual_link: [ out, virtual_link ] }
  node_templates:
    VNF: { type: bench.Changeable, properties: { flavour_description: one } }
    vdu:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: vdu
        description: a machine
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: $M }
        sw_image_data: { name: image-$KIND, version: "0.4", checksum: { algorithm: sha-256, hash: 7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded9773$KIND }, container_format: bare, disk_format: qcow2, min_disk: 1 GiB, size: 1 GiB }
      capabilities: &capabilities
        virtual_compute:
          properties:
            virtual_memory: { virtual_mem_size: $MEMORY MiB }
            virtual_cpu: { num_virtual_cpu: 1 }
            virtual_local_storage: [ { size_of_storage: 3 GiB } ]
    edge:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: edge
        description: the machine at the edge
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 1 }
        sw_image_data: { name: image-$KIND, version: "0.4", checksum: { algorithm: sha-256, hash: 7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded9773$KIND }, container_format: bare, disk_format: qcow2, min_disk: 1 GiB, size: 1 GiB }
      capabilities: *capabilities
    out:
      type: tosca.nodes.nfv.VduCp
      properties: { layer_protocols: [ ipv4 ], order: 0 }
      requirements: [ { virtual_binding: edge } ]
` + sizedRest
