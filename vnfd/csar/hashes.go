package csar

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"path"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// newHash returns the hash SOL004 names, nil for one that is not known.
func newHash(algorithm string) hash.Hash {
	switch canonical(algorithm) {
	case "SHA256":
		return sha256.New()
	case "SHA384":
		return sha512.New384()
	case "SHA512":
		return sha512.New()
	}
	return nil
}

func canonical(algorithm string) string {
	return strings.ReplaceAll(strings.ToUpper(algorithm), "-", "")
}

// promises is what a file was listed with. A file listed many times is hashed once by each algorithm.
type promises struct {
	listed []listing
	sums   map[string]hash.Hash
}

// checkFiles reads every file once: it counts, hashes and compares with what the package lists. Its error is of the
// reader, or says that going on would not be safe.
func (c *csar) checkFiles() error {
	promised := c.promises()
	for _, e := range c.entries {
		own := sha256.New()
		hashes := []hash.Hash{own}
		of := promised[e.name]
		if of != nil {
			for _, sum := range of.sums {
				hashes = append(hashes, sum)
			}
		}
		size, err := c.sum(e, hashes...)
		if err != nil {
			if es := vnfd.Errors(err); len(es) == 0 || es[0].Limit != "" {
				return err
			}
			c.Add(err)
			continue
		}
		file := File{Path: e.name, Size: size, SHA256: hex.EncodeToString(own.Sum(nil)), Listed: of != nil}
		if of != nil {
			for _, l := range of.listed {
				if got := hex.EncodeToString(of.sums[canonical(l.algorithm)].Sum(nil)); !strings.EqualFold(got, l.hash) {
					c.Failf("wrong-hash", l.at, "the %s of %s is %s, not %s", vnfd.Printable(l.algorithm), vnfd.Quote(e.name), got, vnfd.Quote(l.hash))
				}
			}
		}
		c.pkg.Files = append(c.pkg.Files, file)
	}
	if len(promised) == 0 {
		return nil
	}
	if names := c.unlisted(); len(names) > 0 {
		c.Findf("unlisted-files", vnfd.Position{File: c.metas[0]}, "hashes are listed, but not of %s: %s", vnfd.Plural(len(names), "file"), vnfd.Join(names))
	}
	return nil
}

// promises sorts the listings by file. A listed file must be in the package; what stands elsewhere is not ours to check.
func (c *csar) promises() map[string]*promises {
	out := map[string]*promises{}
	for _, l := range c.listed {
		if tosca.IsURL(l.path) {
			continue
		}
		name, ok := c.InPackage(".", l.path, l.at)
		if !ok {
			continue
		}
		if c.folders[name] && l.hash == "" {
			continue
		}
		if c.byName[name] == nil {
			c.Failf("listed-file-missing", l.at, "the listed file %s is not in the package", vnfd.Quote(l.path))
			continue
		}
		if l.hash == "" {
			continue
		}
		sum := newHash(l.algorithm)
		if sum == nil {
			c.Failf("wrong-hash", l.at, "the hash of %s is of the unknown algorithm %s", vnfd.Quote(l.path), vnfd.Quote(l.algorithm))
			continue
		}
		of := out[name]
		if of == nil {
			of = &promises{sums: map[string]hash.Hash{}}
			out[name] = of
		}
		of.listed = append(of.listed, l)
		if algorithm := canonical(l.algorithm); of.sums[algorithm] == nil {
			of.sums[algorithm] = sum
		}
		if l.manifest {
			c.inManifest[name] = true
		}
	}
	return out
}

// unlisted returns files that should carry a hash when any file does, but do not.
func (c *csar) unlisted() []string {
	metas := map[string]bool{}
	for _, name := range c.metas {
		metas[name] = true
	}
	var out []string
	for _, f := range c.pkg.Files {
		if !f.Listed && !metas[f.Path] && !c.isSignature(f.Path) {
			out = append(out, vnfd.Printable(f.Path))
		}
	}
	return out
}

// isSignature says whether a file is a signature or a certificate, by its name or because the manifest or TOSCA.meta says so. No
// hash of it is wanted: it speaks for itself.
func (c *csar) isSignature(name string) bool {
	if c.signatures == nil {
		c.signatures = map[string]bool{c.certificate: true}
		for _, l := range c.listed {
			c.signatures[path.Clean(l.signature)], c.signatures[path.Clean(l.certificate)] = true, true
		}
	}
	return c.signatures[name] || signatureFile(name)
}

// signatureFile says whether a file is a signature or a certificate by its name.
func signatureFile(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".cert", ".crt", ".pem", ".cer", ".cms", ".p7", ".p7s", ".p7b", ".sig":
		return true
	}
	return false
}
