package vimregistry

import (
	"encoding/json"

	"github.com/vnfm/vnfm/aggregate"
)

// Public is what anybody may read of a connection: every value of accessInfo, and whatever has a telling name, is masked.
type Public struct {
	VimID         string                     `json:"vimId,omitempty"`
	Type          string                     `json:"vimType"`
	InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo,omitempty"`
	AccessInfo    map[string]json.RawMessage `json:"accessInfo,omitempty"`
	Extra         map[string]json.RawMessage `json:"extra,omitempty"`
}

// Registered is the first event of a connection, and the first after its deletion when the id is used again.
type Registered struct {
	ID       string `json:"id"`
	Public   Public `json:"connection"`
	Disabled bool   `json:"disabled,omitempty"`
}

// Changed records what a connection is now. Credentials tells that they are others than before.
type Changed struct {
	Public      Public `json:"connection"`
	Credentials bool   `json:"credentials,omitempty"`
}

// MadeDefault records that operations use the connection when nobody names one.
type MadeDefault struct{}

// DefaultEnded records that another connection is the default, or none.
type DefaultEnded struct{}

// Enabled records that resources may be created through the connection again.
type Enabled struct{}

// Disabled records that nothing new is created through the connection. What is there can still be released.
type Disabled struct{}

// Deleted records that the connection is gone, with its credentials.
type Deleted struct{}

// EventType returns "vim.registered".
func (*Registered) EventType() string { return "vim.registered" }

// EventType returns "vim.changed".
func (*Changed) EventType() string { return "vim.changed" }

// EventType returns "vim.made-default".
func (*MadeDefault) EventType() string { return "vim.made-default" }

// EventType returns "vim.default-ended".
func (*DefaultEnded) EventType() string { return "vim.default-ended" }

// EventType returns "vim.enabled".
func (*Enabled) EventType() string { return "vim.enabled" }

// EventType returns "vim.disabled".
func (*Disabled) EventType() string { return "vim.disabled" }

// EventType returns "vim.deleted".
func (*Deleted) EventType() string { return "vim.deleted" }

// Forms returns every event of VIM connections, for a registry.
func Forms() []aggregate.Form {
	var forms []aggregate.Form
	for _, n := range []func() aggregate.Event{
		func() aggregate.Event { return new(Registered) },
		func() aggregate.Event { return new(Changed) },
		func() aggregate.Event { return new(MadeDefault) },
		func() aggregate.Event { return new(DefaultEnded) },
		func() aggregate.Event { return new(Enabled) },
		func() aggregate.Event { return new(Disabled) },
		func() aggregate.Event { return new(Deleted) },
	} {
		forms = append(forms, aggregate.Form{Type: n().EventType(), Schema: 1, New: n})
	}
	return forms
}
