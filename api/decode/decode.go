// Package decode reads request bodies: it checks the form that every body must have, and decodes JSON into the types of package
// sol, naming by its JSON pointer what is wrong.
package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vnfm/vnfm"
)

var RawType = reflect.TypeFor[json.RawMessage]()

// The bounds of a body beside its length: how deeply its values are nested, and how long a name is in bytes. Readers and
// databases have bounds of their own far beyond them.
const (
	maxDepth = 100
	maxName  = 1024
)

// Form checks what every body must be before anyone reads it: one JSON object in UTF-8 with nothing behind it, not nested
// too deeply, no name twice in one object, since readers differ in which of the two they take, and no U+0000 in any text,
// since not every database and VIM takes one.
func Form(body []byte) error {
	if !utf8.Valid(body) {
		return vnfm.Errorf(vnfm.Invalid, "The body is not UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	var raw json.RawMessage
	if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
		return vnfm.Errorf(vnfm.Invalid, "The body is empty; a JSON object is needed.")
	} else if err != nil {
		return vnfm.Errorf(vnfm.Invalid, "The body is not JSON: %w.", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return vnfm.Errorf(vnfm.Invalid, "The body has something after its JSON object.")
	}
	if raw[0] != '{' {
		return Wrong("", "must be an object")
	}
	dec = json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if at, what := flaw(dec, 0); what != "" {
		return Wrong(at, what)
	}
	return nil
}

// flaw looks through the next value of what is JSON. It returns what is wrong, "" for nothing, and the pointer from the value
// to it, which is made on the way back: in front of every value it would cost more than the body is long.
func flaw(dec *json.Decoder, depth int) (at, what string) {
	const nul = "must not have the character U+0000"
	if depth > maxDepth {
		return "", fmt.Sprintf("is nested deeper than %d levels", maxDepth)
	}
	open, _ := dec.Token()
	switch open {
	case json.Delim('{'):
		seen := map[string]bool{}
		for dec.More() {
			token, _ := dec.Token()
			name, _ := token.(string)
			switch step := vnfm.Step(name); {
			case len(name) > maxName:
				return "", fmt.Sprintf("has a name longer than %d bytes", maxName)
			case seen[name]:
				return step, "is there more than once"
			case strings.ContainsRune(name, 0):
				return step, nul
			}
			seen[name] = true
			if at, what := flaw(dec, depth+1); what != "" {
				return vnfm.Step(name) + at, what
			}
		}
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			if at, what := flaw(dec, depth+1); what != "" {
				return "/" + strconv.Itoa(i) + at, what
			}
		}
	default:
		if text, is := open.(string); is && strings.ContainsRune(text, 0) {
			return "", nul
		}
		return "", ""
	}
	_, _ = dec.Token() // the end of it
	return "", ""
}

// Into reads a JSON object that has its form into a type of package sol. What is wrong is Invalid and names the attribute
// by its JSON pointer. Attributes are matched by their exact names and unknown ones ignored; null is the same as absent;
// attributes without omitempty are mandatory; a type with Values takes no others.
func Into(body []byte, into any) error {
	return Value(body, reflect.ValueOf(into).Elem(), "")
}

func Value(raw json.RawMessage, v reflect.Value, pointer string) error {
	if v.Type() == RawType {
		v.SetBytes(slices.Clone(raw))
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return Value(raw, v.Elem(), pointer)
	case reflect.Struct:
		return decodeObject(raw, v, pointer)
	case reflect.Slice:
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil || items == nil {
			return Wrong(pointer, "must be an array")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			if err := Value(item, v.Index(i), pointer+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return decodeMap(raw, v, pointer)
	default:
		return decodeScalar(raw, v, pointer)
	}
}

func decodeMap(raw json.RawMessage, v reflect.Value, pointer string) error {
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil || entries == nil {
		return Wrong(pointer, "must be an object")
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	elem := v.Type().Elem()
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		entry := entries[key]
		if IsNull(entry) && elem != RawType {
			continue // a null entry of a map removes it; there is nothing to remove from
		}
		e := reflect.New(elem).Elem()
		if err := Value(entry, e, pointer+vnfm.Step(key)); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key), e)
	}
	return nil
}

func decodeObject(raw json.RawMessage, v reflect.Value, pointer string) error {
	var attributes map[string]json.RawMessage
	if json.Unmarshal(raw, &attributes) != nil || attributes == nil {
		return Wrong(pointer, "must be an object")
	}
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		attribute, present := attributes[name]
		at := pointer + "/" + name
		if !present || IsNull(attribute) {
			if !strings.Contains(options, "omit") {
				return Wrong(at, "is mandatory")
			}
			continue
		}
		if err := Value(attribute, v.Field(i), at); err != nil {
			return err
		}
		kind := v.Field(i).Kind()
		if (kind == reflect.String || kind == reflect.Slice) && v.Field(i).Len() == 0 && !strings.Contains(options, "omit") {
			return Wrong(at, "must not be empty")
		}
	}
	return nil
}

func decodeScalar(raw json.RawMessage, v reflect.Value, pointer string) error {
	if json.Unmarshal(raw, v.Addr().Interface()) != nil || IsNull(raw) {
		return Wrong(pointer, "must be "+map[reflect.Kind]string{
			reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "an integer", reflect.Int64: "an integer",
		}[v.Kind()])
	}
	if enum, ok := v.Interface().(interface{ Values() []string }); ok && !slices.Contains(enum.Values(), v.String()) {
		return Wrong(pointer, "must be one of "+strings.Join(enum.Values(), ", ")+", not "+strconv.Quote(v.String()))
	}
	return nil
}

func IsNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// Wrong is the error of one attribute; its detail starts with the attribute's name as people write it.
func Wrong(pointer, text string) error {
	name := strings.TrimPrefix(pointer, "/")
	if name == "" {
		name = "The body"
	}
	return vnfm.Errorf(vnfm.Invalid, "%s", fmt.Sprintf("%s %s.", name, text)).At(pointer)
}
