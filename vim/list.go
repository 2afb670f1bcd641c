package vim

import (
	"context"
	"time"
)

// EachPage calls f with the resources whose owner tag is of this VNFM, or of one VNF when owner is not empty, page by page, so
// that no more than a page is held. timeout bounds each call to the VIM. It ends with the first error, of the VIM or of f.
func EachPage(ctx context.Context, d Driver, conn Connection, owner string, limit int, timeout time.Duration, f func([]Resource) error) error {
	return eachPage(ctx, owner, limit, timeout, func(ctx context.Context, r ListRequest) ([]Resource, string, error) {
		page, err := d.List(ctx, conn, r)
		return page.Resources, page.Next, err //nolint:wrapcheck // an Error of the driver
	}, f)
}

// eachPage calls f with page after page of what read returns, until there is no next one. timeout bounds each reading.
func eachPage[T any](
	ctx context.Context, owner string, limit int, timeout time.Duration,
	read func(context.Context, ListRequest) (page []T, next string, err error), f func([]T) error,
) error {
	for r := (ListRequest{Owner: owner, Limit: limit}); ; {
		limited, cancel := context.WithTimeout(ctx, timeout)
		page, next, err := read(limited, r)
		cancel()
		if err != nil {
			return err
		}
		if err := f(page); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		r.After = next
	}
}
