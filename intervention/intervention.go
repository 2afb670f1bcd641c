// Package intervention keeps what operators do to the machinery by hand as events: a message that could not be handled is handled
// again, or given up; a consumer is forgotten. The event is written before the deed, in the main database, whichever one the deed is done in: it says what was
// asked, by whom and why. What is asked twice is there twice; each deed may be repeated.
package intervention

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
)

// StreamPrefix begins the name of the stream of interventions about one message.
const StreamPrefix = "intervention-"

// Message is a parked message as it was when an operator decided about it.
type Message struct {
	ID       string `json:"id"`
	Consumer string `json:"consumer"`
	Key      string `json:"key"` // mostly the VNF instance
	Type     string `json:"type"`
	Parked   string `json:"parkedFor"` // why it could not be handled
}

// RetryAsked records that an operator wants a parked message handled again, with those of its key behind it.
type RetryAsked struct {
	Message Message `json:"message"`
}

// SkipAsked records that an operator gives a parked message up: it is never handled. Those of its key behind it are.
type SkipAsked struct {
	Message Message `json:"message"`
	Reason  string  `json:"reason"`
}

// ForgetAsked records that an operator wants a consumer of an outbox forgotten: messages that it has not had are kept for it no more.
type ForgetAsked struct {
	Consumer string    `json:"consumer"`
	Database string    `json:"database"`          // whose outbox it reads: main or vim
	Since    time.Time `json:"since"`             // when it was registered
	Version  string    `json:"version,omitempty"` // of the program that registered it
}

// EventType returns "intervention.retry-asked".
func (*RetryAsked) EventType() string { return "intervention.retry-asked" }

// EventType returns "intervention.skip-asked".
func (*SkipAsked) EventType() string { return "intervention.skip-asked" }

// EventType returns "intervention.forget-asked".
func (*ForgetAsked) EventType() string { return "intervention.forget-asked" }

// Forms returns every event of interventions, for a registry.
func Forms() []aggregate.Form {
	return []aggregate.Form{
		{Type: (&RetryAsked{}).EventType(), Schema: 1, New: func() aggregate.Event { return new(RetryAsked) }},
		{Type: (&SkipAsked{}).EventType(), Schema: 1, New: func() aggregate.Event { return new(SkipAsked) }},
		{Type: (&ForgetAsked{}).EventType(), Schema: 1, New: func() aggregate.Event { return new(ForgetAsked) }},
	}
}

// history is all that is kept of the interventions about a message: how many there were. Its events are what counts.
type history struct {
	Events int `json:"events"`
}

// Log writes interventions. It may be used by several callers at once.
type Log struct {
	doer eventstore.Doer
	repo *aggregate.Repository[history]
}

// New returns a log that writes by a committer of the main database.
func New(doer eventstore.Doer) (*Log, error) {
	registry, err := aggregate.NewRegistry(Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register the events of interventions: %w", err)
	}
	return &Log{doer: doer, repo: aggregate.NewRepository(aggregate.Config[history]{
		Prefix: StreamPrefix, Registry: registry, Schema: 1, New: func(string) history { return history{} },
		Apply: func(h *history, _ aggregate.Event, _ time.Time) { h.Events++ },
	})}, nil
}

// Retry writes that a message is to be handled again.
func (l *Log) Retry(ctx context.Context, m Message, by request.Info) error {
	return l.write(ctx, m.ID, "message.retry", &RetryAsked{Message: m}, by)
}

// Forget writes that a consumer is to be forgotten.
func (l *Log) Forget(ctx context.Context, e ForgetAsked, by request.Info) error {
	return l.write(ctx, "consumer-"+e.Consumer, "consumer.forget", &e, by)
}

// Skip writes that a message is given up, and why.
func (l *Log) Skip(ctx context.Context, m Message, reason string, by request.Info) error {
	return l.write(ctx, m.ID, "message.skip", &SkipAsked{Message: m, Reason: reason}, by)
}

func (l *Log) write(ctx context.Context, id, command string, e aggregate.Event, by request.Info) error {
	_, err := l.doer.Do(ctx, &eventstore.Work{
		Keys: []string{StreamPrefix + id},
		Load: func() eventstore.Load { return l.repo.Load(id) },
		Decide: func(loaded *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, l.repo.Append(loaded, c, id, by.Metadata(command, id), e)
		},
	})
	if err != nil {
		return fmt.Errorf("write what was asked about %s: %w", id, err)
	}
	return nil
}
