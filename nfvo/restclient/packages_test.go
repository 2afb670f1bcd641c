package restclient_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvo/nfvotest"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/samples"
)

func orchestrator(t *testing.T) (*nfvotest.NFVO, *restclient.Client, string) {
	t.Helper()
	fake := nfvotest.New(nfvotest.Config{})
	srv := httptest.NewServer(fake.Handler())
	t.Cleanup(srv.Close)
	out := egress.New(egress.Config{AllowLocal: true, AllowPlain: true, MaxBody: 1 << 30})
	t.Cleanup(out.Close)
	return fake, restclient.New(restclient.Config{URL: srv.URL + "/", Client: out, Bulk: out}), srv.URL
}

func onboard(t *testing.T, fake *nfvotest.NFVO, csar []byte) string {
	t.Helper()
	id, err := fake.Onboard(csar)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Seen failing with the Range header left out.
func TestADownloadThatBreaksIsTakenUpWhereItBroke(t *testing.T) {
	fake := nfvotest.New(nfvotest.Config{})
	var ranges []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		fake.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	out := egress.New(egress.Config{AllowLocal: true, AllowPlain: true, MaxBody: 1 << 30})
	t.Cleanup(out.Close)
	c := restclient.New(restclient.Config{URL: srv.URL, Client: out, Bulk: out})
	id := onboard(t, fake, samples.CSAR())
	fake.BreakDownloads(3)
	r, err := c.Content(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, samples.CSAR()) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(samples.CSAR()))
	}
	if len(ranges) != 4 || slices.Contains(ranges[1:], "") || ranges[0] != "" {
		t.Errorf("asked for the ranges %q, want the whole and three rests", ranges)
	}
}

func TestThePartsOfAPackage(t *testing.T) {
	fake, c, _ := orchestrator(t)
	id := onboard(t, fake, samples.CSAR())
	p, err := c.Package(t.Context(), id)
	if err != nil || !p.Onboarded || !p.Enabled || p.VnfdID != id || p.ID == "" {
		t.Errorf("%+v, %v", p, err)
	}
	vnfd, media, err := c.Vnfd(t.Context(), id)
	if err != nil || media != "application/zip" {
		t.Fatalf("%s, %v", media, err)
	}
	if b, err := io.ReadAll(vnfd); err != nil || !bytes.HasPrefix(b, []byte("PK")) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	_ = vnfd.Close()
	meta, err := c.Artifact(t.Context(), id, "TOSCA-Metadata/TOSCA.meta")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(meta); err != nil || !bytes.Contains(b, []byte("Entry-Definitions")) {
		t.Errorf("%q, %v", b, err)
	}
	_ = meta.Close()
	var e *nfvo.Error
	if _, err := c.Package(t.Context(), "none"); !errors.As(err, &e) || e.Class != message.NotFound {
		t.Errorf("a package that is not there: %v", err)
	}
}

func TestAListIsReadPageByPage(t *testing.T) {
	fake, c, _ := orchestrator(t)
	want := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		want[onboard(t, fake, samples.WithID("00000000-0000-4000-8000-00000000000"+id))] = true
	}
	all, err := c.Packages(t.Context())
	if err != nil || len(all) != len(want) {
		t.Fatalf("%d packages, %v", len(all), err)
	}
	for _, p := range all {
		delete(want, p.VnfdID)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

func TestSubscribingTwiceIsSubscribingOnce(t *testing.T) {
	fake, c, url := orchestrator(t)
	var mu sync.Mutex
	told := 0
	me := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			told++
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer me.Close()
	for range 2 {
		if err := c.Subscribe(t.Context(), me.URL); err != nil {
			t.Fatal(err)
		}
	}
	id := onboard(t, fake, samples.CSAR())
	fake.SetState(id, "DISABLED")
	fake.Delete(id)
	if mu.Lock(); told != 3 {
		t.Errorf("told %d times, want 3", told)
	}
	mu.Unlock()
	var e *nfvo.Error
	if err := c.Subscribe(t.Context(), url+"/nowhere"); !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity {
		t.Errorf("a callback that does not answer: %v", err)
	}
}
