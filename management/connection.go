package management

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
)

// StreamPrefix begins the name of every connection's stream.
const StreamPrefix = "mgmt-"

// Connection is the state of a connection, and the document of its view. It has no credentials.
type Connection struct {
	ID string `json:"id"`
	Details
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
		*c = Connection{ID: e.ID, Details: e.Public, Created: at, Updated: at, Version: c.Version}
	case *Changed:
		c.Details = e.Public
	case *Deleted:
		c.Deleted = true
	}
}

// Repository returns a repository of connections over a registry that has Forms.
func Repository(r *aggregate.Registry) *aggregate.Repository[Connection] {
	return aggregate.NewRepository(aggregate.Config[Connection]{
		Prefix: StreamPrefix, Registry: r, New: func(id string) Connection { return Connection{ID: id} }, Apply: Apply, Schema: 1,
	})
}

// Source says how the streams of connections become views, for a rebuild.
func Source(r *aggregate.Repository[Connection]) readmodel.Source {
	return readmodel.Source{Kind: readmodel.KindManagement, Prefix: StreamPrefix, View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
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
		Kind: readmodel.KindManagement, ID: c.ID, Revision: c.Version, State: "ENABLED", Updated: c.Updated,
	}}
	if !c.Enabled {
		w.State = "DISABLED"
	}
	doc, err := json.Marshal(c)
	if err != nil {
		return w, vnfm.Wrap(vnfm.Internal, err, "encode the view of management connection %s", c.ID)
	}
	w.Doc = doc
	return w, nil
}

func itoa(i int) string { return strconv.Itoa(i) }
