package sol

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
