package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/server"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// secretID is the descriptor of a package with secrets of every kind: by name, by mark, in parameters and in extensions, and boot
// data that use them.
const secretID = "0b9bb6f8-5f0f-4d0b-9a53-6a0e8e9d2c77"

func secretPackage() []byte {
	return samples.Changed(secretID,
		"      admin_contact = ${admin_contact}\n", "      admin_contact = ${admin_contact}\n      admin_password = ${admin_password}\n      door = ${door_code}!\n      vpn = ${vpn_word}\n      key = ${license_key}\n",
		"      features:\n        type: list\n", "      admin_password: { type: string, required: false }\n      door_code: { type: integer, required: false, metadata: { sensitive: true } }\n      features:\n        type: list\n",
		"      license_key:\n", "      vpn_word: { type: string, required: false, default: c4nary-default, metadata: { sensitive: true } }\n      license_key:\n",
	)
}

// overheard is a VIM that keeps what it was sent.
type overheard struct {
	*httptest.Server

	mu   sync.Mutex
	said strings.Builder
}

func overhear(t *testing.T) *overheard {
	t.Helper()
	vims, err := sim.Open(sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	o := &overheard{}
	next := remote.Handler(vims)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		o.said.Write(b)
		o.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(b))
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *overheard) heard(text string) bool {
	escaped, _ := json.Marshal(text)
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Contains(o.said.String(), string(escaped[1:len(escaped)-1]))
}

// Secret values among parameters and properties reach the VIM, where they are used, and nothing else: they are in no event,
// command, saga, view, answer, notification, stream, log or file, whatever they are called and whoever sets them. What was masked
// and comes back changes nothing. With the VNF its key goes. Seen failing with the sealing of each group left out.
func TestSecretValuesAreFoundNowhereButAtTheVim(t *testing.T) {
	both := map[string]func(t *testing.T) []string{"sqlite with a second database": func(*testing.T) []string { return []string{"--vim-database=sqlite:vims.db"} }}
	for name, args := range backends {
		both[name] = args
	}
	for name, args := range both {
		t.Run(name, func(t *testing.T) { secretWalk(t, args(t)) })
	}
}

const doorCode = "77300419990"

