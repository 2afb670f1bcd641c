package nfvomanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
)

// Source is the source of every reply of the NFVO manager.
const Source = "/vnfm/nfvo-manager"

// Epochs says under which epoch a lane is held, if it is.
type Epochs interface {
	Epoch(lane int) (int64, bool)
}

// Store is what the worker reads.
type Store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
	Now(ctx context.Context) (time.Time, error)
}

// Config describes a worker.
type Config struct {
	Store    Store
	Doer     eventstore.Doer
	Registry vim.Registry
	Drivers  map[string]vim.Driver // by vimType
	Epochs   Epochs                // whose lanes to work on; nil: all
	Logger   *slog.Logger          // nil: slog.Default

	// Context puts the trace context of the command a call is made for into the call's context; nil: calls have none.
	Context func(ctx context.Context, traceparent string) context.Context

	// Orchestrator decides grants whose rows say so; nil: it is not there, they wait for their deadline.
	Orchestrator Orchestrator
	// Connections takes the VIM connections that a grant brings; nil: a grant that brings some is refused.
	Connections Connections
	// Seal seals what is secret among the parameters that a grant brings, before they are stored; nil: nothing is. It may be
	// repeated.
	Seal func(ctx context.Context, req *nfvo.GrantRequest, params map[string]json.RawMessage) (map[string]json.RawMessage, error)
	// Onboarding onboards packages of the orchestrator; nil: there are none.
	Onboarding *Onboarding

	Attempt  time.Duration // bounds one call, or the decision of one grant; 0 means 20 s
	Tries    int           // after which a VIM that cannot be asked makes the grant fail; 0 means 5
	Backoff  time.Duration // before the second try, doubled for each next; 0 means 500 ms
	Idle     time.Duration // the longest Run waits before it looks for work; 0 means 1 s
	Parallel int           // grants decided at once; 0 means 16
	// Addresses is the most that a grant may want on one connection point; 0 means 32.
	Addresses int
}

// Worker answers the commands in the ledger.
type Worker struct {
	cfg   Config
	nudge chan struct{}

	mu   sync.Mutex
	busy map[string]bool
}

// NewWorker returns a worker.
func NewWorker(cfg Config) *Worker {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&cfg.Attempt, 20*time.Second)
	set(&cfg.Backoff, 500*time.Millisecond)
	set(&cfg.Idle, time.Second)
	if cfg.Tries <= 0 {
		cfg.Tries = 5
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 16
	}
	if cfg.Addresses <= 0 {
		cfg.Addresses = 32
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Worker{cfg: cfg, nudge: make(chan struct{}, 1), busy: map[string]bool{}}
}

// OnCommit wakes the worker when a commit gave it something to do. It follows the Committer.
func (w *Worker) OnCommit(c *eventstore.Commit) {
	for _, r := range c.Records {
		if r.Table == eventstore.TableNfvoCommands && r.State == Open {
			w.wake()
			return
		}
	}
}

func (w *Worker) wake() {
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

// RunOnce handles one due command and reports whether there was one.
func (w *Worker) RunOnce(ctx context.Context) (bool, error) {
	due, _, err := w.due(ctx)
	if err != nil || len(due) == 0 || !w.take(due[0]) {
		return false, err
	}
	defer w.release(due[0])
	return true, w.step(ctx, due[0])
}

// Run handles commands until the context ends, several at once, and returns nil when the last has ended.
func (w *Worker) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-w.nudge:
		}
		due, wait, err := w.due(ctx)
		if err != nil && ctx.Err() == nil {
			w.cfg.Logger.WarnContext(ctx, "grant requests not read", "error", err)
		}
		for _, rec := range due {
			if !w.take(rec) {
				break
			}
			wg.Go(func() {
				err := w.step(ctx, rec)
				w.release(rec)
				if err != nil && ctx.Err() == nil { // looked at again when Idle has passed
					w.cfg.Logger.WarnContext(ctx, "grant request not moved on", "message_id", rec.ID, "vnf_id", rec.Key, "error", err)
					return
				}
				w.wake()
			})
		}
		timer.Reset(wait)
	}
}

// due returns the rows to work on now, and how long until the next one that is not due yet.
func (w *Worker) due(ctx context.Context) ([]eventstore.Record, time.Duration, error) {
	wait := w.cfg.Idle
	lanes := eventstore.Held(w.cfg.Epochs)
	if len(lanes) == 0 {
		return nil, wait, nil
	}
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return nil, wait, err
	}
	recs, err := w.cfg.Store.Records(ctx, eventstore.RecordQuery{
		Table: eventstore.TableNfvoCommands, Lanes: lanes, DueBy: now.Add(wait), Limit: 4 * w.cfg.Parallel,
	})
	if err != nil {
		return nil, wait, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var due []eventstore.Record
	for _, r := range recs {
		switch {
		case w.busy[r.ID]:
		case r.Due.After(now):
			wait = min(wait, r.Due.Sub(now))
		default:
			due = append(due, r)
		}
	}
	return due, wait, nil
}

