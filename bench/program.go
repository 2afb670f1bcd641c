package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// measureProgram measures the stripped binary: its size, the time until it is ready on an empty folder and on a used
// one, and its memory when idle.
func measureProgram(ctx context.Context, t table) error {
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "vnfmd")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "./cmd/vnfmd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		return err
	}
	t.row("binary, stripped", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), "")
	for _, run := range []string{"first start", "start on a used folder"} {
		ready, resident, err := start(ctx, bin, filepath.Join(dir, "data"))
		if err != nil {
			return err
		}
		t.row(run+": ready after", fmt.Sprintf("%.0f ms", ms(ready)), "goal < 1000 ms")
		t.row(run+": resident memory, idle", fmt.Sprintf("%.0f MiB", resident), "goal < 100 MiB")
	}
	return nil
}

const port = "127.0.0.1:18080"

// start runs the program until it is ready and idle for three seconds.
func start(ctx context.Context, bin, data string) (ready time.Duration, mebibytes float64, err error) {
	cmd := exec.CommandContext(ctx, bin, "dev", "--listen", port, "--data", data, "--log-level", "error")
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, cmd.Wait())
	}()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+port+"/readyz", nil)
		if err != nil {
			return 0, 0, err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(begin) > 30*time.Second {
			return 0, 0, errors.New("vnfmd is not ready after 30 s")
		}
	}
	ready = time.Since(begin)
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(bytes.TrimSpace(b))
	if m == nil {
		return 0, 0, errors.New("no resident size")
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	return ready, kb / 1024, err
}

// processorTime is what this process has used so far, user and system.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
