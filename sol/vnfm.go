package sol

import (
	"encoding/json"
	"time"
)

// The types below are of our own resources under /vnfm/v1; ETSI has none like them.

// VnfEvent is one stored event of a VNF instance or of one of its operations.
type VnfEvent struct {
	Lane          int             `json:"lane"`
	Offset        int64           `json:"offset"` // order among all events of the VNF
	Stream        string          `json:"stream"`
	Version       int64           `json:"version"`
	Id            string          `json:"id"`
	Type          string          `json:"type"`
	Schema        int             `json:"schema"`
	Time          time.Time       `json:"time"`
	Actor         string          `json:"actor,omitempty"`
	Role          string          `json:"role,omitempty"` // the actor's at that time
	Command       string          `json:"command,omitempty"`
	CorrelationId string          `json:"correlationId,omitempty"`
	CausationId   string          `json:"causationId,omitempty"`
	Traceparent   string          `json:"traceparent,omitempty"`
	Data          json.RawMessage `json:"data,omitempty"`
	Hash          string          `json:"hash"` // hex
}

// OpProgress is how far an operation got, per planned resource.
type OpProgress struct {
	VnfLcmOpOccId    string             `json:"vnfLcmOpOccId"`
	VnfInstanceId    string             `json:"vnfInstanceId"`
	Operation        string             `json:"operation"`
	OperationState   string             `json:"operationState"`
	StartedBy        string             `json:"startedBy,omitempty"` // the caller's name
	Policy           string             `json:"policy"`              // rollback, hold: what a failure leads to
	StateEnteredTime time.Time          `json:"stateEnteredTime"`
	StartTime        time.Time          `json:"startTime"`
	EndTime          time.Time          `json:"endTime,omitzero"`
	Now              time.Time          `json:"now"` // the server's clock, to count elapsed time by
	Final            bool               `json:"final"`
	Error            *ProblemDetails    `json:"error,omitempty"`
	Warnings         []string           `json:"warnings,omitempty"`
	Resources        []ResourceProgress `json:"resources"`
}

// OpOrigin says who started an operation, and how far it got.
type OpOrigin struct {
	VnfLcmOpOccId    string    `json:"vnfLcmOpOccId"`
	VnfInstanceId    string    `json:"vnfInstanceId"`
	Operation        string    `json:"operation"`
	OperationState   string    `json:"operationState"`
	StateEnteredTime time.Time `json:"stateEnteredTime"`
	StartTime        time.Time `json:"startTime"`
	EndTime          time.Time `json:"endTime,omitzero"`
	StartedBy        string    `json:"startedBy,omitempty"` // the caller's name
	IsCancelPending  bool      `json:"isCancelPending"`
	Resources        int       `json:"resources"` // planned, configurations included
	Done             int       `json:"done"`
	Undone           int       `json:"undone"`
	Failed           int       `json:"failed"`           // also those of which something may stand
	Reason           string    `json:"reason,omitempty"` // of its error
}

