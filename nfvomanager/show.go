package nfvomanager

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
)

// The states of what was asked.
const (
	Pending   = "PENDING"
	Granted   = "GRANTED"
	Refused   = "REFUSED"
	Withdrawn = "WITHDRAWN" // the operation ended without the answer
)

// Asked is what was asked for one operation, and how it was answered. It is kept for Config.Retention and holds no credentials.
type Asked struct {
	OpOccID, VnfID string
	Local          bool // by our own policy
	State          string
	Reason         string // why it was refused, or why the last try failed
	Tries          int    // failed ones in a row
	Location       string
	Next           time.Time // when it is tried or looked at next, while PENDING
	Request        *nfvo.GrantRequest
	Body           json.RawMessage // the request as the orchestrator was sent it; nil for a local one
	Grant          *nfvo.Grant     // nil unless GRANTED
	Answer         json.RawMessage // the grant as the orchestrator gave it; nil for a local one
}

// Show returns what was asked for an operation. Returns NotFound when nothing was, or not yet.
func Show(ctx context.Context, store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
}, opID string,
) (*Asked, error) {
	l, err := store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{refOf(opID)}})
	if err != nil {
		return nil, fmt.Errorf("load the grant of %s: %w", opID, err)
	}
	rec := l.Records[refOf(opID)]
	if rec == nil || rec.Group == groupPackages {
		return nil, vnfm.Errorf(vnfm.NotFound, "No grant was asked for the operation %q, or not yet.", opID)
	}
	var a asking
	if err := json.Unmarshal(rec.Doc, &a); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode the grant of %s", opID)
	}
	out := &Asked{
		OpOccID: opID, VnfID: rec.Key, Local: rec.Group == groupLocal, State: Pending, Reason: a.Reason, Tries: a.Tries,
		Location: a.Location, Body: a.Body, Answer: a.Grant,
	}
	req := &nfvo.GrantRequest{}
	if json.Unmarshal(a.Message.Data, req) == nil && req.OpOccID != "" {
		out.Request = req
	}
	switch {
	case a.Withdrawn:
		out.State = Withdrawn
	case a.Reply == nil:
		out.Next = rec.Due
	case a.Reply.Outcome != message.Succeeded:
		out.State = Refused
	default:
		out.State, out.Grant = Granted, &nfvo.Grant{}
		if err := json.Unmarshal(a.Reply.Result, out.Grant); err != nil {
			return nil, vnfm.Wrap(vnfm.Internal, err, "decode the grant of %s", opID)
		}
	}
	return out, nil
}
