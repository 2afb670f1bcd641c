package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is what became of a fault.
type outcome string

const (
	byUnitTests outcome = "found"
	bySeeds     outcome = "found by seeds"
	survived    outcome = "SURVIVED"
	equivalent  outcome = "equivalent"
	broken      outcome = "BROKEN" // it cannot be put in, or does not build
)

type result struct {
	mutant  *Mutant
	outcome outcome
	by      string // the test, the violation, the reason
	took    time.Duration
}

func (r result) String() string {
	return fmt.Sprintf("%-14s %-44s %6.1fs  %s", r.outcome, r.mutant.Name, r.took.Seconds(), r.by)
}

// bench is where faults are tried.
type bench struct {
	root  string
	seeds int
	limit time.Duration
}

// try puts a fault in and looks whether it is found.
func (b *bench) try(ctx context.Context, m *Mutant) result {
	begin := time.Now()
	done := func(o outcome, by string) result {
		return result{mutant: m, outcome: o, by: by, took: time.Since(begin)}
	}
	dir, err := os.MkdirTemp("", "vnfm-mutant-")
	if err != nil {
		return done(broken, err.Error())
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	overlay, err := b.overlay(m, dir)
	if err != nil {
		return done(broken, err.Error())
	}
	if m.Equivalent != "" {
		return done(equivalent, m.Equivalent)
	}
	if out, err := b.run(ctx, "build", "-overlay", overlay, "./"+filepath.ToSlash(filepath.Dir(m.File))); err != nil {
		return done(broken, "it does not build: "+last(out))
	}
	for _, pkg := range m.Tests {
		args := []string{"test", "-overlay", overlay, "-vet=off", "-failfast", "-count=1", "-timeout", b.limit.String(), pkg}
		if b.keepsFailures(pkg) {
			args = append(args, "-rapid.nofailfile")
		}
		out, err := b.run(ctx, args...)
		switch {
		case ctx.Err() != nil:
			return done(broken, ctx.Err().Error())
		case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
			return done(broken, "the tests do not build: "+last(out))
		case err != nil:
			return done(byUnitTests, failed(pkg, out))
		}
	}
	if b.seeds > 0 {
		out, err := b.run(ctx, "run", "-overlay", overlay, "./simulation/simrun", "-seeds", strconv.Itoa(b.seeds), "-once", "-shrink=false")
		switch {
		case ctx.Err() != nil:
			return done(broken, ctx.Err().Error())
		case err != nil:
			return done(bySeeds, violation(out))
		}
	}
	return done(survived, "")
}

// keepsFailures reports whether a package's tests use a library that writes what failed beside them, and tries it again next time.
func (b *bench) keepsFailures(pkg string) bool {
	files, _ := filepath.Glob(filepath.Join(b.root, filepath.FromSlash(pkg), "*_test.go")) // the pattern is right
	return slices.ContainsFunc(files, func(name string) bool {
		text, err := os.ReadFile(name) //nolint:gosec // a source of this module
		return err == nil && strings.Contains(string(text), `"pgregory.net/rapid"`)
	})
}

// overlay writes the changed file and what tells Go to take it.
func (b *bench) overlay(m *Mutant, dir string) (string, error) {
	file, err := filepath.Abs(filepath.Join(b.root, filepath.FromSlash(m.File)))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(file) //nolint:gosec // a source of this module
	if err != nil {
		return "", err
	}
	changed, err := m.Apply(string(source))
	if err != nil {
		return "", err
	}
	instead, name := filepath.Join(dir, filepath.Base(m.File)), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(instead, []byte(changed), 0o600); err != nil {
		return "", err
	}
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {file: instead}})
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(name, doc, 0o600)
}

// run runs Go within the limit and some, and returns what it said.
func (b *bench) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit+2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it starts ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

var failLine = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// failed names the test that failed: the innermost of the first.
func failed(pkg, out string) string {
	name := ""
	for _, m := range failLine.FindAllStringSubmatch(out, -1) {
		if name != "" && !strings.HasPrefix(m[1], name+"/") {
			break
		}
		name = m[1]
	}
	switch {
	case name != "":
		return strings.TrimPrefix(pkg, "./") + "." + name
	case strings.Contains(out, "panic: test timed out"):
		return pkg + " does not end"
	}
	return pkg + ": " + last(out)
}

// violation is the first one that a seed found.
func violation(out string) string {
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "✗"); ok {
			return strings.TrimSpace(text)
		}
	}
	return last(out)
}

// last is the last line that says something.
func last(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
