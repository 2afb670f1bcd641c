package past

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// positions is a place in the log: the offset of the last event seen, by lane.
type positions = [eventstore.Lanes]int64

// scope is the events that a request is about: those of a resource's streams, which are all in one lane, or the whole log.
type scope struct {
	whole   bool
	lane    int
	streams []string // those there are by now
	vnf     string   // whose operations' streams belong to it, too, also those to come
}

// selection says which events of a scope are wanted.
type selection struct {
	types        []string // a name, or the beginning of names before a "*"; none: all
	since, until time.Time
	first, last  int64 // offsets; 0: no bound
}

func (s *selection) wants(e *eventstore.Event) bool {
	if !s.since.IsZero() && e.Time.Before(s.since) || !s.until.IsZero() && e.Time.After(s.until) ||
		e.Offset < s.first || s.last > 0 && e.Offset > s.last {
		return false
	}
	return len(s.types) == 0 || slices.ContainsFunc(s.types, func(t string) bool {
		prefix, begins := strings.CutSuffix(t, "*")
		return t == e.Type || begins && strings.HasPrefix(e.Type, prefix)
	})
}

// scope returns what the events of a resource are. Those of a VNF instance are its own and those of its operations, in
// the order in which they happened.
func (h *chronicle) scope(c *rest.Call) (*scope, error) {
	stream := h.prefix + c.ID
	first, err := c.Server.Views.ReadStream(c.Ctx, stream, 0, 1)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	if len(first) == 0 {
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no %s %q, and there never was.", h.word, c.ID)
	}
	s := &scope{lane: first[0].Lane, streams: []string{stream}}
	if h.prefix != vnf.InstanceStream {
		return s, nil
	}
	s.vnf = c.ID
	ops := eventstore.ViewQuery{Kind: readmodel.KindOpOcc, Parent: c.ID, Limit: 1000}
	for {
		views, err := c.Server.Views.Views(c.Ctx, ops)
		if err != nil {
			return nil, fmt.Errorf("list operations of %s: %w", c.ID, err)
		}
		for _, v := range views {
			s.streams = append(s.streams, vnf.OpOccStream+v.ID)
		}
		if len(views) < ops.Limit {
			return s, nil
		}
		ops.After = views[len(views)-1].ID
	}
}

// selection reads the parameters type, from and to. Versions are of the resource's own stream, stream; "" where there is
// none.
func selectionOf(c *rest.Call, stream string) (*selection, error) {
	s := &selection{}
	for _, list := range c.Query[rest.TypeParam] {
		for t := range strings.SplitSeq(list, ",") {
			if t = strings.TrimSpace(t); t != "" {
				s.types = append(s.types, t)
			}
		}
	}
	for name, set := range map[string]struct {
		time   *time.Time
		offset *int64
	}{"from": {&s.since, &s.first}, "to": {&s.until, &s.last}} {
		p, err := pointOf(c, name)
		switch {
		case err != nil:
			return nil, err
		case p == nil:
		case p.version == 0:
			*set.time = p.time
		case stream == "":
			return nil, rest.BadQuery(name, "The query parameter %s is a time here: versions are of one resource.", name)
		default:
			events, err := c.Server.Views.ReadStream(c.Ctx, stream, p.version-1, 1)
			if err != nil {
				return nil, fmt.Errorf("read stream %s: %w", stream, err)
			}
			*set.offset = 1 << 62 // beyond the newest version
			if len(events) > 0 {
				*set.offset = events[0].Offset
			}
		}
	}
	return s, nil
}

// query is the selection as query parameters, for the next page: times are those meant when the first was asked for.
func (s *selection) query(c *rest.Call) url.Values {
	q := url.Values{}
	for _, name := range []string{rest.TypeParam, "from", "to", "vnf"} {
		for _, v := range c.Query[name] {
			q.Add(name, v)
		}
	}
	for name, t := range map[string]time.Time{"from": s.since, "to": s.until} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return q
}

