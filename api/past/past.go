// Package past is the resources of the past: any resource as it was at a version or a time, differences between two of its
// states, and the events that made them, as lists and as streams.
package past

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/api/own"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/api/vnfpkgm"
	"github.com/vnfm/vnfm/diff"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/tail"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// chronicle is the past of one kind of resource.
type chronicle struct {
	past         *API
	word, prefix string
	collection   string // of our own resources
	present      func(base, id string) string
	// show returns the document of a version, with the event that made it so. frame is what every such document has.
	show func(c *rest.Call, version int64, frame func(eventstore.Event) (sol.Moment, sol.PastLinks)) (any, error)
}

// chronicles returns those of VNF instances, operation occurrences and packages. It panics when events are not described
// well, which is a defect that every start shows.
func (a *API) chronicles() (instances, opOccs, packages chronicle) {
	registry := func(forms []aggregate.Form) *aggregate.Registry {
		r, err := aggregate.NewRegistry(forms...)
		if err != nil {
			panic(err)
		}
		return r
	}
	domain := registry(readmodel.Forms())
	vnfs, ops, pkgs := readmodel.NewInstances(domain, 1), readmodel.NewOpOccs(domain, 1), vnfpkg.Repository(registry(vnfpkg.Forms()))
	type frame = func(eventstore.Event) (sol.Moment, sol.PastLinks)
	instances = chronicle{a, vnflcm.VnfWord, vnf.InstanceStream, "vnf_instances", vnflcm.VnfURI, func(c *rest.Call, version int64, f frame) (any, error) {
		s, e, err := vnfs.At(c.Ctx, a.Views, c.ID, version)
		if err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
		out := &sol.PastVnfInstance{
			VnfInstance: *vnflcm.VnfInstance(&s.Value, c.Base), Deleted: s.Value.Deleted, Operation: s.Value.Operation, Cleanup: s.Value.Cleanup,
			Leftovers: own.LeftoversOf(&s.Value),
		}
		out.Moment, out.Links = f(e)
		return out, nil
	}}
	opOccs = chronicle{a, vnflcm.OpOccWord, vnf.OpOccStream, "vnf_lcm_op_occs", vnflcm.OpOccURI, func(c *rest.Call, version int64, f frame) (any, error) {
		s, e, err := ops.At(c.Ctx, a.Views, c.ID, version)
		if err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
		out := &sol.PastVnfLcmOpOcc{VnfLcmOpOcc: *vnflcm.VnfLcmOpOcc(&s.Value, c.Base), Resources: vnflcm.OpProgress(&s.Value).Resources}
		out.Moment, out.Links = f(e)
		return out, nil
	}}
	packages = chronicle{a, packageWord, vnfpkg.StreamPrefix, "vnf_packages", vnfpkgm.PackageURI, func(c *rest.Call, version int64, f frame) (any, error) {
		s, e, err := pkgs.At(c.Ctx, a.Views, c.ID, version)
		if err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
		out := &sol.PastVnfPkgInfo{VnfPkgInfo: *vnfpkgm.VnfPkgInfo(&s.Value, nil, vnfpkgm.PackageURI(c.Base, s.Value.ID)), Deleted: s.Value.Deleted}
		out.Moment, out.Links = f(e)
		return out, nil
	}}
	return instances, opOccs, packages
}

const packageWord = "VNF package"

// API is the resources of the past: what was, and the events that made it so.
type API struct {
	Views eventstore.Reader
	// Tail tells who follows events of new ones; nil: server-sent events are not to be had.
	Tail *tail.Watcher
	// Heartbeat is how often a tail in which nothing happens shows that it is alive; 0: 15 s.
	Heartbeat time.Duration
}

func (a *API) Routes() map[string]rest.Route {
	if a.Heartbeat == 0 {
		a.Heartbeat = heartbeat
	}
	events := func(list, tail rest.Handler, more ...string) rest.Route {
		m := rest.Method{Do: list, Types: []string{rest.JSONType}, Query: append([]string{rest.Paging, rest.TypeParam, "from", "to"}, more...)}
		if a.Tail != nil {
			m.Tail = tail
		}
		return rest.Route{http.MethodGet: m}
	}
	routes := map[string]rest.Route{
		rest.OwnRoot + "/events": events(a.listLog, a.tailLog, "vnf"),
	}
	instances, opOccs, packages := a.chronicles()
	for _, h := range []*chronicle{&instances, &opOccs, &packages} {
		uri := rest.OwnRoot + "/" + h.collection + "/{id}"
		routes[uri] = rest.Get(h.at, "at")
		routes[uri+"/diff"] = rest.Get(h.diff, "from", "to")
		routes[uri+"/events"] = events(h.list, h.tail)
	}
	return routes
}

// point is a place in the past of a resource: a version, or else a time.
type point struct {
	version int64
	time    time.Time
}

// points are the forms in which a point may be given.
const points = "a version (12), a time (2026-01-02T03:04:05Z), or how long ago it was (-10m)"

