package vim

import (
	"context"
	"time"
)

// EachPage calls f with the resources whose owner tag is of this VNFM, or of one VNF when owner is not empty, page by page, so
// that no more than a page is held. timeout bounds each call to the VIM. It ends with the first error, of the VIM or of f.
func EachPage(ctx context.Context, d Driver, conn Connection, owner string, limit int, timeout time.Duration, f func([]Resource) error) error {
	for r := (ListRequest{Owner: owner, Limit: limit}); ; {
		page, err := list(ctx, d, conn, r, timeout)
		if err != nil {
			return err
		}
		if err := f(page.Resources); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		r.After = page.Next
	}
}

func list(ctx context.Context, d Driver, conn Connection, r ListRequest, timeout time.Duration) (ListPage, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return d.List(ctx, conn, r) //nolint:wrapcheck // an Error of the driver
}
