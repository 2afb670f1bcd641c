package csar_test

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// exceeding has for every limit of vnfd.Limits a package that keeps a low value of it, and one that does not.
func exceeding(t *testing.T) map[string]struct {
	limits     vnfd.Limits
	keeps, not []byte
} {
	t.Helper()
	type limit = struct {
		limits     vnfd.Limits
		keeps, not []byte
	}
	many := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	nodes := func(n int, body string) files {
		return small.with(main, template(many(n, func(i int) string { return fmt.Sprintf("    N%d: %s\n", i, body) })))
	}
	policies := func(text string) files {
		return small.with(main, template(vdu("A", image("size: 1 GiB"))+"  policies:\n"+text))
	}
	files2 := func(name string) files { return small.with(name, "x") }
	data := func(n int) files {
		return small.with(main, template("")+"data_types:\n  x.T0: { derived_from: tosca.datatypes.Root }\n"+
			many(n, func(i int) string { return fmt.Sprintf("  x.T%d: { derived_from: x.T%d }\n", i+1, i) }))
	}
	declared := func(n int) files {
		return small.replace("        flavour_id: simple\n", "        flavour_id: simple\n        configurable_properties: { "+strings.TrimSuffix(many(n, func(i int) string { return fmt.Sprintf("p%d: 1, ", i) }), ", ")+" }\n")
	}
	groups := func(n int) files {
		return small.with(main, template(vdu("A", image("size: 1 GiB"))+"  groups:\n"+
			many(n, func(i int) string {
				return fmt.Sprintf("    g%d: { type: tosca.groups.nfv.PlacementGroup, members: [ g%d ] }\n", i, i+1)
			})+fmt.Sprintf("    g%d: { type: tosca.groups.nfv.PlacementGroup, members: [ A ] }\n", n)+
			"  policies:\n    - r: { type: tosca.policies.nfv.AffinityRule, properties: { scope: zone }, targets: [ g0 ] }\n"))
	}
	aspects := func(n, level int, deltas string) string {
		return "    - s: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { " +
			many(n, func(i int) string { return fmt.Sprintf("a%d: { max_scale_level: %d%s }, ", i, level, deltas) }) + "} } }\n"
	}
	deltas := func(n int) string {
		return aspects(1, 1, "") + "    - d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: a0, deltas: { " +
			many(n, func(i int) string { return fmt.Sprintf("d%d: { number_of_instances: 1 }, ", i) }) + "} }, targets: [ A ] }\n"
	}
	levels := func(n int) string {
		return "    - l: { type: tosca.policies.nfv.InstantiationLevels, properties: { default_level: l0, levels: { " +
			many(n, func(i int) string { return fmt.Sprintf("l%d: {}, ", i) }) + "} } }\n"
	}
	flavours := func(n int) files {
		f := small.with("Definitions/types.yaml", head+"imports: [ etsi_nfv_sol001_vnfd_types.yaml ]\nnode_types:\n  x.Vnf: { derived_from: tosca.nodes.nfv.VNF }\n")
		imports := "imports: [ types.yaml, "
		for i := range n {
			f = f.with(fmt.Sprintf("Definitions/f%d.yaml", i), head+"imports: [ types.yaml ]\ntopology_template:\n  substitution_mappings: { node_type: x.Vnf, properties: { flavour_id: f"+fmt.Sprint(i)+" } }\n")
			imports += fmt.Sprintf("f%d.yaml, ", i)
		}
		return f.replace("imports: [ etsi_nfv_sol001_vnfd_types.yaml", strings.TrimSuffix(imports, ", "))
	}
	scripts := func(n int) files {
		return small.replace("        flavour_description: Simple.\n", "        flavour_description: Simple.\n      interfaces:\n        Vnflcm:\n"+
			many(n, func(i int) string { return fmt.Sprintf("          op%d: run\n", i) }))
	}
	monitoring := func(n int) files {
		return small.replace("        flavour_id: simple\n", "        flavour_id: simple\n        monitoring_parameters: { "+many(n, func(i int) string { return fmt.Sprintf("m%d: { name: m, performance_metric: x }, ", i) })+"}\n")
	}
	addresses := func(n int) files {
		return small.with(main, template(vdu("A", image("size: 1 GiB"))+"    C: { type: tosca.nodes.nfv.VduCp, properties: { protocol: [ { address_data: [ { l3_address_data: { fixed_ip_address: [ "+
			many(n, func(i int) string { return fmt.Sprintf("10.0.0.%d, ", i+1) })+" ] } } ] } ] }, requirements: [ { virtual_binding: A } ] }\n"))
	}
	secured := func(n int) files {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("properties: { port_range_min: %d }, targets: [ a ]", i+10))
		}
		return small.with(main, template(points()+securityRules(all...)))
	}
	variables := func(n int) files {
		return small.with(main, template(vdu("A", image("size: 1 GiB")+"        boot_data: '"+many(n, func(i int) string { return fmt.Sprintf("${v%d} ", i) })+"'\n")))
	}
	coordinations := func(n int) string {
		return "    - c: { type: tosca.policies.nfv.LcmCoordinationsForLcmOperation, properties: { vnf_lcm_operation: heal, referenced_coordination_actions: [ " +
			many(n, func(i int) string { return fmt.Sprintf("a%d, ", i) }) + "] } }\n"
	}
	imports := func(n int) files {
		f := small.replace("imports: [ ", "imports: [ i0.yaml, ")
		for i := range n {
			text := head
			if i < n-1 {
				text += fmt.Sprintf("imports: [ i%d.yaml ]\n", i+1)
			}
			f = f.with(fmt.Sprintf("Definitions/i%d.yaml", i), text)
		}
		return f
	}
	signatures := func(n int) files {
		f := small
		for i := range n {
			f = f.with(fmt.Sprintf("f%d", i), "x", fmt.Sprintf("f%d.cms", i), "x")
		}
		return f
	}
	findings := func(n int) files {
		return small.with(meta, small[meta]+many(n, func(i int) string { return "" }), "main.mf", many(n, func(i int) string { return fmt.Sprintf("Source: gone%d\n", i) }))
	}
	zeros := strings.Repeat("\x00", 1<<20)
	z := func(f files) []byte { return f.zip(t) }
	return map[string]limit{
		"Files":           {vnfd.Limits{Files: 3}, z(small.with("a", "x")), z(small.with("a", "x", "b", "x"))},
		"NameBytes":       {vnfd.Limits{NameBytes: 31}, z(files2(strings.Repeat("n", 31))), z(files2(strings.Repeat("n", 32)))},
		"NameDepth":       {vnfd.Limits{NameDepth: 3}, z(files2("a/b/c/d")), z(files2("a/b/c/d/e"))},
		"TotalBytes":      {vnfd.Limits{TotalBytes: 1<<20 + 4096}, z(small.with("a", zeros)), z(small.with("a", zeros, "b", zeros))},
		"Ratio":           {vnfd.Limits{Ratio: 100}, z(small.with("a", strings.Repeat(zeros, 15))), z(small.with("a", strings.Repeat(zeros, 17)))},
		"NestedBytes":     {vnfd.Limits{NestedBytes: int64(len(small.zip(t)))}, z(files{"a.csar": string(small.zip(t))}), z(files{"a.csar": string(small.with("x", zeros[:1<<16]+"y").zip(t))})},
		"Listed":          {vnfd.Limits{Listed: 2}, z(small.with("main.mf", "Source: a\nSource: b\n", "a", "", "b", "x", "a", "x")), z(small.with("a", "x", "main.mf", "Source: a\nSource: a\nSource: a\n"))},
		"Signatures":      {vnfd.Limits{Signatures: 2}, z(signatures(2)), z(signatures(3))},
		"SignatureBytes":  {vnfd.Limits{SignatureBytes: 10}, z(small.with("a", "x", "a.cms", "0123456789")), z(small.with("a", "x", "a.cms", "0123456789a"))},
		"DefinitionBytes": {vnfd.Limits{DefinitionBytes: 2000}, z(small), z(small.with(main, template("")+"# "+strings.Repeat("x", 2000)+"\n"))},
		"BootBytes":       {vnfd.Limits{BootBytes: 10}, z(small.with(main, template(vdu("A", image("size: 1 GiB")+"        boot_data: '0123456789'\n")))), z(small.with(main, template(vdu("A", image("size: 1 GiB")+"        boot_data: '0123456789a'\n"))))},
		"Definitions":     {vnfd.Limits{Definitions: 3}, z(imports(2)), z(imports(3))},
		"Values":          {vnfd.Limits{Values: 200}, z(small), z(small.with(main, template("")+"metadata: [ "+strings.Repeat("a, ", 200)+"]\n"))},
		"Depth":           {vnfd.Limits{Depth: 12}, z(small.with(main, template("")+"metadata: "+strings.Repeat("[", 11)+strings.Repeat("]", 11)+"\n")), z(small.with(main, template("")+"metadata: "+strings.Repeat("[", 13)+strings.Repeat("]", 13)+"\n"))},
		"TypeChain":       {vnfd.Limits{TypeChain: 6}, z(data(4)), z(data(7))},
		"Identifier":      {vnfd.Limits{Identifier: 40}, z(nodes(1, "{ type: tosca.nodes.Root }")), z(small.with(main, template("    "+strings.Repeat("n", 41)+": { type: tosca.nodes.Root }\n")))},
		"Managers":        {vnfd.Limits{Managers: 2}, z(small.replace("'etsivnfm:v3.7.1'", "'0:a', '0:b'")), z(small.replace("'etsivnfm:v3.7.1'", "'0:a', '0:b', '0:c'"))},
		"Flavours":        {vnfd.Limits{Flavours: 2}, z(flavours(2)), z(flavours(3))},
		"NodeTemplates":   {vnfd.Limits{NodeTemplates: 3}, z(nodes(2, "{ type: tosca.nodes.Root }")), z(nodes(3, "{ type: tosca.nodes.Root }"))},
		"Vdus":            {vnfd.Limits{Vdus: 2}, z(nodes(2, "{ type: tosca.nodes.nfv.Vdu.OsContainerDeployableUnit }")), z(nodes(3, "{ type: tosca.nodes.nfv.Vdu.OsContainerDeployableUnit }"))},
		"Policies":        {vnfd.Limits{Policies: 1}, z(policies("    - p: { type: tosca.policies.Root }\n")), z(policies("    - p: { type: tosca.policies.Root }\n    - q: { type: tosca.policies.Root }\n"))},
		"GroupDepth":      {vnfd.Limits{GroupDepth: 3}, z(groups(2)), z(groups(3))},
		"Aspects":         {vnfd.Limits{Aspects: 2}, z(policies(aspects(2, 1, ""))), z(policies(aspects(3, 1, "")))},
		"Steps":           {vnfd.Limits{Steps: 5}, z(policies(aspects(1, 5, ""))), z(policies(aspects(1, 6, "")))},
		"Deltas":          {vnfd.Limits{Deltas: 2}, z(policies(deltas(2))), z(policies(deltas(3)))},
		"Levels":          {vnfd.Limits{Levels: 2}, z(policies(levels(2))), z(policies(levels(3)))},
		"Images":          {vnfd.Limits{Images: 1}, z(small.with(main, template(vdu("A", image("size: 1 GiB"))))), z(small.with(main, template(vdu("A", image("size: 1 GiB"))+vdu("B", image("size: 1 GiB")))))},
		"Coordinations":   {vnfd.Limits{Coordinations: 2}, z(policies(coordinations(2))), z(policies(coordinations(3)))},
		"Scripts":         {vnfd.Limits{Scripts: 2}, z(scripts(2)), z(scripts(3))},
		"Monitoring":      {vnfd.Limits{Monitoring: 2}, z(monitoring(2)), z(monitoring(3))},
		"Addresses":       {vnfd.Limits{Addresses: 2}, z(addresses(2)), z(addresses(3))},
		"SecurityRules":   {vnfd.Limits{SecurityRules: 2}, z(secured(2)), z(secured(3))},
		"Properties":      {vnfd.Limits{Properties: 3}, z(declared(1)), z(declared(4))},
		"Variables":       {vnfd.Limits{Variables: 2}, z(variables(2)), z(variables(3))},
		"Findings":        {vnfd.Limits{Findings: 2}, z(small), z(findings(5))},
	}
}

