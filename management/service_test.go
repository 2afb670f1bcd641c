package management_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnf"
)

const canary = "pa55word-canary"

var by = request.Info{Actor: "alice", ID: "request-1"}

type world struct {
	t     *testing.T
	store *memory.Store
	reg   *management.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := &world{t: t, store: memory.New(memory.Config{Now: func() time.Time { now = now.Add(time.Millisecond); return now }})}
	w.restart(secret.NewKey())
	return w
}

func (w *world) restart(key string) {
	w.t.Helper()
	keys, err := secret.Parse(key)
	if err == nil {
		w.reg, err = management.New(management.Config{Store: w.store, Doer: eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), Keys: keys})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) register(doc string) *management.Connection {
	w.t.Helper()
	c, err := w.reg.Register(w.t.Context(), json.RawMessage(doc), by)
	if err != nil {
		w.t.Fatalf("%s: %v", doc, err)
	}
	return c
}

func attribute(err error) string {
	var e *vnfm.Error
	if errors.As(err, &e) {
		return e.Attribute
	}
	return ""
}

const em = `{"id":"em","endpointType":"MGMT","uri":"https://em.example/api/","authentication":{"authType":["BASIC"],"paramsBasic":{"userName":"u","password":"` + canary + `"}}}`

// What is registered can be read, its credentials by nobody but who calls; a masked value that comes back changes nothing; views are what the
// events amount to.
func TestAConnectionIsSealedAndMasked(t *testing.T) {
	w := newWorld(t)
	w.register(em)
	c, err := w.reg.Get(t.Context(), "em")
	if err != nil || c.Auth.Basic.Password != secret.Mask || c.Auth.Basic.UserName != "u" || !c.Enabled {
		t.Fatalf("%+v, %v", c, err)
	}
	shown, _ := json.Marshal(c.Details)
	if c, err = w.reg.Change(t.Context(), "em", shown, by); err != nil || c.Version != 1 {
		t.Errorf("what was shown was sent back: %+v, %v", c, err)
	}
	if c, err = w.reg.Change(t.Context(), "em", json.RawMessage(`{"for":{"vnfProvider":"p"},"vnfSpecificData":{"ntp":"a"}}`), by); err != nil || c.Version != 2 || c.For.Provider != "p" {
		t.Errorf("%+v, %v", c, err)
	}
	d, err := w.reg.Open(t.Context(), "em")
	if err != nil || d.Auth.Basic.Password != canary || d.Root("") != "https://em.example/api" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := w.reg.Change(t.Context(), "em", json.RawMessage(`{"enabled":false}`), by); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reg.Open(t.Context(), "em"); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("a disabled one: %v", err)
	}
	w.same()
	w.restart(secret.NewKey()) // the key is lost
	if _, err := w.reg.Open(t.Context(), "em"); vnfm.KindOf(err) != vnfm.Internal {
		t.Errorf("without its key: %v", err)
	}
	if _, err := w.reg.Change(t.Context(), "em", json.RawMessage(`{"enabled":true,"authentication":{"paramsBasic":{"password":"new"}}}`), by); err != nil {
		t.Errorf("entered again: %v", err)
	}
	if d, err = w.reg.Open(t.Context(), "em"); err != nil || d.Auth.Basic.Password != "new" || d.Auth.Basic.UserName != "u" {
		t.Errorf("%+v, %v", d, err)
	}
	if err := w.reg.Delete(t.Context(), "em", by); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reg.Open(t.Context(), "em"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("deleted: %v", err)
	}
	w.register(em) // the id is free again
	w.same()
}

// same: nothing but the sealed row holds the canary, and a rebuild gives the views.
func (w *world) same() {
	w.t.Helper()
	registry, err := aggregate.NewRegistry(management.Forms()...)
	if err != nil {
		w.t.Fatal(err)
	}
	if diffs, err := readmodel.Compare(w.t.Context(), w.store, management.Source(management.Repository(registry))); err != nil || len(diffs) > 0 {
		w.t.Errorf("views differ: %v, %v", diffs, err)
	}
	events, err := w.store.ReadStream(w.t.Context(), management.StreamPrefix+"em", 0, 100)
	if err != nil || len(events) == 0 {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if strings.Contains(string(e.Data), canary) {
			w.t.Errorf("%s tells the password", e.Type)
		}
	}
}

