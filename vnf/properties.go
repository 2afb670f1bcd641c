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
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnfd"
)

// Initial returns the values that a descriptor declares properties with.
func Initial(declared []vnfd.Property) map[string]json.RawMessage { return initial(declared) }

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

// standard are the configurable properties that the standard itself names, whatever a VNFD declares (ETSI GS NFV-IFA 011
// VnfConfigurableProperties; SOL001 v3.7.1 tosca.datatypes.nfv.VnfConfigurableProperties has them in its own spelling).
//
//nolint:gochecknoglobals // data
var standard = func() []vnfd.Property {
	var out []vnfd.Property
	for schema, names := range map[string][]string{
		`{"type":"boolean"}`:          {"isAutoscaleEnabled", "is_autoscale_enabled", "isAutohealEnabled", "is_autoheal_enabled"},
		`{"type":["array","object"]}`: {"vnfmInterfaceInfo", "vnfm_interface_info"},
		`{"type":"object"}`:           {"vnfmOauthServerInfo", "vnfm_oauth_server_info", "vnfOauthServerInfo", "vnf_oauth_server_info"},
	} {
		for _, name := range names {
			out = append(out, vnfd.Property{Name: name, Schema: json.RawMessage(schema)})
		}
	}
	return out
}()

// Extensible is what a site takes that no descriptor declares.
type Extensible bool

// The choices.
const (
	DeclaredOnly Extensible = false // undeclared extensions and configurable properties are refused
	Undeclared   Extensible = true  // they are taken
)

const (
	atExtensions   = "/extensions"
	atConfigurable = "/vnfConfigurableProperties"
)

// known returns the properties that may be set at a pointer: what is declared, and what the standard names beside it.
func known(pointer string, declared []vnfd.Property) []vnfd.Property {
	if pointer != atConfigurable {
		return declared
	}
	all := slices.Clone(declared)
	for _, p := range standard {
		if !slices.ContainsFunc(declared, func(d vnfd.Property) bool { return d.Name == p.Name }) {
			all = append(all, p)
		}
	}
	return all
}

// Beyond names what a request sets that the descriptor does not declare and the standard does not name, for people.
func Beyond(d *vnfd.Descriptor, extensions, configurable map[string]json.RawMessage) []string {
	var out []string
	for _, group := range []struct {
		pointer  string
		declared []vnfd.Property
		values   map[string]json.RawMessage
	}{{atExtensions, d.Extensions, extensions}, {atConfigurable, d.Configurable, configurable}} {
		all := known(group.pointer, group.declared)
		for _, name := range sortedKeys(group.values) {
			if !slices.ContainsFunc(all, func(p vnfd.Property) bool { return p.Name == name }) && !mergepatch.Null(group.values[name]) {
				out = append(out, fmt.Sprintf("%s sets %q, which the VNFD does not declare: it is kept, and nothing uses it but boot data that name it", group.pointer[1:], name))
			}
		}
	}
	return out
}

// checkDeclared is checkValues where the descriptor has the last word: it refuses children that the descriptor does not declare
// and the standard does not name, unless the site takes them.
func checkDeclared(pointer string, declared []vnfd.Property, values map[string]json.RawMessage, take Extensible) error {
	all := known(pointer, declared)
	for _, name := range sortedKeys(values) {
		if take == DeclaredOnly && !slices.ContainsFunc(all, func(p vnfd.Property) bool { return p.Name == name }) {
			return vnfm.Errorf(vnfm.Unprocessable, "the VNFD does not declare %q (a site may take such: operation-undeclared)", name).At(pointer + vnfm.Step(name))
		}
	}
	return checkValues(pointer, all, values)
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

// unset names the required properties that are not set once a patch lies over the values.
func unset(group string, declared []vnfd.Property, values, patch map[string]json.RawMessage) []string {
	var missing []string
	after := patched(values, patch)
	for _, p := range declared {
		if v, ok := after[p.Name]; p.Required && (!ok || mergepatch.Null(v)) {
			missing = append(missing, group+"/"+p.Name)
		}
	}
	return missing
}

// Laid returns the children of a merge patch (RFC 7396) as they will be over the values there are; null for what it removes.
func Laid(values, patch map[string]json.RawMessage) map[string]json.RawMessage {
	if len(patch) == 0 {
		return nil
	}
	after, out := patched(values, patch), make(map[string]json.RawMessage, len(patch))
	for name := range patch {
		if out[name] = after[name]; after[name] == nil {
			out[name] = json.RawMessage("null")
		}
	}
	return out
}

// present returns the children that are not null.
func present(patch map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, v := range patch {
		if !mergepatch.Null(v) {
			out[name] = v
		}
	}
	return out
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
		why := reason(bad)
		if secret.MarkedAt(schema, bad.InstanceLocation) || secret.MarkedAt(nil, strings.Split(pointer, "/")) {
			why = "its value is secret, and what is wrong with it is not said" // the library quotes it
		}
		return vnfm.Errorf(vnfm.Unprocessable, "does not fit the VNFD: %s", why).At(at)
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

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
