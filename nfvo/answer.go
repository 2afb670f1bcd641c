package nfvo

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm/message"
)

// Answer is what an orchestrator said when it was asked for a grant, or when its grant was looked at.
type Answer struct {
	Grant *Grant // nil: it is still deciding
	// VnfID and OpOccID are what the grant says it is for.
	VnfID, OpOccID string
	// Connections is the grant's vimConnectionInfo by VIM connection id. It holds credentials: it is handed on, never kept.
	Connections map[string]ConnectionInfo
	// Body is the grant as it came, credentials masked, to be kept.
	Body json.RawMessage
	// Location is where to look for a grant that is still being decided.
	Location string
	// RetryAfter is how long the orchestrator wants to be left alone; 0: it did not say.
	RetryAfter time.Duration
}

// ConnectionInfo is how to reach a VIM (SOL003 v3.7.1 §4.4.1.6, VimConnectionInfo). AccessInfo holds credentials; printed, it
// tells none.
type ConnectionInfo struct {
	VimID         string                     `json:"vimId,omitempty"`
	VimType       string                     `json:"vimType"`
	InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo,omitempty"`
	AccessInfo    map[string]json.RawMessage `json:"accessInfo,omitempty"`
	Extra         map[string]json.RawMessage `json:"extra,omitempty"`
}

// String tells no credential.
func (c ConnectionInfo) String() string { return c.VimType + " " + c.VimID }

// GoString tells no credential.
func (c ConnectionInfo) GoString() string { return c.String() }

// LogValue tells no credential.
func (c ConnectionInfo) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Error is why an orchestrator gave no answer that can be used.
type Error struct {
	// Class is Permanent for a refusal and for an answer that cannot be used, Auth when it does not take our credentials,
	// Unavailable when it is away or asks for patience, UnknownOutcome when the request may have reached it.
	Class  message.Class
	Status int    // HTTP status; 0: there was no answer
	Reason string // for people; no secrets
	// RetryAfter is what the orchestrator asked to wait; 0: it did not say.
	RetryAfter time.Duration
}

// Error returns the reason.
func (e *Error) Error() string { return e.Reason }

// Again reports whether the same request may be answered another time.
func (e *Error) Again() bool {
	return e.Class == message.Unavailable || e.Class == message.Transient || e.Class == message.UnknownOutcome
}
