package plan

import (
	"fmt"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
)

// Plan leads from the resources a VNF has to those it shall have. It is fixed before the grant is asked for; what the grant
// decides is filled in when a step is taken (Resolver).
type Plan struct {
	// Held are the resources the VNF has, and Want what it shall consist of. Every resource in Want has generation and
	// revision.
	Held []Resource `json:"held,omitempty"`
	Want *Wanted    `json:"want"`
	// Ways are the forms that resources take between the two.
	Ways   []Way   `json:"ways,omitempty"`
	Stages []Stage `json:"stages,omitempty"`

	forms []map[string]*Resource // by set: Held, after each way, Want
}

// Way is a set of resources between the first and the last, as what differs from the set before. It only changes resources
// in place.
type Way struct {
	Name      string     `json:"name"` // of its stage
	Resources []Resource `json:"resources"`
	// Optional: what cannot be changed so does not keep the operation from going on.
	Optional bool `json:"optional,omitempty"`
}

// Stage is a set of steps that are taken at once; the next one begins when all of them are done.
type Stage struct {
	ID    string `json:"id"`
	Steps []Step `json:"steps"`
	// Optional: a step that fails for good is a warning.
	Optional bool `json:"optional,omitempty"`
	// Ports, when set, says which ports the stage is about: those with given addresses, or those whose addresses the VIM
	// chooses, as known once the grant is there. The steps of the others belong to another stage.
	Ports Ports `json:"ports,omitempty"`
	// Assets: the stage makes the images and flavours that the grant has made. Which these are is not known before: it has no Steps.
	Assets bool `json:"assets,omitempty"`
}

// Ports tells ports by their addresses.
type Ports string

// Given addresses are taken before a VIM chooses others: it could choose one that another port must have.
const (
	GivenAddresses  Ports = "given"
	ChosenAddresses Ports = "chosen"
)

// Action is what a step does to a resource.
type Action string

// The actions. A replacement is a release and a creation of the next generation.
const (
	Create  Action = "create"
	Change  Action = "change"
	Release Action = "release"
)

// Step is one thing that is done to one resource.
type Step struct {
	Action Action `json:"action"`
	ID     string `json:"id"` // of the resource
	// Set is the number of the set the step starts from: 0 for Held. It leads to the next one.
	Set int `json:"set,omitempty"`
	// Replaces: the step is half of a replacement.
	Replaces bool `json:"replaces,omitempty"`
	// Why names the attributes that differ, for a change and a replacement; none where a replacement was asked for.
	Why []vim.Attribute `json:"why,omitempty"`
}

// From returns the form of a step's resource before it; nil for a creation that replaces nothing.
func (p *Plan) From(s Step) *Resource { return p.form(s.Set, s.ID) }

// To returns the form of a step's resource after it; nil for a release that nothing replaces.
func (p *Plan) To(s Step) *Resource { return p.form(s.Set+1, s.ID) }

func (p *Plan) form(set int, id string) *Resource {
	if p.forms == nil {
		p.Index()
	}
	return p.forms[set][id]
}

// Has returns the form in which a resource was found; false when the VNF did not have it.
func (p *Plan) Has(id string) (*Resource, bool) {
	r := p.form(0, id)
	return r, r != nil
}

// Index prepares for finding forms of resources. It is to be called once after decoding, before a Plan is shared.
func (p *Plan) Index() {
	if p.Want == nil {
		p.Want = &Wanted{}
	}
	p.Want.Index()
	set := make(map[string]*Resource, len(p.Held))
	for i := range p.Held {
		set[p.Held[i].ID] = &p.Held[i]
	}
	p.forms = []map[string]*Resource{set}
	for _, w := range p.Ways {
		next := make(map[string]*Resource, len(set))
		for id, r := range set {
			next[id] = r
		}
		for i := range w.Resources {
			next[w.Resources[i].ID] = &w.Resources[i]
		}
		set = next
		p.forms = append(p.forms, set)
	}
	last := make(map[string]*Resource, len(p.Want.Resources))
	for i := range p.Want.Resources {
		last[p.Want.Resources[i].ID] = &p.Want.Resources[i]
	}
	p.forms = append(p.forms, last)
}

