package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfpkg"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is the API over a store in memory, with use cases that do no more than the edge can see.
type world struct {
	t     *testing.T
	store *memory.Store
	doer  *eventstore.Committer
	cases *cases
	sim   *sim.Sim
	log   *strings.Builder
	api   http.Handler
	http  *httptest.Server
	later *atomic.Int64 // the store's clock, behind epoch
	// lenient: requests may be against the specification.
	lenient bool
}

func newWorld(t *testing.T, change ...func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, log: &strings.Builder{}, later: &atomic.Int64{}}
	w.store = memory.New(memory.Config{Now: func() time.Time { return epoch.Add(time.Duration(w.later.Load())) }})
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{Logger: log})
	w.cases = &cases{world: w}
	var err error
	if w.sim, err = sim.Open(sim.Config{}); err != nil {
		t.Fatal(err)
	}
	c := api.Config{
		LCM: w.cases, Packages: packages{w.cases}, Views: w.store, Vims: vims{w.cases}, Sim: w.sim, Log: log,
		Authenticate: access.Loopback, PageSize: 100, Consumers: []string{"saga"}, Parked: parked{},
	}
	for _, f := range change {
		f(&c)
	}
	w.api = api.New(c)
	w.http = httptest.NewServer(w.api)
	t.Cleanup(w.http.Close)
	return w
}

// reply is an answer read to its end.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// do sends a request; headers come as pairs. A body gets application/json unless the headers say otherwise.
func (w *world) do(method, path, body string, headers ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := etsitest.Transport(w.t, nil)
	if w.lenient {
		transport = http.DefaultTransport
	}
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{t: w.t, status: res.StatusCode, header: res.Header, body: string(b)}
}

// want checks the status and that the body has all the texts, and returns the reply.
func (r reply) want(status int, texts ...string) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %.2000s", r.status, status, r.body)
	}
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			r.t.Fatalf("the answer lacks %q: %.2000s", text, r.body)
		}
	}
	return r
}

func (r reply) json(into any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
}

// id returns the last segment of Location.
func (r reply) id() string {
	r.t.Helper()
	location := r.header.Get("Location")
	return location[strings.LastIndex(location, "/")+1:]
}

// put writes a document as the view of a kind, with one event in its stream.
func (w *world) put(kind, prefix, id, key, parent string, version int64, doc any) {
	w.t.Helper()
	if err := w.cases.write(w.t.Context(), kind, prefix, id, key, parent, version, doc, nil); err != nil {
		w.t.Fatal(err)
	}
}

// cases implements lcm.API over the views.
type cases struct {
	*world
	effects   int // commits made
	arrived   sync.WaitGroup
	planned   lcm.Preview            // what every operation would do
	block     chan struct{}          // when set, CreateVnf tells arrived and waits for it before it commits
	differs   lcm.Drift              // of any VNF
	meanwhile func()                 // happens once, while the VIMs are looked at
	fail      error                  // when set, every use case fails with it
	last      any                    // newest command
	by        request.Info           // of the newest command
	made      func(in *vnf.Instance) // when set, changes what CreateVnf makes
}

func (s *cases) write(ctx context.Context, kind, prefix, id, key, parent string, version int64, doc any, by *request.Info) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	meta, _ := json.Marshal(eventstore.Metadata{Actor: "tester", Command: "test.write", CorrelationID: id, CausationID: "c"})
	_, err = s.doer.Do(ctx, &eventstore.Work{
		Keys: []string{key},
		Load: func() eventstore.Load { return eventstore.Load{} },
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{
				Appends: []eventstore.Append{{Stream: prefix + id, Expected: version - 1, Events: []eventstore.Event{
					{ID: uuid.NewString(), Type: "test.written", Schema: 1, Meta: meta, Data: []byte(`{"n":1}`)},
				}}},
				Views: []eventstore.ViewWrite{{View: eventstore.View{Kind: kind, ID: id, Revision: version, Parent: parent, Doc: b}}},
			}
			if by != nil {
				c.Idempotency = by.Idempotency(doc)
			}
			return c, nil
		},
	})
	return err
}

func (s *cases) enter(command any, by request.Info) error {
	s.last, s.by = command, by
	if s.fail != nil {
		return s.fail
	}
	s.effects++
	return nil
}

