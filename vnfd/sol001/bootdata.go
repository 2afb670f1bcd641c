package sol001

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// builtinVariables are the variables every boot data may use.
var builtinVariables = []string{"vnf.id", "vnf.name", "vdu.id", "vnfc.index"}

// bootData reads boot_data: text or a file of the package (SOL001 up to v3.3.1), or the BootData type with
// content_or_file_data or kvp_data.
func (s *scope) bootData(nt *tosca.NodeTemplate, n *tosca.Node) *vnfd.BootData {
	if n.Empty() {
		return nil
	}
	var b *vnfd.BootData
	data := n.Get("content_or_file_data")
	switch content, source, kvp := data.Get("content"), data.Get("source_path"), n.Get("kvp_data", "data"); {
	case n.Kind == tosca.ScalarNode:
		name := path.Join(path.Dir(n.At.File), n.Value)
		if !strings.Contains(n.Value, "\n") && len(n.Value) <= s.Limits.NameBytes && s.Files.Has(name) {
			b = s.bootFile(name, n.At)
		} else {
			b = s.bootText(n.Value, n.At)
		}
	case content.Text() != "":
		b = s.bootText(content.Text(), content.At)
	case source.Text() != "":
		name, ok := s.InPackage(path.Dir(source.At.File), source.Text(), source.At)
		if !ok {
			return nil
		}
		b = s.bootFile(name, source.At)
	case !kvp.Empty():
		b = s.bootText(string(s.JSONOf(kvp, nil)), kvp.At) // keys in order: equal data, equal text
	default:
		s.Findf("boot-data", n.At, "the boot_data has neither content, nor a file, nor key-value pairs; it is left out")
		return nil
	}
	b.ConfigDrive = s.Boolean(n.Get("vim_specific_properties", "properties", "config_drive"), false)
	if len(b.Variables) > s.Limits.Variables {
		s.Exceedf("variables", "too-large", n.At, "the boot data of %s uses more than %d variables", vnfd.Quote(nt.Name), s.Limits.Variables)
		b.Variables = nil
	}
	return b
}

// bootText is boot data written in the descriptor.
func (s *scope) bootText(text string, at vnfd.Position) *vnfd.BootData {
	if int64(len(text)) > s.Limits.BootBytes {
		s.Exceedf("boot-bytes", "too-large", at, "the boot data is larger than %d bytes", s.Limits.BootBytes)
		return &vnfd.BootData{}
	}
	return vnfd.NewBootData(text)
}

// bootFile reads a file of the package, once however many use it.
func (s *scope) bootFile(name string, at vnfd.Position) *vnfd.BootData {
	if !s.Files.Has(name) {
		s.Findf("artifact-missing", at, "the boot data file %s is not in the package", vnfd.Quote(name))
		return &vnfd.BootData{}
	}
	b, ok := s.r.bootFiles[name]
	if !ok {
		data, err := s.Files.Content(name, s.Limits.BootBytes, "boot-bytes")
		if err != nil {
			s.Add(err)
		}
		b = *vnfd.NewBootData(string(data))
		s.r.bootFiles = set(s.r.bootFiles, name, b)
	}
	if !s.Pay(tosca.Weigh(b.Content), at) {
		return &vnfd.BootData{}
	}
	return &b
}

// checkVariables keeps only the variables whose value is sure to have a source; a shell script in the boot data has its
// own use for ${…}, and what nobody declares is left to it.
func (s *scope) checkVariables(d *vnfd.Descriptor, f *vnfd.Flavour) {
	declared := map[string]json.RawMessage{} // with the value the descriptor gives, if any
	for _, name := range builtinVariables {
		declared[name] = nil
	}
	for _, properties := range [][]vnfd.Property{d.Metadata, d.Configurable, d.Extensions} {
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
				if value != nil && s.Pay(tosca.Weigh(string(value)), f.Vdus[i].At) {
					if b.Defaults == nil {
						b.Defaults = map[string]string{}
					}
					b.Defaults[name] = vnfd.Text(value)
				}
				continue
			}
			s.Findf("undeclared-variable", f.Vdus[i].At, "the boot data of %s uses ${%s}, which nothing declares; without a value of that name it is left as it is", vnfd.Quote(f.Vdus[i].ID), name)
		}
		b.Variables = kept
	}
}
