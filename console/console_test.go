package console

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(t *testing.T, h *Handler, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func handler(t *testing.T, c Config) *Handler {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Every file comes as it is in the archive, compressed to who takes that, with tags and times to keep it.
func TestFiles(t *testing.T) {
	h := handler(t, Config{})
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for _, f := range z.File {
		if f.Name == indexPage {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		plain := ask(t, h, "/ui/"+f.Name)
		if got := body(t, plain); plain.StatusCode != http.StatusOK || !bytes.Equal(got, want) || plain.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %d bytes of %d, encoding %q", f.Name, plain.StatusCode, len(got), len(want), plain.Header.Get("Content-Encoding"))
		}
		packed := ask(t, h, "/ui/"+f.Name, "Accept-Encoding", "br;q=1, gzip;q=0.8")
		unzipped, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		got, err := io.ReadAll(unzipped) // the sum and the length at the end are checked
		if err != nil || !bytes.Equal(got, want) || packed.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s in gzip: %v, %d bytes of %d, %v", f.Name, err, len(got), len(want), packed.Header)
		}
		if packed.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Errorf("%s: both forms have the tag %s", f.Name, plain.Header.Get("ETag"))
		}
		again := ask(t, h, "/ui/"+f.Name, "Accept-Encoding", "gzip", "If-None-Match", packed.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", f.Name, again.StatusCode)
		}
		if lasting := strings.HasPrefix(f.Name, "assets/"); lasting != strings.Contains(plain.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s", f.Name, plain.Header.Get("Cache-Control"))
		}
		if strings.HasSuffix(f.Name, ".js") {
			scripts++
			if got := plain.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
				t.Errorf("%s is %s", f.Name, got)
			}
		}
	}
	if scripts < 5 {
		t.Errorf("%d scripts were looked at", scripts)
	}
}

// All addresses of the console are one page, with a policy that lets nothing in and a nonce of its own each time; what is no
// address is not it.
func TestPage(t *testing.T) {
	h := handler(t, Config{Prefix: `/deep/"er`, Connect: []string{"https://idp.example"}})
	nonces := map[string]bool{}
	for _, path := range []string{"/ui/", "/ui/vnfs", "/ui/vnfs/a-b", "/ui/index.html"} {
		r := ask(t, h, path)
		policy, page := r.Header.Get("Content-Security-Policy"), string(body(t, r))
		nonce := regexp.MustCompile(`style-src 'self' 'nonce-([\w-]{22})'`).FindStringSubmatch(policy)
		if nonce == nil || nonces[nonce[1]] || !strings.Contains(page, `content="`+nonce[1]+`"`) {
			t.Fatalf("%s: policy %s, page %s", path, policy, page)
		}
		nonces[nonce[1]] = true
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self' https://idp.example;", "frame-ancestors 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %s lacks %s", path, policy, want)
			}
		}
		if r.Header.Get("Cache-Control") != "no-store" || len(r.Cookies()) > 0 || strings.Contains(strings.ReplaceAll(page, nonce[1], ""), "__") || !strings.Contains(page, `<base href="/deep/&#34;er/ui/"`) {
			t.Errorf("%s: %v\n%s", path, r.Header, page)
		}
	}
	if strings.Contains(h.page, "http") {
		t.Errorf("the page leads to another site:\n%s", h.page)
	}
	for path, want := range map[string]string{"/": `/deep/"er/ui/`, "/ui": `/deep/"er/ui/`} {
		if r := ask(t, h, path); r.StatusCode != http.StatusFound || !strings.HasSuffix(r.Header.Get("Location"), "/ui/") {
			t.Errorf("%s: %d to %s, want %s", path, r.StatusCode, r.Header.Get("Location"), want)
		}
	}
	if r := ask(t, h, "/ui/assets/old-12345678.js"); r.StatusCode != http.StatusNotFound || strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("a file of an older console: %d %v", r.StatusCode, r.Header)
	}
}

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip": true, "gzip;q=0": false, "gzip; q=0.000": false, "GZIP;q=0.5": true, "identity": false, "x-gzip": false, "gzip;q=1.0, *;q=0": true,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ui/", nil)
		r.Header.Set("Accept-Encoding", accept)
		if got := takesGzip(r); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}
