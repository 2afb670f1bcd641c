package csar

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/sol001"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// metaPath is where the TOSCA-Metadata form of a CSAR has its TOSCA.meta.
const metaPath = "TOSCA-Metadata/TOSCA.meta"

// Open reads a CSAR and the descriptor in it. A package that must be rejected yields all reasons found, each an *vnfd.Error
// (see Errors), joined; any other error is of the reader, and says nothing about the package.
func Open(r io.ReaderAt, size int64, o Options) (*Package, error) {
	return open(r, size, o, false)
}

func open(r io.ReaderAt, size int64, o Options, nested bool) (*Package, error) {
	o.Limits = o.Limits.WithDefaults()
	p := &vnfd.Problems{}
	a, err := openArchive(r, size, o.Limits, p)
	if err != nil {
		return nil, err
	}
	if inner := a.signedPackage(); inner != nil && !nested {
		return openSigned(a, inner, o)
	}
	c := &csar{archive: a, Reader: &tosca.Reader{Problems: p, Files: a, Limits: o.Limits}, pkg: &Package{}}
	if err := c.readMeta(); err != nil {
		return nil, err
	}
	if err := c.checkFiles(); err != nil {
		return nil, err
	}
	if c.pkg.Entry != "" {
		d, err := sol001.Read(c.Reader, c.pkg.Entry, c.others)
		if err != nil {
			return nil, err //nolint:wrapcheck // the store's
		}
		if d != nil {
			c.pkg.Descriptor = d
			c.checkMetadata(d)
		}
	}
	return c.finish(o)
}

// csar is a package being read.
type csar struct {
	*archive
	*tosca.Reader
	pkg      *Package
	others   []string // Other-Definitions
	metas    []string // files that describe the package itself and carry no hash
	listed   []listing
	manifest *manifestFile
}

func (c *csar) finish(o Options) (*Package, error) {
	c.Sort()
	if o.Strict {
		for _, f := range c.Findings {
			c.Failf(f.Rule, f.At, "%s", f.Text)
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	c.pkg.Findings = c.Findings
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
	data, err := a.Content(inner.name, o.Limits.NestedBytes)
	if err != nil {
		if es := vnfd.Errors(err); len(es) == 1 && es[0].Rule == "too-large" {
			es[0].Text += "; take the CSAR out of the signed package and onboard it alone"
		}
		return nil, err
	}
	const text = "the package is signed as a whole (SOL004 option 2); the signature is not verified"
	if o.Strict {
		return nil, &vnfd.Error{Rule: "signature-not-verified", Text: text, At: vnfd.Position{File: inner.name}}
	}
	pkg, err := open(bytes.NewReader(data), int64(len(data)), o, true)
	if err != nil {
		return nil, err
	}
	pkg.Findings = append([]vnfd.Finding{{Rule: "signature-not-verified", Text: text, At: vnfd.Position{File: inner.name}}}, pkg.Findings...)
	return pkg, nil
}

// readMeta finds the entry definition, the manifest and the listed hashes.
func (c *csar) readMeta() error {
	if c.byName[metaPath] == nil {
		return c.readRoot()
	}
	data, err := c.Content(metaPath, c.limits.DefinitionBytes)
	if err != nil {
		return err
	}
	m := parseMeta(metaPath, data, c.Problems)
	c.metas = append(c.metas, metaPath)
	c.listed = append(c.listed, m.listed...)
	top := vnfd.Position{File: metaPath, Line: 1}
	switch v := m.keys["csar-version"]; {
	case v == "":
		c.Findf("bad-meta", top, "CSAR-Version is missing")
	case v != "1.0" && v != "1.1":
		c.Findf("bad-meta", m.at["csar-version"], "CSAR-Version is %s, not 1.1", vnfd.Quote(v))
	}
	entry := m.keys["entry-definitions"]
	if entry == "" {
		c.Failf("missing-entry", top, "TOSCA.meta names no Entry-Definitions")
	} else if name, ok := c.InPackage(".", entry, m.at["entry-definitions"]); ok {
		if c.byName[name] == nil {
			c.Failf("missing-entry", m.at["entry-definitions"], "the entry definition %s is not in the package", vnfd.Quote(entry))
		} else {
			c.pkg.Entry = name
		}
	}
	for other := range strings.FieldsFuncSeq(m.keys["other-definitions"], func(r rune) bool { return r == ',' || r == ' ' }) {
		at := m.at["other-definitions"]
		if name, ok := c.InPackage(".", strings.Trim(other, `"`), at); ok {
			if c.byName[name] == nil {
				c.Failf("missing-import", at, "the definition %s is not in the package", vnfd.Quote(other))
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
		name, ok := c.InPackage(".", m.keys[key], m.at[key])
		if !ok {
			return nil
		}
		if c.byName[name] == nil {
			c.Failf("missing-manifest", m.at[key], "the manifest %s is not in the package", vnfd.Quote(m.keys[key]))
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
		c.Failf("missing-entry", vnfd.Position{File: metaPath}, "the package has neither a TOSCA.meta nor a YAML file in its root")
		return nil
	case 1:
		c.pkg.Entry = roots[0]
	default:
		c.Failf("missing-entry", vnfd.Position{File: metaPath},
			"the package has no TOSCA.meta, and its root holds several YAML files: %s", vnfd.Join(roots))
		return nil
	}
	return c.readManifest(strings.TrimSuffix(c.pkg.Entry, path.Ext(c.pkg.Entry)) + ".mf")
}

// readManifest reads a manifest when the package has it.
func (c *csar) readManifest(name string) error {
	if c.byName[name] == nil {
		return nil
	}
	data, err := c.Content(name, c.limits.DefinitionBytes)
	if err != nil {
		return err
	}
	c.manifest = parseManifest(name, data)
	c.metas = append(c.metas, name)
	c.listed = append(c.listed, c.manifest.listed...)
	c.pkg.Manifest = c.manifest.metadata
	if c.manifest.signed {
		c.Findf("signature-not-verified", vnfd.Position{File: name}, "the manifest is signed; the signature is not verified")
	}
	return nil
}

// checkMetadata compares the manifest's metadata with the descriptor.
func (c *csar) checkMetadata(d *vnfd.Descriptor) {
	if c.manifest == nil {
		return
	}
	for _, pair := range []struct{ key, want string }{
		{"vnfd_id", d.ID}, {"vnf_provider_id", d.Provider}, {"vnf_software_version", d.SoftwareVersion},
	} {
		got, ok := c.manifest.metadata[pair.key]
		if ok && got != pair.want {
			c.Findf("manifest-differs", c.manifest.at[pair.key], "the manifest's %s is %s, the descriptor's is %s", pair.key, vnfd.Quote(got), vnfd.Quote(pair.want))
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
