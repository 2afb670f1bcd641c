package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// clients are who ask something of the program. They know what they were told, and ask again when they were told
// nothing.
type clients struct {
	planned, issued int
	waiting         []*ask
	vnfs            []*vnfRef
	ops             []opRef
	created         int
	settled         int
	retried         []string // operations, when there are no faults
	modified        modified
	snapshots       []string // resources for snapshots that clients were told of, the newest first
}

// vnfRef is an instance that a client was told of.
type vnfRef struct {
	id, name string
	pkg      *packageRef
	deleted  bool     // a client was told so
	packed   []string // resources for snapshot packages of it, the newest last
}

type opRef struct{ id, vnf string }

func (c *clients) more() bool { return c.issued < c.planned }

// ask is one request of a client, over all its attempts.
type ask struct {
	number       int
	what         string
	method, path string
	body, key    string
	vnf          *vnfRef
	tries        int
	next         time.Time // of the next attempt
	last         *node     // asked last
	first        *reply    // the first answer of success
	looks        bool      // it may find that there is nothing to do: 200
	notes        bool      // it may note something before what it is for, and be refused then
	finish       func(reply)
}

// reply is an answer. A status of 0 means that none came.
type reply struct {
	status         int
	location, body string
}

// act has a client ask for something that suits what it sees, unless it rather waits for what is under way.
func (w *world) act() bool {
	c := &w.clients
	if w.rng.IntN(100) == 0 && w.misuse() {
		return true
	}
	var v *vnfRef
	live := slices.DeleteFunc(slices.Clone(c.vnfs), func(v *vnfRef) bool { return v.deleted })
	if len(live) > 0 && (len(live) >= 3 || w.rng.IntN(4+8*len(live)) > 0) {
		v = pick(w.rng, live)
	}
	if v != nil && w.rng.IntN(25) > 0 && w.working(v) && (!w.beingChanged(w.instance(v.id)) || w.rng.IntN(4) > 0) {
		return false
	}
	c.issued++
	w.ask(w.choose(v))
	for v != nil && c.more() && w.rng.IntN(4) == 0 { // others want something else at once
		c.issued++
		w.ask(w.choose(v))
	}
	return true
}

// working reports whether an operation of an instance is under way that needs nobody's word.
func (w *world) working(v *vnfRef) bool {
	in := w.instance(v.id)
	if in == nil || in.Operation == "" {
		return false
	}
	op := w.opOcc(in.Operation)
	return op != nil && op.State != vnf.FailedTemp
}

// ask sends a request, in most cases with a key, and in some twice at once.
func (w *world) ask(a *ask) {
	c := &w.clients
	a.number = c.issued
	if w.rng.IntN(5) > 0 {
		a.key = fmt.Sprintf("key-%d", c.issued)
	}
	copies := 1
	if a.key != "" && w.rng.IntN(3) == 0 {
		copies = 2
	}
	if w.opts.SkipActions[c.issued] {
		return
	}
	if a.vnf != nil && w.chance[LedgerRestored] > 0 && w.rng.IntN(3) == 0 && !w.building() { // it will not know of what comes of this
		w.backUp()
	}
	w.tracef("client asks %d %s (%d)", a.number, a.what, copies)
	for range copies {
		w.send(a)
	}
}

