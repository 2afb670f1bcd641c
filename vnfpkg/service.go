package vnfpkg

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// StreamPrefix begins the name of every package's stream.
const StreamPrefix = "pkg-"

// Store is what packages read of the event store.
type Store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error)
	Streams(ctx context.Context, prefix, after string, limit int) ([]eventstore.StreamHead, error)
	Now(ctx context.Context) (time.Time, error)
}

// Config is what packages need.
type Config struct {
	Store Store
	Doer  eventstore.Doer
	Blobs blob.Store
	// Strict rejects packages with findings.
	Strict bool
	// Limits bound the reading of a package; MaxVnfcs the VNFCs of a VNF, 0 means 4,000.
	Limits   vnfd.Limits
	MaxVnfcs int
	// Timeout bounds the time of reading one package; 0 means 5 min.
	Timeout time.Duration
	// Signatures says what is done with signatures. Certificates must be valid when a package is read, by the store's clock.
	Signatures csar.Mode
	Roots      *x509.CertPool
	// Keys seal what is needed to fetch content from an address; nil: nothing is fetched.
	Keys *secret.Keyring
	// MaxContent bounds the content of a package, in bytes; 0 means 4 GiB.
	MaxContent int64
	// UploadTimeout is how long an upload may take before it counts as broken off; 0 means 1 h.
	UploadTimeout time.Duration
	// NewID makes the ids of packages and uploads; nil: random UUIDs.
	NewID  func() string
	Logger *slog.Logger // nil: slog.Default
}

// Service is the use cases of VNF packages. It may be used by several callers at once.
type Service struct {
	cfg   Config
	repo  *aggregate.Repository[Package]
	cache *descriptorCache
	nudge chan struct{}
}

// New returns the use cases.
func New(cfg Config) (*Service, error) {
	if cfg.MaxContent == 0 {
		cfg.MaxContent = 4 << 30
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Minute
	}
	if cfg.UploadTimeout == 0 {
		cfg.UploadTimeout = time.Hour
	}
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	registry, err := aggregate.NewRegistry(Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register package events: %w", err)
	}
	return &Service{cfg: cfg, repo: Repository(registry), cache: newDescriptorCache(64), nudge: make(chan struct{}, 1)}, nil
}

// Repository returns a repository of packages over a registry that has Forms.
func Repository(r *aggregate.Registry) *aggregate.Repository[Package] {
	return aggregate.NewRepository(aggregate.Config[Package]{
		Prefix: StreamPrefix, Registry: r, New: func(id string) Package { return Package{ID: id} }, Apply: Apply, Schema: 1,
	})
}

// Source says how the streams of packages become views, for a rebuild.
func Source(r *aggregate.Repository[Package]) readmodel.Source {
	return readmodel.Source{Kind: readmodel.KindPackage, Prefix: StreamPrefix, View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
		s, err := r.Fold(id, events)
		if err != nil {
			return eventstore.ViewWrite{}, fmt.Errorf("fold package %s: %w", id, err)
		}
		return View(s.Value)
	}}
}

// View returns the view row of a package as it is after a commit; a deleted one has none.
func View(p Package) (eventstore.ViewWrite, error) {
	w := eventstore.ViewWrite{View: eventstore.View{Kind: readmodel.KindPackage, ID: p.ID, Revision: p.Version, State: p.Onboarding, Name: p.VnfdID, Updated: p.Updated}}
	if p.Deleted {
		w.Delete = true
		return w, nil
	}
	doc, err := json.Marshal(p)
	if err != nil {
		return w, vnfm.Wrap(vnfm.Internal, err, "encode the view of package %s", p.ID)
	}
	w.Doc = doc
	return w, nil
}

// Create makes a package without content.
func (s *Service) Create(ctx context.Context, userDefinedData map[string]json.RawMessage, by request.Info) (*Package, error) {
	return s.CreateAs(ctx, s.cfg.NewID(), userDefinedData, by)
}

// CreateAs is Create with an id of the caller's. Returns Conflict when a package has it, or once had.
func (s *Service) CreateAs(ctx context.Context, id string, userDefinedData map[string]json.RawMessage, by request.Info) (*Package, error) {
	return s.do(ctx, id, "package.create", by, true, Create{ID: id, UserDefinedData: mergepatch.Members(nil, userDefinedData)})
}

// Patch changes the operational state and merges user defined data. Returns NotFound; Conflict when it is in that state
// already or not ONBOARDED; Invalid for a state that is none; Precondition.
func (s *Service) Patch(ctx context.Context, id string, change Change, by request.Info) (*Package, error) {
	if change.OperationalState == "" && change.UserDefinedData == nil {
		return nil, vnfm.Errorf(vnfm.Invalid, "The request changes nothing: give operationalState or userDefinedData.")
	}
	return s.do(ctx, id, "package.change", by, true, change)
}

// Delete deletes a package and then its content. Returns NotFound; Conflict unless it is DISABLED and NOT_IN_USE;
// Precondition.
func (s *Service) Delete(ctx context.Context, id string, by request.Info) error {
	p, err := s.do(ctx, id, "package.delete", by, true, Delete{})
	if err != nil {
		return err
	}
	s.collectNow(ctx, p)
	return nil
}

// Get returns a package. Returns NotFound.
func (s *Service) Get(ctx context.Context, id string) (*Package, error) {
	ref := eventstore.ViewRef{Kind: readmodel.KindPackage, ID: id}
	l, err := s.cfg.Store.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}, CountViews: readmodel.UsesOf(id)})
	if err != nil {
		return nil, fmt.Errorf("load package %s: %w", id, err)
	}
	v := l.Views[ref]
	if v == nil {
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no VNF package %s.", id)
	}
	p, err := decode(*v)
	if err != nil {
		return nil, err
	}
	p.InUse = readmodel.Used(l, id)
	return p, nil
}

