package vim_test

import (
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
)

// What a VNF is made of goes to a VIM that runs it: what is wanted first, nothing elsewhere than where the request says, and nothing
// to one of several that might be meant.
func TestWhereAFormGoes(t *testing.T) {
	runs := func(typ string) []vim.Form {
		return map[string][]vim.Form{
			"OS": {vim.Machines}, "K8S": {vim.Objects}, "HELM": {vim.Objects, vim.Charts}, "ALL": {vim.Machines, vim.Objects, vim.Charts},
		}[typ]
	}
	os, k8s, k8s2 := vim.Connection{ID: "os", Type: "OS"}, vim.Connection{ID: "k8s", Type: "K8S"}, vim.Connection{ID: "k8s-2", Type: "K8S"}
	helm, off := vim.Connection{ID: "helm", Type: "HELM"}, vim.Connection{ID: "off", Type: "K8S", Disabled: true}
	all := vim.Connection{ID: "all", Type: "ALL"}
	tests := map[string]struct {
		reg    vim.Fixed
		places vim.Places
		form   vim.Form
		want   string
		says   []string // of the refusal
	}{
		"the default":                            {reg: vim.Fixed{os, k8s}, form: vim.Machines, want: "os"},
		"the only one that runs it":              {reg: vim.Fixed{os, k8s}, form: vim.Objects, want: "k8s"},
		"one that is disabled is not meant":      {reg: vim.Fixed{os, k8s, off}, form: vim.Objects, want: "k8s"},
		"two might be meant":                     {reg: vim.Fixed{os, k8s, k8s2}, form: vim.Objects, says: []string{"k8s, k8s-2", "os (OS)", "vimConnectionInfo"}},
		"none runs it":                           {reg: vim.Fixed{os, k8s}, form: vim.Charts, says: []string{"charts", "register"}},
		"nothing is registered":                  {form: vim.Machines, says: []string{"machines", "register"}},
		"wanted":                                 {reg: vim.Fixed{os, k8s, k8s2}, places: vim.Places{Wanted: "k8s-2"}, form: vim.Objects, want: "k8s-2"},
		"wanted for another form":                {reg: vim.Fixed{os, k8s}, places: vim.Places{Wanted: "k8s"}, form: vim.Machines, want: "os"},
		"named for another form":                 {reg: vim.Fixed{os, k8s}, places: vim.Places{Wanted: "k8s", Named: true}, form: vim.Machines, says: []string{"k8s (K8S)", "vimConnectionInfo"}},
		"both are named":                         {reg: vim.Fixed{all, os, k8s}, places: vim.Places{Others: []string{"k8s", "os"}, Named: true}, form: vim.Machines, want: "os"},
		"the other of both":                      {reg: vim.Fixed{all, os, k8s}, places: vim.Places{Others: []string{"k8s", "os"}, Named: true}, form: vim.Objects, want: "k8s"},
		"of several alike the default":           {reg: vim.Fixed{k8s2, k8s, os}, places: vim.Places{Others: []string{"k8s", "k8s-2"}, Named: true}, form: vim.Objects, want: "k8s-2"},
		"where the VNF is":                       {reg: vim.Fixed{os, k8s, k8s2}, places: vim.Places{Wanted: "os", Others: []string{"k8s-2"}}, form: vim.Objects, want: "k8s-2"},
		"charts beside objects":                  {reg: vim.Fixed{k8s, helm}, form: vim.Charts, want: "helm"},
		"one that the request describes":         {reg: vim.Fixed{os}, places: vim.Places{Wanted: "mine", Brought: map[string]string{"mine": "HELM"}, Named: true}, form: vim.Charts, want: "mine"},
		"one that nobody knows":                  {reg: vim.Fixed{os}, places: vim.Places{Wanted: "gone"}, form: vim.Machines, says: []string{"no VIM connection gone"}},
		"one that runs all, and one made for it": {reg: vim.Fixed{all, k8s, helm}, places: vim.Places{Others: []string{"all", "helm", "k8s"}, Named: true}, form: vim.Objects, want: "k8s"},
		"later, where its containers are":        {reg: vim.Fixed{all, k8s}, places: vim.Places{Wanted: "all", Others: []string{"k8s"}}, form: vim.Objects, want: "k8s"},
		"one of the others is gone":              {reg: vim.Fixed{os}, places: vim.Places{Others: []string{"gone", "os"}}, form: vim.Machines, want: "os"},
		"one of the named has no driver":         {reg: vim.Fixed{{ID: "odd", Type: "ODD"}, os}, places: vim.Places{Others: []string{"odd", "os"}, Named: true}, form: vim.Machines, want: "os"},
		"none that is named has a driver":        {reg: vim.Fixed{{ID: "odd", Type: "ODD"}, os}, places: vim.Places{Others: []string{"odd"}, Named: true}, form: vim.Machines, says: []string{"odd has type ODD", "no driver"}},
		"named alone, of a VIM that runs both":   {reg: vim.Fixed{os, all}, places: vim.Places{Wanted: "all", Named: true}, form: vim.Objects, want: "all"},
	}
	for name, tt := range tests {
		got, err := tt.places.Of(t.Context(), tt.form, tt.reg, runs)
		if len(tt.says) == 0 {
			if err != nil || got != tt.want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
			}
			continue
		}
		if vnfm.KindOf(err) != vnfm.Unprocessable {
			t.Errorf("%s: %q, %v", name, got, err)
			continue
		}
		for _, word := range tt.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v does not say %s", name, err, word)
			}
		}
	}
}

func TestFormOf(t *testing.T) {
	for _, tt := range []struct {
		kind vim.Kind
		spec vim.Spec
		want vim.Form
	}{
		{vim.Port, vim.Spec{}, vim.Machines},
		{vim.Unit, vim.Spec{Unit: &vim.UnitSpec{Objects: []byte(`{"kind":"ConfigMap"}`)}}, vim.Objects},
		{vim.Unit, vim.Spec{Unit: &vim.UnitSpec{Objects: vim.Encode(vim.Chart{Kind: vim.KindRelease, Path: "Files/a.tgz"})}}, vim.Charts},
		{vim.Unit, vim.Spec{}, vim.Objects},
	} {
		if got := vim.FormOf(tt.kind, tt.spec); got != tt.want {
			t.Errorf("%s %+v is of %s, want %s", tt.kind, tt.spec, got, tt.want)
		}
	}
}
