package saga_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

// The toy saga: ask, then two links at once, then a house made of two rooms, then paint.
const (
	toyKey = "toy-1"
	toyID  = "op-1"
)

func toy() *saga.Definition {
	return &saga.Definition{
		Type: "toy", Version: 1, Rollbackable: saga.Always, Deadline: 30 * time.Minute,
		Stages: []saga.Stage{
			{ID: "ask", Steps: []saga.Step{{ID: "ask", Topic: "toy", Do: "toy.ask", Rejects: true, Timeout: time.Minute}}},
			{ID: "links", Steps: []saga.Step{
				{ID: "left", Topic: "toy", Do: "toy.make", UndoAs: "toy.unmake", Timeout: time.Minute},
				{ID: "right", Topic: "toy", Do: "toy.make", UndoAs: "toy.unmake", Timeout: time.Minute},
			}},
			{ID: "house", Steps: []saga.Step{{
				ID: "room", Topic: "toy", Do: "toy.make", UndoAs: "toy.unmake", Timeout: time.Minute,
				Retry: saga.Retry{Attempts: 3},
				Items: func(*saga.Instance) ([]saga.Item, error) {
					return []saga.Item{{ID: "r1", Data: json.RawMessage(`{"room":1}`)}, {ID: "r2", Data: json.RawMessage(`{"room":2}`)}}, nil
				},
				UndoData: func(_ *saga.Instance, data, result json.RawMessage) (json.RawMessage, error) {
					return json.Marshal(map[string]json.RawMessage{"made": data, "as": result})
				},
			}}},
			{ID: "paint", Steps: []saga.Step{{ID: "paint", Topic: "toy", Do: "toy.paint", Timeout: time.Minute}}},
		},
	}
}

// play drives the engine by hand and checks what must hold after every input.
type play struct {
	t interface {
		Helper()
		Fatalf(string, ...any)
		Errorf(string, ...any)
	}
	def   *saga.Definition
	in    *saga.Instance // as a store would give it back: encoded and decoded after each turn
	live  *saga.Instance // as a program remembers it: of the same turns
	now   time.Time
	turns int
	sent  []message.Message
	asked []message.Message // commands sent once more, so that the participant says how it is with them
	notes []saga.Note
	rows  map[string]eventstore.StepRow
	clean []saga.Cleanup
	ids   map[string]message.Message      // every command sent
	each  func(saga.Input, *saga.Effects) // looks at every turn, when set
}

func begin(t interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}, def *saga.Definition, policy saga.Policy, watch ...func(*play) func(saga.Input, *saga.Effects),
) *play {
	t.Helper()
	p := &play{
		t: t, def: def, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		rows: map[string]eventstore.StepRow{}, ids: map[string]message.Message{},
		in: &saga.Instance{
			Form: 1, ID: toyID, Type: def.Type, DefVersion: def.Version, Key: toyKey, CorrelationID: toyID, Policy: policy,
			Data: json.RawMessage(`{"toy":true}`),
		},
	}
	for _, look := range watch {
		p.each = look(p)
	}
	p.input(saga.Begin{Cause: "request-1"})
	return p
}

func (p *play) input(i saga.Input) error {
	p.t.Helper()
	next, fx, err := p.advance(p.in, i)
	if p.live == nil {
		p.live = p.in
	}
	live, sameFx, sameErr := p.advance(p.live, i)
	if fmt.Sprint(err) != fmt.Sprint(sameErr) {
		p.t.Fatalf("remembered, the saga says %v; read, %v", sameErr, err)
	}
	if err != nil {
		return err
	}
	p.live = live
	if a, b := encoded(next, fx), encoded(live, sameFx); a != b {
		p.t.Fatalf("read, the saga goes one way, and remembered another:\n%s\n%s", a, b)
	}
	for _, m := range fx.Send {
		if _, again := p.ids[m.ID]; !again {
			p.ids[m.ID] = m
			p.sent = append(p.sent, m)
			continue
		}
		if d := cmp.Diff(p.ids[m.ID], m); d != "" {
			p.t.Errorf("command %s was sent before, and not so (-first +again):\n%s", m.ID, d)
		}
		p.asked = append(p.asked, m)
	}
	p.notes = append(p.notes, fx.Notes...)
	p.clean = append(p.clean, fx.Cleanups...)
	for _, r := range fx.Steps {
		p.rows[r.CommandID] = r
	}
	p.turns++
	if p.in, err = saga.Stored(next, p.turns%2 == 0); err != nil { // every turn survives the store
		p.t.Fatalf("store: %v", err)
	}
	if a, b := encoded(next, nil), encoded(p.in, nil); a != b {
		p.t.Fatalf("stored, the saga is another: %s\nis read as %s", a, b)
	}
	for _, r := range p.in.Attempts(slices.Collect(maps.Values(p.rows))) {
		p.rows[r.CommandID] = r
	}
	p.check()
	if p.each != nil {
		p.each(i, fx)
	}
	return nil
}

