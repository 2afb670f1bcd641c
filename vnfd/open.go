package vnfd

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// metaPath is where the TOSCA-Metadata form of a CSAR has its TOSCA.meta.
const metaPath = "TOSCA-Metadata/TOSCA.meta"

// Open reads a CSAR and the descriptor in it. A package that must be rejected yields all reasons found, each an *Error
// (see Errors), joined; any other error is of the reader, and says nothing about the package.
func Open(r io.ReaderAt, size int64, o Options) (*Package, error) {
	return open(r, size, o, false)
}

func open(r io.ReaderAt, size int64, o Options, nested bool) (*Package, error) {
	o.Limits = o.Limits.withDefaults()
	p := &problems{}
	a, err := openArchive(r, size, o.Limits, p)
	if err != nil {
		return nil, err
	}
	if inner := a.signedPackage(); inner != nil && !nested {
		return openSigned(a, inner, o)
	}
	c := &csar{archive: a, problems: p, pkg: &Package{}}
	if err := c.readMeta(); err != nil {
		return nil, err
	}
	if err := c.checkFiles(); err != nil {
		return nil, err
	}
	if c.pkg.Entry != "" {
		if err := c.readDescriptor(); err != nil {
			return nil, err
		}
	}
	return c.finish(o)
}

// csar is a package being read.
type csar struct {
	*archive
	*problems
	pkg       *Package
	others    []string // Other-Definitions
	metas     []string // files that describe the package itself and carry no hash
	listed    []listing
	manifest  *manifestFile
	bootFiles map[string]BootData
	made      int // values read and made so far, against Limits.Nodes
}

