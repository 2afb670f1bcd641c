package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Until is when a row that is kept for a while may go; a negative while has no end.
func Until(now time.Time, keep time.Duration) time.Time {
	if keep < 0 {
		return time.Time{}
	}
	return now.Add(keep)
}

// forget removes rows that were kept for long enough; those that are needed, or that somebody wants after all, are left.
func (w *Worker) forget(ctx context.Context, rows []eventstore.Record) error {
	if len(rows) == 0 {
		return nil
	}
	var remove, stay []eventstore.Record
	needed := map[string]bool{}
	for _, rec := range rows {
		if _, asked := needed[rec.Key]; !asked {
			is, err := w.cfg.Needed(ctx, rec.Key)
			if err != nil { // who knows is away; that keeps nothing else from being done
				w.cfg.Logger.WarnContext(ctx, "not known whether old rows are needed", "table", rec.Table, "vnf_id", rec.Key, "error", err)
			}
			needed[rec.Key] = is || err != nil
		}
		is := needed[rec.Key]
		if !is && w.cfg.Stands(&rec) {
			var err error
			if is, err = w.others(ctx, &rec); err != nil {
				return err
			}
		}
		if is {
			stay = append(stay, rec)
		} else {
			remove = append(remove, rec)
		}
	}
	if len(stay) > 0 {
		if err := change(ctx, w.cfg.Doer, stay, func(rec *eventstore.Record, now time.Time) bool {
			rec.Due = now.Add(w.cfg.Again)
			return false
		}); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	if err := Remove(ctx, w.cfg.Doer, remove); err != nil {
		return err
	}
	n := map[string]int{}
	for _, rec := range remove {
		n[rec.Table]++
	}
	for table, n := range n {
		w.cfg.Removed(table, n)
	}
	return nil
}

// others reports whether there are rows of a row's key beside it and its like.
func (w *Worker) others(ctx context.Context, rec *eventstore.Record) (bool, error) {
	for _, table := range w.cfg.Tables {
		rows, err := w.cfg.Store.Records(ctx, eventstore.RecordQuery{Table: table, Key: rec.Key, Limit: 2, Heads: true})
		if err != nil {
			return false, fmt.Errorf("read the rows of %s: %w", rec.Key, err)
		}
		for i := range rows {
			if !w.cfg.Stands(&rows[i]) {
				return true, nil
			}
		}
	}
	return false, nil
}

// Remove deletes rows as they were read, in one commit; those that were changed meanwhile are left.
func Remove(ctx context.Context, doer eventstore.Doer, rows []eventstore.Record) error {
	return change(ctx, doer, rows, func(*eventstore.Record, time.Time) bool { return true })
}

// change changes or deletes rows as they were read, in one commit; those that were changed meanwhile are left.
func change(ctx context.Context, doer eventstore.Doer, rows []eventstore.Record, f func(rec *eventstore.Record, now time.Time) (remove bool)) error {
	_, err := doer.Do(ctx, &eventstore.Work{
		Keys: []string{rows[0].Key},
		Load: func() eventstore.Load {
			var l eventstore.Load
			for i := range rows {
				l.Records = append(l.Records, refOf(&rows[i]))
			}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			for i := range rows {
				if now := l.Records[refOf(&rows[i])]; now != nil && now.Version == rows[i].Version {
					w := eventstore.RecordWrite{Record: *now, Expected: now.Version}
					w.Delete = f(&w.Record, l.Now)
					c.Records = append(c.Records, w)
				}
			}
			return c, nil
		},
	})
	if errors.Is(err, eventstore.ErrVersion) { // the next look finds them again
		return nil
	}
	return err //nolint:wrapcheck // says what it was about
}
