package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A mistake in a setting, wherever it is, is told in its own line, not behind the list of all settings.
func TestAMistakeInTheSettingsIsOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vnfm.yaml")
	if err := os.WriteFile(file, []byte("lane-leese: 3s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		args []string
		env  string
		want string
	}{
		"flag":        {[]string{"serve", "--keep-sagas=long"}, "", "--keep-sagas"},
		"unknown":     {[]string{"serve", "--keep-sage=1h"}, "", "--keep-sage"},
		"environment": {[]string{"serve"}, "VNFM_KEEP_SAGAS=long", "keep-sagas"},
		"file":        {[]string{"serve", "--config", file}, "", "lane-leese"},
		"no command":  {nil, "", "serve"},
	} {
		cmd := exec.Command(filepath.Join(bin, "vnfmd"), x.args...)
		cmd.Env = append(os.Environ(), x.env)
		cmd.Dir = t.TempDir()
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("%s: %v", name, err)
		}
		if lines := strings.Count(said.String(), "\n"); lines != 2 || !strings.Contains(said.String(), x.want) || out.Len() > 0 {
			t.Errorf("%s: it says %q, %q", name, &said, &out)
		}
	}
}

// SIGHUP has the settings read again: the level of the log changes, what cannot is named, a mistake changes nothing, and none of it ends
// the program.
func TestSettingsAreReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vnfm.yaml")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("log-level: error\n")
	d := startDaemon(t, "--config", file)
	d.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": d.samplePackage(), "vnfInstanceName": "quiet"})
	set("log-level: debug\nhttp-page-size: 7\n")
	hup := func(want string) {
		t.Helper()
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		d.await(want, func() bool { return strings.Contains(d.log.String(), want) })
	}
	hup("[http-page-size]")
	if strings.Contains(d.log.String(), "quiet") {
		t.Error("it logged before its level allowed it")
	}
	d.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": d.samplePackage(), "vnfInstanceName": "loud"})
	d.await("a line of the level", func() bool { return strings.Contains(d.log.String(), "level=INFO") })
	set("log-level: loud\n")
	hup("the settings stay as they are")
	set("log-level: info\nlog-access: true\n")
	hup("log_level=info")
	d.must(200, "GET", "/vnflcm/v2/vnf_instances", nil)
	d.await("a line of the request", func() bool {
		return strings.Contains(d.log.String(), "msg=request ") && strings.Contains(d.log.String(), "route=/vnflcm/v2/vnf_instances status=200")
	})
	set("log-level: warn\n")
	hup("log_level=warn")
	if code, _ := d.call("GET", "/readyz", nil); code != 200 {
		t.Error("it is not ready any more")
	}
}
