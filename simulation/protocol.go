package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnf"
)

// protocol is what the parts of the program promise each other, held against each commit and each call to a VIM: what
// would in the end break an invariant is seen where it happens, also where another safeguard makes up for it.
type protocol struct {
	handled  map[string]int            // how often a saga took each reply
	cursors  map[place]int64           // where each consumer stands in each lane
	sagas    map[string]*saga.Instance // as last written
	commands map[string]*command       // of sagas and of the other orchestrator, by id
	ofSaga   map[string][]*command     // those that do, not undo
	sent     map[string][]*command     // both, by saga
	waiting  []eventstore.OutboxRecord // replies that nobody has passed yet
	parked   map[string]bool           // messages that were, by id
	revised  map[string]int            // by token, the highest revision of which a change was taken in
	replies  map[string]answer         // of the VIM manager, by id
	fences   map[string]int64          // of the operation each token is of
	highest  map[string]int64          // operation of which each VNF's reserves were taken in
	tombs    map[string]bool           // tokens released
	states   map[string]string         // of ledger rows of resources
	tooLate  map[string]string         // sagas by command: of a success that came after the end
	forced   map[string]bool           // operations that somebody wanted to cancel at once
	commits  map[string]int            // by key
	ended    map[string]int            // operations of each key that have ended
	arrives  map[string]string         // types of the messages that the network took, by id

	configured map[string]bool // by token: a VNF was
}

type place struct {
	consumer string
	lane     int
}

type answer struct {
	command string
	outcome message.Outcome
}

// command is what is known of a command that was sent.
type command struct {
	id, saga   string
	hash       [sha256.Size]byte
	step, item string
	undo       bool
	reserve    bool
	change     bool
	release    bool
	kind       vim.Kind
	revision   int
	to         vim.Spec // of what is made, or changed
	lower      bool     // a change to a higher revision was taken in before it
	taken      bool     // the VIM manager has it in its ledger
	vnf        string
	fence      int64
	tokens     []vim.Token
	connection string
	sent       time.Time
}

func (p *protocol) init() {
	p.handled, p.cursors, p.sagas = map[string]int{}, map[place]int64{}, map[string]*saga.Instance{}
	p.commands, p.ofSaga, p.replies = map[string]*command{}, map[string][]*command{}, map[string]answer{}
	p.configured = map[string]bool{}
	p.fences, p.highest, p.tombs = map[string]int64{}, map[string]int64{}, map[string]bool{}
	p.states, p.commits = map[string]string{}, map[string]int{}
	p.tooLate, p.forced, p.ended = map[string]string{}, map[string]bool{}, map[string]int{}
	p.arrives, p.sent, p.parked, p.revised = map[string]string{}, map[string][]*command{}, map[string]bool{}, map[string]int{}
}

// claim is what the program meant by a commit, before the network or a mutant changed it.
type claim struct {
	program bool // it is the program's commit, not the world's
	handled []eventstore.HandledMark
	cursors []eventstore.CursorMove
	outbox  []message.Message
	taken   []message.Message // that it makes, and handles as well
	arrives []message.Message // those of them that no fault keeps from their reader
	highest int64             // of the key, when the program read what it decided on
	by      *task             // who asked for it; nil: nobody in particular
}

func claimOf(c *eventstore.Commit, highest int64) claim {
	cl := claim{program: true, handled: c.Handled, outbox: c.Outbox, taken: c.Taken, highest: highest}
	cl.cursors = append(cl.cursors, c.Cursors...)
	return cl
}

// judge holds a commit against the protocol when it has become true.
func (w *world) judge(c *eventstore.Commit, cl claim) {
	w.protocol.commits[c.Key]++
	for i := range cl.taken {
		w.noteReply(&cl.taken[i])
	}
	w.judgeReplies(cl)
	for i := range c.Parked {
		w.protocol.parked[c.Parked[i].Message.ID] = true
	}
	w.judgeCursors(cl)
	w.judgeSagas(c)
	w.judgeMessages(cl)
	w.judgeLedger(c, cl)
	w.judgeNotices(c)
	for i := range cl.arrives {
		w.protocol.arrives[cl.arrives[i].ID] = cl.arrives[i].Type
	}
	for _, v := range c.Views {
		if st := vnf.OpState(v.State); v.Parent != "" && st.Final() {
			w.protocol.ended[v.Parent]++
		}
	}
	if t := cl.by; t != nil && cl.program && !dropsOnly(c) {
		t.commits++
	}
}

