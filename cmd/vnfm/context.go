package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/term"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/contexts"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

type configCmd struct {
	List   configList   `cmd:"" help:"List the contexts; their secrets are not shown."`
	Use    configUse    `cmd:"" help:"Use a context from now on."`
	Set    configSet    `cmd:"" help:"Set values of a context; it is made where there is none."`
	Show   configShow   `cmd:"" help:"Show a context; its secrets are masked."`
	Delete configDelete `cmd:"" help:"Delete a context, with its credentials."`
}

// entry is a context in a list.
type entry struct {
	Name    string           `json:"name"`
	Current bool             `json:"current"`
	Context contexts.Context `json:"context"` // masked
}

var contextColumns = []screen.Column[entry]{
	{Head: "NAME", Of: func(v *entry) any { return v.Name }},
	{Head: "CURRENT", Of: func(v *entry) any { return v.Current }},
	{Head: "SERVER", Of: func(v *entry) any { return v.Context.Server }},
	{Head: "SIGNS IN BY", Of: func(v *entry) any {
		switch c := v.Context; {
		case c.Token != "":
			return "token"
		case c.TokenURL != "":
			return "client credentials"
		case c.Cert != "":
			return "certificate"
		}
		return ""
	}},
}

type configList struct{ listing }

func (c *configList) Run(s *session) error {
	return list(s, &c.listing, contextColumns, func() ([]entry, error) {
		f, err := contexts.Read()
		if err != nil {
			return nil, usagef("%v", err)
		}
		out := []entry{}
		for _, name := range slices.Sorted(maps.Keys(f.Contexts)) {
			out = append(out, entry{name, name == f.Current, f.Contexts[name].Masked()})
		}
		return out, nil
	})
}

type configUse struct {
	Name string `arg:"" help:"Name of the context." predictor:"context"`
}

func (c *configUse) Run(s *session) error {
	return s.contexts(func(f *contexts.File) (string, error) {
		if _, err := f.Get(c.Name); err != nil {
			return "", err //nolint:wrapcheck // it says what is wrong
		}
		f.Current = c.Name
		return "commands speak to " + f.Contexts[c.Name].Server + " from now on", nil
	})
}

type configSet struct {
	Name   string   `arg:"" help:"Name of the context." predictor:"context"`
	Values []string `arg:"" sep:"none" help:"KEY=VALUE: server, cacert, cert, key, token-url, client-id, scope; an empty value removes. Secrets come from files: token=@FILE, client-secret=@FILE, or @- for standard input."`
}

// Help is examples.
func (*configSet) Help() string {
	return `Examples:
  vnfm config set lab server=https://vnfm.lab.example cacert=/etc/ssl/lab.pem
  vnfm config set lab token=@token.txt
  vnfm config use lab`
}

func (c *configSet) Run(s *session) error {
	return s.contexts(func(f *contexts.File) (string, error) {
		x := f.Contexts[c.Name]
		for _, text := range c.Values {
			name, value, ok := strings.Cut(text, "=")
			if !ok {
				return "", usagef("%q is not KEY=VALUE", text)
			}
			if name == "token" || name == "client-secret" {
				var err error
				if value, err = s.fromFileOnly(name, value); err != nil {
					return "", err
				}
			}
			if err := x.Set(name, value); err != nil {
				return "", err //nolint:wrapcheck // it says what is wrong
			}
		}
		if err := serverURL(x.Server); err != nil {
			return "", err
		}
		f.Contexts[c.Name] = x
		if f.Current == "" {
			f.Current = c.Name
		}
		return "context " + c.Name + " is kept", nil
	})
}

// serverURL refuses what is no server. A password in a URL is shown wherever the URL is.
func serverURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usagef("server=URL says where the server is, like https://vnfm.example:8443; %q does not", text)
	}
	if u.User != nil {
		return usagef("the server's URL has user information; credentials are token, or client-id and client-secret")
	}
	return nil
}

// fromFileOnly reads a secret, which nobody is to write on a command line.
func (s *session) fromFileOnly(name, value string) (string, error) {
	file, ok := strings.CutPrefix(value, "@")
	switch {
	case value == "":
		return "", nil
	case !ok:
		return "", usagef("%s=@FILE, or %s=@- for standard input: what is on a command line is in the shell's history", name, name)
	case file == "-":
		b, err := io.ReadAll(s.in)
		return strings.TrimSpace(string(b)), err //nolint:wrapcheck // of standard input
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", usagef("%v", err)
	}
	return strings.TrimSpace(string(b)), nil
}

type configShow struct {
	Name string `arg:"" optional:"" help:"Name of the context; default: the current one." predictor:"context"`
}

