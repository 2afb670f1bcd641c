package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// uiCmd opens the console.
type uiCmd struct {
	Vnf   string `arg:"" optional:"" help:"The page of this VNF: id or name."`
	Print bool   `help:"Only print the address."`
}

func (c *uiCmd) Run(s *session) error {
	at := strings.TrimSuffix(s.server, "/") + "/ui/"
	if c.Vnf != "" {
		id, err := s.vnfID(c.Vnf)
		if err != nil {
			return err
		}
		at += "vnfs/" + id
	}
	if _, err := fmt.Fprintln(s.out, at); err != nil || c.Print {
		return err //nolint:wrapcheck // of standard output
	}
	name, args := opener(runtime.GOOS)
	if err := exec.CommandContext(s.ctx, name, append(args, at)...).Run(); err != nil { //nolint:gosec // our own words and the server's address
		return fmt.Errorf("no browser could be opened (%s: %w): open the address yourself", name, err)
	}
	return nil
}

// opener is the program that opens an address in the user's browser.
func opener(system string) (name string, args []string) {
	switch system {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	return "xdg-open", nil
}