// Every limit is met, at exactly its value, and the reason names the setting. A limit without a case here fails the test.
func TestEveryLimit(t *testing.T) {
	t.Parallel()
	cases := exceeding(t)
	kind := reflect.TypeFor[vnfd.Limits]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		tt, ok := cases[name]
		if !ok {
			t.Errorf("the limit %s has no package that exceeds it", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := csar.Options{Limits: tt.limits, Signatures: csar.Signatures{Mode: csar.Report}}
			if _, err := open(tt.keeps, o); err != nil {
				t.Errorf("what keeps it is rejected: %v", err)
			}
			_, err := open(tt.not, o)
			if name == "Findings" { // it rejects nothing, and bounds what is said
				if n := len(vnfd.Errors(err)); n != 2 {
					t.Errorf("%d reasons", n)
				}
				return
			}
			setting := "package-max-" + kebab(name)
			var limits []string
			for _, e := range vnfd.Errors(err) {
				limits = append(limits, e.Limit)
				if e.Limit == setting && !strings.Contains(e.Text, setting) {
					t.Errorf("the text does not name %s: %s", setting, e.Text)
				}
			}
			if len(limits) == 0 || limits[0] != setting {
				t.Errorf("%v, want %s: %v", limits, setting, err)
			}
		})
	}
}

