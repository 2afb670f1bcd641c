package nfvomanager

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
)

// groupPackages is the group of the rows of packages: one for each vnfdId that is to be brought in step with the
// orchestrator. A row that has been is deleted.
const groupPackages = "packages"

// packageRow begins the id of a package's row; the vnfdId follows.
const packageRow = "package/"

// Catalogue is the orchestrator's packages; a restclient.Client is one. Errors are *nfvo.Error.
type Catalogue interface {
	Package(ctx context.Context, vnfdID string) (nfvo.PackageInfo, error)
	Packages(ctx context.Context) ([]nfvo.PackageInfo, error)
	Content(ctx context.Context, vnfdID string) (io.ReadCloser, error)
	Subscribe(ctx context.Context, callback string) error
}

// Local is a package here.
type Local struct {
	ID string // "": there is none
	// Foreign packages were not onboarded from the orchestrator: they are left alone.
	Foreign    bool
	Onboarded  bool
	Processing bool     // its content is being read
	Rejected   []string // why its content cannot be used
	Enabled    bool
	InUse      bool
}

// Shelf is the packages here.
type Shelf interface {
	// Find returns the package with a vnfdId, or the one that is being made of the orchestrator's package of an id.
	Find(ctx context.Context, vnfdID, orchestratorID string) (Local, error)
	// Mirrored lists the vnfdIds of the packages that came from the orchestrator.
	Mirrored(ctx context.Context) ([]string, error)
	// Put onboards the orchestrator's package of an id from its content. It may be repeated.
	Put(ctx context.Context, orchestratorID string, content io.Reader) error
	// Enable changes the operational state of a package.
	Enable(ctx context.Context, id string, enabled bool) error
	// Delete deletes a package that is disabled; Conflict when it is in use.
	Delete(ctx context.Context, id string) error
}

// Onboarding keeps the packages here in step with those of the orchestrator.
type Onboarding struct {
	Catalogue Catalogue
	Shelf     Shelf
	Store     interface {
		Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	}
	Doer     eventstore.Doer
	Callback string        // where the orchestrator tells of changes; "": it is not asked to
	Resync   time.Duration // how often all are compared; 0 means 5 min
	Wait     time.Duration // how long Fetch waits for a package; 0 means 3 s
	Download time.Duration // longest time of one download; 0 means 30 min
	Logger   *slog.Logger  // nil: slog.Default
}

