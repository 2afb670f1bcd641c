package sol

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Point is a reference point: a side from which the VNFM is seen.
type Point string

// The reference points.
const (
	OrVnfm Point = "Or-Vnfm" // orchestrators, by SOL003; and this site's own people, who see all that it has
	VeVnfm Point = "Ve-Vnfm" // element managers, by SOL002
)

// An attribute with the tag only:"Or-Vnfm" is for that reference point alone: SOL002 v3.7.1 has it not. It is neither shown to
// others nor taken from them, wherever a document of these types goes: answers, notifications, streams, history. Narrow and
// Beyond are the one place where that is done.

// olderRequest has what only SOL003 v2.6.1 has.
type olderRequest struct {
	VimConnectionInfoDeleteIds []string `json:"vimConnectionInfoDeleteIds" only:"Or-Vnfm"`
}

// seen are the documents that more than one reference point sees; what they are made of is found from there.
var seen = []reflect.Type{
	reflect.TypeFor[VnfInstance](), reflect.TypeFor[VnfLcmOpOcc](), reflect.TypeFor[CreateVnfRequest](), reflect.TypeFor[InstantiateVnfRequest](),
	reflect.TypeFor[VnfInfoModificationRequest](), reflect.TypeFor[TerminateVnfRequest](), reflect.TypeFor[VnfLcmOperationOccurrenceNotification](),
	reflect.TypeFor[VnfIdentifierNotification](), reflect.TypeFor[LccnSubscriptionRequest](), reflect.TypeFor[LccnSubscription](),
	reflect.TypeFor[olderRequest](),
}

// attributes are the names of tagged attributes by the point they are for, and those of maps that hold clients' own words, in
// which a name means nothing.
var attributes = func() (out struct {
	only map[Point]map[string]bool
	free map[string]bool
}) {
	out.only, out.free = map[Point]map[string]bool{}, map[string]bool{}
	known := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if known[t] {
				return
			}
			known[t] = true
			for i := range t.NumField() {
				f := t.Field(i)
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if p := Point(f.Tag.Get("only")); p != "" {
					if out.only[p] == nil {
						out.only[p] = map[string]bool{}
					}
					out.only[p][name] = true
				}
				if f.Type == reflect.TypeFor[KeyValuePairs]() {
					out.free[name] = true
				}
				walk(f.Type)
			}
		}
	}
	for _, t := range seen {
		walk(t)
	}
	return out
}()

// Hidden lists the names of the attributes that a reference point neither sees nor sets, in order.
func Hidden(p Point) []string {
	var out []string
	for of, names := range attributes.only {
		if of != p {
			out = slices.AppendSeq(out, maps.Keys(names))
		}
	}
	slices.Sort(out)
	return out
}

// Narrow returns a document of these types as a reference point sees it. One in which nothing is hidden is returned as it is;
// nil when it is no JSON.
func Narrow(doc json.RawMessage, p Point) json.RawMessage {
	hidden := Hidden(p)
	if !slices.ContainsFunc(hidden, func(name string) bool { return mayName(doc, name) }) {
		return doc
	}
	v, err := decoded(doc)
	if err != nil {
		return nil
	}
	if strip(v, hidden) == nil {
		return doc
	}
	b, _ := json.Marshal(v) // decoded from JSON
	return b
}

// Beyond returns the way to an attribute in a document that is not the reference point's to set, by the names it leads through;
// nil when there is none, or it is no JSON.
func Beyond(doc json.RawMessage, p Point) []string {
	hidden := Hidden(p)
	if !slices.ContainsFunc(hidden, func(name string) bool { return mayName(doc, name) }) {
		return nil
	}
	v, err := decoded(doc)
	if err != nil {
		return nil
	}
	return strip(v, hidden)
}

// mayName reports whether a document may have a name: that is, unless it certainly has not.
func mayName(doc []byte, name string) bool {
	return bytes.Contains(doc, []byte(name)) || bytes.Contains(doc, []byte(`\u`))
}

func decoded(doc []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber() // one that no float holds must not keep the rest from being looked at
	return v, d.Decode(&v)
}

// strip removes names from the objects of a decoded value, and returns the way to the first of them, nil when there is none.
func strip(v any, hidden []string) (way []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			var here []string
			if slices.Contains(hidden, name) {
				delete(v, name)
				here = []string{name}
			} else if !attributes.free[name] {
				if here = strip(v[name], hidden); here != nil {
					here = append([]string{name}, here...)
				}
			}
			if way == nil {
				way = here
			}
		}
	case []any:
		for _, inner := range v {
			if here := strip(inner, hidden); way == nil { // of which entry does not matter
				way = here
			}
		}
	}
	return way
}
