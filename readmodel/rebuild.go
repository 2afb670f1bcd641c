package readmodel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vnf"
)

// Source is one type of aggregate that has views: how its streams become rows.
type Source struct {
	Kind   string // of its views
	Prefix string // of its streams
	// View returns the row that the events of one stream, given from its first, amount to.
	View func(id string, events []eventstore.Event) (eventstore.ViewWrite, error)
}

// Sources returns the sources of the domain's views.
func Sources(instances *Instances, opoccs *OpOccs, snapshots Snapshots) []Source {
	return []Source{
		{Kind: KindVnf, Prefix: instances.Stream(""), View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
			s, err := instances.Fold(id, events)
			return InstanceView(&s.Value), err
		}},
		{Kind: KindOpOcc, Prefix: opoccs.Stream(""), View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
			last, err := lastMilestone(opoccs, events)
			if err != nil {
				return eventstore.ViewWrite{}, err
			}
			s, err := opoccs.Fold(id, events[:last])
			return OpOccView(&s.Value), err
		}},
		{Kind: KindSnapshotInfo, Prefix: snapshots.Infos.Stream(""), View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
			s, err := snapshots.Infos.Fold(id, events)
			return SnapshotInfoView(&s.Value), err
		}},
		{Kind: KindSnapshot, Prefix: snapshots.Taken.Stream(""), View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
			s, err := snapshots.Taken.Fold(id, events)
			return SnapshotView(&s.Value), err
		}},
	}
}

// lastMilestone returns how many events of an operation there are up to its last milestone.
func lastMilestone(opoccs *OpOccs, events []eventstore.Event) (int, error) {
	for n := len(events); n > 0; n-- {
		e, err := opoccs.Decode(events[n-1])
		if err != nil {
			return 0, err //nolint:wrapcheck // says what it was about
		}
		if op, ok := e.(vnf.OpEvent); ok && vnf.Milestone(op) {
			return n, nil
		}
	}
	return len(events), nil
}

// Difference is one view that is not what the events amount to.
type Difference struct {
	Kind, ID string
	// Want is the row made of the events, Got the live one; nil where there is none.
	Want, Got *eventstore.View
	// Broken says why no row can be made of the events; empty when one can.
	Broken string
}

// String says what differs.
func (d Difference) String() string {
	switch {
	case d.Broken != "":
		return fmt.Sprintf("%s %s: no view can be made of the events: %s", d.Kind, d.ID, d.Broken)
	case d.Want == nil:
		return fmt.Sprintf("%s %s: the view has no events", d.Kind, d.ID)
	case d.Got == nil:
		return fmt.Sprintf("%s %s: the view is missing", d.Kind, d.ID)
	case d.Want.Revision != d.Got.Revision:
		return fmt.Sprintf("%s %s: the view is at revision %d, the stream at %d", d.Kind, d.ID, d.Got.Revision, d.Want.Revision)
	}
	return fmt.Sprintf("%s %s: the view differs from the events at revision %d", d.Kind, d.ID, d.Want.Revision)
}

const page = 500

