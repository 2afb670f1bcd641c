package vimmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Intake is the handler of message.TopicVimCommands: it writes commands into the ledger and calls no VIM.
type Intake struct {
	cfg Config
}

var _ inbox.Handler = (*Intake)(nil)

// NewIntake returns the handler. Of the configuration only Retention, Attempt and Quarantine matter.
func NewIntake(cfg Config) *Intake { return &Intake{cfg: cfg.withDefaults()} }

// order is a command as it was sent. One of reserve, change and release is set, unless err says why it cannot be read.
type order struct {
	reserve *vim.Reserve
	change  *vim.Change
	release *vim.Release
	err     error
}

var errNotOne = errors.New("it is not about exactly one resource")

// read reads a command; known is false for a type that this program does not know.
func read(m message.Message) (o order, known bool) {
	switch m.Type {
	case vim.TypeReserveResource:
		o.reserve = &vim.Reserve{}
		o.err = json.Unmarshal(m.Data, o.reserve)
	case vim.TypeChangeResource:
		o.change = &vim.Change{}
		o.err = json.Unmarshal(m.Data, o.change)
		if o.err == nil && o.change.Revision < 2 {
			o.err = fmt.Errorf("revision %d: a change makes a revision from 2", o.change.Revision)
		}
	case vim.TypeReleaseResource:
		o.release = &vim.Release{}
		o.err = json.Unmarshal(m.Data, o.release)
	case vim.TypeReserve:
		var c vim.ReserveResources
		if o.err = json.Unmarshal(m.Data, &c); o.err == nil {
			r, ok := c.One()
			if o.reserve = &r; !ok {
				o.err = errNotOne
			}
		}
	case vim.TypeRelease:
		var c vim.ReleaseResources
		if o.err = json.Unmarshal(m.Data, &c); o.err == nil {
			r, ok := c.One()
			if o.release = &r; !ok {
				o.err = errNotOne
			}
		}
	default:
		return o, false
	}
	return o, true
}

// Load asks for the rows the commands are about.
func (in *Intake) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		refs := []eventstore.RecordRef{commandRef(m.ID)}
		switch o, _ := read(m); {
		case o.err != nil:
		case o.reserve != nil:
			refs = append(refs, fenceRef(o.reserve.VnfID), resourceRef(o.reserve.Token.String()))
		case o.change != nil:
			refs = append(refs, fenceRef(o.change.VnfID), resourceRef(o.change.Token.String()))
		case o.release != nil:
			refs = append(refs, resourceRef(o.release.Token.String()))
		}
		l = l.Merge(eventstore.Load{Records: refs})
	}
	return l
}

// Decide writes the commands into the ledger. One that is there already changes nothing: it is answered with its reply, once
// more, or by a message that says that it is being worked on. A command of another type is vnfm.ErrUnknownVersion.
func (in *Intake) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	b := &book{in.cfg, ledger.Open(l, c)}
	for _, m := range msgs {
		seen, err := b.command(m.ID)
		switch {
		case err != nil:
			return err
		case seen != nil:
			b.send(message.Answer(seen.Doc.Message, Source, b.Now, seen.Doc.Reply))
			continue
		}
		o, known := read(m)
		if !known {
			return vnfm.UnknownVersion("command %s is of type %q", m.ID, m.Type)
		}
		cmd := ledger.Add[command](b.Book, commandRef(m.ID), m.Key, "")
		cmd.Doc.Message = m
		cmd.Doc.Message.Data = nil
		cmd.Move(CommandOpen, time.Time{})
		switch {
		case o.err != nil:
			b.refuse(cmd, "the command cannot be read: "+o.err.Error())
		case o.reserve != nil:
			err = b.takeReserve(cmd, *o.reserve)
		case o.change != nil:
			err = b.takeChange(cmd, *o.change)
		default:
			err = b.takeRelease(cmd, *o.release)
		}
		if err != nil {
			return err
		}
	}
	return b.Write()
}

