package simulation

import (
	"fmt"
	"net/http"
	"slices"
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

// askScale asks to scale an instance by steps of an aspect, or to scale levels; where it is at its bounds, it is refused.
func (w *world) askScale(v *vnfRef, in *vnf.Instance) *ask {
	aspects := []string{"none"}
	for _, f := range v.pkg.flavours {
		if in.Info != nil && f.id == in.Info.FlavourID && len(f.aspects) > 0 {
			aspects = f.aspects
		}
	}
	task, event := "scale", ScaledOut
	body := map[string]any{"type": "SCALE_OUT", "aspectId": pick(w.rng, aspects), "numberOfSteps": 1 + w.rng.IntN(2)}
	bigger := false // than at its lowest levels
	for _, l := range scaleStatus(in) {
		if l.Level > 0 && slices.Contains(aspects, l.AspectID) {
			bigger, body["aspectId"] = true, l.AspectID
		}
	}
	if len(v.pkg.flavours[0].aspects) == 0 && w.rng.IntN(10) > 0 {
		return w.askOperate(v, in)
	}
	switch n := w.rng.IntN(8); {
	case n < 1 || bigger && n < 5:
		body["type"], body["numberOfSteps"], event = "SCALE_IN", 1, ScaledIn
		if in.Info != nil && len(in.Info.Vnfcs) > 0 && w.rng.IntN(2) == 0 {
			last := in.Info.Vnfcs[len(in.Info.Vnfcs)-1] // one like it was added, most likely
			of := slices.DeleteFunc(slices.Clone(in.Info.Vnfcs), func(c vnf.Vnfc) bool { return c.VduID != last.VduID })
			body["additionalParams"] = map[string]any{"vnfcInstanceId": []string{pick(w.rng, of).ID}}
			event = ScaledInNamed
		}
	case n > 5:
		task, event = "scale_to_level", ScaledToLevel
		levels := []any{}
		for _, a := range aspects {
			levels = append(levels, map[string]any{"aspectId": a, "scaleLevel": w.rng.IntN(3)})
		}
		body = map[string]any{"scaleInfo": levels}
	}
	return &ask{
		what: fmt.Sprintf("%s %s", task, v.name), vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_instances/" + v.id + "/" + task,
		body: encode(body), finish: w.begun(v, event),
	}
}

// scaleStatus is the scale levels that an instance has.
func scaleStatus(in *vnf.Instance) []vnf.ScaleInfo {
	if in.Info == nil {
		return nil
	}
	return in.Info.ScaleStatus
}
