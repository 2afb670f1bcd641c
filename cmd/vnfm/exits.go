package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitServer      = 3
	exitTimeout     = 124 // as of timeout(1)
	exitInterrupted = 130 // as shells have it: 128 and the number of the signal
)

// exits says what each exit code means. It is the one table of them: help and the reference page show it.
var exits = []struct {
	code int
	text string
}{
	{exitOK, "done"},
	{exitFailed, "an operation, a check or an onboarding did not succeed, an audit found something, or somebody said no"},
	{exitUsage, "wrong usage"},
	{exitServer, "the server refused or cannot be reached"},
	{exitTimeout, "--timeout is over"},
	{exitInterrupted, "interrupted (Ctrl-C)"},
}

func description() string {
	var codes []string
	for _, e := range exits {
		codes = append(codes, fmt.Sprintf("%d %s", e.code, e.text))
	}
	return `Command line of the VNF manager.

Names may stand for ids where they are unambiguous, and so may the beginning of an id; for an operation, a VNF stands for its newest one.
WHEN is a version (12), a time (2026-01-02T03:04:05Z, or as printed), or how long ago it was (10m, -10m).
Verbs that take away ask before, on a terminal; --yes answers. Without a terminal they go ahead, but for --all, which needs --yes there.
Exit codes: ` + strings.Join(codes, "; ") + ".\nWith -o json errors are JSON, too, on standard error."
}

// failed is the error of a request that was carried out and did not succeed.
type failed struct{ text string }

func (e *failed) Error() string { return e.text }

// usage is the error of a command line that cannot be carried out as it is.
type usage struct{ text string }

func (e *usage) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usage{fmt.Sprintf(format, args...)} }

// interrupted is the error of a command that was ended before what it waited for; how says how to go on.
type interrupted struct {
	how   string
	cause error // why it ended
}

func (e *interrupted) Error() string {
	if errors.Is(e.cause, errTimeout) {
		return e.cause.Error() + "; " + e.how
	}
	return e.how
}

func (e *interrupted) Unwrap() error { return e.cause }

// errTimeout is why a command ended whose --timeout was over.
var errTimeout = errors.New("--timeout")

// exit carries an exit code out of kong.
type exit int

// exitCode is that of an error of a session.
func (s *session) exitCode(err error) int {
	var f *failed
	var u *usage
	switch cause := context.Cause(s.context()); {
	case errors.As(err, &u):
		return exitUsage
	case errors.Is(cause, errTimeout):
		return exitTimeout
	case cause != nil:
		return exitInterrupted
	case errors.As(err, &f):
		return exitFailed
	}
	return exitServer
}

// context is the session's, which a wrong command line has not got yet.
func (s *session) context() context.Context {
	if s.ctx == nil {
		return context.Background()
	}
	return s.ctx
}

// refused prints an error and returns its exit code.
func (s *session) refused(err error) int {
	code := s.exitCode(err)
	var i *interrupted
	switch {
	case code == exitTimeout && !errors.As(err, &i):
		err = context.Cause(s.ctx)
	case code == exitInterrupted && !errors.As(err, &i):
		err = errors.New("interrupted")
	}
	var dial *net.OpError
	if s.unsaid && errors.As(err, &dial) {
		err = fmt.Errorf("%w. Where the server is says --server URL, VNFM_SERVER, or vnfm login URL; vnfmd dev starts one to try", err)
	}
	if !s.Form.JSON() {
		_, _ = fmt.Fprintln(s.Err, "vnfm:", err)
		return code
	}
	p := struct {
		sol.ProblemDetails
		ExitCode int `json:"exitCode"`
	}{ExitCode: code}
	var answer *client.Error
	if errors.As(err, &answer) {
		p.ProblemDetails = answer.ProblemDetails
		if p.Title == "" {
			p.Title = http.StatusText(p.Status)
		}
	} else {
		p.Detail = err.Error()
		for _, e := range exits {
			if e.code == code {
				p.Title = e.text
			}
		}
	}
	b, _ := json.Marshal(p) // strings and numbers
	_, _ = fmt.Fprintf(s.Err, "%s\n", b)
	return code
}
