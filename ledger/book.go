package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Row is a row with its document. Its state and its due time are changed by Move.
type Row[T any] struct {
	eventstore.Record // with the version that was read, 0 of a new row; its Doc is encoded when the book is written
	Doc               T

	was     string
	changed bool
	removed bool
}

// Move puts the row into a state with the time at which a worker is to look at it; the zero time means never.
func (r *Row[T]) Move(state string, due time.Time) { r.State, r.Due, r.changed = state, due, true }

// Touch has the row written though its state stays.
func (r *Row[T]) Touch() { r.changed = true }

// Remove has the row deleted.
func (r *Row[T]) Remove() { r.removed, r.changed = true, true }

// Fresh reports whether the row was not there before.
func (r *Row[T]) Fresh() bool { return r.Version == 0 }

func (r *Row[T]) written() (*eventstore.RecordWrite, error) {
	switch {
	case !r.changed:
		return nil, nil
	case r.removed:
		return &eventstore.RecordWrite{Record: r.Record, Expected: r.Version, Delete: true}, nil
	}
	doc, err := json.Marshal(r.Doc)
	if err != nil {
		return nil, fmt.Errorf("encode the row %s %s: %w", r.Table, r.ID, err)
	}
	rec := r.Record
	rec.Doc = doc
	return &eventstore.RecordWrite{Record: rec, Expected: r.Version}, nil
}

func (r *Row[T]) moved() (*eventstore.Record, string, bool) { return &r.Record, r.was, r.changed }

// entry is a row of whatever document.
type entry interface {
	written() (*eventstore.RecordWrite, error)
	moved() (rec *eventstore.Record, was string, changed bool)
}

// Book is the rows of one commit, on top of what the commit holds already.
type Book struct {
	Now    time.Time // the store's clock
	Commit *eventstore.Commit

	loaded  *eventstore.Loaded
	asked   map[eventstore.RecordRef]bool // what was loaded; nil: everything that is asked for
	missing []eventstore.RecordRef
	rows    map[eventstore.RecordRef]entry
	order   []entry // as rows were first used
}

// Open returns the book of a commit. Every row that will be asked for must have been loaded.
func Open(l *eventstore.Loaded, c *eventstore.Commit) *Book {
	return &Book{Now: l.Now, Commit: c, loaded: l, rows: map[eventstore.RecordRef]entry{}}
}

// errMissing has a change loaded again, with what it turned out to need.
var errMissing = errors.New("a row is needed that was not loaded")

// Get returns a row, nil when there is none.
func Get[T any](b *Book, ref eventstore.RecordRef) (*Row[T], error) {
	if e, ok := b.rows[ref]; ok {
		r, ok := e.(*Row[T])
		if !ok {
			return nil, fmt.Errorf("the row %s %s has another document", ref.Table, ref.ID)
		}
		return r, nil
	}
	rec := b.loaded.Records[ref]
	for i := range b.Commit.Records { // written for an earlier message of the same commit
		if w := &b.Commit.Records[i]; w.Table == ref.Table && w.ID == ref.ID {
			before := w.Record
			before.Version = w.Expected
			rec = &before
		}
	}
	switch {
	case rec != nil:
	case b.asked != nil && !b.asked[ref]:
		b.missing = append(b.missing, ref)
		return nil, errMissing
	default:
		return nil, nil
	}
	r, err := Decode[T](*rec)
	if err != nil {
		return nil, err
	}
	b.keep(ref, r)
	return r, nil
}

// Decode reads the document of a row.
func Decode[T any](rec eventstore.Record) (*Row[T], error) {
	r := &Row[T]{Record: rec, was: rec.State}
	if err := json.Unmarshal(rec.Doc, &r.Doc); err != nil {
		return nil, fmt.Errorf("decode the row %s %s: %w", rec.Table, rec.ID, err)
	}
	return r, nil
}

// Add puts a new row into the book. It is written once it is moved or touched.
func Add[T any](b *Book, ref eventstore.RecordRef, key, group string) *Row[T] {
	r := &Row[T]{Record: eventstore.Record{Table: ref.Table, ID: ref.ID, Key: key, Group: group}}
	b.keep(ref, r)
	return r
}

func (b *Book) keep(ref eventstore.RecordRef, e entry) {
	b.rows[ref] = e
	b.order = append(b.order, e)
}

// Write adds the rows that were changed to the commit.
func (b *Book) Write() error {
	for _, e := range b.order {
		w, err := e.written()
		switch {
		case err != nil:
			return err
		case w == nil:
			continue
		}
		i := slices.IndexFunc(b.Commit.Records, func(o eventstore.RecordWrite) bool { return o.Table == w.Table && o.ID == w.ID })
		if i >= 0 {
			b.Commit.Records[i] = *w
		} else {
			b.Commit.Records = append(b.Commit.Records, *w)
		}
	}
	return nil
}

// Moves calls f with each row that was changed, and the state that it had.
func (b *Book) Moves(f func(rec *eventstore.Record, was string)) {
	for _, e := range b.order {
		if rec, was, changed := e.moved(); changed {
			f(rec, was)
		}
	}
}

// Do makes one change to rows and returns the book as it was written. load is what f is known to need; what it turns out to need
// beside that is loaded, and f called again. f is called under the lock of the keys.
func Do(ctx context.Context, doer eventstore.Doer, keys []string, load []eventstore.RecordRef, f func(*Book) error) (*Book, error) {
	refs := slices.Clone(load)
	for {
		asked := make(map[eventstore.RecordRef]bool, len(refs))
		for _, ref := range refs {
			asked[ref] = true
		}
		var b *Book
		_, err := doer.Do(ctx, &eventstore.Work{
			Keys: keys,
			Load: func() eventstore.Load { return eventstore.Load{Records: refs} },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				b = Open(l, &eventstore.Commit{})
				b.asked = asked
				switch err := f(b); {
				case len(b.missing) > 0:
					return nil, errMissing
				case err != nil:
					return nil, err
				}
				return b.Commit, b.Write()
			},
		})
		if !errors.Is(err, errMissing) {
			return b, err //nolint:wrapcheck // says what it was about
		}
		refs = append(refs, b.missing...)
	}
}

// Each calls f with the rows that a query selects, page by page, in order of id. It ends with the first error, of the store or
// of f.
func Each(ctx context.Context, store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
}, q eventstore.RecordQuery, f func(eventstore.Record) error,
) error {
	if q.Limit <= 0 {
		q.Limit = page
	}
	for {
		recs, err := store.Records(ctx, q)
		if err != nil {
			return fmt.Errorf("read rows of %s: %w", q.Table, err)
		}
		for _, rec := range recs {
			q.After = rec.ID
			if err := f(rec); err != nil {
				return err
			}
		}
		if len(recs) < q.Limit {
			return nil
		}
	}
}

// page is how many rows are read at once.
const page = 500
