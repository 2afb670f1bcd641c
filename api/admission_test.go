package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// as takes every request for one of the caller that name holds at that time.
func as(name *string, roles ...access.Role) access.Authenticator {
	return func(*http.Request) (*access.Caller, error) { return &access.Caller{Name: *name, Roles: roles}, nil }
}

// recording gives an API a record of denials over its store.
func recording(w **world, now func() time.Time) func(*api.Config) {
	return func(c *api.Config) {
		c.Denials = access.NewDenials(access.DenialsConfig{
			Store: c.Views, Doer: late{w}, Node: "n1", Now: now, Log: slog.New(slog.DiscardHandler),
		})
	}
}

// late makes changes by the world's committer, which is there only after the API's settings are.
type late struct{ w **world }

func (l late) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	return (*l.w).doer.Do(ctx, work)
}

// TestRolesMayWhatTheTableSays tries every role on every area; TestEveryRouteNeedsSomething sees to it that every route is in one.
func TestRolesMayWhatTheTableSays(t *testing.T) {
	const (
		viewer = 1 << iota
		operator
		admin
		nfvo
		em
		all = viewer | operator | admin | nfvo | em
	)
	bit := map[access.Role]int{access.Viewer: viewer, access.Operator: operator, access.Admin: admin, access.NFVO: nfvo, access.EM: em}
	name := "who"
	for _, role := range access.Roles() {
		var w *world
		w = newWorld(t, recording(&w, time.Now), func(c *api.Config) { c.Authenticate = as(&name, role) })
		for _, c := range []struct {
			method, path, body string
			may                int
		}{
			{"GET", vnfs, "", all},
			{"GET", vnfs + "/x", "", all},
			{"POST", vnfs, newID, all &^ viewer},
			{"DELETE", vnfs + "/x", "", all &^ viewer},
			{"POST", vnfs + "/x/instantiate", `{"flavourId":"f"}`, all &^ viewer},
			{"POST", vnfs + "/x/terminate", `{"terminationType":"FORCEFUL"}`, all &^ viewer},
			{"GET", ops, "", all},
			{"POST", ops + "/x/retry", "", all &^ viewer},
			{"POST", ops + "/x/rollback", "", all &^ viewer},
			{"POST", ops + "/x/fail", "", all &^ viewer},
			{"POST", ops + "/x/cancel", `{"cancelMode":"FORCEFUL"}`, all &^ viewer},
			{"GET", pkgs, "", all &^ em},
			{"POST", pkgs, "{}", operator | admin | nfvo},
			{"DELETE", pkgs + "/x", "", operator | admin | nfvo},
			{"GET", own + "/vnf_instances/x/events", "", viewer | operator | admin},
			{"GET", own + "/vnf_lcm_op_occs", "", viewer | operator | admin},
			{"GET", own + "/vnf_lcm_op_occs/x/progress", "", viewer | operator | admin},
			{"GET", own + "/sagas/x", "", viewer | operator | admin},
			{"GET", own + "/vims", "", viewer | operator | admin},
			{"POST", own + "/vnf_instances/x/cleanup", "", operator | admin},
			{"POST", own + "/vnf_lcm_op_occs/x/resolve", `{"decision":"retry-item","step":"s"}`, operator | admin},
			{"POST", own + "/vims", `{"id":"v"}`, admin},
			{"DELETE", own + "/vims/x", "", admin},
			{"GET", own + "/audit/verify", "", admin},
			{"GET", own + "/audit/denials", "", admin},
			{"GET", own + "/parked_messages", "", admin},
			{"POST", own + "/parked_messages/m1/redrive", "", admin},
			{"GET", own + "/sim/inventory", "", admin},
			{"GET", own + "/sim/behaviour", "", admin},
			{"GET", "/healthz", "", all},
			{"GET", "/vnflcm/api_versions", "", all},
		} {
			r := w.do(c.method, c.path, c.body)
			if allowed := r.status != http.StatusForbidden; allowed != (c.may&bit[role] != 0) {
				t.Errorf("%s: %s %s answers %d", role, c.method, c.path, r.status)
			}
			if h := r.header.Get("WWW-Authenticate"); r.status == 403 && !strings.Contains(h, `error="insufficient_scope"`) {
				t.Errorf("%s: %s %s: WWW-Authenticate is %q", role, c.method, c.path, h)
			}
		}
	}
}

