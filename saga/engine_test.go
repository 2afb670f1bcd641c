package saga_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

func TestStages_run_in_order_and_their_items_at_once(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.none2(t, 2)
	p.ok("right", "")
	p.none2(t, 1)
	p.ok("left", "")
	p.none2(t, 2)
	p.ok("room", "r2")
	p.ok("room", "r1")
	p.state(saga.Running)
	p.ok("paint", "")
	p.state(saga.Completed)
	if got := p.in.Result("room", "r2"); string(got) != `"roomr2"` {
		t.Fatalf("result of room r2: %s", got)
	}
}

func (p *play) none2(t *testing.T, n int) {
	t.Helper()
	if len(p.sent) != n {
		t.Fatalf("%d commands are out, want %d", len(p.sent), n)
	}
}

// Command ids are made of saga, step, item, direction and attempt and nothing else.
// Seen failing with the attempt left out of CommandID (the second attempt reuses the id).
func TestCommandIDs_derive_from_saga_step_item_direction_attempt(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	first := p.take("ask", "", "do")
	if first.ID != saga.CommandID(toyID, "ask", "", "do", 1) {
		t.Fatalf("first attempt has id %s", first.ID)
	}
	p.reply(first, failed(message.Transient))
	p.fire()
	if second := p.take("ask", "", "do"); second.ID != saga.CommandID(toyID, "ask", "", "do", 2) {
		t.Fatalf("second attempt has id %s", second.ID)
	}
	if first.CorrelationID != toyID || first.CausationID != "request-1" || first.ReplyTo != message.TopicReplies || first.Key != toyKey {
		t.Fatalf("envelope: %+v", first)
	}
}

// design §4: "no reply at all | persistent timeout → retry with backoff if the step allows; a step that timed out is
// maybe done, not undone". Seen failing with UNKNOWN left out of needsUndo(): nothing is undone at the end.
func TestNoReply_times_out_is_retried_and_counts_as_maybe_done(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.ok("room", "r1")
	for attempt := 1; attempt <= 3; attempt++ {
		if m := p.take("room", "r2", "do"); m.ID != saga.CommandID(toyID, "room", "r2", "do", attempt) {
			t.Fatalf("attempt %d has id %s", attempt, m.ID)
		}
		p.fire() // no reply
		if attempt < 3 {
			if r := p.item("room", "r2"); r.State != saga.ItemUnknown || !r.Waiting {
				t.Fatalf("after a timeout: %+v", r)
			}
			p.none("before the backoff is over")
			p.fire() // the retry
		}
	}
	p.state(saga.Compensating)
	p.undone("room", "r2")
	p.undone("room", "r1")
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
	if p.in.Cause == nil || p.in.Cause.Class != message.UnknownOutcome || p.in.Cause.Item != "r2" {
		t.Fatalf("cause: %+v", p.in.Cause)
	}
}

func TestRetry_waits_longer_each_time_and_the_same_when_replayed(t *testing.T) {
	waits := func() (out []time.Duration) {
		p := begin(t, toy(), saga.Rollback)
		for range 4 {
			p.reply(p.take("ask", "", "do"), failed(message.Unavailable))
			out = append(out, p.item("ask", "").Due.Sub(p.now))
			p.fire()
		}
		return out
	}
	a, b := waits(), waits()
	for i, d := range a {
		limit := time.Second << i
		if d != b[i] || d > limit || d < limit*3/4 {
			t.Fatalf("wait %d: %s and %s, want the same, at most %s", i, d, b[i], limit)
		}
	}
}

func TestRetry_only_for_the_classes_the_step_names(t *testing.T) {
	def := toy()
	def.Stages[1].Steps[0].Retry = saga.Retry{Attempts: 3, Classes: []message.Class{message.Quota}}
	for class, retried := range map[message.Class]bool{message.Quota: true, message.Transient: false, message.Permanent: false} {
		p := begin(t, def, saga.Hold)
		p.ok("ask", "")
		p.reply(p.take("left", "", "do"), failed(class))
		if got := p.in.State == saga.Running; got != retried {
			t.Errorf("%s: retried %v, want %v", class, got, retried)
		}
	}
}

// design §4: "a step fails for good | send no more; settle every outstanding sibling (reply, cancel or timeout →
// unknown)". Seen failing with settle() not waiting for SENT items: the undo of right is sent while it is out.
func TestFailure_for_good_settles_outstanding_siblings_first(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	right := p.take("right", "", "do")
	p.reply(p.take("left", "", "do"), failed(message.Permanent))
	p.state(saga.Settling)
	p.none("while a sibling is out")
	t.Run("by its reply", func(t *testing.T) {
		p := *p
		p.reply(right, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`1`)})
		p.state(saga.Compensating)
		p.undone("right", "")
		p.state(saga.Compensated) // left failed: nothing stands
	})
}