// refuse answers a command that is not carried out.
func (b *book) refuse(c *commandRow, reason string) {
	b.answer(c, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: reason})
}

// fenced answers a command of an operation after which another has begun, and reports whether it did. Else it notes that this
// operation has begun.
func (b *book) fenced(c *commandRow, vnfID string, number int64) (bool, error) {
	ref := fenceRef(vnfID)
	f, err := ledger.Get[fence](b.Book, ref)
	if err != nil {
		return false, err
	}
	if f == nil {
		f = ledger.Add[fence](b.Book, ref, c.Key, "")
	}
	switch {
	case number < f.Doc.Highest:
		g := older(f.Doc.Highest)
		b.answer(c, message.Reply{Outcome: message.Failed, Class: g.Class, Reason: g.Reason})
		return true, nil
	case number > f.Doc.Highest || f.Version == 0:
		f.Doc.Highest = number
		f.Move(FenceState, ledger.Until(b.Now, b.Retention))
	}
	return false, nil
}

// older is why a command of an operation does nothing after another has begun.
func older(begun int64) *failure {
	return &failure{Class: message.Superseded, Reason: fmt.Sprintf("superseded: operation %d of the VNF has begun", begun)}
}

// mismatch says why a command cannot be about a row, nil when it can.
func mismatch(r *resourceRow, kind vim.Kind, connection string) *failure {
	switch {
	case r.Doc.Kind != kind:
		return &failure{Class: message.Permanent, Reason: fmt.Sprintf("token %s is of a %s, not of a %s", r.ID, r.Doc.Kind, kind)}
	case r.Group != connection:
		return &failure{Class: message.Permanent, Reason: fmt.Sprintf("token %s is at VIM connection %s, not %s", r.ID, r.Group, connection)}
	}
	return nil
}

// takeReserve makes a reserve wait for its token's row, or tells it at once what is known. That the resource stands is not
// known before a worker has looked: a VIM is not called here.
func (b *book) takeReserve(c *commandRow, cmd vim.Reserve) error {
	c.Group, c.Doc.Kind = cmd.Connection, cmd.Kind
	if done, err := b.fenced(c, cmd.VnfID, cmd.Fence); done || err != nil {
		return err
	}
	token := cmd.Token.String()
	r, err := b.resource(token)
	if err != nil {
		return err
	}
	if r == nil {
		r = ledger.Add[resource](b.Book, resourceRef(token), c.Key, cmd.Connection)
		r.Doc.Token = cmd.Token
	}
	d, me, attempt := &r.Doc, []string{c.ID}, time.Duration(cmd.DeadlineMs)*time.Millisecond
	d.Trace, d.Operation = c.Doc.Message.Traceparent, c.Doc.Message.CorrelationID
	switch r.State {
	case Releasing, Released:
		return b.cancelled(me, r)
	case "", Failed: // nothing stands: this command may say anew what is wanted, and where
		r.Group = cmd.Connection
		d.Kind, d.Owner, d.Spec, d.Failure, d.Attempt = cmd.Kind, cmd.VnfID, cmd.Spec, nil, attempt
		r.Move(Wanted, b.Now)
	}
	if f := mismatch(r, cmd.Kind, cmd.Connection); f != nil {
		return b.failed(me, r, f)
	}
	switch {
	case d.Revision > 1 || r.State == Outdated || r.State == Changing:
		return b.failed(me, r, supersededBy(d.Highest))
	case r.State == Active: // so the ledger says; it may have gone back since, and what is built on this must stand
		d.Spec, d.Attempt, d.Tries = cmd.Spec, attempt, 0
		d.Intent = &intent{ID: c.ID, Deadline: b.Now.Add(-b.Quarantine), Quarantined: true} // no call is behind it
		r.Move(Unresolved, b.Now)
	}
	d.Fence, d.Highest = max(d.Fence, cmd.Fence), max(d.Highest, 1)
	d.Waiting = append(d.Waiting, c.ID)
	r.Touch()
	return nil
}

