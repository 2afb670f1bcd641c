package vimmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// kept is all that the ledger and the outbox have.
func (w *world) kept() string {
	w.t.Helper()
	var all strings.Builder
	for _, table := range []string{eventstore.TableVimResources, eventstore.TableVimCommands} {
		rows, err := w.store.Records(w.t.Context(), eventstore.RecordQuery{Table: table})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range rows {
			all.Write(r.Doc)
		}
	}
	sent, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range sent {
		all.Write(m.Data)
	}
	return all.String()
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
			all := w.kept()
			if strings.Contains(all, "anary") || strings.Contains(all, "7730041999") || !strings.Contains(all, "vnfm.sealed") {
				t.Errorf("kept: %s", all)
			}
			if c.away == nil && !strings.Contains(all, "***") {
				t.Errorf("what the driver said is not kept: %s", all)
			}
		})
	}
}

// parrot is a VIM that says the boot data of a compute in every answer, also long after.
type parrot struct {
	*driver
	on   string // the call at which it fails, or whose resource has failed; "" never
	data string // the boot data it was last given
}

func (d *parrot) says(call string, r vim.Resource, err error) (vim.Resource, error) {
	text := "cannot use " + d.data
	switch d.on {
	case call:
		return vim.Resource{}, &vim.Error{Op: call, Class: message.Permanent, Hint: text, Err: errors.New(text)}
	case call + " unclear":
		return vim.Resource{}, errors.New(text)
	case call + " failed":
		r.Failed = &vim.Error{Op: call, Class: message.Permanent, Hint: text}
	}
	r.Warnings = append(r.Warnings, "used "+d.data)
	return r, err
}

func (d *parrot) Start(ctx context.Context, c vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	d.data = r.Spec.Compute.UserData
	res, err := d.driver.Start(ctx, c, r)
	return d.says("start", res, err)
}

func (d *parrot) Change(ctx context.Context, c vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	d.data = r.To.Compute.UserData
	res, err := d.driver.Change(ctx, c, r)
	return d.says("change", res, err)
}

func (d *parrot) Find(ctx context.Context, c vim.Connection, k vim.Kind, t vim.Token) (vim.Resource, error) {
	res, err := d.driver.Find(ctx, c, k, t)
	if err != nil {
		return res, err
	}
	return d.says("find", res, err)
}

func (d *parrot) Poll(ctx context.Context, c vim.Connection, k vim.Kind, id string) (vim.Resource, error) {
	res, err := d.driver.Poll(ctx, c, k, id)
	return d.says("poll", res, err)
}

func (d *parrot) Release(ctx context.Context, c vim.Connection, k vim.Kind, t vim.Token) (bool, error) {
	done, err := d.driver.Release(ctx, c, k, t)
	if _, said := d.says("release", vim.Resource{}, err); said != nil {
		return false, said
	}
	return done, nil
}

func (d *parrot) List(ctx context.Context, c vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	page, err := d.driver.List(ctx, c, r)
	for i := range page.Resources {
		page.Resources[i], _ = d.says("list", page.Resources[i], nil)
	}
	return page, err
}

// A VIM may repeat what it was given in any answer: while it builds, when it is asked what it has, when something is changed or
// released, and in its list. Seen failing with only the answers to a start and a change looked through, and of those not the failure
// of the resource; and with an answer whose secrets cannot be told kept as it is.
func TestWhatAVimRepeatsIsKeptFromEverybody(t *testing.T) {
	ring, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	sealer, _ := secret.NewSealer(ring, "n")
	var password string
	if err := json.Unmarshal(sealer.Seal(json.RawMessage(`"c\"anary"`), json.RawMessage(`{"writeOnly":true}`)), &password); err != nil {
		t.Fatal(err)
	}
	for _, closed := range []bool{false, true} {
		for _, on := range []string{
			"", "start", "start unclear", "start failed", "find", "find unclear", "find failed", "poll", "poll unclear", "poll failed",
			"change", "change unclear", "change failed", "release", "release unclear", "list failed",
		} {
			t.Run(fmt.Sprintf("%s, the key is away: %t", on, closed), func(t *testing.T) {
				w := newWorld(t, `{"delay":"5s"}`)
				vims := &parrot{driver: w.driver}
				var log strings.Builder
				w.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
				w.cfg.Drivers = map[string]vim.Driver{sim.Type: vims}
				away := false
				w.cfg.Open = func(_ context.Context, _ string, doc json.RawMessage) (json.RawMessage, []string, error) {
					if away && secret.HasSealed(doc) {
						return nil, nil, vnfm.Errorf(vnfm.Internal, "no key opens it")
					}
					plain, err := sealer.Open(doc)
					return plain, sealer.Plain(doc), err
				}
				w.restart()
				r := vim.Reserve{
					Token: token(1), Kind: vim.Compute,
					Spec: vim.Spec{Name: "c", Compute: &vim.ComputeSpec{Image: "cirros", Flavour: "m1.tiny", UserData: "password: " + password}},
				}
				to := r.Spec
				machine := *to.Compute
				to.Compute, machine.Power = &machine, vim.PowerOff
				call := func(when string) {
					if strings.HasPrefix(on, when) {
						vims.on = on
					}
				}
				call("start")
				call("poll")
				w.deliver(w.reserve("c1", 1, r))
				w.step()
				away = closed // once the VIM has it
				w.run(15 * time.Minute)
				call("find")
				call("change")
				w.deliver(w.message("c2", vim.TypeChangeResource, vim.Change{
					VnfID: vnf, Connection: "sim-1", Fence: 1, Token: r.Token, Kind: r.Kind, Revision: 2, From: r.Spec, To: to,
				}))
				w.run(time.Minute)
				call("list")
				w.sweepOnce()
				if len(w.replies()) == 0 {
					t.Error("nobody was answered")
				}
				all := w.kept()
				w.loseLedger()
				w.cfg.Wanted = knows(func(vim.Token) bool { return true })
				w.restart()
				w.sweepOnce()
				call("release")
				w.deliver(w.release("c3", r))
				w.run(time.Minute)
				all += w.kept() + log.String()
				if !strings.Contains(vims.data, `c"anary`) {
					t.Fatalf("the VIM was given %q", vims.data)
				}
				if strings.Contains(all, "anary") {
					t.Errorf("kept: %s", all)
				}
			})
		}
	}
}
