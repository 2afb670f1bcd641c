package simulation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// Mutant is a program without one of its safeguards.
type Mutant string

// The mutants.
const (
	NoHandledMark   Mutant = "no-handled-mark"   // the unique reply: marks are neither written nor read
	NoStreamVersion Mutant = "no-stream-version" // the last writer of a stream wins
	NoSagaVersion   Mutant = "no-saga-version"
	NoRecordVersion Mutant = "no-record-version" // of a ledger row
	NoTombstone     Mutant = "no-tombstone"      // a released row is forgotten
	NoGeneration    Mutant = "no-generation"     // all attempts at a resource carry generation 1
	NoIntent        Mutant = "no-intent"         // a worker calls a VIM before it committed that it will
	OutboxApart     Mutant = "outbox-apart"      // messages are written in a transaction of their own, after the commit
	NoEpoch         Mutant = "no-epoch"          // a cursor may be moved by who has lost the lane
	NoPosition      Mutant = "no-position"       // a cursor may be moved from wherever it stands
	NoReread        Mutant = "no-reread"         // an idempotency key is not read again after a failure
	NoAnswer        Mutant = "no-answer"         // answers are not kept
	NoCommitID      Mutant = "no-commit-id"      // a commit whose acknowledgement is lost is run again, not looked up
	NoFence         Mutant = "no-fence"          // commands of older operations are carried out, too
	NoSettle        Mutant = "no-settle"         // commands under way are given up as unknown when another has failed
	NoCleanup       Mutant = "no-cleanup"        // a late success starts no cleanup saga
	NoSweep         Mutant = "no-sweep"
	NoTimeout       Mutant = "no-timeout"   // timeouts are not kept
	NoView          Mutant = "no-view"      // views of operations are written only every other time
	FindBlind       Mutant = "find-blind"   // Find finds nothing
	NoUndo          Mutant = "no-undo"      // a release is answered, and not carried out
	MarkFirst       Mutant = "mark-first"   // a notification is marked as delivered, then sent
	RowsApart       Mutant = "rows-apart"   // notifications are written after the commit that moves their checkpoint
	NoOrder         Mutant = "no-order"     // a notification that fails is overtaken by the one behind it
	NoWaiting       Mutant = "no-waiting"   // what is for a newer program is parked for an operator
	NoRevision      Mutant = "no-revision"  // a change to a lower revision than was asked for before is made
	WrongUndo       Mutant = "wrong-undo"   // a change is undone to what it had made
	NoAwait         Mutant = "no-await"     // a release does not wait for a change that may be under way
	SweepEarly      Mutant = "sweep-early"  // a saga that ended goes though a command of it was not answered
	ForgetEarly     Mutant = "forget-early" // rows of the ledgers go though commands about them may still come
	SkipReply       Mutant = "skip-reply"   // of replies that are delivered together the last is not handled
	NoChecksum      Mutant = "no-checksum"  // what comes of a snapshot package is taken for its record
	FromScratch     Mutant = "from-scratch" // what is made again of a snapshot is made of its image
)

// lacks reports whether a safeguard is taken out.
func (w *world) lacks(m Mutant) bool { return w.without[m] }

func (m Mutant) parts() map[Mutant]bool {
	out := map[Mutant]bool{}
	for part := range strings.SplitSeq(string(m), "+") {
		out[Mutant(part)] = true
	}
	return out
}

// Mutants lists all.
func Mutants() []Mutant {
	return []Mutant{
		NoHandledMark, NoStreamVersion, NoSagaVersion, NoRecordVersion, NoTombstone, NoGeneration, NoIntent, OutboxApart, NoEpoch, NoPosition,
		NoReread, NoAnswer, NoCommitID, NoFence, NoSettle, NoCleanup, NoSweep, NoTimeout, NoView, FindBlind, NoUndo,
		MarkFirst, RowsApart, NoOrder, NoWaiting, NoRevision, WrongUndo, NoAwait, SkipReply, SweepEarly, ForgetEarly,
		NoChecksum, FromScratch,
	}
}

// Quick lists those that few seeds find, the fewest first.
func Quick() []Mutant {
	return []Mutant{
		NoIntent, OutboxApart, NoAnswer, NoView, NoUndo, NoTimeout, NoReread, MarkFirst, NoFence, FindBlind, NoHandledMark, NoGeneration,
		RowsApart, NoOrder, NoWaiting, NoSagaVersion, NoStreamVersion,
	}
}

// mutateLoaded changes what a Decide sees.
func (w *world) mutateLoaded(l *eventstore.Loaded) {
	if w.lacks(NoHandledMark) {
		clear(l.Handled)
	}
	if w.lacks(NoRevision) {
		mutateLedger(l)
	}
}

