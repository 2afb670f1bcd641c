package vimregistry_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/aggregate/aggregatetest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimregistry"
	"github.com/vnfm/vnfm/vnf"
)

func attribute(err error) string {
	var e *vnfm.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Attribute
}

func TestRegisterAndRead(t *testing.T) {
	w := newWorld(t)
	c := w.register(site("site-b"))
	if string(c.AccessInfo["password"]) != `"***"` || string(c.InterfaceInfo["retries"]) != "3" || !c.Enabled || c.Default || c.Version != 1 {
		t.Errorf("%+v", c)
	}
	w.restart() // nothing is kept in memory
	got := w.connection("", "site-b")
	if vim.Text(got.AccessInfo, "password") != canary || vim.Text(got.InterfaceInfo, "endpoint") != "https://x" || got.Type != vimType || got.Disabled {
		t.Errorf("%+v", got)
	}
	all, err := w.reg.List(t.Context())
	w.must(err)
	if !slices.Equal(ids(all), []string{"built-in", "site-b"}) || !all[0].BuiltIn || !all[0].Default {
		t.Errorf("%+v", all)
	}
	shown, err := json.Marshal(all)
	w.must(err)
	w.clean("the list", string(shown))
	w.clean("the store", w.everything())
	if auto := w.register(`{"vimType":"` + vimType + `"}`); auto.ID != "id-1" {
		t.Errorf("made the id %q", auto.ID)
	}
	registry, err := aggregate.NewRegistry(vimregistry.Forms()...)
	w.must(err)
	if diffs, err := readmodel.Compare(t.Context(), w.store, vimregistry.Source(vimregistry.Repository(registry))); err != nil || len(diffs) > 0 {
		t.Errorf("views: %v, %v", diffs, err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	w := newWorld(t)
	w.register(site("site-b"))
	for name, c := range map[string]struct {
		doc  string
		kind vnfm.Kind
		at   string
	}{
		"id taken":         {site("site-b"), vnfm.Conflict, "/id"},
		"built in":         {site("built-in"), vnfm.Conflict, "/id"},
		"bad id":           {site("a/b"), vnfm.Invalid, "/id"},
		"no type":          {`{"id":"x"}`, vnfm.Unprocessable, "/vimType"},
		"type of no one":   {`{"vimType":"X"}`, vnfm.Unprocessable, "/vimType"},
		"unknown":          {`{"vimType":"` + vimType + `","pasword":"` + "c4nary" + `"}`, vnfm.Invalid, "/pasword"},
		"no object":        {`{"vimType":"` + vimType + `","accessInfo":"` + "c4nary" + `"}`, vnfm.Invalid, "/accessInfo"},
		"no JSON":          {`{`, vnfm.Invalid, ""},
		"disabled default": {site("x", `,"default":true,"enabled":false`), vnfm.Unprocessable, "/default"},
	} {
		_, err := w.reg.Register(t.Context(), json.RawMessage(c.doc), by)
		if w.fails(err, c.kind, c.at); err != nil && strings.Contains(err.Error(), "c4nary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.reg.Change(t.Context(), "built-in", json.RawMessage(`{}`), by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Error(err)
	}
	w.fails(w.reg.Delete(t.Context(), "nope", by), vnfm.NotFound, "")
}

// Seen failing with Unmasked left out of Change: the password becomes "***".
func TestChangeKeepsWhatIsMasked(t *testing.T) {
	w := newWorld(t)
	first := w.register(site("b"))
	back, err := json.Marshal(map[string]any{"accessInfo": first.AccessInfo, "interfaceInfo": map[string]any{"endpoint": "https://y", "retries": nil}})
	w.must(err)
	c := w.change("b", string(back))
	got := w.connection("", "b")
	if vim.Text(got.AccessInfo, "password") != canary || vim.Text(got.InterfaceInfo, "endpoint") != "https://y" || got.InterfaceInfo["retries"] != nil {
		t.Errorf("%+v", got)
	}
	if c.Version != 2 {
		t.Errorf("version %d", c.Version)
	}
	if again := w.change("b", string(back)); again.Version != 2 {
		t.Errorf("no change is version %d", again.Version)
	}
	w.change("b", `{"accessInfo":{"password":"`+"c4nary-2"+`"}}`)
	if got := vim.Text(w.connection("", "b").AccessInfo, "password"); got != "c4nary-2" {
		t.Errorf("password %q", got)
	}
	events, err := w.store.ReadStream(t.Context(), "vim-b", 2, 10)
	w.must(err)
	if len(events) != 1 || !strings.Contains(string(events[0].Data), `"credentials":true`) || strings.Contains(string(events[0].Data), "c4nary") {
		t.Errorf("%+v", events)
	}
	stale := by
	stale.Revision = 1
	_, err = w.reg.Change(t.Context(), "b", json.RawMessage(`{"vimId":"x"}`), stale)
	w.fails(err, vnfm.Precondition, "")
	_, err = w.reg.Change(t.Context(), "b", json.RawMessage(`{"id":"c"}`), by)
	w.fails(err, vnfm.Unprocessable, "/id")
	_, err = w.reg.Change(t.Context(), "b", json.RawMessage(`{"vimType":null}`), by)
	w.fails(err, vnfm.Unprocessable, "/vimType")
}

func TestThereIsOneDefaultAtMost(t *testing.T) {
	w := newWorld(t)
	if w.standard() != "built-in" {
		t.Errorf("default %q", w.standard())
	}
	w.register(site("a", `,"default":true`))
	w.register(site("b", `,"default":true`))
	if w.standard() != "b" {
		t.Errorf("default %q", w.standard())
	}
	all, err := w.reg.List(t.Context())
	w.must(err)
	var n int
	for _, c := range all {
		if c.Default {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d defaults", n)
	}
	w.change("a", `{"default":true}`)
	if a, err := w.reg.Get(t.Context(), "b"); err != nil || a.Default || w.standard() != "a" {
		t.Errorf("%+v, %v; default %q", a, err, w.standard())
	}
	w.change("a", `{"default":false}`)
	if w.standard() != "built-in" {
		t.Errorf("default %q", w.standard())
	}
	w.change("b", `{"default":true}`)
	_, err = w.reg.Change(t.Context(), "b", json.RawMessage(`{"enabled":false}`), by)
	w.fails(err, vnfm.Unprocessable, "/default")
}

// What was the default once does not become it again by itself. Seen failing with the other's default not ended.
func TestADefaultThatEndedDoesNotComeBack(t *testing.T) {
	w := newWorld(t)
	w.register(site("a", `,"default":true`))
	w.register(site("b", `,"default":true`))
	w.must(w.reg.Delete(t.Context(), "b", by))
	if a, err := w.reg.Get(t.Context(), "a"); err != nil || a.Default || w.standard() != "built-in" {
		t.Errorf("%+v, %v; default %q", a, err, w.standard())
	}
}

// Of two that became the default at once, each without knowing of the other, the later one is it. Seen failing with the earlier.
func TestOfTwoDefaultsTheLaterIsIt(t *testing.T) {
	for _, last := range []string{"a", "b"} {
		w := newWorld(t)
		w.before = func() { w.register(site(map[string]string{"a": "b", "b": "a"}[last], `,"default":true`)) }
		w.register(site(last, `,"default":true`))
		if got := w.standard(); got != last {
			t.Errorf("the default is %s, the later one is %s", got, last)
		}
	}
}

// A user is found where the VIM manager works for it, and where an instance has resources.
func TestDeleteIsRefusedWhileAVnfUsesTheConnection(t *testing.T) {
	w := newWorld(t)
	w.register(site("b"))
	w.busy = []string{"vnf-1", "vnf-1"}
	err := w.reg.Delete(t.Context(), "b", by)
	if w.fails(err, vnfm.Conflict, ""); !strings.Contains(err.Error(), "vnf-1.") {
		t.Error(err)
	}
	if w.connection("", "b").Disabled {
		t.Error("a refused delete leaves the connection disabled")
	}
	w.busy = nil
	w.put(&vnf.Instance{ID: "vnf-2", Leftovers: []vnf.Resource{{ID: "r", Connection: "b"}}})
	if err := w.reg.Delete(t.Context(), "b", by); vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), "vnf-2") {
		t.Error(err)
	}
	w.put(&vnf.Instance{ID: "vnf-2", Connections: map[string]vnf.VimConnection{"b": {}}})
	w.must(w.reg.Delete(t.Context(), "b", by))
	_, err = w.reg.Connection(t.Context(), "", "b")
	w.fails(err, vnfm.NotFound, "")
	if rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets}); err != nil || len(rows) != 0 {
		t.Errorf("secrets left: %v, %v", rows, err)
	}
	w.fails(w.reg.Delete(t.Context(), "b", by), vnfm.NotFound, "")
	if again := w.register(site("b")); again.Version != 8 || !again.Enabled {
		t.Errorf("registered again: %+v", again)
	}
}