// judgeCursors: a consumer's cursor goes on from where it stood, moved by a node that holds the lane.
func (w *world) judgeCursors(cl claim) {
	for _, m := range cl.cursors {
		at := place{m.Consumer, m.Lane}
		if now := w.observed.epochs[eventstore.RoleLane{Role: m.Role, Lane: m.Lane}]; m.Epoch < now {
			w.violate("cursor of %s in lane %d was moved by a node that held the lane under epoch %d; it is %d", m.Consumer, m.Lane, m.Epoch, now)
		}
		if was := w.protocol.cursors[at]; m.From != was {
			w.violate("cursor of %s in lane %d was moved from %d to %d, and stood at %d", m.Consumer, m.Lane, m.From, m.To, was)
		}
		w.protocol.cursors[at] = m.To
		if m.Consumer == assembly.ConsumerReplies {
			w.judgePassed(m)
		}
	}
}

// judgePassed: whoever goes past a reply has handled it.
func (w *world) judgePassed(m eventstore.CursorMove) {
	p := &w.protocol
	p.waiting = slices.DeleteFunc(p.waiting, func(r eventstore.OutboxRecord) bool {
		if r.Lane != m.Lane || r.Offset > m.To {
			return false
		}
		if cmd := p.commands[r.CausationID]; cmd != nil && p.sagas[cmd.saga] != nil && p.handled[r.ID] == 0 && !p.parked[r.ID] {
			w.violate("reply %s to command %s of saga %s was passed over", r.ID, cmd.id, cmd.saga)
		}
		return true
	})
}

// judgeReplies: a reply moves a saga once. A success that comes after its saga has ended is kept in mind.
func (w *world) judgeReplies(cl claim) {
	p := &w.protocol
	for _, h := range cl.handled {
		if p.handled[h.MessageID]++; p.handled[h.MessageID] > 1 {
			w.violate("reply %s moved saga %s twice", h.MessageID, h.Saga)
		}
		r := p.replies[h.MessageID]
		cmd, in := p.commands[r.command], p.sagas[h.Saga]
		if cmd == nil || cmd.undo || !cmd.reserve || in == nil || r.outcome != message.Succeeded || !in.State.Final() {
			continue
		}
		if item := itemOf(in, cmd.step, cmd.item); item != nil && item.State != saga.ItemDone {
			p.tooLate[cmd.id] = in.ID
		}
	}
}

// judgeSagas: a saga goes on from where it stood. What one writer knew is not forgotten by the next.
func (w *world) judgeSagas(c *eventstore.Commit) {
	for i := range c.Sagas {
		if c.Sagas[i].Delete {
			continue
		}
		now, err := w.written(c.Sagas[i])
		w.must(err)
		if was := w.protocol.sagas[now.ID]; was != nil {
			w.judgeSaga(was, now)
		}
		if now.Type == sagaTerminate && now.State == saga.Compensating {
			w.violate("saga %s undoes a termination", now.ID)
		}
		w.protocol.sagas[now.ID] = now
	}
}

// written returns a saga as a commit writes it: what changed, over what was written before.
func (w *world) written(row eventstore.SagaRow) (*saga.Instance, error) {
	row.Version, row.Base = row.Expected+1, nil
	if was := w.protocol.sagas[row.ID]; was != nil {
		row.Base = was
	}
	return saga.Decode(&row)
}

