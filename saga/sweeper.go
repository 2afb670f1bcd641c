package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// SweeperConfig says which sagas may go, and when.
type SweeperConfig struct {
	Store interface {
		Sagas(ctx context.Context, q eventstore.SagaQuery) ([]eventstore.SagaRow, error)
		Now(ctx context.Context) (time.Time, error)
	}
	Doer   eventstore.Doer
	Epochs interface { // whose lanes to sweep
		Epoch(lane int) (epoch int64, held bool)
	}
	Keep time.Duration // how long a saga is kept after it ended
	// Consumers are those that may have parked messages for sagas. A saga of such a key stays.
	Consumers []string
	// Along adds to the commit what goes with a saga; nil: nothing does.
	Along func(row *eventstore.SagaRow, c *eventstore.Commit)
	// Swept is told how many went; nil: nobody is.
	Swept  func(n int)
	Every  time.Duration // how often Run looks when there was nothing; 0 means one minute
	Logger *slog.Logger  // nil: slog.Default
}

// Sweeper deletes sagas that ended long enough ago, one in a commit, in the lanes of this process. A saga whose commands were not
// all answered stays: a success that comes late must be released, and only the saga knows how. It is looked at again when it would
// have been old enough once more.
type Sweeper struct{ cfg SweeperConfig }

// NewSweeper returns a sweeper.
func NewSweeper(cfg SweeperConfig) *Sweeper {
	if cfg.Every <= 0 {
		cfg.Every = time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Swept == nil {
		cfg.Swept = func(int) {}
	}
	if cfg.Along == nil {
		cfg.Along = func(*eventstore.SagaRow, *eventstore.Commit) {}
	}
	return &Sweeper{cfg: cfg}
}

// swept is how many sagas are looked at in one go.
const swept = 64

// Run sweeps until the context ends, then returns nil. While there is much to sweep it takes pauses, so that the work of operations
// goes first.
func (s *Sweeper) Run(ctx context.Context) error {
	wait := s.cfg.Every
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		more, err := s.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.WarnContext(ctx, "ended sagas not swept", "error", err)
		}
		if wait = s.cfg.Every; more && err == nil {
			wait = s.cfg.Every / 100
		}
	}
}

// RunOnce sweeps some of the sagas that are old enough, the oldest first, and reports whether there were any.
func (s *Sweeper) RunOnce(ctx context.Context) (bool, error) {
	lanes := eventstore.Held(s.cfg.Epochs)
	if len(lanes) == 0 {
		return false, nil
	}
	now, err := s.cfg.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the store's clock: %w", err)
	}
	rows, err := s.cfg.Store.Sagas(ctx, eventstore.SagaQuery{Lanes: lanes, EndedBy: now.Add(-s.cfg.Keep), Limit: swept})
	if err != nil {
		return false, fmt.Errorf("list ended sagas: %w", err)
	}
	for i := range rows {
		if err := s.sweep(ctx, &rows[i]); err != nil && !errors.Is(err, eventstore.ErrVersion) {
			return true, fmt.Errorf("sweep saga %s: %w", rows[i].ID, err)
		}
	}
	return len(rows) > 0, nil
}

// sweep deletes a saga, unless it must stay.
func (s *Sweeper) sweep(ctx context.Context, row *eventstore.SagaRow) error {
	load := eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: row.ID}}}
	for _, c := range s.cfg.Consumers {
		load.ParkedKeys = append(load.ParkedKeys, c+"/"+row.Key)
	}
	gone, needed := false, false
	_, err := s.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{row.Key},
		Load: func() eventstore.Load { return load },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			now := l.Sagas[row.ID]
			if gone, needed = false, false; now == nil || now.Version != row.Version {
				return nil, nil // it was swept, or heard of something late
			}
			c := &eventstore.Commit{}
			if len(l.Parked) > 0 || !settled(now) {
				needed = true
				stays := *now
				stays.Expected, stays.Ended, stays.Plan, stays.Items = now.Version, true, nil, nil
				c.Sagas = append(c.Sagas, stays)
				return c, nil
			}
			gone = true
			c.Sagas = append(c.Sagas, eventstore.SagaRow{ID: now.ID, Expected: now.Version, Delete: true})
			s.cfg.Along(now, c)
			return c, nil
		},
	})
	if err == nil && needed {
		s.cfg.Logger.InfoContext(ctx, "ended saga stays: a command of it was not answered, or messages of its VNF are parked", "saga", row.ID, "vnf_id", row.Key)
	}
	if err == nil && gone {
		s.cfg.Swept(1)
	}
	return err //nolint:wrapcheck // the caller says what it was about
}

// settled reports whether a saga has ended and every command that it ever sent was answered. One that cannot be read is not.
func settled(row *eventstore.SagaRow) bool {
	in, err := Decode(row)
	if err != nil || !in.State.Final() {
		return false
	}
	for _, r := range in.Items {
		if len(r.Open) > 0 {
			return false
		}
	}
	return true
}
