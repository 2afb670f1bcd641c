package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
)

// Check names what an audit looks for.
type Check string

// The checks.
const (
	Damaged       Check = "database-damaged" // what is stored cannot be read
	Chain         Check = "chain"            // hash chain, versions and offsets of all events
	ViewDiffers   Check = "view-differs"     // a view that is not what its events amount to
	SagaOrphaned  Check = "saga-orphaned"    // a saga whose operation has ended or is missing, or an operation without its saga
	SagaUnknown   Check = "saga-unknown"     // a saga of a definition that this program does not know
	SagaIdle      Check = "saga-idle"        // a saga that should move on, with neither a timer nor an outstanding command
	VnfLocked     Check = "vnf-locked"       // a VNF locked by an operation or a cleanup that has ended or is missing
	TimerOrphaned Check = "timer-orphaned"   // a timer whose saga has ended or is missing
	TimerOverdue  Check = "timer-overdue"    // a timer that nobody fires
	CursorAhead   Check = "cursor-ahead"     // a consumer that has handled more than there is
	MessageParked Check = "message-parked"   // a message that could not be handled
	MessageWaits  Check = "message-waits"    // a message that no program that ran since knew
	LedgerUnheld  Check = "ledger-missing"   // an instance has a resource, the VIM manager's ledger has not
	VimMissing    Check = "vim-missing"      // the ledger has a resource, the VIM has not
	VimOrphaned   Check = "vim-orphaned"     // the VIM has a resource of ours, the ledger has not
	VimUnrecorded Check = "vim-unrecorded"   // the VIM has a resource, the ledger too, no instance and no operation
)

// Checks lists all checks, in the order they are made.
var Checks = []Check{Damaged, Chain, ViewDiffers, SagaOrphaned, SagaUnknown, SagaIdle, VnfLocked, TimerOrphaned, TimerOverdue, CursorAhead, MessageParked, MessageWaits, LedgerUnheld, VimMissing, VimOrphaned, VimUnrecorded} //nolint:gochecknoglobals // a table

// Finding is one thing that must not be.
type Finding struct {
	Check Check
	Where string    // what it is about
	Vnf   string    // the VNF instance, when it is of one
	Since time.Time // since when, as far as is known: the last change of it, else the first look at it
	What  string
	Do    string // what an operator can do

	version string // changes when what it is about changes
}

// String says all of it in one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%s: %s: %s", f.Check, f.Where, f.What)
	if !f.Since.IsZero() {
		s += " (since " + f.Since.UTC().Format(time.RFC3339) + ")"
	}
	return s
}

// Unmade is a check, or a part of one, that could not be made.
type Unmade struct {
	Check  Check
	Reason string
}

// Report is what an audit found.
type Report struct {
	At       time.Time // by the main store's clock
	Took     time.Duration
	Chain    bool // the events were walked
	Findings []Finding
	Unmade   []Unmade
	Events   int64 // walked
	Streams  int
	Sagas    int // that have not ended
	Timers   int
	VimHeld  int // resources of ours at the VIMs
}

// Counts returns the number of findings of each check, those without one included.
func (r *Report) Counts() map[Check]int {
	out := map[Check]int{}
	for _, c := range Checks {
		out[c] = 0
	}
	for _, f := range r.Findings {
		out[f.Check]++
	}
	return out
}

// Consumer is one whose cursor is looked at.
type Consumer struct {
	Name   string
	Events bool // it reads events; else messages
	Source interface {
		Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
	}
	// At is where its cursor and what it parked are.
	At interface {
		Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
		Parked(ctx context.Context, q eventstore.ParkedQuery) ([]eventstore.ParkedMessage, error)
	}
}

// Database can look for damage; an eventstore.Store is one.
type Database interface {
	Check(ctx context.Context) ([]string, error)
}

// Books is the VIM manager's ledger: vimmanager.Books.
type Books interface {
	// Active returns what the ledger says stands at a VIM, configurations excepted.
	Active(ctx context.Context, connection string) ([]vim.Resource, error)
	// Accounts reports whether the ledger knows why a VIM may have the resource of a token.
	Accounts(ctx context.Context, token vim.Token) (bool, error)
}

// Config says what to audit.
type Config struct {
	Main   eventstore.Reader            // events, sagas, timers, views
	Shown  readmodel.Reader             // the views as they are meant; nil: as they are stored in Main
	Others map[string]eventstore.Reader // databases beside it, by name: their lanes are walked, too
	// Databases are looked through for damage, by name; nil: they are not.
	Databases map[string]Database
	// Views are the sources of the main store's views, which are compared with the events: all of them when the events are
	// walked, else Some of each, the next ones each time. nil: they are not.
	Views     []readmodel.Source
	Some      int // 0 means 200
	Consumers []Consumer
	// Knows reports whether this program knows the definition of a saga; nil: it knows all.
	Knows    func(sagaType string, version int) bool
	Registry vim.Registry
	Drivers  map[string]vim.Driver // by vimType
	// Unreachable says why the VIMs of a type cannot be asked from here; they are then left out.
	Unreachable map[string]string
	Books       Books
	// Grace is the time between the two looks; 0 means 3 s.
	Grace time.Duration
	// Overdue is how late a timer may be; 0 means one minute.
	Overdue time.Duration
	// Call bounds each call to a VIM; 0 means 20 s.
	Call time.Duration
	// Clock returns the process's own time; nil means time.Now. Only differences of it are used.
	Clock func() time.Time
}

