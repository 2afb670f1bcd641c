package dbtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// BareCommits measures the floor of a database: how many transactions a second that insert one row can be committed by
// a number of connections.
func BareCommits(ctx context.Context, url string, connections int, d time.Duration) (float64, error) {
	if err := adminExec(ctx, url, "create table if not exists bare_commits (at timestamptz not null)"); err != nil {
		return 0, err
	}
	var conns []*pgx.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close(ctx)
		}
	}()
	for range connections {
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			return 0, err
		}
		conns = append(conns, c)
	}
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var n atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, connections)
	start := time.Now()
	for i, c := range conns {
		wg.Go(func() {
			for limited.Err() == nil {
				if _, errs[i] = c.Exec(ctx, "insert into bare_commits values (now())"); errs[i] != nil {
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(start).Seconds(), errors.Join(errs...)
}

// ServerCPU is the processor time that the private cluster's processes have used, those that have ended included.
// It is zero where there is no /proc, and for a server named by EnvURL.
func ServerCPU() time.Duration {
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		return 0
	}
	return shared.cluster.CPU()
}

// CPU is the processor time that the cluster's processes have used, those that have ended included. It is zero where
// there is no /proc.
func (c *Cluster) CPU() time.Duration {
	postmaster := strconv.Itoa(c.cmd.Process.Pid)
	dirs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	var ticks int64
	for _, d := range dirs {
		b, err := os.ReadFile(d)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		self := strings.HasPrefix(string(b), postmaster+" ")
		if len(f) < 15 || !self && f[1] != postmaster {
			continue
		}
		fields := []int{11, 12} // user and system time
		if self {
			fields = append(fields, 13, 14) // and of its children that have ended
		}
		for _, i := range fields {
			v, _ := strconv.ParseInt(f[i], 10, 64)
			ticks += v
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // 100 ticks a second on every Linux
}

// Database makes an empty database and returns its URL and what drops it.
func (c *Cluster) Database(ctx context.Context) (url string, drop func(), err error) {
	return database(ctx, c.URL())
}

// Tables returns the sizes of a database's tables with their indexes, in bytes, without the room that deleted rows leave.
func (c *Cluster) Tables(ctx context.Context, url string) (map[string]int64, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "vacuum full"); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, "select relname, pg_total_relation_size(oid) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	var name string
	var size int64
	_, err = pgx.ForEachRow(rows, []any{&name, &size}, func() error { sizes[name] = size; return nil })
	return sizes, err
}

// Analyze collects the statistics of a database, as autovacuum does some time after its rows came.
func (c *Cluster) Analyze(ctx context.Context, url string) error {
	return adminExec(ctx, url, "vacuum analyze")
}
