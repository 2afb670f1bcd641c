package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Feed is an outbox as this process sees it (outbox.Feed).
type Feed interface {
	Head(lane int) int64
	Refresh(ctx context.Context) error
	Nudge() <-chan struct{}
	Read(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error)
}

// Messages are the messages of an outbox, to be sent to the topics they are of.
type Messages struct {
	Feed
	Cluster *Cluster
	// Outbox is the id of the outbox: every record carries it.
	Outbox string
	// Topics are those that messages are of, beside others that are not checked before they are used.
	Topics []string
}

var _ Outgoing = (*Messages)(nil)

func (m *Messages) topics() []string { return m.Topics }

func (m *Messages) read(ctx context.Context, lane int, after int64, limit int) ([]outgoing, error) {
	rows, err := m.Read(ctx, lane, after, limit)
	out := make([]outgoing, len(rows))
	for i := range rows {
		out[i] = outgoing{
			offset: rows[i].Offset, topic: rows[i].Topic,
			record: ofMessage(&rows[i], m.Cluster.name(rows[i].Topic), m.Outbox, m.Cluster.maxBytes()),
		}
	}
	return out, err
}

// Log is an event log.
type Log interface {
	Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
	ReadLane(ctx context.Context, lane int, after int64, limit int) ([]eventstore.Event, error)
}

// Events are the events of the log, to be sent to the topic of events for whoever wants to know what happened to VNFs.
type Events struct {
	cluster *Cluster
	log     Log
	outbox  string
	address func(*eventstore.Event) string
	domain  func(stream string) bool

	nudge chan struct{}
	mu    sync.Mutex
	heads [eventstore.Lanes]int64
}

var _ Outgoing = (*Events)(nil)

// NewEvents returns the events of a log whose streams are of the domain. outbox is the id of the outbox beside the log; address is
// where an event is found that is too large for a record.
func NewEvents(c *Cluster, log Log, outbox string, domain func(stream string) bool, address func(*eventstore.Event) string) *Events {
	return &Events{cluster: c, log: log, outbox: outbox, domain: domain, address: address, nudge: make(chan struct{}, 1)}
}

// OnCommit takes notice of a commit's events. Give it to the committer.
func (e *Events) OnCommit(c *eventstore.Commit) {
	if len(c.Events) > 0 {
		e.grow(c.Lane, c.Events[len(c.Events)-1].Offset)
	}
}

// Heard takes over what another process tells of its commits.
func (e *Events) Heard(w eventstore.Wake) {
	for lane, h := range w.Heads {
		e.grow(lane, h.Event)
	}
}

func (e *Events) grow(lane int, head int64) {
	e.mu.Lock()
	more := head > e.heads[lane]
	e.heads[lane] = max(e.heads[lane], head)
	e.mu.Unlock()
	if !more {
		return
	}
	select {
	case e.nudge <- struct{}{}:
	default:
	}
}

// Nudge receives after events were committed.
func (e *Events) Nudge() <-chan struct{} { return e.nudge }

// Head returns the last offset of a lane known to this process.
func (e *Events) Head(lane int) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heads[lane]
}

// Refresh asks the store for the last offset of every lane.
func (e *Events) Refresh(ctx context.Context) error {
	heads, err := e.log.Heads(ctx)
	if err != nil {
		return fmt.Errorf("read lane heads: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for lane := range heads {
		e.heads[lane] = max(e.heads[lane], heads[lane].Event)
	}
	return nil
}

func (e *Events) topics() []string { return []string{message.TopicVnfEvents} }

func (e *Events) read(ctx context.Context, lane int, after int64, limit int) ([]outgoing, error) {
	events, err := e.log.ReadLane(ctx, lane, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read event log lane %d after %d: %w", lane, after, err)
	}
	out := make([]outgoing, len(events))
	for i := range events {
		if want := after + int64(i) + 1; events[i].Offset != want {
			return nil, fmt.Errorf("event log lane %d: offset %d is missing", lane, want)
		}
		out[i] = outgoing{offset: events[i].Offset, topic: message.TopicVnfEvents}
		if e.domain(events[i].Stream) {
			out[i].record = e.record(&events[i])
		}
	}
	return out, nil
}

// record makes the record of an event. Data that is too large stays behind.
func (e *Events) record(v *eventstore.Event) *kgo.Record {
	meta := v.Metadata()
	var h headers
	h.add(headerSpec, specVersion)
	h.add(headerID, v.ID)
	h.add(headerType, v.Type)
	h.add(headerSource, "/vnfm/events")
	h.add(headerTime, v.Time.Format(time.RFC3339Nano))
	h.add(headerSequence, strconv.FormatInt(v.Offset, 10))
	h.add(headerOutbox, e.outbox)
	h.add(headerSubject, v.Stream)
	h.add(headerVersion, strconv.FormatInt(v.Version, 10))
	h.add(headerSchema, strconv.Itoa(v.Schema))
	h.add(headerCorrelation, meta.CorrelationID)
	h.add(headerCausation, meta.CausationID)
	h.add(headerTraceparent, meta.Traceparent)
	h.add(headerContent, "application/json")
	key := v.Key
	if key == "" { // written by an older program, in a way that does not tell
		_, key, _ = strings.Cut(v.Stream, "-")
	}
	r := &kgo.Record{
		Topic: e.cluster.name(message.TopicVnfEvents), Partition: int32(v.Lane), Key: []byte(key), Value: v.Data, Timestamp: v.Time, //nolint:gosec // fewer than 64
	}
	if len(v.Data) > e.cluster.maxBytes()-recordRoom {
		h.add(headerDataRef, e.address(v))
		r.Value = nil
	}
	r.Headers = h
	return r
}
