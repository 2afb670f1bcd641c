// Package lcm is the use cases: one file per LCM operation, with the command handler on top (load, process, one commit)
// and the saga (steps and compensation) below.
//
// It never talks to a VIM or an orchestrator: its sagas send commands. It never publishes: it adds to one commit. It
// promises that an operation and its saga move in one commit, and that whatever an operation leaves at a VIM is on the
// instance's record: as its resources, or as leftovers that Cleanup releases.
//
// Read it in this order: service.go (what the edge calls), instantiate.go and scale.go (operations), begin.go (how each begins),
// lcm/plan (what is to be made, with ids fixed before the grant), carry.go (the saga that carries out any plan), host.go and
// turns.go (what a turn of it means for the operation and the instance), errorhandling.go, cleanup.go.
package lcm

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Packages is what the use cases need of the VNF packages.
type Packages interface {
	// Enabled returns the onboarded and enabled package with a vnfdId; NotFound when there is none.
	Enabled(ctx context.Context, vnfdID string) (PackageRef, error)
	// Descriptor returns a descriptor by its digest; NotFound when there is none.
	Descriptor(ctx context.Context, digest string) (*vnfd.Descriptor, error)
	// File returns a file of a package; NotFound when it has none of this path, Unprocessable when it is larger than a number of bytes.
	File(ctx context.Context, packageID, path string, most int64) ([]byte, error)
	// Tree returns the files below a path of a package, by their paths from there; of a path that is a file, that one, by "". Errors as of
	// File.
	Tree(ctx context.Context, packageID, path string, most int64) (map[string][]byte, error)
}

// PackageRef names a package as it was read.
type PackageRef struct {
	ID     string
	Digest string // of its descriptor
	// Stream and Version guard the use of the package: it must not have changed when the instance is created.
	Stream  string
	Version int64
}

// Inventory looks at VIMs. It changes nothing, and is never asked in a commit.
type Inventory interface {
	// Missing returns those of a VNF's resources at a VIM connection that the VIM does not have. Returns Unavailable when the VIM
	// cannot tell.
	Missing(ctx context.Context, vnfID, connection string, of map[vim.Token]vim.Kind) ([]vim.Token, error)
	// Look tells what a VIM connection has of a VNF and how it stands, and which of the resources given it does not have. Returns
	// Unavailable when the VIM cannot tell.
	Look(ctx context.Context, vnfID, connection string, of map[vim.Token]vim.Kind) (*vim.Look, error)
}

// Management finds whom to call about a VNF. It is never asked in a commit.
type Management interface {
	// Endpoint returns whom to call by an interface and, unless that is "", an endpoint type; through the management connection that is
	// named, if any. nil: nobody. Returns Unprocessable for a name that there is not.
	Endpoint(ctx context.Context, v *vnf.Instance, name, endpoint, named string) (*configuration.Endpoint, error)
}

// Loader reads committed state, and what it was.
type Loader interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	aggregate.Past
}

// Config is what a Service needs.
type Config struct {
	Doer        eventstore.Doer
	Store       Loader
	Instances   *readmodel.Instances
	OpOccs      *readmodel.OpOccs
	Snapshots   readmodel.Snapshots
	Packages    Packages
	Connections Connections
	// InPlace tells what a VIM of a type can change of a resource where it stands; nil: nothing.
	InPlace func(vimType string) vim.InPlace
	// Runs tells what VIMs of a type run; nil: anything.
	Runs func(vimType string) []vim.Form
	// Inventory tells what VIMs have; nil: all that the records know.
	Inventory Inventory
	// SnapshotPackages reads those of the NFVO; nil: there is no NFVO to ask.
	SnapshotPackages SnapshotPackages
	// Management finds whom to configure and to coordinate with; nil: nobody but the simulated VNFs of the site.
	Management Management
	Keys       *secret.Keyring // of the site, for what is secret among a VNF's values; nil: nothing is sealed
	Settings   Settings
	// Room says why nothing may be begun now: Unavailable. Nil: there is always room.
	Room func() error
	// Definitions makes of the program's own saga definitions those to run; nil runs its own. It stands for another version
	// of the program where several are tried together. New sagas are begun with the newest of their type.
	Definitions func(own []*saga.Definition) []*saga.Definition
	// NewID makes the ids of instances and operation occurrences; nil makes random UUIDs.
	NewID func() string
}

