package saga

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// TimeoutOwner is the owner of the engine's timeouts.
const TimeoutOwner = "saga"

// WakeUpName is the name of the one timeout that is stored for a saga; its id is "<saga id>/<name>".
const WakeUpName = "wake-up"

// DeadlineName is the name of a saga's deadline among its timers.
const DeadlineName = "deadline"

// setTimer sets an item's timer. Times are those a store can keep, so that a timer is due when its timeout is.
func (t *turn) setTimer(r *ItemRun, due time.Time, waiting bool) {
	t.in.Tokens++
	r.Timer, r.Due, r.Waiting = t.in.Tokens, due.Truncate(time.Microsecond), waiting
	t.in.sooner = t.in.sooner || r.Due.Before(t.in.Wake)
}

func (t *turn) clearTimer(r *ItemRun) {
	r.Timer, r.Due, r.Waiting, r.Asked = 0, time.Time{}, false, false
}

func (t *turn) setDeadline() {
	t.in.Tokens++
	t.in.DeadlineTimer, t.in.Deadline = t.in.Tokens, t.now.Add(t.def.deadline(t.in)).Truncate(time.Microsecond)
	t.in.sooner = t.in.sooner || t.in.Deadline.Before(t.in.Wake)
}

func (t *turn) clearDeadline() { t.in.DeadlineTimer = 0 }

// timeout handles a due timeout; one that was replaced or cancelled is known by its token.
func (t *turn) timeout(i TimedOut) {
	if i.Token == 0 {
		return
	}
	if i.Token == t.in.DeadlineTimer {
		t.fx.Changed = true
		t.in.DeadlineTimer = 0
		if t.in.State == Running {
			t.fail(&Failure{Class: message.UnknownOutcome, Reason: fmt.Sprintf("not finished within %s", t.def.deadline(t.in))})
		}
		return
	}
	place := t.in.place(i.Step, i.Item)
	if place < 0 || t.in.Items[place].Timer != i.Token {
		return
	}
	t.fx.Changed = true
	r := t.edit(place)
	r.Timer = 0
	if !r.Waiting {
		if !t.ask(r) {
			t.noReply(r)
		}
		return
	}
	r.Waiting = false
	if r.State == ItemUndoing {
		t.sendUndo(r)
	} else {
		t.send(r)
	}
}

// noReply handles the silence of a participant: the attempt's effect may or may not stand.
func (t *turn) noReply(r *ItemRun) {
	s := t.c.step(r)
	f := &Failure{Step: r.Step, Item: r.Item, Class: message.UnknownOutcome,
		Reason: fmt.Sprintf("no reply within %s", s.timeout(t.in))}
	if snd := r.open(r.Command); snd != nil {
		t.outcome(r, *snd, RowUnknown, f)
	}
	switch r.State {
	case ItemSent:
		t.attemptFailed(r, f, true)
	case ItemUndoing:
		t.undoFailed(r, f)
	default:
	}
}

// NextTimer returns the timer that goes off first, and when: the deadline's or an item's. The time is zero when no timer
// is set, which is so while the saga waits for an operator, and at its end.
func (in *Instance) NextTimer() (next TimedOut, due time.Time) {
	first, due := timer{}, time.Time{}
	for _, t := range in.timers() {
		if due.IsZero() || t.before(first) < 0 {
			first, due = t, t.due
		}
	}
	if due.IsZero() {
		return next, due
	}
	return in.timedOut(first), due
}

// timer is a timer of a saga: of its deadline, or of an item.
type timer struct {
	token int64
	due   time.Time
	run   *ItemRun // nil: the deadline
}

func (t timer) before(o timer) int {
	return cmp.Or(t.due.Compare(o.due), cmp.Compare(t.token, o.token))
}

func (in *Instance) timers() []timer {
	var all []timer
	if in.DeadlineTimer != 0 {
		all = append(all, timer{in.DeadlineTimer, in.Deadline, nil})
	}
	for _, r := range in.Items {
		if r.Timer != 0 {
			all = append(all, timer{r.Timer, r.Due, r})
		}
	}
	return all
}

// due returns the timers that are due, in order.
func (in *Instance) due(now time.Time) []TimedOut {
	all := slices.DeleteFunc(in.timers(), func(t timer) bool { return t.due.After(now) })
	slices.SortFunc(all, timer.before)
	out := make([]TimedOut, len(all))
	for i, t := range all {
		out[i] = in.timedOut(t)
	}
	return out
}

func (in *Instance) timedOut(t timer) TimedOut {
	out := TimedOut{ID: in.ID + "/" + strconv.FormatInt(t.token, 10), Name: DeadlineName, Token: t.token}
	if t.run != nil {
		out.Name, out.Step, out.Item = "item:"+t.run.Step+"/"+t.run.Item, t.run.Step, t.run.Item
	}
	return out
}

// wakeUp is the id of the one timeout that is stored for a saga.
func wakeUp(saga string) string { return saga + "/" + WakeUpName }

// arm keeps one timeout stored for a saga, due no later than the first of its timers. It is not put off when that timer
// is cleared or moved: nearly every command is answered in time, and a timeout that goes off early and is set anew costs
// less than two writes for each command.
func arm(c *eventstore.Commit, in *Instance) {
	waits := in.DeadlineTimer != 0 || in.tally == nil || in.tally.timers > 0
	if waits && !in.Wake.IsZero() && !in.sooner {
		return
	}
	in.sooner = false
	var due time.Time
	if waits {
		_, due = in.NextTimer()
	}
	id := wakeUp(in.ID)
	c.Timeouts = slices.DeleteFunc(c.Timeouts, func(t eventstore.Timeout) bool { return t.ID == id })
	if !due.IsZero() {
		in.Tokens++
		c.Timeouts = append(c.Timeouts, eventstore.Timeout{
			ID: id, Owner: TimeoutOwner, Key: in.Key, Name: WakeUpName, Token: in.Tokens, Due: due,
		})
	} else if !in.Wake.IsZero() {
		c.Cancelled = append(c.Cancelled, id)
	}
	in.Wake = due
}
