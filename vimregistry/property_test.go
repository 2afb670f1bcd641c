package vimregistry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/vim"
)

// leaf is a value of a connection that can be told apart when it is a secret.
const leaf = "c4nary-"

// drawnPatch draws what one layer says of a connection: values, nulls, masks, and what it does not say.
func drawnPatch(t *rapid.T, name string) json.RawMessage {
	part := func(part string, names ...string) map[string]any {
		out := map[string]any{}
		for _, n := range names {
			secret := part == "accessInfo" || n == "password"
			switch rapid.IntRange(0, 4).Draw(t, name+" "+part+" "+n) {
			case 0:
				out[n] = nil
			case 1:
				out[n] = rapid.SampledFrom([]any{"***", "plain"}).Draw(t, "value")
				if out[n] == "***" && !secret {
					out[n] = 7
				}
			case 2:
				out[n] = fmt.Sprint("value-", rapid.IntRange(0, 2).Draw(t, "value"))
				if secret {
					out[n] = leaf + out[n].(string)
				}
			}
		}
		return out
	}
	p := map[string]any{}
	for _, names := range [][]string{{"interfaceInfo", "endpoint", "retries"}, {"accessInfo", "username", "password", "project"}, {"extra", "zone", "password"}} {
		if rapid.Bool().Draw(t, name+" says "+names[0]) {
			p[names[0]] = part(names[0], names[1:]...)
		}
	}
	if rapid.Bool().Draw(t, name+" says vimId") {
		p["vimId"] = rapid.SampledFrom([]any{"x", "y", nil}).Draw(t, "vimId")
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unmasked is a patch without what is masked: that comes from an answer, and changes nothing.
func unmasked(t *rapid.T, patch json.RawMessage) json.RawMessage {
	var p map[string]any
	if err := json.Unmarshal(patch, &p); err != nil {
		t.Fatal(err)
	}
	for _, part := range p {
		if m, ok := part.(map[string]any); ok {
			for k, v := range m {
				if v == "***" {
					delete(m, k)
				}
			}
		}
	}
	b, _ := json.Marshal(p)
	return b
}

// said is a connection as a document.
func said(c vim.Connection) json.RawMessage {
	b, _ := json.Marshal(map[string]any{"vimId": c.VimID, "vimType": c.Type, "interfaceInfo": c.InterfaceInfo, "accessInfo": c.AccessInfo, "extra": c.Extra})
	return b
}

// wantSame wants a driver to be given just what a document says.
func wantSame(t *rapid.T, what string, got vim.Connection, doc json.RawMessage) {
	var c vim.Connection
	var d struct {
		VimID         string                     `json:"vimId"`
		Type          string                     `json:"vimType"`
		InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo"`
		AccessInfo    map[string]json.RawMessage `json:"accessInfo"`
		Extra         map[string]json.RawMessage `json:"extra"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	c.VimID, c.Type, c.InterfaceInfo, c.AccessInfo, c.Extra = d.VimID, d.Type, d.InterfaceInfo, d.AccessInfo, d.Extra
	bare := func(c vim.Connection) vim.Connection { // nothing and an empty object are the same
		for _, m := range []*map[string]json.RawMessage{&c.InterfaceInfo, &c.AccessInfo, &c.Extra} {
			if len(*m) == 0 {
				*m = nil
			}
		}
		return c
	}
	if a, b := said(bare(got)), said(bare(c)); !mergepatch.Equal(a, b) {
		t.Fatalf("%s: the driver gets %s, want %s", what, a, b)
	}
}

// The layers of design.md §7, in any number and order: a driver gets what is registered with each patch over what was before
// (keys not named stay, null removes); a patch that comes twice changes nothing the second time; two at once are as one after the
// other; what is taken back leaves what is registered; nobody else sees any of it; and no secret is in what is recorded or
// stored. Seen failing with a patch put in the place of the one before, with masks kept, with the event not masked, and with the
// row written though it says the same.
func TestLayersOfAConnection(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.register(site("b"))
		base := said(w.connection("", "b"))
		mine := base // what v1 is to have
		var composed json.RawMessage
		row := func(vnf string) int64 {
			l, err := w.store.Load(t.Context(), eventstore.Load{Records: []eventstore.RecordRef{w.reg.OwnRow(vnf)}})
			w.must(err)
			if rec := l.Records[w.reg.OwnRow(vnf)]; rec != nil {
				return rec.Version
			}
			return 0
		}
		for range rapid.IntRange(1, 5).Draw(rt, "layers") {
			if rapid.IntRange(0, 5).Draw(rt, "taken back") == 0 {
				_, err := w.own("v1", map[string]string{"b": "null"})
				w.must(err)
				mine, composed = base, nil
				wantSame(rt, "taken back", w.connection("v1", "b"), mine)
				continue
			}
			patch := drawnPatch(rt, "patch")
			event, err := w.own("v1", map[string]string{"b": string(patch)})
			w.must(err)
			plain := unmasked(rt, patch)
			mine = mergepatch.Apply(mine, plain)
			wantSame(rt, "patched", w.connection("v1", "b"), mine)
			recorded, _ := json.Marshal(event)
			if strings.Contains(string(recorded), leaf) {
				rt.Fatalf("recorded: %s", recorded)
			}
			version := row("v1")
			_, err = w.own("v1", map[string]string{"b": string(patch)})
			w.must(err)
			wantSame(rt, "patched twice", w.connection("v1", "b"), mine)
			if row("v1") != version {
				rt.Fatalf("the same once more is written again: %s", patch)
			}
			composed = mergepatch.Compose(composed, plain)
		}
		if composed != nil {
			_, err := w.own("v2", map[string]string{"b": string(composed)})
			w.must(err)
			wantSame(rt, "all at once", w.connection("v2", "b"), mine)
		}
		wantSame(rt, "for others", w.connection("v3", "b"), base)
		if text := w.everything(); strings.Contains(text, leaf) {
			rt.Fatalf("stored: %s", text)
		}
	})
}
