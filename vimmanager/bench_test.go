package vimmanager_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// BenchmarkReserve measures a reserve from its delivery to its reply, many VNFs at once, on the memory store and a
// simulator that is ready at once.
func BenchmarkReserve(b *testing.B) {
	s, err := sim.Open(sim.Config{})
	if err != nil {
		b.Fatal(err)
	}
	replied := make(chan string, 1<<16)
	var worker *ledger.Worker
	store := memory.New(memory.Config{})
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) {
		worker.OnCommit(c)
		for _, m := range c.Outbox {
			replied <- m.CausationID
		}
	}}})
	cfg := vimmanager.Config{
		Store: store, Doer: doer, Registry: vim.Fixed(sim.Connections()), Drivers: map[string]vim.Driver{sim.Type: s},
		Logger: slog.New(slog.DiscardHandler),
	}
	worker = vimmanager.NewWorker(cfg)
	in := vimmanager.NewIntake(cfg)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 2)
	go func() { done <- doer.Run(ctx) }()
	go func() { done <- worker.Run(ctx) }()

	const clients = 64
	n, flying := 0, 0
	send := func() {
		n++
		flying++
		key := uuid.NewString()
		m := []message.Message{{ID: fmt.Sprintf("m%d", n), Type: vim.TypeReserveResource, Topic: message.TopicVimCommands, Key: key, ReplyTo: message.TopicReplies, Data: vim.Encode(vim.Reserve{
			VnfID: key, Connection: sim.Default, Fence: 1, Token: vim.Token{ID: key, Generation: 1}, Kind: vim.Network, Spec: vim.Spec{Network: &vim.NetworkSpec{}},
		})}}
		go func() {
			_, err := doer.Do(ctx, &eventstore.Work{
				Keys: []string{key}, Load: func() eventstore.Load { return in.Load(m) },
				Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
					c := &eventstore.Commit{}
					return c, in.Decide(l, m, c)
				},
			})
			if err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		}()
	}
	for b.Loop() {
		for flying < clients {
			send()
		}
		select {
		case <-replied:
			flying--
		case <-time.After(10 * time.Second):
			b.Fatal("no reply")
		}
	}
	cancel()
	for range 2 {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}
