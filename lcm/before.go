package lcm

import (
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// before is what the operations have in common whose sagas were begun before every operation had a plan: their items are
// commands that name resources.
type before struct{ s *Service }

func (before) undone(_ *saga.Instance, run *saga.ItemRun, _ *vnf.Instance) ([]vnf.OpCommand, error) {
	var out []vnf.OpCommand
	for _, r := range readCommand(run).Resources {
		out = append(out, vnf.Record{Event: &vnf.ResourceUndone{ID: r.Token.ID}})
	}
	return out, nil
}

func (before) progress(_ *saga.Instance, runs []*saga.ItemRun) []vnf.ProgressMade {
	var out []vnf.ProgressMade
	for _, run := range runs {
		for _, r := range readCommand(run).Resources {
			p := vnf.ProgressMade{
				Step: run.Step, ID: r.Token.ID, State: progressOf(run), Attempt: run.Attempt, Kind: string(r.Kind), Name: r.Spec.Name,
			}
			if run.Cause != nil && p.State != vnf.ProgressDone && p.State != vnf.ProgressUndone {
				p.Reason = run.Cause.Reason
			}
			out = append(out, p)
		}
	}
	return out
}

func (before) passed(*saga.Instance) []vnf.ProgressMade { return nil }
