package lcm

import "context"

// OpState is the operation state that goes with a saga state.
var OpState = opState

// Place is place, for tests that take the places of others.
func (s *Service) Place(ctx context.Context) (leave func(), err error) { return s.place(ctx) }

// Holding is the resources that an instance has, with what operations before left over.
var Holding = holding

// SetSnapshotPackages has a service ask an NFVO for its snapshot packages.
func SetSnapshotPackages(s *Service, p SnapshotPackages) { s.cfg.SnapshotPackages = p }
