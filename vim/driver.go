package vim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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
	// Disabled: nothing new is created through it. What is there can be looked at, changed and released.
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

// Driver creates, changes, finds and releases resources at VIMs of one vimType. Every call may be repeated: Start with a
// token that has a resource returns that resource, Change to what stands already returns that, Release of one that is gone
// succeeds. Errors are *Error; any other error is taken for unknown-outcome. A driver holds no state that matters: after a
// restart Poll and Find work from the VIM's. Calls block at most until their context ends; then the outcome is unknown.
type Driver interface {
	// Start begins to create a resource, at revision 1, and returns what is known at once: a Resource that is not Ready is
	// polled.
	Start(ctx context.Context, conn Connection, r StartRequest) (Resource, error)
	// Change begins a change of a resource that stands, or goes on with one, and returns what is known at once. The change
	// stands once the Resource is Ready at the revision asked for. A Resource that is not Ready is polled; one that is Ready
	// at a lower revision is changed again, with the same request. An error other than unknown-outcome says that nothing
	// more will happen; what was changed before it stays. NotFound when there is no such resource: a change creates none.
	Change(ctx context.Context, conn Connection, r ChangeRequest) (Resource, error)
	// Poll looks at a resource by the VIM's id: Ready, still being built or changed, or Failed. NotFound when it is gone. Of what tokens share
	// (Kind.Shared) it tells any of them: that is looked up by its token, by Find, until it is ready.
	Poll(ctx context.Context, conn Connection, kind Kind, id string) (Resource, error)
	// Find looks a resource up by its token, and tells its revision. NotFound when the VIM has none now; one may still appear
	// when a Start of the same token is under way somewhere.
	Find(ctx context.Context, conn Connection, kind Kind, token Token) (Resource, error)
	// Release deletes whatever carries the token, if anything does, and returns when the VIM has accepted it.
	// done is false while the VIM is still deleting: call again.
	Release(ctx context.Context, conn Connection, kind Kind, token Token) (done bool, err error)
	// List returns a page of the resources whose owner tag is of this VNFM.
	List(ctx context.Context, conn Connection, r ListRequest) (ListPage, error)
	// Assets describes what the site offers: zones, flavours, images, its default external network.
	Assets(ctx context.Context, conn Connection) (Assets, error)
	// InPlace returns what the driver can change of a resource that stands. It is always the same, and asks no VIM.
	InPlace() InPlace
	// Runs returns the forms that VIMs of this type run. It is always the same, and asks no VIM; Start of another is Permanent.
	Runs() []Form
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

// ChangeRequest asks for a change of one resource.
type ChangeRequest struct {
	Token    Token
	Kind     Kind
	Owner    string
	ID       string // the VIM's id
	Revision int    // what the resource has once To stands; from 2
	// From is what the resource was before, as far as is known. It saves looks at the VIM; it decides nothing: an earlier
	// attempt may have changed some of it. Once the change stands, all of To does.
	From, To Spec
	// Grace is how long a guest may take to stop by itself where To turns the power off; 0: it is turned off at once. The
	// VIM manager counts the time: when it is over it asks again, with a Grace of 0.
	Grace time.Duration
}

// ListRequest asks for a page of resources.
type ListRequest struct {
	Owner string // only those of one VNF; "" lists those of all
	After string // Next of the page before; "" begins
	Limit int    // the most that is wanted; 0 leaves it to the driver. A driver may return fewer
}

// ListPage is a page of resources, in any order that stays the same from page to page.
type ListPage struct {
	Resources []Resource
	Next      string // where the next page begins; "" after the last one
}

// Assets is what a site offers.
type Assets struct {
	Zones           []string  `json:"zones"`
	Flavours        []Flavour `json:"flavours"`
	Images          []Image   `json:"images"`
	ExternalNetwork string    `json:"externalNetwork,omitempty"` // VIM id of the default one
	// Makes are the kinds that are made where the site lacks them, of SoftwareImage and ComputeFlavour.
	Makes []Kind `json:"makes,omitempty"`
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
	Op       string        `json:"op"` // start, change, poll, find, release, list, assets
	Resource string        `json:"resource,omitempty"`
	Class    message.Class `json:"class"`
	Hint     string        `json:"hint"` // for people; no secrets
	Err      error         `json:"-"`
	// RetryAfter is how long the VIM asks to be left alone, having done nothing (429, 503); 0: it does not say.
	RetryAfter time.Duration `json:"retryAfterNs,omitempty"`
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

// RetryAfter is how long a VIM whose driver returns an error asks to be left alone; 0: it does not say.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// HintOf returns what people may read of a driver's error: of any other, that the VIM gave no answer.
func HintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return "the VIM gave no answer"
}

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
