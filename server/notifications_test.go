package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/server"
)

// receiver is a subscriber that wants a password.
type receiver struct {
	*httptest.Server

	older bool // it subscribes at /vnflcm/v1

	mu     sync.Mutex
	bodies []map[string]any
	away   bool
}

const password = `c4nary"<pass>`

func newReceiver(t *testing.T, older bool) *receiver {
	t.Helper()
	r := &receiver{older: older}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if u, p, _ := req.BasicAuth(); u != "vnfm" || p != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if want := map[bool]string{false: "2.3.0", true: "1.3.0"}[older]; req.Header.Get("Version") != want {
			t.Errorf("%s of version %q, want %s", req.Method, req.Header.Get("Version"), want)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if req.Method == http.MethodPost {
			b, err := io.ReadAll(req.Body)
			if err != nil {
				t.Error(err)
			}
			var n map[string]any
			if err := json.Unmarshal(b, &n); err != nil {
				t.Error(err)
			}
			problems := etsitest.Notification(b)
			if older {
				problems = etsitest.Older(text(n, "notificationType"), b)
			}
			for _, problem := range problems {
				t.Errorf("against the specification: %s: %s", problem, b)
			}
			r.bodies = append(r.bodies, n)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// heard returns type and state of what arrived, in order.
func (r *receiver) heard() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.bodies {
		word := strings.TrimSuffix(text(b, "notificationType"), "Notification")
		if s, ok := b["operationState"]; ok {
			word = text(b, "operation") + " " + s.(string) + " " + text(b, "notificationStatus")
		}
		out = append(out, word)
	}
	return out
}

func subscription(uri string, more ...any) map[string]any {
	m := map[string]any{"callbackUri": uri, "authentication": map[string]any{
		"authType": []string{"BASIC"}, "paramsBasic": map[string]any{"userName": "vnfm", "password": password},
	}}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

var wholeLife = []string{
	"VnfIdentifierCreation",
	"INSTANTIATE STARTING START", "INSTANTIATE PROCESSING START", "INSTANTIATE COMPLETED RESULT",
	"TERMINATE STARTING START", "TERMINATE PROCESSING START", "TERMINATE COMPLETED RESULT",
	"VnfIdentifierDeletion",
}

// A subscriber over HTTP hears of a VNF's whole life, also of what happened while it was away and the server was
// started again.
func TestSubscriberHearsOfAVnfsLife(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		r := newReceiver(t, false)
		p := startProgram(t, append(args, "--notification-backoff=20ms", "--notification-max-backoff=50ms")...)
		p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		const root = "/vnflcm/v2/subscriptions"
		code, h, b := p.request("POST", root, subscription(r.URL))
		if code != 201 || strings.Contains(string(b), "c4nary") {
			t.Fatalf("subscribe: %d %s", code, b)
		}
		id := h.Get("Location")[strings.LastIndex(h.Get("Location"), "/")+1:]
		short := p.must(201, "POST", root, subscription(r.URL+"/short", "verbosity", "SHORT", "filter", map[string]any{
			"notificationTypes": []string{"VnfLcmOperationOccurrenceNotification"}, "operationStates": []string{"COMPLETED"},
		}))
		if code, h, _ := p.request("POST", root, subscription(r.URL)); code != 303 || !strings.HasSuffix(h.Get("Location"), id) {
			t.Errorf("the same again: %d, %s", code, h.Get("Location"))
		}
		p.must(422, "POST", root, map[string]any{"callbackUri": r.URL + "/open"}) // without a password
		p.must(400, "POST", root, map[string]any{"callbackUri": "x"})
		if all := p.must(200, "GET", root, nil); len(all.([]any)) != 2 {
			t.Errorf("list: %v", all)
		}
		if all := p.must(200, "GET", root+"?filter=(eq,verbosity,SHORT)", nil); text(all, 0, "id") != text(short, "id") || len(all.([]any)) != 1 {
			t.Errorf("filtered list: %v", all)
		}
		p.must(400, "GET", root+"?filter=(eq,authentication,x)", nil)

		vnf := p.create("told")
		p.run(vnf, "instantiate", instantiate)
		r.set(true)
		p.run(vnf, "terminate", terminate)
		p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+vnf, nil)
		p.await("a notification that waits", func() bool {
			_, v := p.call("GET", "/vnfm/v1/notifications?state=PENDING&subscription="+id, nil)
			return strings.Contains(text(v, 0, "reason"), "503")
		})
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		p.start()
		r.set(false)
		want := append(slices.Clone(wholeLife), "INSTANTIATE COMPLETED RESULT", "TERMINATE COMPLETED RESULT")
		p.await("all notifications", func() bool { return len(r.heard()) >= len(want) })
		p.await("an empty list", func() bool { return text(p.must(200, "GET", "/vnfm/v1/notifications", nil)) == "[]" })
		var full []string
		for i, word := range r.heard() {
			n := r.bodies[i]
			if text(n, "subscriptionId") == id {
				full = append(full, word)
			}
			isFull := text(n, "verbosity") == "FULL" && strings.HasSuffix(word, "RESULT")
			if _, has := n["affectedVnfcs"]; n["operationState"] != nil && has != isFull {
				t.Errorf("%s %v: affectedVnfcs there: %v", word, n["verbosity"], has)
			}
			for name, link := range n["_links"].(map[string]any) {
				if !strings.HasPrefix(text(link, "href"), "http://") {
					t.Errorf("link %s: %v", name, link)
				}
			}
		}
		if !slices.Equal(full, wholeLife) {
			t.Errorf("heard %q", full)
		}
		if n := len(r.heard()); n != len(want) {
			t.Errorf("%d arrived, want %d", n, len(want))
		}
		p.must(204, "DELETE", root+"/"+id, nil)
		p.must(404, "GET", root+"/"+id, nil)
		if strings.Contains(p.log.String(), "c4nary") {
			t.Error("the log tells a password")
		}
	})
}

