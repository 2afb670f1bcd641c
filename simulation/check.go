package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// settle checks the invariants once faults have stopped, then has an operator bring everything to its end, and checks
// that nothing is left anywhere.
func (w *world) settle() {
	w.mend()
	w.check(true)
	w.checkModified()
	for _, s := range w.observed.opStates {
		w.operations[s]++
	}
	w.otherEnds()
	w.calm()
	for round := range 8 {
		if !w.operate(round) {
			break
		}
		w.calm()
		w.mend()
		w.check(false)
	}
	w.letGo() // what was kept back the longest
	w.calm()
	w.check(true)
	parked := w.parkedKeys()
	for _, r := range w.notices(notify.StateFailed) {
		w.violate("I5: notification %s could not be delivered without faults", r.ID)
	}
	for _, in := range w.instances() {
		if !parked[in.ID] {
			w.violate("I1: instance %s could not be brought to its end: %s, operation %q, %d leftovers", in.ID, in.State, in.Operation, len(in.Leftovers))
		}
	}
	for _, e := range w.sim.Inventory() {
		if !parked[e.Owner] {
			w.violate("I2: %s %s of %s is left when all is deleted", e.Kind, e.Token, e.Owner)
		}
	}
	if len(w.violations) == 0 {
		w.tracef("end")
	}
}

// operate has an operator take the next step with every instance, and reports whether there was any.
func (w *world) operate(round int) bool {
	parked := w.parkedKeys()
	any := false
	for _, in := range w.instances() {
		if parked[in.ID] {
			continue
		}
		any = true
		v := &vnfRef{id: in.ID, name: in.Name}
		op := w.opOcc(in.Operation)
		var a *ask
		switch {
		case op != nil && op.State == vnf.FailedTemp && op.Operation != vnf.OpInstantiate && op.Operation != vnf.OpTerminate && w.rng.IntN(2) == 0:
			a = w.askTask(v, op.ID, "fail")
		case op != nil && op.State == vnf.FailedTemp && round == 0 && !op.UndoBegun && op.Operation != vnf.OpTerminate:
			a = w.askTask(v, op.ID, "retry")
			finish := a.finish
			a.finish = func(r reply) {
				finish(r)
				if r.status < 300 && !w.meddled[in.ID] { // what it changes may be gone
					w.clients.retried = append(w.clients.retried, op.ID)
				}
			}
		case op != nil && op.State == vnf.FailedTemp && !op.Irreversible && round%2 == 1:
			a = w.askTask(v, op.ID, "rollback")
		case op != nil && op.State == vnf.FailedTemp && op.Irreversible:
			a = w.askTask(v, op.ID, "retry")
		case op != nil:
			a = w.askTask(v, op.ID, "fail")
		case len(in.Leftovers) > 0:
			a = w.askCleanup(v)
		case in.State == vnf.Instantiated:
			a = w.askTerminate(v)
		case len(in.Snapshots) > 0:
			a = w.askDeleteSnapshot(v, in.Snapshots[0].ID)
		default:
			a = w.askDelete(v)
		}
		w.operatorAsks(a)
	}
	return w.tellAgain() || any
}

func (w *world) operatorAsks(a *ask) {
	w.clients.settled++
	a.number = 1000 + w.clients.settled
	a.key = fmt.Sprintf("settle-%d", w.clients.settled)
	w.tracef("operator asks %d %s", a.number, a.what)
	w.send(a)
}

func (w *world) instances() []vnf.Instance {
	rows, err := w.live.Views(context.Background(), eventstore.ViewQuery{Kind: readmodel.KindVnf})
	w.must(err)
	var out []vnf.Instance
	for _, r := range rows {
		var in vnf.Instance
		w.must(json.Unmarshal(r.Doc, &in))
		out = append(out, in)
	}
	return out
}

// parkedKeys are those that wait for an operator because of a message that cannot be handled: I1 asks no more of them.
func (w *world) parkedKeys() map[string]bool {
	all, err := w.store.Parked(context.Background(), eventstore.ParkedQuery{})
	w.must(err)
	out := map[string]bool{}
	for _, p := range all {
		out[p.Key] = true
	}
	return out
}

// check holds the world against the invariants while nothing runs; against those of the log, which take long, when faults
// have just stopped and at the end.
func (w *world) check(final bool) {
	if !w.strict && !w.lacks(NoSweep) {
		w.sweep()
	}
	w.checkWaiting()
	parked := w.parkedKeys()
	w.checkEnds(parked)
	w.checkInventory(parked)
	if final {
		w.checkDrift(parked)
		w.checkLog()
		w.checkPacked()
	}
	w.checkAnswers()
	w.checkArrived()
	w.checkConfigured()
	w.checkLate(parked)
	w.checkOther()
	w.checkSubscribers()
	if len(w.violations) > 0 {
		panic(stop{})
	}
}

// sweep is the one sweep that I2 allows. A sweeper acts on what it has seen twice, and what it releases may have to wait
// for what depends on it: it is done when it found nothing twice. One node does it, so that what was seen stays known.
func (w *world) sweep() {
	n := w.nodes[0]
	for idle, rounds := 0, 0; idle < 3 && rounds < 20; rounds++ {
		before := w.commits - w.stays
		w.now = w.now.Add(sweepEvery) // every lease has run out
		_, err := n.lease.RunOnce(context.Background())
		w.must(err)
		for _, l := range n.loops {
			if l.name == assembly.LoopSweep && !l.busy {
				w.turn(l)
			}
		}
		w.calm()
		if idle++; w.commits-w.stays > before {
			idle = 0
		}
	}
}