func (w *world) judgeSaga(was, now *saga.Instance) {
	if was.State.Final() && was.State != now.State {
		w.violate("saga %s was %s and is %s", now.ID, was.State, now.State)
	}
	if now.Seq < was.Seq || now.Tokens < was.Tokens {
		w.violate("saga %s went back: from %d commands and %d timers to %d and %d", now.ID, was.Seq, was.Tokens, now.Seq, now.Tokens)
	}
	for _, old := range was.Items {
		item := itemOf(now, old.Step, old.Item)
		switch {
		case item == nil:
			if old.EverSent {
				w.violate("saga %s forgot %s %s", now.ID, old.Step, old.Item)
			}
		case item.Attempt < old.Attempt || item.Undo < old.Undo || item.Generation < old.Generation:
			w.violate("saga %s went back in %s %s: from attempt %d, undo %d to %d, %d", now.ID, old.Step, old.Item, old.Attempt, old.Undo, item.Attempt, item.Undo)
		case item.State == saga.ItemSent && old.State != saga.ItemSent && item.Attempt == old.Attempt,
			item.State == saga.ItemUndoing && old.State != saga.ItemUndoing && item.Undo == old.Undo && !item.Waiting:
			w.violate("saga %s went back in %s %s: from %s to %s without a new attempt", now.ID, old.Step, old.Item, old.State, item.State)
		}
	}
}

func itemOf(in *saga.Instance, step, item string) *saga.ItemRun {
	for _, r := range in.Items {
		if r.Step == step && r.Item == item {
			return r
		}
	}
	return nil
}

// judgeMessages: a command is sent once, and once more byte for byte while its reply is missing; and nothing is undone while a command of the saga may still be answered.
func (w *world) judgeMessages(cl claim) {
	p := &w.protocol
	for i := range cl.outbox {
		m := &cl.outbox[i]
		switch {
		case m.Topic == message.TopicReplies && m.Type == message.ReplyType:
			w.noteReply(m)
		case m.Source == saga.Source:
			if before := p.commands[m.ID]; before != nil { // its reader is asked about it
				if before.hash != hashOf(m) {
					w.violate("command %s of saga %s was sent again, and it is another", m.ID, m.CorrelationID)
				}
				if p.handled[message.ReplyID(m.ID)] > 0 {
					w.violate("command %s of saga %s was sent again, and its reply was there", m.ID, m.CorrelationID)
				}
				continue
			}
			cmd := w.commandOf(m)
			cmd.hash = hashOf(m)
			p.commands[m.ID] = cmd
			if in := p.sagas[m.CorrelationID]; in != nil {
				for _, r := range in.Items {
					if r.Command == m.ID {
						cmd.step, cmd.item, cmd.undo = r.Step, r.Item, r.State == saga.ItemUndoing
					}
				}
			}
			p.sent[cmd.saga] = append(p.sent[cmd.saga], cmd)
			w.noteSent(cmd)
			if cmd.undo {
				w.judgeUndo(cmd)
			} else {
				p.ofSaga[cmd.saga] = append(p.ofSaga[cmd.saga], cmd)
			}
		}
	}
}

// noteReply remembers a reply.
func (w *world) noteReply(m *message.Message) {
	var r message.Reply
	if json.Unmarshal(m.Data, &r) == nil {
		w.protocol.replies[m.ID] = answer{m.CausationID, r.Outcome}
		w.judgeRevision(w.protocol.commands[m.CausationID], r.Outcome)
	}
}

// sagaTerminate is the type of the saga that is never undone, whatever the descriptor says.
const sagaTerminate = "terminate"

// What the types of the sagas that carry out plans begin with, and the step of it that configures the VNF.
const (
	sagaPlan      = "plan"
	stepConfigure = "configure"
)

func hashOf(m *message.Message) [sha256.Size]byte {
	b, _ := json.Marshal(m) // strings, a time and JSON: never fails
	return sha256.Sum256(b)
}

