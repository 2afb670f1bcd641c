package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/sol"
)

// served is the versions of each ETSI API by its root, the newest last.
var served = []struct {
	root     string // name and major version
	versions []string
}{
	{v1.Root, []string{"1.3.0"}},
	{lcmRoot, []string{"2.3.0"}},
	{pkgRoot, []string{"2.4.0"}},
}

// versionsOf returns the versions served at a path of an ETSI API, the newest last: those of its major version, or of all
// where the path is of none. nil: it is no path of an ETSI API.
func versionsOf(path string) []string {
	var all []string
	for _, s := range served {
		if strings.HasPrefix(path, s.root+"/") {
			return s.versions
		}
		if name, _, _ := strings.Cut(s.root[1:], "/"); strings.HasPrefix(path, "/"+name+"/") {
			all = append(all, s.versions...)
		}
	}
	return all
}

// negotiate returns the version a request is answered in, "" for resources that are not ETSI's. The error is for a
// version that is not served; the version returned with it is the newest.
func negotiate(r *http.Request) (string, error) {
	versions := versionsOf(r.URL.Path)
	if versions == nil {
		return "", nil
	}
	newest := versions[len(versions)-1]
	want, _, _ := strings.Cut(r.Header.Get("Version"), "-impl")
	switch {
	case want == "":
		return newest, nil
	case slices.Contains(versions, want):
		return want, nil
	}
	return newest, &httpError{
		status: http.StatusNotAcceptable,
		detail: "Version " + want + " of this API is not served; served are " + strings.Join(versions, ", ") + ".",
	}
}

// versions answers with the ApiVersionInformation of one major version of an API, or of all (SOL013 v3.7.1 §9.3).
func versions(root string) handler {
	info := sol.ApiVersionInformation{UriPrefix: root}
	for _, v := range versionsOf(root + "/") {
		info.ApiVersions = append(info.ApiVersions, sol.ApiVersion{Version: v})
	}
	return func(*call) (*answer, error) { return respond(http.StatusOK).json(info), nil }
}

// v1Routes are the resources of SOL003 v2.6.1: those of v2 that it has, by the same handlers.
func (a *api) v1Routes() map[string]route {
	routes := map[string]route{}
	for _, part := range []map[string]route{a.vnfRoutes(), a.opOccRoutes(), a.subscriptionRoutes()} {
		for path, methods := range part {
			below := strings.TrimPrefix(path, lcmRoot)
			shape := v1.Resource(below)
			if shape == nil {
				continue
			}
			older := route{}
			for name, m := range methods {
				m.do = a.inV1(m.do, shape)
				older[name] = m
			}
			routes[v1.Root+below] = older
		}
	}
	return routes
}

// inV1 serves a method of v2 to a client of v1: the body goes in as v2 has it, the answer comes out as v1 has it.
func (a *api) inV1(do handler, shape *v1.Shape) handler {
	return func(c *call) (*answer, error) {
		c.v1 = shape
		body, from, err := v1.Body.Up(c.body)
		if err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
		c.body = body
		if err := c.byPackage(from); err != nil {
			return nil, err
		}
		res, err := do(c)
		if err != nil {
			return nil, pointedAt(err, from)
		}
		return c.outward(res), nil
	}
}

// outward returns an answer in the version of the request.
func (c *call) outward(a *answer) *answer {
	if c.v1 == nil {
		return a
	}
	out := *a
	out.body = c.v1.Down(a.body, c.base)
	if uri := a.header.Get("Location"); uri != "" {
		out.header = a.header.Clone()
		out.header.Set("Location", v1.Link(uri, c.base))
	}
	return &out
}

