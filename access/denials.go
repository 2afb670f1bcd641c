package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Denial is what one caller was denied on one route for one reason within one minute. It is a count, not a row for each
// request: whoever is refused must not be able to fill the database.
type Denial struct {
	Minute  time.Time `json:"minute"`
	Caller  string    `json:"caller"` // its name; "address:…" of one without; Others
	Role    string    `json:"role,omitempty"`
	Address string    `json:"address"` // where the last of them came from
	Method  string    `json:"method"`
	Route   string    `json:"route"` // the pattern, not the path: ids do not make rows
	Status  int       `json:"status"`
	Reason  string    `json:"reason"`
	Detail  string    `json:"detail"` // of the last
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Others is the caller of denials beyond DenialsPerHour: they are counted by status alone.
const Others = "others"

// The bounds of the record: what one node keeps apart in an hour, and for how long it is kept unless a setting says otherwise.
const (
	DenialsPerHour = 240
	DenialsKept    = 7 * 24 * time.Hour
)

const (
	flushPause  = 5 * time.Second
	prunePause  = 10 * time.Minute
	denialState = "DENIED"
	pruneBatch  = 500
	maxDetail   = 300
)

// DenialStore is what the record reads.
type DenialStore interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
}

// DenialsConfig describes a record of denials.
type DenialsConfig struct {
	Store DenialStore
	Doer  eventstore.Doer
	Node  string // tells the rows of this run of the program from others'; must differ between them
	Now   func() time.Time
	Log   *slog.Logger
	Keep  time.Duration // how long a denial is kept; 0 means DenialsKept, a negative one for ever
	// Observe is told each denial, for metrics; nil: nobody is.
	Observe func(Denial)
}

// Denials records what was denied: a log line at once, and a count that Run writes to the database every few seconds. What
// a crash keeps from being written is in the log. It is safe for concurrent use.
type Denials struct {
	cfg DenialsConfig

	writing sync.Mutex // held while rows are written: an older count must not come after a newer one

	mu     sync.Mutex
	hour   time.Time
	apart  int                // rows of the hour that stand for one caller
	counts map[string]*Denial // of rows that may still change, by row id
	dirty  map[string]bool
	pruned time.Time
}

// NewDenials returns a record.
func NewDenials(c DenialsConfig) *Denials {
	if c.Keep == 0 {
		c.Keep = DenialsKept
	}
	return &Denials{cfg: c, counts: map[string]*Denial{}, dirty: map[string]bool{}}
}

// Add records one denial; Minute, Count, First and Last are set here.
func (d *Denials) Add(ctx context.Context, one Denial) {
	now := d.cfg.Now().UTC()
	one.Minute, one.First, one.Last, one.Count = now.Truncate(time.Minute), now, now, 1
	if len(one.Detail) > maxDetail {
		one.Detail = one.Detail[:maxDetail]
	}
	d.cfg.Log.WarnContext(ctx, "request denied", "caller", one.Caller, "role", one.Role, "address", one.Address,
		"method", one.Method, "route", one.Route, "status", one.Status, "reason", one.Reason, "detail", one.Detail)
	if d.cfg.Observe != nil {
		d.cfg.Observe(one)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if hour := now.Truncate(time.Hour); !hour.Equal(d.hour) {
		d.hour, d.apart = hour, 0
	}
	id := d.id(&one)
	if d.counts[id] == nil {
		if d.apart >= DenialsPerHour {
			one.Caller, one.Role, one.Address, one.Method, one.Route, one.Reason, one.Detail = Others, "", "", "", "", "", ""
			id = d.id(&one)
		} else {
			d.apart++
		}
	}
	d.dirty[id] = true
	if c := d.counts[id]; c != nil {
		c.Count++
		c.Last, c.Address, c.Detail = one.Last, one.Address, one.Detail
		return
	}
	d.counts[id] = &one
}

// id names a row: rows sort by their minute.
func (d *Denials) id(one *Denial) string {
	key := fmt.Sprintf("%q %q %q %q %q %d %q", d.cfg.Node, one.Caller, one.Role, one.Method, one.Route, one.Status, one.Reason)
	sum := sha256.Sum256([]byte(key))
	return rowTime(one.Minute) + "-" + hex.EncodeToString(sum[:10])
}

func rowTime(t time.Time) string { return t.UTC().Format("20060102T1504") }

// Run writes what was counted, every few seconds and once more at its end.
func (d *Denials) Run(ctx context.Context) error {
	tick := time.NewTicker(flushPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushPause)
			defer cancel()
			return d.RunOnce(last)
		case <-tick.C:
			if err := d.RunOnce(ctx); err != nil && ctx.Err() == nil {
				d.cfg.Log.WarnContext(ctx, "denials are not recorded yet", "error", err)
			}
		}
	}
}

