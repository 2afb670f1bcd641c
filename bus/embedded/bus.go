// Package embedded is the bus of one process: it hands the committed messages of one outbox to the consumers subscribed
// to their topics.
//
// It promises order per lane and consumer, at least once; lanes and consumers do not wait for each other. It keeps no
// position of its own: a consumer's is in the store of its effects, which may be another than the outbox's. It must
// not know what messages mean. A process with two outboxes runs two buses. The suite is bustest.
package embedded

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Source is the outbox a bus reads (outbox.Feed).
type Source interface {
	// Read returns up to limit messages of a lane after an offset, in order.
	Read(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error)
	// Head returns the last offset of a lane known to this process; Refresh asks the store.
	Head(lane int) int64
	Refresh(ctx context.Context) error
	// Nudge receives after messages were committed.
	Nudge() <-chan struct{}
}

// Config describes a bus.
type Config struct {
	Source Source
	Batch  int           // messages of a lane looked at per delivery at most; 0 means 256
	Poll   time.Duration // how often the store is asked for messages of other processes; 0 means 250 ms
	// Lag is how many messages of other topics may pass before an idle consumer's cursor is moved, so that the outbox
	// can be pruned; 0 means 256.
	Lag int64
	// Idle is after what time the cursor is moved though fewer have passed, by Run; 0 means 30 s.
	Idle   time.Duration
	Logger *slog.Logger // nil: slog.Default
}

// The waits after a delivery failed.
const (
	firstBackoff   = 50 * time.Millisecond
	longestBackoff = 5 * time.Second
)

// Bus is the embedded bus.
type Bus struct {
	cfg   Config
	pipes []*pipe
	next  int // the pipe RunOnce looks at first
}

var _ bus.Bus = (*Bus)(nil)

