package vimmanager

import (
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Source is the source of every reply of the VIM manager.
const Source = "/vnfm/vim-manager"

// settle answers commands about a resource, each once. One that the ledger has no more, because it went back, is not answered.
func (b *book) settle(commands []string, r *resourceRow, reply func(*commandRow) message.Reply) error {
	for _, id := range commands {
		c, err := b.command(id)
		if err != nil {
			return err
		}
		if c != nil && c.State != CommandDone {
			b.answer(c, reply(c))
		}
	}
	return nil
}

// answer ends a command with a reply, in this commit.
func (b *book) answer(c *commandRow, r message.Reply) {
	c.Doc.Reply = &r
	c.Move(CommandDone, ledger.Until(b.Now, b.Retention))
	b.send(message.NewReply(c.Doc.Message, Source, b.Now, r))
}

// send sends an answer, unless nobody wants one.
func (b *book) send(m message.Message) {
	if m.Topic != "" {
		b.Commit.Outbox = append(b.Commit.Outbox, m)
	}
}

// succeeded tells commands that the resource is as they asked.
func (b *book) succeeded(commands []string, r *resourceRow) error {
	return b.settle(commands, r, func(c *commandRow) message.Reply {
		var result any
		switch c.Doc.Message.Type {
		case vim.TypeReserve:
			result = vim.Reserved{Resources: []vim.Resource{*r.Doc.Resource}}
		case vim.TypeRelease:
			result = vim.Released{Tokens: []vim.Token{r.Doc.Token}}
		case vim.TypeReleaseResource:
			result = r.Doc.Token
		default:
			result = r.Doc.Resource
		}
		return message.Reply{Outcome: message.Succeeded, Result: vim.Encode(result)}
	})
}

// failed tells commands why the resource is not as they asked.
func (b *book) failed(commands []string, r *resourceRow, f *failure) error {
	return b.settle(commands, r, func(*commandRow) message.Reply {
		return message.Reply{Outcome: message.Failed, Class: f.Class, Reason: f.Reason, Partly: f.Partly}
	})
}

// cancelled tells commands that a release was there first.
func (b *book) cancelled(commands []string, r *resourceRow) error {
	return b.settle(commands, r, func(c *commandRow) message.Reply {
		before := "reserved"
		if c.Doc.Message.Type == vim.TypeChangeResource {
			before = "changed"
		}
		return message.Reply{Outcome: message.Cancelled, Reason: fmt.Sprintf("resource %s was released before it was %s", r.Doc.Token, before)}
	})
}

// take makes what a VIM has for a token the row's: active, building, or failed and to be cleared away.
func (b *book) take(r *resourceRow, got vim.Resource) error {
	d := &r.Doc
	d.Intent, d.Resource, d.Tries, d.HeldBy = nil, &got, 0, time.Time{}
	switch f := failureOf(got); {
	case f != nil:
		b.clear(r, f)
		return nil
	case !got.Ready:
		d.BuildBy = b.Now.Add(b.Build)
		r.Move(Building, b.Now.Add(b.pace(0)))
		return nil
	}
	waiting := d.Waiting
	d.Waiting, d.BuildBy = nil, time.Time{}
	d.saw(got.Revision)
	b.stands(r)
	if got.Revision > 1 { // the ledger was lost, and what was reserved is past that
		return b.failed(waiting, r, supersededBy(got.Revision))
	}
	return b.succeeded(waiting, r)
}

// stands ends a step after which the resource is there: it is active, or the change that waited for it begins.
func (b *book) stands(r *resourceRow) {
	r.Doc.Tries, r.Doc.HeldBy = 0, time.Time{}
	if r.Doc.Change == nil {
		r.Move(Active, time.Time{})
		return
	}
	r.Move(Outdated, b.free(&r.Doc))
}

func supersededBy(revision int) *failure {
	return &failure{Class: message.Superseded, Reason: fmt.Sprintf("superseded: the resource is at revision %d, or was asked to be", revision)}
}

// clear begins to remove what failed. Who waits is told once it is gone; who comes meanwhile waits for a fresh start.
func (b *book) clear(r *resourceRow, f *failure) {
	d := &r.Doc
	d.Failing, d.Waiting = append(d.Failing, d.Waiting...), nil
	d.Failure, d.Tries, d.BuildBy = f, 0, b.Now.Add(b.Build)
	r.Move(Clearing, b.Now)
}

// cleared ends clear.
func (b *book) cleared(r *resourceRow) error {
	d := &r.Doc
	f, failing := d.Failure, d.Failing
	d.Failing, d.Resource, d.Revision = nil, nil, 0
	if f == nil { // the sweep had it cleared
		f = &failure{Class: message.Transient, Reason: "it was cleared away"}
	}
	if len(d.Waiting) > 0 {
		d.Failure, d.Tries = nil, 0
		r.Move(Wanted, b.Now)
	} else {
		failing = append(failing, d.abandon()...)
		r.Move(Failed, ledger.Until(b.Now, b.Retention))
	}
	return b.failed(failing, r, f)
}

// fail ends a row of which nothing stands.
func (b *book) fail(r *resourceRow, f *failure) error {
	d := &r.Doc
	waiting := slices.Concat(d.Failing, d.Waiting, d.abandon())
	d.Waiting, d.Failing, d.Intent, d.Resource, d.Revision, d.Failure, d.Tries, d.HeldBy = nil, nil, nil, nil, 0, f, 0, time.Time{}
	r.Move(Failed, ledger.Until(b.Now, b.Retention))
	return b.failed(waiting, r, f)
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
func (b *book) release(r *resourceRow, commandID string) {
	d := &r.Doc
	d.Cancelled = slices.Concat(d.Cancelled, d.Waiting, d.Failing, d.abandon())
	d.Waiting, d.Failing, d.Failure, d.Tries, d.BuildBy = nil, nil, nil, 0, b.Now.Add(b.Build)
	if commandID != "" && !slices.Contains(d.Releasing, commandID) {
		d.Releasing = append(d.Releasing, commandID)
	}
	if d.Intent == nil {
		d.Intent = b.rest(d)
	}
	due := b.Now
	if d.Intent != nil && len(d.Cancelled) == 0 {
		due = b.resolved(d.Intent)
	}
	r.Move(Releasing, due)
}

// rest is what a release waits for as for a Start: a call of a change that was not answered.
func (b *book) rest(d *resource) *intent {
	if d.Loose == nil || !b.Now.Before(d.Loose.Until) {
		return nil
	}
	return &intent{ID: "loose", Deadline: d.Loose.Until.Add(-b.Quarantine)}
}

// resolved returns when a release may believe what it sees of an intent: at its deadline for the first time, and once that was
// looked at, after the quarantine, which no command that comes meanwhile cuts short.
func (b *book) resolved(in *intent) time.Time {
	if in.Quarantined {
		return in.Deadline.Add(b.Quarantine)
	}
	return in.Deadline
}

// released ends release.
func (b *book) released(r *resourceRow) error {
	d := &r.Doc
	releasing := d.Releasing
	d.Releasing, d.Intent, d.Loose, d.Resource, d.Revision, d.Failure, d.Tries = nil, nil, nil, nil, 0, nil, 0
	r.Move(Released, ledger.Until(b.Now, b.Retention))
	return b.succeeded(releasing, r)
}

// releaseFailed tells the releases that wait. The tombstone stands; whether to try again is for them to say.
func (b *book) releaseFailed(r *resourceRow, f *failure) error {
	releasing := r.Doc.Releasing
	r.Doc.Releasing, r.Doc.Failure = nil, f
	r.Move(Releasing, time.Time{})
	return b.failed(releasing, r, f)
}