// point reads a query parameter; nil when it is not given.
func pointOf(c *rest.Call, name string) (*point, error) {
	if !c.Query.Has(name) {
		return nil, nil //nolint:nilnil // absent is no error
	}
	text := c.Query.Get(name)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return &point{version: n}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "+", 1)); err == nil { // "+" of a query is a space
		return &point{time: t}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && strings.HasPrefix(text, "-") {
		now, err := c.Server.Views.Now(c.Ctx)
		if err != nil {
			return nil, fmt.Errorf("read the store's clock: %w", err)
		}
		return &point{time: now.Add(ago)}, nil
	}
	return nil, rest.BadQuery(name, "The query parameter %s is %s, not %q.", name, points, text)
}

// newest returns the version of the resource's stream; NotFound when there never was such a resource.
func (h *chronicle) newest(c *rest.Call) (int64, error) {
	stream := h.prefix + c.ID
	l, err := c.Server.Views.Load(c.Ctx, eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: stream, After: math.MaxInt64}}})
	if err != nil {
		return 0, fmt.Errorf("read head of %s: %w", stream, err)
	}
	if v := l.Stream(stream).Version; v > 0 {
		return v, nil
	}
	return 0, vnfm.Errorf(vnfm.NotFound, "There is no %s %q, and there never was.", h.word, c.ID)
}

// version returns the version that a point means. Returns NotFound for one that the resource did not have (yet).
func (h *chronicle) version(c *rest.Call, p *point, newest int64) (int64, error) {
	switch {
	case p.version > newest:
		return 0, vnfm.Errorf(vnfm.NotFound, "%s %s has the versions 1 to %d so far, no %d.", h.word, c.ID, newest, p.version)
	case p.version > 0:
		return p.version, nil
	}
	stream := h.prefix + c.ID
	version, err := c.Server.Views.VersionAt(c.Ctx, stream, p.time)
	if err != nil || version > 0 {
		return version, err //nolint:wrapcheck // of the store
	}
	first, err := c.Server.Views.ReadStream(c.Ctx, stream, 0, 1)
	if err != nil || len(first) == 0 {
		return 0, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return 0, vnfm.Errorf(vnfm.NotFound, "%s %s did not exist at %s; it exists since %s.", h.word, c.ID,
		p.time.UTC().Format(time.RFC3339Nano), first[0].Time.Format(time.RFC3339Nano))
}

// document returns the resource as it was at a version, and that moment.
func (h *chronicle) document(c *rest.Call, version, newest int64) (doc any, m sol.Moment, err error) {
	self := c.Base + rest.OwnRoot + "/" + h.collection + "/" + url.PathEscape(c.ID)
	doc, err = h.show(c, version, func(e eventstore.Event) (sol.Moment, sol.PastLinks) {
		shown := vnfEvent(&e)
		m = sol.Moment{
			Version: version, Newest: newest, Time: e.Time, Event: e.Type, Actor: shown.Actor, Command: shown.Command,
			CorrelationId: shown.CorrelationId, CausationId: shown.CausationId,
		}
		return m, sol.PastLinks{
			Self: sol.Link{Href: self + "?at=" + strconv.FormatInt(version, 10)}, Present: sol.Link{Href: h.present(c.Base, c.ID)},
			Events: sol.Link{Href: self + "/events"},
		}
	})
	return doc, m, err
}

// at answers with the resource as it was: /vnfm/v1/…/{id}?at=. Without at it is the newest state, also of what is deleted.
func (h *chronicle) at(c *rest.Call) (*rest.Answer, error) {
	newest, err := h.newest(c)
	if err != nil {
		return nil, err
	}
	version := newest
	if p, err := pointOf(c, "at"); err != nil {
		return nil, err
	} else if p != nil {
		if version, err = h.version(c, p, newest); err != nil {
			return nil, err
		}
	}
	doc, _, err := h.document(c, version, newest)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(doc), nil
}

// diff answers with what changed between two states: /vnfm/v1/…/{id}/diff?from=&to=. The first state stands for a missing
// from, the newest for a missing to.
func (h *chronicle) diff(c *rest.Call) (*rest.Answer, error) {
	newest, err := h.newest(c)
	if err != nil {
		return nil, err
	}
	out := sol.Difference{Id: c.ID, Changes: []sol.Change{}}
	var docs [2][]byte
	for i, end := range []struct {
		name    string
		version int64
		moment  *sol.Moment
	}{{"from", 1, &out.From}, {"to", newest, &out.To}} {
		p, err := pointOf(c, end.name)
		if err == nil && p != nil {
			end.version, err = h.version(c, p, newest)
		}
		if err != nil {
			return nil, err
		}
		doc, m, err := h.document(c, end.version, newest)
		if err != nil {
			return nil, err
		}
		*end.moment = m
		docs[i] = withoutFrame(doc)
	}
	changes, err := diff.JSON(docs[0], docs[1])
	if err != nil {
		return nil, fmt.Errorf("compare %s %s: %w", h.word, c.ID, err)
	}
	for _, x := range changes {
		out.Changes = append(out.Changes, sol.Change{Op: string(x.Op), Path: x.Path, From: x.From, To: x.To})
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// withoutFrame is a document of the past without what differs at every moment.
func withoutFrame(doc any) []byte {
	var attributes map[string]json.RawMessage
	if json.Unmarshal(rest.Encode(doc), &attributes) != nil { // ours: an object
		return nil
	}
	delete(attributes, "moment")
	delete(attributes, "_links")
	return rest.Encode(attributes)
}
