package vim

import (
	"encoding/json"
	"fmt"
	"time"
)

// The command types on message.TopicVimCommands. Each command is about one resource.
const (
	TypeReserveResource = "vim.reserve-resource.v2" // data: Reserve; result: Resource
	TypeChangeResource  = "vim.change-resource.v1"  // data: Change; result: Resource
	TypeReleaseResource = "vim.release-resource.v2" // data: Release; result: Token
)

// Reserve asks for one resource at one VIM connection.
type Reserve struct {
	VnfID      string `json:"vnfInstanceId,omitempty"` // owner tag
	Connection string `json:"vimConnectionId,omitempty"`
	Fence      int64  `json:"fence,omitempty"` // the operation's number for this VNF; a lower one than seen may not create
	Token      Token  `json:"token"`
	Kind       Kind   `json:"kind"`
	Spec       Spec   `json:"spec"`
	DeadlineMs int64  `json:"deadlineMs,omitempty"` // bound of one driver attempt; 0: the VIM manager's default
}

// Change asks for a change of one resource that stands. One with a lower revision than seen does nothing and is answered
// with the class superseded; one whose token was released is answered CANCELLED.
type Change struct {
	VnfID      string `json:"vnfInstanceId"`
	Connection string `json:"vimConnectionId"`
	Fence      int64  `json:"fence,omitempty"` // as of a Reserve
	Token      Token  `json:"token"`
	Kind       Kind   `json:"kind"`
	Revision   int    `json:"revision"` // that the resource has once To stands; from 2
	From       Spec   `json:"from"`     // before, as far as the sender knows
	To         Spec   `json:"to"`       // whole, not only what differs
	// GraceMs is how long a guest may take to stop by itself where To turns its power off; 0: it is turned off at once.
	GraceMs    int64 `json:"graceMs,omitempty"`
	DeadlineMs int64 `json:"deadlineMs,omitempty"` // as of a Reserve
}

// Grace is GraceMs as a duration.
func (c Change) Grace() time.Duration { return time.Duration(c.GraceMs) * time.Millisecond }

// Release asks for the release of an exact token; it is always accepted and leaves a tombstone.
type Release struct {
	VnfID      string `json:"vnfInstanceId,omitempty"`
	Connection string `json:"vimConnectionId,omitempty"`
	Token      Token  `json:"token"`
	Kind       Kind   `json:"kind"`
}

// The command types of older programs, whose commands may still be under way. Each names exactly one resource; it is refused
// when it names more, which no program ever sent.
const (
	TypeReserve = "vim.reserve-resources.v1" // data: ReserveResources; result: Reserved
	TypeRelease = "vim.release-resources.v1" // data: ReleaseResources; result: Released
)

// ReserveResources is the older form of Reserve.
type ReserveResources struct {
	VnfID      string    `json:"vnfInstanceId"`
	Connection string    `json:"vimConnectionId"`
	Fence      int64     `json:"fence"`
	Resources  []Reserve `json:"resources"` // with token, kind and spec only
	Deadline   int64     `json:"deadlineMs,omitempty"`
}

// One returns the command in today's form; ok is false when it is not about exactly one resource.
func (c ReserveResources) One() (r Reserve, ok bool) {
	if len(c.Resources) != 1 {
		return Reserve{}, false
	}
	r = c.Resources[0]
	r.VnfID, r.Connection, r.Fence, r.DeadlineMs = c.VnfID, c.Connection, c.Fence, c.Deadline
	return r, true
}

// Reserved is the result of ReserveResources.
type Reserved struct {
	Resources []Resource `json:"resources"`
}

// ReleaseResources is the older form of Release.
type ReleaseResources struct {
	VnfID      string    `json:"vnfInstanceId"`
	Connection string    `json:"vimConnectionId"`
	Resources  []Release `json:"resources"` // with token and kind only
}

// One returns the command in today's form; ok is false when it is not about exactly one resource.
func (c ReleaseResources) One() (r Release, ok bool) {
	if len(c.Resources) != 1 {
		return Release{}, false
	}
	r = c.Resources[0]
	r.VnfID, r.Connection = c.VnfID, c.Connection
	return r, true
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