func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// A number in a descriptor is not a promise to do it: what no VNF may have is refused at onboarding, wherever it stands.
func TestVnfcsOfAVnf(t *testing.T) {
	t.Parallel()
	with := func(policies string) files {
		return small.with(main, template(vdu("A", image("size: 1 GiB"))+vdu("B", image("size: 1 GiB"))+"  policies:\n"+policies)).
			replace("max_number_of_instances: 3", "max_number_of_instances: 2000000000")
	}
	const level = "    - l: { type: tosca.policies.nfv.InstantiationLevels, properties: { levels: { big: {} } } }\n"
	for name, tt := range map[string]struct {
		pkg      files
		max      int
		rejected bool
	}{
		"initial delta":       {with("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 1000000000 } }, targets: [ A ] }\n"), 0, true},
		"level":               {with(level + "    - v: { type: tosca.policies.nfv.VduInstantiationLevels, properties: { levels: { big: { number_of_instances: 1000000000 } } }, targets: [ A ] }\n"), 0, true},
		"delta":               {with("    - s: { type: tosca.policies.nfv.ScalingAspects, properties: { aspects: { a: { max_scale_level: 1 } } } }\n    - d: { type: tosca.policies.nfv.VduScalingAspectDeltas, properties: { aspect: a, deltas: { d: { number_of_instances: 1000000000 } } }, targets: [ A ] }\n"), 0, true},
		"profile":             {small.with(main, template(vdu("A", image("size: 1 GiB")))).replace("min_number_of_instances: 1, max_number_of_instances: 3", "min_number_of_instances: 1000000000, max_number_of_instances: 1000000000"), 0, true},
		"more than an int":    {small.with(main, template(vdu("A", image("size: 1 GiB")))).replace("min_number_of_instances: 1, max_number_of_instances: 3", "min_number_of_instances: 9223372036854775807, max_number_of_instances: 1"), 0, true},
		"each, but not all":   {with("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 2001 } }, targets: [ A, B ] }\n"), 0, true},
		"exactly as many":     {with("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 2000 } }, targets: [ A, B ] }\n"), 0, false},
		"only at most":        {with("    - p: { type: tosca.policies.Root }\n"), 0, false},
		"by the setting":      {with("    - p: { type: tosca.policies.Root }\n"), 1, true},
		"with a higher limit": {with("    - i: { type: tosca.policies.nfv.VduInitialDelta, properties: { initial_delta: { number_of_instances: 2001 } }, targets: [ A, B ] }\n"), 5000, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(tt.pkg.zip(t), csar.Options{MaxVnfcs: tt.max})
			es := vnfd.Errors(err)
			if rejected := len(es) > 0; rejected != tt.rejected {
				t.Fatalf("rejected: %v: %v", rejected, err)
			}
			if name != "more than an int" && tt.rejected && (es[0].Limit != vnfd.LimitVnfcs || !strings.Contains(es[0].Text, vnfd.LimitVnfcs)) {
				t.Errorf("%+v", es[0])
			}
		})
	}
}

