package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
)

const (
	// pollRecords bounds what is taken over from the client at once.
	pollRecords = 4096
	// onceWait bounds how long RunOnce waits for records that are there.
	onceWait = 10 * time.Second
	// tellEvery is how often the cluster is told how far a consumer has come, for its tools.
	tellEvery = 5 * time.Second
)

// reader reads the topic of one consumer. Its client is its own, so that consumers of a topic do not share an offset. All but
// the delivery is done by one goroutine.
type reader struct {
	bus      *Bus
	consumer bus.Consumer
	topic    string // as we call it
	name     string // as the cluster does

	client   *kgo.Client // nil: to be made
	id       string      // of the topic
	outboxes []string    // ids of the source; none: not known
	lanes    [eventstore.Lanes]*lane
	next     int // the lane that once looks at first
	told     time.Time
	work     sync.WaitGroup // deliveries under way
}

func newReader(b *Bus, c bus.Consumer) *reader {
	r := &reader{bus: b, consumer: c}
	if t := c.Topics(); len(t) == 1 {
		r.topic, r.name = t[0], b.cfg.Cluster.name(t[0])
	}
	for n := range r.lanes {
		r.lanes[n] = &lane{reader: r, n: n}
	}
	return r
}

// start connects, looks at the topic and asks whose records are expected.
func (r *reader) start(ctx context.Context) error {
	if r.client != nil {
		return nil
	}
	if r.topic == "" {
		return fmt.Errorf("%s: %w", r.consumer.Name(), errTopics)
	}
	if s := r.bus.cfg.Source; s != nil {
		ids, err := s.OutboxIDs(ctx)
		if err != nil {
			return fmt.Errorf("read the id of the outbox: %w", err)
		}
		r.outboxes = ids
	}
	cl, err := r.bus.cfg.Cluster.client(
		kgo.KeepRetryableFetchErrors(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxBytes(16<<20))
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	ids, err := r.bus.cfg.Cluster.check(limited, cl, r.topic)
	if err != nil {
		cl.Close()
		return err
	}
	r.client, r.id = cl, ids[r.topic]
	return nil
}

// close waits for the deliveries under way and forgets the cluster, and all that was read.
func (r *reader) close() {
	r.work.Wait()
	if r.client != nil {
		r.client.CloseAllowingRebalance()
		r.client = nil
	}
	for _, l := range r.lanes {
		l.drop()
	}
}

// run delivers until the context ends. What fails as a whole is begun anew after a while.
func (r *reader) run(ctx context.Context) {
	defer r.close()
	var failing time.Duration
	for ctx.Err() == nil {
		err := r.turn(ctx)
		if err == nil || ctx.Err() != nil {
			failing = 0
			continue
		}
		failing = min(max(2*failing, firstBackoff), longestBackoff)
		r.bus.cfg.Logger.WarnContext(ctx, "topic not read", "consumer", r.consumer.Name(), "topic", r.name, "error", err)
		r.close()
		_ = pause(ctx, failing)
	}
}

// turn takes lanes up and gives lanes up, takes over what has come, and has it delivered.
func (r *reader) turn(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	if err := r.assign(ctx, time.Now()); err != nil {
		return err
	}
	if err := r.poll(ctx, r.bus.cfg.Poll); err != nil {
		return err
	}
	for _, l := range r.lanes {
		if l.begin() {
			r.work.Go(func() { l.drain(ctx) })
		}
	}
	r.tell(ctx, time.Now())
	return nil
}

// assign reads the partitions of the lanes that are the consumer's here, and no others. The zero time tries lanes that failed at once.
func (r *reader) assign(ctx context.Context, now time.Time) error {
	var up, down []*lane
	for _, l := range r.lanes {
		switch l.want(r.consumer.Owns(l.n), now) {
		case takeUp:
			up = append(up, l)
		case giveUp:
			down = append(down, l)
		case leave:
		}
	}
	r.remove(down...)
	if len(up) == 0 {
		return nil
	}
	at, err := r.consumer.Positions(ctx)
	if err != nil {
		return fmt.Errorf("read the positions of %s: %w", r.consumer.Name(), err)
	}
	add := map[int32]kgo.Offset{}
	for _, l := range up {
		if l.resume(at[l.n]) {
			continue
		}
		r.remove(l)
		add[int32(l.n)] = l.take(ctx, at[l.n]) //nolint:gosec // fewer than 64
	}
	if len(add) > 0 {
		r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.name: add})
	}
	return nil
}

// remove stops the reading of lanes and forgets what was read of them.
func (r *reader) remove(lanes ...*lane) {
	var gone []int32
	for _, l := range lanes {
		if l.drop() {
			gone = append(gone, int32(l.n)) //nolint:gosec // fewer than 64
		}
	}
	if len(gone) == 0 {
		return
	}
	r.client.RemoveConsumePartitions(map[string][]int32{r.name: gone})
	r.client.ResumeFetchPartitions(map[string][]int32{r.name: gone})
}

