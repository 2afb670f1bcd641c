package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// The states of rows: of connections, whose Due is when the next round is, and of VNFs that the policy repairs.
const (
	stateVim       = "VIM"
	stateRepairing = "REPAIRING"
	stateWaiting   = "WAITING"
	stateGivenUp   = "GIVEN_UP"
)

// Status is what came of the last round of a VIM connection.
type Status struct {
	Connection string        `json:"vimConnectionId"`
	Type       string        `json:"vimType"`
	Rounds     int64         `json:"rounds"`          // that were made
	At         time.Time     `json:"at"`              // when it was begun
	Took       time.Duration `json:"took"`            // ns
	Err        string        `json:"error,omitempty"` // why the VIM could not tell; what is below is of the last round in which it could
	Vnfs       int           `json:"vnfs"`            // that were compared
	Busy       int           `json:"busy"`            // that were not: operations were under way, or they changed meanwhile
	Recorded   int           `json:"recorded"`        // resources of the VNFs that were compared
	Drifted    int           `json:"drifted"`         // VNFs of which something differs
	vnf.DriftCounts
	// Suspect: so few of what is recorded are there that the VIM may have failed. Same counts the rounds before that found the same
	// missing, which Digest names.
	Suspect bool   `json:"suspect,omitempty"`
	Same    int    `json:"same,omitempty"`
	Digest  string `json:"digest,omitempty"`
	GivenUp int    `json:"givenUp"` // VNFs that the policy repairs no more
	// LeftBehind is how many resources failed operations have left at the VIM, by the records of all VNFs.
	LeftBehind int `json:"leftBehind"`
}

// repairs is what is known of the repairs of a VNF by the policy.
type repairs struct {
	Attempts int       `json:"attempts"` // begun since it was last quiet
	Next     time.Time `json:"next"`     // none is begun before
	// Quiet is since when nothing differs; zero: something does.
	Quiet time.Time `json:"quiet,omitzero"`
}

func vimRef(at site) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableReconcile, ID: "vim/" + at.key}
}

func vnfRef(at site, vnfID string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableReconcile, ID: "vnf/" + vnfID + "/" + at.key}
}

// row reads the row of a connection; one that is not there is due.
func (r *Reconciler) row(ctx context.Context, at site) (*ledger.Row[Status], error) {
	ref := vimRef(at)
	l, err := r.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		return nil, fmt.Errorf("read what was seen of %s: %w", at.ID, err)
	}
	if rec := l.Records[ref]; rec != nil {
		return ledger.Decode[Status](*rec) //nolint:wrapcheck // says what it was about
	}
	return &ledger.Row[Status]{}, nil
}

// keep writes the row of a connection, with when its next round is.
func (r *Reconciler) keep(ctx context.Context, at site, s *Status, due time.Time) error {
	_, err := ledger.Do(ctx, r.cfg.Doer, []string{at.key}, []eventstore.RecordRef{vimRef(at)}, func(b *ledger.Book) error {
		row, err := ledger.Get[Status](b, vimRef(at))
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if row == nil {
			row = ledger.Add[Status](b, vimRef(at), at.key, at.ID)
		}
		row.Doc = *s
		row.Move(stateVim, due)
		return nil
	})
	return err //nolint:wrapcheck // says what it was about
}

// forget removes the rows of connections that are no more, and of VNFs that are looked for nowhere.
func (r *Reconciler) forget(ctx context.Context, sites []vim.Site) error {
	known := map[string]bool{}
	for _, at := range named(sites) {
		known[at.ID] = true
	}
	q := eventstore.RecordQuery{Table: eventstore.TableReconcile, Lanes: eventstore.Held(r.cfg.Epochs), Heads: true}
	return ledger.Each(ctx, r.cfg.Store, q, func(rec eventstore.Record) error { //nolint:wrapcheck // says what it was about
		if known[rec.Group] {
			return nil
		}
		return r.remove(ctx, rec)
	})
}

func (r *Reconciler) remove(ctx context.Context, rec eventstore.Record) error {
	ref := eventstore.RecordRef{Table: rec.Table, ID: rec.ID}
	_, err := ledger.Do(ctx, r.cfg.Doer, []string{rec.Key}, []eventstore.RecordRef{ref}, func(b *ledger.Book) error {
		row, err := ledger.Get[struct{}](b, ref)
		if err != nil || row == nil || row.Version != rec.Version { // somebody went on with it
			return err //nolint:wrapcheck // says what it was about
		}
		row.Remove()
		return nil
	})
	return err //nolint:wrapcheck // says what it was about
}

// Read returns what came of the last rounds, by VIM connection; of one that VNFs have of their own in several ways, what came of one of them.
func Read(ctx context.Context, store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
},
) (map[string]Status, error) {
	out := map[string]Status{}
	q := eventstore.RecordQuery{Table: eventstore.TableReconcile, State: stateVim}
	return out, ledger.Each(ctx, store, q, func(rec eventstore.Record) error { //nolint:wrapcheck // says what it was about
		row, err := ledger.Decode[Status](rec)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if _, there := out[row.Doc.Connection]; !there {
			out[row.Doc.Connection] = row.Doc
		}
		return nil
	})
}