// mutate changes a commit before it is written, and returns messages to be written apart.
func (w *world) mutate(c *eventstore.Commit, stale, fresh *eventstore.Loaded, cursors map[string][eventstore.Lanes]eventstore.Position) []message.Message {
	if w.lacks(NoHandledMark) {
		c.Handled = nil
	}
	if w.lacks(NoStreamVersion) || w.lacks(NoSagaVersion) {
		w.mutateVersions(c, stale, fresh)
	}
	if w.lacks(NoRecordVersion) || w.lacks(NoTombstone) || w.lacks(NoIntent) {
		w.mutateRecords(c, fresh)
	}
	if w.lacks(NoAwait) {
		for i := range c.Records {
			mutateReleasing(&c.Records[i])
		}
	}
	if w.lacks(WrongUndo) {
		w.mutateUndo(c)
	}
	if w.lacks(NoGeneration) || w.lacks(NoFence) || w.lacks(FromScratch) {
		for i := range c.Outbox {
			c.Outbox[i].Data = w.mutateCommand(c.Outbox[i])
		}
	}
	for i, m := range c.Cursors {
		if w.lacks(NoEpoch) {
			c.Cursors[i].Epoch = w.observed.epochs[eventstore.RoleLane{Role: m.Role, Lane: m.Lane}]
		}
		if at := cursors[m.Consumer][m.Lane].Offset; w.lacks(NoPosition) && at != m.From {
			c.Cursors[i].From, c.Cursors[i].To = at, max(at, m.To)
		}
	}
	if w.lacks(NoWaiting) {
		for i := range c.Parked {
			c.Parked[i].Reason = "mutant"
		}
	}
	if w.lacks(NoAnswer) {
		c.Idempotency = nil
	}
	if w.lacks(NoTimeout) {
		c.Timeouts = nil
	}
	if w.lacks(NoView) && w.commits%2 == 0 {
		c.Views = slices.DeleteFunc(c.Views, func(v eventstore.ViewWrite) bool { return v.Kind == readmodel.KindOpOcc })
	}
	if w.lacks(NoCleanup) {
		for _, s := range c.Sagas {
			if s.Type == "cleanup" && s.Parent != "" && s.Expected == 0 {
				c.Sagas = slices.DeleteFunc(c.Sagas, func(r eventstore.SagaRow) bool { return r.ID == s.ID })
				c.Outbox = slices.DeleteFunc(c.Outbox, func(m message.Message) bool { return m.CorrelationID == s.ID })
				break
			}
		}
	}
	if w.lacks(OutboxApart) {
		out := c.Outbox
		c.Outbox = nil
		return out
	}
	return nil
}

// impatient is the mutant NoSettle: what a saga would wait for before it undoes is taken for unknown at once.
func (s *nodeStore) impatient(l *eventstore.Loaded, c *eventstore.Commit) error {
	for _, row := range c.Sagas {
		if saga.State(row.State) != saga.Settling {
			continue
		}
		in, err := s.w.written(row)
		if err != nil {
			return err
		}
		var msgs []message.Message
		for _, r := range in.Items {
			if r.State == saga.ItemSent {
				msgs = append(msgs, message.Message{
					ID: message.DeriveID(r.Command, "impatient"), Type: message.ReplyType, Key: in.Key, CorrelationID: in.ID, CausationID: r.Command,
					Data: []byte(`{"outcome":"FAILED","class":"unknown-outcome","reason":"mutant"}`),
				})
			}
		}
		if err := s.n.sagas.Replies().Decide(l, msgs, c); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) mutateVersions(c *eventstore.Commit, stale, fresh *eventstore.Loaded) {
	if w.lacks(NoStreamVersion) {
		for i, a := range c.Appends {
			c.Appends[i].Expected += fresh.Stream(a.Stream).Version - stale.Stream(a.Stream).Version
		}
	}
	if w.lacks(NoSagaVersion) {
		for i, s := range c.Sagas {
			if now := fresh.Sagas[s.ID]; now != nil && s.Expected > 0 {
				c.Sagas[i].Expected = now.Version
			}
		}
	}
}

func (w *world) mutateRecords(c *eventstore.Commit, fresh *eventstore.Loaded) {
	for i := range c.Records {
		r := &c.Records[i]
		now := fresh.Records[eventstore.RecordRef{Table: r.Table, ID: r.ID}]
		switch {
		case w.lacks(NoRecordVersion) && now != nil && r.Expected > 0:
			r.Expected = now.Version
		case w.lacks(NoTombstone) && r.State == vimmanager.Released && r.Expected > 0:
			r.Delete = true
		case w.lacks(NoIntent) && r.Table == eventstore.TableVimResources:
			var doc map[string]json.RawMessage
			if json.Unmarshal(r.Doc, &doc) == nil && r.State == vimmanager.Starting {
				delete(doc, "intent")
				r.State = vimmanager.Wanted
				r.Doc, _ = json.Marshal(doc)
			}
		}
	}
}

// mutateCommand changes what a command says.
func (w *world) mutateCommand(m message.Message) json.RawMessage {
	type command = map[string]any
	var c command
	reserve := m.Type == vim.TypeReserve || m.Type == vim.TypeReserveResource
	switch {
	case !reserve && m.Type != vim.TypeChangeResource && m.Type != vim.TypeRelease && m.Type != vim.TypeReleaseResource,
		json.Unmarshal(m.Data, &c) != nil:
		return m.Data
	case w.lacks(NoFence):
		if c["fence"] != nil {
			c["fence"] = 1
		}
		return vim.Encode(c)
	case w.lacks(FromScratch):
		spec, _ := c["spec"].(command)
		for _, of := range []string{"compute", "volume"} {
			if x, ok := spec[of].(command); ok {
				delete(x, "snapshot")
			}
		}
		return vim.Encode(c)
	}
	about := []any{c}
	if all, ok := c["resources"].([]any); ok {
		about = all
	}
	for _, r := range about {
		if r, ok := r.(command); ok {
			if t, ok := r["token"].(command); ok {
				t["generation"] = 1
			}
		}
	}
	return vim.Encode(c)
}

// allCursors reads where the consumers stand now.
func (w *world) allCursors() map[string][eventstore.Lanes]eventstore.Position {
	out := map[string][eventstore.Lanes]eventstore.Position{}
	for _, name := range []string{assembly.ConsumerVim, assembly.ConsumerNfvo, assembly.ConsumerVnf, assembly.ConsumerReplies, "projection:" + w.observed.Name(), "projection:" + notify.ProjectorName} {
		at, err := w.store.Cursors(context.Background(), name)
		w.must(err)
		out[name] = at
	}
	return out
}

// viewsFor is what the API reads of the store.
func (w *world) viewsFor(n *node) eventstore.Reader {
	live := readmodel.Live{Reader: n.store, OpOccs: n.opoccs, Instances: n.instances}
	if !w.lacks(NoReread) {
		return live
	}
	return &forgetful{Reader: live, asked: map[*task]bool{}, w: w}
}

// forgetful does not read an idempotency key a second time.
type forgetful struct {
	eventstore.Reader
	w     *world
	asked map[*task]bool
}

func (f *forgetful) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	t := f.w.current
	out, err := f.Reader.Load(ctx, l)
	if err == nil && l.Idempotency != nil {
		if f.asked[t] {
			out.Idempotency = nil
		}
		f.asked[t] = true
	}
	return out, err
}

