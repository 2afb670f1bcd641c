//go:build kubernetes || openstack

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// cpu is the processor time that the program has used.
func (d *daemon) cpu() time.Duration {
	d.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')'):]))
	user, _ := strconv.Atoi(f[12])
	system, _ := strconv.Atoi(f[13])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// measured waits for operations, longer than a simulated VIM would need, and says what they took.
func (d *daemon) measured(what string, since time.Time, cpu time.Duration, ops ...string) {
	d.t.Helper()
	for _, op := range ops {
		op = op[strings.Index(op, "/vnflcm"):]
		for end := time.Now().Add(30 * time.Minute); ; <-time.After(200 * time.Millisecond) {
			_, got := d.call("GET", op, nil)
			if state := text(got, "operationState"); state == "COMPLETED" {
				break
			} else if state != "STARTING" && state != "PROCESSING" || time.Now().After(end) {
				d.t.Fatalf("%s: %s %v", what, state, field(got, "error"))
			}
		}
	}
	d.t.Logf("%s: %.1f s, %.2f s of processor time", what, time.Since(since).Seconds(), (d.cpu() - cpu).Seconds())
}
