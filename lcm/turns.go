package lcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// planOp is what any operation makes of the turns of its plan's saga. What the instance is afterwards is the operation's own
// (landings).
type planOp struct{ s *Service }

var _ operation = planOp{}

// landings say what a completed operation makes of the instance, from its data and what was made.
//
//nolint:gochecknoglobals // data
var landings = map[vnf.Operation]func(s *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error){
	vnf.OpInstantiate:   landInstantiate,
	vnf.OpTerminate:     landTerminate,
	vnf.OpOperate:       landOperate,
	vnf.OpScale:         landResize,
	vnf.OpScaleToLevel:  landResize,
	vnf.OpHeal:          landHeal,
	vnf.OpChangeExtConn: landConnect,
	vnf.OpChangeFlavour: landFlavour,
	vnf.OpChangeVnfPkg:  landPackage,

	vnf.OpCreateSnapshot:   landSnapshot,
	vnf.OpRevertToSnapshot: landRevert,
}

func (op planOp) warnings(in *saga.Instance) []string {
	d, err := dataOf(in)
	if err != nil {
		return nil
	}
	return d.Plan.Want.Warnings
}

// outcome returns the plan's data and what was made.
func outcome(in *saga.Instance) (*planData, *plan.Outcome, error) {
	d, err := dataOf(in)
	if err != nil {
		return nil, nil, err
	}
	g, err := d.grantedTo(in)
	if err != nil {
		return d, nil, vnfm.Wrap(vnfm.Internal, err, "operation %s", in.ID)
	}
	return d, &plan.Outcome{Resolver: g.Resolver, Made: made{in}}, nil
}

// done records what an item has changed.
func (op planOp) done(in *saga.Instance, run *saga.ItemRun, v *vnf.Instance) ([]vnf.OpCommand, error) {
	if run.Step == stepConfigure || run.Step == stepCoordinate {
		return nil, nil
	}
	d, o, err := outcome(in)
	if err != nil {
		return nil, err
	}
	s, ok := d.granted.step(run)
	if !ok {
		return nil, nil
	}
	if s.Action == plan.Release {
		e := d.Plan.Released(v, s)
		if made := in.Item(stepCreate, s.ID); s.Replaces && made != nil && made.State == saga.ItemDone { // what takes its place was told
			e = &vnf.ResourceReleased{ID: e.ID, Kind: e.Kind}
		}
		e.Step = run.Step
		return []vnf.OpCommand{vnf.Record{Event: e}}, nil
	}
	res, ok := resultOf(run)
	if !ok {
		return nil, vnfm.Errorf(vnfm.Invalid, "the result of %s %s is empty", run.Step, run.Item)
	}
	var out []vnf.OpCommand
	if s.Action == plan.Create {
		e := o.Reserved(s, res)
		e.Step = run.Step
		out = append(out, vnf.Record{Event: e})
	} else {
		e := o.Changed(s, o.To(s).Revision)
		e.Step = run.Step
		out = append(out, vnf.Record{Event: e})
	}
	for _, w := range res.Warnings {
		out = append(out, vnf.Record{Event: &vnf.OpWarned{Text: w}})
	}
	return out, nil
}

// undone records that what an item had changed was undone.
func (op planOp) undone(in *saga.Instance, run *saga.ItemRun, v *vnf.Instance) ([]vnf.OpCommand, error) {
	e := &vnf.ResourceUndone{ID: resourceOf(run.Item), Step: run.Step}
	if d, _, err := outcome(in); err == nil {
		if s, ok := d.granted.step(run); ok && s.Replaces && s.Action == plan.Create {
			if released := in.Item(stepRelease, s.ID); released != nil && released.State == saga.ItemDone {
				was := d.Plan.Released(v, s)
				e.Vnfc, e.Link, e.ExtPort, e.Storage = was.Vnfc, was.Link, was.ExtPort, was.Storage
			}
		}
	}
	return []vnf.OpCommand{vnf.Record{Event: e}}, nil
}

