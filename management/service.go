package management

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
)

// key is what every change of a connection locks: they are few.
const key = "management"

// Store is what the registry reads.
type Store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error)
}

// Config is what the registry needs.
type Config struct {
	Store Store
	Doer  eventstore.Doer
	Keys  *secret.Keyring
	NewID func() string // nil: random UUIDs
}

// Service is the registry and the use cases of its administrators. It may be used by several callers at once.
type Service struct {
	cfg  Config
	repo *aggregate.Repository[Connection]
}

// New returns a registry.
func New(cfg Config) (*Service, error) {
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	registry, err := aggregate.NewRegistry(Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register the events of management connections: %w", err)
	}
	return &Service{cfg: cfg, repo: Repository(registry)}, nil
}

// Register makes a connection of a JSON document: Details, and an id, else one is made. Returns Invalid and Unprocessable with the
// attribute, Conflict when the id is taken.
func (s *Service) Register(ctx context.Context, doc json.RawMessage, by request.Info) (*Connection, error) {
	w := wanted{Details: Details{Enabled: true}}
	if err := decode(secret.Unmasked(doc), &w); err != nil {
		return nil, err
	}
	if w.ID == "" {
		w.ID = s.cfg.NewID()
	}
	if !idForm.MatchString(w.ID) {
		return nil, vnfm.Errorf(vnfm.Invalid, "An id is 1 to 63 letters, digits, dots, dashes and underscores, and begins with a letter or digit.").At("/id")
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	return s.do(ctx, w.ID, "management.register", by, func(x *change) error {
		if x.connection.exists() {
			return vnfm.Errorf(vnfm.Conflict, "The management connection %s exists: change it by PATCH, or choose another id.", w.ID).At("/id")
		}
		x.seal(&w.Details)
		return x.append(&Registered{ID: w.ID, Public: w.public()})
	})
}

// Change applies a merge patch (RFC 7396) to a connection; a masked value stays what it is. Returns NotFound, Precondition, Invalid
// and Unprocessable with the attribute.
func (s *Service) Change(ctx context.Context, id string, patch json.RawMessage, by request.Info) (*Connection, error) {
	patch = secret.Unmasked(patch)
	return s.do(ctx, id, "management.change", by, func(x *change) error {
		if err := x.found(by); err != nil {
			return err
		}
		before, err := s.open(x.l.Records[ref(id)], id)
		if err != nil { // the key is lost: what was sealed has to be entered again
			public := x.connection.Details
			before = &Details{}
			if err := json.Unmarshal(secret.Unmasked(public.json()), before); err != nil {
				return vnfm.Wrap(vnfm.Internal, err, "management connection %s", id)
			}
		}
		var w wanted
		if err := decode(mergepatch.Apply(before.json(), patch), &w); err != nil {
			return err
		}
		if w.ID != "" && w.ID != id {
			return vnfm.Errorf(vnfm.Unprocessable, "The id of a management connection does not change.").At("/id")
		}
		if err := w.check(); err != nil {
			return err
		}
		if err == nil && mergepatch.Equal(before.json(), w.json()) {
			return nil
		}
		is, was := w.public(), x.connection.Details
		x.seal(&w.Details)
		return x.append(&Changed{Public: is, Credentials: mergepatch.Equal(is.json(), was.json())})
	})
}

// Delete ends a connection. An operation that was planned with it fails where it would be called, and says so. Returns NotFound and
// Precondition.
func (s *Service) Delete(ctx context.Context, id string, by request.Info) error {
	_, err := s.do(ctx, id, "management.delete", by, func(x *change) error {
		if err := x.found(by); err != nil {
			return err
		}
		if row := x.l.Records[ref(id)]; row != nil {
			x.c.Records = append(x.c.Records, eventstore.RecordWrite{Record: *row, Expected: row.Version, Delete: true})
		}
		return x.append(&Deleted{})
	})
	return err
}

// Get returns a connection. Returns NotFound.
func (s *Service) Get(ctx context.Context, id string) (*Connection, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(c Connection) bool { return c.ID == id })
	if at < 0 {
		return nil, notFound(id)
	}
	return &all[at], nil
}

