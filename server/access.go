package server

import (
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/config"
)

// limitedCallers is how many callers' limits are remembered.
const limitedCallers = 10_000

// authenticator returns the ways the settings give a caller to say who it is; without any, being on this machine: the
// settings then allow loopback only.
func (s *Server) authenticator() (access.Authenticator, error) {
	c := s.cfg
	if !c.Authenticated() {
		return access.Loopback, nil
	}
	token, err := c.Token()
	if err != nil {
		return nil, err //nolint:wrapcheck // names the setting
	}
	var all []access.Authenticator
	if token != "" {
		all = append(all, access.Static(token, access.Caller{Name: "api-token", Roles: []access.Role{access.Admin}}))
	}
	if c.Auth.Issuer != "" {
		all = append(all, access.Tokens(access.Issuer{
			Issuer: c.Auth.Issuer, Keys: c.Auth.Jwks, Audience: c.Auth.Audience,
			NameClaim: c.Auth.NameClaim, RoleClaim: c.Auth.RoleClaim, Roles: rolesOf(c.Auth.Roles), Log: s.log,
		}))
	}
	all = append(all, access.NoOtherToken)
	if len(c.Auth.Certificates) > 0 {
		all = append(all, access.Certificates(rolesOf(c.Auth.Certificates)))
	}
	return access.First(all...), nil
}

func rolesOf(words map[string]string) map[string]access.Role {
	if len(words) == 0 {
		return nil
	}
	out := map[string]access.Role{}
	for word, role := range words {
		out[word] = access.Role(role)
	}
	return out
}

// limits returns the limits per caller; none where nobody is asked for a name.
func limits(c *config.Config) *access.Limits {
	if !c.Authenticated() || c.HTTP.Rate == 0 {
		return nil
	}
	return access.NewLimits(c.HTTP.Rate, c.HTTP.Burst, limitedCallers, time.Now)
}

// capacity is how much of what clients take there is: connections, and places for their requests and event streams.
type capacity struct {
	connections         int
	requests, followers *access.Places
	large               *access.Places
}

// spare is how many connections stay for those who ask for the server's health, whatever else there is.
const spare = 16

// newCapacity returns what the settings allow, or as much of it as a process that may open so many files can bear: a
// connection is one, and databases, packages and calls to others need some, too. known says that callers are told apart.
func newCapacity(c *config.HTTP, files uint64, known bool) capacity {
	k := capacity{connections: c.Connections}
	if files/4*3 < uint64(k.connections) { //nolint:gosec // positive by Validate
		k.connections = max(2*spare, int(files/4*3)) //nolint:gosec // less than connections
	}
	free := k.connections - spare
	requests, followers := c.Concurrent, c.Followers
	if requests == 0 {
		requests = free
	}
	if followers == 0 {
		followers = free
	}
	if requests+followers > free {
		followers = min(followers, free/2)
		requests = min(requests, free-followers)
	}
	k.requests = &access.Places{All: requests, Each: c.CallerConcurrent, Shared: true, What: "requests"}
	k.followers = &access.Places{All: followers, Each: c.CallerFollowers, Shared: true, What: "event streams"}
	k.large = &access.Places{All: c.LargeBodies, Shared: true, What: "requests with large bodies"}
	if !known { // all are one caller then: there is nobody to share with
		k.requests.Each, k.requests.Shared, k.large.Shared = 0, false, false
	}
	return k
}

// newDenials returns the record of denials, which counts them for the metrics too.
func (s *Server) newDenials(p *parts) (*access.Denials, error) {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vnfm_api_denials_total", Help: "Requests denied for who sent them, by status and reason.",
	}, []string{"status", "reason"})
	if err := s.reg.Register(counter); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	for _, l := range [][]string{{"401", "unauthenticated"}, {"401", "invalid_token"}, {"403", "insufficient_scope"}, {"429", "too-many"}} {
		counter.WithLabelValues(l...) // there from the start, at 0
	}
	return access.NewDenials(access.DenialsConfig{
		Store: p.main.Store, Doer: p.main.committer, Node: s.node + "-" + uuid.NewString(), Now: time.Now, Log: s.log, Keep: orEver(s.cfg.Keep.Denials),
		Observe: func(d access.Denial) { counter.WithLabelValues(strconv.Itoa(d.Status), d.Reason).Inc() },
	}), nil
}
