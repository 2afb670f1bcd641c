package main

import (
	"context"

	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// runVnfm runs this engine as `make bench` does. A command is a message in the outbox, committed with the saga's state; the
// participant's commit of what it did has its reply, the saga's next state, its timer and the next command in it as well. Works of
// many sagas share a database transaction.
func runVnfm(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	store, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return sagabench.Report{}, err
	}
	defer func() { _ = store.Close() }()
	o.Committers = 2
	return sagabench.Run(ctx, store, o)
}

// runVnfmApart runs it as if the participant had another database: its reply is a message in the outbox, handled in a commit of
// its own.
func runVnfmApart(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	o.Apart = true
	return runVnfm(ctx, url, o)
}
