package simulation

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
)

// expected is what the records say of a resource.
type expected struct {
	owner    string
	revision int       // 0: they do not say
	power    vim.Power // of a compute; "": they do not say
	spec     *vim.Spec // nil: they do not say
}

// told are the attributes that a resource has as its records say, whatever it refers to.
var told = []vim.Attribute{
	vim.AttributeFlavour, vim.AttributeImage, vim.AttributeSize, vim.AttributeReplicas, vim.AttributeCounts, vim.AttributeObjects, vim.AttributeMTU,
	vim.AttributeRootBitRate, vim.AttributeLeafBitRate,
}

// differs says in which of those attributes a resource is another than its records say.
func (x *expected) differs(e *sim.Entry) []vim.Attribute {
	if x.spec == nil || x.revision == 0 {
		return nil
	}
	return slices.DeleteFunc(vim.Differences(*x.spec, e.Spec), func(a vim.Attribute) bool { return !slices.Contains(told, a) })
}

// records are what the program, and the other orchestrator, know of resources, by token.
type records struct {
	may  map[string]bool     // be there
	must map[string]expected // be there, and so
}

// checkInventory checks I2: what the records say is there is there, in the revision and with the power that they say, and nothing else.
func (w *world) checkInventory(parked map[string]bool) {
	r := records{map[string]bool{}, map[string]expected{}}
	alive, busy := map[string]bool{}, map[string]bool{}
	for _, in := range w.instances() {
		alive[in.ID], busy[in.ID] = true, in.Operation != ""
		w.ofInstance(in.ID, &r)
	}
	for _, in := range w.sagas() {
		if !in.State.Final() {
			w.ofSaga(in, &r)
		}
	}
	w.ofOther(&r)
	has, ids := map[string]bool{}, map[string]sim.Entry{}
	for _, e := range w.sim.Inventory() {
		if parked[e.Owner] {
			continue
		}
		if has[e.Token] = true; e.Kind == vim.SoftwareImage {
			w.happened[ImageMade]++
		}
		token, err := vim.ParseToken(e.Token)
		w.must(err)
		if other, twice := ids[token.ID]; twice && (!r.may[e.Token] || !r.may[other.Token]) { // what is replaced may go after what replaces it
			w.violate("I2: resource %s of %s is there twice: %s at %s and %s at %s", token.ID, e.Owner, e.Token, e.Vim, other.Token, other.Vim)
		}
		ids[token.ID] = e
		x := r.must[e.Token]
		switch {
		case !r.may[e.Token] && busy[e.Owner] && !w.strict: // the sweep waits until it is known what the operation wants
		case !r.may[e.Token]:
			w.violate("I2: %s %s of %s at %s is in no record (instance there: %v)", e.Kind, e.Token, e.Owner, e.Vim, alive[e.Owner])
		case w.meddled[e.Owner]:
		case e.State != "ACTIVE" && x.revision == 0 && e.Kind == vim.Compute && e.Revision > 1: // its guest was asked to stop, and nobody waits for it
		case e.State != "ACTIVE":
			w.violate("I2: %s %s of %s at %s is %s", e.Kind, e.Token, e.Owner, e.Vim, e.State)
		case x.revision > 0 && x.revision != e.Revision:
			w.violate("I2: %s %s of %s at %s is of revision %d, and %d in the records", e.Kind, e.Token, e.Owner, e.Vim, e.Revision, x.revision)
		case x.power != "" && x.power != e.Power:
			w.violate("I2: %s %s of %s at %s has its power %s, and %s in the records", e.Kind, e.Token, e.Owner, e.Vim, e.Power, x.power)
		case len(x.differs(&e)) > 0:
			w.violate("I2: %s %s of %s at %s is not as in the records: %v", e.Kind, e.Token, e.Owner, e.Vim, x.differs(&e))
		case e.Kind == vim.Unit && x.spec != nil && e.Revision > 1:
			w.happened[ComparedUnit]++
		case x.power != "" && e.Revision > 1:
			w.happened[ComparedChanged]++
		}
	}
	for _, token := range slices.Sorted(maps.Keys(r.must)) {
		x := r.must[token]
		if !has[token] && !parked[x.owner] && !w.meddled[x.owner] {
			w.violate("I2: resource %s of %s is in the records, and not at its VIM", token, x.owner)
		}
	}
}

