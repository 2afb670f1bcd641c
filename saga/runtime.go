package saga

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lru"
	"github.com/vnfm/vnfm/message"
)

// RuntimeConfig says which sagas run and who owns their meaning.
type RuntimeConfig struct {
	Definitions []*Definition
	Host        Host
	// Cache is how many bytes of sagas, as stored, are kept decoded; 0 means 64 MiB.
	Cache int64
}

const defaultCache = 64 << 20

// Runtime turns what arrives into engine inputs, inside the Decide functions of others: use cases (Begin, Act), the
// inbox (Replies) and the timer (Timeouts). It keeps nothing between calls that a restart could miss: it remembers sagas as
// they were read and, when it follows the committer (OnCommit), as they were written, so that a turn reads and decodes what
// others wrote, and no more.
type Runtime struct {
	defs  map[defKey]*Definition
	host  Host
	cache *lru.Cache[*Instance]
	// underway has the saga of each key that was written last, while it has not ended: it is probably the one that messages of
	// the key are for.
	underway *lru.Cache[string]
}

type defKey struct {
	name    string
	version int
}

// NewRuntime returns a runtime, or an error when a definition cannot be used.
func NewRuntime(cfg RuntimeConfig) (*Runtime, error) {
	if cfg.Cache <= 0 {
		cfg.Cache = defaultCache
	}
	r := &Runtime{
		defs: map[defKey]*Definition{}, host: cfg.Host, cache: lru.New[*Instance](cfg.Cache), underway: lru.New[string](cfg.Cache / 16),
	}
	for _, d := range cfg.Definitions {
		if err := d.Validate(); err != nil {
			return nil, err
		}
		k := defKey{d.Type, d.Version}
		if r.defs[k] != nil {
			return nil, vnfm.Errorf(vnfm.Internal, "saga definition %s version %d is given twice", d.Type, d.Version)
		}
		r.defs[k] = d
	}
	return r, nil
}

// Definition returns a definition compiled in, nil when there is none of that type and version.
func (r *Runtime) Definition(defType string, version int) *Definition {
	return r.defs[defKey{defType, version}]
}

// New describes a saga to begin.
type New struct {
	ID            string // the operation occurrence's
	Type          string
	DefVersion    int
	Key           string
	Parent        string          // of a cleanup saga
	CorrelationID string          // "": ID
	Policy        Policy          // "": Hold
	Data          json.RawMessage // the definition's own; written once
	Actor, Cause  string          // for the host's Turn
	Traceparent   string
}

// Newest returns the newest version of a definition compiled in: that of the sagas to begin.
func (r *Runtime) Newest(defType string) int {
	newest := 0
	for k := range r.defs {
		if k.name == defType {
			newest = max(newest, k.version)
		}
	}
	return newest
}

// Begin starts a saga in a commit. It is called inside Decide; the saga must be new. Returns Internal when the
// definition is not compiled in.
func (r *Runtime) Begin(l *eventstore.Loaded, c *eventstore.Commit, n New) error {
	if err := r.begin(l, c, n); err != nil {
		return err
	}
	return write(c)
}

func (r *Runtime) begin(l *eventstore.Loaded, c *eventstore.Commit, n New) error {
	def := r.Definition(n.Type, n.DefVersion)
	if def == nil {
		return vnfm.Errorf(vnfm.Internal, "saga definition %s version %d is not compiled in", n.Type, n.DefVersion)
	}
	if n.CorrelationID == "" {
		n.CorrelationID = n.ID
	}
	if n.Policy == "" {
		n.Policy = Hold
	}
	in := &Instance{
		ID: n.ID, Type: n.Type, DefVersion: n.DefVersion, Key: n.Key, Parent: n.Parent, CorrelationID: n.CorrelationID,
		Policy: n.Policy, Data: n.Data, Traceparent: n.Traceparent, Form: formParts, size: len(n.Data),
	}
	_, err := r.input(l, c, def, in, Begin{Cause: n.Cause}, n.Actor, n.Cause)
	return err
}

// LoadFor returns what Act needs.
func (r *Runtime) LoadFor(id, key string) eventstore.Load {
	known, version := r.cache.Get(id)
	from := eventstore.SagaFrom{ID: id}
	if known != nil {
		from.After, from.Base = version, known
	}
	return eventstore.Load{Sagas: []eventstore.SagaFrom{from}}.Merge(r.host.Load(id, key))
}

