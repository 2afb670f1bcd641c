// Package charts says which Helm charts a VNF of containers is made of: those of its descriptor, and those that an instantiation names. A chart
// comes with the VNF package, and with nothing else.
//
// It knows the parameters that are in use in the field, and no chart from the inside: a driver does.
package charts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// The members of additionalParams that are about charts. They are the VNFM's own; the schema of the VNFD does not have to know them. Where
// a request says nothing, the defaults in that schema are taken.
const (
	paramPath      = "helm_chart_path"          // of an archive, or of a directory
	paramValues    = "helm_values"              // an object of values
	paramSet       = "helm_parameters"          // values by the path of each
	paramNames     = "helm_value_names"         // by VDU: {"replica": path of the value that counts its pods}
	paramByAspect  = "helm_replica_values"      // by aspect: that path
	paramWorkloads = "vdu_mapping"              // by VDU: {"kind", "name", "helmreleasename"} of its workload
	paramInstall   = "using_helm_install_param" // several charts, as older packages name them
)

// Params are the names of those members.
func Params() []string {
	return []string{paramPath, paramValues, paramSet, paramNames, paramByAspect, paramWorkloads, paramInstall}
}

// Fitting returns parameters that an operation before gave, without what they say of VDUs and aspects that a flavour does not have: that is of another
// flavour.
func Fitting(params json.RawMessage, f *vnfd.Flavour) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(params, &all) != nil {
		return params
	}
	vdu := func(id string) bool { return slices.ContainsFunc(f.Vdus, func(v vnfd.Vdu) bool { return v.ID == id }) }
	aspect := func(id string) bool {
		return slices.ContainsFunc(f.Aspects, func(a vnfd.Aspect) bool { return a.ID == id })
	}
	for name, has := range map[string]func(string) bool{paramWorkloads: vdu, paramNames: vdu, paramByAspect: aspect} {
		var by map[string]json.RawMessage
		if len(all[name]) == 0 || json.Unmarshal(all[name], &by) != nil || by == nil {
			continue
		}
		maps.DeleteFunc(by, func(id string, _ json.RawMessage) bool { return !has(id) })
		all[name] = vim.Encode(by)
	}
	return vim.Encode(all)
}

// Tree reads the files of a package, as lcm.Packages does.
type Tree func(ctx context.Context, path string) (map[string][]byte, error)

// asked are those members of a request.
type asked struct {
	Path      string                     `json:"helm_chart_path"`
	Values    json.RawMessage            `json:"helm_values"`
	Set       map[string]json.RawMessage `json:"helm_parameters"`
	Names     map[string]valueName       `json:"helm_value_names"`
	ByAspect  map[string]string          `json:"helm_replica_values"`
	Workloads map[string]workload        `json:"vdu_mapping"`
	Install   []install                  `json:"using_helm_install_param"`
}

type valueName struct {
	Replica string `json:"replica"`
}

type workload struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Release string `json:"helmreleasename"`
}

type install struct {
	External  json.RawMessage `json:"exthelmchart"` // "true" or true: from a repository, which is refused
	Path      string          `json:"helmchartfile_path"`
	Release   string          `json:"helmreleasename"`
	Parameter []string        `json:"helmparameter"`
}

// one is a chart that is asked for.
type one struct {
	name, path, at string
	vdus           []string // whose pods it makes; nil: of all that no other one makes
	order          int
	set            map[string]json.RawMessage
}

// Releases returns the releases that a flavour and a request ask for, without their values; none when they ask for none, and what in the
// request names them. Returns Unprocessable for what does not fit.
func Releases(ctx context.Context, packageID string, f *vnfd.Flavour, params, schema json.RawMessage, tree Tree) (_ []plan.ChartRelease, at string, _ error) {
	a, err := read(params, schema)
	if err != nil {
		return nil, "", err
	}
	all, at, err := a.charts(f)
	if err != nil || len(all) == 0 {
		return nil, "", err
	}
	taken := map[string]bool{}
	for _, c := range all {
		for _, vdu := range c.vdus {
			taken[vdu] = true
		}
	}
	var out []plan.ChartRelease
	for i := range all {
		c := &all[i]
		if c.vdus == nil && !slices.ContainsFunc(all[:i], func(o one) bool { return o.vdus == nil }) { // the first that says nothing has the others
			for j := range f.Vdus {
				if v := &f.Vdus[j]; v.Container && !taken[v.ID] {
					c.vdus = append(c.vdus, v.ID)
				}
			}
		}
		r, err := a.release(ctx, packageID, f, c, tree)
		if err != nil {
			return nil, "", err
		}
		out = append(out, r)
	}
	return out, at, nil
}

