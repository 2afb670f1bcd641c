package configuration

import (
	"context"
	"encoding/json"
	"time"
)

// The types of the commands that coordinate.
const (
	TypeCoordinate = "vnf.coordinate.v1" // data: Coordinate; result: Coordination
	// TypeCallOff ends a coordination that nobody waits for any more. It is not answered; its command is.
	TypeCallOff = "vnf.call-off-coordination.v1" // data: CallOff
)

// The interfaces of SOL002 that are called, and the types of who has them, as it spells them.
const (
	InterfaceConfiguration = "vnfconfig" // SOL002 v3.7.1 §9
	InterfaceCoordination  = "lcmcoord"  // SOL002 v3.7.1 §10
	EndpointVNF            = "VNF"       // the VNF itself
	EndpointManagement     = "MGMT"      // a management system: its element manager
)

// Coordinate asks to coordinate an LCM operation with its VNF or element manager (SOL002 v3.7.1 §10).
type Coordinate struct {
	VnfID     string          `json:"vnfInstanceId"`
	OpID      string          `json:"vnfLcmOpOccId"`
	Operation string          `json:"lcmOperationType"`
	Action    string          `json:"coordinationActionName"`
	Token     string          `json:"token"` // names the coordination: the same for all attempts at it
	Fence     int64           `json:"fence"` // the operation's number for this VNF; one of an older operation does nothing
	Endpoint  Endpoint        `json:"endpoint"`
	Input     json.RawMessage `json:"inputParams,omitempty"` // sealed until a Coordinator is called
}

// CallOff names the coordination that is to end.
type CallOff struct {
	VnfID string `json:"vnfInstanceId"`
	Token string `json:"token"`
}

// Coordination is what is known of a coordination: the result of its command, and what is told of it before.
type Coordination struct {
	ID       string `json:"id,omitempty"` // "": it was not begun
	Action   string `json:"coordinationActionName"`
	Endpoint string `json:"endpointType"`
	Result   string `json:"coordinationResult,omitempty"` // CONTINUE, ABORT, CANCELLED; "": not yet
	// Started is when the endpoint said that it has begun, Ended when it said how it ended, Delay until when it asked to wait.
	Started  time.Time `json:"startTime,omitzero"`
	Ended    time.Time `json:"endTime,omitzero"`
	Delay    time.Time `json:"delay,omitzero"`
	Warnings string    `json:"warnings,omitempty"`
	// Rejections are the times that it was refused for now.
	Rejections []Rejection `json:"rejections,omitempty"`
}

// Rejection is a refusal for now (rejectedLcmCoordinations, SOL002 v3.7.1 §5.5.2.13).
type Rejection struct {
	At    time.Time `json:"rejectionTime"`
	Delay time.Time `json:"delay"` // until when it asked to wait
}

// The results of a coordination (LcmCoordResultType, SOL002 v3.7.1 §10.5.4.3).
const (
	Continue  = "CONTINUE"
	Abort     = "ABORT"
	Cancelled = "CANCELLED"
)

// CoordinationAnswer is what an endpoint says of a coordination.
type CoordinationAnswer struct {
	ID       string        // of the coordination
	Result   string        // "": it goes on
	Warnings string        // for people; no secrets
	Problem  string        // why it did not say CONTINUE; for people
	Rejected string        // why it was refused for now; "": it was not
	After    time.Duration // how long it asks to wait, 0 when it does not say
}

// Coordinator asks endpoints to coordinate. Errors are *Error; any other error is taken for unknown-outcome.
type Coordinator interface {
	// Begin asks for a coordination. It may be called again when its answer was lost.
	Begin(ctx context.Context, c Coordinate) (CoordinationAnswer, error)
	// Look asks how a coordination goes.
	Look(ctx context.Context, c Coordinate, id string) (CoordinationAnswer, error)
	// CallOff asks to end one. One that has ended is no error.
	CallOff(ctx context.Context, c Coordinate, id string) error
}
