package own

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager/gate"
	"github.com/vnfm/vnfm/vimregistry"
)

// Vims is the use cases of VIM connections; a vimregistry.Service is one.
type Vims interface {
	Register(ctx context.Context, doc json.RawMessage, by request.Info) (*vimregistry.Connection, error)
	Change(ctx context.Context, id string, patch json.RawMessage, by request.Info) (*vimregistry.Connection, error)
	Delete(ctx context.Context, id string, by request.Info) error
	Get(ctx context.Context, id string) (*vimregistry.Connection, error)
	List(ctx context.Context) ([]vimregistry.Connection, error)
	Check(ctx context.Context, id string) (*vimregistry.Checked, error)
}

func vimURI(base, id string) string { return base + rest.OwnRoot + "/vims/" + id }

func (a *API) registerVim(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (*vimregistry.Connection, error) {
		return a.Vims.Register(c.Ctx, c.Body, by)
	}, func(v *vimregistry.Connection) *rest.Answer {
		return rest.Respond(http.StatusCreated).JSON(a.shownVim(v)).Location(vimURI(c.Base, v.ID)).ETag(v.Version)
	})
}

func (a *API) listVims(c *rest.Call) (*rest.Answer, error) {
	all, err := a.Vims.List(c.Ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	know, err := a.known(c.Ctx)
	if err != nil {
		return nil, err
	}
	out := []sol.Vim{}
	for i := range all {
		out = append(out, know(a.shownVim(&all[i])))
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

func (a *API) showVim(c *rest.Call) (*rest.Answer, error) {
	v, err := a.Vims.Get(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	know, err := a.known(c.Ctx)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(know(a.shownVim(v))).ETag(v.Version), nil
}

// known returns what adds to a connection what came of its last comparison, and how calls to it are held back.
func (a *API) known(ctx context.Context) (func(sol.Vim) sol.Vim, error) {
	seen, err := a.seen(ctx)
	if err != nil {
		return nil, err
	}
	var held map[string]gate.Status
	var now time.Time
	if a.Held != nil {
		if held, now, err = a.Held(ctx); err != nil {
			return nil, err
		}
	}
	return func(v sol.Vim) sol.Vim {
		v.Comparison = seen[v.Id]
		if h, there := held[v.Id]; there && h.At(now) != "" {
			v.Held = &sol.VimHeld{State: string(h.At(now)), Since: h.Since, Until: h.Until, Failures: h.Failures, Reason: h.Reason}
		}
		return v
	}, nil
}

// seen tells what came of the last comparisons, by VIM connection.
func (a *API) seen(ctx context.Context) (map[string]*sol.VimComparison, error) {
	out := map[string]*sol.VimComparison{}
	if a.Seen == nil {
		return out, nil
	}
	all, err := a.Seen(ctx)
	for id := range all {
		s := all[id]
		out[id] = &sol.VimComparison{
			Time: s.At, TookMs: s.Took.Milliseconds(), Error: s.Err, Vnfs: s.Vnfs, VnfsBusy: s.Busy, VnfsDrifted: s.Drifted, Recorded: s.Recorded,
			Missing: s.Missing, Changed: s.Changed, Orphaned: s.Orphaned, Unsure: s.Unsure, Suspect: s.Suspect, RepairsGivenUp: s.GivenUp, LeftBehind: s.LeftBehind,
		}
	}
	return out, err
}

func (a *API) patchVim(c *rest.Call) (*rest.Answer, error) {
	if err := a.vimPrecondition(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vimregistry.Connection, error) {
		return a.Vims.Change(c.Ctx, c.ID, c.Body, by)
	}, func(v *vimregistry.Connection) *rest.Answer {
		return rest.Respond(http.StatusOK).JSON(a.shownVim(v)).ETag(v.Version)
	})
}

func (a *API) deleteVim(c *rest.Call) (*rest.Answer, error) {
	if err := a.vimPrecondition(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vimregistry.Connection, error) {
		return nil, a.Vims.Delete(c.Ctx, c.ID, by)
	}, func(*vimregistry.Connection) *rest.Answer { return rest.Respond(http.StatusNoContent) })
}

func (a *API) vimPrecondition(c *rest.Call) error {
	v, err := a.Vims.Get(c.Ctx, c.ID)
	if err != nil {
		return err //nolint:wrapcheck // has its kind
	}
	return c.IfMatch(v.Version)
}

// checkVim answers 200 whatever the VIM says: the verdict is in the body.
func (a *API) checkVim(c *rest.Call) (*rest.Answer, error) {
	v, err := a.Vims.Check(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	out := sol.VimCheck{
		Reachable: v.Reachable, Detail: v.Detail, TookMs: v.Took.Milliseconds(), Zones: v.Zones,
		Flavours: v.Flavours, Images: v.Images, ExternalNetwork: v.ExternalNetwork,
	}
	for _, f := range v.Facts {
		out.Facts = append(out.Facts, sol.VimFact{Area: string(f.Area), Name: f.Name, Value: f.Value, Lacks: f.Lacks})
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

func (a *API) shownVim(v *vimregistry.Connection) sol.Vim {
	l, err := vim.LimitsOf(v.Extra, a.VimLimits)
	if err != nil { // registered by a program that did not look at them
		l = a.VimLimits
	}
	return sol.Vim{
		Limits: sol.VimLimits{Workers: l.Workers, Rate: l.Rate, BreakerFailures: l.Failures},
		Id:     v.ID, VimId: v.VimID, VimType: v.Type, Default: v.Default, Enabled: v.Enabled, BuiltIn: v.BuiltIn,
		InterfaceInfo: v.InterfaceInfo, AccessInfo: v.AccessInfo, Extra: v.Extra, Created: v.Created, Updated: v.Updated,
	}
}
