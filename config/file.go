package config

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"
)

// File returns a kong resolver that reads settings from a YAML file. A key is a flag's name; a section may be nested
// under the part of the name they share ("vim: {workers: 8}" is vim-workers). The environment and flags win over it.
// It returns an error for a file that cannot be read or parsed; unknown keys are all reported when kong validates.
func File(path string) (kong.Resolver, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("settings file %s: %w", path, err)
	}
	f := &file{path: path, values: map[string]setting{}}
	if len(doc.Content) == 0 { // an empty file
		return f, nil
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("settings file %s: want a mapping of settings", path)
	}
	f.flatten("", doc.Content[0])
	return f, nil
}

// file is the flattened settings file.
type file struct {
	path   string
	values map[string]setting
}

type setting struct {
	node *yaml.Node
}

// flatten stores every mapping both as a value (for map settings) and by its children.
func (f *file) flatten(prefix string, m *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, v := prefix+m.Content[i].Value, m.Content[i+1]
		f.values[key] = setting{node: v}
		if v.Kind == yaml.MappingNode {
			f.flatten(key+"-", v)
		}
	}
}

// Validate reports every key that is no setting.
func (f *file) Validate(app *kong.Application) error {
	known := map[string]*kong.Flag{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, fl := range n.Flags {
			known[fl.Name] = fl
		}
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(app.Node)
	var errs []error
	for key, s := range f.values {
		if _, ok := known[key]; ok || covered(key, s, known) {
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%d: there is no setting %q", f.path, s.node.Line, key))
	}
	sort.Slice(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
	return errors.Join(errs...)
}

// covered reports whether a key is a section of settings, or an entry of a map setting.
func covered(key string, s setting, known map[string]*kong.Flag) bool {
	for name, fl := range known {
		if s.node.Kind == yaml.MappingNode && strings.HasPrefix(name, key+"-") {
			return true
		}
		if fl.IsMap() && strings.HasPrefix(key, name+"-") {
			return true
		}
	}
	return false
}

// Resolve returns the value of a flag, nil when the file does not have it or the environment does.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return nil, nil //nolint:nilnil // kong's way to say: not here
		}
	}
	s, ok := f.values[flag.Name]
	if !ok {
		return nil, nil //nolint:nilnil // kong's way to say: not here
	}
	switch s.node.Kind {
	case yaml.ScalarNode:
		return s.node.Value, nil
	case yaml.MappingNode:
		var parts []string
		for i := 0; i+1 < len(s.node.Content); i += 2 {
			parts = append(parts, s.node.Content[i].Value+"="+s.node.Content[i+1].Value)
		}
		return strings.Join(parts, ";"), nil
	case yaml.SequenceNode:
		var parts []string
		for _, n := range s.node.Content {
			if n.Kind != yaml.ScalarNode || strings.Contains(n.Value, ",") || !flag.IsSlice() {
				return nil, fmt.Errorf("%s:%d: %s: want one value, and of a list one in each entry", f.path, s.node.Line, flag.Name)
			}
			parts = append(parts, n.Value)
		}
		return strings.Join(parts, ","), nil
	default:
		return nil, fmt.Errorf("%s:%d: %s: want one value", f.path, s.node.Line, flag.Name)
	}
}
