package api_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnfpkg"
)

const (
	oldPkgs   = "/vnfpkgm/v1/vnf_packages"
	onboarded = "/vnfpkgm/v2/onboarded_vnf_packages"
)

// depot is a world in which packages are real.
type depot struct {
	*world
	service *vnfpkg.Service
	blobs   string // the folder of the contents
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	d := &depot{blobs: t.TempDir()}
	d.world = newWorld(t, func(c *api.Config) {
		store, _ := c.Views.(*memory.Store)
		keys, err := secret.Parse(secret.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		d.service, err = vnfpkg.New(vnfpkg.Config{
			Store: store, Doer: eventstore.NewCommitter(store, eventstore.CommitterConfig{}), Blobs: blob.Dir(d.blobs), Keys: keys, Logger: c.Log,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Packages = d.service
	})
	return d
}

// process reads what was uploaded.
func (d *depot) process() {
	d.t.Helper()
	if _, err := d.service.Processor().RunOnce(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// onboard returns the id of a package with some content.
func (d *depot) onboard(content []byte) string {
	d.t.Helper()
	id := d.do("POST", pkgs, `{}`).want(201).id()
	d.do("PUT", pkgs+"/"+id+"/package_content", string(content), "Content-Type", "application/zip", "Accept", "text/html").want(202)
	d.process()
	d.do("GET", pkgs+"/"+id, "").want(200, `"ONBOARDED"`)
	return id
}

// single is a package whose VNFD is one file, with images, artifacts of MANO and of others, and files that sign them.
func single(vnfdID string) map[string]string {
	files := map[string]string{
		"vnfd.yaml": `tosca_definitions_version: tosca_simple_yaml_1_3
imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
topology_template:
  node_templates:
    VNF:
      type: tosca.nodes.nfv.VNF
      properties: { descriptor_id: ` + vnfdID + `, descriptor_version: '1.0', provider: Example, product_name: Small, software_version: '2.0',
        vnfm_info: [ 'etsivnfm:v3.7.1' ], flavour_id: simple, flavour_description: Simple. }
    server:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: server
        description: serves
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 1 }
        sw_image_data: { name: disk, version: '1', checksum: { algorithm: sha-256, hash: ` + sum("disk") + ` }, disk_format: qcow2, container_format: bare,
          min_disk: 1 GiB, size: 4 B }
      artifacts:
        sw_image: { type: tosca.artifacts.nfv.SwImage, file: Images/disk.qcow2 }
      capabilities:
        virtual_compute: { properties: { virtual_cpu: { num_virtual_cpu: 1 }, virtual_memory: { virtual_mem_size: 1 GiB } } }
`,
		"Images/disk.qcow2": "disk", "Scripts/run me.sh": "#!/bin/sh\n", "Scripts/run me.sh.cms": "signature", "Files/a.bin": "\x00\x01", "Files/ves.json": "{}",
		"Files/other.json": "[]",
	}
	manifest := "metadata:\n  vnf_product_name: Small\n  vnf_provider_id: Example\n  vnf_package_version: 1.0\n  vnf_release_date_time: 2026-01-01T00:00:00Z\n"
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(name, "Files/ves") && !strings.HasPrefix(name, "Files/other") {
			manifest += "\nSource: " + name + "\nAlgorithm: SHA-256\nHash: " + sum(files[name]) + "\n"
		}
	}
	files["vnfd.mf"] = manifest + "\nnon_mano_artifact_sets:\n  onap_ves:\n    Source: Files/ves.json\n  vendor_x:\n    Source: Files/other.json\n"
	return files
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unzipped are the files of an answer that is an archive.
func (r reply) unzipped() map[string]string {
	r.t.Helper()
	if media := r.header.Get("Content-Type"); media != "application/zip" {
		r.t.Fatalf("Content-Type %s: %.300s", media, r.body)
	}
	z, err := zip.NewReader(strings.NewReader(r.body), int64(len(r.body)))
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			r.t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			r.t.Fatal(err)
		}
		out[f.Name] = string(data)
	}
	return out
}

// only returns some of the files.
func only(files map[string]string, names ...string) map[string]string {
	out := map[string]string{}
	for _, n := range names {
		out[n] = files[n]
	}
	return out
}
