package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/eventstore"
)

// Lease renews a node, takes and gives up lanes, and returns how all lanes lie then.
func (s *Store) Lease(_ context.Context, r eventstore.LeaseRequest) (eventstore.Leases, error) {
	if err := s.unavailable(FaultBegin); err != nil {
		return eventstore.Leases{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UnixMilli()
	s.t.renew(&r, now)
	give := r.Give
	if r.TTL == 0 {
		give = s.t.leased
	}
	for _, k := range give {
		if l := s.t.leases[k]; l.Owner == r.Node.ID {
			l.Owner = ""
			s.t.leases[k] = l
		}
	}
	if r.TTL > 0 {
		for _, k := range r.Want {
			s.t.grant(k, r.Node.ID, now)
		}
	}
	out := s.t.lie(now)
	out.Gone = nil
	return out, nil
}

// renew writes the row of a node, and forgets those that are long gone.
func (t *tables) renew(r *eventstore.LeaseRequest, now int64) {
	n := r.Node
	n.Roles = slices.Clone(n.Roles)
	n.Started, n.Until, n.Stopped = now, now+r.TTL, r.TTL == 0
	if old, ok := t.nodes[n.ID]; ok {
		n.Started = old.Started
	}
	t.nodes[n.ID] = n
	maps.DeleteFunc(t.nodes, func(_ string, o eventstore.Node) bool { return o.Until < now-eventstore.KeepNodes })
	if !r.Alone {
		return
	}
	for id, o := range t.nodes {
		if id != n.ID && o.Until > now {
			o.Until = now
			t.nodes[id] = o
		}
	}
}

// grant gives a lane to a node, unless it is one's that lives.
func (t *tables) grant(k eventstore.RoleLane, id string, now int64) {
	l := t.leases[k]
	if t.nodes[l.Owner].Until > now {
		return
	}
	if at, there := slices.BinarySearchFunc(t.leased, k, byRole); !there {
		t.leased = slices.Insert(t.leased, at, k)
	}
	t.leases[k] = eventstore.Lease{RoleLane: k, Owner: id, Epoch: l.Epoch + 1}
	for key, c := range t.cursors {
		if key.lane == k.Lane && c.role == k.Role {
			c.epoch = l.Epoch + 1
			t.cursors[key] = c
		}
	}
}

// lie returns how the lanes lie.
func (t *tables) lie(now int64) eventstore.Leases {
	out := eventstore.Leases{Now: now}
	for _, n := range t.nodes {
		if n.Until > now {
			out.Nodes = append(out.Nodes, n)
		} else {
			out.Gone = append(out.Gone, n)
		}
	}
	for _, nodes := range [][]eventstore.Node{out.Nodes, out.Gone} {
		slices.SortFunc(nodes, func(a, b eventstore.Node) int { return strings.Compare(a.ID, b.ID) })
	}
	for _, k := range t.leased {
		if l := t.leases[k]; t.nodes[l.Owner].Until > now {
			out.Held = append(out.Held, l)
		}
	}
	return out
}

// byRole is the order in which leases are returned.
func byRole(a, b eventstore.RoleLane) int {
	return cmp.Or(strings.Compare(a.Role, b.Role), cmp.Compare(a.Lane, b.Lane))
}

// Leases returns how all lanes lie, and the nodes that are gone.
func (s *Store) Leases(context.Context) (eventstore.Leases, error) {
	return read(s, func(t *tables) eventstore.Leases { return t.lie(s.now().UnixMilli()) })
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
		box := s.t.lanes[n].outbox
		for len(box) > 0 && box[0].Offset <= low {
			box = box[1:]
		}
		s.t.lanes[n].outbox = append([]eventstore.OutboxRecord(nil), box...)
	}
	return nil
}
