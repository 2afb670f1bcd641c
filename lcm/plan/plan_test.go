package plan_test

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/vim"
)

// A resource of which anything differs that its VIM cannot change where it stands is replaced, whatever else differs and can be.
// Seen failing with the first difference deciding for all.
func TestOneAttributeThatCannotChangeReplacesTheResource(t *testing.T) {
	all := []vim.Attribute{"flavour", "image", "power"}
	for _, cannot := range append(all, "") {
		can := vim.InPlace{vim.Compute: slices.DeleteFunc(slices.Clone(all), func(a vim.Attribute) bool { return a == cannot })}
		have := []plan.Resource{{
			ID: "c", Kind: vim.Compute, Spec: vim.Spec{Compute: &vim.ComputeSpec{Flavour: "small", Image: "one"}},
			At: &plan.At{Connection: "vim", ID: "id-c"},
		}}
		want := &plan.Wanted{Resources: []plan.Resource{{
			ID: "c", Kind: vim.Compute, Spec: vim.Spec{Compute: &vim.ComputeSpec{Flavour: "big", Image: "two", Power: vim.PowerOff}},
		}}}
		p, err := plan.New(have, want, plan.Options{InPlace: map[string]vim.InPlace{"vim": can}})
		if err != nil {
			t.Fatal(err)
		}
		_, changed, replaced, _ := p.Count()
		if wanted := cannot != ""; (replaced == 1) != wanted || (changed == 1) == wanted {
			t.Errorf("without %q in place, %d are changed and %d replaced", cannot, changed, replaced)
		}
	}
}
