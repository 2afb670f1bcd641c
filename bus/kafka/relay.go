package kafka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Outgoing is what a relay sends: Messages of an outbox, or Events of the log.
type Outgoing interface {
	// Head returns the last offset of a lane known to this process; Refresh asks the store.
	Head(lane int) int64
	Refresh(ctx context.Context) error
	// Nudge receives after something was committed.
	Nudge() <-chan struct{}
	// read returns up to limit records of a lane after an offset, in order, with their offsets.
	read(ctx context.Context, lane int, after int64, limit int) ([]outgoing, error)
	// topics are those it sends to.
	topics() []string
}

// outgoing is a row to be sent.
type outgoing struct {
	offset int64
	topic  string      // as we call it
	record *kgo.Record // nil: it is not for the bus
}

// RelayConfig describes a relay.
type RelayConfig struct {
	Cluster *Cluster
	// Consumer is the name of the relay's cursors.
	Consumer string
	Outgoing Outgoing
	Store    interface {
		Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
	}
	Doer eventstore.Doer
	// Epochs says which lanes this process owns for the relay's role, and under which epoch.
	Epochs interface {
		Role() string
		Epoch(lane int) (int64, bool)
	}
	// Lowest returns how far everybody is who reads what is sent: from there it is sent anew when a topic was made anew, and for the
	// first time. Nil: from the beginning.
	Lowest func(ctx context.Context) ([eventstore.Lanes]int64, error)
	// Term is another each time this relay takes over from a capture, which moves no cursors of its own: then it begins at Lowest. Nil:
	// it does not.
	Term func() int64
	// Lag is how many rows of other topics may pass before consumers of a topic are moved behind them, so that the outbox can be
	// pruned; 0 means 256, less than 0 never.
	Lag    int
	Batch  int           // rows of a lane sent at once at most; 0 means 256
	Poll   time.Duration // how often the store is asked for what other processes committed; 0 means 250 ms
	Logger *slog.Logger  // nil: slog.Default
}

const (
	// checkEvery is how often the relay looks whether a topic was made anew.
	checkEvery = 10 * time.Second
	// landing is how long a relay that is told to stop waits for what it has sent. It is less than a node may take to hand over its lanes.
	landing = 300 * time.Millisecond
)

// Relay sends what is committed, in the order of each lane that this process owns, and moves its cursor behind what the cluster
// has acknowledged without a gap. What it sent and died before it moved the cursor is sent again. While the cluster is away the
// cursor stays where it is.
type Relay struct {
	cfg     RelayConfig
	client  *kgo.Client // nil: to be made
	topics  string      // fingerprint of the topics' ids: the mark of the cursors
	checked time.Time
	lanes   [eventstore.Lanes]sending

	mu   sync.Mutex
	done []*flight // that the cluster has answered
	wake chan struct{}
}

// sending is how far a lane is.
type sending struct {
	known  bool
	gap    bool // what comes after the cursor could not be read
	epoch  int64
	mark   string
	stored int64            // where the cursor stands
	next   int64            // behind it nothing was read
	last   map[string]int64 // the last offset of each topic
	out    *flight          // nil: none is under way
	retry  time.Time        // not before
	wait   time.Duration
}

// flight is what of a lane was sent at once.
type flight struct {
	lane, left int // how many the cluster has not answered
	rows       []outgoing
	errs       []error // by row
}

