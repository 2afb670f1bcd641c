package simulation

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// packageRef is a package that instances can be created of.
type packageRef struct {
	vnfdID   string
	content  []byte
	next     *packageRef // in another version; nil: there is none
	units    bool        // it is of containers
	flavours []flavourRef
}

// drawPolicies are what the site says that follows a failure: for some operations nothing, so that the descriptor's word
// counts, or else the default. Of TERMINATE the settings allow no other than to hold.
func (w *world) drawPolicies() map[vnf.Operation]saga.Policy {
	all := map[vnf.Operation]saga.Policy{}
	if p := pick(w.rng, []saga.Policy{"", saga.Rollback, saga.Hold}); p != "" {
		all[vnf.OpInstantiate] = p
	}
	if w.rng.IntN(2) == 0 {
		all[vnf.OpTerminate] = saga.Hold
	}
	if w.rng.IntN(2) == 0 {
		all[vnf.OpOperate], all[vnf.OpScaleToLevel] = saga.Rollback, saga.Rollback
		all[vnf.OpHeal], all[vnf.OpChangeExtConn] = saga.Rollback, saga.Rollback
		all[vnf.OpChangeFlavour], all[vnf.OpChangeVnfPkg] = saga.Rollback, saga.Rollback
	}
	if w.rng.IntN(2) == 0 {
		all[vnf.OpScale] = saga.Hold
	}
	return all
}

// drawOperations is what a descriptor says of its operations: also that a termination be rolled back, which it never is.
func (w *world) drawOperations() string {
	if w.rng.IntN(3) == 0 {
		return ""
	}
	policies := []string{"rollback", "hold"}
	return fmt.Sprintf("        lcm_operations_configuration:\n          instantiate: { on_failure: %s }\n          terminate: { on_failure: %s, max_recommended_graceful_termination_timeout: %d s }\n",
		pick(w.rng, policies), pick(w.rng, policies), 5+5*w.rng.IntN(3))
}

// flavourRef is a deployment flavour, with what may be asked for of it.
type flavourRef struct {
	id      string
	levels  []string
	aspects []string
	params  map[string]any // additionalParams that say of what it is made
}

// drawPackages are those of the seed: the sample, and small ones that are like no other seed's.
func (w *world) drawPackages() []*packageRef {
	sample := &packageRef{vnfdID: samples.VnfdID, content: samples.CSAR(), flavours: []flavourRef{
		{id: "standard", aspects: []string{"sessions", "throughput"}}, {id: "standard", levels: []string{"basic", "busy"}, aspects: []string{"sessions", "throughput"}},
		{id: "redundant", levels: []string{"one_pair", "two_pairs"}, aspects: []string{"capacity"}},
	}}
	all := []*packageRef{sample}
	for range w.rng.IntN(3) {
		p := w.drawPackage()
		all = append(all, p, p.next)
	}
	if len(all) > 1 && w.rng.IntN(3) == 0 {
		all = all[1:]
	}
	if w.rng.IntN(3) > 0 {
		p := w.drawContainers()
		all = append(all, p, p.next)
	}
	return all
}

