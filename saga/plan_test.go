package saga_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

// errand is the data of sagas whose stages come out of it: what is made, stage by stage.
type errand struct {
	Bad    string  `json:",omitempty"` // why there are no stages
	Stages []chore `json:",omitempty"`
}

// chore is a stage: what its one step is called, and its items.
type chore struct {
	Step, Bad string `json:",omitempty"`
	Window    int    `json:",omitempty"`
	Items     []saga.Item
}

// errands is the definition. made counts how often stages were made.
func errands(made *int) *saga.Definition {
	return &saga.Definition{
		Type: "errands", Version: 1, Rollbackable: saga.Always,
		StagesOf: func(in *saga.Instance) ([]saga.Stage, error) {
			*made++
			e, err := saga.Data[errand](in)
			if err != nil {
				return nil, err
			}
			if e.Bad != "" {
				return nil, errors.New(e.Bad)
			}
			var stages []saga.Stage
			for i, c := range e.Stages {
				stages = append(stages, saga.Stage{ID: fmt.Sprint("stage", i), Window: c.Window, Steps: []saga.Step{{
					ID: c.Step, Topic: "toy", Do: "toy.make", UndoAs: "toy.unmake", Timeout: time.Duration(i+1) * time.Minute, Retry: saga.Retry{Attempts: 2},
					Items: func(*saga.Instance) ([]saga.Item, error) {
						if c.Bad != "" {
							return nil, errors.New(c.Bad)
						}
						return c.Items, nil
					},
					DataFor: func(_ *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
						return fmt.Appendf(nil, `"%s %d"`, run.Item, run.Generation), nil
					},
					UndoFor: func(_ *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
						return json.Marshal(fmt.Sprintf("%s %d undo %d %s", run.Item, run.Generation, run.Undo, run.Result))
					},
				}}})
			}
			return stages, nil
		},
	}
}

func items(ids ...string) []saga.Item {
	out := make([]saga.Item, len(ids))
	for i, id := range ids {
		out[i].Group, out[i].ID, _ = strings.Cut(id, ":")
	}
	return out
}

func runErrand(t *testing.T, e errand) *play {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return begin(t, errands(new(int)), saga.Rollback, func(p *play) func(saga.Input, *saga.Effects) {
		p.in.Data = data
		return nil
	})
}

// out lists the items whose commands were sent and not answered, in order.
func (p *play) out() string {
	var ids []string
	for _, m := range p.sent {
		ids = append(ids, p.rows[m.ID].Item)
	}
	return strings.Join(ids, " ")
}

func (p *play) outIs(want string) {
	p.t.Helper()
	if got := p.out(); got != want {
		p.t.Fatalf("under way: %q, want %q", got, want)
	}
}

// ADR 16: the stages come out of the data, and a step may stand in several of them.
// Seen failing with steps looked up by their id alone (the second stage has the first one's timeout).
func TestStages_come_out_of_the_data(t *testing.T) {
	p := runErrand(t, errand{Stages: []chore{
		{Step: "make", Items: items("v:a", "v:b")}, {Step: "make", Items: items("v:c")}, {Step: "other", Items: items("v:a")},
	}})
	p.outIs("a b")
	p.ok("make", "a")
	p.ok("make", "b")
	p.outIs("c")
	if _, due := p.in.NextTimer(); due.Sub(p.now) != time.Minute { // half of the second stage's timeout
		t.Fatalf("the participant is asked after %s", due.Sub(p.now))
	}
	p.ok("make", "c")
	p.reply(p.take("other", "a", "do"), failed(message.Permanent))
	p.state(saga.Compensating)
	p.outIs("c")
	p.undone("make", "c")
	p.outIs("a b")
	if d := string(p.sent[0].Data); d != `"a 1 undo 1 \"makea\""` {
		t.Fatalf("undo data: %s", d)
	}
}

