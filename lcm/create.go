package lcm

import (
	"context"
	"errors"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vnf"
)

// CreateVnf implements API.
func (s *Service) CreateVnf(ctx context.Context, r CreateVnf, by request.Info) (*vnf.Instance, error) {
	id := s.cfg.NewID()
	var err error
	for range 3 { // a package that changed meanwhile is looked at again
		var v *vnf.Instance
		if v, err = s.create(ctx, id, r, by); !errors.Is(err, eventstore.ErrVersion) {
			return v, err
		}
	}
	return nil, vnfm.Wrap(vnfm.Conflict, err, "the package of %s is being changed: send the request again", r.VnfdID)
}

func (s *Service) create(ctx context.Context, id string, r CreateVnf, by request.Info) (*vnf.Instance, error) {
	pkg, err := s.cfg.Packages.Enabled(ctx, r.VnfdID)
	if err != nil {
		return nil, enabledError(err, r.VnfdID)
	}
	d, err := s.cfg.Packages.Descriptor(ctx, pkg.Digest)
	if err != nil {
		return nil, err
	}
	var made *vnf.Instance
	err = s.do(ctx, &eventstore.Work{
		Keys: []string{id}, Shared: []string{pkg.ID},
		Load: func() eventstore.Load { return s.cfg.Instances.Load(id).Merge(s.loadSecrets(id)) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			if pkg.Stream != "" {
				c.Expect = []eventstore.StreamVersion{{Stream: pkg.Stream, Version: pkg.Version}}
			}
			x := &change{s: s, l: l, c: c, meta: by.Metadata("lcm.create", "")}
			v, err := x.instance(id)
			if err != nil {
				return nil, err
			}
			k, err := x.secrets(id)
			if err != nil {
				return nil, err
			}
			err = x.onInstance(v, id, vnf.CreateInstance{
				ID: id, Name: r.Name, Description: r.Description, PackageID: pkg.ID, Digest: pkg.Digest, Descriptor: k.initial(d), Metadata: r.Metadata,
			})
			if err != nil {
				return nil, err
			}
			k.keep(x, all(v.Extensions), all(v.Configurable))
			made = v
			c.Idempotency = by.Idempotency(v)
			return c, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// enabledError is the error of a vnfdId without a usable package.
func enabledError(err error, vnfdID string) error {
	if vnfm.KindOf(err) == vnfm.NotFound {
		return vnfm.Errorf(vnfm.Unprocessable, "there is no onboarded and enabled package of the VNFD %q", vnfdID).At("/vnfdId")
	}
	return err
}

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
