// Package mergepatch is JSON Merge Patch (RFC 7396): what PATCH requests carry, and how the layers of a VIM connection lie
// over each other. It works on JSON as it was written: numbers keep their digits.
package mergepatch

import (
	"bytes"
	"encoding/json"
	"maps"
)

// Apply returns a document with a patch applied (RFC 7396 §2). A document that is empty counts as absent. Both must be
// valid JSON; the result's objects have their members in order of name.
func Apply(document, patch json.RawMessage) json.RawMessage {
	members, ok := object(patch)
	if !ok {
		return patch
	}
	target, _ := object(document)
	return encode(Members(target, members))
}

// Members is Apply for the members of objects. Neither map is changed; the result is not nil.
func Members(document, patch map[string]json.RawMessage) map[string]json.RawMessage {
	out := maps.Clone(document)
	if out == nil {
		out = make(map[string]json.RawMessage, len(patch))
	}
	for name, value := range patch {
		if Null(value) {
			delete(out, name)
			continue
		}
		out[name] = Apply(out[name], value)
	}
	return out
}

// Compose returns the patch that does what first and then second do. What second removes stays in it as null, so that
// it is removed from whatever the patch is applied to. One thing a merge patch has no words for: where first puts a value
// that is no object and second an object, the object is merged with what the document has there.
func Compose(first, second json.RawMessage) json.RawMessage {
	after, ok := object(second)
	if !ok {
		return second
	}
	before, ok := object(first)
	if !ok {
		return second
	}
	out := maps.Clone(before)
	for name, value := range after {
		if old, there := out[name]; there {
			value = Compose(old, value)
		}
		out[name] = value
	}
	return encode(out)
}

// Null reports whether a member of a patch removes its name: null, or nothing at all.
func Null(value json.RawMessage) bool {
	value = bytes.TrimSpace(value)
	return len(value) == 0 || string(value) == "null"
}

// Equal reports whether two documents say the same, however they are written.
func Equal(a, b json.RawMessage) bool {
	x, okA := object(a)
	y, okB := object(b)
	if okA && okB {
		return maps.EqualFunc(x, y, Equal)
	}
	var c, d bytes.Buffer
	return json.Compact(&c, a) == nil && json.Compact(&d, b) == nil && bytes.Equal(c.Bytes(), d.Bytes())
}

func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return nil, false
	}
	return m, true
}

func encode(m map[string]json.RawMessage) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		return json.RawMessage("null") // the parts were JSON
	}
	return b
}
