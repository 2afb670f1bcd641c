package vimregistry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
)

// key is what every change of a registered connection locks: they are few, and one that becomes the default ends another.
const key = "vims"

// group is the group of the rows of registered connections.
const group = "vim"

// Store is what the registry reads.
type Store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error)
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
}

// Config is what the registry needs.
type Config struct {
	Store   Store
	Doer    eventstore.Doer
	Keys    *secret.Keyring
	Drivers map[string]vim.Driver // by vimType
	// BuiltIn connections come with the program: they cannot be changed. The first is the default while no other is.
	BuiltIn []vim.Connection
	// Busy lists the VNFs that resources of a connection are kept or being made for, as the VIM manager knows them.
	Busy func(ctx context.Context, connection string) ([]string, error)
	// CheckTimeout bounds one check of a VIM; 0 means 20 s.
	CheckTimeout time.Duration
	NewID        func() string // nil: random UUIDs
}

// Service is the registry and the use cases of its operators. It may be used by several callers at once.
type Service struct {
	cfg  Config
	repo *aggregate.Repository[Connection]
}

var _ vim.Registry = (*Service)(nil)

// New returns a registry.
func New(cfg Config) (*Service, error) {
	if cfg.CheckTimeout <= 0 {
		cfg.CheckTimeout = 20 * time.Second
	}
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	registry, err := aggregate.NewRegistry(Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register the events of VIM connections: %w", err)
	}
	return &Service{cfg: cfg, repo: Repository(registry)}, nil
}

// Register makes a connection of a JSON document: id (else one is made), vimId, vimType, interfaceInfo, accessInfo, extra,
// default, enabled. Returns Invalid and Unprocessable with the attribute, Conflict when the id is taken.
func (s *Service) Register(ctx context.Context, doc json.RawMessage, by request.Info) (*Connection, error) {
	w := wanted{Enabled: true}
	if err := decodeDetails(secret.Unmasked(doc), &w, ""); err != nil {
		return nil, err
	}
	if w.ID == "" {
		w.ID = s.cfg.NewID()
	}
	if !idForm.MatchString(w.ID) {
		return nil, vnfm.Errorf(vnfm.Invalid, "An id is 1 to 63 letters, digits, dots, dashes and underscores, and begins with a letter or digit.").At("/id")
	}
	if s.builtIn(w.ID) != nil {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VIM connection %s comes with the program: choose another id.", w.ID).At("/id")
	}
	if err := s.usable(&w); err != nil {
		return nil, err
	}
	return s.do(ctx, w.ID, "vim.register", w.Default, by, func(x *change) error {
		events, err := x.connection.register(w.ID, w, w.public())
		if err != nil {
			return err
		}
		x.seal(&w.details)
		return x.append(events...)
	})
}

// usable says what is wrong with a connection as a client wants it.
func (s *Service) usable(w *wanted) error {
	if w.Default && !w.Enabled {
		return vnfm.Errorf(vnfm.Unprocessable, "A disabled connection cannot be the default.").At("/default")
	}
	return s.check(&w.details, "")
}

