package api_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/notify/notifytest"
	"github.com/vnfm/vnfm/readmodel"
)

func TestIdempotencyKeyReplaysTheWholeAnswer(t *testing.T) {
	w := newWorld(t)
	first := w.do("POST", vnfs, newID, "Idempotency-Key", "k1").want(201)
	again := w.do("POST", vnfs, newID, "Idempotency-Key", "k1").want(201)
	if again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("Idempotency-Replayed: %q, then %q", first.header.Get("Idempotency-Replayed"), again.header.Get("Idempotency-Replayed"))
	}
	for _, name := range []string{"Location", "Etag", "Content-Type", "Version", "Content-Length"} {
		if first.header.Get(name) != again.header.Get(name) || first.header.Get(name) == "" {
			t.Errorf("%s: %q, then %q", name, first.header.Get(name), again.header.Get(name))
		}
	}
	if first.body != again.body || w.cases.effects != 1 {
		t.Errorf("%d effects; bodies\n%s\n%s", w.cases.effects, first.body, again.body)
	}
}

// Seen failing also with the method left out of what a request is known by.
func TestIdempotencyKeyOfAnotherRequest(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", vnfs, newID, "Idempotency-Key", "k1").want(201).id()
	w.do("POST", vnfs, newID+" ", "Idempotency-Key", "k1").want(422, "another request")
	w.do("POST", pkgs, newID, "Idempotency-Key", "k1").want(422)
	w.do("DELETE", vnfs+"/"+id, "", "Idempotency-Key", "k1").want(422)
	if w.cases.effects != 1 {
		t.Errorf("%d effects", w.cases.effects)
	}
	const patch = `{"vnfInstanceName":"x"}`
	w.do("PATCH", vnfs+"/"+id, patch, "Content-Type", "application/merge-patch+json", "Idempotency-Key", "k2").want(202)
	w.do("DELETE", vnfs+"/"+id, patch, "Idempotency-Key", "k2").want(422, "another request")
}

// A key has as many characters as every database takes. Seen failing with a bound of ten times as many.
func TestIdempotencyKeysAreBounded(t *testing.T) {
	w := newWorld(t)
	w.do("POST", vnfs, newID, "Idempotency-Key", strings.Repeat("k", 255)).want(201)
	w.do("POST", vnfs, newID, "Idempotency-Key", strings.Repeat("k", 256)).want(400, "255")
}

func TestIdempotencyKeyBelongsToItsCaller(t *testing.T) {
	caller := "a"
	w := newWorld(t, func(c *apiConfig) { c.Authenticate = as(&caller, access.NFVO) })
	first := w.do("POST", vnfs, newID, "Idempotency-Key", "k").want(201).id()
	caller = "b"
	if second := w.do("POST", vnfs, newID, "Idempotency-Key", "k").want(201).id(); first == second {
		t.Error("another caller got the answer")
	}
}

func TestAnswersWithoutAnEffectAreNotStored(t *testing.T) {
	w := newWorld(t)
	w.do("POST", vnfs, `{"vnfdId":"unknown"}`, "Idempotency-Key", "k").want(422)
	w.do("POST", vnfs, newID, "Idempotency-Key", "k").want(201)
	w.cases.fail = vnfm.Errorf(vnfm.Conflict, "busy")
	w.do("POST", vnfs, newID, "Idempotency-Key", "k2").want(409)
	w.cases.fail = nil
	w.do("POST", vnfs, newID, "Idempotency-Key", "k2").want(201)
}

func TestEveryMutationReplays(t *testing.T) {
	w := newWorld(t)
	vnf := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	spare := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	pkg := pkgs + "/" + w.do("POST", pkgs, "{}").want(201).id()
	op := ops + "/" + w.do("POST", spare+"/terminate", `{"terminationType":"FORCEFUL"}`).want(202).id()
	const zip, patch = "application/zip", "application/merge-patch+json"
	for _, c := range []struct {
		method, path, body, media string
		status                    int
	}{
		{"POST", vnf + "/instantiate", `{"flavourId":"f"}`, "application/json", 202},
		{"POST", op + "/retry", "", "", 202},
		{"POST", op + "/rollback", "", "", 202},
		{"POST", op + "/cancel", `{"cancelMode":"FORCEFUL"}`, "application/json", 202},
		{"PUT", pkg + "/package_content", "PK-content", zip, 202},
		{"PATCH", pkg, `{"operationalState":"ENABLED"}`, patch, 200},
		{"DELETE", spare, "", "", 204},
	} {
		key := c.method + c.path
		first := w.do(c.method, c.path, c.body, "Content-Type", c.media, "Idempotency-Key", key).want(c.status)
		before := w.cases.effects
		again := w.do(c.method, c.path, c.body, "Content-Type", c.media, "Idempotency-Key", key)
		if strings.HasPrefix(c.path, op) { // the fake's tasks commit nothing, so nothing is stored
			continue
		}
		again.want(c.status)
		if again.header.Get("Idempotency-Replayed") != "true" || again.body != first.body || w.cases.effects != before {
			t.Errorf("%s %s was not replayed: %v", c.method, c.path, again.header)
		}
	}
	w.do("PUT", pkg+"/package_content", "PK-other", "Content-Type", zip, "Idempotency-Key", "PUT"+pkg+"/package_content").want(422)
}

