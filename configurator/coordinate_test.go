package configurator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
)

// manager is an element manager that knows what it has begun by the token, as one that knows the Idempotency-Key does.
type manager struct {
	calls  []string // begin, look, end
	begun  map[string]string
	ended  map[string]bool // was called off
	looks  int             // that are in vain
	result string
	answer func(call string, n int) (*configuration.CoordinationAnswer, error) // nil, nil: as ever
	before func()
	after  func()
	input  string
}

func (m *manager) call(name string) (*configuration.CoordinationAnswer, error) {
	if m.before != nil {
		m.before()
	}
	m.calls = append(m.calls, name)
	if m.answer != nil {
		return m.answer(name, len(m.calls))
	}
	return nil, nil
}

func (m *manager) done() {
	if m.after != nil {
		m.after()
	}
}

func (m *manager) Begin(_ context.Context, c configuration.Coordinate) (configuration.CoordinationAnswer, error) {
	if a, err := m.call("begin"); a != nil || err != nil {
		return or(a), err
	}
	m.input = string(c.Input)
	if m.begun[c.Token] == "" {
		m.begun[c.Token] = fmt.Sprintf("id-%d", len(m.begun)+1)
	}
	m.done()
	return m.is(m.begun[c.Token]), nil
}

func or(a *configuration.CoordinationAnswer) configuration.CoordinationAnswer {
	if a == nil {
		return configuration.CoordinationAnswer{}
	}
	return *a
}

func (m *manager) is(id string) configuration.CoordinationAnswer {
	switch {
	case m.ended[id]:
		return configuration.CoordinationAnswer{ID: id, Result: configuration.Cancelled}
	case m.looks > 0:
		m.looks--
		return configuration.CoordinationAnswer{ID: id, After: 2 * time.Second}
	case m.result == "":
		return configuration.CoordinationAnswer{ID: id, Result: configuration.Continue, Warnings: "slow"}
	}
	return configuration.CoordinationAnswer{ID: id, Result: m.result, Problem: "calls are up"}
}

func (m *manager) Look(_ context.Context, _ configuration.Coordinate, id string) (configuration.CoordinationAnswer, error) {
	if a, err := m.call("look"); a != nil || err != nil {
		return or(a), err
	}
	m.done()
	return m.is(id), nil
}

func (m *manager) CallOff(_ context.Context, _ configuration.Coordinate, id string) error {
	if _, err := m.call("end"); err != nil {
		return err
	}
	m.ended[id] = true
	m.done()
	return nil
}

func newManaged(t *testing.T) (*world, *manager) {
	t.Helper()
	w, m := newWorld(t), &manager{begun: map[string]string{}, ended: map[string]bool{}}
	w.cfg.Coordinator = m
	w.worker = configurator.NewWorker(w.cfg)
	return w, m
}

func (w *world) coordinate(id, token string, fence int64) {
	w.t.Helper()
	w.send(id, configuration.TypeCoordinate, message.TopicReplies, configuration.Coordinate{
		VnfID: vnf, OpID: "op", Operation: "SCALE", Action: "drain", Token: token, Fence: fence,
		Endpoint: configuration.Endpoint{Connection: "em", Type: "MGMT"}, Input: json.RawMessage(`{"a":1}`),
	})
}

func (w *world) callOff(id, token string) {
	w.t.Helper()
	w.send(id, configuration.TypeCallOff, "", configuration.CallOff{VnfID: vnf, Token: token})
}