// list answers with the events of a resource.
func (h *chronicle) list(c *rest.Call) (*rest.Answer, error) {
	s, err := h.scope(c)
	if err != nil {
		return nil, err
	}
	sel, err := selectionOf(c, h.prefix+c.ID)
	if err != nil {
		return nil, err
	}
	var at positions
	if at[s.lane], err = markerOf(c); err != nil {
		return nil, err
	}
	return eventsOf(c, s.upTo(h.past, at, all), sel, func(e *eventstore.Event) string { return strconv.FormatInt(e.Offset, 10) })
}

// all is a position that nothing is behind.
const all = int64(1) << 62

func markerOf(c *rest.Call) (int64, error) {
	text := c.Query.Get(rest.Paging)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, rest.BadQuery(rest.Paging, "%s is none of this resource's.", rest.Paging)
	}
	return n, nil
}

// events answers with a page of events. position is what the marker of the page after an event is.
func eventsOf(c *rest.Call, next source, sel *selection, position func(*eventstore.Event) string) (*rest.Answer, error) {
	limit := c.Server.PageSize
	if limit == 0 {
		limit = 1000
	}
	out := []sol.VnfEvent{}
	marker := ""
	for {
		e, err := next(c.Ctx)
		if err != nil {
			return nil, err
		}
		res := rest.Respond(http.StatusOK)
		switch {
		case e == nil:
			return res.JSON(out), nil
		case !sel.wants(e):
			continue
		case len(out) == limit: // there is more
			q := sel.query(c)
			q.Set(rest.Paging, marker)
			res.Header.Set("Link", fmt.Sprintf("<%s%s?%s>; rel=\"next\"", c.Base, c.Request.URL.EscapedPath(), q.Encode()))
			return res.JSON(out), nil
		}
		out, marker = append(out, vnfEvent(e)), position(e)
	}
}

// source hands out events one after the other, nil at the end.
type source func(ctx context.Context) (*eventstore.Event, error)

const chunk = 500

// upTo returns the events of a resource behind a position, as far as an offset.
func (s *scope) upTo(a *API, at positions, end int64) source {
	after := at[s.lane]
	var buffered []eventstore.Event
	return func(ctx context.Context) (*eventstore.Event, error) {
		if len(buffered) == 0 {
			var err error
			if buffered, err = a.Views.ReadStreams(ctx, s.streams, after, chunk); err != nil {
				return nil, fmt.Errorf("read events: %w", err)
			}
		}
		if len(buffered) == 0 || buffered[0].Offset > end {
			return nil, nil //nolint:nilnil // the end
		}
		e := buffered[0]
		buffered, after = buffered[1:], e.Offset
		return &e, nil
	}
}

// merged returns the events of lanes between two positions, by time; those of one lane in its order. It moves at along.
func merged(a *API, at, end *positions) source {
	var buffered [eventstore.Lanes][]eventstore.Event
	return func(ctx context.Context) (*eventstore.Event, error) {
		var next *eventstore.Event
		for lane := range eventstore.Lanes {
			if at[lane] >= end[lane] {
				continue
			}
			if len(buffered[lane]) == 0 {
				var err error
				if buffered[lane], err = a.Views.ReadLane(ctx, lane, at[lane], int(min(end[lane]-at[lane], chunk))); err != nil {
					return nil, fmt.Errorf("read lane %d: %w", lane, err)
				}
				if len(buffered[lane]) == 0 {
					return nil, fmt.Errorf("event log lane %d: offset %d is missing", lane, at[lane]+1)
				}
			}
			if e := &buffered[lane][0]; next == nil || e.Time.Before(next.Time) {
				next = e
			}
		}
		if next == nil {
			return nil, nil //nolint:nilnil // the end
		}
		e := *next
		buffered[e.Lane], at[e.Lane] = buffered[e.Lane][1:], e.Offset
		return &e, nil
	}
}

// logScope is the whole log, or with vnf= one VNF's part of it.
func (a *API) logScope(c *rest.Call) (*scope, *selection, error) {
	if id := c.Query.Get("vnf"); id != "" {
		of := *c
		of.ID = id
		instances := chronicle{word: vnflcm.VnfWord, prefix: vnf.InstanceStream}
		s, err := instances.scope(&of)
		if err != nil {
			return nil, nil, err
		}
		sel, err := selectionOf(c, "")
		return s, sel, err
	}
	sel, err := selectionOf(c, "")
	return &scope{whole: true}, sel, err
}

