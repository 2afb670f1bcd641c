package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
)

// A lane of which so many messages wait is not read on, until so few do.
const (
	manyWaiting = 2048
	fewWaiting  = 512
)

// lane is one consumer in one lane.
type lane struct {
	reader *reader
	n      int

	mu       sync.Mutex
	reading  bool   // its partition is read
	paused   bool   // but not now: enough waits
	busy     bool   // somebody delivers
	from     int64  // the position from which it was read
	position int64  // as stored, as far as is known
	outbox   string // whose records are expected; "": not known yet
	seen     int64  // outbox offset of the last record taken over
	next     int64  // offset of Kafka behind it
	queue    []queued
	failed   error // what stopped it
	failing  time.Duration
	retry    time.Time // not before
}

// queued is a record that waits.
type queued struct {
	received
	next int64 // offset of Kafka behind it
}

// wish is what is to become of a lane.
type wish int

const (
	leave wish = iota
	takeUp
	giveUp
)

// want says what is to become of the lane. One that failed is taken up again, after a while.
func (l *lane) want(owned bool, now time.Time) wish {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !owned && l.reading:
		return giveUp
	case !owned, l.busy, l.reading && l.failed == nil, !now.IsZero() && now.Before(l.retry):
		return leave
	}
	return takeUp
}

// resume goes on with what was read already, if the consumer stands in it, and reports whether it does.
func (l *lane) resume(at eventstore.Position) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.reading || at.Offset < l.from || errors.Is(l.failed, errOutbox) {
		return false
	}
	l.failed = nil
	l.position = at.Offset
	l.pass(at.Offset)
	return true
}

// pass forgets what waits up to an offset.
func (l *lane) pass(to int64) {
	n := 0
	for n < len(l.queue) && l.queue[n].Offset <= to {
		n++
	}
	clear(l.queue[:n]) // what they hold may go before the array does
	l.queue = l.queue[n:]
}

// take begins to read the lane where the consumer stands, and returns where that is.
func (l *lane) take(ctx context.Context, at eventstore.Position) kgo.Offset {
	r := l.reader
	l.mu.Lock()
	defer l.mu.Unlock()
	m := parseMark(at.Mark)
	l.reading, l.failed = true, nil
	l.from, l.position, l.seen, l.outbox, l.next = at.Offset, at.Offset, at.Offset, m.outbox, 0
	if len(r.outboxes) > 0 {
		l.outbox = r.outboxes[0]
	}
	if m.topic != r.id {
		if m.topic != "" {
			r.bus.cfg.Logger.WarnContext(ctx, "the topic was made anew: it is read from its start", "consumer", r.consumer.Name(),
				"topic", r.name, "lane", l.n, "position", at.Offset)
		}
		return kgo.NewOffset().AtStart()
	}
	l.next = m.next
	return kgo.NewOffset().At(m.next)
}

// drop forgets what was read, and reports whether the partition was being read.
func (l *lane) drop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.reading
	l.reading, l.paused, l.queue = false, false, nil
	return was
}

// errOutbox is the error of records of another outbox.
var errOutbox = errors.New("records of another outbox")

// add takes records over, but for those that the consumer has behind it, and reports whether enough waits.
func (l *lane) add(ctx context.Context, records []*kgo.Record) (full bool) {
	r := l.reader
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range records {
		if !l.reading || errors.Is(l.failed, errOutbox) {
			return false
		}
		m, err := toMessage(k, r.topic)
		if err != nil {
			r.bus.cfg.Logger.ErrorContext(ctx, "record passed over", "topic", r.name, "lane", l.n, "offset", k.Offset, "error", err)
			l.next = k.Offset + 1
			continue
		}
		ours, former := r.ours(m.outbox, l.outbox)
		if !ours && !former {
			l.stop(ctx, fmt.Errorf("%w: topic %s, lane %d, offset %d is of outbox %s, and %s reads those of %s: either two programs write one topic"+
				" (set another bus-prefix), or a database was restored to an older point",
				errOutbox, r.name, l.n, k.Offset, m.outbox, r.consumer.Name(), l.outbox))
			return false
		}
		l.next = k.Offset + 1
		if former || m.Offset <= l.seen {
			continue
		}
		if l.outbox == "" {
			l.outbox = m.outbox
		}
		l.seen = m.Offset
		l.queue = append(l.queue, queued{m, l.next})
	}
	if len(l.queue) > manyWaiting && !l.paused {
		l.paused = true
		return true
	}
	return false
}

