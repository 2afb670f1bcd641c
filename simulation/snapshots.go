package simulation

import (
	"net/http"
	"strings"

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

// most is how many commits a request may take: of a snapshot that is deleted, what was taken goes in one, and its resource in another (ADR 25).
func (a *ask) most() int {
	if a.method == http.MethodDelete && strings.HasPrefix(a.path, snapshotRoot) {
		return 2
	}
	return 1
}
