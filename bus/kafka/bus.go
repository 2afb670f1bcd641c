package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
)

// Source is the outbox that records come from, where this process sees its database.
type Source interface {
	// OutboxIDs returns the id of the outbox, and behind it those it had before.
	OutboxIDs(ctx context.Context) ([]string, error)
	// ReadOutbox returns up to limit messages of a lane after an offset: those whose data is too large for a record.
	ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error)
}

// Config describes a bus.
type Config struct {
	Cluster *Cluster
	// Source is the outbox whose records are read; nil: the first record that comes says whose they are, and data that was too
	// large cannot be had.
	Source Source
	Batch  int           // messages of a lane delivered at once at most; 0 means 256
	Poll   time.Duration // how soon a lane that is taken or lost is noticed; 0 means 250 ms
	Logger *slog.Logger  // nil: slog.Default
}

// The waits after a delivery, or the cluster, failed.
const (
	firstBackoff   = 50 * time.Millisecond
	longestBackoff = 5 * time.Second
)

// Bus hands the records of Kafka to consumers.
type Bus struct {
	cfg     Config
	readers []*reader
	next    int // the reader RunOnce looks at first
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
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Bus{cfg: cfg}
}

// Subscribe adds a consumer of one topic: the order of several topics is lost on the way. Only before Run or RunOnce.
func (b *Bus) Subscribe(c bus.Consumer) {
	b.readers = append(b.readers, newReader(b, c))
}

// errTopics: order over topics cannot be promised.
var errTopics = errors.New("a consumer of Kafka reads one topic")

// RunOnce delivers what is waiting for one consumer in one lane, and reports whether there was anything. Calls go round all
// consumers and lanes in a fixed order. An error is the consumer's, the store's or the cluster's; the message comes again.
func (b *Bus) RunOnce(ctx context.Context) (bool, error) {
	for range b.readers {
		r := b.readers[b.next]
		b.next = (b.next + 1) % len(b.readers)
		if did, err := r.once(ctx); did || err != nil {
			return did, err
		}
	}
	return false, nil
}

// Run delivers until the context ends, then returns nil. Each consumer works on many lanes at once.
func (b *Bus) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, r := range b.readers {
		if len(r.consumer.Topics()) != 1 {
			return fmt.Errorf("%s: %w", r.consumer.Name(), errTopics)
		}
	}
	for _, r := range b.readers {
		wg.Go(func() { r.run(ctx) })
	}
	return nil
}

// Close gives up the connections. Run does so by itself when it ends.
func (b *Bus) Close() {
	for _, r := range b.readers {
		r.close()
	}
}
