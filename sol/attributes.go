package sol

import "encoding/json"

// KeyValuePairs is a map of attributes of any type.
type KeyValuePairs map[string]json.RawMessage

// Link is a link to a resource.
type Link struct {
	Href string `json:"href"`
}
