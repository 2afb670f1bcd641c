package sol

import "time"

// ApiVersionInformation says which versions of an API are served (SOL013 §9.1).
type ApiVersionInformation struct {
	UriPrefix   string       `json:"uriPrefix"`
	ApiVersions []ApiVersion `json:"apiVersions"`
}

// ApiVersion is one version of an API.
type ApiVersion struct {
	Version        string    `json:"version"`
	IsDeprecated   bool      `json:"isDeprecated"`
	RetirementDate time.Time `json:"retirementDate,omitzero"`
}