// Seen failing with StagesOf called in every turn.
func TestStages_are_made_once_for_what_a_program_remembers(t *testing.T) {
	made := 0
	def := errands(&made)
	in := &saga.Instance{ID: toyID, Type: def.Type, DefVersion: 1, Key: toyKey, Data: json.RawMessage(`{"Stages":[{"Step":"make","Items":[{"ID":"a"},{"ID":"b"}]}]}`)}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	next, fx, err := saga.Advance(def, in, saga.Begin{}, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fx.Send {
		r := message.Reply{Outcome: message.Succeeded}
		if next, _, err = saga.Advance(def, next, saga.ReplyReceived{Message: message.NewReply(m, "/toy", now, r), Reply: r}, now); err != nil {
			t.Fatal(err)
		}
	}
	if next.State != saga.Completed || made != 1 {
		t.Fatalf("%s, and its stages were made %d times", next.State, made)
	}
}

// Stages that cannot be made are a failure for good of the saga that begins; of one that has begun they are an error.
// Seen failing with the saga left RUNNING.
func TestStages_that_cannot_be_made_fail_the_saga(t *testing.T) {
	p := runErrand(t, errand{Bad: "no way"})
	p.state(saga.Compensated)
	if c := p.in.Cause; c == nil || c.Reason != "no way" || c.Class != message.Permanent {
		t.Fatalf("cause: %+v", c)
	}
	p.none("a saga without stages")
	for name, bad := range map[string]chore{
		"a step without an id":      {Items: items("v:a")},
		"an item planned twice":     {Step: "make", Items: items("v:a", "w:a")},
		"items that cannot be told": {Step: "make", Bad: "no items"},
	} {
		t.Run(name, func(t *testing.T) {
			p := runErrand(t, errand{Stages: []chore{bad}})
			p.state(saga.Compensated)
			p.none("a saga whose plan is bad")
		})
	}
	p = runErrand(t, errand{Stages: []chore{{Step: "make", Items: items("v:a")}}})
	p.in.Data, p.live = json.RawMessage(`{"Bad":"another program"}`), nil
	if err := p.input(saga.Action{Kind: saga.Cancel, Mode: saga.Forceful}); vnfm.KindOf(err) != vnfm.Internal {
		t.Fatalf("got %v", err)
	}
}

// (step, item) is unique in a saga: an item planned again in a later stage fails its step for good, and what was done is undone.
// Seen failing with the later item taken for the earlier one.
func TestItem_planned_again_in_a_later_stage_fails_for_good(t *testing.T) {
	p := runErrand(t, errand{Stages: []chore{{Step: "make", Items: items("v:a")}, {Step: "make", Items: items("v:b", "v:a")}}})
	p.ok("make", "a")
	p.state(saga.Compensating)
	p.undone("make", "a")
	p.state(saga.Compensated)
	if c := p.in.Cause; c == nil || !strings.Contains(c.Reason, `"a"`) {
		t.Fatalf("cause: %+v", c)
	}
}

// Issue 8 §3: no more commands of a group are under way at once than the stage's window says, on the way forward and back.
// Seen failing with the window counted over all groups, and with the undos all sent at once.
func TestWindow_bounds_the_commands_of_each_group(t *testing.T) {
	p := runErrand(t, errand{Stages: []chore{
		{Step: "make", Window: 2, Items: items("v:a", "v:b", "v:c", "w:x", "v:d")}, {Step: "last", Items: items("v:z")},
	}})
	p.outIs("a b x")
	p.ok("make", "x")
	p.outIs("a b")
	p.reply(p.take("make", "a", "do"), failed(message.Transient)) // waits, and keeps its place
	p.outIs("b")
	p.ok("make", "b")
	p.outIs("c")
	p.fire() // the retry
	p.outIs("c a")
	p.ok("make", "c")
	p.outIs("a d")
	p.ok("make", "a")
	p.ok("make", "d")
	p.reply(p.take("last", "z", "do"), failed(message.Permanent))
	p.state(saga.Compensating)
	p.outIs("a b x")
	p.reply(p.take("make", "a", "undo"), failed(message.Permanent)) // stuck: somebody has to see to it, others go on
	p.outIs("b x c")
	p.undone("make", "c")
	p.undone("make", "b")
	p.undone("make", "x")
	p.outIs("d")
	p.undone("make", "d")
	p.state(saga.Stuck)
	p.do(saga.Action{Kind: saga.RollBack})
	p.outIs("a")
	p.undone("make", "a")
	p.state(saga.Compensated)
}

// Seen failing with the failed item's place in the window not given up.
func TestWindow_goes_on_when_an_item_is_skipped(t *testing.T) {
	def := errands(new(int))
	stagesOf := def.StagesOf
	def.StagesOf = func(in *saga.Instance) ([]saga.Stage, error) {
		stages, err := stagesOf(in)
		for i := range stages {
			s := &stages[i].Steps[0]
			s.Optional = true
			dataFor := s.DataFor
			s.DataFor = func(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
				if run.Item == "b" || run.Item == "c" {
					return nil, errPlan
				}
				return dataFor(in, run)
			}
		}
		return stages, err
	}
	p := begin(t, def, saga.Rollback, func(p *play) func(saga.Input, *saga.Effects) {
		p.in.Data = json.RawMessage(`{"Stages":[{"Step":"make","Window":1,"Items":[{"ID":"a"},{"ID":"b"},{"ID":"c"},{"ID":"d"},{"ID":"e"}]}]}`)
		return nil
	})
	p.outIs("a")
	p.reply(p.take("make", "a", "do"), failed(message.Permanent))
	p.outIs("d")
	p.ok("make", "d")
	p.ok("make", "e")
	p.state(saga.Completed)
}

// Seen failing with the result of an undo dropped.
func TestUndo_result_is_kept(t *testing.T) {
	p := runErrand(t, errand{Stages: []chore{{Step: "make", Items: items("v:a")}, {Step: "last", Items: items("v:z")}}})
	p.ok("make", "a")
	p.reply(p.take("last", "z", "do"), failed(message.Permanent))
	undo := p.take("make", "a", "undo")
	p.notes = nil
	p.reply(undo, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`{"id":"again"}`)})
	type made struct{ ID string }
	got, err := saga.UndoResult[made](p.item("make", "a"))
	if err != nil || got.ID != "again" {
		t.Fatalf("%+v, %v", got, err)
	}
	if i := slices.IndexFunc(p.notes, func(n saga.Note) bool { return n.Kind == saga.NoteItemUndone }); i < 0 || string(p.notes[i].Result) != `{"id":"again"}` {
		t.Fatalf("notes: %+v", p.notes)
	}
	if row := p.rows[undo.ID]; len(row.Result) > 0 && string(row.Result) != `{"id":"again"}` {
		t.Fatalf("its row: %+v", row)
	}
}

