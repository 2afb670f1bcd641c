package aggregate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Past is what At reads; an eventstore.Reader is one.
type Past interface {
	ReadStream(ctx context.Context, stream string, after int64, limit int) ([]eventstore.Event, error)
	SnapshotAt(ctx context.Context, stream string, version int64, schema int) (*eventstore.Snapshot, error)
}

// At returns an aggregate as it was at a version, and the event that made it so; neither the present state nor the cache
// is asked. It reads the events from the nearest snapshot before it: about SnapshotEvery, or a quarter of those before, at most. Returns NotFound when the
// stream does not reach that version.
func (r *Repository[S]) At(ctx context.Context, past Past, id string, version int64) (State[S], eventstore.Event, error) {
	const chunk = 500
	stream := r.Stream(id)
	s := State[S]{ID: id, Value: r.cfg.New(id)}
	var last eventstore.Event
	// The snapshot is of an earlier version, so that the event of the version itself is read too.
	snap, err := past.SnapshotAt(ctx, stream, version-1, r.cfg.Schema)
	if err != nil {
		return s, last, fmt.Errorf("read snapshot of %s: %w", stream, err)
	}
	if snap != nil {
		if err := json.Unmarshal(snap.Data, &s.Value); err != nil {
			return s, last, vnfm.Wrap(vnfm.Internal, err, "decode state of %s", stream)
		}
		s.Version = snap.Version
	}
	for s.Version < version {
		events, err := past.ReadStream(ctx, stream, s.Version, int(min(version-s.Version, chunk)))
		if err != nil {
			return s, last, fmt.Errorf("read stream %s: %w", stream, err)
		}
		if len(events) == 0 {
			return s, last, vnfm.Errorf(vnfm.NotFound, "stream %s does not reach version %d", stream, version)
		}
		for _, last = range events {
			if last.Version != s.Version+1 {
				return s, last, vnfm.Errorf(vnfm.Internal, "stream %s: version %d follows %d", stream, last.Version, s.Version)
			}
			if err := r.apply(&s, last); err != nil {
				return s, last, err
			}
		}
	}
	return s, last, nil
}
