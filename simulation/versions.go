package simulation

import (
	"bytes"
	"context"
	"fmt"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
)

// The programs a node may run. The newer one knows a second version of every saga beside the first, and begins sagas of
// it; its VIM manager knows a command more.
const (
	older = 1
	newer = 2
)

// stepSurvey is the step that the newer program's sagas have more, with a command of their own. It changes nothing.
const (
	stepSurvey = "survey"
	typeSurvey = "vim.survey-resources.v1"
)

// definitions are the sagas of a node's program.
func (n *node) definitions(own []*saga.Definition) []*saga.Definition {
	if n.program == older {
		return own
	}
	for _, d := range own[:len(own):len(own)] {
		own = append(own, secondVersion(d))
	}
	return own
}

// secondVersion is another saga to the same end: what the first does at once it does one by one, the last first, and it
// surveys after the first stage.
func secondVersion(first *saga.Definition) *saga.Definition {
	d := *first
	d.Version += 100
	if d.StagesOf == nil {
		d.Stages = oneByOne(first.Stages)
		return &d
	}
	d.StagesOf = func(in *saga.Instance) ([]saga.Stage, error) {
		stages, err := first.StagesOf(in)
		return oneByOne(stages), err
	}
	return &d
}

func oneByOne(stages []saga.Stage) (out []saga.Stage) {
	for i, stage := range stages {
		for s := len(stage.Steps) - 1; s >= 0; s-- {
			step := stage.Steps[s]
			out = append(out, saga.Stage{ID: fmt.Sprintf("%s-%s", stage.ID, step.ID), Window: stage.Window, Steps: []saga.Step{step}})
		}
		if len(stage.Steps) == 0 {
			out = append(out, stage)
		}
		if i > 0 || len(stage.Steps) == 0 {
			continue
		}
		out = append(out, saga.Stage{ID: stepSurvey, Steps: []saga.Step{{
			ID: stepSurvey, Topic: message.TopicVimCommands, Do: typeSurvey, Timeout: stage.Steps[0].Timeout, Retry: stage.Steps[0].Retry,
			Items: func(in *saga.Instance) ([]saga.Item, error) {
				return []saga.Item{{Data: vim.Encode(vim.ReleaseResources{VnfID: in.Key})}}, nil
			},
		}}})
	}
	return out
}

// surveyor is the intake of the newer program's VIM manager: a survey is a release of what was never there.
type surveyor struct{ inbox.Handler }

func (s surveyor) Load(msgs []message.Message) eventstore.Load { return s.Handler.Load(surveys(msgs)) }

func (s surveyor) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	return s.Handler.Decide(l, surveys(msgs), c)
}

func surveys(msgs []message.Message) []message.Message {
	out := make([]message.Message, len(msgs))
	for i, m := range msgs {
		if m.Type == typeSurvey {
			nothing := vim.Token{ID: message.DeriveID(m.CorrelationID, "survey"), Generation: 1}
			m.Type, m.Data = vim.TypeReleaseResource, vim.Encode(vim.Release{VnfID: m.Key, Connection: sim.Default, Token: nothing, Kind: vim.Network})
		}
		out[i] = m
	}
	return out
}

// operating reports whether operations are under way, in seeds in which programs change.
func (w *world) operating() bool {
	if w.chance[ProgramChanged] == 0 {
		return false
	}
	for _, state := range w.observed.opStates {
		if st := vnf.OpState(state); !st.Final() && st != vnf.FailedTemp {
			return true
		}
	}
	return false
}

// exchange restarts a node with the other program: killed, or stopped in order.
func (w *world) exchange(n *node) {
	if w.rng.IntN(2) == 0 {
		n.handOver()
	}
	n.program = older + newer - n.program
	n.dead = true
	w.bury(n)
	w.tracef("  n%d runs program %d", n.index+1, n.program)
}

// drawProgram is the program that a node begins with. Where they do not change it is the program as it is.
func (w *world) drawProgram() int {
	if w.chance[ProgramChanged] == 0 {
		return older
	}
	return older + w.rng.IntN(2)
}

// upgrade finishes what was begun: in the end all nodes run the newer program.
func (w *world) upgrade() {
	for _, n := range w.nodes {
		if w.chance[ProgramChanged] > 0 && n.program == older {
			w.exchange(n)
		}
	}
}

// checkWaiting checks that nothing waits for a program that every node has, and that no operator is asked about a message
// that nothing is wrong with (I1).
func (w *world) checkWaiting() {
	all, err := w.store.Parked(context.Background(), eventstore.ParkedQuery{})
	w.must(err)
	seen := map[string]bool{}
	for i := range all {
		p := &all[i]
		if seen[p.Consumer+p.Key] {
			continue
		}
		seen[p.Consumer+p.Key] = true
		switch {
		case p.Waits():
			w.violate("I1: message %s (%s) of %s waits for ever: %s", p.ID, p.Message.Type, p.Key, p.Reason)
		case !bytes.Contains(p.Message.Data, []byte(poison)):
			w.violate("I1: message %s (%s) of %s is parked for an operator: %s", p.ID, p.Message.Type, p.Key, p.Reason)
		}
	}
}
