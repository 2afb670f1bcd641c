package vnfpkg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vnfm/vnfm/vnfd/csar"
)

// content is a stored blob that can be read anywhere, as a zip archive must.
type content interface {
	io.ReaderAt
	io.Closer
}

// seekable is what a file is.
type seekable interface {
	io.ReaderAt
	io.Seeker
	io.Closer
}

// open opens a blob. One that its store can only stream is copied to a temporary file first. Returns NotFound.
func (s *Service) open(ctx context.Context, key string) (content, int64, error) {
	r, err := s.cfg.Blobs.Get(ctx, key)
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // the callers say what it is
	}
	file, ok := r.(seekable)
	if !ok {
		file, err = spool(r)
	}
	if err != nil {
		return nil, 0, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("size of blob %s: %w", key, err), file.Close())
	}
	return file, size, nil
}

// temporary is a file that goes when it is closed.
type temporary struct{ *os.File }

func (t temporary) Close() error { return errors.Join(t.File.Close(), os.Remove(t.Name())) }

// spooled is spool for what needs no closing.
func spooled(r io.Reader) (csar.Spooled, error) { return spool(io.NopCloser(r)) }

func spool(r io.ReadCloser) (seekable, error) {
	f, err := os.CreateTemp("", "vnfm-package-")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool blob: %w", err), r.Close())
	}
	t := temporary{f}
	_, err = io.Copy(t, r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("spool blob: %w", err), t.Close())
	}
	return t, nil
}
