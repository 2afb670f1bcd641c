package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/durable"
)

// Dir keeps files in a directory, which must exist; one file each, named after the escaped name. A file is written
// beside its place, synced and renamed.
type Dir string

var _ Store = Dir("")

// partial begins the names of files that are being written; no escaped name begins like that.
const partial = "+partial-"

// longest is the length of a file name that every file system takes.
const longest = 255

func (d Dir) path(name string) (string, error) {
	escaped := strings.ReplaceAll(url.PathEscape(name), "+", "%2B")
	if strings.HasPrefix(escaped, ".") {
		escaped = "%2E" + escaped[1:]
	}
	if escaped == "" || len(escaped) > longest {
		return "", vnfm.Errorf(vnfm.Invalid, "the name of a file must have 1 to %d bytes", longest)
	}
	return filepath.Join(string(d), escaped), nil
}

// Put stores a file under a name.
func (d Dir) Put(ctx context.Context, name string, r io.Reader) (err error) {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	err = durable.Replace(path, partial, func(w io.Writer) error {
		_, err := io.Copy(w, durable.Reader(ctx, r))
		return err
	})
	if err != nil {
		return fmt.Errorf("store file %s: %w", name, err)
	}
	return nil
}

// Get opens a file.
func (d Dir) Get(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, vnfm.Wrap(vnfm.NotFound, err, "there is no file %s", name)
	}
	return f, err
}

// Delete removes a file.
func (d Dir) Delete(_ context.Context, name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete file %s: %w", name, err)
	}
	return nil
}

// Exists reports whether there is a file of the name.
func (d Dir) Exists(_ context.Context, name string) (bool, error) {
	path, err := d.path(name)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
