package lcm

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm/lcm/drift"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// API is what the edge calls; Service implements it. Each method makes one commit and returns when it is durable.
type API interface {
	// CreateVnf makes a VNF instance of an onboarded, enabled package (SOL003 v3.7.1 §5.4.2.3.1). Unprocessable
	// at /vnfdId when there is none.
	CreateVnf(ctx context.Context, r CreateVnf, by request.Info) (*vnf.Instance, error)
	// DeleteVnf deletes one that is NOT_INSTANTIATED, free, and has no leftovers; else Conflict. Where leftovers are all that
	// keeps it, it begins their release and returns a CleaningUpError, unless the site has them kept.
	DeleteVnf(ctx context.Context, id string, by request.Info) error
	// Instantiate begins to instantiate it and returns the operation occurrence, STARTING. Conflict when it is
	// INSTANTIATED, another operation holds it, or a required property is unset; Unprocessable with the attribute for
	// unknown flavour, level, CPD or link, or additionalParams against their schema.
	Instantiate(ctx context.Context, vnfID string, r Instantiate, by request.Info) (*vnf.OpOcc, error)
	// Terminate begins to terminate it.
	Terminate(ctx context.Context, vnfID string, r Terminate, by request.Info) (*vnf.OpOcc, error)
	// Operate begins to start or stop it, or some of its VNFCs (SOL003 v3.7.1 §5.4.8). Invalid with the attribute for a state or
	// a way to stop that there is not.
	Operate(ctx context.Context, vnfID string, r Operate, by request.Info) (*vnf.OpOcc, error)
	// Scale begins to add or remove the VNFCs of steps of an aspect (SOL003 v3.7.1 §5.4.5). Invalid with the attribute for
	// a type or a number that there is not, NotFound when the flavour has no aspects, Unprocessable with the attribute for an aspect
	// that it does not have, and for a level or a number of VNFCs outside what aspect, VDU and site allow.
	Scale(ctx context.Context, vnfID string, r Scale, by request.Info) (*vnf.OpOcc, error)
	// ScaleToLevel begins to give it the VNFCs of a level (SOL003 v3.7.1 §5.4.6). Errors are as for Scale.
	ScaleToLevel(ctx context.Context, vnfID string, r ScaleToLevel, by request.Info) (*vnf.OpOcc, error)
	// Heal begins to make its computes, or those of some VNFCs, again, with what else of it is gone (SOL003 v3.7.1 §5.4.9). Unavailable
	// when a VIM cannot tell what is there, Unprocessable with the attribute for a VNFC that there is not and for bad parameters.
	Heal(ctx context.Context, vnfID string, r Heal, by request.Info) (*vnf.OpOcc, error)
	// Drift compares the records of a VNF with what its VIMs show, and changes nothing. A VIM that cannot tell is named in it.
	Drift(ctx context.Context, vnfID string) (*Drift, error)
	// Sync compares as Drift does and, where the command says so, begins to repair what differs, as a HEAL. The operation occurrence is
	// nil when nothing is repaired. To repair is Unavailable when a VIM cannot tell, Conflict when one shows much less than the records
	// say and that is not confirmed, when the VNF is not INSTANTIATED, and when another operation holds it.
	Sync(ctx context.Context, vnfID string, r Sync, by request.Info) (*Drift, *vnf.OpOcc, error)
	// ChangeExtConn begins to connect external connection points in another way (SOL003 v3.7.1 §5.4.11). Unprocessable with the attribute
	// for a CPD, a configuration or a port that there is not, and for one that is named twice.
	ChangeExtConn(ctx context.Context, vnfID string, r ChangeExtConn, by request.Info) (*vnf.OpOcc, error)
	// ChangeFlavour begins to give it another deployment flavour (SOL003 v3.7.1 §5.4.7). NotFound when the VNFD has no other;
	// Unprocessable with the attribute for one that it does not have, and as Instantiate.
	ChangeFlavour(ctx context.Context, vnfID string, r ChangeFlavour, by request.Info) (*vnf.OpOcc, error)
	// ChangeVnfPkg begins to make it one of another package (SOL003 v3.7.1 §5.4.11a). Unprocessable with the attribute for a package that
	// is not there or not enabled, and where the VNFDs do not let one lead to the other.
	ChangeVnfPkg(ctx context.Context, vnfID string, r ChangeVnfPkg, by request.Info) (*vnf.OpOcc, error)
	// CreateSnapshotInfo makes a resource that a snapshot can be taken into (SOL003 v3.7.1 §5.4.23).
	CreateSnapshotInfo(ctx context.Context, r ExtractedSnapshot, by request.Info) (*vnf.SnapshotInfo, error)
	// ModifySnapshotInfo notes what an NFVO extracts from a snapshot package (SOL003 v3.7.1 §5.4.24). NotFound; Precondition when the client
	// knows another version; Conflict when a snapshot was taken into it, or is being taken.
	ModifySnapshotInfo(ctx context.Context, id string, r ExtractedSnapshot, by request.Info) (*vnf.SnapshotInfo, error)
	// DeleteSnapshot deletes it, and begins to release what stands at VIMs for it (SOL003 v3.7.1 §5.4.24). NotFound; Precondition; Conflict
	// while an operation holds its VNF.
	DeleteSnapshot(ctx context.Context, id string, by request.Info) error
	// CreateSnapshot begins to take a snapshot of a VNF (SOL003 v3.7.1 §5.4.21). Unprocessable with the attribute when there is no such
	// resource, Conflict when it is used already, and for a VNF of containers.
	CreateSnapshot(ctx context.Context, vnfID string, r CreateSnapshot, by request.Info) (*vnf.OpOcc, error)
	// RevertToSnapshot begins to make a VNF what it was at a snapshot (SOL003 v3.7.1 §5.4.22). Unprocessable with the attribute when there is
	// no such snapshot, Conflict when it is empty or of another VNF, and when the VNF is of another VNFD by now.
	RevertToSnapshot(ctx context.Context, vnfID string, r RevertToSnapshot, by request.Info) (*vnf.OpOcc, error)
	// PlanInstantiate and its like say what the operation would do, and refuse what it would refuse. They change nothing.
	PlanInstantiate(ctx context.Context, vnfID string, r Instantiate) (*Preview, error)
	PlanTerminate(ctx context.Context, vnfID string, r Terminate) (*Preview, error)
	PlanOperate(ctx context.Context, vnfID string, r Operate) (*Preview, error)
	PlanScale(ctx context.Context, vnfID string, r Scale) (*Preview, error)
	PlanScaleToLevel(ctx context.Context, vnfID string, r ScaleToLevel) (*Preview, error)
	PlanHeal(ctx context.Context, vnfID string, r Heal) (*Preview, error)
	PlanSync(ctx context.Context, vnfID string, r Sync) (*Preview, error)
	PlanChangeExtConn(ctx context.Context, vnfID string, r ChangeExtConn) (*Preview, error)
	PlanChangeFlavour(ctx context.Context, vnfID string, r ChangeFlavour) (*Preview, error)
	PlanChangeVnfPkg(ctx context.Context, vnfID string, r ChangeVnfPkg) (*Preview, error)
	PlanCreateSnapshot(ctx context.Context, vnfID string, r CreateSnapshot) (*Preview, error)
	PlanRevertToSnapshot(ctx context.Context, vnfID string, r RevertToSnapshot) (*Preview, error)
	// Modify modifies the information about it (SOL003 v3.7.1 §5.4.3.3.4) and returns the operation occurrence, COMPLETED: it
	// needs no grant and changes nothing outside. NotFound; Precondition when the client knows another version; Conflict
	// when another operation holds it, or resources need a connection to be removed; Invalid and Unprocessable with the
	// attribute for values that do not fit the VNFD, a package that differs in more than software images, or a bad connection.
	Modify(ctx context.Context, vnfID string, r Modify, by request.Info) (*vnf.OpOcc, error)
	// Retry, Rollback, Fail and Cancel are the error-handling tasks (SOL003 v3.7.1 §5.4.14 to §5.4.17).
	Retry(ctx context.Context, opID string, by request.Info) (*vnf.OpOcc, error)
	Rollback(ctx context.Context, opID string, by request.Info) (*vnf.OpOcc, error)
	Fail(ctx context.Context, opID string, by request.Info) (*vnf.OpOcc, error)
	Cancel(ctx context.Context, opID, mode string, by request.Info) (*vnf.OpOcc, error)
	// Resolve decides about one resource whose undo failed for good, in an operation that is FAILED_TEMP for it.
	Resolve(ctx context.Context, opID string, a saga.Action, by request.Info) (*vnf.OpOcc, error)
	// Cleanup releases what failed operations left, by a saga; Conflict when there is nothing or an operation runs.
	// It returns the id of the saga.
	Cleanup(ctx context.Context, vnfID string, by request.Info) (string, error)
}

