package access_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
)

func front(t *testing.T, local bool) *access.Front {
	t.Helper()
	f, err := access.NewFront(local, "https://vnfm.example:8443/site", []string{"vnfm.Internal"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A page whose name its owner gave our address (DNS rebinding) is of the same origin to the browser: only the Host tells.
func TestFrontKnowsItsHosts(t *testing.T) {
	for host, ok := range map[string]bool{
		"127.0.0.1:8080": true, "127.9.9.9": true, "localhost": true, "LOCALHOST.:8080": true, "[::1]:8080": true, "[::1]": true, "[::ffff:127.0.0.1]:1": true,
		"vnfm.internal:9": true, "vnfm.example": true,
		"evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "192.0.2.1:8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "": false,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
			r.Host = host
			if err := front(t, true).Check(r); (err == nil) != ok || err != nil && vnfm.KindOf(err) != vnfm.Forbidden {
				t.Errorf("%s with Host %q: %v", method, host, err)
			}
			if err := front(t, false).Check(r); err != nil {
				t.Errorf("%s with Host %q where callers prove who they are: %v", method, host, err)
			}
		}
	}
}

// What a page of another site makes a browser send changes nothing, on any server: certificates come with it, and so does
// being on this machine. A local server shows it nothing either.
func TestFrontRefusesOtherSites(t *testing.T) {
	type header map[string]string
	for name, c := range map[string]struct {
		method        string
		header        header
		here, outside bool // may go on: on a local server, on one with authentication
	}{
		"a form of another site":              {"POST", header{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, false, false},
		"of another host of one site":         {"POST", header{"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, false, false},
		"of an older browser":                 {"POST", header{"Origin": "https://evil.example"}, false, false},
		"another port":                        {"DELETE", header{"Origin": "http://127.0.0.1:3000"}, false, false},
		"a sandboxed frame":                   {"PUT", header{"Origin": "null"}, false, false},
		"our own page":                        {"POST", header{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8080"}, true, true},
		"our own page in an older browser":    {"PATCH", header{"Origin": "http://127.0.0.1:8080"}, true, true},
		"our own page by the base URL":        {"POST", header{"Sec-Fetch-Site": "cross-site", "Origin": "https://vnfm.example:8443"}, false, true},
		"no browser":                          {"POST", nil, true, true},
		"typed into the address bar":          {"GET", header{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, true, true},
		"a link":                              {"GET", header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, true, true},
		"an image or stream of another site":  {"GET", header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, false, true},
		"a script's GET of a site beside us":  {"GET", header{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, false, true},
		"a form's content type":               {"POST", header{"Content-Type": "text/plain;charset=utf-8"}, false, true},
		"another form's content type":         {"POST", header{"Content-Type": "application/x-www-form-urlencoded"}, false, true},
		"JSON":                                {"POST", header{"Content-Type": "application/json"}, true, true},
		"a read that says a content type":     {"GET", header{"Content-Type": "text/plain"}, true, true},
		"upper case is no way around a check": {"POST", header{"Content-Type": "Text/Plain"}, false, true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "/", nil)
		r.Host = "127.0.0.1:8080"
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		if err := front(t, true).Check(r); (err == nil) != c.here {
			t.Errorf("%s, local: %v", name, err)
		}
		if err := front(t, false).Check(r); (err == nil) != c.outside {
			t.Errorf("%s, with authentication: %v", name, err)
		}
	}
}

// A proxy on this machine comes from loopback, whoever is behind it.
func TestFrontTrustsNoProxy(t *testing.T) {
	for _, mark := range []string{
		"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "x-forwarded-anything", "X-Real-IP",
		"X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Fly-Client-IP", "Client-IP", "Any-Real-IP",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host = "127.0.0.1:8080"
		r.Header.Set(mark, "x")
		if err := front(t, true).Check(r); vnfm.KindOf(err) != vnfm.Unauthenticated {
			t.Errorf("%s: %v", mark, err)
		}
		if err := front(t, false).Check(r); err != nil {
			t.Errorf("%s where callers prove who they are: %v", mark, err)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Host, r.Proto, r.ProtoMinor = "127.0.0.1:8080", "HTTP/1.0", 0
	if err := front(t, true).Check(r); vnfm.KindOf(err) != vnfm.Unauthenticated {
		t.Errorf("HTTP/1.0: %v", err)
	}
}

func TestNewFrontWantsAURL(t *testing.T) {
	if _, err := access.NewFront(true, "vnfm.example", nil); vnfm.KindOf(err) != vnfm.Invalid {
		t.Errorf("%v", err)
	}
}
