package notify_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/aggregate/aggregatetest"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

func attribute(err error) string {
	var e *vnfm.Error
	if errors.As(err, &e) {
		return e.Attribute
	}
	return ""
}

func TestDuplicateIsTheOneThereIs(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		filter := func(order ...int) *notify.Filter {
			ids := []string{"a", "b", "c"}
			f := &notify.Filter{Instances: &notify.InstanceFilter{Providers: []notify.ProviderFilter{{Provider: "p2"}, {Provider: "p1"}}}}
			for _, i := range order {
				f.Instances.IDs = append(f.Instances.IDs, ids[i])
			}
			slices.SortFunc(f.Instances.Providers, func(x, y notify.ProviderFilter) int { return order[0] * strings.Compare(x.Provider, y.Provider) })
			return f
		}
		first := w.subscribe(notify.Subscribe{Filter: filter(0, 1, 2)})
		var there *notify.DuplicateError
		if _, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback, Filter: filter(2, 0, 1), Verbosity: notify.Short}, by); !errors.As(err, &there) || there.ID != first.ID {
			t.Errorf("the same filter in another order: %v", err)
		}
		w.subscribe(notify.Subscribe{Filter: filter(1, 2)})
		w.subscribe(notify.Subscribe{Filter: filter(0, 1, 2), CallbackURI: callback + "/2"})
		if _, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback, Filter: filter(0, 1, 2)}, request.Info{Actor: "em"}); err != nil {
			t.Errorf("of another caller: %v", err)
		}
		w.cfg.Duplicates = true
		w.node = w.start("a")
		w.subscribe(notify.Subscribe{Filter: filter(0, 1, 2)})
	})
}

// Equal requests at once make one subscription.
func TestEqualRequestsAtOnce(t *testing.T) {
	w := newWorld(t, "memory")
	made := make(chan string, 8)
	var all sync.WaitGroup
	w.store, w.clock = memory.New(memory.Config{}), nil
	w.cfg.Store, w.cfg.NewID = w.store, nil
	w.cfg.Doer, w.cfg.Epochs = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), nil
	for range 8 {
		svc, err := notify.New(w.cfg)
		w.must(err)
		all.Go(func() {
			if s, err := svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback}, by); err == nil {
				made <- s.ID
			} else if d := (*notify.DuplicateError)(nil); !errors.As(err, &d) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(made) != 1 {
		t.Errorf("%d subscriptions, want 1", len(made))
	}
}

// An equal request that comes while the callback of the first is tested makes the subscription; the first finds it there. Seen
// failing with two of them made.
func TestEqualRequestDuringTheTest(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		var other *notify.Subscription
		w.subs.Before = func(string, []byte) error {
			w.subs.Before = nil
			other = w.subscribe(notify.Subscribe{})
			return nil
		}
		_, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback}, by)
		if d := (*notify.DuplicateError)(nil); !errors.As(err, &d) || d.ID != other.ID {
			t.Errorf("%v, want that it is %s", err, other.ID)
		}
	})
}

func TestCallbackIsTested(t *testing.T) {
	w := newWorld(t, "memory")
	w.subs.Before = func(string, []byte) error { return down }
	_, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/callbackUri" || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v at %q", err, attribute(err))
	}
	w.cfg.SkipTest = true
	w.node = w.start("a")
	w.subscribe(notify.Subscribe{})
}

func TestCallbacksThatAreNone(t *testing.T) {
	w := newWorld(t, "memory")
	for _, uri := range []string{"", "/in", "ftp://x/in", "https://u:" + canary + "@x/in", "https:///in", "https://x/in#f", "https://x/" + strings.Repeat("a", 2048)} {
		_, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: uri}, by)
		if vnfm.KindOf(err) != vnfm.Invalid || attribute(err) != "/callbackUri" || strings.Contains(fmt.Sprint(err), canary) {
			t.Errorf("%.40s: %v", uri, err)
		}
	}
	_, err := w.svc.Subscribe(t.Context(), notify.Subscribe{CallbackURI: callback, Auth: &egress.Auth{Types: []string{egress.TLSCert}}}, by)
	if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != "/authentication" {
		t.Errorf("nothing to authenticate with: %v", err)
	}
}

