package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/stamp"
	"github.com/vnfm/vnfm/cmd/vnfm/contexts"
	"github.com/vnfm/vnfm/cmd/vnfm/examples"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

// session is what a command works with.
type session struct {
	*client.Client
	*screen.Screen
	ctx         context.Context //nolint:containedctx // a session is one command
	in          io.Reader
	raw         io.Writer // standard output as it is, for files
	server      string    // root of its API
	unsaid      bool      // nobody said where it is
	unspaced    bool      // a shell asks that takes no words with spaces
	poll        time.Duration
	interactive bool // somebody can be asked
	kong        *kong.Kong
}

// program is what one command line is carried out with.
type program struct {
	in             io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	zone           *time.Location
	interactive    bool // somebody can be asked
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, stdout, stderr io.Writer) int {
	p := program{in: in, stdout: stdout, stderr: stderr, now: time.Now, zone: time.Local}
	p.interactive = isTerminal(in) && isTerminal(stderr)
	return p.run(ctx, args)
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}

func newParser(c *cli, stdout, stderr io.Writer) (*kong.Kong, error) {
	k, err := kong.New(c, kong.Name("vnfm"), kong.Description(description()), kong.Writers(stdout, stderr), //nolint:wrapcheck // it says what is wrong
		kong.Exit(func(code int) { panic(exit(code)) }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.WithHyphenPrefixedParameters(true)) // --at -10m
	if err == nil {
		examples.Add(k)
	}
	return k, err
}

func (p *program) run(ctx context.Context, args []string) (code int) {
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
	parser, err := newParser(&c, p.stdout, p.stderr)
	if err != nil {
		_, _ = fmt.Fprintln(p.stderr, "vnfm:", err)
		return exitUsage
	}
	if p.complete(ctx, parser) {
		return exitOK
	}
	command, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "vnfm: %v\nTry: %s --help\n", err, about(err))
		return exitUsage
	}
	s := p.session(&c)
	s.kong = parser
	if s.Client, err = c.client(s); err != nil {
		return s.refused(&usage{err.Error()})
	}
	s.server = s.Client.Server
	s.ctx = ctx
	if c.Timeout > 0 {
		var stop context.CancelFunc
		s.ctx, stop = context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("gave up after %s: %w", c.Timeout, errTimeout))
		defer stop()
	}
	if err := command.Run(s, &c); err != nil {
		return s.refused(err)
	}
	return exitOK
}

// about is the command that a wrong command line is of, as far as it was understood.
func about(err error) string {
	words := []string{"vnfm"}
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		for _, step := range wrong.Context.Path {
			if step.Command != nil {
				words = append(words, step.Command.Name)
			}
		}
	}
	return strings.Join(words, " ")
}

// session is a session without a server yet.
func (p *program) session(c *cli) *session {
	s := &session{
		Screen: &screen.Screen{
			Out: screen.Safe(colorprofile.NewWriter(p.stdout, os.Environ())), Err: screen.Safe(colorprofile.NewWriter(p.stderr, os.Environ())), Form: c.Output, Zone: p.zone, Now: p.now,
		},
		in: p.in, raw: p.stdout, poll: c.Poll, interactive: p.interactive,
	}
	if c.UTC {
		s.Zone = time.UTC
	}
	if f, ok := p.stdout.(*os.File); ok && term.IsTerminal(f.Fd()) {
		s.Terminal, s.Plain = true, os.Getenv("TERM") == "dumb"
		if w, h, err := term.GetSize(f.Fd()); err == nil {
			s.Width, s.Height = w, h
		}
	}
	return s
}

// client returns the client that the flags, the environment and the context describe, in this order. What a context has to say who one
// is, is for its own server alone.
func (c *cli) client(s *session) (*client.Client, error) {
	file, err := contexts.Read()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what is wrong
	}
	x, err := file.Get(c.Context)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what is wrong
	}
	s.unsaid = c.Server == "" && x.Server == ""
	server := cmp.Or(c.Server, x.Server, "http://127.0.0.1:8080")
	given := contexts.Context{
		Token: c.Token, Cert: c.Cert, Key: c.Key, TokenURL: c.OAuth.TokenURL, ClientID: c.OAuth.ClientID, ClientSecret: c.OAuth.ClientSecret, Scope: c.OAuth.Scope,
	}
	if given == (contexts.Context{}) && server == x.Server {
		given = x
	}
	if given.Token != "" && given.TokenURL != "" {
		return nil, errors.New("--token and --token-url exclude each other")
	}
	h, err := client.Access{
		CACert: cmp.Or(c.CACert, x.CACert), Cert: given.Cert, Key: given.Key, TokenURL: given.TokenURL, ClientID: given.ClientID,
		ClientSecret: given.ClientSecret, Scope: given.Scope,
	}.HTTP()
	if err != nil {
		return nil, err //nolint:wrapcheck // of the client
	}
	if c.Verbose {
		h.Transport = &client.Trace{W: s.Err, Next: h.Transport}
	}
	return client.New(client.Config{Server: server, Token: given.Token, HTTP: h, Lost: func(err error) { //nolint:wrapcheck // of the client
		_, _ = fmt.Fprintln(s.Err, screen.Faint.Render("waiting for the server: "+err.Error()))
	}})
}

// show prints a value in the form that is asked for.
func (s *session) show(v any, text func(w io.Writer)) error {
	err := s.Show(v, text)
	if errors.Is(err, screen.ErrForm) {
		return usagef("%v", err)
	}
	return err //nolint:wrapcheck // of the screen
}

// drawable says that lines can be drawn anew.
func (s *session) drawable() bool { return s.Terminal && !s.Plain }

type versionCmd struct{}

// versions are what versionCmd prints.
type versions struct {
	Client string    `json:"client"`
	Server string    `json:"server,omitempty"`
	Node   string    `json:"node,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	URL    string    `json:"url"`
	Error  string    `json:"error,omitempty"` // why the server's is not known
}

// Run says both. A server that cannot be asked is no failure: its own version is what a user of a broken one asks for.
func (versionCmd) Run(s *session) error {
	v := versions{Client: stamp.Version(), URL: s.server}
	if c, err := s.Cluster(s.ctx); err == nil {
		for _, n := range c.Nodes {
			if v.Server == "" || v.Since.Before(n.Since) {
				v.Server, v.Node, v.Since = n.Version, n.Name, n.Since
			}
		}
	} else if y, err := s.System(s.ctx); err == nil {
		v.Server, v.Node, v.Since = y.Version, y.Node, y.Started
	} else {
		v.Error = err.Error()
	}
	return s.show(v, func(w io.Writer) {
		said := v.Server
		if said == "" {
			said = screen.Bad.Render(v.Error)
		}
		screen.Of(w).Fields("client", v.Client, "server", said, "node", v.Node, "at", v.URL)
	})
}
