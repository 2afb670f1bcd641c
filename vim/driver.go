package vim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
)

// Connection is one configured VIM with what a driver needs to reach it. It never leaves the process that drives the VIM.
type Connection struct {
	ID    string // vimConnectionId
	VimID string
	Type  string // vimType, e.g. "VNFM.SIM.V_1"
	// Values are JSON of any type (SOL003 v3.7.1 §4.4.1.2, KeyValuePairs); Text reads one as text.
	InterfaceInfo map[string]json.RawMessage
	AccessInfo    map[string]json.RawMessage // secrets
	Extra         map[string]json.RawMessage
	// Disabled: nothing new is created through it. What is there can be looked at and released.
	Disabled bool
}

// Description is what anybody may read of a connection (SOL003 v3.7.1 §4.4.1.6, VimConnectionInfo): every value of
// accessInfo, and whatever has a telling name, is masked.
type Description struct {
	VimID         string                     `json:"vimId,omitempty"`
	Type          string                     `json:"vimType"`
	InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo,omitempty"`
	AccessInfo    map[string]json.RawMessage `json:"accessInfo,omitempty"`
	Extra         map[string]json.RawMessage `json:"extra,omitempty"`
}

// Described returns what anybody may read of the connection.
func (c Connection) Described() Description {
	open := Description{VimID: c.VimID, Type: c.Type, InterfaceInfo: c.InterfaceInfo, AccessInfo: c.AccessInfo, Extra: c.Extra}
	var masked Description
	if err := json.Unmarshal(secret.Masked(Encode(open)), &masked); err != nil {
		panic(fmt.Sprintf("vim: what was JSON does not unmarshal: %v", err))
	}
	return masked
}

// Text returns a value of a connection's maps as text: a string as it is, anything else as its JSON; "" when it is not there.
func Text(m map[string]json.RawMessage, name string) string {
	var s string
	if raw := m[name]; json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// Driver creates, finds and releases resources at VIMs of one vimType. Every call may be repeated: Start with a token
// that has a resource returns that resource, Release of one that is gone succeeds. Errors are *Error; any other error is
// taken for unknown-outcome. A driver holds no state that matters: after a restart Poll and Find work from the VIM's.
// Calls block at most until their context ends; then the outcome is unknown.
type Driver interface {
	// Start begins to create a resource and returns what is known at once: a Resource that is not Ready is polled.
	Start(ctx context.Context, conn Connection, r StartRequest) (Resource, error)
	// Poll looks at a resource by the VIM's id: Ready, still building, or Failed. NotFound when it is gone.
	Poll(ctx context.Context, conn Connection, kind Kind, id string) (Resource, error)
	// Find looks a resource up by its token. NotFound when the VIM has none now; one may still appear when a Start of
	// the same token is under way somewhere.
	Find(ctx context.Context, conn Connection, kind Kind, token Token) (Resource, error)
	// Release deletes whatever carries the token, if anything does, and returns when the VIM has accepted it.
	// done is false while the VIM is still deleting: call again.
	Release(ctx context.Context, conn Connection, kind Kind, token Token) (done bool, err error)
	// List returns every resource whose owner tag is of this VNFM, or of one VNF when owner is not empty.
	List(ctx context.Context, conn Connection, owner string) ([]Resource, error)
	// Assets describes what the site offers: zones, flavours, images, its default external network.
	Assets(ctx context.Context, conn Connection) (Assets, error)
}

// AssetFinder is implemented by drivers that can look one asset up instead of listing all of them (a catalogue may be
// long, or have no end). Errors are as the Driver's; NotFound when the site has no such asset.
type AssetFinder interface {
	// FindFlavour returns the flavour with this name.
	FindFlavour(ctx context.Context, conn Connection, name string) (Flavour, error)
	// FindImage returns the image with this checksum, else the one with this name. Either may be "".
	FindImage(ctx context.Context, conn Connection, name, checksum string) (Image, error)
}

// StartRequest asks for one resource.
type StartRequest struct {
	Token Token
	Kind  Kind
	Owner string // VNF instance id, put on the resource as owner tag
	Spec  Spec
}

// Assets is what a site offers.
type Assets struct {
	Zones           []string  `json:"zones"`
	Flavours        []Flavour `json:"flavours"`
	Images          []Image   `json:"images"`
	ExternalNetwork string    `json:"externalNetwork,omitempty"` // VIM id of the default one
}

// Flavour is a compute flavour of a VIM.
type Flavour struct {
	ID, Name    string
	VCPUs       int
	MemoryBytes int64
	DiskBytes   int64
}

// Image is a software image of a VIM. Checksum is "algorithm:hex" in lower case.
type Image struct {
	ID, Name, Checksum string
	SizeBytes          int64
}

// Error is a driver's error: what was done, to what, and what may be expected from trying again.
type Error struct {
	Op       string        `json:"op"` // start, poll, find, release, list, assets
	Resource string        `json:"resource,omitempty"`
	Class    message.Class `json:"class"`
	Hint     string        `json:"hint"` // for people; no secrets
	Err      error         `json:"-"`
}

// Error returns operation, resource, class, hint and cause.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %s: %s", e.Op, e.Resource, e.Class, e.Hint)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of a driver's error, unknown-outcome for any that says nothing, "" for nil.
func ClassOf(err error) message.Class {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return message.UnknownOutcome
}

// The command types on message.TopicVimCommands.
const (
	TypeReserve = "vim.reserve-resources.v1" // data: ReserveResources; result: Reserved
	TypeRelease = "vim.release-resources.v1" // data: ReleaseResources; result: Released
)

// ReserveResources asks for planned resources of one stage at one VIM connection. All are reserved, or the command
// fails with the first failure's class once every one of them is settled.
type ReserveResources struct {
	VnfID      string    `json:"vnfInstanceId"` // owner tag
	Connection string    `json:"vimConnectionId"`
	Fence      int64     `json:"fence"` // the operation's number for this VNF; a lower one than seen may not create
	Resources  []Reserve `json:"resources"`
	Deadline   int64     `json:"deadlineMs,omitempty"` // bound of one driver attempt; 0: the VIM manager's default
}

// Reserve is one resource to reserve.
type Reserve struct {
	Token Token `json:"token"`
	Kind  Kind  `json:"kind"`
	Spec  Spec  `json:"spec"`
}

// Reserved is the result of ReserveResources.
type Reserved struct {
	Resources []Resource `json:"resources"` // in the order asked
}

// ReleaseResources asks for the release of exact tokens; it is always accepted and leaves a tombstone for each.
type ReleaseResources struct {
	VnfID      string    `json:"vnfInstanceId"`
	Connection string    `json:"vimConnectionId"`
	Resources  []Release `json:"resources"`
}

// Release is one resource to release.
type Release struct {
	Token Token `json:"token"`
	Kind  Kind  `json:"kind"`
}

// Released is the result of ReleaseResources.
type Released struct {
	Tokens []Token `json:"tokens"`
}

// Encode marshals a command's or result's data; these types always marshal.
func Encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("vim: a wire type does not marshal: %v", err))
	}
	return b
}