// progress is how far items got, for the entries of the operation's progress.
func (op planOp) progress(in *saga.Instance, runs []*saga.ItemRun) []vnf.ProgressMade {
	d, err := dataOf(in)
	if err != nil {
		return nil
	}
	var out []vnf.ProgressMade
	for _, run := range runs {
		if run.Step == stepGrant {
			continue
		}
		p := vnf.ProgressMade{Step: run.Step, ID: resourceOf(run.Item), State: progressOf(run), Attempt: run.Attempt}
		if g, err := d.grantedTo(in); err == nil { // an entry that was not planned: a server group at a second VIM
			if s, ok := g.step(run); ok && d.Plan.From(s) == nil && d.Plan.To(s) == nil {
				p.Kind, p.Name = string(g.To(s).Kind), g.To(s).Name()
			}
		}
		if run.Cause != nil && p.State != vnf.ProgressDone && p.State != vnf.ProgressUndone {
			p.Reason = run.Cause.Reason
		}
		out = append(out, p)
	}
	return out
}

// passed is for what was planned, and is not done since the grant has put something else in its place.
func (op planOp) passed(in *saga.Instance) []vnf.ProgressMade {
	d, err := dataOf(in)
	if err != nil {
		return nil
	}
	g, err := d.grantedTo(in)
	if err != nil {
		return nil
	}
	var out []vnf.ProgressMade
	for i := range d.Plan.Stages {
		st := &d.Plan.Stages[i]
		for _, s := range st.Steps {
			if _, taken := g.steps[stepOf(st, s)+" "+itemOf(s)]; !taken && st.Ports != plan.ChosenAddresses {
				out = append(out, vnf.ProgressMade{Step: stepOf(st, s), ID: s.ID, State: vnf.ProgressSkipped})
			}
		}
	}
	return out
}

// steps lists what a plan means to do, for the operation's progress.
func (d *planData) steps() []vnf.PlannedStep {
	var out []vnf.PlannedStep
	seen := map[string]bool{}
	for i := range d.Plan.Stages {
		st := &d.Plan.Stages[i]
		for _, s := range st.Steps {
			r := d.Plan.To(s)
			if r == nil {
				r = d.Plan.From(s)
			}
			p := vnf.PlannedStep{Step: stepOf(st, s), ID: s.ID, Kind: string(r.Kind), Name: r.Name()}
			if key := p.Step + p.ID; !seen[key] {
				seen[key] = true
				out = append(out, p)
			}
		}
	}
	coordinations := func(stage string) (out []vnf.PlannedStep) {
		for _, c := range d.Coordinations {
			if c.Stage == stage {
				out = append(out, vnf.PlannedStep{Step: stepCoordinate, ID: c.Command.Token, Kind: "coordination", Name: c.Command.Action})
			}
		}
		return out
	}
	out = slices.Concat(coordinations(vnfd.CoordinateAtStart), out, coordinations(""))
	if d.Configure != nil {
		out = append(out, vnf.PlannedStep{
			Step: stepConfigure, ID: configurationID(d.OpID), Kind: string(vim.Configuration), Name: d.Configure.Name,
		})
	}
	return append(out, coordinations(vnfd.CoordinateAtEnd)...)
}

func (op planOp) landed(in *saga.Instance, v *vnf.Instance) (vnf.InstanceCommand, error) {
	d, o, err := outcome(in)
	if err != nil {
		return nil, err
	}
	land := landings[d.Operation]
	if land == nil {
		return nil, vnfm.Errorf(vnfm.Internal, "nobody knows what %s makes of the instance", d.Operation)
	}
	return land(op.s, v, d, o)
}

// failed is what an operation that was given up leaves: what it released is gone, what it made and was not undone is left over,
// and what it changed is as far as it got.
func (op planOp) failed(in *saga.Instance, v *vnf.Instance) (vnf.OperationFailed, error) {
	f := vnf.OperationFailed{OpID: in.ID}
	d, o, err := outcome(in)
	if err != nil { // there is no grant: nothing was begun
		return f, nil //nolint:nilerr // said above
	}
	standing := standingOf(in)
	for _, run := range in.Items {
		s, ok := d.granted.step(run)
		if !ok {
			continue
		}
		switch s.Action {
		case plan.Create:
			if s.Replaces && run.State == saga.ItemDone && !released(in, s) { // both generations stand
				if inUse(in, d, s) {
					f.Leftovers = append(f.Leftovers, leftOf(d.Plan.From(s)))
				} else {
					f.Leftovers = append(f.Leftovers, op.leftover(in, d, o, s, run))
				}
			}
			if s.Replaces && (run.State == saga.ItemDone || released(in, s)) {
				continue // the VNF has it, or has it as what may be gone
			}
			if standing[run] {
				f.Leftovers = append(f.Leftovers, op.leftover(in, d, o, s, run))
			}
		case plan.Release:
			switch {
			case s.Replaces, d.Beside: // the VNF has what takes its place, or has it as what may be gone
			case run.State == saga.ItemDone:
				f.Released = append(f.Released, s.ID)
			case standing[run]: // it goes as soon as it can: the VNF has it no more
				f.Released = append(f.Released, s.ID)
				f.Leftovers = append(f.Leftovers, op.doomed(in, d, s, run))
			}
		case plan.Change:
		}
	}
	f.ScaleStatus = d.left(v.Info, f.Released)
	d.orphaned(v, &f)
	if f.Changed, err = op.changed(in, v, d, o); err != nil {
		return f, err
	}
	f.Connected = connectedSoFar(in, v, d, o)
	return f, needed(d, o, &f)
}

