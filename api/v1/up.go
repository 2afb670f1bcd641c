package v1

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
)

// Pointers says where in the body of v1 the values of the body of v2 come from: JSON pointers of v2 to those of v1.
type Pointers map[string]string

// Up returns a request body of v1 as v2 has it, and where its parts come from. What is wrong with the forms that v2 does
// not have is Invalid and names the attribute; what is wrong with the rest is left to whoever reads the result. A body that
// is no JSON object is returned as it is.
func (s *Shape) Up(body []byte) ([]byte, Pointers, error) {
	from := Pointers{}
	if _, ok := object(body); !ok {
		return body, from, nil
	}
	out, err := s.up(body, "", "", from)
	return out, from, err
}

// up translates a value at the pointers v1 and v2.
func (s *Shape) up(doc json.RawMessage, v1, v2 string, from Pointers) (json.RawMessage, error) {
	if all, ok := array(doc); ok {
		for i, one := range all {
			var err error
			at := "/" + strconv.Itoa(i)
			if all[i], err = s.up(one, v1+at, v2+at, from); err != nil {
				return nil, err
			}
		}
		return encode(all), nil
	}
	members, ok := object(doc)
	if !ok {
		return doc, nil
	}
	out := make(map[string]json.RawMessage, len(members))
	for newer, older := range s.names { // what is not there can be at fault, too
		if members[newer] == nil {
			from[v2+vnfm.Step(newer)] = v1 + vnfm.Step(older)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, at := members[name], v1+vnfm.Step(name)
		newer := s.renamed(name)
		if _, both := members[newer]; both && newer != name {
			return nil, invalid(at, "is "+newer+" of a later version, which is there too")
		}
		to := v2 + vnfm.Step(newer)
		if at != to {
			from[to] = at
		}
		var err error
		if m, is := s.maps[newer]; is {
			value, err = m.entries(value, text(members["cpdId"]), at, to, from)
		} else if inner := s.within[newer]; inner != nil {
			value, err = inner.up(value, at, to, from)
		}
		if err != nil {
			return nil, err
		}
		out[newer] = value
	}
	for name, m := range s.maps {
		if err := m.removals(out, name, v1, v2, from); err != nil {
			return nil, err
		}
	}
	return encode(out), nil
}

// entries returns an array as the map it is in v2. An entry whose key is made by this side is named after its owner.
func (m keyed) entries(value json.RawMessage, owner, v1, v2 string, from Pointers) (json.RawMessage, error) {
	if isNull(value) {
		return value, nil
	}
	list, ok := array(value)
	if !ok {
		return nil, invalid(v1, "must be an array")
	}
	out := make(map[string]json.RawMessage, len(list))
	for i, raw := range list {
		at := v1 + "/" + strconv.Itoa(i)
		entry, ok := object(raw)
		if !ok {
			return nil, invalid(at, "must be an object")
		}
		id, given := entry[m.key]
		key := text(id)
		switch {
		case given && key == "":
			return nil, invalid(at+"/"+m.key, "must be a string and not empty")
		case !given && m.gone != "":
			return nil, invalid(at+"/"+m.key, "is mandatory")
		case !given && len(entry) == 0:
			return nil, invalid(at, "must not be empty")
		case !given:
			key = owner + "-" + strconv.Itoa(i)
		}
		if _, twice := out[key]; twice {
			return nil, invalid(at+"/"+m.key, "is that of another entry")
		}
		delete(entry, m.key)
		from[v2+vnfm.Step(key)] = at
		if out[key] = encode(entry); given && m.gone == "" && len(entry) == 0 {
			out[key] = json.RawMessage("null")
		}
	}
	return encode(out), nil
}

// removals moves the keys that an attribute beside the array lists into the map.
func (m keyed) removals(out map[string]json.RawMessage, name, v1, v2 string, from Pointers) error {
	listed, ok := out[m.gone]
	if m.gone == "" || !ok {
		return nil
	}
	delete(out, m.gone)
	at, to := v1+"/"+m.gone, v2+"/"+name
	keys, ok := array(listed)
	if !ok {
		return invalid(at, "must be an array of strings")
	}
	entries, _ := object(out[name])
	if entries == nil {
		entries = map[string]json.RawMessage{}
	}
	for i, raw := range keys {
		key := text(raw)
		if key == "" {
			return invalid(at+"/"+strconv.Itoa(i), "must be a string and not empty")
		}
		if _, changed := entries[key]; changed {
			return invalid(at+"/"+strconv.Itoa(i), "is in "+name+" or there twice")
		}
		entries[key], from[to+vnfm.Step(key)] = json.RawMessage("null"), at+"/"+strconv.Itoa(i)
	}
	if len(entries) > 0 {
		out[name] = encode(entries)
	}
	return nil
}

// Of returns the v1 pointer of a v2 pointer.
func (p Pointers) Of(pointer string) string {
	for at := pointer; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
		if v1, ok := p[at]; ok {
			return v1 + pointer[len(at):]
		}
	}
	return pointer
}

func invalid(pointer, text string) error {
	return vnfm.Errorf(vnfm.Invalid, "%s %s.", strings.TrimPrefix(pointer, "/"), text).At(pointer)
}