// hostile packages are small, and cost much when their bounds are met too late.
func hostile(t testing.TB) map[string][]byte {
	t.Helper()
	long := strings.Repeat("a/", 20_000) + "x"
	var once strings.Builder
	for range 70_000 {
		once.WriteString("Name: big\nAlgorithm: SHA-512\nHash: 00\n\n")
	}
	var flavoured strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&flavoured, "  x.T%d: { derived_from: x.V }\n", i)
	}
	big := head + "imports: [ etsi_nfv_sol001_vnfd_types.yaml ]\nnode_types:\n  x.V: { derived_from: tosca.nodes.nfv.VNF }\n" + flavoured.String()
	types := small.with("Definitions/big.yaml", big)
	imports := "imports: [ big.yaml"
	for i := range 50 {
		types = types.with(fmt.Sprintf("Definitions/f%d.yaml", i), head+"imports: [ big.yaml ]\ntopology_template:\n  substitution_mappings: { node_type: x.V, properties: { flavour_id: f"+fmt.Sprint(i)+" } }\n")
		imports += fmt.Sprintf(", f%d.yaml", i)
	}
	return map[string][]byte{
		"a long list":                small.with(main, template("")+"metadata: ["+strings.Repeat("a,", 1_900_000)+"a]\n").zip(t),
		"a long list of lists":       small.with(main, template("")+"metadata: ["+strings.Repeat("[],", 1_300_000)+"a]\n").zip(t),
		"a long block":               small.with(main, template("")+"metadata:\n"+strings.Repeat("- a\n", 950_000)).zip(t),
		"a long name":                small.with(long, "x").zip(t),
		"long names":                 small.with("b/"+long, "x", "c/"+long, "x", "d/"+long, "x", "e/"+long, "x").zip(t),
		"a file listed often":        small.with("main.mf", "metadata:\n"+strings.Repeat("Source: x\n", 400_000)).zip(t),
		"a file hashed often":        small.with(meta, small[meta]+"\n"+once.String(), "big", strings.Repeat("0123456789abcdef", 1<<16)).zip(t),
		"many types in each flavour": types.replace("imports: [ etsi_nfv_sol001_vnfd_types.yaml", imports).zip(t),
	}
}