// commandOf reads a command, in today's form or the older one.
func (w *world) commandOf(m *message.Message) *command {
	cmd := &command{id: m.ID, saga: m.CorrelationID, vnf: m.Key, sent: m.Time}
	switch m.Type {
	case vim.TypeReserve, vim.TypeReserveResource:
		cmd.reserve = true
	case vim.TypeChangeResource:
		cmd.change = true
	case vim.TypeRelease, vim.TypeReleaseResource:
		cmd.release = true
	default:
		return cmd
	}
	var c struct { // what they all have
		vim.Change
		Spec      vim.Spec      `json:"spec"`
		Resources []vim.Reserve `json:"resources"`
	}
	if json.Unmarshal(m.Data, &c) != nil {
		return cmd
	}
	cmd.fence, cmd.connection, cmd.kind, cmd.revision, cmd.to = c.Fence, c.Connection, c.Kind, c.Revision, c.To
	if cmd.reserve {
		cmd.to = c.Spec
	}
	if c.Token.ID != "" {
		cmd.tokens = append(cmd.tokens, c.Token)
	}
	for _, r := range c.Resources {
		cmd.tokens, cmd.kind = append(cmd.tokens, r.Token), r.Kind
		if cmd.reserve {
			cmd.to = r.Spec
		}
	}
	for _, t := range cmd.tokens {
		if cmd.reserve {
			w.protocol.fences[t.String()] = max(w.protocol.fences[t.String()], c.Fence)
		}
	}
	return cmd
}

// noteSent counts what a saga's command shows.
func (w *world) noteSent(cmd *command) {
	switch {
	case cmd.change && cmd.undo:
		w.happened[ChangeUndone]++
	case !cmd.undo && len(cmd.tokens) > 0 && slices.ContainsFunc(w.protocol.ofSaga[cmd.saga], func(o *command) bool {
		return o.release != cmd.release && !o.change && !cmd.change && len(o.tokens) > 0 && o.tokens[0].ID == cmd.tokens[0].ID
	}):
		w.happened[Replaced]++
	}
}

// judgeRevision: nothing is taken back to a lower revision than was asked for.
func (w *world) judgeRevision(cmd *command, outcome message.Outcome) {
	if cmd != nil && cmd.lower && outcome == message.Succeeded && w.faults[LedgerRestored] == 0 {
		w.violate("%s was changed to revision %d by command %s, and revision %d was asked for before", cmd.tokens[0], cmd.revision, cmd.id, w.protocol.revised[cmd.tokens[0].String()])
	}
}

// judgeUndo: when a saga begins to undo, each of its commands was answered, or not answered in time, unless somebody
// wanted it cancelled at once.
func (w *world) judgeUndo(undo *command) {
	p := &w.protocol
	if p.forced[undo.saga] {
		return
	}
	for _, cmd := range p.ofSaga[undo.saga] {
		if len(cmd.tokens) > 0 && w.now.Before(cmd.sent.Add(w.shared.lcm.StepTimeout)) && !p.answered(cmd) {
			w.violate("saga %s began to undo while its command %s (%s) was under way", undo.saga, cmd.id, cmd.step)
			return
		}
	}
}

// answered reports whether a command was answered, or one before it that succeeded.
func (p *protocol) answered(cmd *command) bool {
	return p.handled[message.ReplyID(cmd.id)] > 0 || slices.ContainsFunc(p.ofSaga[cmd.saga], func(o *command) bool {
		reply := message.ReplyID(o.id)
		return o.step == cmd.step && o.item == cmd.item && p.handled[reply] > 0 && p.replies[reply].outcome == message.Succeeded
	})
}

// judgeLedger: nothing is made for an operation once the VNF's next has begun, nor for a token that was released. A
// ledger that went back has lost fences and tombstones: what a command that comes late makes then is cleared away by the
// sweep, and checkInventory sees to it.
func (w *world) judgeLedger(c *eventstore.Commit, cl claim) {
	p := &w.protocol
	for i := range c.Records {
		r := &c.Records[i]
		switch {
		case r.Table == eventstore.TableVimCommands && r.Expected == 0:
			if cmd := p.commands[r.ID]; cmd != nil && (cmd.reserve || cmd.change) {
				cmd.taken = true
				p.highest[cmd.vnf] = max(p.highest[cmd.vnf], cmd.fence)
				w.takenIn(cmd)
			}
		case r.Table != eventstore.TableVimResources || w.faults[LedgerRestored] > 0:
		case r.State == vimmanager.Released:
			if until, is := w.changing[r.ID]; is && p.states[r.ID] != r.State && w.now.Before(until) {
				w.violate("%s is released, and a call that changes it may have its effect until %s", r.ID, until.Sub(w.began))
			}
			p.tombs[r.ID], p.states[r.ID] = true, r.State
		case r.State != vimmanager.Starting || p.states[r.ID] == r.State:
			p.states[r.ID] = r.State
		case p.tombs[r.ID]:
			w.violate("%s is made, and was released", r.ID)
			p.states[r.ID] = r.State
		default:
			p.states[r.ID] = r.State
			if p.fences[r.ID] < cl.highest {
				w.violate("%s is made for operation %d of %s, and operation %d has begun", r.ID, p.fences[r.ID], r.Key, cl.highest)
			}
		}
	}
}