// SnapshotPackages is an NFVO's VNF snapshot packages (SOL003 v3.7.1 §12).
type SnapshotPackages interface {
	// Extract returns the VnfSnapshot of a package. It may be repeated. Errors: Conflict when the package cannot be read (yet), Unprocessable
	// when what was read cannot be used, Unavailable when the NFVO does not answer.
	Extract(ctx context.Context, packageID string) (json.RawMessage, error)
}

// Settings are the choices of a site. Zero fields mean the default.
type Settings struct {
	Deadline        time.Duration // of one operation; 1 h
	GrantTimeout    time.Duration // of one attempt to get a grant; the step timeout
	GrantAttempts   int           // of getting a grant; Attempts
	StepTimeout     time.Duration // of one attempt of any other command; 2 min
	Attempts        int           // of one command; 5
	Backoff         time.Duration // before the second attempt; 1 s
	UndoAttempts    int           // of one compensating command; 8
	GracefulTimeout time.Duration // of a graceful termination that does not say; 1 min
	GracefulLimit   time.Duration // the longest a graceful termination may ask for; 24 h
	Addresses       int           // the most that a request or grant may want on one connection point; 32
	// Window bounds the commands of one stage that are under way at once at one VIM; 64.
	Window int
	// Configures: the site has simulated VNFs, which are told their configuration where nobody else is.
	Configures bool
	Limits     plan.Limits // 4,000 VNFCs, 20,000 steps, 32 snapshots
	// Suspect is the share of a VNF's resources at a VIM, in percent, beyond which that the VIM does not have them is not believed
	// without a word; 50. From 100 on everything is believed.
	Suspect int
	// PlansAtOnce bounds the operations and dry runs that are planned at once; others wait. No bound.
	PlansAtOnce int
	// Batch is how many machines a change of the package changes at once where neither request nor VNFD say; 0: all.
	Batch int
	// Beside: where neither say, a change of the package makes new machines beside the old ones, where addresses allow.
	Beside bool
	// KeepLeftovers lets only an operator release what failed operations left; otherwise a request to delete the VNF does, too.
	KeepLeftovers bool
	// Take says what becomes of extensions and configurable properties that a VNFD does not declare.
	Take vnf.Extensible
	// OnFailure is the policy by operation; it overrides what a VNFD says.
	OnFailure map[vnf.Operation]saga.Policy
}

func (s Settings) withDefaults() Settings {
	if s.Deadline <= 0 {
		s.Deadline = time.Hour
	}
	if s.StepTimeout <= 0 {
		s.StepTimeout = 2 * time.Minute
	}
	if s.GrantTimeout <= 0 {
		s.GrantTimeout = s.StepTimeout
	}
	if s.GrantAttempts <= 0 {
		s.GrantAttempts = s.Attempts
	}
	if s.GracefulTimeout <= 0 {
		s.GracefulTimeout = time.Minute
	}
	if s.GracefulLimit <= 0 {
		s.GracefulLimit = 24 * time.Hour
	}
	if s.Addresses <= 0 {
		s.Addresses = 32
	}
	if s.Window <= 0 {
		s.Window = 64
	}
	if s.Suspect <= 0 {
		s.Suspect = 50
	}
	if s.Limits.Vnfcs <= 0 {
		s.Limits.Vnfcs = 4000
	}
	if s.Limits.Resources <= 0 {
		s.Limits.Resources = 20_000
	}
	if s.Limits.Snapshots <= 0 {
		s.Limits.Snapshots = 32
	}
	return s
}

// Service is the use cases and the host of their sagas. It may be used by several callers at once.
type Service struct {
	cfg      Config
	runtime  *saga.Runtime
	ops      map[string]operation // by saga type
	planning chan struct{}        // has an entry for each operation that is being planned; nil: no bound
}

var _ API = (*Service)(nil)

// New returns a Service with the runtime of its sagas.
func New(cfg Config) (*Service, error) {
	cfg.Settings = cfg.Settings.withDefaults()
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	s := &Service{cfg: cfg}
	s.ops = map[string]operation{
		sagaPlan: planOp{s}, sagaPlanBeside: planOp{s}, sagaModify: modifyOp{before{s}}, sagaInstantiate: instantiateOp{before{s}}, sagaTerminate: terminateOp{before{s}},
	}
	defs := []*saga.Definition{s.planV1(sagaPlan), s.planV1(sagaPlanBeside), s.modifyV1(), s.modifyV2(), s.cleanupV2(), s.instantiateV1(), s.terminateV1(), s.cleanupV1()}
	if cfg.Definitions != nil {
		defs = cfg.Definitions(defs)
	}
	rt, err := saga.NewRuntime(saga.RuntimeConfig{Definitions: defs, Host: host{s}})
	if err != nil {
		return nil, err
	}
	s.runtime = rt
	if n := cfg.Settings.PlansAtOnce; n > 0 {
		s.planning = make(chan struct{}, n)
	}
	return s, nil
}

