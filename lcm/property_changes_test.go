package lcm_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// TestAnyOrderOfChangesEndsInALegalState is TestAnyOrderEndsInALegalState for what changes a VNF that has several flavours or another
// package: connections, flavours, packages, stops, healings and repairs, one after the other, whatever VIMs forget and somebody changes
// before the two that look. What an operation that was given up leaves unsure, a repair without faults mends: then no VIM differs from the records.
//
// Seen failing without MayBeGone in plan.Sync, and with the drift of a port left out of Resolver.Restoring.
func TestAnyOrderOfChangesEndsInALegalState(t *testing.T) {
	ends := map[string]int{}
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c, id := changing(t, seed)
			for range 1 + c.rnd.IntN(4) {
				name, op := c.change(id)
				if op == "" {
					continue
				}
				c.storm(op)
				c.calm(op)
				c.sweep(id)
				t.Log(name, op, c.s.op(op).State)
				ends[name+" "+string(c.s.op(op).State)]++
				c.mend(id)
			}
			c.s.finish()
		})
	}
	for _, name := range []string{"connect", "flavour", "package", "sync", "operate", "heal"} {
		for _, state := range []vnf.OpState{vnf.Completed, vnf.Failed} {
			if allHistories && ends[name+" "+string(state)] == 0 {
				t.Errorf("no %s ended %s", name, state)
			}
		}
	}
	t.Log(ends)
}

// changing is a VNF that stands and has another flavour or another package to become one of.
func changing(t *testing.T, seed uint64) (c *chaos, id string) {
	t.Helper()
	of := plantest.Elastic()
	if seed%2 == 0 {
		of = plantest.Flavours()
	}
	c = chaosOf(t, seed, of)
	s := c.s
	s.can = []vim.InPlace{{vim.Compute: {vim.AttributePower}}, sizes["all in place"], whatVimsCan, ways["all in place"]}[c.rnd.IntN(4)]
	s.others = []string{"net-out", "net-new"}
	c.faults = false
	id = s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`),
		ExtLinks: []lcm.ExtLink{ext("out", data("app_out", configs("a", chosen(), "b", fixed("10.9.0.2"))))},
	}, by)
	s.must(err)
	s.settle()
	s.completed(op.ID)
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": plantest.Next()}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	c.faults = true
	return c, id
}

// meddle lets VIMs forget some of a VNF, somebody change some more, and something stand that nobody knows.
func (c *chaos) meddle(id string) {
	s := c.s
	if c.rnd.IntN(2) == 0 {
		return
	}
	v := s.vnf(id)
	for i := range v.Resources {
		r := &v.Resources[i]
		t := vim.Token{ID: r.ID, Generation: r.Generation}
		switch n := c.rnd.IntN(40); {
		case n < 2:
			delete(s.held, t)
		case n < 6:
			if _, stands := s.held[t]; !stands {
				continue
			}
			s.tamper(r, func(spec *vim.Spec, res *vim.Resource) {
				switch {
				case spec.Compute != nil:
					spec.Compute.Flavour = "huge"
				case spec.Volume != nil:
					spec.Volume.SizeBytes = 7
				case spec.Network != nil:
					spec.Network.MTU = 900
				case spec.Port != nil:
					s.made++
					res.Addresses = []vim.IP{{Address: fmt.Sprint("10.77.0.", s.made), Subnet: "s"}}
				}
			})
		case n == 6:
			stray := vim.Token{ID: fmt.Sprint("stray-", s.made), Generation: 1 + c.rnd.IntN(2)}
			s.held[stray] = vim.Resource{Token: stray, Kind: vim.Kind(r.Kind), ID: "of-" + stray.ID, Owner: id, Ready: true, Revision: 1}
		}
	}
}

// change begins any operation; "" when it is refused as the VNF is.
func (c *chaos) change(id string) (name, op string) {
	s := c.s
	s.t.Helper()
	var o *vnf.OpOcc
	var err error
	switch v := s.vnf(id); c.rnd.IntN(6) {
	case 0:
		name = "connect"
		cpd := "app_out"
		if v.VnfdID == "elastic-2" {
			cpd = "front_out"
		}
		link := ext([]string{"out", "new"}[c.rnd.IntN(2)], data(cpd, configs("a", []vnf.ExtCpConfig{chosen(), fixed(fmt.Sprint("10.9.1.", s.ids))}[c.rnd.IntN(2)])))
		o, err = s.svc.ChangeExtConn(s.ctx(), id, lcm.ChangeExtConn{ExtLinks: []lcm.ExtLink{link}}, by)
	case 1:
		name = "flavour"
		to := "large"
		if v.Info.FlavourID == "large" {
			to = "simple"
		}
		o, err = s.svc.ChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: to}, by)
	case 2:
		name = "package"
		r := lcm.ChangeVnfPkg{VnfdID: "elastic-2"}
		if c.rnd.IntN(2) == 0 {
			r.AdditionalParams = json.RawMessage(`{"batchSize":1}`)
		}
		o, err = s.svc.ChangeVnfPkg(s.ctx(), id, r, by)
	case 3:
		name = "operate"
		o, err = s.svc.Operate(s.ctx(), id, lcm.Operate{To: []string{"STARTED", "STOPPED"}[c.rnd.IntN(2)]}, by)
	case 4:
		name = "heal"
		c.meddle(id)
		o, err = s.svc.Heal(s.ctx(), id, lcm.Heal{}, by)
	default:
		name = "sync"
		c.meddle(id)
		_, o, err = s.svc.Sync(s.ctx(), id, lcm.Sync{Repair: true, Confirmed: true}, by)
	}
	switch vnfm.KindOf(err) {
	case vnfm.NotFound, vnfm.Unprocessable, vnfm.Conflict:
		return name, ""
	}
	if s.must(err); o == nil {
		return name, ""
	}
	return name, o.ID
}

// mend repairs what differs, without faults, and asserts that then nothing does, and that the VIMs hold what is recorded.
func (c *chaos) mend(id string) {
	s := c.s
	s.t.Helper()
	c.faults = false
	defer func() { c.faults = true }()
	if v := s.vnf(id); len(v.Leftovers) > 0 {
		_, err := s.svc.Cleanup(s.ctx(), id, by)
		s.must(err)
		s.run()
	}
	was := addressesOf(s.vnf(id))
	_, op, err := s.svc.Sync(s.ctx(), id, lcm.Sync{Repair: true, Confirmed: true}, by)
	s.must(err)
	if op != nil {
		s.run()
		if o := s.op(op.ID); o.State != vnf.Completed {
			s.t.Fatalf("a repair without faults is %s: %+v", o.State, o.Error)
		}
	}
	for _, d := range s.drift(id).Differences {
		if d.Kept == "" {
			s.t.Errorf("after a repair %+v", d)
		}
	}
	if now := addressesOf(s.vnf(id)); !reflect.DeepEqual(now, was) {
		s.t.Errorf("the addresses are %v, were %v", now, was)
	}
	s.consistent(id)
	c.same(id)
	c.faults = false
}
