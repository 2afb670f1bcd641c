package vnfd

import (
	"path"
	"slices"
	"strings"
)

// document is one service template file.
type document struct {
	file    string
	root    *node
	imports []*document
	etsi    bool // imports ETSI type files that the package does not ship
}

// loader reads the entry and all it imports, each file once. Diamonds are fine; a file on its own import path is not.
type loader struct {
	*csar
	docs  map[string]*document
	order []*document
	path  []string
}

// load returns nil when the document cannot be used; what is wrong is among the problems then. Its error is the
// reader's.
func (l *loader) load(file string) (*document, error) {
	if d, ok := l.docs[file]; ok {
		return d, nil
	}
	data, err := l.content(file, l.limits.DefinitionBytes)
	if err != nil {
		if len(Errors(err)) == 0 {
			return nil, err
		}
		l.add(err)
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	if len(l.order) == maxDefinitions {
		l.failf("too-large", Position{File: file}, "the package has more than %d definitions", maxDefinitions)
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	root, err := parseYAML(file, data, l.limits, l.limits.Nodes-l.made)
	if err != nil {
		l.add(err)
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	l.made += root.weight
	d := &document{file: file, root: root}
	l.docs[file] = d
	l.order = append(l.order, d)
	if root.kind != mappingNode || !root.has("tosca_definitions_version") {
		l.failf("not-tosca", Position{File: file, Line: 1}, "the file is no TOSCA service template: it has no tosca_definitions_version")
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
func (l *loader) follow(d *document, ref *node) error {
	name := ref.text()
	isETSI := strings.HasPrefix(path.Base(name), "etsi_nfv_sol001_") && strings.HasSuffix(name, "types.yaml")
	if isURL(name) {
		if !isETSI {
			l.failf("missing-import", ref.at, "the import %s is not part of the package; nothing is fetched from elsewhere", quote(name))
		}
		d.etsi = d.etsi || isETSI
		return nil
	}
	file, ok := l.inPackage(path.Dir(d.file), name, ref.at)
	if !ok {
		return nil
	}
	if l.byName[file] == nil {
		if !isETSI {
			l.failf("missing-import", ref.at, "the imported file %s is not in the package", quote(name))
		}
		d.etsi = d.etsi || isETSI
		return nil
	}
	if i := slices.Index(l.path, file); i >= 0 {
		l.failf("cyclic-import", ref.at, "the imports form a cycle: %s", strings.Join(append(slices.Clone(l.path[i:]), file), " → "))
		return nil
	}
	if len(l.path) > l.limits.Depth {
		l.failf("yaml-bomb", ref.at, "the imports nest deeper than %d files", l.limits.Depth)
		return nil
	}
	imported, err := l.load(file)
	if imported != nil {
		d.imports = append(d.imports, imported)
	}
	return err
}

// importsOf returns the file of each import, in the forms TOSCA allows: a path, {file: path}, {name: path} and
// {name: {file: path}}.
func importsOf(root *node) []*node {
	var out []*node
	for _, item := range root.get("imports").list() {
		switch {
		case item.kind == scalarNode:
			out = append(out, item)
		case item.has("file"):
			out = append(out, item.get("file"))
		default:
			for _, f := range item.each() {
				if f.value.has("file") {
					out = append(out, f.value.get("file"))
				} else {
					out = append(out, f.value)
				}
			}
		}
	}
	return out
}

// closure returns a document and all it imports, nearest first, each once.
func (d *document) closure() []*document {
	seen := map[*document]bool{d: true}
	queue := []*document{d}
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
