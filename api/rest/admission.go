package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
)

// admit finds the caller of a request and lets it do what needs a permission, within its limits. Requests whose caller is not
// known count for the address they come from, so that nobody can try tokens without end.
func (a *Server) admit(r *http.Request, needs access.Permission) (access.Caller, error) {
	who, err := a.Authenticate(r)
	if err == nil && who == nil {
		err = vnfm.Errorf(vnfm.Internal, "no authenticator said who calls")
	}
	if err != nil {
		var denied *access.DeniedError
		if limited := a.limit(access.Stranger(r)); limited != nil && errors.As(err, &denied) {
			err = limited
		}
		return access.Caller{}, err
	}
	if err := a.limit(who.Name); err != nil {
		return *who, err
	}
	if !who.May(needs) {
		return *who, access.Insufficient(*who, needs)
	}
	return *who, nil
}

// limit counts a request and refuses what is too much.
func (a *Server) limit(caller string) error {
	if a.Limits == nil {
		return nil
	}
	wait := a.Limits.Take(caller)
	if wait <= 0 {
		return nil
	}
	return &httpError{
		status: http.StatusTooManyRequests, detail: "These are more requests than one caller may send; wait and send it again.",
		header: http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}},
	}
}

// deny records a refusal that is for who sent the request.
func (a *Server) deny(r *http.Request, pattern string, who access.Caller, status int, err error) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
	default:
		return
	}
	one := access.Denial{
		Caller: who.Name, Role: who.Role(), Address: strings.TrimPrefix(access.Stranger(r), "address:"), Method: r.Method,
		Route: pattern, Status: status, Reason: access.Reason(err), Detail: err.Error(),
	}
	if one.Caller == "" {
		one.Caller = access.Stranger(r)
	}
	if status == http.StatusTooManyRequests {
		one.Reason = string(vnfm.TooMany)
	}
	if a.Denials == nil {
		a.Log.WarnContext(r.Context(), "request denied", "caller", one.Caller, "route", one.Route, "status", status, "reason", one.Reason)
		return
	}
	a.Denials.Add(r.Context(), one)
}

// exempt are the paths that are answered however much there is to do: those by which it is learnt that there is.
func exempt(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// healthy are the paths that say how the server is, and answer whoever asks.
func healthy(path string) bool { return path == "/healthz" || path == "/readyz" }

// anyRoute is the route of denials before it is known which it is.
const anyRoute = "(any)"

// secure sets the headers that keep browsers from doing anything with an answer but show it.
func secure(h http.Header, encrypted bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	if encrypted {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

const vimAttribute = "vimConnectionInfo"

// keepOffVims refuses a request about VIM connections of a caller that has nothing to do with them.
func (c *Call) keepOffVims() error {
	if c.who.SeesVims() || c.who.Name == "" {
		return nil
	}
	if err := c.keepOffVimsIn(c.Query); err != nil {
		return err
	}
	if bytes.Contains(c.Body, []byte("\\u")) || bytes.Contains(c.Body, []byte(vimAttribute)) {
		var v any
		dec := json.NewDecoder(bytes.NewReader(c.Body))
		dec.UseNumber() // one that no float holds must not keep the rest from being looked at
		if dec.Decode(&v) == nil && removeVims(v) {
			return vnfm.Errorf(vnfm.Forbidden, "%s is not an element manager's to set.", vimAttribute).At("/" + vimAttribute)
		}
	}
	return nil
}

// keepOffVimsIn refuses a query that names VIM connections.
func (c *Call) keepOffVimsIn(q url.Values) error {
	if c.who.SeesVims() || c.who.Name == "" {
		return nil
	}
	for name, values := range q {
		for _, v := range values {
			if strings.Contains(v, vimAttribute) {
				return vnfm.Errorf(vnfm.Forbidden, "%s is not shown to element managers.", vimAttribute).In(name)
			}
		}
	}
	return nil
}

// withoutVims returns the answer without VIM connections (SOL002 v3.7.1 §5.5.2.2 has none).
func (a *Answer) withoutVims() *Answer {
	if !bytes.Contains(a.body, []byte(vimAttribute)) {
		return a
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return problem(vnfm.Errorf(vnfm.Internal, "an answer that is not JSON names %s", vimAttribute))
	}
	removeVims(v)
	out := *a
	out.body = Encode(v)
	return &out
}

// removeVims removes what is about VIM connections, by either version's names.
func removeVims(v any) bool {
	removed := removeKey(v, vimAttribute)
	return removeKey(v, vimAttribute+"DeleteIds") || removed
}

// removeKey removes a key from all objects within a decoded JSON value, and reports whether there was any.
func removeKey(v any, key string) (removed bool) {
	switch v := v.(type) {
	case map[string]any:
		if _, removed = v[key]; removed {
			delete(v, key)
		}
		for _, inner := range v {
			removed = removeKey(inner, key) || removed
		}
	case []any:
		for _, inner := range v {
			removed = removeKey(inner, key) || removed
		}
	}
	return removed
}
