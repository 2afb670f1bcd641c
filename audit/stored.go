package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
)

// away reports whether an error says that nothing can be read now; any other is about what was to be read.
func away(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, eventstore.ErrUnavailable)
}

// stored looks at what is stored: whether it can be read, whether the events are as they were written, and whether the views
// are what they amount to.
func (a *Auditor) stored(ctx context.Context, r *Report, all bool) error {
	if err := a.damage(ctx, r); err != nil {
		return err
	}
	if all {
		if err := a.chain(ctx, r); err != nil {
			return err
		}
	}
	for _, s := range a.cfg.Views {
		err := a.views(ctx, r, s, all)
		if err != nil && !away(ctx, err) {
			r.Unmade = append(r.Unmade, Unmade{ViewDiffers, s.Kind + ": " + err.Error()})
			continue
		}
		if err != nil {
			return fmt.Errorf("compare the views %s: %w", s.Kind, err)
		}
	}
	return nil
}

// damage looks through the databases.
func (a *Auditor) damage(ctx context.Context, r *Report) error {
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Databases)) {
		found, err := a.cfg.Databases[name].Check(ctx)
		if err != nil && !away(ctx, err) {
			found, err = []string{err.Error()}, nil
		}
		if err != nil {
			return fmt.Errorf("look for damage: %w", err)
		}
		for i, what := range found {
			r.Findings = append(r.Findings, Finding{
				Check: Damaged, Where: fmt.Sprintf("%s database, %d", name, i+1), What: what, Since: r.At,
				Do: "The disk or somebody else changed the database's files. Stop, keep them, and restore a backup.",
			})
		}
	}
	return nil
}

// views compares views of a source with their events: all, or the next ones.
func (a *Auditor) views(ctx context.Context, r *Report, s readmodel.Source, all bool) error {
	a.mu.Lock()
	after := a.viewed[s.Kind]
	a.mu.Unlock()
	if all {
		after = ""
	}
	for {
		diffs, last, err := readmodel.Look(ctx, a.cfg.Main, s, after, a.cfg.Some)
		if err != nil {
			return err //nolint:wrapcheck // by the caller
		}
		for _, d := range diffs {
			f := Finding{
				Check: ViewDiffers, Where: d.Kind + " " + d.ID, What: d.String(), Since: r.At,
				Do: "Somebody or something changed the database. Its events count: stop the program, then: vnfmd rebuild",
			}
			if d.Kind == readmodel.KindVnf {
				f.Vnf = d.ID
			}
			r.Findings = append(r.Findings, f)
		}
		if after = last; !all || last == "" {
			break
		}
	}
	if !all {
		a.mu.Lock()
		a.viewed[s.Kind] = after
		a.mu.Unlock()
	}
	return nil
}

// chain walks the events and the lanes of every database. It bears a log that grows, so one walk is enough.
func (a *Auditor) chain(ctx context.Context, r *Report) error {
	walk := func(name string, store eventstore.Reader) error {
		sum, err := eventstore.Verify(ctx, store, func(p eventstore.Problem) {
			where := fmt.Sprintf("lane %d offset %d", p.Lane, p.Offset)
			if p.Stream != "" {
				where = fmt.Sprintf("stream %s version %d", p.Stream, p.Version)
			}
			r.Findings = append(r.Findings, Finding{
				Check: Chain, Where: name + where, What: p.Detail, Since: r.At,
				Do: "Somebody or something changed the database. Stop, compare with a backup, and restore it; what follows this event cannot be trusted.",
			})
		})
		if err != nil && !away(ctx, err) {
			r.Unmade = append(r.Unmade, Unmade{Chain, name + err.Error()})
			err = nil
		}
		if err != nil {
			return fmt.Errorf("verify the events: %w", err)
		}
		r.Events += sum.Events
		r.Streams += sum.Streams
		return nil
	}
	if err := walk("", a.cfg.Main); err != nil {
		return err
	}
	for name, store := range a.cfg.Others {
		if err := walk(name+" database, ", store); err != nil {
			return err
		}
	}
	return nil
}
