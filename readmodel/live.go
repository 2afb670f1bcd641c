package readmodel

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/vnf"
)

// Live shows readers the views as they are meant: the row of an operation that has not ended shows its last milestone
// (vnf.Milestone), and what has happened since is folded over it from its stream; the row of a large instance is a shell (Large), and is folded
// whole, and so is that of a snapshot of one, when it is loaded by its id. Everything else is read as it is stored.
type Live struct {
	eventstore.Reader // of what is stored
	// OpOccs and Instances fold; their caches make following an operation, and reading a large instance again, cost what is new.
	OpOccs    *OpOccs
	Instances *Instances
}

var unfinished = []string{string(vnf.Starting), string(vnf.Processing), string(vnf.FailedTemp), string(vnf.RollingBack)}

// Load reads as the store does, with the views folded.
func (v Live) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	loaded, err := v.Reader.Load(ctx, l)
	if err != nil {
		return nil, err //nolint:wrapcheck // the store's own
	}
	var rows []*eventstore.View
	for _, ref := range l.Views {
		if row := loaded.Views[ref]; row != nil {
			rows = append(rows, row)
		}
	}
	return loaded, v.fold(ctx, rows)
}

// settled reports whether a row is as it is meant.
func settled(r *eventstore.View) bool {
	return !isShell(r) && (r.Kind != KindOpOcc || !slices.Contains(unfinished, r.State))
}

// fold puts the present state of operations that have not ended in place of their last milestone, and that of large instances in place
// of their shells.
func (v Live) fold(ctx context.Context, rows []*eventstore.View) error {
	rows = slices.DeleteFunc(rows, settled)
	if len(rows) == 0 {
		return nil
	}
	var l eventstore.Load
	for _, r := range rows {
		switch r.Kind {
		case KindOpOcc:
			l = l.Merge(v.OpOccs.Load(r.ID))
		case KindVnf:
			l = l.Merge(v.Instances.Load(r.ID))
		}
	}
	loaded, err := v.Reader.Load(ctx, l)
	if err != nil {
		return err //nolint:wrapcheck // the store's own
	}
	for _, r := range rows {
		switch r.Kind {
		case KindOpOcc:
			err = v.foldOpOcc(loaded, r)
		case KindVnf:
			err = v.foldInstance(loaded, r)
		case KindSnapshot:
			err = v.foldSnapshot(ctx, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v Live) foldOpOcc(l *eventstore.Loaded, r *eventstore.View) error {
	s, err := v.OpOccs.Read(l, &eventstore.Commit{}, r.ID)
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	if s.Version > r.Revision {
		*r = OpOccView(&s.Value).View
	}
	return nil
}

func (v Live) foldInstance(l *eventstore.Loaded, r *eventstore.View) error {
	s, err := v.Instances.Read(l, &eventstore.Commit{}, r.ID)
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	*r = InstanceView(&s.Value).View
	if isShell(r) {
		r.Doc = whole(&s.Value)
	}
	return nil
}

// foldSnapshot puts the instance into a snapshot of a large one. What it was does not change, so that it need not be of the moment of the row.
func (v Live) foldSnapshot(ctx context.Context, r *eventstore.View) error {
	var s vnf.Snapshot
	err := json.Unmarshal(r.Doc, &s)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "decode the snapshot %s", r.ID)
	}
	if s.Vnf, err = AtSnapshot(ctx, v.Reader, v.Instances, &s); err != nil {
		return err
	}
	*r = SnapshotView(&s).View
	return nil
}

// Views lists as the store does. What is folded is matched by what it is by now, not by what its row shows: a term over what a row keeps in
// columns is as good for both, others are tried on the folded document.
func (v Live) Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	if q.Kind != KindOpOcc && q.Kind != KindVnf || onlyColumns(q) {
		return v.views(ctx, q)
	}
	out, err := v.settled(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, of := range folded(q) {
		found, err := v.matching(ctx, q.Where, of)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b eventstore.View) int { return q.Compare(&a, &b) })
	return out[:min(len(out), limit(q))], nil
}

func limit(q eventstore.ViewQuery) int { return cmp.Or(q.Limit, 1000) }

// settled lists the rows that are as they are meant.
func (v Live) settled(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	q.Docs = false
	var out []eventstore.View
	for {
		rows, err := v.Reader.Views(ctx, q)
		if err != nil {
			return nil, err //nolint:wrapcheck // the store's own
		}
		for _, r := range rows {
			q = q.Behind(&r)
			if settled(&r) {
				out = append(out, r)
			}
		}
		if len(rows) < limit(q) || len(out) >= limit(q) {
			return out, nil
		}
	}
}

// folded are the queries for the rows that are folded, as far as columns tell which of them a query is about.
func folded(q eventstore.ViewQuery) (out []eventstore.ViewQuery) {
	if q.Kind == KindVnf {
		return []eventstore.ViewQuery{shells(q)}
	}
	q.Where = slices.DeleteFunc(slices.Clone(q.Where), func(t filter.Term) bool {
		_, ok := q.Columns[t.Attribute()]
		return !ok
	})
	for _, state := range unfinished {
		if q.State == "" || q.State == state {
			of := q
			of.State = state
			out = append(out, of)
		}
	}
	return out
}

// matching lists what a query finds and matches as it is by now.
func (v Live) matching(ctx context.Context, where filter.Filter, of eventstore.ViewQuery) ([]eventstore.View, error) {
	of.Brief = false // the filter is for whole documents
	var out []eventstore.View
	for {
		rows, err := v.views(ctx, of)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			of = of.Behind(&r)
			if where.Match(r.Doc) && len(out) < limit(of) {
				out = append(out, r)
			}
		}
		if len(rows) < limit(of) || len(out) >= limit(of) {
			return out, nil
		}
	}
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
	q.Docs = q.Docs && q.Kind != KindOpOcc // the state tells whether it is folded
	rows, err := v.Reader.Views(ctx, q)
	if err != nil || q.Brief {
		return rows, err //nolint:wrapcheck // the store's own
	}
	refs := make([]*eventstore.View, len(rows))
	for i := range rows {
		rows[i].Kind = q.Kind
		refs[i] = &rows[i]
	}
	return rows, v.fold(ctx, refs)
}