// Denial counts what one caller was denied on one route, for one reason, in one minute.
type Denial struct {
	Minute  time.Time `json:"minute"`
	Caller  string    `json:"caller"`
	Role    string    `json:"role,omitempty"`
	Address string    `json:"address,omitempty"` // where the last came from
	Method  string    `json:"method,omitempty"`
	Route   string    `json:"route,omitempty"`
	Status  int       `json:"status"`
	Reason  string    `json:"reason,omitempty"` // a code of RFC 6750, or a kind of error
	Detail  string    `json:"detail,omitempty"` // of the last
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// ResourceProgress is how far one planned resource got.
type ResourceProgress struct {
	Step    string    `json:"step"`
	Id      string    `json:"id"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	State   string    `json:"state"` // PENDING, RUNNING, DONE, FAILED, UNDOING, UNDONE
	Attempt int       `json:"attempt"`
	Began   time.Time `json:"began,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Reason  string    `json:"reason,omitempty"`
}

// Saga is the process behind an operation occurrence; its id is the occurrence's.
type Saga struct {
	Id          string        `json:"id"`
	Type        string        `json:"type"`
	Definition  int           `json:"definitionVersion"`
	VnfId       string        `json:"vnfInstanceId"`
	Parent      string        `json:"parent,omitempty"`
	State       string        `json:"state"`
	Policy      string        `json:"policy"`
	CancelMode  string        `json:"cancelMode,omitempty"`
	UndoBegun   bool          `json:"undoBegun"`
	Cause       *SagaFailure  `json:"cause,omitempty"`
	Started     time.Time     `json:"started"`
	Updated     time.Time     `json:"updated"`
	Deadline    time.Time     `json:"deadline,omitzero"`
	NextTimeout time.Time     `json:"nextTimeout,omitzero"`
	TimeoutOf   *SagaTimeout  `json:"nextTimeoutOf,omitempty"` // what the next timeout is of
	Stages      []SagaStage   `json:"stages,omitempty"`        // not in lists
	Attempts    []SagaAttempt `json:"attempts,omitempty"`      // every command sent, in order; not in lists
	Cleanups    []Saga        `json:"cleanups,omitempty"`      // not in lists
	Links       SagaLinks     `json:"_links"`
}

// The kinds of timeouts of a saga.
const (
	TimeoutAttempt  = "attempt"  // no answer to a command: it is sent again, or given up
	TimeoutBackoff  = "backoff"  // the wait before the next attempt is over
	TimeoutDeadline = "deadline" // the whole took too long
)

// SagaTimeout says what a timeout is of.
type SagaTimeout struct {
	Kind string `json:"kind"` // one of the Timeout… values
	Step string `json:"step,omitempty"`
	Item string `json:"item,omitempty"`
}

// SagaLinks is the links of a saga.
type SagaLinks struct {
	Self        Link   `json:"self"`
	VnfLcmOpOcc *Link  `json:"vnfLcmOpOcc,omitempty"` // not of a cleanup
	VnfInstance Link   `json:"vnfInstance"`
	Parent      *Link  `json:"parent,omitempty"`
	Cleanups    []Link `json:"cleanups,omitempty"`
}

// SagaFailure says why something failed.
type SagaFailure struct {
	Step   string `json:"step,omitempty"`
	Item   string `json:"item,omitempty"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

// SagaStage is the items of one stage begun, in order.
type SagaStage struct {
	Index int        `json:"index"`
	Items []SagaItem `json:"items"`
}

// SagaItem is one item of a stage and where it stands.
type SagaItem struct {
	Step       string          `json:"step"`
	Item       string          `json:"item,omitempty"`
	State      string          `json:"state"`
	Generation int             `json:"generation"`
	Attempt    int             `json:"attempt"`
	Undo       int             `json:"undoAttempt"`
	Due        time.Time       `json:"due,omitzero"`
	Result     json.RawMessage `json:"result,omitempty"`
	Cause      *SagaFailure    `json:"cause,omitempty"`
}

// SagaAttempt is one command sent and what came back.
type SagaAttempt struct {
	CommandId string          `json:"commandId"`
	Seq       int             `json:"seq"`
	Step      string          `json:"step"`
	Item      string          `json:"item,omitempty"`
	Direction string          `json:"direction"` // do, undo
	Attempt   int             `json:"attempt"`
	State     string          `json:"state"`
	Sent      time.Time       `json:"sent"`
	Replied   time.Time       `json:"replied,omitzero"`
	Result    json.RawMessage `json:"result,omitempty"`
	Class     string          `json:"class,omitempty"`
	Reason    string          `json:"reason,omitempty"`
}

// Cleanup is the answer to a cleanup: the saga that releases what was left.
type Cleanup struct {
	SagaId string `json:"sagaId"`
}

// Audit is the result of verifying the hash chains and positions of all events.
type Audit struct {
	Ok       bool           `json:"ok"`
	Streams  int            `json:"streams"`
	Events   int64          `json:"events"`
	Messages int64          `json:"messages"`
	Found    int            `json:"found"`
	Problems []AuditProblem `json:"problems"` // at most 1000 of those found
}

// LiveAudit is what an audit of the running system found.
type LiveAudit struct {
	Ok       bool           `json:"ok"`       // nothing was found
	Complete bool           `json:"complete"` // every check was made
	At       time.Time      `json:"at"`
	TookMs   int64          `json:"tookMs"`
	Chain    bool           `json:"chain"`  // all events were walked
	Counts   map[string]int `json:"counts"` // findings of each check
	Findings []AuditFinding `json:"findings"`
	Unmade   []AuditUnmade  `json:"unmade"`
	Looked   AuditLooked    `json:"looked"`
}

// AuditFinding is one thing that must not be.
type AuditFinding struct {
	Check         string    `json:"check"`
	Where         string    `json:"where"`
	VnfInstanceId string    `json:"vnfInstanceId,omitempty"`
	Since         time.Time `json:"since,omitzero"`
	What          string    `json:"what"`
	Do            string    `json:"do"` // what an operator can do
}

// AuditUnmade is a check, or a part of one, that could not be made.
type AuditUnmade struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// AuditLooked says how much was looked at.
type AuditLooked struct {
	Events       int64 `json:"events"`
	Streams      int   `json:"streams"`
	Sagas        int   `json:"sagas"` // that have not ended
	Timers       int   `json:"timers"`
	VimResources int   `json:"vimResources"`
}

// AuditProblem is one break found.
type AuditProblem struct {
	Stream  string `json:"stream,omitempty"`
	Version int64  `json:"version,omitempty"`
	Lane    int    `json:"lane"`
	Offset  int64  `json:"offset,omitempty"`
	Text    string `json:"text"`
}

// Vim is one registered VIM connection. The values of accessInfo, and those of a telling name elsewhere, are masked.
type Vim struct {
	Id            string        `json:"id"`
	VimId         string        `json:"vimId,omitempty"`
	VimType       string        `json:"vimType"`
	Default       bool          `json:"default"`
	Enabled       bool          `json:"enabled"`
	BuiltIn       bool          `json:"builtIn"` // comes with the program, and does not change
	InterfaceInfo KeyValuePairs `json:"interfaceInfo,omitempty"`
	AccessInfo    KeyValuePairs `json:"accessInfo,omitempty"`
	Extra         KeyValuePairs `json:"extra,omitempty"`
	Created       time.Time     `json:"created,omitzero"`
	Updated       time.Time     `json:"updated,omitzero"`
	// Comparison is what came of the last comparison with the records; none: there was none yet.
	Comparison *VimComparison `json:"comparison,omitempty"`
	// Limits are how it may be called: what extra says, and the settings where that says nothing.
	Limits VimLimits `json:"limits"`
	// Held is there while calls to it are held back.
	Held *VimHeld `json:"held,omitempty"`
}

// VimLimits are how a VIM connection may be called.
type VimLimits struct {
	Workers         int     `json:"workers"`         // calls under way at once
	Rate            float64 `json:"rate"`            // calls per second on average; 0: no bound
	BreakerFailures int     `json:"breakerFailures"` // calls in a row that find it away, after which it is left alone; 0: never
}

// VimHeld is how calls to a VIM are held back. Operations wait meanwhile.
type VimHeld struct {
	State    string    `json:"state"` // OPEN: it is away, and left alone; HALF_OPEN: one call at a time tries it; PAUSED: it asked for time
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`    // when it is called again
	Failures int       `json:"failures"` // calls in a row that found it away
	Reason   string    `json:"reason"`   // what it, or the network, said last
}

// VimComparison is what came of comparing a VIM with the records of all VNFs.
type VimComparison struct {
	Time           time.Time `json:"time"`
	TookMs         int64     `json:"tookMs"`
	Error          string    `json:"error,omitempty"` // why the VIM could not tell; what is below is of the last time that it could
	Vnfs           int       `json:"vnfs"`
	VnfsBusy       int       `json:"vnfsBusy"` // that were not compared: operations were under way
	VnfsDrifted    int       `json:"vnfsDrifted"`
	Recorded       int       `json:"recorded"` // resources of the VNFs that were compared
	Missing        int       `json:"missing"`
	Changed        int       `json:"changed"`
	Orphaned       int       `json:"orphaned"`
	Unsure         int       `json:"unsure"`
	Suspect        bool      `json:"suspect,omitempty"` // it shows so much less than the records say that it may have failed
	RepairsGivenUp int       `json:"repairsGivenUp"`    // VNFs that are repaired no more without anybody's asking
	LeftBehind     int       `json:"leftBehind"`        // resources that failed operations left there, by the records
}

// VimRequest registers a VIM connection, or is a merge patch (RFC 7396) of one.
type VimRequest struct {
	Id            string        `json:"id,omitempty"` // none: one is made
	VimId         string        `json:"vimId,omitempty"`
	VimType       string        `json:"vimType,omitempty"`
	Default       *bool         `json:"default,omitempty"`
	Enabled       *bool         `json:"enabled,omitempty"`
	InterfaceInfo KeyValuePairs `json:"interfaceInfo,omitempty"`
	AccessInfo    KeyValuePairs `json:"accessInfo,omitempty"`
	Extra         KeyValuePairs `json:"extra,omitempty"`
}

// ManagementConnection is how the APIs of VNFs, or of their element manager, are reached. Credentials are masked.
type ManagementConnection struct {
	Id              string                      `json:"id"`
	EndpointType    string                      `json:"endpointType"`         // VNF, MGMT
	Interfaces      []string                    `json:"interfaces,omitempty"` // vnfconfig, lcmcoord; none: both
	Uri             string                      `json:"uri"`
	For             ManagementMatch             `json:"for"`
	Authentication  *SubscriptionAuthentication `json:"authentication,omitempty"`
	VnfSpecificData KeyValuePairs               `json:"vnfSpecificData,omitempty"`
	Enabled         bool                        `json:"enabled"`
	Created         time.Time                   `json:"created,omitzero"`
	Updated         time.Time                   `json:"updated,omitzero"`
}

// ManagementConnectionRequest registers a management connection, or is a merge patch (RFC 7396) of one.
type ManagementConnectionRequest struct {
	Id              string                    `json:"id,omitempty"` // none: one is made
	EndpointType    string                    `json:"endpointType,omitempty"`
	Interfaces      []string                  `json:"interfaces,omitempty"`
	Uri             string                    `json:"uri,omitempty"`
	For             *ManagementMatch          `json:"for,omitempty"`
	Authentication  *ManagementAuthentication `json:"authentication,omitempty"`
	VnfSpecificData KeyValuePairs             `json:"vnfSpecificData,omitempty"`
	Enabled         *bool                     `json:"enabled,omitempty"`
}

// ManagementAuthentication is SubscriptionAuthentication, of which a patch may leave out authType.
type ManagementAuthentication struct {
	AuthType                      []AuthType                     `json:"authType,omitempty"`
	ParamsBasic                   *ParamsBasic                   `json:"paramsBasic,omitempty"`
	ParamsOauth2ClientCredentials *ParamsOauth2ClientCredentials `json:"paramsOauth2ClientCredentials,omitempty"`
}

// ManagementMatch says which VNFs a management connection is for: each part that is there must fit.
type ManagementMatch struct {
	VnfInstanceIds []string `json:"vnfInstanceIds,omitempty"`
	VnfdIds        []string `json:"vnfdIds,omitempty"`
	VnfProvider    string   `json:"vnfProvider,omitempty"`
	VnfProductName string   `json:"vnfProductName,omitempty"`
}

// ManagementCheck is what came of asking an endpoint whether it serves its interfaces.
type ManagementCheck struct {
	Reachable  bool                       `json:"reachable"` // all of them answer
	Interfaces []ManagementInterfaceCheck `json:"interfaces"`
}

// ManagementInterfaceCheck is how one interface answers.
type ManagementInterfaceCheck struct {
	Name      string `json:"name"` // vnfconfig, lcmcoord
	Reachable bool   `json:"reachable"`
	Detail    string `json:"detail,omitempty"` // why not, or what is odd
	TookMs    int64  `json:"tookMs"`
}

// VimCheck is what came of asking a VIM what it offers.
type VimCheck struct {
	Reachable       bool     `json:"reachable"`
	Detail          string   `json:"detail,omitempty"` // why not
	TookMs          int64    `json:"tookMs"`
	Zones           []string `json:"zones,omitempty"`
	Flavours        int      `json:"flavours"`
	Images          int      `json:"images"`
	ExternalNetwork string   `json:"externalNetwork,omitempty"`
	// Facts are what the connection allows, and what its VIM has beside.
	Facts []VimFact `json:"facts,omitempty"`
}

// VimFact is one thing that is known of a VIM connection.
type VimFact struct {
	Area  string `json:"area"` // version, right, quota, storage class, extension
	Name  string `json:"name"`
	Value string `json:"value"`
	Lacks bool   `json:"lacks,omitempty"` // it is needed, and not there
}

// SimResource is one resource in the simulated VIM.
type SimResource struct {
	Kind  string `json:"kind"`
	Id    string `json:"id"`
	Token string `json:"token"`
	Owner string `json:"owner"`
	Vim   string `json:"vim"`
	Name  string `json:"name,omitempty"`
	State string `json:"state,omitempty"` // BUILDING, ACTIVE, DELETING, ERROR
	Zone  string `json:"zone,omitempty"`
	Host  string `json:"host,omitempty"`
}

// SimTamper changes something at a simulated VIM behind the VNFM's back, to see what it makes of that.
type SimTamper struct {
	Vim    string          `json:"vim"`
	Id     string          `json:"id"`               // the VIM's
	Gone   bool            `json:"gone,omitempty"`   // the VIM forgets it
	Change json.RawMessage `json:"change,omitempty"` // else: a merge patch (RFC 7396) of its specification
}

// ParkedMessage is a message set aside because it, or one before it for its VNF, could not be handled.
type ParkedMessage struct {
	Id            string    `json:"id"`
	Consumer      string    `json:"consumer"`
	Key           string    `json:"key"`
	Seq           int64     `json:"seq"`
	Type          string    `json:"type"`
	CorrelationId string    `json:"correlationId,omitempty"`
	Reason        string    `json:"reason"`
	At            time.Time `json:"at"`
	// Data is what the message says, secrets masked; only in the answer to a request for it alone.
	Data json.RawMessage `json:"data,omitempty"`
}

// SkipRequest gives a parked message up.
type SkipRequest struct {
	Reason string `json:"reason"`
}

// Redriven says how many parked messages were handled.
type Redriven struct {
	Handled int `json:"handled"`
}

// Leftover is a resource that a failed operation left at a VIM.
type Leftover struct {
	Id              string `json:"id"` // the planned resource's
	Generation      int    `json:"generation"`
	Kind            string `json:"kind"`
	Name            string `json:"name,omitempty"`
	VimConnectionId string `json:"vimConnectionId"`
	ResourceId      string `json:"resourceId,omitempty"` // the VIM's; empty when it is not known whether it exists
}

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string        `json:"status"` // ok, unavailable
	Checks []HealthCheck `json:"checks,omitempty"`
}

// HealthCheck is one condition of being ready.
type HealthCheck struct {
	Name   string `json:"name"`
	Ok     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// DecisionType is what an operator decides about a resource whose undo failed for good.
type DecisionType string

// The decisions.
const (
	DecideRetry    DecisionType = "retry-item"
	DecideSkip     DecisionType = "skip-item"
	DecideMarkDone DecisionType = "mark-done"
)

// Values lists the decisions.
func (DecisionType) Values() []string {
	return []string{string(DecideRetry), string(DecideSkip), string(DecideMarkDone)}
}

// ResolveRequest decides about one stuck item of an operation's saga: try its undo again, leave the resource behind, or
// take the operator's word that it is gone. The last two need a reason, which is kept.
type ResolveRequest struct {
	Decision DecisionType `json:"decision"`
	Step     string       `json:"step"`
	Item     string       `json:"item,omitempty"`
	Reason   string       `json:"reason,omitempty"`
}
