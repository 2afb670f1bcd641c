// Package openapi holds the OpenAPI document of our own interface, /vnfm/v1. It is made from the table of routes and the types of
// the wire by the tests of package api, which fail when the document is not what they make.
package openapi

import (
	_ "embed"
	"encoding/json"
)

// Version is the version of the interface /vnfm/v1: it rises with what is added to it.
const Version = "1.0.0"

//go:embed vnfm-v1.json
var document []byte

// Document returns the OpenAPI 3.0 document of /vnfm/v1, in JSON.
func Document() json.RawMessage { return document }