// choose makes a request about an instance, or for a new one.
func (w *world) choose(v *vnfRef) *ask {
	if a := w.chooseSubscription(); a != nil {
		return a
	}
	if v == nil {
		return w.askCreate()
	}
	in := w.instance(v.id)
	switch {
	case in == nil:
		return w.askDelete(v)
	case w.rng.IntN(2) == 0 && w.beingChanged(in): // what waits for the change is asked for, by whoever does not
		op := w.opOcc(in.Operation)
		switch {
		case in.Operation == "":
			return w.askTerminate(v)
		case op != nil && op.State == vnf.FailedTemp:
			return w.askTask(v, op.ID, "fail")
		}
		return w.askTask(v, in.Operation, "cancel")
	case w.rng.IntN(8) == 0:
		return w.askModify(v)
	case in.State == vnf.Instantiated && w.rng.IntN(10) == 0:
		if w.rng.IntN(3) > 0 && !w.lacks(NoSweep) {
			w.meddle(in)
		}
		return w.askSync(v)
	case in.Operation != "":
		op := w.opOcc(in.Operation)
		n := w.rng.IntN(10)
		if op != nil && op.State == vnf.FailedTemp {
			return w.askTask(v, op.ID, []string{"retry", "retry", "retry", "rollback", "rollback", "rollback", "fail", "fail", "fail", "cancel"}[n])
		}
		switch {
		case n < 3:
			return w.askTask(v, in.Operation, "cancel")
		case n < 5:
			return w.askInstantiate(v)
		case n < 7:
			return w.askTerminate(v)
		case n < 8:
			return w.askDelete(v)
		case n < 9:
			return w.askScale(v, in)
		}
		return w.askOperate(v, in)
	case in.State == vnf.Instantiated:
		if w.rng.IntN(6) == 0 {
			w.clients.planned++ // beside all else
			return w.askSnapshot(v, in)
		}
		switch n := w.rng.IntN(35); {
		case n == 0:
			return w.askInstantiate(v)
		case v.pkg.units && n < 10:
			return w.askRebuild(v, in)
		case n < 17 && !v.pkg.units:
			return w.askOperate(v, in)
		case n < 21:
			return w.askScale(v, in)
		case n < 24:
			return w.askHeal(v, in)
		case n < 28 && !v.pkg.units:
			return w.askConnect(v, in)
		case n < 33:
			return w.askRebuild(v, in)
		}
		return w.askTerminate(v)
	case len(in.Leftovers) > 0 && w.rng.IntN(2) == 0:
		return w.askCleanup(v)
	}
	switch w.rng.IntN(12) {
	case 0:
		return w.askDelete(v)
	case 1:
		return w.askTerminate(v)
	case 2, 3:
		if len(w.clients.snapshots) == 0 {
			w.clients.planned++
			return w.askSnapshotInfo()
		}
	}
	return w.askInstantiate(v)
}

// beingChanged reports whether a VIM may be about to change a resource of an instance: by a call that nobody has heard the end of.
func (w *world) beingChanged(in *vnf.Instance) bool {
	return in != nil && len(w.changing) > 0 && slices.ContainsFunc(in.Resources, func(r vnf.Resource) bool {
		return w.changing[vim.Token{ID: r.ID, Generation: r.Generation}.String()].After(w.now)
	})
}

const lcmRoot = "/vnflcm/v2"

func (w *world) askCreate() *ask {
	w.clients.created++
	name := fmt.Sprintf("vnf-%d", w.clients.created)
	pkg := pick(w.rng, w.packages)
	return &ask{
		what: "create " + name, method: http.MethodPost, path: lcmRoot + "/vnf_instances",
		body: `{"vnfdId":"` + pkg.vnfdID + `","vnfInstanceName":"` + name + `"}`,
		finish: func(r reply) {
			if r.status == http.StatusCreated {
				id := lastPart(r.location)
				if !slices.ContainsFunc(w.clients.vnfs, func(v *vnfRef) bool { return v.id == id }) {
					w.clients.vnfs = append(w.clients.vnfs, &vnfRef{id: id, name: name, pkg: pkg})
				}
			}
		},
	}
}

func (w *world) askInstantiate(v *vnfRef) *ask {
	flavour := pick(w.rng, v.pkg.flavours)
	body := map[string]any{"flavourId": flavour.id}
	var kinds []Event
	if len(flavour.levels) > 0 {
		body["instantiationLevelId"] = pick(w.rng, flavour.levels)
		kinds = append(kinds, LevelGiven)
	}
	if flavour.params != nil {
		body["additionalParams"] = flavour.params
	}
	if w.rng.IntN(15) == 0 { // refused: VNFs have no connections of their own here
		body["vimConnectionInfo"] = map[string]any{"sim-2": map[string]any{"vimType": "VNFM.SIM.V_1"}}
	}
	return &ask{
		what: "instantiate " + v.name, vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_instances/" + v.id + "/instantiate",
		body: encode(body), finish: w.begun(v, kinds...),
	}
}

// askOperate asks to start or stop an instance, or some of its VNFCs.
func (w *world) askOperate(v *vnfRef, in *vnf.Instance) *ask {
	body := map[string]any{"changeStateTo": "STARTED"}
	kinds := []Event{Started}
	if w.rng.IntN(2) == 0 || in.Info != nil && in.Info.VnfState == "STARTED" && w.rng.IntN(3) > 0 {
		body["changeStateTo"] = "STOPPED"
		switch w.rng.IntN(4) {
		case 0:
			kinds[0] = StoppedForceful
		case 1:
			body["stopType"] = "FORCEFUL"
			kinds[0] = StoppedForceful
		default:
			body["stopType"], body["gracefulStopTimeout"] = "GRACEFUL", 1+w.rng.IntN(int(gracefulLimit.Seconds()))
			kinds[0] = StoppedGraceful
		}
	}
	if in.Info != nil && len(in.Info.Vnfcs) > 0 && w.rng.IntN(3) == 0 {
		some := []string{}
		for range 1 + w.rng.IntN(2) {
			some = append(some, pick(w.rng, in.Info.Vnfcs).ID)
		}
		slices.Sort(some)
		body["vnfcInstanceId"] = slices.Compact(some)
		kinds = append(kinds, OperatedSome)
	}
	return &ask{
		what: fmt.Sprintf("operate %s to %s", v.name, body["changeStateTo"]), vnf: v, method: http.MethodPost,
		path: lcmRoot + "/vnf_instances/" + v.id + "/operate", body: encode(body), finish: w.begun(v, kinds...),
	}
}

