package eventstore

import "context"

// Doer makes one change and waits until it is durable. The Committer is the Doer of a running program; it batches,
// retries a work whose guard failed because it raced (ErrVersion), and tells followers of each commit.
type Doer interface {
	// Do returns the commit as written, nil when Decide had nothing to write. Errors: Decide's own; ErrHandled,
	// ErrTimeoutGone, ErrFenced, ErrIdempotencyKeyUsed, ErrNameTaken, ErrVersion after the last retry;
	// ErrUnavailable.
	Do(ctx context.Context, w *Work) (*Commit, error)
}