// drawPackage makes a package of one flavour: up to three VDUs of up to three instances, up to two links, some with
// volumes, some kept together or apart.
func (w *world) drawPackage() *packageRef {
	r := w.rng
	p := &packageRef{vnfdID: w.newID(), flavours: []flavourRef{{id: "simple"}}}
	var b, groups strings.Builder
	fmt.Fprintf(&b, `tosca_definitions_version: tosca_simple_yaml_1_3
imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
topology_template:
  node_templates:
    VNF:
      type: tosca.nodes.nfv.VNF
      properties:
        descriptor_id: %s
        descriptor_version: '1.0'
        provider: simulation
        product_name: Drawn
        software_version: '1.0'
        vnfm_info: [ 'etsivnfm:v3.7.1' ]
        flavour_id: simple
        flavour_description: Drawn by lot.
`, p.vnfdID)
	links := r.IntN(3)
	b.WriteString(w.drawOperations())
	for n := range links {
		drawLink(&b, n)
	}
	vdus := 1 + r.IntN(3)
	for n := range vdus {
		drawVdu(&b, r, n, links)
	}
	var policies strings.Builder
	if r.IntN(3) > 0 {
		p.flavours[0].aspects = []string{"more"}
		drawAspect(&policies, r, vdus)
	}
	if r.IntN(2) == 0 {
		members := make([]string, vdus)
		for n := range members {
			members[n] = fmt.Sprintf("vdu%d", n)
		}
		fmt.Fprintf(&groups, "  groups:\n    some:\n      type: tosca.groups.nfv.PlacementGroup\n      members: [ %s ]\n", strings.Join(members, ", "))
		fmt.Fprintf(&policies, "    - rule: { type: tosca.policies.nfv.%s, targets: [ some ], properties: { scope: nfvi_node } }\n",
			pick(r, []string{"AffinityRule", "AntiAffinityRule"}))
	}
	if policies.Len() > 0 {
		groups.WriteString("  policies:\n" + policies.String())
	}
	text := b.String() + groups.String()
	p.content = csarOf(text)
	p.next = &packageRef{vnfdID: w.newID(), flavours: p.flavours, next: p}
	p.next.content = csarOf(strings.ReplaceAll(strings.ReplaceAll(text, p.vnfdID, p.next.vnfdID), "version: 1.0.0", "version: 2.0.0"))
	return p
}

// lacked is the image of drawn packages, and lackedName its name for the second VDU, which the sites of some seeds do not have.
const (
	lacked     = "Files/image"
	lackedName = "image1"
)

// drawContainers makes a package of containers, in two versions: made by manifests, or by charts, as the seed says.
func (w *world) drawContainers() *packageRef {
	p := &packageRef{vnfdID: w.newID(), units: true}
	p.next = &packageRef{vnfdID: w.newID(), units: true, next: p}
	by := shapes.ByManifests
	if w.rng.IntN(2) == 0 {
		by = shapes.ByCharts
	}
	counts := map[string]int{"front": 1 + w.rng.IntN(2), "back": 1 + w.rng.IntN(2), "cache": 1 + w.rng.IntN(2)}
	for i, v := range []*packageRef{p, p.next} {
		for _, id := range []string{shapes.Small, shapes.Large} {
			v.flavours = append(v.flavours, flavourRef{id: id, aspects: []string{shapes.Fronts}, params: by[id]})
		}
		v.content = shapes.Containers(v.vnfdID, i+1, counts)
	}
	return p
}

// csarOf is a package with a descriptor.
func csarOf(text string) []byte {
	return archive(map[string]string{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: simulation\nEntry-Definitions: Definitions/main.yaml\n",
		"Definitions/main.yaml":     text,
		lacked:                      "an image",
	}, "TOSCA-Metadata/TOSCA.meta", "Definitions/main.yaml", lacked)
}

// drawAspect draws a scaling aspect of two steps that differ, for one or all of the VDUs.
func drawAspect(b *strings.Builder, r *rand.Rand, vdus int) {
	b.WriteString("    - aspects: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { more: { name: more, description: more, max_scale_level: 2, step_deltas: [ one, two ] } } } }\n")
	for n := range 1 + r.IntN(vdus) {
		fmt.Fprintf(b, "    - deltas%[1]d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: more, deltas: { one: { number_of_instances: %[2]d }, two: { number_of_instances: %[3]d } } }, targets: [ vdu%[1]d ] }\n",
			n, r.IntN(2), 1+r.IntN(2))
	}
}

