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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("vnfmd"), kong.UsageOnError(), kong.DefaultEnvars(config.EnvPrefix),
		kong.Description("VNF manager: onboards VNF packages and runs the life cycle of VNF instances (ETSI SOL003)."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&c.Config))
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "vnfmd:", err)
		os.Exit(1)
	}
}
