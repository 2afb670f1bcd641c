package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A secret that was given as a flag is not in the list of processes, and is what it was given as.
func TestSecretFlagsAreNotInTheProcessList(t *testing.T) {
	const canary = "canary-in-the-arguments"
	d := startDaemon(t, "--api-token="+canary, "--nfvo-user", "u", "--nfvo-password", canary)
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if list := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(list, canary) || !strings.Contains(list, " dev -v --listen 127.0.0.1:0") {
		t.Errorf("the process list has: %s", list)
	}
	d.must(401, "GET", "/vnflcm/v2/vnf_instances", nil)
	d.must(200, "GET", "/vnflcm/v2/vnf_instances", nil, "Authorization", "Bearer "+canary)
	if strings.Contains(d.log.String(), canary) {
		t.Errorf("the log has it: %s", d.log)
	}
}

// The same of the command line: while its request is under way, the list of processes has no secret of it, and the server has been
// given it. Seen failing with the arguments left as they are.
func TestSecretFlagsOfTheCommandLineAreNotInTheProcessList(t *testing.T) {
	const canary = "canary-in-the-arguments"
	came, looked := make(chan string), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case came <- r.Header.Get("Authorization"):
			<-looked
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	//nolint:gosec // a program of ours
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "vnfm"), "--server", server.URL, "--token", canary, "vim", "register", "v", "--type=sim", "--access=password="+canary)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case got := <-came:
		if got != "Bearer "+canary {
			t.Errorf("the server was given %q", got)
		}
	case err := <-ended:
		t.Fatalf("it asked for nothing: %v\n%s", err, &errs)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
	close(looked)
	if err != nil {
		t.Fatal(err)
	}
	<-ended // it was refused
	if list := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(list, canary) || !strings.Contains(list, " --token *** vim register v --type=sim --access=***") {
		t.Errorf("the process list has: %s", list)
	}
}