// needed takes what resources of the instance refer to, in the form in which they were left, out of what is left over: the instance has
// it from now on.
func needed(d *planData, o *plan.Outcome, f *vnf.OperationFailed) error {
	refers := map[string]bool{}
	for i := range f.Changed {
		r, err := plan.Held(&f.Changed[i])
		if err != nil {
			return err
		}
		for _, id := range r.Refers() {
			_, held := d.Plan.Has(id)
			refers[id] = !held
		}
	}
	var left []vnf.Resource
	for _, l := range f.Leftovers {
		form, err := o.Stands(l.ID)
		if err != nil || form == nil || !refers[l.ID] {
			left = append(left, l)
			continue
		}
		form.Generation = l.Generation
		r, err := record(o, form)
		if err != nil {
			return err
		}
		f.Made = append(f.Made, r)
	}
	f.Leftovers = left
	return nil
}

// inUse reports whether what was made in place of a resource is what others have now: those that refer to it were changed, or made
// again, or there are none. Otherwise they have what it was to replace.
func inUse(in *saga.Instance, d *planData, s plan.Step) bool {
	refer := false
	for _, key := range d.granted.users[referred{s.ID, s.Set}] {
		if d.granted.steps[key].ID == s.ID {
			continue
		}
		step, item, _ := strings.Cut(key, " ")
		if run := in.Item(step, item); run != nil && run.State == saga.ItemDone {
			return true
		}
		refer = true
	}
	return !refer
}

// released reports whether a step's resource was released, and not made again.
func released(in *saga.Instance, s plan.Step) bool {
	run := in.Item(stepRelease, s.ID)
	return run != nil && run.State == saga.ItemDone
}

// leftOf is a resource as the instance lists what is left over: nothing of it is made or changed any more.
func leftOf(from *plan.Resource) vnf.Resource {
	t := from.Token()
	return vnf.Resource{
		ID: t.ID, Generation: t.Generation, Kind: string(from.Kind), Name: from.Name(), Template: from.Template, Definition: from.Definition,
		Connection: from.At.Connection, VimID: from.At.ID, VimType: from.At.Type, Zone: from.At.Zone, Stage: plan.StageOf(from.Kind),
	}
}

// standingOf is the items of which something may stand, those among them that an operator has skipped.
func standingOf(in *saga.Instance) map[*saga.ItemRun]bool {
	out := map[*saga.ItemRun]bool{}
	for _, run := range in.Standing() {
		out[run] = true
	}
	for _, run := range in.Items {
		if skipped(run) {
			out[run] = true
		}
	}
	return out
}

// skipped reports whether an operator has left behind what may stand of an item.
func skipped(run *saga.ItemRun) bool { return run.State == saga.ItemSkipped && run.EverSent }

// leftover is what a creation left, as the instance lists it.
func (op planOp) leftover(in *saga.Instance, d *planData, o *plan.Outcome, s plan.Step, run *saga.ItemRun) vnf.Resource {
	to := o.To(s)
	r := vnf.Resource{
		ID: s.ID, Generation: run.Generation, Kind: string(to.Kind), Name: to.Name(), Template: to.Template, Definition: to.Definition,
		Connection: o.Connection(s), Stage: plan.StageOf(to.Kind),
	}
	if res, ok := resultOf(run); ok {
		r.VimID, r.VimType, r.Zone = res.ID, res.Type, res.Zone
	}
	return r
}

// doomed is what a release left that was asked for and not answered, or refused: its tombstone stands. Where undoing it had begun, it
// is what was made again.
func (op planOp) doomed(in *saga.Instance, d *planData, s plan.Step, run *saga.ItemRun) vnf.Resource {
	from := *d.Plan.From(s)
	if run.Undo > 0 {
		from.Generation, from.At = remadeToken(in, d.Plan, s).Generation, &plan.At{Connection: from.At.Connection}
	}
	return leftOf(&from)
}

