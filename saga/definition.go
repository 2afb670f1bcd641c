package saga

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
)

// Definition is one version of one kind of saga, as data. A running saga is pinned to (Type, Version): a new program
// compiles in every version that may still be running. Stages run one after the other, the steps and items of a stage
// at once. The functions are pure: the same instance gives the same answer.
type Definition struct {
	Type    string
	Version int
	// Stages are the stages of every saga of the definition.
	Stages []Stage
	// StagesOf, when set, makes the stages of one saga out of its data (Data), instead. It is called once for an instance
	// that is decoded, and must give the same stages each time. When it fails as the saga begins, the saga fails for good
	// with its text.
	StagesOf func(in *Instance) ([]Stage, error)
	// Deadline bounds the whole saga from its start to its end or its first failure; 0 means one hour.
	Deadline time.Duration
	// DeadlineOf, when set and positive, is the deadline of one saga instead.
	DeadlineOf func(in *Instance) time.Duration
	// Rollbackable says whether undoing makes sense for a saga (terminate: no), so that policy and operators may have it
	// compensated; nil: never.
	Rollbackable func(in *Instance) bool
	// Undo is the retry policy of undo commands; its zero value is DefaultUndo.
	Undo Retry
}

// Always is a Rollbackable: each saga of the definition can be compensated.
func Always(*Instance) bool { return true }

// Stage is a set of steps that run at once; the next stage starts when all of them are done.
type Stage struct {
	ID string
	// Window bounds the commands of the stage that are under way at once for each Item.Group, those that undo as well; an
	// item that waits for its next attempt counts. 0: no bound. The rest is sent as replies arrive.
	Window int
	Steps  []Step
}

// Step is one kind of command within a stage. A step may stand in several stages.
type Step struct {
	ID     string // stable for ever; part of every command id
	Topic  string // where Do and Undo commands go
	Do     string // message type of the command
	UndoAs string // message type of the compensating command; "" when there is nothing to undo
	// Timeout bounds how long a participant may be silent about a command; 0 means two minutes. Half way the command is sent
	// again, byte for byte: a participant that has it says that it is working on it (message.WorkingType), and the time
	// begins anew. An attempt that timed out is maybe done.
	Timeout time.Duration
	// TimeoutOf, when set and positive, bounds one attempt from sending to reply, whatever the participant says meanwhile: a
	// graceful termination's comes from the request.
	TimeoutOf func(in *Instance) time.Duration
	Retry     Retry
	// Items lists the commands of this step, when its stage begins. nil: one command, with the saga's data. An error is a
	// defect of the plan: the step fails for good with its text.
	Items func(in *Instance) ([]Item, error)
	// DataFor builds the data an item is sent with, for each Do and, before UndoData, for each Undo: the place to put in
	// the item's generation. nil: the item's data as planned. An error fails the item for good. It is called again when the
	// participant is asked, and must give the same bytes: it may depend on the saga's data, results of earlier stages, and the
	// item's own plan, generation and attempt.
	DataFor func(in *Instance, run *ItemRun) (json.RawMessage, error)
	// UndoData builds the compensating command's data from the data the item was sent with and, when there is one, its
	// result. nil: the data it was sent with.
	UndoData func(in *Instance, data, result json.RawMessage) (json.RawMessage, error)
	// UndoFor, when set, builds the compensating command's data instead of DataFor and UndoData, under the rules of DataFor.
	// run.Undo is the number of this attempt to undo.
	UndoFor func(in *Instance, run *ItemRun) (json.RawMessage, error)
	// Optional: when the step fails for good or times out, the saga goes on, with a warning.
	Optional bool
	// Lasting: the participant may carry out what it has refused all the same, later (a release makes a tombstone, and what it is of
	// goes as soon as it can): a failure is maybe done, too.
	Lasting bool
	// Rejects: a failure of this step means that nothing was begun (a refused grant); the saga ends COMPENSATED at once
	// when no other command was ever sent, whatever the policy.
	Rejects bool
}

// Item is one command of a step. Step and ID together are unique in a saga.
type Item struct {
	ID         string // "" for the only one; for resources the planned resource's id
	Group      string // what Stage.Window counts by: the VIM connection
	Generation int    // 0 means 1; raised by a retry after a release
	// Data is what the command is sent with, stored with the item. nil: nothing is stored, and Step.DataFor builds it for each
	// sending; without that the saga's data is sent.
	Data json.RawMessage
}

// Retry says how often and when a command is sent again. Attempts count from 1 and are never reset by it; an
// operator's retry grants a fresh budget.
type Retry struct {
	Attempts int             // in all; 0 means 5
	Backoff  time.Duration   // before the second attempt, doubled for each next; 0 means one second
	Max      time.Duration   // longest backoff; 0 means one minute
	Classes  []message.Class // retried; nil means transient, unavailable, unknown-outcome (and timeouts)
}

