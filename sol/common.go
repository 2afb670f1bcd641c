package sol

import (
	"encoding/json"
	"time"
)

// KeyValuePairs is a map of attributes of any type.
type KeyValuePairs map[string]json.RawMessage

// Link is a link to a resource.
type Link struct {
	Href string `json:"href"`
}

// ProblemDetails is the body of every error (RFC 9457, SOL013 §6.3). Attribute is our extension: the JSON pointer of the
// request attribute at fault.
type ProblemDetails struct {
	Type      string `json:"type,omitempty"`
	Title     string `json:"title,omitempty"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance,omitempty"`
	Attribute string `json:"attribute,omitempty"`
}

// ApiVersionInformation says which versions of an API are served (SOL013 §9.1).
type ApiVersionInformation struct {
	UriPrefix   string       `json:"uriPrefix"`
	ApiVersions []ApiVersion `json:"apiVersions"`
}

// ApiVersion is one version of an API.
type ApiVersion struct {
	Version        string    `json:"version"`
	IsDeprecated   bool      `json:"isDeprecated,omitempty"`
	RetirementDate time.Time `json:"retirementDate,omitzero"`
}

// ResourceHandle names a resource at a VIM.
type ResourceHandle struct {
	VimConnectionId      string `json:"vimConnectionId,omitempty"`
	ResourceProviderId   string `json:"resourceProviderId,omitempty"`
	ResourceId           string `json:"resourceId"`
	VimLevelResourceType string `json:"vimLevelResourceType,omitempty"`
}

// VimConnectionInfo is how to reach a VIM. AccessInfo holds credentials: taken in requests, never answered.
type VimConnectionInfo struct {
	VimId         string        `json:"vimId,omitempty"`
	VimType       string        `json:"vimType"`
	InterfaceInfo KeyValuePairs `json:"interfaceInfo,omitempty"`
	AccessInfo    KeyValuePairs `json:"accessInfo,omitempty"`
	Extra         KeyValuePairs `json:"extra,omitempty"`
}
