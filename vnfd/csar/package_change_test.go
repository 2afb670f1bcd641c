package csar_test

import (
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
)

// A VNFD says between which packages a VNF may change, and what is called otherwise there; also how many machines change at once. Seen
// failing with the mappings left out.
func TestPackageChanges(t *testing.T) {
	t.Parallel()
	text := template(vdu("A", "") + `  policies:
    - up:
        type: tosca.policies.nfv.VnfPackageChange
        properties:
          selector: [ { source_descriptor_id: old, destination_descriptor_id: new, source_flavour_id: simple } ]
          modification_qualifier: up
          component_mappings: [ { component_type: vdu, source_id: B, destination_id: A, description: renamed } ]
          destination_flavour_id: simple
`)
	d := small.with(main, text).mustOpen(t).Descriptor
	if len(d.PackageChanges) != 1 {
		t.Fatalf("%+v", d.PackageChanges)
	}
	c := d.PackageChanges[0]
	if c.ID != "up" || c.Qualifier != "up" || c.Flavour != "simple" || len(c.Selectors) != 1 || c.Selectors[0] != (vnfd.PackageChangeSelector{Source: "old", Destination: "new", Flavour: "simple"}) ||
		len(c.Mappings) != 1 || c.Mappings[0] != (vnfd.ComponentMapping{Type: "vdu", Source: "B", Destination: "A"}) {
		t.Errorf("%+v", c)
	}
	silent, from := &vnfd.Descriptor{ID: "x"}, &vnfd.Descriptor{ID: "old"}
	to := &vnfd.Descriptor{ID: "new", PackageChanges: d.PackageChanges}
	for name, x := range map[string]struct {
		from, to *vnfd.Descriptor
		flavour  string
		found    bool
		ok       bool
	}{
		"the destination says so":  {from, to, "simple", true, true},
		"the source says so":       {&vnfd.Descriptor{ID: "old", PackageChanges: d.PackageChanges}, &vnfd.Descriptor{ID: "new"}, "simple", true, true},
		"of another flavour":       {from, to, "other", false, false},
		"from another VNFD":        {silent, to, "simple", false, false},
		"nobody speaks of changes": {silent, from, "simple", false, true},
	} {
		if got, ok := vnfd.ChangeTo(x.from, x.flavour, x.to); (got != nil) != x.found || ok != x.ok {
			t.Errorf("%s: %v %t", name, got, ok)
		}
	}
	none := small.with(main, strings.Replace(text, "selector: [ { source_descriptor_id: old, destination_descriptor_id: new, source_flavour_id: simple } ]", "selector: []", 1)).mustOpen(t)
	found := false
	for _, f := range none.Findings {
		found = found || f.Rule == "package-change"
	}
	if !found {
		t.Errorf("findings: %v", none.Findings)
	}
}
