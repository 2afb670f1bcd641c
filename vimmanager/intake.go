package vimmanager

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
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

// order is a command as it was sent.
type order struct {
	msg     message.Message
	reserve *vim.ReserveResources
	release *vim.ReleaseResources
	err     error
}

func read(m message.Message) order {
	o := order{msg: m}
	switch m.Type {
	case vim.TypeReserve:
		o.reserve = &vim.ReserveResources{}
		o.err = json.Unmarshal(m.Data, o.reserve)
	case vim.TypeRelease:
		o.release = &vim.ReleaseResources{}
		o.err = json.Unmarshal(m.Data, o.release)
	}
	return o
}

// Load asks for the rows the commands are about.
func (in *Intake) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		refs := []eventstore.RecordRef{commandRef(m.ID)}
		switch o := read(m); {
		case o.err != nil:
		case o.reserve != nil:
			refs = append(refs, fenceRef(o.reserve.VnfID))
			for _, r := range o.reserve.Resources {
				refs = append(refs, resourceRef(r.Token.String()))
			}
		case o.release != nil:
			for _, r := range o.release.Resources {
				refs = append(refs, resourceRef(r.Token.String()))
			}
		}
		l = l.Merge(eventstore.Load{Records: refs})
	}
	return l
}

// Decide writes the commands into the ledger. A command that is there already changes nothing: it is answered, or will be.
// A command of another type is vnfm.ErrUnknownVersion.
func (in *Intake) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	lg := newLedger(in.cfg, l, c)
	for _, m := range msgs {
		seen, err := lg.command(m.ID)
		if err != nil {
			return err
		}
		if seen != nil {
			continue
		}
		o := read(m)
		if o.reserve == nil && o.release == nil {
			return vnfm.UnknownVersion("command %s is of type %q", m.ID, m.Type)
		}
		cmd := add(lg, lg.commands, commandRef(m.ID), m.Key, "")
		cmd.doc.Message = m
		cmd.doc.Message.Data = nil
		cmd.move(CommandOpen, time.Time{})
		switch {
		case o.err != nil:
			lg.refuse(cmd, "the command cannot be read: "+o.err.Error())
		case o.reserve != nil:
			err = lg.takeReserve(cmd, *o.reserve)
		default:
			err = lg.takeRelease(cmd, *o.release)
		}
		if err != nil {
			return err
		}
	}
	return lg.write()
}

// refuse answers a command that is not carried out.
func (lg *ledger) refuse(c *commandRow, reason string) {
	lg.answer(c, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: reason})
}

func (lg *ledger) takeReserve(c *commandRow, cmd vim.ReserveResources) error {
	c.Group, c.doc.Reserve = cmd.Connection, true
	ref := fenceRef(cmd.VnfID)
	f, err := get(lg, lg.fences, ref)
	if err != nil {
		return err
	}
	if f == nil {
		f = add(lg, lg.fences, ref, c.Key, "")
	}
	switch {
	case cmd.Fence < f.doc.Highest:
		lg.refuse(c, fmt.Sprintf("superseded: operation %d of the VNF has begun, this command is of %d", f.doc.Highest, cmd.Fence))
		return nil
	case cmd.Fence > f.doc.Highest || f.Version == 0:
		f.doc.Highest = cmd.Fence
		f.move(FenceState, time.Time{})
	}
	for _, want := range cmd.Resources {
		c.doc.Items = append(c.doc.Items, item{Token: want.Token, Kind: want.Kind})
	}
	for _, want := range cmd.Resources {
		if err := lg.join(c, cmd, want); err != nil {
			return err
		}
	}
	if len(cmd.Resources) == 0 {
		lg.complete(c)
	}
	return nil
}

// join makes a reserve wait for a token's row, or tells it at once what is known. That the resource stands is not known
// before a worker has looked: a VIM is not called here.
func (lg *ledger) join(c *commandRow, cmd vim.ReserveResources, want vim.Reserve) error {
	token := want.Token.String()
	r, err := lg.resource(token)
	if err != nil {
		return err
	}
	if r == nil {
		r = add(lg, lg.resources, resourceRef(token), c.Key, cmd.Connection)
		r.doc.Token = want.Token
	}
	r.doc.Trace = c.doc.Message.Traceparent
	me := []string{c.ID}
	switch r.State {
	case Releasing, Released:
		return lg.settle(me, r, itemCancelled, nil)
	case "", Failed: // nothing stands: this command may say anew what is wanted, and where
		r.Group = cmd.Connection
		r.doc.Kind, r.doc.Owner, r.doc.Spec, r.doc.Failure = want.Kind, cmd.VnfID, want.Spec, nil
		r.doc.Attempt = time.Duration(cmd.Deadline) * time.Millisecond
		r.move(Wanted, lg.now)
	}
	switch {
	case r.doc.Kind != want.Kind:
		return lg.settle(me, r, itemFailed, &failure{message.Permanent, fmt.Sprintf("token %s is of a %s, not of a %s", token, r.doc.Kind, want.Kind)})
	case r.Group != cmd.Connection:
		return lg.settle(me, r, itemFailed, &failure{message.Permanent, fmt.Sprintf("token %s is at VIM connection %s, not %s", token, r.Group, cmd.Connection)})
	case r.State == Active: // so the ledger says; it may have gone back since, and what is built on this must stand
		r.doc.Spec, r.doc.Attempt, r.doc.Tries = want.Spec, time.Duration(cmd.Deadline)*time.Millisecond, 0
		r.doc.Intent = &intent{ID: c.ID, Deadline: lg.now.Add(-lg.Quarantine), Quarantined: true} // no call is behind it
		r.move(Unresolved, lg.now)
	}
	r.doc.Fence = max(r.doc.Fence, cmd.Fence)
	r.doc.Waiting = append(r.doc.Waiting, c.ID)
	r.changed = true
	return nil
}

// takeRelease is always accepted, whatever is known of the tokens: a tombstone stands from this commit on.
func (lg *ledger) takeRelease(c *commandRow, cmd vim.ReleaseResources) error {
	c.Group = cmd.Connection
	for _, gone := range cmd.Resources {
		c.doc.Items = append(c.doc.Items, item{Token: gone.Token, Kind: gone.Kind})
	}
	for _, gone := range cmd.Resources {
		token := gone.Token.String()
		r, err := lg.resource(token)
		if err != nil {
			return err
		}
		if r == nil {
			r = add(lg, lg.resources, resourceRef(token), c.Key, cmd.Connection)
			r.doc.Token, r.doc.Kind, r.doc.Owner = gone.Token, gone.Kind, cmd.VnfID
		}
		if r.State == Released { // the VIM is not asked again: it could refuse, and there is nothing to refuse
			if err := lg.settle([]string{c.ID}, r, itemDone, nil); err != nil {
				return err
			}
			continue
		}
		r.doc.Trace = c.doc.Message.Traceparent
		lg.release(r, c.ID)
	}
	if len(cmd.Resources) == 0 {
		lg.complete(c)
	}
	return nil
}
