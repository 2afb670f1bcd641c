package csar_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// resources is what an instantiation comes to, as the packages' description counts it.
type resources struct {
	Computes, Ports, ExternalPorts, Networks, Subnets, Volumes, ServerGroups, ExtCps int
}

func of(f *vnfd.Flavour, counts map[string]int) resources {
	r := resources{Networks: len(f.Links), ExtCps: len(f.ExtCps)}
	for _, v := range f.Vdus {
		r.Computes += counts[v.ID]
		for _, id := range v.Storages {
			i := slices.IndexFunc(f.Storages, func(s vnfd.Storage) bool { return s.ID == id })
			if f.Storages[i].Type == "BLOCK" {
				r.Volumes += counts[v.ID]
			}
		}
	}
	for _, cp := range f.Cps {
		r.Ports += counts[cp.Vdu]
		if cp.External {
			r.ExternalPorts += counts[cp.Vdu]
		}
	}
	for _, l := range f.Links {
		r.Subnets += len(l.Subnets)
	}
	for _, rule := range f.Affinity {
		members := 0
		for _, v := range rule.Vdus {
			members += counts[v]
		}
		if members > 1 && rule.Scope == "nfvi_node" {
			r.ServerGroups++
		}
	}
	return r
}

func flavour(t *testing.T, d *vnfd.Descriptor, id string) *vnfd.Flavour {
	t.Helper()
	f, ok := d.Flavour(id)
	if !ok {
		t.Fatalf("no flavour %s", id)
	}
	return f
}

func at(t *testing.T, f *vnfd.Flavour, level string) resources {
	t.Helper()
	counts, err := f.Counts(level)
	if err != nil {
		t.Fatal(err)
	}
	return of(f, counts)
}

// scaledBy is the size after some steps of an aspect.
func scaledBy(t *testing.T, f *vnfd.Flavour, level, aspect string, steps int) resources {
	t.Helper()
	counts, err := f.Counts(level)
	if err != nil {
		t.Fatal(err)
	}
	status, err := f.ScaleStatus(level)
	if err != nil {
		t.Fatal(err)
	}
	delta, err := f.Delta(aspect, status[aspect], steps)
	if err != nil {
		t.Fatal(err)
	}
	for vdu, n := range delta {
		counts[vdu] += n
	}
	return of(f, counts)
}