func TestFailure_for_good_settles_a_silent_sibling_by_its_timeout(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.take("right", "", "do")
	p.reply(p.take("left", "", "do"), failed(message.Permanent))
	p.fire()
	p.state(saga.Compensating)
	if r := p.item("right", ""); r.State != saga.ItemUndoing {
		t.Fatalf("the unknown sibling is %s, want to be undone", r.State)
	}
}

// design §4: "a step fails for good | send no more": a retry that waits is dropped.
// Seen failing with stop() leaving waiting items alone.
func TestFailure_for_good_drops_waiting_retries(t *testing.T) {
	p := begin(t, toy(), saga.Hold)
	p.ok("ask", "")
	p.reply(p.take("right", "", "do"), failed(message.Transient))
	p.reply(p.take("left", "", "do"), failed(message.Permanent))
	p.state(saga.Held)
	if r := p.item("right", ""); r.State != saga.ItemFailed || r.Waiting {
		t.Fatalf("the sibling that waited is %s", r.State)
	}
	p.none("after the failure")
}

// design §4: "policy rollback | every step ever sent, completed or unknown, is undone, stage by stage in reverse,
// using the results stored in the saga". Seen failing with the stage loop of backward() running upwards.
func TestPolicy_rollback_undoes_stage_by_stage_in_reverse_with_results(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.ok("room", "r1")
	p.ok("room", "r2")
	p.reply(p.take("paint", "", "do"), failed(message.Permanent))
	p.state(saga.Compensating)
	p.none2(t, 2) // both rooms at once, no link yet
	undo := p.take("room", "r1", "undo")
	if want := `{"as":"roomr1","made":{"room":1}}`; string(undo.Data) != want {
		t.Fatalf("undo data %s, want %s", undo.Data, want)
	}
	p.reply(undo, message.Reply{Outcome: message.Succeeded})
	p.none2(t, 1)
	p.undone("room", "r2")
	p.none2(t, 2)
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
	if p.item("ask", "").State != saga.ItemUndone {
		t.Fatal("a step without a compensation counts as undone")
	}
}

// design §4: "policy hold | waits in FAILED_TEMP for retry, rollback or fail".
func TestPolicy_hold_waits_for_an_operator(t *testing.T) {
	p := held(t)
	p.state(saga.Held)
	p.none("while held")
	t.Run("retry sends what failed with the next attempt number and a fresh budget", func(t *testing.T) {
		p := held(t)
		p.do(saga.Action{Kind: saga.Retrying})
		p.state(saga.Running)
		m := p.take("paint", "", "do")
		if m.ID != saga.CommandID(toyID, "paint", "", "do", 2) {
			t.Fatalf("retry sent %s", m.ID)
		}
		if r := p.item("paint", ""); r.Budget != 6 || r.Generation != 1 {
			t.Fatalf("budget %d generation %d, want 6 and 1 (nothing was released)", r.Budget, r.Generation)
		}
		p.reply(m, message.Reply{Outcome: message.Succeeded})
		p.state(saga.Completed)
	})
	t.Run("rollback", func(t *testing.T) {
		p := held(t)
		p.do(saga.Action{Kind: saga.RollBack})
		p.state(saga.Compensating)
	})
	t.Run("fail", func(t *testing.T) {
		p := held(t)
		p.do(saga.Action{Kind: saga.Fail})
		p.state(saga.Abandoned)
		if n := len(p.in.Standing()); n != 5 { // ask, two links, two rooms
			t.Fatalf("%d items stand, want 5", n)
		}
	})
}

// A saga that no operator decides about ends when it fails. Seen failing with the policy taken for hold.
func TestPolicy_give_up_ends(t *testing.T) {
	p := begin(t, toy(), saga.GiveUp)
	p.ok("ask", "")
	p.ok("left", "")
	p.reply(p.take("right", "", "do"), failed(message.Permanent))
	p.state(saga.Abandoned)
	p.none("after the end")
}

func held(t *testing.T) *play {
	t.Helper()
	p := begin(t, toy(), saga.Hold)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.ok("room", "r1")
	p.ok("room", "r2")
	p.reply(p.take("paint", "", "do"), failed(message.Permanent))
	return p
}

// design §4: "TERMINATE and SCALE in never roll back (404)".
func TestRollback_of_a_definition_without_one_is_not_found(t *testing.T) {
	def := toy()
	def.Rollbackable = nil
	p := begin(t, def, saga.Rollback)
	p.ok("ask", "")
	p.ok("right", "")
	p.reply(p.take("left", "", "do"), failed(message.Permanent))
	p.state(saga.Held) // whatever the policy says
	err := p.input(saga.Action{Kind: saga.RollBack})
	if vnfm.KindOf(err) != vnfm.NotFound {
		t.Fatalf("rollback: %v", err)
	}
}

