package e2e

import (
	"fmt"
	"os"
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
	if list := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(list, canary) || !strings.Contains(list, " dev --listen 127.0.0.1:0") {
		t.Errorf("the process list has: %s", list)
	}
	d.must(401, "GET", "/vnflcm/v2/vnf_instances", nil)
	d.must(200, "GET", "/vnflcm/v2/vnf_instances", nil, "Authorization", "Bearer "+canary)
	if strings.Contains(d.log.String(), canary) {
		t.Errorf("the log has it: %s", d.log)
	}
}
