package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestEveryCommandHasAnExample: the help of each command has one at least, and each is a command line of that command. Seen failing with a
// command without one, and with a flag that is not there.
func TestEveryCommandHasAnExample(t *testing.T) {
	k, err := newParser(&cli{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // with the files that they name
	for _, dir := range []string{"firewall", "build"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"firewall.csar", "build/firewall.csar", "vendor.pem", "vendor.key"} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, leaf := range k.Model.Leaves(true) {
		name, _, _ := strings.Cut(leaf.Path(), " (")
		_, lines, _ := strings.Cut(leaf.Detail, "Examples:\n")
		n := 0
		for line := range strings.Lines(lines) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
			if !strings.HasPrefix(line, "vnfm ") {
				continue
			}
			if strings.ContainsAny(line, "|<>&") || strings.Contains(line, "$(") { // of the shell's, too
				continue
			}
			words, err := exec.CommandContext(t.Context(), "sh", "-c", "printf '%s\\n' "+strings.TrimPrefix(line, "vnfm ")).Output()
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			ctx, err := kong.Trace(k, strings.Split(strings.TrimSuffix(string(words), "\n"), "\n"))
			switch {
			case err != nil:
				t.Errorf("%s: %v", line, err)
			case ctx.Error != nil:
				t.Errorf("%s: %v", line, ctx.Error)
			case ctx.Selected() != nil && ctx.Selected().Path() == leaf.Path(): // others may go before or behind it
				n++
			}
		}
		if n == 0 {
			t.Errorf("vnfm %s has no example", name)
		}
	}
}
