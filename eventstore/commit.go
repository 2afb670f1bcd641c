package eventstore

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/message"
)

// Commit is one atomic step: everything in it is written in one transaction, or nothing is. The zero value writes
// nothing. Guards are the expected versions, the fired timeouts, the handled ids, the cursors' expected positions and
// epochs, unique names and the idempotency key; the first that does not hold fails the transaction.
type Commit struct {
	// Key decides the lane of all events, messages, sagas and timeouts. Execution sets it to the work's first key.
	Key string

	Appends     []Append
	Expect      []StreamVersion // streams read, not written, that must still be at this version
	Sagas       []SagaRow
	Timeouts    []Timeout    // set, or moved when the id exists; done after Fired and Cancelled, so setting wins
	Cancelled   []string     // timeouts removed; removing one that is gone is not an error
	Fired       []FiredTimer // timeouts being handled: removed, and must still be as read
	Outbox      []message.Message
	Handled     []HandledMark
	Cursors     []CursorMove
	Idempotency *IdempotencyResult
	Views       []ViewWrite
	Records     []RecordWrite
	Snapshots   []Snapshot
	Unsnapped   []string // streams whose snapshots are removed; done before Snapshots
	Parked      []ParkedMessage
	Unparked    []string // ids of parked messages taken back; not a guard

	// What follows is not written, but for whoever follows the commit in memory.

	// Steps are the attempts of sagas that ended with it; they are stored with their items.
	Steps []StepRow
	// Taken are the messages it makes that it handles as well: they are in no outbox.
	Taken []message.Message
	// The rest is set by execution.
	Time     time.Time      // the store's clock at this commit
	Lane     int            //
	Events   []Event        // as stored
	Messages []OutboxRecord // as stored
}

// Empty reports whether the commit writes nothing at all.
func (c *Commit) Empty() bool {
	return len(c.Appends)+len(c.Expect)+len(c.Sagas)+len(c.Timeouts)+len(c.Cancelled)+len(c.Fired)+
		len(c.Outbox)+len(c.Handled)+len(c.Cursors)+len(c.Views)+len(c.Records)+len(c.Snapshots)+len(c.Unsnapped)+len(c.Parked)+
		len(c.Unparked) == 0 && c.Idempotency == nil
}

// Clone returns a copy that can be added to, and whose rows can be replaced, without changing the commit.
func (c *Commit) Clone() *Commit {
	d := *c
	d.Appends, d.Expect, d.Sagas = slices.Clone(c.Appends), slices.Clone(c.Expect), slices.Clone(c.Sagas)
	d.Timeouts, d.Cancelled, d.Fired = slices.Clone(c.Timeouts), slices.Clone(c.Cancelled), slices.Clone(c.Fired)
	d.Outbox, d.Handled, d.Cursors = slices.Clone(c.Outbox), slices.Clone(c.Handled), slices.Clone(c.Cursors)
	d.Views, d.Records, d.Snapshots = slices.Clone(c.Views), slices.Clone(c.Records), slices.Clone(c.Snapshots)
	d.Unsnapped = slices.Clone(c.Unsnapped)
	d.Parked, d.Unparked = slices.Clone(c.Parked), slices.Clone(c.Unparked)
	d.Steps, d.Taken = slices.Clone(c.Steps), slices.Clone(c.Taken)
	for i := range d.Appends {
		d.Appends[i].Events = slices.Clip(d.Appends[i].Events)
	}
	return &d
}

// Append adds events to a stream that must be at version Expected (0: it does not exist).
type Append struct {
	Stream   string
	Expected int64
	Events   []Event
	// State is the aggregate as these events leave it, kept by whoever folded them. It is not stored.
	State any
}

// StreamVersion is a guard on a stream that is only read.
type StreamVersion struct {
	Stream  string
	Version int64
}

