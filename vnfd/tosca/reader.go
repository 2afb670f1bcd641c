// Package tosca reads definitions of the TOSCA Simple Profile in YAML as SOL001 uses it: documents with their imports, the
// types that a template sees, functions, values by their type, and JSON Schemas made from data types.
//
// It knows the language and ETSI's type names, and no descriptor: what a VNF is made of is for package sol001 to say.
package tosca

import (
	"path"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// Files is what a reader sees of a package.
type Files interface {
	// Has says whether the package holds a file.
	Has(name string) bool
	// Named returns the files whose last part is a name, in the archive's order.
	Named(base string) []string
	// Content returns a file of at most so many bytes, the limit of a name (see vnfd.Exceeded). An error that vnfd.Errors
	// knows nothing of is the store's.
	Content(name string, most int64, limit string) ([]byte, error)
}

// Reader is what all definitions of one package share: its files, what is wrong with them, and what reading may cost.
type Reader struct {
	*vnfd.Problems
	Files  Files
	Limits vnfd.Limits
	// Stop is asked now and then and returns an error when reading must end: a *vnfd.Error when that is the package's fault.
	// nil: it never must.
	Stop func() error
	// Parsed are the definitions that were read, in order.
	Parsed []string

	made    int // values read and made so far, against Limits.Values
	paid    int // calls of Pay
	stopped error
}

// Pay counts values that are made, a default, an input, a type within a type: like aliases, they grow without a bound of
// their own. It returns false when there were too many, or Stop said so; what is made then does not matter any more.
func (r *Reader) Pay(cost int, at vnfd.Position) bool {
	if r.paid++; r.paid%256 == 0 {
		_ = r.Check() // kept
	}
	if r.stopped != nil {
		return false
	}
	if r.made <= r.Limits.Values && cost > r.Limits.Values-r.made {
		r.Exceedf("values", "yaml-bomb", at, "the definitions hold or expand to more than %d values", r.Limits.Values)
		r.made = r.Limits.Values + 1
	}
	if r.made > r.Limits.Values {
		return false
	}
	r.made += cost
	return true
}

// over says that Pay returns false from now on.
func (r *Reader) over() bool { return r.stopped != nil || r.made > r.Limits.Values }

// Spend pays for a value that is used once more than it was written.
func (r *Reader) Spend(n *Node, at vnfd.Position) bool {
	cost := 1
	if n != nil {
		cost = n.weight
	}
	return r.Pay(cost, at)
}

// Check asks Stop, and returns what it or an earlier call said.
func (r *Reader) Check() error {
	if r.stopped == nil && r.Stop != nil {
		r.stopped = r.Stop()
	}
	return r.stopped
}

// InPackage joins a path to the folder it is relative to, and refuses one that leaves the package.
func (r *Reader) InPackage(dir, ref string, at vnfd.Position) (string, bool) {
	name := path.Join(dir, ref)
	switch {
	case len(ref) > r.Limits.NameBytes:
		r.Exceedf("name-bytes", "too-large", at, "the path %s is longer than %d bytes", vnfd.Quote(ref), r.Limits.NameBytes)
	case strings.Contains(ref, `\`) || strings.HasPrefix(ref, "/") || (len(ref) > 1 && ref[1] == ':'):
		r.Failf("path-escape", at, "the path %s is not relative to the package", vnfd.Quote(ref))
	case name == ".." || strings.HasPrefix(name, "../"):
		r.Failf("path-escape", at, "the path %s leaves the package", vnfd.Quote(ref))
	default:
		return name, true
	}
	return "", false
}

// Identifier reads a name that others refer to, or that is shown and stored in many places: it is bounded.
func (r *Reader) Identifier(text string, at vnfd.Position, what string) string {
	if len(text) > r.Limits.Identifier {
		r.Exceedf("identifier", "too-large", at, "%s %s is longer than %d bytes", what, vnfd.Quote(text), r.Limits.Identifier)
		return text[:r.Limits.Identifier]
	}
	return text
}

// IsURL says whether a reference names something outside the package.
func IsURL(ref string) bool { return strings.Contains(ref, "://") }
