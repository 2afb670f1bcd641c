package nfvomanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
)

// Orchestrator is asked for grants; a restclient.Client is one. Its errors are *nfvo.Error; any other means that there
// was no answer.
type Orchestrator interface {
	// Ask sends the body of a grant request. It is repeated byte-equal when its answer was lost.
	Ask(ctx context.Context, body json.RawMessage) (nfvo.Answer, error)
	// Look asks for a grant that is decided later.
	Look(ctx context.Context, location string) (nfvo.Answer, error)
}

// Connections takes the VIM connections that a grant brings for one VNF, with their credentials. Merge adds those that are
// unknown and may be repeated. Returns Unprocessable for one that cannot be used; other errors are tried again.
type Connections interface {
	Merge(ctx context.Context, vnfID string, infos map[string]nfvo.ConnectionInfo) error
}

// The waits between two calls about one grant.
const (
	firstLook   = time.Second
	longestLook = 30 * time.Second
	longestWait = time.Minute
)

// negotiate makes one call to the orchestrator: it asks, or looks at a grant that is decided later. What it learns is
// committed before the next call; a Location, too, before it is looked at.
func (w worker) negotiate(ctx context.Context, a asking, req *nfvo.GrantRequest) (change, error) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("the store's clock: %w", err)
	}
	switch {
	case !now.Before(a.Deadline):
		return expired(a), nil
	case w.cfg.Orchestrator == nil:
		return w.later(a, &nfvo.Error{Class: message.Unavailable, Reason: "no NFVO is configured any more"}), nil
	}
	var answer nfvo.Answer
	if a.Location == "" {
		answer, err = w.cfg.Orchestrator.Ask(ctx, a.Body)
	} else {
		answer, err = w.cfg.Orchestrator.Look(ctx, a.Location)
	}
	if err == nil && answer.Grant == nil {
		return pending(answer), nil
	}
	if err == nil {
		err = w.accept(ctx, req, &answer)
	}
	if err == nil {
		reply := message.Reply{Outcome: message.Succeeded, Result: vim.Encode(answer.Grant)}
		return func(r *ledger.Row[asking], _ time.Time) {
			r.Doc.Reply, r.Doc.Grant, r.Doc.Reason, r.Doc.Tries = &reply, answer.Body, "", 0
		}, nil
	}
	var e *nfvo.Error
	if !errors.As(err, &e) {
		e = &nfvo.Error{Class: message.UnknownOutcome, Reason: err.Error()}
	}
	if e.Again() {
		return w.later(a, e), nil
	}
	return func(r *ledger.Row[asking], _ time.Time) {
		reply := message.Reply{Outcome: message.Failed, Class: e.Class, Reason: e.Reason}
		r.Doc.Reply, r.Doc.Grant, r.Doc.Reason = &reply, answer.Body, e.Reason
	}, nil
}

// pending waits for a grant that is decided later.
func pending(answer nfvo.Answer) change {
	return func(r *ledger.Row[asking], now time.Time) {
		a := &r.Doc
		wait := min(firstLook<<min(a.Looks, 10), longestLook)
		a.Location, a.Looks, a.Tries, a.Reason = answer.Location, a.Looks+1, 0, ""
		r.Due = earlier(now.Add(max(wait, answer.RetryAfter)), a.Deadline)
	}
}

