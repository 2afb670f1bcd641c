// Package plantest has descriptors for tests: models of packages as they are in the field.
package plantest

import (
	"encoding/json"
	"strconv"

	"github.com/vnfm/vnfm/vnfd"
)

// GiB is 2^30 bytes.
const GiB = 1 << 30

// Vdu is a VDU with one image and flavour; smallest and largest bound its instances.
func Vdu(id string, smallest, largest int) vnfd.Vdu {
	return vnfd.Vdu{
		ID: id, Name: id, Min: smallest, Max: largest, VCPUs: 1, MemoryBytes: GiB / 2, DiskBytes: 3 * GiB, FlavourName: "m1.tiny",
		Image: &vnfd.Image{ID: id, Name: "cirros", Checksum: "sha-256:93"},
	}
}

// Cp is a connection point of a VDU, external when it is on no link.
func Cp(id, vduID, link string, order int) vnfd.VduCp {
	return vnfd.VduCp{ID: id, Vdu: vduID, Link: link, Order: order, External: link == ""}
}

// Link is an internal link with one subnet of its own.
func Link(id string, n int) vnfd.VirtualLink {
	return vnfd.VirtualLink{ID: id, Subnets: []vnfd.SubnetProfile{{IPVersion: 4, CIDR: "192.168." + strconv.Itoa(n) + ".0/24", DHCP: true}}}
}

// Minimal is like vm-one-flavour-minimal: two VDUs on one internal link, kept together.
func Minimal() *vnfd.Descriptor {
	one := 1
	a, b := Vdu("VDU1", 1, 3), Vdu("VDU2", 1, 1)
	a.Initial, b.Initial = &one, &one
	return &vnfd.Descriptor{
		ID: "minimal", Version: "1.0", Provider: "Company", ProductName: "Sample", SoftwareVersion: "1.0",
		Flavours: []vnfd.Flavour{{
			ID: "simple", Vdus: []vnfd.Vdu{a, b},
			Cps:   []vnfd.VduCp{Cp("VDU1_CP1", "VDU1", "internalVL3", 4), Cp("VDU2_CP1", "VDU2", "internalVL3", 4)},
			Links: []vnfd.VirtualLink{Link("internalVL3", 5)},
			Levels: []vnfd.Level{
				{ID: "instantiation_level_1", ScaleInfo: map[string]int{"VDU1_scale": 0}, Counts: map[string]int{"VDU1": 1, "VDU2": 1}},
				{ID: "instantiation_level_2", ScaleInfo: map[string]int{"VDU1_scale": 2}, Counts: map[string]int{"VDU1": 3, "VDU2": 1}},
			},
			DefaultLevel: "instantiation_level_1",
			Aspects:      []vnfd.Aspect{{ID: "VDU1_scale", MaxLevel: 2, Steps: map[string][]int{"VDU1": {1, 1}}}},
			Affinity:     []vnfd.AffinityRule{{ID: "policy_affinity", Affinity: true, Scope: "nfvi_node", Vdus: []string{"VDU1", "VDU2"}}},
		}},
	}
}

// TwoVdus is like vm-two-vdus-scaling: two external connection points, two internal links, a VDU that boots from its
// volume, kept apart. It also declares properties and boot data.
func TwoVdus() *vnfd.Descriptor {
	one := 1
	a, b := Vdu("VDU1", 1, 3), Vdu("VDU2", 1, 1)
	a.Initial, b.Initial = &one, &one
	b.Image, b.Storages = nil, []string{"VDU2-VirtualStorage"}
	a.BootData = &vnfd.BootData{Content: "name=${vnf.name} n=${vnfc.index} admin=${admin}", Variables: []string{"admin"}}
	return &vnfd.Descriptor{
		ID: "two-vdus", Version: "1.0", Provider: "Company", ProductName: "Sample", SoftwareVersion: "1.0",
		Extensions: []vnfd.Property{{Name: "admin", Required: true, Schema: json.RawMessage(`{"type":"string","minLength":2}`)}},
		Configurable: []vnfd.Property{
			{Name: "isAutohealEnabled", Schema: json.RawMessage(`{"type":"boolean"}`), Initial: json.RawMessage(`false`)},
		},
		Flavours: []vnfd.Flavour{{
			ID: "simple", Vdus: []vnfd.Vdu{a, b},
			Storages: []vnfd.Storage{{
				ID: "VDU2-VirtualStorage", Type: "BLOCK", SizeBytes: GiB, PerVnfc: true, Image: &vnfd.Image{ID: "VDU2-VirtualStorage", Name: "vol"},
			}},
			Cps: []vnfd.VduCp{
				Cp("VDU1_CP3", "VDU1", "internalVL2", 2), Cp("VDU1_CP1", "VDU1", "", 0), Cp("VDU1_CP2", "VDU1", "internalVL1", 1),
				Cp("VDU2_CP1", "VDU2", "", 0), Cp("VDU2_CP2", "VDU2", "internalVL1", 1), Cp("VDU2_CP3", "VDU2", "internalVL2", 2),
			},
			Links: []vnfd.VirtualLink{Link("internalVL1", 3), Link("internalVL2", 4)},
			Levels: []vnfd.Level{
				{ID: "instantiation_level_1", Counts: map[string]int{"VDU1": 1, "VDU2": 1}},
				{ID: "instantiation_level_2", ScaleInfo: map[string]int{"VDU1_scale": 1}, Counts: map[string]int{"VDU1": 2, "VDU2": 1}},
				{ID: "largest", ScaleInfo: map[string]int{"VDU1_scale": 2}},
			},
			DefaultLevel: "instantiation_level_1",
			Aspects:      []vnfd.Aspect{{ID: "VDU1_scale", MaxLevel: 2, Steps: map[string][]int{"VDU1": {1, 1}}}},
			Affinity:     []vnfd.AffinityRule{{ID: "policy_antiaffinity", Scope: "nfvi_node", Vdus: []string{"VDU1", "VDU2"}}},
			Operations: map[string]vnfd.Operation{
				"INSTANTIATE": {ParamsSchema: json.RawMessage(`{"type":"object","properties":{"size":{"type":"integer"}}}`)},
				"TERMINATE":   {MaxGracefulTimeout: 30},
			},
		}},
	}
}