func TestACallerWithoutARoleMayNothing(t *testing.T) {
	name := "nobody"
	w := newWorld(t, func(c *api.Config) { c.Authenticate = as(&name) })
	w.do("GET", vnfs, "").want(403, "lcm:read", "no role")
	w.do("GET", "/readyz", "").want(200)
}

// An element manager has SOL002's view: no VIM connection in or out, on replayed answers too.
func TestElementManagersSeeNoVims(t *testing.T) {
	name, roles := "ems", []access.Role{access.EM}
	w := newWorld(t, func(c *api.Config) {
		c.Authenticate = func(r *http.Request) (*access.Caller, error) { return as(&name, roles...)(r) }
	})
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, full("i"))
	op := failed("o", "i")
	op.Params = []byte(`{"flavourId":"f","vimConnectionInfo":{"a":{"vimType":"T"}},"n":12345678901234567890}`)
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, op)
	for _, path := range []string{vnfs + "/i", vnfs + "?all_fields", ops + "/o", ops + "?all_fields"} {
		if r := w.do("GET", path, "").want(200); strings.Contains(r.body, "vimConnectionInfo") {
			t.Errorf("%s: %s", path, r.body)
		} else if r.header.Get("Content-Length") != fmt.Sprint(len(r.body)) {
			t.Errorf("%s: Content-Length %s of %d", path, r.header.Get("Content-Length"), len(r.body))
		}
	}
	w.do("GET", ops+"/o", "").want(200, "12345678901234567890")
	w.do("GET", vnfs+"?nextpage_opaque_marker=vimConnectionInfo", "").want(403)
	for _, body := range []string{
		`{"flavourId":"f","vimConnectionInfo":{"a":{"vimType":"T"}}}`, `{"flavourId":"f","vimConnectionInf\u006f":{"a":{"vimType":"T"}}}`,
		`{"flavourId":"f","vimConnectionInfo":{"a":{"vimType":"T"}},"additionalParams":{"no float":1e200}}`,
	} {
		w.do("POST", vnfs+"/i/instantiate", body).want(403, `"attribute":"/vimConnectionInfo"`)
	}
	if w.cases.effects != 0 {
		t.Error("a use case ran")
	}
	roles = append(roles, access.Viewer) // who is more than that sees more
	w.do("GET", vnfs+"/i", "").want(200, "vimConnectionInfo")
}

// Who asked, and as what, is in the request that the use case gets, and in the answers of ours.
func TestWhoAskedIsRecorded(t *testing.T) {
	name := "oidc:ann"
	w := newWorld(t, func(c *api.Config) { c.Authenticate = as(&name, access.Operator) })
	id := w.do("POST", vnfs, newID).want(201).id()
	if by := w.cases.by; by.Actor != name || by.Role != "operator" {
		t.Errorf("by %+v", by)
	}
	if m := w.cases.by.Metadata("c", "x"); m.Actor != name || m.Role != "operator" {
		t.Errorf("metadata %+v", m)
	}
	w.put(readmodel.KindOpOcc, "opocc-", "o", id, id, 1, vnf.OpOcc{ID: "o", VnfID: id, Operation: vnf.OpInstantiate, Actor: name})
	w.do("GET", own+"/vnf_lcm_op_occs", "").want(200, `"startedBy":"oidc:ann"`)
	w.do("GET", own+"/vnf_lcm_op_occs/o/progress", "").want(200, `"startedBy":"oidc:ann"`)
}

