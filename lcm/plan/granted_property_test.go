package plan_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vnf"
)

var extCpds = []string{"VDU1_CP1", "VDU2_CP1"}

// drawnRequest draws a request that connects some of what can be connected from outside.
func drawnRequest(t *rapid.T) plan.Request {
	r := plan.Request{FlavourID: "simple", Level: rapid.SampledFrom([]string{"", "instantiation_level_2"}).Draw(t, "level")}
	for i, cpd := range extCpds {
		if rapid.Bool().Draw(t, "the request connects "+cpd) {
			r.ExtLinks = append(r.ExtLinks, ext(fmt.Sprint("requested-", i), data(cpd, map[string]vnf.ExtCpConfig{"k": {DynamicIPs: 1}})))
		}
	}
	if rapid.Bool().Draw(t, "the request manages a link") {
		r.ExtManaged = []plan.ExtManaged{{ID: "requested", LinkID: "internalVL1", NetworkID: "net-requested"}}
	}
	return r
}

// drawnGrant draws what an orchestrator connects, whether it was asked to or not.
func drawnGrant(t *rapid.T) *nfvo.Grant {
	g := &nfvo.Grant{}
	for i := range rapid.IntRange(0, 3).Draw(t, "links granted") {
		l := nfvo.ExtLink{ID: fmt.Sprint("granted-", i), NetworkID: fmt.Sprint("net-granted-", i)}
		for _, cpd := range append(extCpds, "unknown") {
			config := map[string]nfvo.ExtCpConfig{}
			for range rapid.IntRange(0, 2).Draw(t, "entries for "+cpd) {
				c := nfvo.ExtCpConfig{DynamicIPs: 1}
				switch rapid.IntRange(0, 3).Draw(t, "kind of entry") {
				case 0:
					c = nfvo.ExtCpConfig{FixedIPs: []string{fmt.Sprint("10.0.0.", i+1)}, Subnet: "s"}
				case 1:
					c = nfvo.ExtCpConfig{LinkPortID: "theirs"}
					l.Ports = []nfvo.ExtPort{{ID: "theirs", Handle: nfvo.ResourceHandle{ID: fmt.Sprint("port-", i)}}}
				}
				config[rapid.SampledFrom([]string{"k1", "k2", "k3"}).Draw(t, "key")] = c
			}
			if len(config) > 0 || rapid.IntRange(0, 4).Draw(t, "named without an entry") == 0 {
				l.Cps = append(l.Cps, nfvo.ExtCpData{CpdID: cpd, Config: config})
			}
		}
		g.ExtLinks = append(g.ExtLinks, l)
	}
	for _, link := range []string{"internalVL1", "internalVL2", "unknown"} {
		if rapid.Bool().Draw(t, "manages "+link) {
			g.ExtManaged = append(g.ExtManaged, nfvo.ExtManaged{ID: "granted-" + link, LinkID: link, NetworkID: "net-" + link})
		}
	}
	for _, name := range []string{"admin", "unknown"} {
		if rapid.Bool().Draw(t, "says "+name) {
			if g.AdditionalParams == nil {
				g.AdditionalParams = map[string]json.RawMessage{}
			}
			g.AdditionalParams[name] = json.RawMessage(`"granted"`)
		}
	}
	return g
}

func text(t *rapid.T, p *plan.Wanted) json.RawMessage {
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var planned = regexp.MustCompile(`"plan:([^"]+)"`)

// A grant laid over a plan: again it gives the same, and the plan it is laid over does not change; what the request connects
// stays connected so; what it leaves open is connected by an entry of the grant for it, one with an address or a port for one only,
// or stays open; parameters that the grant does not name stay; and nothing refers to what is not planned any more.
// Seen failing with granted working on the plan's own lists or specs, with the request's connection points not passed over, with a
// static entry serving the rest, with a foreign port's forerunner left in its compute, with every parameter replaced, and without the
// grant's links in the plan.
func TestAGrantLaidOverAPlan(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, g := build(t, plantest.TwoVdus(), drawnRequest(rt)), drawnGrant(rt)
		before := text(rt, p)
		once := p.Granted(g)
		if after := text(rt, p); !mergepatch.Equal(before, after) {
			rt.Fatalf("the plan was changed: %s, was %s", after, before)
		}
		if again := text(rt, p.Granted(g)); !mergepatch.Equal(text(rt, once), again) {
			rt.Fatalf("once %s, and again %s", text(rt, once), again)
		}
		entries, static := map[string]bool{}, map[string]bool{}
		for _, l := range g.ExtLinks {
			for _, cp := range l.Cps {
				entries[l.ID+" "+cp.CpdID] = true
				for key, c := range cp.Config {
					static[l.ID+" "+cp.CpdID+" "+key] = c.LinkPortID != "" || len(c.FixedIPs) > 0
				}
			}
		}
		used := map[string]int{}
		for i, was := range p.ExtCps {
			is := once.ExtCps[i]
			entry := is.ExtLink + " " + is.Cpd + " " + is.ConfigID
			if used[entry]++; used[entry] > 1 && static[entry] {
				rt.Fatalf("an address or a port for one serves %d: %+v", used[entry], is)
			}
			same := is.ExtLink == was.ExtLink && is.ConfigID == was.ConfigID && is.Port == was.Port
			switch {
			case was.ExtLink != "" && !same:
				rt.Fatalf("what the request connects as %+v is %+v", was, is)
			case was.ExtLink == "" && !same && !entries[is.ExtLink+" "+is.Cpd]:
				rt.Fatalf("%+v is connected as nobody granted: %+v", was, is)
			case is.ExtLink != "" && !slices.ContainsFunc(once.ExtLinks, func(l plan.ExtLink) bool { return l.ID == is.ExtLink }):
				rt.Fatalf("%+v is at a link that the plan does not have", is)
			}
		}
		for name, value := range p.Vars {
			if _, named := g.AdditionalParams[name]; !named && once.Vars[name] != value || named && once.Vars[name] != "granted" {
				rt.Fatalf("%s was %q and is %q", name, value, once.Vars[name])
			}
		}
		ids := map[string]bool{}
		for _, r := range once.Resources {
			ids[r.ID] = true
		}
		for _, ref := range planned.FindAllStringSubmatch(string(text(rt, once)), -1) {
			if !ids[ref[1]] {
				rt.Fatalf("%s is referred to, and not planned: %s", ref[1], text(rt, once))
			}
		}
	})
}