// roomAgain reports, once, that a lane that is not read may be read on.
func (l *lane) roomAgain() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := l.paused && len(l.queue) < fewWaiting
	l.paused = l.paused && !again
	return again
}

// behind reports whether the partition has records that were not read.
func (l *lane) behind(end int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reading && l.next < end
}

// done returns the offset of Kafka behind what was handled.
func (l *lane) done() (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		return l.queue[0].next - 1, l.reading
	}
	return l.next, l.reading && l.next > 0
}

// begin reports whether something waits and nobody delivers it; then the caller does, and calls end.
func (l *lane) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy || l.failed != nil || !l.reading || len(l.queue) == 0 {
		return false
	}
	l.busy = true
	return true
}

// end says how the delivery went. The lane waits after a failure, longer each time; others go on.
func (l *lane) end(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
	if err != nil {
		l.stop(ctx, err)
	} else {
		l.failing, l.retry = 0, time.Time{}
	}
}

// stop has the position read anew, after a while.
func (l *lane) stop(ctx context.Context, err error) {
	l.failed = err
	l.failing = min(max(2*l.failing, firstBackoff), longestBackoff)
	l.retry = time.Now().Add(l.failing)
	level := slog.LevelWarn
	if errors.Is(err, errOutbox) {
		level = slog.LevelError
	}
	l.reader.bus.cfg.Logger.Log(ctx, level, "messages not delivered", "consumer", l.reader.consumer.Name(), "lane", l.n, "error", err)
}

// drain delivers until nothing waits.
func (l *lane) drain(ctx context.Context) {
	for {
		more, err := l.deliver(ctx)
		if err != nil && ctx.Err() != nil {
			err = nil // the end of the program
			more = false
		}
		if err != nil || !more {
			l.end(ctx, err)
			return
		}
	}
}

// deliver hands over one batch, and reports whether more waits.
func (l *lane) deliver(ctx context.Context) (bool, error) {
	r := l.reader
	l.mu.Lock()
	batch := l.queue[:min(len(l.queue), r.bus.cfg.Batch)]
	d := bus.Delivery{Lane: l.n, From: l.position}
	outbox := l.outbox
	l.mu.Unlock()
	if len(batch) == 0 {
		return false, nil
	}
	last := &batch[len(batch)-1]
	d.To, d.Mark = last.Offset, mark{r.id, last.next, outbox}.String()
	for i := range batch {
		m := batch[i].Record
		if isMark(&m.Message) {
			continue
		}
		if batch[i].ref {
			data, err := r.data(ctx, l.n, m.Offset)
			if err != nil {
				return false, err
			}
			m.Data = data
		}
		d.Messages = append(d.Messages, m)
	}
	to, err := r.consumer.Deliver(ctx, d)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = to
	l.pass(to)
	return len(l.queue) > 0 && l.reading, nil
}

// data reads the data of a message that was too large for a record. The row is there until all consumers are behind it.
func (r *reader) data(ctx context.Context, lane int, offset int64) ([]byte, error) {
	s := r.bus.cfg.Source
	if s == nil {
		return nil, fmt.Errorf("the data of message %d of lane %d is in the outbox, and this process does not see its database: raise bus-max-bytes", offset, lane)
	}
	rows, err := s.ReadOutbox(ctx, lane, offset-1, 1)
	if err != nil {
		return nil, fmt.Errorf("read the data of message %d of lane %d: %w", offset, lane, err)
	}
	if len(rows) == 0 || rows[0].Offset != offset {
		return nil, fmt.Errorf("the outbox has no message %d in lane %d", offset, lane)
	}
	return rows[0].Data, nil
}
