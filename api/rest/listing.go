package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
)

// Marker is what a nextpage_opaque_marker carries: where the next page begins, and what the first request asked for. It is
// a place in the order of ids, so that pages neither repeat nor leave out what is there all the time.
type Marker struct {
	Path  string `json:"p"` // of the list
	After string `json:"a"`
	Value string `json:"v,omitempty"` // what the entry has by which the list is sorted
	Query string `json:"q,omitempty"` // filter, selectors and order
}

// seal is the form in which a marker travels. The sum tells one that was damaged or made by someone else; it is no secret,
// since a marker grants nothing that its list does not.
func (m Marker) seal() string {
	b, _ := json.Marshal(m) // strings
	sum := sha256.Sum256(append([]byte("vnfm marker 1:"), b...))
	return base64.RawURLEncoding.EncodeToString(append(sum[:8], b...))
}

func unseal(s, path string) (Marker, error) {
	var m Marker
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 8 || json.Unmarshal(b[8:], &m) != nil || m.After == "" || m.Path != path || m.seal() != s {
		return m, BadQuery(Paging, "%s is none of this server's for this list.", Paging)
	}
	return m, nil
}

// Page reads where the page that is asked for begins, and the query of the first request.
func (c *Call) Page() (Marker, url.Values, error) {
	q := c.Query
	first := Marker{Path: c.Request.URL.Path}
	if !q.Has(Paging) {
		first.Query = q.Encode()
		return first, q, nil
	}
	if len(q) > 1 {
		return first, nil, BadQuery(Paging, "A next page has the filter and selectors of its first page; send %s alone.", Paging)
	}
	m, err := unseal(q.Get(Paging), first.Path)
	if err != nil {
		return m, nil, err
	}
	q, err = url.ParseQuery(m.Query)
	if err != nil {
		return m, nil, BadQuery(Paging, "%s is none of this server's for this list.", Paging)
	}
	return m, q, c.keepQueryToPoint(q) // it came in disguise
}

// ListQuery are the query parameters of a list of a collection.
var ListQuery = append([]string{Paging, FilterParam}, selectorParams...)

const FilterParam = "filter"

// SortParam is the query parameter of our own lists that says by which attribute they are sorted; after a "-" the greatest comes first.
const SortParam = "sort"

// List answers with a page of a collection in order of id, or as it is to be sorted: what its filter selects, of that what its selectors keep. show
// makes entries of some rows, in their order.
func List[T any](c *Call, l *Collection, show func(rows []eventstore.View) ([]*T, error)) (*Answer, error) {
	return ListUnder(c, l, "", show)
}

// ListUnder is list of what has a parent ("": all). show makes nil of a row that is no entry of this list.
func ListUnder[T any](c *Call, l *Collection, parent string, show func(rows []eventstore.View) ([]*T, error)) (*Answer, error) {
	m, q, err := c.Page()
	if err != nil {
		return nil, err
	}
	q, older, err := c.inV2(q)
	if err != nil {
		return nil, err
	}
	where, rest, never, err := l.split(q.Get(FilterParam))
	if err != nil {
		return nil, inQuery(err, FilterParam)
	}
	wanted, err := selectorOf(q, l.Entry, l.Known, l.Defaults)
	if err != nil {
		return nil, err
	}
	rows := eventstore.ViewQuery{Kind: l.Kind, Parent: parent, After: m.After, Where: where, Columns: readmodel.Columns(l.Kind), Limit: 1000, Docs: true}
	if c.Server.PageSize > 0 {
		rows.Limit = c.Server.PageSize + 1
	}
	if err := l.sort(q.Get(SortParam), &rows); err != nil {
		return nil, err
	}
	rows.AfterValue = m.Value
	var short *short
	if len(rest) == 0 && len(older) == 0 {
		short = l.shortcut(wanted, c.V1, c.Base)
		rows.Brief = short.brief()
	}
	p := &page{body: []byte{'['}, size: c.Server.PageSize, order: rows.Order}
	for more := !never; more; {
		got, err := c.Server.Views.Views(c.Ctx, rows)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", l.Kind, err)
		}
		var entries []*T
		if short == nil {
			entries, err = show(got)
		}
		for i, row := range got {
			if short != nil {
				if p.full() {
					return p.answer(c, &m), nil
				}
				if p.take(short, row) {
					if i == 0 {
						p.expect(len(got))
					}
					continue
				}
				entries, err = show(got[i : i+1])
			}
			if err != nil {
				return nil, fmt.Errorf("read views %s: %w", l.Kind, err)
			}
			entry := entries[0]
			if short == nil {
				entry = entries[i]
			}
			if entry == nil || len(rest) > 0 && !rest.Match(Encode(entry)) || len(older) > 0 && !older.Match(c.V1.Down(Encode(entry), c.Base)) {
				continue
			}
			if p.full() {
				return p.answer(c, &m), nil
			}
			wanted.apply(entry)
			body := Encode(entry)
			if c.V1 != nil {
				body = c.V1.Down(body, c.Base)
			}
			p.put(append(p.open(), body...), row)
		}
		if more = len(got) == rows.Limit; more {
			rows = rows.Behind(&got[len(got)-1])
		}
	}
	return p.answer(c, nil), nil
}

