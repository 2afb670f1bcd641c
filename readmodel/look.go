package readmodel

import (
	"context"
	"slices"

	"github.com/vnfm/vnfm/eventstore"
)

// together is how many aggregates a Look reads from one snapshot of the database.
const together = 20

// Look compares the views of at most limit aggregates of a source with their events, in order of id, after one. It returns the
// differences and the last id it looked at; "" when there are no more. The program may be writing: of each aggregate, view and
// events are of one moment.
func Look(ctx context.Context, store eventstore.Reader, s Source, after string, limit int) (diffs []Difference, last string, err error) {
	streams, err := store.Streams(ctx, s.Prefix, s.Prefix+after, limit)
	if err != nil {
		return nil, "", err
	}
	views, err := store.Views(ctx, eventstore.ViewQuery{Kind: s.Kind, After: after, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	var ids []string
	for _, h := range streams {
		ids = append(ids, h.Stream[len(s.Prefix):])
	}
	for _, v := range views {
		ids = append(ids, v.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	// Behind the end of a list that was cut there may be ids that it does not name.
	if whole := len(streams) < limit && len(views) < limit; !whole {
		ids = ids[:min(limit, len(ids))]
		last = ids[len(ids)-1]
	}
	for some := range slices.Chunk(ids, together) {
		found, err := look(ctx, store, s, some)
		if err != nil {
			return nil, "", err
		}
		diffs = append(diffs, found...)
	}
	return diffs, last, nil
}

// look compares some aggregates of one moment.
func look(ctx context.Context, store eventstore.Reader, s Source, ids []string) (diffs []Difference, err error) {
	var want eventstore.Load
	for _, id := range ids {
		want.Streams = append(want.Streams, eventstore.StreamFrom{Stream: s.Prefix + id})
		want.Views = append(want.Views, eventstore.ViewRef{Kind: s.Kind, ID: id})
	}
	l, err := store.Load(ctx, want)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		got := l.Views[eventstore.ViewRef{Kind: s.Kind, ID: id}]
		wanted := eventstore.ViewWrite{Delete: true}
		if events := l.Stream(s.Prefix + id).Events; len(events) > 0 {
			if wanted, err = s.View(id, events); err != nil {
				diffs = append(diffs, Difference{Kind: s.Kind, ID: id, Got: got, Broken: err.Error()})
				continue
			}
		}
		switch {
		case wanted.Delete && got != nil:
			diffs = append(diffs, Difference{Kind: s.Kind, ID: id, Got: got})
		case !wanted.Delete && got == nil:
			diffs = append(diffs, Difference{Kind: s.Kind, ID: id, Want: &wanted.View})
		case !wanted.Delete && !same(wanted.View, *got):
			diffs = append(diffs, Difference{Kind: s.Kind, ID: id, Want: &wanted.View, Got: got})
		}
	}
	return diffs, nil
}