func TestSamplePackage(t *testing.T) {
	t.Parallel()
	data := samples.CSAR()
	pkg, err := open(data, csar.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	standard, redundant := flavour(t, pkg.Descriptor, "standard"), flavour(t, pkg.Descriptor, "redundant")
	for name, tt := range map[string]struct{ got, want resources }{
		"default":             {at(t, standard, ""), resources{Computes: 2, Ports: 5, ExternalPorts: 3, Networks: 1, Subnets: 1, Volumes: 1}},
		"busy":                {at(t, standard, "busy"), resources{Computes: 4, Ports: 11, ExternalPorts: 7, Networks: 1, Subnets: 1, Volumes: 1}},
		"peak":                {at(t, standard, "peak"), resources{Computes: 7, Ports: 20, ExternalPorts: 13, Networks: 1, Subnets: 1, Volumes: 1}},
		"uniform steps":       {scaledBy(t, standard, "", "sessions", 2), resources{Computes: 4, Ports: 11, ExternalPorts: 7, Networks: 1, Subnets: 1, Volumes: 1}},
		"non-uniform steps":   {scaledBy(t, standard, "", "throughput", 2), resources{Computes: 5, Ports: 14, ExternalPorts: 9, Networks: 1, Subnets: 1, Volumes: 1}},
		"a step down":         {scaledBy(t, standard, "peak", "throughput", -1), resources{Computes: 5, Ports: 14, ExternalPorts: 9, Networks: 1, Subnets: 1, Volumes: 1}},
		"redundant":           {at(t, redundant, ""), resources{Computes: 3, Ports: 8, ExternalPorts: 5, Networks: 1, Subnets: 1, Volumes: 1, ServerGroups: 1}},
		"redundant two pairs": {at(t, redundant, "two_pairs"), resources{Computes: 5, Ports: 14, ExternalPorts: 9, Networks: 1, Subnets: 1, Volumes: 1, ServerGroups: 1}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestShapesOfTheField(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, name string) *csar.Package {
		t.Helper()
		data := shapes.CSAR(name)
		pkg, err := open(data, csar.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(pkg.Findings) == 0 {
			t.Error("no findings")
		}
		if _, err := open(data, csar.Options{Strict: true}); len(vnfd.Errors(err)) != len(pkg.Findings) {
			t.Errorf("strict: %d reasons for %d findings", len(vnfd.Errors(err)), len(pkg.Findings))
		}
		return pkg
	}
	t.Run(shapes.Web, func(t *testing.T) {
		t.Parallel()
		f := flavour(t, read(t, shapes.Web).Descriptor, "simple")
		small := resources{Computes: 2, Ports: 2, Networks: 1, Subnets: 1, ServerGroups: 1}
		large := resources{Computes: 4, Ports: 4, Networks: 1, Subnets: 1, ServerGroups: 1}
		if diff := cmp.Diff([]resources{small, small, large, large}, []resources{
			at(t, f, ""), at(t, f, "instantiation_level_1"), at(t, f, "instantiation_level_2"), scaledBy(t, f, "", "fronts", 2),
		}); diff != "" {
			t.Error(diff)
		}
		if !f.Affinity[0].Affinity {
			t.Error("the rule is one of anti-affinity")
		}
	})
	t.Run(shapes.Store, func(t *testing.T) {
		t.Parallel()
		pkg := read(t, shapes.Store)
		f := flavour(t, pkg.Descriptor, "simple")
		base := resources{Computes: 2, Ports: 6, ExternalPorts: 2, Networks: 2, Subnets: 2, Volumes: 1, ServerGroups: 1}
		two, most := base, base
		two.Computes, two.Ports, two.ExternalPorts = 3, 9, 3
		most.Computes, most.Ports, most.ExternalPorts = 4, 12, 4
		if diff := cmp.Diff([]resources{base, two, most}, []resources{
			at(t, f, ""), at(t, f, "instantiation_level_2"), scaledBy(t, f, "", "fronts", 2),
		}); diff != "" {
			t.Error(diff)
		}
		if f.Affinity[0].Affinity {
			t.Error("the rule is one of affinity")
		}
		if f.Vdus[1].Image != nil || f.Storages[0].Image == nil || f.Storages[0].Image.File != "" {
			t.Error("the second VDU must boot from its volume, whose image is not in the package")
		}
		for _, rule := range []string{"artifact-missing", "implausible-size", "scripts-not-run", "substitution-mapping", "vnfm-info"} {
			if !slices.Contains(found(pkg), rule) {
				t.Errorf("no finding %s", rule)
			}
		}
	})
	t.Run(shapes.Pair, func(t *testing.T) {
		t.Parallel()
		pkg := read(t, shapes.Pair)
		ha, scalable := flavour(t, pkg.Descriptor, "ha"), flavour(t, pkg.Descriptor, "scalable")
		least := resources{Computes: 2, Ports: 4, ExternalPorts: 2, Networks: 1, Subnets: 1, ServerGroups: 1}
		most := resources{Computes: 3, Ports: 6, ExternalPorts: 3, Networks: 1, Subnets: 1, ServerGroups: 1}
		if diff := cmp.Diff([]resources{
			{Computes: 2, Ports: 2, Networks: 1, Subnets: 1, ServerGroups: 1, ExtCps: 4}, least, least, most,
		}, []resources{at(t, ha, ""), at(t, scalable, ""), at(t, scalable, "r-node-min"), at(t, scalable, "r-node-max")}); diff != "" {
			t.Error(diff)
		}
		if len(ha.Levels) != 0 || scalable.DefaultLevel != "r-node-min" || !slices.Contains(found(pkg), "no-default-level") {
			t.Errorf("levels: %v, default %q", ha.Levels, scalable.DefaultLevel)
		}
	})
	for _, name := range []string{shapes.Charts, shapes.Manifests} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pkg := read(t, name)
			if n := len(flavour(t, pkg.Descriptor, "simple").Vdus); n == 0 {
				t.Error("it has no VDU")
			}
			for _, v := range flavour(t, pkg.Descriptor, "simple").Vdus {
				if !v.Container {
					t.Errorf("%s is taken for a virtual machine", v.ID)
				}
			}
			if !slices.Contains(found(pkg), "unlisted-files") {
				t.Error("no finding unlisted-files")
			}
		})
	}
}
