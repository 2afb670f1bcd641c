package vnfd

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"

	"github.com/vnfm/vnfm"
)

const maxBootData = 256 << 10 // no VIM takes as much user data

// builtinVariables are the variables every boot data may use.
var builtinVariables = []string{"vnf.id", "vnf.name", "vdu.id", "vnfc.index"}

// variable matches ${name}, and $${name}, which stands for ${name} itself.
var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}`)

// bootData reads boot_data: text or a file of the package (SOL001 up to v3.3.1), or the BootData type with
// content_or_file_data or kvp_data.
func (s *scope) bootData(n *node) *BootData {
	if n.empty() {
		return nil
	}
	if n.kind == scalarNode {
		text := n.value
		if !strings.Contains(text, "\n") && len(text) < 1024 {
			if name := path.Join(path.Dir(n.at.File), text); s.archive.byName[name] != nil {
				return s.bootFile(name, n.at)
			}
		}
		return newBootData(text)
	}
	var b *BootData
	data := s.get(n, "content_or_file_data")
	if content := s.get(data, "content"); content.text() != "" {
		b = newBootData(content.text())
	} else if source := s.get(data, "source_path"); source.text() != "" {
		name, ok := s.inPackage(path.Dir(source.at.File), source.text(), source.at)
		if !ok {
			return nil
		}
		b = s.bootFile(name, source.at)
	} else if kvp := s.get(n, "kvp_data", "data"); !kvp.empty() {
		text, err := json.Marshal(s.value(kvp, nil, 0)) // keys in order: equal data, equal text
		if err != nil {
			s.failf("bad-value", kvp.at, "the kvp_data cannot be written as JSON: %s", err)
		}
		b = newBootData(string(text))
	} else {
		s.findf("boot-data", n.at, "the boot_data has neither content, nor a file, nor key-value pairs; it is left out")
		return nil
	}
	b.ConfigDrive = s.boolean(s.get(n, "vim_specific_properties", "properties", "config_drive"), false)
	return b
}

// bootFile reads a file of the package, once however many use it.
func (s *scope) bootFile(name string, at Position) *BootData {
	if s.archive.byName[name] == nil {
		s.findf("artifact-missing", at, "the boot data file %s is not in the package", quote(name))
		return newBootData("")
	}
	b, ok := s.bootFiles[name]
	if !ok {
		data, err := s.content(name, maxBootData)
		if err != nil {
			s.add(err)
		}
		b = *newBootData(string(data))
		s.bootFiles = set(s.bootFiles, name, b)
	}
	if !s.pay(weigh(b.Content), at) {
		return newBootData("")
	}
	return &b
}

func newBootData(content string) *BootData {
	b := &BootData{Content: content}
	for _, m := range variable.FindAllStringSubmatch(content, -1) {
		if !strings.HasPrefix(m[0], "$$") {
			b.Variables = addOnce(b.Variables, m[1])
		}
	}
	return b
}

// checkVariables keeps only the variables whose value is sure to have a source; a shell script in the boot data has its
// own use for ${…}, and what nobody declares is left to it.
func (s *scope) checkVariables(d *Descriptor, f *Flavour) {
	declared := map[string]json.RawMessage{} // with the value the descriptor gives, if any
	for _, name := range builtinVariables {
		declared[name] = nil
	}
	for _, properties := range [][]Property{d.Metadata, d.Configurable, d.Extensions} {
		for _, p := range properties {
			declared[p.Name] = p.Initial
		}
	}
	var schema struct {
		Properties map[string]struct {
			Default json.RawMessage `json:"default"`
		} `json:"properties"`
	}
	if op := f.Operations["INSTANTIATE"]; op.ParamsSchema != nil {
		_ = json.Unmarshal(op.ParamsSchema, &schema) // made by us
	}
	for name, p := range schema.Properties {
		declared[name] = p.Default
	}
	for i := range f.Vdus {
		b := f.Vdus[i].BootData
		if b == nil {
			continue
		}
		var kept []string
		for _, name := range b.Variables {
			if value, ok := declared[name]; ok {
				kept = append(kept, name)
				if value != nil {
					if b.Defaults == nil {
						b.Defaults = map[string]string{}
					}
					b.Defaults[name] = Text(value)
				}
				continue
			}
			s.findf("undeclared-variable", f.Vdus[i].At, "the boot data of %s uses ${%s}, which nothing declares; without a value of that name it is left as it is", quote(f.Vdus[i].ID), name)
		}
		b.Variables = kept
	}
}

// Text returns a JSON value as boot data shows it: a string as it is, anything else as JSON.
func Text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// Render puts values into boot data; what vars does not have, the descriptor's defaults may. Variables that the
// descriptor declares must have a value: returns Unprocessable naming those that have none. Other ${…} without a value stay as they are, and $${name} becomes ${name}. No boot data
// renders as "".
func Render(boot *BootData, vars map[string]string) (string, error) {
	if boot == nil {
		return "", nil
	}
	value := func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		v, ok := boot.Defaults[name]
		return v, ok
	}
	var missing []string
	for _, name := range boot.Variables {
		if _, ok := value(name); !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "", vnfm.Errorf(vnfm.Unprocessable, "the boot data needs values for %s", list(missing)).At("/additionalParams")
	}
	return variable.ReplaceAllStringFunc(boot.Content, func(m string) string {
		if strings.HasPrefix(m, "$$") {
			return m[1:]
		}
		if v, ok := value(m[2 : len(m)-1]); ok {
			return v
		}
		return m
	}), nil
}
