package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// vnfm ui opens the console where the server is, and says where that is when no browser can be opened.
func TestUIOpensTheConsole(t *testing.T) {
	bin, opened := t.TempDir(), filepath.Join(t.TempDir(), "opened")
	name, _ := opener(runtime.GOOS)
	script := "#!/bin/sh\necho \"$@\" >" + opened + "\n"
	if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700); err != nil { //nolint:gosec // a script is run
		t.Fatal(err)
	}
	call := func(path string, args ...string) (int, string, string) {
		t.Setenv("PATH", path)
		var out, err bytes.Buffer
		code := run(t.Context(), append([]string{"--server", "https://vnfm.example:8443/deep/"}, args...), strings.NewReader(""), &out, &err)
		return code, out.String(), err.String()
	}
	const want = "https://vnfm.example:8443/deep/ui/"
	if code, out, err := call(bin+":/bin:/usr/bin", "ui", "--print"); code != 0 || out != want+"\n" || err != "" {
		t.Errorf("printed: %d %q %q", code, out, err)
	}
	if _, err := os.Stat(opened); err == nil {
		t.Error("--print opened it")
	}
	if code, out, err := call(bin+":/bin:/usr/bin", "ui"); code != 0 || out != want+"\n" {
		t.Errorf("opened: %d %q %q", code, out, err)
	}
	if b, err := os.ReadFile(opened); err != nil || strings.TrimSpace(string(b)) != want {
		t.Errorf("opened %q: %v", b, err)
	}
	if code, out, err := call(t.TempDir(), "ui"); code == 0 || out != want+"\n" || !strings.Contains(err, "open the address yourself") {
		t.Errorf("without a browser: %d %q %q", code, out, err)
	}
}
