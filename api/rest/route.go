package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/request"
)

// Call is one request being served.
type Call struct {
	Server  *Server
	Request *http.Request
	Ctx     context.Context //nolint:containedctx // a call lives as long as its request
	ID      string          // path parameter
	Query   url.Values      // parameters the method knows, each once but for type
	Base    string          // root of absolute links
	Media   string          // of the types that the method answers in, the one that the client likes best
	Body    []byte          // whole body, unless the method streams it
	By      request.Info
	who     access.Caller
	key     *idempotency // nil without an Idempotency-Key
	V1      *v1.Shape    // of the resource, for a client of SOL003 v2.6.1; nil: the newest version
	leave   []func()     // the places it takes, beside its own
}

// maxURI bounds request URIs in bytes: a filter of filter.MaxLength, percent-encoded, has room.
const maxURI = 32 << 10

// guard stands before the mux: it refuses what comes in a way that it must not, and paths the mux would redirect (a redirected
// POST becomes a GET), and turns a panic into a 500.
func (a *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.AccessLog != nil && a.AccessLog() {
			var done func()
			w, r, done = a.logged(w, r)
			defer done()
		}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			a.Log.ErrorContext(r.Context(), "request panicked", "method", r.Method, "path", r.URL.Path,
				"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			problem(vnfm.Errorf(vnfm.Internal, "panic")).write(w, r)
		}()
		secure(w.Header(), r.TLS != nil)
		if version, _ := negotiate(r); version != "" { // every answer says it (SOL013 v3.7.1 §9.2)
			w.Header().Set("Version", version)
		}
		w = a.pace(w, r)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // of the answer before on this connection
		if a.Front != nil && !healthy(r.URL.Path) {
			if err := a.Front.Check(r); err != nil {
				res := problem(err)
				a.deny(r, anyRoute, access.Caller{}, res.status, err)
				res.write(w, r)
				return
			}
		}
		if n := len(r.URL.RequestURI()); n > maxURI {
			problem(&httpError{status: http.StatusRequestURITooLong, detail: fmt.Sprintf("The URI has %d bytes; %d is the limit.", n, maxURI)}).write(w, r)
			return
		}
		p, clean := r.URL.Path, path.Clean("/"+r.URL.Path)
		if r.Method == http.MethodConnect || p != clean && (clean == "/" || p != clean+"/") || !Plain(p) {
			problem(vnfm.Errorf(vnfm.NotFound, "There is nothing at %s.", p)).write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serve serves one route with all its methods.
func (a *Server) serve(pattern string, methods Route) http.Handler {
	if pattern == "" {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" && a.Metrics != nil {
				if r.Method != http.MethodGet && r.Method != http.MethodHead {
					problem(methodNotAllowed(r.Method, Route{http.MethodGet: {}})).write(w, r)
					return
				}
				a.Metrics.ServeHTTP(w, r)
				return
			}
			if a.Console != nil && ofConsole(r) {
				a.Console.ServeHTTP(w, r)
				return
			}
			problem(vnfm.Errorf(vnfm.NotFound, "There is nothing at %s.", r.URL.Path)).write(w, r)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, who, err := a.enter(r, methods)
		if body, ok := r.Body.(*paced); ok && m.Stream {
			body.within(a.ReadTimeout)
		} else if ok {
			body.within(a.BodyTimeout)
		}
		c := &Call{Server: a, Request: r, Ctx: r.Context(), who: who}
		defer c.noted()
		defer func() {
			for _, leave := range c.leave {
				leave()
			}
		}()
		follows := m.Tail != nil && r.Method == http.MethodGet && names(r.Header.Values("Accept"), StreamType)
		if err == nil {
			err = c.take(follows)
		}
		if err == nil && m.Needs != access.Open {
			_, err = negotiate(r)
		}
		var res *Answer
		if err == nil {
			res, err = c.answer(w, m, follows)
		}
		if err != nil {
			res = problem(err)
			a.deny(r, pattern, who, res.status, err)
			a.logFailure(r, res.status, err)
		}
		if m.Needs != access.Open {
			res = c.narrowed(res)
		}
		if res.Follow == nil {
			a.patient(w, len(res.body))
		}
		res.write(w, r)
	})
}

// ofConsole says whether a request is for the console: what is below /ui, and the root when a browser asks for it.
func ofConsole(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return r.URL.Path == "/ui" || strings.HasPrefix(r.URL.Path, "/ui/") || r.URL.Path == "/" && names(r.Header.Values("Accept"), "text/html")
}

// Who is who sent the request.
func (c *Call) Who() access.Caller { return c.who }

// take takes a place for the call: among the event streams, or among the requests.
func (c *Call) take(follows bool) error {
	places := c.Server.Requests
	switch {
	case exempt(c.Request.URL.Path):
		return nil
	case follows:
		places = c.Server.Followers
	}
	leave, err := places.Take(c.caller())
	if err == nil {
		c.leave = append(c.leave, leave)
	}
	return err //nolint:wrapcheck // has its kind
}

