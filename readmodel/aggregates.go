package readmodel

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/vnf"
)

// Instances and OpOccs load the aggregates and add their events to commits.
type (
	Instances = aggregate.Repository[vnf.Instance]
	OpOccs    = aggregate.Repository[vnf.OpOcc]
)

// schema is the version of both states as JSON.
const schema = 3

// Forms returns every event of the domain, for a registry.
func Forms() []aggregate.Form {
	events := vnf.Events()
	forms := make([]aggregate.Form, 0, len(events))
	for _, e := range events {
		f := aggregate.Form{Type: e.Type, Schema: e.Schema, New: func() aggregate.Event { return e.New() }}
		for _, u := range e.Upcasts {
			f.Upcasts = append(f.Upcasts, u)
		}
		forms = append(forms, f)
	}
	return forms
}

// NewInstances returns the repository of VNF instances. The registry must know Forms. cache is how many bytes of
// events whose states are kept, 0 for the default.
func NewInstances(r *aggregate.Registry, cache int64) *Instances {
	return aggregate.NewRepository(aggregate.Config[vnf.Instance]{
		Prefix: vnf.InstanceStream, Registry: r, Schema: schema, Cache: cache,
		New: func(string) vnf.Instance { return vnf.Instance{} },
		Apply: func(v *vnf.Instance, e aggregate.Event, at time.Time) {
			if e, ok := e.(vnf.InstanceEvent); ok { // a stream holds no others
				v.Apply(e, at)
			}
		},
	})
}

// NewOpOccs returns the repository of operation occurrences. The registry must know Forms. cache is how many bytes of
// events whose states are kept, 0 for the default.
func NewOpOccs(r *aggregate.Registry, cache int64) *OpOccs {
	return aggregate.NewRepository(aggregate.Config[vnf.OpOcc]{
		Prefix: vnf.OpOccStream, Registry: r, Schema: schema, Cache: cache,
		New: func(string) vnf.OpOcc { return vnf.OpOcc{} },
		Apply: func(o *vnf.OpOcc, e aggregate.Event, at time.Time) {
			if e, ok := e.(vnf.OpEvent); ok {
				o.Apply(e, at)
			}
		},
	})
}

// InstanceView returns the row of an instance; one that deletes it when the instance is deleted. Of a large one it is a shell: read it through
// Live.
func InstanceView(v *vnf.Instance) eventstore.ViewWrite {
	w := eventstore.ViewWrite{Delete: v.Deleted, View: eventstore.View{
		Kind: KindVnf, ID: v.ID, Revision: v.Version, Parent: v.PackageID, State: string(v.State), Updated: v.Updated,
		Attrs: [eventstore.MaxAttrs]string{
			0: filter.Index(v.Name), columnComing: filter.Index(v.Coming), 3: filter.Index(v.ProductName), 4: filter.Index(v.SoftwareVersion),
			5: filter.Index(v.VnfdVersion), 6: filter.Index(v.VnfdID), 7: filter.Index(v.Provider),
		},
	}}
	if IsLarge(v) {
		w.Doc, w.Attrs[columnLarge] = shelled(v), isLarge
	} else {
		w.Doc = whole(v)
	}
	return w
}

// whole returns the whole document of an instance. What only later operations need is not in it: what is wanted of each resource, and the
// values of boot data.
func whole(v *vnf.Instance) json.RawMessage {
	shown := shownInstance(v)
	return encode(&shown)
}

// shownInstance is an instance without what only later operations need.
func shownInstance(v *vnf.Instance) vnf.Instance {
	shown := *v
	shown.Values = nil
	shown.Resources = slices.Clone(v.Resources)
	for i := range shown.Resources {
		r := &shown.Resources[i]
		r.Spec, r.Near, r.Members = nil, "", nil
	}
	return shown
}

// OpOccView returns the row of an operation occurrence.
func OpOccView(o *vnf.OpOcc) eventstore.ViewWrite {
	return eventstore.ViewWrite{View: eventstore.View{
		Kind: KindOpOcc, ID: o.ID, Revision: o.Version, Parent: o.VnfID, State: string(o.State), Updated: o.Updated,
		Doc:   encode(o),
		Attrs: [eventstore.MaxAttrs]string{string(o.Operation), filter.KeyOf(o.Started), filter.KeyOf(o.StateEntered)},
	}}
}

// encode marshals a state. Its raw parts were decoded from JSON, so it always marshals.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
