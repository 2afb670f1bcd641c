package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// annals is a world whose streams hold real events.
type annals struct {
	*world
	instances *readmodel.Instances
	opoccs    *readmodel.OpOccs
	pkgs      *aggregate.Repository[vnfpkg.Package]
	seen      []sight
}

// sight is what the standard's resource showed after a commit.
type sight struct {
	live, past string
	version    int64
	time       time.Time
	body       string // "" when it was deleted
}

func newAnnals(t *testing.T, change ...func(*apiConfig)) *annals {
	t.Helper()
	registry := func(forms []aggregate.Form) *aggregate.Registry {
		r, err := aggregate.NewRegistry(forms...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	domain := registry(readmodel.Forms())
	return &annals{
		world: newWorld(t, change...), instances: readmodel.NewInstances(domain, 0), opoccs: readmodel.NewOpOccs(domain, 0),
		pkgs: vnfpkg.Repository(registry(vnfpkg.Forms())),
	}
}

// after moves the store's clock.
func (w *annals) after(d time.Duration) { w.later.Add(int64(d)) }

func (w *annals) now() time.Time { return epoch.Add(time.Duration(w.later.Load())) }

// record makes one commit and looks at the resource the way a client of the standard does.
func (w *annals) record(key, live, past string, load eventstore.Load, add func(l *eventstore.Loaded, c *eventstore.Commit) (eventstore.ViewWrite, error)) {
	w.t.Helper()
	c, err := w.doer.Do(w.t.Context(), &eventstore.Work{Keys: []string{key}, Load: func() eventstore.Load { return load }, Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		c := &eventstore.Commit{}
		v, err := add(l, c)
		c.Views = []eventstore.ViewWrite{v}
		return c, err
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	last := c.Events[len(c.Events)-1]
	s := sight{live: live, past: past, version: last.Version, time: last.Time}
	if r := w.do("GET", live, ""); r.status == 200 {
		s.body = r.body
	}
	w.seen = append(w.seen, s)
}

func (w *annals) meta(command string) eventstore.Metadata {
	return eventstore.Metadata{Actor: "alice", Command: command, CorrelationID: "o", CausationID: "request"}
}

func (w *annals) on(id string, events ...vnf.InstanceEvent) {
	w.t.Helper()
	w.record(id, vnfs+"/"+id, own+"/vnf_instances/"+id, w.instances.Load(id), func(l *eventstore.Loaded, c *eventstore.Commit) (v eventstore.ViewWrite, err error) {
		for _, e := range events {
			if err := w.instances.Append(l, c, id, w.meta("lcm.test"), e.(aggregate.Event)); err != nil {
				return v, err
			}
		}
		s, err := w.instances.Read(l, c, id)
		return readmodel.InstanceView(&s.Value), err
	})
}

func (w *annals) onOp(vnfID, id string, events ...vnf.OpEvent) {
	w.t.Helper()
	w.record(vnfID, ops+"/"+id, own+"/vnf_lcm_op_occs/"+id, w.opoccs.Load(id), func(l *eventstore.Loaded, c *eventstore.Commit) (v eventstore.ViewWrite, err error) {
		for _, e := range events {
			if err := w.opoccs.Append(l, c, id, w.meta("saga.test"), e.(aggregate.Event)); err != nil {
				return v, err
			}
		}
		s, err := w.opoccs.Read(l, c, id)
		return readmodel.OpOccView(&s.Value), err
	})
}

func (w *annals) onPackage(id string, events ...aggregate.Event) {
	w.t.Helper()
	w.record(id, pkgs+"/"+id, own+"/vnf_packages/"+id, w.pkgs.Load(id), func(l *eventstore.Loaded, c *eventstore.Commit) (v eventstore.ViewWrite, err error) {
		if err := w.pkgs.Append(l, c, id, w.meta("package.test"), events...); err != nil {
			return v, err
		}
		s, err := w.pkgs.Read(l, c, id)
		if err != nil {
			return v, err
		}
		return vnfpkg.View(s.Value)
	})
}

// story is a package, and a VNF that is instantiated, fails to be terminated, is cleaned up and deleted. Minutes lie
// between the commits, but for two of one time.
func story(w *annals) {
	w.onPackage("p", &vnfpkg.Created{ID: "p", UserDefinedData: map[string]json.RawMessage{"a": []byte("1")}})
	w.after(time.Minute)
	w.onPackage("p", &vnfpkg.UploadBegun{Upload: "u", Blob: "b"}, &vnfpkg.ContentUploaded{Upload: "u", SHA256: "ab", Size: 3})
	w.after(time.Minute)
	w.onPackage("p", &vnfpkg.Onboarded{Upload: "u", VnfdID: "d", VnfdVersion: "1", Provider: "Acme", ProductName: "R", SoftwareVersion: "2", VnfmInfo: []string{"vnfm"}})
	w.after(time.Minute)
	w.on("i", &vnf.InstanceCreated{ID: "i", Name: "fw", VnfdID: "d", PackageID: "p", Provider: "Acme", ProductName: "R", SoftwareVersion: "2", VnfdVersion: "1"})
	w.after(time.Minute)
	w.onOp("i", "o", &vnf.OpStarted{ID: "o", VnfID: "i", Operation: vnf.OpInstantiate, Policy: "rollback", Params: []byte(`{"flavourId":"f"}`), Planned: []vnf.PlannedStep{{Step: "compute", ID: "r", Kind: "compute", Name: "vm"}}})
	w.on("i", &vnf.OperationBegun{OpID: "o", Operation: vnf.OpInstantiate, Number: 1})
	w.onOp("i", "o", &vnf.OpGranted{Warnings: []string{"w"}}) // at the very time of the two before
	w.after(time.Minute)
	w.onOp("i", "o", &vnf.OpProgressed{Items: []vnf.ProgressMade{{Step: "compute", ID: "r", State: "RUNNING", Attempt: 1}}})
	w.after(time.Minute)
	in := full("i")
	w.onOp("i", "o", &vnf.ResourceReserved{ID: "r", Generation: 1, Kind: "compute", Handle: vnf.Handle{VimID: "server"}}, &vnf.OpCompleted{})
	w.on("i", &vnf.InstanceInstantiated{OpID: "o", Info: in.Info, Resources: []vnf.Resource{{ID: "r", Generation: 1, Kind: "compute", Connection: "sim-1", VimID: "server"}}, Connections: in.Connections})
	w.after(time.Minute)
	w.onOp("i", "o2", &vnf.OpStarted{ID: "o2", VnfID: "i", Operation: vnf.OpTerminate, Number: 2, Policy: "hold", Irreversible: true})
	w.on("i", &vnf.OperationBegun{OpID: "o2", Operation: vnf.OpTerminate, Number: 2})
	w.after(time.Minute)
	w.onOp("i", "o2", &vnf.OpGranted{}, &vnf.OpFailedTemporarily{Error: vnf.Problem{Title: "t", Status: 500, Detail: "the VIM is away"}})
	w.after(time.Minute)
	w.onOp("i", "o2", &vnf.OpFailed{})
	w.on("i", &vnf.OperationFailed{OpID: "o2", Leftovers: []vnf.Resource{{ID: "r9", Generation: 1, Kind: "port", Name: "eth0", Connection: "sim-1", VimID: "port-9"}}})
	w.after(time.Minute)
	w.on("i", &vnf.CleanupBegun{Saga: "c"})
	w.after(time.Minute)
	w.on("i", &vnf.CleanupEnded{Saga: "c", Released: []string{"r9"}}, &vnf.InstanceTerminated{OpID: "o2", Released: []string{"r"}})
	w.after(time.Minute)
	w.on("i", &vnf.InstanceDeleted{})
	w.after(time.Minute)
	w.onPackage("p", &vnfpkg.OperationalStateChanged{State: vnfpkg.Disabled})
	w.onPackage("p", &vnfpkg.Deleted{})
}

// attributes decodes an object without the names given.
func (w *annals) attributes(body string, without ...string) map[string]any {
	w.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		w.t.Fatalf("%v: %s", err, body)
	}
	for _, name := range without {
		delete(m, name)
	}
	return m
}

func (w *annals) at(s sight, point string) reply {
	w.t.Helper()
	return w.do("GET", s.past+"?at="+url.QueryEscape(point), "")
}

// Whatever a client was shown can be seen again, by version and by time, also once all is deleted. Seen failing with the
// time of the question taken for that of the event, and with the snapshot of a later version.
func TestPastIsWhatWasShownThen(t *testing.T) {
	w := newAnnals(t)
	story(w)
	own := []string{"moment", "_links", "operationUnderWay", "cleanupUnderWay", "leftovers", "resources", "deleted"}
	lastOf := map[string]map[time.Time]sight{}
	for i, s := range w.seen {
		r := w.at(s, fmt.Sprint(s.version)).want(200)
		var p struct {
			Moment  sol.Moment
			Deleted bool
			Links   struct{ Self, Present, Events sol.Link } `json:"_links"`
		}
		r.json(&p)
		if p.Moment.Version != s.version || !p.Moment.Time.Equal(s.time) || p.Moment.Actor != "alice" || p.Deleted != (s.body == "") ||
			p.Moment.CorrelationId != "o" || !strings.HasSuffix(p.Links.Self.Href, fmt.Sprintf("%s?at=%d", s.past, s.version)) {
			t.Errorf("%s at %d: %+v", s.past, s.version, p)
		}
		if s.body != "" {
			want := w.attributes(s.body, "_links")
			if strings.Contains(s.live, "packages") {
				delete(want, "usageState") // is the instances' past
			}
			if d := cmp.Diff(want, w.attributes(r.body, own...)); d != "" {
				t.Errorf("sight %d, %s at %d:\n%s", i, s.past, s.version, d)
			}
		}
		if lastOf[s.past] == nil {
			lastOf[s.past] = map[time.Time]sight{}
		}
		lastOf[s.past][s.time] = s
	}
	for path, times := range lastOf {
		for when, s := range times {
			for _, at := range []time.Time{when, when.Add(59 * time.Second)} {
				for _, form := range []string{at.Format(time.RFC3339Nano), at.In(time.FixedZone("", 2*60*60)).Format(time.RFC3339)} {
					var p struct{ Moment sol.Moment }
					w.at(s, form).want(200).json(&p)
					if p.Moment.Version != s.version {
						t.Errorf("%s at %s: version %d, want %d", path, form, p.Moment.Version, s.version)
					}
				}
			}
		}
	}
}

func TestPastTellsWhatTheStandardDoesNot(t *testing.T) {
	w := newAnnals(t)
	story(w)
	w.do("GET", own+"/vnf_instances/i?at=2", "").want(200, `"operationUnderWay":"o"`, `"event":"vnf.operation-begun"`)
	w.do("GET", own+"/vnf_instances/i?at=5", "").want(200, `"leftovers":[{"id":"r9"`, `"resourceId":"port-9"`)
	w.do("GET", own+"/vnf_lcm_op_occs/o?at=3", "").want(200, `"operationState":"PROCESSING"`, `"resources":[{"step":"compute"`, `"state":"RUNNING"`)
	w.do("GET", own+"/vnf_instances/i", "").want(200, `"deleted":true`, `"newestVersion":9`) // the newest without at
	w.do("GET", own+"/vnf_packages/p", "").want(200, `"deleted":true`)
	minutes := int(w.now().Sub(epoch).Minutes())
	w.do("GET", own+"/vnf_packages/p?at=-"+fmt.Sprint(minutes-1)+"m", "").want(200, `"version":3`, `"onboardingState":"PROCESSING"`)
	w.do("GET", own+"/vnf_instances/i?at=2100-01-01T00:00:00Z", "").want(200, `"version":9`)
}

func TestPastThatIsNotThere(t *testing.T) {
	w := newAnnals(t)
	story(w)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/vnf_instances/i?at=10":                          {404, "has the versions 1 to 9 so far, no 10"},
		"/vnf_instances/i?at=2026-01-02T03:04:05Z":        {404, "it exists since 2026-01-02T03:07:05Z"},
		"/vnf_instances/i?at=-24h":                        {404, "exists since"},
		"/vnf_instances/unknown":                          {404, `There is no VNF instance \"unknown\", and there never was.`},
		"/vnf_instances/i?at=yesterday":                   {400, "The query parameter at is a version (12), a time (2026-01-02T03:04:05Z), or how long ago it was (-10m)"},
		"/vnf_instances/i?at=0":                           {400, "at is a version"},
		"/vnf_instances/i?at=-3":                          {400, "at is a version"},
		"/vnf_instances/i?at=10m":                         {400, "at is a version"},
		"/vnf_instances/i?at=":                            {400, "at is a version"},
		"/vnf_instances/i?when=1":                         {400, "when"},
		"/vnf_instances/i/diff?from=99":                   {404, "no 99"},
		"/vnf_instances/i/diff?to=x":                      {400, "The query parameter to"},
		"/vnf_lcm_op_occs/none/diff":                      {404, "There is no LCM operation occurrence"},
		"/vnf_packages/none/events":                       {404, "There is no VNF package"},
		"/events?from=3":                                  {400, "is a time here"},
		"/events?vnf=none":                                {404, "There is no VNF instance"},
		"/events?nextpage_opaque_marker=x":                {400, "nextpage_opaque_marker"},
		"/vnf_instances/i/events?type=&from=huh":          {400, "from"},
		"/vnf_packages/p/events?nextpage_opaque_marker=x": {400, "nextpage_opaque_marker"},
	} {
		if r := w.do("GET", own+path, ""); r.status != want.status || !strings.Contains(r.body, want.text) {
			t.Errorf("%s: %d %s, want %d %s", path, r.status, r.body, want.status, want.text)
		}
	}
}

// Of every pair of versions the changes make the second of the first; package diff checks that they do for any document.
func TestDiffLeadsFromOneStateToTheOther(t *testing.T) {
	w := newAnnals(t)
	story(w)
	get := func(path string) sol.Difference {
		var d sol.Difference
		w.do("GET", path, "").want(200).json(&d)
		return d
	}
	for from := 1; from <= 9; from++ {
		for to := 1; to <= 9; to++ {
			d := get(fmt.Sprintf("%s/vnf_instances/i/diff?from=%d&to=%d", own, from, to))
			if d.From.Version != int64(from) || d.To.Version != int64(to) || from+1 == to && len(d.Changes) == 0 || from == to && len(d.Changes) > 0 {
				t.Errorf("%d to %d: %+v", from, to, d)
			}
			back := get(fmt.Sprintf("%s/vnf_instances/i/diff?from=%d&to=%d", own, to, from))
			if len(back.Changes) != len(d.Changes) {
				t.Errorf("%d to %d: %d changes there, %d back", from, to, len(d.Changes), len(back.Changes))
			}
		}
	}
	changes := func(d sol.Difference) (out []string) {
		for _, c := range d.Changes {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s>%s", c.Op, c.Path, c.From, c.To)))
		}
		return out
	}
	for path, want := range map[string][]string{
		"/vnf_instances/i/diff?from=1&to=2": {`added /operationUnderWay >"o"`},
		"/vnf_instances/i/diff?from=8":      {`added /deleted >true`},
		"/vnf_lcm_op_occs/o2/diff?from=2&to=-2m": {
			`added /error >{"detail":"the VIM is away","status":500,"title":"t"}`, `changed /operationState "PROCESSING">"FAILED"`,
			`changed /stateEnteredTime "2026-01-02T03:12:05Z">"2026-01-02T03:13:05Z"`,
		},
		"/vnf_packages/p/diff?from=4&to=2026-01-02T03:20:00Z": {
			`removed /checksum "sha-256:ab">`, `added /deleted >true`, `changed /operationalState "ENABLED">"DISABLED"`,
		},
	} {
		if got := changes(get(own + path)); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	all := get(own + "/vnf_instances/i/diff") // from the first to the newest
	if all.From.Version != 1 || all.To.Version != 9 {
		t.Errorf("%+v", all)
	}
}

// types lists the events at a path, following its pages.
func (w *annals) types(path string) (out []string) {
	w.t.Helper()
	for path != "" {
		r := w.do("GET", path, "").want(200)
		var events []sol.VnfEvent
		r.json(&events)
		for _, e := range events {
			out = append(out, strings.TrimPrefix(e.Stream+" "+e.Type, "vnf-"))
		}
		path = ""
		if m := nextLink.FindStringSubmatch(r.header.Get("Link")); m != nil {
			path = m[1]
		}
	}
	return out
}

func TestEventsAreFilteredAndPaged(t *testing.T) {
	w := newAnnals(t, func(c *apiConfig) { c.PageSize = 2 })
	story(w)
	all := w.types(own + "/vnf_instances/i/events")
	if len(all) != 9+5+4 {
		t.Errorf("%d events: %s", len(all), strings.Join(all, ", "))
	}
	for path, want := range map[string]int{
		"/vnf_instances/i/events?type=vnf.*":                                        9,
		"/vnf_instances/i/events?type=vnf.instantiated,opocc.started":               3,
		"/vnf_instances/i/events?type=vnf.instantiated&type=none":                   1,
		"/vnf_instances/i/events?type=opocc.*&from=3":                               4,
		"/vnf_instances/i/events?from=9":                                            1,
		"/vnf_instances/i/events?from=10":                                           0,
		"/vnf_instances/i/events?to=1":                                              1,
		"/vnf_instances/i/events?from=2&to=2":                                       1,
		"/vnf_instances/i/events?from=2026-01-02T03:08:05Z&to=2026-01-02T03:08:05Z": 3,
		"/vnf_instances/i/events?from=-1m":                                          1,
		"/vnf_lcm_op_occs/o/events":                                                 5,
		"/vnf_lcm_op_occs/o2/events?from=2&to=3":                                    2,
		"/vnf_packages/p/events":                                                    6,
		"/events":                                                                   24,
		"/events?vnf=i":                                                             18,
		"/events?type=pkg.*":                                                        6,
		"/events?type=*.deleted,*":                                                  24,
		"/events?from=-1m":                                                          3,
		"/events?to=2026-01-02T03:04:05Z":                                           1,
		"/events?vnf=i&type=opocc.failed&from=-1h":                                  1,
	} {
		got := w.types(own + path)
		if len(got) != want {
			t.Errorf("%s: %d events, want %d: %s", path, len(got), want, strings.Join(got, ", "))
		}
	}
	if got := w.types(own + "/events?vnf=i"); !slices.Equal(got, all) {
		t.Errorf("one VNF's part of the log is another:\n%v\n%v", got, all)
	}
}

func TestSagasAreListed(t *testing.T) {
	w := newWorld(t, func(c *apiConfig) { c.PageSize = 2 })
	row := func(id, key, state, parent, kind string) eventstore.SagaRow {
		return eventstore.SagaRow{ID: id, Type: kind, DefVersion: 2, Key: key, Parent: parent, State: state, Data: []byte(`{"items":[
			{"step":"compute","item":"c","timer":7,"due":"2026-01-02T03:05:00Z","waiting":true}],"state":"` + state + `","wake":"2026-01-02T03:05:00Z","deadlineTimer":1,"deadline":"2026-01-02T04:00:00Z"}`)}
	}
	for _, r := range []eventstore.SagaRow{
		row("a", "i", "RUNNING", "", "instantiate"), row("b", "i", "COMPLETED", "", "terminate"), row("c", "i", "RUNNING", "b", "cleanup"), row("d", "j", "RUNNING", "", "cleanup"),
	} {
		if _, err := w.doer.Do(t.Context(), &eventstore.Work{Keys: []string{r.Key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Sagas: []eventstore.SagaRow{r}}, nil
		}}); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{"": "a b c d", "?vnf=i": "a b c", "?vnf=i&state=RUNNING": "a c", "?vnf=none": ""} {
		var ids []string
		for path := own + "/sagas" + query; path != ""; {
			r := w.do("GET", path, "").want(200)
			var all []sol.Saga
			r.json(&all)
			for _, g := range all {
				ids = append(ids, g.Id)
				if g.Stages != nil || g.Definition != 2 || (g.Links.Parent != nil) != (g.Id == "c") || (g.Links.VnfLcmOpOcc != nil) != (g.Id < "c") {
					t.Errorf("%+v", g)
				}
				if running := g.State == "RUNNING"; running != (g.NextTimeout.Minute() == 5) || g.TimeoutOf != nil {
					t.Errorf("the next timeout of %s is %v at %v", g.Id, g.TimeoutOf, g.NextTimeout)
				}
				var one sol.Saga
				w.do("GET", own+"/sagas/"+g.Id, "").want(200).json(&one)
				if running := g.State == "RUNNING"; running != (one.TimeoutOf != nil) || running && *one.TimeoutOf != (sol.SagaTimeout{Kind: "backoff", Step: "compute", Item: "c"}) {
					t.Errorf("the next timeout of %s is %v at %v", g.Id, one.TimeoutOf, one.NextTimeout)
				}
			}
			path = ""
			if m := nextLink.FindStringSubmatch(r.header.Get("Link")); m != nil {
				path = m[1]
			}
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("sagas%s: %s, want %s", query, got, want)
		}
	}
}
