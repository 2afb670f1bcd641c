package vnfm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeGo is a go that lists one package, whose folder has the sources given, and lists and runs its tests as said.
func fakeGo(t *testing.T, sources, list, listed, tested string) []string {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
case "$1 $2" in
"list "*) ` + list + ` ;;
"test -list") ` + listed + ` ;;
"test -run") ` + tested + ` ;;
*) echo "unknown: $*"; exit 9 ;;
esac
`
	for name, content := range map[string]string{"go": script, "a_test.go": sources} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(content, "DIR", dir)), 0o700); err != nil { //nolint:gosec // a script is run
			t.Fatal(err)
		}
	}
	return append(os.Environ(), "GO="+filepath.Join(dir, "go"))
}

// make fuzz fails when Go does, when it fuzzes less than there is, and when something is found. Seen failing (exit 0) for each of the
// first five.
func TestFuzzScriptFailsWhenItDoesNotFuzz(t *testing.T) {
	const (
		two   = "func FuzzA(f *testing.F) {\n}\nfunc FuzzB(f *testing.F) {\n}\n"
		list  = `mkdir -p DIR/untested; echo m/untested DIR/untested; echo m/p DIR`
		both  = `echo FuzzA; echo FuzzB; echo "ok m/p 0.1s"`
		works = `echo "ok m/p 0.1s"`
	)
	for name, c := range map[string]struct {
		sources, list, listed, tested string
		ok                            bool
	}{
		"go cannot list":           {two, `echo no module >&2; exit 1`, both, works, false},
		"there is no package":      {two, `true`, both, works, false},
		"a package does not build": {two, list, `echo "FAIL m/p [build failed]"; exit 1`, works, false},
		"a package lists none":     {two, list, `echo "ok m/p 0.1s"`, works, false},
		"a package lists fewer":    {two, list, `echo FuzzA`, works, false},
		"there is no target":       {"", list, both, works, false},
		"something is found":       {two, list, both, `echo "--- FAIL: FuzzA"; echo "    boom"; exit 1`, false},
		"fuzzing dies":             {two, list, both, `exit 1`, false},
		"a finding and the time":   {two, list, both, `printf -- "--- FAIL: FuzzA\n    context deadline exceeded\nFailing input written\n"; exit 1`, false},
		"the time is over":         {two, list, both, `printf -- "--- FAIL: ${5#^}\n    context deadline exceeded\n" | tr -d '$'; exit 1`, true},
		"all is well":              {two, list, both, works, true},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "deploy/fuzz.sh", "1s")
			cmd.Env = fakeGo(t, c.sources, c.list, c.listed, c.tested)
			if out, err := cmd.CombinedOutput(); (err == nil) != c.ok {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

// make verify sees what generating changed, and what it made new. Seen failing (exit 0) for the new file.
func TestVerifySeesNewFiles(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		generate, build string
		ok              bool
	}{
		"nothing":         {`true`, `true`, true},
		"another text":    {`echo more >>page`, `true`, false},
		"a new file":      {`echo new >other`, `true`, false},
		"a file is gone":  {`rm page`, `true`, false},
		"go fails":        {`exit 1`, `true`, false},
		"another console": {`true`, `echo more >>page`, false},
		"npm fails":       {`true`, `exit 1`, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			run := func(name string, args ...string) ([]byte, error) {
				cmd := exec.CommandContext(t.Context(), name, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_DIR="+filepath.Join(dir, ".git"), "GIT_WORK_TREE="+dir)
				return cmd.CombinedOutput()
			}
			for file, content := range map[string]string{"Makefile": string(makefile), "page": "text\n", "go": "#!/bin/sh\n" + c.generate + "\n", "npm": "#!/bin/sh\n" + c.build + "\n", "deploy/test-deps.sh": "#!/bin/sh\n"} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o700); err != nil { //nolint:gosec // one of them is run
					t.Fatal(err)
				}
			}
			for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all"}} {
				if out, err := run("git", args...); err != nil {
					t.Fatalf("git %v: %v: %s", args, err, out)
				}
			}
			if out, err := run("make", "verify", "GO=./go", "NPM=./npm"); (err == nil) != c.ok {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}