// Seen failing with the item's generation taken for 1.
func TestGeneration_is_the_plans_and_is_raised_after_a_release(t *testing.T) {
	p := runErrand(t, errand{Stages: []chore{{Step: "make", Items: []saga.Item{{ID: "a", Generation: 3}, {ID: "b"}}}}})
	p.in.Policy, p.live = saga.Hold, nil
	first := p.take("make", "a", "do")
	if string(first.Data) != `"a 3"` {
		t.Fatalf("sent: %s", first.Data)
	}
	p.ok("make", "b")
	p.reply(first, failed(message.Permanent))
	p.state(saga.Held)
	p.reply(first, message.Reply{Outcome: message.Succeeded}) // it contradicts itself: what it made is released
	if len(p.clean) != 1 || string(p.clean[0].Data) != `"a 3"` {
		t.Fatalf("cleanups: %+v", p.clean)
	}
	p.do(saga.Action{Kind: saga.Retrying})
	if m := p.take("make", "a", "do"); string(m.Data) != `"a 4"` {
		t.Fatalf("sent: %s", m.Data)
	}
}

// A turn tells which items it changed: a host need not look at all of them.
// Seen failing with the items that were only planned left out.
func TestEffects_name_the_items_that_changed(t *testing.T) {
	var names []string
	p := begin(t, errands(new(int)), saga.Rollback, func(p *play) func(saga.Input, *saga.Effects) {
		p.in.Data = json.RawMessage(`{"Stages":[{"Step":"make","Window":1,"Items":[{"ID":"a"},{"ID":"b"},{"ID":"c"}]},{"Step":"last","Items":[{"ID":"z"}]}]}`)
		return func(_ saga.Input, fx *saga.Effects) {
			names = nil
			for _, r := range fx.Items {
				names = append(names, r.Item+"="+string(r.State))
			}
		}
	})
	for i, want := range []string{"a=SENT b=PENDING c=PENDING", "a=DONE b=SENT", "b=DONE c=SENT", "c=DONE z=SENT"} {
		if i > 0 {
			p.ok("make", string(rune('a'+i-1)))
		}
		if got := strings.Join(names, " "); got != want {
			t.Fatalf("turn %d: %s, want %s", i, got, want)
		}
	}
}

