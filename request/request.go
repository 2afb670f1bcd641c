// Package request carries who asks for a change, and on behalf of which client request, from the edge to the commit.
package request

import (
	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Info says who asks and how the answer is kept.
type Info struct {
	Actor       string // the authenticated caller, or "vnfm" for the program itself
	Role        string // the caller's roles; "" for the program itself
	ID          string // of this request: the causation id of what it brings about
	Traceparent string
	// Automatic: nobody asked; a policy of the VNFM itself began it. Whoever triggers an operation sets it, and it is in the operation's
	// occurrence and in its grant request (isAutomaticInvocation).
	Automatic bool
	// Revision is the version the client says the resource is at (If-Match); 0 when it says nothing. A use case that
	// changes a resource with an ETag calls Check with the version it loaded.
	Revision int64
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

// Check returns Precondition when the client asked for another version of the resource than the one loaded.
func (i Info) Check(version int64) error {
	if i.Revision != 0 && i.Revision != version {
		return vnfm.Errorf(vnfm.Precondition, "The resource has changed meanwhile: read it again, and send the change with its new ETag.")
	}
	return nil
}

// Metadata returns the event metadata of a command processed for this request.
func (i Info) Metadata(command, correlationID string) eventstore.Metadata {
	return eventstore.Metadata{
		CorrelationID: correlationID, CausationID: i.ID, Command: command, Actor: i.Actor, Role: i.Role, Traceparent: i.Traceparent,
	}
}