// later tries again, not before the orchestrator wants it.
func (w worker) later(a asking, e *nfvo.Error) change {
	wait := min(w.cfg.Backoff<<min(a.Tries, 10), longestWait)
	return func(r *ledger.Row[asking], now time.Time) {
		r.Doc.Tries, r.Doc.Reason = r.Doc.Tries+1, e.Reason
		r.Due = earlier(now.Add(max(wait, e.RetryAfter)), a.Deadline)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// expired gives up: there was no answer in time.
func expired(a asking) change {
	reason := fmt.Sprintf("the NFVO gave no grant by %s", a.Deadline.UTC().Format(time.RFC3339))
	if a.Reason != "" {
		reason += ": " + a.Reason
	}
	return failed(message.UnknownOutcome, reason)
}

// accept checks a grant against its request, fills in what may be left out, and hands on the VIM connections it brings.
// A grant that cannot be used is an *nfvo.Error of class Permanent.
func (w worker) accept(ctx context.Context, req *nfvo.GrantRequest, answer *nfvo.Answer) error {
	refuse := func(format string, args ...any) error {
		return &nfvo.Error{Class: message.Permanent, Reason: fmt.Sprintf(format, args...)}
	}
	g := answer.Grant
	if answer.VnfID != req.VnfID || answer.OpOccID != req.OpOccID {
		return refuse("malformed grant: it is for the operation %q of the VNF %q", answer.OpOccID, answer.VnfID)
	}
	w.complete(ctx, g, req, answer.Connections)
	g.Recall(req)
	for _, n := range req.Images {
		if n.Package && !slices.ContainsFunc(g.Images, func(a nfvo.VimAsset) bool { return a.ID == n.ID && a.VimAssetID != "" }) {
			g.MakeImages = append(g.MakeImages, n.ID)
		}
	}
	if err := g.Check(req); err != nil {
		return refuse("%v", err)
	}
	for _, l := range g.ExtLinks {
		for _, cp := range l.Cps {
			for key, c := range cp.Config {
				if n := c.Wanted(); n > w.cfg.Addresses {
					return refuse("malformed grant: a connection point has at most %d addresses here (operation-addresses); %s of %s wants %d",
						w.cfg.Addresses, key, cp.CpdID, n)
				}
			}
		}
	}
	known := func() error { // what is granted, as it is now
		for _, id := range g.Connections() {
			c, err := w.cfg.Registry.Connection(ctx, req.VnfID, id)
			_, brought := answer.Connections[id]
			switch {
			case err == nil:
				g.Describe(id, nfvo.VimConnection(c.Described()))
			case vnfm.KindOf(err) != vnfm.NotFound:
				return err
			case !brought:
				return refuse("malformed grant: it refers to the VIM connection %q, which is neither registered here nor part of the grant", id)
			}
		}
		return nil
	}
	if err := w.sealParams(ctx, req, answer); err != nil {
		return err
	}
	if err := known(); err != nil || len(answer.Connections) == 0 {
		return err
	}
	if w.cfg.Connections == nil {
		return refuse("the grant brings VIM connections (%s), which this VNFM does not take from grants: register them here",
			strings.Join(slices.Sorted(maps.Keys(answer.Connections)), ", "))
	}
	err := w.cfg.Connections.Merge(ctx, req.VnfID, answer.Connections)
	if vnfm.KindOf(err) == vnfm.Unprocessable {
		return refuse("a VIM connection of the grant cannot be used: %v", err)
	}
	if err != nil {
		return err
	}
	return known()
}

// sealParams seals what is secret among the parameters of a grant, and hides it in the grant as it is kept for people.
func (w *worker) sealParams(ctx context.Context, req *nfvo.GrantRequest, answer *nfvo.Answer) error {
	g := answer.Grant
	if w.cfg.Seal == nil || len(g.AdditionalParams) == 0 {
		return nil
	}
	sealed, err := w.cfg.Seal(ctx, req, g.AdditionalParams)
	if err != nil {
		return err
	}
	g.AdditionalParams = sealed
	var body map[string]json.RawMessage
	if json.Unmarshal(answer.Body, &body) == nil && body["additionalParams"] != nil {
		body["additionalParams"] = secret.Hide(vim.Encode(sealed))
		answer.Body = vim.Encode(body)
	}
	return nil
}

// complete names the VIM connection of each resource for which the grant names none: that of a resource that stands, else the one the
// request wants, else the only one the grant brings; where it does not run what the resource is, the first that does of those the grant
// brings and those the request names.
func (w worker) complete(ctx context.Context, g *nfvo.Grant, req *nfvo.GrantRequest, brought map[string]nfvo.ConnectionInfo) {
	ids := slices.Sorted(maps.Keys(brought))
	p := vim.Places{VnfID: req.VnfID, Wanted: req.DefaultConnection, Others: slices.Concat(ids, req.Connections), Brought: map[string]string{}, Named: true}
	if p.Wanted == "" && len(ids) == 1 {
		p.Wanted = ids[0]
	}
	for id, c := range brought {
		p.Brought[id] = c.VimType
	}
	formIn, places := formsIn(req), map[vim.Form]string{}
	place := func(f vim.Form) string { // the registry is asked once a form
		if _, known := places[f]; !known {
			places[f] = p.Wanted
			if at, err := p.Of(ctx, f, w.cfg.Registry, vim.FormsOf(w.cfg.Drivers)); err == nil {
				places[f] = at
			}
		}
		return places[f]
	}
	for _, d := range slices.Concat(req.Add, req.Temp, req.Remove, req.Update) {
		i := g.Info(d.ID)
		if i == nil || i.Connection != "" {
			continue
		}
		if d.Resource != nil {
			i.Connection = d.Resource.Connection
		} else {
			i.Connection = place(formIn(d))
		}
	}
}
