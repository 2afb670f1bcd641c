package simulation

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/vnfm/vnfm/vnf"
)

// askConnect asks to connect some of what an instance has outside to another network of the site, or to disconnect it; one that was
// disconnected is connected again by a new configuration.
func (w *world) askConnect(v *vnfRef, in *vnf.Instance) *ask {
	cpd, key := "", ""
	if in.Info != nil {
		for _, c := range in.Info.Vnfcs {
			for _, cp := range c.Cps {
				if cp.ExtCpID == "" && cp.LinkPortID == "" {
					cpd, key = cp.CpdID, fmt.Sprintf("again-%d", w.rng.IntN(3))
				}
			}
		}
		if n := len(in.Info.ExtCps); n > 0 && (cpd == "" || w.rng.IntN(3) > 0) {
			e := in.Info.ExtCps[w.rng.IntN(n)]
			cpd, key = e.CpdID, e.ConfigID
		}
	}
	if cpd == "" {
		return w.askOperate(v, in)
	}
	kind := Connected
	network := fmt.Sprintf("outside-%d", w.rng.IntN(3))
	ips := map[string]any{"type": "IPV4", "numDynamicAddresses": 1}
	if w.rng.IntN(4) == 0 {
		ips = map[string]any{"type": "IPV4", "fixedAddresses": []string{fmt.Sprintf("198.18.7.%d", 1+w.rng.IntN(20))}}
	}
	var config any = map[string]any{"cpProtocolData": []any{map[string]any{"layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": map[string]any{"ipAddresses": []any{ips}}}}}
	if w.rng.IntN(3) == 0 {
		config, kind = nil, Disconnected
	}
	body := map[string]any{"extVirtualLinks": []any{map[string]any{
		"id": "link-" + network, "resourceId": network, "extCps": []any{map[string]any{"cpdId": cpd, "cpConfig": map[string]any{key: config}}},
	}}}
	return &ask{
		what: "connect " + v.name, vnf: v, method: http.MethodPost,
		path: lcmRoot + "/vnf_instances/" + v.id + "/change_ext_conn", body: encode(body), finish: w.begun(v, kind),
	}
}

// askRebuild asks for another flavour or the other version of a package, whichever there is.
func (w *world) askRebuild(v *vnfRef, in *vnf.Instance) *ask {
	if v.pkg.next != nil && (!v.pkg.units || w.rng.IntN(2) == 0) {
		to := v.pkg.next
		if in.VnfdID == to.vnfdID {
			to = v.pkg
		}
		body := map[string]any{"vnfdId": to.vnfdID, "additionalParams": map[string]any{"batchSize": w.rng.IntN(3)}}
		return &ask{
			what: "upgrade " + v.name, vnf: v, method: http.MethodPost,
			path: lcmRoot + "/vnf_instances/" + v.id + "/change_vnfpkg", body: encode(body), finish: w.begun(v, Upgraded),
		}
	}
	flavour := pick(w.rng, v.pkg.flavours) // refused where the VNF has it
	body := map[string]any{"newFlavourId": flavour.id}
	if len(flavour.levels) > 0 {
		body["instantiationLevelId"] = pick(w.rng, flavour.levels)
	}
	if flavour.params != nil {
		body["additionalParams"] = flavour.params
	}
	kinds := []Event{FlavourChanged}
	if v.pkg.units {
		kinds = append(kinds, FlavourOfUnits)
	}
	return &ask{
		what: "change the flavour of " + v.name, vnf: v, method: http.MethodPost,
		path: lcmRoot + "/vnf_instances/" + v.id + "/change_flavour", body: encode(body), finish: w.begun(v, kinds...),
	}
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

// The events of requests that ask for no operation at a VIM, and of instances of some size.
const (
	Modified     Event = "modified"
	KeyUsedAgain Event = "a key used again for another body"
	DozensOfThem Event = "an instance of more than a dozen resources"
)

const dozen = 12

// modified is what clients know of what they changed of instances, and of the keys that were used.
type modified struct {
	used    []*ask // that succeeded with a key
	names   int
	taken   map[string][]string // metadata by instance, of requests that were accepted
	refused map[string][]string // of those that were not, and were asked once
}

// askModify asks to change the metadata of an instance: a name of its own, so that what is lost and what was refused is seen.
func (w *world) askModify(v *vnfRef) *ask {
	m := &w.clients.modified
	m.names++
	w.clients.planned++ // beside the others
	name := fmt.Sprintf("m%d", m.names)
	a := &ask{
		what: "modify " + v.name, vnf: v, method: http.MethodPatch, path: lcmRoot + "/vnf_instances/" + v.id,
		body: encode(map[string]any{"metadata": map[string]any{name: name}}),
	}
	begun := w.begun(v, Modified)
	a.finish = func(r reply) {
		begun(r)
		switch {
		case r.status < 300:
			if m.taken == nil {
				m.taken = map[string][]string{}
			}
			m.taken[v.id] = append(m.taken[v.id], name)
		case a.key == "" && a.tries == 1:
			if m.refused == nil {
				m.refused = map[string][]string{}
			}
			m.refused[v.id] = append(m.refused[v.id], name)
		}
	}
	return a
}

// misuse has a client send the key of a request that was answered with another body: it is refused and has no effect, whichever node is
// asked. It reports whether there was such a request.
func (w *world) misuse() bool {
	m := &w.clients.modified
	up := slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return n.asleep.After(w.now) })
	if len(m.used) == 0 || len(up) == 0 {
		return false
	}
	w.clients.issued++
	w.clients.planned++ // beside the others
	before := pick(w.rng, m.used)
	a := *before
	a.number, a.what = w.clients.issued, "the key of another request"
	a.body = `{"vnfInstanceDescription":"another"}`
	if before.body == a.body {
		return false
	}
	if w.opts.SkipActions[a.number] {
		return true
	}
	w.tracef("client uses %s of %d again", a.key, before.number)
	rec := &recorder{header: http.Header{}}
	n := pick(w.rng, up)
	w.start(n, fmt.Sprintf("request %d %s", a.number, a.what), func() {
		n.api.ServeHTTP(rec, a.request())
	}, func(t *task) {
		switch {
		case t.commits > 0:
			w.violate("I6: %s, which was the key of %d, had an effect for another body", a.key, before.number)
		case t.crashed || rec.status >= 500:
		case rec.status < 400:
			w.violate("I6: %s, which was the key of %d, was answered %d for another body", a.key, before.number, rec.status)
		default:
			w.happened[KeyUsedAgain]++
		}
	})
	return true
}

// checkModified holds the instances against what clients were told of their changes.
func (w *world) checkModified() {
	m := &w.clients.modified
	for _, in := range w.instances() {
		if len(in.Resources) > dozen {
			w.happened[DozensOfThem]++
		}
		for _, name := range m.taken[in.ID] {
			if string(in.Metadata[name]) != `"`+name+`"` {
				w.violate("I7: the metadata %s of %s was accepted and is not there: %s", name, in.ID, in.Metadata)
			}
		}
		for _, name := range m.refused[in.ID] {
			if in.Metadata[name] != nil {
				w.violate("I7: the metadata %s of %s was refused and is there", name, in.ID)
			}
		}
	}
}