func (c *configShow) Run(s *session) error {
	f, err := contexts.Read()
	if err != nil {
		return usagef("%v", err)
	}
	name := cmp.Or(c.Name, f.Current)
	x, err := f.Get(name)
	if err != nil {
		return usagef("%v", err)
	}
	if name == "" {
		return usagef("there is no context; vnfm login URL makes one")
	}
	x = x.Masked()
	return s.show(entry{name, name == f.Current, x}, func(w io.Writer) {
		screen.Of(w).Fields("name", name, "server", x.Server, "token", x.Token, "cacert", x.CACert, "cert", x.Cert, "key", x.Key, "token-url", x.TokenURL,
			"client-id", x.ClientID, "client-secret", x.ClientSecret, "scope", x.Scope)
	})
}

type configDelete struct {
	Name string `arg:"" help:"Name of the context." predictor:"context"`
	sure
}

func (c *configDelete) Run(s *session) error {
	if err := s.confirm(c.sure, "Delete context "+c.Name+" with its credentials?"); err != nil {
		return err
	}
	return s.contexts(func(f *contexts.File) (string, error) {
		if _, err := f.Get(c.Name); err != nil {
			return "", err //nolint:wrapcheck // it says what is wrong
		}
		delete(f.Contexts, c.Name)
		if f.Current == c.Name {
			f.Current = ""
		}
		return "context " + c.Name + " is deleted", nil
	})
}

// contexts changes the file of contexts.
func (s *session) contexts(change func(f *contexts.File) (done string, err error)) error {
	f, err := contexts.Read()
	if err != nil {
		return usagef("%v", err)
	}
	done, err := change(f)
	if err == nil {
		err = f.Save()
	}
	if err != nil {
		return usagef("%v", err)
	}
	_, _ = fmt.Fprintln(s.Err, done)
	return nil
}

type loginCmd struct {
	URL       string `arg:"" name:"server" help:"Root of the server's API."`
	Name      string `help:"Name of the context; default: the server's host." placeholder:"NAME"`
	TokenFile string `help:"Take the token from this file, - for standard input, instead of asking." placeholder:"FILE" predictor:"file"`
}

// Help is examples.
func (*loginCmd) Help() string {
	return `What is kept is in the file of contexts, which only its owner may read. --cacert, --cert and --key, and --token-url, --client-id and --client-secret
are kept, too.

Examples:
  vnfm login https://vnfm.example
  vnfm login https://vnfm.example --name lab --token-file token.txt --cacert lab.pem`
}

func (c *loginCmd) Run(s *session, top *cli) error {
	if err := serverURL(c.URL); err != nil {
		return err
	}
	x := contexts.Context{
		Server: strings.TrimSuffix(c.URL, "/"), CACert: top.CACert, Cert: top.Cert, Key: top.Key,
		TokenURL: top.OAuth.TokenURL, ClientID: top.OAuth.ClientID, ClientSecret: top.OAuth.ClientSecret, Scope: top.OAuth.Scope, Token: top.Token,
	}
	if err := s.speakTo(x); err != nil {
		return err
	}
	how, err := s.SignIn(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if how.Required && how.Token && x.Token == "" && x.TokenURL == "" && x.Cert == "" {
		if x.Token, err = s.askToken(c.TokenFile); err != nil {
			return err
		}
		if err := s.speakTo(x); err != nil {
			return err
		}
	}
	who, err := s.Caller(s.ctx)
	if err != nil {
		return fmt.Errorf("nothing is kept: %w", err)
	}
	name := c.Name
	if name == "" {
		u, _ := url.Parse(x.Server) // serverURL did
		name = u.Hostname()
	}
	return s.contexts(func(f *contexts.File) (string, error) {
		f.Contexts[name], f.Current = x, name
		return fmt.Sprintf("signed in to %s as %s (%s); context %s is used from now on", x.Server, who.Name, strings.Join(who.Roles, ", "), name), nil
	})
}

// speakTo has the session speak to a server.
func (s *session) speakTo(x contexts.Context) error {
	h, err := client.Access{
		CACert: x.CACert, Cert: x.Cert, Key: x.Key, TokenURL: x.TokenURL, ClientID: x.ClientID, ClientSecret: x.ClientSecret, Scope: x.Scope,
	}.HTTP()
	if err != nil {
		return usagef("%v", err)
	}
	api, err := client.New(client.Config{Server: x.Server, Token: x.Token, HTTP: h})
	if err != nil {
		return usagef("%v", err)
	}
	s.Client = api
	return nil
}

// askToken gets a token: of a file, of standard input, or of somebody at the terminal, who does not see it.
func (s *session) askToken(file string) (string, error) {
	if file != "" {
		return s.fromFileOnly("token", "@"+file)
	}
	if !s.interactive {
		return "", usagef("the server wants a token: --token-file FILE has it, - for standard input")
	}
	_, _ = fmt.Fprint(s.Err, "Token: ")
	var line string
	var err error
	if f, ok := s.in.(*os.File); ok {
		var b []byte
		b, err = term.ReadPassword(f.Fd())
		line = string(b)
		_, _ = fmt.Fprintln(s.Err)
	} else {
		line, err = bufio.NewReader(s.in).ReadString('\n')
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", usagef("%v", cmp.Or(err, errors.New("there is no token")))
	}
	return line, nil
}
