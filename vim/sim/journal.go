package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/vnfm/vnfm/durable"
)

// format is the first line of a journal.
const format = 1

// journal is an append-only file of records, one JSON line each. A line is handed to the operating system when it is
// appended, so it survives the process; wait makes it survive the machine, many lines with one sync.
type journal struct {
	path string

	mu      sync.Mutex
	f       *os.File
	synced  sync.Cond
	written int64 // lines appended
	durable int64 // lines known to be on disk
	syncing bool
	err     error // of the first write or sync that failed since it was opened, or mended
}

// openJournal reads the journal at path into apply, compacts it to what snapshot yields, and opens it for appending.
func openJournal(path string, apply func(record) error, snapshot func(func(record) error) error) (*journal, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the simulator's journal: %w", err)
	}
	if err := replay(bytes.NewReader(b), apply); err != nil {
		return nil, fmt.Errorf("the simulator's journal %s: %w", path, err)
	}
	j := &journal{path: path}
	j.synced.L = &j.mu
	if j.f, err = anew(path, snapshot); err != nil {
		return nil, err
	}
	return j, nil
}

// anew writes the present state and opens it for appending.
func anew(path string, snapshot func(func(record) error) error) (*os.File, error) {
	if err := compact(path, snapshot); err != nil {
		return nil, fmt.Errorf("compact the simulator's journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the simulator's journal: %w", err)
	}
	return f, nil
}

// failed returns the error that keeps anything from being written.
func (j *journal) failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// mend goes on after a failure: what was written since then is not known, so the present state is written anew. The caller
// keeps it as it is, and appends nothing meanwhile.
func (j *journal) mend(snapshot func(func(record) error) error) error {
	f, err := anew(j.path, snapshot)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.syncing {
		j.synced.Wait()
	}
	_ = j.f.Close() // what could not be written to it is in the new one
	j.f, j.err, j.durable = f, nil, j.written
	return nil
}

// replay applies every whole line. A last line without its end was being written when the machine stopped: nobody was
// told of it, so it is dropped. Anything else that cannot be read is damage, and an error.
func replay(r io.Reader, apply func(record) error) error {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if n == 1 && rec.Format != format {
			return fmt.Errorf("line 1: format %d, want %d", rec.Format, format)
		}
		if err := apply(rec); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// compact writes the present state beside the journal and puts it in its place: at any moment one of the two is whole.
func compact(path string, snapshot func(func(record) error) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	put := func(r record) error { return enc.Encode(r) }
	err = errors.Join(put(record{Format: format}), snapshot(put), w.Flush(), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return durable.Folder(filepath.Dir(path))
}

// append writes one record. The caller keeps appends in order.
func (j *journal) append(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	// A short write leaves half a line in the middle: after any failure nothing more is written, until it is mended.
	if _, err := j.f.Write(append(line, '\n')); err != nil {
		j.err = err
		return err
	}
	j.written++
	return nil
}

// wait returns when everything appended so far is on disk. Callers that wait together share a sync.
func (j *journal) wait() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	want := j.written
	for j.durable < want && j.err == nil {
		if j.syncing {
			j.synced.Wait()
			continue
		}
		j.syncing = true
		upTo, f := j.written, j.f
		j.mu.Unlock()
		err := f.Sync()
		j.mu.Lock()
		j.syncing = false
		if err != nil {
			j.err = err
		} else {
			j.durable = upTo
		}
		j.synced.Broadcast()
	}
	return j.err
}

func (j *journal) close() error {
	err := j.wait()
	return errors.Join(err, j.f.Close())
}