// Act does what an operator asks of a saga. It is called inside Decide, with what LoadFor asked for loaded. Returns
// NotFound when there is no such saga, vnfm.ErrUnknownVersion when its definition is not compiled in, and the errors of
// Advance.
func (r *Runtime) Act(l *eventstore.Loaded, c *eventstore.Commit, id string, a Action) error {
	def, in, err := r.read(l, c, id)
	if err != nil {
		return err
	}
	if in == nil {
		return vnfm.Errorf(vnfm.NotFound, "there is no saga %s", id)
	}
	if _, err = r.input(l, c, def, in, a, a.Actor, a.Cause); err != nil {
		return err
	}
	return write(c)
}

// OnCommit remembers the sagas of a commit as they were written. Give it to the committer.
func (r *Runtime) OnCommit(c *eventstore.Commit) {
	for i := range c.Sagas {
		row := &c.Sagas[i]
		in, ok := row.Base.(*Instance)
		if !ok || row.Delete {
			r.cache.Drop(row.ID)
			continue
		}
		written := *in
		if len(row.Items) > 0 {
			written.known = in.Planned
		}
		written.Version, written.written, written.changed = row.Expected+1, c.Time, nil
		r.remember(&written)
	}
}

// remember keeps an instance as it is stored; one that has ended is not asked for any more.
func (r *Runtime) remember(in *Instance) {
	if in.State.Final() {
		r.cache.Drop(in.ID)
		if id, _ := r.underway.Get(in.Key); id == in.ID {
			r.underway.Drop(in.Key)
		}
		return
	}
	r.cache.Put(in.ID, in.Version, in, in.size)
	r.underway.Put(in.Key, 0, in.ID, len(in.Key)+len(in.ID)+entrySize)
}

// entrySize is about what an entry of a cache takes beside its key and value.
const entrySize = 128

// read returns a saga as this commit has left it, nil when there is none. Of a saga whose definition is not compiled in
// nothing but type and version is understood.
func (r *Runtime) read(l *eventstore.Loaded, c *eventstore.Commit, id string) (*Definition, *Instance, error) {
	row, pending := l.Sagas[id], false
	if i := pendingRow(c, id); i >= 0 {
		row, pending = &c.Sagas[i], true
	}
	if row == nil || row.Delete {
		return nil, nil, nil
	}
	def := r.Definition(row.Type, row.DefVersion)
	if def == nil {
		return nil, nil, vnfm.UnknownVersion("saga %s is of definition %s version %d", id, row.Type, row.DefVersion)
	}
	in, known := row.Base.(*Instance)
	switch {
	case pending && known, known && row.Version == in.Version && row.Updated.Equal(in.written):
		return def, in, nil
	case known && row.Version <= in.Version:
		r.cache.Drop(id)
		return nil, nil, vnfm.Errorf(vnfm.Unavailable, "saga %s is not what this program wrote: was the database put back? Try again", id)
	}
	in, err := Decode(row)
	if err != nil {
		return nil, nil, err
	}
	r.remember(in)
	return def, in, nil
}

func pendingRow(c *eventstore.Commit, id string) int {
	return slices.IndexFunc(c.Sagas, func(s eventstore.SagaRow) bool { return s.ID == id })
}

