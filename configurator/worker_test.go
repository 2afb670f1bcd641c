package configurator_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
)

// hurried commits after somebody else was first.
type hurried struct {
	eventstore.Doer
	before func() // once
}

func (d *hurried) Do(ctx context.Context, w *eventstore.Work) (*eventstore.Commit, error) {
	if f := d.before; f != nil {
		d.before = nil
		f()
	}
	return d.Doer.Do(ctx, w) //nolint:wrapcheck // as it is
}

// Two workers that read the same row call once: the second sees that it has moved on. Seen failing without a look at its version.
func TestTwoWorkersCallOnce(t *testing.T) {
	w := newWorld(t)
	w.ask("c1", "a:1", 1)
	cfg := w.cfg
	cfg.Doer = &hurried{w.cfg.Doer, func() { w.run(0) }}
	if did, err := configurator.NewWorker(cfg).RunOnce(t.Context()); !did || err != nil {
		t.Fatal(did, err)
	}
	w.run(time.Minute)
	w.want("c1 SUCCEEDED")
	if len(w.site.calls) != 1 {
		t.Errorf("called %d times", len(w.site.calls))
	}
}

// paused is a Configurer whose calls say that they have begun and wait to be told how they end.
type paused struct {
	begun chan struct{}
	end   [2]chan error
	n     int
}

func (p *paused) Configure(context.Context, configuration.Request) (configuration.Result, error) {
	end := p.end[p.n]
	p.n++
	p.begun <- struct{}{}
	err := <-end
	return configuration.Result{Ready: err == nil}, err
}

// The answer of a call whose time was over does not count: another one is under way. Seen failing with any answer taken for that of
// the call under way.
func TestAnAnswerAfterItsTimeDoesNotCount(t *testing.T) {
	w := newWorld(t)
	p := &paused{begun: make(chan struct{}), end: [2]chan error{make(chan error), make(chan error)}}
	w.cfg.Configurer = p
	w.ask("c1", "a:1", 1)
	var ended [2]chan error
	for i := range ended {
		ended[i] = make(chan error)
		worker := configurator.NewWorker(w.cfg)
		go func() {
			_, err := worker.RunOnce(t.Context())
			ended[i] <- err
		}()
		<-p.begun
		w.now = w.now.Add(time.Minute)
	}
	p.end[0] <- &configuration.Error{Class: message.Permanent, Hint: "too late"}
	if err := <-ended[0]; err != nil {
		t.Fatal(err)
	}
	w.want()
	p.end[1] <- nil
	if err := <-ended[1]; err != nil {
		t.Fatal(err)
	}
	w.want("c1 SUCCEEDED")
}

// However long a configuration takes, it is asked about at the pace of PollMax at least. Seen failing with a pace that goes on growing.
func TestThePaceOfCallsHasABound(t *testing.T) {
	w := newWorld(t)
	var at []time.Time
	w.site.answer = func(int) (configuration.Result, error) {
		at = append(at, w.now)
		return configuration.Result{}, nil
	}
	w.ask("c1", "a:1", 1)
	w.run(11 * time.Minute)
	w.want("c1 FAILED transient")
	for i := 1; i < len(at); i++ {
		if wait := at[i].Sub(at[i-1]); wait > 11*time.Second {
			t.Fatalf("the call %d came after %s", i+1, wait)
		}
	}
	if len(at) < 50 {
		t.Errorf("%d calls", len(at))
	}
}

// What was sealed is opened for the Configurer and nobody else, whatever it repeats: it is in no row and no reply. Seen failing with
// the data it returns, its warnings, and its errors left as they are.
func TestWhatTheConfigurerRepeatsIsKeptFromEverybody(t *testing.T) {
	ring, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	sealer, _ := secret.NewSealer(ring, "n")
	for name, answer := range map[string]func(said string) (configuration.Result, error){
		"data": func(said string) (configuration.Result, error) {
			return configuration.Result{Ready: true, Data: json.RawMessage(`{"echo":` + said + `}`)}, nil
		},
		"a warning": func(said string) (configuration.Result, error) {
			return configuration.Result{Ready: true, Warnings: []string{"used " + said}}, nil
		},
		"a failure": func(said string) (configuration.Result, error) {
			return configuration.Result{}, &configuration.Error{Class: message.Permanent, Hint: "cannot use " + said, Err: errors.New(said)}
		},
		"an error": func(said string) (configuration.Result, error) { return configuration.Result{}, errors.New(said) },
	} {
		w := newWorld(t)
		w.cfg.Open = func(_ context.Context, _ string, doc json.RawMessage) (json.RawMessage, []string, error) {
			plain, err := sealer.Open(doc)
			return plain, sealer.Plain(doc), err
		}
		w.worker = configurator.NewWorker(w.cfg)
		given := ""
		w.site.answer = func(int) (configuration.Result, error) {
			given = string(w.site.asked[len(w.site.asked)-1].Params)
			return answer(given)
		}
		c := configure("a:1", 1)
		c.Params = sealer.Seal(json.RawMessage(`{"password":"c\"anary"}`), nil)
		if err := w.deliver(command("c1", c)); err != nil {
			t.Fatal(err)
		}
		w.run(time.Second)
		all := ""
		rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableVnfCommands})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			all += string(r.Doc)
		}
		sent, err := w.store.ReadOutbox(t.Context(), eventstore.LaneOf(vnf), 0, 1000)
		if err != nil || len(sent) != 1 {
			t.Fatal(sent, err)
		}
		all += string(sent[0].Data)
		if !strings.Contains(given, "anary") || strings.Contains(all, "anary") || !strings.Contains(all, secret.Mask) {
			t.Errorf("%s: it was given %s, and kept is %s", name, given, all)
		}
	}
}
