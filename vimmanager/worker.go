package vimmanager

import (
	"context"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
)

// NewWorker returns the worker that drives due rows, each connection's within its own room. One step of a row is at most one
// call to its VIM, or a look and a call, between two commits.
func NewWorker(cfg Config) *ledger.Worker {
	cfg = cfg.withDefaults()
	room, looks := ledger.Places(cfg.PerConnection), (func(context.Context, time.Time) error)(nil)
	if cfg.Gates != nil {
		room, looks = cfg.Gates.Room, cfg.Gates.Look
	}
	return ledger.NewWorker(ledger.Config{
		Store: cfg.Store, Doer: cfg.Doer, Ends: cfg.Ends, Epochs: cfg.Epochs, Logger: cfg.Logger, Idle: cfg.Idle,
		Tables: []string{eventstore.TableVimResources, eventstore.TableVimCommands},
		Step:   cfg.step, Over: over, Room: room, Looks: looks, Groups: cfg.Registry.IDs, Wrote: cfg.wrote,
		Needed: cfg.Needed, Again: cfg.Again, Removed: cfg.Removed, Stands: func(rec *eventstore.Record) bool { return rec.State == FenceState },
	})
}

// over reports whether a due row was kept for the retention time, and has nobody to tell anything.
func over(rec *eventstore.Record) bool {
	switch rec.State {
	case CommandDone, FenceState:
		return true
	case Failed, Released:
		r, err := ledger.Decode[resource](*rec)
		return err == nil && len(r.Doc.Cancelled) == 0
	}
	return false
}
