package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// errDead is what a process sees that dies.
var errDead = errors.New("the process is dead")

// site is VNFs, a VIM that anybody may change, and what compares them.
type site struct {
	one   sync.Mutex                                  // of VIMs that are asked at once
	asked func(ctx context.Context, vim string) error // before a VIM answers; nil: nothing
	testing.TB
	now       time.Time
	store     *memory.Store
	committer eventstore.Doer
	instances *readmodel.Instances
	notes     *lcm.Service
	vims      vim.Fixed
	held      map[string]map[vim.Token]vim.Observed // by connection
	unlisted  map[vim.Token]bool                    // there, and not in lists
	away      error                                 // of every call
	lists     int
	finds     int
	listed    func() // called after a list
	repairs   []string
	begin     func(vnfID string) error // what happens when a repair begins
	confirmed map[string]bool
	clock     func() time.Time // the store's
	dieAt     int              // the commit at which the process dies, before it or after it; 0: it lives
	after     bool
	commits   int
	settings  reconcile.Settings
	owned     func(lane int) bool
	rounds    map[string]*reconcile.Status
	kept      map[string]bool
	r         *reconcile.Reconciler
}

func newSite(t testing.TB, settings reconcile.Settings) *site {
	t.Helper()
	s := &site{
		TB: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), held: map[string]map[vim.Token]vim.Observed{}, unlisted: map[vim.Token]bool{},
		vims: vim.Fixed{{ID: "v1", Type: "T"}, {ID: "v2", Type: "T"}}, settings: settings, owned: func(int) bool { return true },
		confirmed: map[string]bool{}, rounds: map[string]*reconcile.Status{},
	}
	for _, v := range s.vims {
		s.held[v.ID] = map[vim.Token]vim.Observed{}
	}
	s.clock = func() time.Time { return s.now }
	s.store = memory.New(memory.Config{Now: func() time.Time { return s.clock() }})
	s.committer = eventstore.NewCommitter(s.store, eventstore.CommitterConfig{})
	forms, err := aggregate.NewRegistry(readmodel.Forms()...)
	s.must(err)
	s.instances = readmodel.NewInstances(forms, 0)
	s.notes, err = lcm.New(lcm.Config{Doer: s, Store: s.store, Instances: s.instances, OpOccs: readmodel.NewOpOccs(forms, 0)})
	s.must(err)
	s.start()
	go func() { _ = s.committer.(*eventstore.Committer).Run(t.Context()) }()
	return s
}

