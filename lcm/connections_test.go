package lcm_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/vnf"
)

// owned are connections that notes what a VNF is to have of its own.
type owned struct {
	lcm.FixedConnections
	patches map[string]json.RawMessage
}

func (o *owned) Own(_ context.Context, _ string, patches map[string]json.RawMessage) (
	func(*eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error), error,
) {
	o.patches = patches
	return func(*eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error) {
		return nil, nil, nil
	}, nil
}

// TestANullConnectionOfAnInstantiateRemovesIt: vimConnectionInfo is a merge patch (SOL003 v3.7.1 §5.4.4.3.1): null removes what the
// VNF has of its own, and is not the connection to use. Seen failing with null entries left out.
func TestANullConnectionOfAnInstantiateRemovesIt(t *testing.T) {
	for name, c := range map[string]struct {
		sent    map[string]json.RawMessage
		patches []string
	}{
		"alone":           {map[string]json.RawMessage{"vim-2": json.RawMessage("null")}, []string{"vim-2"}},
		"unknown":         {map[string]json.RawMessage{"gone": json.RawMessage("null")}, []string{"gone"}},
		"beside another":  {map[string]json.RawMessage{"gone": json.RawMessage("null"), "vim-1": json.RawMessage("{}")}, []string{"gone"}},
		"with nothing to": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := &owned{FixedConnections: lcm.FixedConnections{Registry: registered()}}
			s := newSiteWith(t, plantest.Minimal(), lcm.Settings{}, o)
			id := s.create()
			r := s.request()
			r.Connections = c.sent
			op, err := s.svc.Instantiate(s.ctx(), id, r, by)
			s.must(err)
			s.settle()
			defer s.finish()
			if got := slices.Sorted(maps.Keys(o.patches)); !slices.Equal(got, c.patches) {
				t.Errorf("patches %v, want %v", got, c.patches)
			}
			if v := s.vnf(id); v.State != vnf.Instantiated || v.Connections["vim-1"].Type == "" {
				t.Errorf("%s: %+v", v.State, s.op(op.ID).Error)
			}
		})
	}
}

// TestLongIDsOfConnectionsAreRefused: whoever names a connection with an id that no database takes as a key hears so, and nothing is
// begun. Seen failing with a client of v1, whose ids are values and not names, and with a grant: PostgreSQL refused the VIM's
// commands, and the operation never ended.
func TestLongIDsOfConnectionsAreRefused(t *testing.T) {
	long := strings.Repeat("k", 1025)
	sent := map[string]json.RawMessage{long: json.RawMessage(`{"vimType":"VNFM.SIM.V_1"}`)}
	for name, ask := range map[string]func(s *site, id string) error{
		"instantiate": func(s *site, id string) error {
			r := s.request()
			r.Connections = sent
			_, err := s.svc.Instantiate(s.ctx(), id, r, by)
			return err
		},
		"modify": func(s *site, id string) error {
			_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Connections: sent}, by)
			return err
		},
		"grant": func(s *site, id string) error { return s.svc.MergeConnections(s.ctx(), id, sent) },
	} {
		s := newSiteWith(t, plantest.Minimal(), lcm.Settings{}, &owned{FixedConnections: lcm.FixedConnections{Registry: registered()}})
		id := s.create()
		if err := ask(s, id); vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/vimConnectionInfo/"+long || !strings.Contains(err.Error(), "1024 bytes") {
			t.Errorf("%s: %v", name, err)
		}
		if v := s.vnf(id); v.Operation != "" {
			t.Errorf("%s: operation %s", name, v.Operation)
		}
	}
}
