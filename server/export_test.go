package server

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim/sim"
)

// Prune prunes every outbox once.
func (s *Server) Prune(ctx context.Context) error {
	var errs []error
	for _, l := range s.parts.node.Loops {
		if l.Name == assembly.LoopPrune {
			_, err := l.Once(ctx)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Outboxes counts the messages in the outbox of the main side and of the ledger's.
func (s *Server) Outboxes(ctx context.Context) (main, ledger int, err error) {
	count := func(d *side) (n int) {
		for lane := range eventstore.Lanes {
			records, e := d.Store.ReadOutbox(ctx, lane, 0, 1000)
			n, err = n+len(records), errors.Join(err, e)
		}
		return n
	}
	return count(s.parts.main), count(s.parts.ledger), err
}

// Metrics returns what is registered.
func (s *Server) Metrics() *prometheus.Registry { return s.reg }

// MergeConnections is what the NFVO manager does with the VIM connections of a grant.
func (s *Server) MergeConnections(ctx context.Context, vnfID string, infos map[string]nfvo.ConnectionInfo) error {
	return connections{s.parts.lcm}.Merge(ctx, vnfID, infos)
}

// Sim returns the simulated VIM in this process.
func (s *Server) Sim() *sim.Sim { return s.parts.sim }

// Send puts a command into the main side's outbox, and returns what answers it once something does.
func (s *Server) Send(ctx context.Context, m message.Message) (func() (message.Reply, bool), error) {
	_, err := s.parts.main.committer.Do(ctx, &eventstore.Work{Keys: []string{m.Key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Outbox: []message.Message{m}}, nil
	}})
	return func() (reply message.Reply, ok bool) {
		records, err := s.parts.ledger.Store.ReadOutbox(ctx, eventstore.LaneOf(m.Key), 0, 1000)
		for _, r := range records {
			if r.CausationID == m.ID && r.Type == message.ReplyType && json.Unmarshal(r.Data, &reply) == nil {
				return reply, err == nil
			}
		}
		return reply, false
	}, err
}

// Sweep sweeps the sagas that ended long enough ago.
func (s *Server) Sweep(ctx context.Context) error {
	for _, l := range s.parts.node.Loops {
		for more := l.Name == assembly.LoopKeep; more; {
			var err error
			if more, err = l.Once(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