// put writes the view of an instance.
func (w *world) put(v *vnf.Instance) {
	w.t.Helper()
	_, err := w.doer.Do(w.t.Context(), &eventstore.Work{Keys: []string{v.ID}, Load: func() eventstore.Load { return eventstore.Load{} }, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Views: []eventstore.ViewWrite{readmodel.InstanceView(v)}}, nil
	}})
	w.must(err)
}

// Whoever comes while the users are looked for is turned away: the connection is disabled then.
func TestDeleteTurnsNewUsersAway(t *testing.T) {
	w := newWorld(t)
	w.register(site("b"))
	var meanwhile vim.Connection
	w.while = func() { meanwhile = w.connection("vnf-1", "b") }
	w.must(w.reg.Delete(t.Context(), "b", by))
	if !meanwhile.Disabled {
		t.Error("resources could be created while the users are looked for")
	}
}

func TestEqualIdempotencyKeysHaveOneEffect(t *testing.T) {
	w := newWorld(t)
	keyed := by
	keyed.Answer = func(result any) *eventstore.IdempotencyResult {
		c, ok := result.(*vimregistry.Connection)
		if !ok {
			t.Errorf("the answer is made of %T", result)
		}
		b, err := json.Marshal(c)
		w.must(err)
		return &eventstore.IdempotencyResult{IdempotencyKey: eventstore.IdempotencyKey{Caller: "alice", Key: "k"}, Fingerprint: "f", Status: 201, Body: b}
	}
	_, err := w.reg.Register(t.Context(), json.RawMessage(site("b")), keyed)
	w.must(err)
	_, err = w.reg.Register(t.Context(), json.RawMessage(site("c")), keyed)
	if !errors.Is(err, eventstore.ErrIdempotencyKeyUsed) {
		t.Errorf("the key is used twice: %v", err)
	}
	l, err := w.store.Load(t.Context(), eventstore.Load{Idempotency: &eventstore.IdempotencyKey{Caller: "alice", Key: "k"}})
	w.must(err)
	w.clean("the stored answer", string(l.Idempotency.Body))
	// A delete stores its answer when it is through, not before.
	w.busy = []string{"vnf-1"}
	other := request.Info{Actor: "alice", ID: "request-2", Answer: func(any) *eventstore.IdempotencyResult {
		return &eventstore.IdempotencyResult{IdempotencyKey: eventstore.IdempotencyKey{Caller: "alice", Key: "d"}, Fingerprint: "f", Status: 204}
	}}
	w.fails(w.reg.Delete(t.Context(), "b", other), vnfm.Conflict, "")
	w.busy = nil
	w.must(w.reg.Delete(t.Context(), "b", other))
}

func TestCheckTellsWhyNotWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	w.register(site("b"))
	c, err := w.reg.Check(t.Context(), "b")
	w.must(err)
	if !c.Reachable || c.Flavours != 2 || c.Images != 3 || c.ExternalNetwork != "public" || len(c.Zones) != 1 {
		t.Errorf("%+v", c)
	}
	if len(c.Facts) != 1 || c.Facts[0].Value != "as ***" {
		t.Errorf("%+v", c.Facts)
	}
	w.asked = func(c vim.Connection) error {
		return &vim.Error{Op: "assets", Class: message.Auth, Hint: "user u with " + vim.Text(c.AccessInfo, "password") + " is not known"}
	}
	c, err = w.reg.Check(t.Context(), "b")
	w.must(err)
	if w.clean("the check", c.Detail); c.Reachable || !strings.Contains(c.Detail, "user u with *** is not known") {
		t.Errorf("%+v", c)
	}
	_, err = w.reg.Check(t.Context(), "nope")
	w.fails(err, vnfm.NotFound, "")
}

func TestALostKey(t *testing.T) {
	w := newWorld(t)
	w.register(site("b", `,"default":true`))
	w.keys = secret.NewKey()
	w.restart()
	_, err := w.reg.Connection(t.Context(), "", "b")
	w.fails(err, vnfm.Internal, "")
	if c, err := w.reg.Check(t.Context(), "b"); err != nil || c.Reachable || !strings.Contains(c.Detail, "key file") {
		t.Errorf("%+v, %v", c, err)
	}
	if all, err := w.reg.Connections(t.Context()); err != nil || len(all) != 2 || !all[0].Disabled {
		t.Errorf("%+v, %v", all, err)
	}
	all, err := w.reg.Connections(t.Context())
	w.must(err)
	ids, err := w.reg.IDs(t.Context())
	if err != nil || len(ids) != len(all) || ids[0] != all[0].ID || ids[1] != all[1].ID {
		t.Errorf("ids %v of %+v, %v", ids, all, err)
	}
	// The credentials are entered again; the rest is as it was.
	w.change("b", `{"accessInfo":{"username":"u","password":"c4nary-3"}}`)
	got := w.connection("", "b")
	if vim.Text(got.AccessInfo, "password") != "c4nary-3" || vim.Text(got.InterfaceInfo, "endpoint") != "https://x" || w.standard() != "b" {
		t.Errorf("%+v, default %s", got, w.standard())
	}
}