// page is the entries of a list so far, encoded.
type page struct {
	body []byte
	n    int
	size int    // 0: it is never full
	last string // id of the last entry
	// order is the column that the list is sorted by, value what the last entry has in it.
	order eventstore.Column
	value string
}

func (p *page) full() bool { return p.size > 0 && p.n == p.size }

// open returns the body with room for another entry.
func (p *page) open() []byte {
	if p.n > 0 {
		return append(p.body, ',')
	}
	return p.body
}

func (p *page) put(body []byte, row eventstore.View) {
	if p.body, p.n, p.last = body, p.n+1, row.ID; p.order != "" {
		p.value = row.Column(p.order)
	}
}

// expect makes room for more entries, when they are like those there are.
func (p *page) expect(more int) {
	if p.size > 0 {
		more = min(more, p.size-p.n)
	}
	if p.n > 0 {
		p.body = slices.Grow(p.body, len(p.body)/p.n*more*9/8)
	}
}

// take puts an entry that need not be decoded; false when it has to be.
func (p *page) take(s *short, row eventstore.View) bool {
	body, ok := s.take(p.open(), row.Doc)
	if ok {
		p.put(body, row)
	}
	return ok
}

// answer is the page, with a link to the next unless first, the place where it begins, is nil.
func (p *page) answer(c *Call, first *Marker) *Answer {
	a := Respond(http.StatusOK)
	if first != nil {
		c.Next(a, Marker{Path: first.Path, After: p.last, Value: p.value, Query: first.Query})
	}
	a.Header.Set("Content-Type", JSONType)
	a.body, a.inForm = append(p.body, ']'), true
	return a
}

// Each makes entries of rows one by one: of the document of each.
func Each[D, T any](show func(doc *D) *T) func(rows []eventstore.View) ([]*T, error) {
	return func(rows []eventstore.View) ([]*T, error) {
		out := make([]*T, len(rows))
		for i, v := range rows {
			var doc D
			if err := json.Unmarshal(v.Doc, &doc); err != nil {
				return nil, fmt.Errorf("%s: %w", v.ID, err)
			}
			out[i] = show(&doc)
		}
		return out, nil
	}
}

// Next adds the link to the next page.
func (c *Call) Next(a *Answer, m Marker) {
	a.Header.Set("Link", fmt.Sprintf("<%s%s?%s=%s>; rel=\"next\"", c.Base, c.Request.URL.EscapedPath(), Paging, m.seal()))
}

// View reads one view into its document; NotFound when there is none.
func (c *Call) View(kind, id, what string, doc any) (*eventstore.View, error) {
	ref := eventstore.ViewRef{Kind: kind, ID: id}
	l, err := c.Server.Views.Load(c.Ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	v := l.Views[ref]
	if v == nil {
		return nil, NotFound(what, id)
	}
	if err := json.Unmarshal(v.Doc, doc); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return v, nil
}

// IfMatch refuses a change when the client's If-Match does not name the resource's revision, and hands a single
// revision on, so that the use case can hold it against what it loads.
func (c *Call) IfMatch(revision int64) error {
	want := c.Request.Header.Get("If-Match")
	if want == "" {
		return nil
	}
	if !matches(want, revision) {
		return vnfm.Errorf(vnfm.Precondition, "The resource has changed, its ETag is %s now: read it again, and send the change with that.", etagOf(revision))
	}
	if want != "*" {
		c.By.Revision = revision
	}
	return nil
}