// New returns a bus without consumers.
func New(cfg Config) *Bus {
	if cfg.Batch <= 0 {
		cfg.Batch = 256
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 250 * time.Millisecond
	}
	if cfg.Lag <= 0 {
		cfg.Lag = 256
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Bus{cfg: cfg}
}

// Subscribe adds a consumer; only before Run or RunOnce.
func (b *Bus) Subscribe(c bus.Consumer) {
	s := &subscription{consumer: c, topics: c.Topics()}
	for lane := range eventstore.Lanes {
		b.pipes = append(b.pipes, &pipe{bus: b, sub: s, lane: lane})
	}
}

// subscription is a consumer with its positions as last read.
type subscription struct {
	consumer bus.Consumer
	topics   []string

	mu     sync.Mutex
	loaded [eventstore.Lanes]bool
	stored [eventstore.Lanes]int64
}

// position returns where the consumer stands in a lane, reading all positions when that one is not known.
func (s *subscription) position(ctx context.Context, lane int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded[lane] {
		return s.stored[lane], nil
	}
	all, err := s.consumer.Positions(ctx)
	if err != nil {
		return 0, err
	}
	for l := range all {
		if !s.loaded[l] {
			s.stored[l], s.loaded[l] = all[l].Offset, true
		}
	}
	return s.stored[lane], nil
}

func (s *subscription) moved(lane int, to int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored[lane] = to
}

func (s *subscription) forget(lane int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded[lane] = false
}

// pipe is one consumer in one lane.
type pipe struct {
	bus  *Bus
	sub  *subscription
	lane int

	mu      sync.Mutex // guards what follows against Run's dispatcher
	busy    bool
	scanned int64 // behind it there is nothing of the consumer's topics after its cursor
	idled   bool  // the cursor is to be moved to scanned
}

func (p *pipe) ours() bool { return p.sub.consumer.Owns(p.lane) }

// deliver hands on what is waiting, up to one batch, and reports whether there was anything to do.
func (p *pipe) deliver(ctx context.Context) (bool, error) {
	if !p.ours() { // when it comes back what is known of it is old: the store or the outbox will say so
		return false, nil
	}
	from, err := p.sub.position(ctx, p.lane)
	if err != nil {
		return false, err
	}
	after := max(from, p.scanned)
	p.scanned = after
	head := p.bus.cfg.Source.Head(p.lane)
	if head <= after {
		return p.idle(ctx, from)
	}
	records, err := p.bus.cfg.Source.Read(ctx, p.lane, after, p.bus.cfg.Batch)
	if err != nil {
		p.forget() // what is missing may be behind the cursor by now: another node had the lane meanwhile
		return false, err
	}
	if len(records) == 0 {
		p.scanned = head // a new consumer: what came before it was deleted
		return false, nil
	}
	d := bus.Delivery{Lane: p.lane, From: from, To: records[len(records)-1].Offset}
	for _, r := range records {
		if slices.Contains(p.sub.topics, r.Topic) && r.Type != message.MarkType {
			d.Messages = append(d.Messages, bus.Record{Offset: r.Offset, Message: r.Message})
		}
	}
	if len(d.Messages) == 0 && d.To-from < p.bus.cfg.Lag {
		p.scanned = d.To
		return true, nil
	}
	to, err := p.sub.consumer.Deliver(ctx, d)
	if err != nil {
		p.forget() // what was committed before the error, and by whom, only the store knows
		return true, err
	}
	p.sub.moved(p.lane, to)
	p.scanned = to
	return true, nil
}

// idle moves the cursor of a consumer behind what was not for it, if it is time to, and reports whether it did.
func (p *pipe) idle(ctx context.Context, from int64) (bool, error) {
	p.mu.Lock()
	due := p.idled && p.scanned > from
	p.idled = false
	p.mu.Unlock()
	if !due {
		return false, nil
	}
	to, err := p.sub.consumer.Deliver(ctx, bus.Delivery{Lane: p.lane, From: from, To: p.scanned})
	if err != nil {
		p.forget()
		return true, err
	}
	p.sub.moved(p.lane, to)
	return true, nil
}

// forget has the position read anew.
func (p *pipe) forget() {
	p.sub.forget(p.lane)
	p.scanned = 0
}

// RunOnce delivers what is waiting for one consumer in one lane, and reports whether there was anything. Calls go round
// all consumers and lanes in a fixed order. An error is the consumer's or the store's; the message comes again.
func (b *Bus) RunOnce(ctx context.Context) (bool, error) {
	if err := b.cfg.Source.Refresh(ctx); err != nil {
		return false, err
	}
	for range b.pipes {
		p := b.pipes[b.next]
		b.next = (b.next + 1) % len(b.pipes)
		if did, err := p.deliver(ctx); did || err != nil {
			return did, err
		}
	}
	return false, nil
}

// Run delivers until the context ends, then returns nil. Each consumer works on many lanes at once.
func (b *Bus) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	poll := time.NewTicker(b.cfg.Poll)
	defer poll.Stop()
	idle := time.NewTicker(b.cfg.Idle)
	defer idle.Stop()
	if err := b.cfg.Source.Refresh(ctx); err != nil && ctx.Err() == nil {
		b.cfg.Logger.WarnContext(ctx, "outbox not read", "error", err)
	}
	for {
		for _, p := range b.pipes {
			if p.begin() {
				wg.Go(func() { p.drain(ctx) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.cfg.Source.Nudge():
		case <-idle.C:
			for _, p := range b.pipes {
				p.markIdle()
			}
		case <-poll.C:
			if err := b.cfg.Source.Refresh(ctx); err != nil && ctx.Err() == nil {
				b.cfg.Logger.WarnContext(ctx, "outbox not read", "error", err)
			}
		}
	}
}

func (p *pipe) markIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idled = true
}

// begin reports whether the pipe has something to deliver and nobody works on it.
func (p *pipe) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy {
		return false
	}
	p.busy = p.waiting() || p.idled && p.ours()
	return p.busy
}

// waiting reports whether there may be something to deliver.
func (p *pipe) waiting() bool { return p.bus.cfg.Source.Head(p.lane) > p.scanned && p.ours() }

// end gives the pipe back, unless something was committed since it was last looked at.
func (p *pipe) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = p.waiting()
	return !p.busy
}

// drain delivers until nothing is left. After a failure the lane waits, longer each time; others go on.
func (p *pipe) drain(ctx context.Context) {
	var failing time.Duration
	for ctx.Err() == nil {
		did, err := p.deliver(ctx)
		if err != nil && ctx.Err() == nil {
			failing = min(max(2*failing, firstBackoff), longestBackoff)
			p.bus.cfg.Logger.WarnContext(ctx, "messages not delivered", "consumer", p.sub.consumer.Name(), "lane", p.lane,
				"error", err)
			wait := time.NewTimer(failing)
			select {
			case <-ctx.Done():
			case <-wait.C:
			}
			wait.Stop()
			continue
		}
		failing = 0
		if !did && p.end() {
			return
		}
	}
}