// byPackage names the package of a modification by its VNFD: SOL003 v2 had the identifier of the package there.
func (c *call) byPackage(from v1.Pointers) error {
	var body map[string]json.RawMessage
	if c.r.Method == http.MethodPatch {
		_ = json.Unmarshal(c.body, &body) // what is no object is refused by whoever needs one
	}
	const name, at = "vnfPkgId", "/vnfPkgId"
	id, err := text(body, name, false)
	if id == nil || err != nil {
		return err
	}
	p, err := c.api.Packages.Get(c.ctx, *id)
	if err != nil && vnfm.KindOf(err) != vnfm.NotFound {
		return fmt.Errorf("find the package %s: %w", *id, err)
	}
	if err != nil || p.VnfdID == "" {
		return unsupported(at, fmt.Sprintf("There is no VNF package %q that is onboarded", *id))
	}
	if named, err := text(body, "vnfdId", false); err != nil {
		return err
	} else if named != nil && *named != p.VnfdID {
		return unsupported(at, fmt.Sprintf("The package has the vnfdId %q and not the one beside it", p.VnfdID))
	}
	delete(body, name)
	body["vnfdId"], from["/vnfdId"] = encode(p.VnfdID), at
	c.body = encode(body)
	return nil
}

// pointedAt returns an error about an attribute of v2 as one about what the client sent.
func pointedAt(err error, from v1.Pointers) error {
	var known *vnfm.Error
	if !errors.As(err, &known) || known.Attribute == "" {
		return err
	}
	at := from.Of(known.Attribute)
	if at == known.Attribute {
		return err
	}
	out := known.At(at)
	out.Detail = strings.Replace(out.Detail, known.Attribute[1:], at[1:], 1)
	out.Err = err
	return out
}

// inV2 returns the query of a list in terms of v2, and apart from it the part of the filter that only a representation of
// v1 can answer.
func (c *call) inV2(q url.Values) (url.Values, filter.Filter, error) {
	if c.v1 == nil {
		return q, nil, nil
	}
	out := url.Values{}
	for name, values := range q {
		out[name] = slices.Clone(values)
	}
	for _, parameter := range []string{fieldsParam, excludeFields} {
		var names []string
		for name := range strings.SplitSeq(q.Get(parameter), ",") {
			path, ok := c.v1.Path(strings.Split(name, "/"))
			switch {
			case !ok:
				return nil, nil, badQuery(parameter, "%s names %q, which is no attribute of the resource.", parameter, name)
			case !path.Key:
				names = append(names, strings.Join(path.Steps, "/"))
			case parameter == fieldsParam: // a key comes with its entry
				names = append(names, strings.Join(path.Steps[:len(path.Steps)-1], "/"))
			}
		}
		if len(names) > 0 && q.Has(parameter) {
			out.Set(parameter, strings.Join(names, ","))
		} else if q.Get(parameter) != "" { // all of it mandatory
			out.Del(parameter)
			out.Set(allFields, "")
		}
	}
	if q.Get(filterParam) == "" {
		return out, nil, nil
	}
	terms, err := filter.Parse(q.Get(filterParam))
	if err != nil {
		return nil, nil, inQuery(err, filterParam)
	}
	var newer, own filter.Filter
	for _, t := range terms {
		path, ok, same := c.steps(t.Path)
		switch {
		case !ok:
			return nil, nil, badQuery(filterParam, "The filter names %q, which is no attribute of the resource.", t.Attribute())
		case same:
			newer = append(newer, filter.Term{Op: t.Op, Path: path, Values: t.Values})
		default:
			own = append(own, t)
		}
	}
	if out.Del(filterParam); len(newer) > 0 {
		out.Set(filterParam, newer.String())
	}
	return out, own, nil
}

// steps returns the path of a filter's term in v2. same is false where v2 has no path to the same values.
func (c *call) steps(path []filter.Step) (v2 []filter.Step, ok, same bool) {
	names := make([]string, len(path))
	for i, s := range path {
		if names[i] = s.Name; s.Keys {
			names[i] = filter.MapKey
		}
	}
	newer, ok := c.v1.Path(names)
	if !ok || newer.Other {
		return nil, ok, false
	}
	for i, name := range newer.Steps {
		v2 = append(v2, filter.Step{Name: name, Keys: path[i].Keys})
		if path[i].Keys {
			v2[i].Name = ""
		}
	}
	return v2, true, true
}
