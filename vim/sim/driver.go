package sim

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

var (
	_ vim.Driver      = (*Sim)(nil)
	_ vim.AssetFinder = (*Sim)(nil)
)

// errSilent is what a caller learns of a call whose answer never comes.
var errSilent = errors.New("the simulator was told to give no answer")

// call is one operation on its way through the behaviour.
type call struct {
	op, rule, what string
}

func (c call) fail(class message.Class, hint string) *vim.Error {
	return &vim.Error{Op: c.op, Resource: c.what, Class: class, Hint: hint}
}

func (c call) silent(err error) *vim.Error {
	return &vim.Error{Op: c.op, Resource: c.what, Class: message.UnknownOutcome, Hint: "the VIM did not answer", Err: err}
}

// do carries a call out as the behaviour says. effect happens under the lock and adds to the record that is written; a
// call without an effect only looks. later describes the effect where it may land late. half asks for some of the effect.
func (s *Sim) do(ctx context.Context, conn vim.Connection, c call, later *late, effect func(now time.Time, r *record, half bool) error) error {
	if conn.Type != Type || conn.ID == "" {
		return c.fail(message.Permanent, "not a connection to the simulator: type "+conn.Type)
	}
	if err := ctx.Err(); err != nil {
		return c.silent(err)
	}
	hang := false
	err := s.locked(func(now time.Time) error {
		i, fired := s.pick(c.rule, false)
		outcome := ""
		if i >= 0 {
			outcome = s.state.behaviour.Rules[i].Outcome
		}
		switch outcome {
		case Transient, Permanent, Quota, Unavailable:
			if err := s.spend(fired); err != nil {
				return err
			}
			return c.fail(message.Class(outcome), "the simulator was told to fail "+c.rule)
		case Throttled:
			wait := DefaultAfter
			if after := time.Duration(s.state.behaviour.Rules[i].After); after > 0 {
				wait = after
			}
			if err := s.spend(fired); err != nil {
				return err
			}
			e := c.fail(message.Transient, "the simulator was told to have no time for "+c.rule)
			e.RetryAfter = wait
			return e
		case Hang:
			hang = true
			return s.spend(fired)
		case LateEffect:
			if later == nil { // a look has no effect that could be late
				if err := s.spend(fired); err != nil {
					return err
				}
				return c.silent(errSilent)
			}
			l := s.lands(conn.ID, *later, i, now)
			if err := s.commit(record{Fired: fired, Serial: l.Serial, Late: l}); err != nil {
				return err
			}
			return c.silent(errSilent)
		}
		r := record{Fired: fired}
		refused := effect(now, &r, outcome == Half)
		if len(r.Fired) > 0 || r.Put != nil || r.Delete != nil {
			if err := s.commit(r); err != nil {
				return err
			}
		}
		if outcome == Twice && later != nil {
			l := s.lands(conn.ID, *later, i, now)
			if err := s.commit(record{Serial: l.Serial, Late: l}); err != nil {
				return err
			}
		}
		if outcome == LoseReply || outcome == Twice || outcome == Half {
			return c.silent(errSilent)
		}
		return refused
	})
	if err == nil && hang {
		s.block(ctx)
		return c.silent(context.Cause(ctx))
	}
	return err
}

// lands is an effect that happens when a rule says.
func (s *Sim) lands(vimID string, l late, rule int, now time.Time) *late {
	after := time.Duration(s.state.behaviour.Rules[rule].After)
	if after == 0 {
		after = DefaultAfter
	}
	l.Serial, l.Due, l.Vim = s.state.serial+1, now.Add(after), vimID
	return &l
}

// Start creates a resource, once per token.
func (s *Sim) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	c := call{op: "start", rule: ruleName("start", r.Kind), what: r.Token.String()}
	r.Spec = Unsaid(r.Spec)
	var out vim.Resource
	err := s.do(ctx, conn, c, &late{Start: &r}, func(now time.Time, rec *record, _ bool) error {
		made, err := s.create(conn.ID, r, now)
		if err != nil {
			return err
		}
		if made.Put == nil { // it is there
			out = s.state.held[ref{conn.ID, r.Token}].at(now)
			return nil
		}
		rec.Put, rec.Serial = made.Put, made.Serial
		out = made.Put.at(now)
		return nil
	})
	if err != nil {
		return vim.Resource{}, err
	}
	return out, nil
}

// Change changes a resource that stands.
func (s *Sim) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	c := call{op: "change", rule: OnChange, what: r.Token.String()}
	r.From, r.To = Unsaid(r.From), Unsaid(r.To)
	var out vim.Resource
	err := s.do(ctx, conn, c, &late{Change: &r}, func(now time.Time, rec *record, half bool) error {
		changed, err := s.change(conn.ID, r, now, half)
		if err != nil {
			return err
		}
		rec.Put = changed
		out = changed.at(now)
		return nil
	})
	if err != nil {
		return vim.Resource{}, err
	}
	return out, nil
}

// Unsaid returns a specification as the simulator keeps it: with digests in the place of what a guest would read: nobody is there to read it, and it may
// hold secrets, which have no place in a journal.
func Unsaid(s vim.Spec) vim.Spec {
	if s.Compute != nil {
		c := *s.Compute
		c.UserData, s.Compute = digest(c.UserData), &c
	}
	if s.Configuration != nil {
		c := *s.Configuration
		if d := digest(string(c.Params)); d != "" {
			c.Params = vim.Encode(d)
		}
		s.Configuration = &c
	}
	return s
}

