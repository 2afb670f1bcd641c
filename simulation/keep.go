package simulation

import (
	"context"
	"slices"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/saga"
)

// keeps is a node's sweep of ended sagas.
func (w *world) keeps(n *node) func(context.Context) (bool, error) {
	if w.shared.keepSagas == 0 {
		return func(context.Context) (bool, error) { return false, nil }
	}
	if w.lacks(SweepEarly) {
		return n.sweepsEarly
	}
	return saga.NewSweeper(saga.SweeperConfig{
		Store: n.store, Doer: n, Epochs: n.lease, Keep: w.shared.keepSagas, Consumers: []string{consumerReplies}, Along: lcm.Swept,
		Swept: func(some int) { w.happened[SagaSwept] += some }, Logger: quietLog,
	}).RunOnce
}

// sweepsEarly is a sweep that asks for nothing but the age.
func (n *node) sweepsEarly(ctx context.Context) (bool, error) {
	rows, err := n.store.Sagas(ctx, eventstore.SagaQuery{Lanes: eventstore.Held(n.lease), EndedBy: n.w.now.Add(-n.w.shared.keepSagas), Limit: 64})
	if err != nil {
		return false, err //nolint:wrapcheck // a mutant's
	}
	for _, row := range rows {
		_, err := n.Do(ctx, &eventstore.Work{
			Keys: []string{row.Key}, Load: func() eventstore.Load { return eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: row.ID}}} },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				now := l.Sagas[row.ID]
				if now == nil || now.Version != row.Version {
					return nil, nil
				}
				return &eventstore.Commit{Sagas: []eventstore.SagaRow{{ID: row.ID, Expected: row.Version, Delete: true}}}, nil
			},
		})
		if err != nil {
			return true, err //nolint:wrapcheck // a mutant's
		}
	}
	return len(rows) > 0, nil
}

// needed is server's answer to the ledgers: may commands about a key still come? Here they may be on their way, too, as late as it
// pleases the network.
func (w *world) needed(ctx context.Context, key string) (bool, error) {
	if w.lacks(ForgetEarly) {
		return false, nil
	}
	live, err := w.store.Sagas(ctx, eventstore.SagaQuery{Key: key, Live: true, Limit: 1})
	if err != nil || len(live) > 0 {
		return true, err //nolint:wrapcheck // the store's own
	}
	parked, err := w.store.Parked(ctx, eventstore.ParkedQuery{Key: key, Limit: 1})
	if err != nil || len(parked) > 0 {
		return true, err //nolint:wrapcheck // the store's own
	}
	if key == w.other.key || slices.ContainsFunc(w.late, func(l lateMessage) bool { return l.msg.Key == key }) {
		return true, nil // nobody knows when the other orchestrator has had enough
	}
	lane := eventstore.LaneOf(key)
	at, err := w.store.Cursors(ctx, consumerVim)
	if err != nil {
		return true, err //nolint:wrapcheck // the store's own
	}
	sent, err := w.store.ReadOutbox(ctx, lane, at[lane], 1000)
	return slices.ContainsFunc(sent, func(m eventstore.OutboxRecord) bool { return m.Key == key }), err //nolint:wrapcheck // the store's own
}

func (w *world) removed(_ string, n int) { w.happened[RowRemoved] += n }
