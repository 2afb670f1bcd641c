package server_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/server"
)

// design.md §4, "database down": API 503 + Retry-After; nothing is acknowledged; all resumes. Seen failing with
// eventstore.ErrUnavailable answered as an internal error (500).
func TestDatabaseDown(t *testing.T) {
	cluster, err := dbtest.Start(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	url, _, err := cluster.Database(t.Context()) // dropped with the cluster
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings(t, "--data="+t.TempDir(), "--database="+url, "--http-ready-timeout=500ms")
	p := newProgram(t, cfg, server.Options{Guide: io.Discard})
	p.start()
	body := func(name string) map[string]any {
		return map[string]any{"vnfdId": samples.VnfdID, "vnfInstanceName": name}
	}
	acknowledged := text(p.must(201, "POST", "/vnflcm/v2/vnf_instances", body("before"), "Idempotency-Key", "before"), "id")
	p.delay(100 * time.Millisecond)
	op := p.begin(acknowledged, "instantiate", instantiate)
	var held map[string]string
	p.await("a first resource", func() bool { held = p.inventory(); return len(held) > 0 })

	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		method, path string
		body         any
		key          string
	}{
		{"GET", "/readyz", nil, ""},
		{"GET", "/vnflcm/v2/vnf_instances", nil, ""},
		{"GET", "/vnflcm/v2/vnf_instances/" + acknowledged, nil, ""},
		{"GET", op, nil, ""},
		{"POST", "/vnflcm/v2/vnf_instances", body("during"), "during"},
		{"POST", "/vnflcm/v2/vnf_instances", body("during"), ""},
		{"POST", "/vnflcm/v2/vnf_instances/" + acknowledged + "/terminate", terminate, "terminate"},
	} {
		var header []string
		if r.key != "" {
			header = []string{"Idempotency-Key", r.key}
		}
		code, h, b := p.request(r.method, r.path, r.body, header...)
		if code != 503 || h.Get("Retry-After") == "" {
			t.Errorf("%s %s while the database is away: status %d, Retry-After %q: %s", r.method, r.path, code, h.Get("Retry-After"), b)
		}
		if strings.Contains(string(b), "postgres") {
			t.Errorf("%s %s tells too much: %s", r.method, r.path, b)
		}
	}
	p.must(200, "GET", "/healthz", nil) // a restart of this process would help nobody
	if page := p.metrics(); !strings.Contains(page, `vnfm_eventstore_up{database="main"} 0`) {
		t.Error("the metrics do not tell that the database is away")
	}

	if err := cluster.Restart(); err != nil {
		t.Fatal(err)
	}
	p.await("readiness", func() bool { code, _ := p.call("GET", "/readyz", nil); return code == 200 })
	p.completed(op)
	now := p.inventory()
	for token, id := range held {
		if now[token] != id {
			t.Errorf("resource %s is %q now, was %q", token, now[token], id)
		}
	}
	if id := text(p.must(201, "POST", "/vnflcm/v2/vnf_instances", body("before"), "Idempotency-Key", "before"), "id"); id != acknowledged {
		t.Errorf("the acknowledged answer was %s and is %s", acknowledged, id)
	}
	p.must(201, "POST", "/vnflcm/v2/vnf_instances", body("during"), "Idempotency-Key", "during")
	all, _ := p.must(200, "GET", "/vnflcm/v2/vnf_instances", nil).([]any)
	if len(all) != 2 {
		t.Errorf("%d instances, want the acknowledged two", len(all))
	}
	p.run(acknowledged, "terminate", terminate, "Idempotency-Key", "terminate")
	if left := p.inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// The database often starts together with this program. Found by the torture; seen failing with one try.
func TestAStartWaitsForItsDatabase(t *testing.T) {
	cluster, err := dbtest.Start(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	url, _, err := cluster.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	impatient := settings(t, "--data="+t.TempDir(), "--database="+url, "--database-wait=0s")
	if _, err := server.New(t.Context(), impatient, server.Options{}); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Fatalf("without patience: %v", err)
	}
	restarted := make(chan error, 1)
	go func() { restarted <- cluster.Restart() }()
	p := newProgram(t, settings(t, "--data="+t.TempDir(), "--database="+url), server.Options{Guide: io.Discard})
	p.start()
	p.await("readiness", func() bool { code, _ := p.call("GET", "/readyz", nil); return code == 200 })
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
}
