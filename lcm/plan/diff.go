package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
)

// differ makes the stages of a plan.
type differ struct {
	Options
	plan *Plan
	now  map[string]*Resource // the set reached so far
	// holders are ports that change and hold an address or a MAC that another one is to have: they let go of it first.
	holders map[string]bool
}

// exchanged finds the ports that must let go of what they hold before another can have it: they cannot be changed where they stand.
func (d *differ) exchanged() {
	d.holders = map[string]bool{}
	wanted := map[string]string{} // port by what it is to have
	for i := range d.plan.Want.Resources {
		r := &d.plan.Want.Resources[i]
		if r.Spec.Port == nil {
			continue
		}
		for _, ip := range r.Spec.Port.FixedIPs {
			wanted[r.Spec.Port.Network+" "+ip.Address] = r.ID
		}
		wanted[r.Spec.Port.Network+" "+r.Spec.Port.MAC] = r.ID
	}
	for id, r := range d.now {
		next := d.plan.Want.resource(id)
		if r.Spec.Port == nil || r.At == nil || next == nil || len(vim.Differences(r.Spec, next.Spec)) == 0 {
			continue
		}
		holds := func(what string) bool {
			by := wanted[r.Spec.Port.Network+" "+what]
			return what != "" && by != "" && by != id
		}
		d.holders[id] = holds(r.At.MAC) || slices.ContainsFunc(r.At.Addresses, func(ip vim.IP) bool { return holds(ip.Address) })
	}
}

// way adds a set between the first and the last.
func (d *differ) way(w Way) error {
	set := len(d.plan.Ways)
	next := Way{Name: w.Name, Optional: w.Optional, Resources: slices.Clone(w.Resources)}
	at := map[int][]Step{}
	for i := range next.Resources {
		to := &next.Resources[i]
		from := d.now[to.ID]
		if from == nil {
			return vnfm.Errorf(vnfm.Internal, "the resource %s is changed and not held", to.ID)
		}
		to.Generation, to.Revision, to.At = from.Generation, from.Revision+1, from.At
		stage := StageOf(to.Kind)
		at[stage] = append(at[stage], Step{Action: Change, ID: to.ID, Set: set, Why: vim.Differences(from.Spec, to.Spec)})
	}
	d.plan.Ways = append(d.plan.Ways, next)
	for i := range next.Resources {
		d.now[next.Resources[i].ID] = &next.Resources[i]
	}
	for stage := 1; stage <= stages; stage++ {
		if len(at[stage]) > 0 {
			d.plan.Stages = append(d.plan.Stages, Stage{ID: w.Name, Optional: w.Optional, Steps: at[stage]})
		}
	}
	return nil
}

// last adds the stages that lead to what is wanted.
func (d *differ) last() error {
	want := d.plan.Want
	want.Index()
	d.exchanged()
	if len(want.index) != len(want.Resources) {
		return vnfm.Errorf(vnfm.Internal, "a resource is wanted twice")
	}
	order := make([]*Resource, 0, len(want.Resources))
	for i := range want.Resources {
		order = append(order, &want.Resources[i])
	}
	slices.SortStableFunc(order, func(a, b *Resource) int { return StageOf(a.Kind) - StageOf(b.Kind) })
	var fate fates
	for again := true; again; { // once more after resources were let go of what must be released first
		fate = fates{steps: map[string]Step{}, replaced: map[string]bool{}, first: map[string]bool{}, felt: map[string]bool{}}
		for _, r := range order {
			if err := d.decide(r, &fate); err != nil {
				return err
			}
		}
		d.releaseFirst(order, &fate)
		way := d.letGo(order, &fate)
		if again = len(way.Resources) > 0; again {
			if err := d.way(way); err != nil {
				return err
			}
		}
	}
	d.assemble(order, &fate)
	return nil
}

// fates is what becomes of each resource.
type fates struct {
	steps    map[string]Step // creations and changes
	replaced map[string]bool
	felt     map[string]bool // of these, what others have: they are to have the new one
	first    map[string]bool // released before anything is created
}

