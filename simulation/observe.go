package simulation

import (
	"context"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// observed is what is known of the history from outside the program: commits as they happen, and what a follower of the
// log was told.
type observed struct {
	epochs   map[eventstore.RoleLane]int64
	opStates map[string]string                 // of operations, by id
	versions map[eventstore.ViewRef]int64      // of views
	answers  map[eventstore.IdempotencyKey]int // commits that kept an answer
	told     [eventstore.Lanes]int64           // the highest offset a follower was told of
	gaps     []string                          // what it was told out of order
	streams  map[string]int64                  // the highest version of each stream a follower was told of
	sent     map[string]bool                   // ids of messages that the program meant to send
	arrived  map[string]bool                   // ids of messages committed
	heads    [eventstore.Lanes]int64           // the last event of each lane
	parked   int
}

func (o *observed) init() {
	o.epochs = map[eventstore.RoleLane]int64{}
	o.opStates, o.versions = map[string]string{}, map[eventstore.ViewRef]int64{}
	o.sent, o.arrived = map[string]bool{}, map[string]bool{}
	o.answers, o.streams = map[eventstore.IdempotencyKey]int{}, map[string]int64{}
}

// committed is told of each commit when it has become true.
func (w *world) committed(c *eventstore.Commit) {
	w.commits++
	if stays(c) {
		w.stays++
	}
	w.tracef("  commit %s", describe(c))
	for i := range c.Events {
		w.observed.heads[c.Events[i].Lane] = c.Events[i].Offset
		w.heardOf(c.Events[i].Type, c.Events[i].Stream, c.Events[i].Data)
	}
	for i := range c.Messages {
		w.observed.sent[c.Messages[i].ID], w.observed.arrived[c.Messages[i].ID] = true, true
		w.other.hear(&c.Messages[i].Message)
		if m := &c.Messages[i]; m.Topic == message.TopicReplies && m.Type == message.ReplyType {
			w.protocol.waiting = append(w.protocol.waiting, *m)
		}
	}
	for _, v := range c.Views {
		ref := eventstore.ViewRef{Kind: v.Kind, ID: v.ID}
		if v.Revision < w.observed.versions[ref] {
			w.violate("I7: the view of %s %s went back from revision %d to %d", v.Kind, v.ID, w.observed.versions[ref], v.Revision)
		}
		w.observed.versions[ref] = v.Revision
		if v.Kind == readmodel.KindSnapshot && !v.Delete {
			w.took(v.Doc)
		}
		if v.Kind != readmodel.KindOpOcc {
			continue
		}
		if was := w.observed.opStates[v.ID]; vnf.OpState(was).Final() && was != v.State {
			w.violate("I7: operation %s was %s and is %s", v.ID, was, v.State)
		}
		if st := vnf.OpState(v.State); st.Final() && w.observed.opStates[v.ID] != v.State {
			w.happened[Ended(v.Attrs[0], v.State)]++
			if w.orchestrated() && v.Attrs[0] == string(vnf.OpInstantiate) && st == vnf.Completed {
				w.orchestrator.fresh = append(w.orchestrator.fresh, v.Parent)
			}
		}
		w.observed.opStates[v.ID] = v.State
	}
	if r := c.Idempotency; r != nil {
		if w.observed.answers[r.IdempotencyKey]++; w.observed.answers[r.IdempotencyKey] > 1 {
			w.violate("I6: idempotency key %s has two effects", r.Key)
		}
	}
	w.observed.parked += len(c.Parked)
	on := assembly.Wake(0)
	if len(c.Messages) > 0 {
		on |= assembly.OnMessages
	}
	if len(c.Records) > 0 {
		on |= assembly.OnRecords
	}
	if slices.ContainsFunc(c.Records, func(r eventstore.RecordWrite) bool { return r.Table == eventstore.TableNotifications && !r.Delete }) {
		on |= assembly.OnNotices
	}
	if len(c.Events) > 0 {
		on |= assembly.OnEvents
	}
	if len(c.Parked) > 0 {
		on |= assembly.OnTimeouts // with them, what waits is looked at
	}
	w.wake(on)
}

// stays reports whether a commit does no more than to put off the end of sagas that ended and may not go yet: that goes on for as long as a message
// of their VNF is parked.
func stays(c *eventstore.Commit) bool {
	return len(c.Sagas) > 0 && len(c.Events)+len(c.Messages)+len(c.Records)+len(c.Timeouts)+len(c.Cursors)+len(c.Views) == 0 &&
		!slices.ContainsFunc(c.Sagas, func(s eventstore.SagaRow) bool { return !s.Ended || s.Delete || s.Plan != nil || s.Items != nil })
}

// wake makes the loops that wait for something look again.
func (w *world) wake(on assembly.Wake) {
	for _, n := range w.nodes {
		n.look(on)
	}
}

func describe(c *eventstore.Commit) string {
	var b strings.Builder
	b.WriteString(short(c.Key))
	for _, e := range c.Events {
		b.WriteString(" " + short(e.Stream) + "/" + e.Type)
	}
	for _, s := range c.Sagas {
		b.WriteString(" saga " + short(s.ID) + "=" + s.State)
	}
	for _, r := range c.Records {
		b.WriteString(" " + r.Table + " " + short(r.ID) + "=" + r.State)
		if r.Delete {
			b.WriteString(" deleted")
		}
	}
	for _, m := range c.Messages {
		b.WriteString(" → " + m.Type + " " + m.ID)
	}
	for _, t := range c.Timeouts {
		b.WriteString(" timeout " + t.Name)
	}
	for _, m := range c.Cursors {
		b.WriteString(" cursor " + m.Consumer)
	}
	if len(c.Parked) > 0 {
		b.WriteString(" PARKED")
	}
	return b.String()
}

// short abbreviates ids, and keeps the prefix of a stream.
func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

// Name names the follower of the log.
func (o *observed) Name() string { return "observer" }

// Handle is told of events, as a subscriber would be (I5): each at least once, and in order.
func (o *observed) Handle(_ context.Context, events []eventstore.Event) error {
	for i := range events {
		e := &events[i]
		if e.Offset > o.told[e.Lane]+1 {
			o.gaps = append(o.gaps, "lane offset skipped in "+e.Stream)
		}
		if e.Version > o.streams[e.Stream]+1 {
			o.gaps = append(o.gaps, "version skipped in "+e.Stream)
		}
		o.told[e.Lane] = max(o.told[e.Lane], e.Offset)
		o.streams[e.Stream] = max(o.streams[e.Stream], e.Version)
	}
	return nil
}
