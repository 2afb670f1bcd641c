package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"

	"github.com/vnfm/vnfm/client"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // an operation or an onboarding did not succeed, or an audit found something
	exitUsage  = 2
	exitServer = 3 // the server refused the request or could not be reached
)

// cli is the grammar of the command line.
type cli struct {
	Server string        `help:"Root of the server's API." env:"VNFM_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL"`
	Token  string        `help:"Bearer token." env:"VNFM_TOKEN" placeholder:"TOKEN"`
	Output string        `help:"Form of the output: table, json or yaml." short:"o" enum:"table,json,yaml" default:"table" placeholder:"FORM"`
	Poll   time.Duration `help:"How often a running operation is looked at." default:"200ms" placeholder:"TIME"`

	Package packageCmd `cmd:"" help:"VNF packages."`
	Vnf     vnfCmd     `cmd:"" help:"VNF instances."`
	Op      opCmd      `cmd:"" help:"Operations on VNF instances."`
	Sim     simCmd     `cmd:"" help:"The simulated VIMs."`
	Vim     vimCmd     `cmd:"" help:"VIM connections."`
	Events  eventsCmd  `cmd:"" help:"What happens in the VNF manager."`
	Audit   auditCmd   `cmd:"" help:"The record of all events."`
	Parked  parkedCmd  `cmd:"" help:"Messages set aside because they could not be handled."`
}

const description = `Command line of the VNF manager.

Names may stand for ids where they are unambiguous, and so may the beginning of an id.
WHEN is a version (12), a time (2026-01-02T03:04:05Z, or as printed), or how long ago it was (10m, -10m).
Exit codes: 0 done, 1 the operation failed, 2 wrong usage, 3 the server refused or cannot be reached.`

// session is what a command works with.
type session struct {
	*client.Client
	ctx      context.Context //nolint:containedctx // a session is one command
	in       io.Reader
	out, err io.Writer // colours are dropped where they cannot be shown
	form     string
	poll     time.Duration
	terminal bool // out is one
	width    int
	height   int
}

// failed is the error of a request that was carried out and did not succeed.
type failed struct{ text string }

func (e *failed) Error() string { return e.text }

// exit carries an exit code out of kong.
type exit int

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if v := recover(); v != nil {
			e, ok := v.(exit)
			if !ok {
				panic(v)
			}
			code = int(e)
		}
	}()
	var c cli
	parser, err := kong.New(&c, kong.Name("vnfm"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.WithHyphenPrefixedParameters(true)) // --at -10m
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "vnfm:", err)
		return exitUsage
	}
	command, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "vnfm: %v\nTry: vnfm --help\n", err)
		return exitUsage
	}
	api, err := client.New(client.Config{Server: c.Server, Token: c.Token, HTTP: &http.Client{}})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "vnfm:", err)
		return exitUsage
	}
	s := &session{
		Client: api, ctx: ctx, in: in, form: c.Output, poll: c.Poll,
		out: colorprofile.NewWriter(stdout, os.Environ()), err: colorprofile.NewWriter(stderr, os.Environ()),
	}
	if f, ok := stdout.(*os.File); ok && term.IsTerminal(f.Fd()) {
		s.terminal = true
		if w, h, err := term.GetSize(f.Fd()); err == nil {
			s.width, s.height = w, h
		}
	}
	if err := command.Run(s); err != nil {
		_, _ = fmt.Fprintln(s.err, "vnfm:", err)
		return exitCode(err)
	}
	return exitOK
}

func exitCode(err error) int {
	var f *failed
	var u *usage
	switch {
	case errors.As(err, &f):
		return exitFailed
	case errors.As(err, &u):
		return exitUsage
	}
	return exitServer
}

// usage is the error of a command line that cannot be carried out as it is.
type usage struct{ text string }

func (e *usage) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usage{fmt.Sprintf(format, args...)} }