// decide sets generation and revision of a wanted resource, and says whether it is kept, created, changed or replaced.
func (d *differ) decide(r *Resource, f *fates) error {
	for _, ref := range references(&r.Spec) {
		if id, ok := strings.CutPrefix(ref, refPlan); ok && d.plan.Want.resource(id) == nil {
			return vnfm.Errorf(vnfm.Internal, "%s %s refers to %s, which is not wanted", r.Kind, r.Name(), id)
		}
	}
	set := len(d.plan.Ways)
	from := d.now[r.ID]
	if from == nil {
		r.Generation, r.Revision = max(r.Generation, 1), 1
		f.steps[r.ID] = Step{Action: Create, ID: r.ID, Set: set}
		return nil
	}
	r.At, r.Unsure, r.Drift, r.Lost = from.At, false, nil, false
	asked := r.Generation > from.Generation
	why := vim.Differences(from.Spec, d.rebooted(r, marked(r.Spec, f.felt)))
	for _, a := range from.Drift {
		if !slices.Contains(why, a) {
			why = append(why, a)
		}
	}
	switch {
	case !asked && len(why) == 0 && !from.Unsure:
		r.Generation, r.Revision = from.Generation, from.Revision
	case !asked && !d.holders[r.ID] && d.inPlace(from, why):
		r.Generation, r.Revision = from.Generation, from.Revision+1
		f.steps[r.ID] = Step{Action: Change, ID: r.ID, Set: set, Why: why}
	default:
		r.Generation, r.Revision, r.At = max(r.Generation, from.Generation+1, from.Tried+1), 1, nil
		r.Tried = 0
		if lends(r.Kind) { // what it was made for may be there no more
			r.Had = from.At
		}
		if r.Definition != "" && r.Definition == from.Definition { // a grant decides about what goes and about what comes
			r.Definition = r.ID + "-" + strconv.Itoa(r.Generation)
		}
		f.replaced[r.ID], f.felt[r.ID] = true, !lends(r.Kind)
		f.steps[r.ID] = Step{Action: Create, ID: r.ID, Set: set, Why: why, Replaces: true}
		if once := kindOf(r.Kind).once; once != nil && once(from, r) || d.holders[r.ID] {
			f.first[r.ID] = true
		}
	}
	return nil
}

func (d *differ) inPlace(from *Resource, why []vim.Attribute) bool {
	return from.At != nil && d.InPlace[from.At.Connection].Can(from.Kind, why...)
}

// marked is a specification in which references to what is replaced differ from those to what it replaces.
func marked(spec vim.Spec, replaced map[string]bool) vim.Spec {
	if len(replaced) == 0 {
		return spec
	}
	out, _ := mapReferences(spec, func(ref string) (string, error) { // the function given never fails
		if id, ok := strings.CutPrefix(ref, refPlan); ok && replaced[id] {
			return ref + "#next", nil
		}
		return ref, nil
	})
	return out
}

// rebooted is a specification that differs where its boot data say something else than before.
func (d *differ) rebooted(r *Resource, spec vim.Spec) vim.Spec {
	if spec.Compute == nil || !d.plan.Want.Rebooted[r.Template] || !strings.HasPrefix(spec.Compute.UserData, refBoot) {
		return spec
	}
	c := *spec.Compute
	c.UserData += "#next"
	spec.Compute = &c
	return spec
}

// releaseFirst adds what else is to be released before anything is created: resources that are not wanted any more and hold
// an address that another is to have, and those that refer to what is released first.
func (d *differ) releaseFirst(order []*Resource, f *fates) {
	taken := map[string]bool{}
	for _, r := range order {
		if _, ok := f.steps[r.ID]; ok && r.Spec.Port != nil {
			for _, ip := range r.Spec.Port.FixedIPs {
				taken[ip.Address] = ip.Address != ""
			}
			taken[r.Spec.Port.MAC] = r.Spec.Port.MAC != ""
		}
	}
	for _, r := range d.leaving() {
		at := At{}
		if r.At != nil {
			at = *r.At
		}
		if r.Spec.Port != nil {
			holds := taken[r.Spec.Port.MAC] || taken[at.MAC] ||
				slices.ContainsFunc(r.Spec.Port.FixedIPs, func(ip vim.FixedIP) bool { return taken[ip.Address] }) ||
				slices.ContainsFunc(at.Addresses, func(ip vim.IP) bool { return taken[ip.Address] })
			if holds {
				f.first[r.ID] = true
			}
		}
		for _, ref := range references(&r.Spec) {
			if f.first[strings.TrimPrefix(ref, refPlan)] {
				f.first[r.ID] = true
			}
		}
	}
}