// changedAfter returns how often a resource is changed by the steps of a plan that start from a set after the one given.
func (p *Plan) changedAfter(id string, set int) int {
	n := 0
	for k := set + 1; k+1 < len(p.forms); k++ {
		a, b := p.forms[k][id], p.forms[k+1][id]
		if a != nil && b != nil && a.Generation == b.Generation && a.Revision != b.Revision {
			n++
		}
	}
	return n
}

// highest returns the highest revision a plan gives one allocation of a resource.
func (p *Plan) highest(t vim.Token) int {
	n := 0
	for _, set := range p.forms {
		if r := set[t.ID]; r != nil && r.Token() == t {
			n = max(n, r.Revision)
		}
	}
	return n
}

// Undone returns the form a resource has once a step was undone; nil when it then is no more. A change is undone by a change
// with a revision that no other command of the plan has; what was released is made again in a generation of its own. remade
// says that a later release of the resource was undone so before: then it is that generation which is changed back.
func (p *Plan) Undone(s Step, remade bool) *Resource {
	from := p.From(s)
	if s.Action == Create {
		return nil
	}
	r := *from
	switch {
	case s.Action == Release:
		r.Generation, r.Revision = p.generations(s.ID)+1, 1
	case remade:
		r.Generation, r.Revision = p.generations(s.ID)+1, p.changedAfter(s.ID, s.Set)+2
	default:
		r.Revision = p.highest(from.Token()) + p.changedAfter(s.ID, s.Set) + 1
	}
	return &r
}

// generations returns the highest generation a plan gives a resource.
func (p *Plan) generations(id string) int {
	n := 1
	for _, set := range p.forms {
		if r := set[id]; r != nil {
			n = max(n, r.Generation)
		}
	}
	return n
}

// Options are what a plan follows beside the two sets.
type Options struct {
	// InPlace says what may be changed of a resource where it stands, by VIM connection. What else differs is replaced.
	InPlace map[string]vim.InPlace
	// Ways are the forms that resources the VNF has take on the way. Their generation and revision are set by New.
	Ways []Way
	// Batch is how many machines that stand are changed, or made again, at once; 0: all. The next ones wait until these are ready.
	Batch int
	// Rules, when set, are what binds the resources that are replaced, for their grant.
	Rules func(replaced map[string]bool) []Rule
}

// New makes the plan that leads from the resources that a VNF has to those it shall have. A resource of both sets is kept,
// changed or replaced: replaced when more differs than may be changed in place, or when the generation wanted is higher.
// Returns Internal when a set is no set, or something wanted refers to what is not.
func New(have []Resource, want *Wanted, o Options) (*Plan, error) {
	p := &Plan{Held: have, Want: want}
	d := differ{Options: o, plan: p, now: make(map[string]*Resource, len(have))}
	for i := range have {
		r := &p.Held[i]
		r.Generation, r.Revision = max(r.Generation, 1), max(r.Revision, 1)
		if d.now[r.ID] != nil {
			return nil, vnfm.Errorf(vnfm.Internal, "the resource %s is held twice", r.ID)
		}
		d.now[r.ID] = r
	}
	for _, w := range o.Ways {
		if err := d.way(w); err != nil {
			return nil, err
		}
	}
	if err := d.last(); err != nil {
		return nil, err
	}
	p.Index()
	if o.Rules != nil {
		again := map[string]bool{}
		for _, s := range p.Steps() {
			again[s.ID] = again[s.ID] || s.Replaces
		}
		want.Rules = append(want.Rules, o.Rules(again)...)
	}
	return p, nil
}

// Count returns how many resources are created, changed, replaced and released.
func (p *Plan) Count() (create, change, replace, release int) {
	for _, s := range p.Steps() {
		switch {
		case s.Replaces && s.Action == Create:
			replace++
		case s.Replaces:
		case s.Action == Create:
			create++
		case s.Action == Change:
			change++
		default:
			release++
		}
	}
	return create, change, replace, release
}

// Steps returns the steps of all stages, each once, in order.
func (p *Plan) Steps() []Step {
	var out []Step
	for _, s := range p.Stages {
		if s.Ports != ChosenAddresses { // the steps of both stages of ports are the same
			out = append(out, s.Steps...)
		}
	}
	return out
}

// String describes a step for an error or a log.
func (s Step) String() string { return fmt.Sprintf("%s %s", s.Action, s.ID) }

func sorted(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for id := range m {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}
