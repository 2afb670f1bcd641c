package main

import (
	"context"

	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// runVnfm runs this engine as `make bench` does. A command is a message in the outbox, committed with the saga's state; the
// participant commits its reply with the mark that the command was handled; the reply, the saga's next state, its timer
// and the next command are one commit again. Works of many sagas share a database transaction.
func runVnfm(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error) {
	store, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return sagabench.Report{}, err
	}
	defer func() { _ = store.Close() }()
	o.Committers = 2
	return sagabench.Run(ctx, store, o)
}
