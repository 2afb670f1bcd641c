package vnfpkg

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// The onboarding states (SOL005 v3.7.1 §9.5.4.3; ERROR is SOL005 v3.3.1's).
const (
	StateCreated    = "CREATED"
	StateUploading  = "UPLOADING"
	StateProcessing = "PROCESSING"
	StateOnboarded  = "ONBOARDED"
	StateError      = "ERROR"
)

// The operational states.
const (
	Enabled  = "ENABLED"
	Disabled = "DISABLED"
)

// Package is the state of a VNF package, and the document of its view.
type Package struct {
	ID               string                     `json:"id"`
	Onboarding       string                     `json:"onboardingState"`
	Operational      string                     `json:"operationalState"`
	VnfdID           string                     `json:"vnfdId,omitempty"`
	VnfdVersion      string                     `json:"vnfdVersion,omitempty"`
	Provider         string                     `json:"provider,omitempty"`
	ProductName      string                     `json:"productName,omitempty"`
	SoftwareVersion  string                     `json:"softwareVersion,omitempty"`
	VnfmInfo         []string                   `json:"vnfmInfo,omitempty"`
	SHA256           string                     `json:"sha256,omitempty"` // of the content, hex
	Size             int64                      `json:"size,omitempty"`   // of the content, bytes
	DescriptorDigest string                     `json:"descriptorDigest,omitempty"`
	Images           []vnfd.Image               `json:"softwareImages,omitempty"`
	Findings         []vnfd.Finding             `json:"findings,omitempty"`
	Signature        *csar.Signature            `json:"signature,omitempty"` // of the whole package, when it was verified
	UserDefinedData  map[string]json.RawMessage `json:"userDefinedData,omitempty"`
	// Failure says why the last content was not onboarded, one reason a line; Reasons has them apart.
	Failure string       `json:"failure,omitempty"`
	Reasons []vnfd.Error `json:"failureReasons,omitempty"`
	// From is where content is being fetched from, without what may be secret in it; "": it is not fetched.
	From  string `json:"from,omitempty"`
	Tries int    `json:"tries,omitempty"` // to fetch it
	// Upload is the upload under way, processed or onboarded; Blob is where its content is.
	Upload  string `json:"upload,omitempty"`
	Blob    string `json:"blob,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	// Garbage names blobs that nothing needs any more and that may still be there.
	Garbage   []string  `json:"garbage,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	Onboarded time.Time `json:"onboarded,omitzero"`
	Updated   time.Time `json:"updated,omitzero"`
	Version   int64     `json:"version"` // of the stream
	// InUse says that VNF instances exist. It is not part of the view: Get, List and the use cases set it.
	InUse bool `json:"inUse,omitempty"`
}

// Command is a wish addressed to a package; see the types that have this method.
type Command interface{ packageCommand() }

// Create asks for a package without content.
type Create struct {
	ID              string
	UserDefinedData map[string]json.RawMessage
}

// BeginUpload asks to take content. It supersedes an upload under way: a client whose connection broke tries again.
type BeginUpload struct{ Upload, Blob string }

// BeginFetch asks to have content fetched from an address. It supersedes an upload under way. Sealed is the address with all that
// is needed to ask it.
type BeginFetch struct {
	Upload, From string
	Sealed       json.RawMessage
}

// TryFetch asks to make a try of a fetching: what comes of it is an upload of its own, in place of Upload.
type TryFetch struct{ Upload, Next, Blob string }

// BreakUpload says that an upload will not end.
type BreakUpload struct{ Upload, Reason string }

// EndUpload says that all content was received.
type EndUpload struct {
	Upload, SHA256 string
	Size           int64
}

// Onboard lands what the processor read.
type Onboard struct{ Landed Onboarded }

// Reject lands why the processor could not.
type Reject struct{ Failed OnboardingFailed }

// Change asks for another operational state ("" for none) and merges user defined data, where null removes a key.
type Change struct {
	OperationalState string
	UserDefinedData  map[string]json.RawMessage
}

// Delete asks for the end of a package. InUse says that instances of it exist.
type Delete struct{ InUse bool }

// Collected says that blobs of the garbage are gone.
type Collected struct{ Blobs []string }

func (Create) packageCommand()      {}
func (BeginUpload) packageCommand() {}
func (BeginFetch) packageCommand()  {}
func (TryFetch) packageCommand()    {}
func (BreakUpload) packageCommand() {}
func (EndUpload) packageCommand()   {}
func (Onboard) packageCommand()     {}
func (Reject) packageCommand()      {}
func (Change) packageCommand()      {}
func (Delete) packageCommand()      {}
func (Collected) packageCommand()   {}