// askHeal asks to heal an instance, or some of its VNFCs.
func (w *world) askHeal(v *vnfRef, in *vnf.Instance) *ask {
	body := map[string]any{"cause": "asked"}
	kinds := []Event{Healed}
	if in.Info != nil && len(in.Info.Vnfcs) > 0 && w.rng.IntN(2) == 0 {
		body["vnfcInstanceId"] = []string{pick(w.rng, in.Info.Vnfcs).ID}
		kinds = []Event{HealedSome}
	}
	return &ask{
		what: "heal " + v.name, vnf: v, method: http.MethodPost,
		path: lcmRoot + "/vnf_instances/" + v.id + "/heal", body: encode(body), finish: w.begun(v, kinds...),
	}
}

// askSync asks to repair what differs from the records; where nothing does, the answer says so, and nothing begins.
func (w *world) askSync(v *vnfRef) *ask {
	begun := w.begun(v, Synced)
	return &ask{
		what: "sync " + v.name, vnf: v, method: http.MethodPost, path: "/vnfm/v1/vnf_instances/" + v.id + "/sync", looks: true,
		body: `{"repair":true,"confirmed":true}`, finish: func(r reply) {
			if r.status == http.StatusOK {
				w.happened[InSync]++
			}
			begun(r)
		},
	}
}

func (w *world) askTerminate(v *vnfRef) *ask {
	body := map[string]any{"terminationType": "FORCEFUL"}
	if w.rng.IntN(2) == 0 {
		body = map[string]any{"terminationType": "GRACEFUL", "gracefulTerminationTimeout": int(gracefulLimit.Seconds())}
	}
	return &ask{
		what: "terminate " + v.name, vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_instances/" + v.id + "/terminate",
		body: encode(body), finish: w.begun(v),
	}
}

// begun learns of the operation that a request began.
func (w *world) begun(v *vnfRef, kinds ...Event) func(reply) {
	return func(r reply) {
		id := lastPart(r.location)
		if r.status == http.StatusAccepted && !slices.Contains(w.clients.ops, opRef{id, v.id}) {
			for _, e := range kinds {
				w.happened[e]++
			}
			w.clients.ops = append(w.clients.ops, opRef{id, v.id})
		}
	}
}

func (w *world) askDelete(v *vnfRef) *ask {
	return &ask{
		what: "delete " + v.name, vnf: v, method: http.MethodDelete, path: lcmRoot + "/vnf_instances/" + v.id,
		finish: func(r reply) {
			if r.status == http.StatusNoContent {
				v.deleted = true
			}
		},
	}
}

func (w *world) askTask(v *vnfRef, op, task string) *ask {
	a := &ask{
		what: task + " of " + v.name, vnf: v, method: http.MethodPost, path: lcmRoot + "/vnf_lcm_op_occs/" + op + "/" + task,
		finish: func(reply) {},
	}
	if task == "cancel" {
		mode := pick(w.rng, []string{"GRACEFUL", "FORCEFUL", "FORCEFUL"})
		a.body = `{"cancelMode":"` + mode + `"}`
		w.protocol.forced[op] = w.protocol.forced[op] || mode == "FORCEFUL"
	}
	return a
}

func (w *world) askCleanup(v *vnfRef) *ask {
	return &ask{
		what: "cleanup " + v.name, vnf: v, method: http.MethodPost, path: "/vnfm/v1/vnf_instances/" + v.id + "/cleanup",
		finish: func(reply) {},
	}
}

// send sends a request to a node that is up, as a coroutine of it.
func (w *world) send(a *ask) {
	if i := slices.Index(w.clients.waiting, a); i >= 0 {
		w.clients.waiting = slices.Delete(w.clients.waiting, i, i+1)
	}
	up := slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return n.asleep.After(w.now) })
	if len(up) == 0 {
		w.again(a, w.between(time.Second, 5*time.Second))
		return
	}
	a.tries++
	n := pick(w.rng, up)
	if a.last != nil && len(up) > 1 && w.rng.IntN(4) > 0 { // the other one
		if i := slices.Index(up, a.last); i >= 0 {
			n = up[(i+1)%len(up)]
		}
	}
	a.last = n
	rec := &recorder{header: http.Header{}}
	w.start(n, fmt.Sprintf("request %d %s", a.number, a.what), func() {
		n.api.ServeHTTP(rec, a.request())
	}, func(t *task) {
		r := reply{}
		if !t.crashed {
			r = reply{status: rec.status, location: rec.header.Get("Location"), body: rec.body.String()}
			w.judgeAnswer(a, r, t.commits)
		}
		w.tracef("answer %d %s: %d %s", a.number, a.what, r.status, lastPart(r.location))
		w.answered(a, r)
	})
}

