package lcm

import (
	"context"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vnf"
)

// DeleteVnf implements API.
func (s *Service) DeleteVnf(ctx context.Context, id string, by request.Info) error {
	return s.do(ctx, &eventstore.Work{
		Keys: []string{id},
		Load: func() eventstore.Load {
			return s.cfg.Instances.Load(id).Merge(eventstore.Load{Records: []eventstore.RecordRef{s.cfg.Connections.OwnRow(id), vault.Row(id)}})
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: by.Metadata("lcm.delete", "")}
			v, err := x.instance(id)
			if err != nil {
				return nil, err
			}
			if v.Version > 0 && !v.Deleted {
				if err := by.Check(v.Version); err != nil {
					return nil, err
				}
			}
			if err := x.onInstance(v, id, vnf.DeleteInstance{}); err != nil {
				return nil, err
			}
			for _, ref := range []eventstore.RecordRef{s.cfg.Connections.OwnRow(id), vault.Row(id)} { // its secrets go with it
				if row := l.Records[ref]; row != nil {
					x.c.Records = append(x.c.Records, eventstore.RecordWrite{Record: *row, Expected: row.Version, Delete: true})
				}
			}
			x.c.Idempotency = by.Idempotency(nil)
			return x.c, nil
		},
	})
}