// Process turns a command into events, none when there is nothing to do. Returns NotFound for a package that does not
// exist, Conflict for a command that its state does not allow, Invalid for a state that is none.
func (p Package) Process(command Command) ([]aggregate.Event, error) {
	if c, ok := command.(Create); ok {
		if p.Version > 0 {
			return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package %s exists.", c.ID)
		}
		return one(&Created{ID: c.ID, UserDefinedData: c.UserDefinedData}), nil
	}
	if c, ok := command.(Collected); ok { // also after the end
		gone := slices.DeleteFunc(slices.Clone(c.Blobs), func(b string) bool { return !slices.Contains(p.Garbage, b) })
		if len(gone) == 0 {
			return nil, nil
		}
		return one(&ContentRemoved{Blobs: gone}), nil
	}
	if p.Version == 0 || p.Deleted {
		switch command.(type) {
		case BreakUpload, Onboard, Reject: // what they were about is over
			return nil, nil
		}
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no VNF package %s.", p.ID)
	}
	switch c := command.(type) {
	case BeginUpload:
		return p.begin(&UploadBegun{Upload: c.Upload, Blob: c.Blob})
	case BeginFetch:
		return p.begin(&FetchBegun{Upload: c.Upload, From: c.From})
	case TryFetch:
		if !p.is(StateUploading, c.Upload) || p.From == "" {
			return nil, vnfm.Errorf(vnfm.Conflict, "The fetching is over: the VNF package is %s.", p.Onboarding)
		}
		return one(&FetchTried{Upload: c.Next, Blob: c.Blob}), nil
	case BreakUpload:
		if !p.is(StateUploading, c.Upload) {
			return nil, nil
		}
		return one(&UploadFailed{Upload: c.Upload, Reason: c.Reason}), nil
	case EndUpload:
		if !p.is(StateUploading, c.Upload) {
			return nil, vnfm.Errorf(vnfm.Conflict, "The upload was superseded by another: the VNF package is %s.", p.Onboarding)
		}
		return one(&ContentUploaded{Upload: c.Upload, SHA256: c.SHA256, Size: c.Size}), nil
	case Onboard:
		if !p.is(StateProcessing, c.Landed.Upload) {
			return nil, nil
		}
		return one(&c.Landed), nil
	case Reject:
		if !p.is(StateProcessing, c.Failed.Upload) {
			return nil, nil
		}
		return one(&c.Failed), nil
	case Change:
		return p.change(c)
	case Delete:
		return p.delete(c)
	}
	return nil, vnfm.Errorf(vnfm.Internal, "unknown command %T", command)
}

func one(e aggregate.Event) []aggregate.Event { return []aggregate.Event{e} }

// begin takes content, where there is none yet.
func (p Package) begin(e aggregate.Event) ([]aggregate.Event, error) {
	if p.Onboarding == StateProcessing || p.Onboarding == StateOnboarded {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package has content already, it is %s: create another for other content.", p.Onboarding)
	}
	return one(e), nil
}

func (p Package) is(state, upload string) bool { return p.Onboarding == state && p.Upload == upload }

func (p Package) change(c Change) ([]aggregate.Event, error) {
	var events []aggregate.Event
	switch s := c.OperationalState; {
	case s == "":
	case s != Enabled && s != Disabled:
		return nil, vnfm.Errorf(vnfm.Invalid, "The operational state is neither ENABLED nor DISABLED: %q.", s).At("/operationalState")
	case p.Onboarding != StateOnboarded:
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is %s; only one that is ONBOARDED is enabled or disabled.", p.Onboarding)
	case s == p.Operational:
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is %s already.", s)
	default:
		events = append(events, &OperationalStateChanged{State: s})
	}
	if c.UserDefinedData != nil {
		data := mergepatch.Members(p.UserDefinedData, c.UserDefinedData)
		if !maps.EqualFunc(data, p.UserDefinedData, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
			events = append(events, &UserDataChanged{UserDefinedData: data})
		}
	}
	return events, nil
}

func (p Package) delete(c Delete) ([]aggregate.Event, error) {
	switch {
	case p.Operational == Enabled:
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is ENABLED: disable it first.")
	case c.InUse:
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is IN_USE: delete the VNF instances made of it first, and end the operations that make others of it.")
	}
	return one(&Deleted{}), nil
}

// Apply changes the state by one event.
func Apply(p *Package, event aggregate.Event, at time.Time) {
	p.Version, p.Updated = p.Version+1, at
	switch e := event.(type) {
	case *Created:
		p.ID, p.UserDefinedData, p.Created = e.ID, e.UserDefinedData, at
		p.Onboarding, p.Operational = StateCreated, Disabled
	case *UploadBegun:
		p.discard()
		p.Onboarding, p.Upload, p.Blob, p.From, p.Tries = StateUploading, e.Upload, e.Blob, "", 0
		p.Failure, p.Reasons = "", nil
	case *FetchBegun:
		p.discard()
		p.Onboarding, p.Upload, p.From, p.Tries = StateUploading, e.Upload, e.From, 0
		p.Failure, p.Reasons = "", nil
	case *FetchTried:
		p.discard()
		p.Upload, p.Blob, p.Tries = e.Upload, e.Blob, p.Tries+1
	case *UploadFailed:
		p.discard()
		p.Onboarding, p.Failure, p.From, p.Tries = StateError, e.Reason, "", 0
	case *ContentUploaded:
		p.Onboarding, p.SHA256, p.Size, p.From = StateProcessing, e.SHA256, e.Size, ""
		p.Tries = 0
	case *Onboarded:
		p.Onboarding, p.Operational, p.Onboarded = StateOnboarded, Enabled, at
		p.DescriptorDigest, p.VnfdID, p.VnfdVersion, p.Provider = e.DescriptorDigest, e.VnfdID, e.VnfdVersion, e.Provider
		p.ProductName, p.SoftwareVersion, p.VnfmInfo = e.ProductName, e.SoftwareVersion, e.VnfmInfo
		p.Images, p.Findings, p.Signature = e.Images, e.Findings, e.Signature
	case *OnboardingFailed:
		p.discard()
		p.Onboarding, p.Failure, p.Reasons = StateError, e.Detail, e.Reasons
	case *OperationalStateChanged:
		p.Operational = e.State
	case *UserDataChanged:
		p.UserDefinedData = e.UserDefinedData
	case *Deleted:
		p.discard()
		p.Deleted, p.From = true, ""
	case *ContentRemoved:
		p.Garbage = slices.DeleteFunc(slices.Clone(p.Garbage), func(b string) bool { return slices.Contains(e.Blobs, b) })
	}
}

// discard gives up the content there is.
func (p *Package) discard() {
	if p.Blob != "" {
		p.Garbage = append(slices.Clip(p.Garbage), p.Blob)
	}
	p.Blob, p.Upload, p.SHA256, p.Size = "", "", "", 0
}
