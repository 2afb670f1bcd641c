package lcm

import (
	"context"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vnf"
)

// CleaningUpError says that an instance is not deleted yet: what a failed operation left is being released first. It is a
// Conflict; the same request is possible when Saga has ended.
type CleaningUpError struct {
	ID   string // of the instance
	Saga string
}

// Error says what to do.
func (e *CleaningUpError) Error() string {
	return fmt.Sprintf("what a failed operation left of the VNF instance %s is being released (saga %s): delete it again when that has ended", e.ID, e.Saga)
}

// Unwrap returns the error as a Conflict.
func (e *CleaningUpError) Unwrap() error { return vnfm.Errorf(vnfm.Conflict, "%s", e.Error()) }

// DeleteVnf implements API. An instance of which a failed operation left resources begins to release them, in one commit with the
// refusal's cause; a cleanup that runs is not begun again.
func (s *Service) DeleteVnf(ctx context.Context, id string, by request.Info) error {
	var cleaning *CleaningUpError
	saga := s.cfg.NewID()
	err := s.do(ctx, &eventstore.Work{
		Keys: []string{id},
		Load: func() eventstore.Load {
			return s.load(saga, id).Merge(eventstore.Load{Records: []eventstore.RecordRef{s.cfg.Connections.OwnRow(id), vault.Row(id)}})
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			cleaning = nil
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
			if !s.cfg.Settings.KeepLeftovers && v.Uncleaned() {
				cleaning = &CleaningUpError{ID: id, Saga: v.Cleanup}
				if v.Cleanup != "" {
					return nil, nil
				}
				cleaning.Saga, x.meta.CorrelationID = saga, saga
				return x.c, x.cleanUp(v, id, saga, by)
			}
			if err := x.onInstance(v, id, vnf.DeleteInstance{}); err != nil {
				return nil, err
			}
			for _, ref := range []eventstore.RecordRef{s.cfg.Connections.OwnRow(id), vault.Row(id)} { // its secrets go with it
				if row := l.Records[ref]; row != nil {
					x.c.Records = append(x.c.Records, eventstore.RecordWrite{Record: *row, Expected: row.Version, Delete: true})
				}
			}
			x.c.Unsnapped = append(x.c.Unsnapped, vnf.InstanceStream+id) // nothing grows on it any more
			x.c.Idempotency = by.Idempotency(nil)
			return x.c, nil
		},
	})
	if err == nil && cleaning != nil {
		return cleaning
	}
	return err
}
