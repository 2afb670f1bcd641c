package rest

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/filter"
)

// InV1 serves a method of v2 to a client of v1: the body goes in as v2 has it, and as before leaves it, the answer comes out
// as v1 has it.
func InV1(do Handler, shape *v1.Shape, before func(c *Call, from v1.Pointers) error) Handler {
	return func(c *Call) (*Answer, error) {
		c.V1 = shape
		body, from, err := v1.Body.Up(c.Body)
		if err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
		c.Body = body
		if err := before(c, from); err != nil {
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
func (c *Call) outward(a *Answer) *Answer {
	if c.V1 == nil {
		return a
	}
	out := *a
	if !a.inForm {
		out.body = c.V1.Down(a.body, c.Base)
	}
	if uri := a.Header.Get("Location"); uri != "" {
		out.Header = a.Header.Clone()
		out.Header.Set("Location", v1.Link(uri, c.Base))
	}
	return &out
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
func (c *Call) inV2(q url.Values) (url.Values, filter.Filter, error) {
	if c.V1 == nil {
		return q, nil, nil
	}
	out := url.Values{}
	for name, values := range q {
		out[name] = slices.Clone(values)
	}
	for _, parameter := range []string{fieldsParam, excludeFields} {
		var names []string
		for name := range strings.SplitSeq(q.Get(parameter), ",") {
			path, ok := c.V1.Path(strings.Split(name, "/"))
			switch {
			case !ok:
				return nil, nil, BadQuery(parameter, "%s names %q, which is no attribute of the resource.", parameter, name)
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
	if q.Get(FilterParam) == "" {
		return out, nil, nil
	}
	terms, err := filter.Parse(q.Get(FilterParam))
	if err != nil {
		return nil, nil, inQuery(err, FilterParam)
	}
	var newer, own filter.Filter
	for _, t := range terms {
		path, ok, same := c.steps(t.Path)
		switch {
		case !ok:
			return nil, nil, BadQuery(FilterParam, "The filter names %q, which is no attribute of the resource.", t.Attribute())
		case same:
			newer = append(newer, filter.Term{Op: t.Op, Path: path, Values: t.Values})
		default:
			own = append(own, t)
		}
	}
	if out.Del(FilterParam); len(newer) > 0 {
		out.Set(FilterParam, newer.String())
	}
	return out, own, nil
}

// steps returns the path of a filter's term in v2. same is false where v2 has no path to the same values.
func (c *Call) steps(path []filter.Step) (v2 []filter.Step, ok, same bool) {
	names := make([]string, len(path))
	for i, s := range path {
		if names[i] = s.Name; s.Keys {
			names[i] = filter.MapKey
		}
	}
	newer, ok := c.V1.Path(names)
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
