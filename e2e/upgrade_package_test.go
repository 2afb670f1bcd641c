package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// release is a version of a package whose VNFs have some VNFCs, each with a port.
func release(t *testing.T, version, vnfcs int) (csar []byte, vnfdID string) {
	t.Helper()
	vnfdID = fmt.Sprintf("00000000-0000-4000-900%d-%012d", version, vnfcs)
	files := map[string]string{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.1\nCSAR-Version: 1.1\nCreated-By: tests\nEntry-Definitions: Definitions/vnfd.yaml\nETSI-Entry-Manifest: vnf.mf\nETSI-Entry-Change-Log: ChangeLog.txt\n",
		"ChangeLog.txt":             "1.0\n",
		"vnf.mf":                    "metadata:\nvnf_product_name: Many\nvnf_provider_id: Tests\nvnf_package_version: '$V.0'\nvnf_release_date_time: 2026-01-01T00:00:00+00:00\n",
		"Definitions/vnfd.yaml":     manyVnfd,
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	fill := strings.NewReplacer("$ID", vnfdID, "$N", strconv.Itoa(vnfcs), "$V", strconv.Itoa(version))
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(fill.Replace(content))); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), vnfdID
}

const manyVnfd = `tosca_definitions_version: tosca_simple_yaml_1_2
imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
node_types:
  tests.Many:
    derived_from: tosca.nodes.nfv.VNF
    properties:
      descriptor_id: { type: string, default: "$ID" }
      descriptor_version: { type: string, default: "$V.0" }
      provider: { type: string, default: Tests }
      product_name: { type: string, default: Many }
      software_version: { type: string, default: "$V.0" }
      vnfm_info: { type: list, entry_schema: { type: string }, default: [ "0:vnfm" ] }
      flavour_id: { type: string, default: f }
      flavour_description: { type: string, default: one }
topology_template:
  substitution_mappings: { node_type: tests.Many, properties: { flavour_id: f } }
  node_templates:
    VNF: { type: tests.Many, properties: { flavour_description: one } }
    vdu:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: vdu
        description: a machine
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: $N }
        sw_image_data: { name: many-$V, version: "$V.0", checksum: { algorithm: sha-256, hash: 7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded9773$V }, container_format: bare, disk_format: qcow2, min_disk: 1 GiB, size: 1 GiB }
      capabilities:
        virtual_compute:
          properties:
            virtual_memory: { virtual_mem_size: 512 MiB }
            virtual_cpu: { num_virtual_cpu: 1 }
            virtual_local_storage: [ { size_of_storage: 3 GiB } ]
    cp:
      type: tosca.nodes.nfv.VduCp
      properties: { layer_protocols: [ ipv4 ], order: 0 }
      requirements: [ { virtual_binding: vdu }, { virtual_link: vl } ]
    vl:
      type: tosca.nodes.nfv.VnfVirtualLink
      properties:
        connectivity_type: { layer_protocols: [ ipv4 ] }
        description: a link
        vl_profile:
          max_bitrate_requirements: { root: 1000000 }
          min_bitrate_requirements: { root: 1000 }
          virtual_link_protocol_data:
            - associated_layer_protocol: ipv4
              l3_protocol_data: { ip_version: ipv4, cidr: 10.0.0.0/16, dhcp_enabled: true }
  policies:
    - initial: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: $N } }, targets: [ vdu ] }
`

// vnfcs lists the ids of a VNF's VNFCs.
func (d *daemon) vnfcs(vnf string) []string {
	d.t.Helper()
	var out []string
	all, _ := field(field(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil), "instantiatedVnfInfo"), "vnfcResourceInfo").([]any)
	for _, c := range all {
		out = append(out, text(c, "id"))
	}
	slices.Sort(out)
	return out
}

// delete tries to delete a package, which is disabled for that, and returns the answer.
func (d *daemon) delete(pkg string) int {
	d.t.Helper()
	path := "/vnfpkgm/v2/vnf_packages/" + pkg
	if text(d.must(200, "GET", path, nil), "operationalState") == "ENABLED" {
		d.must(200, "PATCH", path, map[string]any{"operationalState": "DISABLED"})
	}
	code, _ := d.call("DELETE", path, nil)
	return code
}

// ended waits, longer than others do, until an operation has ended or needs somebody.
func (d *daemon) ended(op, want string) {
	d.t.Helper()
	var v any
	for range 5 {
		state := ""
		begun := time.Now()
		d.await("the operation "+op, func() bool {
			all, _ := d.must(200, "GET", "/vnflcm/v2/vnf_lcm_op_occs?exclude_fields=resourceChanges&filter=(eq,id,"+op[strings.LastIndexByte(op, '/')+1:]+")", nil).([]any)
			if len(all) == 1 {
				v = all[0]
			}
			state = text(v, "operationState")
			return state == "COMPLETED" || state == "FAILED" || state == "ROLLED_BACK" || state == "FAILED_TEMP" || time.Since(begun) > 50*time.Second
		})
		if state == want {
			return
		}
		if state == "COMPLETED" || state == "FAILED" || state == "ROLLED_BACK" || state == "FAILED_TEMP" {
			break
		}
	}
	d.t.Fatalf("ended %v, want %s: %v", text(v, "operationState"), want, field(v, "error"))
}

