package simulation

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// other is another orchestrator that speaks the VIM manager's protocol, and takes every liberty of it: it reserves,
// gives up, releases, and asks for the same resource again under its next generation; and it forgets a command that has
// not arrived when it goes on to its next operation. The program's own operations need less of what the VIM manager
// promises, so they would not show that it is kept.
type other struct {
	key     string // its VNF
	planned int    // things it will begin to do
	op      int64  // its operation under way, the fence
	things  []*thing
	answers []heard
	of      map[string]*thing // by command
}

// thing is a resource it wants, or wanted.
type thing struct {
	token      vim.Token
	kind       vim.Kind
	connection string
	phase      phase
	op         int64
	asked      []string  // commands of this generation that reserve, the newest last
	release    bool      // this generation's was sent
	command    string    // the newest
	wait       time.Time // for its answer
	revision   int       // the highest asked for
	old        bool      // it speaks as older programs do
}

type phase int

const (
	reserving phase = iota
	standing
	changing
	releasing
	free
	forgotten
)

type heard struct {
	command string
	reply   message.Reply
}

const otherPatience = time.Minute

// drawOther decides what the other orchestrator will do.
func (w *world) drawOther() {
	w.other = other{key: w.newID(), of: map[string]*thing{}, planned: max(w.rng.IntN(30)-5, 0)}
}

func (o *other) more() bool { return o.planned > 0 }

// hear is told of every message; answers to its commands are looked at later.
func (o *other) hear(m *message.Message) {
	if m.Topic != message.TopicReplies || o.of[m.CausationID] == nil {
		return
	}
	var r message.Reply
	if json.Unmarshal(m.Data, &r) == nil {
		o.answers = append(o.answers, heard{m.CausationID, r})
	}
}

// wants reports whether it holds a resource, or may have asked for it.
func (o *other) wants(token vim.Token) bool {
	return slices.ContainsFunc(o.things, func(t *thing) bool {
		return t.token == token && t.phase != free && t.phase != forgotten
	})
}

// due is when it loses patience next.
func (o *other) due(now time.Time) time.Time {
	var at time.Time
	for _, t := range o.things {
		if t.waits() && (at.IsZero() || t.wait.Before(at)) {
			at = later(t.wait, now.Add(1))
		}
	}
	return at
}

// otherWants reports whether it has something to do now.
func (w *world) otherWants() bool {
	o := &w.other
	if len(o.answers) > 0 || o.impatient(w.now) != nil {
		return true
	}
	return !w.quiet && o.more() && w.rng.IntN(30) == 0
}

func (t *thing) waits() bool {
	return t.phase == reserving || t.phase == changing || t.phase == releasing
}

func (o *other) impatient(now time.Time) *thing {
	for _, t := range o.things {
		if t.waits() && !t.wait.After(now) {
			return t
		}
	}
	return nil
}

func (w *world) otherTurn() {
	o := &w.other
	if len(o.answers) > 0 {
		h := o.answers[0]
		o.answers = o.answers[1:]
		w.otherHears(o.of[h.command], h)
		return
	}
	if t := o.impatient(w.now); t != nil {
		switch {
		case t.phase == releasing:
			w.otherReleases(t)
		case t.phase == changing:
			w.otherChanges(t)
		case !w.quiet && w.rng.IntN(2) == 0 && w.otherForgets(t):
		case len(t.asked) < 3 && w.rng.IntN(2) == 0:
			w.otherReserves(t)
		default:
			w.otherReleases(t)
		}
		return
	}
	if !o.more() {
		return
	}
	o.planned--
	w.otherBegins()
}

