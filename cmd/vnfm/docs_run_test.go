package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// asProgram has the test's own file be vnfm: what pages show is run by a shell.
const asProgram = "VNFM_TEST_AS_PROGRAM"

// shown is a command of a page, with the output that the page has of it; "" for none.
type shown struct{ command, output string }

// commandsOf reads the commands of the console blocks of a page, and those of its other blocks that begin with vnfm.
func commandsOf(t *testing.T, page string) []shown {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	var out []shown
	for _, m := range regexp.MustCompile("(?ms)^```(console|sh)\n(.*?)^```$").FindAllStringSubmatch(string(b), -1) {
		for line := range strings.Lines(m[2]) {
			command, isCommand := strings.CutPrefix(line, "$ ")
			switch {
			case isCommand:
				out = append(out, shown{command: strings.TrimSpace(command)})
			case m[1] == "console" && len(out) > 0:
				out[len(out)-1].output += line
			case m[1] == "sh" && strings.HasPrefix(line, "vnfm "):
				out = append(out, shown{command: strings.TrimSpace(line)})
			}
		}
	}
	return out
}

// fileOf is the file that a page shows, "" for none.
func fileOf(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindStringSubmatch(string(b)); m != nil {
		return m[1]
	}
	return ""
}

// masks stand for what differs from run to run.
var masks = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|s|m|h)\b`), "TOOK"},
	{regexp.MustCompile(` +`), " "},
}

// alike is an output without what differs from run to run.
func alike(text string) string {
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.with)
	}
	return strings.TrimSpace(text)
}

// The commands of pages are run, in their order, on a real server; each does what it says (exit code 0), and prints what the page shows, ids and
// times apart. Seen failing with a level in the page that the sample has not, and with another number in an output.
func TestPagesAreRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "vnfm")); err != nil {
		t.Fatal(err)
	}
	for page, before := range map[string][]string{
		"README.md":           nil,
		"docs/howto/apply.md": nil,
		"docs/howto/scale.md": {
			"vnfm vnf create --vnfd 'Sample Firewall' --name fw1", "vnfm vnf instantiate fw1 --flavour standard",
		},
	} {
		t.Run(page, func(t *testing.T) {
			server, home := startServer(t), t.TempDir()
			sh := func(command string) (string, error) {
				c := exec.CommandContext(t.Context(), "sh", "-c", command)
				c.Dir = home
				c.Env = append(os.Environ(), asProgram+"=1", "VNFM_SERVER="+server, "PATH="+bin+":"+os.Getenv("PATH"), "TZ=UTC")
				b, err := c.CombinedOutput()
				return string(b), err
			}
			for _, command := range before {
				if out, err := sh(command); err != nil {
					t.Fatalf("%s: %v\n%s", command, err, out)
				}
			}
			if file := fileOf(t, page); file != "" {
				if err := os.WriteFile(filepath.Join(home, "site.yaml"), []byte(file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			all := commandsOf(t, page)
			if len(all) < 5 {
				t.Errorf("only %d commands were found", len(all))
			}
			for _, c := range all {
				out, err := sh(c.command)
				if err != nil {
					t.Errorf("%s: %v\n%s", c.command, err, out)
				}
				if c.output != "" && alike(out) != alike(c.output) {
					t.Errorf("%s prints\n%s\nthe page has\n%s", c.command, out, c.output)
				}
			}
		})
	}
}
