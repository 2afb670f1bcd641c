package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Trace is a transport that writes each request as a curl command, and how it was answered, to W. Secrets are written as ***:
// credentials in headers and URLs, and in bodies whatever is of an attribute that holds credentials or may hold secret values.
type Trace struct {
	W    io.Writer
	Next http.RoundTripper // nil: http.DefaultTransport

	mu sync.Mutex
}

// largest is up to which size bodies are written.
const largest = 64 << 10

// RoundTrip sends a request.
func (t *Trace) RoundTrip(r *http.Request) (*http.Response, error) {
	next := t.Next
	if next == nil {
		next = http.DefaultTransport
	}
	body := ""
	if r.Body != nil && r.Body != http.NoBody {
		body = " --data-binary @FILE"
		if r.ContentLength > 0 && r.ContentLength <= largest && strings.Contains(r.Header.Get("Content-Type"), "json") {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, fmt.Errorf("read the request: %w", err)
			}
			_ = r.Body.Close()
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(b))
			body = " -d " + quoted(Masked(b))
		}
	}
	var line strings.Builder
	line.WriteString("curl")
	if r.Method != http.MethodGet {
		line.WriteString(" -X " + r.Method)
	}
	line.WriteString(" " + quoted(r.URL.Redacted()))
	for _, name := range []string{"Accept", "Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"} {
		value := r.Header.Get(name)
		if name == "Authorization" && value != "" {
			value = "Bearer ***"
		}
		if value != "" {
			line.WriteString(" -H " + quoted(name+": "+value))
		}
	}
	begun := time.Now()
	res, err := next.RoundTrip(r)
	var end string
	if err != nil {
		end = err.Error()
	} else {
		end = res.Status
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.W, "%s%s\n# %s in %s\n", line.String(), body, end, time.Since(begun).Round(time.Millisecond))
	return res, err //nolint:wrapcheck // of the transport behind
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// covered are the attributes whose values are masked, whatever is in them: they hold credentials, or what a VNFD may call secret.
var covered = []string{
	"accessInfo", "additionalParams", "extensions", "vnfConfigurableProperties", "vnfcConfigurableProperties", "vnfSpecificData",
	"paramsBasic", "paramsOauth2ClientCredentials", "paramsOAuth2ClientCredentials",
}

// Masked is a JSON text with *** for every value that is or may be secret. What is no JSON is *** as a whole.
func Masked(text []byte) string {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return "***"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(masked(v, false)) != nil {
		return "***"
	}
	return strings.TrimSpace(b.String())
}

func masked(v any, all bool) any {
	switch x := v.(type) {
	case map[string]any:
		for name, value := range x {
			x[name] = masked(value, all || slices.Contains(covered, name) || secretive(name))
		}
	case []any:
		for i := range x {
			x[i] = masked(x[i], all)
		}
	case nil:
	case string:
		if all {
			return "***"
		}
		if u, err := url.Parse(x); err == nil && u.User != nil {
			return u.Redacted()
		}
	default:
		if all {
			return "***"
		}
	}
	return v
}

// secretive says that a name is that of a secret.
func secretive(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"password", "secret", "token", "credential", "passphrase", "privatekey"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}