// TestEqualIdempotencyKeysAtOnce is the line "equal Idempotency-Keys at once" of design.md §4. Seen failing with the
// second replay removed from once: those who lost the race answered 409.
func TestEqualIdempotencyKeysAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.doer.Run(ctx) }()
	const n = 50
	w.cases.block = make(chan struct{})
	w.cases.arrived.Add(n)
	replies := make([]reply, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { replies[i] = w.do("POST", vnfs, newID, "Idempotency-Key", "same") })
	}
	w.cases.arrived.Wait() // all of them have found no stored answer before the first commits
	close(w.cases.block)
	wg.Wait()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, r := range replies {
		r.want(201)
		if r.body != replies[0].body || r.header.Get("Location") != replies[0].header.Get("Location") {
			t.Fatalf("answers differ:\n%s\n%s", r.body, replies[0].body)
		}
	}
	views, err := w.store.Views(t.Context(), eventstore.ViewQuery{Kind: readmodel.KindVnf})
	if err != nil || len(views) != 1 {
		t.Errorf("%d instances, %v", len(views), err)
	}
}

// A line of design.md §4, "database down": without knowing whether the key was used nothing may be done. Seen failing with
// the error of the first replay ignored.
func TestStoreThatCannotSayWhetherTheKeyWasUsed(t *testing.T) {
	w := newWorld(t, func(c *apiConfig) { c.Views = deaf{c.Views} })
	w.do("POST", vnfs, newID, "Idempotency-Key", "k").want(503)
	if w.cases.effects != 0 {
		t.Error("the use case ran")
	}
}

type deaf struct{ eventstore.Reader }

func (deaf) Load(context.Context, eventstore.Load) (*eventstore.Loaded, error) {
	return nil, eventstore.ErrUnavailable
}

// A refusal is not said while nobody knows whether an equal request was carried out (invariant I7). Found by seed 141 of
// the simulation; seen failing with the error of the second replay ignored.
func TestStoreThatCannotSayAfterARefusalWhetherTheKeyWasUsed(t *testing.T) {
	w := newWorld(t, func(c *apiConfig) { c.Views = &deafLater{Reader: c.Views} })
	w.cases.fail = vnfm.Errorf(vnfm.Conflict, "busy")
	w.do("POST", vnfs, newID, "Idempotency-Key", "k").want(503)
}

// deafLater answers once.
type deafLater struct {
	eventstore.Reader
	asked bool
}

func (d *deafLater) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	if d.asked {
		return nil, eventstore.ErrUnavailable
	}
	d.asked = true
	return d.Reader.Load(ctx, l)
}

// A request that lost the race for its key to an equal one is answered with the subscription that was made, not told that
// there is one (303). Found by seed 48 of the simulation; seen failing with the key read again after errors only.
func TestEqualSubscriptionsAtOnce(t *testing.T) {
	const body = `{"callbackUri":"http://nfvo.example/in"}`
	var w *world
	var won reply
	first := true
	subs := &notifytest.Subscribers{Before: func(string, []byte) error {
		if first { // while the callback of the one is tested, the other comes and goes
			first = false
			won = w.do("POST", "/vnflcm/v2/subscriptions", body, "Idempotency-Key", "k")
		}
		return nil
	}}
	w = newWorld(t, func(c *apiConfig) {
		store := c.Views.(*memory.Store)
		doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{Logger: c.Log})
		service, err := notify.New(notify.Config{Store: store, Doer: doer, Sender: subs, Logger: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		c.Subscriptions = service
	})
	lost := w.do("POST", "/vnflcm/v2/subscriptions", body, "Idempotency-Key", "k")
	if won.status != 201 || lost.status != 201 || lost.header.Get("Location") != won.header.Get("Location") || lost.body != won.body {
		t.Errorf("answered %d %s, and the equal request %d %s", lost.status, lost.body, won.status, won.body)
	}
}
