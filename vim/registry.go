package vim

import (
	"context"

	"github.com/vnfm/vnfm"
)

// Registry resolves VIM connections. What it returns holds credentials and never leaves the process. Every call sees what is
// committed: a change needs no restart of anybody. Errors are NotFound, Unavailable when the registry cannot be read, and
// Internal when credentials cannot be opened.
type Registry interface {
	// Connection returns the connection that a VNF means by an id: what it has of its own over what is registered.
	// vnfID "" means no VNF's. NotFound when there is none.
	Connection(ctx context.Context, vnfID, id string) (Connection, error)
	// Default returns the id of the connection used when neither request nor grant names one; "" when there is none.
	Default(ctx context.Context) (string, error)
	// IDs lists the ids of all registered ones, in order; no credential is opened for it.
	IDs(ctx context.Context) ([]string, error)
	// Connections lists all registered ones, in order of id.
	Connections(ctx context.Context) ([]Connection, error)
	// Owned lists the connections that VNFs have of their own, each as Connection returns it.
	Owned(ctx context.Context) ([]Owned, error)
}

// Owned is a connection that one VNF has of its own, over a registered one or beside them.
type Owned struct {
	VnfID string
	Connection
}

// Fixed is a registry that never changes; the first connection is the default. VNFs have no connections of their own.
type Fixed []Connection

var _ Registry = Fixed{}

// Connection returns the one with an id, whatever the VNF.
func (f Fixed) Connection(_ context.Context, _, id string) (Connection, error) {
	for _, c := range f {
		if c.ID == id {
			return c, nil
		}
	}
	return Connection{}, vnfm.Errorf(vnfm.NotFound, "there is no VIM connection %q", id)
}

// Default returns the first one's id.
func (f Fixed) Default(context.Context) (string, error) {
	if len(f) == 0 {
		return "", nil
	}
	return f[0].ID, nil
}

// IDs returns the ids of all.
func (f Fixed) IDs(context.Context) ([]string, error) {
	ids := make([]string, len(f))
	for i, c := range f {
		ids[i] = c.ID
	}
	return ids, nil
}

// Connections returns all.
func (f Fixed) Connections(context.Context) ([]Connection, error) { return f, nil }

// Owned returns none.
func (Fixed) Owned(context.Context) ([]Owned, error) { return nil, nil }
