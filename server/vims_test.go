package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/server"
)

// canary is a password that is found nowhere. It has characters that JSON escapes.
const canary = `c4nary"<pass>&word`

// findCanary fails when a text has the canary in any form.
func findCanary(t *testing.T, what, text string) {
	t.Helper()
	escaped, _ := json.Marshal(canary)
	plain := `c4nary\"<pass>&word` // as encoders write it that do not escape HTML
	for _, form := range []string{
		canary, string(escaped[1 : len(escaped)-1]), plain, base64.StdEncoding.EncodeToString([]byte(canary)),
		base64.RawURLEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString(escaped), "c4nary",
	} {
		if at := strings.Index(text, form); at >= 0 {
			t.Errorf("%s has the canary: …%q…", what, text[max(0, at-60):min(len(text), at+60)])
			return
		}
	}
}

// stored returns all that a stopped program has stored, sealed credentials included, but not the key file.
func (p *program) stored() string {
	p.t.Helper()
	var b strings.Builder
	if url := p.cfg.Database; url != "" {
		text, err := dbtest.Dump(p.t.Context(), url)
		if err != nil {
			p.t.Fatal(err)
		}
		b.WriteString(text)
	}
	err := filepath.WalkDir(p.cfg.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "secret.key" {
			return err
		}
		raw, err := os.ReadFile(path) //nolint:gosec // our own folder
		b.Write(raw)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return b.String()
}

// watched looks for the canary in every answer.
type watched struct {
	t    *testing.T
	base http.RoundTripper
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.base.RoundTrip(r)
	if err != nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err == nil {
		err = cerr
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	findCanary(w.t, r.Method+" "+r.URL.Path, string(body)+fmt.Sprint(res.Header))
	return res, err
}

// at counts what each VIM holds for a VNF.
func (p *program) at(vnf string) map[string]int {
	p.t.Helper()
	out := map[string]int{}
	all, _ := p.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any)
	for _, r := range all {
		if text(r, "owner") == vnf {
			out[text(r, "vim")]++
		}
	}
	return out
}

// only wants everything of a VNF at one VIM.
func (p *program) only(vnf, vim string) {
	p.t.Helper()
	if at := p.at(vnf); len(at) != 1 || at[vim] == 0 {
		p.t.Errorf("VNF %s is at %v, want only %s", vnf, at, vim)
	}
}

// secretive is a connection to a simulated VIM with the canary for a password.
func secretive(more map[string]any) map[string]any {
	m := map[string]any{"vimType": "VNFM.SIM.V_1", "accessInfo": map[string]any{"username": "u", "password": canary}}
	maps.Copy(m, more)
	return m
}

const merge = "application/merge-patch+json"

// Credentials are sealed on their way in, from wherever they come, and found nowhere: in no database, file, log, event, message or
// answer. VNFs are at the VIM the request, their own connections or the default name, several at once; what they hold is released
// through the same connection. Seen failing with the request's Params not masked.
func TestACanaryPasswordIsFoundNowhere(t *testing.T) {
	both := map[string]func(t *testing.T) []string{"sqlite with a second database": func(*testing.T) []string { return []string{"--vim-database=sqlite:vims.db"} }}
	maps.Copy(both, backends)
	for name, args := range both {
		t.Run(name, func(t *testing.T) { canaryWalk(t, args(t)) })
	}
}

func canaryWalk(t *testing.T, args []string) {
	t.Helper()
	p := newProgram(t, settings(t, append([]string{"--data=" + t.TempDir(), "--log-level=debug", "--vim-sweep-interval=50ms"}, args...)...), server.Options{Guide: io.Discard})
	p.client.Transport = watched{t, p.client.Transport}
	p.start()
	const vims = "/vnfm/v1/vims"
	p.must(201, "POST", vims, secretive(map[string]any{"id": "site-c", "extra": map[string]any{"apiKey": canary}}), "Idempotency-Key", "vim-1")
	if code, h, _ := p.request("POST", vims, secretive(map[string]any{"id": "site-c", "extra": map[string]any{"apiKey": canary}}), "Idempotency-Key", "vim-1"); code != 201 || h.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the answer is not replayed: %d", code)
	}
	p.must(200, "PATCH", vims+"/site-c", map[string]any{"accessInfo": map[string]any{"password": "***", "token": canary}}, "Content-Type", merge, "If-Match", `"1"`)
	p.must(412, "PATCH", vims+"/site-c", map[string]any{"vimId": "x"}, "Content-Type", merge, "If-Match", `"1"`)
	p.must(400, "POST", vims, map[string]any{"vimType": "VNFM.SIM.V_1", "accessInfo": canary})
	p.must(400, "POST", vims, map[string]any{"vimType": "VNFM.SIM.V_1", "pass": canary})
	if check := p.must(200, "POST", vims+"/site-c/check", nil); field(check, "reachable") != true {
		t.Errorf("%v", check)
	}

	byRequest, overlaid, owning, standard := p.create("by-request"), p.create("overlaid"), p.create("owning"), p.create("standard")
	with := func(id string, info map[string]any) map[string]any {
		return map[string]any{"flavourId": "standard", "vimConnectionInfo": map[string]any{id: info}}
	}
	overlay := secretive(map[string]any{"accessInfo": map[string]any{"password": canary + canary}})
	ops := []string{
		p.begin(byRequest, "instantiate", with("sim-2", map[string]any{"vimType": "VNFM.SIM.V_1"})),
		p.begin(overlaid, "instantiate", with("site-c", overlay), "Idempotency-Key", "op-1"),
		p.begin(owning, "instantiate", with("mine", secretive(map[string]any{"interfaceInfo": map[string]any{"endpoint": "https://mine", "retries": 3}}))),
		p.begin(standard, "instantiate", instantiate),
	}
	if code, h, _ := p.request("POST", "/vnflcm/v2/vnf_instances/"+overlaid+"/instantiate", with("site-c", overlay), "Idempotency-Key", "op-1"); code != 202 || h.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the answer is not replayed: %d", code)
	}
	for _, op := range ops {
		p.completed(op)
	}
	p.must(422, "POST", "/vnflcm/v2/vnf_instances/"+p.create("refused")+"/instantiate", with("nope", map[string]any{"vimType": "X", "accessInfo": map[string]any{"password": canary}}))
	p.must(200, "PATCH", vims+"/site-c", map[string]any{"default": true}, "Content-Type", merge)
	registered := p.create("registered")
	p.run(registered, "instantiate", instantiate)
	for vnf, vim := range map[string]string{byRequest: "sim-2", overlaid: "site-c", owning: "mine", standard: "sim-1", registered: "site-c"} {
		p.only(vnf, vim)
	}

	code, h, body := p.request("PATCH", "/vnflcm/v2/vnf_instances/"+owning, map[string]any{
		"vnfInstanceName": "renamed", "metadata": map[string]any{"a": 1}, "vimConnectionInfo": map[string]any{"mine": secretive(map[string]any{"extra": map[string]any{"x": []any{1}}})},
	}, "Content-Type", merge, "Idempotency-Key", "modify-1")
	if code != 202 {
		t.Fatalf("modify: %d %s", code, body)
	}
	op := p.must(200, "GET", pathOf(h), nil)
	if text(op, "operation") != "MODIFY_INFO" || text(op, "operationState") != "COMPLETED" || text(op, "changedInfo", "vnfInstanceName") != "renamed" ||
		text(op, "changedInfo", "vimConnectionInfo", "mine", "accessInfo", "password") != "***" {
		t.Errorf("%v", op)
	}
	v := p.must(200, "GET", "/vnflcm/v2/vnf_instances/"+owning, nil)
	if text(v, "vnfInstanceName") != "renamed" || text(v, "vimConnectionInfo", "mine", "extra", "x", 0) != "1" || text(v, "vimConnectionInfo", "mine", "interfaceInfo", "retries") != "3" {
		t.Errorf("%v", v)
	}
	p.must(409, "PATCH", "/vnflcm/v2/vnf_instances/"+owning, map[string]any{"vimConnectionInfo": map[string]any{"mine": nil}}, "Content-Type", merge)
	p.must(412, "PATCH", "/vnflcm/v2/vnf_instances/"+owning, map[string]any{"vnfInstanceName": "x"}, "Content-Type", merge, "If-Match", `"1"`)
	p.must(200, "GET", vims+"/site-c", nil)
	if refused := p.must(409, "DELETE", vims+"/site-c", nil); !strings.Contains(text(refused, "detail"), overlaid) || !strings.Contains(text(refused, "detail"), registered) {
		t.Errorf("%v", refused)
	}
	p.must(409, "DELETE", vims+"/sim-1", nil)
	for _, vnf := range []string{overlaid, owning} { // everything that can be asked
		p.must(200, "GET", "/vnfm/v1/vnf_instances/"+vnf+"/events", nil)
	}
	for _, op := range ops {
		id := op[strings.LastIndex(op, "/")+1:]
		p.must(200, "GET", "/vnfm/v1/sagas/"+id, nil)
		p.must(200, "GET", "/vnfm/v1/vnf_lcm_op_occs/"+id+"/progress", nil)
	}
	for _, list := range []string{vims, "/vnflcm/v2/vnf_instances?all_fields", "/vnflcm/v2/vnf_lcm_op_occs?all_fields", "/vnfm/v1/parked_messages", "/vnfm/v1/sim/inventory"} {
		p.must(200, "GET", list, nil)
	}
	findCanary(t, "the metrics", p.metrics())

	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	all := p.stored()
	if !strings.Contains(all, "site-c") || !strings.Contains(all, "vnf-vims/"+owning) {
		t.Error("what is stored was not read")
	}
	findCanary(t, "what is stored", all)
	findCanary(t, "the log", p.log.String())

	p.rotate(3)
	p.start()
	for _, vnf := range []string{byRequest, overlaid, owning, standard, registered} {
		p.run(vnf, "terminate", terminate)
	}
	if left := p.inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	for _, vnf := range []string{overlaid, owning} {
		p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+vnf, nil)
	}
	p.must(204, "DELETE", vims+"/site-c", nil)
	p.must(404, "GET", vims+"/site-c", nil)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := server.RotateSecrets(t.Context(), p.cfg, &out); err != nil || !strings.HasPrefix(out.String(), "0 secrets") {
		t.Errorf("credentials are left: %s, %v", &out, err)
	}
	if err := server.Rebuild(t.Context(), p.cfg, &out, true); err != nil {
		t.Errorf("rebuild --check: %v: %s", err, &out)
	}
}

