package server_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/server"
)

// Who waits for the first-try mode to be ready can create a VNF at once.
func TestDevIsReadyWhenItsSampleIs(t *testing.T) {
	for name, o := range map[string]server.Options{
		"our own":                {Guide: io.Discard},
		"of a fake orchestrator": {Guide: io.Discard, FakeNfvo: "127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, settings(t, "--data="+t.TempDir()), o)
			p.open()
			p.await("readiness", func() bool { code, _ := p.call("GET", "/readyz", nil); return code == 200 })
			_, all := p.call("GET", "/vnfpkgm/v2/vnf_packages", nil)
			if state := text(all, 0, "onboardingState"); state != "ONBOARDED" {
				t.Errorf("ready, and the sample package is %q: %v", state, all)
			}
			p.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": samples.VnfdID})
		})
	}
}

// A sample package that the settings reject is said by readiness; no second one is made of it when the program starts again.
func TestDevIsNotReadyWithoutItsSample(t *testing.T) {
	p := newProgram(t, settings(t, "--data="+t.TempDir(), "--max-vnfcs-per-vnf=1"), server.Options{Guide: io.Discard})
	for range 2 {
		p.open()
		p.await("the rejection", func() bool {
			code, ready := p.call("GET", "/readyz", nil)
			return code == 503 && strings.Contains(fmt.Sprint(ready), "max-vnfcs-per-vnf")
		})
		if _, all := p.call("GET", "/vnfpkgm/v2/vnf_packages", nil); len(all.([]any)) != 1 { //nolint:forcetypeassert // a list
			t.Errorf("packages: %v", all)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
	}
	p.cfg = settings(t, "--data="+p.cfg.Data) // the same package is onboarded once it may be
	p.start()
	if _, all := p.call("GET", "/vnfpkgm/v2/vnf_packages", nil); len(all.([]any)) != 1 || text(all, 0, "onboardingState") != "ONBOARDED" { //nolint:forcetypeassert // a list
		t.Errorf("packages: %v", all)
	}
}

// A file of authorities that cannot be read is said at the start, not at the first package.
func TestSignatureRootsAreRead(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{none, empty} {
		s, err := server.New(t.Context(), settings(t, "--data="+t.TempDir(), "--package-signature-roots="+file), server.Options{})
		if s != nil || err == nil || !strings.Contains(err.Error(), "package-signature-roots") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
