package saga

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
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

// send sends the next attempt of an item's command.
func (t *turn) send(r *ItemRun) {
	s := t.def.step(r.Step)
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
		return
	}
	r.State = ItemSent
	r.EverSent = true
	t.dispatch(r, s, DirectionDo, s.Do, r.Attempt, data)
}

// sendUndo sends the next attempt of an item's compensating command.
func (t *turn) sendUndo(r *ItemRun) {
	s := t.def.step(r.Step)
	r.State = ItemUndoing
	t.in.Undone = true
	data, err := s.data(t.in, r)
	if err == nil && s.UndoData != nil {
		data, err = s.UndoData(t.in, data, r.Result)
	}
	if err != nil {
		t.stuck(r, &Failure{Step: r.Step, Item: r.Item, Class: message.Permanent, Reason: err.Error()})
		return
	}
	r.Undo++
	t.dispatch(r, s, DirectionUndo, s.UndoAs, r.Undo, data)
}

// dispatch adds the command and sets the timer of its reply. Its step row is written with the outcome; until then what
// is known of it is among the item's open sendings (Attempts).
func (t *turn) dispatch(r *ItemRun, s *Step, direction, msgType string, attempt int, data json.RawMessage) {
	t.in.Seq++
	id := t.commandID(r, direction, attempt)
	snd := Sending{
		Command: id, Undo: direction == DirectionUndo, Attempt: attempt, Generation: r.Generation, Seq: t.in.Seq, Sent: t.now,
	}
	r.Command = id
	r.Open = append(r.Open, snd)
	t.fx.Send = append(t.fx.Send, message.Message{
		ID: id, Type: msgType, Source: Source, Topic: s.Topic, Key: t.in.Key, Time: t.now,
		CorrelationID: t.in.ID, CausationID: t.cause, ReplyTo: message.TopicReplies, Traceparent: t.in.Traceparent, Data: data,
	})
	t.setTimer(r, t.now.Add(s.timeout(t.in)), false)
}

// row writes what became of one command attempt, for people.
func (t *turn) row(r *ItemRun, snd Sending, state string, result json.RawMessage, f *Failure) {
	row := snd.row(t.in.ID, r)
	row.State, row.Result = state, result
	if state != RowUnknown {
		row.Replied = t.now
	}
	if f != nil {
		row.Class, row.Reason = string(f.Class), f.Reason
	}
	t.fx.Steps = append(t.fx.Steps, row)
}

// row is the row of a command that was sent and not answered yet.
func (s Sending) row(saga string, r *ItemRun) eventstore.StepRow {
	row := eventstore.StepRow{
		CommandID: s.Command, Saga: saga, Seq: s.Seq, Step: r.Step, Item: r.Item, Direction: DirectionDo,
		Attempt: s.Attempt, State: RowSent, Sent: s.Sent,
	}
	if s.Undo {
		row.Direction = DirectionUndo
	}
	return row
}

// Attempts returns the saga's command attempts in the order they were sent: the rows given, which are those that ended
// or timed out, and those under way.
func (in *Instance) Attempts(rows []eventstore.StepRow) []eventstore.StepRow {
	ended := make(map[string]bool, len(rows))
	for _, r := range rows {
		ended[r.CommandID] = true
	}
	all := slices.Clone(rows)
	for _, r := range in.Items {
		for _, s := range r.Open {
			if !ended[s.Command] {
				all = append(all, s.row(in.ID, r))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b eventstore.StepRow) int { return cmp.Compare(a.Seq, b.Seq) })
	return all
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

// mayStand reports whether an effect of the item's Do commands of this generation may stand.
func (r *ItemRun) mayStand() bool {
	return r.State == ItemDone || slices.ContainsFunc(r.Open, func(s Sending) bool {
		return !s.Undo && s.Generation == r.Generation
	})
}

// open returns the sending of a command that is still open, nil when there is none.
func (r *ItemRun) open(command string) *Sending {
	if i := slices.IndexFunc(r.Open, func(s Sending) bool { return s.Command == command }); i >= 0 {
		return &r.Open[i]
	}
	return nil
}

func (r *ItemRun) close(command string) {
	r.Open = slices.DeleteFunc(r.Open, func(s Sending) bool { return s.Command == command })
}

func (s *Step) data(in *Instance, r *ItemRun) (json.RawMessage, error) {
	if s.DataFor == nil {
		return r.Data, nil
	}
	return s.DataFor(in, r)
}

func (s *Step) timeout(in *Instance) time.Duration {
	if s.TimeoutOf != nil {
		if d := s.TimeoutOf(in); d > 0 {
			return d
		}
	}
	if s.Timeout > 0 {
		return s.Timeout
	}
	return 2 * time.Minute
}

func (r Retry) attempts() int {
	if r.Attempts > 0 {
		return r.Attempts
	}
	return 5
}

// delay returns the wait after the n-th attempt.
func (r Retry) delay(n int) time.Duration {
	d, longest := r.Backoff, r.Max
	if d <= 0 {
		d = time.Second
	}
	if longest <= 0 {
		longest = time.Minute
	}
	for ; n > 1 && d < longest; n-- {
		d *= 2
	}
	return min(d, longest)
}

func (r Retry) retries(c message.Class) bool {
	if r.Classes == nil {
		return c == message.Transient || c == message.Unavailable || c == message.UnknownOutcome
	}
	return slices.Contains(r.Classes, c)
}

func (d *Definition) undo() Retry {
	if d.Undo.Attempts == 0 && d.Undo.Backoff == 0 && d.Undo.Max == 0 && d.Undo.Classes == nil {
		return DefaultUndo
	}
	return d.Undo
}

func (d *Definition) deadline() time.Duration {
	if d.Deadline > 0 {
		return d.Deadline
	}
	return time.Hour
}

// step returns a step by id. A stored instance names no other steps than its definition's version has.
func (d *Definition) step(id string) *Step {
	for i := range d.Stages {
		for j := range d.Stages[i].Steps {
			if d.Stages[i].Steps[j].ID == id {
				return &d.Stages[i].Steps[j]
			}
		}
	}
	return &Step{ID: id}
}

// Validate reports what makes a definition unusable: a missing type, step or topic, or a step id used twice.
func (d *Definition) Validate() error {
	if d.Type == "" || d.Version < 1 {
		return fmt.Errorf("saga definition %q version %d: type and version are required", d.Type, d.Version)
	}
	seen := map[string]bool{}
	for _, stage := range d.Stages {
		if stage.ID == "" {
			return fmt.Errorf("saga definition %s: a stage has no id", d.Type)
		}
		for _, s := range stage.Steps {
			if s.ID == "" || s.Topic == "" || s.Do == "" {
				return fmt.Errorf("saga definition %s: stage %s: a step needs an id, a topic and a command", d.Type, stage.ID)
			}
			if seen[s.ID] {
				return fmt.Errorf("saga definition %s: the step id %s is used twice", d.Type, s.ID)
			}
			seen[s.ID] = true
		}
	}
	return nil
}
