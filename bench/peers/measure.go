package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// row is what was measured of an engine.
type row struct {
	engine engine
	report sagabench.Report
	server usage   // of PostgreSQL, over the measured time
	memory float64 // MiB, the most the engine's process had
}

// usage is what PostgreSQL has done so far, or over some time.
type usage struct {
	cpu   time.Duration
	wal   float64 // bytes
	write float64 // transactions that wrote
	all   float64 // transactions, those included that only read
	syncs float64 // of the log to the disk
}

func (u usage) minus(v usage) usage {
	return usage{u.cpu - v.cpu, u.wal - v.wal, u.write - v.write, u.all - v.all, u.syncs - v.syncs}
}

// measureUsage asks the server over a connection that was open before.
func measureUsage(ctx context.Context, cluster *dbtest.Cluster, c *pgx.Conn) (u usage, err error) {
	err = c.QueryRow(ctx, `select
		pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8,
		pg_snapshot_xmax(pg_current_snapshot())::text::float8,
		(select sum(xact_commit)::float8 from pg_stat_database),
		(select wal_sync::float8 from pg_stat_wal)`).Scan(&u.wal, &u.write, &u.all, &u.syncs)
	u.cpu = cluster.CPU()
	return u, err
}

// measureFloor finds the best rate of bare commits over 8 to 64 connections, as `make bench` does.
func measureFloor(ctx context.Context, cluster *dbtest.Cluster, d time.Duration) (float64, error) {
	best := 0.0
	for _, n := range []int{8, 16, 32, 64} {
		rate, err := dbtest.BareCommits(ctx, cluster.URL(), n, d/8)
		if err != nil {
			return 0, err
		}
		best = max(best, rate)
	}
	return best, nil
}

// measure runs an engine in a process of its own, on an empty database, and measures the server while it is told to.
func measure(ctx context.Context, cluster *dbtest.Cluster, e engine, o sagabench.Options) (r row, err error) {
	r.engine = e
	url, drop, err := cluster.Database(ctx)
	if err != nil {
		return r, err
	}
	defer drop()
	admin, err := pgx.Connect(ctx, cluster.URL())
	if err != nil {
		return r, err
	}
	defer func() { _ = admin.Close(ctx) }()
	if _, err := admin.Exec(ctx, "checkpoint"); err != nil { // each begins with the same log
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return r, err
	}
	defer func() { _ = read.Close() }()
	cmd := exec.CommandContext(ctx, self, "-engine", e.key, "-url", url, "-for", o.Duration.String(),
		"-clients", strconv.Itoa(o.Clients), "-alone", strconv.Itoa(o.Uncontended))
	var said bytes.Buffer // engines say much that matters only when they fail
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &said, &said, []*os.File{write}
	err = cmd.Start()
	_ = write.Close() // the child has its own
	if err != nil {
		return r, err
	}
	r.server, r.report, err = follow(ctx, cluster, admin, bufio.NewScanner(read))
	if err := errors.Join(err, cmd.Wait()); err != nil {
		_, _ = said.WriteTo(os.Stderr)
		return r, err
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.memory = float64(u.Maxrss) / 1024
	}
	return r, nil
}

// What a child says, a line each, before its report.
const (
	begins = "begins"
	ends   = "ends"
)

// report is the pipe a child reports on, so that whatever an engine prints does not come between.
const report = 3

// follow reads what a child says.
func follow(ctx context.Context, cluster *dbtest.Cluster, admin *pgx.Conn, lines *bufio.Scanner) (used usage, r sagabench.Report, err error) {
	for lines.Scan() {
		switch lines.Text() {
		case begins:
			used, err = measureUsage(ctx, cluster, admin)
		case ends:
			var now usage
			now, err = measureUsage(ctx, cluster, admin)
			used = now.minus(used)
		default:
			return used, r, json.Unmarshal(lines.Bytes(), &r)
		}
		if err != nil {
			return used, r, err
		}
	}
	return used, r, errors.Join(lines.Err(), errors.New("the process reported nothing"))
}

// child runs one engine and reports.
func child(ctx context.Context, key, url string, o sagabench.Options) error {
	out := os.NewFile(report, "report")
	var said error
	o.Measuring = func(b bool) {
		_, err := fmt.Fprintln(out, map[bool]string{true: begins, false: ends}[b])
		said = errors.Join(said, err)
	}
	for _, e := range engines {
		if e.key != key {
			continue
		}
		r, err := e.run(ctx, url, o)
		if err := errors.Join(err, said, sound(r)); err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(r)
	}
	return fmt.Errorf("no engine is named %q", key)
}

// sound says when what was measured are not the sagas that were meant: a tenth of them is compensated.
func sound(r sagabench.Report) error {
	if tenth := r.Sagas / 10; r.Compensated < tenth/2-2 || r.Compensated > 2*tenth+5 {
		return fmt.Errorf("%d of %d sagas were compensated, not every tenth", r.Compensated, r.Sagas)
	}
	return nil
}

// execute runs a statement on a database.
func execute(ctx context.Context, url, sql string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, sql)
	return errors.Join(err, c.Close(ctx))
}
