package vimmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// talker is a VIM that says what it was given.
type talker struct {
	*driver
	heard  []string
	answer func(text string) (vim.Resource, error) // nil: the simulator's
}

func (d *talker) Start(ctx context.Context, c vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	d.heard = append(d.heard, string(r.Spec.Configuration.Params))
	res, err := d.driver.Start(ctx, c, r)
	if d.answer != nil {
		return d.answer(fmt.Sprintf("cannot use %s", r.Spec.Configuration.Params))
	}
	res.Warnings = append(res.Warnings, "used "+string(r.Spec.Configuration.Params))
	return res, err
}

// What is sealed in a specification is opened for the driver and nobody else: it is not in the ledger, nor in what the driver's
// answer becomes, whether it works, refuses or warns. A key that is not there now is waited for. Seen failing with the driver's
// texts left as they are.
func TestSecretsAreOpenedForTheDriverAlone(t *testing.T) {
	ring, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	sealer, _ := secret.NewSealer(ring, "n")
	params := sealer.Seal(json.RawMessage(`{"password":"c\"anary","pin":7730041999,"mode":"fast"}`), nil)
	for name, c := range map[string]struct {
		answer  func(string) (vim.Resource, error)
		away    error // of the key, at first
		outcome string
	}{
		"it works": {nil, nil, "c1 SUCCEEDED"},
		"it refuses": {func(s string) (vim.Resource, error) {
			return vim.Resource{}, &vim.Error{Op: "start", Class: message.Permanent, Hint: s, Err: errors.New(s)}
		}, nil, "c1 FAILED permanent"},
		"the key cannot be read now": {nil, vnfm.Errorf(vnfm.Unavailable, "away"), "c1 FAILED unavailable"},
		"the key is lost":            {nil, vnfm.Errorf(vnfm.Internal, "no key opens it"), "c1 FAILED unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			vims := &talker{driver: w.driver, answer: c.answer}
			w.cfg.Drivers = map[string]vim.Driver{sim.Type: vims}
			w.cfg.Open = func(_ context.Context, id string, doc json.RawMessage) (json.RawMessage, []string, error) {
				if id != vnf {
					t.Errorf("opened for %s", id)
				}
				if c.away != nil {
					return nil, nil, c.away
				}
				plain, err := sealer.Open(doc)
				return plain, sealer.Plain(doc), err
			}
			w.worker = vimmanager.NewWorker(w.cfg)
			r := vim.Reserve{
				Token: vim.Token{ID: "00000000-0000-4000-8000-00000000c0f1", Generation: 1}, Kind: vim.Configuration,
				Spec: vim.Spec{Name: "c", Configuration: &vim.ConfigurationSpec{Action: "stop", Params: params}},
			}
			w.deliver(w.reserve("c1", 1, r))
			w.run(time.Minute)
			if got := w.replies(); !slices.Equal(got, []string{c.outcome}) {
				t.Errorf("replies %q, want %q", got, c.outcome)
			}
			if c.away == nil && (len(vims.heard) != 1 || !strings.Contains(vims.heard[0], `c\"anary`) || !strings.Contains(vims.heard[0], "7730041999")) {
				t.Errorf("the driver was given %q", vims.heard)
			}
			if c.away != nil && len(vims.heard) > 0 {
				t.Errorf("the driver was given %q without the key", vims.heard)
			}
			rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableVimResources})
			if err != nil {
				t.Fatal(err)
			}
			commands, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableVimCommands})
			if err != nil {
				t.Fatal(err)
			}
			sent, err := w.store.ReadOutbox(t.Context(), eventstore.LaneOf(vnf), 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			all := ""
			for _, r := range append(rows, commands...) {
				all += string(r.Doc)
			}
			for _, m := range sent {
				all += string(m.Data)
			}
			if strings.Contains(all, "anary") || strings.Contains(all, "7730041999") || !strings.Contains(all, "vnfm.sealed") {
				t.Errorf("kept: %s", all)
			}
			if c.away == nil && !strings.Contains(all, "***") {
				t.Errorf("what the driver said is not kept: %s", all)
			}
		})
	}
}
