package rest

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/api/decode"
	v1 "github.com/vnfm/vnfm/api/v1"
)

// The query parameters of attribute selectors (SOL013 v3.7.1 §5.3).
const (
	allFields      = "all_fields"
	fieldsParam    = "fields"
	excludeFields  = "exclude_fields"
	excludeDefault = "exclude_default"
)

var selectorParams = []string{allFields, fieldsParam, excludeFields, excludeDefault}

// selector says which attributes of a representation a client wants. Mandatory ones, which are those whose tag lacks
// omitempty, always stay.
type selector struct {
	keep *attributes // nil: all but what is dropped
	drop *attributes // nil: nothing
}

// attributes is a tree of attribute names; one without branches stands for all of the attribute.
type attributes struct{ sub map[string]*attributes }

// of returns the branch of one attribute, or of an entry of a map all of whose entries have one.
func (a *attributes) of(name string) *attributes {
	if branch := a.sub[name]; branch != nil {
		return branch
	}
	return a.sub[v1.Entry]
}

// selectorOf reads the selectors of a list request. Names are checked against the type of an entry and names that the
// standard has and the type does not. defaults is what exclude_default leaves out.
func selectorOf(q url.Values, entry reflect.Type, known, defaults []string) (selector, error) {
	var given []string
	for _, name := range selectorParams {
		if !q.Has(name) {
			continue
		}
		given = append(given, name)
		flag := name == allFields || name == excludeDefault
		if value := q.Get(name); flag && value != "" {
			return selector{}, BadQuery(name, "The query parameter %s takes no value.", name)
		} else if !flag && value == "" {
			return selector{}, BadQuery(name, "The query parameter %s needs attribute names, separated by ','.", name)
		}
	}
	all, err := treeOf(defaults, entry, known, excludeDefault)
	if err != nil {
		return selector{}, err
	}
	switch strings.Join(given, "+") {
	case "", excludeDefault:
		return selector{drop: all}, nil
	case allFields:
		return selector{}, nil
	case fieldsParam:
		tree, err := treeOf(strings.Split(q.Get(fieldsParam), ","), entry, known, fieldsParam)
		return selector{keep: tree}, err
	case excludeFields:
		tree, err := treeOf(strings.Split(q.Get(excludeFields), ","), entry, known, excludeFields)
		return selector{drop: tree}, err
	case fieldsParam + "+" + excludeDefault: // fields override the default list
		tree, err := treeOf(strings.Split(q.Get(fieldsParam), ","), entry, known, fieldsParam)
		for name := range tree.sub {
			delete(all.sub, name)
		}
		return selector{drop: all}, err
	}
	return selector{}, BadQuery(given[len(given)-1], "%s do not go together; only fields and exclude_default do.", strings.Join(given, " and "))
}

func treeOf(names []string, entry reflect.Type, known []string, parameter string) (*attributes, error) {
	root := &attributes{sub: map[string]*attributes{}}
	for _, name := range names {
		steps := strings.Split(name, "/")
		if !slices.Contains(known, steps[0]) && !hasAttribute(entry, steps) {
			name = strings.ReplaceAll(name, "/"+v1.Entry, "")
			return root, BadQuery(parameter, "%s names %q, which is no attribute of the resource.", parameter, name)
		}
		at := root
		for i, step := range steps {
			next, ok := at.sub[step]
			if !ok {
				next = &attributes{sub: map[string]*attributes{}}
				at.sub[step] = next
			} else if len(next.sub) == 0 { // all of it is named already
				break
			}
			if at = next; i == len(steps)-1 {
				clear(next.sub)
			}
		}
	}
	return root, nil
}

// hasAttribute says whether a type has an attribute at a path. Maps have all, and so has what has no type of its own.
func hasAttribute(t reflect.Type, path []string) bool { return attributeType(t, path) != nil }

// attributeType returns the type of an attribute, or of the elements of an array; nil when there is none.
func attributeType(t reflect.Type, path []string) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t != decode.RawType {
		t = t.Elem()
	}
	switch {
	case len(path) == 0 || t == decode.RawType:
		return t
	case t.Kind() == reflect.Map:
		return attributeType(t.Elem(), path[1:])
	case t.Kind() != reflect.Struct || t == timeType:
		return nil
	}
	for f := range fieldsOf(t) {
		if f.name == path[0] {
			return attributeType(f.Type, path[1:])
		}
	}
	return nil
}

// field is a field of a wire type with its attribute's name.
type field struct {
	reflect.StructField
	name      string
	mandatory bool
}

func fieldsOf(t reflect.Type) func(yield func(field) bool) {
	return func(yield func(field) bool) {
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if !yield(field{t.Field(i), name, !strings.Contains(options, "omit")}) {
				return
			}
		}
	}
}

// apply empties what the client does not want of an entry: a pointer to a wire type that nobody else holds.
func (s selector) apply(entry any) {
	if s.keep != nil || s.drop != nil {
		s.prune(reflect.ValueOf(entry), s.keep, s.drop)
	}
}

// prune walks a value beside the trees. keep nil means that everything stays but what drop names.
func (s selector) prune(v reflect.Value, keep, drop *attributes) {
	if keep != nil && len(keep.sub) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			s.prune(v.Elem(), keep, drop)
		}
	case reflect.Slice:
		if v.Type() == decode.RawType {
			v.SetBytes(pruneRaw(v.Bytes(), keep, drop))
			return
		}
		for i := range v.Len() {
			s.prune(v.Index(i), keep, drop)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			gone, k, d := judge(key.String(), false, keep, drop)
			if gone {
				v.SetMapIndex(key, reflect.Value{})
			} else if k != nil || d != nil {
				inner := reflect.New(v.Type().Elem()).Elem()
				inner.Set(v.MapIndex(key))
				s.prune(inner, k, d)
				v.SetMapIndex(key, inner)
			}
		}
	case reflect.Struct:
		for f := range fieldsOf(v.Type()) {
			gone, k, d := judge(f.name, f.mandatory, keep, drop)
			if gone {
				v.FieldByIndex(f.Index).SetZero()
			} else if k != nil || d != nil {
				s.prune(v.FieldByIndex(f.Index), k, d)
			}
		}
	}
}

// judge says what becomes of one attribute: it goes, or stays with these trees for what is in it (none: whole).
func judge(name string, mandatory bool, keep, drop *attributes) (gone bool, k, d *attributes) {
	if keep != nil {
		k = keep.of(name)
		return k == nil && !mandatory, k, nil
	}
	d = drop.of(name)
	if d != nil && len(d.sub) == 0 {
		return !mandatory, nil, nil
	}
	return false, nil, d
}

// of says what becomes of an attribute of an entry: it goes, or stays, whole or not.
func (s selector) of(name string, mandatory bool) (gone, whole bool) {
	if s.keep == nil && s.drop == nil {
		return false, true
	}
	gone, k, d := judge(name, mandatory, s.keep, s.drop)
	return gone, (k == nil || len(k.sub) == 0) && d == nil
}

// pruneRaw does the same within a value that has no type.
func pruneRaw(raw []byte, keep, drop *attributes) []byte {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return raw
	}
	for name, inner := range object {
		gone, k, d := judge(name, false, keep, drop)
		if gone {
			delete(object, name)
		} else if k != nil && len(k.sub) > 0 || d != nil {
			object[name] = pruneRaw(inner, k, d)
		}
	}
	return Encode(object)
}
