package vimregistry_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimregistry"
	"github.com/vnfm/vnfm/vnf"
)

// canary is a password that is found nowhere. It has characters that JSON escapes.
const canary = `c4nary"<pass>&word`

const vimType = "TEST.V_1"

// world is a registry on a store in memory.
type world struct {
	t      *testing.T
	now    time.Time
	keys   string
	store  *memory.Store
	doer   *eventstore.Committer
	reg    *vimregistry.Service
	busy   []string                     // VNFs the VIM manager works for
	while  func()                       // what happens while it is asked
	before func()                       // what happens once before a commit
	away   bool                         // the store
	asked  func(c vim.Connection) error // what the driver says to Assets
	ids    int
}

type driver struct {
	vim.Driver // nothing else is asked of it
	w          *world
}

func (d driver) Assets(_ context.Context, c vim.Connection) (vim.Assets, error) {
	if d.w.asked != nil {
		if err := d.w.asked(c); err != nil {
			return vim.Assets{}, err
		}
	}
	return vim.Assets{Zones: []string{"z"}, Flavours: make([]vim.Flavour, 2), Images: make([]vim.Image, 3), ExternalNetwork: "public"}, nil
}

func (d driver) Check(_ context.Context, c vim.Connection) ([]vim.Fact, error) {
	return []vim.Fact{{Area: vim.AreaRight, Name: "all", Value: "as " + vim.Text(c.AccessInfo, "password")}}, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), keys: secret.NewKey()}
	w.store = memory.New(memory.Config{Now: func() time.Time { return w.now }, Fault: func(string) error {
		if w.away {
			return errors.New("away")
		}
		return nil
	}})
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{})
	w.restart()
	return w
}

// restart replaces the registry by that of another process, with the key file as it is now.
func (w *world) restart() {
	w.t.Helper()
	keys, err := secret.Parse(w.keys)
	w.must(err)
	w.reg, err = vimregistry.New(vimregistry.Config{
		Store: w.store, Doer: w, Keys: keys, Drivers: map[string]vim.Driver{vimType: driver{w: w}},
		BuiltIn: []vim.Connection{{ID: "built-in", VimID: "built-in", Type: vimType}},
		Busy: func(context.Context, string) ([]string, error) {
			if w.while != nil {
				w.while()
			}
			return w.busy, nil
		},
		NewID: func() string { w.ids++; return fmt.Sprintf("id-%d", w.ids) },
	})
	w.must(err)
}

// Do executes a work of the registry.
func (w *world) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	if f := w.before; f != nil {
		w.before = nil
		f()
	}
	w.now = w.now.Add(time.Millisecond)
	return w.doer.Do(ctx, work)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// fails wants an error of a kind at an attribute, without the canary.
func (w *world) fails(err error, kind vnfm.Kind, at string) {
	w.t.Helper()
	if vnfm.KindOf(err) != kind || at != "" && attribute(err) != at {
		w.t.Errorf("%v (%s at %q), want %s at %q", err, vnfm.KindOf(err), attribute(err), kind, at)
	}
	if err != nil && strings.Contains(err.Error(), canary) {
		w.t.Errorf("the error tells a secret: %v", err)
	}
}

var by = request.Info{Actor: "alice", ID: "request-1"}

func (w *world) register(doc string) *vimregistry.Connection {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	c, err := w.reg.Register(w.t.Context(), json.RawMessage(doc), by)
	w.must(err)
	return c
}

func (w *world) change(id, patch string) *vimregistry.Connection {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	c, err := w.reg.Change(w.t.Context(), id, json.RawMessage(patch), by)
	w.must(err)
	return c
}

// site is a connection with a secret.
func site(id string, more ...string) string {
	password, _ := json.Marshal(canary)
	return fmt.Sprintf(`{"id":%q,"vimType":%q,"interfaceInfo":{"endpoint":"https://x","retries":3},"accessInfo":{"username":"u","password":%s}%s}`,
		id, vimType, password, strings.Join(more, ""))
}

func (w *world) connection(vnfID, id string) vim.Connection {
	w.t.Helper()
	c, err := w.reg.Connection(w.t.Context(), vnfID, id)
	w.must(err)
	return c
}

func (w *world) standard() string {
	w.t.Helper()
	id, err := w.reg.Default(w.t.Context())
	w.must(err)
	return id
}

// own makes a change of what a VNF has of its own, as a use case would, and returns what the instance records.
func (w *world) own(vnfID string, patches map[string]string) (*vnf.ConnectionsChanged, error) {
	w.t.Helper()
	raw := map[string]json.RawMessage{}
	for id, p := range patches {
		raw[id] = json.RawMessage(p)
	}
	decide, err := w.reg.Own(w.t.Context(), vnfID, raw)
	if err != nil {
		return nil, err
	}
	var event *vnf.ConnectionsChanged
	ref := w.reg.OwnRow(vnfID)
	_, err = w.doer.Do(w.t.Context(), &eventstore.Work{
		Keys: []string{vnfID},
		Load: func() eventstore.Load { return eventstore.Load{Records: []eventstore.RecordRef{ref}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			e, row, err := decide(l.Records[ref])
			event = e
			if err != nil || row == nil {
				return nil, err
			}
			return &eventstore.Commit{Records: []eventstore.RecordWrite{*row}}, nil
		},
	})
	return event, err
}

// everything is all that is stored, as text, sealed rows included.
func (w *world) everything() string {
	w.t.Helper()
	var b strings.Builder
	heads, err := w.store.Streams(w.t.Context(), "", "", 1000)
	w.must(err)
	for _, h := range heads {
		events, err := w.store.ReadStream(w.t.Context(), h.Stream, 0, 1000)
		w.must(err)
		for _, e := range events {
			b.WriteString(e.Type + string(e.Data) + string(e.Meta) + "\n")
		}
	}
	views, err := w.store.Views(w.t.Context(), eventstore.ViewQuery{Kind: "vim_connection"})
	w.must(err)
	for _, v := range views {
		b.Write(v.Doc)
	}
	rows, err := w.store.Records(w.t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets})
	w.must(err)
	for _, r := range rows {
		b.Write(r.Doc)
	}
	return b.String()
}

// clean wants the canary in nothing, in whatever form.
func (w *world) clean(what, text string) {
	w.t.Helper()
	escaped, _ := json.Marshal(canary)
	for _, form := range []string{canary, string(escaped[1 : len(escaped)-1]), base64.StdEncoding.EncodeToString([]byte(canary))} {
		if strings.Contains(text, form) {
			w.t.Errorf("%s tells a secret: %s", what, text)
		}
	}
}

func ids(all []vimregistry.Connection) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.ID)
	}
	return slices.Clip(out)
}
