package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/cmd/stamp"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/server"
)

// cli is the command line: the settings are flags of every command.
type cli struct {
	config.Config `embed:""`

	File settingsFile `name:"config" type:"existingfile" help:"Settings file (YAML)." placeholder:"FILE"`

	Serve   serveCmd     `cmd:"" help:"Serve the API and run every role."`
	Dev     devCmd       `cmd:"" help:"Serve for a first try: everything embedded, our sample package onboarded, what to do next printed."`
	Migrate migrateCmd   `cmd:"" help:"Bring the database to this version's schema, then end."`
	Rebuild rebuildCmd   `cmd:"" help:"Write all views anew from the events. The program must not be running on the database."`
	Audit   auditCmd     `cmd:"" help:"Check what is stored."`
	Readers consumersCmd `cmd:"" name:"consumers" help:"List the consumers that messages are kept for until they have had them, those of other programs too; or forget one that no program has any more."`
	Backup  backupCmd    `cmd:"" help:"Copy the embedded databases and the package files into one file, all of one moment, also while the program runs."`
	Restore restoreCmd   `cmd:"" help:"Make the data folder what a file of 'vnfmd backup' holds. The program must not be running on the folder."`
	Renew   restoredCmd  `cmd:"" name:"restored" help:"After a PostgreSQL database was restored to an older point, before the first node starts: give its outbox a new id, so that messages of before and after are not taken for each other."`
	SimVim  simVimCmd    `cmd:"" name:"sim-vim" help:"Serve the simulated VIMs alone, for nodes with --vim-sim-url: they outlive a vnfmd, and several share them. For tests; on loopback only."`
	SimVnf  simVnfCmd    `cmd:"" name:"sim-vnf" help:"Serve a VNF that pretends, with its element manager: it takes a configuration and coordinates operations (SOL002), and misbehaves on wish. For tests and for trying things out; on loopback only."`
	Secrets secretsCmd   `cmd:"" help:"Stored credentials."`
	Show    configCmd    `cmd:"" name:"config" help:"Print the settings in force, secrets hidden."`
	Version versionCmd   `cmd:"" help:"Print the version."`
}

// settingsFile reads the file before other flags are resolved.
type settingsFile string

// BeforeResolve adds the file's settings below flags and environment.
func (f settingsFile) BeforeResolve(_ *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path, ok := ctx.FlagValue(trace.Flag).(settingsFile)
	if !ok || path == "" {
		return nil
	}
	r, err := config.File(string(path))
	if err != nil {
		return err
	}
	ctx.AddResolver(r)
	return nil
}

type serveCmd struct{}

func (serveCmd) Run(ctx context.Context, c *config.Config) error {
	return run(ctx, c, server.Options{Log: os.Stderr, Version: stamp.Version()}, func(*config.Config) {})
}

type devCmd struct {
	Verbose bool   `short:"v" help:"Log what happens, too."`
	NFVO    string `name:"nfvo" default:"none" enum:"none,fake" help:"fake: an NFVO that pretends, at 127.0.0.1:8090, grants and has the sample package (${enum})."`
}

func (d devCmd) Run(ctx context.Context, c *config.Config) error {
	quiet := func(c *config.Config) {
		if !d.Verbose && c.Log.Level == "info" {
			c.Log.Level = "warn" // what to do next is to be the last that is seen
		}
	}
	quiet(c)
	o := server.Options{Log: os.Stderr, Guide: os.Stdout, Version: stamp.Version()}
	if d.NFVO == "fake" {
		o.FakeNfvo = "127.0.0.1:8090"
	}
	return run(ctx, c, o, quiet)
}

// run serves until the context ends. Settings that are read again are prepared as these were.
func run(ctx context.Context, c *config.Config, o server.Options, prepare func(c *config.Config)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	s, err := server.New(ctx, c, o)
	if err != nil {
		return err
	}
	go reload(ctx, s, again, prepare)
	return s.Run(ctx)
}

