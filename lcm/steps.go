package lcm

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// grantStage asks for the grant. A refusal ends the operation before anything was begun.
func (s *Service) grantStage(request func(in *saga.Instance) (nfvo.GrantRequest, error)) saga.Stage {
	return saga.Stage{ID: stepGrant, Steps: []saga.Step{{
		ID: stepGrant, Topic: message.TopicNfvoCommands, Do: nfvo.TypeRequestGrant, Rejects: true,
		Timeout: s.cfg.Settings.GrantTimeout, Retry: saga.Retry{Attempts: s.cfg.Settings.GrantAttempts, Backoff: s.cfg.Settings.Backoff},
		Items: func(in *saga.Instance) ([]saga.Item, error) {
			r, err := request(in)
			if err != nil {
				return nil, err
			}
			b, err := json.Marshal(r)
			if err != nil {
				return nil, fmt.Errorf("encode the grant request: %w", err)
			}
			return []saga.Item{{Data: b}}, nil
		},
	}}}
}

func (s *Service) retry() saga.Retry {
	return saga.Retry{Attempts: s.cfg.Settings.Attempts, Backoff: s.cfg.Settings.Backoff}
}

func (s *Service) undoRetry() saga.Retry {
	r := saga.DefaultUndo
	if s.cfg.Settings.UndoAttempts > 0 {
		r.Attempts = s.cfg.Settings.UndoAttempts
	}
	if s.cfg.Settings.Backoff > 0 {
		r.Backoff = s.cfg.Settings.Backoff
	}
	return r
}

// withGeneration puts an item's generation into the tokens of its command.
func withGeneration(_ *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	if run.Generation == 1 {
		return run.Data, nil
	}
	var c vim.ReserveResources
	if err := json.Unmarshal(run.Data, &c); err != nil {
		return nil, fmt.Errorf("the command of %s %s cannot be read: %w", run.Step, run.Item, err)
	}
	for i := range c.Resources {
		c.Resources[i].Token.Generation = run.Generation
	}
	return vim.Encode(c), nil
}

// releaseOf makes the command that undoes a reservation, whether it had its effect or not.
func releaseOf(_ *saga.Instance, data, _ json.RawMessage) (json.RawMessage, error) {
	var c vim.ReserveResources
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("the command to undo cannot be read: %w", err)
	}
	r := vim.ReleaseResources{VnfID: c.VnfID, Connection: c.Connection}
	for _, x := range c.Resources {
		r.Resources = append(r.Resources, vim.Release{Token: x.Token, Kind: x.Kind})
	}
	return vim.Encode(r), nil
}

// releaseStages release resources kind by kind, in the reverse order of creation.
func (s *Service) releaseStages(resources func(in *saga.Instance) (vnfID string, rs []vnf.Resource, err error)) []saga.Stage {
	step := func(id string, kind vim.Kind) saga.Step {
		return saga.Step{
			ID: id, Topic: message.TopicVimCommands, Do: vim.TypeRelease, Timeout: s.cfg.Settings.StepTimeout, Retry: s.retry(),
			Items: func(in *saga.Instance) ([]saga.Item, error) {
				vnfID, rs, err := resources(in)
				if err != nil {
					return nil, err
				}
				return releaseItems(vnfID, rs, kind), nil
			},
		}
	}
	return []saga.Stage{
		{ID: "release-configuration", Steps: []saga.Step{step("release-configuration", vim.Configuration)}},
		{ID: "release-computes", Steps: []saga.Step{step("release-computes", vim.Compute)}},
		{ID: "release-ports", Steps: []saga.Step{step("release-ports", vim.Port)}},
		{ID: "release-subnets", Steps: []saga.Step{step("release-subnets", vim.Subnet), step("release-volumes", vim.Volume)}},
		{ID: "release-networks", Steps: []saga.Step{step("release-networks", vim.Network), step("release-server-groups", vim.ServerGroup)}},
	}
}

func releaseItems(vnfID string, rs []vnf.Resource, kind vim.Kind) []saga.Item {
	var items []saga.Item
	for _, r := range rs {
		if r.Kind != string(kind) {
			continue
		}
		items = append(items, saga.Item{ID: r.ID, Data: vim.Encode(vim.ReleaseResources{
			VnfID: vnfID, Connection: r.Connection, Resources: []vim.Release{{Token: vim.Token{ID: r.ID, Generation: r.Generation}, Kind: kind}},
		})})
	}
	return items
}

// commandOf is what reserve and release commands have in common, to be read from an item.
type commandOf struct {
	Connection string `json:"vimConnectionId"`
	Resources  []struct {
		Token vim.Token `json:"token"`
		Kind  vim.Kind  `json:"kind"`
		Spec  struct {
			Name string `json:"name"`
		} `json:"spec"`
	} `json:"resources"`
}

// readCommand returns the resources an item's command names; none for items that name none.
func readCommand(run *saga.ItemRun) commandOf {
	var c commandOf
	if run.Step == stepGrant || run.Item == "" || json.Unmarshal(run.Data, &c) != nil {
		return commandOf{}
	}
	return c
}

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

func (before) told(*saga.Instance, *vnf.Instance, vnf.OpState) ([]vnf.OpCommand, error) {
	return nil, nil
}

func (before) passed(*saga.Instance) []vnf.ProgressMade { return nil }

// stepGrant is the step that asks for a grant, in every saga that has one.
const stepGrant = "grant"

// grantOf returns the grant a saga was given, nil while there is none.
func grantOf(in *saga.Instance) (*nfvo.Grant, error) {
	for _, r := range in.Items {
		if r.Step != stepGrant || len(r.Result) == 0 {
			continue
		}
		g := &nfvo.Grant{}
		if err := json.Unmarshal(r.Result, g); err != nil {
			return nil, fmt.Errorf("the grant cannot be read: %w", err)
		}
		return g, nil
	}
	return nil, nil
}

// withdrawal ends the asking for the grant of an operation that ended without the answer; nil when there is none to end.
func withdrawal(in *saga.Instance, now time.Time) *message.Message {
	if !in.State.Final() {
		return nil
	}
	for _, r := range in.Items {
		if r.Step == stepGrant && r.EverSent && len(r.Result) == 0 && r.State != saga.ItemFailed {
			return &message.Message{
				ID: message.DeriveID(in.ID, stepGrant, "withdraw"), Type: nfvo.TypeWithdrawGrant, Source: saga.Source,
				Topic: message.TopicNfvoCommands, Key: in.Key, Time: now, CorrelationID: in.ID, CausationID: r.Command,
				Traceparent: in.Traceparent, Data: json.RawMessage(`{}`),
			}
		}
	}
	return nil
}