// checkEnds checks I1.
func (w *world) checkEnds(parked map[string]bool) {
	ctx := context.Background()
	for _, s := range w.sagas() {
		if st := s.State; !st.Final() && st != saga.Held && st != saga.Stuck && !parked[s.Key] {
			w.violate("I1: saga %s %s of %s is %s", s.Type, s.ID, s.Key, s.State)
		}
		for _, row := range s.Attempts(nil) {
			if !w.observed.sent[row.CommandID] {
				w.violate("I1: command %s (%s, attempt %d) of saga %s was never sent", row.CommandID, row.Step, row.Attempt, s.ID)
			}
		}
	}
	ops, err := w.store.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindOpOcc})
	w.must(err)
	for _, o := range ops {
		if st := vnf.OpState(o.State); !st.Final() && st != vnf.FailedTemp && !parked[o.Parent] {
			w.violate("I1: operation %s of %s is %s", o.ID, o.Parent, o.State)
		}
	}
	for _, id := range w.clients.retried {
		op := w.opOcc(id)
		if op == nil || op.State == vnf.Completed || parked[op.VnfID] ||
			op.Error != nil && strings.Contains(op.Error.Detail, "no valid host") { // others have what it needs
			continue
		}
		w.violate("I1: operation %s was retried without faults and is %s: %v", id, op.State, op.Error)
	}
	w.clients.retried = nil
	for _, table := range eventstore.Tables {
		if table == eventstore.TableReconcile { // its rows are due again and again
			continue
		}
		rows, err := w.store.Records(ctx, eventstore.RecordQuery{Table: table, DueBy: w.now})
		w.must(err)
		for _, r := range rows {
			w.violate("I1: ledger row %s %s is %s and due", table, r.ID, r.State)
		}
	}
	for _, table := range []string{eventstore.TableVimCommands, eventstore.TableNfvoCommands, eventstore.TableVnfCommands} {
		rows, err := w.store.Records(ctx, eventstore.RecordQuery{Table: table})
		w.must(err)
		for _, r := range rows {
			if r.State != vimmanager.CommandDone && !strings.HasPrefix(r.ID, "fence:") {
				w.violate("I1: command %s of %s is %s", r.ID, r.Key, r.State)
			}
		}
	}
	rows, err := w.store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableVimResources})
	w.must(err)
	for _, r := range rows {
		if !atRest(r.State) {
			w.violate("I1: resource %s of %s is %s", r.ID, r.Key, r.State)
		}
	}
}

// sagas returns all sagas, whole, in order of their ids.
func (w *world) sagas() []*saga.Instance {
	ctx := context.Background()
	rows, err := w.store.Sagas(ctx, eventstore.SagaQuery{})
	w.must(err)
	var l eventstore.Load
	for _, row := range rows {
		l.Sagas = append(l.Sagas, eventstore.SagaFrom{ID: row.ID})
	}
	loaded, err := w.store.Load(ctx, l)
	w.must(err)
	all := make([]*saga.Instance, len(rows))
	for i, row := range rows {
		all[i], err = saga.Decode(loaded.Sagas[row.ID])
		w.must(err)
	}
	return all
}

// checkLog checks I3, I4 and I5.
func (w *world) checkLog() {
	ctx := context.Background()
	_, err := eventstore.Verify(ctx, w.store, func(p eventstore.Problem) { w.violate("I3: %s", p) })
	w.must(err)
	forms, err := aggregate.NewRegistry(readmodel.Forms()...)
	w.must(err)
	pkgs, err := aggregate.NewRegistry(vnfpkg.Forms()...)
	w.must(err)
	subs, err := aggregate.NewRegistry(notify.Forms()...)
	w.must(err)
	sources := append(readmodel.Sources(readmodel.NewInstances(forms, 0), readmodel.NewOpOccs(forms, 0), readmodel.NewSnapshots(forms, 0)), vnfpkg.Source(vnfpkg.Repository(pkgs)), notify.Source(notify.Repository(subs)))
	differences, err := readmodel.Compare(ctx, w.store, sources...)
	w.must(err)
	for _, d := range differences {
		w.violate("I4: %s", d)
	}
	heads, err := w.store.Heads(ctx)
	w.must(err)
	for lane, h := range heads {
		if told := w.observed.told[lane]; told != h.Event {
			w.violate("I5: the follower was told of %d of %d events of lane %d", told, h.Event, lane)
		}
	}
	for _, g := range w.observed.gaps {
		w.violate("I5: %s", g)
	}
}

// checkAnswers checks that what clients were told is still so (I7).
func (w *world) checkAnswers() {
	for _, v := range w.clients.vnfs {
		heads, err := w.store.Streams(context.Background(), "vnf-"+v.id, "", 1)
		w.must(err)
		if len(heads) == 0 {
			w.violate("I7: instance %s was created and is not there", v.id)
		}
	}
	for _, o := range w.clients.ops {
		if w.opOcc(o.id) == nil {
			w.violate("I7: operation %s was accepted and is not there", o.id)
		}
	}
	names := map[string]int{}
	for _, in := range w.instances() {
		if names[in.Name]++; names[in.Name] > 1 {
			w.violate("I6: %s was created twice", in.Name)
		}
	}
}
