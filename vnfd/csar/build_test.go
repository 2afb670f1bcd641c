package csar_test

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// files is a package to be: path to content.
type files map[string]string

// with returns a copy with more or other files; "" takes one away.
func (f files) with(pairs ...string) files {
	out := maps.Clone(f)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
		if pairs[i+1] == "" {
			delete(out, pairs[i])
		}
	}
	return out
}

// zip packs the files in order of name.
func (f files) zip(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func open(data []byte, o csar.Options) (*csar.Package, error) {
	return csar.Open(bytes.NewReader(data), int64(len(data)), o)
}

// mustOpen reads a package that must not be rejected.
func (f files) mustOpen(t testing.TB) *csar.Package {
	t.Helper()
	pkg, err := open(f.zip(t), csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

const (
	meta = "TOSCA-Metadata/TOSCA.meta"
	main = "Definitions/main.yaml"
	head = "tosca_definitions_version: tosca_simple_yaml_1_3\n"
)

// small is the smallest package there can be, with the ETSI types left out: one template that says all.
var small = files{
	meta: "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: test\nEntry-Definitions: Definitions/main.yaml\n",
	main: template(""),
}

// template returns a single-template VNFD; more goes to the end of topology_template, in its indentation of two blanks.
func template(more string) string {
	return head + `imports: [ etsi_nfv_sol001_vnfd_types.yaml ]
topology_template:
  node_templates:
    VNF:
      type: tosca.nodes.nfv.VNF
      properties:
        descriptor_id: v1
        descriptor_version: '1.0'
        provider: Example
        product_name: Small
        software_version: '2.0'
        vnfm_info: [ 'etsivnfm:v3.7.1' ]
        flavour_id: simple
        flavour_description: Simple.
` + indent(more)
}

// indent lets tests write templates at the left margin of a raw string.
func indent(text string) string {
	text = strings.TrimPrefix(text, "\n")
	if text == "" {
		return ""
	}
	return strings.TrimRight(text, "\t ") + "\n"
}

// vdu returns a node template of a VDU with a virtual machine part.
func vdu(name, more string) string {
	return "    " + name + `:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: ` + name + `
        vdu_profile: { min_number_of_instances: 1, max_number_of_instances: 3 }
` + more + `      capabilities:
        virtual_compute:
          properties:
            virtual_cpu: { num_virtual_cpu: 1 }
            virtual_memory: { virtual_mem_size: 1 GiB }
            virtual_local_storage: [ { size_of_storage: 4 GiB } ]
`
}

// image returns the property of a software image.
func image(more string) string {
	return "        sw_image_data: { name: i, version: '1', checksum: { algorithm: sha-256, hash: AB }, disk_format: qcow2, container_format: bare, " + more + " }\n"
}

// volume returns a node template of a block storage.
func volume(name, more string) string {
	return "    " + name + `:
      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage
      properties:
        virtual_block_storage_data: { size_of_storage: 4 GiB }
` + more
}

// rules returns the rules of an error's reasons.
func rules(err error) []string {
	var out []string
	for _, e := range vnfd.Errors(err) {
		out = append(out, e.Rule)
	}
	return out
}

// found returns the rules of findings.
func found(pkg *csar.Package) []string {
	var out []string
	for _, f := range pkg.Findings {
		out = append(out, f.Rule)
	}
	return out
}

// mustOpenWith is mustOpen with options.
func (f files) mustOpenWith(t testing.TB, o csar.Options) *csar.Package {
	t.Helper()
	pkg, err := open(f.zip(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}