func (a *ask) request() *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), a.method, "http://vnfm"+a.path, strings.NewReader(a.body))
	if err != nil {
		panic(err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Request-ID", "00000000-0000-4000-8000-"+fmt.Sprintf("%012d", a.number))
	if a.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	if a.key != "" {
		r.Header.Set("Idempotency-Key", a.key)
	}
	return r
}

// answered holds an answer against those before.
func (w *world) answered(a *ask, r reply) {
	if r.status == 0 || r.status >= 500 {
		if r.status == http.StatusInternalServerError {
			w.violate("request %d %s: %s", a.number, a.what, r.body)
		}
		if a.key != "" && a.tries < 8 {
			w.again(a, w.between(0, 3*time.Second))
		}
		return
	}
	if a.looks && r.status == http.StatusOK { // nothing was done, so there is nothing to keep
		a.finish(r)
		return
	}
	ok := r.status < 300
	key := eventstore.IdempotencyKey{Caller: "client", Key: a.key}
	switch {
	case a.key == "":
	case ok && a.first == nil:
		a.first = &r
		w.clients.modified.used = append(w.clients.modified.used, a)
	case ok && *a.first != r:
		w.violate("I6: request %d %s was answered %v, then %v", a.number, a.what, *a.first, r)
	case !ok && w.observed.answers[key] > 0:
		w.violate("I7: request %d %s has an answer, and was answered %d %s", a.number, a.what, r.status, r.body)
	}
	if a.key != "" && ok && w.observed.answers[key] == 0 {
		w.violate("I6: request %d %s succeeded without keeping its answer", a.number, a.what)
	}
	a.finish(r)
	if a.key != "" && ok && !w.quiet && w.rng.IntN(6) == 0 && a.tries < 4 { // a client that did not hear it
		w.again(a, w.between(0, 20*time.Second))
	}
}

// judgeAnswer holds one answer against what the request did: this very one, not those before it with its key.
func (w *world) judgeAnswer(a *ask, r reply, commits int) {
	switch {
	case commits > a.most():
		w.violate("I6: request %d %s had %d effects at once", a.number, a.what, commits)
	case a.looks && r.status == http.StatusOK && commits == 0:
	case r.status == http.StatusConflict && a.method == http.MethodDelete && strings.Contains(r.body, "is being released"): // what keeps it goes by this very request
	case a.notes && commits == 1 && r.status >= 400: // what the NFVO's package has was noted, and that stands
	case commits > 0 && r.status >= 400 && r.status < 500:
		w.violate("I7: request %d %s was refused with %d %s, and its effect stands", a.number, a.what, r.status, r.body)
	case commits == 0 && r.status < 300 && a.key == "":
		w.violate("I7: request %d %s was answered %d, and has no effect", a.number, a.what, r.status)
	}
}

func (w *world) again(a *ask, after time.Duration) {
	if slices.Contains(w.clients.waiting, a) {
		return
	}
	a.next = w.now.Add(after)
	w.clients.waiting = append(w.clients.waiting, a)
}

// instance returns an instance as its view shows it, nil when there is none.
func (w *world) instance(id string) *vnf.Instance {
	return view[vnf.Instance](w, readmodel.KindVnf, id)
}

func (w *world) opOcc(id string) *vnf.OpOcc { return view[vnf.OpOcc](w, readmodel.KindOpOcc, id) }

func view[T any](w *world, kind, id string) *T {
	ref := eventstore.ViewRef{Kind: kind, ID: id}
	l, err := w.live.Load(context.Background(), eventstore.Load{Views: []eventstore.ViewRef{ref}})
	w.must(err)
	if l.Views[ref] == nil {
		return nil
	}
	var out T
	w.must(json.Unmarshal(l.Views[ref].Doc, &out))
	return &out
}

// setUp gives the lanes out and onboards the packages.
func (w *world) setUp() {
	w.quiet = true
	for _, n := range w.nodes {
		_, err := n.lease.RunOnce(context.Background())
		w.must(err)
	}
	w.onboard(w.nodes[0])
	w.subscribe()
}

// recorder keeps an answer.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
