package vimregistry

import (
	"encoding/json"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
)

// StreamPrefix begins the name of every connection's stream.
const StreamPrefix = "vim-"

// Connection is the state of a registered connection, and the document of its view. It has no credentials.
type Connection struct {
	ID string `json:"id"` // vimConnectionId
	Public
	// Default: operations use it when nobody names one. Of several the one made so last is it.
	Default bool      `json:"default"`
	Since   time.Time `json:"defaultSince,omitzero"`
	Enabled bool      `json:"enabled"`
	// BuiltIn connections come with the program and cannot be changed.
	BuiltIn bool      `json:"builtIn,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Updated time.Time `json:"updated,omitzero"`
	Deleted bool      `json:"deleted,omitempty"`
	Version int64     `json:"version"` // of the stream
}

// exists reports whether the connection is registered.
func (c *Connection) exists() bool { return c.Version > 0 && !c.Deleted }

// Apply changes the state by one event.
func Apply(c *Connection, event aggregate.Event, at time.Time) {
	c.Version, c.Updated = c.Version+1, at
	switch e := event.(type) {
	case *Registered:
		*c = Connection{ID: e.ID, Public: e.Public, Enabled: !e.Disabled, Created: at, Updated: at, Version: c.Version}
	case *Changed:
		c.Public = e.Public
	case *MadeDefault:
		c.Default, c.Since = true, at
	case *DefaultEnded:
		c.Default, c.Since = false, time.Time{}
	case *Enabled:
		c.Enabled = true
	case *Disabled:
		c.Enabled = false
	case *Deleted:
		c.Deleted = true
	}
}

// register returns the events of a new connection.
func (c *Connection) register(id string, w wanted, is Public) ([]aggregate.Event, error) {
	if c.exists() {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VIM connection %s exists: change it by PATCH, or choose another id.", id).At("/id")
	}
	events := []aggregate.Event{&Registered{ID: id, Public: is, Disabled: !w.Enabled}}
	if w.Default {
		events = append(events, &MadeDefault{})
	}
	return events, nil
}

// change returns the events that lead to what is wanted, none when it is so already. sealed says that what is sealed is
// another than before.
func (c *Connection) change(w wanted, is Public, sealed bool) []aggregate.Event {
	var events []aggregate.Event
	if sealed {
		events = append(events, &Changed{Public: is, Credentials: same(is, c.Public)})
	}
	switch {
	case w.Enabled && !c.Enabled:
		events = append(events, &Enabled{})
	case !w.Enabled && c.Enabled:
		events = append(events, &Disabled{})
	}
	switch {
	case w.Default && !c.Default:
		events = append(events, &MadeDefault{})
	case !w.Default && c.Default:
		events = append(events, &DefaultEnded{})
	}
	return events
}

// same reports whether what anybody may read has stayed the same, so that only credentials have changed.
func same(a, b Public) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Repository returns a repository of connections over a registry that has Forms.
func Repository(r *aggregate.Registry) *aggregate.Repository[Connection] {
	return aggregate.NewRepository(aggregate.Config[Connection]{
		Prefix: StreamPrefix, Registry: r, New: func(id string) Connection { return Connection{ID: id} }, Apply: Apply, Schema: 1,
	})
}

// Source says how the streams of connections become views, for a rebuild.
func Source(r *aggregate.Repository[Connection]) readmodel.Source {
	return readmodel.Source{Kind: readmodel.KindVim, Prefix: StreamPrefix, View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
		s, err := r.Fold(id, events)
		if err != nil {
			return eventstore.ViewWrite{}, err
		}
		return view(&s.Value)
	}}
}

// view returns the row of a connection; a deleted one has none.
func view(c *Connection) (eventstore.ViewWrite, error) {
	w := eventstore.ViewWrite{Delete: c.Deleted, View: eventstore.View{
		Kind: readmodel.KindVim, ID: c.ID, Revision: c.Version, State: "ENABLED", Updated: c.Updated,
	}}
	if !c.Enabled {
		w.State = "DISABLED"
	}
	doc, err := json.Marshal(c)
	if err != nil {
		return w, vnfm.Wrap(vnfm.Internal, err, "encode the view of VIM connection %s", c.ID)
	}
	w.Doc = doc
	return w, nil
}
