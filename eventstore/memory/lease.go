package memory

import (
	"context"

	"github.com/vnfm/vnfm/eventstore"
)

// Lease grants, renews or gives up lanes and returns those the owner now holds.
func (s *Store) Lease(_ context.Context, r eventstore.LeaseRequest) ([]eventstore.Lease, error) {
	if err := s.unavailable(FaultBegin); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UnixMilli()
	for _, n := range r.Lanes {
		l := &s.t.leases[n]
		switch {
		case r.TTL == 0:
			if l.Owner == r.Owner {
				l.Owner, l.Until = "", 0
			}
		case l.Owner == r.Owner:
			l.Until = now + r.TTL
		case l.Owner == "" || l.Until <= now:
			*l = eventstore.Lease{Lane: n, Owner: r.Owner, Epoch: l.Epoch + 1, Until: now + r.TTL}
			for k, c := range s.t.cursors {
				if k.lane == n {
					c.epoch = l.Epoch
					s.t.cursors[k] = c
				}
			}
		}
	}
	var held []eventstore.Lease
	for n, l := range s.t.leases {
		if l.Owner == r.Owner && l.Until > now {
			l.Lane = n
			held = append(held, l)
		}
	}
	return held, nil
}

// Cursors returns a consumer's position in every lane.
func (s *Store) Cursors(_ context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error) {
	return read(s, func(t *tables) (out [eventstore.Lanes]eventstore.Position) {
		for k, c := range t.cursors {
			if k.consumer == consumer {
				out[k.lane] = c.Position
			}
		}
		return out
	})
}

// Prune removes what nothing needs any more.
func (s *Store) Prune(_ context.Context, p eventstore.Prune) error {
	if err := s.unavailable(FaultBegin); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, r := range s.t.idempotency {
		if r.At.Before(p.IdempotencyBefore) {
			delete(s.t.idempotency, k)
		}
	}
	for id, at := range s.t.commits {
		if at.Before(p.CommitsBefore) {
			delete(s.t.commits, id)
		}
	}
	for n := range s.t.lanes {
		low := int64(0)
		if p.Upto != nil {
			low = p.Upto[n]
		}
		for i, c := range p.Consumers {
			if at := s.t.cursors[cursorKey{c, n}].Offset; i == 0 || at < low {
				low = at
			}
		}
		box := s.t.lanes[n].outbox
		for len(box) > 0 && box[0].Offset <= low {
			box = box[1:]
		}
		s.t.lanes[n].outbox = append([]eventstore.OutboxRecord(nil), box...)
	}
	return nil
}
