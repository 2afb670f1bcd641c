package assembly

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
)

// across is a consumer whose cursors are in another database than the outbox it reads. One of the two may be lost or
// restored to an older point; then a cursor names a place that does not exist, and waiting for it would be for ever.
// It is put where messages are: what comes twice is dropped, what is missing is asked for again.
type across struct {
	*inbox.Consumer
	source interface {
		Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
		ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error)
	}
	log *slog.Logger
}

var _ bus.Consumer = (*across)(nil)

// Positions returns where the consumer stands in each lane, after moving the cursors of its lanes that stand nowhere.
func (a *across) Positions(ctx context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	at, err := a.Consumer.Positions(ctx)
	if err != nil {
		return at, err
	}
	heads, err := a.source.Heads(ctx)
	if err != nil {
		return at, fmt.Errorf("read lane heads: %w", err)
	}
	for lane := range at {
		to, err := a.place(ctx, lane, at[lane].Offset, heads[lane].Outbox)
		if err != nil {
			return at, err
		}
		if to == at[lane].Offset || !a.Owns(lane) {
			continue
		}
		a.log.WarnContext(ctx, "cursor moved to where the other database has messages", "consumer", a.Name(), "lane", lane,
			"position", to, "before", at[lane].Offset)
		if _, err := a.Deliver(ctx, bus.Delivery{Lane: lane, From: at[lane].Offset, To: to}); err != nil {
			return at, err
		}
		at[lane].Offset = to
	}
	return at, nil
}

// place returns where a cursor has to stand to meet the next message.
func (a *across) place(ctx context.Context, lane int, at, head int64) (int64, error) {
	switch {
	case at > head: // the outbox is younger than the cursor
		return 0, nil
	case at == 0 || at == head:
		return at, nil
	}
	next, err := a.source.ReadOutbox(ctx, lane, at, 1)
	if err != nil {
		return at, fmt.Errorf("read outbox lane %d: %w", lane, err)
	}
	if len(next) == 0 { // the cursor is older than the outbox, and all after it was deleted
		return head, nil
	}
	return next[0].Offset - 1, nil
}
