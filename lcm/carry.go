package lcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lcm/tell"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// sagaPlan is the type of the saga that carries out the plan of any operation.
const sagaPlan = "plan"

// The steps of the saga beside the grant's; those that take a step of the plan have the name of its action.
const (
	stepCreate    = string(plan.Create)
	stepChange    = string(plan.Change)
	stepRelease   = string(plan.Release)
	stepTry       = "try-change" // a change that may fail
	stepConfigure = "configure"
	// stepCoordinate asks the VNF or its element manager.
	stepCoordinate = "coordinate"
)

// planData is the data of the saga: fixed at its begin.
type planData struct {
	VnfID     string            `json:"vnfInstanceId"`
	OpID      string            `json:"opOccId"`
	Operation vnf.Operation     `json:"operation"`
	Number    int64             `json:"number"` // the operation's, for its VNF: the fence
	Plan      *plan.Plan        `json:"plan"`
	Grant     nfvo.GrantRequest `json:"grantRequest"`
	// GraceMs is how long a guest may take to stop by itself where the plan turns its power off.
	GraceMs int64 `json:"graceMs,omitempty"`
	// VnfState is what a VNF is told to be that has nothing that could be started or stopped.
	VnfState string `json:"vnfState,omitempty"`
	// Reversible: what was done can be undone.
	Reversible bool `json:"reversible,omitempty"`
	// UntilReleased: only as long as nothing was released.
	UntilReleased bool `json:"untilReleased,omitempty"`
	// Resized is what a scaling makes of the scale levels.
	Resized *resized `json:"resized,omitempty"`
	// Snapshot is what the operation knows of the snapshot that it takes, or reverts to.
	Snapshot *snapshotting `json:"snapshot,omitempty"`
	// Cause is why a VNF is healed, as the request says.
	Cause string `json:"cause,omitempty"`
	// Syncs: the healing repairs what differs from the records.
	Syncs bool `json:"syncs,omitempty"`
	// Configure is what the VNF is told once its resources stand; nil when it is told nothing.
	Configure *configuration.Configure `json:"configure,omitempty"`
	// Again is what it is told when the operation has left no trace; Coordinations are what is asked in the operation.
	Again         *configuration.Configure `json:"configureAgain,omitempty"`
	Coordinations []tell.Coordination      `json:"coordinations,omitempty"`
	// Beside: new machines stand beside the old ones until they have been told.
	Beside bool `json:"beside,omitempty"`
	// What the request sets of the instance, when the operation lands.
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"`
	// Params are those that the VNF has when the operation lands, sealed; none: those it has.
	Params json.RawMessage `json:"params,omitempty"`
	// Brought are the VIM connections that the request brought.
	Brought []string `json:"vimConnections,omitempty"`
	// Package is what the VNF is of when the operation lands, Metadata what it gets of that; nil: nothing changes.
	Package  *vnf.PackageUse            `json:"package,omitempty"`
	Metadata map[string]json.RawMessage `json:"metadata,omitempty"`

	mu      sync.Mutex
	granted *granted
}

// granted is a plan with the grant it was given.
type granted struct {
	*plan.Resolver
	grant *nfvo.Grant
	steps map[string]plan.Step  // by step and item of the saga
	users map[referred][]string // steps and items that make or change what refers to a resource
}

// referred is a resource that others refer to, in the set that a step starts from.
type referred struct {
	id  string
	set int
}

// dataOf returns the data of a plan's saga.
func dataOf(in *saga.Instance) (*planData, error) { return saga.Data[planData](in) }