func (w *Worker) take(r eventstore.Record) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[r.ID] || len(w.busy) >= w.cfg.Parallel {
		return false
	}
	w.busy[r.ID] = true
	return true
}

func (w *Worker) release(r eventstore.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, r.ID)
}

// step does what is due about one row.
func (w *Worker) step(ctx context.Context, rec eventstore.Record) error {
	if rec.Group == groupPackages {
		return w.onboard(ctx, rec)
	}
	if rec.State == Done { // by a program that kept what was asked for some days only
		return w.write(ctx, rec, func(_ *eventstore.Loaded, r *eventstore.RecordWrite, _ *eventstore.Commit) (bool, error) {
			r.Due = time.Time{}
			return true, nil
		})
	}
	var a asking
	if err := json.Unmarshal(rec.Doc, &a); err != nil {
		return fmt.Errorf("ledger row %s: %w", rec.ID, err)
	}
	change, err := w.decide(ctx, rec, a)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil // this process is stopping; the row is still due
	default:
	}
	return w.write(ctx, rec, func(l *eventstore.Loaded, r *eventstore.RecordWrite, c *eventstore.Commit) (bool, error) {
		var now asking
		if err := json.Unmarshal(r.Doc, &now); err != nil {
			return false, fmt.Errorf("ledger row %s: %w", rec.ID, err)
		}
		if r.State != Open || now.Location != a.Location {
			return false, nil // another was quicker, or nobody waits for it any more
		}
		change(&now, &r.Record, l.Now)
		if now.Reply != nil {
			r.State, r.Due = Done, time.Time{}
			for _, m := range append([]message.Message{now.Message}, now.Joined...) {
				if m.ReplyTo != "" {
					c.Outbox = append(c.Outbox, message.NewReply(m, Source, l.Now, *now.Reply))
				}
			}
		}
		var err error
		r.Doc, err = json.Marshal(now)
		return true, err
	})
}

// change is what a decision makes of a row, which others may have changed meanwhile: more commands may have joined.
type change func(a *asking, r *eventstore.Record, now time.Time)

func answered(reply message.Reply) change {
	return func(a *asking, _ *eventstore.Record, _ time.Time) { a.Reply, a.Reason = &reply, reply.Reason }
}

func failed(class message.Class, reason string) change {
	return answered(message.Reply{Outcome: message.Failed, Class: class, Reason: reason})
}

// decide finds out what is to be made of a row.
func (w *Worker) decide(ctx context.Context, rec eventstore.Record, a asking) (change, error) {
	var req nfvo.GrantRequest
	err := json.Unmarshal(a.Message.Data, &req)
	switch {
	case a.Message.Type != nfvo.TypeRequestGrant:
		return failed(message.Permanent, fmt.Sprintf("the NFVO manager knows no command %q", a.Message.Type)), nil
	case err != nil:
		return failed(message.Permanent, "the grant request cannot be read: "+err.Error()), nil
	}
	if w.cfg.Context != nil {
		ctx = w.cfg.Context(ctx, a.Message.Traceparent)
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Attempt)
	defer cancel()
	if rec.Group == groupNfvo {
		return w.negotiate(ctx, a, &req)
	}
	return w.grant(ctx, a.Tries, req), nil
}

// grant decides by our own policy.
func (w *Worker) grant(ctx context.Context, tries int, req nfvo.GrantRequest) change {
	grant, err := policy{w.cfg.Registry, w.cfg.Drivers}.grant(ctx, req)
	if err == nil {
		return answered(message.Reply{Outcome: message.Succeeded, Result: vim.Encode(grant)})
	}
	if vnfm.KindOf(err) == vnfm.Unprocessable {
		return failed(message.Permanent, err.Error())
	}
	class := vim.ClassOf(err)
	if class == message.UnknownOutcome { // asking has no effect: the VIM is away
		class = message.Unavailable
	}
	reason := "the VIM could not be asked what it offers: " + err.Error()
	if again(class) && tries+1 < w.cfg.Tries {
		return func(a *asking, r *eventstore.Record, now time.Time) {
			a.Tries, a.Reason, r.Due = tries+1, reason, now.Add(w.cfg.Backoff<<tries)
		}
	}
	return failed(class, reason)
}

// write changes a row as f says, unless it is gone or f says that there is nothing to change.
func (w *Worker) write(
	ctx context.Context, rec eventstore.Record, f func(*eventstore.Loaded, *eventstore.RecordWrite, *eventstore.Commit) (bool, error),
) error {
	_, err := w.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{rec.Key},
		Load: func() eventstore.Load { return eventstore.Load{Records: []eventstore.RecordRef{refOf(rec.ID)}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			now := l.Records[refOf(rec.ID)]
			if now == nil {
				return nil, nil
			}
			r := eventstore.RecordWrite{Record: *now, Expected: now.Version}
			c := &eventstore.Commit{}
			if ok, err := f(l, &r, c); err != nil || !ok {
				return nil, err
			}
			c.Records = append(c.Records, r)
			return c, nil
		},
	})
	if errors.Is(err, eventstore.ErrVersion) {
		return nil
	}
	return err
}
