package management

import (
	"context"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vnf"
)

// Subject is the VNF that somebody is to be asked about.
type Subject struct{ VnfID, VnfdID, Provider, Product string }

// Endpoint returns whom to call about a VNF by an interface: through the connection that is named, where it serves the interface,
// else the one that fits most closely, of equals that with the smallest id. An endpoint type narrows the choice; without one the VNF
// itself comes before its element manager. nil: nobody. Returns Unprocessable for a name that is not registered.
func (s *Service) Endpoint(ctx context.Context, v *vnf.Instance, name, endpoint, named string) (*configuration.Endpoint, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	if named != "" && !slices.ContainsFunc(all, func(c Connection) bool { return c.ID == named }) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "there is no management connection %q", named)
	}
	of := Subject{VnfID: v.ID, VnfdID: v.VnfdID, Provider: v.Provider, Product: v.ProductName}
	var best *Connection
	rank := -1
	for i := range all {
		c := &all[i]
		r := c.For.fits(&of)
		if c.ID == named {
			r = closest
		}
		if r < 0 || !c.Serves(name) || endpoint != "" && c.Endpoint != endpoint {
			continue
		}
		if r > rank || r == rank && best.Endpoint == Mgmt && c.Endpoint == VNF {
			best, rank = c, r
		}
	}
	if best == nil {
		return nil, nil //nolint:nilnil // said above
	}
	return &configuration.Endpoint{Connection: best.ID, Type: best.Endpoint, Cpd: best.Cpd()}, nil
}

// closest is before everything that fits.
const closest = 1 << 10

// Open returns a connection with its credentials, for a call. Returns NotFound, Conflict when it is disabled, Unavailable when it
// cannot be read now, and Internal when it cannot be opened.
func (s *Service) Open(ctx context.Context, id string) (*Details, error) {
	l, err := s.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref(id)}})
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the management connection %s cannot be read", id)
	}
	row := l.Records[ref(id)]
	if row == nil {
		return nil, notFound(id)
	}
	d, err := s.open(row, id)
	if err == nil && !d.Enabled {
		return nil, vnfm.Errorf(vnfm.Conflict, "The management connection %s is disabled.", id)
	}
	return d, err
}
