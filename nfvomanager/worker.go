package nfvomanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
)

// Source is the source of every reply of the NFVO manager.
const Source = "/vnfm/nfvo-manager"

// Config describes a worker.
type Config struct {
	Store    ledger.Store
	Doer     eventstore.Doer
	Ends     eventstore.Doer // see ledger.Config; nil: Doer
	Registry vim.Registry
	Drivers  map[string]vim.Driver // by vimType
	Gate     Gate                  // nil: VIMs are asked what they offer whenever that is wanted
	Epochs   ledger.Epochs         // whose lanes to work on; nil: all
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

	// Retention is how long what was asked for an operation is kept after it was answered; 0: for ever.
	Retention time.Duration
	// Needed, Again and Removed are those of ledger.Config.
	Needed  func(ctx context.Context, key string) (bool, error)
	Again   time.Duration
	Removed func(table string, n int)

	Attempt  time.Duration // bounds one call, or the decision of one grant; 0 means 20 s
	Tries    int           // after which a VIM that cannot be asked makes the grant fail; 0 means 5
	Backoff  time.Duration // before the second try, doubled for each next; 0 means 500 ms
	Idle     time.Duration // the longest Run waits before it looks for work; 0 means 1 s
	Parallel int           // rows of a kind worked on at once: local grants, an orchestrator's, packages; 0 means 16
	// Addresses is the most that a grant may want on one connection point; 0 means 32.
	Addresses int
}

// Gate holds calls to VIM connections within their limits; a gate.Gates is one.
type Gate interface {
	// Free reports whether a call may be begun; if not, when to ask again.
	Free(ctx context.Context, connection string) (again time.Time, ok bool, err error)
	// Begin counts a call, and returns what is called with its outcome.
	Begin(conn vim.Connection) (ended func(ctx context.Context, err error))
	// Wait returns until when to wait after a call that ended so, since the VIM is held; ok is false when the error is to be told.
	Wait(connection string, err error) (until time.Time, ok bool)
}

// held is the error of a VIM connection that is not to be called before a time.
type held struct {
	connection string
	until      time.Time
}

// Error says so.
func (h *held) Error() string {
	return fmt.Sprintf("calls to the VIM connection %s are held back until %s", h.connection, h.until.UTC().Format(time.RFC3339))
}

// NewWorker returns the worker that answers the commands in the ledger.
func NewWorker(cfg Config) *ledger.Worker {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&cfg.Attempt, 20*time.Second)
	set(&cfg.Backoff, 500*time.Millisecond)
	if cfg.Tries <= 0 {
		cfg.Tries = 5
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 16
	}
	if cfg.Addresses <= 0 {
		cfg.Addresses = 32
	}
	w := worker{cfg}
	return ledger.NewWorker(ledger.Config{
		Store: cfg.Store, Doer: cfg.Doer, Ends: cfg.Ends, Epochs: cfg.Epochs, Logger: cfg.Logger, Idle: cfg.Idle,
		Tables: []string{eventstore.TableNfvoCommands}, Step: w.step, Room: ledger.Places(cfg.Parallel), Needed: cfg.Needed, Again: cfg.Again, Removed: cfg.Removed,
		Over: func(r *eventstore.Record) bool {
			return cfg.Retention > 0 && r.State == Done && r.Group != groupPackages
		},
		Groups: func(context.Context) ([]string, error) { return []string{groupLocal, groupNfvo, groupPackages}, nil },
	})
}

// worker decides what due rows need.
type worker struct{ cfg Config }

// step says what is due about one row.
func (w worker) step(_ context.Context, rec eventstore.Record) (*ledger.Step, error) {
	if rec.Group == groupPackages {
		return w.onboard(rec)
	}
	r, err := ledger.Decode[asking](rec)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	out := &ledger.Step{Load: []eventstore.RecordRef{refOf(rec.ID)}}
	if rec.State == Done { // it was to be kept for a while only, and is for ever now
		out.Begin = func(b *ledger.Book) (bool, error) {
			now, err := ledger.Get[asking](b, refOf(rec.ID))
			if err == nil && now != nil && now.Version == rec.Version {
				now.Move(Done, time.Time{})
			}
			return false, err //nolint:wrapcheck // says what it was about
		}
		return out, nil
	}
	var made change
	var failed error
	out.Call = func(ctx context.Context) error {
		made, failed = w.decide(ctx, rec.Group, r.Doc)
		return errors.Join(failed, ctx.Err())
	}
	out.End = func(b *ledger.Book) error {
		if failed != nil {
			return failed
		}
		now, err := ledger.Get[asking](b, refOf(rec.ID))
		if err != nil || now == nil || now.State != Open || now.Doc.Location != r.Doc.Location {
			return err //nolint:wrapcheck // another was quicker, or nobody waits for it any more
		}
		made(now, b.Now)
		if now.Touch(); now.Doc.Reply == nil {
			return nil
		}
		now.Move(Done, until(b.Now, w.cfg.Retention))
		for _, m := range append([]message.Message{now.Doc.Message}, now.Doc.Joined...) {
			if m.ReplyTo != "" {
				b.Commit.Outbox = append(b.Commit.Outbox, message.NewReply(m, Source, b.Now, *now.Doc.Reply))
			}
		}
		return nil
	}
	return out, nil
}

// change is what a decision makes of a row, which others may have changed meanwhile: more commands may have joined.
type change func(r *ledger.Row[asking], now time.Time)

func answered(reply message.Reply) change {
	return func(r *ledger.Row[asking], _ time.Time) { r.Doc.Reply, r.Doc.Reason = &reply, reply.Reason }
}

func failed(class message.Class, reason string) change {
	return answered(message.Reply{Outcome: message.Failed, Class: class, Reason: reason})
}

// decide finds out what is to be made of a row.
func (w worker) decide(ctx context.Context, group string, a asking) (change, error) {
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
	if group == groupNfvo {
		return w.negotiate(ctx, a, &req)
	}
	return w.grant(ctx, a.Tries, req), nil
}

// grant decides by our own policy.
func (w worker) grant(ctx context.Context, tries int, req nfvo.GrantRequest) change {
	grant, err := policy{w.cfg.Registry, w.cfg.Drivers, w.cfg.Gate}.grant(ctx, req)
	if err == nil {
		return answered(message.Reply{Outcome: message.Succeeded, Result: vim.Encode(grant)})
	}
	var wait *held
	if errors.As(err, &wait) { // no try: nobody was asked
		return func(r *ledger.Row[asking], now time.Time) {
			r.Doc.Reason, r.Due = wait.Error(), now.Add(max(wait.until.Sub(now), 0))
		}
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
		return func(r *ledger.Row[asking], now time.Time) {
			r.Doc.Tries, r.Doc.Reason, r.Due = tries+1, reason, now.Add(w.cfg.Backoff<<tries)
		}
	}
	return failed(class, reason)
}