// otherBegins begins an operation: something new, or what was released again under its next generation, or a release.
func (w *world) otherBegins() {
	o := &w.other
	var old *thing
	if len(o.things) > 0 {
		old = pick(w.rng, o.things)
	}
	if old != nil && old.phase == changing { // while the change before may be under way
		switch w.rng.IntN(3) {
		case 0:
			w.otherChanges(old) // in the same operation
			return
		case 1:
			o.op++
			w.otherReleases(old)
			return
		}
	}
	o.op++
	switch {
	case old != nil && (old.phase == standing || old.phase == changing) && old.kind == vim.Network && w.rng.IntN(4) > 0:
		w.otherChanges(old) // also while the change before is under way
	case old != nil && (old.phase == standing || old.phase == changing):
		w.otherReleases(old)
	case old != nil && old.phase == free && w.rng.IntN(3) > 0:
		old.token.Generation++
		old.asked, old.release, old.op, old.revision = nil, false, o.op, 1
		w.otherReserves(old)
	default:
		t := &thing{
			token: vim.Token{ID: w.newID(), Generation: 1}, kind: pick(w.rng, []vim.Kind{vim.Network, vim.ServerGroup}), op: o.op,
			connection: pick(w.rng, sim.Connections()).ID, revision: 1, old: w.rng.IntN(2) == 0,
		}
		o.things = append(o.things, t)
		w.otherReserves(t)
	}
}

func (w *world) otherHears(t *thing, h heard) {
	reserve := slices.Contains(t.asked, h.command)
	switch {
	case reserve && t.phase == forgotten && h.reply.Outcome == message.Succeeded && w.faults[LedgerRestored] == 0: // else the fence may be lost
		w.violate("command %s of operation %d of %s was carried out after a later one had begun", h.command, t.op, w.other.key)
	case reserve && t.phase == reserving && h.reply.Outcome == message.Succeeded:
		t.phase = standing
	case reserve && !t.release && t.phase != forgotten && h.reply.Outcome == message.Cancelled:
		w.violate("the reservation of %s was cancelled, and nobody released it: %s", t.token, h.reply.Reason)
	case reserve && t.phase == reserving && h.command == t.command:
		w.otherReleases(t) // an attempt before this one may still be on its way
	case t.phase == changing && h.command == t.command && h.reply.Outcome == message.Succeeded:
		t.phase = standing
	case t.phase == changing && h.command == t.command && h.reply.Outcome == message.Cancelled:
		w.violate("the change of %s was cancelled, and nobody released it: %s", t.token, h.reply.Reason)
	case t.phase == changing && h.command == t.command && t.revision < 8:
		w.otherChanges(t)
	case t.phase == changing && h.command == t.command:
		w.otherReleases(t)
	case t.phase == releasing && h.reply.Outcome == message.Succeeded && w.otherReleased(t, h.command):
		t.phase = free
		w.protocol.ended[w.other.key]++
	case t.phase == releasing && h.command == t.command && h.reply.Outcome != message.Succeeded:
		t.wait = w.now.Add(5 * time.Second)
	}
}

// otherReleased reports whether a command was a release, and of the generation that the thing has now.
func (w *world) otherReleased(t *thing, command string) bool {
	c := w.protocol.commands[command]
	return c.release && slices.Contains(c.tokens, t.token)
}

func (w *world) otherReserves(t *thing) {
	spec := otherSpec(1)
	if t.kind == vim.ServerGroup {
		spec = vim.Spec{Name: "other", ServerGroup: &vim.ServerGroupSpec{}}
	}
	t.phase = reserving
	if t.old {
		t.asked = append(t.asked, w.otherSends(t, vim.TypeReserve, vim.Encode(vim.ReserveResources{
			VnfID: w.other.key, Connection: t.connection, Fence: t.op, Resources: []vim.Reserve{{Token: t.token, Kind: t.kind, Spec: spec}},
		})))
		return
	}
	t.asked = append(t.asked, w.otherSends(t, vim.TypeReserveResource, vim.Encode(vim.Reserve{
		VnfID: w.other.key, Connection: t.connection, Fence: t.op, Token: t.token, Kind: t.kind, Spec: spec,
	})))
}

