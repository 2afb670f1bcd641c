package vnfd_test

import (
	"testing"

	"github.com/vnfm/vnfm/vnfd"
)

func TestBeyond(t *testing.T) {
	made := func(change func(d *vnfd.Descriptor)) *vnfd.Descriptor {
		d := &vnfd.Descriptor{
			ID: "a", Version: "1", Flavours: []vnfd.Flavour{{
				ID: "f", Vdus: []vnfd.Vdu{{ID: "v", Max: 1, Image: &vnfd.Image{ID: "v", Name: "old", Checksum: "sha-256:1"}, At: vnfd.Position{Line: 3}}},
				Storages:   []vnfd.Storage{{ID: "s", SizeBytes: 1}},
				Levels:     []vnfd.Level{{ID: "l", Counts: map[string]int{"at": 1}}},
				Operations: map[string]vnfd.Operation{"INSTANTIATE": {Policy: "hold", At: vnfd.Position{Line: 9}}},
			}},
		}
		if change != nil {
			change(d)
		}
		return d
	}
	for name, c := range map[string]struct {
		change func(d *vnfd.Descriptor)
		want   string
	}{
		"nothing":  {nil, ""},
		"identity": {func(d *vnfd.Descriptor) { d.ID, d.Version, d.SoftwareVersion = "b", "2", "2.1" }, ""},
		"image": {func(d *vnfd.Descriptor) {
			d.Flavours[0].Vdus[0].Image = &vnfd.Image{ID: "v", Name: "new", SizeBytes: 7}
		}, ""},
		"line":             {func(d *vnfd.Descriptor) { d.Flavours[0].Vdus[0].At.Line = 4 }, ""},
		"line of an entry": {func(d *vnfd.Descriptor) { d.Flavours[0].Operations["INSTANTIATE"] = vnfd.Operation{Policy: "hold"} }, ""},
		// Seen failing with all of a flavour compared.
		"scripts":   {func(d *vnfd.Descriptor) { d.Flavours[0].Scripts = []vnfd.Script{{Operation: "instantiate_start"}} }, ""},
		"placement": {func(d *vnfd.Descriptor) { d.Flavours[0].Affinity = []vnfd.AffinityRule{{ID: "r", Vdus: []string{"v"}}} }, ""},
		"words": {func(d *vnfd.Descriptor) {
			f := &d.Flavours[0]
			f.Description, f.Vdus[0].Name, f.Vdus[0].Description, f.Levels[0].Description = "f", "n", "d", "l"
		}, ""},
		"no image any more": {
			func(d *vnfd.Descriptor) { d.Flavours[0].Vdus[0].Image = nil }, "/flavours/0/vdus/0/image",
		},
		"memory":  {func(d *vnfd.Descriptor) { d.Flavours[0].Vdus[0].MemoryBytes = 1 }, "/flavours/0/vdus/0/memoryBytes"},
		"count":   {func(d *vnfd.Descriptor) { d.Flavours[0].Levels[0].Counts = map[string]int{"at": 2} }, "/flavours/0/instantiationLevels/0/counts/at"},
		"storage": {func(d *vnfd.Descriptor) { d.Flavours[0].Storages = nil }, "/flavours/0/storages"},
		"entry":   {func(d *vnfd.Descriptor) { d.Flavours[0].Operations["INSTANTIATE"] = vnfd.Operation{} }, "/flavours/0/operations/INSTANTIATE/onFailure"},
	} {
		if got := vnfd.Beyond(made(nil), made(c.change)); got != c.want {
			t.Errorf("%s: differs at %q, want %q", name, got, c.want)
		}
	}
}