// Change applies a merge patch (RFC 7396) to a connection; a masked value stays what it is. Returns NotFound; Conflict for
// one that comes with the program; Precondition; Invalid and Unprocessable with the attribute.
func (s *Service) Change(ctx context.Context, id string, patch json.RawMessage, by request.Info) (*Connection, error) {
	patch = secret.Unmasked(patch)
	var head struct {
		ID      *string `json:"id"`
		Type    *string `json:"vimType"`
		Default bool    `json:"default"`
	}
	if err := json.Unmarshal(patch, &head); err == nil && head.ID != nil && *head.ID != id {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "The id of a VIM connection does not change.").At("/id")
	}
	var users []string // of resources that no driver of another type knows
	if head.Type != nil {
		var err error
		if users, err = s.users(ctx, id); err != nil {
			return nil, err
		}
	}
	return s.do(ctx, id, "vim.change", head.Default, by, func(x *change) error {
		if err := x.found(by); err != nil {
			return err
		}
		before, err := x.details()
		if err != nil { // the key is lost: what was sealed has to be entered again
			before = &details{VimID: x.connection.VimID, Type: x.connection.Type, InterfaceInfo: x.connection.InterfaceInfo, Extra: x.connection.Extra}
			if before, err = (&details{}).over(secret.Unmasked(before.json()), ""); err != nil {
				return err
			}
		}
		was := wanted{ID: id, details: *before, Default: x.connection.Default, Enabled: x.connection.Enabled}
		doc, err := json.Marshal(was)
		if err != nil {
			return vnfm.Wrap(vnfm.Internal, err, "encode VIM connection %s", id)
		}
		var w wanted
		if err := decodeDetails(mergepatch.Apply(doc, patch), &w, ""); err != nil {
			return err
		}
		if w.Type != x.connection.Type && len(users) > 0 {
			return vnfm.Errorf(vnfm.Conflict, "The vimType of VIM connection %s does not change while it is used: register another one, or first terminate VNF instance %s.",
				id, strings.Join(users, ", ")).At("/vimType")
		}
		if err := s.usable(&w); err != nil {
			return err
		}
		sealed := !mergepatch.Equal(before.json(), w.json()) || x.unreadable
		if sealed {
			x.seal(&w.details)
		}
		return x.append(x.connection.change(w, w.public(), sealed)...)
	})
}

// Delete ends a connection. Whoever comes meanwhile is turned away: first it is disabled, then its users are looked for. Returns
// NotFound; Precondition; Conflict naming the VNFs that use it, and for one that comes with the program.
func (s *Service) Delete(ctx context.Context, id string, by request.Info) error {
	enabled := false
	quiet := by // the answer and the precondition belong to the whole, not to its parts
	quiet.Answer = nil
	was, err := s.do(ctx, id, "vim.delete", false, quiet, func(x *change) error {
		if err := x.found(by); err != nil {
			return err
		}
		enabled = x.connection.Enabled
		if !enabled {
			return nil
		}
		return x.append(&Disabled{})
	})
	if err != nil {
		return err
	}
	quiet.Revision = was.Version
	users, err := s.users(ctx, id)
	if err == nil && len(users) == 0 {
		quiet.Answer = by.Answer
		_, err = s.do(ctx, id, "vim.delete", false, quiet, func(x *change) error {
			if err := x.found(quiet); err != nil {
				return err
			}
			x.unseal()
			return x.append(&Deleted{})
		})
		return err
	}
	if enabled {
		if _, back := s.do(context.WithoutCancel(ctx), id, "vim.delete", false, request.Info{Actor: by.Actor, ID: by.ID, Traceparent: by.Traceparent}, func(x *change) error {
			if !x.connection.exists() || x.connection.Version != was.Version {
				return nil // somebody else has decided meanwhile
			}
			return x.append(&Enabled{})
		}); back != nil && err == nil {
			err = back
		}
	}
	if err != nil {
		return err
	}
	return vnfm.Errorf(vnfm.Conflict, "The VIM connection %s is used: first terminate VNF instance %s.", id, strings.Join(users, ", "))
}

// users lists the VNFs with resources at a connection, or with an operation that may be making some.
func (s *Service) users(ctx context.Context, id string) ([]string, error) {
	users, err := s.cfg.Busy(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("ask who uses VIM connection %s: %w", id, err)
	}
	held, err := readmodel.InstancesAt(ctx, s.cfg.Store, id)
	if err != nil {
		return nil, fmt.Errorf("look for users of VIM connection %s: %w", id, err)
	}
	users = append(users, held...)
	slices.Sort(users)
	return slices.Compact(users), nil
}

// Get returns a connection. Returns NotFound.
func (s *Service) Get(ctx context.Context, id string) (*Connection, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, notFound(id)
}

