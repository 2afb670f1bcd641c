package simulation

import (
	"fmt"
	"net/http"
	"slices"
)

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
