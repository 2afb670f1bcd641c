package vnf

import (
	"encoding/json"
	"time"
)

// Operation is a kind of LCM operation (SOL003 v3.7.1, LcmOperationType).
type Operation string

// The operations.
const (
	OpInstantiate      Operation = "INSTANTIATE"
	OpScale            Operation = "SCALE"
	OpScaleToLevel     Operation = "SCALE_TO_LEVEL"
	OpChangeFlavour    Operation = "CHANGE_FLAVOUR"
	OpTerminate        Operation = "TERMINATE"
	OpHeal             Operation = "HEAL"
	OpOperate          Operation = "OPERATE"
	OpChangeExtConn    Operation = "CHANGE_EXT_CONN"
	OpModifyInfo       Operation = "MODIFY_INFO"
	OpCreateSnapshot   Operation = "CREATE_SNAPSHOT"
	OpRevertToSnapshot Operation = "REVERT_TO_SNAPSHOT"
	OpChangeVnfPkg     Operation = "CHANGE_VNFPKG"
)

// Operations lists the operations.
func Operations() []Operation {
	return []Operation{
		OpInstantiate, OpScale, OpScaleToLevel, OpChangeFlavour, OpTerminate, OpHeal, OpOperate, OpChangeExtConn, OpModifyInfo, OpCreateSnapshot,
		OpRevertToSnapshot, OpChangeVnfPkg,
	}
}

// OpState is the state of an operation occurrence (SOL003 v3.7.1 §5.6.2.2).
type OpState string

// The operation states.
const (
	Starting    OpState = "STARTING"
	Processing  OpState = "PROCESSING"
	Completed   OpState = "COMPLETED"
	FailedTemp  OpState = "FAILED_TEMP"
	Failed      OpState = "FAILED"
	RollingBack OpState = "ROLLING_BACK"
	RolledBack  OpState = "ROLLED_BACK"
)

// Final reports whether the state is final.
func (s OpState) Final() bool { return s == Completed || s == Failed || s == RolledBack }

