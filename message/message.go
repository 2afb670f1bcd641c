// Package message holds the envelope of everything that travels between the parts of the program: commands, replies
// and published events.
//
// The envelope is a CloudEvents 1.0 event (attributes as fields, data as JSON) with the W3C trace context and the
// correlation and causation ids of event sourcing. It owns the form, not the meaning: the data types live with the
// participant that understands them (vim, nfvo). A message is data at rest, too: it is a row of the outbox. It must
// never carry a secret.
package message

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// The topics.
const (
	TopicVimCommands  = "vnfm.vim.commands"
	TopicNfvoCommands = "vnfm.nfvo.commands"
	TopicReplies      = "vnfm.replies"
	TopicVnfCommands  = "vnfm.vnf.commands"
	TopicVnfEvents    = "vnf.events"
	TopicParked       = "vnfm.parked"
)

// Message is one envelope. Every field but the trace context is set by whoever makes the message.
type Message struct {
	ID     string `json:"id"`     // ce_id; unique; equal ids are the same message delivered again
	Type   string `json:"type"`   // ce_type, e.g. "vim.reserve-resources.v1"
	Source string `json:"source"` // ce_source: the part that made it, e.g. "/vnfm/saga"
	Topic  string `json:"topic"`
	// Key is the unit of order: the VNF instance id, else the aggregate's own id.
	Key  string    `json:"key"`
	Time time.Time `json:"time"` // ce_time, from the store's clock
	// CorrelationID is the operation occurrence (the saga) that the message serves. A cleanup saga's commands and their
	// replies carry the cleanup saga's id; its parent is in its row.
	CorrelationID string `json:"correlationId"`
	// CausationID is the id of the message this one answers or follows from. A reply's is its command's.
	CausationID string `json:"causationId"`
	// ReplyTo is the topic for the answer to a command; empty in replies and events.
	ReplyTo     string          `json:"replyTo,omitempty"`
	Traceparent string          `json:"traceparent,omitempty"`
	Tracestate  string          `json:"tracestate,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// Outcome says how a command ended.
type Outcome string

// The outcomes of a command.
const (
	Succeeded Outcome = "SUCCEEDED"
	Failed    Outcome = "FAILED"
	// Cancelled: the command was not carried out and never will be (a release was there first, or it was called off).
	Cancelled Outcome = "CANCELLED"
)

// Class is the class of a failure: what a caller may expect from trying again.
type Class string

// The classes of failure, shared by every participant.
const (
	Transient      Class = "transient"       // may succeed when tried again
	Permanent      Class = "permanent"       // will fail the same way again
	Quota          Class = "quota"           // no room now; may change when others release
	NotFound       Class = "not-found"       // something the command names is not there
	Exists         Class = "exists"          // it is there already and is not ours
	Auth           Class = "auth"            // refused; needs an operator
	Unavailable    Class = "unavailable"     // the other side cannot be reached
	UnknownOutcome Class = "unknown-outcome" // the call may or may not have had its effect
	Superseded     Class = "superseded"      // a later command about the same thing was there first; this one did nothing
)

// Reply is the data of every reply. The saga engine understands it without knowing the participant; Result is the
// participant's own.
type Reply struct {
	Outcome Outcome         `json:"outcome"`
	Class   Class           `json:"class,omitempty"`  // set when Failed
	Reason  string          `json:"reason,omitempty"` // for people; set when Failed or Cancelled
	Result  json.RawMessage `json:"result,omitempty"`
	// Partly: it has failed, and some of it may stand all the same. Who undoes what was done undoes that, too.
	Partly bool `json:"partly,omitempty"`
}

// ReplyType is the type of every reply.
const ReplyType = "vnfm.reply.v1"

// ReplyID derives the id of the reply to a command, so that a reply made twice is the same message.
func ReplyID(commandID string) string {
	return DeriveID(commandID, "reply")
}

// NewReply builds the reply to a command.
func NewReply(command Message, source string, now time.Time, r Reply) Message {
	data, err := json.Marshal(r)
	if err != nil {
		// Only Result can fail to marshal, and it is produced by json.Marshal in the participants.
		data, _ = json.Marshal(Reply{Outcome: Failed, Class: Permanent, Reason: "the result could not be encoded"})
	}
	return Message{
		ID: ReplyID(command.ID), Type: ReplyType, Source: source, Topic: command.ReplyTo, Key: command.Key, Time: now,
		CorrelationID: command.CorrelationID, CausationID: command.ID,
		Traceparent: command.Traceparent, Tracestate: command.Tracestate, Data: data,
	}
}

// WorkingType is the type of a participant's word that it has a command and has not finished it.
const WorkingType = "vnfm.working.v1"

// NewWorking builds a participant's word, at a time, that it has a command and has not finished it: the reply will come. It
// is said each time that the command comes again, so its id is of the time as well.
func NewWorking(command Message, source string, now time.Time) Message {
	m := NewReply(command, source, now, Reply{})
	m.ID, m.Type, m.Data = DeriveID(command.ID, "working", strconv.FormatInt(now.UnixMicro(), 10)), WorkingType, json.RawMessage(`{}`)
	return m
}

// NewProgress is NewWorking with what the participant knows so far, for who waits for the reply.
func NewProgress(command Message, source string, now time.Time, known json.RawMessage) Message {
	m := NewWorking(command, source, now)
	m.Data = known
	return m
}

// Answer builds what a participant says to a command that it has already and that comes again: its reply once more when it
// has one, else that it is working on it. So who waits for the reply knows that it is not lost.
func Answer(command Message, source string, now time.Time, reply *Reply) Message {
	if reply == nil {
		return NewWorking(command, source, now)
	}
	return NewReply(command, source, now, *reply)
}

// MarkType is the type of a message without meaning, by which a bus moves the cursors of a topic on which nothing else was sent.
const MarkType = "vnfm.mark.v1"

// DeriveID returns a version 5 UUID made of the parts: equal parts, equal id.
func DeriveID(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(b, byte(len(p)>>8), byte(len(p)))
		b = append(b, p...)
	}
	return uuid.NewSHA1(namespace, b).String()
}

var namespace = uuid.MustParse("6f1f6c1e-5b0c-4f0e-9d53-0d0c5c1a7e11")