// List returns all connections in order of id.
func (s *Service) List(ctx context.Context) ([]Connection, error) {
	out := []Connection{}
	for q := (eventstore.ViewQuery{Kind: readmodel.KindManagement, Limit: 1000}); ; {
		views, err := s.cfg.Store.Views(ctx, q)
		if err != nil {
			return nil, vnfm.Wrap(vnfm.Unavailable, err, "the management connections cannot be read")
		}
		for _, v := range views {
			var c Connection
			if err := json.Unmarshal(v.Doc, &c); err != nil {
				return nil, vnfm.Wrap(vnfm.Internal, err, "decode the view of management connection %s", v.ID)
			}
			out = append(out, c)
			q.After = v.ID
		}
		if len(views) < q.Limit {
			return out, nil
		}
	}
}

// change is one commit about a connection in the making.
type change struct {
	s          *Service
	l          *eventstore.Loaded
	c          *eventstore.Commit
	id         string
	meta       eventstore.Metadata
	connection Connection
}

// do makes a change with its view and the stored answer, and returns the connection as the commit left it.
func (s *Service) do(ctx context.Context, id, name string, by request.Info, decide func(x *change) error) (*Connection, error) {
	var result Connection
	_, err := s.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{key},
		Load: func() eventstore.Load {
			l := s.repo.Load(id)
			l.Records = []eventstore.RecordRef{ref(id)}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, id: id, meta: by.Metadata(name, id)}
			state, err := s.repo.Read(l, x.c, id)
			if err != nil {
				return nil, err
			}
			x.connection = state.Value
			if err := decide(x); err != nil {
				return nil, err
			}
			if state, err = s.repo.Read(l, x.c, id); err != nil {
				return nil, err
			}
			result = state.Value
			if len(x.c.Appends) > 0 {
				w, err := view(&result)
				if err != nil {
					return nil, err
				}
				x.c.Views = append(x.c.Views, w)
			}
			if x.c.Idempotency = by.Idempotency(&result); x.c.Empty() {
				return nil, nil
			}
			return x.c, nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, id, err)
	}
	return &result, nil
}

func (x *change) append(events ...aggregate.Event) error {
	return x.s.repo.Append(x.l, x.c, x.id, x.meta, events...)
}

// found refuses a connection that is not registered, or not at the version the client knows.
func (x *change) found(by request.Info) error {
	if !x.connection.exists() {
		return notFound(x.id)
	}
	return by.Check(x.connection.Version)
}

// ref names the row of a connection. Its id is the name it is sealed under.
func ref(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: "management/" + id}
}

// seal adds the row with all of a connection.
func (x *change) seal(d *Details) {
	w := eventstore.RecordWrite{Record: eventstore.Record{
		Table: eventstore.TableSecrets, ID: ref(x.id).ID, Key: key, Group: key, State: "SEALED", Doc: x.s.cfg.Keys.Seal(ref(x.id).ID, d.json()),
	}}
	if row := x.l.Records[ref(x.id)]; row != nil {
		w.Expected = row.Version
	}
	x.c.Records = append(x.c.Records, w)
}

// open returns all of a connection from its row. Returns Internal when no key opens it.
func (s *Service) open(row *eventstore.Record, id string) (*Details, error) {
	if row == nil {
		return nil, vnfm.Errorf(vnfm.Internal, "the credentials of management connection %s are not there", id)
	}
	b, err := s.cfg.Keys.Open(row.ID, row.Doc)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the row
	}
	out := &Details{}
	if json.Unmarshal(b, out) != nil { // the error would quote it
		return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is of an unknown form", row.ID)
	}
	return out, nil
}

func notFound(id string) error {
	return vnfm.Errorf(vnfm.NotFound, "There is no management connection %q.", id)
}
