// Package tosca reads definitions of the TOSCA Simple Profile in YAML as SOL001 uses it: documents with their imports, the
// types that a template sees, values by their type, and JSON Schemas made from data types.
//
// It knows the language and no descriptor: what a VNF is made of is for package sol001 to say.
package tosca

import (
	"path"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// Sizes that no descriptor of a real VNF comes near.
const (
	maxDefinitions   = 200
	maxNodeTemplates = 2_000
	maxTypeChain     = 64
)

// Files is what a reader sees of a package.
type Files interface {
	// Has says whether the package holds a file.
	Has(name string) bool
	// Content returns a file of at most so many bytes. An error that vnfd.Errors knows nothing of is the store's.
	Content(name string, limit int64) ([]byte, error)
}

// Reader is what all definitions of one package share: its files, what is wrong with them, and what reading may cost.
type Reader struct {
	*vnfd.Problems
	Files  Files
	Limits vnfd.Limits
	made   int // values read and made so far, against Limits.Nodes
}

// InPackage joins a path to the directory it is relative to, and refuses one that leaves the package.
func (r *Reader) InPackage(dir, ref string, at vnfd.Position) (string, bool) {
	name := path.Join(dir, ref)
	switch {
	case strings.Contains(ref, `\`) || strings.HasPrefix(ref, "/") || (len(ref) > 1 && ref[1] == ':'):
		r.Failf("path-escape", at, "the path %s is not relative to the package", vnfd.Quote(ref))
	case name == ".." || strings.HasPrefix(name, "../"):
		r.Failf("path-escape", at, "the path %s leaves the package", vnfd.Quote(ref))
	default:
		return name, true
	}
	return "", false
}

// IsURL says whether a reference names something outside the package.
func IsURL(ref string) bool { return strings.Contains(ref, "://") }
