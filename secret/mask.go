package secret

import (
	"bytes"
	"encoding/json"
)

// Mask stands where a credential was left out. A patch that brings it means: as it is.
const Mask = "***"

// Masked returns a JSON document with its secrets replaced by Mask: every value in an accessInfo, and whatever has a telling
// name. nil when it is not JSON.
func Masked(document json.RawMessage) json.RawMessage {
	v, err := decode(document)
	if err != nil {
		return nil
	}
	b, _ := json.Marshal(masked(v, false)) // decoded from JSON
	return b
}

func masked(v any, hidden bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = masked(inner, hidden || k == "accessInfo" || Telling(k))
		}
	case []any:
		for i, inner := range v {
			v[i] = masked(inner, hidden)
		}
	case nil:
	default:
		if hidden {
			return Mask
		}
	}
	return v
}

// Unmasked returns a merge patch without the members that are Mask: what was answered and comes back changes nothing.
func Unmasked(patch json.RawMessage) json.RawMessage {
	v, err := decode(patch)
	if err != nil {
		return patch
	}
	b, _ := json.Marshal(unmasked(v)) // decoded from JSON
	return b
}

func unmasked(v any) any {
	if m, ok := v.(map[string]any); ok {
		for k, inner := range m {
			if inner == Mask {
				delete(m, k)
			} else {
				m[k] = unmasked(inner)
			}
		}
	}
	return v
}

func decode(document []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	return v, d.Decode(&v)
}
