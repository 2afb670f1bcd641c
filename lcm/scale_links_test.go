package lcm_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// carries is the bit rate of the only network, at the VIM and in the records.
func (s *site) carries(id string) vnfd.BitRate {
	s.t.Helper()
	var at, recorded vim.NetworkSpec
	for token := range s.held {
		if n := s.specs[token].Network; n != nil {
			at = *n
		}
	}
	l, err := s.store.Load(s.ctx(), s.instances.Load(id))
	s.must(err)
	stored, err := s.instances.Read(l, &eventstore.Commit{}, id)
	s.must(err)
	for _, r := range stored.Value.Resources {
		if r.Kind == string(vim.Network) {
			var spec vim.Spec
			s.must(json.Unmarshal(r.Spec, &spec))
			recorded = *spec.Network
		}
	}
	if at != recorded {
		s.t.Errorf("the VIM has %+v, the records %+v", at, recorded)
	}
	return vnfd.BitRate{Root: at.RootBitRate, Leaf: at.LeafBitRate}
}

// TestScalingChangesWhatLinksCarry: steps of an aspect change bit rates as well, where the VIM can; undone, they are what they were.
func TestScalingChangesWhatLinksCarry(t *testing.T) {
	s, id := of(t, plantest.ElasticLink(), lcm.Settings{Attempts: 1})
	defer s.finish()
	s.can = vim.InPlace{vim.Compute: {vim.AttributePower}, vim.Network: {vim.AttributeRootBitRate, vim.AttributeLeafBitRate}}
	is := func(want vnfd.BitRate) {
		t.Helper()
		if got := s.carries(id); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	is(vnfd.BitRate{Root: 10e6, Leaf: 1e6})
	op := s.scale(id, "SCALE_OUT", "grow", 1)
	s.settle()
	is(vnfd.BitRate{Root: 20e6, Leaf: 1e6})
	s.sized(id, 2, 1, 1, 0)
	modified := 0
	for _, l := range s.op(op).Changes.Links.All() {
		if l.Change == vnf.Modified {
			modified++
		}
	}
	var grant nfvo.GrantRequest
	s.must(json.Unmarshal(s.sent[0].Data, &grant))
	if modified != 1 || len(grant.Update) != 1 || grant.Update[0].Type != "VL" {
		t.Errorf("%d links are modified, the grant is asked to update %+v", modified, grant.Update)
	}
	was := s.vnf(id)
	s.script = on(vim.TypeReserveResource, vim.Compute, permanent)
	s.scale(id, "SCALE_OUT", "grow", 1)
	s.run()
	s.script = nil
	is(vnfd.BitRate{Root: 20e6, Leaf: 1e6})
	if now := s.vnf(id); !reflect.DeepEqual(now.Info, was.Info) || now.Operation != "" {
		t.Errorf("%+v", now.Info)
	}
	s.scaleTo(id, lcm.ScaleToLevel{Level: "big"})
	s.settle()
	is(vnfd.BitRate{Root: 45e6, Leaf: 2e6})
	s.scale(id, "SCALE_IN", "grow", 1)
	s.settle()
	is(vnfd.BitRate{Root: 15e6, Leaf: 1e6})
	s.consistent(id)

	s.d.Flavours[0].Links[0].Most.Root = 40e6
	if _, err := s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "grow"}, by); vnfm.KindOf(err) != vnfm.Unprocessable ||
		attribute(err) != "/numberOfSteps" || !strings.Contains(err.Error(), "0 to 40000000") {
		t.Errorf("%v", err)
	}
	s.can = nil // the VIM cannot: the VNF is scaled all the same, and whoever looks is told
	op = s.scale(id, "SCALE_IN", "grow", 1)
	s.settle()
	is(vnfd.BitRate{Root: 15e6, Leaf: 1e6})
	if o := s.op(op); o.State != vnf.Completed || len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], "net is to carry 5000000 bit/s") {
		t.Errorf("%s %v", o.State, o.Warnings)
	}
	s.sized(id, 2, 1, 0, 1)
}
