package rest

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
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

// Point is the reference point from which the caller sees what is here.
func (c *Call) Point() sol.Point {
	if c.who.ElementManager() {
		return sol.VeVnfm
	}
	return sol.OrVnfm
}

// keepToPoint refuses a request about attributes that are not the caller's to see or set.
func (c *Call) keepToPoint() error {
	if err := c.keepQueryToPoint(c.Query); err != nil {
		return err
	}
	if way := sol.Beyond(c.Body, c.Point()); way != nil {
		at := ""
		for _, name := range way {
			at += vnfm.Step(name)
		}
		return vnfm.Errorf(vnfm.Forbidden, "%s is not an element manager's to set.", way[len(way)-1]).At(at)
	}
	return nil
}

// keepQueryToPoint refuses a query that names such an attribute: a filter tells what is in it.
func (c *Call) keepQueryToPoint(q url.Values) error {
	for parameter, values := range q {
		for _, name := range sol.Hidden(c.Point()) {
			for _, v := range values {
				if strings.Contains(v, name) {
					return vnfm.Errorf(vnfm.Forbidden, "%s is not shown to element managers.", name).In(parameter)
				}
			}
		}
	}
	return nil
}

// narrowed returns the answer as the caller's reference point sees it, with what is sealed in it hidden.
func (c *Call) narrowed(a *Answer) *Answer {
	body := json.RawMessage(secret.Hide(sol.Narrow(a.body, c.Point())))
	if body == nil && a.body != nil {
		return problem(vnfm.Errorf(vnfm.Internal, "an answer that is not JSON names what its caller must not see"))
	}
	out := *a
	out.body = body
	return &out
}
