package eventstore

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/vnfm/vnfm/filter"
)

// Errors of a transaction whose guard did not hold. Nothing was written.
var (
	ErrVersion            = errors.New("the stream, saga or record is not at the expected version")
	ErrHandled            = errors.New("the message was handled before")
	ErrTimeoutGone        = errors.New("the timeout is gone, replaced or not due")
	ErrFenced             = errors.New("the lane's cursor or epoch is not ours")
	ErrIdempotencyKeyUsed = errors.New("the idempotency key is used")
	ErrNameTaken          = errors.New("the unique name is taken")
	// ErrUnavailable: the database cannot be reached or the outcome could not be learnt in time.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrFull is an ErrUnavailable of a database that has no room left to write.
	ErrFull = errors.New("the disk is full")
	// ErrDamaged: what the database has stored cannot be read any more.
	ErrDamaged = errors.New("the database is damaged")
	// ErrOlder: the schema is of an older version, and must not be changed here.
	ErrOlder = errors.New("the schema of the database is of an older version")
	// ErrBusy: what is asked for cannot be done at the moment.
	ErrBusy = errors.New("not at the moment")
)

// Load says what a Decide function needs. Everything is read in one round trip, after the keys are locked.
type Load struct {
	Streams     []StreamFrom
	Sagas       []SagaFrom
	Handled     []HandledMark
	Timeouts    []string
	Idempotency *IdempotencyKey
	Views       []ViewRef
	CountViews  []ViewCount
	Records     []RecordRef
	ParkedKeys  []string // "consumer/key": is anything parked there?
}

// StreamFrom asks for a stream's head and its events after a version.
type StreamFrom struct {
	Stream string
	After  int64
	// Schema, with After 0, asks for the newest snapshot of this schema and only for the events after it; those of other
	// schemas do not count. 0: no snapshot is wanted.
	Schema int
	// Base is a snapshot that the asker holds, of version After. It is handed back as the stream's snapshot, so that Decide
	// finds all it needs in what was loaded. One that is ahead of the stream is not handed back.
	Base *Snapshot
}

// SagaFrom asks for a saga's row, and for the items written after version After, which the reader has. When the row is at
// that version neither its data nor any item is read. With After 0 the plan is read as well. Base is handed back in SagaRow.Base: what the
// reader has at that version, so that it need not still be kept elsewhere when the rows arrive.
type SagaFrom struct {
	ID    string
	After int64
	Base  any
}

// ViewRef names a view.
type ViewRef struct{ Kind, ID string }

// ViewCount asks how many views of a kind have a parent; with Column, how many have it in that column. At most MaxCount are counted.
type ViewCount struct {
	Kind, Parent string
	Column       Column // "": ColumnParent
}

// MaxCount is where a ViewCount ends: who asks wants to know whether there are any, or few.
const MaxCount = 1000

// RecordRef names a ledger row.
type RecordRef struct{ Table, ID string }

// Loaded is what Load asked for. What does not exist is absent from the maps; Stream of an absent stream is the zero
// StreamState.
type Loaded struct {
	Now         time.Time
	Streams     map[string]*StreamState
	Sagas       map[string]*SagaRow
	Handled     map[string]bool // by message id
	Timeouts    map[string]*Timeout
	Idempotency *IdempotencyResult
	Views       map[ViewRef]*View
	Counts      map[ViewCount]int
	Records     map[RecordRef]*Record
	Parked      map[string]bool
}

// StreamState is a stream's head and the events asked for.
type StreamState struct {
	Version  int64 // of the head
	Hash     []byte
	Last     time.Time // of the head event
	Snapshot *Snapshot
	Events   []Event
}

// HandBack makes a StreamFrom's Base the stream's snapshot, unless it is ahead of the stream.
func (s *StreamState) HandBack(base *Snapshot) {
	if base != nil && base.Version <= s.Version {
		s.Snapshot = base
	}
}

// Stream returns the state of a stream, the zero value when it does not exist.
func (l *Loaded) Stream(name string) *StreamState {
	if s := l.Streams[name]; s != nil {
		return s
	}
	return &StreamState{}
}

// Work is one change waiting to be made.
type Work struct {
	// Keys are locked, in order, before anything is read. The first decides the lane.
	Keys []string
	// Shared are locked against works that have them in Keys, but not against each other.
	Shared []string
	// Load is called at the start of each attempt.
	Load func() Load
	// Decide turns what was loaded into a commit, or nil for nothing to write. It is pure, takes no lock and does no
	// I/O; it runs again when an attempt fails. Its error is the work's, and does not touch other works of the batch.
	Decide func(*Loaded) (*Commit, error)
}

// Result is what became of one work: Commit as written (nil when Decide had nothing to write), or Decide's error.
type Result struct {
	Commit *Commit
	Err    error
}