// design §3.3: a refused grant ends ROLLED_BACK with no other command, whatever the policy.
// Seen failing with the !begunForReal case of settle() removed.
func TestRejects_a_refusal_ends_compensated_whatever_the_policy(t *testing.T) {
	for name, end := range map[string]func(p *play){
		"refused": func(p *play) { p.reply(p.take("ask", "", "do"), failed(message.Permanent)) },
		"timeout": func(p *play) {
			for p.in.State == saga.Running {
				p.fire()
			}
		},
		"graceful cancel": func(p *play) {
			p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Graceful})
			p.ok("ask", "")
		},
		"forceful cancel": func(p *play) { p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Forceful}) },
	} {
		p := begin(t, toy(), saga.Hold)
		end(p)
		if p.in.State != saga.Compensated || p.in.Cause == nil {
			t.Errorf("%s: %s, cause %+v", name, p.in.State, p.in.Cause)
		}
	}
}

func TestOptional_step_that_fails_is_skipped_with_a_warning(t *testing.T) {
	def := toy()
	def.Stages[3].Steps[0].Optional = true
	p := begin(t, def, saga.Rollback)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.ok("room", "r1")
	p.ok("room", "r2")
	p.reply(p.take("paint", "", "do"), failed(message.Permanent))
	p.state(saga.Completed)
	if !p.noted(saga.NoteItemSkipped) {
		t.Fatal("no note of the skipped item")
	}
}

func TestPlan_that_cannot_be_made_sends_nothing_of_its_stage(t *testing.T) {
	broken := true
	def := toy()
	def.Stages[1].Steps[1].Items = func(*saga.Instance) ([]saga.Item, error) {
		if broken {
			return nil, errPlan
		}
		return []saga.Item{{ID: "x"}}, nil
	}
	def.Stages[0].Steps[0].Rejects = false
	p := begin(t, def, saga.Hold)
	p.ok("ask", "")
	p.state(saga.Held)
	p.none("of a stage that cannot be planned")
	broken = false
	p.do(saga.Action{Kind: saga.Retrying})
	p.ok("right", "x")
	p.ok("left", "")
	p.none2(t, 2)
}

// design §4: "the whole operation takes too long | a deadline is a timeout row → FAILED_TEMP".
// Seen failing with the deadline's token not compared in timeout().
func TestDeadline_is_a_failure_with_a_cause(t *testing.T) {
	def := toy()
	def.Deadline = 90 * time.Second
	def.Stages[1].Steps[0].Timeout = time.Hour
	p := begin(t, def, saga.Hold)
	p.ok("ask", "")
	left := p.take("left", "", "do")
	p.ok("right", "")
	if tm := p.fire(); tm.Name != saga.DeadlineName {
		t.Fatalf("%s fired first", tm.Name)
	}
	p.state(saga.Settling)
	p.reply(left, message.Reply{Outcome: message.Succeeded})
	p.state(saga.Held)
	if p.in.Cause == nil || p.in.Cause.Reason != "not finished within 1m30s" {
		t.Fatalf("cause %+v", p.in.Cause)
	}
	p.do(saga.Action{Kind: saga.Retrying})
	p.state(saga.Running)
	if !p.in.Deadline.Equal(p.now.Add(90 * time.Second)) {
		t.Fatal("a retry gets a deadline of its own")
	}
}

func TestDataFor_lets_a_command_carry_its_generation(t *testing.T) {
	def := toy()
	def.Stages[0].Steps[0].DataFor = func(_ *saga.Instance, r *saga.ItemRun) (json.RawMessage, error) {
		return json.Marshal(map[string]int{"generation": r.Generation})
	}
	p := begin(t, def, saga.Rollback)
	if m := p.take("ask", "", "do"); string(m.Data) != `{"generation":1}` {
		t.Fatalf("data %s", m.Data)
	}
}

func TestDefinitions_are_checked(t *testing.T) {
	for name, breakIt := range map[string]func(*saga.Definition){
		"no type":          func(d *saga.Definition) { d.Type = "" },
		"version 0":        func(d *saga.Definition) { d.Version = 0 },
		"step id twice":    func(d *saga.Definition) { d.Stages[1].Steps[1].ID = "left" },
		"no topic":         func(d *saga.Definition) { d.Stages[0].Steps[0].Topic = "" },
		"stage without id": func(d *saga.Definition) { d.Stages[0].ID = "" },
	} {
		d := toy()
		breakIt(d)
		if d.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := toy().Validate(); err != nil {
		t.Error(err)
	}
}