// ofInstance adds what an instance accounts for, as its events say: the view does not show specs.
func (w *world) ofInstance(id string, r *records) {
	l, err := w.store.Load(context.Background(), w.instanceStates.Load(id))
	w.must(err)
	st, err := w.instanceStates.Read(l, &eventstore.Commit{}, id)
	w.must(err)
	in := &st.Value
	for _, res := range in.Leftovers {
		r.may[vim.Token{ID: res.ID, Generation: res.Generation}.String()] = true
	}
	for _, s := range in.Snapshots {
		for _, res := range s.Resources {
			token := vim.Token{ID: res.ID, Generation: res.Generation}.String()
			r.may[token], r.must[token] = true, expected{owner: id, revision: 1}
		}
	}
	for _, res := range in.Resources {
		token := vim.Token{ID: res.ID, Generation: res.Generation}.String()
		r.may[token] = true
		if in.Operation != "" || res.MayBeGone || res.Kind == string(vim.Configuration) {
			continue
		}
		x := expected{owner: id}
		if !res.Unsure {
			x.revision, x.spec = res.Revision, w.specOf(in, &res)
			x.power = powerIn(x.spec)
		}
		r.must[token] = x
	}
}

// specOf is how a resource of an instance is recorded to be, nil when the records do not say. An image that the instance has of its own is
// named as at the VIM.
func (w *world) specOf(in *vnf.Instance, r *vnf.Resource) *vim.Spec {
	if len(r.Spec) == 0 {
		return nil
	}
	var spec vim.Spec
	w.must(json.Unmarshal(r.Spec, &spec))
	for _, own := range in.Resources {
		switch ref := "plan:" + own.ID; {
		case spec.Compute != nil && spec.Compute.Image == ref:
			spec.Compute.Image = own.VimID
		case spec.Volume != nil && spec.Volume.Image == ref:
			spec.Volume.Image = own.VimID
		}
	}
	return &spec
}

// powerIn is the power of a compute, "" of anything else.
func powerIn(s *vim.Spec) vim.Power {
	switch {
	case s == nil || s.Compute == nil:
		return ""
	case s.Compute.Off():
		return vim.PowerOff
	}
	return vim.PowerOn
}

// ofSaga adds what a saga that waits for an operator accounts for. Once undoing has begun, what was done late may be gone again:
// undone once more rather than left.
func (w *world) ofSaga(in *saga.Instance, r *records) {
	released := map[vim.Token]bool{}
	for _, cmd := range w.protocol.sent[in.ID] {
		for _, t := range cmd.tokens {
			released[t] = released[t] || cmd.release
		}
	}
	for _, cmd := range w.protocol.sent[in.ID] {
		item := itemOf(in, cmd.step, cmd.item)
		for _, t := range cmd.tokens {
			token := t.String()
			if cmd.reserve {
				r.may[token] = true
			}
			if in.Undone || cmd.undo || released[t] || item == nil || item.State != saga.ItemDone {
				continue
			}
			switch {
			case cmd.reserve && cmd.kind != vim.Configuration && t.Generation == max(item.Generation, 1):
				r.must[token] = expected{owner: in.Key, revision: 1, power: powerIn(&cmd.to), spec: &cmd.to}
			case cmd.change:
				r.must[token] = expected{owner: in.Key, revision: cmd.revision, power: powerIn(&cmd.to), spec: &cmd.to}
			}
		}
	}
}

// meddle has somebody change what a VIM holds of an instance, behind the program's back: some is gone, some machines are turned off or
// on, and something stands that is in no record, where a sweep may find it, too. Until it is repaired, records and VIM may differ.
func (w *world) meddle(in *vnf.Instance) {
	w.meddled[in.ID] = true
	for i := range in.Resources {
		r := &in.Resources[i]
		token := vim.Token{ID: r.ID, Generation: r.Generation}
		switch n := w.rng.IntN(12); {
		case !w.sim.Has(r.Connection, token):
		case n == 0:
			w.tracef("somebody removes %s %s of %s", r.Kind, token, in.Name)
			w.must(w.sim.Lose(r.Connection, token))
			w.happened[VimForgot]++
		case n < 4 && r.Kind == string(vim.Compute):
			w.tracef("somebody turns %s of %s off or on", token, in.Name)
			w.must(w.sim.Tamper(r.Connection, token, func(s *vim.Spec) {
				if s.Compute.Off() {
					s.Compute.Power = vim.PowerOn
				} else {
					s.Compute.Power = vim.PowerOff
				}
			}))
			w.happened[Tampered]++
		}
	}
}

