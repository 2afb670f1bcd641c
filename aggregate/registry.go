// Package aggregate is the typed layer over streams: it encodes events, decodes them in any form ever written, folds
// them into state and adds new ones to a commit.
//
// It owns the event registry with its upcasters, snapshots, and a cache that only shortens what must be read: the
// version in the commit decides, never the cache. It must not know any aggregate, database or clock.
package aggregate

import (
	"encoding/json"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Event is a fact. Its Go form is the present one.
type Event interface {
	// EventType returns the wire name, without a version ("vnf.operation-failed").
	EventType() string
}

// Form describes one type of event.
type Form struct {
	Type   string
	Schema int          // version of the present form, from 1
	New    func() Event // returns a pointer to decode into
	// Upcasts turn the payload of schema i+1 into that of i+2; there are Schema-1 of them.
	Upcasts []Upcast
}

// Upcast turns an older form of an event's payload into the next one.
type Upcast func(data json.RawMessage) (json.RawMessage, error)

// Registry knows every type of event.
type Registry struct{ forms map[string]Form }

// NewRegistry returns a registry. Returns Internal when a type is given twice or an upcast is missing.
func NewRegistry(forms ...Form) (*Registry, error) {
	r := &Registry{forms: make(map[string]Form, len(forms))}
	for _, f := range forms {
		if _, ok := r.forms[f.Type]; ok || f.Type == "" {
			return nil, vnfm.Errorf(vnfm.Internal, "event type %q is registered twice or has no name", f.Type)
		}
		if f.Schema < 1 || len(f.Upcasts) != f.Schema-1 {
			return nil, vnfm.Errorf(vnfm.Internal, "event type %s: schema %d needs %d upcasts, not %d", f.Type, f.Schema,
				f.Schema-1, len(f.Upcasts))
		}
		r.forms[f.Type] = f
	}
	return r, nil
}

// Types returns the form of every type known, by name.
func (r *Registry) Types() map[string]Form { return r.forms }

// Encode returns an event as it is stored, without an id. Returns Internal for a type that is not registered.
func (r *Registry) Encode(e Event, meta eventstore.Metadata) (eventstore.Event, error) {
	f, ok := r.forms[e.EventType()]
	if !ok {
		return eventstore.Event{}, vnfm.Errorf(vnfm.Internal, "event type %s is not registered", e.EventType())
	}
	data, err := json.Marshal(e)
	if err != nil {
		return eventstore.Event{}, vnfm.Wrap(vnfm.Internal, err, "encode event %s", f.Type)
	}
	m, err := json.Marshal(meta)
	if err != nil {
		return eventstore.Event{}, vnfm.Wrap(vnfm.Internal, err, "encode metadata of event %s", f.Type)
	}
	return eventstore.Event{Type: f.Type, Schema: f.Schema, Meta: m, Data: data}, nil
}

// Decode returns a stored event in its present form. Returns vnfm.ErrUnknownVersion for a type that is not registered and
// for a schema newer than this program knows: a newer program wrote them.
func (r *Registry) Decode(e eventstore.Event) (Event, error) {
	f, ok := r.forms[e.Type]
	if !ok {
		return nil, vnfm.UnknownVersion("event %s is of type %s", e.ID, e.Type)
	}
	if e.Schema > f.Schema {
		return nil, vnfm.UnknownVersion("event %s is of schema %d of %s", e.ID, e.Schema, e.Type)
	}
	if e.Schema < 1 {
		return nil, vnfm.Errorf(vnfm.Internal, "event %s: there is no schema %d of %s", e.ID, e.Schema, e.Type)
	}
	data := e.Data
	for s := e.Schema; s < f.Schema; s++ {
		var err error
		if data, err = f.Upcasts[s-1](data); err != nil {
			return nil, vnfm.Wrap(vnfm.Internal, err, "event %s: upcast %s from schema %d", e.ID, e.Type, s)
		}
	}
	event := f.New()
	if err := json.Unmarshal(data, event); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode event %s (%s)", e.ID, e.Type)
	}
	return event, nil
}