func (w *world) send(id, typ, replyTo string, data any) {
	w.t.Helper()
	b, err := json.Marshal(data)
	if err == nil {
		err = w.deliver(message.Message{ID: id, Type: typ, Topic: message.TopicVnfCommands, Key: vnf, CorrelationID: "op", ReplyTo: replyTo, Data: b})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// known are the coordinations that were told of, in order.
func (w *world) known() (out []configuration.Coordination) {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range msgs {
		data := m.Data
		if m.Type == message.ReplyType {
			var r message.Reply
			if err := json.Unmarshal(m.Data, &r); err != nil {
				w.t.Fatal(err)
			}
			data = r.Result
		}
		var c configuration.Coordination
		if len(data) > 2 && json.Unmarshal(data, &c) == nil {
			out = append(out, c)
		}
	}
	return out
}

// A coordination that goes on is told of, asked about when it wants to be, and answered with its outcome.
func TestACoordinationGoesOnUntilItsOutcome(t *testing.T) {
	w, m := newManaged(t)
	m.looks = 3
	w.coordinate("c1", "t", 1)
	w.run(time.Second)
	w.want("c1 working")
	if c := w.known()[0]; c.ID != "id-1" || c.Action != "drain" || c.Endpoint != "MGMT" || c.Result != "" || c.Started.IsZero() || !c.Delay.After(c.Started) {
		t.Errorf("told of %+v", c)
	}
	if len(m.calls) != 1 || m.input != `{"a":1}` {
		t.Errorf("calls %v with %s", m.calls, m.input)
	}
	w.run(20 * time.Second)
	said := w.said()
	if said[len(said)-1] != "c1 SUCCEEDED" {
		t.Fatalf("said %v", said)
	}
	known := w.known()
	if c := known[len(known)-1]; c.Result != configuration.Continue || c.Ended.IsZero() || !c.Delay.IsZero() || c.Warnings != "slow" || c.Started != known[0].Started {
		t.Errorf("ended %+v", c)
	}
	if !slices.Equal(m.calls, []string{"begin", "look", "look", "look"}) {
		t.Errorf("calls %v", m.calls)
	}
	w.coordinate("c1", "t", 1) // nobody has heard
	w.coordinate("c2", "t", 1)
	if said := w.said(); !slices.Equal(said[len(said)-2:], []string{"c1 SUCCEEDED", "c2 SUCCEEDED"}) || len(m.calls) != 4 {
		t.Errorf("said %v after %v", said, m.calls)
	}
}

// What the endpoint says decides.
func TestTheOutcomeOfACoordination(t *testing.T) {
	for result, want := range map[string]string{
		configuration.Abort: "c1 FAILED permanent", configuration.Cancelled: "c1 CANCELLED",
	} {
		w, m := newManaged(t)
		m.result = result
		w.coordinate("c1", "t", 1)
		w.run(time.Second)
		w.want(want)
		if c := w.known()[0]; c.Result != result {
			t.Errorf("%+v", c)
		}
		m.result = ""
		w.coordinate("c2", "t", 1) // an operator's retry asks anew
		w.run(time.Second)
		w.want(want, "c2 SUCCEEDED")
	}
	for class, want := range map[message.Class]string{message.Auth: "c1 FAILED auth", message.Permanent: "c1 FAILED permanent"} {
		w, m := newManaged(t)
		m.answer = func(string, int) (*configuration.CoordinationAnswer, error) {
			return nil, &configuration.Error{Class: class, Hint: "no"}
		}
		w.coordinate("c1", "t", 1)
		w.run(time.Second)
		w.want(want)
	}
}

// A refusal for now is told of, and asked again when its time has come; what cannot be reached is asked again, too, until the time is over.
func TestARefusalForNow(t *testing.T) {
	w, m := newManaged(t)
	m.answer = func(call string, n int) (*configuration.CoordinationAnswer, error) {
		switch n {
		case 1, 2:
			return &configuration.CoordinationAnswer{Rejected: "busy", After: 30 * time.Second}, nil
		case 3:
			return nil, &configuration.Error{Class: message.Unavailable, Hint: "no answer"}
		}
		return nil, nil
	}
	w.coordinate("c1", "t", 1)
	w.run(29 * time.Second)
	if len(m.calls) != 1 {
		t.Errorf("%d calls before its time", len(m.calls))
	}
	w.run(time.Minute)
	known := w.known()
	c := known[len(known)-1]
	if len(c.Rejections) != 2 || c.Result != configuration.Continue || c.Rejections[1].Delay.Sub(c.Rejections[1].At) != 30*time.Second {
		t.Errorf("%+v", c)
	}
	w, m = newManaged(t)
	m.answer = func(string, int) (*configuration.CoordinationAnswer, error) {
		return nil, &configuration.Error{Class: message.Unavailable, Hint: "no route"}
	}
	w.coordinate("c1", "t", 1)
	w.run(9 * time.Minute)
	w.want()
	w.run(2 * time.Minute)
	w.want("c1 FAILED permanent")
}

// One that nobody waits for is called off, and its outcome waited for; one whose time is over as well.
func TestACoordinationIsCalledOff(t *testing.T) {
	w, m := newManaged(t)
	m.looks = 1000
	w.coordinate("c1", "t", 1)
	w.run(time.Second)
	w.callOff("off", "t")
	w.callOff("off", "t")
	w.run(5 * time.Second)
	said := w.said()
	if said[len(said)-1] != "c1 CANCELLED" || !m.ended["id-1"] {
		t.Errorf("said %v", said)
	}
	w, m = newManaged(t) // before it was begun
	m.answer = func(string, int) (*configuration.CoordinationAnswer, error) {
		return &configuration.CoordinationAnswer{Rejected: "busy", After: time.Minute}, nil
	}
	w.coordinate("c1", "t", 1)
	w.run(time.Second)
	w.callOff("off", "t")
	w.run(time.Second)
	if said := w.said(); said[len(said)-1] != "c1 CANCELLED" || len(m.calls) != 1 {
		t.Errorf("said %v after %v", said, m.calls)
	}
	w, m = newManaged(t) // that does not let itself be called off
	m.looks = 6
	m.answer = func(call string, _ int) (*configuration.CoordinationAnswer, error) {
		if call == "end" {
			return nil, &configuration.Error{Class: message.Permanent, Hint: "no such thing"}
		}
		return nil, nil
	}
	w.coordinate("c1", "t", 1)
	w.run(time.Second)
	w.callOff("off", "t")
	w.run(time.Minute)
	if said := w.said(); said[len(said)-1] != "c1 SUCCEEDED" {
		t.Errorf("said %v", said)
	}
	w, m = newManaged(t) // that never ends
	m.looks = 1 << 20
	m.answer = func(call string, _ int) (*configuration.CoordinationAnswer, error) {
		if call == "end" {
			return &configuration.CoordinationAnswer{}, &configuration.Error{Class: message.Unavailable, Hint: "away"}
		}
		return nil, nil
	}
	w.coordinate("c1", "t", 1)
	w.run(11 * time.Minute)
	if said := w.said(); said[len(said)-1] != "c1 FAILED permanent" || !slices.Contains(m.calls, "end") {
		t.Errorf("said %v", said)
	}
}

// Whatever dies or is told twice, each command is answered, and one coordination has one outcome: an endpoint that knows the token has
// begun one.
func TestCoordinationsWhateverDies(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 11)) //nolint:gosec // a seeded test
		w, m := newManaged(t)
		m.looks = rnd.IntN(6)
		ids := []string{"c1"}
		for range 15 {
			if n := rnd.IntN(4); n == 0 || len(w.said()) == 0 && n < 2 {
				w.coordinate(ids[rnd.IntN(len(ids))], "t", 1)
			} else if n == 1 && len(ids) < 3 {
				ids = append(ids, fmt.Sprintf("c%d", len(ids)+1))
				w.coordinate(ids[len(ids)-1], "t", 1)
			}
			if rnd.IntN(3) == 0 {
				left, point := 1+rnd.IntN(3), []string{memory.FaultCommit, memory.FaultAcknowledge}[rnd.IntN(2)]
				w.fault = func(p string) error {
					if p == point {
						if left--; left == 0 {
							return errors.New("injected")
						}
					}
					return nil
				}
			}
			if die := func() { panic(died{}) }; rnd.IntN(3) == 0 {
				if m.before = die; rnd.IntN(2) == 0 {
					m.before, m.after = nil, die
				}
			}
			w.anyhow()
			m.before, m.after, w.fault = nil, nil, nil
			w.now = w.now.Add(time.Duration(rnd.IntN(20)) * time.Second)
		}
		w.worker = configurator.NewWorker(w.cfg)
		w.run(time.Minute)
		for _, id := range ids {
			w.coordinate(id, "t", 1)
		}
		w.run(2 * time.Minute)
		got := w.said()
		for _, id := range ids {
			if !slices.Contains(got, id+" SUCCEEDED") {
				t.Errorf("seed %d: %s was not answered: %v", seed, id, got)
			}
		}
		if len(m.begun) != 1 {
			t.Errorf("seed %d: %d were begun", seed, len(m.begun))
		}
		if calls := strings.Join(m.calls, " "); strings.Contains(calls, "end") {
			t.Errorf("seed %d: called off: %s", seed, calls)
		}
	}
}

// An older operation coordinates nothing once another has begun; what it has begun is called off.
func TestAnOlderOperationCoordinatesNothing(t *testing.T) {
	w, m := newManaged(t)
	m.looks = 1000
	w.coordinate("c1", "t1", 1)
	w.run(time.Second)
	w.ask("c2", "a:1", 2)
	w.coordinate("c3", "t3", 1)
	w.run(20 * time.Second)
	said := w.said()
	if !slices.Contains(said, "c3 FAILED superseded") || !slices.Contains(said, "c1 CANCELLED") || len(m.begun) != 1 {
		t.Errorf("said %v, begun %v", said, m.begun)
	}
	w.cfg.Coordinator = nil
	w.worker = configurator.NewWorker(w.cfg)
	w.coordinate("c4", "t4", 2)
	w.run(time.Second)
	if said := w.said(); said[len(said)-1] != "c4 FAILED permanent" {
		t.Errorf("said %v", said)
	}
}
