package aggregatetest

import (
	"testing"

	"github.com/vnfm/vnfm/eventstore"
)

// OtherSchema gives every stream of a store a snapshot of a schema that no aggregate has, at its head, as a program of
// another version leaves it.
func OtherSchema(t *testing.T, store eventstore.Store) {
	t.Helper()
	heads, err := store.Streams(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	commit := &eventstore.Commit{}
	for _, h := range heads {
		commit.Snapshots = append(commit.Snapshots, eventstore.Snapshot{
			Stream: h.Stream, Version: h.Version, Schema: 1 << 30, Data: []byte(`"of another form"`),
		})
	}
	if len(commit.Snapshots) == 0 {
		t.Fatal("there is no stream")
	}
	_, err = store.Execute(t.Context(), []*eventstore.Work{{
		Keys: []string{"snapshots"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return commit, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
}
