package notify

import (
	"context"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// history gives the states that aggregates had at events of the log. It keeps the newest it was asked for, so that who
// follows the log has each event folded once. It is not safe for concurrent use.
type history struct {
	store     Store
	registry  *aggregate.Registry
	instances *readmodel.Instances
	opOccs    *readmodel.OpOccs

	vnfs map[string]seen // by stream
	ops  map[string]vnf.OpOcc
}

// seen is an instance as the events up to an offset of its lane left it.
type seen struct {
	vnf.Instance

	offset int64
}

// kept bounds the states kept of each kind; when there are more, all are dropped and read again as they are needed.
const kept = 4096

func newHistory(store Store) (*history, error) {
	r, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register events: %w", err)
	}
	return &history{
		store: store, registry: r, instances: readmodel.NewInstances(r, 1), opOccs: readmodel.NewOpOccs(r, 1),
		vnfs: map[string]seen{}, ops: map[string]vnf.OpOcc{},
	}, nil
}

// opOcc returns an operation occurrence before and after an event of it.
func (h *history) opOcc(ctx context.Context, e *eventstore.Event) (before, after vnf.OpOcc, err error) {
	before, ok := h.ops[e.Stream]
	if !ok || before.Version != e.Version-1 {
		var events []eventstore.Event
		if e.Version > 1 {
			if events, err = h.read(ctx, e.Stream, 0, e.Version-1); err != nil {
				return before, after, err
			}
		}
		st, err := h.opOccs.Fold(e.Stream, events)
		if err != nil {
			return before, after, err
		}
		before = st.Value
	}
	decoded, err := h.registry.Decode(*e)
	if err != nil {
		return before, after, err
	}
	fact, ok := decoded.(vnf.OpEvent)
	if !ok {
		return before, after, vnfm.Errorf(vnfm.Internal, "event %s in stream %s is no fact about an operation", e.Type, e.Stream)
	}
	after = before
	after.Apply(fact, e.Time)
	if len(h.ops) >= kept {
		clear(h.ops)
	}
	h.ops[e.Stream] = after
	if after.State.Final() {
		delete(h.ops, e.Stream) // hardly anything comes after it
	}
	return before, after, nil
}

// instance returns an instance as all its events up to an offset in its lane left it, and, when land is not empty, with
// the event after that by which the operation of this id landed: it is in the same commit as the end of the operation.
func (h *history) instance(ctx context.Context, id string, offset int64, land string) (*vnf.Instance, error) {
	stream := vnf.InstanceStream + id
	v := h.vnfs[stream]
	if v.offset > offset {
		v = seen{}
	}
	events, err := h.read(ctx, stream, v.Version, 0)
	if err != nil {
		return nil, err
	}
	if v.Version == 0 && len(events) == 0 {
		return nil, vnfm.Errorf(vnfm.Internal, "stream %s has no events", stream)
	}
	result, state := v.Instance, v.Instance
	for i := range events {
		decoded, err := h.registry.Decode(events[i])
		if err != nil {
			return nil, err
		}
		fact, ok := decoded.(vnf.InstanceEvent)
		if !ok {
			return nil, vnfm.Errorf(vnfm.Internal, "event %s in stream %s is no fact about an instance", events[i].Type, stream)
		}
		state.Apply(fact, events[i].Time)
		if events[i].Offset <= offset {
			v.Instance, result = state, state
		} else if e, ok := fact.(*vnf.InstanceInstantiated); land == "" || ok && e.OpID == land {
			if land != "" {
				result = state
			}
			break
		}
	}
	if len(h.vnfs) >= kept {
		clear(h.vnfs)
	}
	v.offset = offset
	h.vnfs[stream] = v
	return &result, nil
}

// read returns the events of a stream after a version, up to another (0: all).
func (h *history) read(ctx context.Context, stream string, after, upTo int64) ([]eventstore.Event, error) {
	const page = 500
	var out []eventstore.Event
	for upTo == 0 || after < upTo {
		limit := page
		if upTo > 0 {
			limit = int(min(page, upTo-after))
		}
		events, err := h.store.ReadStream(ctx, stream, after, limit)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		out = append(out, events...)
		if len(events) < limit {
			break
		}
		after = events[len(events)-1].Version
	}
	return out, nil
}
