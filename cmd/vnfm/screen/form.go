package screen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
	"k8s.io/client-go/util/jsonpath"
)

// Form is a form of output.
type Form struct {
	kind string
	path *jsonpath.JSONPath
	text string
}

// Forms are the kinds, as people write them.
const Forms = "table, wide, name, csv, json, yaml or jsonpath=TEMPLATE"

// UnmarshalText reads a form: one of Forms.
func (f *Form) UnmarshalText(text []byte) error {
	kind, template, ok := strings.Cut(string(text), "=")
	switch {
	case kind == "jsonpath" && ok && template != "":
		path := jsonpath.New("output").AllowMissingKeys(true)
		if err := path.Parse(relaxed(template)); err != nil {
			return fmt.Errorf("jsonpath %s: %w", template, err)
		}
		*f = Form{kind: kind, path: path, text: string(text)}
		return nil
	case ok:
	case kind == "table", kind == "wide", kind == "name", kind == "csv", kind == "json", kind == "yaml":
		*f = Form{kind: kind, text: kind}
		return nil
	}
	return fmt.Errorf("%q is not %s", text, Forms)
}

// relaxed takes .id and id for {.id}.
func relaxed(template string) string {
	if strings.Contains(template, "{") {
		return template
	}
	if !strings.HasPrefix(template, ".") && !strings.HasPrefix(template, "[") {
		template = "." + template
	}
	return "{" + template + "}"
}

// String is the form as it was written.
func (f Form) String() string { return f.text }

// ForPeople says that the form is a table, for people to read: not a form of values.
func (f Form) ForPeople() bool { return f.kind == "" || f.kind == "table" || f.kind == "wide" }

// Wide says that tables show everything.
func (f Form) Wide() bool { return f.kind == "wide" }

// OfValues says that what the API answered is printed, not a choice of columns.
func (f Form) OfValues() bool { return f.kind == "json" || f.kind == "yaml" || f.kind == "jsonpath" }

// JSON says that the form is JSON.
func (f Form) JSON() bool { return f.kind == "json" }

// YAML says that the form is YAML.
func (f Form) YAML() bool { return f.kind == "yaml" }

// ErrForm is the error of a form that a command has nothing for.
var ErrForm = errors.New("this form of output is for lists; take table, json, yaml or jsonpath")

// Show prints a value: as JSON, YAML or by a JSONPath as the API has it, its id as its name, else by text.
func (s *Screen) Show(v any, text func(w io.Writer)) error {
	switch s.Form.kind {
	case "json":
		b, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintf(s.Out, "%s\n", b)
		return err //nolint:wrapcheck // of standard output
	case "yaml":
		b, err := YAML(v)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = s.Out.Write(b)
		return err //nolint:wrapcheck // of standard output
	case "jsonpath":
		return s.byPath(v)
	case "name":
		return s.name(v)
	case "csv":
		return ErrForm
	}
	text(s)
	return nil
}

// byPath prints what a JSONPath finds.
func (s *Screen) byPath(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	var plain any
	if err := d.Decode(&plain); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	var out bytes.Buffer
	if err := s.Form.path.Execute(&out, plain); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err = fmt.Fprintln(s.Out, out.String())
	return err //nolint:wrapcheck // of standard output
}

// name prints the id of a value.
func (s *Screen) name(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	var one struct {
		ID      string `json:"id"`
		Op      string `json:"vnfLcmOpOccId"`
		Saga    string `json:"sagaId"`
		Deleted string `json:"deleted"`
	}
	_ = json.Unmarshal(b, &one) // what is no object has no id
	for _, id := range []string{one.ID, one.Op, one.Saga, one.Deleted} {
		if id != "" {
			_, err := fmt.Fprintln(s.Out, id)
			return err //nolint:wrapcheck // of standard output
		}
	}
	return ErrForm
}

// YAML is a value as YAML, with the names and the order of its JSON.
func YAML(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by who prints
	}
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by who prints
	}
	blockStyle(&n)
	return yaml.Marshal(&n) //nolint:wrapcheck // wrapped by who prints
}

func blockStyle(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
		n.Style = 0
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Style = 0
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// Compact is JSON on one line, "" for nothing.
func Compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || b.String() == "null" {
		return ""
	}
	return b.String()
}
