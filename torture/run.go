package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// The back-ends.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
	polling  = "kafka-polling" // PostgreSQL, and Kafka to which the relays publish
	cdc      = "kafka-cdc"     // the same, and Kafka Connect publishes
)

// runOne tortures one back-end. An error means that the run could not be made; what it found is in the report.
func runOne(ctx context.Context, o options, bin, dir, backend string, w io.Writer) (_ *report, err error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(uint64(o.seed), uint64(len(backend))))
	in := &injector{rng: rng, book: newBook(), faults: map[string]int{}}
	defer func() { err = errors.Join(err, in.close()) }()
	if err := in.set(ctx, bin, dir, backend); err != nil {
		return nil, err
	}
	began := time.Now()
	in.lookAfter(ctx)
	if err := in.captured(ctx); err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(w, "%s: seed %d, %v minutes, %d clients, nodes: %d\n", backend, o.seed, o.minutes, o.clients, len(in.nodes))
	if err := load(ctx, o, in); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	_, _ = fmt.Fprintf(w, "%s: no more faults; waiting for everything to end\n", backend)
	j := &judge{injector: in, backend: backend, dir: dir, began: time.Now()}
	if err := j.judge(ctx); err != nil {
		in.book.violation("the judgement could not be completed: %v", err)
	}
	return newReport(o, j, began), nil
}

// set starts what is tortured: the database on a disk of its own, the simulated VIMs, one node on SQLite, three on
// PostgreSQL with a network of its own each, and the sample package in them. On Kafka two processes more are the VIM managers.
func (in *injector) set(ctx context.Context, bin, dir, backend string) (err error) {
	data := dir
	if in.disk, err = newDisk(ctx, dir); err != nil {
		in.notes = append(in.notes, fmt.Sprintf("the disk was never full: a small one cannot be made here: %v", err))
	} else {
		data = in.disk.dir
	}
	if in.vim, err = newDaemon("vim", bin, dir, filepath.Join(dir, "vim"), "sim-vim", in.rng); err != nil {
		return err
	}
	args := append([]string{"--vim-sim-url", in.vim.url}, settings...)
	nodes := 1
	switch backend {
	case postgres:
		if in.cluster, err = dbtest.StartOn(filepath.Join(data, "postgres"), true); err != nil {
			return err
		}
		if in.database, _, err = in.cluster.Database(ctx); err != nil {
			return err
		}
	case polling, cdc:
		more, err := in.setKafka(ctx, dir, data, backend)
		if err != nil {
			return err
		}
		args = append(args, more...)
	}
	if in.cluster != nil {
		key := filepath.Join(dir, "secret.key")
		if err := os.WriteFile(key, []byte(secret.NewKey()+"\n"), 0o600); err != nil {
			return err
		}
		args = append(args, "--secret-key-file", key)
		nodes = 3
	}
	var urls []string
	for n := range nodes {
		own := slices.Clone(args)
		if in.lab != nil {
			own = append(own, "--roles", "api,orchestrator,relay,projector,notifier,nfvo-manager")
		}
		d, err := in.process(fmt.Sprintf("vnfmd-%d", n+1), bin, dir, data, "dev -v", own)
		if err != nil {
			return err
		}
		urls = append(urls, d.url)
	}
	if in.lab != nil {
		for n := range managers {
			if _, err := in.process(fmt.Sprintf("vim-manager-%d", n+1), bin, dir, data, "serve", append(slices.Clone(args), "--roles", "vim-manager")); err != nil {
				return err
			}
		}
	}
	in.vimCaller = newCaller([]string{in.vim.url}, in.rng, in.book)
	in.caller = newCaller(urls, in.rng, in.book)
	for i, d := range append([]*daemon{in.vim}, in.nodes...) {
		if err := d.start(); err != nil {
			return err
		}
		if err := d.answers(ctx, "/healthz", 30*time.Second); err != nil {
			return err
		}
		if i == 1 { // the first node onboards it; the others find it
			first := newCaller(urls[:1], in.rng, in.book)
			if err := onboarded(ctx, &first); err != nil {
				return err
			}
			if err := onboard(ctx, &first); err != nil {
				return err
			}
		}
	}
	return nil
}

// process prepares a process that has a network of its own to its databases.
func (in *injector) process(name, bin, dir, data, command string, args []string) (*daemon, error) {
	if in.cluster != nil {
		network, address, err := tcp(in.database)
		if err != nil {
			return nil, err
		}
		p, err := newProxy("127.0.0.1:0", network, address)
		if err != nil {
			return nil, err
		}
		in.networks = append(in.networks, p)
		for setting, database := range map[string]string{"--database": in.database, "--vim-database": in.vimDatabase} {
			if database == "" {
				continue
			}
			u, err := url.Parse(database)
			if err != nil {
				return nil, err
			}
			q := u.Query()
			q.Del("host")
			u.Host, u.RawQuery = p.addr(), q.Encode()
			args = append(args, setting, u.String())
		}
	}
	d, err := newDaemon(name, bin, dir, filepath.Join(data, name), command, in.rng, args...)
	if err != nil {
		return nil, err
	}
	in.nodes = append(in.nodes, d)
	return d, nil
}

// close ends what runs and gives the disk back.
func (in *injector) close() error {
	var errs []error
	for _, d := range append(in.nodes, in.vim) {
		if d != nil && d.started() && d.running() {
			errs = append(errs, d.kill())
		}
	}
	for _, p := range in.networks {
		errs = append(errs, p.close())
	}
	if in.lab != nil {
		errs = append(errs, in.lab.close())
	}
	if in.cluster != nil {
		errs = append(errs, in.cluster.Stop())
	}
	if in.disk != nil {
		errs = append(errs, in.disk.close())
	}
	return errors.Join(errs...)
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
			caller: newCaller(in.caller.urls, rand.New(rand.NewPCG(uint64(o.seed), uint64(i)+100)), in.book),
			name:   fmt.Sprintf("c%d", i), finish: finish,
		}
		clients.Go(func() { c.run(working) })
	}
	err := in.run(working)
	done()
	clients.Wait()
	return err
}
