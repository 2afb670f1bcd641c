package sim_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// What somebody changed is seen, page by page, with the revision it had, and outlives a restart; what a guest would read is never shown. Seen
// failing with the whole specification shown.
func TestObserve(t *testing.T) {
	dir := t.TempDir()
	s, err := sim.Open(sim.Config{Path: dir + "/journal"})
	if err != nil {
		t.Fatal(err)
	}
	spec := vim.Spec{Name: "vm", Compute: &vim.ComputeSpec{Flavour: "m1.tiny", Image: "image-a", UserData: "s3cret"}}
	a, b := request(vim.Compute, spec), request(vim.Network, vim.Spec{Name: "net", Network: &vim.NetworkSpec{}})
	for _, r := range []vim.StartRequest{a, b} {
		if _, err := s.Start(t.Context(), conn, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Tamper(conn.ID, a.Token, func(x *vim.Spec) { x.Name, x.Compute.Power = "mine", vim.PowerOff }); err != nil {
		t.Fatal(err)
	}
	if err := s.Tamper(conn.ID, vim.Token{ID: "nobody", Generation: 1}, func(*vim.Spec) {}); err == nil {
		t.Error("nothing was changed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = sim.Open(sim.Config{Path: dir + "/journal"}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var seen []vim.Observed
	err = vim.EachObserved(t.Context(), s, conn, "", 1, time.Minute, func(page []vim.Observed) error {
		if len(page) > 1 {
			t.Errorf("%d on a page", len(page))
		}
		seen = append(seen, page...)
		return nil
	})
	if err != nil || len(seen) != 2 {
		t.Fatalf("%+v %v", seen, err)
	}
	if got := seen[0].Differs(spec); !slices.Equal(got, []vim.Attribute{vim.AttributeName, vim.AttributePower}) || seen[0].Resource.Revision != 1 {
		t.Errorf("%v", got)
	}
	if text, _ := json.Marshal(seen); strings.Contains(string(text), "s3cret") || strings.Contains(string(text), "sha256") {
		t.Errorf("%s", text)
	}
	if err := s.Lose(conn.ID, a.Token, a.Token); err != nil || s.Has(conn.ID, a.Token) || !s.Has(conn.ID, b.Token) {
		t.Errorf("%v", err)
	}
}
