package eventstoretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
)

// What random documents and filters are made of: few values, so that they meet, and odd ones, which databases compare in
// their own ways.
var (
	names = []string{"a", "b", "k/1", "@key", "ü~,", "state"}
	texts = []string{
		"x", "X", "xy", "é", "e", "", "true", "10", "9", "1e1", "-1", "it's, (a)", `back\slash "q"`, "%_", ".*", "<&>", "\x00n", "\U0001F600",
		"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z", "2026-01-02T04:04:05+01:00", "2026-01-02", "2026-13-02T03:04:05Z",
		strings.Repeat("l", 199), strings.Repeat("l", 200), strings.Repeat("l", 201), strings.Repeat("l", 201) + "m",
		strings.Repeat("é", 100), strings.Repeat("é", 101), "x" + strings.Repeat("é", 110),
	}
	literals = []string{
		"null", "true", "false", "0", "-0", "10", "10.0", "1e1", "9.5", "-1", "9007199254740993", "9007199254740992", "1e400", "1e200000",
		`{}`, `[]`, `[["x"]]`, `[[["x"]]]`, `[{"a":["x",10]},{"a":"xy"},null]`, `"\ud800"`, `"\u0078"`, ` [ "x" , 10 ] `,
	}
)

// document draws a JSON object; some attributes are themselves objects.
func document(t *rapid.T, depth int) map[string]json.RawMessage {
	doc := map[string]json.RawMessage{}
	for _, name := range names {
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 0:
		case kind == 1 && depth > 0:
			doc[name] = encode(document(t, depth-1))
		case kind == 2 && depth > 0:
			doc[name] = encode([]any{document(t, 0), text(t), document(t, 0)})
		case kind <= 3:
			doc[name] = json.RawMessage(rapid.SampledFrom(literals).Draw(t, "literal"))
		default:
			doc[name] = encode(text(t))
		}
	}
	return doc
}

func text(t *rapid.T) string { return rapid.SampledFrom(texts).Draw(t, "text") }

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// term draws an expression over the names and values of documents.
func term(t *rapid.T) filter.Term {
	e := filter.Term{Op: rapid.SampledFrom(filter.Ops).Draw(t, "op")}
	for range rapid.IntRange(1, 3).Draw(t, "steps") {
		e.Path = append(e.Path, filter.Step{Name: rapid.SampledFrom(names).Draw(t, "name")})
	}
	if rapid.IntRange(0, 5).Draw(t, "keys") == 0 {
		e.Path = append(e.Path, filter.Step{Keys: true})
	}
	n := 1
	if e.Op == filter.In || e.Op == filter.Nin || e.Op == filter.Cont || e.Op == filter.Ncont {
		n = rapid.IntRange(1, 3).Draw(t, "values")
	}
	for range n {
		v := text(t)
		if rapid.Bool().Draw(t, "literal") {
			v = strings.Trim(rapid.SampledFrom(literals).Draw(t, "value"), `"`)
		}
		e.Values = append(e.Values, strings.ReplaceAll(v, "\x00", "n"))
	}
	return e
}

