package audit

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// lookAtVims compares the records with the VIM manager's ledger, and both with what the VIMs have. Sagas were looked at
// before: what something is under way for is left alone.
func (l *look) lookAtVims(ctx context.Context) error {
	sites, err := vim.Sites(ctx, l.cfg.Registry)
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	active := map[string]bool{} // by connection and token
	known := map[string]bool{}  // connections
	for _, at := range sites {
		known[at.ID] = true
		ledger, err := l.cfg.Books.Active(ctx, at.ID)
		if err != nil {
			return fmt.Errorf("read the ledger of %s: %w", at.ID, err)
		}
		ledger = slices.DeleteFunc(ledger, func(r vim.Resource) bool { return !at.Covers(r.Owner) })
		for _, r := range ledger {
			active[at.ID+" "+r.Token.String()] = true
		}
		if err := l.lookAtVim(ctx, at, ledger); err != nil {
			return err
		}
	}
	return l.eachVnf(ctx, func(v eventstore.View, in vnf.Instance) error {
		if in.Operation != "" || in.Cleanup != "" || l.busy[in.ID] {
			return nil
		}
		for _, r := range in.Recorded() {
			token := vim.Token{ID: r.ID, Generation: r.Generation}.String()
			// What may be gone is said to be so by the record: an operation was given up in the middle of it, and a healing makes it again.
			if r.MayBeGone || r.Kind == string(vim.Configuration) || !known[r.Connection] || active[r.Connection+" "+token] {
				continue
			}
			l.found(Finding{
				Check: LedgerUnheld, Where: fmt.Sprintf("%s %s at %s", r.Kind, r.Name, r.Connection), Vnf: in.ID, Since: v.Updated,
				version: token + " " + strconv.FormatInt(v.Revision, 10),
				What:    "the VNF's record has it (" + r.VimID + "), the VIM manager's ledger has not",
				Do:      "The ledger was lost or restored alone. The sweep takes back what the VIM still has (vim-sweep-interval); what it has not is gone: terminate the VNF and instantiate it again. Or a release of it was given up: terminate or clean up again.",
			})
		}
		return nil
	})
}

// lookAtVim compares one VIM with the ledger and the records. The ledger was read before the VIM is asked: what became
// active meanwhile is not missed. The records are read after it: what was asked for meanwhile is known.
func (l *look) lookAtVim(ctx context.Context, at vim.Site, ledger []vim.Resource) error {
	cannot := func(reason string) error {
		for _, c := range []Check{VimMissing, VimOrphaned, VimUnrecorded} {
			l.unmade = append(l.unmade, Unmade{c, "VIM " + at.ID + ": " + reason})
		}
		return nil
	}
	driver := l.cfg.Drivers[at.Type]
	switch {
	case l.cfg.Unreachable[at.Type] != "":
		return cannot(l.cfg.Unreachable[at.Type])
	case driver == nil:
		return cannot("there is no driver for " + at.Type)
	}
	var has []vim.Resource
	err := vim.EachPage(ctx, driver, at.Connection, "", 0, l.cfg.Call, func(page []vim.Resource) error {
		has = append(has, page...)
		return nil
	})
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("list VIM %s: %w", at.ID, ctx.Err())
		}
		return cannot("it cannot be listed: " + err.Error())
	}
	active, there := map[string]bool{}, map[string]bool{}
	for _, r := range ledger {
		active[r.Token.String()] = true
	}
	records := records{store: l.cfg.Shown, vnfs: map[string]func(string, int) bool{}}
	for _, r := range has {
		there[r.Token.String()] = true
		if !at.Covers(r.Owner) {
			continue
		}
		l.held++
		if err := l.lookAtResource(ctx, at, r, active[r.Token.String()], records); err != nil {
			return err
		}
	}
	for _, r := range ledger {
		if there[r.Token.String()] {
			continue
		}
		f := finding(VimMissing, at, r)
		f.What = "the ledger has it (" + r.ID + "), the VIM has not"
		f.Do = "Somebody deleted it at the VIM. vnfm vnf sync ID --repair makes it again; vnfm vnf list shows what else differs."
		l.found(f)
	}
	return nil
}

// lookAtResource looks for the reason why a VIM has a resource, which the ledger may say stands there.
func (l *look) lookAtResource(ctx context.Context, at vim.Site, r vim.Resource, active bool, known records) error {
	wanted, err := known.want(ctx, r)
	if err != nil {
		return fmt.Errorf("ask the records about %s: %w", r.Token, err)
	}
	switch {
	case wanted || l.busy[r.Owner]:
	case active:
		f := finding(VimUnrecorded, at, r)
		f.What = "the VIM and the ledger have it (" + r.ID + "), no instance and no operation does"
		f.Do = "Was the main database restored alone? Then stop before the sweep (vim-sweep-interval) releases it, and restore both from one moment. Else let the sweep do it."
		l.found(f)
	default:
		accounted, err := l.cfg.Books.Accounts(ctx, r.Token)
		if err != nil {
			return fmt.Errorf("ask the ledger about %s: %w", r.Token, err)
		}
		if accounted {
			return nil
		}
		f := finding(VimOrphaned, at, r)
		f.What = "the VIM has it (" + r.ID + ") with our owner tag, and the ledger does not know why"
		f.Do = "The sweep releases it when it has seen it twice (vim-sweep-interval). When it stays, delete it at the VIM."
		l.found(f)
	}
	return nil
}

// records is what the records want, asked once for each VNF while one VIM is looked at.
type records struct {
	store readmodel.Reader
	vnfs  map[string]func(resource string, generation int) bool
}

func (k records) want(ctx context.Context, r vim.Resource) (bool, error) {
	wants := k.vnfs[r.Owner]
	if wants == nil {
		found, err := readmodel.Wanted(ctx, k.store, []string{r.Owner})
		if err != nil {
			return false, err //nolint:wrapcheck // the caller says what it was about
		}
		wants = found[r.Owner]
		k.vnfs[r.Owner] = wants
	}
	return wants(r.Token.ID, r.Token.Generation), nil
}

func finding(c Check, at vim.Site, r vim.Resource) Finding {
	return Finding{
		Check: c, Where: fmt.Sprintf("%s %s at %s", r.Kind, r.Token, at.ID), Vnf: r.Owner, version: r.ID,
	}
}
