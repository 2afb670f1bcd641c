package tosca

import "strings"

// secretive reports whether a definition says that its value is secret. TOSCA has no word for it; the field has several: one of
// the keys sensitive, secret or confidential that is true, or the format password, in the definition or in its metadata.
func secretive(def *Node) bool {
	for _, at := range []*Node{def, def.Get("metadata")} {
		for _, key := range []string{"sensitive", "secret", "confidential"} {
			if strings.EqualFold(at.Get(key).Text(), "true") {
				return true
			}
		}
		if at.Get("format").Text() == "password" {
			return true
		}
	}
	return false
}