func (s *cases) CreateVnf(ctx context.Context, r lcm.CreateVnf, by request.Info) (*vnf.Instance, error) {
	if s.block != nil {
		s.arrived.Done()
		<-s.block
	} else if err := s.enter(r, by); err != nil {
		return nil, err
	}
	if r.VnfdID == "unknown" {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "There is no package with this VNFD.").At("/vnfdId")
	}
	in := instance(uuid.NewString())
	in.Name, in.Metadata = r.Name, r.Metadata
	if s.made != nil {
		s.made(in)
	}
	return in, s.write(ctx, readmodel.KindVnf, "vnf-", in.ID, in.ID, "", 1, in, &by)
}

func (s *cases) instance(ctx context.Context, id string) (*vnf.Instance, error) {
	ref := eventstore.ViewRef{Kind: readmodel.KindVnf, ID: id}
	l, err := s.store.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return nil, err
	}
	if l.Views[ref] == nil {
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no VNF instance %q.", id)
	}
	var in vnf.Instance
	return &in, json.Unmarshal(l.Views[ref].Doc, &in)
}

func (s *cases) DeleteVnf(ctx context.Context, id string, by request.Info) error {
	if err := s.enter(id, by); err != nil {
		return err
	}
	_, err := s.doer.Do(ctx, &eventstore.Work{
		Keys: []string{id},
		Load: func() eventstore.Load { return eventstore.Load{} },
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{
				Views:       []eventstore.ViewWrite{{View: eventstore.View{Kind: readmodel.KindVnf, ID: id}, Delete: true}},
				Idempotency: by.Idempotency(nil),
			}, nil
		},
	})
	return err
}

// begin starts an operation of an instance that is free.
func (s *cases) begin(ctx context.Context, id string, kind vnf.Operation, command any, by request.Info) (*vnf.OpOcc, error) {
	if err := s.enter(command, by); err != nil {
		return nil, err
	}
	in, err := s.instance(ctx, id)
	if err != nil {
		return nil, err
	}
	if in.Operation != "" {
		return nil, vnfm.Errorf(vnfm.Conflict, "Operation %s is under way.", in.Operation)
	}
	op := &vnf.OpOcc{
		ID: uuid.NewString(), VnfID: id, Operation: kind, State: vnf.Starting, Started: epoch, StateEntered: epoch, Version: 1,
	}
	in.Operation, in.Version = op.ID, in.Version+1
	if err := s.write(ctx, readmodel.KindVnf, "vnf-", id, id, "", in.Version, in, nil); err != nil {
		return nil, err
	}
	return op, s.write(ctx, readmodel.KindOpOcc, "opocc-", op.ID, id, id, 1, op, &by)
}

func (s *cases) Instantiate(ctx context.Context, id string, r lcm.Instantiate, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpInstantiate, r, by)
}

func (s *cases) Terminate(ctx context.Context, id string, r lcm.Terminate, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpTerminate, r, by)
}

func (s *cases) Operate(ctx context.Context, id string, r lcm.Operate, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpOperate, r, by)
}

func (s *cases) Scale(ctx context.Context, id string, r lcm.Scale, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpScale, r, by)
}

func (s *cases) ScaleToLevel(ctx context.Context, id string, r lcm.ScaleToLevel, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpScaleToLevel, r, by)
}

func (s *cases) Heal(ctx context.Context, id string, r lcm.Heal, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpHeal, r, by)
}

func (s *cases) Drift(ctx context.Context, id string) (*lcm.Drift, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	if _, err := s.instance(ctx, id); err != nil {
		return nil, err
	}
	d := s.differs
	d.VnfID = id
	return &d, nil
}

func (s *cases) Sync(ctx context.Context, id string, r lcm.Sync, by request.Info) (*lcm.Drift, *vnf.OpOcc, error) {
	if meanwhile := s.meanwhile; meanwhile != nil {
		s.meanwhile = nil
		meanwhile()
	}
	d, err := s.Drift(ctx, id)
	if s.last = r; err != nil || !r.Repair || len(d.Differences) == 0 {
		return d, nil, err
	}
	op, err := s.begin(ctx, id, vnf.OpHeal, r, by)
	return nil, op, err
}

func (s *cases) ChangeExtConn(ctx context.Context, id string, r lcm.ChangeExtConn, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpChangeExtConn, r, by)
}

func (s *cases) ChangeFlavour(ctx context.Context, id string, r lcm.ChangeFlavour, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpChangeFlavour, r, by)
}

func (s *cases) ChangeVnfPkg(ctx context.Context, id string, r lcm.ChangeVnfPkg, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpChangeVnfPkg, r, by)
}

