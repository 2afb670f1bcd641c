package vimmanager

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
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
	BuildBy  time.Time     `json:"buildBy,omitzero"`
	Tries    int           `json:"tries,omitempty"` // looks in this state
	Failure  *failure      `json:"failure,omitempty"`
	Trace    string        `json:"traceparent,omitempty"` // of the last command about it
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
}

func (d *resource) commands() []string {
	ids := slices.Concat(d.Waiting, d.Failing, d.Cancelled, d.Superseded, d.Releasing)
	if d.Change != nil {
		ids = append(ids, d.Change.Waiting...)
	}
	return ids
}

// saw notes a revision that was seen at the VIM.
func (d *resource) saw(revision int) {
	d.Revision, d.Highest = revision, max(d.Highest, revision)
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

// row is a ledger row with its document.
type row[T any] struct {
	eventstore.Record
	doc     T
	was     string // state as read
	changed bool
}

type (
	resourceRow = row[resource]
	commandRow  = row[command]
	fenceRow    = row[fence]
)

// move puts a row into a state with the time at which a worker is to look at it; the zero time means never.
func (r *row[T]) move(state string, due time.Time) {
	r.State, r.Due, r.changed = state, due, true
}

// ledger is the rows one change is about, on top of what the commit already holds.
type ledger struct {
	Config
	now       time.Time
	loaded    *eventstore.Loaded
	commit    *eventstore.Commit
	resources map[string]*resourceRow
	commands  map[string]*commandRow
	fences    map[string]*fenceRow
	order     []func() (*eventstore.RecordWrite, error) // in the order rows were first used
	replies   []*commandRow
}

func newLedger(cfg Config, l *eventstore.Loaded, c *eventstore.Commit) *ledger {
	return &ledger{
		Config: cfg, now: l.Now, loaded: l, commit: c,
		resources: map[string]*resourceRow{}, commands: map[string]*commandRow{}, fences: map[string]*fenceRow{},
	}
}

func resourceRef(token string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableVimResources, ID: token}
}

func commandRef(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableVimCommands, ID: id}
}

func fenceRef(vnf string) eventstore.RecordRef { return resourceRef("fence:" + vnf) }

// get returns a row, nil when there is none. It must have been asked for in Load.
func get[T any](lg *ledger, cache map[string]*row[T], ref eventstore.RecordRef) (*row[T], error) {
	if r, ok := cache[ref.ID]; ok {
		return r, nil
	}
	rec := lg.loaded.Records[ref]
	for _, w := range lg.commit.Records { // written for an earlier message of the same commit
		if w.Table == ref.Table && w.ID == ref.ID {
			rec = &w.Record
			rec.Version = w.Expected
		}
	}
	if rec == nil {
		return nil, nil
	}
	r := &row[T]{Record: *rec, was: rec.State}
	if err := json.Unmarshal(rec.Doc, &r.doc); err != nil {
		return nil, fmt.Errorf("ledger row %s %s: %w", ref.Table, ref.ID, err)
	}
	keep(lg, cache, r)
	return r, nil
}

// add puts a new row into the ledger.
func add[T any](lg *ledger, cache map[string]*row[T], ref eventstore.RecordRef, key, group string) *row[T] {
	r := &row[T]{Record: eventstore.Record{Table: ref.Table, ID: ref.ID, Key: key, Group: group}}
	keep(lg, cache, r)
	return r
}

func keep[T any](lg *ledger, cache map[string]*row[T], r *row[T]) {
	cache[r.ID] = r
	lg.order = append(lg.order, func() (*eventstore.RecordWrite, error) {
		if !r.changed {
			return nil, nil
		}
		doc, err := json.Marshal(r.doc)
		if err != nil {
			return nil, fmt.Errorf("ledger row %s %s: %w", r.Table, r.ID, err)
		}
		rec := r.Record
		rec.Doc = doc
		return &eventstore.RecordWrite{Record: rec, Expected: r.Version}, nil
	})
}

func (lg *ledger) resource(token string) (*resourceRow, error) {
	return get(lg, lg.resources, resourceRef(token))
}

func (lg *ledger) command(id string) (*commandRow, error) {
	return get(lg, lg.commands, commandRef(id))
}

// write adds the changed rows to the commit.
func (lg *ledger) write() error {
	for _, f := range lg.order {
		w, err := f()
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		i := slices.IndexFunc(lg.commit.Records, func(o eventstore.RecordWrite) bool { return o.Table == w.Table && o.ID == w.ID })
		if i >= 0 {
			lg.commit.Records[i] = *w
		} else {
			lg.commit.Records = append(lg.commit.Records, *w)
		}
	}
	return nil
}
