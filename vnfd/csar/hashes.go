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
	switch strings.ReplaceAll(strings.ToUpper(algorithm), "-", "") {
	case "SHA256":
		return sha256.New()
	case "SHA384":
		return sha512.New384()
	case "SHA512":
		return sha512.New()
	}
	return nil
}

// promise is a hash that a file was listed with.
type promise struct {
	listing
	sum hash.Hash
}

// checkFiles reads every file once: it counts, hashes and compares with what the package lists. Its error is of the
// reader, or says that going on would not be safe.
func (c *csar) checkFiles() error {
	promises := c.promises()
	for _, e := range c.entries {
		own := sha256.New()
		hashes := []hash.Hash{own}
		for _, pr := range promises[e.name] {
			hashes = append(hashes, pr.sum)
		}
		size, err := c.sum(e, hashes...)
		if err != nil {
			if es := vnfd.Errors(err); len(es) == 0 || es[0].Rule == "zip-bomb" {
				return err
			}
			c.Add(err)
			continue
		}
		file := File{Path: e.name, Size: size, SHA256: hex.EncodeToString(own.Sum(nil)), Listed: len(promises[e.name]) > 0}
		for _, pr := range promises[e.name] {
			if got := hex.EncodeToString(pr.sum.Sum(nil)); !strings.EqualFold(got, pr.hash) {
				c.Failf("wrong-hash", pr.at, "the %s of %s is %s, not %s", pr.algorithm, vnfd.Quote(e.name), got, vnfd.Quote(pr.hash))
			}
		}
		c.pkg.Files = append(c.pkg.Files, file)
	}
	if len(promises) == 0 {
		return nil
	}
	if names := c.unlisted(); len(names) > 0 {
		c.Findf("unlisted-files", vnfd.Position{File: c.metas[0]}, "hashes are listed, but not of %s: %s", vnfd.Plural(len(names), "file"), vnfd.Join(names))
	}
	return nil
}

// promises sorts the listings by file. A listed file must be in the package; what stands elsewhere is not ours to check.
func (c *csar) promises() map[string][]promise {
	out := map[string][]promise{}
	directories := map[string]bool{}
	for name := range c.byName {
		for dir := path.Dir(name); !directories[dir]; dir = path.Dir(dir) { // "." is its own parent
			directories[dir] = true
		}
	}
	for _, l := range c.listed {
		if tosca.IsURL(l.path) {
			continue
		}
		name, ok := c.InPackage(".", l.path, l.at)
		if !ok {
			continue
		}
		if directories[name] && l.hash == "" {
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
		out[name] = append(out[name], promise{listing: l, sum: sum})
	}
	return out
}