// preview plans an operation of an instance that is free; nothing is an effect.
func (s *cases) preview(ctx context.Context, id string, kind vnf.Operation, command any) (*lcm.Preview, error) {
	if s.last = command; s.fail != nil {
		return nil, s.fail
	}
	in, err := s.instance(ctx, id)
	if err != nil {
		return nil, err
	}
	if in.Operation != "" {
		return nil, vnfm.Errorf(vnfm.Conflict, "Operation %s is under way.", in.Operation)
	}
	p := s.planned
	p.Operation = kind
	return &p, nil
}

func (s *cases) PlanInstantiate(ctx context.Context, id string, r lcm.Instantiate) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpInstantiate, r)
}

func (s *cases) PlanTerminate(ctx context.Context, id string, r lcm.Terminate) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpTerminate, r)
}

func (s *cases) PlanOperate(ctx context.Context, id string, r lcm.Operate) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpOperate, r)
}

func (s *cases) PlanScale(ctx context.Context, id string, r lcm.Scale) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpScale, r)
}

func (s *cases) PlanScaleToLevel(ctx context.Context, id string, r lcm.ScaleToLevel) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpScaleToLevel, r)
}

func (s *cases) PlanHeal(ctx context.Context, id string, r lcm.Heal) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpHeal, r)
}

func (s *cases) PlanSync(ctx context.Context, id string, r lcm.Sync) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpHeal, r)
}

func (s *cases) PlanChangeExtConn(ctx context.Context, id string, r lcm.ChangeExtConn) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpChangeExtConn, r)
}

func (s *cases) PlanChangeFlavour(ctx context.Context, id string, r lcm.ChangeFlavour) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpChangeFlavour, r)
}

func (s *cases) PlanChangeVnfPkg(ctx context.Context, id string, r lcm.ChangeVnfPkg) (*lcm.Preview, error) {
	return s.preview(ctx, id, vnf.OpChangeVnfPkg, r)
}

func (s *cases) Modify(ctx context.Context, id string, r lcm.Modify, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, id, vnf.OpModifyInfo, r, by)
}

func (s *cases) act(ctx context.Context, id, command string, by request.Info) (*vnf.OpOcc, error) {
	if err := s.enter(command, by); err != nil {
		return nil, err
	}
	ref := eventstore.ViewRef{Kind: readmodel.KindOpOcc, ID: id}
	l, err := s.store.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return nil, err
	}
	if l.Views[ref] == nil {
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no LCM operation occurrence %q.", id)
	}
	var op vnf.OpOcc
	return &op, json.Unmarshal(l.Views[ref].Doc, &op)
}

func (s *cases) Retry(ctx context.Context, id string, by request.Info) (*vnf.OpOcc, error) {
	return s.act(ctx, id, "retry", by)
}

func (s *cases) Rollback(ctx context.Context, id string, by request.Info) (*vnf.OpOcc, error) {
	return s.act(ctx, id, "rollback", by)
}

func (s *cases) Fail(ctx context.Context, id string, by request.Info) (*vnf.OpOcc, error) {
	return s.act(ctx, id, "fail", by)
}

func (s *cases) Cancel(ctx context.Context, id, mode string, by request.Info) (*vnf.OpOcc, error) {
	return s.act(ctx, id, "cancel "+mode, by)
}

func (s *cases) Resolve(ctx context.Context, id string, a saga.Action, by request.Info) (*vnf.OpOcc, error) {
	return s.act(ctx, id, strings.Join([]string{string(a.Kind), a.Step, a.Item, a.Reason}, " "), by)
}

func (s *cases) Cleanup(_ context.Context, id string, by request.Info) (string, error) {
	return "saga-" + id, s.enter("cleanup", by)
}

// packages implements api.Packages the same way.
type packages struct{ *cases }

func (p packages) Create(ctx context.Context, data map[string]json.RawMessage, by request.Info) (*vnfpkg.Package, error) {
	if err := p.enter(data, by); err != nil {
		return nil, err
	}
	pkg := &vnfpkg.Package{ID: uuid.NewString(), Onboarding: "CREATED", Operational: "DISABLED", UserDefinedData: data, Version: 1}
	return pkg, p.write(ctx, readmodel.KindPackage, "pkg-", pkg.ID, pkg.ID, "", 1, pkg, &by)
}

