package management

import "github.com/vnfm/vnfm/aggregate"

// Registered is the first event of a connection, and the first after its deletion when the id is used again.
type Registered struct {
	ID     string  `json:"id"`
	Public Details `json:"connection"` // credentials masked
}

// Changed records what a connection is now. Credentials tells that they are others than before.
type Changed struct {
	Public      Details `json:"connection"`
	Credentials bool    `json:"credentials,omitempty"`
}

// Deleted records that the connection is gone, with its credentials.
type Deleted struct{}

// EventType returns "management.registered".
func (*Registered) EventType() string { return "management.registered" }

// EventType returns "management.changed".
func (*Changed) EventType() string { return "management.changed" }

// EventType returns "management.deleted".
func (*Deleted) EventType() string { return "management.deleted" }

// Forms returns every event of management connections, for a registry.
func Forms() []aggregate.Form {
	var forms []aggregate.Form
	for _, n := range []func() aggregate.Event{
		func() aggregate.Event { return new(Registered) },
		func() aggregate.Event { return new(Changed) },
		func() aggregate.Event { return new(Deleted) },
	} {
		forms = append(forms, aggregate.Form{Type: n().EventType(), Schema: 1, New: n})
	}
	return forms
}