// CreateVnf is the command behind CreateVnfRequest.
type CreateVnf struct {
	VnfdID      string                     `json:"vnfdId"`
	Name        string                     `json:"vnfInstanceName,omitempty"`
	Description string                     `json:"vnfInstanceDescription,omitempty"`
	Metadata    map[string]json.RawMessage `json:"metadata,omitempty"`
}

// Instantiate is the command behind InstantiateVnfRequest.
type Instantiate struct {
	FlavourID        string                     `json:"flavourId"`
	Level            string                     `json:"instantiationLevelId,omitempty"`
	ExtLinks         []ExtLink                  `json:"extVirtualLinks,omitempty"`
	ExtManaged       []ExtManaged               `json:"extManagedVirtualLinks,omitempty"`
	Connections      map[string]json.RawMessage `json:"-"` // merge patches over what the VNF has; they may hold credentials
	Localization     string                     `json:"localizationLanguage,omitempty"`
	AdditionalParams json.RawMessage            `json:"additionalParams,omitempty"`
	Extensions       map[string]json.RawMessage `json:"extensions,omitempty"`
	Configurable     map[string]json.RawMessage `json:"vnfConfigurableProperties,omitempty"`
	// Params is the request as the client sent it, secrets masked, kept as operationParams.
	Params json.RawMessage `json:"-"`
}