func (p packages) pkg(ctx context.Context, id string) (*vnfpkg.Package, error) {
	ref := eventstore.ViewRef{Kind: readmodel.KindPackage, ID: id}
	l, err := p.store.Load(ctx, eventstore.Load{Views: []eventstore.ViewRef{ref}})
	if err != nil {
		return nil, err
	}
	if l.Views[ref] == nil {
		return nil, vnfm.Errorf(vnfm.NotFound, "There is no VNF package %q.", id)
	}
	var pkg vnfpkg.Package
	return &pkg, json.Unmarshal(l.Views[ref].Doc, &pkg)
}

func (p packages) PutContent(ctx context.Context, id string, content io.Reader, by request.Info) (*vnfpkg.Package, error) {
	b, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	if err := p.enter(string(b), by); err != nil {
		return nil, err
	}
	pkg, err := p.pkg(ctx, id)
	if err != nil {
		return nil, err
	}
	if pkg.Onboarding != "CREATED" {
		return nil, vnfm.Errorf(vnfm.Conflict, "The package has content.")
	}
	pkg.Onboarding, pkg.Version = "ONBOARDED", pkg.Version+1
	pkg.VnfdID, pkg.Provider, pkg.ProductName, pkg.SoftwareVersion, pkg.VnfdVersion = "vnfd-1", "Acme", "Router", "2.0", "1.0"
	pkg.SHA256, pkg.VnfmInfo, pkg.Failure = "ab12", []string{"vnfm"}, "why an earlier content was refused"
	pkg.Findings = []vnfd.Finding{{Rule: "rule", Text: "text", At: vnfd.Position{File: "a.yaml", Line: 3}}}
	return pkg, p.write(ctx, readmodel.KindPackage, "pkg-", id, id, "", pkg.Version, pkg, &by)
}

func (p packages) FetchContent(ctx context.Context, id string, from vnfpkg.Origin, by request.Info) (*vnfpkg.Package, error) {
	if err := p.enter(from, by); err != nil {
		return nil, err
	}
	pkg, err := p.pkg(ctx, id)
	if err != nil {
		return nil, err
	}
	pkg.Onboarding, pkg.Version = vnfpkg.StateUploading, pkg.Version+1
	return pkg, p.write(ctx, readmodel.KindPackage, "pkg-", id, id, "", pkg.Version, pkg, &by)
}

// Contents finds no content: tests of it have a vnfpkg.Service.
func (p packages) Contents(ctx context.Context, id string) (*vnfpkg.Contents, error) {
	if _, err := p.pkg(ctx, id); err != nil {
		return nil, err
	}
	return nil, vnfm.Errorf(vnfm.Conflict, "There is no content.")
}

func (p packages) WithVnfdID(ctx context.Context, vnfdID string) (*vnfpkg.Package, error) {
	rows, err := p.store.Views(ctx, eventstore.ViewQuery{Kind: readmodel.KindPackage, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if pkg, err := p.Get(ctx, r.ID); err != nil || pkg.VnfdID == vnfdID {
			return pkg, err
		}
	}
	return nil, nil
}

func (p packages) Patch(ctx context.Context, id string, patch vnfpkg.Change, by request.Info) (*vnfpkg.Package, error) {
	if err := p.enter(patch, by); err != nil {
		return nil, err
	}
	pkg, err := p.pkg(ctx, id)
	if err != nil {
		return nil, err
	}
	pkg.Operational, pkg.Version = patch.OperationalState, pkg.Version+1
	return pkg, p.write(ctx, readmodel.KindPackage, "pkg-", id, id, "", pkg.Version, pkg, &by)
}

func (p packages) Get(ctx context.Context, id string) (*vnfpkg.Package, error) {
	pkg, err := p.pkg(ctx, id)
	if err == nil {
		pkg.InUse = pkg.Operational == vnfpkg.Enabled
	}
	return pkg, err
}

func (p packages) Read(ctx context.Context, views []eventstore.View) ([]*vnfpkg.Package, error) {
	var out []*vnfpkg.Package
	for _, v := range views {
		pkg, err := p.Get(ctx, v.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, pkg)
	}
	return out, nil
}

func (p packages) Delete(ctx context.Context, id string, by request.Info) error {
	return p.enter(id, by)
}

// canary is a password that no answer and no log may show.
const canary = "canary-password"

// instance is one as created.
func instance(id string) *vnf.Instance {
	return &vnf.Instance{
		ID: id, VnfdID: "vnfd-1", VnfdVersion: "1.0", Provider: "Acme", ProductName: "Router", SoftwareVersion: "2.0",
		PackageID: "pkg", State: vnf.NotInstantiated, Version: 1, Created: epoch, Updated: epoch,
	}
}

type apiConfig = api.Config