// NewRelay returns a relay.
func NewRelay(cfg RelayConfig) *Relay {
	if cfg.Lag == 0 {
		cfg.Lag = 256
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 256
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 250 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Relay{cfg: cfg, wake: make(chan struct{}, 1)}
}

// Run sends until the context ends, waits a moment for the answers to what is under way, so that the next owner of its lanes need not
// send it again, and returns nil.
func (r *Relay) Run(ctx context.Context) error {
	defer r.Close()
	work, cancel := outlast(ctx, landing) // a client that is full makes a send wait
	defer cancel()
	poll := time.NewTicker(r.cfg.Poll)
	defer poll.Stop()
	var failing time.Duration
	for ctx.Err() == nil {
		more, err := r.round(work)
		if err != nil && ctx.Err() == nil {
			failing = min(max(2*failing, firstBackoff), longestBackoff)
			r.cfg.Logger.WarnContext(ctx, "nothing sent", "consumer", r.cfg.Consumer, "error", err)
			_ = pause(ctx, failing)
			continue
		}
		failing = 0
		if more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-r.cfg.Outgoing.Nudge():
		case <-poll.C:
			if err := r.cfg.Outgoing.Refresh(ctx); err != nil && ctx.Err() == nil {
				r.cfg.Logger.WarnContext(ctx, "heads not read", "consumer", r.cfg.Consumer, "error", err)
			}
		}
	}
	if err := r.land(work); err != nil {
		r.cfg.Logger.WarnContext(ctx, "what was sent will be sent again", "consumer", r.cfg.Consumer, "error", err)
	}
	return nil
}

// outlast returns a context that ends a while after another one.
func outlast(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(while, cancel) })
	return later, cancel
}

// land moves the cursors behind what is under way, as its answers come.
func (r *Relay) land(ctx context.Context) error {
	err := r.settle(ctx)
	for err == nil && r.waits() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.wake:
			err = r.settle(ctx)
		}
	}
	return err
}

// RunOnce sends what waits, a batch of each lane, and waits for the cluster's answers. It reports whether there was anything.
func (r *Relay) RunOnce(ctx context.Context) (bool, error) {
	if err := r.cfg.Outgoing.Refresh(ctx); err != nil {
		return false, err
	}
	for n := range r.lanes {
		r.lanes[n].retry = time.Time{}
	}
	did, err := r.round(ctx)
	if err != nil {
		return did, err
	}
	return did, r.land(ctx)
}

// waits reports whether an answer of the cluster, or a cursor to move, is outstanding.
func (r *Relay) waits() bool {
	return slices.ContainsFunc(r.lanes[:], func(l sending) bool { return l.out != nil })
}

// Close gives up the connection. What was sent and not acknowledged is sent again by whoever has the lane next.
func (r *Relay) Close() {
	if r.client != nil {
		r.client.Close()
		r.client = nil
	}
	for i := range r.lanes {
		r.lanes[i] = sending{}
	}
	r.mu.Lock()
	r.done = nil
	r.mu.Unlock()
}

// round moves the cursors behind what was acknowledged, and sends what waits in lanes of which nothing is under way. It reports
// whether it did anything.
func (r *Relay) round(ctx context.Context) (bool, error) {
	if err := r.start(ctx); err != nil {
		return false, err
	}
	if err := r.settle(ctx); err != nil {
		return false, err
	}
	if err := r.own(ctx); err != nil {
		return false, err
	}
	did := false
	now := time.Now()
	for n := range r.lanes {
		l := &r.lanes[n]
		if !l.known || l.out != nil || now.Before(l.retry) || r.cfg.Outgoing.Head(n) <= l.next {
			continue
		}
		rows, err := r.cfg.Outgoing.read(ctx, n, l.next, r.cfg.Batch)
		if err != nil {
			l.known, l.gap = false, true // what is missing may be behind the cursor by now, or behind who reads
			return did, err
		}
		if len(rows) == 0 {
			l.next = r.cfg.Outgoing.Head(n) // a new cursor: what came before it was deleted
			continue
		}
		did = true
		r.send(ctx, n, rows)
	}
	return did, nil
}

