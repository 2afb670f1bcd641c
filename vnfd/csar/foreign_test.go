package csar_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// A client that uploads something else than a VNF package is told what it looks like, in one reason.
func TestWhatIsNoVnfPackageIsNamed(t *testing.T) {
	t.Parallel()
	const sol006 = "vnfd:\n  id: v1\n  mgmt-cp: eth0\n  df:\n  - id: default\n"
	ns := head + `imports: [ etsi_nfv_sol001_nsd_types.yaml, vnfd_of_another_package.yaml ]
topology_template:
  node_templates:
    NS:
      type: x.Service
    VNF1:
      type: x.OtherVnf
    VNF2:
      type: x.AnotherVnf
node_types:
  x.Service: { derived_from: tosca.nodes.nfv.NS }
  x.OtherVnf: { derived_from: tosca.nodes.nfv.VNF }
`
	pnf := head + "imports: [ etsi_nfv_sol001_pnfd_types.yaml ]\ntopology_template:\n  node_templates:\n    P: { type: tosca.nodes.nfv.PNF }\n    E: { type: tosca.nodes.nfv.PnfExtPort }\n"
	packed := packTar(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(packed); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	inFolder := files{}
	for name, text := range small {
		inFolder["package/"+name] = text
	}
	for name, tt := range map[string]struct {
		data []byte
		rule string
		says string
	}{
		"a network service":              {small.with(main, ns, "Definitions/vnfd_of_another_package.yaml", head).zip(t), "no-vnf", "network service"},
		"an NSD without its VNFDs":       {small.with(main, ns).zip(t), "no-vnf", "network service"},
		"a PNF":                          {small.with(main, pnf).zip(t), "no-vnf", "physical network function"},
		"SOL006 as the entry":            {small.with(main, sol006).zip(t), "not-tosca", "SOL006"},
		"SOL006 with a module's prefix":  {small.with(main, "etsi-nfv-descriptors:nfv:\n  vnfd: []\n").zip(t), "not-tosca", "SOL006"},
		"SOL006 in an archive":           {files{"fw_vnfd/fw_vnfd.yaml": sol006, "fw_vnfd/checksums.txt": "x"}.zip(t), "missing-entry", "SOL006"},
		"SOL006 in JSON in an archive":   {files{"a/vnfd.json": "{\n  \"nfv:vnfd\": [ {} ]\n}"}.zip(t), "missing-entry", "SOL006"},
		"a package one folder too deep":  {inFolder.zip(t), "missing-entry", "'package'"},
		"a Helm chart":                   {files{"fw/Chart.yaml": "name: fw\n", "fw/values.yaml": "{}"}.zip(t), "missing-entry", "Helm chart"},
		"a Heat template as the entry":   {small.with(main, "heat_template_version: 2013-05-23\n").zip(t), "not-tosca", "Heat"},
		"a manifest as the entry":        {small.with(main, "apiVersion: v1\nkind: Pod\n").zip(t), "not-tosca", "Kubernetes"},
		"YAML only":                      {[]byte(template("")), "not-a-zip", "TOSCA definition alone"},
		"SOL006 only":                    {[]byte(sol006), "not-a-zip", "SOL006"},
		"SOL006 only, in JSON":           {[]byte(`{"vnfd": {"id": "v1"}}`), "not-a-zip", "SOL006"},
		"other JSON":                     {[]byte(`{"detail": "no"}`), "not-a-zip", "JSON"},
		"an answer of a proxy":           {[]byte("<!DOCTYPE html><title>502</title>"), "not-a-zip", "HTML"},
		"other text":                     {[]byte("hello"), "not-a-zip", "text"},
		"nothing":                        {nil, "not-a-zip", "empty"},
		"tar":                            {packed, "not-a-zip", "tar archive"},
		"tar.gz":                         {zipped.Bytes(), "not-a-zip", "gzip"},
		"a disk image":                   {[]byte("QFI\xfb\x00\x00\x00\x03"), "not-a-zip", "disk image"},
		"something else":                 {[]byte{0xff, 0xfe, 0, 1, 2}, "not-a-zip", "none that is known"},
		"an archive without a directory": {small.zip(t)[:100], "truncated-zip", "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(tt.data, csar.Options{})
			var texts []string
			for _, e := range vnfd.Errors(err) {
				if e.Rule == tt.rule {
					texts = append(texts, e.Text)
				}
			}
			if len(texts) != 1 || !strings.Contains(texts[0], tt.says) {
				t.Errorf("%v does not say %q once by rule %s", err, tt.says, tt.rule)
			}
		})
	}
}

func packTar(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := w.WriteHeader(&tar.Header{Name: "fw_vnfd/fw_vnfd.yaml", Mode: 0o600, Size: 5}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("vnfd:")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// What follows from a missing file, or from one unknown type, is not said again for all that needs it.
func TestOneMissingImportIsOneReason(t *testing.T) {
	t.Parallel()
	nodes := ""
	for _, name := range []string{"A", "B", "C", "D"} {
		nodes += "    " + name + ": { type: vendor.nodes.Compute, requirements: [ { virtual_storage: S" + name + " } ] }\n" +
			"    S" + name + ": { type: vendor.nodes.Storage }\n    P" + name + ": { type: vendor.nodes.Port, requirements: [ { virtual_binding: " + name + " } ] }\n"
	}
	policies := "  policies:\n    - p: { type: vendor.policies.Delta, targets: [ A ] }\n"
	vnf := strings.Replace(template(nodes+policies), "type: tosca.nodes.nfv.VNF", "type: vendor.Vnf", 1)
	for name, tt := range map[string]struct {
		pkg  files
		want []string
	}{
		"import":         {small.with(main, strings.Replace(vnf, "imports: [ ", "imports: [ vendor_types.yaml, ", 1)), []string{"missing-import"}},
		"its import":     {small.with(main, strings.Replace(vnf, "imports: [ ", "imports: [ vendor_types.yaml, ", 1), "Definitions/vendor_types.yaml", head+"imports: [ base_types.yaml ]\n"), []string{"missing-import"}},
		"broken import":  {small.with(main, strings.Replace(vnf, "imports: [ ", "imports: [ vendor_types.yaml, ", 1), "Definitions/vendor_types.yaml", "a: [\n"), []string{"yaml"}},
		"by URL":         {small.with(main, strings.Replace(vnf, "imports: [ ", "imports: [ 'https://example.com/vendor_types.yaml', ", 1)), []string{"missing-import"}},
		"no import":      {small.with(main, vnf), []string{"unknown-type", "unknown-type", "unknown-type", "unknown-type", "unknown-type"}}, // each type once
		"other document": {small.with(meta, small[meta]+"Other-Definitions: Definitions/other.yaml\n", main, template(""), "Definitions/other.yaml", head+"imports: [ gone.yaml ]\n"), []string{"missing-import"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(tt.pkg.zip(t), csar.Options{})
			if got := rules(err); strings.Join(got, " ") != strings.Join(tt.want, " ") {
				t.Errorf("%v, want %v: %v", got, tt.want, err)
			}
		})
	}
}
