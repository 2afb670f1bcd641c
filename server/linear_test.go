package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/vnfm/vnfm/internal/dbtest"
)

// life is what a VNF instance is in the eyes of its clients: the state of the model that recorded histories are held
// against.
type life string

const (
	lifeIdle          life = "not instantiated"
	lifeInstantiating life = "being instantiated"
	lifeRunning       life = "instantiated"
	lifeTerminating   life = "being terminated"
	lifeGone          life = "deleted"
)

// told is what a client is told. Without an answer, lost, nothing is known: the request may have had its effect, or have
// it yet.
type told struct {
	status int
	lost   bool
	// Of a GET: the state, and whether the links offer to instantiate or to terminate.
	instantiated, mayInstantiate, mayTerminate bool
}

// rules are the model's; a test takes some out.
type rules struct {
	noConflicts bool // an operation may begin while another is under way
	noEnd       bool // an operation never ends by itself
}

// model says what may be told next in each state. That an operation ends is nobody's request: it may have happened at
// any moment.
func (r rules) model() porcupine.Model {
	return (&porcupine.NondeterministicModel{
		Init: func() []any { return []any{lifeIdle} },
		Step: func(state, input, output any) []any {
			now, _ := state.(life)
			out, _ := output.(told)
			next := []any{}
			for _, s := range r.later(now) {
				for _, after := range r.step(s, fmt.Sprint(input), out) {
					if !slices.Contains(next, any(after)) {
						next = append(next, after)
					}
				}
			}
			return next
		},
	}).ToModel()
}

// later returns the states that a state may have become without a request.
func (r rules) later(s life) []life {
	switch {
	case r.noEnd:
	case s == lifeInstantiating:
		return []life{s, lifeRunning}
	case s == lifeTerminating:
		return []life{s, lifeIdle}
	}
	return []life{s}
}

// step returns the states after an answer that may be given, none when it may not.
func (r rules) step(s life, asked string, out told) []life {
	want, after := http.StatusConflict, s
	accepted := func(from, to life, status int) {
		if s == from || r.noConflicts && s != lifeGone {
			want, after = status, to
		}
	}
	switch asked {
	case "instantiate":
		accepted(lifeIdle, lifeInstantiating, http.StatusAccepted)
	case "terminate":
		accepted(lifeRunning, lifeTerminating, http.StatusAccepted)
	case "delete":
		accepted(lifeIdle, lifeGone, http.StatusNoContent)
	default:
		want = http.StatusOK
	}
	if s == lifeGone {
		want = http.StatusNotFound
	}
	switch {
	case out.lost:
		return []life{s, after}
	case out.status != want:
		return nil
	case asked == "get" && want == http.StatusOK:
		saw := told{
			status: want, instantiated: s == lifeRunning || s == lifeTerminating, mayInstantiate: s == lifeIdle, mayTerminate: s == lifeRunning,
		}
		if out != saw {
			return nil
		}
	}
	return []life{after}
}

// history is what the clients of one VNF recorded.
type history struct {
	mu     sync.Mutex
	ops    []porcupine.Operation
	lost   int
	counts map[string]int // of requests, by what was asked and the status
}

func (h *history) add(client int, asked string, call, end time.Time, out told) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[fmt.Sprintf("%s %d", asked, out.status)]++
	op := porcupine.Operation{ClientId: client, Input: asked, Call: call.UnixNano(), Output: out, Return: end.UnixNano()}
	if out.lost {
		if asked == "get" {
			return
		}
		h.lost++
		op.Return = math.MaxInt64 // it may have its effect yet
	}
	h.ops = append(h.ops, op)
}

// mayLose reports whether another answer may be lost. Each one without an end multiplies what the checker must try.
func (h *history) mayLose() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost < 6
}

// whole reports whether the VNF has been through its life: as often on a slow machine as on a quick one.
func (h *history) whole() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts["terminate 202"] > 0 && h.counts["terminate 409"] > 0 && h.counts["instantiate 409"] > 0
}

