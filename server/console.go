package server

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"strings"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/console"
)

// console returns what serves browsers.
func (s *Server) console() (*console.Handler, error) {
	c := console.Config{}
	if base, err := url.Parse(s.cfg.BaseURL); err == nil {
		c.Prefix = strings.TrimSuffix(base.Path, "/")
	}
	if in := s.signIn(); in.Client != "" {
		issuer, err := url.Parse(in.Issuer)
		if err != nil {
			return nil, fmt.Errorf("auth-issuer: %w", err)
		}
		c.Connect = []string{issuer.Scheme + "://" + issuer.Host}
	}
	h, err := console.New(c)
	if err != nil {
		return nil, fmt.Errorf("open the console: %w", err)
	}
	return h, nil
}

// signIn is how the settings let callers say who they are.
func (s *Server) signIn() api.SignIn {
	a := &s.cfg.Auth
	in := api.SignIn{Asked: s.cfg.Authenticated(), Tokens: a.Issuer != "" || s.cfg.APIToken != "" || s.cfg.APITokenFile != ""}
	if a.Issuer != "" {
		in.Issuer, in.Client, in.Scope = a.Issuer, a.ConsoleClient, a.ConsoleScope
	}
	return in
}

// system tells what this node is.
func (s *Server) system(context.Context) (*api.System, error) {
	out := &api.System{Node: s.node, Version: s.opts.Version, Go: runtime.Version(), Database: string(s.stores.main.kind), Started: s.started}
	settings, err := config.InForce(s.cfg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	for _, x := range settings {
		out.Settings = append(out.Settings, api.Setting(x))
	}
	return out, nil
}