// changed lists resources of the instance that the operation has left in another form than it had found them in: changed, changed
// back, or made again. What may have been gone before may be so still, unless a VIM has said since that it stands.
func (op planOp) changed(in *saga.Instance, v *vnf.Instance, d *planData, o *plan.Outcome) ([]vnf.Resource, error) {
	doubtful := map[string]bool{}
	for i := range v.Resources {
		if r := &v.Resources[i]; r.MayBeGone {
			doubtful[r.ID] = true
		}
	}
	forms := map[string]*plan.Resource{}
	unsure, mayBeGone, standing := map[string]bool{}, map[string]bool{}, standingOf(in)
	var order []string
	note := func(r *plan.Resource, sure bool) {
		if _, ok := forms[r.ID]; !ok {
			order = append(order, r.ID)
		}
		forms[r.ID], unsure[r.ID] = r, !sure
	}
	for _, run := range in.Items {
		s, ok := d.granted.step(run)
		if !ok || !run.EverSent {
			continue
		}
		switch {
		case s.Action == plan.Create && s.Replaces:
			form, gone := op.replaced(in, d, o, s, run)
			if form != nil {
				mayBeGone[s.ID] = gone || doubtful[s.ID] && form.Generation == d.Plan.From(s).Generation
				note(form, gone || !form.Unsure)
			}
		case s.Action == plan.Release && s.Replaces && run.State == saga.ItemDone:
			if forms[s.ID] == nil { // nothing was made in its place
				mayBeGone[s.ID] = true
				note(d.Plan.From(s), true)
			}
		case s.Action == plan.Release && run.State == saga.ItemUndone:
			form := *d.Plan.Undone(s, false)
			form.Generation = remadeToken(in, d.Plan, s).Generation
			if res, ok := (made{in}).Remade(s.ID); ok {
				form.At = plan.Standing(form.At.Connection, form.At.Zone, res)
			}
			note(&form, true)
		case d.Beside && s.Action == plan.Release && !s.Replaces && (standing[run] || run.State == saga.ItemDone): // the VNF stays of it: a heal makes it again
			from := *d.Plan.From(s)
			if run.State == saga.ItemUndoing || run.State == saga.ItemStuck {
				from.Tried = max(from.Tried, remadeToken(in, d.Plan, s).Generation)
			}
			mayBeGone[s.ID] = true
			note(&from, true)
		case s.Action == plan.Release && s.Replaces && standing[run] && forms[s.ID] != nil && forms[s.ID].Generation > d.Plan.From(s).Generation:
			// what takes its place stands, and what it was is left over
		case s.Action == plan.Release && s.Replaces && standing[run]:
			from := *d.Plan.From(s)
			if was := forms[s.ID]; was != nil { // changed on the way
				from = *was
			}
			if run.State == saga.ItemUndoing || run.State == saga.ItemStuck { // it was begun to be made again
				from.Tried = max(from.Tried, remadeToken(in, d.Plan, s).Generation)
			}
			mayBeGone[s.ID] = true
			note(&from, !unsure[s.ID])
		case s.Action != plan.Change:
		case run.State == saga.ItemUndone:
			form, token := changedBack(in, d.Plan, s)
			form.Generation, form.At = token.Generation, d.Plan.From(s).At
			if was := forms[s.ID]; was == nil || was.Revision < form.Revision {
				note(form, true)
			}
		case run.State == saga.ItemDone:
			to := *o.To(s)
			if now, err := o.Stands(s.ID); err == nil && now != nil && now.Token() == to.Token() && now.Revision == to.Revision {
				to = *now // with what the grant gave it, and the addresses that it has now
			}
			to.VnfdID = d.destination()
			note(&to, true)
		default: // which of the two specs stands is not known
			from := *d.Plan.From(s)
			from.Revision = max(o.To(s).Revision, d.Plan.Undone(s, false).Revision)
			mayBeGone[s.ID] = mayBeGone[s.ID] || doubtful[s.ID]
			note(&from, false)
		}
	}
	out := make([]vnf.Resource, 0, len(order))
	for _, id := range order {
		form, err := o.Left(forms[id], unsure[id] || mayBeGone[id])
		if err != nil {
			return nil, err
		}
		r, err := record(o, form)
		if err != nil {
			return nil, err
		}
		r.Unsure, r.MayBeGone = unsure[id], mayBeGone[id]
		out = append(out, r)
	}
	return out, nil
}