// otherChanges asks for the next revision of a network, whatever became of the one before: in one operation there may be several, as
// when a change is undone.
func (w *world) otherChanges(t *thing) {
	t.phase, t.op = changing, w.other.op
	t.revision++
	w.otherSends(t, vim.TypeChangeResource, vim.Encode(vim.Change{
		VnfID: w.other.key, Connection: t.connection, Fence: t.op, Token: t.token, Kind: t.kind, Revision: t.revision,
		From: otherSpec(t.revision - 1), To: otherSpec(t.revision),
	}))
}

// otherSpec is what it wants a network to be, in a revision.
func otherSpec(revision int) vim.Spec {
	s := vim.Spec{Name: "other", Network: &vim.NetworkSpec{}}
	if revision > 1 {
		s.Network.MTU = 1400 + revision
	}
	return s
}

func (w *world) otherReleases(t *thing) {
	t.phase, t.release = releasing, true
	if t.old {
		w.otherSends(t, vim.TypeRelease, vim.Encode(vim.ReleaseResources{
			VnfID: w.other.key, Connection: t.connection, Resources: []vim.Release{{Token: t.token, Kind: t.kind}},
		}))
		return
	}
	w.otherSends(t, vim.TypeReleaseResource, vim.Encode(vim.Release{VnfID: w.other.key, Connection: t.connection, Token: t.token, Kind: t.kind}))
}

// otherForgets gives a reservation up that has not arrived, and does not release it: it goes on to its next operation,
// and what is still on its way arrives after that has begun.
func (w *world) otherForgets(t *thing) bool {
	for _, id := range t.asked {
		if w.observed.arrived[id] {
			return false
		}
	}
	w.tracef("other forgets %s", t.token)
	t.phase = forgotten
	for i := range w.late {
		if l := &w.late[i]; slices.Contains(t.asked, l.msg.ID) {
			l.until = func() bool { return w.protocol.highest[w.other.key] > t.op }
		}
	}
	w.other.op++
	next := &thing{
		token: vim.Token{ID: w.newID(), Generation: 1}, kind: vim.Network, connection: t.connection, op: w.other.op, revision: 1,
	}
	w.other.things = append(w.other.things, next)
	w.otherReserves(next)
	return true
}

// otherSends sends a command over the network that loses, delays and doubles.
func (w *world) otherSends(t *thing, typ string, data json.RawMessage) string {
	m := message.Message{
		ID: w.newID(), Type: typ, Source: "/simulation", Topic: message.TopicVimCommands, Key: w.other.key, Time: w.now,
		CorrelationID: w.other.key, CausationID: w.other.key, ReplyTo: message.TopicReplies, Data: data,
	}
	w.tracef("other sends %s %s of %s", typ, m.ID, t.token)
	t.command, t.wait = m.ID, w.now.Add(otherPatience)
	w.other.of[m.ID] = t
	w.protocol.commands[m.ID] = w.commandOf(&m)
	if w.lacks(NoFence) || w.lacks(NoGeneration) {
		m.Data = w.mutateCommand(m)
	}
	out, late := w.network([]message.Message{m})
	w.late = append(w.late, late...)
	w.publish(out)
	return m.ID
}

// otherEnds has it release what it has.
func (w *world) otherEnds() {
	w.other.planned = 0
	for _, t := range w.other.things {
		if t.phase == standing {
			w.otherReleases(t)
		}
	}
}

// ofOther adds what the other orchestrator accounts for.
func (w *world) ofOther(r *records) {
	for _, t := range w.other.things {
		if t.phase == standing {
			r.may[t.token.String()], r.must[t.token.String()] = true, expected{owner: w.other.key, revision: t.revision}
		}
	}
}

// checkOther checks that the other orchestrator had an answer to everything.
func (w *world) checkOther() {
	for _, t := range w.other.things {
		if t.waits() {
			w.violate("I1: the other orchestrator waits for %s of %s", t.command, t.token)
		}
	}
}
