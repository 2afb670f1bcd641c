package readmodel

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vnf"
)

// Reader is what the queries need of a store.
type Reader interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error)
}

// Instance returns one VNF instance; NotFound when there is none.
func Instance(ctx context.Context, r Reader, id string) (*vnf.Instance, error) {
	v := &vnf.Instance{}
	return v, get(ctx, r, KindVnf, id, v)
}

// OpOcc returns one operation occurrence; NotFound when there is none.
func OpOcc(ctx context.Context, r Reader, id string) (*vnf.OpOcc, error) {
	o := &vnf.OpOcc{}
	return o, get(ctx, r, KindOpOcc, id, o)
}

func get(ctx context.Context, r Reader, kind, id string, into any) error {
	ref := eventstore.ViewRef{Kind: kind, ID: id}
	l, err := r.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return err
	}
	v := l.Views[ref]
	if v == nil {
		return vnfm.Errorf(vnfm.NotFound, "there is no %s %s", kind, id)
	}
	return decode(*v, into)
}

// Wanted returns what the records know of the resources of VNFs, each by planned id and generation: the instance holds it, or an
// operation that has not ended may have asked for it. All VNFs are read at once.
func Wanted(ctx context.Context, r Reader, vnfIDs []string) (map[string]func(resource string, generation int) bool, error) {
	var load eventstore.Load
	for _, id := range vnfIDs {
		load.Views = append(load.Views, eventstore.ViewRef{Kind: KindVnf, ID: id})
	}
	l, err := r.Load(ctx, load)
	if err != nil {
		return nil, err
	}
	out := map[string]func(string, int) bool{}
	for _, ref := range load.Views {
		v := &vnf.Instance{} // of one that is not there nothing is known
		if row := l.Views[ref]; row != nil {
			if err := decode(*row, v); err != nil {
				return nil, err
			}
		}
		type token struct {
			id         string
			generation int
		}
		busy, held := v.Operation != "", map[token]bool{} // of one resource more than one may stand: what it is, and what is left over of it
		for _, r := range v.Held() {
			held[token{r.ID, r.Generation}] = true
		}
		out[ref.ID] = func(resource string, generation int) bool {
			return busy || held[token{resource, generation}]
		}
	}
	return out, nil
}

// ListInstances returns VNF instances in order of id. The query's kind is set by it.
func ListInstances(ctx context.Context, r Reader, q eventstore.ViewQuery) ([]vnf.Instance, error) {
	q.Kind = KindVnf
	return list[vnf.Instance](ctx, r, q)
}

// ListOpOccs returns operation occurrences in order of id. The query's kind is set by it; Parent selects those of one VNF.
func ListOpOccs(ctx context.Context, r Reader, q eventstore.ViewQuery) ([]vnf.OpOcc, error) {
	q.Kind = KindOpOcc
	return list[vnf.OpOcc](ctx, r, q)
}

func list[T any](ctx context.Context, r Reader, q eventstore.ViewQuery) ([]T, error) {
	views, err := r.Views(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(views))
	for i, v := range views {
		if err := decode(v, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decode(v eventstore.View, into any) error {
	if err := json.Unmarshal(v.Doc, into); err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "view %s %s", v.Kind, v.ID)
	}
	return nil
}

// InstancesAt returns the ids of the VNF instances that hold resources at a VIM connection, leftovers included. It looks
// at every instance.
func InstancesAt(ctx context.Context, r Reader, connection string) ([]string, error) {
	quoted := encode(connection)
	var out []string
	for q := (eventstore.ViewQuery{Kind: KindVnf, Limit: page}); ; {
		rows, err := r.Views(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			q.After = row.ID
			if !bytes.Contains(row.Doc, quoted) {
				continue
			}
			var v vnf.Instance
			if err := decode(row, &v); err != nil {
				return nil, err
			}
			if slices.ContainsFunc(v.Held(), func(x vnf.Resource) bool { return x.Connection == connection }) {
				out = append(out, v.ID)
			}
		}
		if len(rows) < q.Limit {
			return out, nil
		}
	}
}
