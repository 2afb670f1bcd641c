package eventstoretest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
)

// ordered: in the order of a column, up or down, pages repeat nothing and leave nothing out, whatever is equal, absent or filtered.
func ordered(t *testing.T, s eventstore.Store) {
	values := []string{"b", "", "a", "Z", "é", "10", "9", "b", "a b", ""}
	var all []eventstore.View
	for i := range 40 {
		v := eventstore.View{Kind: "k", ID: fmt.Sprintf("id%02d", i*7%40), Revision: 1, State: []string{"on", "off"}[i%2]}
		v.Attrs[0] = filter.Index(values[i%len(values)])
		v.Doc = encode(map[string]string{"a": values[i%len(values)], "third": fmt.Sprint(i % 3), "state": v.State})
		all = append(all, v)
	}
	var c eventstore.Commit
	for _, v := range all {
		c.Views = append(c.Views, eventstore.ViewWrite{View: v})
	}
	mustDo(t, s, "ordered", always(c))
	columns := map[string]eventstore.Column{"a": eventstore.ColumnAttr(0), "state": eventstore.ColumnState}
	for _, where := range []string{"", "(eq,state,on)", "(gte,a,a)", "(eq,third,1)", "(cont,a,b)"} {
		f, err := filter.Parse(where)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []eventstore.ViewQuery{
			{Order: eventstore.ColumnAttr(0)}, {Order: eventstore.ColumnAttr(0), Desc: true}, {Order: eventstore.ColumnState, Desc: true}, {Desc: true}, {},
		} {
			q.Kind, q.Where, q.Columns = "k", f, columns
			want := slices.DeleteFunc(slices.Clone(all), func(v eventstore.View) bool { return !f.Match(v.Doc) })
			slices.SortFunc(want, func(a, b eventstore.View) int { return q.Compare(&a, &b) })
			for _, docs := range []bool{false, true} {
				page := q
				page.Limit, page.Docs = 7, docs
				var got []string
				for {
					rows := must(s.Views(t.Context(), page))(t)
					for _, r := range rows {
						got = append(got, r.ID)
					}
					if len(rows) < page.Limit {
						break
					}
					page = page.Behind(&rows[len(rows)-1])
				}
				var ids []string
				for _, v := range want {
					ids = append(ids, v.ID)
				}
				same(t, ids, got, fmt.Sprintf("by %s, desc %v, where %s, docs %v", q.Order, q.Desc, where, docs))
			}
		}
	}
}