// caller is who is held to account for the call: the address it comes from where nobody is asked for a name.
func (c *Call) caller() string {
	if c.who.Name == "" {
		return access.Stranger(c.Request)
	}
	return c.who.Name
}

// enter finds the method of a route and lets its caller in. Together with a refusal it returns the caller as far as known.
func (a *Server) enter(r *http.Request, methods Route) (Method, access.Caller, error) {
	name := r.Method
	if name == http.MethodHead {
		name = http.MethodGet
	}
	m, ok := methods[name]
	if !ok {
		return Method{Needs: access.Open}, access.Caller{}, methodNotAllowed(r.Method, methods)
	}
	if m.Needs == access.Open {
		return m, access.Caller{}, nil
	}
	who, err := a.admit(r, m.Needs)
	return m, who, err
}

// answer runs everything between the caller and the handler, in the order in which a client should hear of it.
func (c *Call) answer(w http.ResponseWriter, m Method, follows bool) (*Answer, error) {
	a, r, do := c.Server, c.Request, m.Do
	media, unacceptable := c.Choose(m.Types...)
	if follows {
		do = m.Tail
	} else if unacceptable != nil {
		return nil, unacceptable
	}
	query, err := queryOf(r, m.Query)
	if err != nil {
		return nil, err
	}
	c.ID, c.Query, c.Base, c.Media = r.PathValue("id"), query, a.base(r), media
	c.By = request.Info{Actor: c.who.Name, Role: c.who.Role(), ID: requestID(r), Traceparent: r.Header.Get("Traceparent")}
	if a.Traceparent != nil {
		c.By.Traceparent = a.Traceparent(c.Ctx)
	}
	if err := c.readBody(w, m); err != nil {
		return nil, err
	}
	if err := c.keepToPoint(); err != nil {
		return nil, err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		res, err := do(c)
		if err == nil && res.unchanged(r.Header.Get("If-None-Match")) {
			res = &Answer{status: http.StatusNotModified, Header: http.Header{"Etag": res.Header["Etag"]}}
		}
		return res, err
	}
	return c.once(do)
}

// queryOf reads the query parameters, of which only some are known. A ";" is one of a value, as filters have it: it separates
// nothing (RFC 3986 §3.4).
func queryOf(r *http.Request, known []string) (url.Values, error) {
	q, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return nil, vnfm.Errorf(vnfm.Invalid, "The query of the URI is not percent-encoded as it must be: %w.", err)
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch values := q[name]; {
		case !slices.Contains(known, name):
			return nil, BadQuery(name, "The query parameter %q is not known here.", name)
		case len(values) > 1 && name != TypeParam:
			return nil, BadQuery(name, "The query parameter %s is given more than once.", name)
		case slices.ContainsFunc(values, func(v string) bool { return !Plain(v) }):
			return nil, BadQuery(name, "The query parameter %s has control characters, or is not UTF-8.", name)
		}
	}
	return q, nil
}

// Plain says whether a text is UTF-8 without control characters. Names and identifiers are: what is not, not every database
// takes.
func Plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

func methodNotAllowed(name string, methods Route) error {
	var allowed []string
	for m := range methods {
		allowed = append(allowed, m)
	}
	if _, ok := methods[http.MethodGet]; ok {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	return &httpError{
		status: http.StatusMethodNotAllowed, detail: fmt.Sprintf("%s is not possible on this resource.", name),
		header: http.Header{"Allow": {strings.Join(allowed, ", ")}},
	}
}

// base is the root of absolute links for a request.
func (a *Server) base(r *http.Request) string {
	if a.BaseURL != "" {
		return strings.TrimSuffix(a.BaseURL, "/")
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if p := r.Header.Get("X-Forwarded-Proto"); p == "http" || p == "https" {
		scheme = p
	}
	if h := r.Header.Get("X-Forwarded-Host"); h != "" && !strings.ContainsAny(h, "/, ?#\\@") {
		host = h
	}
	prefix := r.Header.Get("X-Forwarded-Prefix")
	if prefix != "" && (!strings.HasPrefix(prefix, "/") || strings.ContainsAny(prefix, "?# ")) {
		prefix = ""
	}
	return scheme + "://" + host + strings.TrimSuffix(prefix, "/")
}

// requestID names the request: it is the causation id of what it brings about.
func requestID(r *http.Request) string {
	if id, err := uuid.Parse(r.Header.Get("X-Request-ID")); err == nil {
		return id.String()
	}
	return uuid.NewString()
}

func (a *Server) logFailure(r *http.Request, status int, err error) {
	level := slog.LevelDebug
	switch {
	case r.URL.Path == "/readyz": // asked every few seconds; the answer says it
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	a.Log.Log(r.Context(), level, "request refused", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
}