func digest(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text)))
}

// Poll looks at a resource by its id.
func (s *Sim) Poll(ctx context.Context, conn vim.Connection, kind vim.Kind, id string) (vim.Resource, error) {
	c := call{op: "poll", rule: OnFind, what: id}
	var out vim.Resource
	err := s.do(ctx, conn, c, nil, func(now time.Time, _ *record, _ bool) error {
		h := s.state.byID[conn.ID+"/"+id]
		if h == nil || h.Resource.Kind != kind {
			return c.fail(message.NotFound, "there is no such "+string(kind))
		}
		out = h.at(now)
		return nil
	})
	if err != nil {
		return vim.Resource{}, err
	}
	return out, nil
}

// Find looks a resource up by its token.
func (s *Sim) Find(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (vim.Resource, error) {
	c := call{op: "find", rule: OnFind, what: token.String()}
	var out vim.Resource
	err := s.do(ctx, conn, c, nil, func(now time.Time, _ *record, _ bool) error {
		h := s.state.held[ref{conn.ID, token}]
		if h == nil || h.Resource.Kind != kind {
			return c.fail(message.NotFound, "nothing carries this token")
		}
		out = h.at(now)
		return nil
	})
	if err != nil {
		return vim.Resource{}, err
	}
	return out, nil
}

// Release deletes what carries a token; done is false until it is gone.
func (s *Sim) Release(ctx context.Context, conn vim.Connection, _ vim.Kind, token vim.Token) (bool, error) {
	c := call{op: "release", rule: OnRelease, what: token.String()}
	var done bool
	err := s.do(ctx, conn, c, &late{Release: &token}, func(now time.Time, rec *record, _ bool) error {
		gone, d, err := s.discard(conn.ID, token, now)
		if err != nil {
			return err
		}
		rec.Put, rec.Delete, done = gone.Put, gone.Delete, d
		return nil
	})
	return done && err == nil, err
}

// pageSize is how many resources a page of List has at most.
const pageSize = 500

// List returns a page of the resources of a VIM, or of those of one VNF, in order of kind and token. A configuration is not
// among them.
func (s *Sim) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	out := vim.ListPage{Resources: []vim.Resource{}}
	next, err := s.page(ctx, conn, r, func(h *held, now time.Time) { out.Resources = append(out.Resources, h.at(now)) })
	if err != nil {
		return vim.ListPage{}, err
	}
	out.Next = next
	return out, nil
}

// page calls f for the resources of a page, and returns where the next one begins.
func (s *Sim) page(ctx context.Context, conn vim.Connection, r vim.ListRequest, f func(h *held, now time.Time)) (next string, err error) {
	c := call{op: "list", rule: OnFind, what: r.Owner}
	limit := pageSize
	if r.Limit > 0 {
		limit = min(limit, r.Limit)
	}
	err = s.do(ctx, conn, c, nil, func(now time.Time, _ *record, _ bool) error {
		n, last := 0, ""
		for _, h := range s.state.sorted(conn.ID) {
			at := string(h.Resource.Kind) + "/" + h.Resource.Token.String()
			if h.Resource.Kind == vim.Configuration || r.Owner != "" && h.Resource.Owner != r.Owner || r.After != "" && at <= r.After {
				continue
			}
			if n == limit {
				next = last
				break
			}
			n, last = n+1, at
			f(h, now)
		}
		return nil
	})
	return next, err
}

// Configure configures a VNF's machines, which must be there: it does nothing but what the rules about it say. It is no call of
// a driver.
func (s *Sim) Configure(ctx context.Context, conn vim.Connection, token string, computes []string) error {
	c := call{op: "configure", rule: OnConfigure, what: token}
	return s.do(ctx, conn, c, nil, func(time.Time, *record, bool) error {
		for _, id := range computes {
			if _, err := s.need(c, conn.ID, vim.Compute, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// discard works out what the release of a token changes. Like other VIMs it refuses, for now, to delete what is in use.
func (s *Sim) discard(vimID string, token vim.Token, now time.Time) (record, bool, error) {
	h := s.state.held[ref{vimID, token}]
	if h == nil {
		return record{}, true, nil
	}
	if !h.GoneAt.IsZero() {
		return record{}, false, nil
	}
	c := call{op: "release", what: h.Resource.ID}
	for _, kind := range map[vim.Kind][]vim.Kind{
		vim.Network: {vim.Port, vim.Subnet}, vim.Subnet: {vim.Port}, vim.Volume: {vim.Compute},
	}[h.Resource.Kind] {
		if users := s.state.usersOf(vimID, h.Resource.ID, kind); len(users) > 0 {
			return record{}, false, c.fail(message.Transient, "in use by "+users[0].Resource.ID)
		}
	}
	delay := time.Duration(s.state.behaviour.Delay)
	if delay == 0 || h.Resource.Kind == vim.Configuration {
		r := h.ref()
		return record{Delete: &r}, true, nil
	}
	going := *h
	going.GoneAt = now.Add(delay)
	return record{Put: &going}, false, nil
}
