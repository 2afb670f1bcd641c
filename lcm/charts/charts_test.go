package charts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/charts"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

func tree(_ context.Context, path string) (map[string][]byte, error) {
	if !strings.HasPrefix(path, "Files/") {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no %s", path)
	}
	return map[string][]byte{"": []byte(path)}, nil
}

// flavour has two VDUs of containers and one of a machine.
func flavour(mciops ...vnfd.Mciop) *vnfd.Flavour {
	return &vnfd.Flavour{
		Mciops: mciops,
		Vdus: []vnfd.Vdu{
			{ID: "VDU1", Name: "front", Container: true}, {ID: "VDU2", Name: "back", Container: true, Mcio: &vnfd.Mcio{Name: "store", Kind: "StatefulSet"}}, {ID: "VDU3"},
		},
		Aspects: []vnfd.Aspect{{ID: "fronts", Steps: map[string][]int{"VDU1": {1}}}},
	}
}

// short says of releases what tests look at.
func short(all []plan.ChartRelease) []string {
	var out []string
	for _, r := range all {
		text := fmt.Sprintf("%s %s %d", r.Name, r.Chart.Path, r.Chart.Order)
		for _, w := range r.Chart.Workloads {
			text += fmt.Sprintf(" %s=%s%v:%s", w.Vdu, w.Kind, w.Names, w.Value)
		}
		out = append(out, text+" "+string(r.Values))
	}
	return out
}

