package remote

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// The resources of the inventory and the behaviour have the paths and the form they have in the API of a vnfmd whose
// simulator is its own, so that the same client reads them.
const (
	driverPath    = "/driver"
	InventoryPath = "/vnfm/v1/sim/inventory"
	BehaviourPath = "/vnfm/v1/sim/behaviour"
	HealthPath    = "/healthz"
)

// question is one call of a driver.
type question struct {
	Op         string             `json:"op"`
	Connection string             `json:"connection"`
	Deadline   time.Time          `json:"deadline,omitzero"`
	Start      *vim.StartRequest  `json:"start,omitempty"`
	Change     *vim.ChangeRequest `json:"change,omitempty"`
	List       *vim.ListRequest   `json:"list,omitempty"`
	Kind       vim.Kind           `json:"kind,omitempty"`
	Token      vim.Token          `json:"token,omitzero"`
	Name       string             `json:"name,omitempty"` // an id, a name, a token, or an operation: what the call is about
	Computes   []string           `json:"computes,omitempty"`
	Checksum   string             `json:"checksum,omitempty"`
}

// result is what came of it.
type result struct {
	Resource vim.Resource      `json:"resource,omitzero"`
	Page     vim.ListPage      `json:"page,omitzero"`
	Observed *vim.ObservedPage `json:"observed,omitempty"`
	Done     bool              `json:"done,omitempty"`
	Assets   *vim.Assets       `json:"assets,omitempty"`
	Flavour  *vim.Flavour      `json:"flavour,omitempty"`
	Image    *vim.Image        `json:"image,omitempty"`
	Copies   int               `json:"copies,omitempty"`
	Error    *vim.Error        `json:"error,omitempty"`
}

// maxQuestion bounds what is read of a request, in bytes.
const maxQuestion = 8 << 20

// Handler serves a simulator to Clients, and its inventory and behaviour to whoever asks.
func Handler(s *sim.Sim) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+driverPath, func(w http.ResponseWriter, r *http.Request) {
		var q question
		if err := json.NewDecoder(io.LimitReader(r.Body, maxQuestion)).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx := r.Context()
		if !q.Deadline.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, q.Deadline)
			defer cancel()
		}
		answer(w, ask(ctx, s, q))
	})
	mux.HandleFunc("GET "+InventoryPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Inventory()) })
	mux.HandleFunc("GET "+BehaviourPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Behaviour()) })
	mux.HandleFunc("PUT "+BehaviourPath, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxQuestion))
		if err == nil {
			var b sim.Behaviour
			if b, err = sim.DecodeBehaviour(body); err == nil {
				err = s.SetBehaviour(b)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, s.Behaviour())
	})
	mux.HandleFunc("GET "+HealthPath, func(http.ResponseWriter, *http.Request) {})
	return mux
}

// ask carries a call out.
func ask(ctx context.Context, s *sim.Sim, q question) (out result) {
	conn := vim.Connection{ID: q.Connection, VimID: q.Connection, Type: sim.Type}
	var err error
	switch q.Op {
	case "start":
		if q.Start == nil {
			return result{Error: &vim.Error{Op: q.Op, Class: message.Permanent, Hint: "a start says what to start"}}
		}
		out.Resource, err = s.Start(ctx, conn, *q.Start)
	case "change":
		if q.Change == nil {
			return result{Error: &vim.Error{Op: q.Op, Class: message.Permanent, Hint: "a change says what to change"}}
		}
		out.Resource, err = s.Change(ctx, conn, *q.Change)
	case "poll":
		out.Resource, err = s.Poll(ctx, conn, q.Kind, q.Name)
	case "find":
		out.Resource, err = s.Find(ctx, conn, q.Kind, q.Token)
	case "release":
		out.Done, err = s.Release(ctx, conn, q.Kind, q.Token)
	case "list":
		if q.List == nil {
			q.List = &vim.ListRequest{}
		}
		out.Page, err = s.List(ctx, conn, *q.List)
	case "observe":
		if q.List == nil {
			q.List = &vim.ListRequest{}
		}
		var page vim.ObservedPage
		page, err = s.Observe(ctx, conn, *q.List)
		out.Observed = &page
	case "assets":
		var a vim.Assets
		a, err = s.Assets(ctx, conn)
		out.Assets = &a
	case "flavour":
		var f vim.Flavour
		f, err = s.FindFlavour(ctx, conn, q.Name)
		out.Flavour = &f
	case "image":
		var i vim.Image
		i, err = s.FindImage(ctx, conn, q.Name, q.Checksum)
		out.Image = &i
	case "configure":
		err = s.Configure(ctx, conn, q.Name, q.Computes)
	case "replies":
		out.Copies = s.Replies(q.Connection, q.Kind, q.Name)
	default:
		err = &vim.Error{Op: q.Op, Class: message.Permanent, Hint: "the simulator knows no call " + q.Op}
	}
	if err != nil {
		var e *vim.Error
		if !errors.As(err, &e) {
			e = &vim.Error{Op: q.Op, Class: message.UnknownOutcome, Hint: err.Error()}
		}
		return result{Error: e}
	}
	return out
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who does not hear it knows nothing, as of any lost answer
}