// reload has the server take over the settings as they are then at each signal. Those that cannot be read, or are not valid, change nothing.
func reload(ctx context.Context, s *server.Server, again <-chan os.Signal, prepare func(c *config.Config)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
		}
		fresh, _, err := parse()
		if err == nil {
			prepare(&fresh.Config)
			err = s.Reload(ctx, &fresh.Config)
		}
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "vnfmd: SIGHUP: the settings stay as they are:", err)
		}
	}
}

type migrateCmd struct{}

func (migrateCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Migrate(ctx, c, os.Stdout)
}

type rebuildCmd struct {
	Check bool `help:"Only compare the views with what the events give; exit 1 when they differ."`
}

func (r rebuildCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Rebuild(ctx, c, os.Stdout, r.Check)
}

type auditCmd struct {
	All    auditAllCmd `cmd:"" default:"withargs" help:"Look for what must never be, also while the program runs: in the events, the sagas, the timers, the cursors, and between the records and the VIMs. Exit 1 when something is found."`
	Verify verifyCmd   `cmd:"" help:"Walk every stream and lane: hash chain, versions and offsets without holes."`
}

type auditAllCmd struct {
	Chain bool `default:"true" negatable:"" help:"Walk all events, too."`
}

func (a auditAllCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Audit(ctx, c, os.Stdout, a.Chain)
}

type verifyCmd struct{}

func (verifyCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Verify(ctx, c, os.Stdout)
}

type consumersCmd struct {
	Forget string `help:"Forget the consumer of this name: what it has not had is deleted. Only when no program that has it will run again." placeholder:"NAME"`
}

func (r consumersCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Consumers(ctx, c, os.Stdout, r.Forget)
}

type backupCmd struct {
	File    string `arg:"" help:"File to make; it must not exist."`
	WithKey bool   `help:"Put the key file into it, too: whoever has the file then has the credentials in it."`
}

func (b backupCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Backup(ctx, c, os.Stdout, b.File, stamp.Version(), b.WithKey)
}

type restoreCmd struct {
	File    string `arg:"" type:"existingfile" help:"File that 'vnfmd backup' made."`
	Replace bool   `help:"Keep what the folder has aside, in a folder in it, instead of refusing."`
}

func (r restoreCmd) Run(ctx context.Context, c *config.Config) error {
	return server.RestoreBackup(ctx, c, os.Stdout, r.File, r.Replace)
}

type restoredCmd struct {
	Only string `help:"Only this database was restored, of two (${enum})." enum:",main,vim" default:"" placeholder:"NAME"`
}

func (r restoredCmd) Run(ctx context.Context, c *config.Config) error {
	return server.Restored(ctx, c, os.Stdout, r.Only)
}

type simVimCmd struct{}

func (simVimCmd) Run(ctx context.Context, c *config.Config) error {
	return server.ServeSim(ctx, c, os.Stderr)
}

type simVnfCmd struct {
	User     string `help:"User name that callers show; empty: nothing is asked of them." placeholder:"NAME"`
	Password string `help:"Password that callers show." placeholder:"PASSWORD"`
}

func (v simVnfCmd) Run(ctx context.Context, c *config.Config) error {
	return server.ServeVnf(ctx, c, v.User, v.Password, os.Stderr)
}

type secretsCmd struct {
	Rotate rotateCmd `cmd:"" help:"Seal stored credentials again with the newest key of the key file. Run it again when it was broken off."`
}

type rotateCmd struct{}

func (rotateCmd) Run(ctx context.Context, c *config.Config) error {
	return server.RotateSecrets(ctx, c, os.Stdout)
}

type configCmd struct{}

func (configCmd) Run(c *config.Config) error {
	if err := config.Print(os.Stdout, c); err != nil {
		return err
	}
	return c.Validate()
}

type versionCmd struct{}

func (versionCmd) Run() error {
	_, err := fmt.Fprintf(os.Stdout, "vnfmd %s %s %s/%s\n", stamp.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
