package vnfm_test

import (
	"bufio"
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/vnfm/vnfm"

// layer gives each top-level package its layer; a package imports only lower layers, and within a layer only the seam's
// own subtree. docs/architecture.md says what each is for.
var layer = map[string]int{
	".": 0, "message": 0, "sol": 0, "diff": 0, "mergepatch": 0, "lru": 0, "durable": 0,
	"vnfd": 1, "blob": 1, "secret": 1, "filter": 1, "egress": 1, "console": 1,
	"eventstore": 2,
	"request":    3, "vault": 3, "backup": 3,
	"vnf": 4, "vim": 4, "nfvo": 4, "bus": 4, "configuration": 4,
	"aggregate": 5, "lease": 5, "outbox": 5, "projection": 5, "tail": 5,
	"inbox": 6, "timer": 6, "ledger": 6,
	"saga":      7,
	"readmodel": 8,
	"audit":     9, "vnfpkg": 9, "lcm": 9, "vimmanager": 9, "nfvomanager": 9, "configurator": 9, "access": 9, "notify": 9, "vimregistry": 9, "management": 9, "intervention": 9,
	"api": 10, "client": 10, "config": 10, "telemetry": 10, "samples": 10, "assembly": 10,
	"server": 11, "simulation": 11,
	"cmd": programs, "e2e": programs, "deploy": programs, "bench": programs, "torture": programs,
	"internal": -1, // plumbing for tests; checked apart
}

// programs is the layer of what nobody imports.
const programs = 12

// only says which packages may see a library.
var only = []struct {
	library string
	allowed []string
}{
	{"github.com/jackc/pgx", []string{"eventstore/postgres", "internal/dbtest"}},
	{"modernc.org/sqlite", []string{"eventstore/sqlite"}},
	{"github.com/pressly/goose", []string{"eventstore/"}},
	{"database/sql", []string{"eventstore/"}},
	{"github.com/vnfm/vnfm/sol", []string{"sol", "api", "client", "cmd/vnfm", "nfvo/restclient", "nfvo/nfvotest", "management/restclient", "management/managementtest", "notify", "e2e", "torture", "internal/"}},
	{"github.com/alecthomas/kong", []string{"config", "cmd/", "bench"}},
	{"golang.org/x/oauth2", []string{"egress", "client", "bus/kafka"}},
	{"github.com/twmb/franz-go", []string{"bus/kafka"}},
	{"github.com/getkin/kin-openapi", []string{"internal/etsitest"}},
	{"github.com/smallstep/pkcs7", []string{"vnfd/csar", "cmd/vnfm/packfile"}},
	{"github.com/tidwall/gjson", []string{"api/rest"}},
	{"sigs.k8s.io/kustomize", []string{"vim/helm"}},
	{"helm.sh/", []string{"vim/helm"}},
	{"k8s.io/client-go/util/jsonpath", []string{"vim/kubernetes", "vim/helm", "cmd/vnfm/screen"}}, // a language of paths, nothing of clusters
	{"k8s.io/", []string{"vim/kubernetes", "vim/helm", "cmd/vnfm/screen"}},
	{"sigs.k8s.io/yaml", []string{"vnfd/manifest", "vim/helm"}},
	{"github.com/fluxcd/", []string{"vim/kubernetes"}},
	{"github.com/gophercloud/", []string{"vim/openstack"}},
}

// cmdVnfm lists what the CLI may import of this module.
var cmdVnfm = []string{"client", "sol", "cmd/vnfm", "cmd/stamp"}

// packageFiles is the part of the CLI that reads package files without a server, and what it may import, too.
var packageFiles = []string{"vnfd", "api/descriptor"}

type goFile struct {
	dir, name string // dir is relative to the module root, "." for the root
	lines     int
	imports   []string
	packaged  bool // has a package comment
	generated bool
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, f := range sources(t) {
		if strings.HasSuffix(f.name, "_test.go") {
			continue
		}
		from := top(f.dir)
		fl, ok := layer[from]
		if !ok {
			t.Errorf("%s/%s: package %q has no layer in this test", f.dir, f.name, from)
			continue
		}
		for _, imp := range f.imports {
			for _, rule := range only {
				if strings.HasPrefix(imp, rule.library) && !under(f.dir, rule.allowed) {
					t.Errorf("%s/%s imports %s, which only %v may", f.dir, f.name, imp, rule.allowed)
				}
			}
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			dep := strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
			if dep == "" {
				dep = "."
			}
			inspects := f.dir == "cmd/vnfm/packfile" && under(dep, packageFiles)
			if under(f.dir, []string{"cmd/vnfm"}) && !under(dep, cmdVnfm) && !inspects {
				t.Errorf("%s/%s imports %s; the CLI sees only %v", f.dir, f.name, dep, cmdVnfm)
			}
			tl := layer[top(dep)]
			if top(dep) != from && fl >= 0 && tl >= fl {
				t.Errorf("%s/%s (layer %d) imports %s (layer %d)", f.dir, f.name, fl, dep, tl)
			}
			if tl == -1 && fl >= 0 && fl < programs && !strings.HasSuffix(f.dir, "test") && !strings.HasSuffix(f.dir, "bench") {
				t.Errorf("%s/%s: production code imports test plumbing %s", f.dir, f.name, dep)
			}
		}
	}
}

func TestDomainIsPure(t *testing.T) {
	banned := map[string][]string{
		"vnf":  {"context", "net/http", "os", "log/slog", "database/sql", "math/rand"},
		"vnfd": {"os", "net/http", "database/sql", "log/slog", "context"}, // and what is below it
		"saga": {"net/http", "os", "database/sql"},
	}
	for _, f := range sources(t) {
		if strings.HasSuffix(f.name, "_test.go") {
			continue
		}
		dir := f.dir
		if top(dir) == "vnfd" {
			dir = "vnfd"
		}
		for _, imp := range f.imports {
			for _, b := range banned[dir] {
				if imp == b {
					t.Errorf("%s/%s imports %s", f.dir, f.name, imp)
				}
			}
		}
	}
	for _, dir := range []string{"vnf", "vnfd", "saga", "lcm", "aggregate", "readmodel", "inbox", "timer", "outbox", "vimmanager", "notify", "ledger", "configuration"} {
		for _, f := range sources(t) {
			if (f.dir != dir && (dir != "vnfd" || top(f.dir) != dir)) || strings.HasSuffix(f.name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(filepath.Join(f.dir, f.name))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte("time.Now()")) {
				t.Errorf("%s/%s asks the wall clock; time is the store's", f.dir, f.name)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said, seen := map[string]bool{}, map[string]bool{}
	for _, f := range sources(t) {
		if !strings.HasSuffix(f.name, "_test.go") {
			seen[f.dir] = true
			said[f.dir] = said[f.dir] || f.packaged
		}
	}
	for dir := range seen {
		if !said[dir] {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

func TestSizes(t *testing.T) {
	count := map[string]int{}
	for _, f := range sources(t) {
		if f.lines > 600 && !f.generated {
			t.Errorf("%s/%s has %d lines; 600 is the end of a file", f.dir, f.name, f.lines)
		}
		if !strings.HasSuffix(f.name, "_test.go") {
			count[f.dir]++
		}
	}
	for dir, n := range count {
		if n > 25 {
			t.Errorf("package %s has %d files; 25 is the limit", dir, n)
		}
	}
	for _, f := range sources(t) {
		switch f.name {
		case "types.go", "utils.go", "util.go", "helpers.go", "models.go", "common.go", "misc.go":
			t.Errorf("%s/%s: a file is named after what it holds", f.dir, f.name)
		}
	}
}

func TestNoSleepsInTests(t *testing.T) {
	for _, f := range sources(t) {
		if !strings.HasSuffix(f.name, "_test.go") || f.name == "layout_test.go" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(f.dir, f.name))
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(bytes.NewReader(b))
		for n := 1; s.Scan(); n++ {
			if strings.Contains(s.Text(), "time."+"Sleep(") && !strings.Contains(s.Text(), "synctest") {
				t.Errorf("%s/%s:%d sleeps; wait for what you wait for", f.dir, f.name, n)
			}
		}
	}
}

func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

func under(dir string, allowed []string) bool {
	for _, a := range allowed {
		if dir == strings.TrimSuffix(a, "/") || strings.HasPrefix(dir, strings.TrimSuffix(a, "/")+"/") {
			return true
		}
	}
	return false
}

func sources(t *testing.T) []goFile {
	t.Helper()
	var out []goFile
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); p != "." && (strings.HasPrefix(n, ".") || n == "testdata" || n == "node_modules" || n == "data") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); p != "." && err == nil {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		a, err := parser.ParseFile(token.NewFileSet(), p, b, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		f := goFile{dir: filepath.ToSlash(filepath.Dir(p)), name: path.Base(p), lines: bytes.Count(b, []byte("\n")), packaged: a.Doc != nil,
			generated: bytes.Contains(b, []byte("Code generated "))}
		for _, i := range a.Imports {
			s, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, s)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