// Modify is the command behind VnfInfoModificationRequest. What is nil stays as it is; maps are merge patches (RFC 7396), in
// which null removes.
type Modify struct {
	Name         *string // "" removes it
	Description  *string // "" removes it
	VnfdID       *string
	Configurable map[string]json.RawMessage
	Extensions   map[string]json.RawMessage
	Metadata     map[string]json.RawMessage
	Connections  map[string]json.RawMessage // by vimConnectionId; they may hold credentials
	// Vnfcs are patches of the vnfcConfigurableProperties, by VNFC (SOL002 v3.7.1 §5.5.2.12).
	Vnfcs map[string]map[string]json.RawMessage
	// Params is the request as the client sent it, secrets masked, kept as operationParams.
	Params json.RawMessage
}

// ExtLink and ExtManaged are the links of a request, NullEntry what one takes away.
type (
	ExtLink    = plan.ExtLink
	NullEntry  = plan.NullEntry
	ExtManaged = plan.ExtManaged
)

// Terminate is the command behind TerminateVnfRequest.
type Terminate struct {
	Type             string          `json:"terminationType"`                      // FORCEFUL, GRACEFUL
	GracefulTimeout  int             `json:"gracefulTerminationTimeout,omitempty"` // seconds
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
	Params           json.RawMessage `json:"-"`
}

// Operate is the command behind OperateVnfRequest (SOL003 v3.7.1 §5.5.2.10).
type Operate struct {
	To               string          `json:"changeStateTo"`                 // STARTED, STOPPED
	Vnfcs            []string        `json:"vnfcInstanceId,omitempty"`      // empty: all (SOL002 v3.7.1 §5.5.2.10)
	StopType         string          `json:"stopType,omitempty"`            // FORCEFUL, GRACEFUL; "" is FORCEFUL
	GracefulTimeout  int             `json:"gracefulStopTimeout,omitempty"` // seconds
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
	Params           json.RawMessage `json:"-"`
}

