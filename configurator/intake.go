package configurator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
)

// Source is the source of every reply.
const Source = "/vnfm/configuration"

// The states of a row.
const (
	Open    = "OPEN"    // a call is to be made
	Calling = "CALLING" // one may be under way
	Done    = "DONE"    // it was answered
)

// fenceState is the state of the row that keeps the number of the newest operation of a VNF.
const fenceState = "FENCE"

// configuring is the document of a row.
type configuring struct {
	Request  configuration.Configure `json:"request"`
	Commands []message.Message       `json:"commands"` // without their data; those that were answered stay until the row goes
	Waiting  []string                `json:"waiting,omitempty"`
	Intent   string                  `json:"intent,omitempty"` // id of the call that may be under way
	By       time.Time               `json:"by,omitzero"`      // when it is given up; set by the first call
	Tries    int                     `json:"tries,omitempty"`  // calls that said it was not ready
	Reply    *message.Reply          `json:"reply,omitempty"`  // the last
}

// fence is the document of a fence row.
type fence struct {
	Highest int64 `json:"highest"`
}

func refOf(token string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableVnfCommands, ID: token}
}

func fenceRef(vnfID string) eventstore.RecordRef { return refOf("fence:" + vnfID) }

// Intake is the handler of message.TopicVnfCommands: it writes commands into the ledger and calls nobody.
type Intake struct{}

var _ inbox.Handler = Intake{}

func read(m message.Message) (configuration.Configure, error) {
	var c configuration.Configure
	err := json.Unmarshal(m.Data, &c)
	if err == nil && c.Token == "" {
		err = vnfm.Errorf(vnfm.Invalid, "it has no token")
	}
	return c, err
}

// Load asks for the rows of the commands.
func (Intake) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		if m.Type != configuration.TypeConfigure {
			l = l.Merge(eventstore.Load{Records: coordinationRefs(m)})
		} else if c, err := read(m); err == nil {
			l = l.Merge(eventstore.Load{Records: []eventstore.RecordRef{refOf(c.Token), fenceRef(c.VnfID)}})
		}
	}
	return l
}

// Decide writes the commands into the ledger. One that is there already is answered with its reply, or by a message that says
// that it is being worked on; another one for the same configuration joins it. A command of another type is
// vnfm.ErrUnknownVersion.
func (Intake) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	b := ledger.Open(l, c)
	for _, m := range msgs {
		switch m.Type {
		case configuration.TypeConfigure:
		case configuration.TypeCoordinate, configuration.TypeCallOff:
			if err := takeCoordination(b, m); err != nil {
				return err
			}
			continue
		default:
			return vnfm.UnknownVersion("command %s is of type %q", m.ID, m.Type)
		}
		cmd, err := read(m)
		if err != nil {
			answer(b, m, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "the command cannot be read: " + err.Error()})
			continue
		}
		if err := take(b, m, cmd); err != nil {
			return err
		}
	}
	return b.Write() //nolint:wrapcheck // says what it was about
}

func answer(b *ledger.Book, m message.Message, r message.Reply) {
	if m.ReplyTo != "" {
		b.Commit.Outbox = append(b.Commit.Outbox, message.NewReply(m, Source, b.Now, r))
	}
}

// again reports whether a command is one of those that a row has, and answers it if so: with the row's reply, or that it waits for
// one.
func again(b *ledger.Book, m message.Message, commands []message.Message, waiting []string, reply *message.Reply) bool {
	if !slices.ContainsFunc(commands, func(o message.Message) bool { return o.ID == m.ID }) {
		return false
	}
	if slices.Contains(waiting, m.ID) {
		reply = nil
	}
	if m.ReplyTo != "" {
		b.Commit.Outbox = append(b.Commit.Outbox, message.Answer(m, Source, b.Now, reply))
	}
	return true
}

// take lets a command change its configuration's row.
func take(b *ledger.Book, m message.Message, cmd configuration.Configure) error {
	r, err := ledger.Get[configuring](b, refOf(cmd.Token))
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	if r != nil && again(b, m, r.Doc.Commands, r.Doc.Waiting, r.Doc.Reply) {
		return nil
	}
	older, err := fenced(b, m.Key, cmd.VnfID, cmd.Fence)
	switch {
	case err != nil:
		return err
	case older != nil:
		answer(b, m, *older)
		return nil
	case r == nil:
		r = ledger.Add[configuring](b, refOf(cmd.Token), m.Key, cmd.VnfID)
	}
	d := &r.Doc
	m.Data = nil
	d.Commands = append(d.Commands, m)
	r.Touch()
	switch {
	case r.State == Done && d.Reply.Outcome == message.Succeeded:
		answer(b, m, *d.Reply)
	case r.State == Calling: // it waits for what is under way
		d.Waiting = append(d.Waiting, m.ID)
	default:
		d.Request, d.Reply, d.By, d.Tries = cmd, nil, time.Time{}, 0
		d.Waiting = append(d.Waiting, m.ID)
		r.Move(Open, b.Now)
	}
	return nil
}

// fenced says why a command of an operation does nothing after another has begun; nil when none has, which is noted.
func fenced(b *ledger.Book, key, vnfID string, number int64) (*message.Reply, error) {
	f, err := ledger.Get[fence](b, fenceRef(vnfID))
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	if f == nil {
		f = ledger.Add[fence](b, fenceRef(vnfID), key, "")
	}
	switch {
	case number < f.Doc.Highest:
		return older(f.Doc.Highest), nil
	case number > f.Doc.Highest || f.Fresh():
		f.Doc.Highest = number
		f.Move(fenceState, time.Time{})
	}
	return nil, nil
}

func older(begun int64) *message.Reply {
	return &message.Reply{
		Outcome: message.Failed, Class: message.Superseded, Reason: fmt.Sprintf("superseded: operation %d of the VNF has begun", begun),
	}
}
