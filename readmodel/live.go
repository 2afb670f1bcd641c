package readmodel

import (
	"cmp"
	"context"
	"slices"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/vnf"
)

// Live shows readers the views as they are meant: the row of an operation that has not ended shows its last milestone
// (vnf.Milestone), and what has happened since is folded over it from its stream. Everything else is read as it is stored.
type Live struct {
	eventstore.Reader // of what is stored
	// OpOccs folds; its cache makes following an operation cost what is new.
	OpOccs *OpOccs
}

var unfinished = []string{string(vnf.Starting), string(vnf.Processing), string(vnf.FailedTemp), string(vnf.RollingBack)}

// Load reads as the store does, with the views of operations folded.
func (v Live) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	loaded, err := v.Reader.Load(ctx, l)
	if err != nil {
		return nil, err //nolint:wrapcheck // the store's own
	}
	var rows []*eventstore.View
	for _, ref := range l.Views {
		if row := loaded.Views[ref]; row != nil && ref.Kind == KindOpOcc {
			rows = append(rows, row)
		}
	}
	return loaded, v.fold(ctx, rows)
}

// fold puts the present state of operations that have not ended in place of their last milestone.
func (v Live) fold(ctx context.Context, rows []*eventstore.View) error {
	rows = slices.DeleteFunc(rows, func(r *eventstore.View) bool { return !slices.Contains(unfinished, r.State) })
	if len(rows) == 0 {
		return nil
	}
	var l eventstore.Load
	for _, r := range rows {
		l = l.Merge(v.OpOccs.Load(r.ID))
	}
	loaded, err := v.Reader.Load(ctx, l)
	if err != nil {
		return err //nolint:wrapcheck // the store's own
	}
	for _, r := range rows {
		s, err := v.OpOccs.Read(loaded, &eventstore.Commit{}, r.ID)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if s.Version > r.Revision {
			*r = OpOccView(&s.Value).View
		}
	}
	return nil
}

// Views lists as the store does. Operations that have not ended are matched by what they are by now, not by their last
// milestone: a term over what a row keeps in columns is as good for both, others are tried on the folded document.
func (v Live) Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	if q.Kind != KindOpOcc || onlyColumns(q) {
		return v.views(ctx, q)
	}
	ended, err := v.ended(ctx, q)
	if err != nil {
		return nil, err
	}
	live, err := v.matching(ctx, q)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(ended, live)
	slices.SortFunc(all, func(a, b eventstore.View) int { return q.Compare(&a, &b) })
	return all[:min(len(all), limit(q))], nil
}

func limit(q eventstore.ViewQuery) int { return cmp.Or(q.Limit, 1000) }

// ended lists what has ended: its rows are as they are meant.
func (v Live) ended(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	var out []eventstore.View
	for {
		rows, err := v.Reader.Views(ctx, q)
		if err != nil {
			return nil, err //nolint:wrapcheck // the store's own
		}
		for _, r := range rows {
			q = q.Behind(&r)
			if !slices.Contains(unfinished, r.State) {
				out = append(out, r)
			}
		}
		if len(rows) < limit(q) || len(out) >= limit(q) {
			return out, nil
		}
	}
}

// matching lists what has not ended and matches as it is by now. The rows' columns narrow the search.
func (v Live) matching(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	where := q.Where
	q.Where = slices.DeleteFunc(slices.Clone(where), func(t filter.Term) bool {
		_, ok := q.Columns[t.Attribute()]
		return !ok
	})
	var out []eventstore.View
	for _, state := range unfinished {
		if q.State != "" && q.State != state {
			continue
		}
		of, found := q, 0
		of.State = state
		for {
			rows, err := v.views(ctx, of)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				of = of.Behind(&r)
				if where.Match(r.Doc) && found < limit(q) {
					out = append(out, r)
					found++
				}
			}
			if len(rows) < limit(of) || found >= limit(q) {
				break
			}
		}
	}
	return out, nil
}

func onlyColumns(q eventstore.ViewQuery) bool {
	for _, t := range q.Where {
		if _, ok := q.Columns[t.Attribute()]; !ok {
			return false
		}
	}
	return true
}

// views lists rows and folds them.
func (v Live) views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	rows, err := v.Reader.Views(ctx, q)
	if err != nil {
		return nil, err //nolint:wrapcheck // the store's own
	}
	refs := make([]*eventstore.View, len(rows))
	for i := range rows {
		refs[i] = &rows[i]
	}
	return rows, v.fold(ctx, refs)
}