// The parameters of the field, and the charts of the descriptor, each by what a chart is to be made of.
func TestReleases(t *testing.T) {
	ordered := flavour(
		vnfd.Mciop{ID: "app", Chart: "Files/app.tgz", Vdus: []string{"VDU1"}, After: []string{"store", "base"}},
		vnfd.Mciop{ID: "store", Chart: "Files/store.tgz", Vdus: []string{"VDU2"}, After: []string{"base"}},
		vnfd.Mciop{ID: "base", Chart: "Files/base.tgz"}, vnfd.Mciop{ID: "none"},
	)
	back := "VDU2=StatefulSet[store back VDU2]:"
	for name, x := range map[string]struct {
		f      *vnfd.Flavour
		params string
		schema string
		want   []string
		at     string
	}{
		"nothing": {f: flavour(), params: `{"a":1}`},
		"a path": {
			f: flavour(), at: "/additionalParams/helm_chart_path",
			params: `{"helm_chart_path":"Files/c.tgz","helm_parameters":{"service.port":8081,"on":"true","n":"12","v":"1.10"},"helm_value_names":{"VDU1":{"replica":"front.n"}}}`,
			want:   []string{`chart Files/c.tgz 0 VDU1=[front VDU1]:front.n ` + back + ` {"set":{"n":12,"on":true,"service.port":8081,"v":"1.10"}}`},
		},
		"by aspect, and mapped": {
			f: flavour(), at: "/additionalParams/helm_chart_path",
			params: `{"helm_chart_path":"Files/c.tgz","helm_replica_values":{"fronts":"n"},"vdu_mapping":{"VDU1":{"kind":"Deployment","name":"f"}},"helm_values":{"a":{"b":1}}}`,
			want:   []string{`chart Files/c.tgz 0 VDU1=Deployment[f front VDU1]:n ` + back + ` {"values":{"a":{"b":1}}}`},
		},
		"older": {
			f: flavour(), at: "/additionalParams/using_helm_install_param",
			params: `{"use_helm":"true","using_helm_install_param":[
				{"exthelmchart":"false","helmchartfile_path":"Files/a.tgz","helmreleasename":"one","helmparameter":["x=1","y=a=b"]},
				{"exthelmchart":"false","helmchartfile_path":"Files/b.tgz","helmreleasename":"two"}],
				"vdu_mapping":{"VDU2":{"kind":"Deployment","name":"b","helmreleasename":"two"}}}`,
			want: []string{
				`one Files/a.tgz 0 VDU1=[front VDU1]: {"set":{"x":1,"y":"a=b"}}`, `two Files/b.tgz 0 VDU2=Deployment[b back VDU2]: `,
			},
		},
		"the descriptor": {
			f: ordered, at: "/additionalParams", params: `{"helm_parameters":{"a":1}}`,
			want: []string{
				`app Files/app.tgz 2 VDU1=[front VDU1]: {"set":{"a":1}}`, `store Files/store.tgz 1 ` + back + ` {"set":{"a":1}}`, `base Files/base.tgz 0 {"set":{"a":1}}`,
			},
		},
		"defaults of the descriptor": {
			f: ordered, at: "/additionalParams", schema: `{"properties":{"helm_value_names":{"default":{"VDU1":{"replica":"n"}}}}}`,
			want: []string{`app Files/app.tgz 2 VDU1=[front VDU1]:n `, `store Files/store.tgz 1 ` + back + ` `, `base Files/base.tgz 0 `},
		},
	} {
		got, at, err := charts.Releases(t.Context(), "p", x.f, json.RawMessage(x.params), json.RawMessage(x.schema), tree)
		if err == nil {
			err = charts.Fill(got, x.f, json.RawMessage(x.params), json.RawMessage(x.schema))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(x.want, short(got)); diff != "" || at != x.at {
			t.Errorf("%s, at %s: %s", name, at, diff)
		}
		for _, r := range got {
			if r.Chart.Kind != vim.KindRelease || r.Chart.Package != "p" || len(r.Chart.Digest) != 64 {
				t.Errorf("%s: %+v", name, r.Chart)
			}
		}
	}
}

// What does not fit is refused, naming the parameter; nothing is fetched.
func TestRefused(t *testing.T) {
	for params, at := range map[string]string{
		`{"helm_chart_path":7}`:                                                                 "/additionalParams/helm_chart_path",
		`{"helm_chart_path":"none.tgz"}`:                                                        "/additionalParams/helm_chart_path",
		`{"helm_chart_path":"https://example.com/c.tgz"}`:                                       "/additionalParams/helm_chart_path",
		`{"helm_chart_path":"oci://example.com/c"}`:                                             "/additionalParams/helm_chart_path",
		`{"helm_chart_path":"Files/c","helm_values":[1]}`:                                       "/additionalParams/helm_values",
		`{"helm_chart_path":"Files/c","helm_parameters":"a=b"}`:                                 "/additionalParams/helm_parameters",
		`{"helm_chart_path":"Files/c","helm_value_names":{"VDU1":"n"}}`:                         "/additionalParams/helm_value_names",
		`{"helm_chart_path":"Files/c","helm_replica_values":{"x":"n"}}`:                         "/additionalParams/helm_replica_values/x",
		`{"using_helm_install_param":[{"exthelmchart":"true","helmchartname":"c"}]}`:            "/additionalParams/using_helm_install_param/0/exthelmchart",
		`{"using_helm_install_param":[{"exthelmchart":true,"helmchartname":"c"}]}`:              "/additionalParams/using_helm_install_param/0/exthelmchart",
		`{"using_helm_install_param":[{"exthelmchart":"false"}]}`:                               "/additionalParams/using_helm_install_param/0/helmchartfile_path",
		`{"using_helm_install_param":[{"helmchartfile_path":"Files/c","helmparameter":["a"]}]}`: "/additionalParams/using_helm_install_param/0/helmparameter/0",
		`{"using_helm_install_param":[{"helmchartfile_path":"Files/c","helmreleasename":"a"},{"helmchartfile_path":"Files/d","helmreleasename":"a"}]}`:                        "/additionalParams/using_helm_install_param/1/helmreleasename",
		`{"using_helm_install_param":[{"helmchartfile_path":"Files/c","helmreleasename":"a"}],"vdu_mapping":{"VDU9":{"kind":"Deployment","name":"n","helmreleasename":"a"}}}`: "/additionalParams/vdu_mapping",
	} {
		_, _, err := charts.Releases(t.Context(), "p", flavour(), json.RawMessage(params), nil, tree)
		e := &vnfm.Error{}
		if !errors.As(err, &e) || e.Kind != vnfm.Unprocessable || e.Attribute != at {
			t.Errorf("%s: %v, want %s", params, err, at)
		}
	}
	circle := flavour(vnfd.Mciop{ID: "a", Chart: "Files/a", After: []string{"b"}}, vnfd.Mciop{ID: "b", Chart: "Files/b", After: []string{"a"}})
	if _, _, err := charts.Releases(t.Context(), "p", circle, nil, nil, tree); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("charts that wait for each other: %v", err)
	}
}