// List returns packages by id, at most limit (0: 1000), after an id.
func (s *Service) List(ctx context.Context, after string, limit int) ([]*Package, error) {
	views, err := s.cfg.Store.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindPackage, After: after, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	return s.Read(ctx, views)
}

// Read returns the packages of rows of their view, in their order.
func (s *Service) Read(ctx context.Context, views []eventstore.View) ([]*Package, error) {
	out := make([]*Package, 0, len(views))
	l := eventstore.Load{}
	for _, v := range views {
		p, err := decode(v)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
		l.CountViews = append(l.CountViews, readmodel.UsesOf(v.ID)...)
	}
	if len(out) == 0 {
		return out, nil
	}
	loaded, err := s.cfg.Store.Load(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("count instances: %w", err)
	}
	for _, p := range out {
		p.InUse = readmodel.Used(loaded, p.ID)
	}
	return out, nil
}

// ByVnfdID returns the package that a VNF instance of a vnfdId is made of, as of one read; InUse is not set. Returns
// Unprocessable at /vnfdId when there is none or it is DISABLED (SOL003 v3.7.1 §5.4.2.3.1).
func (s *Service) ByVnfdID(ctx context.Context, vnfdID string) (*Package, error) {
	p, err := s.byVnfdID(ctx, vnfdID)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "There is no onboarded VNF package with the vnfdId %q.", vnfdID).At("/vnfdId")
	case p.Operational != Enabled:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "The VNF package %s of the vnfdId %q is DISABLED; enable it first.", p.ID, vnfdID).At("/vnfdId")
	}
	return p, nil
}

// WithVnfdID returns the onboarded package with a vnfdId, whatever its operational state; nil when there is none.
func (s *Service) WithVnfdID(ctx context.Context, vnfdID string) (*Package, error) {
	p, err := s.byVnfdID(ctx, vnfdID)
	if err != nil || p == nil {
		return nil, err
	}
	return s.Get(ctx, p.ID)
}

// Used reports whether a package has an id, or had.
func (s *Service) Used(ctx context.Context, id string) (bool, error) {
	l, err := s.cfg.Store.Load(ctx, s.repo.Load(id))
	if err != nil {
		return false, fmt.Errorf("load package %s: %w", id, err)
	}
	return l.Stream(StreamPrefix+id).Version > 0, nil
}

// byVnfdID returns nil when no package has the id.
func (s *Service) byVnfdID(ctx context.Context, vnfdID string) (*Package, error) {
	if vnfdID == "" {
		return nil, nil //nolint:nilnil // no package has the empty id
	}
	views, err := s.cfg.Store.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindPackage, Name: vnfdID, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("find the package of %s: %w", vnfdID, err)
	}
	if len(views) == 0 {
		return nil, nil //nolint:nilnil // said above
	}
	return decode(views[0])
}

func decode(v eventstore.View) (*Package, error) {
	var p Package
	if err := json.Unmarshal(v.Doc, &p); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode the view of package %s", v.ID)
	}
	return &p, nil
}

// do processes a command in one commit, with the view and, for the command a client asked for, the stored answer. It
// returns the package as the commit left it.
func (s *Service) do(ctx context.Context, id, name string, by request.Info, asked bool, command Command) (*Package, error) {
	var result *Package
	_, err := s.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{id},
		Load: func() eventstore.Load {
			l := s.repo.Load(id)
			l.CountViews, l.Records = readmodel.UsesOf(id), []eventstore.RecordRef{secretRef(id)}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			p, err := s.decide(l, c, id, name, by, asked, command)
			if err != nil {
				return nil, err
			}
			result = p
			if len(c.Appends) == 0 {
				return nil, nil
			}
			if asked {
				c.Idempotency = by.Idempotency(p)
			}
			return c, nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, id, err)
	}
	return result, nil
}

// decide fills the commit and returns the package as it leaves it.
func (s *Service) decide(
	l *eventstore.Loaded, c *eventstore.Commit, id, name string, by request.Info, asked bool, command Command,
) (*Package, error) {
	state, err := s.repo.Read(l, c, id)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	inUse := readmodel.Used(l, id)
	if d, ok := command.(Delete); ok {
		d.InUse = inUse
		command = d
	}
	if asked && state.Version > 0 && !state.Value.Deleted {
		if err := by.Check(state.Version); err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
	}
	events, err := state.Value.Process(command)
	if err != nil {
		return nil, err
	}
	if err := s.repo.Append(l, c, id, by.Metadata(name, id), events...); err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	after, err := s.repo.Read(l, c, id)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	view, err := View(after.Value)
	if err != nil {
		return nil, err
	}
	c.Views = append(c.Views, view)
	sealSource(l, c, id, &after.Value, command)
	p := after.Value
	p.InUse = inUse
	return &p, nil
}

// own is who acts when the program acts by itself.
func own(cause string) request.Info { return request.Info{Actor: "vnfm", ID: cause} }

// errBody marks an error of the client's body, not of the blob store.
var errBody = errors.New("the content broke off")

// body reads a client's content, hashes it, and keeps its size within the limit.
type body struct {
	r     io.Reader
	limit int64
	size  int64
	sum   io.Writer
	err   error // of the client, or over the limit
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.size += int64(n)
	_, _ = b.sum.Write(p[:n]) // a hash never fails
	switch {
	case b.size > b.limit:
		b.err = vnfm.Errorf(vnfm.TooLarge, "The content is larger than %d bytes.", b.limit)
		return 0, b.err
	case err != nil && !errors.Is(err, io.EOF):
		b.err = fmt.Errorf("%w: %w", errBody, err)
		return n, b.err
	}
	return n, err //nolint:wrapcheck // io.EOF as it is
}
