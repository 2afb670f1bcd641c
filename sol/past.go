package sol

import (
	"encoding/json"
	"time"
)

// Moment says which state of a resource a document of its past shows.
type Moment struct {
	Version int64     `json:"version"`           // of the resource's stream; that of its ETag then
	Newest  int64     `json:"newestVersion"`     // that there is by now
	Time    time.Time `json:"time"`              // of the event that made this version
	Event   string    `json:"event"`             // type of the event that made this version
	Actor   string    `json:"actor,omitempty"`   // who asked for it
	Command string    `json:"command,omitempty"` // what they asked for
	// CorrelationId is the operation occurrence it belongs to, CausationId the request or message that brought it about.
	CorrelationId string `json:"correlationId,omitempty"`
	CausationId   string `json:"causationId,omitempty"`
}

// PastLinks is the links of a past state. Tasks are of the present resource only.
type PastLinks struct {
	Self    Link `json:"self"`
	Present Link `json:"present"` // the resource itself, as long as it is there
	Events  Link `json:"events"`
}

// PastVnfInstance is a VNF instance as it was: what SOL003 shows of it, and what it does not.
type PastVnfInstance struct {
	VnfInstance
	Moment  Moment `json:"moment"`
	Deleted bool   `json:"deleted,omitempty"` // it is no more; the rest shows it as it was last
	// Operation is the operation occurrence under way then.
	Operation string `json:"operationUnderWay,omitempty"`
	// Cleanup is the saga under way then that releases leftovers.
	Cleanup string `json:"cleanupUnderWay,omitempty"`
	// Leftovers is what failed operations had left at VIMs.
	Leftovers []Leftover `json:"leftovers,omitempty"`
	Links     PastLinks  `json:"_links"` // in place of the instance's
}

// PastVnfLcmOpOcc is an operation occurrence as it was, with how far it had got.
type PastVnfLcmOpOcc struct {
	VnfLcmOpOcc
	Moment    Moment             `json:"moment"`
	Resources []ResourceProgress `json:"resources,omitempty"`
	Links     PastLinks          `json:"_links"`
}

// PastVnfPkgInfo is a VNF package as it was. Whether it was in use is the instances' past, not the package's.
type PastVnfPkgInfo struct {
	VnfPkgInfo
	UsageState string    `json:"usageState,omitempty"` // never there
	Moment     Moment    `json:"moment"`
	Deleted    bool      `json:"deleted,omitempty"`
	Links      PastLinks `json:"_links"`
}

// Difference is what changed between two states of a resource.
type Difference struct {
	Id   string `json:"id"`
	From Moment `json:"from"`
	To   Moment `json:"to"`
	// Changes, applied in order, turn the first document into the second (RFC 6902); moments and links apart.
	Changes []Change `json:"changes"`
}

// Change is one difference. Path is a JSON pointer into the document as the changes before have left it.
type Change struct {
	Op   string          `json:"op"` // added, removed, changed
	Path string          `json:"path"`
	From json.RawMessage `json:"from,omitempty"` // what was there; absent for what was added
	To   json.RawMessage `json:"to,omitempty"`   // what is there; absent for what was removed
}
