package vnfd_test

import (
	"math"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
)

func TestTotalsDoNotOverflow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		counts map[string]int
		want   int
	}{
		"nothing":  {nil, 0},
		"some":     {map[string]int{"a": 2, "b": 3}, 5},
		"most":     {map[string]int{"a": math.MaxInt, "b": 1}, math.MaxInt},
		"negative": {map[string]int{"a": 2, "b": -3}, 2},
	} {
		if got := vnfd.Total(tt.counts); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	steps := make([]int, 1000)
	for i := range steps {
		steps[i] = math.MaxInt / 2
	}
	f := &vnfd.Flavour{Vdus: []vnfd.Vdu{{ID: "a", Min: 1}}, Aspects: []vnfd.Aspect{{ID: "x", MaxLevel: 1000, Steps: map[string][]int{"a": steps}}}}
	if got := f.Scaled(&f.Vdus[0], map[string]int{"x": 1000}); got != math.MaxInt {
		t.Errorf("scaled to %d", got)
	}
	if d, err := f.Delta("x", 0, 1000); err != nil || d["a"] != math.MaxInt {
		t.Errorf("up %v, %v", d, err)
	}
	if d, err := f.Delta("x", 1000, -1000); err != nil || d["a"] != -math.MaxInt {
		t.Errorf("down %v, %v", d, err)
	}
	for _, ask := range [][2]int{{1, math.MaxInt}, {1, math.MinInt}, {math.MaxInt, 1}, {0, -1}, {1000, 1}} {
		if _, err := f.Delta("x", ask[0], ask[1]); err == nil {
			t.Errorf("%d steps from %d", ask[1], ask[0])
		}
	}
}

// What a VNF has at a VIM is counted without planning it.
func TestResources(t *testing.T) {
	t.Parallel()
	f := &vnfd.Flavour{
		Vdus:     []vnfd.Vdu{{ID: "a", Storages: []string{"own", "shared", "object"}}, {ID: "b", Storages: []string{"shared"}}},
		Storages: []vnfd.Storage{{ID: "own", Type: "BLOCK", PerVnfc: true}, {ID: "shared", Type: "BLOCK"}, {ID: "object", Type: "OBJECT", PerVnfc: true}},
		Cps:      []vnfd.VduCp{{ID: "1", Vdu: "a"}, {ID: "2", Vdu: "a"}, {ID: "3", Vdu: "b"}},
		Links:    []vnfd.VirtualLink{{ID: "net", Subnets: []vnfd.SubnetProfile{{}, {}}}},
		Affinity: []vnfd.AffinityRule{{ID: "r"}},
	}
	// 3 × (compute, 2 ports, own volume) + 2 × (compute, port) + shared volume + network with 2 subnets + server group
	if got := f.Resources(map[string]int{"a": 3, "b": 2}); got != 12+4+1+3+1 {
		t.Errorf("%d resources", got)
	}
	if got := f.Resources(map[string]int{"a": math.MaxInt / 2, "b": math.MaxInt}); got != math.MaxInt {
		t.Errorf("%d resources", got)
	}
	if got := f.Resources(map[string]int{"gone": 1000}); got != 1+3+1 {
		t.Errorf("%d resources: a VDU that is not there adds to what all share", got)
	}
}

func TestBootable(t *testing.T) {
	t.Parallel()
	f := &vnfd.Flavour{Storages: []vnfd.Storage{{ID: "blank"}, {ID: "image", Image: &vnfd.Image{}}}}
	for name, tt := range map[string]struct {
		vdu  vnfd.Vdu
		want bool
	}{
		"nothing":    {vnfd.Vdu{}, false},
		"image":      {vnfd.Vdu{Image: &vnfd.Image{}}, true},
		"blank":      {vnfd.Vdu{Storages: []string{"blank"}}, false},
		"volume":     {vnfd.Vdu{Storages: []string{"blank", "image"}}, true},
		"container":  {vnfd.Vdu{Container: true}, true},
		"of another": {vnfd.Vdu{Storages: []string{"elsewhere"}}, false},
	} {
		if got := f.Bootable(&tt.vdu); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