// A client of v1 alone: it subscribes, has a VNF go through its life, and hears of it in the shapes of v1, beside a client
// of v2. Seen failing with the notifications of v2 sent to both, and with one Version sent to both.
func TestSubscriberOfV1HearsOfAVnfsLife(t *testing.T) {
	r, newer := newReceiver(t, true), newReceiver(t, false)
	p := startProgram(t)
	const root, vnfs = "/vnflcm/v1/subscriptions", "/vnflcm/v1/vnf_instances"
	id := text(p.must(201, "POST", root, subscription(r.URL)), "id")
	p.must(201, "POST", "/vnflcm/v2/subscriptions", subscription(newer.URL))

	vnf := vnfs + "/" + text(p.must(201, "POST", vnfs, map[string]any{"vnfdId": samples.VnfdID}), "id")
	for _, task := range []struct {
		name string
		body any
	}{{"instantiate", instantiate}, {"terminate", terminate}} {
		code, h, b := p.request("POST", vnf+"/"+task.name, task.body)
		if code != 202 {
			t.Fatalf("%s: %d %s", task.name, code, b)
		}
		p.completed(pathOf(h))
	}
	p.must(204, "DELETE", vnf, nil)

	for name, x := range map[string]*receiver{"v1": r, "v2": newer} {
		p.await("all notifications of "+name, func() bool { return len(x.heard()) >= len(wholeLife) })
		if got := x.heard(); !slices.Equal(got, wholeLife) {
			t.Errorf("%s heard %q", name, got)
		}
	}
	for _, n := range r.bodies {
		for name, link := range n["_links"].(map[string]any) {
			if !strings.HasPrefix(text(link, "href"), p.url+"/vnflcm/v1/") {
				t.Errorf("link %s: %v", name, link)
			}
		}
		if text(n, "subscriptionId") != id || (text(n, "notificationStatus") == "RESULT") != (n["affectedVnfcs"] != nil) {
			t.Errorf("%v", n)
		}
	}
	p.must(204, "DELETE", root+"/"+id, nil)
	if all := p.must(200, "GET", root, nil); len(all.([]any)) != 0 {
		t.Errorf("list: %v", all)
	}
}

// Outside development a callback cannot be used to reach into the site.
func TestCallbackIntoTheSiteIsRefused(t *testing.T) {
	p := newProgram(t, settings(t, "--data="+t.TempDir()), server.Options{})
	p.start()
	for _, uri := range []string{p.url + "/healthz", "http://localhost:1/", "http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]:1/", "http://0.0.0.0:1/"} {
		v := p.must(422, "POST", "/vnflcm/v2/subscriptions", map[string]any{"callbackUri": uri})
		if !strings.Contains(text(v, "detail"), "refused") || text(v, "attribute") != "/callbackUri" {
			t.Errorf("%s: %v", uri, v)
		}
	}
}

// Outside development credentials are not sent where they can be read. Seen failing without the setting held against
// either address.
func TestCredentialsWithoutTLSAreRefused(t *testing.T) {
	token := func(endpoint string) map[string]any {
		return map[string]any{"authType": []string{"OAUTH2_CLIENT_CREDENTIALS"}, "paramsOauth2ClientCredentials": map[string]any{
			"clientId": "vnfm", "clientPassword": password, "tokenEndpoint": endpoint,
		}}
	}
	r := newReceiver(t, false)
	p := newProgram(t, settings(t, "--data="+t.TempDir(), "--egress-allow-local"), server.Options{})
	p.start()
	for _, root := range []string{"/vnflcm/v2/subscriptions", "/vnflcm/v1/subscriptions"} {
		for _, body := range []map[string]any{
			subscription(r.URL),
			subscription(r.URL, "authentication", token("https://id.example/token")),
			subscription("https://nfvo.example/in", "authentication", token("http://id.example/token")),
		} {
			v := p.must(422, "POST", root, body)
			if !strings.Contains(text(v, "detail"), "over https only") || text(v, "attribute") != "/authentication" || strings.Contains(fmt.Sprint(v), "c4nary") {
				t.Errorf("%v: %v", body["callbackUri"], v)
			}
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.cfg.Egress.AllowPlain = true
	p.start()
	p.must(201, "POST", "/vnflcm/v2/subscriptions", subscription(r.URL))
}