// work asks for random things until the context ends.
func (h *history) work(ctx context.Context, p *program, client int, url string, rng *rand.Rand) {
	for ctx.Err() == nil {
		asked := []string{"get", "get", "get", "instantiate", "terminate", "instantiate", "terminate"}[rng.IntN(7)]
		if rng.IntN(30) == 0 {
			asked = "delete"
		}
		patience := 10 * time.Second
		drop := rng.IntN(12) == 0 && h.mayLose()
		if drop && rng.IntN(2) == 0 { // hang up
			patience = time.Duration(rng.IntN(4000)) * time.Microsecond
		}
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		call := time.Now()
		out := ask(one, asked, url)
		end := time.Now()
		cancel()
		out.lost = out.lost || drop || out.status == http.StatusServiceUnavailable
		h.add(client, asked, call, end, out)
		if out.status == http.StatusInternalServerError {
			p.t.Errorf("%s: status %d", asked, out.status)
			return
		}
	}
}

// ask makes one request, without an Idempotency-Key: an answer that is lost stays so.
func ask(ctx context.Context, asked, url string) told {
	method, body := http.MethodPost, ""
	switch asked {
	case "get":
		method = http.MethodGet
	case "delete":
		method = http.MethodDelete
	case "instantiate":
		url, body = url+"/instantiate", `{"flavourId":"standard"}`
	case "terminate":
		url, body = url+"/terminate", `{"terminationType":"FORCEFUL"}`
	}
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return told{lost: true}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return told{lost: true}
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return told{lost: true}
	}
	out := told{status: res.StatusCode}
	var v struct {
		InstantiationState string         `json:"instantiationState"`
		Links              map[string]any `json:"_links"`
	}
	if asked == "get" && out.status == http.StatusOK && json.Unmarshal(b, &v) == nil {
		out.instantiated = v.InstantiationState == "INSTANTIATED"
		out.mayInstantiate, out.mayTerminate = v.Links["instantiate"] != nil, v.Links["terminate"] != nil
	}
	return out
}

// Several clients at once work with each of some VNFs; answers are lost, and on PostgreSQL all connections to the
// database. There must be an order in which the answers of each VNF, one after the other, follow the rules: else somebody
// was told what was not so.
func TestEachVnfIsLinearizable(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, append(args, "--vim-poll-interval=5ms", "--log-level=error")...)
		const vnfs, clients = 8, 3
		var vnf []string
		for n := range vnfs {
			vnf = append(vnf, p.url+"/vnflcm/v2/vnf_instances/"+p.create(fmt.Sprintf("linear-%d", n)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var all []*history
		var working sync.WaitGroup
		for n, url := range vnf {
			h := &history{counts: map[string]int{}}
			all = append(all, h)
			for c := range clients {
				working.Go(func() { h.work(ctx, p, c, url, rand.New(rand.NewPCG(uint64(n), uint64(c)))) })
			}
		}
		tick := time.NewTicker(800 * time.Millisecond)
		defer tick.Stop()
		for n := 0; n < 5 || !slices.ContainsFunc(all, (*history).whole) && ctx.Err() == nil; n++ {
			<-tick.C
			if p.cfg.Database == "" || n > 5 && n%5 != 0 { // on a slow machine what is under way has to come to an end, too
				continue
			}
			if err := dbtest.Disconnect(t.Context(), p.cfg.Database); err != nil {
				t.Errorf("end all connections: %v", err)
			}
		}
		cancel()
		working.Wait()
		counts := map[string]int{}
		requests := 0
		for n, h := range all {
			switch got, info := porcupine.CheckOperationsVerbose(rules{}.model(), h.ops, time.Minute); got {
			case porcupine.Ok:
			case porcupine.Unknown:
				t.Errorf("VNF %d: no verdict about %d requests", n, len(h.ops))
			default:
				t.Errorf("VNF %d: no order of %d requests explains their answers; left by the longest that explains most: %v", n, len(h.ops), unexplained(h.ops, info))
			}
			requests += len(h.ops)
			for what, k := range h.counts {
				counts[what] += k
			}
		}
		for _, want := range []string{"instantiate 202", "instantiate 409", "terminate 202", "terminate 409", "get 200"} {
			if counts[want] == 0 {
				t.Errorf("nobody was answered %q: %v", want, counts)
			}
		}
		// The histories are such that a wrong model does not explain them.
		for name, wrong := range map[string]rules{"without conflicts": {noConflicts: true}, "without an end": {noEnd: true}} {
			if !slices.ContainsFunc(all, func(h *history) bool {
				return porcupine.CheckOperationsTimeout(wrong.model(), h.ops, time.Minute) == porcupine.Illegal
			}) {
				t.Errorf("a model %s explains every history", name)
			}
		}
		t.Logf("%d histories, %d requests: %v", len(all), requests, counts)
	})
}