// SagaRow is a saga instance at rest: a small row that changes with every turn, a plan that never does, and a row for each
// of its items. Expected is the version read (0: it is new); the row is written at Expected+1, and so are the items given.
// Of a row that is not new only state and data change.
// Delete removes the row (at version Expected), its items, timeouts and handled marks instead.
type SagaRow struct {
	ID         string
	Type       string
	DefVersion int
	Key        string // unit of order: the VNF instance id
	Parent     string // the saga a cleanup saga cleans up after
	State      string
	Version    int64 // as read; ignored on write
	Expected   int64
	Data       json.RawMessage // what changes, and what is read in a list of sagas. Read: nil when the reader has it
	Plan       json.RawMessage // written when the saga is new; read when SagaFrom.After is 0
	Items      []SagaItem      // in order of their numbers. On write: those that changed. Read: those written after SagaFrom.After
	Created    time.Time       // set by the store on insert
	Updated    time.Time       // set by the store
	Ended      bool            // on write: it has ended
	EndedAt    time.Time       // set by the store when it was written as ended
	Delete     bool
	// Base is not stored. In a row that was loaded it is SagaFrom.Base; in one that is written it is the writer's own, for
	// whoever follows the commit in memory.
	Base any
}

// SagaItem is one item of a saga. A row without data says that the item is gone: a reader that knew it forgets it.
type SagaItem struct {
	No      int   // within the saga, from 1
	New     bool  // on write: the saga has no row of this number yet; else it must have one
	Version int64 // of the saga that wrote it; set by the store
	Data    json.RawMessage
}

// StepRow is one command attempt of a saga: what happened, for people.
type StepRow struct {
	CommandID string
	Saga      string
	Seq       int // order of sending within the saga
	Step      string
	Item      string
	Direction string // "do" or "undo"
	Attempt   int
	State     string
	Sent      time.Time
	Replied   time.Time       // zero while there is no reply
	Result    json.RawMessage // of the reply
	Class     string
	Reason    string
}

// Timeout is a persistent timer. The ID of a saga's timeout is "<saga id>/<name>", so that it goes with its saga. Owner routes it to its handler ("saga"); Token tells a timer from an older one of
// the same id.
type Timeout struct {
	ID    string
	Owner string
	Key   string
	Name  string
	Token int64
	Due   time.Time
	Lane  int             // set by the store
	Data  json.RawMessage // what the handler needs beside the key; may be nil
}

// FiredTimer guards the handling of a timeout: it must still exist with this token and be due by the store's clock.
type FiredTimer struct {
	ID    string
	Token int64
}

// HandledMark records that a message was handled on behalf of a saga, which it belongs to; the mark lives as long as the saga.
type HandledMark struct {
	MessageID string
	Saga      string
}

// CursorMove moves a consumer's position in a lane. It fails unless the cursor stands at From and the role holds the lane
// under Epoch. A cursor belongs to the role that moved it first. One that does not exist stands at 0. Moves of one batch that
// follow each other are one move.
type CursorMove struct {
	Consumer string
	Role     string // whose lease of the lane it is moved under
	Lane     int
	From, To int64
	Epoch    int64
	// Mark is stored beside To, where the bus that delivered keeps one; "" leaves the one that is there. It is not compared.
	Mark string
}

// IdempotencyKey names one client request.
type IdempotencyKey struct {
	Caller string
	Key    string
}

// IdempotencyResult is the answer to a request, stored with its effect. Inserting a key that exists fails with
// ErrIdempotencyKeyUsed.
type IdempotencyResult struct {
	IdempotencyKey
	Fingerprint string // of method, URI and body
	Status      int
	Header      http.Header
	Body        []byte
	At          time.Time // set by the store
}

// View is one row a reader sees: the document of one aggregate, written in the commit that changed it.
type View struct {
	Kind     string
	ID       string
	Revision int64 // version of the stream it shows
	Parent   string
	State    string
	Name     string // unique within Kind unless empty
	Updated  time.Time
	Doc      json.RawMessage
	// Attrs are attributes of the document that readers select by, as filter.Index gives them, each at the place its kind
	// keeps it; "" where there is none. They are columns with an index.
	Attrs [MaxAttrs]string
}

// MaxAttrs is the number of attributes a view keeps in columns, besides its other fields.
const MaxAttrs = 8

// Column names a column of a view for ViewQuery.Columns.
type Column string

