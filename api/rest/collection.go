package rest

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/readmodel"
)

var timeType = reflect.TypeFor[time.Time]()

// Collection is what lists of one resource need to know: its type on the wire, and where its attributes are in the views.
type Collection struct {
	Kind  string // of the views
	Entry reflect.Type
	// known are attributes that the standard has and entry does not: no entry has them.
	Known []string
	// defaults are left out unless a selector says otherwise.
	Defaults []string
	// paths says which attributes, with all that is in them, the documents hold as the representation does, and where.
	// "" stands for those that are made up of others: a filter on them is matched against the representation.
	Paths map[string]string
	// Sorts are the attributes by which the list can be sorted: those that views keep in columns. With true every entry has one.
	Sorts map[string]bool
	// Short makes entries without decoding their documents; nil: all are decoded.
	Short *Shortcut
}

// split reads a filter and cuts it in two: what the views can answer, in terms of their documents, and what has to be
// matched against the representation. never says that a term is over something that no entry has.
func (l *Collection) split(text string) (where, rest filter.Filter, never bool, err error) {
	f, err := filter.Parse(text)
	if err != nil {
		return nil, nil, false, err //nolint:wrapcheck // has its kind
	}
	for _, t := range f {
		names := make([]string, 0, len(t.Path))
		for _, s := range t.Path {
			if !s.Keys {
				names = append(names, s.Name)
			}
		}
		if len(names) == 0 || !slices.Contains(l.Known, names[0]) && !hasAttribute(l.Entry, names[:1]) {
			return nil, nil, false, vnfm.Errorf(vnfm.Invalid, "The filter names %q, which is no attribute of the resource.", t.Attribute())
		}
		at := attributeType(l.Entry, names)
		if at == nil {
			never = true
			continue
		}
		// The names of a structure are others in the documents; the keys of a map are the same.
		structure := at.Kind() == reflect.Struct && len(names) < len(t.Path)
		if path := l.docPath(t.Path); path != nil && !structure {
			where = append(where, filter.Term{Op: t.Op, Path: path, Values: t.Values})
		} else {
			rest = append(rest, t)
		}
	}
	return where, rest, never, nil
}

// sort reads in which order to list.
func (l *Collection) sort(text string, rows *eventstore.ViewQuery) error {
	if text == "" {
		return nil
	}
	name, desc := strings.CutPrefix(text, "-")
	always, ok := l.Sorts[name]
	if !ok {
		return BadQuery(SortParam, "The list can be sorted by %s, with a - before it the greatest first; not by %q.",
			strings.Join(slices.Sorted(maps.Keys(l.Sorts)), ", "), text)
	}
	path := l.Paths[name]
	if rows.Desc = desc; path != "id" {
		rows.Order = readmodel.Columns(l.Kind)[path]
	}
	if always { // lets the index of the column serve the order, which knows only those that have a value
		rows.Where = append(rows.Where, filter.Term{Op: filter.Gte, Path: []filter.Step{{Name: path}}, Values: []string{"1"}})
	}
	return nil
}

// docPath returns where the documents have what a path of the representation leads to; nil when they do not.
func (l *Collection) docPath(path []filter.Step) []filter.Step {
	for n := len(path); n > 0; n-- {
		if slices.ContainsFunc(path[:n], func(s filter.Step) bool { return s.Keys || strings.Contains(s.Name, "/") }) {
			continue
		}
		names := make([]string, n)
		for i, s := range path[:n] {
			names[i] = s.Name
		}
		doc, ok := l.Paths[strings.Join(names, "/")]
		if !ok {
			continue
		}
		if doc == "" {
			return nil
		}
		var out []filter.Step
		for name := range strings.SplitSeq(doc, "/") {
			out = append(out, filter.Step{Name: name})
		}
		return append(out, path[n:]...)
	}
	return nil
}
