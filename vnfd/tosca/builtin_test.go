package tosca

import (
	"os"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
)

// Every type that a published release of SOL001 defines is built in, and derives from what it derives from there.
func TestEveryPublishedTypeIsBuiltIn(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("testdata/sol001_types.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, nfv := builtins()
	n := 0
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		f := strings.Fields(line)
		def := nfv.Get(f[0], f[1])
		if def == nil {
			t.Errorf("%s (%s of %s) is not built in", f[1], f[0], f[3])
			continue
		}
		if parent := def.Get("derived_from").Text(); f[2] != "-" && parent != f[2] {
			t.Errorf("%s derives from %s, not from %s", f[1], f[2], parent)
		}
	}
	if n < 150 {
		t.Fatalf("the list has %d names", n)
	}
}

// The built-in types derive from each other and from TOSCA's.
func TestBuiltInTypesAreSound(t *testing.T) {
	t.Parallel()
	p := &vnfd.Problems{}
	s := NewScope(&Reader{Problems: p, Limits: vnfd.Limits{}.WithDefaults()}, &Document{File: "x.yaml", Root: &Node{}, etsi: true})
	s.CheckTypes()
	if err := p.Err(); err != nil || len(p.Findings) > 0 {
		t.Errorf("%v, %v", err, p.Findings)
	}
}

func TestETSIFilesAreKnownByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"etsi_nfv_sol001_vnfd_types.yaml":                                                            true,
		"etsi_nfv_sol001_common_types.yaml":                                                          true,
		"etsi_nfv_sol001_nsd_types.yaml":                                                             true,
		"etsi_nfv_sol001_pnfd_types.yaml":                                                            true,
		"../types/etsi_nfv_sol001_vnfd_types.yml":                                                    true,
		"https://forge.etsi.org/rep/nfv/SOL001/raw/v2.6.1/etsi_nfv_sol001_common_types.yaml":         true,
		"https://forge.etsi.org/rep/nfv/SOL001/-/raw/v4.2.1/etsi_nfv_sol001_vnfd_types.yaml":         true,
		"https://forge.etsi.org/gitlab/nfv/SOL001/raw/v2.6.1/etsi_nfv_sol001_vnfd_types.yaml?inline": true,
		"http://example.com/mirror/etsi_nfv_sol001_vnfd_types.yaml#top":                              true,
		"etsi_nfv_sol001_vnfd_0_10_0_type.yaml":                                                      true,
		"etsi_nfv_sol001_vnfd_4_4_1_types.yaml":                                                      true,
		"etsi_nfv_sol001_vnfd_types_v2.6.1.yaml":                                                     true,
		"etsi_nfv_sol001_vnfd_types":                                                                 true,
		"ETSI_NFV_SOL001_VNFD_TYPES.yaml":                                                            true,
		"etsi_nfv_sol001_vendor_types.yaml":                                                          false,
		"vendor_etsi_nfv_sol001_vnfd_types.yaml":                                                     false,
		"types.yaml":                                                                                 false,
		"":                                                                                           false,
	} {
		if got := isETSI(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestReleasesAreCompared(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"4.4.1": false, "5.4.1": false, "5.4.2": true, "5.10.1": true, "6.1.1": true, "10.1.1": true, "": false, "latest": false,
		"https://10.20.30.40/SOL001/raw/v4.4.1/etsi_nfv_sol001_vnfd_types.yaml": false,
		"https://forge.etsi.org/SOL001/raw/v6.1.1/x.yaml":                       true,
		"etsi_nfv_sol001_vnfd_0_10_0_type.yaml":                                 false,
	} {
		if _, got := newer(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
