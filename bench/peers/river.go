package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/vnfm/vnfm/saga/sagabench"
)

// Kind is River's name of the job that carries a command.
func (command) Kind() string { return "command" }

// reply is the job that carries a participant's reply.
type reply struct {
	Command command `json:"command"`
	Refused bool    `json:"refused"`
	Answer  answer  `json:"answer"`
}

// Kind is River's name of the job that carries a reply.
func (reply) Kind() string { return "reply" }

// riverMachine is a saga engine of the smallest kind on River, which has none: a row per saga says which reply it waits
// for; a reply and the next command are one transaction.
type riverMachine struct {
	pool    *pgxpool.Pool
	client  *river.Client[pgx.Tx]
	batched bool // leave it to River to complete jobs, many at once, some time after what they did was committed

	mu      sync.Mutex
	waiting map[string]chan bool
}

// The intervals at which River looks for jobs; River's own benchmark has 2 and 20 ms, which costs more here and is no
// faster.
const (
	riverCooldown = 10 * time.Millisecond
	riverPoll     = 50 * time.Millisecond
)

// runRiver runs the saga on River with each job completed in the transaction of what it does: exactly once.
func runRiver(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	return runRiverMachine(ctx, url, o, false)
}

// runRiverBatched leaves it to River to complete jobs: after a crash some run again, and the saga's row says so.
func runRiverBatched(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	return runRiverMachine(ctx, url, o, true)
}

func runRiverMachine(ctx context.Context, url string, o sagabench.Options, batched bool) (sagabench.Report, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return sagabench.Report{}, err
	}
	config.MaxConns = 32
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return sagabench.Report{}, err
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	quiet := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return sagabench.Report{}, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return sagabench.Report{}, err
	}
	if _, err := pool.Exec(ctx, "create table sagas (id uuid primary key, waits text not null, answers jsonb not null default '[]')"); err != nil {
		return sagabench.Report{}, err
	}
	m := &riverMachine{pool: pool, batched: batched, waiting: map[string]chan bool{}}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(m.command))
	river.AddWorker(workers, river.WorkFunc(m.reply))
	m.client, err = river.NewClient(driver, &river.Config{
		FetchCooldown: riverCooldown, FetchPollInterval: riverPoll,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}},
		Workers: workers, Logger: quiet,
	})
	if err != nil {
		return sagabench.Report{}, err
	}
	if err := m.client.Start(ctx); err != nil {
		return sagabench.Report{}, err
	}
	defer func() { _ = m.client.Stop(context.WithoutCancel(ctx)) }()
	var fail everyTenth
	return sagabench.Measure(ctx, o, func(ctx context.Context) (bool, error) { return m.saga(ctx, fail.next()) })
}

// saga begins a saga and waits until it ended.
func (m *riverMachine) saga(ctx context.Context, fail bool) (compensated bool, err error) {
	first := command{Saga: uuid.NewString(), Step: 1, Fail: fail}
	done := make(chan bool, 1)
	m.mu.Lock()
	m.waiting[first.Saga] = done
	m.mu.Unlock()
	err = pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "insert into sagas (id, waits) values ($1, $2)", first.Saga, first.name()); err != nil {
			return err
		}
		_, err := m.client.InsertTx(ctx, tx, first, nil)
		return err
	})
	if err != nil {
		return false, err
	}
	select {
	case compensated = <-done:
		return compensated, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// command is the participant. A command that is run again, after a crash, is replied to again; the saga takes the first.
func (m *riverMachine) command(ctx context.Context, job *river.Job[command]) error {
	a, refused := participate(job.Args)
	r := reply{Command: job.Args, Refused: refused != nil, Answer: a}
	if m.batched {
		_, err := m.client.Insert(ctx, r, nil)
		return err
	}
	return pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if _, err := m.client.InsertTx(ctx, tx, r, nil); err != nil {
			return err
		}
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
}

// reply moves the saga on: its row and the next command are one transaction. A reply it does not wait for changes nothing.
func (m *riverMachine) reply(ctx context.Context, job *river.Job[reply]) error {
	r := job.Args
	next, ended := r.next()
	waits := "nothing"
	if !ended {
		waits = next.name()
	}
	moved := false
	err := pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "update sagas set waits = $3, answers = answers || $4 where id = $1 and waits = $2",
			r.Command.Saga, r.Command.name(), waits, r.Answer)
		moved = tag.RowsAffected() == 1
		if err == nil && moved && !ended {
			_, err = m.client.InsertTx(ctx, tx, next, nil)
		}
		if err == nil && !m.batched {
			_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		}
		return err
	})
	if err == nil && moved && ended {
		m.mu.Lock()
		m.waiting[r.Command.Saga] <- r.Command.Undo
		delete(m.waiting, r.Command.Saga)
		m.mu.Unlock()
	}
	return err
}

// name says which command of its saga this is.
func (c command) name() string {
	if c.Undo {
		return fmt.Sprint("undo ", c.Step)
	}
	return fmt.Sprint("do ", c.Step)
}

// next is the command after a reply; none when the saga has ended.
func (r reply) next() (c command, ended bool) {
	c = r.Command
	switch {
	case c.Undo && c.Step == 1, !c.Undo && c.Step == 3 && !r.Refused:
		return c, true
	case c.Undo, r.Refused:
		c.Undo, c.Step = true, c.Step-1
	default:
		c.Step++
	}
	return c, false
}