// destination is the VNFD that an operation makes resources of, where that is not the VNF's before it lands (SOL003 v3.7.1 §5.5.3.5); "": the VNF's.
func (d *planData) destination() string {
	if d.Package == nil {
		return ""
	}
	return d.Package.VnfdID
}

// replaced is what the instance has of a resource in whose place another generation was to be made, and whether that may be gone; nil
// when what was released was made again, which its release tells.
func (op planOp) replaced(in *saga.Instance, d *planData, o *plan.Outcome, s plan.Step, run *saga.ItemRun) (form *plan.Resource, gone bool) {
	if run.State == saga.ItemDone && (inUse(in, d, s) || released(in, s)) {
		if to, err := o.Stands(s.ID); err == nil && to != nil {
			to.Generation, to.VnfdID = run.Generation, d.destination()
			return to, false
		}
	}
	from := *d.Plan.From(s)
	switch release := in.Item(stepRelease, s.ID); {
	case release == nil || !release.EverSent: // it stands as before
		from.Tried = max(from.Tried, run.Generation)
		return &from, false
	case released(in, s): // neither stands, unless what was tried does
		from.Generation = run.Generation
		return &from, true
	}
	return nil, false
}

// record is a resource as the instance keeps it.
func record(o *plan.Outcome, r *plan.Resource) (vnf.Resource, error) {
	spec, err := json.Marshal(r.Spec)
	if err != nil {
		return vnf.Resource{}, fmt.Errorf("encode the specification of %s: %w", r.Name(), err)
	}
	t := r.Token()
	var pods []vnf.Pod
	for _, p := range r.At.Pods {
		pods = append(pods, vnf.Pod{ID: p.ID, Name: p.Name, Node: p.Node, Vdu: p.Vdu})
	}
	return vnf.Resource{
		ID: t.ID, Pods: pods, Generation: t.Generation, Revision: r.Revision, Kind: string(r.Kind), Name: r.Spec.Name, Template: r.Template,
		Definition: r.Definition, Connection: r.At.Connection, VimID: r.At.ID, VimType: r.At.Type, Zone: r.At.Zone,
		Stage: plan.StageOf(r.Kind), Off: r.Spec.Compute != nil && r.Spec.Compute.Off(), Tried: r.Tried, Spec: spec, Near: r.Near,
		Members: r.Members, MAC: r.At.MAC, Addresses: o.Addresses(r), VnfdID: r.VnfdID,
	}, nil
}

// records is what the VNF has once an operation landed, as the instance keeps it.
func records(o *plan.Outcome) ([]vnf.Resource, error) {
	rs, err := o.Resources()
	if err != nil {
		return nil, err
	}
	out := make([]vnf.Resource, len(rs))
	for i := range rs {
		if out[i], err = record(o, &rs[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rolledBack is what a rollback left behind on purpose, and what it has put back in another form.
func (op planOp) rolledBack(in *saga.Instance, v *vnf.Instance) (left, changed []vnf.Resource, err error) {
	d, o, err := outcome(in)
	if err != nil {
		return nil, nil, nil //nolint:nilerr // refused before there was a grant: nothing was begun
	}
	for _, run := range in.Items {
		if s, ok := d.granted.step(run); ok && s.Action == plan.Create && skipped(run) {
			left = append(left, op.leftover(in, d, o, s, run))
		}
	}
	changed, err = op.changed(in, v, d, o)
	return left, changed, err
}

// holding returns what an instance has, as a plan sees it: with leftovers, when they are to go as well.
func holding(v *vnf.Instance, leftovers bool) ([]plan.Resource, error) {
	out := make([]plan.Resource, 0, len(v.Resources)+len(v.Leftovers))
	seen := make(map[string]bool, len(v.Resources))
	for i := range v.Resources {
		r, err := plan.Held(&v.Resources[i])
		if err != nil {
			return nil, err
		}
		seen[r.ID] = true
		out = append(out, r)
	}
	if !leftovers {
		return out, nil
	}
	for i := range v.Leftovers {
		r, err := plan.Held(&v.Leftovers[i])
		if err != nil {
			return nil, err
		}
		if seen[r.ID] { // another generation of what the instance has
			r.Allocated, r.ID = r.ID, fmt.Sprintf("%s:%d", r.ID, r.Generation)
		}
		seen[r.ID] = true
		out = append(out, r)
	}
	return out, nil
}