// read reads what a request says, and the defaults of what it does not say.
func read(params, schema json.RawMessage) (*asked, error) {
	var all map[string]json.RawMessage
	if len(params) > 0 && json.Unmarshal(params, &all) != nil {
		return &asked{}, nil //nolint:nilerr // what is no object is refused with the other parameters
	}
	var s struct {
		Properties map[string]struct {
			Default json.RawMessage `json:"default"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(schema, &s) // it was checked with the descriptor
	a := &asked{}
	for name, into := range map[string]any{
		paramPath: &a.Path, paramValues: &a.Values, paramSet: &a.Set, paramNames: &a.Names, paramByAspect: &a.ByAspect, paramWorkloads: &a.Workloads,
		paramInstall: &a.Install,
	} {
		raw := all[name]
		if len(raw) == 0 {
			raw = s.Properties[name].Default
		}
		if len(raw) == 0 {
			continue
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "%s cannot be read: %s", name, shapes[name]).At(pointer(name))
		}
	}
	if len(a.Values) > 0 {
		if v := (map[string]json.RawMessage{}); json.Unmarshal(a.Values, &v) != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "%s cannot be read: %s", paramValues, shapes[paramValues]).At(pointer(paramValues))
		}
	}
	return a, nil
}

// shapes say what each member is.
var shapes = map[string]string{ //nolint:gochecknoglobals // data
	paramPath: "it is the path of a chart in the VNF package", paramValues: "it is an object of values of the chart", paramSet: "it is an object of values by their paths",
	paramNames: `it is an object with {"replica": path of a value} for each VDU`, paramByAspect: "it is an object with the path of a value for each aspect",
	paramWorkloads: `it is an object with {"kind", "name"} for each VDU`, paramInstall: "it is a list of charts, each with its helmchartfile_path",
}

func pointer(name string) string { return "/additionalParams/" + name }

// charts are those that a request names, else the descriptor's.
func (a *asked) charts(f *vnfd.Flavour) (_ []one, at string, _ error) {
	switch {
	case a.Path != "":
		return []one{{name: "chart", path: a.Path, at: pointer(paramPath), set: a.Set}}, pointer(paramPath), nil
	case len(a.Install) > 0:
		return a.installs()
	}
	orders, err := orders(f.Mciops)
	if err != nil {
		return nil, "", err
	}
	var out []one
	for i := range f.Mciops {
		m := &f.Mciops[i]
		if m.Chart == "" {
			continue
		}
		vdus := m.Vdus
		if vdus == nil {
			vdus = []string{}
		}
		out = append(out, one{name: m.ID, path: m.Chart, at: "/additionalParams", vdus: vdus, order: orders[m.ID], set: a.Set})
	}
	return out, "/additionalParams", nil
}

// installs are the charts as older packages name them.
func (a *asked) installs() (_ []one, at string, _ error) {
	var out []one
	for i, x := range a.Install {
		at := pointer(paramInstall) + "/" + strconv.Itoa(i)
		if text := strings.ToLower(strings.Trim(string(x.External), `"`)); text == "true" {
			return nil, "", vnfm.Errorf(vnfm.Unprocessable, "charts come with the VNF package, and are not fetched from a repository").At(at + "/exthelmchart")
		}
		c := one{name: x.Release, path: x.Path, at: at + "/helmchartfile_path", set: maps.Clone(a.Set)}
		if c.name == "" {
			c.name = "chart"
			if i > 0 {
				c.name += "-" + strconv.Itoa(i+1)
			}
		}
		if x.Path == "" {
			return nil, "", vnfm.Errorf(vnfm.Unprocessable, "helmchartfile_path is the path of a chart in the VNF package").At(c.at)
		}
		if slices.ContainsFunc(out, func(o one) bool { return o.name == c.name }) {
			return nil, "", vnfm.Errorf(vnfm.Unprocessable, "two charts are called %s", c.name).At(at + "/helmreleasename")
		}
		for j, p := range x.Parameter {
			k, v, ok := strings.Cut(p, "=")
			if !ok || k == "" {
				return nil, "", vnfm.Errorf(vnfm.Unprocessable, "a helmparameter is a path, = and a value").At(at + "/helmparameter/" + strconv.Itoa(j))
			}
			if c.set == nil {
				c.set = map[string]json.RawMessage{}
			}
			c.set[k] = vim.Encode(v)
		}
		for vdu, w := range a.Workloads {
			if w.Release != "" && w.Release == x.Release {
				c.vdus = append(c.vdus, vdu)
			}
		}
		slices.Sort(c.vdus)
		out = append(out, c)
	}
	return out, pointer(paramInstall), nil
}