// takeChange makes a change the one that a token's row is for, or tells it at once that a later one was there. What the ledger
// does not know is looked for at the VIM: it may have gone back.
func (b *book) takeChange(c *commandRow, cmd vim.Change) error {
	c.Group, c.Doc.Kind = cmd.Connection, cmd.Kind
	if done, err := b.fenced(c, cmd.VnfID, cmd.Fence); done || err != nil {
		return err
	}
	token := cmd.Token.String()
	r, err := b.resource(token)
	if err != nil {
		return err
	}
	if r == nil {
		r = ledger.Add[resource](b.Book, resourceRef(token), c.Key, cmd.Connection)
		r.Doc.Token, r.Doc.Kind, r.Doc.Owner = cmd.Token, cmd.Kind, cmd.VnfID
	}
	d, me := &r.Doc, []string{c.ID}
	d.Trace, d.Operation = c.Doc.Message.Traceparent, c.Doc.Message.CorrelationID
	r.Touch()
	if r.State == Releasing || r.State == Released {
		return b.cancelled(me, r)
	}
	if r.State == Failed {
		r.Group = cmd.Connection
	}
	if f := mismatch(r, cmd.Kind, cmd.Connection); f != nil {
		return b.failed(me, r, f)
	}
	if cmd.Revision < d.Highest {
		return b.failed(me, r, supersededBy(d.Highest))
	}
	if d.Change != nil && d.Change.Revision == cmd.Revision {
		d.Change.Waiting = append(d.Change.Waiting, c.ID)
		d.Change.Fence = max(d.Change.Fence, cmd.Fence)
		return nil
	}
	d.Superseded = append(d.Superseded, d.abandon()...)
	d.Highest = cmd.Revision
	d.Change = &change{
		Revision: cmd.Revision, From: cmd.From, To: cmd.To, Fence: cmd.Fence, Grace: max(0, cmd.Grace()),
		Attempt: time.Duration(cmd.DeadlineMs) * time.Millisecond, Waiting: me,
	}
	if cmd.To.Compute == nil || !cmd.To.Compute.Off() {
		d.Change.Grace = 0
	}
	switch r.State {
	case "", Failed, Active, Outdated:
		d.Tries = 0
		r.Move(Outdated, b.free(d))
	case Changing: // the call under way is waited for; what the VIM works on is not
		if d.Intent == nil {
			d.Tries = 0
			r.Move(Outdated, b.free(d))
		}
	}
	return nil
}

// free returns when the change of a row may begin: now, or when a call of another one can have no more effect.
func (b *book) free(d *resource) time.Time {
	if d.Loose != nil && d.Loose.Revision != d.Change.Revision && b.Now.Before(d.Loose.Until) {
		return d.Loose.Until
	}
	return b.Now
}

// takeRelease is always accepted, whatever is known of the token: a tombstone stands from this commit on.
func (b *book) takeRelease(c *commandRow, cmd vim.Release) error {
	c.Group, c.Doc.Kind = cmd.Connection, cmd.Kind
	token := cmd.Token.String()
	r, err := b.resource(token)
	if err != nil {
		return err
	}
	if r == nil {
		r = ledger.Add[resource](b.Book, resourceRef(token), c.Key, cmd.Connection)
		r.Doc.Token, r.Doc.Kind, r.Doc.Owner = cmd.Token, cmd.Kind, cmd.VnfID
	}
	if r.State == Released { // the VIM is not asked again: it could refuse, and there is nothing to refuse
		return b.succeeded([]string{c.ID}, r)
	}
	r.Doc.Trace, r.Doc.Operation = c.Doc.Message.Traceparent, c.Doc.Message.CorrelationID
	b.release(r, c.ID)
	return nil
}