// Executor makes changes.
type Executor interface {
	// Execute runs the works in one transaction. Their keys must be disjoint (shared ones may meet). When the
	// error is not nil nothing was written: ErrVersion, ErrHandled, ErrTimeoutGone, ErrFenced, ErrIdempotencyKeyUsed,
	// ErrNameTaken for a guard, ErrUnavailable for a database out of reach. Works whose Decide failed do not keep the
	// others from being written.
	Execute(ctx context.Context, works []*Work) ([]Result, error)
}

// Past finds what was. What it finds does not change any more, so that several calls need no transaction.
type Past interface {
	// VersionAt returns the highest version of a stream whose event is not later than t; 0 when there is none.
	VersionAt(ctx context.Context, stream string, t time.Time) (int64, error)
	// OffsetsBefore returns the last offset of every lane whose event is earlier than t; 0 where there is none. A clock
	// that was set back blurs it by as much.
	OffsetsBefore(ctx context.Context, t time.Time) ([Lanes]int64, error)
	// SnapshotAt returns the newest snapshot of a stream, of one schema, that is not of a later version; nil when there
	// is none.
	SnapshotAt(ctx context.Context, stream string, version int64, schema int) (*Snapshot, error)
}

// Reader reads committed state.
type Reader interface {
	Past
	// Load reads without locks, from one snapshot of the database.
	Load(ctx context.Context, l Load) (*Loaded, error)
	// ReadStream returns up to limit events of a stream after a version, in order.
	ReadStream(ctx context.Context, stream string, after int64, limit int) ([]Event, error)
	// ReadStreams returns up to limit events of several streams of one lane, after an offset, in order of offset.
	ReadStreams(ctx context.Context, streams []string, after int64, limit int) ([]Event, error)
	// Streams lists stream names with a prefix, after a name, in order: for verification and rebuilds.
	Streams(ctx context.Context, prefix, after string, limit int) ([]StreamHead, error)
	// ReadLane returns up to limit events of a lane after an offset, in order.
	ReadLane(ctx context.Context, lane int, after int64, limit int) ([]Event, error)
	// ReadOutbox returns up to limit messages of a lane after an offset, in order.
	ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]OutboxRecord, error)
	// OutboxIDs returns the id of this database's outbox, which was made with it, and behind it those it had before it was
	// restored to an older point, the latest first.
	OutboxIDs(ctx context.Context) ([]string, error)
	// Heads returns the last event and outbox offset of every lane.
	Heads(ctx context.Context) ([Lanes]LaneHead, error)
	// ReadAll returns up to limit events of the streams with a prefix, in order of stream and version, after a place:
	// for rebuilds. A page may end within a stream.
	ReadAll(ctx context.Context, prefix string, after StreamVersion, limit int) ([]Event, error)
	// Views lists views by kind, in order of id.
	Views(ctx context.Context, q ViewQuery) ([]View, error)
	// Sagas lists sagas without their plans and items (Load reads one whole). Steps lists the attempts of a saga that programs
	// stored apart from its items, as they did once, in the order they were sent.
	Sagas(ctx context.Context, q SagaQuery) ([]SagaRow, error)
	Steps(ctx context.Context, saga string) ([]StepRow, error)
	// Timeouts returns the timeouts of the lanes that are due by a time, the most urgent first, at most limit. What it costs
	// depends on what it finds, not on how many wait. The zero time is later than all.
	Timeouts(ctx context.Context, lanes []int, by time.Time, limit int) ([]Timeout, error)
	// Records lists ledger rows.
	Records(ctx context.Context, q RecordQuery) ([]Record, error)
	// Parked lists parked messages, those of a key in the order they are to be retried.
	Parked(ctx context.Context, q ParkedQuery) ([]ParkedMessage, error)
	// Counts counts the sagas in each of the states, and parked messages by consumer: for metrics.
	Counts(ctx context.Context, sagaStates []string) (Counts, error)
	// Census counts all views, which costs the more the more there are, and tells how large the database is: for metrics.
	Census(ctx context.Context) (Census, error)
	// Now returns the store's clock.
	Now(ctx context.Context) (time.Time, error)
}

// Counts is how many there are of what operators watch. What there is none of may be absent.
type Counts struct {
	Sagas  map[string]int // by state
	Parked map[string]int // by consumer
}

// ViewState is a kind of views, and a state that some are in.
type ViewState struct{ Kind, State string }

// Census is how much there is in a database: views by kind and state, and the bytes that it takes where it is kept; 0: nowhere.
type Census struct {
	Views map[ViewState]int
	Bytes int64
}

// StreamHead names a stream and its head.
type StreamHead struct {
	Stream  string
	Version int64
	Hash    []byte
}

// LaneHead is the last offset of a lane.
type LaneHead struct{ Event, Outbox int64 }

