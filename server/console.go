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
	"github.com/vnfm/vnfm/eventstore"
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

// system tells how this node is.
func (s *Server) system(ctx context.Context) (*api.System, error) {
	out := &api.System{Node: s.node, Version: s.opts.Version, Go: runtime.Version(), Database: string(s.stores.main.kind), Started: s.started}
	settings, err := config.InForce(s.cfg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	for _, x := range settings {
		out.Settings = append(out.Settings, api.Setting(x))
	}
	for _, d := range s.parts.sides() {
		held := d.held()
		for _, role := range d.roles {
			out.Lanes = append(out.Lanes, api.Lanes{Database: d.name, Role: role, Held: held[role], All: eventstore.Lanes})
		}
		consumers, err := d.behind(ctx)
		if err != nil {
			return nil, err
		}
		out.Consumers = append(out.Consumers, consumers...)
	}
	return out, nil
}

// looked bounds how many messages of a lane are looked at for how far a consumer is behind.
const looked = 1000

// behind tells how far each consumer of a side's outbox is behind: how many messages of its topic lie between its cursors and the
// ends of the lanes.
func (d *side) behind(ctx context.Context) ([]api.Consumer, error) {
	heads, err := d.store.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("read lane heads: %w", err)
	}
	var out []api.Consumer
	for _, r := range d.readers {
		at, err := r.at.store.Cursors(ctx, r.name)
		if err != nil {
			return nil, fmt.Errorf("read the cursors of %s: %w", r.name, err)
		}
		parked, err := r.at.store.Parked(ctx, eventstore.ParkedQuery{Consumer: r.name})
		if err != nil {
			return nil, fmt.Errorf("list parked messages of %s: %w", r.name, err)
		}
		one := api.Consumer{Name: r.name, Topic: r.topic, Parked: len(parked)}
		for lane, head := range heads {
			if head.Outbox <= at[lane].Offset {
				continue
			}
			waiting, err := d.store.ReadOutbox(ctx, lane, at[lane].Offset, looked)
			if err != nil {
				return nil, fmt.Errorf("read outbox lane %d: %w", lane, err)
			}
			for i := range waiting {
				if waiting[i].Topic == r.topic {
					one.Behind++
				}
			}
		}
		out = append(out, one)
	}
	return out, nil
}
