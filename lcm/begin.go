package lcm

import (
	"context"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// also is what the commit that begins an operation needs beside the instance: more to load, and what else it uses and does
// not change.
type also struct {
	load   eventstore.Load
	shared []string
}

// begin is the way every operation begins: read the descriptor the instance pins, then, in one commit, let what the
// operation's own file says (add) add its events and its saga. It returns the operation occurrence as committed.
func (s *Service) begin(
	ctx context.Context, vnfID, command string, by request.Info,
	add func(x *change, v *vnf.Instance, opID string, d *vnfd.Descriptor) error, extra also,
) (*vnf.OpOcc, error) {
	seen, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	d, err := s.cfg.Packages.Descriptor(ctx, seen.DescriptorDigest)
	if err != nil {
		return nil, err
	}
	opID := s.cfg.NewID()
	load := func() eventstore.Load { return s.load(opID, vnfID).Merge(extra.load) }
	return s.decideOp(ctx, vnfID, opID, by, load, func(x *change) error {
		x.meta = by.Metadata(command, opID)
		v, err := x.instance(vnfID)
		if err != nil {
			return err
		}
		if v.DescriptorDigest != seen.DescriptorDigest {
			return vnfm.Errorf(vnfm.Conflict, "the VNF instance changed its package meanwhile: send the request again")
		}
		return add(x, v, opID, d)
	}, extra.shared...)
}

// decideOp makes one commit about an operation of a VNF, with the answer to the request in it, and returns the operation
// as it is then.
func (s *Service) decideOp(
	ctx context.Context, vnfID, opID string, by request.Info, load func() eventstore.Load, decide func(x *change) error, shared ...string,
) (*vnf.OpOcc, error) {
	var op *vnf.OpOcc
	err := s.do(ctx, &eventstore.Work{
		Keys: []string{vnfID}, Shared: shared, Load: load,
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}}
			if err := decide(x); err != nil {
				return nil, err
			}
			var err error
			if op, err = x.opOcc(opID); err != nil {
				return nil, err
			}
			x.c.Idempotency = by.Idempotency(op)
			return x.c, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return op, nil
}