// filters: whatever the documents and the filter, a query finds what the filter matches, page by page.
func filters(t *testing.T, s eventstore.Store) {
	columns := map[string]eventstore.Column{
		"a": eventstore.ColumnAttr(0), "b": eventstore.ColumnAttr(1), "state": eventstore.ColumnState,
	}
	var all []eventstore.View
	rapid.Check(t, func(rt *rapid.T) {
		if len(all) >= 200 {
			return
		}
		doc := document(rt, 2)
		v := eventstore.View{Kind: "k", ID: fmt.Sprintf("id%03d", len(all)), Revision: 1}
		// What is in a column is a text, or nothing.
		for name, keep := range map[string]func(string){
			"a": func(s string) { v.Attrs[0] = s }, "b": func(s string) { v.Attrs[1] = s }, "state": func(s string) { v.State = s },
		} {
			if delete(doc, name); rapid.IntRange(0, 3).Draw(rt, "absent") > 0 {
				value := text(rt)
				if name == "state" { // it holds its value as it is
					value = rapid.SampledFrom([]string{"x", "X", "é", "10"}).Draw(rt, "state")
				}
				doc[name] = encode(value)
				keep(filter.Index(value))
			}
		}
		v.Doc = encode(doc)
		mustDo(t, s, v.ID, always(eventstore.Commit{Views: []eventstore.ViewWrite{{View: v}, {View: eventstore.View{Kind: "other", ID: v.ID, Doc: v.Doc}}}}))
		all = append(all, v)
	})
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		q := eventstore.ViewQuery{
			Kind: "k", Columns: columns, Limit: rapid.SampledFrom([]int{1, 7, 1000}).Draw(rt, "limit"), Docs: rapid.Bool().Draw(rt, "documents only"),
		}
		for range rapid.IntRange(1, 3).Draw(rt, "terms") {
			q.Where = append(q.Where, term(rt))
		}
		var want, got []string
		for _, v := range all {
			if q.Where.Match(v.Doc) {
				want = append(want, v.ID)
			}
		}
		for {
			page, err := s.Views(t.Context(), q)
			if err != nil {
				rt.Fatalf("%s: %v", q.Where, err)
			}
			for _, v := range page {
				got = append(got, v.ID)
				if i := slices.IndexFunc(all, func(a eventstore.View) bool { return a.ID == v.ID }); i < 0 || !bytes.Equal(v.Doc, all[i].Doc) {
					rt.Fatalf("%s: the document of %s is %s", q.Where, v.ID, v.Doc)
				}
			}
			if len(page) < q.Limit {
				break
			}
			q.After = got[len(got)-1]
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			rt.Fatalf("%s finds %v, want %v", q.Where, got, want)
		}
		found += len(got)
	})
	if found == 0 {
		t.Error("no filter found anything")
	}
}

// readAll: the events of the streams with a prefix come in order of stream and version, wherever a page ends.
func readAll(t *testing.T, s eventstore.Store) {
	var want []string
	for _, stream := range []string{"p-a", "p-b", "p-b/c", "p", "q-a"} {
		for i := range int64(3) {
			mustDo(t, s, stream, func(l *eventstore.Loaded) *eventstore.Commit {
				return &eventstore.Commit{Appends: []eventstore.Append{{Stream: stream, Expected: 2 * i, Events: events("x", "y")}}}
			})
		}
		for v := range 6 {
			if strings.HasPrefix(stream, "p-") {
				want = append(want, fmt.Sprint(stream, " ", v+1))
			}
		}
	}
	for limit := 1; limit < 20; limit += 3 {
		var got []string
		for after := (eventstore.StreamVersion{}); ; {
			page := must(s.ReadAll(t.Context(), "p-", after, limit))(t)
			for _, e := range page {
				got = append(got, fmt.Sprint(e.Stream, " ", e.Version))
				after = eventstore.StreamVersion{Stream: e.Stream, Version: e.Version}
			}
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				t.Fatalf("a page of %d, limit %d", len(page), limit)
			}
		}
		same(t, want, got, fmt.Sprintf("events in pages of %d", limit))
	}
}

// viewAgain: a view that is there becomes the one that is written, whichever of its columns is another, or none is.
func viewAgain(t *testing.T, s eventstore.Store) {
	v := eventstore.View{Kind: "k", ID: "i", Doc: []byte(`{"n":0}`)}
	changes := []func(){
		func() {}, func() { v.Revision = 7 }, func() { v.Parent = "p" }, func() { v.State = "S" }, func() { v.Name = "n" },
		func() { v.Updated = v.Updated.Add(time.Hour) }, func() { v.Doc = []byte(`{"n":1}`) },
	}
	for i := range v.Attrs {
		changes = append(changes, func() { v.Attrs[i] = fmt.Sprint("a", i) }, func() { v.Attrs[i] = "" })
	}
	for i, change := range changes {
		mustDo(t, s, "k", func(l *eventstore.Loaded) *eventstore.Commit {
			if v.Updated.IsZero() {
				v.Updated = l.Now
			}
			change()
			return &eventstore.Commit{Views: []eventstore.ViewWrite{{View: v}}}
		})
		same(t, []eventstore.View{v}, must(s.Views(t.Context(), eventstore.ViewQuery{Kind: "k"}))(t), fmt.Sprintf("the view after change %d", i))
	}
}