// DefaultUndo is the retry policy of compensations: many, and slower.
var DefaultUndo = Retry{Attempts: 8, Backoff: time.Second, Max: time.Minute}

// Policy says what happens by itself once a saga has failed and settled.
type Policy string

// The policies.
const (
	Rollback Policy = "rollback" // compensate at once
	Hold     Policy = "hold"     // wait for an operator
	GiveUp   Policy = "give-up"  // end ABANDONED: for a saga that no operator decides about
)

func (d *Definition) undo() Retry {
	if d.Undo.Attempts == 0 && d.Undo.Backoff == 0 && d.Undo.Max == 0 && d.Undo.Classes == nil {
		return DefaultUndo
	}
	return d.Undo
}

func (d *Definition) deadline(in *Instance) time.Duration {
	if d.DeadlineOf != nil {
		if t := d.DeadlineOf(in); t > 0 {
			return t
		}
	}
	if d.Deadline > 0 {
		return d.Deadline
	}
	return time.Hour
}

func (d *Definition) rollbackable(in *Instance) bool {
	return d.Rollbackable != nil && d.Rollbackable(in)
}

// Validate reports what makes a definition unusable: a missing type, step or topic, or a step id used twice in a stage.
func (d *Definition) Validate() error {
	if d.Type == "" || d.Version < 1 {
		return fmt.Errorf("saga definition %q version %d: type and version are required", d.Type, d.Version)
	}
	if d.StagesOf != nil && d.Stages != nil {
		return fmt.Errorf("saga definition %s: the stages are fixed or made of the data, not both", d.Type)
	}
	return d.validate(d.Stages)
}

func (d *Definition) validate(stages []Stage) error {
	for _, stage := range stages {
		if stage.ID == "" {
			return fmt.Errorf("saga definition %s: a stage has no id", d.Type)
		}
		seen := make(map[string]bool, len(stage.Steps))
		for _, s := range stage.Steps {
			if s.ID == "" || s.Topic == "" || s.Do == "" {
				return fmt.Errorf("saga definition %s: stage %s: a step needs an id, a topic and a command", d.Type, stage.ID)
			}
			if seen[s.ID] {
				return fmt.Errorf("saga definition %s: stage %s: the step id %s is used twice", d.Type, stage.ID, s.ID)
			}
			seen[s.ID] = true
		}
	}
	return nil
}

// StagesFor returns the stages of a saga.
func (d *Definition) StagesFor(in *Instance) ([]Stage, error) {
	if d.StagesOf == nil {
		return d.Stages, nil
	}
	if in.kept != nil {
		c := in.kept.stagesOf(d, in)
		return c.stages, c.err
	}
	c := d.compile(in)
	return c.stages, c.err
}

// compiled is the stages of a saga with its steps by stage and id.
type compiled struct {
	def    *Definition
	stages []Stage
	steps  []map[string]*Step
	err    error
}

func (d *Definition) compile(in *Instance) *compiled {
	c := &compiled{def: d, stages: d.Stages}
	if d.StagesOf != nil {
		if c.stages, c.err = d.StagesOf(in); c.err == nil {
			c.err = d.validate(c.stages)
		}
		if c.err != nil {
			c.stages = nil
			return c
		}
	}
	c.steps = make([]map[string]*Step, len(c.stages))
	for i := range c.stages {
		c.steps[i] = make(map[string]*Step, len(c.stages[i].Steps))
		for j := range c.stages[i].Steps {
			s := &c.stages[i].Steps[j]
			c.steps[i][s.ID] = s
		}
	}
	return c
}

// step returns the step of an item. A stored saga has no items of other steps than its definition's version makes.
func (c *compiled) step(r *ItemRun) *Step {
	if r.Stage < len(c.steps) {
		if s := c.steps[r.Stage][r.Step]; s != nil {
			return s
		}
	}
	return &Step{ID: r.Step}
}

func (s *Step) data(in *Instance, r *ItemRun) (json.RawMessage, error) {
	switch {
	case s.DataFor != nil:
		return s.DataFor(in, r)
	case r.Data == nil:
		return in.Data, nil
	default:
		return r.Data, nil
	}
}

func (s *Step) undoData(in *Instance, r *ItemRun) (json.RawMessage, error) {
	if s.UndoFor != nil {
		return s.UndoFor(in, r)
	}
	data, err := s.data(in, r)
	if err == nil && s.UndoData != nil {
		data, err = s.UndoData(in, data, r.Result)
	}
	return data, err
}

// limit bounds an attempt whatever the participant says; 0: its silence is what counts.
func (s *Step) limit(in *Instance) time.Duration {
	if s.TimeoutOf == nil {
		return 0
	}
	return max(0, s.TimeoutOf(in))
}

func (s *Step) timeout(in *Instance) time.Duration {
	switch {
	case s.limit(in) > 0:
		return s.limit(in)
	case s.Timeout > 0:
		return s.Timeout
	default:
		return 2 * time.Minute
	}
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
