package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/durable"
)

// maxManifest bounds what is read of a manifest.
const maxManifest = 1 << 20

// Restore makes a data folder what an archive holds. prepare is called with a folder that has the databases, before any of them is in
// its place: it checks them, and makes them fit for a new start. What the folder had of databases and package files stays in a folder
// of its own in it, whose path is returned, when replace is true; without that it is a Conflict. The key file of the folder stays, unless it has
// none and the archive does. The main database gets its place last: broken off before that, the folder has none, and Restore is called
// again with replace. No program may be working on the folder. Returns Invalid for what is no whole archive of this program.
func Restore(ctx context.Context, from string, f Folder, replace bool, now func() time.Time, prepare func(dir string) error) (m Manifest, old string, err error) {
	present, err := standing(f)
	if err != nil {
		return m, "", err
	}
	if len(present) > 0 && !replace {
		return m, "", vnfm.Errorf(vnfm.Conflict, "%s has %s: name an empty folder with --data, or keep what is there aside with --replace", f.Path, strings.Join(present, ", "))
	}
	aside, remove, err := scratch(f.Path, "restore")
	if err != nil {
		return m, "", err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if m, err = unpack(ctx, from, f, aside); err != nil {
		return m, "", err
	}
	if err := prepare(aside); err != nil {
		return m, "", err
	}
	if len(present) > 0 {
		old = filepath.Join(f.Path, "replaced-"+now().UTC().Format("20060102T150405.000000Z"))
		if err := move(f.Path, old, present); err != nil {
			return m, old, fmt.Errorf("keep what is there aside: %w", err)
		}
	}
	return m, old, place(f, aside, m)
}

// standing returns what a folder has of what a restore would replace, the main database first: without it no program works on the rest.
func standing(f Folder) ([]string, error) {
	var names []string
	for _, name := range f.Databases {
		names = append(names, name, name+"-wal", name+"-shm")
	}
	var found []string
	for _, name := range append(names, f.Files) {
		path := filepath.Join(f.Path, name)
		i, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // names the file
		}
		if i.IsDir() {
			if entries, err := os.ReadDir(path); err == nil && len(entries) == 0 {
				continue
			}
		}
		found = append(found, name)
	}
	return found, nil
}

// unpack reads an archive into a folder, and checks that it is whole: nothing but what its manifest tells, and all of it.
func unpack(ctx context.Context, from string, f Folder, to string) (m Manifest, err error) {
	in, err := os.Open(from)
	if err != nil {
		return m, err //nolint:wrapcheck // names the file
	}
	defer in.Close() //nolint:errcheck // only read
	bad := func(cause error, format string, args ...any) error {
		return vnfm.Wrap(vnfm.Invalid, cause, "%s is no whole backup: %s", from, fmt.Sprintf(format, args...))
	}
	packed, err := gzip.NewReader(durable.Reader(ctx, in))
	if err != nil {
		return m, bad(err, "it is not compressed as one is")
	}
	r := tar.NewReader(packed)
	h, err := r.Next()
	if err != nil || h.Name != manifestName {
		return m, bad(err, "it does not begin with a manifest")
	}
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(&m); err != nil {
		return m, bad(err, "its manifest cannot be read")
	}
	if m.Format > format {
		return m, vnfm.Errorf(vnfm.Invalid, "%s was made by a newer program (%s): restore it with that one", from, m.Program)
	}
	if !slices.Equal(m.Databases, f.Databases) {
		return m, vnfm.Errorf(vnfm.Invalid, "%s has the databases %s, and the settings name %s: restore it with the vim-database that it was made with",
			from, strings.Join(m.Databases, ", "), strings.Join(f.Databases, ", "))
	}
	if err := os.Mkdir(filepath.Join(to, f.Files), 0o700); err != nil {
		return m, err //nolint:wrapcheck // names the folder
	}
	var databases, files int
	var bytes int64
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, bad(err, "it ends too early, or is damaged")
		}
		dir, name := filepath.Split(filepath.FromSlash(h.Name))
		switch {
		case h.Typeflag == tar.TypeReg && dir == "" && slices.Contains(m.Databases, name):
			databases++
		case h.Typeflag == tar.TypeReg && dir == "" && name == keyName && m.Key:
		case h.Typeflag == tar.TypeReg && filepath.Clean(dir) == f.Files && name != "" && name != "." && name != "..":
			files++
		default:
			return m, bad(nil, "%q is not of a backup", h.Name)
		}
		n, err := write(filepath.Join(to, dir, name), r)
		if err != nil {
			return m, bad(err, "%s cannot be read, or not be written", h.Name)
		}
		bytes += n
	}
	if _, err := io.Copy(io.Discard, packed); err != nil { // the checksum comes last
		return m, bad(err, "it is damaged")
	}
	if databases != len(m.Databases) || files != m.Files || bytes != m.Bytes {
		return m, bad(nil, "it has %d databases and %d files of %d bytes, and its manifest says %d, %d and %d", databases, files, bytes, len(m.Databases), m.Files, m.Bytes)
	}
	return m, nil
}

func write(path string, r io.Reader) (int64, error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, r)
	return n, errors.Join(err, out.Sync(), out.Close())
}

// move moves things from one folder to a new one.
func move(from, to string, names []string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return errors.Join(durable.Folder(to), durable.Folder(from))
}

// place gives what was unpacked its place: the package files, the key, and the databases, the main one last.
func place(f Folder, aside string, m Manifest) error {
	if err := os.Remove(filepath.Join(f.Path, f.Files)); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return fmt.Errorf("make room for the package files: %w", err)
	}
	names := []string{f.Files}
	if _, err := os.Lstat(filepath.Join(f.Path, keyName)); m.Key && errors.Is(err, fs.ErrNotExist) {
		names = append(names, keyName)
	}
	for _, name := range slices.Backward(m.Databases) {
		names = append(names, name)
	}
	if err := errors.Join(durable.Folder(filepath.Join(aside, f.Files)), durable.Folder(aside)); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(aside, name), filepath.Join(f.Path, name)); err != nil {
			return fmt.Errorf("give %s its place: %w", name, err)
		}
		if err := durable.Folder(f.Path); err != nil {
			return err
		}
	}
	return nil
}
