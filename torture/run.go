package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/sol"
)

// The back-ends.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// runOne tortures one back-end. An error means that the run could not be made; what it found is in the report.
func runOne(ctx context.Context, o options, bin, dir, backend string, w io.Writer) (_ *report, err error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(uint64(o.seed), uint64(len(backend))))
	b := newBook()
	in := &injector{rng: rng, book: b, faults: map[string]int{}}
	var extra []string
	if backend == postgres {
		if in.cluster, err = dbtest.Start(true); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, in.cluster.Stop()) }()
		if in.database, _, err = in.cluster.Database(ctx); err != nil {
			return nil, err
		}
		extra = []string{"--database", in.database}
	}
	if in.d, err = newDaemon(bin, dir, rng, extra...); err != nil {
		return nil, err
	}
	in.caller = newCaller(in.d.url, rng, b)
	if err := in.d.start(); err != nil {
		return nil, err
	}
	defer func() {
		if in.d.running() {
			err = errors.Join(err, in.d.kill())
		}
	}()
	if err := in.d.ready(ctx, 30*time.Second); err != nil {
		return nil, err
	}
	if err := onboarded(ctx, &in.caller); err != nil {
		return nil, err
	}
	began := time.Now()
	_, _ = fmt.Fprintf(w, "%s: seed %d, %v minutes, %d clients\n", backend, o.seed, o.minutes, o.clients)
	if err := load(ctx, o, in); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	_, _ = fmt.Fprintf(w, "%s: no more faults; waiting for everything to end\n", backend)
	j := &judge{injector: in, backend: backend, began: time.Now()}
	if err := j.judge(ctx); err != nil {
		b.violation("the judgement could not be completed: %v", err)
	}
	return newReport(o, j, began), nil
}

// onboarded waits for the sample package.
func onboarded(ctx context.Context, c *caller) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return poll(ctx, 50*time.Millisecond, "the sample package", func() (bool, error) {
		var all []sol.VnfPkgInfo
		c.get(ctx, "/vnfpkgm/v2/vnf_packages", &all)
		return len(all) == 1 && all[0].OnboardingState == "ONBOARDED", nil
	})
}

// load has clients work and faults happen, for the time of the options, and returns when the clients have seen what they
// began through.
func load(ctx context.Context, o options, in *injector) error {
	limit := time.Duration(o.minutes * float64(time.Minute))
	finish, cancel := context.WithTimeout(ctx, limit+time.Minute)
	defer cancel()
	working, done := context.WithTimeout(ctx, limit)
	defer done()
	var clients sync.WaitGroup
	for i := range o.clients {
		c := client{
			caller: newCaller(in.d.url, rand.New(rand.NewPCG(uint64(o.seed), uint64(i)+100)), in.book),
			name:   fmt.Sprintf("c%d", i), finish: finish,
		}
		clients.Go(func() { c.run(working) })
	}
	err := in.run(working)
	done()
	clients.Wait()
	return err
}
