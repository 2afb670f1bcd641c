package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// marker is what a nextpage_opaque_marker carries: where the next page begins, and the selector of the first request.
type marker struct {
	After string `json:"a"`
	All   bool   `json:"f,omitempty"`
}

func (m marker) String() string {
	b, _ := json.Marshal(m) // a string and a bool
	return base64.RawURLEncoding.EncodeToString(b)
}

// page reads the paging and selector parameters of a list request.
func page(q url.Values) (marker, error) {
	var m marker
	_, all := q["all_fields"]
	_, exclude := q["exclude_default"]
	if all && exclude {
		return m, vnfm.Errorf(vnfm.Invalid, "all_fields and exclude_default exclude each other.")
	}
	for _, flag := range []string{"all_fields", "exclude_default"} {
		if q.Get(flag) != "" {
			return m, vnfm.Errorf(vnfm.Invalid, "The query parameter %s takes no value.", flag)
		}
	}
	if !q.Has("nextpage_opaque_marker") {
		return marker{All: all}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Get("nextpage_opaque_marker"))
	if err != nil || json.Unmarshal(b, &m) != nil || m.After == "" || m.String() != q.Get("nextpage_opaque_marker") {
		return m, vnfm.Errorf(vnfm.Invalid, "nextpage_opaque_marker is none of this server's.")
	}
	if all || exclude {
		return m, vnfm.Errorf(vnfm.Invalid, "A next page has the selectors of its first page; send the marker alone.")
	}
	return m, nil
}

// list answers with a page of views in order of id, each made by show.
func list[T any](c *call, kind string, show func(v eventstore.View, all bool) (T, error)) (*answer, error) {
	m, err := page(c.r.URL.Query())
	if err != nil {
		return nil, err
	}
	views, more, err := c.views(eventstore.ViewQuery{Kind: kind, After: m.After})
	if err != nil {
		return nil, err
	}
	items := make([]T, 0, len(views))
	for _, v := range views {
		item, err := show(v, m.All)
		if err != nil {
			return nil, fmt.Errorf("read view %s %s: %w", kind, v.ID, err)
		}
		items = append(items, item)
	}
	res := respond(http.StatusOK)
	if more {
		c.next(res, marker{After: views[len(views)-1].ID, All: m.All})
	}
	return res.json(items), nil
}

// next adds the link to the next page.
func (c *call) next(a *answer, m marker) {
	a.header.Set("Link", fmt.Sprintf("<%s%s?nextpage_opaque_marker=%s>; rel=\"next\"", c.base, c.r.URL.EscapedPath(), m))
}

// views reads one page of views, or all of them when there is no paging, and says whether there are more.
func (c *call) views(q eventstore.ViewQuery) (views []eventstore.View, more bool, err error) {
	const chunk = 1000
	for {
		q.Limit = chunk
		if c.api.PageSize > 0 {
			q.Limit = c.api.PageSize + 1
		}
		got, err := c.api.Views.Views(c.ctx, q)
		if err != nil {
			return nil, false, fmt.Errorf("list %s: %w", q.Kind, err)
		}
		views = append(views, got...)
		if c.api.PageSize > 0 && len(views) > c.api.PageSize {
			return views[:c.api.PageSize], true, nil
		}
		if len(got) < q.Limit {
			return views, false, nil
		}
		q.After = got[len(got)-1].ID
	}
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
		return vnfm.Errorf(vnfm.Precondition, "The resource has changed: its ETag is %s now.", etagOf(revision))
	}
	if want != "*" {
		c.by.Revision = revision
	}
	return nil
}