// takenIn notes the revision of a change that the VIM manager has in its ledger.
func (w *world) takenIn(cmd *command) {
	if !cmd.change || len(cmd.tokens) == 0 {
		return
	}
	token := cmd.tokens[0].String()
	if cmd.revision < w.protocol.revised[token] {
		cmd.lower = true
		w.happened[ChangeLower]++
	}
	w.protocol.revised[token] = max(w.protocol.revised[token], cmd.revision)
}

// judgeCall: a VIM is asked to make something, or to delete it, only while the ledger says so.
func (w *world) judgeCall(what string, token vim.Token, states ...string) {
	if w.faults[LedgerRestored] > 0 { // the row may go back, or be gone, between the intent and the call
		return
	}
	ref := eventstore.RecordRef{Table: eventstore.TableVimResources, ID: token.String()}
	l, err := w.store.Load(context.Background(), eventstore.Load{Records: []eventstore.RecordRef{ref}})
	w.must(err)
	state := ""
	if rec := l.Records[ref]; rec != nil {
		state = rec.State
	}
	if !slices.Contains(states, state) {
		w.violate("a VIM was asked to %s %s, which is %q in the ledger", what, token, state)
	}
}

// judgeConfiguring: nobody is configured but by a call that is in the ledger.
func (w *world) judgeConfiguring(token string) {
	ref := eventstore.RecordRef{Table: eventstore.TableVnfCommands, ID: token}
	l, err := w.store.Load(context.Background(), eventstore.Load{Records: []eventstore.RecordRef{ref}})
	w.must(err)
	rec := l.Records[ref]
	if w.faults[LedgerRestored] == 0 && (rec == nil || rec.State != configurator.Calling) {
		w.violate("a VNF was configured for %s, and the ledger does not know of a call", token)
	}
}

// checkConfigured: an operation that says that it has configured its VNF has.
func (w *world) checkConfigured() {
	for _, in := range w.sagas() {
		for _, r := range in.Items {
			if strings.HasPrefix(in.Type, sagaPlan) && r.Step == stepConfigure && r.State == saga.ItemDone {
				w.happened[Configured]++
				if !w.protocol.configured[r.Item] {
					w.violate("%s of %s says that it was configured, and it was not", in.ID, in.Key)
				}
			}
		}
	}
}

// checkArrived: what a commit sends is there with it, whatever died right after.
func (w *world) checkArrived() {
	for _, id := range slices.Sorted(maps.Keys(w.protocol.arrives)) {
		if !w.observed.arrived[id] {
			w.violate("I1: message %s (%s) was never sent, and the commit that sends it is there", id, w.protocol.arrives[id])
		}
	}
}

// checkLate: what a success made that came after its saga had ended was released by itself, or its cleanup is there to
// be seen as failed.
func (w *world) checkLate(parked map[string]bool) {
	p := &w.protocol
	for _, id := range slices.Sorted(maps.Keys(p.tooLate)) {
		cmd := p.commands[id]
		if parked[cmd.vnf] {
			continue
		}
		if cleanup := p.sagas[saga.CleanupID(cmd.saga, id)]; cleanup != nil && cleanup.State == saga.Abandoned {
			continue
		}
		for _, t := range cmd.tokens {
			if w.sim.Has(cmd.connection, t) {
				w.violate("%s was made too late for saga %s, and is still there", t, cmd.saga)
			}
		}
	}
}
