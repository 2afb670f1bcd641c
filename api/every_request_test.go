package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/vim/sim"
)

// FuzzEveryRequest: whatever is sent, it is no failure of the server, and what is refused says why. Seen failing with the
// redirection of "//" let through, and with a name of a body as it is in a pointer.
func FuzzEveryRequest(f *testing.F) {
	for _, r := range api.Routes(api.Config{Sim: &sim.Sim{}, Vims: vims{}, Management: &management.Service{}, ManagementClient: nobody{}, Subscriptions: &notify.Service{}}) {
		f.Add(r.Method, strings.Replace(r.Pattern, "{id}", "i", 1), "", contentType(r), "application/json", "", examplesOf(r)[0])
	}
	for _, s := range []struct{ method, path, query, media, accept, version, body string }{
		{"GET", "//", "", "", "", "", ""},
		{"POST", vnfs + "/%00/instantiate", "", "application/json", "*/*", "2.3.0", `{"flavourId":"\ud800"}`},
		{"GET", vnfs, "filter=(eq,metadata/a~1b/@key,'x''y');(in,id,a,b)&all_fields", "", "", "", ""},
		{"GET", own + "/events", "from=-1h&type=vnf.*&vnf=i", "", "text/event-stream;q=0", "", ""},
		{"PATCH", vnfs + "/i", "", "application/merge-patch+json;charset=x", "application/json;q=0.1", "", `{"metadata":null,"extensions":{"a":{"b":null}}}`},
		{"POST", oldVnfs + "/i/instantiate", "", "application/json", "", "1.3.0", `{"vimConnectionInfo":[{"id":"~1"},{"id":"/"}],"additionalParams":{"n":1e999999999}}`},
		{"PUT", own + "/sim/behaviour", "a=%zz", "application/json", "", "", `{"delay":"9999999h","quota":{"x":-1}}`},
		{"POST", vnfs, "", "application/json", "", "", `{"a~":1,"a~":2}`},
		{"CONNECT", "*", "", "", "", "", ""},
	} {
		f.Add(s.method, s.path, s.query, s.media, s.accept, s.version, s.body)
	}
	var w *whole
	sent := 0
	f.Fuzz(func(t *testing.T, method, path, query, media, accept, version, body string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		target := path
		if query != "" {
			target += "?" + query
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" || strings.ContainsFunc(method, func(r rune) bool { return r <= ' ' || r > '~' }) || u.Host != "" {
			return // no server hands it on
		}
		if sent%200 == 0 { // one for each would take most of the time
			w = newWhole(t)
		}
		sent++
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://vnfm.example/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI, r.RemoteAddr = method, u.Path, u.RawPath, u.RawQuery, target, "127.0.0.1:1234"
		for name, value := range map[string]string{"Content-Type": media, "Accept": accept, "Version": version} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if strings.Contains(accept, "event-stream") {
			r.Header.Del("Accept") // it has no end
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		w.judge(t, method, target, reply{t: t, status: rec.Code, header: received(rec), body: rec.Body.String()})
	})
}
