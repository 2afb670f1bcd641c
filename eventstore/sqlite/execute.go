package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// Execute runs the works in one transaction.
func (s *Store) Execute(ctx context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	var b *batch.Batch
	err := s.transact(ctx, func(tx *transaction) (err error) {
		if b, err = tx.decide(works); err != nil || len(b.Commits) == 0 {
			return err
		}
		return tx.write(b)
	})
	if err != nil {
		return nil, err
	}
	return b.Results, nil
}

// transaction is one transaction of the writing connection.
type transaction struct {
	*Store
	//nolint:containedctx // lives as long as the transaction; never cancelled, since the driver would start a goroutine per statement
	ctx context.Context
}

// transact runs f in a transaction of the one writer; an error of f undoes it.
func (s *Store) transact(ctx context.Context, f func(*transaction) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := &transaction{Store: s, ctx: context.WithoutCancel(ctx)}
	if _, err := tx.exec("begin immediate"); err != nil {
		return s.meaning(err)
	}
	err := f(tx)
	if err == nil {
		if _, err = tx.exec("commit"); err == nil {
			return nil
		}
	}
	if _, undo := tx.exec("rollback"); undo != nil {
		return fmt.Errorf("%w (and roll back: %w)", s.meaning(err), undo)
	}
	return s.meaning(err)
}

func (tx *transaction) prepare(q string) (*sql.Stmt, error) {
	if st := tx.stmt[q]; st != nil {
		return st, nil
	}
	st, err := tx.conn.PrepareContext(tx.ctx, q)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", q, err)
	}
	tx.stmt[q] = st
	return st, nil
}

// exec runs a statement and returns the number of rows it changed.
func (tx *transaction) exec(q string, args ...any) (int64, error) {
	st, err := tx.prepare(q)
	if err != nil {
		return 0, err
	}
	r, err := st.ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// guard runs a statement that must change one row; else it fails with the guard's error.
func (tx *transaction) guard(broken error, what string, q string, args ...any) error {
	n, err := tx.exec(q, args...)
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("%s: %w", what, broken)
	}
	return nil
}

// querier runs queries; it is the writing transaction or a reading one.
type querier func(q string, args ...any) (sqlstore.Rows, error)

func (tx *transaction) query(q string, args ...any) (sqlstore.Rows, error) {
	st, err := tx.prepare(q)
	if err != nil {
		return nil, err
	}
	r, err := st.QueryContext(tx.ctx, args...)
	return rows{r}, err
}

func (tx *transaction) decide(works []*eventstore.Work) (*batch.Batch, error) {
	works, loads := batch.Loads(works)
	loaded := make([]*eventstore.Loaded, len(works))
	for i, l := range loads {
		var err error
		if loaded[i], err = querier(tx.query).load(l); err != nil {
			return nil, err
		}
	}
	b := batch.Decide(tx.now(), works, loaded)
	heads := map[string]*eventstore.StreamState{}
	for _, name := range b.Missing() {
		st, err := querier(tx.query).head(name)
		if err != nil {
			return nil, err
		}
		if st != nil {
			heads[name] = st
		}
	}
	b.Seal(heads)
	return b, nil
}

// Load reads without locks, from one snapshot of the file.
func (s *Store) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	tx, err := s.reading.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.meaning(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	q := querier(func(q string, args ...any) (sqlstore.Rows, error) {
		r, err := tx.QueryContext(ctx, q, args...)
		return rows{r}, err
	})
	out, err := q.load(l)
	if err != nil {
		return nil, s.meaning(err)
	}
	out.Now = batch.Micro(s.now())
	return out, nil
}