// RunOnce writes the counts that changed and deletes rows that are too old. A row is this node's alone and holds the whole
// count, so writing it twice changes nothing.
func (d *Denials) RunOnce(ctx context.Context) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	rows, stale := d.changed()
	if len(rows) > 0 {
		work := &eventstore.Work{
			Keys: []string{"denials-" + d.cfg.Node},
			Load: func() eventstore.Load {
				var l eventstore.Load
				for i := range rows {
					l.Records = append(l.Records, eventstore.RecordRef{Table: eventstore.TableDenials, ID: rows[i].ID})
				}
				return l
			},
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				c := &eventstore.Commit{}
				for _, r := range rows {
					w := eventstore.RecordWrite{Record: r}
					if old := l.Records[eventstore.RecordRef{Table: r.Table, ID: r.ID}]; old != nil {
						w.Expected = old.Version
					}
					c.Records = append(c.Records, w)
				}
				return c, nil
			},
		}
		if _, err := d.cfg.Doer.Do(ctx, work); err != nil {
			d.mu.Lock()
			for _, r := range rows {
				d.dirty[r.ID] = true
			}
			d.mu.Unlock()
			return fmt.Errorf("record denials: %w", err)
		}
	}
	d.forget()
	if !stale || d.cfg.Keep < 0 {
		return nil
	}
	return d.prune(ctx)
}

// changed takes the rows to write, and says whether it is time to prune.
func (d *Denials) changed() (rows []eventstore.Record, prune bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.dirty {
		rows = append(rows, eventstore.Record{
			Table: eventstore.TableDenials, ID: id, Key: "denials-" + d.cfg.Node, State: denialState, Doc: encode(d.counts[id]),
		})
	}
	clear(d.dirty)
	slices.SortFunc(rows, func(a, b eventstore.Record) int { return cmp.Compare(a.ID, b.ID) })
	if now := d.cfg.Now(); now.Sub(d.pruned) >= prunePause {
		d.pruned, prune = now, true
	}
	return rows, prune
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("access: a denial does not marshal: %v", err))
	}
	return b
}

// forget drops the counts of minutes that are over and written.
func (d *Denials) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	minute := d.cfg.Now().UTC().Truncate(time.Minute)
	for id, c := range d.counts {
		if c.Minute.Before(minute) && !d.dirty[id] {
			delete(d.counts, id)
		}
	}
}

// prune deletes rows older than Keep, of whatever node.
func (d *Denials) prune(ctx context.Context) error {
	before := rowTime(d.cfg.Now().Add(-d.cfg.Keep))
	for {
		old, err := d.cfg.Store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableDenials, Limit: pruneBatch})
		if err != nil {
			return fmt.Errorf("list old denials: %w", err)
		}
		old = slices.DeleteFunc(old, func(r eventstore.Record) bool { return r.ID >= before })
		if len(old) == 0 {
			return nil
		}
		// Nobody writes rows this old any more; another node that deletes them too makes ours fail, and then they are gone.
		_, err = d.cfg.Doer.Do(ctx, &eventstore.Work{
			Keys: []string{"denials"},
			Load: func() eventstore.Load { return eventstore.Load{} },
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				c := &eventstore.Commit{}
				for _, r := range old {
					c.Records = append(c.Records, eventstore.RecordWrite{
						Record: eventstore.Record{Table: r.Table, ID: r.ID, Key: r.Key}, Expected: r.Version, Delete: true,
					})
				}
				return c, nil
			},
		})
		if err != nil {
			return fmt.Errorf("delete old denials: %w", err)
		}
	}
}

// List writes what is not written yet, and returns up to limit recorded denials after the id of a row, the oldest first, with
// the id of the last; "" when there are no more. Those of another node's last seconds are not among them.
func (d *Denials) List(ctx context.Context, after string, limit int) ([]Denial, string, error) {
	if err := d.RunOnce(ctx); err != nil {
		return nil, "", err
	}
	rows, err := d.cfg.Store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableDenials, After: after, Limit: limit + 1})
	if err != nil {
		return nil, "", fmt.Errorf("list denials: %w", err)
	}
	last := ""
	if len(rows) > limit {
		rows = rows[:limit]
		last = rows[limit-1].ID
	}
	out := make([]Denial, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Doc, &out[i]); err != nil {
			return nil, "", fmt.Errorf("read denial %s: %w", r.ID, err)
		}
	}
	return out, last, nil
}
