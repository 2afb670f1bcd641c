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
	etsi    bool // is one of ETSI's definition files, or imports one
}

// Loader reads the entry and all it imports, each file once. Diamonds are fine; a file on its own import path is not. Nothing
// is fetched: what a package imports by URL is its own file of that name, or one of ETSI's, which are built in.
type Loader struct {
	*Reader
	// Order is what was read, in order.
	Order []*Document
	// Broken says that a file is missing or cannot be read: what else would be found wrong may follow from that.
	Broken bool
	docs   map[string]*Document
	path   []string
}

// NewLoader returns a loader that has read nothing.
func NewLoader(r *Reader) *Loader { return &Loader{Reader: r, docs: map[string]*Document{}} }

// Load reads a file and what it imports. It returns nil when the document cannot be used; what is wrong is among the problems
// then. Its error is the store's, or that of Stop.
func (l *Loader) Load(file string) (*Document, error) {
	if d, ok := l.docs[file]; ok {
		return d, nil
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	root, err := l.parse(file)
	if err != nil {
		if len(vnfd.Errors(err)) == 0 {
			return nil, err
		}
		l.Add(err)
		l.Broken = true
		l.docs[file] = nil
		return nil, nil //nolint:nilnil // recorded
	}
	d := &Document{File: file, Root: root}
	l.docs[file] = d
	l.Order = append(l.Order, d)
	if root.Kind != MappingNode || !root.Has("tosca_definitions_version") {
		l.Failf("not-tosca", vnfd.Position{File: file, Line: 1}, "the file is no TOSCA service template: it has no tosca_definitions_version%s", looksLike(root))
		l.Broken = true
		return d, nil
	}
	if name := root.Get("metadata", "template_name"); isETSI(name.Text()) || isETSI(file) {
		d.etsi = true
		l.release(root.Get("metadata", "template_version").Text(), name.Where())
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

func (l *Loader) parse(file string) (*Node, error) {
	if len(l.Order) >= l.Limits.Definitions {
		return nil, vnfd.Exceeded("definitions", "too-large", vnfd.Position{File: file}, "the package has more than %d definitions", l.Limits.Definitions)
	}
	data, err := l.Files.Content(file, l.Limits.DefinitionBytes, "definition-bytes")
	if err != nil {
		return nil, err //nolint:wrapcheck // a *vnfd.Error, or the store's
	}
	root, err := parseYAML(file, data, l.Limits, l.Limits.Values-l.made)
	if err != nil {
		return nil, err
	}
	l.made += root.weight
	l.Parsed = append(l.Parsed, file)
	return root, nil
}

// follow reads one import.
func (l *Loader) follow(d *Document, ref *Node) error {
	name := ref.Text()
	if name == "" {
		l.Findf("empty-import", ref.Where(), "the import names no file")
		return nil
	}
	file, ok := l.locate(d, ref, name)
	if !ok {
		return nil
	}
	if i := slices.Index(l.path, file); i >= 0 {
		l.Failf("cyclic-import", ref.At, "the imports form a cycle: %s", strings.Join(append(slices.Clone(l.path[i:]), file), " → "))
		return nil
	}
	if len(l.path) > l.Limits.Depth {
		l.Exceedf("depth", "yaml-bomb", ref.At, "the imports nest deeper than %d files", l.Limits.Depth)
		return nil
	}
	imported, err := l.Load(file)
	if imported != nil {
		d.imports = append(d.imports, imported)
	}
	return err
}

// locate finds the file of an import in the package. When it is not there it says so, unless it is one of ETSI's.
func (l *Loader) locate(d *Document, ref *Node, name string) (file string, ok bool) {
	url := IsURL(name)
	if url {
		file = path.Join(path.Dir(d.File), baseOf(name))
	} else if file, ok = l.InPackage(path.Dir(d.File), name, ref.At); !ok {
		l.Broken = true
		return "", false
	}
	if isETSI(name) {
		d.etsi = true
		l.release(name, ref.At)
	}
	if l.Files.Has(file) {
		return file, true
	}
	same := l.Files.Named(baseOf(name))
	switch {
	case len(same) == 1 && (url || isETSI(name)): // shipped elsewhere, and perhaps edited
		return same[0], true
	case isETSI(name):
		return "", false
	}
	l.Broken = true
	hint := ""
	if len(same) > 0 {
		hint = "; it has " + vnfd.Join(quoted(same))
	}
	if url {
		l.Failf("missing-import", ref.At, "the import %s is not part of the package%s; nothing is fetched from elsewhere", vnfd.Quote(name), hint)
	} else {
		l.Failf("missing-import", ref.At, "the imported file %s is not in the package%s", vnfd.Quote(name), hint)
	}
	return "", false
}

// release says when a package uses types of a release that is not known here.
func (l *Loader) release(text string, at vnfd.Position) {
	if release, is := newer(text); is {
		l.Findf("etsi-release", at, "the types are of SOL001 %s; those built in are of %s to %s", release, FirstRelease, LastRelease)
	}
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = vnfd.Quote(n)
	}
	return out
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

// looksLike adds what a YAML file that is no TOSCA seems to be.
func looksLike(root *Node) string {
	if kind := Kindred(root); kind != "" {
		return "; it looks like " + kind
	}
	return ""
}

// Kindred says what a YAML document that is no TOSCA seems to be: "" when it cannot be told.
func Kindred(root *Node) string {
	for _, f := range root.Each() {
		name := f.Name
		if i := strings.LastIndex(name, ":"); i >= 0 {
			name = name[i+1:] // a YANG module's prefix
		}
		switch name {
		case "vnfd", "nsd", "pnfd", "nfv", "vnfd-catalog", "nsd-catalog":
			return "a descriptor in YANG (SOL006), as OSM has it; this program reads TOSCA (SOL001)"
		}
	}
	switch {
	case root.Has("heat_template_version"):
		return "a Heat template (HOT), which is no descriptor of a VNF"
	case root.Has("apiVersion") && root.Has("kind"):
		return "a Kubernetes manifest, which is no descriptor of a VNF"
	case root.Has("apiVersion") && root.Has("name") && root.Has("version"):
		return "the Chart.yaml of a Helm chart, which is no descriptor of a VNF"
	}
	return ""
}