// orders are how deep each Mciop is in the dependencies of the others.
func orders(all []vnfd.Mciop) (map[string]int, error) {
	out := map[string]int{}
	for range all {
		for _, m := range all {
			for _, before := range m.After {
				if n := out[before] + 1; n > out[m.ID] {
					if out[m.ID] = n; n > len(all) {
						return nil, vnfm.Errorf(vnfm.Unprocessable, "the Mciop %s depends on itself", m.ID)
					}
				}
			}
		}
	}
	for _, m := range all {
		for _, before := range m.After {
			if out[m.ID] <= out[before] {
				return nil, vnfm.Errorf(vnfm.Unprocessable, "the Mciop %s depends on itself", m.ID)
			}
		}
	}
	return out, nil
}

// release reads a chart, and says whose pods it makes.
func (a *asked) release(ctx context.Context, packageID string, f *vnfd.Flavour, c *one, tree Tree) (plan.ChartRelease, error) {
	if strings.Contains(c.path, "://") {
		return plan.ChartRelease{}, vnfm.Errorf(vnfm.Unprocessable, "charts come with the VNF package, and are not fetched from a URL").At(c.at)
	}
	files, err := tree(ctx, c.path)
	if vnfm.KindOf(err) == vnfm.NotFound {
		return plan.ChartRelease{}, vnfm.Errorf(vnfm.Unprocessable, "the VNF package has no chart %s", c.path).At(c.at)
	}
	if err != nil {
		return plan.ChartRelease{}, err
	}
	r := plan.ChartRelease{Name: c.name, Chart: vim.Chart{Kind: vim.KindRelease, Package: packageID, Path: c.path, Digest: digest(files), Order: c.order}}
	for _, id := range c.vdus {
		i := slices.IndexFunc(f.Vdus, func(v vnfd.Vdu) bool { return v.ID == id })
		if i < 0 {
			return plan.ChartRelease{}, vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no VDU %s", id).At(pointer(paramWorkloads))
		}
		w, err := a.workload(f, &f.Vdus[i])
		if err != nil {
			return plan.ChartRelease{}, err
		}
		r.Chart.Workloads = append(r.Chart.Workloads, w)
	}
	return r, nil
}

// Fill gives releases the values that a request has for them, as it is kept: what is secret among them is sealed.
func Fill(releases []plan.ChartRelease, f *vnfd.Flavour, params, schema json.RawMessage) error {
	a, err := read(params, schema)
	if err != nil {
		return err
	}
	all, _, err := a.charts(f)
	if err != nil {
		return err
	}
	for i := range releases {
		at := slices.IndexFunc(all, func(c one) bool { return c.name == releases[i].Name })
		if at < 0 {
			continue
		}
		values := vim.ChartValues{Values: a.Values, Set: map[string]json.RawMessage{}}
		for path, v := range all[at].set {
			values.Set[path] = typed(v)
		}
		if len(values.Values) > 0 || len(values.Set) > 0 {
			releases[i].Values = vim.Encode(values)
		}
	}
	return nil
}

// workload is the workload of a VDU.
func (a *asked) workload(f *vnfd.Flavour, v *vnfd.Vdu) (vim.Workload, error) {
	w := vim.Workload{Vdu: v.ID, Value: a.Names[v.ID].Replica}
	if m := v.Mcio; m != nil {
		w.Kind, w.Names = m.Kind, []string{m.Name}
	}
	if m, ok := a.Workloads[v.ID]; ok && m.Name != "" {
		w.Kind, w.Names = m.Kind, []string{m.Name}
	}
	for _, name := range []string{v.Name, v.ID} {
		if name != "" && !slices.Contains(w.Names, name) {
			w.Names = append(w.Names, name)
		}
	}
	for _, aspect := range slices.Sorted(maps.Keys(a.ByAspect)) {
		i := slices.IndexFunc(f.Aspects, func(x vnfd.Aspect) bool { return x.ID == aspect })
		if i < 0 {
			return w, vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no aspect %s", aspect).At(pointer(paramByAspect) + vnfm.Step(aspect))
		}
		if _, counts := f.Aspects[i].Steps[v.ID]; counts && w.Value == "" {
			w.Value = a.ByAspect[aspect]
		}
	}
	return w, nil
}

// typed makes a text the number or the truth that it says, as "helm install --set" does.
func typed(v json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(v, &text) != nil {
		return v
	}
	switch text {
	case "true", "false", "null":
		return json.RawMessage(text)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return json.RawMessage(text)
	}
	return v
}

// digest is of the files of a chart.
func digest(files map[string][]byte) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, name, string(files[name]))
	}
	sum := sha256.Sum256(vim.Encode(parts))
	return hex.EncodeToString(sum[:])
}