func drawLink(b *strings.Builder, n int) {
	fmt.Fprintf(b, `    link%[1]d:
      type: tosca.nodes.nfv.VnfVirtualLink
      properties:
        connectivity_type: { layer_protocols: [ ipv4 ] }
        vl_profile:
          max_bitrate_requirements: { root: 1000000 }
          min_bitrate_requirements: { root: 10000 }
          virtual_link_protocol_data:
            - associated_layer_protocol: ipv4
              l3_protocol_data: { ip_version: ipv4, cidr: 10.%[1]d.0.0/24, gateway_ip: 10.%[1]d.0.1, dhcp_enabled: true }
`, n)
}

func drawVdu(b *strings.Builder, r *rand.Rand, n, links int) {
	volume := r.IntN(3) == 0
	fmt.Fprintf(b, `    vdu%[1]d:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: vdu%[1]d
        vdu_profile: { min_number_of_instances: %[2]d, max_number_of_instances: 4 }
        sw_image_data:
          name: image%[1]d
          version: 1.0.0
          checksum: { algorithm: sha-256, hash: 7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730 }
          container_format: bare
          disk_format: qcow2
          min_disk: 1 GiB
          min_ram: 1 GiB
          size: 100 MiB
      artifacts:
        sw_image: { type: tosca.artifacts.nfv.SwImage, file: ../Files/image }
      capabilities:
        virtual_compute:
          properties:
            virtual_cpu: { num_virtual_cpu: 1 }
            virtual_memory: { virtual_mem_size: 1 GiB }
            virtual_local_storage: [ { size_of_storage: 4 GiB } ]
`, n, 1+r.IntN(3))
	if volume {
		fmt.Fprintf(b, "      requirements:\n        - virtual_storage: store%d\n", n)
		fmt.Fprintf(b, `    store%d:
      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage
      properties:
        virtual_block_storage_data: { size_of_storage: 2 GiB }
`, n)
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(b, `    out%[1]d:
      type: tosca.nodes.nfv.VduCp
      properties: { layer_protocols: [ ipv4 ], order: 9 }
      requirements:
        - virtual_binding: vdu%[1]d
`, n)
	}
	if links == 0 {
		return
	}
	for k := range r.IntN(3) {
		fmt.Fprintf(b, `    cp%[1]d_%[2]d:
      type: tosca.nodes.nfv.VduCp
      properties: { layer_protocols: [ ipv4 ], order: %[2]d }
      requirements:
        - virtual_binding: vdu%[1]d
        - virtual_link: link%[3]d
`, n, k, r.IntN(links))
	}
}

// archive makes a CSAR of files, in the order given.
func archive(files map[string]string, order ...string) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range order {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = f.Write([]byte(files[name]))
		}
		if err != nil {
			panic(err) // into memory
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// onboard onboards the seed's packages through the API.
func (w *world) onboard(n *node) {
	ctx := context.Background()
	do := func(method, path, media string, body []byte) *recorder {
		r, err := http.NewRequestWithContext(ctx, method, "http://vnfm/vnfpkgm/v2"+path, bytes.NewReader(body))
		w.must(err)
		r.Header.Set("Content-Type", media)
		rec := &recorder{header: http.Header{}}
		n.api.ServeHTTP(rec, r)
		if rec.status >= 300 {
			w.must(fmt.Errorf("%s %s: %d %s", method, path, rec.status, rec.body.String()))
		}
		return rec
	}
	for _, p := range w.packages {
		id := lastPart(do(http.MethodPost, "/vnf_packages", "application/json", []byte(`{}`)).header.Get("Location"))
		do(http.MethodPut, "/vnf_packages/"+id+"/package_content", "application/zip", p.content)
		for _, l := range n.loops {
			if l.name == "packages" {
				_, err := l.once(ctx)
				w.must(err)
			}
		}
		if v := view[vnfpkg.Package](w, readmodel.KindPackage, id); v == nil || v.Operational != vnfpkg.Enabled {
			w.must(fmt.Errorf("package %s was not onboarded: %+v\n%s", p.vnfdID, v, p.content))
		}
	}
}
