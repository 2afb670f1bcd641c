// Package dbtest gives tests a PostgreSQL: a private cluster per test program, started from the binaries of the
// machine when the first test asks for it, and a fresh database per test.
//
// With VNFM_TEST_POSTGRES set to the URL of a database whose user may create databases, that server is used instead.
// There is no skipping: without either, a test that asks for a database fails.
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
//	func TestX(t *testing.T) { url := dbtest.Postgres(t) … }
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The settings, from the environment.
const (
	// EnvURL names a server to be used instead of a private cluster.
	EnvURL = "VNFM_TEST_POSTGRES"
	// EnvFsync is "off" for tests that may lose data when the machine stops.
	EnvFsync = "VNFM_TEST_POSTGRES_FSYNC"
)

var shared struct {
	sync.Mutex
	main    bool // Main is running: somebody will stop the clusters
	cluster *Cluster
	logical *Cluster
}

// Main runs the tests, stops the cluster and exits. Call it from TestMain.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run runs the tests, stops the cluster and returns the exit code: Main for a TestMain with more to tidy up.
func Run(m *testing.M) int {
	shared.Lock()
	shared.main = true
	shared.Unlock()
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	for _, c := range []*Cluster{shared.cluster, shared.logical} {
		if c == nil {
			continue
		}
		if err := c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	return code
}

// Postgres returns the URL of a fresh, empty database, dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	admin, err := adminURL()
	if err != nil {
		t.Fatalf("no PostgreSQL for this test: %v", err)
	}
	u, drop, err := database(context.Background(), admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	return u
}

// Logical returns the URL of a fresh, empty database on the loopback, whose log can be captured by programs that are not ours. It is
// kept until the test program ends: a replication slot may be in it.
func Logical(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		t.Fatal("TestMain must call dbtest.Main")
	}
	if shared.logical == nil {
		c, err := StartLogical("", false)
		if err != nil {
			t.Fatalf("no PostgreSQL for this test: %v", err)
		}
		shared.logical = c
	}
	u, _, err := database(context.Background(), shared.logical.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// database makes an empty database on the server at admin; drop says on standard error when it cannot.
func database(ctx context.Context, admin string) (name string, drop func(), err error) {
	u, err := url.Parse(admin)
	if err != nil {
		return "", nil, fmt.Errorf("parse %s: %w", EnvURL, err)
	}
	db := "vnfm_" + uuid.NewString()
	if err := adminExec(ctx, admin, `create database "`+db+`"`); err != nil {
		return "", nil, fmt.Errorf("create a database: %w", err)
	}
	u.Path = "/" + db
	return u.String(), func() {
		if err := adminExec(context.WithoutCancel(ctx), admin, `drop database if exists "`+db+`" with (force)`); err != nil {
			fmt.Fprintln(os.Stderr, "drop a database:", err)
		}
	}, nil
}

func adminURL() (string, error) {
	if u := os.Getenv(EnvURL); u != "" {
		return u, nil
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		return "", errors.New("TestMain must call dbtest.Main")
	}
	if shared.cluster == nil {
		c, err := Start(os.Getenv(EnvFsync) != "off")
		if err != nil {
			return "", err
		}
		shared.cluster = c
	}
	return shared.cluster.URL(), nil
}

func adminExec(ctx context.Context, admin, sql string) error {
	c, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, sql)
	return errors.Join(err, c.Close(ctx))
}

// Cluster is a running private PostgreSQL. Tests that restart the database start one of their own.
type Cluster struct {
	dir    string // of the socket and the log
	data   string
	port   int // on the loopback; 0: a socket alone
	bin    string
	args   []string
	cred   *syscall.Credential
	cmd    *exec.Cmd
	exited chan error
}

// Start makes a cluster in a temporary directory and starts it. It listens on a socket in that directory only.
func Start(fsync bool) (*Cluster, error) { return StartOn("", fsync) }

// StartLogical does the same as StartOn with a log that can be captured, on an address of the loopback: for programs that are not ours.
func StartLogical(data string, fsync bool) (*Cluster, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a TCP listener
	if err := l.Close(); err != nil {
		return nil, err
	}
	return start(data, fsync, port, "-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprint("port=", port), "-c", "wal_level=logical", "-c", "wal_sender_timeout=10s")
}

// StartOn makes a cluster whose data are in a folder that is not there yet, as one on a disk of its own, and starts it.
// With "" the data are in the temporary directory.
func StartOn(data string, fsync bool) (*Cluster, error) { return start(data, fsync, 0) }

func start(data string, fsync bool, port int, settings ...string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	cred, err := credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vnfm-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, data: data, bin: bin, cred: cred, port: port}
	if data == "" {
		c.data = filepath.Join(dir, "data")
	}
	if err := c.folders(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c.args = []string{
		"-D", c.data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200",
		"-c", "fsync=" + map[bool]string{true: "on", false: "off"}[fsync], "-c", "shared_buffers=128MB", "-c", "max_wal_size=1GB",
		"-c", "log_min_messages=fatal",
	}
	c.args = append(c.args, settings...) // the last counts
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", c.data, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	if err := c.Restart(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// folders makes the data folder and gives it, and that of the socket, to the user who runs the server.
func (c *Cluster) folders() error {
	if err := os.Mkdir(c.data, 0o700); err != nil || c.cred == nil {
		return err
	}
	return errors.Join(os.Chown(c.dir, int(c.cred.Uid), int(c.cred.Gid)), os.Chown(c.data, int(c.cred.Uid), int(c.cred.Gid)))
}

// URL is the URL of the cluster's administrative database.
func (c *Cluster) URL() string {
	if c.port != 0 {
		return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
	}
	return "postgres:///postgres?user=postgres&sslmode=disable&host=" + url.QueryEscape(c.dir)
}

// Restart starts the server, after Kill, and waits until it answers.
func (c *Cluster) Restart() error {
	c.cmd = exec.Command(filepath.Join(c.bin, "postgres"), c.args...)
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own descriptor
	c.cmd.Dir, c.cmd.SysProcAttr, c.cmd.Stderr = c.dir, attributes(c.cred), log
	c.exited = make(chan error, 1)
	started := make(chan error)
	go func() {
		// The server is told to stop when the thread that started it ends, so the thread must not end before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.exited <- c.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := adminExec(ctx, c.URL(), "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case exit := <-c.exited:
			said, _ := os.ReadFile(log.Name()) // empty when there is none
			return fmt.Errorf("PostgreSQL ended: %w: %s", exit, said)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w", err), c.Kill())
		}
	}
}

// Kill stops the server at once, as a crash does, and waits until it is gone. The data stays.
func (c *Cluster) Kill() error { return c.end(syscall.SIGQUIT) }

// Stop stops the server and removes its data.
func (c *Cluster) Stop() error {
	return errors.Join(c.end(syscall.SIGINT), os.RemoveAll(c.data), os.RemoveAll(c.dir))
}

// Recover waits until a server that may have crashed by itself answers, and starts it again when it ended: one that cannot
// recover, as without room, gives up at any moment, also after there is room.
func (c *Cluster) Recover(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := adminExec(ctx, c.URL(), "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-c.exited:
			return c.Restart()
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not recover: %w", err)
		}
	}
}

func (c *Cluster) end(sig syscall.Signal) error {
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.exited:
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("PostgreSQL did not stop in time"), c.cmd.Process.Kill())
	}
	return nil
}

// binaries finds the directory of the newest PostgreSQL installed.
func binaries() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d, nil
		}
	}
	p, err := exec.LookPath("initdb")
	if err != nil {
		return "", fmt.Errorf("install PostgreSQL or set %s: %w", EnvURL, err)
	}
	if p, err = filepath.EvalSymlinks(p); err != nil {
		return "", err
	}
	return filepath.Dir(p), nil
}

// version is the number in /usr/lib/postgresql/<version>/bin.
func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // 0 for what is no version
	return n
}

// credential is the user that runs the server: PostgreSQL refuses root. nil: the user of the test.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// Disconnect ends all connections to the database at a URL, as an administrator may at any time.
func Disconnect(ctx context.Context, database string) error {
	return adminExec(ctx, database, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
}

// Query returns the first column of what a query returns, as texts.
func Query(ctx context.Context, database, sql string) ([]string, error) {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, err
	}
	rows, err := c.Query(ctx, sql)
	if err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		v, err := r.Values()
		if err != nil {
			return "", err
		}
		return fmt.Sprint(v[0]), nil
	})
	return out, errors.Join(err, c.Close(ctx))
}
