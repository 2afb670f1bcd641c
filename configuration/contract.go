package configuration

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/message"
)

// TypeConfigure is the type of the command on message.TopicVnfCommands.
const TypeConfigure = "vnf.configure.v1" // data: Configure; result: Result

// Configure asks for the configuration of a VNF.
type Configure struct {
	VnfID      string             `json:"vnfInstanceId"`
	OpID       string             `json:"vnfLcmOpOccId"`
	Token      string             `json:"token"`            // names the configuration: the same for all attempts at it
	Fence      int64              `json:"fence"`            // the operation's number for this VNF; one of an older operation does nothing
	Action     string             `json:"action"`           // what has become of the VNF: its operation, in lower case, e.g. "instantiate"
	Name       string             `json:"name"`             // of the VNF, for people
	Params     json.RawMessage    `json:"params,omitempty"` // additionalParams of request and grant; sealed until a Configurer is called
	Computes   map[string]Compute `json:"computes"`         // by planned resource id
	DeadlineMs int64              `json:"deadlineMs,omitempty"`
	// Endpoint is who is told; nil: the simulated VNFs of the site.
	Endpoint *Endpoint `json:"endpoint,omitempty"`
	// Properties are the VNF's vnfConfigurableProperties as an object, sealed like Params, which come over them.
	Properties json.RawMessage `json:"properties,omitempty"`
	// ExtCps and Vnfcs are what has changed, GoneCps and GoneVnfcs what is no more. The rest is as it was.
	ExtCps    []Cp     `json:"extCps,omitempty"`
	Vnfcs     []Vnfc   `json:"vnfcs,omitempty"`
	GoneCps   []string `json:"goneCps,omitempty"`
	GoneVnfcs []string `json:"goneVnfcs,omitempty"`
}

// Endpoint is who is called: by a management connection, whose address and credentials are read when it is.
type Endpoint struct {
	Connection string `json:"managementConnectionId"`
	Type       string `json:"endpointType"`      // VNF, MGMT
	Cpd        string `json:"cpdId,omitempty"`   // external CPD whose address is called; "": the connection says which
	CpID       string `json:"cpId,omitempty"`    // the connection point of that CPD, once it is known
	Address    string `json:"address,omitempty"` // its first
}

// Cp is a connection point with its addresses.
type Cp struct {
	ID  string   `json:"id"`
	Cpd string   `json:"cpdId"`
	MAC string   `json:"macAddress,omitempty"`
	IPs []string `json:"ipAddresses,omitempty"`
}

// Vnfc is a VNFC with its internal connection points.
type Vnfc struct {
	ID  string `json:"id"`
	Vdu string `json:"vduId"`
	Cps []Cp   `json:"cps,omitempty"`
	// Properties are its vnfcConfigurableProperties as an object.
	Properties json.RawMessage `json:"properties,omitempty"`
}

// Compute is a machine of the VNF.
type Compute struct {
	Connection string `json:"vimConnectionId"`
	ID         string `json:"id"` // the VIM's
}

// Request is what a Configurer is asked for.
type Request struct{ Configure }

// Result is what a Configurer says.
type Result struct {
	// Ready says that the VNF is configured. Until then the Configurer is asked again, with the same Request.
	Ready    bool            `json:"-"`
	Waiting  string          `json:"-"` // why it is not; for people, no secrets
	After    time.Duration   `json:"-"` // the least to wait before the next call; 0: the caller's pace
	Warnings []string        `json:"warnings,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"` // for people; no secrets
}

// Configurer configures VNFs. It may be called again with the same token, whatever came of the calls before, and does nothing twice
// that must be done once. It blocks at most until the context ends; what takes longer it begins, and says that it is not ready.
// Errors are *Error; any other error is taken for unknown-outcome.
type Configurer interface {
	Configure(ctx context.Context, r Request) (Result, error)
}

// Error is why a VNF could not be configured.
type Error struct {
	Class message.Class
	Hint  string // for people; no secrets
	Err   error
}

// Error returns class, hint and cause.
func (e *Error) Error() string {
	s := fmt.Sprintf("configure: %s: %s", e.Class, e.Hint)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