// Auditor makes audits, one or several at once.
type Auditor struct {
	cfg Config

	mu     sync.Mutex
	viewed map[string]string // the last view of each kind that was looked at
}

// New returns an auditor.
func New(cfg Config) *Auditor {
	if cfg.Shown == nil {
		cfg.Shown = cfg.Main
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 3 * time.Second
	}
	if cfg.Overdue <= 0 {
		cfg.Overdue = time.Minute
	}
	if cfg.Call <= 0 {
		cfg.Call = 20 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Some <= 0 {
		cfg.Some = 200
	}
	return &Auditor{cfg: cfg, viewed: map[string]string{}}
}

// Audit makes one audit; chain says whether to walk all events, too, which takes as long as there are many. What cannot
// be looked at is in the report; the error is only of a store that does not answer, or of the context.
func (a *Auditor) Audit(ctx context.Context, chain bool) (*Report, error) {
	began := a.cfg.Clock()
	r := &Report{Chain: chain}
	var err error
	if r.At, err = a.cfg.Main.Now(ctx); err != nil {
		return nil, fmt.Errorf("read the store's clock: %w", err)
	}
	if err := a.stored(ctx, r, chain); err != nil {
		return nil, err
	}
	first, err := a.look(ctx)
	if err != nil {
		return nil, err
	}
	last := first
	if len(first.findings) > 0 { // what is wrong stays so; what only moved does not
		if err := wait(ctx, a.cfg.Grace); err != nil {
			return nil, err
		}
		if last, err = a.look(ctx); err != nil {
			return nil, err
		}
	}
	for key, f := range first.findings {
		if _, still := last.findings[key]; still {
			if f.Since.IsZero() {
				f.Since = r.At
			}
			r.Findings = append(r.Findings, f)
		}
	}
	slices.SortStableFunc(r.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(Checks, x.Check), slices.Index(Checks, y.Check)), cmp.Compare(x.Where, y.Where))
	})
	r.Unmade = append(r.Unmade, last.unmade...)
	r.Sagas, r.Timers, r.VimHeld = last.sagas, last.timers, last.held
	r.Took = a.cfg.Clock().Sub(began)
	return r, nil
}

// wait waits, unless the context ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("between two looks: %w", ctx.Err())
	}
}

// look is one look at everything.
type look struct {
	*Auditor
	findings map[string]Finding
	unmade   []Unmade
	busy     map[string]bool // VNFs that something is under way for
	waits    map[string]bool // VNFs of which messages wait for another program
	// unfinished are the sagas that have not ended: whether this program knows each.
	unfinished map[string]bool
	sagas      int
	timers     int
	held       int
}

func (a *Auditor) look(ctx context.Context) (*look, error) {
	l := &look{Auditor: a, findings: map[string]Finding{}, busy: map[string]bool{}, waits: map[string]bool{}, unfinished: map[string]bool{}}
	for _, one := range []struct {
		look   func(context.Context) error
		checks []Check
	}{
		{l.lookAtCursors, []Check{CursorAhead, MessageParked, MessageWaits}},
		{l.lookAtSagas, []Check{SagaOrphaned, SagaUnknown, SagaIdle}},
		{l.lookAtTimers, []Check{TimerOrphaned, TimerOverdue}},
		{l.lookAtLocks, []Check{VnfLocked}},
		{l.lookAtVims, []Check{LedgerUnheld, VimMissing, VimOrphaned, VimUnrecorded}},
	} {
		err := one.look(ctx)
		if err != nil && away(ctx, err) {
			return nil, err
		}
		if err != nil {
			for _, c := range one.checks {
				l.unmade = append(l.unmade, Unmade{c, err.Error()})
			}
		}
	}
	return l, nil
}

func (l *look) found(f Finding) {
	l.findings[string(f.Check)+" "+f.Where+" "+f.version] = f
}

// pages reads all pages of a list whose entries have an id.
func pages[T any](read func(after string, limit int) ([]T, error), id func(T) string, each func(T) error) error {
	const size = 500
	for after := ""; ; {
		page, err := read(after, size)
		if err != nil {
			return err
		}
		for _, one := range page {
			if err := each(one); err != nil {
				return err
			}
			after = id(one)
		}
		if len(page) < size {
			return nil
		}
	}
}
