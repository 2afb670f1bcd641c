package notify

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// Projector turns events of the log into rows for subscribers.
type Projector struct {
	cfg     Config
	dir     *directory
	history *history
	subs    *subscriptions // as Wants found them
	watches atomic.Bool
}

var _ projection.Planner = (*Projector)(nil)

// Projector returns the projector of the service's subscriptions.
func (s *Service) Projector() (*Projector, error) {
	h, err := newHistory(s.cfg.Store)
	if err != nil {
		return nil, err
	}
	return &Projector{cfg: s.cfg, dir: s.dir, history: h}, nil
}

// ProjectorName names the projector, and so its checkpoint.
const ProjectorName = "notifications"

// Name names the projector's checkpoint.
func (p *Projector) Name() string { return ProjectorName }

// Watches reports whether there were subscriptions when they were last looked at: whether a new event is worth hurrying for.
func (p *Projector) Watches() bool { return p.watches.Load() }

// Wants reports whether there are subscriptions.
func (p *Projector) Wants(ctx context.Context) (bool, error) {
	subs, err := p.dir.current(ctx)
	if err != nil {
		return false, err
	}
	p.subs = subs
	p.watches.Store(len(subs.all) > 0)
	return len(subs.all) > 0, nil
}

// maxRows bounds the notifications of one commit.
const maxRows = 256

// Plan writes a row for each subscription that hears of an event.
func (p *Projector) Plan(ctx context.Context, events []eventstore.Event) (int, *eventstore.Work, error) {
	var rows []*row
	taken := 0
	for i := range events {
		found, err := p.rows(ctx, &events[i])
		if err != nil {
			if len(rows) > 0 {
				break // the ones before it first
			}
			return 0, nil, err
		}
		if len(rows) > 0 && len(rows)+len(found) > maxRows {
			break
		}
		rows = append(rows, found...)
		taken = i + 1
	}
	if len(rows) == 0 {
		return taken, nil, nil
	}
	return taken, p.work(rows), nil
}

// row is one notification to be written.
type row struct {
	Notification

	offset int64 // of its event
}

// rows returns the notifications an event gives rise to, one for each subscription that wants it.
func (p *Projector) rows(ctx context.Context, e *eventstore.Event) ([]*row, error) {
	if !slices.ContainsFunc(p.subs.all, func(s *Subscription) bool { return s.hears(e) }) {
		return nil, nil
	}
	n, err := p.notice(ctx, e)
	if n == nil || err != nil {
		return nil, err
	}
	var out []*row
	for _, s := range p.subs.all {
		if !s.hears(e) || !s.Filter.Match(n) {
			continue
		}
		body, err := p.cfg.Body(n, s, e.Time)
		if err != nil {
			return nil, err
		}
		if s.Point != "" {
			body = sol.Narrow(body, s.Point)
		}
		body = secret.Hide(body)
		r := &row{offset: e.Offset, Notification: Notification{
			Subscription: s.ID, Vnf: n.Instance.ID, ID: n.ID, Type: n.Type, Created: e.Time, Body: body,
		}}
		if n.Op != nil {
			r.Op, r.OpState = n.Op.ID, string(n.Op.State)
		}
		out = append(out, r)
	}
	return out, nil
}

// notice says what an event means to subscribers; nil when it means nothing.
func (p *Projector) notice(ctx context.Context, e *eventstore.Event) (*Notice, error) {
	n := &Notice{ID: message.DeriveID("notification", e.ID), Event: e.ID}
	id, land := strings.TrimPrefix(e.Stream, vnf.InstanceStream), ""
	switch {
	case e.Type == (&vnf.InstanceCreated{}).EventType():
		n.Type = TypeCreation
	case e.Type == (&vnf.InstanceDeleted{}).EventType():
		n.Type = TypeDeletion
	case strings.HasPrefix(e.Stream, vnf.OpOccStream):
		before, after, err := p.history.opOcc(ctx, e)
		if err != nil {
			return nil, err
		}
		if before.State == after.State {
			return nil, nil
		}
		n.Type, n.Op, id = TypeOperation, &after, after.VnfID
		if after.State == vnf.Completed {
			land = after.ID
		}
	default:
		return nil, nil
	}
	var err error
	n.Instance, err = p.history.instance(ctx, id, e.Offset, land)
	return n, err
}

// work puts the rows behind those that wait. It writes nothing when the set of subscriptions is no longer the one that
// the rows were made for.
func (p *Projector) work(rows []*row) *eventstore.Work {
	w := &eventstore.Work{Shared: []string{indexKey}}
	refs := []eventstore.RecordRef{indexRef()}
	for _, r := range rows {
		if key := queueKey(r.Subscription, r.Vnf); !slices.Contains(w.Keys, key) {
			w.Keys = append(w.Keys, key)
			refs = append(refs, queueRef(r.Subscription, r.Vnf))
		}
	}
	version := p.subs.version
	w.Load = func() eventstore.Load { return eventstore.Load{Records: refs} }
	w.Decide = func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		if indexVersion(l) != version {
			return nil, nil
		}
		return p.cfg.enqueue(l, rows)
	}
	return w
}

// enqueue makes the commit of the rows.
func (c Config) enqueue(l *eventstore.Loaded, rows []*row) (*eventstore.Commit, error) {
	commit := &eventstore.Commit{}
	b := ledger.Open(l, commit)
	for _, r := range rows {
		q, err := queueOf(b, r.Subscription, r.Vnf)
		if err != nil {
			return nil, err
		}
		if q == nil {
			q = newQueue(b, r.Subscription, r.Vnf)
			q.Due = b.Now
		}
		if q.Doc.Last < q.Doc.Next { // a number above all that were used
			q.Doc.Next, q.Doc.Last = r.offset, r.offset-1
		}
		if q.Doc.waiting() == 0 {
			q.Doc.Oldest = r.Created
		}
		q.Doc.Last++
		n := ledger.Add[Notification](b, numberRef(r.Subscription, r.Vnf, q.Doc.Last), r.Vnf, r.Subscription)
		n.Doc = r.Notification
		n.Doc.Number, n.Doc.GiveUp = q.Doc.Last, b.Now.Add(c.MaxAge)
		n.Move(StatePending, time.Time{})
		put(q, q.Due)
	}
	return commit, b.Write() //nolint:wrapcheck // says what it was about
}