// mend has an operator repair every instance that somebody meddled with, as far as an operation does not hold it: from then on records
// and VIM must agree.
func (w *world) mend() {
	parked := w.parkedKeys()
	asked := false
	for _, in := range w.instances() {
		switch {
		case !w.meddled[in.ID] || parked[in.ID] || in.Operation != "":
		case in.State != vnf.Instantiated: // all of it was released
			delete(w.meddled, in.ID)
		default:
			asked = true
			a := w.askSync(&vnfRef{id: in.ID, name: in.Name})
			finish := a.finish
			a.finish = func(r reply) {
				if finish(r); r.status >= 300 {
					w.violate("I2: a repair of %s was refused without faults: %d %s", in.Name, r.status, r.body)
				}
			}
			w.operatorAsks(a)
		}
	}
	if !asked {
		return
	}
	w.calm()
	for _, in := range w.instances() {
		if in.Operation == "" && !parked[in.ID] {
			delete(w.meddled, in.ID)
		}
	}
}

// compareEvery is the time between two comparisons of each VIM with the records.
const compareEvery = 30 * time.Second

// compares says how a node compares VIMs with the records; it repairs by policy while faults last.
func (n *node) compares(registry vim.Registry, drivers map[string]vim.Driver, service *lcm.Service) *reconcile.Config {
	return &reconcile.Config{
		Instances: n.instances, UseCases: noting{service, n}, Registry: registry, Drivers: drivers,
		Settings: reconcile.Settings{Interval: compareEvery, Call: attempt, Suspect: 100, Repair: n.w.shared.repair, Attempts: 2, Backoff: 10 * time.Second},
	}
}

// comparing is a node's loop that compares: when faults are over, only when the world says so, which it does to see what is noted.
// Operators repair then.
func (n *node) comparing(once func(context.Context) (bool, error)) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		if n.w.quiet && !n.w.comparing {
			return false, nil
		}
		return once(ctx)
	}
}

// noting counts what comes of comparisons.
type noting struct {
	*lcm.Service
	n *node
}

func (x noting) NoteDrift(ctx context.Context, vnfID string, note vnf.NoteDrift) (bool, error) {
	news, err := x.Service.NoteDrift(ctx, vnfID, note)
	if news {
		x.n.w.happened[DriftNoted]++
		x.n.w.tracef("  %s: %s differs at %s: %d", x.n.name, vnfID, note.Connection, note.Found.Sum())
	}
	return news, err
}

func (x noting) RepairDrift(ctx context.Context, vnfID string, confirmed bool) (string, error) {
	if x.n.w.quiet {
		return "", nil
	}
	op, err := x.Service.RepairDrift(ctx, vnfID, confirmed)
	if op != "" {
		x.n.w.happened[RepairedByItself]++
		x.n.w.tracef("  %s: %s is repaired by itself: %s", x.n.name, vnfID, op)
	}
	return op, err
}

// checkDrift checks that what is noted to differ is what differs, once all VIMs were compared with the records (I8).
func (w *world) checkDrift(parked map[string]bool) {
	w.comparing = true
	w.now = w.now.Add(2 * compareEvery) // every lease has run out, and all comparisons are due
	for range 2 {
		for _, n := range w.nodes {
			_, err := n.lease.RunOnce(context.Background())
			w.must(err)
			for _, l := range n.loops {
				if l.name == "reconcile" && !l.busy {
					w.turn(l)
				}
			}
			w.calm()
		}
	}
	w.comparing = false
	live := map[string]bool{}
	for _, s := range w.sagas() {
		live[s.Key] = live[s.Key] || !s.State.Final()
	}
	for _, in := range w.instances() {
		if in.Busy() || parked[in.ID] || live[in.ID] {
			continue
		}
		missing, noted := 0, vnf.Drift{}
		for i := range in.Resources {
			if r := &in.Resources[i]; !w.sim.Has(r.Connection, vim.Token{ID: r.ID, Generation: r.Generation}) {
				missing++
			}
		}
		if in.Drift != nil {
			noted = *in.Drift
		}
		if noted.Missing != missing {
			w.violate("I8: of %s %d resources are missing, and %d are noted to be", in.Name, missing, noted.Missing)
		}
		if !w.meddled[in.ID] && noted.Changed > 0 {
			w.violate("I8: of %s nothing was changed behind its back, and %d resources are noted to be", in.Name, noted.Changed)
		}
	}
}
