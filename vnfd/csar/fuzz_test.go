package csar_test

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// fuzzLimits keep one run short; they are limits like any others.
var fuzzLimits = vnfd.Limits{Files: 100, TotalBytes: 1 << 20, DefinitionBytes: 64 << 10, Values: 20_000, Depth: 32, NestedBytes: 1 << 20}

// check holds what is true of every input: it is accepted with a descriptor that can be stored, or rejected for reasons
// that can be shown.
func check(t *testing.T, data []byte) {
	t.Helper()
	pkg, err := open(data, csar.Options{Limits: fuzzLimits})
	if (pkg == nil) == (err == nil) {
		t.Fatalf("package %v, error %v", pkg, err)
	}
	if err != nil {
		reasons := vnfd.Errors(err)
		if len(reasons) == 0 {
			t.Fatalf("rejected for no reason: %v", err)
		}
		for _, e := range reasons {
			if e.Rule == "" || e.Text == "" {
				t.Errorf("a reason says nothing: %#v", e)
			}
		}
		return
	}
	digest, canonical := vnfd.Digest(pkg.Descriptor)
	var back vnfd.Descriptor
	if err := json.Unmarshal(canonical, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := vnfd.Digest(&back); again != digest {
		t.Errorf("the descriptor changes when it is read back:\n%s", canonical)
	}
	for i := range pkg.Descriptor.Flavours {
		f := &pkg.Descriptor.Flavours[i]
		for _, l := range f.Levels {
			if _, err := f.Counts(l.ID); err != nil {
				t.Error(err)
			}
			status, err := f.ScaleStatus(l.ID)
			if err != nil {
				t.Error(err)
			}
			for _, a := range f.Aspects {
				if _, err := f.Delta(a.ID, status[a.ID], a.MaxLevel-status[a.ID]); err != nil {
					t.Error(err)
				}
			}
		}
		for _, v := range f.Vdus {
			_, _ = vnfd.Render(v.BootData, map[string]string{"vnf.id": "1"})
		}
	}
}

// FuzzOpen reads anything as a package.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("PK\x03\x04"))
	f.Add(small.zip(f))
	f.Add(samples.CSAR())
	f.Add(small.with("../x", "y").zip(f))
	f.Fuzz(func(t *testing.T, data []byte) { check(t, data) })
}

// FuzzYAML reads anything as the entry definition.
func FuzzYAML(f *testing.F) {
	f.Add(small[main])
	f.Add(template(vdu("A", "        boot_data: '${x}'\n") + link("10.0.0.0/24")))
	f.Add(head + aliasBomb(6))
	for _, name := range []string{"df_standard.yaml", "df_redundant.yaml", "firewall_types.yaml", "nfv_types.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "samples", "firewall", "Definitions", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, small.with(main, text).zip(t)) })
}

// FuzzMeta reads anything as TOSCA.meta and as manifest.
func FuzzMeta(f *testing.F) {
	f.Add(small[meta], "metadata:\n  vnfd_id: v1\n\nSource: a\nAlgorithm: SHA-256\nHash: 00\n")
	f.Add(small[meta]+"\nName: Definitions/main.yaml\nAlgorithm: SHA-512\nHash: 00\n", "non_mano_artifact_sets:\n  x:\n    Source: a\n-----BEGIN CMS-----\n")
	f.Add("Entry-Definitions: Definitions/main.yaml\n continued\n\n\nName:\n", "")
	f.Fuzz(func(t *testing.T, metaText, manifest string) {
		check(t, small.with(meta, metaText, "main.mf", manifest).zip(t))
	})
}

func BenchmarkOpen(b *testing.B) {
	packages := map[string][]byte{"sample": samples.CSAR(), "small": small.zip(b), shapes.Store: shapes.CSAR(shapes.Store)}
	for name, data := range packages {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := open(data, csar.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzSignature reads anything as the signature of a manifest, and as a certificate.
func FuzzSignature(f *testing.F) {
	for _, name := range []string{"rsa-text.cms", "ec-binary.cms", "ec-noattr.cms", "rsa-nocerts.cms", "rsa-pss.cms"} {
		data, err := os.ReadFile(filepath.Join("testdata", "openssl", name))
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(data)
		f.Add(block.Bytes, data)
	}
	f.Add([]byte{0x30, 0x80}, []byte{0x3f, 0xff})
	f.Fuzz(func(t *testing.T, der, certificate []byte) {
		pkg := small.with("main.mf", "metadata:\n  vnfd_id: v1\n"+block(der), "main.cert", string(certificate), "a", "x", "a.cms", string(certificate))
		data := pkg.zip(t)
		for _, mode := range []csar.Mode{csar.Report, csar.Require} {
			p, err := open(data, csar.Options{Limits: fuzzLimits, Signatures: csar.Signatures{Mode: mode, At: now}})
			if p == nil && len(vnfd.Errors(err)) == 0 {
				t.Errorf("%s: rejected for no reason: %v", mode, err)
			}
			if mode == csar.Require && p != nil {
				t.Error("accepted")
			}
		}
	})
}