// leaving returns what stands and is not wanted any more, in the order of creation.
func (d *differ) leaving() []*Resource {
	var out []*Resource
	for id, r := range d.now {
		if d.plan.Want.resource(id) == nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Resource) int {
		if n := StageOf(a.Kind) - StageOf(b.Kind); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// letGo is the way on which computes that stay let go of ports and volumes that are released first.
func (d *differ) letGo(order []*Resource, f *fates) Way {
	w := Way{Name: "detach"}
	for _, r := range order {
		from := d.now[r.ID]
		if from == nil || f.replaced[r.ID] || from.Spec.Compute == nil {
			continue
		}
		gone := func(ref string) bool { id, ok := strings.CutPrefix(ref, refPlan); return ok && f.first[id] }
		c := *from.Spec.Compute
		without := func(gone func(ref string) bool) {
			c.Ports = slices.DeleteFunc(slices.Clone(c.Ports), gone)
			c.Volumes = slices.DeleteFunc(slices.Clone(c.Volumes), func(v vim.VolumeRef) bool { return gone(v.ID) })
		}
		without(gone)
		if len(c.Ports) == len(from.Spec.Compute.Ports) && len(c.Volumes) == len(from.Spec.Compute.Volumes) {
			continue
		}
		without(func(ref string) bool {
			id, ok := strings.CutPrefix(ref, refPlan)
			return ok && d.now[id] != nil && d.now[id].Lost
		})
		detached := *from
		detached.Spec.Compute = &c
		w.Resources = append(w.Resources, detached)
	}
	return w
}

// assemble puts the steps into stages: what must go first, then creations and changes in the order of kinds, then what is not
// wanted any more. Releases go backwards.
func (d *differ) assemble(order []*Resource, f *fates) {
	set := len(d.plan.Ways)
	rolling := d.rolling(order, f)
	var first, after [stages + 1][]Step
	for id := range f.first {
		if rolling[id] {
			continue
		}
		r := d.now[id]
		s := Step{Action: Release, ID: id, Set: set}
		if f.replaced[id] {
			s.Replaces, s.Why = true, f.steps[id].Why
		}
		first[StageOf(r.Kind)] = append(first[StageOf(r.Kind)], s)
	}
	for _, id := range sorted(f.replaced) {
		if r := d.now[id]; !f.first[id] {
			after[StageOf(r.Kind)] = append(after[StageOf(r.Kind)], Step{Action: Release, ID: id, Set: set, Replaces: true, Why: f.steps[id].Why})
		}
	}
	for _, r := range d.leaving() {
		if !f.first[r.ID] {
			after[StageOf(r.Kind)] = append(after[StageOf(r.Kind)], Step{Action: Release, ID: r.ID, Set: set})
		}
	}
	var made [stages + 1][]Step
	for _, r := range order {
		if s, ok := f.steps[r.ID]; ok && !rolling[r.ID] {
			made[StageOf(r.Kind)] = append(made[StageOf(r.Kind)], s)
		}
	}
	d.releases("clear-", &first)
	if slices.ContainsFunc(order, func(r *Resource) bool {
		_, ok := f.steps[r.ID]
		return ok && slices.ContainsFunc(lent(&r.Spec), d.plan.Want.makeable)
	}) {
		d.plan.Stages = append(d.plan.Stages, Stage{ID: stageAssets, Assets: true})
	}
	for n := 1; n <= stages; n++ {
		if n == StageOf(vim.Compute)+1 {
			d.batches(order, f, rolling)
		}
		if len(made[n]) == 0 {
			continue
		}
		if n == StageOf(vim.Port) {
			d.plan.Stages = append(d.plan.Stages,
				Stage{ID: "fixed-" + stageName(n), Steps: made[n], Ports: GivenAddresses},
				Stage{ID: stageName(n), Steps: made[n], Ports: ChosenAddresses})
			continue
		}
		computes, units := d.ranked(made[n])
		if len(computes) > 0 {
			d.plan.Stages = append(d.plan.Stages, Stage{ID: stageName(n), Steps: computes})
		}
		for i, steps := range units {
			if len(steps) > 0 {
				d.plan.Stages = append(d.plan.Stages, Stage{ID: rankName(i), Steps: steps})
			}
		}
	}
	d.releases("release-", &after)
}

// ranked parts the steps about units from the others, by the order of their kinds.
func (d *differ) ranked(steps []Step) (others []Step, units [][]Step) {
	for _, s := range steps {
		r := d.now[s.ID]
		if r == nil || s.Action != Release {
			r = d.plan.Want.resource(s.ID)
		}
		if r == nil || r.Kind != vim.Unit {
			others = append(others, s)
			continue
		}
		n := rank(r)
		for len(units) <= n {
			units = append(units, nil)
		}
		units[n] = append(units[n], s)
	}
	return others, units
}

// rolling are the machines that are changed, or made again, in batches: those that stand, and of which nothing else is released first,
// so that they need not go before others have come.
func (d *differ) rolling(order []*Resource, f *fates) map[string]bool {
	out := map[string]bool{}
	if d.Batch <= 0 {
		return out
	}
	for _, r := range order {
		from := d.now[r.ID]
		if _, ok := f.steps[r.ID]; !ok || from == nil || from.Spec.Compute == nil {
			continue
		}
		out[r.ID] = !slices.ContainsFunc(references(&from.Spec), func(ref string) bool { return f.first[strings.TrimPrefix(ref, refPlan)] })
	}
	return out
}

// batches adds the stages of rolling machines: of each batch those that are made again go before they come.
func (d *differ) batches(order []*Resource, f *fates, rolling map[string]bool) {
	set := len(d.plan.Ways)
	var all []*Resource
	for _, r := range order {
		if rolling[r.ID] {
			all = append(all, r)
		}
	}
	n := 0
	for batch := range slices.Chunk(all, max(d.Batch, 1)) {
		n++
		var gone, come []Step
		for _, r := range batch {
			s := f.steps[r.ID]
			if s.Replaces {
				gone = append(gone, Step{Action: Release, ID: r.ID, Set: set, Replaces: true, Why: s.Why})
			}
			come = append(come, s)
		}
		if len(gone) > 0 {
			d.plan.Stages = append(d.plan.Stages, Stage{ID: "clear-batch-" + strconv.Itoa(n), Steps: gone})
		}
		d.plan.Stages = append(d.plan.Stages, Stage{ID: "batch-" + strconv.Itoa(n), Steps: come})
	}
}

func (d *differ) releases(prefix string, by *[stages + 1][]Step) {
	for n := stages; n >= 1; n-- {
		if len(by[n]) > 0 {
			slices.SortFunc(by[n], func(a, b Step) int {
				return cmp.Or(cmp.Compare(place(d.now[a.ID].Kind), place(d.now[b.ID].Kind)), cmp.Compare(a.ID, b.ID))
			})
			others, units := d.ranked(by[n])
			for i, steps := range slices.Backward(units) {
				if len(steps) > 0 {
					d.plan.Stages = append(d.plan.Stages, Stage{ID: prefix + rankName(i), Steps: steps})
				}
			}
			if len(others) > 0 {
				d.plan.Stages = append(d.plan.Stages, Stage{ID: prefix + stageName(n), Steps: others})
			}
		}
	}
}

// stageName names a stage of creation after its first kind.
func stageName(n int) string {
	for _, k := range kinds {
		if k.stage == n {
			return k.plural
		}
	}
	return strconv.Itoa(n)
}
