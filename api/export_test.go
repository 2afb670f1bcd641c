package api

import (
	"cmp"
	"slices"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/rest"
)

// Served is one method of one route, for the tests that go through all of them.
type Served struct {
	Pattern, Method string
	Query, Body     []string
	Types           []string
	Stream, Tail    bool
	Open            bool
	Needs           access.Permission
}

// Routes lists what New serves with a configuration.
func Routes(c Config) []Served {
	var all []Served
	for pattern, methods := range rest.Join(areas(&c)) {
		for name, m := range methods {
			all = append(all, Served{
				Pattern: pattern, Method: name, Query: slices.Clone(m.Query), Body: slices.Clone(m.Body), Types: slices.Clone(m.Types), Stream: m.Stream, Tail: m.Tail != nil,
				Open: m.Needs == access.Open, Needs: m.Needs,
			})
		}
	}
	slices.SortFunc(all, func(a, b Served) int {
		return cmp.Or(cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// Roots are the roots of the ETSI interfaces, with the newest version of each.
func Roots() map[string]string {
	out := map[string]string{}
	for _, s := range rest.Served {
		out[s.Root] = s.Newest
	}
	return out
}
