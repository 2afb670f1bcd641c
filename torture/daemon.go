package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// settings are short, so that much happens in a minute.
var settings = []string{
	"--http-page-size", "0", "--http-stop-timeout", "10s",
	"--vim-call-timeout", "1s", "--vim-quarantine", "200ms", "--vim-sweep-interval", "1s", "--vim-build-timeout", "20s",
	"--operation-backoff", "100ms", "--operation-step-timeout", "2s", "--operation-deadline", "1m", "--operation-graceful-timeout", "1s",
	"--lane-lease", "2s",
}

// daemon is one process of the program over a data folder. It is killed and started again as often as one likes, always
// on one port.
type daemon struct {
	name, bin, url, data string
	command              string // with the flags that it alone knows
	args                 []string
	log                  *os.File

	mu      sync.Mutex
	cmd     *exec.Cmd
	done    chan struct{} // closed when the process has ended
	meant   bool          // its end is our doing
	endings []string      // of processes that ended by themselves
}

// newDaemon prepares a process that runs a command of the program; its log is in a folder.
func newDaemon(name, bin, logs, data, command string, rng *rand.Rand, args ...string) (*daemon, error) {
	port, err := freePort(rng)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(logs, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	d := &daemon{name: name, bin: bin, url: "http://127.0.0.1:" + strconv.Itoa(port), data: data, command: command, log: log}
	d.args = append([]string{"--listen", "127.0.0.1:" + strconv.Itoa(port), "--data", data}, args...)
	return d, nil
}

// freePort finds a port that is free, below those that outgoing connections take.
func freePort(rng *rand.Rand) (int, error) {
	for range 100 {
		port := 10000 + rng.IntN(20000)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free")
}

// start starts the process, which must not be running.
func (d *daemon) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = fmt.Fprintf(d.log, "=== %s start\n", time.Now().UTC().Format(time.RFC3339Nano))
	cmd := exec.Command(d.bin, slices.Concat(strings.Fields(d.command), d.args)...)
	cmd.Stdout, cmd.Stderr = d.log, d.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	done := make(chan struct{})
	d.cmd, d.done, d.meant = cmd, done, false
	go func() {
		err := cmd.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		_, _ = fmt.Fprintf(d.log, "=== %s end: %v\n", time.Now().UTC().Format(time.RFC3339Nano), err)
		if !d.meant {
			d.endings = append(d.endings, fmt.Sprintf("%s, %s: %v", d.name, time.Now().UTC().Format(time.RFC3339Nano), err))
		}
		close(done)
	}()
	return nil
}

// signal sends a signal to the process; the end of the process is then meant, when the signal ends it.
func (d *daemon) signal(s syscall.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		d.meant = true
		_, _ = fmt.Fprintf(d.log, "=== %s %v\n", time.Now().UTC().Format(time.RFC3339Nano), s)
	}
	if err := d.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v: %w", s, err)
	}
	return nil
}

// kill ends the process as a power cut would.
func (d *daemon) kill() error {
	err := d.signal(syscall.SIGKILL)
	<-d.ended()
	return err
}

// stop ends the process as an operator would and returns an error unless it ends well within half a minute.
func (d *daemon) stop() error {
	if err := d.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-d.ended():
	case <-time.After(30 * time.Second):
		return errors.Join(fmt.Errorf("%s does not stop on SIGTERM", d.name), d.kill())
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s stopped with exit code %d", d.name, code)
	}
	return nil
}

func (d *daemon) ended() chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

// started reports whether there ever was a process.
func (d *daemon) started() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd != nil
}

// running reports whether the process is there.
func (d *daemon) running() bool {
	select {
	case <-d.ended():
		return false
	default:
		return true
	}
}

// byItself takes the ends of processes that nobody ended.
func (d *daemon) byItself() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.endings
	d.endings = nil
	return out
}

// answers waits until the process answers a request for a path with 200.
func (d *daemon) answers(ctx context.Context, path string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return poll(ctx, 5*time.Millisecond, d.name+" to answer "+path, func() (bool, error) {
		if !d.running() {
			return false, fmt.Errorf("%s has ended", d.name)
		}
		return d.says(ctx, path), nil
	})
}

// says reports whether the process answers a request for a path with 200, now.
func (d *daemon) says(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// offline runs another command of the program on the same data, and returns what it says.
func (d *daemon) offline(ctx context.Context, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	args := slices.DeleteFunc(slices.Clone(d.args), func(a string) bool { return a == "-v" }) // of those that serve
	cmd := exec.CommandContext(ctx, d.bin, append(command, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// poll asks again and again until the answer is yes, or an error, or the context ends.
func poll(ctx context.Context, every time.Duration, what string, ask func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := ask()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %w", what, ctx.Err())
		}
	}
}

// pause waits for a time, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
