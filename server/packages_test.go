package server_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vnfm/vnfm/samples"
)

// onboard uploads a package and waits until it has been read; it returns the package as it then is.
func (p *program) onboard(csar []byte) any {
	p.t.Helper()
	id := text(p.must(201, "POST", "/vnfpkgm/v2/vnf_packages", map[string]any{}), "id")
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPut, p.url+"/vnfpkgm/v2/vnf_packages/"+id+"/package_content", bytes.NewReader(csar))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/zip")
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		p.t.Fatalf("upload: %s", res.Status)
	}
	var info any
	p.await("the package to be read", func() bool {
		info = p.must(200, "GET", "/vnfpkgm/v2/vnf_packages/"+id, nil)
		s := text(info, "onboardingState")
		return s == "ONBOARDED" || s == "ERROR"
	})
	return info
}

// edited is the sample package with another id and changed definitions; its manifest is left out.
func edited(t *testing.T, id string, edit func(text string) string) []byte {
	t.Helper()
	data := samples.WithID(id)
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, ".mf") {
			continue
		}
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		if _, err := content.ReadFrom(rc); err != nil {
			t.Fatal(err)
		}
		text := content.String()
		if strings.HasPrefix(f.Name, "Definitions/") {
			text = edit(text)
		}
		if strings.HasSuffix(f.Name, "TOSCA.meta") {
			text = strings.Replace(text, "ETSI-Entry-Manifest", "X-Manifest", 1)
		}
		e, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A VDU with nothing to boot from is found when its package is onboarded, and refused at the grant: nothing is made of it.
func TestVduWithNothingToBootFromIsRefusedAtTheGrant(t *testing.T) {
	p := startProgram(t)
	const id = "11111111-2222-4333-8444-555555555555"
	info := p.onboard(edited(t, id, func(text string) string {
		return strings.ReplaceAll(text, "sw_image_data:", "description_of_no_image:")
	}))
	if text(info, "onboardingState") != "ONBOARDED" {
		t.Fatalf("%v", info)
	}
	vnf := text(p.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": id}), "id")
	end := p.ends(p.begin(vnf, "instantiate", instantiate), "ROLLED_BACK")
	if !strings.Contains(fmt.Sprint(end), "nothing to boot from") || len(p.inventory()) > 0 {
		t.Errorf("%v, inventory %v", end, p.inventory())
	}
}

// A number in a descriptor is not a promise to do it: it is refused when the package is onboarded, by the limit's name.
func TestDescriptorOfABillionIsRefused(t *testing.T) {
	p := startProgram(t)
	for _, name := range []string{"number_of_instances", "min_number_of_instances"} {
		info := p.onboard(edited(t, "11111111-2222-4333-8444-666666666666", func(text string) string {
			return strings.ReplaceAll(text, name+": 1", name+": 1000000000")
		}))
		if text(info, "onboardingState") != "ERROR" || !strings.Contains(fmt.Sprint(info), "max-vnfcs-per-vnf") {
			t.Errorf("%s: %v", name, info)
		}
	}
}

// Content that is fetched when the server stops is fetched when it starts again. Seen failing with the fetching not begun again, and
// without anybody who fetches.
func TestFetchingGoesOnAfterAStop(t *testing.T) {
	asked := make(chan struct{}, 10)
	var open atomic.Bool
	depot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		if !open.Load() {
			<-r.Context().Done()
			return
		}
		_, _ = w.Write(samples.WithID("fetched"))
	}))
	t.Cleanup(depot.Close)
	p := startProgram(t)
	id := text(p.must(201, "POST", "/vnfpkgm/v2/vnf_packages", map[string]any{}), "id")
	p.must(202, "POST", "/vnfpkgm/v2/vnf_packages/"+id+"/package_content/upload_from_uri", map[string]any{"addressInformation": depot.URL + "/a.csar"})
	<-asked
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	open.Store(true)
	p.start()
	p.await("the package to be onboarded", func() bool {
		return text(p.must(200, "GET", "/vnfpkgm/v2/vnf_packages/"+id, nil), "onboardingState") == "ONBOARDED"
	})
	if code, _, body := p.request("GET", "/vnfpkgm/v2/onboarded_vnf_packages/fetched/package_content", nil); code != 200 || !bytes.Equal(body, samples.WithID("fetched")) {
		t.Errorf("%d, %d bytes", code, len(body))
	}
}
