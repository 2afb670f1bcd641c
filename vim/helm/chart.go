package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	anychart "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// wish is a release as it is to be.
type wish struct {
	at       kube.Ref
	token    vim.Token
	owner    string
	revision int
	chart    *chart.Chart
	values   map[string]any
	unit     unit
	onlyPods bool // nothing but pods are to be others
}

// wish reads what a specification asks for. Its errors are permanent, but those of reading the package.
func (d *Driver) wish(ctx context.Context, c *cluster, op string, t vim.Token, owner string, revision int, s vim.Spec) (*wish, error) {
	bad := func(err error) error {
		return &vim.Error{Op: op, Resource: releaseName(t), Class: message.Permanent, Hint: err.Error()}
	}
	asked, _ := vim.ChartOf(s.Unit)
	w := &wish{token: t, owner: owner, revision: revision, at: kube.Ref{Kind: releaseKind, Namespace: asked.Namespace, Name: releaseName(t)}}
	switch {
	case s.Placement != nil && s.Placement.Group != "":
		w.at.Namespace = s.Placement.Group
	case asked.Namespace == "":
		w.at.Namespace = c.Namespace
	}
	if w.at.Namespace == "" {
		return nil, bad(vnfm.Errorf(vnfm.Unprocessable, "nothing says which namespace the release belongs to"))
	}
	var err error
	if w.chart, err = d.load(ctx, &asked); err != nil {
		switch vnfm.KindOf(err) {
		case vnfm.NotFound, vnfm.Unprocessable, vnfm.Invalid:
			return nil, bad(err)
		default:
			return nil, &vim.Error{Op: op, Resource: w.at.Name, Class: message.Unavailable, Hint: "the chart cannot be read from the VNF package now: " + err.Error(), Err: err}
		}
	}
	if w.values, err = valuesOf(s.Unit, asked.Workloads); err != nil {
		return nil, bad(err)
	}
	w.unit = unit{Token: t.String(), Owner: owner, Workloads: asked.Workloads, Counts: s.Unit.Counts}
	return w, nil
}

// load reads a chart from its package.
func (d *Driver) load(ctx context.Context, asked *vim.Chart) (*chart.Chart, error) {
	files, err := d.cfg.Charts(ctx, asked.Package, asked.Path, vim.MaxChart)
	if err != nil {
		return nil, err
	}
	var ch *chart.Chart
	if whole, ok := files[""]; ok {
		ch, err = loader.LoadArchive(bytes.NewReader(whole))
	} else {
		var all []*archive.BufferedFile
		for _, name := range slices.Sorted(maps.Keys(files)) {
			all = append(all, &archive.BufferedFile{Name: name, Data: files[name]})
		}
		ch, err = loader.LoadFiles(all)
	}
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "%s of the VNF package is no Helm chart", asked.Path)
	}
	if err := check(ch); err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the chart %s of the VNF package", asked.Path)
	}
	return ch, nil
}

// check refuses a chart that is not whole by itself: nothing is fetched.
func check(ch *chart.Chart) error {
	if err := ch.Validate(); err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	if ch.Metadata.Type == "library" {
		return vnfm.Errorf(vnfm.Unprocessable, "is a library, which has nothing to install")
	}
	var needed []anychart.Dependency
	for _, x := range ch.Metadata.Dependencies {
		needed = append(needed, x)
	}
	if err := action.CheckDependencies(ch, needed); err != nil {
		return vnfm.Wrap(vnfm.Unprocessable, err, "brings not all that it depends on in its charts directory")
	}
	return schemas(ch)
}

// schemas refuses a schema of values that refers to what is elsewhere: it would be fetched, or read from this machine.
func schemas(ch *chart.Chart) error {
	if len(ch.Schema) > 0 {
		var doc any
		if err := json.Unmarshal(ch.Schema, &doc); err != nil {
			return vnfm.Wrap(vnfm.Unprocessable, err, "has a values.schema.json that is no JSON")
		}
		if ref := outside(doc); ref != "" {
			return vnfm.Errorf(vnfm.Unprocessable, "has a values.schema.json that refers to %q: only what is in the schema itself is read", ref)
		}
	}
	for _, sub := range ch.Dependencies() {
		if err := schemas(sub); err != nil {
			return err
		}
	}
	return nil
}

// outside returns a reference of a JSON schema to something that is not in it.
func outside(v any) string {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			text, _ := x[k].(string)
			switch {
			case (k == "$ref" || k == "$dynamicRef" || k == "$recursiveRef") && text != "" && !strings.HasPrefix(text, "#"):
				return text
			case k == "$schema" && text != "" && !strings.Contains(text, "://json-schema.org/"):
				return text
			}
			if found := outside(x[k]); found != "" {
				return found
			}
		}
	case []any:
		for _, e := range x {
			if found := outside(e); found != "" {
				return found
			}
		}
	}
	return ""
}

// valuesOf are the values that are laid over those of the chart: what was asked for, then how many pods each VDU has.
func valuesOf(u *vim.UnitSpec, workloads []vim.Workload) (map[string]any, error) {
	var asked vim.ChartValues
	if len(u.Values) > 0 {
		if err := json.Unmarshal(u.Values, &asked); err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the values of the chart cannot be read")
		}
	}
	out := map[string]any{}
	if len(asked.Values) > 0 {
		if err := json.Unmarshal(asked.Values, &out); err != nil || out == nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the values of a chart are an object")
		}
	}
	for _, path := range slices.Sorted(maps.Keys(asked.Set)) {
		if err := strvals.ParseJSON(path+"="+string(asked.Set[path]), out); err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "%s is no path of a value, or its value is none", path)
		}
	}
	for _, x := range workloads {
		n, counted := u.Counts[x.Vdu]
		if x.Value == "" || !counted {
			continue
		}
		if err := strvals.ParseJSON(x.Value+"="+string(vim.Encode(n)), out); err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "%s is no path of a value, of the VDU %s", x.Value, x.Vdu)
		}
	}
	plain(out)
	return out, nil
}

// plain makes the whole numbers of values such: a template prints others with an exponent.
func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			x[k] = plain(e)
		}
	case []any:
		for i, e := range x {
			x[i] = plain(e)
		}
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x)
		}
	}
	return v
}

// chartDigest is of what a chart renders by that Helm keeps as it is.
func chartDigest(ch *chart.Chart) string {
	all := []string{ch.Metadata.Name, ch.Metadata.Version}
	for _, t := range ch.Templates {
		all = append(all, t.Name, string(t.Data))
	}
	return kube.Short(string(vim.Encode(all)), 40)
}

// valuesDigest is of values; no values are the same as an empty object of them, which is what Helm reads as the former.
func valuesDigest(values map[string]any) string {
	if values == nil {
		values = map[string]any{}
	}
	return kube.Short(string(vim.Encode(values)), 40)
}