// A turn that is not written leaves nothing in what instances share: the next one from the same instance may plan otherwise.
// Seen failing with the index of items made to grow whoever has made it grow before.
func TestItem_of_a_turn_that_was_not_written_is_not_found(t *testing.T) {
	def := toy()
	next := []saga.Item{{ID: "a"}, {ID: "b"}}
	def.Stages[1] = saga.Stage{ID: "links", Steps: []saga.Step{{ID: "left", Topic: "toy", Do: "toy.make", Items: func(*saga.Instance) ([]saga.Item, error) {
		return next, nil
	}}}}
	p := begin(t, def, saga.Rollback)
	m := p.take("ask", "", "do")
	r := message.Reply{Outcome: message.Succeeded}
	reply := saga.ReplyReceived{Message: message.NewReply(m, "/toy", p.now, r), Reply: r}
	lost, _, err := saga.Advance(def, p.live, reply, p.now)
	if err != nil || lost.Item("left", "b") == nil {
		t.Fatal(lost, err)
	}
	next = []saga.Item{{ID: "c"}, {ID: "d"}}
	in, _, err := saga.Advance(def, p.live, reply, p.now)
	if err != nil {
		t.Fatal(err)
	}
	if c := in.Item("left", "c"); c == nil || c.Item != "c" || in.Item("left", "a") != nil || lost.Item("left", "c") != nil || p.live.Item("left", "a") != nil {
		t.Fatalf("c is %+v, a is %+v", c, in.Item("left", "a"))
	}
}

// The groups of a stage take their turns in the order of the plan, whether a program remembers the saga or reads it (play.input
// compares). Seen failing with a group of which the first item was skipped put behind the others by who reads the saga.
func TestWindow_takes_groups_in_the_order_of_the_plan(t *testing.T) {
	def := errands(new(int))
	stagesOf := def.StagesOf
	def.StagesOf = func(in *saga.Instance) ([]saga.Stage, error) {
		stages, err := stagesOf(in)
		if err == nil {
			stages[0].Steps[0].Optional, stages[0].Steps[0].Rejects = true, true
		}
		return stages, err
	}
	p := begin(t, def, saga.Rollback, func(p *play) func(saga.Input, *saga.Effects) {
		p.in.Data = json.RawMessage(`{"Stages":[{"Step":"make","Window":1,"Items":[{"ID":"a","Group":"v"},{"ID":"b","Group":"w"},{"ID":"c","Group":"v"}]},
			{"Step":"last","Items":[{"ID":"z"}]}]}`)
		return nil
	})
	p.reply(p.take("make", "a", "do"), failed(message.Permanent))
	p.ok("make", "b")
	p.ok("make", "c")
	p.reply(p.take("last", "z", "do"), failed(message.Permanent))
	p.outIs("c b")
}
