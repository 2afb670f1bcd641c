package csar_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vnfd"
)

// Bit rates of virtual links scale as VDUs do: an initial one, what each step of an aspect adds, and what levels say. Seen failing with
// the first delta taken for every step.
func TestBitRatesOfVirtualLinks(t *testing.T) {
	t.Parallel()
	net := strings.Replace(link("10.0.0.0/24"), "vl_profile:", "vl_profile:\n          max_bitrate_requirements: { root: 90, leaf: 9 }\n          min_bitrate_requirements: { root: 1 }", 1)
	text := template(vdu("A", "") + net + `  policies:
    - s: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { a: { max_scale_level: 2, step_deltas: [ few, many ] } } } }
    - i: { type: tosca.policies.nfv.VirtualLinkBitrateInitialDelta, properties: { initial_delta: { bitrate_requirements: { root: 10, leaf: 1 } } }, targets: [ net ] }
    - d:
        type: tosca.policies.nfv.VirtualLinkBitrateScalingAspectDeltas
        properties: { aspect: a, deltas: { many: { bitrate_requirements: { root: 40, leaf: 4 } }, few: { bitrate_requirements: { root: 20 } } } }
        targets: [ net ]
    - l: { type: tosca.policies.nfv.InstantiationLevels, properties: { levels: { low: {}, high: { scale_info: { a: { scale_level: 2 } } } }, default_level: low } }
    - v: { type: tosca.policies.nfv.VirtualLinkInstantiationLevels, properties: { levels: { low: { bitrate_requirements: { root: 12, leaf: 2 } } } }, targets: [ net ] }
`)
	pkg := small.with(main, text).mustOpen(t)
	if len(pkg.Findings) != 1 || pkg.Findings[0].Rule != "nothing-to-boot-from" { // of the VDU
		t.Errorf("findings: %v", pkg.Findings)
	}
	f := &pkg.Descriptor.Flavours[0]
	l := &f.Links[0]
	if !reflect.DeepEqual([]*vnfd.BitRate{l.BitRate, l.Least, l.Most}, []*vnfd.BitRate{{Root: 10, Leaf: 1}, {Root: 1}, {Root: 90, Leaf: 9}}) {
		t.Errorf("%+v %+v %+v", l.BitRate, l.Least, l.Most)
	}
	for level, want := range map[int]vnfd.BitRate{0: {Root: 10, Leaf: 1}, 1: {Root: 30, Leaf: 1}, 2: {Root: 70, Leaf: 5}} {
		if got := f.LinkRate(l, map[string]int{"a": level}); got != want {
			t.Errorf("level %d: %+v", level, got)
		}
	}
	if low, high := f.LinkRateAt(l, ""), f.LinkRateAt(l, "high"); low != (vnfd.BitRate{Root: 12, Leaf: 2}) || high != (vnfd.BitRate{Root: 70, Leaf: 5}) {
		t.Errorf("%+v %+v", low, high)
	}
	plain := small.with(main, template(vdu("A", "")+net)).mustOpen(t).Descriptor.Flavours[0].Links[0]
	if plain.BitRate != nil || plain.Most != nil { // nothing scales it
		t.Errorf("%+v", plain)
	}
}
