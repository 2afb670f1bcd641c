package openstack

import (
	"context"
	"io"
	"time"
)

// ErrStalled ends an upload of which nothing moves.
var ErrStalled = errStalled

// Idle waits until nothing is being uploaded.
func (d *Driver) Idle() {
	d.uploads.Range(func(_, done any) bool {
		<-done.(chan struct{}) //nolint:forcetypeassert // upload puts it there
		return true
	})
}

// Reading is a file of which each piece comes as a function says.
type Reading func() (int, error)

// Read implements io.Reader.
func (r Reading) Read([]byte) (int, error) { return r() }

// Watched is the content of an image whose upload is broken off when none of it moves for a time.
func Watched(ctx context.Context, patience time.Duration, from Reading) (context.Context, io.Reader, func()) {
	ctx, moved, end := watched(ctx, patience)
	body, _ := checked(from, "package:")
	body.moved = moved
	return ctx, body, end
}
