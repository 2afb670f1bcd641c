package csar

import (
	"cmp"
	"io"
	"path"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/sol001"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// metaPath is where the TOSCA-Metadata form of a CSAR has its TOSCA.meta.
const metaPath = "TOSCA-Metadata/TOSCA.meta"

// Open reads a CSAR and the descriptor in it. A package that must be rejected yields all reasons found, each a *vnfd.Error
// (see vnfd.Errors), joined; any other error is of the reader, or of Options.Stop, and says nothing about the package.
func Open(r io.ReaderAt, size int64, o Options) (*Package, error) {
	o.Limits = o.Limits.WithDefaults()
	o.MaxVnfcs = cmp.Or(o.MaxVnfcs, 4_000)
	p := &vnfd.Problems{Most: o.Limits.Findings}
	a, err := openArchive(r, size, o.Limits, o.Stop, p)
	if err != nil {
		return nil, err
	}
	if whole := a.signedWhole(); whole != nil {
		return openSigned(a, whole, o, p)
	}
	return read(a, o, p, nil, false)
}

// csar is a package being read.
type csar struct {
	*archive
	*tosca.Reader
	judge       *judge
	pkg         *Package
	others      []string // Other-Definitions
	metas       []string // files that describe the package itself and carry no hash
	listed      []listing
	inManifest  map[string]bool // files that the manifest lists with a hash
	manifest    *manifestFile
	certificate string // that TOSCA.meta names
	classes     []classified
	signedWhole bool            // the archive around this one is signed
	signatures  map[string]bool // files that are signatures or certificates though their names do not say so
	fileSigned  []fileSignature
	stems       map[string][]string
}

// classified is a file, or a folder of files, that TOSCA.meta says the kind of.
type classified struct {
	path  string
	class Class
}

// read reads an archive that is a CSAR. signedWhole says that it is signed as a whole; whole is that signature when it is of the CSAR.
func read(a *archive, o Options, p *vnfd.Problems, whole *Signature, signedWhole bool) (*Package, error) {
	c := &csar{
		archive: a, Reader: &tosca.Reader{Problems: p, Files: a, Limits: o.Limits, Stop: o.Stop},
		judge: &judge{Signatures: o.Signatures, problems: p}, pkg: &Package{}, inManifest: map[string]bool{}, signedWhole: signedWhole,
	}
	if err := c.readMeta(); err != nil {
		return nil, err
	}
	if err := c.checkFiles(); err != nil {
		return nil, err
	}
	if err := c.checkSignatures(); err != nil {
		return nil, err
	}
	if whole != nil {
		c.pkg.Signature = whole
	}
	if c.pkg.Entry != "" {
		d, err := sol001.Read(c.Reader, c.pkg.Entry, c.others, o.MaxVnfcs)
		if err != nil {
			return nil, err //nolint:wrapcheck // the store's, or what Stop said
		}
		if d != nil {
			c.pkg.Descriptor = d
			c.checkMetadata(d)
		}
	}
	return c.finish(o)
}

func (c *csar) finish(o Options) (*Package, error) {
	if err := c.Check(); err != nil {
		return nil, err //nolint:wrapcheck // what Stop said
	}
	c.Sort()
	if o.Strict {
		for _, f := range c.Findings {
			c.Failf(f.Rule, f.At, "%s", f.Text)
		}
		c.Sort()
	}
	if err := c.Err(); err != nil {
		return nil, err //nolint:wrapcheck // the reasons
	}
	c.pkg.Findings = c.Findings
	c.assignRoles()
	return c.pkg, nil
}

// assignRoles says what each file is to the package.
func (c *csar) assignRoles() {
	roles := map[string]Role{}
	for _, name := range c.metas {
		roles[name] = RoleMeta
	}
	if c.manifest != nil {
		roles[c.manifest.name] = RoleManifest
	}
	for _, name := range append(append([]string{c.pkg.Entry}, c.others...), c.Parsed...) {
		roles[name] = RoleDefinition
	}
	sets := map[string]string{}
	for _, l := range c.listed {
		sets[path.Clean(l.path)] = l.artifactSet
	}
	signatures := map[string]fileSignature{}
	for _, s := range c.fileSigned {
		signatures[s.file] = s
	}
	for i := range c.pkg.Files {
		f := &c.pkg.Files[i]
		f.Role, f.Set = roles[f.Path], sets[f.Path]
		if f.Role == RoleArtifact && c.isSignature(f.Path) {
			f.Role = RoleSignature
		}
		f.Signature, f.Certificate = signatures[f.Path].signature, signatures[f.Path].certificate
		for _, k := range c.classes {
			if f.Role == RoleArtifact && (f.Path == k.path || strings.HasPrefix(f.Path, k.path+"/")) {
				f.Class = k.class
			}
		}
	}
}

// readMeta finds the entry definition, the manifest and the listed hashes.
func (c *csar) readMeta() error {
	if c.byName[metaPath] == nil {
		return c.readRoot()
	}
	data, err := c.Content(metaPath, c.limits.DefinitionBytes, "definition-bytes")
	if err != nil {
		return err
	}
	m := parseMeta(metaPath, data, c.limits.Listed, c.Problems)
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
	c.checkMetaEntries(m)
	return c.readManifestOf(m)
}

// checkMetaEntries finds what TOSCA.meta names beside definitions and manifest, and the package does not hold: each is a file, or a
// folder of files (SOL004 §4.1.2.3).
func (c *csar) checkMetaEntries(m *metaFile) {
	for _, entry := range []struct {
		key, what string
		class     Class
	}{
		{"entry-change-log", "change log", ClassHistory}, {"entry-licenses", "licence", ClassLicense}, {"entry-tests", "test", ClassTesting},
		{"entry-certificate", "certificate", ""},
	} {
		value, key := m.pick(entry.key)
		if value == "" {
			continue
		}
		name, ok := c.InPackage(".", value, m.at[key])
		if ok && !c.Has(name) && !c.folders[name] {
			c.Findf("meta-entry-missing", m.at[key], "the %s %s is not in the package", entry.what, vnfd.Quote(value))
		} else if ok && entry.key == "entry-certificate" {
			c.certificate = name
		} else if ok {
			c.classes = append(c.classes, classified{path: name, class: entry.class})
		}
	}
}

// readManifestOf reads the manifest that TOSCA.meta names; else one beside the entry, in the root, if there is one.
func (c *csar) readManifestOf(m *metaFile) error {
	value, key := m.pick("entry-manifest")
	if value == "" {
		return c.readManifest(strings.TrimSuffix(path.Base(c.pkg.Entry), path.Ext(c.pkg.Entry)) + ".mf")
	}
	name, ok := c.InPackage(".", value, m.at[key])
	if !ok {
		return nil
	}
	if c.byName[name] == nil {
		c.Failf("missing-manifest", m.at[key], "the manifest %s is not in the package", vnfd.Quote(value))
		return nil
	}
	return c.readManifest(name)
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
		c.Failf("missing-entry", vnfd.Position{File: metaPath}, "the package has neither a TOSCA.meta nor a YAML file in its root%s", c.hint())
		return nil
	case 1:
		c.pkg.Entry = roots[0]
	default:
		c.Failf("missing-entry", vnfd.Position{File: metaPath},
			"the package has no TOSCA.meta, and its root holds several YAML files: %s%s", vnfd.Join(roots), c.hint())
		return nil
	}
	return c.readManifest(strings.TrimSuffix(c.pkg.Entry, path.Ext(c.pkg.Entry)) + ".mf")
}

