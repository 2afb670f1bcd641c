package nfvomanager

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
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

// rowOf is the row of the grant that a message is about.
func rowOf(m message.Message) eventstore.RecordRef { return refOf(m.CorrelationID) }

// Load asks for the rows of the commands.
func (Intake) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		l = l.Merge(eventstore.Load{Records: []eventstore.RecordRef{rowOf(m)}})
	}
	return l
}

// Decide writes the commands into the ledger. A command that is there already is answered, with its reply or that it is being
// worked on; another one for the same grant joins the first, and gets its answer at once when there is one. A command of another type is vnfm.ErrUnknownVersion.
func (in Intake) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for _, m := range msgs {
		if m.Type != nfvo.TypeRequestGrant && m.Type != nfvo.TypeWithdrawGrant {
			return vnfm.UnknownVersion("command %s is of type %q", m.ID, m.Type)
		}
		r, err := in.row(l, c, m)
		if err != nil {
			return err
		}
		var a asking
		if len(r.Doc) > 0 {
			if err := json.Unmarshal(r.Doc, &a); err != nil {
				return fmt.Errorf("ledger row %s: %w", r.ID, err)
			}
		}
		if !in.take(&r.Record, &a, m, l.Now, c) {
			continue
		}
		if r.Doc, err = json.Marshal(a); err != nil {
			return err
		}
		i := slices.IndexFunc(c.Records, func(w eventstore.RecordWrite) bool { return w.Table == r.Table && w.ID == r.ID })
		if i >= 0 {
			c.Records[i] = r
		} else {
			c.Records = append(c.Records, r)
		}
	}
	return nil
}

// row returns a row as the commit leaves it so far; one that does not exist has no document.
func (Intake) row(l *eventstore.Loaded, c *eventstore.Commit, m message.Message) (eventstore.RecordWrite, error) {
	ref := rowOf(m)
	if ref.ID == "" {
		return eventstore.RecordWrite{}, fmt.Errorf("the message %s says of no operation that it is for it", m.ID)
	}
	for _, w := range c.Records {
		if w.Table == ref.Table && w.ID == ref.ID {
			return w, nil
		}
	}
	if r := l.Records[ref]; r != nil {
		return eventstore.RecordWrite{Record: *r, Expected: r.Version}, nil
	}
	return eventstore.RecordWrite{Record: eventstore.Record{Table: ref.Table, ID: ref.ID, Key: m.Key, Group: groupLocal}}, nil
}

// take lets a message change a row and reports whether it does.
func (in Intake) take(r *eventstore.Record, a *asking, m message.Message, now time.Time, c *eventstore.Commit) bool {
	fresh := len(r.Doc) == 0
	known := a.Message.ID == m.ID || slices.ContainsFunc(a.Joined, func(j message.Message) bool { return j.ID == m.ID })
	switch {
	case m.Type == nfvo.TypeWithdrawGrant && (fresh || r.State == Open):
		if fresh { // the request, should it still come, finds it over
			a.Message = m
		}
		a.Withdrawn, r.State, r.Due = true, Done, time.Time{}
	case m.Type == nfvo.TypeWithdrawGrant:
		return false
	case known && !fresh: // it comes again: somebody wants to know how it is with it
		reply := a.Reply
		if a.Withdrawn {
			reply = &withdrawn
		}
		c.Outbox = append(c.Outbox, message.Answer(m, Source, now, reply))
		return false
	case fresh:
		a.Message, r.State, r.Due = m, Open, now
		in.prepare(r, a, now)
	default:
		joined := m
		joined.Data = nil // it asks for the same
		a.Joined = append(a.Joined, joined)
		switch {
		case r.State == Open: // answered with the first
		case a.Withdrawn:
			c.Outbox = append(c.Outbox, message.NewReply(m, Source, now, withdrawn))
		case r.Group == groupLocal && a.Reply != nil && again(a.Reply.Class): // the VIM may be back
			a.Tries, a.Reply, r.State, r.Due = 0, nil, Open, now
		case a.Reply != nil:
			c.Outbox = append(c.Outbox, message.NewReply(m, Source, now, *a.Reply))
		}
	}
	return true
}

// prepare makes what the orchestrator is sent, once. What cannot be made is found by the worker, which answers.
func (in Intake) prepare(r *eventstore.Record, a *asking, now time.Time) {
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
