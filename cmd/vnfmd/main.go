// Command vnfmd is the VNF manager's server.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/config"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // the heap is small and short-lived: collecting it less often costs a few MiB
	}
	if err := hideSecrets(); err != nil {
		fmt.Fprintln(os.Stderr, "vnfmd:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	_, k, err := parse(kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		fmt.Fprintf(os.Stderr, "vnfmd: %v\nTry: vnfmd --help\n", err)
		os.Exit(exitUsage)
	}
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "vnfmd:", err)
		os.Exit(1)
	}
}

// exitUsage is the exit code for a command line, a settings file or an environment that cannot be understood.
const exitUsage = 2

// parse reads the command line, the settings file and the environment.
func parse(options ...kong.Option) (*cli, *kong.Context, error) {
	var c cli
	parser, err := kong.New(&c, append(options, kong.Name("vnfmd"), kong.DefaultEnvars(config.EnvPrefix),
		kong.Description("VNF manager: onboards VNF packages and runs the life cycle of VNF instances (ETSI SOL003)."), kong.Bind(&c.Config))...)
	if err != nil {
		return nil, nil, err
	}
	k, err := parser.Parse(os.Args[1:])
	return &c, k, err
}

// hideSecrets starts this program anew with the secrets of its command line in the environment, when there are any: the
// process is the same, and the list of processes has no secrets.
func hideSecrets() error {
	args, env, err := config.SecretsToEnvironment(os.Args, os.Environ())
	if err != nil || len(args) == len(os.Args) {
		return err
	}
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, args, env)
	}
	return fmt.Errorf("secrets cannot be taken off the command line, give them in a file or the environment: %w", err)
}
