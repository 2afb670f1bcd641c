package readmodel_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// onEach runs a test on each back-end.
func onEach(t *testing.T, test func(f *fixture)) {
	t.Helper()
	open := map[string]func(t *testing.T) (eventstore.Store, error){
		"memory": func(*testing.T) (eventstore.Store, error) { return memory.New(memory.Config{}), nil },
		"sqlite": func(t *testing.T) (eventstore.Store, error) {
			t.Helper()
			return sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "vnfm.db")})
		},
		"postgresql": func(t *testing.T) (eventstore.Store, error) {
			t.Helper()
			return postgres.Open(t.Context(), postgres.Config{URL: dbtest.Postgres(t)})
		},
	}
	for name, o := range open {
		t.Run(name, func(t *testing.T) {
			store, err := o(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			test(newFixtureOn(t, store))
		})
	}
}

// machines are VNFCs, each with its compute.
func machines(vnfID string, from, to int) (resources []vnf.Resource, vnfcs []vnf.Vnfc) {
	for i := from; i < to; i++ {
		id := fmt.Sprintf("%s-%d", vnfID, i)
		resources = append(resources, vnf.Resource{ID: id, Generation: 1, Kind: "compute", Connection: "vim-" + vnfID, VimID: id, Spec: json.RawMessage(`{"wanted":1}`)})
		vnfcs = append(vnfcs, vnf.Vnfc{ID: id, VduID: fmt.Sprint("vdu-", i%2), Handle: vnf.Handle{Connection: "vim-" + vnfID, VimID: id}})
	}
	return resources, vnfcs
}

// sized makes an instance of some machines.
func (f *fixture) sized(id string, n int) {
	f.t.Helper()
	resources, vnfcs := machines(id, 0, n)
	f.on(id, &vnf.InstanceCreated{ID: id, PackageID: "pkg", VnfdID: "d", Provider: "p"}, &vnf.OperationBegun{OpID: "o", Number: 1},
		&vnf.InstanceInstantiated{
			OpID: "o", Resources: resources, Values: map[string]string{"password": "secret"},
			Info: &vnf.InstantiatedInfo{FlavourID: "f", VnfState: "STARTED", Vnfcs: vnfcs},
		})
}

func (f *fixture) scaled(id string, from, to int) {
	f.t.Helper()
	resources, vnfcs := machines(id, from, to)
	f.on(id, &vnf.OperationBegun{OpID: "s", Number: 2}, &vnf.InstanceScaled{OpID: "s", Resources: resources, Added: vnf.InfoParts{Vnfcs: vnfcs}})
}

// live reads as another process does, which has folded nothing yet.
func (f *fixture) live() readmodel.Live {
	f.t.Helper()
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		f.t.Fatal(err)
	}
	return readmodel.Live{Reader: f.store, OpOccs: readmodel.NewOpOccs(registry, 0), Instances: readmodel.NewInstances(registry, 0)}
}

func (f *fixture) stored(id string) *eventstore.View {
	f.t.Helper()
	ref := eventstore.ViewRef{Kind: readmodel.KindVnf, ID: id}
	l, err := f.store.Load(f.t.Context(), eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil || l.Views[ref] == nil {
		f.t.Fatalf("view of %s: %v", id, err)
	}
	return l.Views[ref]
}

const many = 300

// What an operation writes of a large instance is as large as that of a small one.
func TestRowOfALargeInstanceDoesNotGrow(t *testing.T) {
	f := newFixture(t)
	f.sized("small", readmodel.Large+1)
	f.sized("large", 1000)
	small, large := len(f.stored("small").Doc), len(f.stored("large").Doc)
	if large > small+10 { // a time may have more digits
		t.Errorf("the row of 1000 machines has %d bytes, that of %d has %d", large, readmodel.Large+1, small)
	}
	f.sized("whole", readmodel.Large)
	if v, err := readmodel.Instance(t.Context(), f.store, "whole"); err != nil || len(v.Resources) != readmodel.Large {
		t.Errorf("an instance that is not large is in its row: %v", err)
	}
}

// Readers see all of a large instance, at once, whoever wrote last, and nothing that is not shown.
func TestLargeInstanceIsReadWhole(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.sized("v", many)
		live := f.live()
		for _, n := range []int{many, many + 1} {
			v, err := readmodel.Instance(f.t.Context(), live, "v")
			if err != nil || len(v.Resources) != n || len(v.Info.Vnfcs) != n || v.State != vnf.Instantiated || v.PackageID != "pkg" {
				f.t.Fatalf("%d machines: %+v, %v", n, v, err)
			}
			if v.Resources[0].Spec != nil || v.Values != nil {
				f.t.Errorf("shown: %+v, %v", v.Resources[0], v.Values)
			}
			f.scaled("v", n, n+1)
		}
		if got := f.compare(); got != "" {
			f.t.Errorf("the views are not what the events amount to: %s", got)
		}
		if err := readmodel.Rebuild(f.t.Context(), f.store, f.sources()...); err != nil {
			f.t.Fatal(err)
		}
		if v, err := readmodel.Instance(f.t.Context(), live, "v"); err != nil || len(v.Resources) != many+2 {
			f.t.Errorf("after a rebuild: %v", err)
		}
	})
}

