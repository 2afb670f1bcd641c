package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
)

// The states of the other rows; see the package comment.
const (
	StatePending = "PENDING"
	StateFailed  = "FAILED"
	stateQueue   = "QUEUE"
	stateAsked   = "ASKED"
)

// queue is the document of a queue row: the notifications of one subscription about one VNF that wait. They are numbered;
// a number is never used twice, because it is at most the offset of the event that it is for.
type queue struct {
	Subscription string `json:"subscriptionId"`
	Vnf          string `json:"vnfInstanceId"`
	// Redo are the numbers of those that an operator has tried again; they go first.
	Redo   []int64   `json:"redo,omitempty"`
	Next   int64     `json:"next"` // number of the head
	Last   int64     `json:"last"` // of the last; nothing waits when it is before Next
	Oldest time.Time `json:"oldest"`
}

// waiting returns how many notifications wait.
func (q *queue) waiting() int { return len(q.Redo) + int(q.Last-q.Next+1) }

// first returns the numbers of the next to deliver, at most limit.
func (q *queue) first(limit int) []int64 {
	out := slices.Clone(q.Redo)
	for n := q.Next; n <= q.Last && len(out) < limit; n++ {
		out = append(out, n)
	}
	return out[:min(limit, len(out))]
}

// done takes a number from the queue; false when it is gone already.
func (q *queue) done(number int64) bool {
	if i := slices.Index(q.Redo, number); i >= 0 {
		q.Redo = slices.Delete(slices.Clone(q.Redo), i, i+1)
		return true
	}
	if q.Next != number || q.Next > q.Last {
		return false
	}
	q.Next++
	return true
}

// Notification is the document of a notification's row.
type Notification struct {
	Subscription string          `json:"subscriptionId"`
	Vnf          string          `json:"vnfInstanceId"`
	Number       int64           `json:"number"` // in its queue
	ID           string          `json:"id"`     // of the notification, as the subscriber sees it
	Type         Type            `json:"notificationType"`
	Op           string          `json:"vnfLcmOpOccId,omitempty"`
	OpState      string          `json:"operationState,omitempty"`
	Created      time.Time       `json:"created"`
	GiveUp       time.Time       `json:"giveUp"` // a failed attempt after this time is the last
	Attempts     int             `json:"attempts,omitempty"`
	Tried        time.Time       `json:"tried,omitzero"`
	Reason       string          `json:"reason,omitempty"` // why the last attempt failed
	Body         json.RawMessage `json:"body"`
}

func queueID(sub, vnfID string) string { return sub + "." + vnfID }

func queueRef(sub, vnfID string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableNotifications, ID: queueID(sub, vnfID)}
}

func numberRef(sub, vnfID string, number int64) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableNotifications, ID: fmt.Sprintf("%s.%s.%012d", sub, vnfID, number)}
}

// askedRef is the row that tells every node when an operator asked for a subscription; its id is the key that is locked.
func askedRef(sub string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableNotifications, ID: "notify:asked:" + sub}
}

// asked is the document of that row.
type asked struct {
	At time.Time `json:"at"`
}

// askedAt returns when an operator asked for a subscription; zero when none did.
func askedAt(b *ledger.Book, sub string) (time.Time, error) {
	r, err := ledger.Get[asked](b, askedRef(sub))
	if err != nil || r == nil {
		return time.Time{}, err //nolint:wrapcheck // says what it was about
	}
	return r.Doc.At, nil
}

// ask notes that an operator asks for a subscription.
func ask(b *ledger.Book, sub string) error {
	r, err := ledger.Get[asked](b, askedRef(sub))
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	if r == nil {
		r = ledger.Add[asked](b, askedRef(sub), askedRef(sub).ID, sub)
	}
	r.Doc.At = b.Now
	r.Move(stateAsked, time.Time{})
	return nil
}

// queueKey is locked by whoever changes a queue.
func queueKey(sub, vnfID string) string { return "notify:" + queueID(sub, vnfID) }

// queueRow is the row of a queue.
type queueRow = ledger.Row[queue]

// queueOf returns the queue of a subscription and VNF, nil when nothing waits there.
func queueOf(b *ledger.Book, sub, vnfID string) (*queueRow, error) {
	return ledger.Get[queue](b, queueRef(sub, vnfID)) //nolint:wrapcheck // says what it was about
}

// newQueue makes the queue of a subscription and VNF.
func newQueue(b *ledger.Book, sub, vnfID string) *queueRow {
	r := ledger.Add[queue](b, queueRef(sub, vnfID), vnfID, sub)
	r.Doc = queue{Subscription: sub, Vnf: vnfID, Last: -1}
	return r
}

// put has a queue looked at when it is due, or removed when nothing waits.
func put(q *queueRow, due time.Time) {
	if q.Move(stateQueue, due); q.Doc.waiting() == 0 {
		q.Remove()
	}
}

// drop removes the rows of a subscription that is no more.
func (c Config) drop(ctx context.Context, sub string) error {
	const page = 200
	for {
		rows, err := c.Store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableNotifications, Group: sub, Limit: page})
		if err != nil {
			return fmt.Errorf("list notifications of %s: %w", sub, err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := ledger.Remove(ctx, c.Doer, rows); err != nil {
			return fmt.Errorf("remove notifications of %s: %w", sub, err)
		}
	}
}