func TestLimitsArePerCaller(t *testing.T) {
	now := epoch
	name := "a"
	var w *world
	known := true
	w = newWorld(t, recording(&w, func() time.Time { return now }), func(c *api.Config) {
		c.Limits = access.NewLimits(0.5, 2, 10, func() time.Time { return now })
		c.Authenticate = func(r *http.Request) (*access.Caller, error) {
			if !known {
				return access.First(access.NoOtherToken)(r)
			}
			return as(&name, access.Admin)(r)
		}
	})
	for range 2 {
		w.do("GET", vnfs, "").want(200)
	}
	if r := w.do("GET", vnfs, "").want(429); r.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
	w.do("GET", "/healthz", "").want(200)
	name = "b"
	w.do("GET", vnfs, "").want(200)
	name = "a"
	now = now.Add(2 * time.Second)
	w.do("GET", vnfs, "").want(200)
	w.do("GET", vnfs, "").want(429)
	known = false // whoever guesses tokens is counted by address
	for range 2 {
		w.do("GET", vnfs, "", "Authorization", "Bearer guess").want(401)
	}
	w.do("GET", vnfs, "", "Authorization", "Bearer guess").want(429)
	known, name = true, "auditor"
	var got []sol.Denial
	w.do("GET", own+"/audit/denials", "").want(200).json(&got)
	var lines []string
	for _, d := range got {
		if d.Address != "127.0.0.1" || d.Route != vnfs || d.Method != http.MethodGet {
			t.Errorf("%+v", d)
		}
		lines = append(lines, fmt.Sprint(d.Caller, " ", d.Status, " ", d.Reason, " ", d.Count))
	}
	slices.Sort(lines)
	want := []string{"a 429 too-many 2", "address:127.0.0.1 401 invalid_token 2", "address:127.0.0.1 429 too-many 1"}
	if !slices.Equal(lines, want) {
		t.Errorf("recorded %q, want %q", lines, want)
	}
}

// When the issuer of tokens is away the caller hears 503, and nothing is recorded as denied.
func TestAnIssuerThatIsAwayIsNoDenial(t *testing.T) {
	var w *world
	away := true
	w = newWorld(t, recording(&w, time.Now), func(c *api.Config) {
		c.Authenticate = func(r *http.Request) (*access.Caller, error) {
			if away {
				return nil, vnfm.Errorf(vnfm.Unavailable, "away")
			}
			return access.Loopback(r)
		}
	})
	if r := w.do("GET", vnfs, "").want(503); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	away = false
	if r := w.do("GET", own+"/audit/denials", "").want(200); r.body != "[]" {
		t.Errorf("recorded %s", r.body)
	}
}

func TestMoreThanIsServedAtOnceIsTurnedAway(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Requests = &access.Places{All: 1, What: "requests"} })
	w.cases.block = make(chan struct{})
	w.cases.arrived.Add(1)
	done := make(chan reply)
	other := *w
	go func() { done <- other.do("POST", vnfs, newID) }()
	w.cases.arrived.Wait()
	if r := w.do("GET", vnfs, "").want(503); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.do("GET", "/healthz", "").want(200)
	w.do("GET", "/readyz", "").want(200)
	close(w.cases.block)
	(<-done).want(201)
	w.do("GET", vnfs, "").want(200)
}

func TestAnswersTellBrowsersAndStrangersLittle(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{vnfs, vnfs + "/x", "/nothing", "/healthz"} {
		h := w.do("GET", path, "").header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", path, h)
		}
		if h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
			t.Errorf("%s names the server: %v", path, h)
		}
	}
}

// A client that sends its body a byte at a time is given up.
func TestASlowBodyIsGivenUp(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.BodyTimeout = 50 * time.Millisecond })
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(w.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, "POST "+vnfs+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1024)
	n, err := conn.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), "HTTP/1.1 408") {
		t.Errorf("%v: %s", err, b[:n])
	}
}

func TestStrangersGetAChallenge(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Authenticate = access.First(access.NoOtherToken) })
	for header, want := range map[string]string{
		"":             `Bearer realm="vnfm"`,
		"Basic eDp5":   `Bearer realm="vnfm"`,
		"Bearer wrong": `Bearer realm="vnfm", error="invalid_token", error_description="The access token is not valid: it is not known."`,
	} {
		if got := w.do("GET", vnfs, "", "Authorization", header).want(401).header.Get("WWW-Authenticate"); got != want {
			t.Errorf("%q gets the challenge %s", header, got)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, vnfs, nil)
	r.Header = http.Header{"Authorization": {"Bearer a", "Bearer b"}}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	if len(rec.Header()["WWW-Authenticate"]) != 1 { //nolint:staticcheck // as it is on the wire: suites look for it byte by byte
		t.Errorf("no WWW-Authenticate: %v", rec.Header())
	}
	if rec.Code != 400 || !strings.Contains(received(rec).Get("WWW-Authenticate"), "invalid_request") {
		t.Errorf("two tokens: %d %v", rec.Code, rec.Header())
	}
}