// mutateLedger is the mutant NoRevision: what a Decide sees of resources says nothing of revisions.
func mutateLedger(l *eventstore.Loaded) {
	for ref, r := range l.Records {
		if r == nil || ref.Table != eventstore.TableVimResources || strings.HasPrefix(ref.ID, "fence:") {
			continue
		}
		forgetful := *r
		forgetful.Doc = without(r.Doc, "revision", "highest")
		l.Records[ref] = &forgetful
	}
}

// mutateReleasing is the mutant NoAwait: a row that is to be released says nothing of changes that may be under way.
func mutateReleasing(r *eventstore.RecordWrite) {
	if r.Table != eventstore.TableVimResources || r.State != vimmanager.Releasing {
		return
	}
	var doc struct {
		Intent *struct {
			Revision int `json:"revision"`
		} `json:"intent"`
	}
	if json.Unmarshal(r.Doc, &doc) == nil && doc.Intent != nil && doc.Intent.Revision > 0 {
		r.Doc = without(r.Doc, "intent")
	}
	r.Doc = without(r.Doc, "loose")
}

func without(doc json.RawMessage, names ...string) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(doc, &all) != nil {
		return doc
	}
	for _, name := range names {
		delete(all, name)
	}
	return vim.Encode(all)
}

// mutateUndo is the mutant WrongUndo: a change is undone to what it had made, in place of what was there before.
func (w *world) mutateUndo(c *eventstore.Commit) {
	for i := range c.Outbox {
		m := &c.Outbox[i]
		var change map[string]json.RawMessage
		if m.Type != vim.TypeChangeResource || json.Unmarshal(m.Data, &change) != nil || !w.undoes(c, m) {
			continue
		}
		change["to"] = change["from"]
		m.Data = vim.Encode(change)
	}
}

// undoes reports whether a command of a commit compensates another one.
func (w *world) undoes(c *eventstore.Commit, m *message.Message) bool {
	for _, row := range c.Sagas {
		if row.ID != m.CorrelationID {
			continue
		}
		in, err := w.written(row)
		w.must(err)
		for _, r := range in.Items {
			if r.Command == m.ID && r.State == saga.ItemUndoing {
				return true
			}
		}
	}
	return false
}

// skipping is the mutant SkipReply: of replies that are delivered together the last is not handled.
type skipping struct{ inbox.Handler }

func (s skipping) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	if len(msgs) > 1 {
		msgs = msgs[:len(msgs)-1]
	}
	return s.Handler.Decide(l, msgs, c) //nolint:wrapcheck // the handler's own
}
