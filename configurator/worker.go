package configurator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
)

// Config describes a worker.
type Config struct {
	Store      ledger.Store
	Doer       eventstore.Doer
	Ends       eventstore.Doer // see ledger.Config; nil: Doer
	Epochs     ledger.Epochs   // whose lanes to work on; nil: all
	Configurer configuration.Configurer
	// Coordinator asks VNFs and element managers to coordinate; nil: no command does.
	Coordinator configuration.Coordinator
	Logger      *slog.Logger // nil: slog.Default
	// Open opens what is sealed in the parameters of a VNF, right before a call, and returns the secrets in them, too; nil: nothing is
	// sealed.
	Open func(ctx context.Context, vnfID string, document json.RawMessage) (plain json.RawMessage, secrets []string, err error)
	// Context puts the trace context of the command a call is made for into the call's context; nil: calls have none.
	Context func(ctx context.Context, traceparent string) context.Context
	// Needed, Again and Removed are those of ledger.Config.
	Needed  func(ctx context.Context, key string) (bool, error)
	Again   time.Duration
	Removed func(table string, n int)
	// Tap returns how many copies of a reply are sent; nil means one. A simulated site's misbehaviour.
	Tap func() int

	Attempt            time.Duration // bounds one call, when the command says nothing; 0 means 20 s
	Limit              time.Duration // bounds the time until a VNF is configured; 0 means 10 min
	Coordination       time.Duration // bounds the time until a coordination has ended; 0 means 10 min
	PollFirst, PollMax time.Duration // pace the calls until it is; 0 means 500 ms and 10 s
	Retention          time.Duration // how long what was answered is kept, and after that what the highest operation of a VNF was; 0 means 7 days, a negative one for ever
	Parallel           int           // VNFs configured at once; 0 means 16
	Idle               time.Duration // the longest Run waits before it looks for work; 0 means 1 s
}

// NewWorker returns the worker that configures.
func NewWorker(cfg Config) *ledger.Worker {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&cfg.Attempt, 20*time.Second)
	set(&cfg.Limit, 10*time.Minute)
	set(&cfg.Coordination, 10*time.Minute)
	set(&cfg.PollFirst, 500*time.Millisecond)
	set(&cfg.PollMax, 10*time.Second)
	if cfg.Retention == 0 {
		cfg.Retention = 7 * 24 * time.Hour
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 16
	}
	if cfg.Context == nil {
		cfg.Context = func(ctx context.Context, _ string) context.Context { return ctx }
	}
	return ledger.NewWorker(ledger.Config{
		Store: cfg.Store, Doer: cfg.Doer, Ends: cfg.Ends, Epochs: cfg.Epochs, Logger: cfg.Logger, Idle: cfg.Idle,
		Tables: []string{eventstore.TableVnfCommands}, Step: cfg.step, Room: ledger.Places(cfg.Parallel), Wrote: cfg.copies,
		Over:   func(r *eventstore.Record) bool { return r.State == Done || r.State == fenceState },
		Needed: cfg.Needed, Again: cfg.Again, Removed: cfg.Removed, Stands: func(r *eventstore.Record) bool { return r.State == fenceState },
	})
}

// step says what is due about a row: a call, or another one where a process died in it.
func (cfg Config) step(_ context.Context, rec eventstore.Record) (*ledger.Step, error) {
	if strings.HasPrefix(rec.ID, coordinationPrefix) {
		return cfg.coordinate(rec)
	}
	read, err := ledger.Decode[configuring](rec)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	attempt := cfg.Attempt
	if ms := read.Doc.Request.DeadlineMs; ms > 0 {
		attempt = time.Duration(ms) * time.Millisecond
	}
	var asked configuration.Configure
	var intent string
	var deadline time.Time
	var got configuration.Result
	var failed error
	return &ledger.Step{
		Load: []eventstore.RecordRef{refOf(rec.ID), fenceRef(read.Doc.Request.VnfID)}, Timeout: attempt, Deadline: func() time.Time { return deadline },
		Begin: func(b *ledger.Book) (bool, error) {
			r, err := ledger.Get[configuring](b, refOf(rec.ID))
			if err != nil || r == nil || r.Version != rec.Version { // somebody was first
				return false, err //nolint:wrapcheck // says what it was about
			}
			f, err := ledger.Get[fence](b, fenceRef(r.Doc.Request.VnfID))
			if err != nil {
				return false, err //nolint:wrapcheck // says what it was about
			}
			if f != nil && r.Doc.Request.Fence < f.Doc.Highest {
				return false, cfg.end(b, r, *older(f.Doc.Highest))
			}
			if r.Doc.By.IsZero() {
				r.Doc.By = b.Now.Add(cfg.Limit)
			}
			asked, deadline = r.Doc.Request, b.Now.Add(attempt)
			intent = rec.ID + "/" + strconv.FormatInt(rec.Version, 10)
			r.Doc.Intent = intent
			r.Move(Calling, deadline)
			return true, nil
		},
		Call: func(ctx context.Context) error {
			got, failed = cfg.configure(cfg.Context(ctx, read.Doc.Commands[len(read.Doc.Commands)-1].Traceparent), asked)
			return failed
		},
		End: func(b *ledger.Book) error {
			r, err := ledger.Get[configuring](b, refOf(rec.ID))
			if err != nil || r == nil || r.State != Calling || r.Doc.Intent != intent {
				return err //nolint:wrapcheck // it was called again meanwhile
			}
			r.Doc.Intent = ""
			return cfg.follow(b, r, got, failed)
		},
	}, nil
}

