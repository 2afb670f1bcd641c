package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// The headers of a record: a CloudEvent in the binary mode of the Kafka binding, with the sequence and dataref extensions and
// extensions of our own. A header without a value is as none.
const (
	headerSpec        = "ce_specversion"
	headerID          = "ce_id"
	headerType        = "ce_type"
	headerSource      = "ce_source"
	headerTime        = "ce_time"
	headerSequence    = "ce_sequence" // offset in the lane of the outbox, or of the event log
	headerOutbox      = "ce_outbox"   // id of the outbox, or of that beside the event log
	headerDataRef     = "ce_dataref"  // where the data is, when it is not here
	headerCorrelation = "ce_correlationid"
	headerCausation   = "ce_causationid"
	headerReplyTo     = "ce_replyto"
	headerSubject     = "ce_subject"       // of an event: its stream
	headerVersion     = "ce_streamversion" // its place in the stream
	headerSchema      = "ce_schema"        // version of the type's form
	headerTraceparent = "traceparent"
	headerTracestate  = "tracestate"
	headerContent     = "content-type"
)

const specVersion = "1.0"

// recordRoom is what key and headers of a record may take beside its data.
const recordRoom = 16 << 10

// headers adds those that have a value.
type headers []kgo.RecordHeader

func (h *headers) add(name, value string) {
	if value != "" {
		*h = append(*h, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
}

// ofMessage makes the record of a message. Data that is too large stays behind.
func ofMessage(m *eventstore.OutboxRecord, topic, outbox string, maxBytes int) *kgo.Record {
	var h headers
	h.add(headerSpec, specVersion)
	h.add(headerID, m.ID)
	h.add(headerType, m.Type)
	h.add(headerSource, m.Source)
	h.add(headerTime, m.Time.Format(time.RFC3339Nano))
	h.add(headerSequence, strconv.FormatInt(m.Offset, 10))
	h.add(headerOutbox, outbox)
	h.add(headerCorrelation, m.CorrelationID)
	h.add(headerCausation, m.CausationID)
	h.add(headerReplyTo, m.ReplyTo)
	h.add(headerTraceparent, m.Traceparent)
	h.add(headerTracestate, m.Tracestate)
	h.add(headerContent, "application/json")
	r := &kgo.Record{Topic: topic, Partition: int32(m.Lane), Key: []byte(m.Key), Value: m.Data, Timestamp: m.Time} //nolint:gosec // fewer than 64
	if len(m.Data) > maxBytes-recordRoom {
		h.add(headerDataRef, fmt.Sprintf("outbox:%d/%d", m.Lane, m.Offset))
		r.Value = nil
	}
	r.Headers = h
	return r
}

// received is a record as it was read.
type received struct {
	bus.Record
	outbox string // "" when the record does not tell
	ref    bool   // the data is in the outbox
}

// errForeign is the error of a record that is none of ours.
var errForeign = errors.New("not a record of ours")

// toMessage reads the record of a message of a topic.
func toMessage(k *kgo.Record, topic string) (received, error) {
	var r received
	var err error
	r.Topic, r.Key, r.Data = topic, string(k.Key), k.Value
	for _, h := range k.Headers {
		v := string(h.Value)
		if v == "" {
			continue
		}
		switch h.Key {
		case headerID:
			r.ID = v
		case headerType:
			r.Type = v
		case headerSource:
			r.Source = v
		case headerTime:
			if r.Time, err = time.Parse(time.RFC3339Nano, v); err != nil {
				return r, fmt.Errorf("%w: %s: %w", errForeign, h.Key, err)
			}
		case headerSequence:
			if r.Offset, err = strconv.ParseInt(v, 10, 64); err != nil {
				return r, fmt.Errorf("%w: %s: %w", errForeign, h.Key, err)
			}
		case headerOutbox:
			r.outbox = v
		case headerDataRef:
			r.ref = true
		case headerCorrelation:
			r.CorrelationID = v
		case headerCausation:
			r.CausationID = v
		case headerReplyTo:
			r.ReplyTo = v
		case headerTraceparent:
			r.Traceparent = v
		case headerTracestate:
			r.Tracestate = v
		}
	}
	r.Time = r.Time.UTC()
	if r.ID == "" || r.Offset <= 0 {
		return r, fmt.Errorf("%w: id %q, sequence %d", errForeign, r.ID, r.Offset)
	}
	return r, nil
}

// mark is where a lane is read on.
type mark struct {
	topic  string // its id
	next   int64  // offset of Kafka
	outbox string // its id
}

func (m mark) String() string { return fmt.Sprintf("%s %d %s", m.topic, m.next, m.outbox) }

// parseMark reads a mark; the zero value stands for one that cannot be read.
func parseMark(s string) mark {
	part := strings.Split(s, " ")
	if len(part) != 3 {
		return mark{}
	}
	next, err := strconv.ParseInt(part[1], 10, 64)
	if err != nil {
		return mark{}
	}
	return mark{topic: part[0], next: next, outbox: part[2]}
}

// isMark reports whether a message only moves cursors.
func isMark(m *message.Message) bool { return m.Type == message.MarkType }
