package readmodel_test

import (
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

func TestWanted(t *testing.T) {
	store := memory.New(memory.Config{Now: func() time.Time { return time.Unix(1, 0) }})
	put := func(v vnf.Instance) {
		t.Helper()
		_, err := store.Execute(t.Context(), []*eventstore.Work{{
			Keys: []string{v.ID},
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Views: []eventstore.ViewWrite{readmodel.InstanceView(&v)}}, nil
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	held := vnf.Resource{ID: "r", Generation: 2}
	put(vnf.Instance{ID: "holds", Resources: []vnf.Resource{held}})
	put(vnf.Instance{ID: "left", Leftovers: []vnf.Resource{held}})
	put(vnf.Instance{ID: "both", Resources: []vnf.Resource{{ID: "r", Generation: 1}}, Leftovers: []vnf.Resource{held}})
	put(vnf.Instance{ID: "free"})
	put(vnf.Instance{ID: "busy", Operation: "op"})
	for _, c := range []struct {
		vnf        string
		generation int
		want       bool
	}{
		{"holds", 2, true}, {"left", 2, true}, {"holds", 1, false}, // an older generation was released
		{"both", 1, true}, {"both", 2, true}, {"both", 3, false},
		{"free", 2, false}, {"unknown", 2, false}, {"busy", 2, true}, // the operation may have asked for it
	} {
		wanted, err := readmodel.Wanted(t.Context(), store, []string{"other", c.vnf})
		if err != nil {
			t.Fatal(err)
		}
		if got := wanted[c.vnf]("r", c.generation); got != c.want {
			t.Errorf("%s, generation %d: %v; want %v", c.vnf, c.generation, got, c.want)
		}
	}
}
