package vimmanager

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager/gate"
)

// Store is what the VIM manager reads beside what it changes.
type Store interface {
	ledger.Store
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
}

// Config describes a VIM manager: its Intake, its Worker and its Sweeper share one.
type Config struct {
	Store    Store
	Doer     eventstore.Doer
	Ends     eventstore.Doer // see ledger.Config; nil: Doer
	Registry vim.Registry
	Drivers  map[string]vim.Driver // by vimType
	Epochs   ledger.Epochs         // whose lanes to work on; nil: all
	Logger   *slog.Logger          // nil: slog.Default

	// Attempt bounds one call to a VIM, or a look and the call after it, when the command says nothing; 0 means 20 s.
	Attempt time.Duration
	// Look is how soon an unresolved intent is looked up by Find; 0 means 2 s.
	Look time.Duration
	// Quarantine is how long after its deadline a call may still have its effect; 0 means 5 s.
	Quarantine time.Duration
	// Build bounds the time from a Start's answer to Ready, the time in which a change stands, the grace of a stop not counted,
	// and the time for which a VIM that cannot be asked, or does not delete, keeps anybody waiting; 0 means 10 min.
	Build time.Duration
	// PollFirst and PollMax pace the looks at what is being built, changed or released: PollFirst, half as much more each
	// time, at most PollMax; 0 means 500 ms and 10 s.
	PollFirst, PollMax time.Duration
	// Retention is how long answered commands and tombstones are kept, and after these what the highest operation of a VNF was; 0 means
	// 7 days, a negative one for ever.
	Retention time.Duration
	// Needed, Again and Removed are those of ledger.Config: commands about rows of a key may still come; rows were removed for their age.
	Needed  func(ctx context.Context, key string) (bool, error)
	Again   time.Duration
	Removed func(table string, n int)
	// Idle is the longest the worker waits before it looks for work; 0 means 1 s.
	Idle time.Duration
	// PerConnection bounds the calls under way at one VIM where there are no Gates, and looks at one VIM; 0 means 16.
	PerConnection int
	// Gates holds the calls to each VIM within the limits of its connection; nil: nobody does.
	Gates *gate.Gates
	// Sweep is the time between two sweeps; 0 means one minute.
	Sweep time.Duration
	// Page is how many resources a VIM is asked for at once, where it can be asked for fewer than it likes to give; 0 means 1000.
	Page int

	// Open opens what is sealed in a specification of a VNF's resource, right before it is given to a driver, and returns the
	// secrets in it, too, which are kept out of what the driver says; nil: nothing is sealed.
	Open func(ctx context.Context, vnfID string, document json.RawMessage) (plain json.RawMessage, secrets []string, err error)
	// Tap returns how many copies of a worker's reply are sent; nil means one. A simulated VIM's misbehaviour.
	Tap func(connection string, kind vim.Kind, op string) int
	// Context puts the trace context of the command a call is made for into the call's context; nil: calls have none.
	Context func(ctx context.Context, traceparent string) context.Context
	// Wanted returns which resources of each of some VNFs the records know. The sweep takes one that has no ledger row back into the
	// ledger instead of releasing it, and releases what only the ledger knows. nil: the records know none, and what the
	// ledger has as ACTIVE is not questioned.
	Wanted func(ctx context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error)
	// Gone is told of a resource that the ledger has and its VIM has not; nil means that it is only logged.
	Gone func(connection string, r vim.Resource)
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&c.Attempt, 20*time.Second)
	set(&c.Look, 2*time.Second)
	set(&c.Quarantine, 5*time.Second)
	set(&c.Build, 10*time.Minute)
	set(&c.PollFirst, 500*time.Millisecond)
	set(&c.PollMax, 10*time.Second)
	if c.Retention == 0 {
		c.Retention = 7 * 24 * time.Hour
	}
	set(&c.Idle, time.Second)
	set(&c.Sweep, time.Minute)
	if c.PerConnection <= 0 {
		c.PerConnection = 16
	}
	if c.Page <= 0 {
		c.Page = 1000
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Context == nil {
		c.Context = func(ctx context.Context, _ string) context.Context { return ctx }
	}
	return c
}

// lanes returns the lanes to work on.
func (c Config) lanes() []int { return eventstore.Held(c.Epochs) }

// vim returns the connection that a VNF means by an id, and its driver.
func (c Config) vim(ctx context.Context, vnfID, id string) (vim.Connection, vim.Driver, error) {
	conn, err := c.Registry.Connection(ctx, vnfID, id)
	if err != nil {
		return conn, nil, err
	}
	d := c.Drivers[conn.Type]
	if d == nil {
		return conn, nil, vnfm.Errorf(vnfm.Unprocessable, "VIM connection %s has type %s, for which there is no driver", id, conn.Type)
	}
	return conn, d, nil
}

// pace returns the wait before the next look.
func (c Config) pace(tries int) time.Duration {
	d := c.PollFirst
	for range tries {
		if d += d / 2; d >= c.PollMax {
			return c.PollMax
		}
	}
	return d
}
