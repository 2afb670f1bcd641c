package past

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/secret"
)

// The times of a tail.
const (
	// heartbeat is how often a comment is sent when nothing happens, so that both ends notice a broken connection.
	heartbeat = 15 * time.Second
	// patience is how long a client may take to take what is sent.
	patience = 10 * time.Second
	// comeBack is after how many milliseconds a client whose tail ended should come back.
	comeBack = 1000
)

// tail follows the events of a resource as server-sent events: from the beginning or from=, then as they happen. The id
// of each is its offset; with Last-Event-ID it goes on behind that.
func (h *chronicle) tail(c *rest.Call) (*rest.Answer, error) {
	return h.past.follow(c, func(f *follower) error {
		s, err := h.scope(c)
		if err != nil {
			return err
		}
		f.owner.scope = *s
		f.id = func() string { return strconv.FormatInt(f.at[s.lane], 10) }
		if last := c.Request.Header.Get("Last-Event-ID"); last != "" {
			if f.at[s.lane], err = strconv.ParseInt(last, 10, 64); err != nil || f.at[s.lane] < 0 {
				return vnfm.Errorf(vnfm.Invalid, "Last-Event-ID %q is none of this resource's.", last)
			}
		}
		f.sel, err = selectionOf(c, h.prefix+c.ID)
		return err
	})
}

// tailLog follows the whole log, or one VNF's part of it: from now on or from=. The id of each event is the place in the
// log behind it.
func (a *API) tailLog(c *rest.Call) (*rest.Answer, error) {
	return a.follow(c, func(f *follower) error {
		s, sel, err := a.logScope(c)
		if err != nil {
			return err
		}
		f.owner.scope, f.sel = *s, sel
		f.id = func() string { return encodePositions(f.at) }
		switch last := c.Request.Header.Get("Last-Event-ID"); {
		case last != "":
			if f.at, err = decodePositions(last); err != nil {
				return vnfm.Errorf(vnfm.Invalid, "Last-Event-ID %q is none of this resource's.", last)
			}
		case sel.since.IsZero():
			f.at = f.end
		default:
			f.at, err = a.Views.OffsetsBefore(c.Ctx, sel.since)
		}
		return err //nolint:wrapcheck // of the store
	})
}

// follow returns the answer of a follower. The order matters: who watches first, reads the heads then, and asks last
// what streams there are misses nothing between.
func (a *API) follow(c *rest.Call, prepare func(*follower) error) (_ *rest.Answer, err error) {
	release, err := a.Tail.Watch()
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	f := &follower{past: a, c: c}
	if f.end, err = a.heads(c.Ctx); err != nil {
		return nil, err
	}
	if err = prepare(f); err != nil {
		return nil, err
	}
	if c.Request.Header.Get("Last-Event-ID") != "" { // the id says where to go on; "ten minutes ago" is another time by now
		f.sel.since, f.sel.first = time.Time{}, 0
	}
	if !f.sel.until.IsZero() || f.sel.last > 0 {
		return nil, rest.BadQuery("to", "The query parameter to is not for a tail, which has no end.")
	}
	res := rest.Respond(http.StatusOK)
	res.Header.Set("Content-Type", rest.StreamType)
	res.Header.Set("Cache-Control", "no-store")
	res.Header.Set("X-Accel-Buffering", "no") // proxies must not hold events back
	res.Follow = func(w http.ResponseWriter) {
		defer release()
		if err := f.run(w); err != nil && c.Ctx.Err() == nil && !errors.Is(err, errGone) {
			c.Server.Log.WarnContext(c.Ctx, "tail ended", "path", c.Request.URL.Path, "error", err)
		}
	}
	return res, nil
}

// errGone says that the client does not take what is sent.
var errGone = errors.New("the client is gone")

// follower sends events to one client.
type follower struct {
	past  *API
	c     *rest.Call
	owner owner
	sel   *selection
	end   positions // of the log when the tail began
	at    positions // read so far
	id    func() string

	w    http.ResponseWriter
	rc   *http.ResponseController
	buf  bytes.Buffer
	last time.Time // when anything was sent
}

// run sends what is there, then what comes, until the client goes, the server stops, or something fails: then the client
// comes back with the id of the last event.
func (f *follower) run(w http.ResponseWriter) error {
	f.w, f.rc = w, http.NewResponseController(w)
	fmt.Fprintf(&f.buf, "retry: %d\n\n", comeBack)
	if err := f.flush(); err != nil {
		return err
	}
	if err := f.catchUp(); err != nil {
		return err
	}
	beat := f.past.Heartbeat
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		heads, grown := f.past.Tail.Now()
		if err := f.live(&heads); err != nil {
			return err
		}
		select {
		case <-grown:
		case <-tick.C:
			if time.Since(f.last) >= beat {
				f.buf.WriteString(": heartbeat\n\n")
				if err := f.flush(); err != nil {
					return err
				}
			}
		case <-f.c.Ctx.Done():
			return nil
		case <-f.past.Tail.Stopped():
			_ = f.rc.SetWriteDeadline(time.Time{}) // the end of the answer is still to be written
			return nil
		}
	}
}

// catchUp sends what was there when the tail began. That of a resource is read from its own streams: in the whole lane it
// would be a needle in a haystack.
func (f *follower) catchUp() error {
	o := &f.owner
	if o.whole {
		return f.live(&f.end)
	}
	next := o.upTo(f.past, f.at, f.end[o.lane])
	err := f.send(func(ctx context.Context) (*eventstore.Event, error) {
		e, err := next(ctx)
		if e != nil {
			f.at[o.lane] = e.Offset
		}
		return e, err
	}, func(context.Context, *eventstore.Event) (bool, error) { return true, nil })
	f.at[o.lane] = max(f.at[o.lane], f.end[o.lane])
	return err
}

// live sends what lies between the position and the heads.
func (f *follower) live(heads *positions) error {
	end := *heads
	if o := &f.owner; !o.whole {
		end = f.at
		end[o.lane] = heads[o.lane]
	}
	return f.send(merged(f.past, &f.at, &end), func(ctx context.Context, e *eventstore.Event) (bool, error) {
		return f.owner.has(ctx, f.past, e)
	})
}

// send sends the events of a source that belong to the scope and are wanted.
func (f *follower) send(next source, belongs func(context.Context, *eventstore.Event) (bool, error)) error {
	for {
		e, err := next(f.c.Ctx)
		if err != nil {
			return err
		}
		if e == nil {
			return f.flush()
		}
		if !f.sel.wants(e) {
			continue
		}
		if ours, err := belongs(f.c.Ctx, e); err != nil {
			return err
		} else if !ours {
			continue
		}
		data, err := json.Marshal(vnfEvent(e))
		if err != nil {
			return fmt.Errorf("encode event %s: %w", e.ID, err)
		}
		fmt.Fprintf(&f.buf, "id: %s\ndata: %s\n\n", f.id(), secret.Hide(data))
		if f.buf.Len() > 64<<10 {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
}

// flush sends what is gathered.
func (f *follower) flush() error {
	if f.buf.Len() == 0 {
		return nil
	}
	_ = f.rc.SetWriteDeadline(time.Now().Add(patience)) // where it cannot be set, the connection's own end tells
	if _, err := f.w.Write(f.buf.Bytes()); err != nil {
		return errGone
	}
	if err := f.rc.Flush(); err != nil {
		return errGone
	}
	f.buf.Reset()
	f.last = time.Now()
	return nil
}
