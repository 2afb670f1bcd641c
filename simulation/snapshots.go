package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// The events about snapshots.
const (
	SnapshotAsked   Event = "snapshot: asked for"
	RevertAsked     Event = "snapshot: reversion asked for"
	SnapshotDeleted Event = "snapshot: deleted"
)

const snapshotRoot = lcmRoot + "/vnf_snapshots"

// askSnapshot asks for a snapshot of an instance, for a reversion to one, or for the end of one.
func (w *world) askSnapshot(v *vnfRef, in *vnf.Instance) *ask {
	if w.orchestrated() && !v.pkg.units && in.Info != nil && len(in.Info.Vnfcs) > 0 && w.rng.IntN(3) > 0 {
		return w.askPacked(v, in)
	}
	n := w.rng.IntN(10)
	if len(in.Snapshots) > 0 && n < 8 {
		id := pick(w.rng, in.Snapshots).ID
		if n < 2 {
			return w.askDeleteSnapshot(v, id)
		}
		return &ask{
			what: "revert " + v.name, vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_instances/" + v.id + "/revert_to_snapshot",
			body: encode(map[string]any{"vnfSnapshotInfoId": id}), finish: w.begun(v, RevertAsked),
		}
	}
	if len(w.clients.snapshots) == 0 || n == 9 {
		return w.askSnapshotInfo()
	}
	return &ask{
		what: "snapshot " + v.name, vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_instances/" + v.id + "/create_snapshot",
		body: encode(map[string]any{"vnfSnapshotInfoId": pick(w.rng, w.clients.snapshots)}), finish: w.begun(v, SnapshotAsked), // refused where it is used already
	}
}

// askSnapshotInfo asks for a resource that a snapshot can be taken into. A few are remembered.
func (w *world) askSnapshotInfo() *ask {
	return &ask{
		what: "make a snapshot resource", method: http.MethodPost, path: snapshotRoot, body: `{}`,
		finish: func(r reply) {
			if r.status == http.StatusCreated {
				w.clients.snapshots = append([]string{lastPart(r.location)}, w.clients.snapshots[:min(2, len(w.clients.snapshots))]...)
			}
		},
	}
}

// askPacking has an NFVO make a snapshot package of an instance, and asks for the resource for it; then it is reverted to.
func (w *world) askPacking(v *vnfRef, in *vnf.Instance) *ask {
	p := w.pack(in)
	return &ask{
		what: "make a resource for " + p.id + " of " + v.name, method: http.MethodPost, path: snapshotRoot, body: encode(map[string]any{"vnfSnapshotPkgId": p.id}),
		finish: func(r reply) {
			if id := lastPart(r.location); r.status == http.StatusCreated && w.orchestrator.infos[id] == nil {
				w.orchestrator.infos[id], v.packed = p, append(v.packed, id)
				w.later(w.askPackedRevert(v, id, ""), time.Second, time.Minute)
				w.later(w.askPackedRevert(v, id, in.Info.Vnfcs[0].ID), time.Second, 2*time.Minute)
			}
		},
	}
}

// askPacked asks for another package of an instance, for a reversion to one, or for its end.
func (w *world) askPacked(v *vnfRef, in *vnf.Instance) *ask {
	n := w.rng.IntN(10)
	switch {
	case len(v.packed) == 0 || n == 0:
		return w.askPacking(v, in)
	case n == 1:
		return w.askDeleteSnapshot(v, pick(w.rng, v.packed))
	}
	id, vnfc := v.packed[len(v.packed)-1], ""
	if n == 2 {
		id = pick(w.rng, v.packed) // refused where the instance has other VNFCs by now
	}
	if n > 6 {
		vnfc = pick(w.rng, in.Info.Vnfcs).ID
	}
	return w.askPackedRevert(v, id, vnfc)
}

// packFresh has an instance packed that has come up.
func (w *world) packFresh() {
	o := &w.orchestrator
	id := o.fresh[0]
	o.fresh = o.fresh[1:]
	i := slices.IndexFunc(w.clients.vnfs, func(v *vnfRef) bool { return v.id == id })
	in := w.instance(id)
	if i < 0 || in == nil || in.Info == nil || len(in.Info.Vnfcs) == 0 || w.clients.vnfs[i].pkg.units {
		return
	}
	w.later(w.askPacking(w.clients.vnfs[i], in), 0, 10*time.Second)
}

// askPackedRevert asks to revert an instance, or one VNFC, to a snapshot package.
func (w *world) askPackedRevert(v *vnfRef, info, vnfc string) *ask {
	body := map[string]any{"vnfSnapshotInfoId": info}
	if vnfc != "" {
		body["vnfcInstanceId"] = vnfc
	}
	return &ask{
		what: "revert " + v.name + " to a package", vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_instances/" + v.id + "/revert_to_snapshot", notes: true,
		body: encode(body), finish: w.begun(v, PackageRevert),
	}
}

// later has a client ask for something after a while, and again while it is in the way of something else.
func (w *world) later(a *ask, lo, hi time.Duration) {
	c := &w.clients
	c.planned, c.issued = c.planned+1, c.issued+1
	a.number, a.key = c.issued, fmt.Sprintf("key-%d", c.issued)
	finish := a.finish
	a.finish = func(r reply) {
		if finish(r); r.status == http.StatusConflict && a.tries < 6 && !w.quiet {
			w.again(a, w.between(lo, hi))
		}
	}
	if !w.opts.SkipActions[a.number] {
		w.again(a, w.between(lo, hi))
	}
}

// took learns of a snapshot that was taken.
func (w *world) took(doc []byte) {
	var s vnf.Snapshot
	w.must(json.Unmarshal(doc, &s))
	w.orchestrator.taken[s.InfoID] = s
}

// checkPacked checks that of a snapshot package is known what it has, or nothing (I9).
func (w *world) checkPacked() {
	rows, err := w.store.Views(context.Background(), eventstore.ViewQuery{Kind: readmodel.KindSnapshotInfo})
	w.must(err)
	for _, r := range rows {
		var info vnf.SnapshotInfo
		w.must(json.Unmarshal(r.Doc, &info))
		p := w.orchestrator.packages[info.PackageID]
		if p != nil && len(info.Extracted) > 0 && !sameJSON(info.Extracted, p.record) {
			w.violate("I9: the snapshot package %s is said to have %s, and has %s", p.id, info.Extracted, p.record)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func (w *world) askDeleteSnapshot(v *vnfRef, id string) *ask {
	return &ask{
		what: "delete a snapshot of " + v.name, vnf: v, method: http.MethodDelete, path: snapshotRoot + "/" + id,
		finish: func(r reply) {
			if r.status == http.StatusNoContent {
				w.happened[SnapshotDeleted]++
			}
		},
	}
}

// most is how many commits a request may take: of a snapshot that is deleted, what was taken goes in one, and its resource in another (ADR 25); what a
// snapshot package has is noted in one before the reversion begins (ADR 34).
func (a *ask) most() int {
	if a.notes || a.method == http.MethodDelete && strings.HasPrefix(a.path, snapshotRoot) {
		return 2
	}
	return 1
}