// A filter on what only the events have selects as on what is in the rows, page by page, in order.
func TestFiltersOnLargeInstances(t *testing.T) {
	onEach(t, func(f *fixture) {
		var all []string
		for i := range 9 {
			id := fmt.Sprint("v", i)
			all = append(all, id)
			f.sized(id, []int{3, many, readmodel.Large + 1}[i%3])
		}
		paths := map[string]filter.Filter{}
		for _, c := range []struct {
			filter string
			want   []string
		}{
			{"(eq,instantiatedInfo/vnfcs/id,v4-250)", []string{"v4"}},
			{"(in,instantiatedInfo/vnfcs/id,v0-2,v4-250,v5-64,v7-299)", []string{"v0", "v4", "v5", "v7"}},
			{"(eq,instantiatedInfo/vnfcs/vduId,vdu-1);(eq,vnfdId,d)", all},
			{"(eq,instantiatedInfo/vnfcs/vduId,vdu-1);(eq,vnfdId,other)", nil},
			{"(eq,instantiatedInfo/flavourId,f)", all},
			{"(cont,resources/id,-100)", []string{"v1", "v4", "v7"}},
			{"(eq,provider,p)", all},
		} {
			where, err := filter.Parse(c.filter)
			if err != nil {
				f.t.Fatal(err)
			}
			paths[c.filter] = where
			for _, limit := range []int{2, 1000} {
				var got []string
				q := eventstore.ViewQuery{Kind: readmodel.KindVnf, Where: where, Columns: readmodel.Columns(readmodel.KindVnf), Limit: limit, Docs: true}
				for {
					rows, err := f.live().Views(f.t.Context(), q)
					if err != nil {
						f.t.Fatal(err)
					}
					for _, r := range rows {
						var v vnf.Instance
						if err := json.Unmarshal(r.Doc, &v); err != nil || len(v.Info.Vnfcs) == 0 {
							f.t.Fatalf("%s: row %s is not whole: %v", c.filter, r.ID, err)
						}
						got = append(got, r.ID)
					}
					if len(rows) < limit {
						break
					}
					q = q.Behind(&rows[len(rows)-1])
				}
				if !slices.Equal(got, c.want) {
					f.t.Errorf("%s, %d a page: %v, want %v", c.filter, limit, got, c.want)
				}
			}
		}
	})
}

// What asks for little of each document is not made to wait for all of it.
func TestBriefListsDoNotFold(t *testing.T) {
	f := newFixture(t)
	f.sized("v", many)
	rows, err := f.live().Views(t.Context(), eventstore.ViewQuery{Kind: readmodel.KindVnf, Brief: true})
	if err != nil || len(rows) != 1 || len(rows[0].Doc) > 1000 || !strings.Contains(string(rows[0].Doc), `"vnfdId":"d"`) {
		t.Errorf("%v, %v", rows, err)
	}
	where, _ := filter.Parse("(eq,instantiatedInfo/vnfcs/id,v-250)")
	if rows, err = f.live().Views(t.Context(), eventstore.ViewQuery{Kind: readmodel.KindVnf, Where: where, Brief: true}); err != nil || len(rows) != 1 {
		t.Errorf("selected by what is not in the row: %v, %v", rows, err)
	}
}

// Whoever reads a row that is not whole as if it were is told so, and is never told that the instance holds nothing: what it holds would be
// released as nobody's.
func TestShellIsNoInstance(t *testing.T) {
	f := newFixture(t)
	f.sized("v", many)
	if _, err := readmodel.Wanted(t.Context(), f.store, []string{"v"}); err == nil {
		t.Error("a shell was taken for an instance")
	}
	want, err := readmodel.Wanted(t.Context(), f.live(), []string{"v"})
	if err != nil || !want["v"]("v-299", 1) || want["v"]("v-300", 1) {
		t.Errorf("wanted of a large instance: %v", err)
	}
	at, err := readmodel.InstancesAt(t.Context(), f.live(), "vim-v")
	if err != nil || !slices.Equal(at, []string{"v"}) {
		t.Errorf("who uses the connection: %v, %v", at, err)
	}
}

// An older program writes large instances whole: they are read, compared and replaced as they are.
func TestRowsOfAnOlderProgram(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.sized("v", many)
		row, err := f.live().Load(f.t.Context(), eventstore.Load{Views: []eventstore.ViewRef{{Kind: readmodel.KindVnf, ID: "v"}}})
		if err != nil {
			f.t.Fatal(err)
		}
		older := *row.Views[eventstore.ViewRef{Kind: readmodel.KindVnf, ID: "v"}]
		older.Attrs[1] = ""
		f.view(eventstore.ViewWrite{View: older})
		if got := f.compare(); got != "" {
			f.t.Errorf("a row of an older program: %s", got)
		}
		where, _ := filter.Parse("(eq,instantiatedInfo/vnfcs/id,v-250)")
		rows, err := f.live().Views(f.t.Context(), eventstore.ViewQuery{Kind: readmodel.KindVnf, Where: where})
		if err != nil || len(rows) != 1 {
			f.t.Errorf("selected %d, %v", len(rows), err)
		}
		f.scaled("v", many, many+1)
		if v, err := readmodel.Instance(f.t.Context(), f.live(), "v"); err != nil || len(v.Resources) != many+1 {
			f.t.Errorf("after the next operation: %v", err)
		}
	})
}
