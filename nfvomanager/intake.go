package nfvomanager

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
)

// The states of a row.
const (
	Open = "OPEN"
	Done = "DONE"
)

// The groups of rows: who decides.
const (
	groupLocal = "local" // our own policy
	groupNfvo  = "nfvo"  // an orchestrator
)

// asking is the document of a grant's row. Its id is the operation occurrence's: there is one grant for each, however
// often it is asked for.
type asking struct {
	// Message is the first command; its data is the request. Later ones have none: they ask for the same.
	Message message.Message   `json:"message"`
	Joined  []message.Message `json:"joined,omitempty"`
	Tries   int               `json:"tries,omitempty"` // failed ones in a row
	Reason  string            `json:"reason,omitempty"`
	Reply   *message.Reply    `json:"reply,omitempty"`
	// Withdrawn: the operation ended without the answer.
	Withdrawn bool `json:"withdrawn,omitempty"`
	// Of a grant that an orchestrator decides: the body, sent byte-equal each time; where the grant will be; how often it
	// was looked at there; when we stop asking; the grant as it came, credentials masked.
	Body     json.RawMessage `json:"body,omitempty"`
	Location string          `json:"location,omitempty"`
	Looks    int             `json:"looks,omitempty"`
	Deadline time.Time       `json:"deadline,omitzero"`
	Grant    json.RawMessage `json:"grant,omitempty"`
}

// IntakeConfig describes an intake.
type IntakeConfig struct {
	// Body makes what is sent to the orchestrator; nil: there is none, our own policy decides.
	Body func(*nfvo.GrantRequest) (json.RawMessage, error)
	// GrantTimeout is how long the orchestrator is asked; 0 means 10 min.
	GrantTimeout time.Duration
	// Retention is how long what was withdrawn is kept; 0: for ever.
	Retention time.Duration
}

// Intake is the handler of message.TopicNfvoCommands: it writes commands into the ledger and asks nobody.
type Intake struct{ cfg IntakeConfig }

var _ inbox.Handler = Intake{}

// NewIntake returns an intake.
func NewIntake(cfg IntakeConfig) Intake {
	if cfg.GrantTimeout <= 0 {
		cfg.GrantTimeout = 10 * time.Minute
	}
	return Intake{cfg}
}

func refOf(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableNfvoCommands, ID: id}
}

// Load asks for the rows of the commands.
func (Intake) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		l = l.Merge(eventstore.Load{Records: []eventstore.RecordRef{refOf(m.CorrelationID)}})
	}
	return l
}

// Decide writes the commands into the ledger. A command that is there already changes nothing and is answered with its reply
// once more, or by a message that says that it is being worked on; another one for the same grant joins the first, and gets its
// answer at once when there is one. A command of another type is vnfm.ErrUnknownVersion.
func (in Intake) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	b := ledger.Open(l, c)
	for _, m := range msgs {
		switch {
		case m.Type != nfvo.TypeRequestGrant && m.Type != nfvo.TypeWithdrawGrant:
			return vnfm.UnknownVersion("command %s is of type %q", m.ID, m.Type)
		case m.CorrelationID == "":
			return fmt.Errorf("the message %s says of no operation that it is for it", m.ID)
		}
		r, err := ledger.Get[asking](b, refOf(m.CorrelationID))
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if r == nil {
			r = ledger.Add[asking](b, refOf(m.CorrelationID), m.Key, groupLocal)
		}
		in.take(b, r, m)
	}
	return b.Write() //nolint:wrapcheck // says what it was about
}

// until is when a row that is kept for a while may go.
func until(now time.Time, keep time.Duration) time.Time {
	if keep <= 0 {
		return time.Time{}
	}
	return now.Add(keep)
}

// take lets a message change a row.
func (in Intake) take(b *ledger.Book, r *ledger.Row[asking], m message.Message) {
	a, fresh := &r.Doc, r.State == ""
	known := a.Message.ID == m.ID || slices.ContainsFunc(a.Joined, func(j message.Message) bool { return j.ID == m.ID })
	switch {
	case m.Type == nfvo.TypeWithdrawGrant && (fresh || r.State == Open):
		if fresh { // the request, should it still come, finds it over
			a.Message = m
		}
		a.Withdrawn = true
		r.Move(Done, until(b.Now, in.cfg.Retention))
	case m.Type == nfvo.TypeWithdrawGrant:
	case fresh:
		a.Message = m
		r.Move(Open, b.Now)
		in.prepare(r, b.Now)
	case known: // it comes again: somebody wants to know how it is with it
		reply := a.Reply
		if a.Withdrawn {
			reply = &withdrawn
		}
		b.Commit.Outbox = append(b.Commit.Outbox, message.Answer(m, Source, b.Now, reply))
	default:
		joined := m
		joined.Data = nil // it asks for the same
		a.Joined = append(a.Joined, joined)
		r.Touch()
		switch {
		case r.State == Open: // answered with the first
		case a.Withdrawn:
			b.Commit.Outbox = append(b.Commit.Outbox, message.NewReply(m, Source, b.Now, withdrawn))
		case r.Group == groupLocal && a.Reply != nil && again(a.Reply.Class): // the VIM may be back
			a.Tries, a.Reply = 0, nil
			r.Move(Open, b.Now)
		case a.Reply != nil:
			b.Commit.Outbox = append(b.Commit.Outbox, message.NewReply(m, Source, b.Now, *a.Reply))
		}
	}
}

// prepare makes what the orchestrator is sent, once. What cannot be made is found by the worker, which answers.
func (in Intake) prepare(r *ledger.Row[asking], now time.Time) {
	a := &r.Doc
	if in.cfg.Body == nil || a.Message.Type != nfvo.TypeRequestGrant {
		return
	}
	var req nfvo.GrantRequest
	if json.Unmarshal(a.Message.Data, &req) != nil {
		return
	}
	body, err := in.cfg.Body(&req)
	if err != nil {
		return
	}
	r.Group, a.Body, a.Deadline = groupNfvo, body, now.Add(in.cfg.GrantTimeout)
}

// withdrawn is the answer to who asks for a grant that nobody waits for any more.
//
//nolint:gochecknoglobals // constant
var withdrawn = message.Reply{Outcome: message.Cancelled, Reason: "the operation has withdrawn its request for a grant"}

func again(c message.Class) bool { return c == message.Transient || c == message.Unavailable }
