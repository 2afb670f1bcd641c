// Command vnfm is the command line of the VNF manager: it speaks to a running vnfmd.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	args, err := arguments()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vnfm:", err)
		os.Exit(exitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// argumentsVariable brings the command line to this program started anew.
const argumentsVariable = "VNFM_ARGUMENTS"

// arguments returns the command line without the program's name. Where it has secrets, the program is started anew with it in the
// environment: everybody on a machine can read the arguments of a process, nobody but its user the environment. The process is the
// same, and what the list of processes shows of it has *** in place of the secrets.
func arguments() ([]string, error) {
	if text, ok := os.LookupEnv(argumentsVariable); ok {
		_ = os.Unsetenv(argumentsVariable) // it is there
		var args []string
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			return nil, fmt.Errorf("%s is set from outside: %w", argumentsVariable, err)
		}
		return args, nil
	}
	shown, err := masked(os.Args)
	if err != nil || slices.Equal(shown, os.Args) {
		return os.Args[1:], err
	}
	all, _ := json.Marshal(os.Args[1:]) // strings
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, shown, append(os.Environ(), argumentsVariable+"="+string(all))) //nolint:gosec // this program
	}
	return nil, fmt.Errorf("secrets cannot be taken off the command line, give them in a file or the environment: %w", err)
}

// masked returns a command line with *** in place of the values of secret flags.
func masked(args []string) ([]string, error) {
	k, err := kong.New(&cli{}, kong.Name("vnfm"))
	if err != nil {
		return nil, fmt.Errorf("read the grammar: %w", err)
	}
	secret := map[string]bool{}
	_ = kong.Visit(k.Model, func(n kong.Visitable, next kong.Next) error { // the function given never fails
		if f, ok := n.(*kong.Flag); ok && f.Tag.Has("secret") {
			secret["--"+f.Name] = true
		}
		return next(nil)
	})
	out := slices.Clone(args)
	for i := 0; i < len(out) && out[i] != "--"; i++ { // behind it there are no flags
		name, _, given := strings.Cut(out[i], "=")
		switch {
		case !secret[name]:
		case given:
			out[i] = name + "=***"
		case i+1 < len(out):
			i++
			out[i] = "***"
		}
	}
	return out, nil
}
