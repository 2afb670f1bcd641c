// Package durable writes files that are there whole after a crash, or not at all.
//
// It promises that a file that was replaced has its old content or its new one, whatever ends the program or the machine, and that what
// was reported as written stays. It must not know what is in files.
package durable

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Replace writes a file beside the one of a path, with a name that begins as the pattern says (see os.CreateTemp), and puts it in its
// place. Its owner alone may read it. When it fails, what was there is untouched.
func Replace(path, pattern string, write func(w io.Writer) error) error {
	part, err := beside(path, pattern, write)
	if err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return Folder(filepath.Dir(path))
}

// beside writes a new file in the folder of a path and returns its name.
func beside(path, pattern string, write func(w io.Writer) error) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), pattern)
	if err != nil {
		return "", err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// Folder makes the names in a folder durable: what was made, renamed or removed there.
func Folder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Reader reads from another until a context ends; then it returns the context's error.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context //nolint:containedctx // io.Reader has no place for it
	r   io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
