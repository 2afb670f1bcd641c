package saga

import (
	"slices"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/eventstore"
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
}

func (t *turn) clearTimer(r *ItemRun) {
	r.Timer, r.Due, r.Waiting = 0, time.Time{}, false
}

func (t *turn) setDeadline() {
	t.in.Tokens++
	t.in.DeadlineTimer, t.in.Deadline = t.in.Tokens, t.now.Add(t.def.deadline()).Truncate(time.Microsecond)
}

func (t *turn) clearDeadline() { t.in.DeadlineTimer = 0 }

// NextTimer returns the timer that goes off first, and when: the deadline's or an item's. The time is zero when no timer
// is set, which is so while the saga waits for an operator, and at its end.
func (in *Instance) NextTimer() (next TimedOut, due time.Time) {
	consider := func(token int64, at time.Time) bool {
		if token == 0 || !due.IsZero() && (at.After(due) || at.Equal(due) && token > next.Token) {
			return false
		}
		next.Token, due = token, at
		return true
	}
	if consider(in.DeadlineTimer, in.Deadline) {
		next.Name = DeadlineName
	}
	for _, r := range in.Items {
		if consider(r.Timer, r.Due) {
			next.Name = "item:" + r.Step + "/" + r.Item
		}
	}
	if next.Token != 0 {
		next.ID = in.ID + "/" + strconv.FormatInt(next.Token, 10)
	}
	return next, due
}

// wakeUp is the id of the one timeout that is stored for a saga.
func wakeUp(saga string) string { return saga + "/" + WakeUpName }

// arm keeps one timeout stored for a saga, due no later than the first of its timers. It is not put off when that timer
// is cleared or moved: nearly every command is answered in time, and a timeout that goes off early and is set anew costs
// less than two writes for each command.
func arm(c *eventstore.Commit, in *Instance) {
	_, due := in.NextTimer()
	if !due.IsZero() && !in.Wake.IsZero() && !due.Before(in.Wake) {
		return
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