// start begins a process of the program.
func (s *site) start() {
	s.dieAt, s.commits = 0, 0
	s.r = reconcile.New(reconcile.Config{
		Store: s.store, Doer: s, Instances: s.instances, UseCases: s, Registry: s.vims, Drivers: map[string]vim.Driver{"T": driver{site: s}},
		Epochs: s, Settings: s.settings, Observer: s, Logger: slog.New(slog.DiscardHandler),
	})
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// Epoch implements ledger.Epochs.
func (s *site) Epoch(lane int) (int64, bool) { return 1, s.owned(lane) }

// Round and Kept implement reconcile.Observer.
func (s *site) Round(x *reconcile.Status)  { c := *x; s.rounds[x.Connection] = &c }
func (s *site) Kept(which map[string]bool) { s.kept = which }

// Do makes a change, unless the process dies before.
func (s *site) Do(ctx context.Context, w *eventstore.Work) (*eventstore.Commit, error) {
	s.commits++
	dies := s.dieAt > 0 && s.commits >= s.dieAt
	if dies && !s.after {
		return nil, errDead
	}
	c, err := s.committer.Do(ctx, w)
	if dies && err == nil {
		err = errDead
	}
	return c, err
}

// NoteDrift and RepairDrift implement reconcile.UseCases.
func (s *site) NoteDrift(ctx context.Context, id string, n vnf.NoteDrift) (bool, error) {
	return s.notes.NoteDrift(ctx, id, n)
}

func (s *site) RepairDrift(_ context.Context, id string, confirmed bool) (string, error) {
	s.repairs = append(s.repairs, id)
	s.confirmed[id] = confirmed
	if s.begin != nil {
		return "op", s.begin(id)
	}
	s.holds(id, true)
	return "op", nil
}

// append adds events to a VNF.
func (s *site) append(id string, events ...vnf.InstanceEvent) {
	s.Helper()
	_, err := s.committer.Do(s.Context(), &eventstore.Work{
		Keys: []string{id}, Load: func() eventstore.Load { return s.instances.Load(id) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			for _, e := range events {
				if err := s.instances.Append(l, c, id, eventstore.Metadata{}, e.(aggregate.Event)); err != nil {
					return nil, err
				}
			}
			st, err := s.instances.Read(l, c, id)
			c.Views = append(c.Views, readmodel.InstanceView(&st.Value))
			return c, err
		},
	})
	s.must(err)
}

// holds has an operation hold a VNF, or end.
func (s *site) holds(id string, yes bool) {
	s.Helper()
	if yes {
		s.append(id, &vnf.OperationBegun{OpID: "op-" + id, Operation: vnf.OpHeal, Number: 1})
	} else {
		s.append(id, &vnf.OperationRolledBack{OpID: "op-" + id})
	}
}

// make makes a VNF of n machines at a VIM connection.
func (s *site) make(id, connection string, n int, properties ...string) {
	s.Helper()
	s.makes(id, connection, n, false, properties...)
}

// doubt makes a VNF of machines that may be gone.
func (s *site) doubt(id, connection string, n int) {
	s.Helper()
	s.makes(id, connection, n, true)
}

func (s *site) makes(id, connection string, n int, mayBeGone bool, properties ...string) {
	s.Helper()
	var rs []vnf.Resource
	for i := range n {
		t := vim.Token{ID: fmt.Sprintf("%s-%03d", id, i), Generation: 1}
		spec := vim.Spec{Name: t.ID, Compute: &vim.ComputeSpec{Flavour: "small"}}
		rs = append(rs, vnf.Resource{
			ID: t.ID, Generation: 1, Revision: 1, Kind: string(vim.Compute), Name: t.ID, Connection: connection, VimID: "vim-" + t.ID, Spec: vim.Encode(spec), MayBeGone: mayBeGone,
		})
		s.held[connection][t] = vim.Observed{
			Resource: vim.Resource{Token: t, Kind: vim.Compute, ID: "vim-" + t.ID, Owner: id, Name: t.ID, Ready: true},
			Spec:     spec, About: []vim.Attribute{vim.AttributeFlavour},
		}
	}
	configurable := map[string]json.RawMessage{}
	for _, p := range properties {
		name, value, _ := strings.Cut(p, "=")
		configurable[name] = json.RawMessage(value)
	}
	s.append(id, &vnf.InstanceCreated{ID: id, Configurable: configurable}, &vnf.OperationBegun{OpID: "i-" + id, Operation: vnf.OpInstantiate, Number: 1},
		&vnf.InstanceInstantiated{
			OpID: "i-" + id, Info: &vnf.InstantiatedInfo{}, Resources: rs, Connections: map[string]vnf.VimConnection{connection: {Type: "T"}},
		})
}

func token(id string, i int) vim.Token {
	return vim.Token{ID: fmt.Sprintf("%s-%03d", id, i), Generation: 1}
}

// lose has a VIM lose machines of a VNF.
func (s *site) lose(connection, id string, which ...int) {
	for _, i := range which {
		delete(s.held[connection], token(id, i))
	}
}

// resize changes the flavour of a machine behind the back of the records.
func (s *site) resize(connection, id string, i int, flavour string) {
	o := s.held[connection][token(id, i)]
	o.Spec.Compute = &vim.ComputeSpec{Flavour: flavour}
	s.held[connection][token(id, i)] = o
}

// round lets the time of an interval pass, and looks.
func (s *site) round() {
	s.Helper()
	s.must(s.tries())
}

func (s *site) tries() error {
	s.now = s.now.Add(70 * time.Second)
	_, err := s.r.RunOnce(s.Context())
	return err
}

func (s *site) vnf(id string) *vnf.Instance {
	s.Helper()
	v, err := readmodel.Instance(s.Context(), s.store, id)
	s.must(err)
	return v
}

// counts is what is noted of a VNF: missing, changed, orphaned.
func (s *site) counts(id string) [3]int {
	s.Helper()
	if d := s.vnf(id).Drift; d != nil {
		return [3]int{d.Missing, d.Changed, d.Orphaned}
	}
	return [3]int{}
}

// told counts the events about drift of a VNF.
func (s *site) told(id string) (n int) {
	s.Helper()
	l, err := s.store.Load(s.Context(), eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: vnf.InstanceStream + id}}})
	s.must(err)
	for _, e := range l.Stream(vnf.InstanceStream + id).Events {
		if strings.HasPrefix(e.Type, "vnf.drift") {
			n++
		}
	}
	return n
}

func (s *site) rows(state string) (out []string) {
	s.Helper()
	recs, err := s.store.Records(s.Context(), eventstore.RecordQuery{Table: eventstore.TableReconcile, State: state})
	s.must(err)
	for _, r := range recs {
		out = append(out, r.ID)
	}
	return out
}

// driver is the VIM.
type driver struct {
	vim.Driver
	*site
}

func (d driver) InPlace() vim.InPlace { return nil }

func (d driver) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	if d.asked != nil {
		if err := d.asked(ctx, conn.ID); err != nil {
			return vim.ObservedPage{}, err
		}
	}
	d.one.Lock()
	defer d.one.Unlock()
	d.lists++
	if d.away != nil {
		return vim.ObservedPage{}, d.away
	}
	order := func(a, b vim.Token) int { return strings.Compare(a.String(), b.String()) }
	var page vim.ObservedPage
	for _, t := range slices.SortedFunc(maps.Keys(d.held[conn.ID]), order) {
		if t.String() <= r.After || d.unlisted[t] {
			continue
		}
		if len(page.Resources) == r.Limit {
			page.Next = page.Resources[len(page.Resources)-1].Resource.Token.String()
			break
		}
		page.Resources = append(page.Resources, d.held[conn.ID][t])
	}
	if page.Next == "" && d.listed != nil {
		d.listed()
	}
	return page, nil
}

func (d driver) Find(_ context.Context, conn vim.Connection, _ vim.Kind, t vim.Token) (vim.Resource, error) {
	d.finds++
	if d.away != nil {
		return vim.Resource{}, d.away
	}
	o, ok := d.held[conn.ID][t]
	if !ok {
		return vim.Resource{}, &vim.Error{Op: "find", Class: message.NotFound, Hint: "there is none"}
	}
	return o.Resource, nil
}

var errAway = &vim.Error{Op: "observe", Class: message.Unavailable, Hint: "it is away"}

var errNoRoom = vnfm.Errorf(vnfm.Unavailable, "there is no room")
