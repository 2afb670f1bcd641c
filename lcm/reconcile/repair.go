package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// policy is what a round knows of the repairs at a connection.
type policy struct {
	*Reconciler
	at   site
	now  time.Time
	rows map[string]*ledger.Row[repairs] // by VNF
	free int                             // how many more may be repaired at once
	ill  bool                            // the VIM is suspect: nothing is repaired by it, whatever a VNF lacks
}

// policy reads the repairs at a connection. Those whose VNF is gone are forgotten.
func (r *Reconciler) policy(ctx context.Context, at site, now time.Time) (*policy, error) {
	p := &policy{Reconciler: r, at: at, now: now, rows: map[string]*ledger.Row[repairs]{}, free: r.cfg.Settings.Repairs}
	for _, state := range []string{stateRepairing, stateWaiting, stateGivenUp} {
		q := eventstore.RecordQuery{Table: eventstore.TableReconcile, Group: at.ID, State: state}
		err := ledger.Each(ctx, r.cfg.Store, q, func(rec eventstore.Record) error {
			if rec.ID != vnfRef(at, rec.Key).ID {
				return nil // of another connection with the same id
			}
			row, err := ledger.Decode[repairs](rec)
			p.rows[rec.Key] = row
			return err //nolint:wrapcheck // says what it was about
		})
		if err != nil {
			return nil, err //nolint:wrapcheck // says what it was about
		}
	}
	return p, p.look(ctx)
}

// look counts the repairs under way. One that has failed and waits for a person takes no place.
func (p *policy) look(ctx context.Context) error {
	var vnfs, ops eventstore.Load
	for _, id := range slices.Sorted(maps.Keys(p.rows)) {
		vnfs.Views = append(vnfs.Views, eventstore.ViewRef{Kind: readmodel.KindVnf, ID: id})
	}
	loaded, err := p.views(ctx, vnfs)
	if err != nil {
		return err
	}
	for _, ref := range vnfs.Views {
		row, view := p.rows[ref.ID], loaded[ref]
		if view == nil {
			if err := p.remove(ctx, row.Record); err != nil {
				return err
			}
			delete(p.rows, ref.ID)
			continue
		}
		var v struct {
			Operation string `json:"operation"`
		}
		if err := json.Unmarshal(view.Doc, &v); err != nil {
			return fmt.Errorf("decode the view of VNF %s: %w", ref.ID, err)
		}
		if row.State == stateRepairing && v.Operation != "" {
			ops.Views = append(ops.Views, eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: v.Operation})
		}
	}
	if loaded, err = p.views(ctx, ops); err != nil {
		return err
	}
	for _, ref := range ops.Views {
		if view := loaded[ref]; view == nil || view.State != string(vnf.FailedTemp) {
			p.free--
		}
	}
	return nil
}

func (p *policy) views(ctx context.Context, l eventstore.Load) (map[eventstore.ViewRef]*eventstore.View, error) {
	if len(l.Views) == 0 {
		return nil, nil
	}
	loaded, err := p.cfg.Store.Load(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("read the VNFs under repair: %w", err)
	}
	return loaded.Views, nil
}

func (p *policy) givenUp() (n int) {
	for _, row := range p.rows {
		if row.State == stateGivenUp {
			n++
		}
	}
	return n
}

func (p *policy) gaveUp(vnfID string) bool {
	row := p.rows[vnfID]
	return row != nil && row.State == stateGivenUp
}

