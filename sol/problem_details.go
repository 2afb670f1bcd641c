package sol

// ProblemDetails is the body of every error (RFC 9457, SOL013 §6.3). Two members are our extension: Attribute
// is the JSON pointer (RFC 6901) of the request attribute at fault, Parameter the name of the query parameter at fault.
type ProblemDetails struct {
	Type      string `json:"type,omitempty"`
	Title     string `json:"title,omitempty"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance,omitempty"`
	Attribute string `json:"attribute,omitempty"`
	Parameter string `json:"parameter,omitempty"`
}