// HA is like the flavour "ha" of vm-ha-and-scalable-flavours: no levels, and four VnfExtCps on the internal link.
func HA() *vnfd.Descriptor {
	return &vnfd.Descriptor{
		ID: "ha", Version: "1.0",
		Flavours: []vnfd.Flavour{{
			ID: "ha", Vdus: []vnfd.Vdu{Vdu("VDU_0", 1, 1), Vdu("VDU_1", 1, 1)},
			Cps:   []vnfd.VduCp{Cp("VDU0_CP0", "VDU_0", "VDU_intnet0", 0), Cp("VDU1_CP0", "VDU_1", "VDU_intnet0", 0)},
			Links: []vnfd.VirtualLink{Link("VDU_intnet0", 0)},
			ExtCps: []vnfd.ExtCp{
				{ID: "VDU0_extCP0", Link: "VDU_intnet0"}, {ID: "VDU1_extCP0", Link: "VDU_intnet0"},
				{ID: "RT_extCP", Link: "VDU_intnet0"}, {ID: "VDU_extvCP", Link: "VDU_intnet0"},
			},
			Affinity: []vnfd.AffinityRule{{ID: "VDU_placement_policy", Scope: "nfvi_node", Vdus: []string{"VDU_0", "VDU_1"}}},
		}},
	}
}

// ElasticLink is Elastic, whose steps of the aspect "grow" also raise the bit rate of its link, by 10 and then by 30 Mbit/s.
func ElasticLink() *vnfd.Descriptor {
	d := Elastic()
	f := &d.Flavours[0]
	f.Links[0].BitRate, f.Links[0].Most = &vnfd.BitRate{Root: 10e6, Leaf: 1e6}, &vnfd.BitRate{Root: 50e6}
	f.Aspects[0].LinkSteps = map[string][]vnfd.BitRate{"net": {{Root: 10e6}, {Root: 30e6, Leaf: 1e6}}}
	f.Levels[2].BitRates = map[string]vnfd.BitRate{"net": {Root: 45e6, Leaf: 2e6}}
	return d
}