// What cannot be used is refused, at the attribute.
func TestAConnectionThatCannotBeUsedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.register(em)
	for doc, want := range map[string]struct {
		kind vnfm.Kind
		at   string
	}{
		`{`: {vnfm.Invalid, ""},
		`{"endpointType":"OSS","uri":"https://x"}`:                                            {vnfm.Unprocessable, "/endpointType"},
		`{"endpointType":"VNF"}`:                                                              {vnfm.Unprocessable, "/uri"},
		`{"endpointType":"VNF","uri":"ftp://x"}`:                                              {vnfm.Unprocessable, "/uri"},
		`{"endpointType":"VNF","uri":"https://u:p@x"}`:                                        {vnfm.Unprocessable, "/uri"},
		`{"endpointType":"VNF","uri":"https://x/?a=1"}`:                                       {vnfm.Unprocessable, "/uri"},
		`{"endpointType":"VNF","uri":"https://{vdu.x}/"}`:                                     {vnfm.Unprocessable, "/uri"},
		`{"endpointType":"VNF","uri":"https://x","interfaces":["vnfconfig","x"]}`:             {vnfm.Unprocessable, "/interfaces/1"},
		`{"endpointType":"VNF","uri":"https://x","authentication":{"authType":["KERBEROS"]}}`: {vnfm.Unprocessable, "/authentication/authType/0"},
		`{"endpointType":"VNF","uri":"https://x","for":{"vnfProductName":"n"}}`:               {vnfm.Unprocessable, "/for/vnfProvider"},
		`{"endpointType":"VNF","uri":"https://x","id":"a b"}`:                                 {vnfm.Invalid, "/id"},
		`{"endpointType":"VNF","uri":7}`:                                                      {vnfm.Invalid, "/uri"},
		`{"endpointType":"VNF","uri":"https://x","colour":"` + canary + `"}`:                  {vnfm.Invalid, "/colour"},
		em: {vnfm.Conflict, "/id"},
	} {
		_, err := w.reg.Register(t.Context(), json.RawMessage(doc), by)
		if vnfm.KindOf(err) != want.kind || attribute(err) != want.at || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v at %q", doc, err, attribute(err))
		}
	}
	for _, patch := range []string{`{"id":"x"}`, `{"uri":"x"}`} {
		if _, err := w.reg.Change(t.Context(), "em", json.RawMessage(patch), by); vnfm.KindOf(err) != vnfm.Unprocessable {
			t.Errorf("%s: %v", patch, err)
		}
	}
	if _, err := w.reg.Change(t.Context(), "em", json.RawMessage(`{}`), request.Info{Actor: "a", ID: "r", Revision: 9}); vnfm.KindOf(err) != vnfm.Precondition {
		t.Errorf("another version: %v", err)
	}
	if _, err := w.reg.Get(t.Context(), "x"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("unknown: %v", err)
	}
}

// The closest connection is called, for the interface and the endpoint that are wanted.
func TestTheClosestConnectionIsCalled(t *testing.T) {
	w := newWorld(t)
	v := &vnf.Instance{ID: "v-1", VnfdID: "d-1", Provider: "acme", ProductName: "fw"}
	add := func(id, endpoint, rest string) {
		w.register(`{"id":"` + id + `","endpointType":"` + endpoint + `","uri":"https://x"` + rest + `}`)
	}
	expect := func(name, endpoint, named, want string) {
		t.Helper()
		e, err := w.reg.Endpoint(t.Context(), v, name, endpoint, named)
		got := ""
		if e != nil {
			got = e.Connection
		}
		if err != nil || got != want {
			t.Errorf("%s of %q, named %q: %q instead of %q, %v", name, endpoint, named, got, want, err)
		}
	}
	expect("vnfconfig", "", "", "")
	add("z-all", "MGMT", "")
	expect("vnfconfig", "", "", "z-all")
	expect("lcmcoord", "VNF", "", "")
	add("z-vnf", "VNF", "")
	expect("vnfconfig", "", "", "z-vnf") // of equals the VNF itself
	add("other", "VNF", `,"for":{"vnfInstanceIds":["v-2"]}`)
	add("provider", "VNF", `,"for":{"vnfProvider":"acme"}`)
	expect("vnfconfig", "", "", "provider")
	add("product", "VNF", `,"for":{"vnfProvider":"acme","vnfProductName":"fw"}`)
	add("not", "VNF", `,"for":{"vnfProvider":"acme","vnfProductName":"router"}`)
	expect("vnfconfig", "", "", "product")
	add("vnfd", "MGMT", `,"for":{"vnfdIds":["d-1"]},"interfaces":["lcmcoord"]`)
	expect("vnfconfig", "", "", "product")
	expect("lcmcoord", "", "", "vnfd")
	expect("lcmcoord", "VNF", "", "product")
	add("mine", "VNF", `,"for":{"vnfInstanceIds":["v-1"]}`)
	expect("lcmcoord", "", "", "mine")
	expect("lcmcoord", "", "other", "other") // a request names it
	add("off", "VNF", `,"for":{"vnfInstanceIds":["v-1"],"vnfdIds":["d-1"]},"enabled":false`)
	expect("lcmcoord", "", "", "mine")
	if _, err := w.reg.Endpoint(t.Context(), v, "lcmcoord", "", "nobody"); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a name that there is not: %v", err)
	}
	add("cp", "VNF", "")
	c, err := w.reg.Change(t.Context(), "cp", json.RawMessage(`{"uri":"https://{extCp.mgmt}:8443/x/"}`), by)
	if err != nil || c.Cpd() != "mgmt" || c.Root("2001:db8::1") != "https://[2001:db8::1]:8443/x" {
		t.Errorf("%+v, %v", c, err)
	}
	all, err := w.reg.List(t.Context())
	if err != nil || !slices.IsSortedFunc(all, func(a, b management.Connection) int { return strings.Compare(a.ID, b.ID) }) || len(all) != 10 {
		t.Errorf("%d connections, %v", len(all), err)
	}
}