// ViewQuery selects views. Zero fields select all; what is listed comes after After.
type ViewQuery struct {
	Kind, Parent, State, Name, After string
	Limit                            int // 0: 1000
	// Where is what the documents must match, exactly as filter.Filter.Match has it.
	Where filter.Filter
	// Columns says which attributes of the documents, as Term.Attribute names them, are columns of the rows as well:
	// terms over these are served by indexes, and others by reading the documents. A column holds filter.Index of its
	// attribute, or "".
	Columns map[string]Column
	// Docs: of the rows only ID and Doc need be read.
	Docs bool
	// Brief: of the documents only what does not grow with what they are about need be read. A store reads what it has.
	Brief bool
	// Heads: the documents need not be read.
	Heads bool
	// Order is the column whose values say the order, id the order of equals; "": in order of id alone.
	Order Column
	// Desc: the greatest first, and of equals the greatest id.
	Desc bool
	// AfterValue is what the Order column of the row After holds.
	AfterValue string
}

// Behind returns the query for what comes behind a row that was listed.
func (q ViewQuery) Behind(v *View) ViewQuery {
	if q.After = v.ID; q.Order != "" {
		q.AfterValue = v.Column(q.Order)
	}
	return q
}

// Compare says in which order two views are listed.
func (q ViewQuery) Compare(a, b *View) int {
	out := 0
	if q.Order != "" {
		out = cmp.Compare(a.Column(q.Order), b.Column(q.Order))
	}
	if out = cmp.Or(out, cmp.Compare(a.ID, b.ID)); q.Desc {
		out = -out
	}
	return cmp.Or(out, cmp.Compare(a.Kind, b.Kind))
}

// Past reports whether a view comes behind the place where the query begins.
func (q ViewQuery) Past(v *View) bool {
	if q.After == "" {
		return true
	}
	out := 0
	if q.Order != "" {
		out = cmp.Compare(v.Column(q.Order), q.AfterValue)
	}
	if out = cmp.Or(out, cmp.Compare(v.ID, q.After)); q.Desc {
		out = -out
	}
	return out > 0
}

// SagaQuery selects sagas. With EndedBy set, those of Lanes that ended not after it, the first that ended first; else by id.
type SagaQuery struct {
	Key, Parent, State, After string
	Live                      bool // that have not ended
	Lanes                     []int
	EndedBy                   time.Time
	Limit                     int // 0: 1000
}

// RecordQuery selects ledger rows. With DueBy set, rows with a Due not after it, the most urgent first; else by id.
type RecordQuery struct {
	Table, Key, Group, State, After string
	Lanes                           []int
	DueBy                           time.Time
	Limit                           int  // 0: 1000
	Heads                           bool // the documents need not be read
}

// ParkedQuery selects parked messages. Zero fields select all. They come in order of consumer, offset and id, after After's.
type ParkedQuery struct {
	Consumer, Key, ID string
	After             *ParkedMessage // the last of the page before; nil: from the first
	Limit             int            // 0: 1000
}

// Position is where a consumer stands in a lane. The zero value is the beginning.
type Position struct {
	Offset int64  // what it has handled
	Mark   string // where the bus reads on, in the bus's own form; "" when it does not know
}

// Owner keeps leases and positions.
type Owner interface {
	// Lease renews a node, takes and gives up lanes, and returns how all lanes lie then. It raises the epoch of a lane that
	// changes hands, here and in the cursors of its role.
	Lease(ctx context.Context, r LeaseRequest) (Leases, error)
	// Leases returns how all lanes lie, and the nodes that are gone.
	Leases(ctx context.Context) (Leases, error)
	// Cursors returns a consumer's position in every lane.
	Cursors(ctx context.Context, consumer string) ([Lanes]Position, error)
}

// Janitor removes what nothing needs any more.
type Janitor interface {
	// Prune deletes outbox rows at or behind Upto, and idempotency keys and commit ids older than the times given.
	Prune(ctx context.Context, p Prune) error
}

// Prune says what may go.
type Prune struct {
	Upto              *[Lanes]int64 // in each lane; nil: the outbox is kept
	IdempotencyBefore time.Time
	CommitsBefore     time.Time
}

// Store is everything a back-end does.
type Store interface {
	Executor
	Reader
	Owner
	Janitor
	// Ping says whether the database answers; ErrDamaged when it was found damaged and no Check since found it whole.
	Ping(ctx context.Context) error
	// Check looks for damage of what is stored, as far as the database can tell, and returns what it finds. It may take as
	// long as there is much. ErrDamaged when damage keeps it from looking.
	Check(ctx context.Context) ([]string, error)
	// Reset deletes all views, for a rebuild; the program must not be running otherwise.
	ResetViews(ctx context.Context) error
	// RenewOutbox gives the outbox another id, after the database was restored to an older point: its offsets are given again.
	RenewOutbox(ctx context.Context) error
	Close() error
}
