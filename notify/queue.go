package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
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

// askedAt returns when an operator asked, as the row says; zero when there is none.
func askedAt(r *eventstore.Record) (time.Time, error) {
	var a asked
	if r == nil {
		return a.At, nil
	}
	if err := json.Unmarshal(r.Doc, &a); err != nil {
		return a.At, fmt.Errorf("row %s: %w", r.ID, err)
	}
	return a.At, nil
}

func askedWrite(l *eventstore.Loaded, sub string) (eventstore.RecordWrite, error) {
	ref := askedRef(sub)
	doc, err := json.Marshal(asked{At: l.Now})
	w := eventstore.RecordWrite{Record: eventstore.Record{
		Table: ref.Table, ID: ref.ID, Key: ref.ID, Group: sub, State: stateAsked, Doc: doc,
	}}
	if r := l.Records[ref]; r != nil {
		w.Expected = r.Version
	}
	return w, err
}

// queueKey is locked by whoever changes a queue.
func queueKey(sub, vnfID string) string { return "notify:" + queueID(sub, vnfID) }

// readQueue returns the queue of a subscription and VNF as loaded, and the version of its row, 0 when there is none.
func readQueue(l *eventstore.Loaded, sub, vnfID string) (*queue, int64, error) {
	r := l.Records[queueRef(sub, vnfID)]
	if r == nil {
		return nil, 0, nil
	}
	var q queue
	if err := json.Unmarshal(r.Doc, &q); err != nil {
		return nil, 0, vnfm.Wrap(vnfm.Internal, err, "decode the queue %s", r.ID)
	}
	return &q, r.Version, nil
}

// write puts the queue's row, to be looked at when it is due, or removes it when nothing waits.
func (q *queue) write(version int64, due time.Time) (eventstore.RecordWrite, error) {
	w := eventstore.RecordWrite{Expected: version, Record: eventstore.Record{
		Table: eventstore.TableNotifications, ID: queueID(q.Subscription, q.Vnf), Key: q.Vnf, Group: q.Subscription, State: stateQueue, Due: due,
	}}
	if q.waiting() == 0 {
		w.Delete = true
		return w, nil
	}
	var err error
	if w.Doc, err = json.Marshal(q); err != nil {
		return w, vnfm.Wrap(vnfm.Internal, err, "encode the queue %s", w.ID)
	}
	return w, nil
}

// write puts the notification's row in a state; one that was given up goes when it is due.
func (n *Notification) write(version int64, state string, due time.Time) (eventstore.RecordWrite, error) {
	doc, err := json.Marshal(n)
	if err != nil {
		return eventstore.RecordWrite{}, vnfm.Wrap(vnfm.Internal, err, "encode notification %s", n.ID)
	}
	return eventstore.RecordWrite{Expected: version, Record: eventstore.Record{
		Table: eventstore.TableNotifications, ID: numberRef(n.Subscription, n.Vnf, n.Number).ID, Key: n.Vnf, Group: n.Subscription,
		State: state, Due: due, Doc: doc,
	}}, nil
}

func readNotification(r *eventstore.Record) (*Notification, error) {
	var n Notification
	if err := json.Unmarshal(r.Doc, &n); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode notification %s", r.ID)
	}
	return &n, nil
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
		if err := c.remove(ctx, rows); err != nil {
			return err
		}
	}
}

// remove deletes rows as they were read; those that changed meanwhile are left.
func (c Config) remove(ctx context.Context, rows []eventstore.Record) error {
	_, err := c.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{"notify:" + rows[0].Group},
		Load: func() eventstore.Load {
			var l eventstore.Load
			for _, r := range rows {
				l.Records = append(l.Records, eventstore.RecordRef{Table: r.Table, ID: r.ID})
			}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			commit := &eventstore.Commit{}
			for _, r := range rows {
				if now := l.Records[eventstore.RecordRef{Table: r.Table, ID: r.ID}]; now != nil && now.Version == r.Version {
					commit.Records = append(commit.Records, eventstore.RecordWrite{Record: *now, Expected: now.Version, Delete: true})
				}
			}
			return commit, nil
		},
	})
	if errors.Is(err, eventstore.ErrVersion) { // the next look finds them again
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove notifications of %s: %w", rows[0].Group, err)
	}
	return nil
}
