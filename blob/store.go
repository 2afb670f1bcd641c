// Package blob keeps files by name: VNF packages and their artifacts.
//
// It owns no meaning and no metadata. It promises that a file is there whole or not at all, that putting a name again
// replaces the file, and that a file is never in memory whole. The suite is blobtest; Dir keeps files in a directory,
// postgres.Blobs in the database, for sites without a shared file system.
package blob

import (
	"context"
	"io"
)

// Store keeps files. Names are any text up to 255 bytes; they are not paths.
type Store interface {
	// Put stores a file under a name, in place of the one that is there. On an error nothing has changed.
	Put(ctx context.Context, name string, r io.Reader) error
	// Get opens a file. Returns a vnfm.NotFound error if there is none. The caller closes it.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete removes a file; that there is none is not an error.
	Delete(ctx context.Context, name string) error
	// Exists reports whether there is a file of the name.
	Exists(ctx context.Context, name string) (bool, error)
}
