// Package request carries who asks for a change, and on behalf of which client request, from the edge to the commit.
package request

import "github.com/vnfm/vnfm/eventstore"

// Info says who asks and how the answer is kept.
type Info struct {
	Actor       string // the authenticated caller, or "vnfm" for the program itself
	ID          string // of this request: the causation id of what it brings about
	Traceparent string
	// Answer builds the stored answer from the result of the use case, so that it is written in the commit of the
	// effect. nil when the client sent no Idempotency-Key.
	Answer func(result any) *eventstore.IdempotencyResult
}

// Idempotency returns what belongs in the commit for a result, nil when no answer is to be kept.
func (i Info) Idempotency(result any) *eventstore.IdempotencyResult {
	if i.Answer == nil {
		return nil
	}
	return i.Answer(result)
}

// Metadata returns the event metadata of a command processed for this request.
func (i Info) Metadata(command, correlationID string) eventstore.Metadata {
	return eventstore.Metadata{
		CorrelationID: correlationID, CausationID: i.ID, Command: command, Actor: i.Actor, Traceparent: i.Traceparent,
	}
}