// of brings what is known of a VNF's repairs up to what was found, and says whether one is to be begun.
func (p *policy) of(ctx context.Context, j *judged) (repair bool, err error) {
	row, id := p.rows[j.vnf.ID], j.vnf.ID
	if j.noted.Sum() == 0 {
		switch {
		case row == nil:
			return false, nil
		case row.Doc.Quiet.IsZero():
			return false, p.change(ctx, id, func(r *ledger.Row[repairs]) {
				r.Doc.Quiet = p.now
				if r.State == stateRepairing {
					r.State = stateWaiting
				}
			})
		case p.now.Sub(row.Doc.Quiet) >= p.cfg.Settings.Quiet:
			delete(p.rows, id)
			return false, p.remove(ctx, row.Record)
		}
		return false, nil
	}
	if row != nil && !row.Doc.Quiet.IsZero() {
		if err := p.change(ctx, id, func(r *ledger.Row[repairs]) { r.Doc.Quiet = time.Time{} }); err != nil {
			return false, err
		}
		row = p.rows[id]
	}
	wanted, known := j.vnf.AutoHeal()
	if !known {
		wanted = p.cfg.Settings.Repair
	}
	if j.vnf.State != vnf.Instantiated || p.ill || j.vnf.Drift != nil && p.elsewhere(j.vnf.Drift) || !p.repairable(j) {
		return false, nil
	}
	switch {
	case !wanted, row != nil && row.State == stateGivenUp, row != nil && p.now.Before(row.Doc.Next):
		return false, nil
	case row != nil && row.Doc.Attempts >= p.cfg.Settings.Attempts:
		p.cfg.Logger.WarnContext(ctx, "automatic repair given up", "vim_id", p.at.ID, "vnf_id", id, "attempts", row.Doc.Attempts)
		return false, p.change(ctx, id, func(r *ledger.Row[repairs]) { r.State = stateGivenUp })
	}
	return p.free > 0, nil
}

// elsewhere reports whether another VIM of a VNF is suspect: a repair would look at it, too.
func (p *policy) elsewhere(d *vnf.Drift) bool {
	for connection, at := range d.At {
		if connection != p.at.ID && at.Suspect {
			return true
		}
	}
	return false
}

// repairable reports whether a repair would do anything about what differs.
func (p *policy) repairable(j *judged) bool {
	for i := range j.found.Report.Differences {
		if j.found.Report.Differences[i].Kept == "" {
			return true
		}
	}
	return false
}

// repair begins a repair of a VNF. That it was tried is written before it is tried: whatever dies, it is not tried more often than it may.
func (p *policy) repair(ctx context.Context, j *judged) error {
	p.free--
	id := j.vnf.ID
	err := p.change(ctx, id, func(r *ledger.Row[repairs]) {
		r.Doc.Next = p.now.Add(p.cfg.Settings.Backoff << min(r.Doc.Attempts, 10))
		r.Doc.Attempts++
		r.Doc.Quiet = time.Time{}
		r.State = stateRepairing
	})
	if err != nil {
		return err
	}
	op, err := p.cfg.UseCases.RepairDrift(ctx, id, j.few)
	switch {
	case vnfm.KindOf(err) == vnfm.Unavailable: // it was not tried: a VIM cannot tell, or there is no room
		return p.change(ctx, id, func(r *ledger.Row[repairs]) {
			r.Doc.Attempts--
			r.State = stateWaiting
		})
	case err != nil:
		p.cfg.Logger.WarnContext(ctx, "automatic repair not begun", "vim_id", p.at.ID, "vnf_id", id, "error", err)
		return p.change(ctx, id, func(r *ledger.Row[repairs]) { r.State = stateWaiting })
	}
	p.cfg.Logger.InfoContext(ctx, "automatic repair begun", "vim_id", p.at.ID, "vnf_id", id, "op_occ_id", op)
	return nil
}

// change writes what is known of a VNF's repairs.
func (p *policy) change(ctx context.Context, vnfID string, f func(*ledger.Row[repairs])) error {
	ref := vnfRef(p.at, vnfID)
	b, err := ledger.Do(ctx, p.cfg.Doer, []string{vnfID}, []eventstore.RecordRef{ref}, func(b *ledger.Book) error {
		row, err := ledger.Get[repairs](b, ref)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if row == nil {
			row = ledger.Add[repairs](b, ref, vnfID, p.at.ID)
		}
		f(row)
		row.Touch()
		return nil
	})
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	for _, w := range b.Commit.Records {
		w.Version = w.Expected + 1
		row, err := ledger.Decode[repairs](w.Record)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		p.rows[vnfID] = row
	}
	return nil
}