// input advances a saga and adds the effects, the host's included, to the commit.
func (r *Runtime) input(
	l *eventstore.Loaded, c *eventstore.Commit, def *Definition, in *Instance, i Input, actor, cause string,
) (*Instance, error) {
	var own *Instance
	if row := pendingRow(c, in.ID); row >= 0 && c.Sagas[row].Base == in { // made for this commit, and about to be replaced in it
		own = in.successor()
	} else {
		own = in.clone()
	}
	next, fx, err := advance(def, own, i, l.Now)
	if err != nil {
		return in, err
	}
	if !fx.Changed {
		return in, nil
	}
	cleanups := make([]New, 0, len(fx.Cleanups))
	for _, cl := range fx.Cleanups {
		defType, defVersion, data, ok := r.host.Cleanup(next, cl.Step, cl.Data, cl.Result)
		if !ok {
			continue
		}
		n := New{
			ID: CleanupID(in.ID, cl.Command), Type: defType, DefVersion: defVersion, Key: in.Key, Parent: in.ID,
			CorrelationID: in.CorrelationID, Policy: GiveUp, Data: data, Actor: actor, Cause: cause, Traceparent: in.Traceparent,
		}
		fx.Notes = append(fx.Notes, Note{Kind: NoteCleanup, Step: cl.Step, Item: n.ID, Result: cl.Result})
		cleanups = append(cleanups, n)
	}
	put(c, next, fx)
	t := &Turn{Instance: next, From: in.State, Now: l.Now, Cause: cause, Actor: actor, Notes: fx.Notes, Items: fx.Items}
	if err := r.host.Turn(l, t, c); err != nil {
		return in, err
	}
	for _, n := range cleanups {
		if err := r.begin(l, c, n); err != nil {
			return in, err
		}
	}
	return next, nil
}

// CleanupID returns the id of the cleanup saga for the late success of a command.
func CleanupID(saga, command string) string { return message.DeriveID(saga, "cleanup", command) }

// put adds an instance and its effects to the commit. What earlier inputs of the same commit made of it is replaced. It is
// encoded at the end, once (write).
func put(c *eventstore.Commit, in *Instance, fx *Effects) {
	row := eventstore.SagaRow{ID: in.ID, Type: in.Type, DefVersion: in.DefVersion, Expected: in.Version, Base: in}
	if i := pendingRow(c, in.ID); i >= 0 {
		c.Sagas[i] = row
	} else {
		c.Sagas = append(c.Sagas, row)
	}
	c.Outbox = append(c.Outbox, fx.Send...)
	c.Steps = append(c.Steps, fx.Steps...)
}

// write encodes the sagas of a commit that were put into it, and sets their timeouts.
func write(c *eventstore.Commit) error {
	for i := range c.Sagas {
		in, ok := c.Sagas[i].Base.(*Instance)
		if !ok || c.Sagas[i].Data != nil {
			continue
		}
		arm(c, in)
		row, err := in.encode()
		if err != nil {
			return err
		}
		c.Sagas[i] = row
	}
	return nil
}

// Replies handles the messages of message.TopicReplies: an inbox handler.
type Replies struct{ *Runtime }

// Replies returns the handler of replies.
func (r *Runtime) Replies() Replies { return Replies{r} }

// Load asks for the sagas the replies belong to and whether they were handled before.
func (r Replies) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	seen := map[string]bool{}
	for _, m := range msgs {
		if m.Type == message.ReplyType {
			l.Handled = append(l.Handled, eventstore.HandledMark{MessageID: m.ID, Saga: m.CorrelationID})
		}
		if !seen[m.CorrelationID] {
			seen[m.CorrelationID] = true
			l = l.Merge(r.LoadFor(m.CorrelationID, m.Key))
		}
	}
	return l
}

// Decide advances the sagas by the replies, in order; each sees what the ones before it did. A reply handled before,
// or whose saga is gone, does nothing. A reply in another form, or to a saga whose definition is not compiled in, is
// vnfm.ErrUnknownVersion.
func (r Replies) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	marked := make(map[string]bool, len(c.Handled)+len(msgs))
	for _, h := range c.Handled {
		marked[h.MessageID] = true
	}
	for _, m := range msgs {
		if marked[m.ID] || l.Handled[m.ID] {
			continue
		}
		did, err := r.reply(l, c, m)
		if err != nil {
			return err
		}
		marked[m.ID] = did
	}
	return write(c)
}

// reply advances a saga by one reply and marks it, and reports whether it did: the saga may be gone, and a participant's word
// is not marked.
func (r Replies) reply(l *eventstore.Loaded, c *eventstore.Commit, m message.Message) (bool, error) {
	def, in, err := r.read(l, c, m.CorrelationID)
	if err != nil || in == nil {
		return false, err
	}
	i, err := inputOf(m)
	if err != nil {
		return false, err
	}
	if _, err := r.input(l, c, def, in, i, actorSelf, m.ID); err != nil {
		return false, err
	}
	if m.Type != message.ReplyType {
		return false, nil
	}
	c.Handled = append(c.Handled, eventstore.HandledMark{MessageID: m.ID, Saga: in.ID})
	return true, nil
}