func (c *csar) finish(o Options) (*Package, error) {
	c.sort()
	if o.Strict {
		for _, f := range c.findings {
			c.failf(f.Rule, f.At, "%s", f.Text)
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	c.pkg.Findings = c.findings
	return c.pkg, nil
}

// signedPackage returns the CSAR inside a signed package (SOL004 §5.1, option 2): a zip that holds one .csar beside its
// signature and nothing that could be an entry.
func (a *archive) signedPackage() *entry {
	var inner *entry
	for _, e := range a.entries {
		switch strings.ToLower(path.Ext(e.name)) {
		case ".csar", ".zip":
			if inner != nil || strings.Contains(e.name, "/") {
				return nil
			}
			inner = e
		case ".cms", ".cert", ".crt", ".pem", ".p7", ".p7s", ".sig":
		default:
			return nil
		}
	}
	return inner
}

func openSigned(a *archive, inner *entry, o Options) (*Package, error) {
	data, err := a.content(inner.name, o.Limits.NestedBytes)
	if err != nil {
		if es := Errors(err); len(es) == 1 && es[0].Rule == "too-large" {
			es[0].Text += "; take the CSAR out of the signed package and onboard it alone"
		}
		return nil, err
	}
	const text = "the package is signed as a whole (SOL004 option 2); the signature is not verified"
	if o.Strict {
		return nil, &Error{Rule: "signature-not-verified", Text: text, At: Position{File: inner.name}}
	}
	pkg, err := open(bytes.NewReader(data), int64(len(data)), o, true)
	if err != nil {
		return nil, err
	}
	pkg.Findings = append([]Finding{{Rule: "signature-not-verified", Text: text, At: Position{File: inner.name}}}, pkg.Findings...)
	return pkg, nil
}

// readMeta finds the entry definition, the manifest and the listed hashes.
func (c *csar) readMeta() error {
	if c.byName[metaPath] == nil {
		return c.readRoot()
	}
	data, err := c.content(metaPath, c.limits.DefinitionBytes)
	if err != nil {
		return err
	}
	m := parseMeta(metaPath, data, c.problems)
	c.metas = append(c.metas, metaPath)
	c.listed = append(c.listed, m.listed...)
	top := Position{File: metaPath, Line: 1}
	switch v := m.keys["csar-version"]; {
	case v == "":
		c.findf("bad-meta", top, "CSAR-Version is missing")
	case v != "1.0" && v != "1.1":
		c.findf("bad-meta", m.at["csar-version"], "CSAR-Version is %s, not 1.1", quote(v))
	}
	entry := m.keys["entry-definitions"]
	if entry == "" {
		c.failf("missing-entry", top, "TOSCA.meta names no Entry-Definitions")
	} else if name, ok := c.inPackage(".", entry, m.at["entry-definitions"]); ok {
		if c.byName[name] == nil {
			c.failf("missing-entry", m.at["entry-definitions"], "the entry definition %s is not in the package", quote(entry))
		} else {
			c.pkg.Entry = name
		}
	}
	for other := range strings.FieldsFuncSeq(m.keys["other-definitions"], func(r rune) bool { return r == ',' || r == ' ' }) {
		at := m.at["other-definitions"]
		if name, ok := c.inPackage(".", strings.Trim(other, `"`), at); ok {
			if c.byName[name] == nil {
				c.failf("missing-import", at, "the definition %s is not in the package", quote(other))
				continue
			}
			c.others = append(c.others, name)
		}
	}
	return c.readManifestOf(m)
}

// readManifestOf reads the manifest that TOSCA.meta names; else one beside the entry, in the root, if there is one.
func (c *csar) readManifestOf(m *metaFile) error {
	for _, key := range []string{"etsi-entry-manifest", "entry-manifest"} {
		if m.keys[key] == "" {
			continue
		}
		name, ok := c.inPackage(".", m.keys[key], m.at[key])
		if !ok {
			return nil
		}
		if c.byName[name] == nil {
			c.failf("missing-manifest", m.at[key], "the manifest %s is not in the package", quote(m.keys[key]))
			return nil
		}
		return c.readManifest(name)
	}
	return c.readManifest(strings.TrimSuffix(path.Base(c.pkg.Entry), path.Ext(c.pkg.Entry)) + ".mf")
}

// readRoot handles the form without TOSCA.meta: one YAML file in the root is the entry, and a manifest of the same name
// may stand beside it.
func (c *csar) readRoot() error {
	var roots []string
	for _, e := range c.entries {
		if ext := strings.ToLower(path.Ext(e.name)); !strings.Contains(e.name, "/") && (ext == ".yaml" || ext == ".yml") {
			roots = append(roots, e.name)
		}
	}
	switch len(roots) {
	case 0:
		c.failf("missing-entry", Position{File: metaPath}, "the package has neither a TOSCA.meta nor a YAML file in its root")
		return nil
	case 1:
		c.pkg.Entry = roots[0]
	default:
		c.failf("missing-entry", Position{File: metaPath},
			"the package has no TOSCA.meta, and its root holds several YAML files: %s", list(roots))
		return nil
	}
	return c.readManifest(strings.TrimSuffix(c.pkg.Entry, path.Ext(c.pkg.Entry)) + ".mf")
}

// readManifest reads a manifest when the package has it.
func (c *csar) readManifest(name string) error {
	if c.byName[name] == nil {
		return nil
	}
	data, err := c.content(name, c.limits.DefinitionBytes)
	if err != nil {
		return err
	}
	c.manifest = parseManifest(name, data)
	c.metas = append(c.metas, name)
	c.listed = append(c.listed, c.manifest.listed...)
	c.pkg.Manifest = c.manifest.metadata
	if c.manifest.signed {
		c.findf("signature-not-verified", Position{File: name}, "the manifest is signed; the signature is not verified")
	}
	return nil
}

// inPackage joins a path to the directory it is relative to, and refuses one that leaves the package.
func (c *csar) inPackage(dir, ref string, at Position) (string, bool) {
	name := path.Join(dir, ref)
	switch {
	case strings.Contains(ref, `\`) || strings.HasPrefix(ref, "/") || (len(ref) > 1 && ref[1] == ':'):
		c.failf("path-escape", at, "the path %s is not relative to the package", quote(ref))
	case name == ".." || strings.HasPrefix(name, "../"):
		c.failf("path-escape", at, "the path %s leaves the package", quote(ref))
	default:
		return name, true
	}
	return "", false
}

// isURL says whether a reference names something outside the package.
func isURL(ref string) bool { return strings.Contains(ref, "://") }

// checkMetadata compares the manifest's metadata with the descriptor.
func (c *csar) checkMetadata(d *Descriptor) {
	if c.manifest == nil {
		return
	}
	for _, pair := range []struct{ key, want string }{
		{"vnfd_id", d.ID}, {"vnf_provider_id", d.Provider}, {"vnf_software_version", d.SoftwareVersion},
	} {
		got, ok := c.manifest.metadata[pair.key]
		if ok && got != pair.want {
			c.findf("manifest-differs", c.manifest.at[pair.key], "the manifest's %s is %s, the descriptor's is %s", pair.key, quote(got), quote(pair.want))
		}
	}
}

// unlisted returns files that should carry a hash when any file does, but do not.
func (c *csar) unlisted() []string {
	var out []string
	for _, f := range c.pkg.Files {
		switch strings.ToLower(path.Ext(f.Path)) {
		case ".cert", ".crt", ".cms", ".p7", ".p7s", ".sig":
			continue
		}
		if !f.Listed && !slices.Contains(c.metas, f.Path) {
			out = append(out, f.Path)
		}
	}
	return out
}

// plural says "1 file" or "3 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
