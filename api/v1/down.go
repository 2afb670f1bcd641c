package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The roots of the older version.
const (
	Root    = "/vnflcm/v1"
	PkgRoot = "/vnfpkgm/v1"
)

// newer are the roots of v2 by those of v1.
var newer = map[string]string{Root: "/vnflcm/v2", PkgRoot: "/vnfpkgm/v2"}

// Down returns a document of v2, or an array of them, as v1 has it. base is the root of absolute links: those to resources
// of v2 below it lead to the same of v1 then. What is v1 already stays as it is.
func (s *Shape) Down(doc json.RawMessage, base string) json.RawMessage {
	if all, ok := array(doc); ok {
		if s.parted {
			all = firsts(all)
		}
		for i, one := range all {
			all[i] = s.Down(one, base)
		}
		return encode(all)
	}
	members, ok := object(doc)
	if !ok {
		return doc
	}
	out := make(map[string]json.RawMessage, len(members))
	for name, value := range members {
		if slices.Contains(s.later, name) {
			continue
		}
		inner := s.within[name]
		if m, is := s.maps[name]; is {
			if entries, ok := object(value); ok {
				var gone []string
				value, gone = m.array(entries)
				if len(gone) > 0 {
					out[m.gone] = encode(gone)
				}
				if len(gone) > 0 && len(gone) == len(entries) {
					continue
				}
			}
		} else if inner != nil {
			value = inner.Down(value, base)
		}
		if name == links {
			value = linked(value, base)
		}
		if nearest, ok := s.values[name][text(value)]; ok {
			value = encode(nearest)
		}
		if parts := s.parts[name]; len(parts) > 0 {
			value = parted(value, parts)
		}
		if old, renamed := s.names[name]; renamed {
			name = old
		}
		out[name] = value
	}
	return encode(out)
}

// parted returns a text that is an object in v1.
func parted(value json.RawMessage, names []string) json.RawMessage {
	texts := strings.SplitN(text(value), ":", len(names))
	if len(texts) != len(names) {
		return value
	}
	out := map[string]string{}
	for i, name := range names {
		out[name] = texts[i]
	}
	return encode(out)
}

// array returns the entries of a map as an array in order of their keys, and the keys of what is to be removed where they
// have an attribute of their own.
func (m keyed) array(entries map[string]json.RawMessage) (array json.RawMessage, gone []string) {
	list := []json.RawMessage{}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		entry, ok := object(entries[key])
		if !ok && m.gone != "" {
			gone = append(gone, key)
			continue
		}
		if entry == nil {
			entry = map[string]json.RawMessage{}
		}
		entry[m.key] = encode(key)
		list = append(list, encode(entry))
	}
	return encode(list), gone
}

// linked returns _links with those to resources of v2 leading to the same of v1.
func linked(value json.RawMessage, base string) json.RawMessage {
	all, ok := object(value)
	if !ok {
		return value
	}
	for name, link := range all {
		if members, ok := object(link); ok {
			members["href"] = encode(Link(text(members["href"]), base))
			all[name] = encode(members)
		}
	}
	return encode(all)
}

// Link returns a link to a resource of v2 below base as one to the same of v1, and any other as it is.
func Link(uri, base string) string {
	for older, root := range newer {
		if rest, ok := strings.CutPrefix(uri, base+root+"/"); ok {
			return base + older + "/" + rest
		}
	}
	return uri
}

// object returns the members of a JSON object; false when it is something else.
func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	var members map[string]json.RawMessage
	return members, json.Unmarshal(raw, &members) == nil && members != nil
}

// array returns the elements of a JSON array; false when it is something else.
func array(raw json.RawMessage) ([]json.RawMessage, bool) {
	var all []json.RawMessage
	return all, json.Unmarshal(raw, &all) == nil && all != nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// text returns a JSON string's value, "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("v1: what was JSON does not marshal: %v", err))
	}
	return b
}

// firsts returns the first of the entries of each id.
func firsts(all []json.RawMessage) []json.RawMessage {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(one json.RawMessage) bool {
		members, _ := object(one)
		id := string(members["id"])
		again := seen[id]
		seen[id] = true
		return again
	})
}
