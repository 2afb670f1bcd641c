package tosca

import (
	"path"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// Document is one service template file.
type Document struct {
	File    string
	Root    *Node
	imports []*Document
	etsi    bool // imports ETSI type files that the package does not ship
}

// Loader reads the entry and all it imports, each file once. Diamonds are fine; a file on its own import path is not.
type Loader struct {
	*Reader
	docs  map[string]*Document
	Order []*Document // what was read, in order
	path  []string
}

// NewLoader returns a loader that has read nothing.
func NewLoader(r *Reader) *Loader { return &Loader{Reader: r, docs: map[string]*Document{}} }

// Load reads a file and what it imports. It returns nil when the document cannot be used; what is wrong is among the problems then. Its error is the
// reader's.
func (l *Loader) Load(file string) (*Document, error) {
	if d, ok := l.docs[file]; ok {
		return d, nil
	}
	data, err := l.Files.Content(file, l.Limits.DefinitionBytes)
	if err != nil {
		if len(vnfd.Errors(err)) == 0 {
			return nil, err
		}
		l.Add(err)
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	if len(l.Order) == maxDefinitions {
		l.Failf("too-large", vnfd.Position{File: file}, "the package has more than %d definitions", maxDefinitions)
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	root, err := parseYAML(file, data, l.Limits, l.Limits.Nodes-l.made)
	if err != nil {
		l.Add(err)
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	l.made += root.weight
	d := &Document{File: file, Root: root}
	l.docs[file] = d
	l.Order = append(l.Order, d)
	if root.Kind != MappingNode || !root.Has("tosca_definitions_version") {
		l.Failf("not-tosca", vnfd.Position{File: file, Line: 1}, "the file is no TOSCA service template: it has no tosca_definitions_version")
		return d, nil
	}
	l.path = append(l.path, file)
	defer func() { l.path = l.path[:len(l.path)-1] }()
	for _, ref := range importsOf(root) {
		if err := l.follow(d, ref); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// follow reads one import.
func (l *Loader) follow(d *Document, ref *Node) error {
	name := ref.Text()
	isETSI := strings.HasPrefix(path.Base(name), "etsi_nfv_sol001_") && strings.HasSuffix(name, "types.yaml")
	if IsURL(name) {
		if !isETSI {
			l.Failf("missing-import", ref.At, "the import %s is not part of the package; nothing is fetched from elsewhere", vnfd.Quote(name))
		}
		d.etsi = d.etsi || isETSI
		return nil
	}
	file, ok := l.InPackage(path.Dir(d.File), name, ref.At)
	if !ok {
		return nil
	}
	if !l.Files.Has(file) {
		if !isETSI {
			l.Failf("missing-import", ref.At, "the imported file %s is not in the package", vnfd.Quote(name))
		}
		d.etsi = d.etsi || isETSI
		return nil
	}
	if i := slices.Index(l.path, file); i >= 0 {
		l.Failf("cyclic-import", ref.At, "the imports form a cycle: %s", strings.Join(append(slices.Clone(l.path[i:]), file), " → "))
		return nil
	}
	if len(l.path) > l.Limits.Depth {
		l.Failf("yaml-bomb", ref.At, "the imports nest deeper than %d files", l.Limits.Depth)
		return nil
	}
	imported, err := l.Load(file)
	if imported != nil {
		d.imports = append(d.imports, imported)
	}
	return err
}

// importsOf returns the file of each import, in the forms TOSCA allows: a path, {file: path}, {name: path} and
// {name: {file: path}}.
func importsOf(root *Node) []*Node {
	var out []*Node
	for _, item := range root.Get("imports").List() {
		switch {
		case item.Kind == ScalarNode:
			out = append(out, item)
		case item.Has("file"):
			out = append(out, item.Get("file"))
		default:
			for _, f := range item.Each() {
				if f.Value.Has("file") {
					out = append(out, f.Value.Get("file"))
				} else {
					out = append(out, f.Value)
				}
			}
		}
	}
	return out
}

// closure returns a document and all it imports, nearest first, each once.
func (d *Document) closure() []*Document {
	seen := map[*Document]bool{d: true}
	queue := []*Document{d}
	for i := 0; i < len(queue); i++ {
		for _, imported := range queue[i].imports {
			if !seen[imported] {
				seen[imported] = true
				queue = append(queue, imported)
			}
		}
	}
	return queue
}