// readManifest reads a manifest when the package has it.
func (c *csar) readManifest(name string) error {
	if c.byName[name] == nil {
		return nil
	}
	data, err := c.Content(name, c.limits.DefinitionBytes, "definition-bytes")
	if err != nil {
		return err
	}
	c.manifest = parseManifest(name, data, c.limits.Listed-len(c.listed), c.Problems)
	c.metas = append(c.metas, name)
	c.listed = append(c.listed, c.manifest.listed...)
	c.pkg.Manifest = c.manifest.metadata
	return nil
}

// checkMetadata compares the manifest's metadata with the descriptor (SOL004 §4.3.2).
func (c *csar) checkMetadata(d *vnfd.Descriptor) {
	if c.manifest == nil {
		return
	}
	for _, pair := range []struct{ key, want string }{
		{"vnfd_id", d.ID}, {"vnf_provider_id", d.Provider}, {"vnf_product_name", d.ProductName},
		{"vnf_software_version", d.SoftwareVersion}, {"vnf_package_version", d.Version},
	} {
		got, ok := c.manifest.metadata[pair.key]
		if ok && got != pair.want {
			c.Findf("manifest-differs", c.manifest.at[pair.key], "the manifest's %s is %s, the descriptor has %s", pair.key, vnfd.Quote(got), vnfd.Quote(pair.want))
		}
	}
}
