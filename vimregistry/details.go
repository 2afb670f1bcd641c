package vimregistry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
)

// details is all there is to know of a connection (SOL003 v3.7.1 §4.4.1.6, VimConnectionInfo): what is sealed.
type details struct {
	VimID         string                     `json:"vimId,omitempty"`
	Type          string                     `json:"vimType"`
	InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo,omitempty"`
	AccessInfo    map[string]json.RawMessage `json:"accessInfo,omitempty"`
	Extra         map[string]json.RawMessage `json:"extra,omitempty"`
}

// wanted is a connection as a client writes it: its details, and how it is used.
type wanted struct {
	ID string `json:"id,omitempty"`
	details
	Default bool `json:"default"`
	Enabled bool `json:"enabled"`
}

// idForm is what a registered connection's id may be: it is part of names and paths.
var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// decodeDetails reads a connection. Returns Invalid at the attribute that cannot be read, below the pointer.
func decodeDetails(doc json.RawMessage, into any, pointer string) error {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case asType(err, &kind):
		at := strings.TrimPrefix(strings.ReplaceAll(kind.Field, ".", "/"), "details/")
		return vnfm.Errorf(vnfm.Invalid, "%s must be %s.", at, word(kind.Type.Kind().String())).At(pointer + "/" + at)
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(text, "unknown field "); ok { // its value is not repeated
		name = strings.Trim(name, `"`)
		return vnfm.Errorf(vnfm.Invalid, "A VIM connection has no attribute %q.", name).At(pointer + vnfm.Step(name))
	}
	return vnfm.Errorf(vnfm.Invalid, "The VIM connection cannot be read.").At(pointer)
}

func asType(err error, into **json.UnmarshalTypeError) bool {
	e, ok := err.(*json.UnmarshalTypeError) //nolint:errorlint // the decoder returns it as it is
	*into = e
	return ok
}

func word(kind string) string {
	switch kind {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	}
	return "an object"
}

// check says what is wrong with a connection, below the pointer.
func (s *Service) check(d *details, pointer string) error {
	if d.Type == "" {
		return vnfm.Errorf(vnfm.Unprocessable, "vimType is mandatory.").At(pointer + "/vimType")
	}
	if s.cfg.Drivers[d.Type] == nil {
		var types []string
		for t := range s.cfg.Drivers {
			types = append(types, t)
		}
		slices.Sort(types)
		known := "has no driver at all"
		if len(types) > 0 {
			known = "has drivers for " + strings.Join(types, ", ")
		}
		return vnfm.Errorf(vnfm.Unprocessable, "There is no driver for the vimType %q; this program %s.", d.Type, known).At(pointer + "/vimType")
	}
	if _, err := vim.LimitsOf(d.Extra, vim.Limits{}); err != nil {
		return below(err, pointer)
	}
	for _, group := range []struct {
		name   string
		values map[string]json.RawMessage
	}{{"interfaceInfo", d.InterfaceInfo}, {"extra", d.Extra}} {
		for _, name := range slices.Sorted(maps.Keys(group.values)) {
			if slices.ContainsFunc(texts(group.values[name]), hasUser) {
				at := "/" + group.name + vnfm.Step(name)
				return vnfm.Errorf(vnfm.Unprocessable, "%s is shown to people: a URL in it must not have a user name or password; put these into accessInfo.", at[1:]).At(pointer + at)
			}
		}
	}
	return nil
}

// below returns an error about a part of a connection with the place of the connection before its own.
func below(err error, pointer string) error {
	var e *vnfm.Error
	if errors.As(err, &e) {
		return e.At(pointer + e.Attribute)
	}
	return err
}

// hasUser reports whether a text is a URL with user information, or has one at its beginning.
func hasUser(text string) bool {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil {
		return u.User != nil
	}
	return userForm.MatchString(text) // no URL to us, but perhaps to a driver
}

var userForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*@`)

// public returns what anybody may read.
func (d *details) public() Public { return Public(d.connection("", false).Described()) }

func (d *details) json() json.RawMessage {
	b, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("vimregistry: what was JSON does not marshal: %v", err)) // raw parts were decoded
	}
	return b
}

// connection is what a driver gets.
func (d *details) connection(id string, disabled bool) vim.Connection {
	return vim.Connection{
		ID: id, VimID: d.VimID, Type: d.Type, InterfaceInfo: d.InterfaceInfo, AccessInfo: d.AccessInfo, Extra: d.Extra, Disabled: disabled,
	}
}

// detailsOf is what a driver's connection was made of.
func detailsOf(c vim.Connection) details {
	return details{VimID: c.VimID, Type: c.Type, InterfaceInfo: c.InterfaceInfo, AccessInfo: c.AccessInfo, Extra: c.Extra}
}

// over returns a connection with a patch over it. Returns Invalid at the attribute, below the pointer.
func (d *details) over(patch json.RawMessage, pointer string) (*details, error) {
	doc := json.RawMessage(`{}`)
	if d != nil {
		doc = d.json()
	}
	out := &details{}
	return out, decodeDetails(mergepatch.Apply(doc, patch), out, pointer)
}

// plain are the parts of accessInfo that are no secrets by themselves (SOL003 v3.7.1 §4.4.1.6 and its vimType registry).
var plain = []string{"username", "region", "project", "projectDomain", "userDomain"}

// scrub takes a connection's credentials out of a text that is for people.
func scrub(text string, c vim.Connection) string {
	for name, raw := range c.AccessInfo {
		if slices.Contains(plain, name) {
			continue
		}
		for _, s := range texts(raw) {
			if len(s) >= 3 {
				text = strings.ReplaceAll(text, s, secret.Mask)
			}
		}
	}
	return text
}

// texts lists the strings and numbers of a JSON value.
func texts(raw json.RawMessage) []string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return textsIn(v)
}

func textsIn(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case json.Number:
		return []string{v.String()}
	case []any:
		for _, inner := range v {
			out = append(out, textsIn(inner)...)
		}
	case map[string]any:
		for _, inner := range v {
			out = append(out, textsIn(inner)...)
		}
	}
	return out
}
