package reconcile_test

import (
	"fmt"
	"testing"

	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// pods makes a VNF of one workload with three pods, at v1.
func (s *site) pods(id string, ready bool, names ...string) {
	s.Helper()
	t := vim.Token{ID: id + "-unit", Generation: 1}
	o := vim.Observed{
		Resource: vim.Resource{Token: t, Kind: vim.Unit, ID: "vim-" + t.ID, Owner: id, Ready: true, Revision: 1},
		Spec:     vim.Spec{Unit: &vim.UnitSpec{Replicas: 3}}, About: []vim.Attribute{vim.AttributeReplicas},
	}
	var known []vnf.Pod
	info := &vnf.InstantiatedInfo{}
	for i, n := range names {
		o.Resource.Pods = append(o.Resource.Pods, vim.Pod{ID: n, Name: n, Ready: ready})
		known = append(known, vnf.Pod{ID: n, Name: n})
		info.Vnfcs = append(info.Vnfcs, vnf.Vnfc{ID: fmt.Sprintf("%s-c%d", id, i), VduID: "web", UnitID: t.ID, Handle: vnf.Handle{Connection: "v1", VimID: n, VimType: "Pod"}})
	}
	if _, there := s.held["v1"][t]; !there {
		s.append(id, &vnf.InstanceCreated{ID: id}, &vnf.OperationBegun{OpID: "i-" + id, Operation: vnf.OpInstantiate, Number: 1}, &vnf.InstanceInstantiated{
			OpID: "i-" + id, Info: info, Connections: map[string]vnf.VimConnection{"v1": {Type: "T"}},
			Resources: []vnf.Resource{{
				ID: t.ID, Generation: 1, Revision: 1, Kind: string(vim.Unit), Connection: "v1", VimID: "vim-" + t.ID, Pods: known,
				Spec: vim.Encode(vim.Spec{Unit: &vim.UnitSpec{Replicas: 3}}),
			}},
		})
	}
	s.held["v1"][t] = o
}

// shows are the pods that the VNFCs of a VNF have in the records.
func (s *site) shows(id string) string {
	s.Helper()
	out := ""
	for _, c := range s.vnf(id).Info.Vnfcs {
		out += c.Handle.VimID + " "
	}
	return out
}

// A pod that its cluster has replaced is in the records with the next look, at the VNFC that had the one before; the others keep theirs. Pods that are not ready yet, a VNF that an
// operation holds, and a VIM that is not believed change nothing. Seen failing with each of these let through.
func TestPodsAreKeptTrue(t *testing.T) {
	s := newSite(t, reconcile.Settings{})
	s.pods("a", true, "p1", "p2", "p3")
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"as it was", func() {}, "p1 p2 p3 "},
		{"one is about to come", func() { s.pods("a", false, "p1", "p3", "p4") }, "p1 p2 p3 "},
		{"it has come", func() { s.pods("a", true, "p1", "p3", "p4") }, "p1 p4 p3 "},
		{"the same", func() {}, "p1 p4 p3 "},
		{"fewer than there are VNFCs", func() { s.pods("a", true, "p5") }, "p1 p4 p3 "},
		{"an operation holds the VNF", func() { s.pods("a", true, "p5", "p6", "p7"); s.holds("a", true) }, "p1 p4 p3 "},
		{"it ends", func() { s.holds("a", false) }, "p5 p6 p7 "},
		{"the VIM is suspect", func() {
			s.make("b", "v1", 8)
			s.lose("v1", "b", 0, 1, 2, 3, 4, 5, 6, 7)
			s.pods("a", true, "p7", "p8", "p9")
		}, "p5 p6 p7 "},
		{"and is not", func() { s.make("c", "v1", 30) }, "p8 p9 p7 "},
	} {
		step.do()
		before := s.vnf("a").Version
		s.round()
		if got := s.shows("a"); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
		s.round()
		if v := s.vnf("a").Version; v > before+1 {
			t.Errorf("%s: %d events", step.name, v-before)
		}
	}
	if d := s.vnf("a").Drift; d != nil {
		t.Errorf("%+v", d)
	}
}
