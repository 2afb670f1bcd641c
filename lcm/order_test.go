package lcm_test

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/vnf"
)

// TestTheStateComesBeforeTheWords: whoever asks for an operation that the VNF's state does not allow hears of that (409), whatever else
// is wrong with the request (422). Seen failing for a package, a snapshot and a VIM connection that are not there.
func TestTheStateComesBeforeTheWords(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	defer s.finish()
	nowhere := map[string]json.RawMessage{"v": json.RawMessage(`{"vimType":"NONE"}`)}
	calls := map[vnf.Operation]func(id string) (*vnf.OpOcc, error){
		vnf.OpChangeVnfPkg: func(id string) (*vnf.OpOcc, error) {
			return s.svc.ChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: "none"}, by)
		},
		vnf.OpCreateSnapshot: func(id string) (*vnf.OpOcc, error) {
			return s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: "none"}, by)
		},
		vnf.OpRevertToSnapshot: func(id string) (*vnf.OpOcc, error) {
			return s.svc.RevertToSnapshot(s.ctx(), id, lcm.RevertToSnapshot{InfoID: "none"}, by)
		},
		vnf.OpChangeFlavour: func(id string) (*vnf.OpOcc, error) {
			return s.svc.ChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: "none", Connections: nowhere}, by)
		},
		vnf.OpChangeExtConn: func(id string) (*vnf.OpOcc, error) {
			return s.svc.ChangeExtConn(s.ctx(), id, lcm.ChangeExtConn{ExtLinks: []lcm.ExtLink{{ID: "l", NetworkID: "n", Connection: "none"}}, Connections: nowhere}, by)
		},
		vnf.OpScale: func(id string) (*vnf.OpOcc, error) {
			return s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "none"}, by)
		},
		vnf.OpScaleToLevel: func(id string) (*vnf.OpOcc, error) {
			return s.svc.ScaleToLevel(s.ctx(), id, lcm.ScaleToLevel{Level: "none"}, by)
		},
		vnf.OpHeal: func(id string) (*vnf.OpOcc, error) {
			return s.svc.Heal(s.ctx(), id, lcm.Heal{Vnfcs: []string{"none"}}, by)
		},
		vnf.OpOperate: func(id string) (*vnf.OpOcc, error) {
			return s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED", Vnfcs: []string{"none"}}, by)
		},
		vnf.OpInstantiate: func(id string) (*vnf.OpOcc, error) {
			return s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "none", Connections: nowhere}, by)
		},
	}
	id := s.create()
	s.enabled = func() (lcm.PackageRef, error) {
		return lcm.PackageRef{}, vnfm.Errorf(vnfm.NotFound, "there is none")
	}
	for op, call := range calls {
		want := vnfm.Conflict
		if op == vnf.OpInstantiate {
			want = vnfm.Unprocessable
		}
		if _, err := call(id); vnfm.KindOf(err) != want {
			t.Errorf("%s of a VNF that is NOT_INSTANTIATED: %v", op, err)
		}
		if _, err := call("none"); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("%s of no VNF: %v", op, err)
		}
	}
}