// Scale is the command behind ScaleVnfRequest (SOL003 v3.7.1 §5.5.2.5).
type Scale struct {
	Type             string          `json:"type"` // SCALE_OUT, SCALE_IN
	AspectID         string          `json:"aspectId"`
	Steps            int             `json:"numberOfSteps,omitempty"` // 0 is 1
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
	Params           json.RawMessage `json:"-"`
}

// ScaleToLevel is the command behind ScaleVnfToLevelRequest (SOL003 v3.7.1 §5.5.2.6): one of Level and Scale.
type ScaleToLevel struct {
	Level            string          `json:"instantiationLevelId,omitempty"`
	Scale            []AspectLevel   `json:"scaleInfo,omitempty"` // aspects that are not named keep their levels
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
	Params           json.RawMessage `json:"-"`
}

// Heal is the command behind HealVnfRequest (SOL003 v3.7.1 §5.5.2.9).
type Heal struct {
	Vnfcs            []string        `json:"vnfcInstanceId,omitempty"` // empty: the whole VNF (SOL002 v3.7.1 §5.5.2.9)
	Cause            string          `json:"cause,omitempty"`
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
	Params           json.RawMessage `json:"-"`
}

// Drift is in what a VNF differs from its records.
type Drift = drift.Report

// Sync is the command that compares a VNF with its VIMs. It is of no standard.
type Sync struct {
	Repair    bool            `json:"repair,omitempty"`
	Confirmed bool            `json:"confirmed,omitempty"` // that a VIM that shows much less than the records say has lost the rest
	Params    json.RawMessage `json:"-"`                   // the operationParams of the HEAL that it is shown as
}

// ChangeExtConn is the command behind ChangeExtVnfConnectivityRequest (SOL003 v3.7.1 §5.5.2.11).
type ChangeExtConn struct {
	ExtLinks         []ExtLink                  `json:"extVirtualLinks"`
	Connections      map[string]json.RawMessage `json:"-"` // as in Instantiate
	AdditionalParams json.RawMessage            `json:"additionalParams,omitempty"`
	Params           json.RawMessage            `json:"-"`
}

// ChangeFlavour is the command behind ChangeVnfFlavourRequest (SOL003 v3.7.1 §5.5.2.7).
type ChangeFlavour struct {
	FlavourID        string                     `json:"newFlavourId"`
	Level            string                     `json:"instantiationLevelId,omitempty"`
	ExtLinks         []ExtLink                  `json:"extVirtualLinks,omitempty"` // laid over those there are
	ExtManaged       []ExtManaged               `json:"extManagedVirtualLinks,omitempty"`
	Connections      map[string]json.RawMessage `json:"-"` // as in Instantiate
	AdditionalParams json.RawMessage            `json:"additionalParams,omitempty"`
	Extensions       map[string]json.RawMessage `json:"extensions,omitempty"`
	Configurable     map[string]json.RawMessage `json:"vnfConfigurableProperties,omitempty"`
	Params           json.RawMessage            `json:"-"`
}

// ChangeVnfPkg is the command behind ChangeCurrentVnfPkgRequest (SOL003 v3.7.1 §5.5.2.11a).
type ChangeVnfPkg struct {
	VnfdID           string                     `json:"vnfdId"`
	ExtLinks         []ExtLink                  `json:"extVirtualLinks,omitempty"` // laid over those there are
	ExtManaged       []ExtManaged               `json:"extManagedVirtualLinks,omitempty"`
	Connections      map[string]json.RawMessage `json:"-"` // as in Instantiate
	AdditionalParams json.RawMessage            `json:"additionalParams,omitempty"`
	Extensions       map[string]json.RawMessage `json:"extensions,omitempty"`
	Configurable     map[string]json.RawMessage `json:"vnfConfigurableProperties,omitempty"`
	Params           json.RawMessage            `json:"-"`
}

// AspectLevel is a scale level of an aspect of the VNFD (ScaleInfo, SOL003 v3.7.1 §5.5.3.4).
type AspectLevel struct {
	AspectID string `json:"aspectId"`
	VnfdID   string `json:"vnfdId,omitempty"` // "": the VNF's
	Level    int    `json:"scaleLevel"`
}