// start connects and looks at the topics. When one of them was made anew, all lanes begin where the lowest reader is.
func (r *Relay) start(ctx context.Context) error {
	if r.client != nil && time.Since(r.checked) < checkEvery {
		return nil
	}
	cl := r.client
	if cl == nil {
		var err error
		cl, err = r.cfg.Cluster.client(kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(r.cfg.Cluster.codec()...),
			kgo.ProducerBatchMaxBytes(int32(r.cfg.Cluster.maxBytes()+recordRoom)), kgo.MaxBufferedBytes(64<<20)) //nolint:gosec // a setting with a bound
		if err != nil {
			return err
		}
	}
	limited, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	ids, err := r.cfg.Cluster.check(limited, cl, r.cfg.Outgoing.topics()...)
	if err != nil {
		if r.client == nil {
			cl.Close()
		}
		r.checked = time.Time{}
		return err
	}
	mark := fingerprint(ids)
	if mark != r.topics && r.client != nil {
		r.cfg.Logger.WarnContext(ctx, "a topic was made anew: what its readers have not had is sent again", "consumer", r.cfg.Consumer)
		r.Close() // what the client knows is of the topic before
		return r.start(ctx)
	}
	r.client, r.topics, r.checked = cl, mark, time.Now()
	return nil
}

// fingerprint is a short text that is another when a topic has another id.
func fingerprint(ids map[string]string) string {
	var all []string
	for topic, id := range ids {
		all = append(all, topic+"="+id)
	}
	slices.Sort(all)
	h := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(h[:8])
}

// mark is the mark of the cursors: which topics was sent to, in which term.
func (r *Relay) mark() string {
	if r.cfg.Term == nil || r.cfg.Term() == 0 {
		return r.topics
	}
	return fmt.Sprint(r.topics, " ", r.cfg.Term())
}

// own takes up lanes that are this process's and gives up those that are not any more.
func (r *Relay) own(ctx context.Context) error {
	var up []int
	mark := r.mark()
	for n := range r.lanes {
		l := &r.lanes[n]
		epoch, held := r.cfg.Epochs.Epoch(n)
		if l.known && (!held || epoch != l.epoch) {
			l.known = false
		}
		if held && !l.known && l.out == nil {
			l.epoch = epoch
			up = append(up, n)
		}
	}
	if len(up) == 0 {
		return nil
	}
	at, err := r.cfg.Store.Cursors(ctx, r.cfg.Consumer)
	if err != nil {
		return fmt.Errorf("read the cursors of %s: %w", r.cfg.Consumer, err)
	}
	var lowest [eventstore.Lanes]int64
	if r.cfg.Lowest != nil && slices.ContainsFunc(up, func(n int) bool { return at[n].Mark != mark || r.lanes[n].gap }) {
		if lowest, err = r.cfg.Lowest(ctx); err != nil {
			return fmt.Errorf("read how far those are who read: %w", err)
		}
	}
	var moves []eventstore.CursorMove
	for _, n := range up {
		next := at[n].Offset
		switch {
		case at[n].Mark != mark: // never sent to these topics: whoever reads has had what is behind the lowest
			next = lowest[n]
		case r.lanes[n].gap: // they had it another way, and it was deleted
			next = max(next, lowest[n])
		}
		if next > at[n].Offset { // what was not sent to them by us is behind
			moves = append(moves, eventstore.CursorMove{
				Consumer: r.cfg.Consumer, Role: r.cfg.Epochs.Role(), Lane: n, From: at[n].Offset, To: next, Epoch: r.lanes[n].epoch, Mark: mark,
			})
		}
		r.lanes[n] = sending{known: true, epoch: r.lanes[n].epoch, mark: mark, stored: at[n].Offset, next: next, last: map[string]int64{}}
		for _, t := range r.cfg.Outgoing.topics() {
			r.lanes[n].last[t] = next
		}
	}
	return r.move(ctx, moves)
}

// send gives rows of a lane to the client, which sends those of all lanes together.
func (r *Relay) send(ctx context.Context, n int, rows []outgoing) {
	l := &r.lanes[n]
	f := &flight{lane: n, rows: rows, errs: make([]error, len(rows))}
	l.out, l.next = f, rows[len(rows)-1].offset
	for _, row := range rows {
		if row.record != nil {
			f.left++
		}
	}
	if f.left == 0 {
		r.answered(f)
		return
	}
	for i, row := range rows {
		if row.record == nil {
			continue
		}
		r.client.Produce(ctx, row.record, func(_ *kgo.Record, err error) {
			f.errs[i] = err
			r.mu.Lock()
			f.left--
			done := f.left == 0
			r.mu.Unlock()
			if done {
				r.answered(f)
			}
		})
	}
}

