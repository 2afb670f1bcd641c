package simulation

import (
	"encoding/json"
	"strings"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

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
