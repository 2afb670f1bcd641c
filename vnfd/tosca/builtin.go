package tosca

import (
	_ "embed"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/vnfm/vnfm/vnfd"
)

//go:embed builtin_tosca.yaml
var builtinTosca []byte

//go:embed builtin_nfv.yaml
var builtinNfv []byte

const (
	builtinToscaFile = "builtin_tosca.yaml"
	builtinNfvFile   = "builtin_nfv.yaml"
)

// The releases of SOL001 whose types are built in: every published one from the first to the last.
const (
	FirstRelease = "2.6.1"
	LastRelease  = "5.4.1"
)

// builtins parses the type names this package knows by itself.
var builtins = sync.OnceValues(func() (tosca, nfv *Node) {
	parse := func(file string, data []byte) *Node {
		n, err := parseYAML(file, data, vnfd.Limits{}.WithDefaults(), 100_000)
		if err != nil {
			panic(err) // our own file
		}
		return n
	}
	return parse(builtinToscaFile, builtinTosca), parse(builtinNfvFile, builtinNfv)
})

// builtin says whether a definition is one of ours.
func builtin(def *Node) bool {
	return def != nil && (def.At.File == builtinNfvFile || def.At.File == builtinToscaFile)
}

// etsiName matches the names of ETSI's definition files, as published ("etsi_nfv_sol001_vnfd_types.yaml") and as the field
// renames them, with the release in the name.
var etsiName = regexp.MustCompile(`(?i)^etsi_nfv_sol001_(common|vnfd|nsd|pnfd)(_v?[0-9_.]+)?(_types?)?(_v?[0-9_.]+)?(\.ya?ml)?$`)

// isETSI says whether a reference or a template_name is of one of ETSI's definition files.
func isETSI(name string) bool { return etsiName.MatchString(baseOf(name)) }

// baseOf returns the last part of a path or URL, without query and fragment.
func baseOf(ref string) string {
	ref, _, _ = strings.Cut(ref, "#")
	ref, _, _ = strings.Cut(ref, "?")
	return path.Base(ref)
}

var releasePattern = regexp.MustCompile(`(?:^|[/v_])([0-9]+)[._]([0-9]+)[._]([0-9]+)(?:$|[/_.])`)

// newer says whether text names a release after the last one that is built in, and which.
func newer(text string) (string, bool) {
	all := releasePattern.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return "", false
	}
	m := all[len(all)-1] // behind host and path
	release := m[1] + "." + m[2] + "." + m[3]
	return release, later(m[1:], strings.Split(LastRelease, "."))
}

// later compares releases by their parts, which are numbers without leading zeros.
func later(a, b []string) bool {
	for i := range a {
		x, y := strings.TrimLeft(a[i], "0"), strings.TrimLeft(b[i], "0")
		if len(x) != len(y) {
			return len(x) > len(y)
		}
		if x != y {
			return x > y
		}
	}
	return false
}
