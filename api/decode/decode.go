// Package decode reads request bodies: it checks the form that every body must have, and decodes JSON into the types of package
// sol, naming by its JSON pointer what is wrong.
package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/sol"
)

var (
	RawType = reflect.TypeFor[json.RawMessage]()
	notDone = reflect.TypeFor[sol.NotDone]()
)

// Into reads a JSON object that has its form into a type of package sol. What is wrong is Invalid and names the attribute
// by its JSON pointer. Attributes are matched by their exact names and unknown ones ignored; null is the same as absent;
// attributes without omitempty are mandatory, and not empty unless the field says so (take:"empty"); a type with Values takes no others. A NotDone attribute that says anything is
// Unprocessable.
func Into(body []byte, into any) error {
	return Value(body, reflect.ValueOf(into).Elem(), "")
}

func Value(raw json.RawMessage, v reflect.Value, pointer string) error {
	if v.Type() == RawType {
		v.SetBytes(slices.Clone(raw))
		return nil
	}
	if v.Type() == notDone {
		return refuse(raw, pointer)
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

// refuse takes of what is not done here only what says nothing.
func refuse(raw json.RawMessage, pointer string) error {
	var value any
	_ = json.Unmarshal(raw, &value) // it is part of a body that has its form
	switch value := reflect.ValueOf(value); value.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.String, reflect.Slice, reflect.Map:
		if value.Len() == 0 {
			return nil
		}
	}
	return vnfm.Errorf(vnfm.Unprocessable, "%s asks for what is not done here: leave it out.", pointer[1:]).At(pointer)
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
			if elem.Kind() == reflect.Pointer { // the reader wants to know: a null entry of a map removes it
				v.SetMapIndex(reflect.ValueOf(key), reflect.Zero(elem))
			}
			continue
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
		if v.Type().Field(i).Tag.Get("take") == "empty" {
			continue
		}
		if (kind == reflect.String || kind == reflect.Slice) && v.Field(i).Len() == 0 && !strings.Contains(options, "omit") {
			return Wrong(at, "must not be empty")
		}
	}
	return nil
}

// maxInt is how large an integer of a request may be: what is counted or added up stays far from the end of an int.
const maxInt = math.MaxInt32

func decodeScalar(raw json.RawMessage, v reflect.Value, pointer string) error {
	if json.Unmarshal(raw, v.Addr().Interface()) != nil || IsNull(raw) || v.CanInt() && max(v.Int(), -v.Int()-1) > maxInt {
		integer := fmt.Sprintf("an integer from %d to %d", -maxInt-1, maxInt)
		return Wrong(pointer, "must be "+map[reflect.Kind]string{
			reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: integer, reflect.Int64: integer,
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
