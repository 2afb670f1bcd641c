package lcm_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// site is the use cases on a store in memory, with participants that a test scripts.
type site struct {
	t         *testing.T
	now       time.Time
	store     *memory.Store
	doer      *eventstore.Committer
	svc       *lcm.Service
	d         *vnfd.Descriptor
	enabled   func() (lcm.PackageRef, error)
	byDigest  map[string]*vnfd.Descriptor // else d
	files     map[string]string           // of every package
	instances *readmodel.Instances
	opoccs    *readmodel.OpOccs
	snapshots readmodel.Snapshots
	ids       int
	cursor    [eventstore.Lanes]int64

	held  map[vim.Token]vim.Resource // at the VIMs
	specs map[vim.Token]vim.Spec     // in which they stand, or stood
	// configured is what VNFs were told.
	configured []configuration.Configure
	// coordinated are the coordinations that were asked for, calledOff the tokens of those that were called off.
	coordinated []configuration.Coordinate
	calledOff   []string
	// managed is who is called; nil: nobody.
	managed func(name, endpoint, named string) (*configuration.Endpoint, error)
	// can is what the VIMs can change where it stands; nil: the power of computes.
	can  vim.InPlace
	gone map[vim.Token]bool // tombstones
	made int
	// failed are the commands answered with a failure: delivered again, they are answered the same.
	failed map[string]message.Reply
	sent   []message.Message // commands, as delivered
	// script answers a command in place of the participants: nil leaves it to them, no reply at all is a lost one.
	script func(m message.Message) *answer
	// rival is called once, when the next change of a use case has been decided and is not written yet: another node.
	rival func()
	// shown is what readers saw after each commit.
	shown []shown
	// others are resources at the VIMs that someone else made, by the VIM's id.
	others []string
	// grant changes the grant that is given.
	grant func(*nfvo.Grant)
	asked nfvo.GrantRequest // the last one
	zones map[string]string // that was granted, by planned resource
	// looks are the VIM connections that were looked at; blind is what a look fails with.
	looks []string
	blind error
}

type answer struct {
	lost   bool // no reply
	effect bool // the command has its effect all the same
	reply  message.Reply
}

var (
	lost      = &answer{lost: true}
	late      = &answer{lost: true, effect: true}
	unknown   = &answer{reply: message.Reply{Outcome: message.Failed, Class: message.UnknownOutcome, Reason: "no word"}}
	permanent = &answer{reply: message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "broken"}}
	half      = &answer{effect: true, reply: message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "broken, and there", Partly: true}}
	transient = &answer{reply: message.Reply{Outcome: message.Failed, Class: message.Transient, Reason: "busy"}}
)

func newSite(t *testing.T, d *vnfd.Descriptor, settings lcm.Settings) *site {
	t.Helper()
	return newSiteWith(t, d, settings, lcm.FixedConnections{Registry: registered()})
}

