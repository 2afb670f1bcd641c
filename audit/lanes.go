package audit

import (
	"context"
	"fmt"
	"strconv"

	"github.com/vnfm/vnfm/eventstore"
)

// maxParked bounds the parked messages of one consumer that are listed.
const maxParked = 1000

// lookAtCursors looks for cursors beyond what there is, and for parked messages. Cursors are read first: a head only grows.
func (l *look) lookAtCursors(ctx context.Context) error {
	for _, c := range l.cfg.Consumers {
		cursors, err := c.At.Cursors(ctx, c.Name)
		if err != nil {
			return fmt.Errorf("read the cursors of %s: %w", c.Name, err)
		}
		heads, err := c.Source.Heads(ctx)
		if err != nil {
			return fmt.Errorf("read lane heads: %w", err)
		}
		for lane, at := range cursors {
			head := heads[lane].Outbox
			if c.Events {
				head = heads[lane].Event
			}
			if at.Offset > head {
				l.found(Finding{
					Check: CursorAhead, Where: fmt.Sprintf("consumer %s, lane %d", c.Name, lane), version: fmt.Sprint(at.Offset, head),
					What: fmt.Sprintf("its cursor is at %d, and the lane ends at %d", at.Offset, head),
					Do:   "One database is older than the other, or was restored alone. Messages up to the cursor would be skipped: restore both from one moment.",
				})
			}
		}
		parked, err := c.At.Parked(ctx, eventstore.ParkedQuery{Consumer: c.Name, Limit: maxParked})
		if err != nil {
			return fmt.Errorf("list what %s parked: %w", c.Name, err)
		}
		waits := map[string]bool{} // as the first of each key does
		for _, m := range parked {
			if _, later := waits[m.Key]; !later {
				waits[m.Key] = m.Waits()
			}
			f := Finding{
				Check: MessageParked, Where: "message " + m.ID + " of " + c.Name, Vnf: m.Key, Since: m.At, version: strconv.FormatInt(m.Seq, 10),
				What: m.Message.Type + " could not be handled: " + m.Reason,
				Do:   "Mend the cause, then: vnfm parked redrive " + m.ID,
			}
			if waits[m.Key] {
				l.waits[m.Key] = true
				f.Check, f.What = MessageWaits, m.Message.Type+" is for a newer program: "+m.Reason
				f.Do = "Finish the upgrade: a node with the newer program takes it up when it holds the lane. Nothing has to be re-driven."
			}
			l.found(f)
		}
	}
	return nil
}
