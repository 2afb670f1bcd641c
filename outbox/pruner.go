package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// PrunerConfig says what may be deleted and when.
type PrunerConfig struct {
	Store interface {
		eventstore.Janitor
		Cursors
		Now(ctx context.Context) (time.Time, error)
		Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
	}
	Consumers       []string      // of this store's outbox, beside those that are registered; none at all: the outbox is kept
	Cursors         Cursors       // where theirs are; nil: in Store
	IdempotencyKeys time.Duration // how long idempotency keys are kept; 0 means 24 h
	Commits         time.Duration // how long commit ids are kept; 0 means one hour, a negative time for ever
	Every           time.Duration // 0 means ten seconds
	Logger          *slog.Logger  // nil: slog.Default
}

// Cursors is a store that consumers keep their positions in.
type Cursors interface {
	Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
}

// Pruner deletes messages behind all consumers, those of other programs too (Register), and idempotency keys and commit ids that are old enough.
type Pruner struct{ cfg PrunerConfig }

// NewPruner returns a pruner.
func NewPruner(cfg PrunerConfig) *Pruner {
	if cfg.IdempotencyKeys <= 0 {
		cfg.IdempotencyKeys = 24 * time.Hour
	}
	if cfg.Commits == 0 {
		cfg.Commits = time.Hour
	}
	if cfg.Cursors == nil {
		cfg.Cursors = cfg.Store
	}
	if cfg.Every <= 0 {
		cfg.Every = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Pruner{cfg: cfg}
}

// RunOnce prunes; it never reports more to do.
func (p *Pruner) RunOnce(ctx context.Context) (bool, error) {
	now, err := p.cfg.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the store's clock: %w", err)
	}
	prune := eventstore.Prune{IdempotencyBefore: now.Add(-p.cfg.IdempotencyKeys)}
	if p.cfg.Commits > 0 {
		prune.CommitsBefore = now.Add(-p.cfg.Commits)
	}
	if prune.Upto, err = p.lowest(ctx); err != nil {
		return false, err
	}
	if err := p.cfg.Store.Prune(ctx, prune); err != nil {
		return false, fmt.Errorf("prune: %w", err)
	}
	return false, nil
}

// lowest returns how far all consumers have come. Those of this program are read before the list of those that are registered: what
// is sent to one that registers later than that is sent behind what was read.
func (p *Pruner) lowest(ctx context.Context) (*[eventstore.Lanes]int64, error) {
	var low [eventstore.Lanes]int64
	known := 0
	bound := func(consumers []string) error {
		for _, c := range consumers {
			at, err := p.cfg.Cursors.Cursors(ctx, c)
			if err != nil {
				return fmt.Errorf("read the cursors of %s: %w", c, err)
			}
			for lane := range low {
				if known == 0 || at[lane].Offset < low[lane] {
					low[lane] = at[lane].Offset
				}
			}
			known++
		}
		return nil
	}
	if err := bound(p.cfg.Consumers); err != nil {
		return nil, err
	}
	registered, err := Registered(ctx, p.cfg.Store)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, r := range registered {
		if !slices.Contains(p.cfg.Consumers, r.Name) {
			others = append(others, r.Name)
		}
	}
	return &low, bound(others)
}

// Run prunes until the context ends, then returns nil.
func (p *Pruner) Run(ctx context.Context) error {
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := p.RunOnce(ctx); err != nil && ctx.Err() == nil {
			p.cfg.Logger.WarnContext(ctx, "nothing pruned", "error", err)
		}
	}
}