// OpOcc is the state of the VnfLcmOpOcc aggregate, and, as JSON, the document of its view.
type OpOcc struct {
	ID           string          `json:"id"`
	VnfID        string          `json:"vnfInstanceId"`
	Operation    Operation       `json:"operation"`
	State        OpState         `json:"state"`
	StateEntered time.Time       `json:"stateEnteredTime"`
	Started      time.Time       `json:"startTime"`
	Ended        time.Time       `json:"endTime,omitzero"` // when the state is final
	Number       int64           `json:"number"`           // of this operation for its VNF: the fencing token
	Automatic    bool            `json:"isAutomaticInvocation"`
	Params       json.RawMessage `json:"operationParams,omitempty"` // the request, secrets masked
	Policy       string          `json:"policy"`                    // rollback or hold; from the first event
	// FromVnfdID and ToVnfdID are the VNFDs of a change of package.
	FromVnfdID string `json:"fromVnfdId,omitempty"`
	ToVnfdID   string `json:"toVnfdId,omitempty"`
	// Irreversible operations (terminate, scale in) have no rollback.
	Irreversible bool `json:"irreversible,omitempty"`
	// UndoBegun: from then on only rollback and fail are possible.
	UndoBegun     bool     `json:"undoBegun,omitempty"`
	GrantID       string   `json:"grantId,omitempty"` // "" for a local one of an older program
	GrantHref     string   `json:"grantHref,omitempty"`
	CancelPending bool     `json:"isCancelPending"`
	CancelMode    string   `json:"cancelMode,omitempty"`
	Error         *Problem `json:"error,omitempty"`
	// Changes is resourceChanges: cumulative, and true in every state.
	Changes ResourceChanges `json:"resourceChanges"`
	// ChangedInfo is what the operation changed of the information about its VNF.
	ChangedInfo *ChangedInfo `json:"changedInfo,omitempty"`
	// ExtLinks are the external links that the operation has changed, as they are since.
	ExtLinks []ExtVirtualLink `json:"changedExtConnectivity,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
	// Coordinations are those of the operation that were begun, Rejected the times that one was refused for now.
	Coordinations []Coordination `json:"lcmCoordinations,omitempty"`
	Rejected      []Rejection    `json:"rejectedLcmCoordinations,omitempty"`
	// Progress is one entry per planned resource (and per configuration), in order of planning.
	Progress ProgressList `json:"progress,omitzero"`
	Actor    string       `json:"actor,omitempty"`
	Snapshot string       `json:"vnfSnapshotInfoId,omitempty"` // that it takes, or reverts to
	Updated  time.Time    `json:"updated"`
	Version  int64        `json:"version"` // of the stream
}

// Problem is why an operation failed, for the ProblemDetails of its error.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// ResourceChanges is what an operation changed so far (SOL003 v3.7.1 §5.5.2.13, resourceChanges). It is cumulative and
// true in every state: an entry appears when its resource was changed at the VIM, and disappears when that was undone, so
// that a ROLLED_BACK operation has none and a FAILED one shows what is left of it.
type ResourceChanges struct {
	Vnfcs    List[AffectedVnfc]    `json:"affectedVnfcs,omitzero"`
	Links    List[AffectedLink]    `json:"affectedVirtualLinks,omitzero"`
	ExtPorts List[AffectedExtPort] `json:"affectedExtLinkPorts,omitzero"`
	Storages List[AffectedStorage] `json:"affectedVirtualStorages,omitzero"`
}

// ChangeType says how a resource was affected.
type ChangeType string

// The change types.
const (
	Added           ChangeType = "ADDED"
	Removed         ChangeType = "REMOVED"
	Modified        ChangeType = "MODIFIED"
	Temporary       ChangeType = "TEMPORARY"
	LinkPortAdded   ChangeType = "LINK_PORT_ADDED"
	LinkPortRemoved ChangeType = "LINK_PORT_REMOVED"
)

// AffectedVnfc is a VNFC changed by an operation.
type AffectedVnfc struct {
	ID              string     `json:"id"`
	VduID           string     `json:"vduId"`
	Change          ChangeType `json:"changeType"`
	Handle          Handle     `json:"computeResource"`
	Definition      string     `json:"resourceDefinitionId,omitempty"`
	Zone            string     `json:"zoneId,omitempty"`
	CpIDs           []string   `json:"affectedVnfcCpIds,omitempty"`
	AddedStorages   []string   `json:"addedStorageResourceIds,omitempty"`
	RemovedStorages []string   `json:"removedStorageResourceIds,omitempty"`
	// Unit is the planned resource whose pod it is, of a container.
	Unit string `json:"unit,omitempty"`
}

// AffectedLink is a virtual link changed by an operation; one entry per link and change type.
type AffectedLink struct {
	ID         string     `json:"id"`
	LinkID     string     `json:"vnfVirtualLinkDescId"`
	Change     ChangeType `json:"changeType"`
	Handle     Handle     `json:"networkResource"`
	Definition string     `json:"resourceDefinitionId,omitempty"`
	Zone       string     `json:"zoneId,omitempty"`
	PortIDs    []string   `json:"vnfLinkPortIds,omitempty"`
}

// AffectedExtPort is an external link port changed by an operation.
type AffectedExtPort struct {
	ID         string     `json:"id"`
	Change     ChangeType `json:"changeType"`
	ExtCpID    string     `json:"extCpInstanceId"`
	Handle     Handle     `json:"resourceHandle"`
	Definition string     `json:"resourceDefinitionId,omitempty"`
}

// AffectedStorage is a virtual storage changed by an operation.
type AffectedStorage struct {
	ID         string     `json:"id"`
	StorageID  string     `json:"virtualStorageDescId"`
	Change     ChangeType `json:"changeType"`
	Handle     Handle     `json:"storageResource"`
	Definition string     `json:"resourceDefinitionId,omitempty"`
	Zone       string     `json:"zoneId,omitempty"`
}
