package vimmanager

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// The states of a resource row; see the package comment.
const (
	Wanted     = "WANTED"
	Starting   = "STARTING"
	Unresolved = "UNRESOLVED"
	Building   = "BUILDING"
	Active     = "ACTIVE"
	Outdated   = "OUTDATED"
	Changing   = "CHANGING"
	Clearing   = "CLEARING"
	Failed     = "FAILED"
	Releasing  = "RELEASING"
	Released   = "RELEASED"
)

// The states of a command row.
const (
	CommandOpen = "OPEN"
	CommandDone = "DONE"
)

// FenceState is the state of a fence row, whose id is "fence:" and the VNF instance id.
const FenceState = "FENCE"

// resource is the document of a resource row.
type resource struct {
	Token   vim.Token     `json:"token"`
	Kind    vim.Kind      `json:"kind"`
	Owner   string        `json:"owner"`
	Spec    vim.Spec      `json:"spec"` // that is being made, or stands
	Fence   int64         `json:"fence,omitempty"`
	Attempt time.Duration `json:"attemptNs,omitempty"` // bound of one Start
	// Revision is that of what stands; 0 when it is not known. Highest is the highest that was seen, in a command or at the
	// VIM: a change to a lower one is refused.
	Revision int     `json:"revision,omitempty"`
	Highest  int     `json:"highest,omitempty"`
	Change   *change `json:"change,omitempty"` // that was asked for and has not ended
	// Loose is the last call of a change that nobody heard the end of.
	Loose *loose `json:"loose,omitempty"`
	// Intent is there while the outcome of a call is open.
	Intent   *intent       `json:"intent,omitempty"`
	Resource *vim.Resource `json:"resource,omitempty"` // as last seen
	BuildBy  time.Time     `json:"buildBy,omitzero"`   // who waits until it is built, cleared or gone is told by then
	Tries    int           `json:"tries,omitempty"`    // looks in this state
	// HeldBy is until when it waits for a VIM to which calls are held back; zero: it was not held since it was last answered.
	HeldBy  time.Time `json:"heldBy,omitzero"`
	Failure *failure  `json:"failure,omitempty"`
	Trace   string    `json:"traceparent,omitempty"` // of the last command about it
	// Operation is the operation occurrence, or the cleanup, that the last command about it was of.
	Operation string `json:"operation,omitempty"`
	// Who is to be told what: ids of commands.
	Waiting    []string `json:"waiting,omitempty"`    // reserves, of success
	Failing    []string `json:"failing,omitempty"`    // reserves, of the failure once it is cleared away
	Cancelled  []string `json:"cancelled,omitempty"`  // reserves and changes, that a release was there first
	Superseded []string `json:"superseded,omitempty"` // changes, that a later one was there first
	Releasing  []string `json:"releasing,omitempty"`  // releases, of success
}

// change is what a resource that stands is to become.
type change struct {
	Revision int           `json:"revision"`
	From     vim.Spec      `json:"from"`
	To       vim.Spec      `json:"to"`
	Fence    int64         `json:"fence,omitempty"`
	Attempt  time.Duration `json:"attemptNs,omitempty"` // bound of one call
	Grace    time.Duration `json:"graceNs,omitempty"`   // how long the guest may take to stop
	GraceBy  time.Time     `json:"graceBy,omitzero"`    // when it is turned off; set by the first call
	By       time.Time     `json:"by,omitzero"`         // when the change is given up; set by the first call
	Called   bool          `json:"called,omitempty"`    // some of it may stand
	Waiting  []string      `json:"waiting,omitempty"`   // commands to be told of its end
}

// loose is a call of a change whose answer never came. It may have its effect until a time.
type loose struct {
	Revision int       `json:"revision"`
	Until    time.Time `json:"until"`
}

// intent says that a call may be under way.
type intent struct {
	ID          string    `json:"id"`
	Deadline    time.Time `json:"deadline"`              // the call is given up by then
	Revision    int       `json:"revision,omitempty"`    // of a Change: to which
	Quarantined bool      `json:"quarantined,omitempty"` // it was looked up after the deadline
	Silence     string    `json:"silence,omitempty"`     // why the answer never came; "" while it may, or when the worker died
}

