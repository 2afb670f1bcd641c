package sol

// SyncRequest asks to compare a VNF with its VIMs, and by wish to repair what differs. It is a resource of ours.
type SyncRequest struct {
	// Repair begins an operation that makes the VNF what its records say, where anything differs that can be repaired.
	Repair bool `json:"repair,omitempty"`
	// Confirmed says that a VIM that shows much less than the records say has lost the rest.
	Confirmed bool `json:"confirmed,omitempty"`
	// IsAutomaticInvocation says that a policy asks, and nobody else.
	IsAutomaticInvocation bool `json:"isAutomaticInvocation,omitempty"`
}

// DifferenceType says in what a resource differs from the records.
type DifferenceType string

// The types of differences.
const (
	DifferenceMissing  DifferenceType = "missing"
	DifferenceChanged  DifferenceType = "changed"
	DifferenceOrphaned DifferenceType = "orphaned"
	DifferenceUnsure   DifferenceType = "unsure"
)

// Values lists the types of differences.
func (DifferenceType) Values() []string {
	return []string{string(DifferenceMissing), string(DifferenceChanged), string(DifferenceOrphaned), string(DifferenceUnsure)}
}

// Drift is in what a VNF differs from its records. It is a resource of ours, and nothing of it is stored.
type Drift struct {
	VnfInstanceId     string            `json:"vnfInstanceId"`
	OperationUnderWay string            `json:"operationUnderWay,omitempty"` // whose work some of what differs may be
	InSync            bool              `json:"inSync"`                      // every VIM was looked at, and nothing differs
	Differences       []DriftedResource `json:"differences"`
	Vims              []VimLook         `json:"vims"`
}

// DriftedResource is a resource that differs from the records.
type DriftedResource struct {
	Type               DifferenceType   `json:"type"`
	Id                 string           `json:"id"` // the planned resource's
	Generation         int              `json:"generation"`
	Kind               string           `json:"kind"`
	Name               string           `json:"name,omitempty"`
	VduId              string           `json:"vduId,omitempty"`
	ResourceTemplateId string           `json:"resourceTemplateId,omitempty"` // VDU, VL, CPD or storage in the VNFD
	VnfcInfoIds        []string         `json:"vnfcInfoIds,omitempty"`        // the VNFCs that have it
	VimConnectionId    string           `json:"vimConnectionId"`
	ResourceId         string           `json:"resourceId,omitempty"` // the VIM's
	Fields             []DifferingField `json:"fields,omitempty"`     // of what changed
	Kept               string           `json:"kept,omitempty"`       // why a repair leaves it as it is
}

// DifferingField is an attribute that stands in another way than the records say.
type DifferingField struct {
	Attribute string `json:"attribute"`
	Recorded  string `json:"recorded"`
	Found     string `json:"found"`
	By        string `json:"by,omitempty"` // who set it last, and when, where the VIM says so
}

// VimLook is what came of looking at a VIM connection.
type VimLook struct {
	VimConnectionId string `json:"vimConnectionId"`
	Recorded        int    `json:"recorded"`          // resources of the VNF that the records have there
	Found           int    `json:"found"`             // of these at the VIM
	Suspect         bool   `json:"suspect,omitempty"` // so few that a repair is to be confirmed
	Error           string `json:"error,omitempty"`   // why the VIM could not be looked at
}