// configure calls the Configurer. What is sealed in the parameters is opened here and nowhere else, and is not in what is kept of
// the answer. Parameters that cannot be opened are tried again: the key may come back.
func (cfg Config) configure(ctx context.Context, c configuration.Configure) (configuration.Result, error) {
	sealed := []*json.RawMessage{&c.Params, &c.Properties}
	c.Vnfcs = slices.Clone(c.Vnfcs)
	for i := range c.Vnfcs {
		sealed = append(sealed, &c.Vnfcs[i].Properties)
	}
	secrets, err := cfg.open(ctx, c.VnfID, sealed...)
	if err != nil {
		return configuration.Result{}, err
	}
	got, err := cfg.Configurer.Configure(ctx, configuration.Request{Configure: c})
	if len(secrets) == 0 {
		return got, err //nolint:wrapcheck // has its class
	}
	for i, w := range got.Warnings {
		got.Warnings[i] = secret.Scrub(w, secrets)
	}
	got.Waiting = secret.Scrub(got.Waiting, secrets)
	if got.Data != nil {
		got.Data = json.RawMessage(secret.Scrub(string(got.Data), secrets))
	}
	if err != nil {
		class, hint := failureOf(err)
		err = &configuration.Error{Class: class, Hint: secret.Scrub(hint, secrets)}
	}
	return got, err
}

// open opens what is sealed in documents of a VNF, and returns the secrets in them. Its error is one that passes: the key may come back.
func (cfg Config) open(ctx context.Context, vnfID string, documents ...*json.RawMessage) (secrets []string, err error) {
	if cfg.Open == nil {
		return nil, nil
	}
	for _, d := range documents {
		plain, found, err := cfg.Open(ctx, vnfID, *d)
		if err != nil {
			return nil, &configuration.Error{Class: message.Unavailable, Hint: err.Error(), Err: err}
		}
		*d, secrets = plain, append(secrets, found...)
	}
	return secrets, nil
}

// follow goes on with a configuration by what the Configurer said.
func (cfg Config) follow(b *ledger.Book, r *ledger.Row[configuring], got configuration.Result, failed error) error {
	switch {
	case failed != nil:
		class, hint := failureOf(failed)
		return cfg.end(b, r, message.Reply{Outcome: message.Failed, Class: class, Reason: hint})
	case got.Ready:
		result, err := json.Marshal(got)
		if err != nil {
			return fmt.Errorf("encode what the configuration of %s came to: %w", r.ID, err)
		}
		return cfg.end(b, r, message.Reply{Outcome: message.Succeeded, Result: result})
	case !b.Now.Before(r.Doc.By):
		reason := "the VNF was not configured within " + cfg.Limit.String()
		if got.Waiting != "" {
			reason += ": " + got.Waiting
		}
		return cfg.end(b, r, message.Reply{Outcome: message.Failed, Class: message.Transient, Reason: reason})
	default:
		wait := cfg.pace(r.Doc.Tries, got.After)
		r.Doc.Tries++
		r.Move(Open, b.Now.Add(wait))
	}
	return nil
}

// longest is the longest that whoever is called is let alone, whatever it asks for.
const longest = time.Hour

// pace is how long to wait after a number of calls that were in vain: longer each time, and as long as was asked for.
func (cfg Config) pace(tries int, asked time.Duration) time.Duration {
	wait := cfg.PollFirst
	for range tries {
		if wait += wait / 2; wait >= cfg.PollMax {
			wait = cfg.PollMax
			break
		}
	}
	return max(wait, min(asked, longest))
}

// end answers whoever waits for a configuration.
func (cfg Config) end(b *ledger.Book, r *ledger.Row[configuring], reply message.Reply) error {
	for _, m := range r.Doc.Commands {
		if slices.Contains(r.Doc.Waiting, m.ID) {
			answer(b, m, reply)
		}
	}
	r.Doc.Waiting, r.Doc.Reply = nil, &reply
	until := ledger.Until(b.Now, cfg.Retention)
	r.Move(Done, until)
	f, err := ledger.Get[fence](b, fenceRef(r.Doc.Request.VnfID))
	if err == nil && f != nil { // it goes after the last row that it is about
		f.Move(fenceState, until)
	}
	return err //nolint:wrapcheck // says what it was about
}

// copies sends replies again where a simulated site wants them doubled.
func (cfg Config) copies(ctx context.Context, b *ledger.Book) error {
	if cfg.Tap == nil {
		return nil
	}
	for _, m := range b.Commit.Outbox {
		for n := cfg.Tap(); n > 1; n-- {
			_, err := cfg.Doer.Do(ctx, &eventstore.Work{Keys: []string{m.Key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Outbox: []message.Message{m}}, nil
			}})
			if err != nil {
				return fmt.Errorf("send the reply to %s again: %w", m.CausationID, err)
			}
		}
	}
	return nil
}

// failureOf returns the class and the text of an error.
func failureOf(err error) (message.Class, string) {
	var e *configuration.Error
	if errors.As(err, &e) {
		return e.Class, e.Hint
	}
	return message.UnknownOutcome, err.Error()
}