// answered hands on what the cluster has answered.
func (r *Relay) answered(f *flight) {
	r.mu.Lock()
	r.done = append(r.done, f)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// settle moves the cursors behind what was acknowledged.
func (r *Relay) settle(ctx context.Context) error {
	r.mu.Lock()
	done := r.done
	r.done = nil
	r.mu.Unlock()
	var moves []eventstore.CursorMove
	var marks []message.Message
	for _, f := range done {
		l := &r.lanes[f.lane]
		if l.out != f {
			continue // of a lane that was given up
		}
		l.out = nil
		to := r.acknowledged(ctx, f)
		if to > l.stored || to < l.stored && to > 0 {
			moves = append(moves, eventstore.CursorMove{
				Consumer: r.cfg.Consumer, Role: r.cfg.Epochs.Role(), Lane: f.lane, From: l.stored, To: to, Epoch: l.epoch, Mark: l.mark,
			})
		}
		marks = append(marks, r.idle(f.lane)...)
	}
	for _, m := range marks {
		if err := do(ctx, r.cfg.Doer, m.Key, &eventstore.Commit{Outbox: []message.Message{m}}); err != nil {
			return fmt.Errorf("move idle consumers: %w", err)
		}
	}
	return r.move(ctx, moves)
}

// acknowledged returns the offset up to which all of a flight was. Where something was not, the lane goes on there, after a while.
func (r *Relay) acknowledged(ctx context.Context, f *flight) int64 {
	l := &r.lanes[f.lane]
	to := f.rows[0].offset - 1
	for i, row := range f.rows {
		if err := f.errs[i]; err != nil {
			l.wait = min(max(2*l.wait, firstBackoff), longestBackoff)
			l.next, l.retry = to, time.Now().Add(l.wait)
			r.checked = time.Time{} // the topic may be gone
			if ctx.Err() == nil && !errors.Is(err, kgo.ErrClientClosed) {
				r.cfg.Logger.WarnContext(ctx, "message not sent", "consumer", r.cfg.Consumer, "lane", f.lane, "topic", row.record.Topic,
					"offset", row.offset, "error", err)
			}
			return to
		}
		to = row.offset
		if row.record != nil {
			l.last[row.topic] = to
		}
	}
	l.wait = 0
	return to
}

// move moves cursors in one commit; when that fails, one by one: a lane may have been lost.
func (r *Relay) move(ctx context.Context, moves []eventstore.CursorMove) error {
	if len(moves) == 0 {
		return nil
	}
	err := do(ctx, r.cfg.Doer, r.cfg.Consumer, &eventstore.Commit{Cursors: moves})
	if err != nil && len(moves) > 1 && errors.Is(err, eventstore.ErrFenced) {
		var errs []error
		for _, m := range moves {
			errs = append(errs, r.move(ctx, []eventstore.CursorMove{m}))
		}
		return errors.Join(errs...)
	}
	for _, m := range moves {
		if err != nil {
			r.lanes[m.Lane].known = false // where the cursor stands only the store knows
		} else {
			r.lanes[m.Lane].stored = m.To
		}
	}
	if err != nil {
		return fmt.Errorf("move the cursor of %s: %w", r.cfg.Consumer, err)
	}
	return nil
}

// idle makes the messages that move consumers of topics on which nothing was sent for long.
func (r *Relay) idle(n int) (marks []message.Message) {
	l := &r.lanes[n]
	for _, topic := range r.cfg.Outgoing.topics() {
		if r.cfg.Lag < 0 || l.next-l.last[topic] < int64(r.cfg.Lag) {
			continue
		}
		l.last[topic] = l.next
		marks = append(marks, markOf(topic, n, l.next))
	}
	return marks
}
