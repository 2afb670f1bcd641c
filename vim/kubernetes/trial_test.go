package kubernetes_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
)

// team is an object with a label that the policy of the cluster (dropTeam) does not keep.
func team(i int, data string) vim.Spec {
	return objectOf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c%04d","annotations":{"team":"blue"}},"data":{"a":%q}}`, i, data)
}

func dropTeam(u *unstructured.Unstructured) string {
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", "team")
	return ""
}

// sweep observes all there is, and tells what has been taken of what, by name.
func sweep(t *testing.T, f *fake, d *kubernetes.Driver, of func(i int) vim.Spec) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	i := 0
	err := vim.EachObserved(t.Context(), d, f.conn, "", 100_000, time.Minute, func(page []vim.Observed) error {
		for _, o := range page {
			if fields, _ := o.Taken(of(i).Unit.Objects); len(fields) > 0 {
				out[o.Resource.Name] = fields
			}
			i++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func begin(t *testing.T, f *fake, d *kubernetes.Driver, n int) {
	t.Helper()
	for i := range n {
		r := vim.StartRequest{Token: vim.Token{ID: fmt.Sprintf("t%d", i), Generation: 1}, Kind: vim.Unit, Owner: "o", Spec: team(i, "1")}
		if _, err := d.Start(t.Context(), f.conn, r); err != nil {
			t.Fatal(err)
		}
	}
}

// A cluster is asked once what it would make of a manifest of which it drops something, however often it is looked at. Seen failing without what is remembered: 5 trials an object.
func TestAnObjectThatNobodyChangesIsTriedOnce(t *testing.T) {
	for _, n := range []int{1, 100, 1000} {
		f, d := newFake(t), kubernetes.New(kubernetes.Config{})
		f.admit = dropTeam
		begin(t, f, d, n)
		one := func(i int) vim.Spec { return team(i, "1") }
		for round := range 5 {
			if taken := sweep(t, f, d, one); len(taken) > 0 {
				t.Errorf("taken: %v", taken)
			}
			if got, want := f.asked(), map[int]int{0: n}[round]; got != want {
				t.Errorf("%d objects, round %d: %d trials, want %d", n, round, got, want)
			}
		}
	}
}

// What was said is of an object as it was, of one manifest, of one cluster, and not for ever; what a cluster could not say is asked for again, what it refuses to say after some minutes.
// Seen failing without each of the conditions.
func TestWhenAClusterIsAskedAgain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f, d := newFake(t), kubernetes.New(kubernetes.Config{Now: func() time.Time { return now }})
	f.admit = dropTeam
	begin(t, f, d, 3)
	wants := func(what string, trials int, data string, taken ...string) {
		t.Helper()
		got := sweep(t, f, d, func(i int) vim.Spec { return team(i, data) })
		if asked := f.asked(); asked != trials || len(got) != len(taken) {
			t.Errorf("%s: %d trials and %v, want %d and %v", what, asked, got, trials, taken)
		}
		for _, name := range taken {
			if !slices.Contains(got[name], "metadata.annotations.team") {
				t.Errorf("%s: %v", what, got)
			}
		}
	}
	wants("new", 3, "1")
	wants("as it was", 0, "1")
	f.as(t, "kubectl", "/api/v1/namespaces/vnfs/configmaps/c0001", func(u *unstructured.Unstructured) { u.SetLabels(withLabel(u, "x", "y")) })
	wants("one is changed", 1, "1")
	wants("of another manifest", 3, "2")
	now = now.Add(59 * time.Minute)
	wants("within the hour", 0, "2")
	f.admit = nil // it is kept from now on: that it is not there is told
	wants("a policy goes, within the hour", 0, "2")
	now = now.Add(time.Minute)
	wants("a policy went an hour ago", 3, "2", "c0000", "c0001", "c0002")
	wants("and that is remembered", 0, "2", "c0000", "c0001", "c0002")
	for _, x := range []struct{ status, again int }{{http.StatusServiceUnavailable, 3}, {http.StatusForbidden, 0}} {
		now = now.Add(time.Hour)
		f.refuse = x.status
		wants(fmt.Sprint("refused with ", x.status), 3, "2")
		wants(fmt.Sprint("refused with ", x.status, " before"), x.again, "2")
	}
	f.refuse = 0
	now = now.Add(5 * time.Minute)
	wants("refused some minutes ago", 3, "2", "c0000", "c0001", "c0002")
	f.conn.ID = "other"
	sweep(t, f, d, func(i int) vim.Spec { return team(i, "2") })
	if asked := f.asked(); asked != 3 {
		t.Errorf("another connection: %d trials", asked)
	}
}

// However many objects there are, what is remembered of them has its bound.
func TestWhatIsRememberedHasABound(t *testing.T) {
	f, d := newFake(t), kubernetes.New(kubernetes.Config{Trials: 3000})
	f.admit = dropTeam
	begin(t, f, d, 100)
	one := func(i int) vim.Spec { return team(i, "1") }
	sweep(t, f, d, one)
	f.asked()
	if sweep(t, f, d, one); f.asked() != 100 { // in order: each is forgotten when its turn comes
		t.Error("more is remembered than there is room for")
	}
	for i := range 90 {
		if done, err := d.Release(t.Context(), f.conn, vim.Unit, vim.Token{ID: fmt.Sprintf("t%d", i), Generation: 1}); !done || err != nil {
			t.Fatal(done, err)
		}
	}
	last := func(i int) vim.Spec { return team(90+i, "1") }
	if sweep(t, f, d, last); f.asked() != 0 {
		t.Error("what is still there is not remembered")
	}
}

func withLabel(u *unstructured.Unstructured, name, value string) map[string]string {
	all := u.GetLabels()
	all[name] = value
	return all
}