// A change of package that is killed in the middle goes on, in each way: the VNF has as many VNFCs as before, those that it had where they are
// changed, and nothing is left at the VIM. Both packages are in use until it has landed, and then the new one is. One that fails is undone by
// the API, to the VNFCs that were there.
func TestKilledInTheMiddleOfAChangeOfPackageItGoesOn(t *testing.T) {
	for _, c := range []struct {
		backend string
		vnfcs   int
		params  map[string]any
		fails   string // what the VIM refuses so that it fails
	}{
		{"sqlite", 1, map[string]any{"batchSize": 1}, "change"}, {"sqlite", 1, map[string]any{"blueGreen": true}, "reserve"},
		{"sqlite", 100, map[string]any{"batchSize": 40}, "change"}, {"sqlite", 100, map[string]any{"blueGreen": true}, "reserve"},
		{"postgres", 100, map[string]any{"batchSize": 40}, "change"}, {"postgres", 100, map[string]any{"blueGreen": true}, "reserve"},
		{"sqlite", 1000, map[string]any{"batchSize": 0}, "change"},
	} {
		t.Run(fmt.Sprint(c.backend, ", ", c.vnfcs, ", ", c.params), func(t *testing.T) {
			d := startDaemon(t, backends[c.backend](t)...)
			one, oneID := release(t, 1, c.vnfcs)
			two, twoID := release(t, 2, c.vnfcs)
			pkg1, pkg2 := d.onboard(one), d.onboard(two)
			vnf := d.create(oneID, "many")
			local := func(op string) string { return op[strings.Index(op, "/vnflcm"):] }
			d.ended(local(d.begin(vnf, "instantiate", map[string]any{"flavourId": "f"})), "COMPLETED")
			want := map[string]int{"compute": c.vnfcs, "port": c.vnfcs, "network": 1, "subnet": 1}
			counts := func(when string) {
				t.Helper()
				if err := sameCounts(d.inventory(vnf), want); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			counts("instantiated")
			was := d.vnfcs(vnf)
			change := func() string {
				t.Helper()
				return local(d.begin(vnf, "change_vnfpkg", map[string]any{"vnfdId": twoID, "additionalParams": c.params}))
			}

			d.behave(0, map[string]any{"on": c.fails, "outcome": "permanent", "times": 1})
			op := change()
			d.ended(op, "FAILED_TEMP")
			d.must(202, "POST", op+"/rollback", nil)
			d.ended(op, "ROLLED_BACK")
			counts("undone")
			if now := d.vnfcs(vnf); !slices.Equal(now, was) {
				t.Errorf("undone it has %d VNFCs, not those that it had", len(now))
			}

			d.behave(3 * time.Second)
			before := d.revisions(vnf)
			op = change()
			d.await("progress", func() bool { return d.revisions(vnf) != before })
			d.kill()
			d.start()
			if a, b := d.delete(pkg1), d.delete(pkg2); a != 409 || b != 409 {
				t.Errorf("the packages can be deleted meanwhile: %d, %d", a, b)
			}
			d.behave(0)
			d.ended(op, "COMPLETED")
			counts("changed")
			if now := d.vnfcs(vnf); len(now) != len(was) || slices.Equal(now, was) == (c.params["blueGreen"] == true) {
				t.Errorf("%d VNFCs, %d before", len(now), len(was))
			}
			if v := d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil); text(v, "vnfdId") != twoID || text(v, "vnfSoftwareVersion") != "2.0" {
				t.Errorf("of %s", text(v, "vnfdId"))
			}
			if a, b := d.delete(pkg1), d.delete(pkg2); a != 204 || b != 409 {
				t.Errorf("deleting the old package is answered %d, the new one %d", a, b)
			}
			d.ended(local(d.begin(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"})), "COMPLETED")
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A change of flavour, or of external connectivity, that fails is undone by the API to what was there.
func TestChangesThatFailAreUndone(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, args(t)...)
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
			was, vnfcs := d.tokens(vnf), d.vnfcs(vnf)
			for _, c := range []struct {
				task, refuses string
				body          map[string]any
			}{
				{"change_flavour", "reserve", map[string]any{"newFlavourId": "redundant"}},
				{"change_ext_conn", "change", map[string]any{"extVirtualLinks": []any{map[string]any{
					"id": "e", "resourceId": "outside-b", "extCps": []any{map[string]any{"cpdId": "gateway_outside", "cpConfig": map[string]any{"default": dynamic}}},
				}}}},
			} {
				d.behave(0, map[string]any{"on": c.refuses, "outcome": "permanent", "times": 1})
				op := d.begin(vnf, c.task, c.body)
				op = op[strings.Index(op, "/vnflcm"):]
				d.ended(op, "FAILED_TEMP")
				d.must(202, "POST", op+"/rollback", nil)
				d.kill()
				d.start()
				d.ended(op, "ROLLED_BACK")
				if now := d.tokens(vnf); len(now) != len(was) || !slices.Equal(d.vnfcs(vnf), vnfcs) {
					t.Errorf("%s: was %v\nis  %v", c.task, was, now)
				}
			}
			d.behave(0)
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}