// wanted is the document of a package's row.
type wanted struct {
	VnfdID string `json:"vnfdId"`
	Tries  int    `json:"tries,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Unusable: the package will not be onboarded; Reason says why. The row stays for those who ask.
	Unusable bool `json:"unusable,omitempty"`
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

func (o *Onboarding) log() *slog.Logger {
	if o.Logger != nil {
		return o.Logger
	}
	return slog.Default()
}

// Want has a package brought in step with the orchestrator, soon. It may be repeated.
func (o *Onboarding) Want(ctx context.Context, vnfdID string) error {
	ref := refOf(packageRow + vnfdID)
	_, err := ledger.Do(ctx, o.Doer, []string{vnfdID}, []eventstore.RecordRef{ref}, func(b *ledger.Book) error {
		r, err := ledger.Get[wanted](b, ref)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if r == nil {
			r = ledger.Add[wanted](b, ref, vnfdID, groupPackages)
		}
		// One that is about to be looked at is written, too: somebody may have looked before what it is wanted for.
		r.Doc = wanted{VnfdID: vnfdID}
		r.Move(Open, b.Now)
		return nil
	})
	return err //nolint:wrapcheck // says what it was about
}

// Fetch gets a package that is not here from the orchestrator, and waits a little for it. Returns Unprocessable at /vnfdId
// when the orchestrator has none, or none that can be used; Unavailable while it is being fetched.
func (o *Onboarding) Fetch(ctx context.Context, vnfdID string) error {
	info, err := o.Catalogue.Package(ctx, vnfdID)
	var e *nfvo.Error
	switch {
	case errors.As(err, &e) && e.Class == message.NotFound:
		return vnfm.Errorf(vnfm.Unprocessable, "Neither this VNFM nor the NFVO has an onboarded VNF package with the vnfdId %q.", vnfdID).At("/vnfdId")
	case err != nil:
		return vnfm.Errorf(vnfm.Unavailable, "The VNF package of the vnfdId %q is not here, and the NFVO cannot be asked for it: %w.", vnfdID, err)
	case !info.Onboarded || !info.Enabled:
		return vnfm.Errorf(vnfm.Unprocessable, "The VNF package of the vnfdId %q is not here, and at the NFVO it is not ONBOARDED and ENABLED.", vnfdID).At("/vnfdId")
	}
	if err := o.Want(ctx, vnfdID); err != nil {
		return err
	}
	ref := refOf(packageRow + vnfdID)
	limit := time.NewTimer(or(o.Wait, 3*time.Second))
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		l, err := o.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
		if err != nil {
			return err
		}
		r := l.Records[ref]
		if r == nil {
			return nil
		}
		var want wanted
		if err := json.Unmarshal(r.Doc, &want); err != nil {
			return vnfm.Wrap(vnfm.Internal, err, "decode the row of package %s", vnfdID)
		}
		if want.Unusable {
			return vnfm.Errorf(vnfm.Unprocessable, "The VNF package of the vnfdId %q was fetched from the NFVO, but cannot be used: %s.", vnfdID, want.Reason).At("/vnfdId")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return vnfm.Errorf(vnfm.Unavailable, "The VNF package of the vnfdId %q is being fetched from the NFVO; ask again.", vnfdID)
		}
	}
}

// Run compares all packages until the context ends: at once, then every Resync.
func (o *Onboarding) Run(ctx context.Context) error {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		next := or(o.Resync, 5*time.Minute)
		if err := o.RunOnce(ctx); err != nil && ctx.Err() == nil {
			o.log().WarnContext(ctx, "packages not compared with the NFVO's", "error", err)
			next = min(next, 10*time.Second)
		}
		wait.Reset(next)
	}
}

// RunOnce subscribes to changes and wants every package that is not as the orchestrator has it. Any number of nodes may
// do it at once.
func (o *Onboarding) RunOnce(ctx context.Context) error {
	if o.Callback != "" {
		if err := o.Catalogue.Subscribe(ctx, o.Callback); err != nil { // comparing serves as well, only later
			o.log().WarnContext(ctx, "not subscribed to the NFVO's packages", "error", err)
		}
	}
	there, err := o.Catalogue.Packages(ctx)
	if err != nil {
		return err
	}
	mirrored, err := o.Shelf.Mirrored(ctx)
	if err != nil {
		return err
	}
	left := map[string]bool{}
	for _, id := range mirrored {
		left[id] = true
	}
	for _, p := range there {
		if !p.Onboarded {
			continue
		}
		delete(left, p.VnfdID)
		here, err := o.Shelf.Find(ctx, p.VnfdID, p.ID)
		if err != nil {
			return err
		}
		if here.Foreign || here.Onboarded && here.Enabled == p.Enabled || !here.Onboarded && (!p.Enabled || len(here.Rejected) > 0) {
			continue
		}
		if err := o.Want(ctx, p.VnfdID); err != nil {
			return err
		}
	}
	for id := range left {
		if err := o.Want(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// step is how far a package got.
type step struct {
	done  bool          // in step: the row goes
	after time.Duration // else: look again
	bad   string        // else: it will never be
}

// advance brings a package one step nearer to what the orchestrator has.
func (o *Onboarding) advance(ctx context.Context, vnfdID string) (step, error) {
	info, err := o.Catalogue.Package(ctx, vnfdID)
	var e *nfvo.Error
	gone := errors.As(err, &e) && e.Class == message.NotFound
	if err != nil && !gone {
		return step{}, err
	}
	here, err := o.Shelf.Find(ctx, vnfdID, info.ID)
	if err != nil {
		return step{}, err
	}
	switch {
	case here.Foreign:
		return step{done: true}, nil
	case gone:
		return o.remove(ctx, here)
	case !info.Onboarded:
		return step{done: true}, nil
	case here.Processing:
		return step{after: 100 * time.Millisecond}, nil
	case len(here.Rejected) > 0:
		return step{bad: here.Rejected[0]}, nil
	case here.Onboarded && here.Enabled != info.Enabled:
		if err := o.Shelf.Enable(ctx, here.ID, info.Enabled); err != nil && vnfm.KindOf(err) != vnfm.Conflict {
			return step{}, err
		}
		return step{done: true}, nil
	case here.Onboarded, !info.Enabled:
		return step{done: true}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, or(o.Download, 30*time.Minute))
	defer cancel()
	content, err := o.Catalogue.Content(ctx, vnfdID)
	if err != nil {
		return step{}, err
	}
	defer func() { _ = content.Close() }()
	if err := o.Shelf.Put(ctx, info.ID, content); err != nil {
		return step{}, err
	}
	return step{after: 50 * time.Millisecond}, nil
}

// remove mirrors the end of a package: no VNF is made of it any more; it goes when none is left.
func (o *Onboarding) remove(ctx context.Context, here Local) (step, error) {
	if here.ID == "" {
		return step{done: true}, nil
	}
	if here.Enabled {
		if err := o.Shelf.Enable(ctx, here.ID, false); err != nil && vnfm.KindOf(err) != vnfm.Conflict {
			return step{}, err
		}
	}
	if here.InUse {
		return step{after: or(o.Resync, 5*time.Minute)}, nil
	}
	switch err := o.Shelf.Delete(ctx, here.ID); vnfm.KindOf(err) {
	case "", vnfm.NotFound:
		return step{done: true}, nil
	case vnfm.Conflict:
		return step{after: or(o.Resync, 5*time.Minute)}, nil
	default:
		return step{}, err
	}
}

// onboard says what is due about a package's row.
func (w worker) onboard(rec eventstore.Record) (*ledger.Step, error) {
	r, err := ledger.Decode[wanted](rec)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	var got step
	var failed error
	out := &ledger.Step{Load: []eventstore.RecordRef{refOf(rec.ID)}}
	out.Call = func(ctx context.Context) error {
		if w.cfg.Onboarding == nil { // no longer wanted
			got.done = true
			return nil
		}
		got, failed = w.cfg.Onboarding.advance(ctx, r.Doc.VnfdID)
		return errors.Join(failed, ctx.Err())
	}
	out.End = func(b *ledger.Book) error {
		now, err := ledger.Get[wanted](b, refOf(rec.ID))
		if err != nil || now == nil || now.Version != rec.Version {
			return err //nolint:wrapcheck // it was wanted anew meanwhile
		}
		d := &now.Doc
		switch {
		case failed != nil:
			d.Reason = failed.Error()
			now.Move(now.State, b.Now.Add(min(w.cfg.Backoff<<min(d.Tries, 10), longestWait)))
			d.Tries++
		case got.done:
			now.Remove()
		case got.bad != "":
			d.Unusable, d.Reason = true, got.bad
			now.Move(Done, time.Time{})
		default:
			d.Tries, d.Reason = 0, ""
			now.Move(now.State, b.Now.Add(got.after))
		}
		return nil
	}
	return out, nil
}