// failure is why a command cannot be answered with success.
type failure struct {
	Class  message.Class `json:"class"`
	Reason string        `json:"reason"`
	Partly bool          `json:"partly,omitempty"` // of a change: some of it may stand
}

// failureOf returns why a resource failed at its VIM, nil when it did not.
func failureOf(r vim.Resource) *failure {
	if r.Failed == nil {
		return nil
	}
	return &failure{Class: r.Failed.Class, Reason: r.Failed.Hint}
}

// commands are those that wait for the row.
func (d *resource) commands() []string {
	ids := slices.Concat(d.Waiting, d.Failing, d.Cancelled, d.Superseded, d.Releasing)
	if d.Change != nil {
		ids = append(ids, d.Change.Waiting...)
	}
	return ids
}

// saw notes a revision that was seen at the VIM; one that cannot tell says nothing.
func (d *resource) saw(revision int) {
	if revision > 0 {
		d.Revision, d.Highest = revision, max(d.Highest, revision)
	}
}

// command is the document of a command row. Its reply is kept: a command that comes once more is answered with it.
type command struct {
	Message message.Message `json:"message"` // without its data
	Kind    vim.Kind        `json:"kind,omitempty"`
	Reply   *message.Reply  `json:"reply,omitempty"`
}

// fence is the document of a fence row.
type fence struct {
	Highest int64 `json:"highest"`
}

type (
	resourceRow = ledger.Row[resource]
	commandRow  = ledger.Row[command]
)

// book is the rows of one commit.
type book struct {
	Config
	*ledger.Book
}

func resourceRef(token string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableVimResources, ID: token}
}

func commandRef(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableVimCommands, ID: id}
}

func fenceRef(vnf string) eventstore.RecordRef { return resourceRef("fence:" + vnf) }

// resource returns the row of a token, nil when there is none.
func (b *book) resource(token string) (*resourceRow, error) {
	return ledger.Get[resource](b.Book, resourceRef(token))
}

// command returns the row of a command, nil when there is none.
func (b *book) command(id string) (*commandRow, error) {
	return ledger.Get[command](b.Book, commandRef(id))
}

// change makes one change to rows under the lock of a key, outside a worker's steps.
func (cfg Config) change(ctx context.Context, key string, f func(*book) error) error {
	b, err := ledger.Do(ctx, cfg.Doer, []string{key}, nil, func(b *ledger.Book) error { return f(&book{cfg, b}) })
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	return cfg.wrote(ctx, b)
}

// wrote writes a line per change of state, and sends replies again where a simulated VIM's behaviour wants them doubled.
func (cfg Config) wrote(ctx context.Context, b *ledger.Book) error {
	var errs []error
	b.Moves(func(rec *eventstore.Record, was string) {
		switch {
		case rec.Table == eventstore.TableVimResources && rec.State != was:
			var of struct{ Operation string }
			_ = json.Unmarshal(rec.Doc, &of) // a document that cannot be read is a matter of whoever works on it
			cfg.Logger.InfoContext(ctx, "resource moved", "vnf_id", rec.Key, "opocc_id", of.Operation, "vim_id", rec.Group, "token", rec.ID, "from", was, "to", rec.State)
		case rec.Table == eventstore.TableVimCommands && rec.State == CommandDone && was != CommandDone && cfg.Tap != nil:
			errs = append(errs, cfg.copies(ctx, b, rec))
		}
	})
	return errors.Join(errs...)
}

// copies sends the reply of a command as often again as Tap wants.
func (cfg Config) copies(ctx context.Context, b *ledger.Book, rec *eventstore.Record) error {
	c, err := ledger.Get[command](b, commandRef(rec.ID))
	i := slices.IndexFunc(b.Commit.Outbox, func(m message.Message) bool { return m.CausationID == rec.ID })
	if err != nil || i < 0 {
		return err //nolint:wrapcheck // says what it was about
	}
	op := "release"
	switch c.Doc.Message.Type {
	case vim.TypeReserve, vim.TypeReserveResource:
		op = "reserve"
	case vim.TypeChangeResource:
		op = "change"
	}
	var errs []error
	for n := cfg.Tap(c.Group, c.Doc.Kind, op); n > 1; n-- {
		_, err := cfg.Doer.Do(ctx, &eventstore.Work{Keys: []string{c.Key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Outbox: []message.Message{b.Commit.Outbox[i]}}, nil
		}})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