func secretWalk(t *testing.T, args []string) {
	t.Helper()
	vims := overhear(t)
	p := newProgram(t, settings(t, append([]string{"--data=" + t.TempDir(), "--log-level=debug", "--vim-sim-url=" + vims.URL, "--operation-on-failure=INSTANTIATE=hold"}, args...)...), server.Options{Guide: io.Discard})
	p.client.Transport = watched{t, p.client.Transport}
	p.start()
	p.onboard(secretPackage())
	var told strings.Builder
	var mu sync.Mutex
	subscriber := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		told.Write(b)
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(subscriber.Close)
	p.must(201, "POST", "/vnflcm/v2/subscriptions", map[string]any{"callbackUri": subscriber.URL})
	stream := p.wire()
	stream.send("GET /vnfm/v1/events?from=-1h HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")

	made := p.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": secretID, "vnfInstanceName": "sealed"})
	vnf := text(made, "id")
	if text(made, "extensions", "vpn_word") != "***" {
		t.Errorf("made: %v", field(made, "extensions"))
	}
	request := map[string]any{
		"flavourId":        "standard",
		"additionalParams": map[string]any{"admin_password": canary, "door_code": json.Number(doorCode), "admin_contact": "a@example.com"},
		"extensions":       map[string]any{"license_key": canary + "-key", "vpn_word": "***"},
	}
	op := p.begin(vnf, "instantiate", request, "Idempotency-Key", "k1")
	p.completed(op)
	if code, h, _ := p.request("POST", "/vnflcm/v2/vnf_instances/"+vnf+"/instantiate", request, "Idempotency-Key", "k1"); code != 202 || h.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the answer is not replayed: %d", code)
	}
	for _, want := range []string{
		"admin_password = " + canary + "\n", "door = " + doorCode + "!\n", "vpn = c4nary-default\n", "key = " + canary + "-key\n", "admin_contact = a@example.com\n",
	} {
		if !vims.heard(want) {
			t.Errorf("the VIM was not told %q", want)
		}
	}
	occ := p.must(200, "GET", op, nil)
	if text(occ, "operationParams", "additionalParams", "door_code") != "***" || text(occ, "operationParams", "additionalParams", "admin_contact") != "a@example.com" ||
		text(occ, "operationParams", "extensions", "license_key") != "***" {
		t.Errorf("operationParams: %v", field(occ, "operationParams"))
	}
	v := p.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil)
	if text(v, "extensions", "license_key") != "***" || text(v, "extensions", "vpn_word") != "***" || text(v, "extensions", "log_server") != "192.0.2.10" {
		t.Errorf("extensions: %v", field(v, "extensions"))
	}

	modify := func(body map[string]any) any {
		t.Helper()
		code, h, b := p.request("PATCH", "/vnflcm/v2/vnf_instances/"+vnf, body, "Content-Type", merge)
		if code != 202 {
			t.Fatalf("modify: %d %s", code, b)
		}
		return p.must(200, "GET", pathOf(h), nil)
	}
	changed := modify(map[string]any{"extensions": map[string]any{"license_key": "***", "log_server": "192.0.2.11"}}) // as it was answered
	if _, there := field(changed, "changedInfo", "extensions").(map[string]any)["license_key"]; there {
		t.Errorf("what came back masked is a change: %v", field(changed, "changedInfo"))
	}
	changed = modify(map[string]any{"extensions": map[string]any{"license_key": canary + "-new", "vpn_word": nil}})
	if text(changed, "changedInfo", "extensions", "license_key") != "***" {
		t.Errorf("changedInfo: %v", field(changed, "changedInfo"))
	}
	if code, _, b := p.request("PATCH", "/vnflcm/v2/vnf_instances/"+vnf, map[string]any{"extensions": map[string]any{"license_key": "c4nary"}}, "Content-Type", merge); code != 422 {
		t.Errorf("one that does not fit: %d %s", code, b)
	}
	if code, _, b := p.request("POST", "/vnflcm/v2/vnf_instances/"+text(p.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": secretID}), "id")+"/instantiate",
		map[string]any{"flavourId": "standard", "additionalParams": map[string]any{"door_code": "c4nary"}}); code != 422 {
		t.Errorf("another that does not fit: %d %s", code, b)
	}
	for _, path := range []string{
		"/vnfm/v1/vnf_instances/" + vnf + "/events", "/vnfm/v1/vnf_instances/" + vnf + "/diff", "/vnfm/v1/vnf_instances/" + vnf + "?at=-1ms",
		"/vnfm/v1/sagas/" + op[strings.LastIndex(op, "/")+1:], "/vnfm/v1/vnf_lcm_op_occs/" + op[strings.LastIndex(op, "/")+1:] + "/progress",
		"/vnfm/v1/vnf_lcm_op_occs/" + op[strings.LastIndex(op, "/")+1:] + "/grant", "/vnflcm/v2/vnf_instances?all_fields", "/vnflcm/v2/vnf_lcm_op_occs?all_fields",
		"/vnflcm/v1/vnf_instances?all_fields", "/vnflcm/v1/vnf_lcm_op_occs?all_fields", "/vnfm/v1/events", "/vnfm/v1/parked_messages",
	} {
		code, _, b := p.request("GET", path, nil)
		if code != 200 || strings.Contains(string(b), doorCode) || strings.Contains(string(b), "vnfm.sealed") {
			t.Errorf("%s: %d %.300s", path, code, b)
		}
	}
	p.completed(p.begin(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL", "additionalParams": map[string]any{"stop_token": canary}}))
	p.await("the notifications", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Count(told.String(), `"COMPLETED"`) >= 4
	})
	mu.Lock()
	findCanary(t, "what subscribers are told", told.String())
	if strings.Contains(told.String(), "vnfm.sealed") || !strings.Contains(told.String(), "***") {
		t.Errorf("subscribers are told %s", told.String())
	}
	mu.Unlock()

	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	streamed, _ := io.ReadAll(stream.in)
	if !bytes.Contains(streamed, []byte("vnf.instantiated")) || !bytes.Contains(streamed, []byte("***")) || bytes.Contains(streamed, []byte("vnfm.sealed")) {
		t.Errorf("the stream has %d bytes, and not what it should", len(streamed))
	}
	findCanary(t, "the stream", string(streamed))
	all := p.stored()
	if !strings.Contains(all, "vnf-key/"+vnf) || !strings.Contains(all, "[vnfm.sealed.v1.") {
		t.Error("what is stored was not read")
	}
	all = strings.ReplaceAll(all, "c4nary-default", "") // that one is in the package
	findCanary(t, "what is stored", all)
	if strings.Contains(all, doorCode) {
		t.Error("what is stored has the door's code")
	}
	findCanary(t, "the log", p.log.String())

	p.rotate(2)
	p.start()
	p.completed(p.begin(vnf, "instantiate", map[string]any{"flavourId": "standard", "additionalParams": map[string]any{"admin_password": "x-" + canary, "door_code": 1},
		"extensions": map[string]any{"vpn_word": "w"}}))
	if !vims.heard("key = " + canary + "-new\n") {
		t.Error("the VIM was not told what was set before the keys changed")
	}
	p.run(vnf, "terminate", terminate)
	p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+vnf, nil)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := server.RotateSecrets(t.Context(), p.cfg, &out); err != nil || !strings.HasPrefix(out.String(), "1 secrets") { // of the VNF that was not instantiated
		t.Errorf("secrets are left: %s, %v", &out, err)
	}
}
