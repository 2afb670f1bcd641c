package vnf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/vnfd"
)

// initial returns the declared properties that have an initial value (SOL003 v3.7.1 §5.5.2.2). The others are absent
// until they are set.
func initial(declared []vnfd.Property) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	for _, p := range declared {
		if len(p.Initial) == 0 {
			continue
		}
		if m == nil {
			m = map[string]json.RawMessage{}
		}
		m[p.Name] = p.Initial
	}
	return m
}

// checkDeclared is checkValues where the descriptor has the last word: it refuses children the descriptor does not
// declare.
func checkDeclared(pointer string, declared []vnfd.Property, values map[string]json.RawMessage) error {
	for _, name := range sortedKeys(values) {
		if !slices.ContainsFunc(declared, func(p vnfd.Property) bool { return p.Name == name }) {
			return vnfm.Errorf(vnfm.Unprocessable, "the VNFD does not declare %q", name).At(pointer + vnfm.Step(name))
		}
	}
	return checkValues(pointer, declared, values)
}

// checkValues refuses values of declared properties that do not fit their schema.
func checkValues(pointer string, declared []vnfd.Property, values map[string]json.RawMessage) error {
	for _, p := range declared {
		v, ok := values[p.Name]
		if !ok {
			continue
		}
		if err := CheckSchema(p.Schema, v, pointer+vnfm.Step(p.Name)); err != nil {
			return err
		}
	}
	return nil
}

// unset names the required properties that neither map has.
func unset(group string, declared []vnfd.Property, maps ...map[string]json.RawMessage) []string {
	var missing []string
	for _, p := range declared {
		if !p.Required {
			continue
		}
		if !slices.ContainsFunc(maps, func(m map[string]json.RawMessage) bool {
			v, ok := m[p.Name]
			return ok && string(v) != "null"
		}) {
			missing = append(missing, group+"/"+p.Name)
		}
	}
	return missing
}

// CheckSchema checks a value against a JSON Schema. It returns Unprocessable at the JSON pointer of the first part that
// does not fit, and Internal when the schema itself is unusable. No schema fits all.
func CheckSchema(schema, value json.RawMessage, pointer string) error {
	if len(schema) == 0 {
		return nil
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "a JSON schema of the descriptor")
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})                // a schema refers to nothing outside itself
	const name = "vnfm:///descriptor.json" // a name that is no URL would be looked up in the working directory
	if err := c.AddResource(name, doc); err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "a JSON schema of the descriptor")
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "a JSON schema of the descriptor")
	}
	if len(value) == 0 {
		value = json.RawMessage("{}")
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return vnfm.Errorf(vnfm.Invalid, "not JSON: %w", err).At(pointer)
	}
	if at := tooLarge(v, pointer); at != "" { // the library knows no such numbers
		return vnfm.Errorf(vnfm.Unprocessable, "a number of more than 300 digits").At(at)
	}
	err = compiled.Validate(v)
	var bad *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		for len(bad.Causes) > 0 {
			bad = bad.Causes[0]
		}
		at := pointer
		for _, part := range bad.InstanceLocation {
			at += vnfm.Step(part)
		}
		return vnfm.Errorf(vnfm.Unprocessable, "does not fit the VNFD: %s", reason(bad)).At(at)
	}
	return vnfm.Wrap(vnfm.Internal, err, "a JSON schema of the descriptor")
}

// tooLarge returns the pointer of the first number that is not small (filter.IsNumber), "" when there is none.
func tooLarge(v any, pointer string) string {
	switch v := v.(type) {
	case json.Number:
		if _, small := filter.IsNumber(v.String()); !small {
			return pointer
		}
	case []any:
		for i, inner := range v {
			if at := tooLarge(inner, pointer+"/"+strconv.Itoa(i)); at != "" {
				return at
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if at := tooLarge(v[name], pointer+vnfm.Step(name)); at != "" {
				return at
			}
		}
	}
	return ""
}

// reason is the last line of what the library says of one cause: the part after the location.
func reason(e *jsonschema.ValidationError) string {
	s := e.Error()
	if i := strings.LastIndex(s, "': "); i >= 0 {
		return s[i+3:]
	}
	return s
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) { return nil, fmt.Errorf("%s is not loaded", url) }

// escape makes a name a token of a JSON pointer.

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