// advance gives the saga an input, which must not change what is there.
func (p *play) advance(in *saga.Instance, i saga.Input) (*saga.Instance, *saga.Effects, error) {
	p.t.Helper()
	before, _ := json.Marshal(in)
	next, fx, err := saga.Advance(p.def, in, i, p.now)
	if after, _ := json.Marshal(in); string(before) != string(after) {
		p.t.Fatalf("Advance changed the instance it was given:\n%s\n%s", before, after)
	}
	return next, fx, err
}

func encoded(in *saga.Instance, fx *saga.Effects) string {
	a, _ := json.Marshal(in)
	b, _ := json.Marshal(fx)
	return string(a) + string(b)
}

// check is what holds after every input: something will move a saga that is neither final nor waiting for an operator.
func (p *play) check() {
	p.t.Helper()
	next, due := p.in.NextTimer()
	switch p.in.State {
	case saga.Running, saga.Settling, saga.Compensating:
		if due.IsZero() {
			p.t.Fatalf("%s and no timer is set: nothing would ever move it", p.in.State)
		}
	default:
		if !due.IsZero() {
			p.t.Fatalf("%s with a timer left: %v", p.in.State, next)
		}
	}
}

// take removes the oldest command sent to a step and item from what was sent.
func (p *play) take(step, item, direction string) message.Message {
	p.t.Helper()
	for i, m := range p.sent {
		r := p.rows[m.ID]
		if r.Step == step && r.Item == item && r.Direction == direction {
			p.sent = append(p.sent[:i:i], p.sent[i+1:]...)
			return m
		}
	}
	p.t.Fatalf("no %s command to %s %s was sent", direction, step, item)
	return message.Message{}
}

func (p *play) none(what string) {
	p.t.Helper()
	if len(p.sent) > 0 {
		p.t.Fatalf("%s: %d commands were sent, the first is %s", what, len(p.sent), p.sent[0].Type)
	}
}

func (p *play) reply(m message.Message, r message.Reply) {
	p.t.Helper()
	if err := p.input(saga.ReplyReceived{Message: message.NewReply(m, "/toy", p.now, r), Reply: r}); err != nil {
		p.t.Fatalf("reply: %v", err)
	}
}

func (p *play) ok(step, item string) {
	p.t.Helper()
	p.reply(p.take(step, item, "do"), message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`"` + step + item + `"`)})
}

func (p *play) undone(step, item string) {
	p.t.Helper()
	p.reply(p.take(step, item, "undo"), message.Reply{Outcome: message.Succeeded})
}

func failed(c message.Class) message.Reply {
	return message.Reply{Outcome: message.Failed, Class: c, Reason: "it is " + string(c)}
}

// fire lets the earliest timer go off. Where the participant is only asked, it stays silent, and the timer goes off again.
func (p *play) fire() saga.TimedOut {
	p.t.Helper()
	for {
		asked := len(p.asked)
		next := p.fireOnce()
		if len(p.asked) == asked {
			return next
		}
	}
}

// fireOnce lets the earliest timer go off.
func (p *play) fireOnce() saga.TimedOut {
	p.t.Helper()
	next, due := p.in.NextTimer()
	if due.IsZero() {
		p.t.Fatalf("no timer is set")
		return next
	}
	if due.After(p.now) {
		p.now = due
	}
	if err := p.input(next); err != nil {
		p.t.Fatalf("timeout: %v", err)
	}
	return next
}

func (p *play) do(a saga.Action) {
	p.t.Helper()
	if err := p.input(a); err != nil {
		p.t.Fatalf("%s: %v", a.Kind, err)
	}
}

func (p *play) state(want saga.State) {
	p.t.Helper()
	if p.in.State != want {
		p.t.Fatalf("the saga is %s, want %s", p.in.State, want)
	}
}

func (p *play) item(step, item string) *saga.ItemRun {
	for _, r := range p.in.Items {
		if r.Step == step && r.Item == item {
			return r
		}
	}
	p.t.Fatalf("no item %s %s", step, item)
	return nil
}

func (p *play) noted(k saga.NoteKind) bool {
	for _, n := range p.notes {
		if n.Kind == k {
			return true
		}
	}
	return false
}

var errPlan = errors.New("no plan")
