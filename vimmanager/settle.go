package vimmanager

import (
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Source is the source of every reply of the VIM manager.
const Source = "/vnfm/vim-manager"

// settle tells commands how one of their resources ended, and answers those for which it was the last.
func (lg *ledger) settle(commands []string, r *resourceRow, state itemState, f *failure) error {
	for _, id := range commands {
		c, err := lg.command(id)
		if err != nil {
			return err
		}
		if c == nil || c.State == CommandDone {
			continue
		}
		for i := range c.doc.Items {
			it := &c.doc.Items[i]
			if it.Token != r.doc.Token || it.State != "" && it.State != itemClearing {
				continue
			}
			it.State, it.Failure, it.Resource = state, f, nil
			if state == itemDone {
				it.Resource = r.doc.Resource
				r.doc.hold(id)
				r.changed = true
			}
			c.changed = true
		}
		lg.complete(c)
	}
	return nil
}

// complete answers a command whose resources have all ended. A reserve of which some failed and some stand is first
// cleared: what failed leaves nothing.
func (lg *ledger) complete(c *commandRow) {
	var open, done, not bool
	for _, it := range c.doc.Items {
		open = open || it.State == "" || it.State == itemClearing
		done = done || it.State == itemDone
		not = not || it.State == itemFailed || it.State == itemCancelled
	}
	switch {
	case open:
	case c.doc.Reserve && done && not:
		c.move(CommandClearing, lg.now)
	default:
		lg.answer(c, c.doc.reply())
	}
}

// answer ends a command with a reply, in this commit.
func (lg *ledger) answer(c *commandRow, r message.Reply) {
	c.doc.Reply = &r
	c.move(CommandDone, lg.now.Add(lg.Retention))
	lg.replies = append(lg.replies, c)
	if c.doc.Message.ReplyTo != "" {
		lg.commit.Outbox = append(lg.commit.Outbox, message.NewReply(c.doc.Message, Source, lg.now, r))
	}
}

// reply is what a command whose resources have all ended is answered with: its first failure, if it has one.
func (c *command) reply() message.Reply {
	for _, it := range c.Items {
		if it.State == itemFailed {
			return message.Reply{Outcome: message.Failed, Class: it.Failure.Class, Reason: it.Failure.Reason}
		}
	}
	var reserved vim.Reserved
	var released vim.Released
	for _, it := range c.Items {
		if it.State == itemCancelled {
			return message.Reply{Outcome: message.Cancelled, Reason: "resource " + it.Token.String() + " was released before it was reserved"}
		}
		if it.Resource != nil {
			reserved.Resources = append(reserved.Resources, *it.Resource)
		}
		released.Tokens = append(released.Tokens, it.Token)
	}
	if c.Reserve {
		return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(reserved)}
	}
	return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(released)}
}

// take makes what a VIM has for a token the row's: active, building, or failed and to be cleared away.
func (lg *ledger) take(r *resourceRow, got vim.Resource) error {
	d := &r.doc
	d.Intent, d.Resource, d.Tries = nil, &got, 0
	switch {
	case got.Failed != nil:
		lg.clear(r, &failure{got.Failed.Class, got.Failed.Hint})
	case got.Ready:
		waiting := d.Waiting
		d.Waiting, d.BuildBy = nil, time.Time{}
		r.move(Active, time.Time{})
		return lg.settle(waiting, r, itemDone, nil)
	default:
		d.BuildBy = lg.now.Add(lg.Build)
		r.move(Building, lg.now.Add(lg.pace(0)))
	}
	return nil
}

// clear begins to remove what failed. Who waits is told once it is gone; who comes meanwhile waits for a fresh start.
func (lg *ledger) clear(r *resourceRow, f *failure) {
	d := &r.doc
	d.Failing, d.Waiting = append(d.Failing, d.Waiting...), nil
	d.Failure, d.Tries = f, 0
	r.move(Clearing, lg.now)
}

// cleared ends clear.
func (lg *ledger) cleared(r *resourceRow) error {
	f, failing := r.doc.Failure, r.doc.Failing
	r.doc.Failing, r.doc.Resource, r.doc.Holders = nil, nil, nil
	state := itemFailed
	if f == nil { // another resource of the command failed
		state = itemCleared
	}
	if len(r.doc.Waiting) > 0 {
		r.doc.Failure, r.doc.Tries = nil, 0
		r.move(Wanted, lg.now)
	} else {
		r.move(Failed, lg.now.Add(lg.Retention))
	}
	return lg.settle(failing, r, state, f)
}

// fail ends a row of which nothing stands.
func (lg *ledger) fail(r *resourceRow, f *failure) error {
	waiting := append(r.doc.Failing, r.doc.Waiting...)
	r.doc.Waiting, r.doc.Failing, r.doc.Intent, r.doc.Resource, r.doc.Failure, r.doc.Tries = nil, nil, nil, nil, f, 0
	r.move(Failed, lg.now.Add(lg.Retention))
	return lg.settle(waiting, r, itemFailed, f)
}

// release makes a row a tombstone, at once for every reserve to come, and has a worker release what stands. A release
// command, if any, is told when it is done; the reserves that wait are told by the worker.
func (lg *ledger) release(r *resourceRow, commandID string) {
	d := &r.doc
	d.Cancelled = append(d.Cancelled, slices.Concat(d.Waiting, d.Failing)...)
	d.Waiting, d.Failing, d.Holders, d.Failure, d.Tries, d.BuildBy = nil, nil, nil, nil, 0, time.Time{}
	if commandID != "" && !slices.Contains(d.Releasing, commandID) {
		d.Releasing = append(d.Releasing, commandID)
	}
	due := lg.now
	if d.Intent != nil && len(d.Cancelled) == 0 {
		due = lg.resolved(d.Intent)
	}
	r.move(Releasing, due)
}

// resolved returns when a release may believe what it sees of an intent: at its deadline for the first time, and once that was
// looked at, after the quarantine, which no command that comes meanwhile cuts short.
func (lg *ledger) resolved(in *intent) time.Time {
	if in.Quarantined {
		return in.Deadline.Add(lg.Quarantine)
	}
	return in.Deadline
}

// released ends release.
func (lg *ledger) released(r *resourceRow) error {
	releasing := r.doc.Releasing
	r.doc.Releasing, r.doc.Intent, r.doc.Resource, r.doc.Failure, r.doc.Tries = nil, nil, nil, nil, 0
	r.move(Released, lg.now.Add(lg.Retention))
	return lg.settle(releasing, r, itemDone, nil)
}