// Elastic has two scaling aspects: "grow", whose steps differ and touch two VDUs, and "apps". Its apps have a volume each and share
// another with the databases; they are connected outside, kept apart, and boot with a key that the instantiation gives.
func Elastic() *vnfd.Descriptor {
	one := 1
	app, db := Vdu("app", 1, 6), Vdu("db", 1, 2)
	app.Initial, db.Initial = &one, &one
	app.Storages, db.Storages = []string{"own", "pool"}, []string{"pool"}
	app.BootData = &vnfd.BootData{Content: "name=${vnf.name} n=${vnfc.index} key=${key}", Variables: []string{"key"}}
	in := Cp("app_in", "app", "net", 1)
	in.FixedIPs = []string{"192.168.7.10", "192.168.7.11"}
	return &vnfd.Descriptor{
		ID: "elastic", Version: "1.0", Provider: "Company", ProductName: "Sample", SoftwareVersion: "1.0",
		Flavours: []vnfd.Flavour{{
			ID: "simple", Vdus: []vnfd.Vdu{app, db},
			Storages: []vnfd.Storage{{ID: "own", Type: "BLOCK", SizeBytes: GiB, PerVnfc: true}, {ID: "pool", Type: "BLOCK", SizeBytes: 2 * GiB}},
			Cps:      []vnfd.VduCp{Cp("app_out", "app", "", 0), in, Cp("db_in", "db", "net", 0)},
			Links:    []vnfd.VirtualLink{Link("net", 7)},
			Levels: []vnfd.Level{
				{ID: "small", ScaleInfo: map[string]int{"grow": 0, "apps": 0}},
				{ID: "apps", ScaleInfo: map[string]int{"grow": 0, "apps": 2}},
				{ID: "big", ScaleInfo: map[string]int{"grow": 2, "apps": 1}},
			},
			DefaultLevel: "small",
			Aspects: []vnfd.Aspect{
				{ID: "grow", MaxLevel: 2, Steps: map[string][]int{"app": {1, 2}, "db": {0, 1}}},
				{ID: "apps", MaxLevel: 3, Steps: map[string][]int{"app": {1, 1, 1}}},
			},
			Affinity: []vnfd.AffinityRule{{ID: "apart", Scope: "nfvi_node", Vdus: []string{"app"}}},
		}},
	}
}

// Flavours is Elastic with a second flavour, "large": its apps have two processors and another text to boot with, the volume they share is
// larger, there are no databases but a cache, and the aspect "apps" alone.
func Flavours() *vnfd.Descriptor {
	d, other := Elastic(), Elastic()
	f := other.Flavours[0]
	f.ID = "large"
	one := 1
	app, cache := f.Vdus[0], Vdu("cache", 1, 2)
	app.VCPUs, app.BootData = 2, &vnfd.BootData{Content: "large n=${vnfc.index} key=${key}", Variables: []string{"key"}}
	cache.Initial = &one
	f.Vdus = []vnfd.Vdu{app, cache}
	f.Storages[1].SizeBytes = 3 * GiB
	f.Cps = append(f.Cps[:2:2], Cp("cache_in", "cache", "net", 0))
	f.Levels = []vnfd.Level{{ID: "one", ScaleInfo: map[string]int{"apps": 0}}, {ID: "three", ScaleInfo: map[string]int{"apps": 2}}}
	f.DefaultLevel = "one"
	f.Aspects = f.Aspects[1:]
	d.Flavours = append(d.Flavours, f)
	return d
}

// Next is Elastic in its next version: another image, another text to boot with, a cache beside, and what were apps and the aspect of
// that name are fronts. VnfPackageChange says so.
func Next() *vnfd.Descriptor {
	d := Elastic()
	d.ID, d.Version, d.SoftwareVersion = "elastic-2", "2.0", "2.0"
	d.Metadata = []vnfd.Property{{Name: "release", Initial: json.RawMessage(`"two"`)}}
	d.Extensions = []vnfd.Property{{Name: "mode", Initial: json.RawMessage(`"fast"`)}}
	f := &d.Flavours[0]
	one := 1
	cache := Vdu("cache", 1, 2)
	cache.Initial = &one
	f.Vdus = append(f.Vdus, cache)
	front := &f.Vdus[0]
	front.ID, front.Name = "front", "front"
	front.Image = &vnfd.Image{ID: "front", Name: "cirros-2", Checksum: "sha-256:94"}
	front.BootData = &vnfd.BootData{Content: "front n=${vnfc.index} key=${key}", Variables: []string{"key"}}
	f.Cps[0].Vdu, f.Cps[0].ID, f.Cps[1].Vdu, f.Cps[1].ID = "front", "front_out", "front", "front_in"
	f.Cps = append(f.Cps, Cp("cache_in", "cache", "net", 0))
	for i := range f.Aspects {
		a := &f.Aspects[i]
		a.Steps = map[string][]int{"front": a.Steps["app"], "db": a.Steps["db"]}
	}
	f.Aspects[1].ID = "fronts"
	f.Levels = []vnfd.Level{{ID: "small", ScaleInfo: map[string]int{"grow": 0, "fronts": 0}}}
	f.Affinity[0].Vdus = []string{"front"}
	d.PackageChanges = []vnfd.PackageChange{{
		ID: "up", Qualifier: "up", Selectors: []vnfd.PackageChangeSelector{{Source: "elastic", Destination: "elastic-2", Flavour: "simple"}}, Flavour: "simple",
		Mappings: []vnfd.ComponentMapping{
			{Type: "vdu", Source: "app", Destination: "front"}, {Type: "cp", Source: "app_out", Destination: "front_out"},
			{Type: "cp", Source: "app_in", Destination: "front_in"}, {Type: "scaling_aspect", Source: "apps", Destination: "fronts"},
		},
	}}
	return d
}
