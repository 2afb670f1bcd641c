package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/server"
)

// What a used folder's offline commands say: migrate has nothing to do, the audit finds nothing, and the views are what
// the events give, before and after a rebuild (I4), which changes no answer of the API.
func TestOfflineCommandsOnAUsedFolder(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, args...)
		p.run(p.create("up"), "instantiate", instantiate)
		down := p.create("down")
		p.run(down, "instantiate", instantiate)
		p.run(down, "terminate", terminate)
		gone := p.create("gone")
		p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+gone, nil)
		look := func() string {
			var all []string
			for _, path := range []string{"/vnflcm/v2/vnf_instances", "/vnflcm/v2/vnf_lcm_op_occs", "/vnfpkgm/v2/vnf_packages"} {
				all = append(all, fmt.Sprint(p.must(200, "GET", path, nil)))
			}
			return port.ReplaceAllString(strings.Join(all, "\n"), "")
		}
		before := look()
		var out bytes.Buffer
		if err := server.Rebuild(t.Context(), p.cfg, &out, false); err == nil || !strings.Contains(err.Error(), "used by another vnfmd") {
			t.Errorf("a rebuild under a running server: %v", err)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			run  func(ctx context.Context) error
			want string
		}{
			{"migrate", func(ctx context.Context) error { return server.Migrate(ctx, p.cfg, &out) }, "main: the schema is at "},
			{"verify", func(ctx context.Context) error { return server.Verify(ctx, p.cfg, &out) }, ": 0 problems"},
			{"check", func(ctx context.Context) error { return server.Rebuild(ctx, p.cfg, &out, true) }, "what the events give"},
			{"rebuild", func(ctx context.Context) error { return server.Rebuild(ctx, p.cfg, &out, false) }, "written anew"},
			{"check", func(ctx context.Context) error { return server.Rebuild(ctx, p.cfg, &out, true) }, "what the events give"},
		} {
			out.Reset()
			if err := c.run(t.Context()); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%s: %v: %s", c.name, err, &out)
			}
		}
		p.start()
		if after := look(); after != before {
			t.Errorf("the API answers other than before the rebuild:\n%s\n%s", before, after)
		}
	})
}

// port is of absolute links: a server that was started again listens elsewhere.
var port = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// What somebody did to the database behind our back is found, and a rebuild mends the views.
func TestOfflineCommandsFindWhatIsWrong(t *testing.T) {
	const name = "canary-name"
	p := startProgram(t)
	vnf := p.create(name)
	p.run(vnf, "instantiate", instantiate)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.cfg.Data, "vnfm.db")
	loseView(t, file, eventstore.ViewRef{Kind: readmodel.KindVnf, ID: vnf})
	var out bytes.Buffer
	if err := server.Rebuild(t.Context(), p.cfg, &out, true); err == nil || !strings.Contains(out.String(), vnf) {
		t.Errorf("a view is missing: %v: %s", err, &out)
	}
	if err := server.Rebuild(t.Context(), p.cfg, &out, false); err != nil {
		t.Error(err)
	}
	if err := server.Rebuild(t.Context(), p.cfg, &out, true); err != nil {
		t.Errorf("after the rebuild: %v: %s", err, &out)
	}
	out.Reset()
	db, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(db, []byte(name), bytes.ToUpper([]byte(name))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Verify(t.Context(), p.cfg, &out); err == nil || !strings.Contains(out.String(), vnf) {
		t.Errorf("an event was changed: %v: %s", err, &out)
	}
}

// loseView deletes a view.
func loseView(t *testing.T, file string, ref eventstore.ViewRef) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	results, err := store.Execute(t.Context(), []*eventstore.Work{{
		Keys: []string{ref.ID},
		Load: func() eventstore.Load { return eventstore.Load{Views: []eventstore.ViewRef{ref}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			if l.Views[ref] == nil {
				return nil, errors.New("there is no such view")
			}
			return &eventstore.Commit{Views: []eventstore.ViewWrite{{View: *l.Views[ref], Delete: true}}}, nil
		},
	}})
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
}

// After a restore the outbox has another id, and the program goes on as if nothing had been; while a node lives nothing is done.
func TestRestored(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, args...)
		id := p.create("up")
		p.run(id, "instantiate", instantiate)
		beside := *p.cfg
		beside.Data = t.TempDir() // which is not locked
		var out bytes.Buffer
		err := server.Restored(t.Context(), &beside, &out, "")
		if want := map[bool]string{true: "stop every node", false: "There is no database"}[p.cfg.Database != ""]; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("while a node lives: %v", err)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restored(t.Context(), p.cfg, &out, "vim"); vnfm.KindOf(err) != vnfm.Invalid {
			t.Errorf("of a database that is not there: %v", err)
		}
		for range 2 {
			out.Reset()
			if err := server.Restored(t.Context(), p.cfg, &out, ""); err != nil || !strings.Contains(out.String(), "main: the outbox has a new id") {
				t.Errorf("%v: %s", err, &out)
			}
		}
		p.start()
		p.run(id, "terminate", terminate)
	})
}

// A consumer is forgotten by an event that says who asked, and not twice.
func TestForgettingAConsumerIsAnEvent(t *testing.T) {
	c := settings(t, "--data="+t.TempDir())
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(c.Data, "vnfm.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := outbox.Register(t.Context(), eventstore.NewCommitter(store, eventstore.CommitterConfig{}), "1.4.0", []string{"mirror"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.Consumers(t.Context(), c, io.Discard, "mirror"); err != nil {
		t.Fatal(err)
	}
	if err := server.Consumers(t.Context(), c, io.Discard, "mirror"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("again: %v", err)
	}
	if store, err = sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(c.Data, "vnfm.db")}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	l, err := store.Load(t.Context(), eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "intervention-consumer-mirror"}}})
	if err != nil {
		t.Fatal(err)
	}
	events := l.Streams["intervention-consumer-mirror"].Events
	if len(events) != 1 || events[0].Type != "intervention.forget-asked" || !strings.Contains(string(events[0].Data), `"database":"main"`) {
		t.Fatalf("%v", events)
	}
	if meta := events[0].Metadata(); meta.Actor == "" || meta.Command != "consumer.forget" {
		t.Errorf("%+v", meta)
	}
}