// poll takes over what has come, and waits for it for a while.
func (r *reader) poll(ctx context.Context, wait time.Duration) error {
	for _, l := range r.lanes {
		if l.roomAgain() {
			r.client.ResumeFetchPartitions(map[string][]int32{r.name: {int32(l.n)}}) //nolint:gosec // fewer than 64
		}
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := r.client.PollRecords(limited, pollRecords)
	var full []int32
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		// What is said of a whole topic has the partition -1.
		if p.Topic == r.name && p.Partition >= 0 && r.lanes[p.Partition].add(ctx, p.Records) {
			full = append(full, p.Partition)
		}
	})
	if len(full) > 0 {
		r.client.PauseFetchPartitions(map[string][]int32{r.name: full})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, e := range fetches.Errors() {
		if err := r.failed(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// failed says what an error of fetching means: nil when the client gets over it by itself.
func (r *reader) failed(ctx context.Context, e kgo.FetchError) error {
	var loss *kgo.ErrDataLoss
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded), errors.Is(e.Err, context.Canceled):
		return nil
	case errors.As(e.Err, &loss):
		r.bus.cfg.Logger.ErrorContext(ctx, "the cluster has lost records that were read; those that follow are read from where they begin",
			"consumer", r.consumer.Name(), "topic", r.name, "lane", e.Partition, "error", e.Err)
		return nil
	case errors.Is(e.Err, kerr.UnknownTopicID), errors.Is(e.Err, kerr.UnknownTopicOrPartition), errors.Is(e.Err, kerr.InconsistentTopicID):
		return fmt.Errorf("topic %s was deleted, or made anew: %w", r.name, e.Err) // all that is known is of the one before
	case kerr.IsRetriable(e.Err):
		return nil
	}
	return fmt.Errorf("read topic %s: %w", r.name, e.Err)
}

// once delivers what is waiting in one lane, and reports whether there was anything.
func (r *reader) once(ctx context.Context) (bool, error) {
	if err := r.start(ctx); err != nil {
		return false, err
	}
	if err := r.assign(ctx, time.Time{}); err != nil {
		return false, err
	}
	if did, err := r.one(ctx); did || err != nil {
		return did, err
	}
	ends, err := kadm.NewClient(r.client).ListEndOffsets(ctx, r.name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		r.close()
		return false, fmt.Errorf("ask where topic %s ends: %w", r.name, err)
	}
	waiting := false
	for _, l := range r.lanes {
		end, _ := ends.Lookup(r.name, int32(l.n)) //nolint:gosec // fewer than 64
		waiting = waiting || l.behind(end.Offset)
	}
	if !waiting {
		return r.anew(ctx)
	}
	if err := r.poll(ctx, onceWait); err != nil {
		r.close()
		return true, err
	}
	_, err = r.one(ctx)
	return true, err
}

// anew reports whether the topic was made anew since it was looked at; then all is read anew.
func (r *reader) anew(ctx context.Context) (bool, error) {
	ids, err := r.bus.cfg.Cluster.check(ctx, r.client, r.topic)
	if err != nil {
		return false, err
	}
	again := ids[r.topic] != r.id
	if again {
		r.close()
	}
	return again, nil
}

// one delivers a batch of the next lane that has one.
func (r *reader) one(ctx context.Context) (bool, error) {
	for range r.lanes {
		l := r.lanes[r.next]
		r.next = (r.next + 1) % len(r.lanes)
		if l.begin() {
			_, err := l.deliver(ctx)
			l.end(ctx, err)
			return true, err
		}
	}
	return false, nil
}

// tell tells the cluster how far the consumer has come, as a group of its name. Nobody reads it back: it is for tools that show
// how far a group is behind.
func (r *reader) tell(ctx context.Context, now time.Time) {
	if now.Sub(r.told) < tellEvery {
		return
	}
	r.told = now
	at := kadm.Offsets{}
	for _, l := range r.lanes {
		if next, ok := l.done(); ok {
			at.AddOffset(r.name, int32(l.n), next, -1) //nolint:gosec // fewer than 64
		}
	}
	if len(at) == 0 {
		return
	}
	client, group := r.client, r.bus.cfg.Cluster.group(r.consumer.Name())
	r.work.Go(func() {
		limited, cancel := context.WithTimeout(ctx, tellEvery)
		defer cancel()
		err := kadm.NewClient(client).CommitAllOffsets(limited, group, at)
		if err != nil && ctx.Err() == nil {
			r.bus.cfg.Logger.DebugContext(ctx, "offsets not told", "group", group, "error", err)
		}
	})
}

// group is what a consumer is called by the cluster's tools.
func (c *Cluster) group(consumer string) string { return c.Prefix + "vnfm." + consumer }

// ours says whether records of an outbox are to be handled, where one is expected; or, with former, that they are of the outbox
// before its database was restored, and to be dropped.
func (r *reader) ours(outbox, expected string) (ours, former bool) {
	if outbox == "" || expected == "" || outbox == expected {
		return true, false
	}
	return false, slices.Contains(r.outboxes, outbox)
}
