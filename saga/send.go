package saga

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Source is the source of the engine's commands.
const Source = "/vnfm/saga"

// CommandID returns the id of a command: equal for every sending of the same attempt, unlike any other.
func CommandID(saga, step, item, direction string, attempt int) string {
	return message.DeriveID(saga, step, item, direction, strconv.Itoa(attempt))
}

func (t *turn) commandID(r *ItemRun, direction string, attempt int) string {
	return CommandID(t.in.ID, r.Step, r.Item, direction, attempt)
}

// send sends the next attempt of an item's command, and reports whether it could be made.
func (t *turn) send(r *ItemRun) bool {
	s := t.c.step(r)
	if r.Released {
		r.Generation++
		r.Released = false
	}
	r.Attempt++
	data, err := s.data(t.in, r)
	if err != nil {
		r.Attempt-- // nothing was sent under this number
		f := &Failure{Step: r.Step, Item: r.Item, Class: message.Permanent, Reason: err.Error()}
		r.State, r.Cause = ItemFailed, f
		if r.mayStand() {
			r.State = ItemUnknown
		}
		t.itemFailed(r, s, f)
		return false
	}
	r.State = ItemSent
	r.EverSent = true
	t.dispatch(r, s, DirectionDo, r.Attempt, data)
	return true
}

// sendUndo sends the next attempt of an item's compensating command.
func (t *turn) sendUndo(r *ItemRun) {
	s := t.c.step(r)
	r.State = ItemUndoing
	t.in.Undone = true
	if r.UndoBudget == 0 {
		r.UndoBudget = t.def.undo().attempts()
	}
	r.Undo++
	data, err := s.undoData(t.in, r)
	if err != nil {
		r.Undo-- // nothing was sent under this number
		t.stuck(r, &Failure{Step: r.Step, Item: r.Item, Class: message.Permanent, Reason: err.Error()})
		return
	}
	t.dispatch(r, s, DirectionUndo, r.Undo, data)
}

// dispatch adds the command and begins to wait for its reply. Its step row is written with the outcome; until then what
// is known of it is among the item's open sendings (Attempts).
func (t *turn) dispatch(r *ItemRun, s *Step, direction string, attempt int, data json.RawMessage) {
	t.in.Seq++
	snd := Sending{
		Command: t.commandID(r, direction, attempt), Undo: direction == DirectionUndo, Attempt: attempt, Generation: r.Generation,
		Seq: t.in.Seq, Sent: t.now, Cause: t.cause,
	}
	r.Command = snd.Command
	r.Open = append(r.Open, snd)
	t.in.kept.add(snd.Command, sent{r.Step, r.Item, snd.Undo, attempt})
	t.fx.Send = append(t.fx.Send, t.command(s, &snd, data))
	t.listen(r, s)
}

// command is the message of a sending: the same each time it is sent.
func (t *turn) command(s *Step, snd *Sending, data json.RawMessage) message.Message {
	m := message.Message{
		ID: snd.Command, Type: s.Do, Source: Source, Topic: s.Topic, Key: t.in.Key, Time: snd.Sent,
		CorrelationID: t.in.ID, CausationID: snd.Cause, ReplyTo: message.TopicReplies, Traceparent: t.in.Traceparent, Data: data,
	}
	if snd.Undo {
		m.Type = s.UndoAs
	}
	return m
}

// listen sets the timer of a reply: for half of the time that a participant may be silent, after which it is asked.
func (t *turn) listen(r *ItemRun, s *Step) {
	wait := s.timeout(t.in)
	if s.limit(t.in) == 0 {
		wait /= 2
	}
	r.Asked = false
	t.setTimer(r, t.now.Add(wait), false)
}

// ask sends an item's newest command once more, as it was, so that a participant that has it says so, and one that does not
// gets it. It reports false when there is nothing left to ask: the participant was silent for all of the time.
func (t *turn) ask(r *ItemRun) bool {
	s := t.c.step(r)
	snd := r.open(r.Command)
	if snd == nil || r.Asked || s.limit(t.in) > 0 {
		return false
	}
	r.Asked = true
	t.setTimer(r, t.now.Add(s.timeout(t.in)-s.timeout(t.in)/2), false)
	if snd.Undo && snd.Seq <= r.Late {
		return true // the item has another result by now: the command cannot be made as it was, and one more will be sent
	}
	data, err := s.data(t.in, r)
	if snd.Undo {
		data, err = s.undoData(t.in, r)
	}
	if err == nil { // what was made once can be made again, unless the definition has changed its mind
		t.fx.Send = append(t.fx.Send, t.command(s, snd, data))
	}
	return true
}

// outcome keeps what became of one command attempt.
func (t *turn) outcome(r *ItemRun, snd Sending, state string, f *Failure) {
	snd.State = state
	if f != nil {
		snd.Class, snd.Reason = f.Class, f.Reason
	}
	if state == RowUnknown {
		if open := r.open(snd.Command); open != nil {
			*open = snd
		}
	} else {
		snd.Cause = ""
		r.Log = append(slices.Clip(r.Log), snd)
	}
	t.fx.Steps = append(t.fx.Steps, snd.row(t.in, r))
}

// row is an attempt as people see it.
func (s *Sending) row(in *Instance, r *ItemRun) eventstore.StepRow {
	row := eventstore.StepRow{
		CommandID: s.Command, Saga: in.ID, Seq: s.Seq, Step: r.Step, Item: r.Item, Direction: DirectionDo, Attempt: s.Attempt,
		State: cmp.Or(s.State, RowSent), Sent: s.Sent, Replied: s.Replied, Result: s.Result, Class: string(s.Class), Reason: s.Reason,
	}
	if s.Undo {
		row.Direction = DirectionUndo
	}
	if row.State == RowSucceeded && len(row.Result) == 0 {
		row.Result = in.resultOf(&row)
	}
	return row
}

// Attempts returns the saga's command attempts in the order they were sent. The rows given are those that programs stored
// apart from the items, as they did once.
func (in *Instance) Attempts(rows []eventstore.StepRow) []eventstore.StepRow {
	byCommand := make(map[string]eventstore.StepRow, len(rows))
	for _, r := range rows {
		byCommand[r.CommandID] = r
	}
	for _, r := range in.Items {
		for _, s := range slices.Concat(r.Open, r.Log) {
			if _, stored := byCommand[s.Command]; !stored || s.State != "" {
				byCommand[s.Command] = s.row(in, r)
			}
		}
	}
	all := slices.Collect(maps.Values(byCommand))
	slices.SortFunc(all, func(a, b eventstore.StepRow) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.CommandID, b.CommandID))
	})
	return all
}

// resultOf returns the result of an attempt that the item keeps.
func (in *Instance) resultOf(r *eventstore.StepRow) json.RawMessage {
	run := in.Item(r.Step, r.Item)
	switch {
	case run == nil:
		return nil
	case r.Direction == DirectionUndo:
		return run.UndoResult
	default:
		return run.Result
	}
}

// retryLater sets the timeout that sends the next attempt. n counts the attempts of the present budget; the jitter is
// made of the next command's id, so that a saga replayed waits as long.
func (t *turn) retryLater(r *ItemRun, retry Retry, n int, nextCommand string) {
	d := retry.delay(n)
	h := fnv.New32a()
	_, _ = h.Write([]byte(nextCommand)) // never fails
	d -= d / 4 * time.Duration(h.Sum32()%1000) / 1000
	t.setTimer(r, t.now.Add(d), true)
}