// rotate gives a stopped program a new key, has what is stored sealed with it, and takes the old one away.
func (p *program) rotate(want int) {
	p.t.Helper()
	name := filepath.Join(p.cfg.Data, "secret.key")
	old, err := os.ReadFile(name) //nolint:gosec // our own folder
	if err != nil {
		p.t.Fatal(err)
	}
	fresh := secret.NewKey() + "\n"
	for _, step := range []struct {
		keys string
		say  string
	}{
		{fresh + string(old), fmt.Sprintf("%d secrets, %d of them", want, want)},
		{fresh + string(old), fmt.Sprintf("%d secrets, 0 of them", want)},
		{fresh, fmt.Sprintf("%d secrets, 0 of them", want)},
	} {
		if err := os.WriteFile(name, []byte(step.keys), 0o600); err != nil {
			p.t.Fatal(err)
		}
		var out bytes.Buffer
		if err := server.RotateSecrets(p.t.Context(), p.cfg, &out); err != nil || !strings.HasPrefix(out.String(), step.say) {
			p.t.Errorf("rotated: %s, %v, want %s", &out, err, step.say)
		}
	}
}

// A connection that is taken from a VNF is no longer shown, unless resources are at it: then what is registered is, also
// after a restart. Seen failing with it shown for ever, and with it gone though resources are at it.
func TestAConnectionTakenFromAVnf(t *testing.T) {
	p := startProgram(t)
	p.must(201, "POST", "/vnfm/v1/vims", secretive(map[string]any{"id": "site-c", "interfaceInfo": map[string]any{"endpoint": "registered"}}))
	vnf := p.create("taken")
	path := "/vnflcm/v2/vnf_instances/" + vnf
	change := func(ids map[string]any) any {
		t.Helper()
		p.must(202, "PATCH", path, map[string]any{"vimConnectionInfo": ids}, "Content-Type", merge)
		return p.must(200, "GET", path, nil)
	}
	overlay := secretive(map[string]any{"interfaceInfo": map[string]any{"endpoint": "own"}})
	v := change(map[string]any{"mine": overlay, "sim-2": map[string]any{"vimType": "VNFM.SIM.V_1", "extra": map[string]any{"a": 1}}})
	if field(v, "vimConnectionInfo", "mine") == nil || field(v, "vimConnectionInfo", "sim-2") == nil {
		t.Fatalf("%v", v)
	}
	if v = change(map[string]any{"mine": nil, "sim-2": nil}); field(v, "vimConnectionInfo", "mine") != nil || field(v, "vimConnectionInfo", "sim-2") != nil {
		t.Errorf("nothing is at them, and they are shown: %v", v)
	}
	p.run(vnf, "instantiate", map[string]any{"flavourId": "standard", "vimConnectionInfo": map[string]any{"site-c": overlay}})
	if v = p.must(200, "GET", path, nil); text(v, "vimConnectionInfo", "site-c", "interfaceInfo", "endpoint") != "own" {
		t.Errorf("%v", v)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.start()
	v = change(map[string]any{"site-c": nil})
	if text(v, "vimConnectionInfo", "site-c", "interfaceInfo", "endpoint") != "registered" || text(v, "vimConnectionInfo", "site-c", "vimType") != "VNFM.SIM.V_1" {
		t.Errorf("%v", v)
	}
	p.only(vnf, "site-c")
}

// What a grant says of a VIM connection lies over what the request said (design.md §7), once however often it is merged. Seen failing
// with an empty change committed as an event.
func TestAGrantsConnectionsLieOverTheRequests(t *testing.T) {
	p := startProgram(t)
	vnf := p.create("granted")
	path := "/vnflcm/v2/vnf_instances/" + vnf
	p.request("PATCH", path, map[string]any{"vimConnectionInfo": map[string]any{
		"mine": secretive(map[string]any{"interfaceInfo": map[string]any{"endpoint": "request", "kept": 1}}),
	}}, "Content-Type", merge)
	grant := map[string]nfvo.ConnectionInfo{"mine": {
		VimType: "VNFM.SIM.V_1", InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"grant"`)},
		AccessInfo: map[string]json.RawMessage{"password": json.RawMessage(`"c4nary-granted"`)},
	}, "sim-2": {VimType: "VNFM.SIM.V_1", VimID: "sim-2"}}
	var tags []string
	for range 2 {
		if err := p.server.MergeConnections(t.Context(), vnf, grant); err != nil {
			t.Fatal(err)
		}
		_, h, body := p.request("GET", path, nil)
		findCanary(t, "the instance", string(body))
		tags = append(tags, h.Get("ETag"))
	}
	if tags[0] != tags[1] {
		t.Errorf("merged again it is another version: %v", tags)
	}
	v := p.must(200, "GET", path, nil)
	if text(v, "vimConnectionInfo", "mine", "interfaceInfo", "endpoint") != "grant" || text(v, "vimConnectionInfo", "mine", "interfaceInfo", "kept") != "1" ||
		field(v, "vimConnectionInfo", "sim-2") != nil { // what is registered is nothing of its own
		t.Errorf("%v", v)
	}
	p.run(vnf, "instantiate", instantiate) // the only connection of its own is the one to use
	p.only(vnf, "mine")
	p.run(vnf, "terminate", terminate)
	p.must(204, "DELETE", path, nil)
	if err := p.server.MergeConnections(t.Context(), vnf, grant); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a VNF that is gone: %v", err)
	}
	if err := p.server.MergeConnections(t.Context(), vnf, map[string]nfvo.ConnectionInfo{"x": {VimType: "X"}}); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("a type of no one: %v", err)
	}
}
