package vimtest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// forms: what a driver says it runs it has a sample of, and of what it does not run nothing is made: the refusal is for good.
func (s *suite) forms(t *testing.T) {
	runs := s.driver.Runs()
	for _, sample := range s.samples() {
		if f := vim.FormOf(sample.Kind, sample.Spec(map[vim.Kind]string{})); !slices.Contains(runs, f) {
			t.Errorf("a sample of %s is of %s; the driver says it runs %v", sample.Kind, f, runs)
		}
	}
	others := map[vim.Form]vim.StartRequest{
		vim.Machines: {Kind: vim.Network, Spec: vim.Spec{Name: "net", Network: &vim.NetworkSpec{}}},
		vim.Objects: {Kind: vim.Unit, Spec: vim.Spec{Name: "unit", Unit: &vim.UnitSpec{
			Objects: json.RawMessage(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}`),
		}}},
		vim.Charts: {Kind: vim.Unit, Spec: vim.Spec{Name: "unit", Unit: &vim.UnitSpec{
			Objects: vim.Encode(vim.Chart{Kind: vim.KindRelease, Path: "Files/a.tgz", Namespace: "default"}),
		}}},
	}
	for f, r := range others {
		if slices.Contains(runs, f) {
			continue
		}
		r.Owner, r.Token = uuid.NewString(), token()
		made, err := s.driver.Start(t.Context(), s.Connection, r)
		if vim.ClassOf(err) != message.Permanent {
			t.Errorf("%s: %+v, %v, want a refusal for good", f, made, err)
		}
		if made, err := s.driver.Find(t.Context(), s.Connection, r.Kind, r.Token); err == nil {
			t.Errorf("%s: found afterwards: %+v", f, made)
		}
	}
}