// List returns all connections in order of id. Exactly one at most is the default.
func (s *Service) List(ctx context.Context) ([]Connection, error) {
	out, err := s.registered(ctx)
	if err != nil {
		return nil, err
	}
	d := newest(out)
	for i := range out {
		out[i].Default = i == d
	}
	for i, c := range s.cfg.BuiltIn {
		b := Connection{ID: c.ID, Default: d < 0 && i == 0, Enabled: true, BuiltIn: true, Version: 1}
		b.Public = Public(c.Described())
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Connection) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// registered returns the connections of the store.
func (s *Service) registered(ctx context.Context) ([]Connection, error) {
	var out []Connection
	for q := (eventstore.ViewQuery{Kind: readmodel.KindVim, Limit: 1000}); ; {
		views, err := s.cfg.Store.Views(ctx, q)
		if err != nil {
			return nil, unavailable(err)
		}
		for _, v := range views {
			var c Connection
			if err := json.Unmarshal(v.Doc, &c); err != nil {
				return nil, vnfm.Wrap(vnfm.Internal, err, "decode the view of VIM connection %s", v.ID)
			}
			out = append(out, c)
			q.After = v.ID
		}
		if len(views) < q.Limit {
			return out, nil
		}
	}
}

// newest returns the index of the default: of the enabled ones, the one made so last; -1 when there is none.
func newest(all []Connection) int {
	at := -1
	for i := range all {
		if c := &all[i]; c.Default && c.Enabled && (at < 0 || c.Since.After(all[at].Since)) {
			at = i
		}
	}
	return at
}

// Checked is what a VIM said when it was asked what it offers.
type Checked struct {
	Reachable       bool
	Detail          string // why not; no secrets
	Took            time.Duration
	Zones           []string
	Flavours        int
	Images          int
	ExternalNetwork string
	// Facts are what else is known of the connection: rights, quotas, versions, storage classes.
	Facts []vim.Fact
}

// Check asks a connection's VIM what it offers. That it cannot be asked is no error. Returns NotFound.
func (s *Service) Check(ctx context.Context, id string) (*Checked, error) {
	conn, err := s.Connection(ctx, "", id)
	if vnfm.KindOf(err) == vnfm.Internal {
		return &Checked{Detail: err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	driver := s.cfg.Drivers[conn.Type]
	if driver == nil {
		return &Checked{Detail: "there is no driver for the vimType " + conn.Type}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CheckTimeout)
	defer cancel()
	begun := time.Now()
	assets, err := driver.Assets(ctx, conn)
	out := &Checked{Took: time.Since(begun)}
	if err != nil {
		out.Detail = scrub(err.Error(), conn)
		return out, nil
	}
	out.Reachable, out.Zones, out.ExternalNetwork = true, assets.Zones, assets.ExternalNetwork
	out.Flavours, out.Images = len(assets.Flavours), len(assets.Images)
	if c := vim.CheckerOf(driver); c != nil {
		if out.Facts, err = c.Check(ctx, conn); err != nil {
			out.Reachable, out.Detail = false, scrub(err.Error(), conn)
		}
		out.Took = time.Since(begun)
		for i := range out.Facts {
			out.Facts[i].Value = scrub(out.Facts[i].Value, conn)
		}
	}
	return out, nil
}

func (s *Service) builtIn(id string) *vim.Connection {
	for i := range s.cfg.BuiltIn {
		if s.cfg.BuiltIn[i].ID == id {
			return &s.cfg.BuiltIn[i]
		}
	}
	return nil
}

func notFound(id string) error {
	return vnfm.Errorf(vnfm.NotFound, "There is no VIM connection %q.", id)
}

// unavailable is the error of a registry that cannot be read: what is registered is not known then.
func unavailable(err error) error {
	return vnfm.Wrap(vnfm.Unavailable, err, "the VIM connections cannot be read")
}
