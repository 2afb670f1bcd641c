package lcm_test

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/vnf"
)

func TestCreate(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	s.d.Metadata = nil
	v, err := s.svc.CreateVnf(s.ctx(), lcm.CreateVnf{
		VnfdID: "two-vdus", Name: "fw", Description: "a firewall", Metadata: map[string]json.RawMessage{"site": json.RawMessage(`"x"`)},
	}, by)
	s.must(err)
	if v.ID == "" || v.State != vnf.NotInstantiated || v.PackageID != "pkg-1" || string(v.Configurable["isAutohealEnabled"]) != "false" ||
		string(v.Metadata["site"]) != `"x"` || v.Extensions != nil || v.Version != 1 {
		t.Errorf("%+v", v)
	}
	s.finish()
}

// A package that is disabled between its look-up and the commit is looked at again. Seen failing (an instance of a
// disabled package) without Expect in the commit.
func TestCreateRacesWithThePackage(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	asked := 0
	s.enabled = func() (lcm.PackageRef, error) {
		asked++
		if asked > 1 {
			return lcm.PackageRef{}, vnfm.Errorf(vnfm.NotFound, "disabled")
		}
		return lcm.PackageRef{ID: "pkg-1", Digest: "digest", Stream: "pkg-pkg-1", Version: 7}, nil // by now it is at another
	}
	_, err := s.svc.CreateVnf(s.ctx(), lcm.CreateVnf{VnfdID: "minimal"}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/vnfdId" || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if views, _ := s.store.Views(s.ctx(), eventstore.ViewQuery{}); len(views) != 0 {
		t.Errorf("%d views", len(views))
	}
}

func TestDelete(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	id := s.up()
	if err := s.svc.DeleteVnf(s.ctx(), id, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("INSTANTIATED: %v", err)
	}
	s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
	if err := s.svc.DeleteVnf(s.ctx(), id, by); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("while terminating: %v", err)
	}
	s.run()
	stale := by
	stale.Revision = 1
	if err := s.svc.DeleteVnf(s.ctx(), id, stale); vnfm.KindOf(err) != vnfm.Precondition {
		t.Errorf("If-Match of another revision: %v", err)
	}
	s.must(s.svc.DeleteVnf(s.ctx(), id, by))
	if err := s.svc.DeleteVnf(s.ctx(), id, by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("twice: %v", err)
	}
	views, err := s.store.Views(s.ctx(), eventstore.ViewQuery{Kind: "vnf_instance"})
	s.must(err)
	if len(views) != 0 {
		t.Errorf("the view is still there: %v", views)
	}
	s.finish()
}

// The answer to a request with an Idempotency-Key is written in the commit of its effect.
func TestAnswerIsStoredWithTheEffect(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	id := s.create()
	key := eventstore.IdempotencyKey{Caller: "alice", Key: "k"}
	with := by
	with.Answer = func(result any) *eventstore.IdempotencyResult {
		return &eventstore.IdempotencyResult{IdempotencyKey: key, Status: 202, Body: []byte(result.(*vnf.OpOcc).ID)}
	}
	op, err := s.svc.Instantiate(s.ctx(), id, s.request(), with)
	s.must(err)
	l, err := s.store.Load(s.ctx(), eventstore.Load{Idempotency: &key})
	s.must(err)
	if l.Idempotency == nil || string(l.Idempotency.Body) != op.ID {
		t.Errorf("stored %+v", l.Idempotency)
	}
}