// Seen failing with Unavailable, once per process.
func TestSnapshotsOfAnotherSchemaDoNotMatter(t *testing.T) {
	w := newWorld(t)
	w.register(site("site-a"))
	w.register(site("site-b"))
	aggregatetest.OtherSchema(t, w.store)
	w.restart()
	w.change("site-a", `{"default":true}`)
	aggregatetest.OtherSchema(t, w.store)
	w.restart()
	w.must(w.reg.Delete(t.Context(), "site-b", by))
}

// A URL with a user or a password in it is refused wherever it would be shown, and is not in the answer.
func TestAnEndpointWithUserInformationIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct{ doc, at string }{
		"password":      {`"interfaceInfo":{"endpoint":"https://admin:c4nary@vim.example/v3"}`, "/interfaceInfo/endpoint"},
		"user":          {`"interfaceInfo":{"endpoint":" https://c4nary@vim.example"}`, "/interfaceInfo/endpoint"},
		"within a list": {`"interfaceInfo":{"a/b":[{"x":"http://a:c4nary@b"}]}`, "/interfaceInfo/a~1b"},
		"extra":         {`"extra":{"proxy":"socks5://u:c4nary@10.0.0.1:1080"}`, "/extra/proxy"},
		"no good URL":   {`"interfaceInfo":{"endpoint":"https://admin:c4%zznary@vim.example/"}`, "/interfaceInfo/endpoint"},
	} {
		_, err := w.reg.Register(t.Context(), json.RawMessage(`{"vimType":"`+vimType+`",`+c.doc+`}`), by)
		var e *vnfm.Error
		if !errors.As(err, &e) || e.Kind != vnfm.Unprocessable || e.Attribute != c.at || strings.Contains(err.Error(), "c4nary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, good := range []string{`"interfaceInfo":{"endpoint":"https://vim.example/v3?user=@me","mail":"noc@example.com"}`, `"accessInfo":{"proxy":"http://u:p@h"}`} {
		if _, err := w.reg.Register(t.Context(), json.RawMessage(`{"vimType":"`+vimType+`",`+good+`}`), by); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// What VNFs have at a connection is known to the driver of its type alone.
func TestTheTypeOfAConnectionInUseDoesNotChange(t *testing.T) {
	w := newWorld(t)
	w.register(site("b"))
	other := json.RawMessage(`{"vimType":"OTHER.V_1"}`)
	w.busy = []string{"vnf-1"}
	_, err := w.reg.Change(t.Context(), "b", other, by)
	if w.fails(err, vnfm.Conflict, "/vimType"); !strings.Contains(err.Error(), "vnf-1") {
		t.Error(err)
	}
	same, err := json.Marshal(map[string]string{"vimType": w.connection("", "b").Type})
	w.must(err)
	_, err = w.reg.Change(t.Context(), "b", same, by)
	w.must(err)
	w.busy = nil
	_, err = w.reg.Change(t.Context(), "b", other, by) // no driver serves it
	w.fails(err, vnfm.Unprocessable, "/vimType")
}
