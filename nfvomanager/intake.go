package nfvomanager

import (
	"encoding/json"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/message"
)

// The states of a command row.
const (
	Open = "OPEN"
	Done = "DONE"
)

// group is the group of every row: the policy they are decided by.
const group = "local"

// command is the document of a command row.
type command struct {
	Message message.Message `json:"message"`
	Tries   int             `json:"tries,omitempty"`
	Reply   *message.Reply  `json:"reply,omitempty"`
}

func refOf(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableNfvoCommands, ID: id}
}

// Intake is the handler of message.TopicNfvoCommands: it writes commands into the ledger and asks nobody.
type Intake struct{}

var _ inbox.Handler = Intake{}

// Load asks for the rows of the commands.
func (Intake) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		l = l.Merge(eventstore.Load{Records: []eventstore.RecordRef{refOf(m.ID)}})
	}
	return l
}

// Decide writes the commands into the ledger. A command that is there already changes nothing.
func (Intake) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for _, m := range msgs {
		there := l.Records[refOf(m.ID)] != nil
		for _, w := range c.Records {
			there = there || w.Table == eventstore.TableNfvoCommands && w.ID == m.ID
		}
		if there {
			continue
		}
		doc, err := json.Marshal(command{Message: m})
		if err != nil {
			return err
		}
		c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
			Table: eventstore.TableNfvoCommands, ID: m.ID, Key: m.Key, Group: group, State: Open, Due: l.Now, Doc: doc,
		}})
	}
	return nil
}
