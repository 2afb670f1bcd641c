package server_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/server"
)

// A stop in the middle of an instantiate is orderly and in time, leaves no goroutine behind, and the next server on the
// same folder ends the operation with the resources that are there. Seen failing with the workers not stopped: their
// goroutines are left.
func TestAStopInTheMiddleOfAnOperationIsOrderly(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		cfg := settings(t, append(args, "--data="+t.TempDir())...)
		before := goleak.IgnoreCurrent()
		p := newProgram(t, cfg, server.Options{Guide: io.Discard})
		p.start()
		vnf := p.create("stopped")
		p.delay(200 * time.Millisecond)
		op := p.begin(vnf, "instantiate", instantiate)
		var held map[string]string
		p.await("a first resource", func() bool { held = p.inventory(); return len(held) > 0 })
		asked := time.Now()
		if err := p.stop(); err != nil {
			t.Fatalf("the stop is not orderly: %v", err)
		}
		if took := time.Since(asked); took > cfg.HTTP.StopTimeout {
			t.Errorf("the stop took %v, the stop timeout is %v", took, cfg.HTTP.StopTimeout)
		}
		p.client.CloseIdleConnections()
		goleak.VerifyNone(t, before)

		p.start()
		if s := text(p.must(200, "GET", op, nil), "operationState"); s == "COMPLETED" {
			t.Error("the operation had ended before the stop: nothing was tried")
		}
		p.delay(0)
		p.completed(op)
		now := p.inventory()
		for token, id := range held {
			if now[token] != id {
				t.Errorf("resource %s is %q at the VIM now, was %q", token, now[token], id)
			}
		}
		p.run(vnf, "terminate", terminate)
		if left := p.inventory(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// The data folder is one server's at a time; the second says so, and does no harm. Seen failing without lockFolder.
func TestASecondServerOnTheFolderIsRefused(t *testing.T) {
	p := startProgram(t)
	before := goleak.IgnoreCurrent()
	_, err := server.New(t.Context(), p.cfg, server.Options{})
	if err == nil || !strings.Contains(err.Error(), "is used by another vnfmd") || !strings.Contains(err.Error(), p.cfg.Data) {
		t.Fatalf("the second server says %v", err)
	}
	goleak.VerifyNone(t, before)
	p.run(p.create("undisturbed"), "instantiate", instantiate)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.start() // the lock went with the first
}

// A server that cannot listen gives everything back: the same folder, and the lanes, serve the next at once. Seen
// failing with the stores left open where listening fails.
func TestAServerThatCannotListenTakesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		first := startProgram(t)
		dir := t.TempDir()
		taken := settings(t, append(args, "--data="+dir, "--lane-lease=1h", "--listen="+strings.TrimPrefix(first.url, "http://"))...)
		before := goleak.IgnoreCurrent()
		if _, err := server.New(t.Context(), taken, server.Options{}); err == nil || !strings.Contains(err.Error(), "another program") {
			t.Fatalf("on a port in use: %v", err)
		}
		goleak.VerifyNone(t, before)
		if !exists(filepath.Join(dir, "lock")) {
			t.Error("the folder was not even tried")
		}
		p := newProgram(t, settings(t, append(args, "--data="+dir, "--lane-lease=1h")...), server.Options{})
		p.start() // readiness includes lanes
	})
}
