package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"
)

// client is the clients of a load: in a process of its own, so that their processor time is not counted as the program's.
type client struct {
	URL, VNFD, Flavour string
	Clients            int
}

// clientFlags are how the process of the clients is started.
func clientFlags() *client {
	c := &client{}
	flag.StringVar(&c.URL, "client", "", "used by this command itself: be the clients of the program at this address")
	flag.StringVar(&c.VNFD, "vnfd", "", "with -client: the descriptor's id")
	flag.StringVar(&c.Flavour, "flavour", "", "with -client")
	flag.IntVar(&c.Clients, "clients", 1, "with -client")
	return c
}

// elsewhere runs the load in a process of its own and returns how long each instantiate took, in order of length.
func (c client) elsewhere(ctx context.Context, d time.Duration) ([]time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-client", c.URL, "-vnfd", c.VNFD, "-flavour", c.Flavour, "-clients", strconv.Itoa(c.Clients), "-for", d.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the clients: %w", err)
	}
	var took []time.Duration
	err = json.NewDecoder(bytes.NewReader(out)).Decode(&took)
	return took, err
}

// run has clients create and instantiate, one VNF after the other, and prints how long each took.
func (c client) run(ctx context.Context, d time.Duration) error {
	l := &load{url: c.URL, vnfd: c.VNFD, flavour: c.Flavour, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Clients}}}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	until, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	for range c.Clients {
		wg.Go(func() {
			for until.Err() == nil {
				one, err := l.one(ctx)
				mu.Lock()
				took, failed = append(took, one), errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return errors.Join(failed, json.NewEncoder(os.Stdout).Encode(took))
}