// listLog answers with events of all streams, by time.
func (a *API) listLog(c *rest.Call) (*rest.Answer, error) {
	s, sel, err := a.logScope(c)
	if err != nil {
		return nil, err
	}
	at, err := decodePositions(c.Query.Get(rest.Paging))
	if err != nil {
		return nil, rest.BadQuery(rest.Paging, "%s is none of this resource's.", rest.Paging)
	}
	if c.Query.Get(rest.Paging) == "" && !sel.since.IsZero() {
		if at, err = a.Views.OffsetsBefore(c.Ctx, sel.since); err != nil {
			return nil, fmt.Errorf("find the events since %v: %w", sel.since, err)
		}
	}
	if !s.whole {
		next := s.upTo(a, at, all)
		return eventsOf(c, next, sel, func(e *eventstore.Event) string {
			var behind positions
			behind[e.Lane] = e.Offset
			return encodePositions(behind)
		})
	}
	end, err := a.heads(c.Ctx)
	if err != nil {
		return nil, err
	}
	return eventsOf(c, merged(a, &at, &end), sel, func(*eventstore.Event) string { return encodePositions(at) })
}

// heads returns the end of the log.
func (a *API) heads(ctx context.Context) (out positions, err error) {
	heads, err := a.Views.Heads(ctx)
	if err != nil {
		return out, fmt.Errorf("read lane heads: %w", err)
	}
	for lane, h := range heads {
		out[lane] = h.Event
	}
	return out, nil
}

// encodePositions writes a place in the log: the offsets of the lanes, as variable-length numbers.
func encodePositions(p positions) string {
	var b []byte
	for _, off := range p {
		b = binary.AppendVarint(b, off)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodePositions reads what encodePositions wrote; "" is the beginning.
func decodePositions(text string) (p positions, err error) {
	if text == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	for lane := range p {
		off, n := binary.Varint(b)
		if n <= 0 || off < 0 {
			return p, vnfm.Errorf(vnfm.Invalid, "%q is no place in the log.", text)
		}
		p[lane], b = off, b[n:]
	}
	if err != nil || len(b) > 0 {
		return p, vnfm.Errorf(vnfm.Invalid, "%q is no place in the log.", text)
	}
	return p, nil
}

func vnfEvent(e *eventstore.Event) sol.VnfEvent {
	var meta eventstore.Metadata
	_ = json.Unmarshal(e.Meta, &meta) // an event without readable metadata is still shown
	return sol.VnfEvent{
		Lane: e.Lane, Offset: e.Offset, Stream: e.Stream, Version: e.Version, Id: e.ID, Type: e.Type, Schema: e.Schema,
		Time: e.Time, Actor: meta.Actor, Role: meta.Role, Command: meta.Command, CorrelationId: meta.CorrelationID,
		CausationId: meta.CausationID, Traceparent: meta.Traceparent, Data: e.Data, Hash: hex.EncodeToString(e.Hash),
	}
}

// owner tells which events of a lane belong to a scope. It remembers whose the operations are.
type owner struct {
	scope
	known map[string]bool
}

// has reports whether an event belongs to the scope.
func (o *owner) has(ctx context.Context, a *API, e *eventstore.Event) (bool, error) {
	if o.whole || slices.Contains(o.streams, e.Stream) {
		return true, nil
	}
	id, op := strings.CutPrefix(e.Stream, vnf.OpOccStream)
	if !op || o.vnf == "" {
		return false, nil
	}
	if ours, ok := o.known[id]; ok {
		return ours, nil
	}
	ref := eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: id}
	l, err := a.Views.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return false, fmt.Errorf("read operation %s: %w", id, err)
	}
	if len(o.known) > 10_000 || o.known == nil {
		o.known = map[string]bool{}
	}
	o.known[id] = l.Views[ref] != nil && l.Views[ref].Parent == o.vnf
	return o.known[id], nil
}
