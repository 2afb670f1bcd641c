package sol

import "encoding/json"

// PlannedOperation is an operation that can be planned without being begun.
type PlannedOperation string

// The operations that can be planned.
const (
	PlanInstantiate   PlannedOperation = "INSTANTIATE"
	PlanTerminate     PlannedOperation = "TERMINATE"
	PlanOperate       PlannedOperation = "OPERATE"
	PlanScale         PlannedOperation = "SCALE"
	PlanScaleToLevel  PlannedOperation = "SCALE_TO_LEVEL"
	PlanHeal          PlannedOperation = "HEAL"
	PlanChangeExtConn PlannedOperation = "CHANGE_EXT_CONN"
	PlanChangeFlavour PlannedOperation = "CHANGE_FLAVOUR"
	PlanChangeVnfPkg  PlannedOperation = "CHANGE_VNFPKG"
	PlanSync          PlannedOperation = "SYNC" // ours: the operation that repairs is shown as HEAL

	PlanCreateSnapshot   PlannedOperation = "CREATE_SNAPSHOT"
	PlanRevertToSnapshot PlannedOperation = "REVERT_TO_SNAPSHOT"
)

// Values lists the operations that can be planned.
func (PlannedOperation) Values() []string {
	return []string{
		string(PlanInstantiate), string(PlanTerminate), string(PlanOperate), string(PlanScale), string(PlanScaleToLevel), string(PlanHeal),
		string(PlanChangeExtConn), string(PlanChangeFlavour), string(PlanChangeVnfPkg), string(PlanSync),
		string(PlanCreateSnapshot), string(PlanRevertToSnapshot),
	}
}

// PlanRequest asks what an operation would do. It is a resource of ours.
type PlanRequest struct {
	Operation PlannedOperation `json:"operation"`
	Request   json.RawMessage  `json:"request"` // the body that the operation's task takes, in the form of /vnflcm/v2; of SYNC a SyncRequest
}

// PlanAction is what a step of a plan does to a resource.
type PlanAction string

// The actions. A resource that cannot be changed where it stands is replaced: released and created anew. Configure tells the
// VNF what it needs to know once its resources stand.
const (
	ActionCreate    PlanAction = "create"
	ActionChange    PlanAction = "change"
	ActionReplace   PlanAction = "replace"
	ActionRelease   PlanAction = "release"
	ActionConfigure PlanAction = "configure"
	// ActionCoordinate asks the VNF or its element manager.
	ActionCoordinate PlanAction = "coordinate"
)

// Plan is what an operation would do. Nothing of it is stored.
type Plan struct {
	VnfInstanceId string           `json:"vnfInstanceId"`
	Operation     PlannedOperation `json:"operation"`
	Steps         []PlanStep       `json:"steps"` // in order; those of one stage at once
	Counts        PlanCounts       `json:"counts"`
	Policy        string           `json:"policy"`     // what would follow a failure: rollback, hold
	Reversible    bool             `json:"reversible"` // it can be rolled back
	// GrantRequest is what would be asked for. Its operation occurrence is not there, values of telling names in its
	// additionalParams are masked.
	GrantRequest *GrantRequest `json:"grantRequest"`
	Warnings     []string      `json:"warnings"`
}

// PlanStep is what would be done to one resource.
type PlanStep struct {
	Stage string `json:"stage"`
	// NextStage is of a replacement: the stage of its other half, when there is one in between.
	NextStage          string     `json:"nextStage,omitempty"`
	Action             PlanAction `json:"action"`
	Id                 string     `json:"id"` // the planned resource's
	Kind               string     `json:"kind"`
	Name               string     `json:"name"`
	VduId              string     `json:"vduId,omitempty"`
	ResourceTemplateId string     `json:"resourceTemplateId,omitempty"` // VDU, VL, CPD or storage in the VNFD
	VimConnectionId    string     `json:"vimConnectionId,omitempty"`    // absent: the grant decides
	Why                []string   `json:"why,omitempty"`                // the attributes that differ
	Optional           bool       `json:"optional,omitempty"`           // its failure would be a warning
}

// PlanCounts is how many steps of a plan do what to resources.
type PlanCounts struct {
	Create  int `json:"create"`
	Change  int `json:"change"`
	Replace int `json:"replace"`
	Release int `json:"release"`
}