// Runtime returns the runtime of the sagas: its Replies and Timeouts are handlers of an inbox and a timer.
func (s *Service) Runtime() *saga.Runtime { return s.runtime }

// room returns why nothing may be begun now.
func (s *Service) room() error {
	if s.cfg.Room == nil {
		return nil
	}
	return s.cfg.Room()
}

// do makes a change.
func (s *Service) do(ctx context.Context, w *eventstore.Work) error {
	_, err := s.cfg.Doer.Do(ctx, w)
	return err
}

// instance reads an instance outside any change. Returns NotFound when there is none.
func (s *Service) instance(ctx context.Context, id string) (*vnf.Instance, error) {
	l, err := s.cfg.Store.Load(ctx, s.cfg.Instances.Load(id))
	if err != nil {
		return nil, err
	}
	st, err := s.cfg.Instances.Read(l, &eventstore.Commit{}, id)
	if err != nil {
		return nil, err
	}
	if st.Version == 0 || st.Value.Deleted {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no VNF instance %s", id)
	}
	return &st.Value, nil
}

// policy resolves what follows a failure: the site's word, else the descriptor's, else the default.
func (s *Service) policy(op vnf.Operation, f *vnfd.Flavour) saga.Policy {
	if p := s.cfg.Settings.OnFailure[op]; p != "" {
		return p
	}
	if f != nil {
		if p := saga.Policy(f.Operations[string(op)].Policy); p == saga.Rollback || p == saga.Hold {
			return p
		}
	}
	if op == vnf.OpInstantiate || op == vnf.OpScale { // out: what cannot be undone does not ask
		return saga.Rollback
	}
	return saga.Hold
}

// change is one commit in the making: it processes commands against the aggregates as the commit leaves them so far,
// and keeps their views in step.
type change struct {
	s    *Service
	l    *eventstore.Loaded
	c    *eventstore.Commit
	meta eventstore.Metadata
}

// instance returns an instance as the commit leaves it; one that does not exist has version 0.
func (x *change) instance(id string) (*vnf.Instance, error) {
	st, err := x.s.cfg.Instances.Read(x.l, x.c, id)
	if err != nil {
		return nil, err
	}
	return &st.Value, nil
}

// opOcc returns an operation occurrence as the commit leaves it; one that does not exist has version 0.
func (x *change) opOcc(id string) (*vnf.OpOcc, error) {
	st, err := x.s.cfg.OpOccs.Read(x.l, x.c, id)
	if err != nil {
		return nil, err
	}
	return &st.Value, nil
}

// onInstance processes commands, changes the state given, and adds events and view to the commit.
func (x *change) onInstance(v *vnf.Instance, id string, commands ...vnf.InstanceCommand) error {
	repo := x.s.cfg.Instances
	for _, cmd := range commands {
		events, err := v.Process(cmd)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := repo.Append(x.l, x.c, id, x.meta, e.(aggregate.Event)); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			st, err := repo.Read(x.l, x.c, id)
			if err != nil {
				return err
			}
			*v = st.Value
			x.view(readmodel.InstanceView(v))
		}
	}
	return nil
}

// onOpOcc is onInstance for an operation occurrence. Its view shows its last milestone.
func (x *change) onOpOcc(o *vnf.OpOcc, id string, commands ...vnf.OpCommand) error {
	repo := x.s.cfg.OpOccs
	at := x.at(repo.Stream(id))
	for _, cmd := range commands {
		events, err := o.Process(cmd)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := repo.Append(x.l, x.c, id, x.meta, e.(aggregate.Event)); err != nil {
				return err
			}
			o.Apply(e, at)
			if vnf.Milestone(e) {
				x.view(readmodel.OpOccView(o))
			}
		}
	}
	return nil
}

// at is the time the store will give events of a stream: never before the one before.
func (x *change) at(stream string) time.Time {
	if last := x.l.Stream(stream).Last; last.After(x.l.Now) {
		return last
	}
	return x.l.Now
}

// view puts a row into the commit, in place of an older one of the same aggregate.
func (x *change) view(w eventstore.ViewWrite) {
	i := slices.IndexFunc(x.c.Views, func(o eventstore.ViewWrite) bool { return o.Kind == w.Kind && o.ID == w.ID })
	if i >= 0 {
		x.c.Views[i] = w
		return
	}
	x.c.Views = append(x.c.Views, w)
}