func TestOnlyTheCallersOwn(t *testing.T) {
	w := newWorld(t, "memory")
	s := w.subscribe(notify.Subscribe{})
	other := request.Info{Actor: "em"}
	if _, err := w.svc.Get(t.Context(), s.ID, "", other); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("shown to another: %v", err)
	}
	if err := w.svc.Delete(t.Context(), s.ID, "", other); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("deleted by another: %v", err)
	}
	if got, err := w.svc.Get(t.Context(), s.ID, "", by); err != nil || got.CallbackURI != callback || got.Verbosity != notify.Full {
		t.Errorf("%+v, %v", got, err)
	}
	w.must(w.svc.Delete(t.Context(), s.ID, "", by))
	if err := w.svc.Delete(t.Context(), s.ID, "", by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

// The credentials are used, and are found nowhere but sealed.
func TestCredentialsAreFoundNowhere(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		used := 0
		w.subs.Auth = func(_ string, a *egress.Auth) {
			if a.Basic.Password != canary || a.OAuth2.ClientPassword != canary {
				t.Errorf("used are %+v", a)
			}
			used++
		}
		w.subs.Before = func(_ string, body []byte) error {
			if body != nil && used%2 == 1 {
				return down
			}
			return nil
		}
		s := w.subscribe(notify.Subscribe{Auth: &egress.Auth{
			Types: []string{egress.BasicAuth, egress.OAuth2ClientCredentials}, Basic: &egress.Basic{UserName: "u", Password: canary},
			OAuth2: &egress.OAuth2{ClientID: "c", ClientPassword: canary, TokenEndpoint: "https://t.example"},
		}})
		w.create("v1")
		w.settle()
		if used < 2 {
			t.Errorf("used %d times", used)
		}
		dump := w.log.String() + fmt.Sprintf("%+v", s)
		events, err := w.store.ReadStream(t.Context(), notify.StreamPrefix+s.ID, 0, 10)
		w.must(err)
		views, err := w.store.Views(t.Context(), eventstore.ViewQuery{Kind: notify.KindSubscription})
		w.must(err)
		for _, table := range eventstore.Tables {
			rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: table})
			w.must(err)
			for _, r := range rows {
				dump += string(r.Doc)
			}
		}
		for _, e := range events {
			dump += string(e.Data)
		}
		for _, v := range views {
			dump += string(v.Doc)
		}
		if strings.Contains(dump, "c4nary") || len(events) == 0 || len(views) == 0 {
			t.Errorf("found: %s", dump)
		}
	})
}

// A rebuild of the views gives what is there (I4).
func TestViewsAreWhatTheEventsGive(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.subscribe(notify.Subscribe{Filter: &notify.Filter{States: []vnf.OpState{vnf.Failed}}, Base: "http://here"})
		gone := w.subscribe(notify.Subscribe{})
		w.must(w.svc.Delete(t.Context(), gone.ID, "", by))
		registry, err := aggregate.NewRegistry(notify.Forms()...)
		w.must(err)
		diffs, err := readmodel.Compare(t.Context(), w.store, notify.Source(notify.Repository(registry)))
		if err != nil || len(diffs) > 0 {
			t.Errorf("%v, %v", diffs, err)
		}
	})
}

// A subscription hears of what comes after it, whatever the projector had seen or not.
func TestHearsOfWhatComesAfterIt(t *testing.T) {
	w := newWorld(t, "memory")
	w.create("early")
	w.project() // nobody listens
	w.create("unseen")
	s := w.subscribe(notify.Subscribe{})
	w.create("late")
	w.node = w.start("a") // what had been seen is forgotten
	w.settle()
	w.check(s, callback)
	if told := w.subs.Told(""); len(told) != 1 || told[0].Vnf != "late" {
		t.Errorf("%v", told)
	}
	if n := w.subs.Posted(); n != 1 {
		t.Errorf("%d posts", n)
	}
}

// Seen failing with Unavailable, once per process.
func TestSnapshotsOfAnotherSchemaDoNotMatter(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		first := w.subscribe(notify.Subscribe{})
		aggregatetest.OtherSchema(t, w.store)
		w.node = w.start("a")
		w.subscribe(notify.Subscribe{CallbackURI: callback + "/2"})
		w.must(w.svc.Delete(t.Context(), first.ID, "", by))
	})
}

// A subscriber is told what its owner's reference point sees, and nothing else. Seen failing with the narrowing left out.
func TestSubscribersAreToldWhatTheirReferencePointSees(t *testing.T) {
	w := newWorld(t, "memory")
	w.cfg.Body = func(n *notify.Notice, s *notify.Subscription, at time.Time) ([]byte, error) {
		b, err := body(n, s, at)
		return append(b[:len(b)-1], []byte(`,"changedInfo":{"vimConnectionInfo":{"a":{}},"metadata":{"zoneId":"mine"}},"affectedVnfcs":[{"id":"c","zoneId":"z"}]}`)...), err
	}
	w.node = w.start("b")
	w.pass(20 * time.Second) // until the lanes are this node's
	const orchestrator, manager = "https://nfvo.example/or", "https://ems.example/ve"
	w.subscribe(notify.Subscribe{CallbackURI: orchestrator})
	w.subscribe(notify.Subscribe{CallbackURI: manager, Point: sol.VeVnfm})
	w.create("v1")
	w.instantiate("v1", "o1")
	w.settle()
	for uri, sees := range map[string]bool{orchestrator: true, manager: false} {
		told := w.subs.Told(uri)
		if len(told) == 0 {
			t.Fatalf("%s was told nothing", uri)
		}
		for _, n := range told {
			got := string(n.Body)
			if strings.Contains(got, "vimConnectionInfo") != sees || strings.Contains(got, `"zoneId":"z"`) != sees || !strings.Contains(got, `"zoneId":"mine"`) {
				t.Errorf("%s is told %s", uri, got)
			}
		}
	}
}
