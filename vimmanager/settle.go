package vimmanager

import (
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Source is the source of every reply of the VIM manager.
const Source = "/vnfm/vim-manager"

// settle answers commands about a resource, each once. One that the ledger has no more, because it went back, is not answered.
func (lg *ledger) settle(commands []string, r *resourceRow, reply func(*commandRow) message.Reply) error {
	for _, id := range commands {
		c, err := lg.command(id)
		if err != nil {
			return err
		}
		if c != nil && c.State != CommandDone {
			lg.answer(c, reply(c))
		}
	}
	return nil
}

// answer ends a command with a reply, in this commit.
func (lg *ledger) answer(c *commandRow, r message.Reply) {
	c.doc.Reply = &r
	c.move(CommandDone, lg.now.Add(lg.Retention))
	lg.replies = append(lg.replies, c)
	lg.send(message.NewReply(c.doc.Message, Source, lg.now, r))
}

// send sends an answer, unless nobody wants one.
func (lg *ledger) send(m message.Message) {
	if m.Topic != "" {
		lg.commit.Outbox = append(lg.commit.Outbox, m)
	}
}

// succeeded tells commands that the resource is as they asked.
func (lg *ledger) succeeded(commands []string, r *resourceRow) error {
	return lg.settle(commands, r, func(c *commandRow) message.Reply {
		var result any
		switch c.doc.Message.Type {
		case vim.TypeReserve:
			result = vim.Reserved{Resources: []vim.Resource{*r.doc.Resource}}
		case vim.TypeRelease:
			result = vim.Released{Tokens: []vim.Token{r.doc.Token}}
		case vim.TypeReleaseResource:
			result = r.doc.Token
		default:
			result = r.doc.Resource
		}
		return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(result)}
	})
}

// failed tells commands why the resource is not as they asked.
func (lg *ledger) failed(commands []string, r *resourceRow, f *failure) error {
	return lg.settle(commands, r, func(*commandRow) message.Reply {
		return message.Reply{Outcome: message.Failed, Class: f.Class, Reason: f.Reason}
	})
}

// cancelled tells commands that a release was there first.
func (lg *ledger) cancelled(commands []string, r *resourceRow) error {
	return lg.settle(commands, r, func(c *commandRow) message.Reply {
		before := "reserved"
		if c.doc.Message.Type == vim.TypeChangeResource {
			before = "changed"
		}
		return message.Reply{Outcome: message.Cancelled, Reason: fmt.Sprintf("resource %s was released before it was %s", r.doc.Token, before)}
	})
}

// take makes what a VIM has for a token the row's: active, building, or failed and to be cleared away.
func (lg *ledger) take(r *resourceRow, got vim.Resource) error {
	d := &r.doc
	d.Intent, d.Resource, d.Tries = nil, &got, 0
	switch {
	case got.Failed != nil:
		lg.clear(r, &failure{got.Failed.Class, got.Failed.Hint})
		return nil
	case !got.Ready:
		d.BuildBy = lg.now.Add(lg.Build)
		r.move(Building, lg.now.Add(lg.pace(0)))
		return nil
	}
	waiting := d.Waiting
	d.Waiting, d.BuildBy = nil, time.Time{}
	d.saw(got.Revision)
	lg.stands(r)
	if got.Revision > 1 { // the ledger was lost, and what was reserved is past that
		return lg.failed(waiting, r, supersededBy(got.Revision))
	}
	return lg.succeeded(waiting, r)
}

// stands ends a step after which the resource is there: it is active, or the change that waited for it begins.
func (lg *ledger) stands(r *resourceRow) {
	r.doc.Tries = 0
	if r.doc.Change == nil {
		r.move(Active, time.Time{})
		return
	}
	r.move(Outdated, lg.free(&r.doc))
}

func supersededBy(revision int) *failure {
	return &failure{message.Superseded, fmt.Sprintf("superseded: the resource is at revision %d, or was asked to be", revision)}
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
	d := &r.doc
	f, failing := d.Failure, d.Failing
	d.Failing, d.Resource, d.Revision = nil, nil, 0
	if f == nil { // the sweep had it cleared
		f = &failure{message.Transient, "it was cleared away"}
	}
	if len(d.Waiting) > 0 {
		d.Failure, d.Tries = nil, 0
		r.move(Wanted, lg.now)
	} else {
		failing = append(failing, d.abandon()...)
		r.move(Failed, lg.now.Add(lg.Retention))
	}
	return lg.failed(failing, r, f)
}

// fail ends a row of which nothing stands.
func (lg *ledger) fail(r *resourceRow, f *failure) error {
	d := &r.doc
	waiting := slices.Concat(d.Failing, d.Waiting, d.abandon())
	d.Waiting, d.Failing, d.Intent, d.Resource, d.Revision, d.Failure, d.Tries = nil, nil, nil, nil, 0, f, 0
	r.move(Failed, lg.now.Add(lg.Retention))
	return lg.failed(waiting, r, f)
}

// abandon takes the change from a row and returns the commands that wait for it.
func (d *resource) abandon() []string {
	if d.Change == nil {
		return nil
	}
	waiting := d.Change.Waiting
	d.Change = nil
	return waiting
}

// release makes a row a tombstone, at once for every reserve and change to come, and has a worker release what stands. A
// release command, if any, is told when it is done; the commands that wait are told by the worker.
func (lg *ledger) release(r *resourceRow, commandID string) {
	d := &r.doc
	d.Cancelled = slices.Concat(d.Cancelled, d.Waiting, d.Failing, d.abandon())
	d.Waiting, d.Failing, d.Failure, d.Tries, d.BuildBy = nil, nil, nil, 0, time.Time{}
	if commandID != "" && !slices.Contains(d.Releasing, commandID) {
		d.Releasing = append(d.Releasing, commandID)
	}
	if d.Intent == nil && d.Loose != nil && lg.now.Before(d.Loose.Until) { // it is waited for as a Start is
		d.Intent = &intent{ID: "loose", Deadline: d.Loose.Until.Add(-lg.Quarantine)}
	}
	d.Loose = nil
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
	d := &r.doc
	releasing := d.Releasing
	d.Releasing, d.Intent, d.Resource, d.Revision, d.Failure, d.Tries = nil, nil, nil, 0, nil, 0
	r.move(Released, lg.now.Add(lg.Retention))
	return lg.succeeded(releasing, r)
}

// releaseFailed tells the releases that wait. The tombstone stands; whether to try again is for them to say.
func (lg *ledger) releaseFailed(r *resourceRow, f *failure) error {
	releasing := r.doc.Releasing
	r.doc.Releasing, r.doc.Failure = nil, f
	r.move(Releasing, time.Time{})
	return lg.failed(releasing, r, f)
}