// Bounds are met while reading: a package of some kilobytes costs some megabytes, in parts of a second.
func TestHostilePackagesAreCheap(t *testing.T) {
	for name, data := range hostile(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		_, err := open(data, csar.Options{})
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		if len(vnfd.Errors(err)) == 0 {
			t.Errorf("%s is accepted: %v", name, err)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 150 || took > 20*time.Second {
			t.Errorf("%s: %d bytes cost %d MB and %v", name, len(data), mb, took)
		}
	}
}

// The directory of an archive is read no further than the entries that it may have can need: who claims millions costs nothing. Seen
// failing with a directory of any size read before its entries are counted.
func TestTheDirectoryIsBounded(t *testing.T) {
	f := files{}
	for i := range 30_000 {
		f[fmt.Sprintf("%060d", i)] = ""
	}
	limits := vnfd.Limits{Files: 10}
	_, err := open(f.zip(t), csar.Options{Limits: limits})
	if es := vnfd.Errors(err); len(es) != 1 || es[0].Rule != "zip-bomb" || !strings.Contains(err.Error(), "directory is larger") {
		t.Errorf("%v", err)
	}
}

// Reading ends when it is told to, at the latest with the next part of a file.
func TestReadingStops(t *testing.T) {
	t.Parallel()
	slow := &vnfd.Error{Rule: "too-slow", Text: "too slow", Limit: "package-timeout"}
	data := small.with("a", strings.Repeat("0123456789abcdef", 1<<16)).zip(t)
	for n := 1; ; n++ {
		asked := 0
		_, err := open(data, csar.Options{Stop: func() error {
			if asked++; asked == n {
				return slow
			}
			return nil
		}})
		if asked < n { // it was not asked that often: read to the end
			if n < 10 || err != nil {
				t.Errorf("asked %d times: %v", asked, err)
			}
			return
		}
		if es := vnfd.Errors(err); len(es) != 1 || es[0] != slow {
			t.Fatalf("stopped when asked for the %d. time: %v", n, err)
		}
	}
}