// unexplained returns some of what the longest order found leaves out, for people.
func unexplained(ops []porcupine.Operation, info porcupine.LinearizationInfo) (out []string) {
	best := []int{}
	for _, partition := range info.PartialLinearizations() {
		for _, order := range partition {
			if len(order) > len(best) {
				best = order
			}
		}
	}
	for i, op := range ops {
		if !slices.Contains(best, i) && len(out) < 8 {
			out = append(out, fmt.Sprintf("client %d %v: %+v", op.ClientId, op.Input, op.Output))
		}
	}
	return out
}

// What may be told and what may not, by hand: checker and model tell them apart.
func TestTheModelKnowsWhatMayNotBeTold(t *testing.T) {
	type said struct {
		asked     string
		call, end int64
		out       told
	}
	status := func(code int) told { return told{status: code} }
	never := int64(math.MaxInt64)
	fresh := told{status: 200, mayInstantiate: true}
	for name, c := range map[string]struct {
		ops []said
		ok  bool
	}{
		"a life": {[]said{
			{"get", 1, 2, fresh}, {"instantiate", 3, 4, status(202)}, {"delete", 5, 6, status(409)},
			{"get", 7, 8, status(200)}, {"get", 9, 10, told{status: 200, instantiated: true, mayTerminate: true}},
			{"terminate", 11, 12, status(202)}, {"get", 13, 14, told{status: 200, instantiated: true}},
			{"delete", 15, 16, status(204)}, {"get", 17, 18, status(404)},
		}, true},
		"two at once, one wins":                              {[]said{{"instantiate", 1, 5, status(202)}, {"instantiate", 2, 4, status(409)}}, true},
		"two at once, both win":                              {[]said{{"instantiate", 1, 5, status(202)}, {"instantiate", 2, 4, status(202)}}, false},
		"two at once, both lose":                             {[]said{{"instantiate", 1, 5, status(409)}, {"instantiate", 2, 4, status(409)}}, false},
		"a refusal before what it is for":                    {[]said{{"instantiate", 1, 2, status(409)}, {"instantiate", 3, 4, status(202)}}, false},
		"a lost answer explains a refusal":                   {[]said{{"instantiate", 1, never, told{lost: true}}, {"instantiate", 3, 4, status(409)}}, true},
		"a lost answer without an effect":                    {[]said{{"instantiate", 1, never, told{lost: true}}, {"instantiate", 3, 4, status(202)}}, true},
		"a lost answer has no effect before it is asked for": {[]said{{"instantiate", 1, 2, status(409)}, {"instantiate", 3, never, told{lost: true}}}, false},
		"what was accepted is forgotten":                     {[]said{{"instantiate", 1, 2, status(202)}, {"get", 3, 4, fresh}}, false},
		"a state that is taken back":                         {[]said{{"instantiate", 1, 2, status(202)}, {"get", 3, 4, told{status: 200, instantiated: true, mayTerminate: true}}, {"get", 5, 6, status(200)}}, false},
		"deleted, and there again":                           {[]said{{"delete", 1, 2, status(204)}, {"get", 3, 4, fresh}}, false},
		"deleted twice":                                      {[]said{{"delete", 1, 2, status(204)}, {"delete", 3, 4, status(204)}}, false},
		"deleted while an operation is under way":            {[]said{{"instantiate", 1, 2, status(202)}, {"delete", 3, 4, status(204)}}, false},
		"links that offer what the state forbids":            {[]said{{"get", 1, 2, told{status: 200, mayTerminate: true}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var ops []porcupine.Operation
			for i, o := range c.ops {
				ops = append(ops, porcupine.Operation{ClientId: i, Input: o.asked, Call: o.call, Output: o.out, Return: o.end})
			}
			if got := porcupine.CheckOperations(rules{}.model(), ops); got != c.ok {
				t.Errorf("linearizable: %v, want %v", got, c.ok)
			}
		})
	}
}