// Expect asks for the saga that is under way under a key, if this process knows of one: replies are mostly for it.
func (r Replies) Expect(key string) eventstore.Load {
	id, _ := r.underway.Get(key)
	if id == "" {
		return eventstore.Load{}
	}
	return r.LoadFor(id, key)
}

// Take advances the sagas by replies that the same commit makes: the first answers to commands that are open, to sagas that
// were expected. It returns the others. They go the long way, on which what comes twice, late or for another program is told
// apart. A reply to an open command was not handled before, so there is no mark of it; the mark is set, for copies that come
// the long way.
func (r Replies) Take(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) (left []message.Message, err error) {
	for _, m := range msgs {
		if !r.awaited(l, c, m) {
			left = append(left, m)
			continue
		}
		if _, err := r.reply(l, c, m); err != nil {
			return nil, err
		}
	}
	if len(left) == len(msgs) {
		return msgs, nil
	}
	return left, write(c)
}

// awaited reports whether a message is the first answer to a command of a saga that was loaded.
func (r Replies) awaited(l *eventstore.Loaded, c *eventstore.Commit, m message.Message) bool {
	if m.Type != message.ReplyType {
		return false
	}
	_, in, err := r.read(l, c, m.CorrelationID)
	return err == nil && in != nil && in.Key == m.Key && in.awaits(m.CausationID)
}

// inputOf is what a participant's message says to its saga.
func inputOf(m message.Message) (Input, error) {
	switch m.Type {
	case message.WorkingType:
		return StillWorking{Message: m}, nil
	case message.ReplyType:
	default:
		return nil, vnfm.UnknownVersion("reply %s is of type %q", m.ID, m.Type)
	}
	var reply message.Reply
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return nil, vnfm.Wrap(vnfm.Invalid, err, "decode reply %s", m.ID)
	}
	if !slices.Contains([]message.Outcome{message.Succeeded, message.Failed, message.Cancelled}, reply.Outcome) {
		return nil, vnfm.Errorf(vnfm.Invalid, "reply %s: unknown outcome %q", m.ID, reply.Outcome)
	}
	return ReplyReceived{Message: m, Reply: reply}, nil
}

// actorSelf is who acts when nobody asked.
const actorSelf = "vnfm"

// Timeouts handles the timeouts of owner TimeoutOwner: a timer handler.
type Timeouts struct{ *Runtime }

// Timeouts returns the handler of timeouts.
func (r *Runtime) Timeouts() Timeouts { return Timeouts{r} }

// Load asks for the sagas the timeouts belong to.
func (r Timeouts) Load(ts []eventstore.Timeout) eventstore.Load {
	var l eventstore.Load
	for _, t := range ts {
		if id, ok := sagaOf(t); ok {
			l = l.Merge(r.LoadFor(id, t.Key))
		}
	}
	return l
}

// Decide advances the sagas by all of their timers that are due, in order, and sets the timeout of what is left. One
// whose saga is gone does nothing.
func (r Timeouts) Decide(l *eventstore.Loaded, ts []eventstore.Timeout, c *eventstore.Commit) error {
	for _, t := range ts {
		id, ok := sagaOf(t)
		if !ok {
			return vnfm.Errorf(vnfm.Internal, "timeout %s names no saga", t.ID)
		}
		def, in, err := r.read(l, c, id)
		if err != nil {
			return err
		}
		if in == nil {
			continue
		}
		if err := r.wakeUp(l, c, def, in.clone()); err != nil {
			return err
		}
	}
	return write(c)
}

// wakeUp is what a saga's timeout brings about; there may be nothing to do but to set it anew.
func (r Timeouts) wakeUp(l *eventstore.Loaded, c *eventstore.Commit, def *Definition, in *Instance) (err error) {
	in.Wake = time.Time{} // the timeout goes with this commit
	put(c, in, &Effects{})
	for due := in.due(l.Now); len(due) > 0; due = in.due(l.Now) {
		for _, i := range due {
			if in, err = r.input(l, c, def, in, i, actorSelf, i.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func sagaOf(t eventstore.Timeout) (string, bool) {
	i := strings.LastIndexByte(t.ID, '/')
	if i < 0 {
		return "", false
	}
	return t.ID[:i], true
}
