package backup

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/durable"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

// Names in an archive, and the format of its manifest.
const (
	manifestName = "manifest.json"
	keyName      = "secret.key"
	format       = 1
)

// Folder says what is in a data folder.
type Folder struct {
	Path      string
	Databases []string // names of the embedded databases in it, the main one first
	Files     string   // name of the folder in it that has the package files
}

// Manifest says what an archive holds.
type Manifest struct {
	Format    int       `json:"format"`
	Program   string    `json:"program"` // version of the program that made it
	At        time.Time `json:"at"`      // the moment that all of it is of
	Databases []string  `json:"databases"`
	Files     int       `json:"files"`
	Bytes     int64     `json:"bytes"` // of databases and files, uncompressed
	Key       bool      `json:"key"`   // whether the key file is in it
}

// Write copies a data folder into the file to, which must not exist, for its owner alone; a program may be working on the folder. key is
// the path of the key file when that is to be in it, else "". Returns Conflict when the file exists, and NotFound when there is no
// database. What a Write that was broken off has left in the folder is removed by the next one.
func Write(ctx context.Context, f Folder, to, key, program string, now func() time.Time) (_ Manifest, err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = vnfm.Errorf(vnfm.Conflict, "%s exists: name another file, or remove it", to)
		}
		return Manifest{}, err
	}
	m := Manifest{Format: format, Program: program, Databases: f.Databases, Key: key != ""}
	aside, remove, err := scratch(f.Path, "backup")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := os.Mkdir(filepath.Join(aside, f.Files), 0o700); err != nil {
		return m, fmt.Errorf("stage the backup: %w", err)
	}
	copies := map[string]string{}
	for _, name := range f.Databases {
		copies[filepath.Join(f.Path, name)] = filepath.Join(aside, name)
	}
	err = sqlite.Copy(ctx, copies, func() (err error) {
		m.At = now().UTC()
		m.Files, err = link(filepath.Join(f.Path, f.Files), filepath.Join(aside, f.Files))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return m, vnfm.Wrap(vnfm.NotFound, err, "there is no embedded database in %s: name the folder with --data", f.Path)
	}
	if err != nil {
		return m, err //nolint:wrapcheck // says what it was about
	}
	if key != "" {
		if err := duplicate(key, filepath.Join(aside, keyName)); err != nil {
			return m, fmt.Errorf("copy the key file: %w", err)
		}
	}
	return m, archive(ctx, &m, f, aside, to)
}

// scratch makes a folder of its own in the data folder, on the same file system as what is in it, and removes those that others who are
// not running any more have left.
func scratch(folder, purpose string) (path string, remove func() error, err error) {
	left, err := filepath.Glob(filepath.Join(folder, "."+purpose+"-*"))
	if err != nil {
		return "", nil, fmt.Errorf("look for what is left: %w", err)
	}
	for _, l := range left {
		if unlock, err := lock(l); err == nil {
			_ = os.RemoveAll(l)
			_ = unlock()
		}
	}
	if path, err = os.MkdirTemp(folder, "."+purpose+"-"); err != nil {
		return "", nil, fmt.Errorf("folder to work in: %w", err)
	}
	unlock, err := lock(path)
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("lock the folder to work in: %w", err), os.RemoveAll(path))
	}
	return path, func() error { return errors.Join(os.RemoveAll(path), unlock()) }, nil
}

// lock takes a folder for this process until it ends.
func lock(path string) (unlock func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// link gives each file of a folder a second name in another: it stays what it is, whatever the first name gets.
func link(from, to string) (n int, err error) {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the package files: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // one that was being written, and has its name now or is gone
		}
		if err != nil {
			return n, fmt.Errorf("link the package files: %w", err)
		}
		n++
	}
	return n, nil
}

func duplicate(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// archive writes what was staged, beside the place of the archive, and renames it.
func archive(ctx context.Context, m *Manifest, f Folder, aside, to string) (err error) {
	out, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-")
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write the backup: %w", err), out.Close(), os.Remove(out.Name()))
		}
	}()
	names, err := staged(aside, f, m)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	packed, err := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(packed)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if err := w.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(text)), ModTime: m.At}); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for _, name := range names {
		if err := add(ctx, w, filepath.Join(aside, name), name, m.At); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Close(), packed.Close(), buffered.Flush(), out.Sync()); err != nil {
		return err
	}
	if err := os.Link(out.Name(), to); err != nil { // unlike a rename it replaces nothing
		return err
	}
	return errors.Join(out.Close(), os.Remove(out.Name()), durable.Folder(filepath.Dir(to)))
}

// staged returns the names of what was staged, as the archive has them: databases, key, files. It counts their bytes.
func staged(aside string, f Folder, m *Manifest) ([]string, error) {
	names := append([]string(nil), f.Databases...)
	if m.Key {
		names = append(names, keyName)
	}
	files, err := os.ReadDir(filepath.Join(aside, f.Files))
	if err != nil {
		return nil, err
	}
	for _, e := range files {
		names = append(names, filepath.Join(f.Files, e.Name()))
	}
	for _, name := range names {
		i, err := os.Stat(filepath.Join(aside, name))
		if err != nil {
			return nil, err
		}
		m.Bytes += i.Size()
	}
	return names, nil
}

func add(ctx context.Context, w *tar.Writer, path, name string, at time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	i, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: i.Size(), ModTime: at}); err != nil {
		return err
	}
	_, err = io.Copy(w, durable.Reader(ctx, f))
	return err
}
