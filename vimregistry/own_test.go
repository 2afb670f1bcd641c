package vimregistry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vim"
)

// design.md §7: registry < instance < request < grant, as merge patches by vimConnectionId. Seen failing with a patch put in the
// place of the one before instead of over it.
func TestWhatAVnfHasOfItsOwnLiesOverWhatIsRegistered(t *testing.T) {
	w := newWorld(t)
	w.register(site("b"))
	_, err := w.own("v1", map[string]string{"b": `{"vimType":"` + vimType + `","accessInfo":{"project":"p"},"interfaceInfo":{"retries":null}}`})
	w.must(err)
	event, err := w.own("v1", map[string]string{"b": `{"accessInfo":{"password":"c4nary-own","project":"***"}}`})
	w.must(err)
	got := w.connection("v1", "b")
	if vim.Text(got.AccessInfo, "password") != "c4nary-own" || vim.Text(got.AccessInfo, "project") != "p" || vim.Text(got.AccessInfo, "username") != "u" ||
		vim.Text(got.InterfaceInfo, "endpoint") != "https://x" || got.InterfaceInfo["retries"] != nil {
		t.Errorf("%+v", got)
	}
	if c := event.Connections["b"]; !c.Own || string(c.AccessInfo["password"]) != `"***"` || c.InterfaceInfo["retries"] != nil {
		t.Errorf("recorded: %+v", event)
	}
	if other := w.connection("v2", "b"); vim.Text(other.AccessInfo, "password") != canary || other.AccessInfo["project"] != nil {
		t.Errorf("another VNF sees %+v", other)
	}
	// What is registered still counts where the VNF has nothing of its own.
	w.change("b", `{"interfaceInfo":{"endpoint":"https://z","retries":9}}`)
	if got := w.connection("v1", "b"); vim.Text(got.InterfaceInfo, "endpoint") != "https://z" || got.InterfaceInfo["retries"] != nil {
		t.Errorf("%+v", got)
	}
	if text := w.everything(); strings.Contains(text, "c4nary") {
		t.Errorf("stored: %s", text)
	}
	w.restart() // what is registered is not remembered, but read; seen failing with what this process had read
	event, err = w.own("v1", map[string]string{"b": `null`})
	w.must(err)
	if len(event.Removed) != 1 || event.Connections["b"].Type != vimType || string(event.Connections["b"].AccessInfo["password"]) != `"***"` || vim.Text(w.connection("v1", "b").AccessInfo, "password") != canary {
		t.Errorf("%+v", event)
	}
	if rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets, Group: "vnf-vims"}); err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestAVnfBringsAConnectionOfItsOwn(t *testing.T) {
	w := newWorld(t)
	doc := `{"vimId":"mine","vimType":"` + vimType + `","accessInfo":{"password":"c4nary-mine"}}`
	_, err := w.own("v1", map[string]string{"mine": doc, "built-in": `{"vimType":"` + vimType + `"}`})
	w.must(err)
	if got := w.connection("v1", "mine"); vim.Text(got.AccessInfo, "password") != "c4nary-mine" || got.VimID != "mine" {
		t.Errorf("%+v", got)
	}
	_, err = w.reg.Connection(t.Context(), "v2", "mine")
	w.fails(err, vnfm.NotFound, "")
	_, err = w.reg.Connection(t.Context(), "", "mine")
	w.fails(err, vnfm.NotFound, "")
	owned, err := w.reg.Owned(t.Context())
	w.must(err)
	if len(owned) != 1 || owned[0].VnfID != "v1" || owned[0].ID != "mine" { // saying what is registered makes nothing one's own
		t.Errorf("%+v", owned)
	}
	before, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets})
	w.must(err)
	_, err = w.own("v1", map[string]string{"mine": doc})
	w.must(err)
	after, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets})
	w.must(err)
	if before[0].Version != after[0].Version {
		t.Error("the same once more is written again")
	}
	for name, c := range map[string]struct {
		patch, at string
		kind      vnfm.Kind
	}{
		"no type":        {`{"accessInfo":{"password":"c4nary"}}`, "/vimConnectionInfo/x/vimType", vnfm.Unprocessable},
		"type of no one": {`{"vimType":"X"}`, "/vimConnectionInfo/x/vimType", vnfm.Unprocessable},
		"no object":      {`{"vimType":"` + vimType + `","accessInfo":"c4nary"}`, "/vimConnectionInfo/x/accessInfo", vnfm.Invalid},
		"unknown":        {`{"vimType":"` + vimType + `","c4nary":1}`, "", vnfm.Invalid},
	} {
		_, err := w.own("v1", map[string]string{"x": c.patch})
		if w.fails(err, c.kind, c.at); t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestAStoreThatIsAwayIsNotAnAnswer(t *testing.T) {
	w := newWorld(t)
	w.register(site("b"))
	w.away = true
	_, err := w.reg.Connection(t.Context(), "v", "b")
	w.fails(err, vnfm.Unavailable, "")
	_, err = w.reg.Default(t.Context())
	w.fails(err, vnfm.Unavailable, "")
	_, err = w.reg.Own(t.Context(), "v", map[string]json.RawMessage{"b": nil})
	w.fails(err, vnfm.Unavailable, "")
}