// The columns of a view that hold attributes of its document.
const (
	ColumnID     Column = "id"
	ColumnParent Column = "parent"
	ColumnState  Column = "state"
)

// attrColumns are the names of the columns of Attrs, in their order.
var attrColumns = [MaxAttrs]Column{"attr1", "attr2", "attr3", "attr4", "attr5", "attr6", "attr7", "attr8"}

// ColumnAttr is the column of Attrs[i].
func ColumnAttr(i int) Column { return attrColumns[i] }

// Column returns what a column of the view holds.
func (v *View) Column(c Column) string {
	switch c {
	case ColumnID:
		return v.ID
	case ColumnParent:
		return v.Parent
	case ColumnState:
		return v.State
	}
	return v.Attrs[slices.Index(attrColumns[:], c)]
}

// ViewWrite puts a view, or deletes it.
type ViewWrite struct {
	View
	Delete bool
}

// Record is one row of a participant's ledger. The tables are fixed (TableVimCommands and so on); their
// columns are what a worker selects by, the rest is the participant's document.
type Record struct {
	Table   string
	ID      string
	Key     string // unit of order; decides the lane
	Group   string // what rows are counted or listed by, e.g. the VIM connection
	State   string
	Due     time.Time // when a worker should look at it; zero: never by itself
	Version int64     // 1 when inserted, one more with each write
	Lane    int       // set by the store
	Doc     json.RawMessage
}

// The ledger tables.
const (
	TableVimCommands  = "vim_commands"
	TableVimResources = "vim_resources"
	// TableNfvoCommands holds the NFVO manager's commands.
	TableNfvoCommands = "nfvo_commands"
	// TableSecrets holds credentials as package secret sealed them.
	TableSecrets = "secrets"
	// TableNotifications holds what subscribers are to be told.
	TableNotifications = "notifications"
	// TableDenials holds what package access counted of denied requests.
	TableDenials = "denials"
	// TableVnfCommands holds the configurations of VNFs.
	TableVnfCommands = "vnf_commands"
	// TableOutboxConsumers holds the consumers of the outbox, by name.
	TableOutboxConsumers = "outbox_consumers"
	// TableReconcile holds what came of comparing VIMs with the records, and what is known of repairs by policy.
	TableReconcile = "reconcile"
)

// Tables lists the ledger tables: what a back-end writes and reads, and its suite tries each.
var Tables = []string{TableVimCommands, TableVimResources, TableNfvoCommands, TableSecrets, TableNotifications, TableDenials, TableVnfCommands, TableOutboxConsumers, TableReconcile}

// RecordWrite writes a record that must be at version Expected (0: must not exist), or deletes it.
type RecordWrite struct {
	Record
	Expected int64
	Delete   bool
}

// Snapshot is the folded state of a stream at a version, in a schema of the aggregate's own. Those of many versions of a
// stream are kept, so that a past state costs no more than the present one. A snapshot is an optimisation: it may be
// dropped at any time.
type Snapshot struct {
	Stream  string
	Version int64
	Schema  int
	Data    json.RawMessage
	// State is Data decoded, where a Base was handed over so. It is not stored, and nobody may change it.
	State any
}

// ParkedMessage is a message that could not be handled, or that waits for another program, or one of the same key behind
// it.
type ParkedMessage struct {
	ID       string // the message's id
	Consumer string
	Key      string
	Seq      int64 // offset in the lane it came from: order of re-driving
	Message  message.Message
	Reason   string
	At       time.Time // set by the store
}

// The reasons of parked messages that wait for no operator.
const (
	WaitsForVersion = "waits for a newer program: " // what it does not know follows
	BehindAnother   = "an earlier message of this key is parked"
)

// Waits reports whether a message, the first of its key, is taken up by itself once a process whose program knows it
// takes the lane. What stood behind one that was taken up is, too.
func (p *ParkedMessage) Waits() bool {
	return strings.HasPrefix(p.Reason, WaitsForVersion) || p.Reason == BehindAnother
}

// OutboxRecord is a committed message with its place in its lane.
type OutboxRecord struct {
	Lane   int
	Offset int64
	message.Message
}
