package lcm_test

import (
	"errors"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// left returns a VNF whose failed instantiation left resources.
func left(t *testing.T, settings lcm.Settings) (*site, string) {
	t.Helper()
	settings.OnFailure = hold
	s := newSite(t, plantest.TwoVdus(), settings)
	s.script = on(vim.TypeReserveResource, vim.Compute, permanent)
	id := s.create()
	op := s.instantiate(id)
	s.run()
	_, err := s.svc.Fail(s.ctx(), op, by)
	s.must(err)
	s.script = nil
	if v := s.vnf(id); len(v.Leftovers) == 0 {
		t.Fatal("nothing is left")
	}
	return s, id
}

// TestDeleteBeginsTheCleanup: a client that knows DELETE alone gets rid of a VNF whose instantiation was given up: the first one begins
// the clean-up, one after its end deletes. Seen failing with DELETE that refuses and begins nothing.
func TestDeleteBeginsTheCleanup(t *testing.T) {
	s, id := left(t, lcm.Settings{})
	defer s.finish()
	delete := func() *lcm.CleaningUpError {
		t.Helper()
		err := s.svc.DeleteVnf(s.ctx(), id, by)
		var cleaning *lcm.CleaningUpError
		if !errors.As(err, &cleaning) || vnfm.KindOf(err) != vnfm.Conflict {
			t.Fatalf("%v", err)
		}
		return cleaning
	}
	first := delete()
	if v := s.vnf(id); v.Cleanup != first.Saga || first.Saga == "" {
		t.Errorf("cleanup %q, told %q", v.Cleanup, first.Saga)
	}
	if again := delete(); again.Saga != first.Saga { // while it runs nothing else is begun
		t.Errorf("a second cleanup %q", again.Saga)
	}
	s.run()
	if v := s.vnf(id); len(v.Leftovers) != 0 || len(s.held) != 0 {
		t.Fatalf("left %v, held %v", v.Leftovers, s.held)
	}
	s.must(s.svc.DeleteVnf(s.ctx(), id, by))
	if err := s.svc.DeleteVnf(s.ctx(), id, by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("of what is deleted: %v", err)
	}
}

// TestWhatCannotBeReleasedStaysListed: the VNF is not deleted while anything is left, and each DELETE tries once more.
func TestWhatCannotBeReleasedStaysListed(t *testing.T) {
	s, id := left(t, lcm.Settings{})
	defer s.finish()
	s.script = on(vim.TypeReleaseResource, vim.Network, permanent)
	for range 2 {
		var cleaning *lcm.CleaningUpError
		if err := s.svc.DeleteVnf(s.ctx(), id, by); !errors.As(err, &cleaning) {
			t.Fatalf("%v", err)
		}
		s.run()
		if in := s.saga(cleaning.Saga); in.State != saga.Abandoned {
			t.Errorf("the cleanup is %s", in.State)
		}
		if v := s.vnf(id); v.Cleanup != "" || len(v.Leftovers) == 0 || len(v.Leftovers) != len(s.held) {
			t.Errorf("cleanup %q, left %v, held %v", v.Cleanup, v.Leftovers, s.held)
		}
	}
	s.script = nil
	_ = s.svc.DeleteVnf(s.ctx(), id, by)
	s.run()
	s.must(s.svc.DeleteVnf(s.ctx(), id, by))
}

// TestDeleteBeginsNoCleanupOtherwise: where something else keeps the VNF, or the site has leftovers kept, or the client knows an older
// revision, DELETE is refused and nothing begins.
func TestDeleteBeginsNoCleanupOtherwise(t *testing.T) {
	refused := func(t *testing.T, s *site, id string, want vnfm.Kind) {
		t.Helper()
		var cleaning *lcm.CleaningUpError
		info := by
		if want == vnfm.Precondition {
			info.Revision = 1
		}
		if err := s.svc.DeleteVnf(s.ctx(), id, info); vnfm.KindOf(err) != want || errors.As(err, &cleaning) {
			t.Errorf("%v", err)
		}
		if v := s.vnf(id); v.Cleanup != "" {
			t.Errorf("cleanup %s", v.Cleanup)
		}
		s.finish()
	}
	t.Run("leftovers are kept", func(t *testing.T) {
		s, id := left(t, lcm.Settings{KeepLeftovers: true})
		refused(t, s, id, vnfm.Conflict)
	})
	t.Run("an older revision", func(t *testing.T) {
		s, id := left(t, lcm.Settings{})
		refused(t, s, id, vnfm.Precondition)
	})
	t.Run("an operation", func(t *testing.T) {
		s, id := left(t, lcm.Settings{})
		s.instantiate(id)
		refused(t, s, id, vnfm.Conflict)
	})
	t.Run("it is instantiated", func(t *testing.T) {
		s, id := left(t, lcm.Settings{})
		s.instantiate(id)
		s.run()
		if v := s.vnf(id); v.State != vnf.Instantiated || len(v.Leftovers) == 0 {
			t.Fatalf("%s, %d left", v.State, len(v.Leftovers))
		}
		refused(t, s, id, vnfm.Conflict)
	})
}