// Compare replays every stream and returns the views that are not what the events amount to (invariant I4 of the
// design). Nothing may be written meanwhile.
func Compare(ctx context.Context, store eventstore.Reader, sources ...Source) ([]Difference, error) {
	var out []Difference
	for _, s := range sources {
		live, err := views(ctx, store, s.Kind)
		if err != nil {
			return nil, err
		}
		err = replay(ctx, store, s, func(w eventstore.ViewWrite) error {
			got, ok := live[w.ID]
			delete(live, w.ID)
			switch {
			case w.Delete && ok:
				out = append(out, Difference{Kind: s.Kind, ID: w.ID, Got: &got})
			case !w.Delete && !ok:
				out = append(out, Difference{Kind: s.Kind, ID: w.ID, Want: &w.View})
			case !w.Delete && !same(w.View, got):
				out = append(out, Difference{Kind: s.Kind, ID: w.ID, Want: &w.View, Got: &got})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for id, got := range live {
			out = append(out, Difference{Kind: s.Kind, ID: id, Got: &got})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return strings.Compare(a.Kind+a.ID, b.Kind+b.ID) })
	return out, nil
}

// Rebuild deletes all views and writes them anew from the events. The program must not be running otherwise. Every kind
// of view needs its source, or its views are gone.
func Rebuild(ctx context.Context, store eventstore.Store, sources ...Source) error {
	if err := store.ResetViews(ctx); err != nil {
		return err
	}
	for _, s := range sources {
		if err := rebuild(ctx, store, s); err != nil {
			return err
		}
	}
	return nil
}

// rebuild writes the views of one source, many in a transaction, while the next are read and folded.
func rebuild(ctx context.Context, store eventstore.Store, s Source) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan []eventstore.ViewWrite, 1)
	g.Go(func() error {
		for views := range batches {
			results, err := store.Execute(ctx, []*eventstore.Work{{
				Keys: []string{"rebuild of " + s.Kind},
				Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
					return &eventstore.Commit{Views: views}, nil
				},
			}})
			if err != nil {
				return err
			}
			if err := results[0].Err; err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		defer close(batches)
		var batch []eventstore.ViewWrite
		send := func() error {
			select {
			case batches <- batch:
				batch = nil
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := replay(ctx, store, s, func(w eventstore.ViewWrite) error {
			if !w.Delete {
				batch = append(batch, w)
			}
			if len(batch) < page {
				return nil
			}
			return send()
		})
		if err == nil && len(batch) > 0 {
			err = send()
		}
		return err
	})
	return g.Wait()
}

// replay hands out the row of every stream of a source, in order of the streams. Events are read ahead, and streams
// folded on all processors.
func replay(ctx context.Context, store eventstore.Reader, s Source, row func(eventstore.ViewWrite) error) error {
	g, ctx := errgroup.WithContext(ctx)
	read := make(chan [][]eventstore.Event, 1)
	g.Go(func() error {
		defer close(read)
		return streams(ctx, store, s.Prefix, read)
	})
	g.Go(func() error {
		for whole := range read {
			rows := make([]eventstore.ViewWrite, len(whole))
			var fold errgroup.Group
			fold.SetLimit(runtime.GOMAXPROCS(0))
			for some := range slices.Chunk(rangeOf(len(whole)), 16) {
				fold.Go(func() (err error) {
					for _, i := range some {
						if rows[i], err = s.View(whole[i][0].Stream[len(s.Prefix):], whole[i]); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := fold.Wait(); err != nil {
				return err
			}
			for _, w := range rows {
				if err := row(w); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return g.Wait()
}

func rangeOf(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// heads hands out the heads of the streams with a prefix in order of their names.
type heads struct {
	store  eventstore.Reader
	prefix string
	after  string
	read   []eventstore.StreamHead
}

// check holds streams that were read, the next in order, against their heads; with last there must be no more. Returns
// Internal when events of one are missing.
func (h *heads) check(ctx context.Context, whole [][]eventstore.Event, last bool) error {
	for {
		if len(h.read) == 0 {
			var err error
			if h.read, err = h.store.Streams(ctx, h.prefix, h.after, page); err != nil {
				return err
			}
		}
		if len(h.read) == 0 || len(whole) == 0 && !last {
			return nil
		}
		head := h.read[0]
		ends := int64(0)
		if len(whole) > 0 && whole[0][0].Stream == head.Stream {
			ends = whole[0][len(whole[0])-1].Version
			whole = whole[1:]
		}
		if ends != head.Version {
			return vnfm.Errorf(vnfm.Internal, "stream %s ends at %d, not at %d", head.Stream, ends, head.Version)
		}
		h.read, h.after = h.read[1:], head.Stream
	}
}

// streams reads the streams with a prefix and hands out whole ones, many at a time.
func streams(ctx context.Context, store eventstore.Reader, prefix string, out chan<- [][]eventstore.Event) error {
	const limit = 4000
	h := heads{store: store, prefix: prefix}
	var after eventstore.StreamVersion
	var open []eventstore.Event // of the stream that may go on
	for {
		events, err := store.ReadAll(ctx, prefix, after, limit)
		if err != nil {
			return err
		}
		var whole [][]eventstore.Event
		for _, e := range events {
			if len(open) > 0 && open[0].Stream != e.Stream {
				whole, open = append(whole, open), nil
			}
			open = append(open, e)
		}
		last := len(events) < limit
		if last && len(open) > 0 {
			whole = append(whole, open)
		}
		if err := h.check(ctx, whole, last); err != nil {
			return err
		}
		if len(whole) > 0 {
			select {
			case out <- whole:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if last {
			return nil
		}
		after = eventstore.StreamVersion{Stream: open[0].Stream, Version: open[len(open)-1].Version}
	}
}

func views(ctx context.Context, store eventstore.Reader, kind string) (map[string]eventstore.View, error) {
	m := map[string]eventstore.View{}
	for after := ""; ; {
		rows, err := store.Views(ctx, eventstore.ViewQuery{Kind: kind, After: after, Limit: page})
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return m, nil
		}
		for _, v := range rows {
			m[v.ID] = v
			after = v.ID
		}
	}
}

// same compares rows; documents as JSON, because a database may have put them into another form.
func same(a, b eventstore.View) bool {
	if isShell(&a) {
		b = inForm(b)
	}
	return a.Revision == b.Revision && a.Parent == b.Parent && a.State == b.State && a.Name == b.Name && a.Attrs == b.Attrs &&
		a.Updated.Equal(b.Updated) && bytes.Equal(canonical(a.Doc), canonical(b.Doc))
}

func canonical(doc json.RawMessage) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return doc
	}
	return encode(v)
}