func newSiteWith(t *testing.T, d *vnfd.Descriptor, settings lcm.Settings, connections lcm.Connections) *site {
	t.Helper()
	settings.Configures = true
	s := &site{
		t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), d: d,
		enabled: func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-1", Digest: "digest"}, nil },
		held:    map[vim.Token]vim.Resource{}, specs: map[vim.Token]vim.Spec{}, gone: map[vim.Token]bool{}, failed: map[string]message.Reply{},
		zones: map[string]string{},
	}
	s.store = memory.New(memory.Config{Now: func() time.Time { return s.now }})
	s.doer = eventstore.NewCommitter(s.store, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){s.witness}})
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		t.Fatal(err)
	}
	s.instances, s.opoccs = readmodel.NewInstances(registry, 0), readmodel.NewOpOccs(registry, 0)
	s.snapshots = readmodel.NewSnapshots(registry, 0)
	s.svc, err = lcm.New(lcm.Config{
		Doer: s, Store: s.store, Instances: s.instances, OpOccs: s.opoccs, Snapshots: s.snapshots, Packages: s, Connections: connections, Settings: settings, InPlace: s.inPlace,
		Inventory: s, Management: s,
		NewID: func() string { s.ids++; return "id-" + strconv.Itoa(s.ids) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inPlace is what the VIMs can change.
func (s *site) inPlace(string) vim.InPlace {
	if s.can != nil {
		return s.can
	}
	return vim.InPlace{vim.Compute: {vim.AttributePower}}
}

// Endpoint is the lcm.Management.
func (s *site) Endpoint(_ context.Context, _ *vnf.Instance, name, endpoint, named string) (*configuration.Endpoint, error) {
	if s.managed == nil {
		return nil, nil
	}
	return s.managed(name, endpoint, named)
}

// Missing is the lcm.Inventory of the VIMs.
func (s *site) Missing(_ context.Context, _, connection string, of map[vim.Token]vim.Kind) ([]vim.Token, error) {
	s.looks = append(s.looks, connection)
	var out []vim.Token
	for t := range of {
		if _, ok := s.held[t]; !ok {
			out = append(out, t)
		}
	}
	return out, s.blind
}

// Do makes the changes of the use cases.
func (s *site) Do(ctx context.Context, w *eventstore.Work) (*eventstore.Commit, error) {
	if s.rival == nil {
		return s.doer.Do(ctx, w)
	}
	rival := s.rival
	s.rival = nil
	l, err := s.store.Load(ctx, w.Load())
	s.must(err)
	stale, err := w.Decide(l)
	rival()
	decided := false
	return s.doer.Do(ctx, &eventstore.Work{Keys: w.Keys, Shared: w.Shared, Load: w.Load, Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		if !decided {
			decided = true
			return stale, err
		}
		return w.Decide(l)
	}})
}

func (s *site) Enabled(context.Context, string) (lcm.PackageRef, error) {
	return s.enabled()
}

func (s *site) Descriptor(_ context.Context, digest string) (*vnfd.Descriptor, error) {
	if d := s.byDigest[digest]; d != nil {
		return d, nil
	}
	return s.d, nil
}

func (s *site) File(_ context.Context, _, path string, _ int64) ([]byte, error) {
	if text, ok := s.files[path]; ok {
		return []byte(text), nil
	}
	return nil, vnfm.Errorf(vnfm.NotFound, "there is no %s", path)
}

func (s *site) Tree(ctx context.Context, id, path string, most int64) (map[string][]byte, error) {
	text, err := s.File(ctx, id, path, most)
	if err == nil {
		return map[string][]byte{"": text}, nil
	}
	out := map[string][]byte{}
	for name, text := range s.files {
		if below, ok := strings.CutPrefix(name, path+"/"); ok {
			out[below] = []byte(text)
		}
	}
	if len(out) == 0 {
		return nil, err
	}
	return out, nil
}

// registered are the VIM connections there are.
func registered() vim.Fixed {
	var out vim.Fixed
	for _, id := range []string{"vim-1", "vim-2"} {
		out = append(out, vim.Connection{
			ID: id, VimID: "the-" + id, Type: "VNFM.SIM.V_1", InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"sim"`)},
			AccessInfo: map[string]json.RawMessage{"password": json.RawMessage(`"canary"`)},
		})
	}
	return out
}

var by = request.Info{Actor: "alice", ID: "request-1"}

// attribute is the request attribute that an error names.
func attribute(err error) string {
	var e *vnfm.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Attribute
}

func (s *site) ctx() context.Context { return s.t.Context() }

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) create() string {
	s.t.Helper()
	v, err := s.svc.CreateVnf(s.ctx(), lcm.CreateVnf{VnfdID: s.d.ID, Name: "fw"}, by)
	s.must(err)
	return v.ID
}

// request is an instantiation that the descriptor allows.
func (s *site) request() lcm.Instantiate {
	r := lcm.Instantiate{FlavourID: s.d.Flavours[0].ID}
	if len(s.d.Extensions) > 0 {
		r.Extensions = map[string]json.RawMessage{"admin": json.RawMessage(`"root"`)}
	}
	return r
}

func (s *site) instantiate(id string) string {
	s.t.Helper()
	op, err := s.svc.Instantiate(s.ctx(), id, s.request(), by)
	s.must(err)
	if op.State != vnf.Starting {
		s.t.Fatalf("a new operation is %s", op.State)
	}
	return op.ID
}

// up returns an instantiated VNF.
func (s *site) up() string {
	s.t.Helper()
	id := s.create()
	op := s.instantiate(id)
	s.settle()
	if o := s.op(op); o.State != vnf.Completed {
		s.t.Fatalf("instantiate is %s: %+v", o.State, o.Error)
	}
	return id
}

func (s *site) op(id string) *vnf.OpOcc {
	s.t.Helper()
	o, err := readmodel.OpOcc(s.ctx(), s.live(), id)
	s.must(err)
	return o
}

func (s *site) vnf(id string) *vnf.Instance {
	s.t.Helper()
	v, err := readmodel.Instance(s.ctx(), s.live(), id)
	s.must(err)
	return v
}

// next returns the commands committed since the last call.
func (s *site) next() []message.Message {
	s.t.Helper()
	heads, err := s.store.Heads(s.ctx())
	s.must(err)
	var out []message.Message
	for lane, h := range heads {
		if h.Outbox == s.cursor[lane] {
			continue
		}
		rows, err := s.store.ReadOutbox(s.ctx(), lane, s.cursor[lane], 1000)
		s.must(err)
		for _, r := range rows {
			s.cursor[lane] = r.Offset
			out = append(out, r.Message)
		}
	}
	return out
}

// reply hands replies of one key to the sagas, in one commit.
func (s *site) reply(msgs ...message.Message) {
	s.t.Helper()
	h := s.svc.Runtime().Replies()
	_, err := s.doer.Do(s.ctx(), &eventstore.Work{
		Keys: []string{msgs[0].Key},
		Load: func() eventstore.Load { return h.Load(msgs) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, h.Decide(l, msgs, c)
		},
	})
	s.must(err)
	s.check()
}

// fire moves the clock to the next timeout and fires it; false when there is none.
func (s *site) fire() bool {
	s.t.Helper()
	lanes := make([]int, eventstore.Lanes)
	for i := range lanes {
		lanes[i] = i
	}
	ts, err := s.store.Timeouts(s.ctx(), lanes, time.Time{}, 1)
	s.must(err)
	if len(ts) == 0 {
		return false
	}
	if ts[0].Due.After(s.now) {
		s.now = ts[0].Due
	}
	h := s.svc.Runtime().Timeouts()
	_, err = s.doer.Do(s.ctx(), &eventstore.Work{
		Keys: []string{ts[0].Key},
		Load: func() eventstore.Load {
			return h.Load(ts).Merge(eventstore.Load{Timeouts: []string{ts[0].ID}})
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{Fired: []eventstore.FiredTimer{{ID: ts[0].ID, Token: ts[0].Token}}}
			return c, h.Decide(l, ts, c)
		},
	})
	s.must(err)
	s.check()
	return true
}

// settle serves commands and hands over replies until nothing is under way.
func (s *site) settle() {
	s.t.Helper()
	for {
		msgs := s.next()
		if len(msgs) == 0 {
			return
		}
		for _, m := range msgs {
			if r := s.serve(m); r != nil {
				s.reply(*r)
			}
		}
	}
}

// run settles and fires timeouts until nothing more can happen by itself.
func (s *site) run() {
	s.t.Helper()
	for range 10_000 {
		s.settle()
		if !s.fire() {
			return
		}
	}
	s.t.Fatal("it does not end")
}

// check asserts what holds after every commit: an instance is held by an operation exactly while that is not finished.
func (s *site) check() {
	s.t.Helper()
	vnfs, err := readmodel.ListInstances(s.ctx(), s.live(), eventstore.ViewQuery{})
	s.must(err)
	for _, v := range vnfs {
		ops, err := readmodel.ListOpOccs(s.ctx(), s.live(), eventstore.ViewQuery{Parent: v.ID})
		s.must(err)
		holder := ""
		for _, o := range ops {
			if !o.State.Final() {
				if holder != "" {
					s.t.Fatalf("%s and %s are both unfinished", holder, o.ID)
				}
				holder = o.ID
			}
			s.checkSaga(&o)
		}
		if v.Operation != holder {
			s.t.Fatalf("the instance is held by %q, the unfinished operation is %q", v.Operation, holder)
		}
		s.checkUse(&v)
		if (v.Info != nil) != (v.State == vnf.Instantiated) {
			s.t.Fatalf("%s with info %v", v.State, v.Info)
		}
	}
}

// checkSaga asserts that an operation and its saga are in states that go together.
func (s *site) checkSaga(o *vnf.OpOcc) {
	s.t.Helper()
	in := s.saga(o.ID)
	for _, r := range lcm.OpRules {
		if r.Saga == in.State && r.Op == o.State {
			return
		}
	}
	s.t.Fatalf("the operation is %s while its saga is %s", o.State, in.State)
}

// live is what readers read.
func (s *site) live() readmodel.Live {
	return readmodel.Live{Reader: s.store, OpOccs: s.opoccs, Instances: s.instances}
}

func (s *site) saga(id string) *saga.Instance {
	s.t.Helper()
	l, err := s.store.Load(s.ctx(), eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: id}}})
	s.must(err)
	if l.Sagas[id] == nil {
		s.t.Fatalf("no saga %s", id)
	}
	in, err := saga.Decode(l.Sagas[id])
	s.must(err)
	return in
}

// finish asserts what holds at the end of a test: views are what the events amount to.
func (s *site) finish() {
	s.t.Helper()
	diffs, err := readmodel.Compare(s.ctx(), s.store, readmodel.Sources(s.instances, s.opoccs, s.snapshots)...)
	s.must(err)
	for _, d := range diffs {
		s.t.Errorf("%s\nwant %s\ngot  %s", d, d.Want.Doc, d.Got.Doc)
	}
	s.past()
}

// events returns the types of an aggregate's events, in order.
func (s *site) events(stream string) []string {
	s.t.Helper()
	events, err := s.store.ReadStream(s.ctx(), stream, 0, 1000)
	s.must(err)
	var out []string
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

// kinds counts what stands at the VIMs; configurations apart, which are no resources.
func (s *site) kinds() map[vim.Kind]int {
	n := map[vim.Kind]int{}
	for _, r := range s.held {
		if r.Kind != vim.Configuration {
			n[r.Kind]++
		}
	}
	return n
}

// on scripts the answer to commands of one kind and direction.
func on(msgType string, kind vim.Kind, a *answer) func(message.Message) *answer {
	return func(m message.Message) *answer {
		if m.Type != msgType || kindOf(m) != kind {
			return nil
		}
		return a
	}
}

// doing is the type of the command that makes one of a kind.
func doing(kind vim.Kind) string {
	if kind == vim.Configuration {
		return configuration.TypeConfigure
	}
	return vim.TypeReserveResource
}

func kindOf(m message.Message) vim.Kind {
	if m.Type == configuration.TypeConfigure {
		return vim.Configuration
	}
	var c struct{ Kind vim.Kind }
	if json.Unmarshal(m.Data, &c) != nil {
		return ""
	}
	return c.Kind
}
