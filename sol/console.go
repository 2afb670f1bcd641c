package sol

import "time"

// VnfSummary is a VNF instance in few words. It is a resource of ours.
type VnfSummary struct {
	Id                     string        `json:"id"`
	VnfInstanceName        string        `json:"vnfInstanceName,omitempty"`
	VnfInstanceDescription string        `json:"vnfInstanceDescription,omitempty"`
	VnfdId                 string        `json:"vnfdId"`
	VnfProvider            string        `json:"vnfProvider"`
	VnfProductName         string        `json:"vnfProductName"`
	VnfSoftwareVersion     string        `json:"vnfSoftwareVersion"`
	VnfdVersion            string        `json:"vnfdVersion"`
	VnfPkgId               string        `json:"vnfPkgId"`
	InstantiationState     string        `json:"instantiationState"`
	FlavourId              string        `json:"flavourId,omitempty"`
	VnfState               string        `json:"vnfState,omitempty"`
	Vnfcs                  int           `json:"vnfcs"` // how many there are
	OperationUnderWay      string        `json:"operationUnderWay,omitempty"`
	CleanupUnderWay        string        `json:"cleanupUnderWay,omitempty"`
	Leftovers              int           `json:"leftovers"` // how many resources failed operations left
	Drift                  *VnfDrift     `json:"drift,omitempty"`
	Metadata               KeyValuePairs `json:"metadata,omitempty"`
	Created                time.Time     `json:"created"`
	Updated                time.Time     `json:"updated"`
}

// VnfDrift is how many resources of a VNF differ from its records, as its VIMs showed them last; none: none does, as far as is known.
type VnfDrift struct {
	State            string    `json:"state"` // DRIFTED; SUSPECT: a VIM shows so much less than is recorded that it may have failed
	Since            time.Time `json:"since"`
	Missing          int       `json:"missing"`
	Changed          int       `json:"changed"`
	Orphaned         int       `json:"orphaned"`
	Unsure           int       `json:"unsure"`
	RepairGivenUp    bool      `json:"repairGivenUp,omitempty"` // it was repaired as often as it may be without anybody's asking
	VimConnectionIds []string  `json:"vimConnectionIds"`        // where
}

// Caller is who calls, and what they may. The permissions are those of docs/reference/roles.md.
type Caller struct {
	Name        string   `json:"name"`
	Roles       []string `json:"roles"`
	Permissions []string `json:"permissions"`
}

// SignIn says how callers say who they are.
type SignIn struct {
	Required      bool           `json:"required"` // false: whoever reaches the server is let in
	Token         bool           `json:"token"`    // a bearer token will do
	OpenIdConnect *OpenIdConnect `json:"openIdConnect,omitempty"`
}

// OpenIdConnect is where and as what a browser signs in, by the code flow with PKCE (RFC 7636).
type OpenIdConnect struct {
	Issuer   string `json:"issuer"`
	ClientId string `json:"clientId"`
	Scope    string `json:"scope"`
}

// LogLevels are the levels of the log, from that which says most to that which says least.
var LogLevels = []string{"debug", "info", "warn", "error"} //nolint:gochecknoglobals // data

// LogLevel is from which level on the node that answers logs. Each process has a log, and a level, of its own.
type LogLevel struct {
	Node    string     `json:"node"`
	Level   string     `json:"level"`           // debug, info, warn or error
	Setting string     `json:"setting"`         // what its settings say, which is in force when they are read again, and after a start
	By      string     `json:"by,omitempty"`    // who has changed it; none: it is as the settings say
	Since   *time.Time `json:"since,omitempty"` // when
	Until   *time.Time `json:"until,omitempty"` // then it is as the settings say again; none: nobody said how long
}

// LogLevelRequest changes from which level on the node that answers logs.
type LogLevelRequest struct {
	Level   string `json:"level"`
	Seconds int    `json:"seconds,omitempty"` // after that it is as the settings say again; 0: it lasts until these are read again
}

// System is what the node that answers is.
type System struct {
	Node     string          `json:"node"`
	Version  string          `json:"version"`
	Go       string          `json:"go"`
	Database string          `json:"database"` // sqlite, postgres
	Started  time.Time       `json:"started"`
	Settings []SystemSetting `json:"settings"`
}

// SystemSetting is a setting in force. The value of a secret one is never shown.
type SystemSetting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Secret  bool   `json:"secret"`
	Default bool   `json:"default"` // it is as it comes
}
