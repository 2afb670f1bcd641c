package lcm

import (
	"context"
	"errors"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
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
