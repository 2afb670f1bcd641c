package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Token  string        `help:"Bearer token. What secret flags are given is taken out of the process list." env:"VNFM_TOKEN" placeholder:"TOKEN" secret:""`
	CACert string        `name:"cacert" help:"File of the authorities that the server's certificate is verified with (PEM)." env:"VNFM_CACERT" placeholder:"FILE"`
	Cert   string        `help:"File of a client certificate (PEM)." env:"VNFM_CERT" placeholder:"FILE"`
	Key    string        `help:"File of its key (PEM)." env:"VNFM_KEY" placeholder:"FILE"`
	OAuth  oauth         `embed:""`
	Output string        `help:"Form of the output: table, json or yaml." short:"o" enum:"table,json,yaml" default:"table" placeholder:"FORM"`
	Poll   time.Duration `help:"How often a running operation is looked at." default:"200ms" placeholder:"TIME"`

	Package      packageCmd      `cmd:"" help:"VNF packages."`
	Vnf          vnfCmd          `cmd:"" help:"VNF instances."`
	Op           opCmd           `cmd:"" help:"Operations on VNF instances."`
	Snapshot     snapshotCmd     `cmd:"" help:"Snapshots of VNFs."`
	Sim          simCmd          `cmd:"" help:"The simulated VIMs."`
	Vim          vimCmd          `cmd:"" help:"VIM connections."`
	Management   managementCmd   `cmd:"" help:"How VNFs and element managers are reached."`
	Subscription subscriptionCmd `cmd:"" help:"Subscriptions to notifications about life-cycle changes."`
	Notification notificationCmd `cmd:"" help:"Notifications that subscribers have not got."`
	Events       eventsCmd       `cmd:"" help:"What happens in the VNF manager."`
	Audit        auditCmd        `cmd:"" help:"Look for what must never be; the record of all events, and of what was denied."`
	Cluster      clusterCmd      `cmd:"" help:"The nodes, and what they share."`
	Parked       parkedCmd       `cmd:"" help:"Messages set aside because they could not be handled."`
	UI           uiCmd           `cmd:"" name:"ui" help:"Open the console in a browser."`
}

// oauth is how the command line gets a token by itself.
type oauth struct {
	TokenURL     string `name:"token-url" help:"Where to fetch a token with client credentials (OAuth 2.0), instead of --token." env:"VNFM_TOKEN_URL" placeholder:"URL"`
	ClientID     string `name:"client-id" help:"Client id for it." env:"VNFM_CLIENT_ID" placeholder:"ID"`
	ClientSecret string `name:"client-secret" help:"Client secret for it." env:"VNFM_CLIENT_SECRET" placeholder:"SECRET" secret:""`
	Scope        string `help:"Scopes to ask for." env:"VNFM_SCOPE" placeholder:"WORDS"`
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
	raw      io.Writer // standard output as it is, for files
	out, err io.Writer // colours are dropped where they cannot be shown
	form     string
	server   string // root of its API
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
	api, err := c.client()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "vnfm:", err)
		return exitUsage
	}
	s := &session{
		Client: api, ctx: ctx, in: in, form: c.Output, server: c.Server, poll: c.Poll, raw: stdout,
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

// client returns the client that the flags describe.
func (c *cli) client() (*client.Client, error) {
	if c.Token != "" && c.OAuth.TokenURL != "" {
		return nil, errors.New("--token and --token-url exclude each other")
	}
	h, err := client.Access{
		CACert: c.CACert, Cert: c.Cert, Key: c.Key, TokenURL: c.OAuth.TokenURL, ClientID: c.OAuth.ClientID,
		ClientSecret: c.OAuth.ClientSecret, Scope: c.OAuth.Scope,
	}.HTTP()
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	return client.New(client.Config{Server: c.Server, Token: c.Token, HTTP: h}) //nolint:wrapcheck // of the client
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

// graceful is a flag that may carry a time: --graceful or --graceful=30s.
type graceful struct {
	set     bool
	timeout time.Duration
}

// IsBool lets the flag stand without a value.
func (*graceful) IsBool() bool { return true }

// Decode reads the flag.
func (g *graceful) Decode(ctx *kong.DecodeContext) error {
	g.set = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value)
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout < time.Second {
		return fmt.Errorf("%q is not a time of a second or more, like 30s", text)
	}
	g.timeout = timeout
	return nil
}

// seconds is the time as requests have it; nil when there is none.
func (g *graceful) seconds() *int {
	if g.timeout == 0 {
		return nil
	}
	n := int(g.timeout.Seconds())
	return &n
}

// narrowed is the flags of lists that take attribute filters and selectors.
type narrowed struct {
	Filter string `help:"Only those that match, e.g. \"(eq,vnfProvider,Acme);(cont,id,1f)\"; see docs/howto/query.md." placeholder:"FILTER"`
	Fields string `help:"Only these attributes and the mandatory ones, separated by commas; for -o json." placeholder:"NAMES"`
}

func (n narrowed) query() client.Query { return client.Query{Filter: n.Filter, Fields: n.Fields} }
