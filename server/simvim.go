package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/management/managementtest"
	"github.com/vnfm/vnfm/telemetry"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// ServeSim serves the simulated VIMs, and nothing else, until the context ends: a process that vnfmd of other processes
// reach by the setting vim-sim-url. It keeps them in the data folder. It asks for no token, so it is for loopback only.
func ServeSim(ctx context.Context, c *config.Config, log io.Writer) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !access.LoopbackHost(host) {
		return fmt.Errorf("listen: the simulated VIMs ask for no token, so they are served on loopback only, not on %s", c.Listen)
	}
	level, err := c.Log.Least()
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong
	}
	logger := telemetry.NewLogger(log, level, c.Log.Format, nodeName(c))
	unlock, err := lockFolder(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	simulated, err := sim.Open(sim.Config{Path: filepath.Join(c.Data, "sim.journal")})
	if err != nil {
		return fmt.Errorf("open the simulated VIM: %w", err)
	}
	defer func() { err = errors.Join(err, simulated.Close()) }()
	return pretend(ctx, c, logger, "sim-vim", remote.Handler(simulated))
}

// ServeVnf serves a VNF that pretends, and nothing else, until the context ends. What it has is in memory, and it is for loopback only.
// Callers show user and password, where there are any.
func ServeVnf(ctx context.Context, c *config.Config, user, password string, log io.Writer) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !access.LoopbackHost(host) {
		return fmt.Errorf("listen: the VNF that pretends is served on loopback only, not on %s", c.Listen)
	}
	level, err := c.Log.Least()
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong
	}
	logger := telemetry.NewLogger(log, level, c.Log.Format, nodeName(c))
	vnf := managementtest.New(managementtest.Config{User: user, Password: password})
	return pretend(ctx, c, logger, "sim-vnf", vnf.Handler())
}

// pretend serves what pretends to be something else, until the context ends.
func pretend(ctx context.Context, c *config.Config, logger *slog.Logger, what string, h http.Handler) error {
	front, err := access.NewFront(true, "", c.HTTP.Hosts)
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong
	}
	l, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: front.Handler(h), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	logger.InfoContext(ctx, "what pretends is up", "driver", what, "url", "http://"+l.Addr().String())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.HTTP.StopTimeout)
	defer cancel()
	if err := s.Shutdown(soft); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}