// grantedTo returns the plan with its grant; without one when the operation asks for none.
func (d *planData) grantedTo(in *saga.Instance) (*granted, error) {
	g := &nfvo.Grant{}
	if d.asksForGrant() {
		run := in.Item(stepGrant, "")
		if run == nil || len(run.Result) == 0 {
			return nil, fmt.Errorf("there is no grant")
		}
		var err error
		if g, err = saga.Result[nfvo.Grant](run); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.granted != nil && (d.granted.grant == g || !d.asksForGrant()) {
		return d.granted, nil
	}
	x := &granted{Resolver: plan.NewResolver(d.Plan, g), grant: g, steps: map[string]plan.Step{}, users: map[referred][]string{}}
	for i := range d.Plan.Stages {
		for _, s := range x.Steps(&d.Plan.Stages[i]) {
			key := stepOf(&d.Plan.Stages[i], s) + " " + itemOf(s)
			x.steps[key] = s
			if to := d.Plan.To(s); to != nil && s.Action != plan.Release {
				for _, id := range to.Refers() {
					x.users[referred{id, s.Set}] = append(x.users[referred{id, s.Set}], key)
				}
			}
		}
	}
	d.granted = x
	return x, nil
}

// asksForGrant is false for the clean-up of what operations left.
func (d *planData) asksForGrant() bool { return d.Operation != "" }

// stepOf is the step of the saga that takes a step of the plan.
func stepOf(stage *plan.Stage, s plan.Step) string {
	if stage.Optional && s.Action == plan.Change {
		return stepTry
	}
	return string(s.Action)
}

// itemOf is the item of the saga that takes a step of the plan: a resource may be changed once in each set.
func itemOf(s plan.Step) string {
	if s.Action == plan.Change && s.Set > 0 {
		return s.ID + "#" + strconv.Itoa(s.Set)
	}
	return s.ID
}

// resourceOf is the resource an item is about.
func resourceOf(item string) string {
	id, _, _ := strings.Cut(item, "#")
	return id
}

// step returns the step of the plan that an item takes; false when it is none.
func (g *granted) step(run *saga.ItemRun) (plan.Step, bool) {
	s, ok := g.steps[run.Step+" "+run.Item]
	return s, ok
}

// made is what has become of a plan's resources, by the items of its saga.
type made struct{ in *saga.Instance }

// Made implements plan.Made.
func (m made) Made(id string) (vim.Resource, bool) {
	run := m.in.Item(stepCreate, id)
	if run == nil {
		return vim.Resource{}, false
	}
	switch run.State {
	case saga.ItemDone, saga.ItemUnknown, saga.ItemUndoing, saga.ItemStuck:
		return resultOf(run)
	case saga.ItemPending, saga.ItemSent, saga.ItemFailed, saga.ItemSkipped, saga.ItemUndone:
	}
	return vim.Resource{}, false
}

// Changed implements plan.Made.
func (m made) Changed(id string) (vim.Resource, bool) {
	d, err := dataOf(m.in)
	if err != nil {
		return vim.Resource{}, false
	}
	run := m.in.Item(stepChange, itemOf(plan.Step{Action: plan.Change, ID: id, Set: len(d.Plan.Ways)}))
	if run == nil || run.State != saga.ItemDone {
		return vim.Resource{}, false
	}
	return resultOf(run)
}

// Remade implements plan.Made.
func (m made) Remade(id string) (vim.Resource, bool) {
	run := m.in.Item(stepRelease, id)
	if run == nil || run.State != saga.ItemUndone {
		return vim.Resource{}, false
	}
	r, err := saga.UndoResult[vim.Resource](run)
	if err != nil || r == nil {
		return vim.Resource{}, false
	}
	return *r, true
}

// resultOf returns what an item reported.
func resultOf(run *saga.ItemRun) (vim.Resource, bool) {
	r, err := saga.Result[vim.Resource](run)
	if err != nil || r == nil {
		return vim.Resource{}, false
	}
	return *r, true
}

// planV1 is the saga, of one of its types: grant → the stages of the plan → configuration.
func (s *Service) planV1(of string) *saga.Definition {
	return &saga.Definition{
		Type: of, Version: 1, Deadline: s.cfg.Settings.Deadline, DeadlineOf: s.deadlineOf, Undo: s.undoRetry(), StagesOf: s.stagesOf,
		Rollbackable: func(in *saga.Instance) bool {
			d, err := dataOf(in)
			return err == nil && d.Reversible && !d.lossy(in)
		},
	}
}

// lossy reports whether a release was asked for that making the resource again does not undo: of a volume, whose content is lost, of
// what nobody knows how it was made, and of anything where the operation says so.
func (d *planData) lossy(in *saga.Instance) bool {
	return slices.ContainsFunc(in.Items, func(run *saga.ItemRun) bool {
		if run.Step != stepRelease || !run.EverSent {
			return false
		}
		r, held := d.Plan.Has(resourceOf(run.Item))
		return d.UntilReleased || held && (r.Kind == vim.Volume || r.Stray)
	})
}

// deadlineOf is the site's, and the time that guests are given on top.
func (s *Service) deadlineOf(in *saga.Instance) time.Duration {
	d, err := dataOf(in)
	if err != nil {
		return s.cfg.Settings.Deadline
	}
	return s.cfg.Settings.Deadline + time.Duration(d.GraceMs)*time.Millisecond
}

// stagesOf makes the stages of the saga out of its plan.
func (s *Service) stagesOf(in *saga.Instance) ([]saga.Stage, error) {
	d, err := dataOf(in)
	if err != nil {
		return nil, err
	}
	d.Plan.Index()
	var out []saga.Stage
	if d.asksForGrant() {
		out = append(out, s.grantStage(func(in *saga.Instance) (nfvo.GrantRequest, error) {
			d, err := dataOf(in)
			if err != nil {
				return nfvo.GrantRequest{}, err
			}
			return d.Grant, nil
		}))
	}
	out = append(out, s.coordinationStages(d, vnfd.CoordinateAtStart)...)
	middle := d.middle()
	for i := range d.Plan.Stages {
		if i == middle {
			out = append(out, s.coordinationStages(d, "")...)
			if d.Beside && d.Configure != nil {
				out = append(out, s.configureStage())
			}
		}
		stage := saga.Stage{ID: d.Plan.Stages[i].ID, Window: s.cfg.Settings.Window}
		if d.GraceMs > 0 { // guests stop at the same time, not one after the other
			stage.Window = 0
		}
		if d.Plan.Stages[i].Assets {
			stage.Steps = append(stage.Steps, s.taking(stepCreate, i))
		}
		actions := map[string]bool{}
		for _, x := range d.Plan.Stages[i].Steps {
			if id := stepOf(&d.Plan.Stages[i], x); !actions[id] {
				actions[id] = true
				stage.Steps = append(stage.Steps, s.taking(id, i))
			}
		}
		out = append(out, stage)
	}
	if middle == len(d.Plan.Stages) {
		out = append(out, s.coordinationStages(d, "")...)
	}
	if d.Configure != nil && (!d.Beside || middle == len(d.Plan.Stages)) {
		out = append(out, s.configureStage())
	}
	return append(out, s.coordinationStages(d, vnfd.CoordinateAtEnd)...), nil
}

// middle is the stage of the plan before which is coordinated what has no stage of its own: the first that removes something, else
// the end.
func (d *planData) middle() int {
	i := slices.IndexFunc(d.Plan.Stages, func(st plan.Stage) bool {
		return slices.ContainsFunc(st.Steps, func(x plan.Step) bool { return x.Action == plan.Release && !x.Replaces })
	})
	if i < 0 {
		return len(d.Plan.Stages)
	}
	return i
}

// coordinationStages ask for the coordinations of a stage, one after the other.
func (s *Service) coordinationStages(d *planData, stage string) []saga.Stage {
	var out []saga.Stage
	for i := range d.Coordinations {
		c := &d.Coordinations[i]
		if c.Stage != stage {
			continue
		}
		out = append(out, saga.Stage{ID: stepCoordinate + "-" + strconv.Itoa(i+1), Steps: []saga.Step{{
			ID: stepCoordinate, Topic: message.TopicVnfCommands, Do: configuration.TypeCoordinate, Optional: c.Optional,
			Timeout: s.cfg.Settings.StepTimeout, Retry: s.retry(),
			Items: func(in *saga.Instance) ([]saga.Item, error) {
				if _, err := granting(in); err != nil {
					return nil, err
				}
				return []saga.Item{{ID: c.Command.Token}}, nil
			},
			DataFor: func(in *saga.Instance, _ *saga.ItemRun) (json.RawMessage, error) {
				_, o, err := outcome(in)
				if err != nil {
					return nil, err
				}
				return vim.Encode(tell.Addressed(c.Command, o)), nil
			},
		}}})
	}
	return out
}

// granting returns the plan with its grant, and refuses a grant that is not in order, before anything is begun.
func granting(in *saga.Instance) (*granted, error) {
	d, err := dataOf(in)
	if err != nil {
		return nil, err
	}
	g, err := d.grantedTo(in)
	if err != nil || !d.asksForGrant() {
		return g, err
	}
	if err := g.grant.Check(&d.Grant); err != nil {
		return nil, err
	}
	return g, g.Check()
}

// taking is the step of the saga that takes the steps of one stage of the plan, those of one action.
func (s *Service) taking(step string, stage int) saga.Step {
	out := saga.Step{
		ID: step, Topic: message.TopicVimCommands, Timeout: s.cfg.Settings.StepTimeout, Retry: s.retry(),
		Items: func(in *saga.Instance) ([]saga.Item, error) { return s.items(in, step, stage) },
	}
	switch step {
	case stepCreate:
		out.Do, out.UndoAs, out.DataFor, out.UndoFor = vim.TypeReserveResource, vim.TypeReleaseResource, creation, creationUndone
	case stepRelease:
		out.Do, out.UndoAs, out.DataFor, out.UndoFor = vim.TypeReleaseResource, vim.TypeReserveResource, release, releaseUndone
		out.Lasting = true
	default:
		out.Do, out.UndoAs, out.DataFor, out.UndoFor = vim.TypeChangeResource, vim.TypeChangeResource, changing, changeUndone
		if out.Optional = step == stepTry; out.Optional {
			out.Retry.Attempts = 1
			out.TimeoutOf = s.stopTimeout
		}
	}
	return out
}

// stopTimeout bounds how long the operation waits for guests to stop, whatever becomes of who stops them: the grace, and the
// time to turn off what did not stop.
func (s *Service) stopTimeout(in *saga.Instance) time.Duration {
	d, err := dataOf(in)
	if err != nil {
		return 0
	}
	return time.Duration(d.GraceMs)*time.Millisecond + s.cfg.Settings.StepTimeout
}

// items lists the commands of one step of a stage. The first stage refuses a grant that is not in order, before anything is
// begun.
func (s *Service) items(in *saga.Instance, step string, stage int) ([]saga.Item, error) {
	d, err := dataOf(in)
	if err != nil {
		return nil, err
	}
	g, err := d.grantedTo(in)
	if err == nil && stage == 0 {
		g, err = granting(in)
	}
	if err != nil {
		return nil, err
	}
	st := &d.Plan.Stages[stage]
	var out []saga.Item
	for _, x := range g.Steps(st) {
		if stepOf(st, x) != step {
			continue
		}
		item := saga.Item{ID: itemOf(x), Group: g.Connection(x)}
		if to := g.To(x); x.Action == plan.Create && to != nil {
			item.Generation = to.Token().Generation
		}
		out = append(out, item)
	}
	return out, nil
}

// planned returns the data, the granted plan and the step that an item is about.
func planned(in *saga.Instance, run *saga.ItemRun) (*planData, *granted, plan.Step, error) {
	d, err := dataOf(in)
	if err != nil {
		return nil, nil, plan.Step{}, err
	}
	g, err := d.grantedTo(in)
	if err != nil {
		return d, nil, plan.Step{}, err
	}
	s, ok := g.step(run)
	if !ok {
		return d, g, s, vnfm.Errorf(vnfm.Internal, "the plan has no %s of %s", run.Step, run.Item)
	}
	return d, g, s, nil
}

// creation is the command that makes a resource.
func creation(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	d, g, s, err := planned(in, run)
	if err != nil {
		return nil, err
	}
	connection, spec, err := g.Creation(s, made{in})
	if err != nil {
		return nil, err
	}
	token := vim.Token{ID: g.To(s).Token().ID, Generation: run.Generation}
	return vim.Encode(vim.Reserve{VnfID: d.VnfID, Connection: connection, Fence: d.Number, Token: token, Kind: g.To(s).Kind, Spec: spec}), nil
}

// creationUndone is the command that releases what was made, whether it was or not.
func creationUndone(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	d, g, s, err := planned(in, run)
	if err != nil {
		return nil, err
	}
	token := vim.Token{ID: g.To(s).Token().ID, Generation: run.Generation}
	return vim.Encode(vim.Release{VnfID: d.VnfID, Connection: g.Connection(s), Token: token, Kind: g.To(s).Kind}), nil
}

// release is the command that releases a resource.
func release(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	d, _, s, err := planned(in, run)
	if err != nil {
		return nil, err
	}
	from := d.Plan.From(s)
	return vim.Encode(vim.Release{VnfID: d.VnfID, Connection: from.At.Connection, Token: from.Token(), Kind: from.Kind}), nil
}

// releaseUndone is the command that makes a resource again whose release is undone, with what its VIM had chosen for it.
func releaseUndone(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	d, g, s, err := planned(in, run)
	if err != nil {
		return nil, err
	}
	connection, spec, err := g.Remaking(s, made{in})
	if err != nil {
		return nil, err
	}
	return vim.Encode(vim.Reserve{
		VnfID: d.VnfID, Connection: connection, Fence: d.Number, Token: remadeToken(in, d.Plan, s), Kind: d.Plan.From(s).Kind, Spec: spec,
	}), nil
}

// remadeToken is the token of what is made again: of a generation that nothing of the plan had, also where an operator's retry
// raised it.
func remadeToken(in *saga.Instance, p *plan.Plan, s plan.Step) vim.Token {
	t := p.Undone(plan.Step{Action: plan.Release, ID: s.ID, Set: s.Set}, false).Token()
	if run := in.Item(stepCreate, s.ID); run != nil {
		t.Generation = max(t.Generation, run.Generation+1)
	}
	return t
}

// changing is the command that changes a resource.
func changing(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	d, g, s, err := planned(in, run)
	if err != nil {
		return nil, err
	}
	connection, before, after, err := g.Changing(s, made{in})
	if err != nil {
		return nil, err
	}
	to := g.To(s)
	c := vim.Change{
		VnfID: d.VnfID, Connection: connection, Fence: d.Number, Token: to.Token(), Kind: to.Kind, Revision: to.Revision, From: before, To: after,
	}
	if turnsOff(before, after) {
		c.GraceMs = d.GraceMs
	}
	return vim.Encode(c), nil
}

func turnsOff(before, after vim.Spec) bool {
	return before.Compute != nil && after.Compute != nil && before.Compute.Power != vim.PowerOff && after.Compute.Power == vim.PowerOff
}

// changeUndone is the command that changes a resource back.
func changeUndone(in *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
	d, g, s, err := planned(in, run)
	if err != nil {
		return nil, err
	}
	connection, before, after, err := g.Changing(s, made{in})
	if err != nil {
		return nil, err
	}
	form, token := changedBack(in, d.Plan, s)
	return vim.Encode(vim.Change{
		VnfID: d.VnfID, Connection: connection, Fence: d.Number, Token: token, Kind: form.Kind, Revision: form.Revision, From: after,
		To: g.Restoring(s, before),
	}), nil
}

// changedBack is the form a resource has once a change of it was undone, and the token of what is changed.
func changedBack(in *saga.Instance, p *plan.Plan, s plan.Step) (*plan.Resource, vim.Token) {
	released := in.Item(stepRelease, s.ID)
	remade := released != nil && released.State == saga.ItemUndone
	form := p.Undone(s, remade)
	if remade {
		return form, remadeToken(in, p, s)
	}
	return form, form.Token()
}

// configureStage tells the VNF its configuration, by a participant of its own.
func (s *Service) configureStage() saga.Stage {
	return saga.Stage{ID: stepConfigure, Steps: []saga.Step{{
		ID: stepConfigure, Topic: message.TopicVnfCommands, Do: configuration.TypeConfigure,
		Timeout: s.cfg.Settings.StepTimeout, Retry: s.retry(),
		Items: func(in *saga.Instance) ([]saga.Item, error) {
			d, err := dataOf(in)
			if err != nil {
				return nil, err
			}
			return []saga.Item{{ID: configurationID(d.OpID)}}, nil
		},
		DataFor: configuring,
	}}}
}

func configurationID(op string) string { return tell.Token(op) }

// configuring is the command that configures the VNF: what the request gave, the grant's parameters over it, and the computes by
// the VIM's ids.
func configuring(in *saga.Instance, _ *saga.ItemRun) (json.RawMessage, error) {
	d, err := dataOf(in)
	if err != nil {
		return nil, err
	}
	g, err := d.grantedTo(in)
	if err != nil {
		return nil, err
	}
	c := tell.Filled(*d.Configure, d.Plan, &plan.Outcome{Resolver: g.Resolver, Made: made{in}})
	c.Params = overlaid(c.Params, g.grant.AdditionalParams)
	return vim.Encode(c), nil
}

// overlaid lays parameters over others.
func overlaid(params json.RawMessage, over map[string]json.RawMessage) json.RawMessage {
	if len(over) == 0 {
		return params
	}
	all := map[string]json.RawMessage{}
	if len(params) > 0 {
		if err := json.Unmarshal(params, &all); err != nil || all == nil {
			all = map[string]json.RawMessage{}
		}
	}
	for k, v := range over {
		all[k] = v
	}
	return vim.Encode(all)
}
