package lcm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// refusedAt checks that a request is refused at an attribute, in words that name it and the limit.
func refusedAt(t interface{ Errorf(string, ...any) }, err error, at, names, limit string) {
	var e *vnfm.Error
	if !errors.As(err, &e) || e.Kind != vnfm.Unprocessable && e.Kind != vnfm.Invalid || e.Attribute != at ||
		!strings.Contains(e.Detail, names) || !strings.Contains(e.Detail, limit) {
		t.Errorf("%v (%s at %q), want it refused at %q with %q and %q", err, vnfm.KindOf(err), attribute(err), at, names, limit)
	}
}

// However long a client wants to wait, it is within the site's limit or refused. Seen failing (a stop of no time at all) from
// 9,223,372,037 seconds on.
func TestGracefulTimeIsBounded(t *testing.T) {
	const at = "/gracefulTerminationTimeout"
	limit := 2 * time.Hour
	s := newSite(t, plantest.Minimal(), lcm.Settings{GracefulLimit: limit})
	id := s.up()
	seconds := rapid.OneOf(rapid.Int(), rapid.IntRange(7201, math.MaxInt), rapid.SampledFrom([]int{7201, 9_223_372_036, 9_223_372_037, 18_446_744_074, math.MaxInt}))
	rapid.Check(t, func(rt *rapid.T) {
		n := seconds.Filter(func(n int) bool { return n < 0 || n > 7200 }).Draw(rt, "seconds")
		_, err := s.svc.Terminate(s.ctx(), id, lcm.Terminate{Type: "GRACEFUL", GracefulTimeout: n}, by)
		if n < 0 {
			refusedAt(rt, err, at, "", "negative")
		} else {
			refusedAt(rt, err, at, "gracefulTerminationTimeout", "7200 seconds")
		}
	})
	for n, want := range map[int]time.Duration{0: time.Minute, 1: time.Second, 7200: limit} {
		s := newSite(t, plantest.Minimal(), lcm.Settings{GracefulLimit: limit})
		s.terminate(s.up(), lcm.Terminate{Type: "GRACEFUL", GracefulTimeout: n})
		s.run()
		var told time.Duration
		for _, m := range s.sent {
			var c vim.Change
			if m.Type == vim.TypeChangeResource && json.Unmarshal(m.Data, &c) == nil {
				told = c.Grace()
			}
		}
		if told != want {
			t.Errorf("%d seconds: the VNF has %v to stop, want %v", n, told, want)
		}
	}
}

// However many addresses a client wants on a connection point, they are within the site's limit or refused, before anything
// is planned for each of them. Seen failing without the limit: the memory of a number of nine digits.
func TestAddressesOfAConnectionPointAreBounded(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{Addresses: 4})
	id := s.create()
	rapid.Check(t, func(rt *rapid.T) {
		fixed := rapid.IntRange(0, 6).Draw(rt, "fixed")
		dynamic := rapid.OneOf(rapid.IntRange(-2, 6), rapid.IntRange(-math.MaxInt32-1, math.MaxInt32)).Draw(rt, "dynamic")
		c := vnf.ExtCpConfig{DynamicIPs: dynamic, Subnet: "s"}
		for i := range fixed { // of several subnets, too
			c.IPs = append(c.IPs, vnf.ExtCpIPs{Type: "IPV4", Fixed: []string{fmt.Sprint("10.0.0.", i)}, Subnet: fmt.Sprint("s", i%2)})
		}
		if rapid.Bool().Draw(rt, "entries") {
			c.IPs, c.DynamicIPs = append(c.IPs, vnf.ExtCpIPs{Type: "IPV6", Dynamic: dynamic}), 0
		}
		r := lcm.Instantiate{FlavourID: "none of this", ExtLinks: []lcm.ExtLink{ext("net", data("cp", map[string]vnf.ExtCpConfig{"a/b": c}))}}
		_, err := s.svc.Instantiate(s.ctx(), id, r, by)
		if dynamic < 0 || fixed+dynamic > 4 {
			refusedAt(rt, err, "/extVirtualLinks/0/extCps/0/cpConfig/a~1b", "numDynamicAddresses", "at most 4")
		} else if attribute(err) != "/flavourId" {
			rt.Errorf("%d and %d addresses: %v", fixed, dynamic, err)
		}
	})
}

// As many operations are planned at once as the site has places for; others wait, and who goes away meanwhile is told what for. Seen
// failing without places: the second plan does not wait.
func TestPlansHavePlaces(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{PlansAtOnce: 1})
	id := s.up()
	leave, err := s.svc.Place(s.ctx())
	s.must(err)
	gone, cancel := context.WithCancel(s.ctx())
	cancel()
	if _, err := s.svc.PlanOperate(gone, id, lcm.Operate{To: "STOPPED"}); vnfm.KindOf(err) != vnfm.Unavailable || !strings.Contains(err.Error(), "max-plans-at-once") {
		t.Errorf("without a place: %v", err)
	}
	leave()
	for range 3 {
		if _, err := s.svc.PlanOperate(s.ctx(), id, lcm.Operate{To: "STOPPED"}); err != nil {
			t.Errorf("with a place: %v", err)
		}
	}
}
