package lcm_test

import (
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// uses reports whether the records say that a package is used, as the deletion of packages asks them.
func (s *site) uses(pkg string) bool {
	s.t.Helper()
	l, err := s.store.Load(s.ctx(), eventstore.Load{CountViews: readmodel.UsesOf(pkg)})
	s.must(err)
	return readmodel.Used(l, pkg)
}

// checkUse asserts that whoever is between two packages uses both, and who is not does not.
func (s *site) checkUse(v *vnf.Instance) {
	s.t.Helper()
	changes := v.Operation != "" && (s.op(v.Operation).Operation == vnf.OpChangeVnfPkg || v.Coming != "" && s.op(v.Operation).Operation == vnf.OpModifyInfo)
	if changes != (v.Coming != "") || !s.uses(v.PackageID) || v.Coming != "" && !s.uses(v.Coming) {
		s.t.Fatalf("%s is of package %s, and by operation %q to be of %q", v.ID, v.PackageID, v.Operation, v.Coming)
	}
}

// TestBothPackagesAreInUseUntilTheEnd: the package that a VNF is changed to is in use from the commit that begins the operation on, and the
// one that it is of until it lands, whatever happens in between; afterwards only the one that it is of.
func TestBothPackagesAreInUseUntilTheEnd(t *testing.T) {
	for _, end := range []string{"lands", "no grant", "rollback", "fail"} {
		t.Run(end, func(t *testing.T) {
			s, id := upgradable(t, lcm.Settings{Attempts: 1, Batch: 1}, sizes["everything anew"], nil)
			was := s.vnf(id).PackageID
			use := func(when, want string) {
				t.Helper()
				is := map[bool]map[bool]string{true: {true: "both", false: "the old one"}, false: {true: "the new one", false: "neither"}}
				if got := is[s.uses(was)][s.uses("pkg-2")]; got != want {
					t.Errorf("%s: in use is %s, want %s", when, got, want)
				}
			}
			use("before", "the old one")
			n := 0
			s.script = func(m message.Message) *answer {
				use("meanwhile", "both")
				switch n++; {
				case end == "no grant" && m.Type == nfvo.TypeRequestGrant, end == "rollback" && n == 5, end == "fail" && n == 5:
					return permanent
				}
				return nil
			}
			op := s.upgrade(id, lcm.ChangeVnfPkg{})
			use("begun", "both")
			s.run()
			s.script = nil
			switch end {
			case "lands":
				s.completed(op)
				use("landed", "the new one")
				return
			case "rollback":
				use("failed", "both")
				_, err := s.svc.Rollback(s.ctx(), op, by)
				s.must(err)
				use("being undone", "both")
				s.run()
			case "fail":
				use("failed", "both")
				_, err := s.svc.Fail(s.ctx(), op, by)
				s.must(err)
			}
			use("ended", "the old one")
			s.finish()
		})
	}
}
