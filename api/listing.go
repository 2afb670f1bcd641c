package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
)

// marker is what a nextpage_opaque_marker carries: where the next page begins, and what the first request asked for. It is
// a place in the order of ids, so that pages neither repeat nor leave out what is there all the time.
type marker struct {
	Path  string `json:"p"` // of the list
	After string `json:"a"`
	Query string `json:"q,omitempty"` // filter and selectors
}

// seal is the form in which a marker travels. The sum tells one that was damaged or made by someone else; it is no secret,
// since a marker grants nothing that its list does not.
func (m marker) seal() string {
	b, _ := json.Marshal(m) // strings
	sum := sha256.Sum256(append([]byte("vnfm marker 1:"), b...))
	return base64.RawURLEncoding.EncodeToString(append(sum[:8], b...))
}

func unseal(s, path string) (marker, error) {
	var m marker
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 8 || json.Unmarshal(b[8:], &m) != nil || m.After == "" || m.Path != path || m.seal() != s {
		return m, badQuery(paging, "%s is none of this server's for this list.", paging)
	}
	return m, nil
}

// page reads where the page that is asked for begins, and the query of the first request.
func (c *call) page() (marker, url.Values, error) {
	q := c.query
	first := marker{Path: c.r.URL.Path}
	if !q.Has(paging) {
		first.Query = q.Encode()
		return first, q, nil
	}
	if len(q) > 1 {
		return first, nil, badQuery(paging, "A next page has the filter and selectors of its first page; send %s alone.", paging)
	}
	m, err := unseal(q.Get(paging), first.Path)
	if err != nil {
		return m, nil, err
	}
	q, err = url.ParseQuery(m.Query)
	if err != nil {
		return m, nil, badQuery(paging, "%s is none of this server's for this list.", paging)
	}
	return m, q, c.keepOffVimsIn(q) // it came in disguise
}

// listQuery are the query parameters of a list of a collection.
var listQuery = append([]string{paging, filterParam}, selectorParams...)

const filterParam = "filter"

// list answers with a page of a collection in order of id: what its filter selects, of that what its selectors keep. show
// makes entries of some rows, in their order.
func list[T any](c *call, l *collection, show func(rows []eventstore.View) ([]*T, error)) (*answer, error) {
	return listUnder(c, l, "", show)
}

// listUnder is list of what has a parent ("": all). show makes nil of a row that is no entry of this list.
func listUnder[T any](c *call, l *collection, parent string, show func(rows []eventstore.View) ([]*T, error)) (*answer, error) {
	m, q, err := c.page()
	if err != nil {
		return nil, err
	}
	q, older, err := c.inV2(q)
	if err != nil {
		return nil, err
	}
	where, rest, never, err := l.split(q.Get(filterParam))
	if err != nil {
		return nil, inQuery(err, filterParam)
	}
	wanted, err := selectorOf(q, l.entry, l.known, l.defaults)
	if err != nil {
		return nil, err
	}
	rows := eventstore.ViewQuery{Kind: l.kind, Parent: parent, After: m.After, Where: where, Columns: readmodel.Columns(l.kind), Limit: 1000}
	if c.api.PageSize > 0 {
		rows.Limit = c.api.PageSize + 1
	}
	items, last := []*T{}, ""
	for more := !never; more; {
		got, err := c.api.Views.Views(c.ctx, rows)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", l.kind, err)
		}
		entries, err := show(got)
		if err != nil {
			return nil, fmt.Errorf("read views %s: %w", l.kind, err)
		}
		for i, entry := range entries {
			if entry == nil || len(rest) > 0 && !rest.Match(encode(entry)) || len(older) > 0 && !older.Match(c.v1.Down(encode(entry), c.base)) {
				continue
			}
			if c.api.PageSize > 0 && len(items) == c.api.PageSize {
				res := respond(http.StatusOK)
				c.next(res, marker{Path: m.Path, After: last, Query: m.Query})
				return res.json(items), nil
			}
			wanted.apply(entry)
			items, last = append(items, entry), got[i].ID
		}
		if more = len(got) == rows.Limit; more {
			rows.After = got[len(got)-1].ID
		}
	}
	return respond(http.StatusOK).json(items), nil
}

// each makes entries of rows one by one: of the document of each.
func each[D, T any](show func(doc *D) *T) func(rows []eventstore.View) ([]*T, error) {
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

// next adds the link to the next page.
func (c *call) next(a *answer, m marker) {
	a.header.Set("Link", fmt.Sprintf("<%s%s?%s=%s>; rel=\"next\"", c.base, c.r.URL.EscapedPath(), paging, m.seal()))
}

// view reads one view into its document; NotFound when there is none.
func (c *call) view(kind, id, what string, doc any) (*eventstore.View, error) {
	ref := eventstore.ViewRef{Kind: kind, ID: id}
	l, err := c.api.Views.Load(c.ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	v := l.Views[ref]
	if v == nil {
		return nil, notFound(what, id)
	}
	if err := json.Unmarshal(v.Doc, doc); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return v, nil
}

// ifMatch refuses a change when the client's If-Match does not name the resource's revision, and hands a single
// revision on, so that the use case can hold it against what it loads.
func (c *call) ifMatch(revision int64) error {
	want := c.r.Header.Get("If-Match")
	if want == "" {
		return nil
	}
	if !matches(want, revision) {
		return vnfm.Errorf(vnfm.Precondition, "The resource has changed, its ETag is %s now: read it again, and send the change with that.", etagOf(revision))
	}
	if want != "*" {
		c.by.Revision = revision
	}
	return nil
}
