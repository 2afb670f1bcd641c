package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/notify/notifytest"
	"github.com/vnfm/vnfm/secret"
)

// subscribers want to be told of everything, and misbehave: they are away for a while, hang, lose their answers, and refuse
// single notifications for good.
type subscribers struct {
	planned int // subscriptions that clients will ask for
	asked   int
	all     []*subscriber
	taken   notifytest.Subscribers
	config  notify.Config // what all nodes have alike
	mended  bool          // what they refused, they take from now on

	made    map[string]bool                    // notifications that the program made, by subscription and id
	told    map[string]bool                    // those that arrived
	givenUp map[string]bool                    // those that were given up, ever
	began   map[string][eventstore.Lanes]int64 // heads of the lanes when each subscription was committed
	ended   map[string]bool                    // subscriptions deleted
}

// subscriber is one receiver, with at most one subscription.
type subscriber struct {
	uri, password string
	id            string // of its subscription, when a client was told
	unwanted      bool   // somebody asked for its end
	deleted       bool   // a client was told so
	until         time.Time
	as            error           // what it answers until then
	refuses       map[string]bool // ids of notifications
}

// longAge is the age at which nothing is given up within a run.
const longAge = 24 * time.Hour

// hangs is how long a delivery without an answer takes.
const hangs = 10 * time.Second

// drawSubscribers decides who subscribes. In half of the seeds nobody does: the program then does less.
func (w *world) drawSubscribers() {
	s := &w.subscribers
	s.planned = max(w.rng.IntN(6)-2, 0)
	s.made, s.told, s.givenUp, s.ended = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	s.began = map[string][eventstore.Lanes]int64{}
	keys, err := secret.Parse(secret.NewKey())
	w.must(err)
	s.config = notify.Config{
		Keys: keys, Body: vnflcm.NotificationOf("http://vnfm"), NewID: w.newID, Logger: quietLog, Keep: longAge,
		MaxAge:     pick(w.rng, []time.Duration{longAge, 2 * time.Minute, 15 * time.Minute}),
		MaxBackoff: pick(w.rng, []time.Duration{10 * time.Second, time.Minute}), PerSubscription: 1 + w.rng.IntN(2),
	}
	s.taken.Before, s.taken.After = w.beforeTelling, w.afterTelling
	s.taken.Auth = func(uri string, a *egress.Auth) {
		if sub := w.subscriberAt(uri); sub.password != "" && (a == nil || a.Basic == nil || a.Basic.Password != sub.password) {
			w.violate("I5: %s was told without its password", uri)
		}
	}
}

func (w *world) subscriberAt(uri string) *subscriber {
	all := w.subscribers.all
	return all[slices.IndexFunc(all, func(s *subscriber) bool { return s.uri == uri })]
}

// toldOf is what a subscriber reads of a notification.
type toldOf struct {
	ID             string `json:"id"`
	SubscriptionID string `json:"subscriptionId"`
}

func (t toldOf) key() string { return t.SubscriptionID + "/" + t.ID }

func (w *world) toldOf(body []byte) (t toldOf) {
	w.must(json.Unmarshal(body, &t))
	return t
}

// beforeTelling is a subscriber's answer before it has taken a notification, or, without a body, to a test.
func (w *world) beforeTelling(uri string, body []byte) error {
	s := w.subscriberAt(uri)
	if w.fault(SubscriberAway) {
		s.until = w.now.Add(w.between(time.Second, pick(w.rng, []time.Duration{20 * time.Second, 5 * time.Minute})))
		s.as = pick(w.rng, []error{
			egress.Failure(egress.Unreachable, "connection refused"), answered(http.StatusInternalServerError, 0), answered(http.StatusUnauthorized, 0),
			answered(http.StatusServiceUnavailable, 7*time.Second),
		})
	}
	if !w.quiet && s.until.After(w.now) {
		return s.as
	}
	if w.fault(SubscriberHangs) {
		w.block(w.now.Add(hangs))
		return egress.Failure(egress.Timeout, "no answer in time")
	}
	if body == nil {
		return nil
	}
	t := w.toldOf(body)
	if w.fault(SubscriberRefuses) && w.subscribers.config.MaxAge < longAge {
		s.refuses[t.ID] = true
	}
	if s.refuses[t.ID] && !w.subscribers.mended {
		return answered(http.StatusUnprocessableEntity, 0)
	}
	return nil
}

// afterTelling is a subscriber's answer when it has taken a notification.
func (w *world) afterTelling(_ string, body []byte) error {
	w.subscribers.told[w.toldOf(body).key()] = true
	if w.fault(SubscriberForgetful) {
		if w.rng.IntN(2) == 0 {
			w.block(w.now.Add(hangs))
		}
		return egress.Failure(egress.Timeout, "no answer in time")
	}
	return nil
}

func answered(status int, retryAfter time.Duration) error {
	return &egress.Error{Class: egress.Status, StatusCode: status, RetryAfter: retryAfter}
}

// chooseSubscription is a request about a subscription, nil when it is none's turn.
func (w *world) chooseSubscription() *ask {
	s := &w.subscribers
	if s.planned == 0 || w.rng.IntN(8) > 0 {
		return nil
	}
	if s.asked < s.planned {
		return w.askSubscribe()
	}
	if w.rng.IntN(2) == 0 {
		for _, sub := range s.all {
			if sub.id != "" && !sub.unwanted {
				return w.askUnsubscribe(sub)
			}
		}
	}
	for _, r := range w.notices("FAILED") {
		return w.askTellAgain(r.ID)
	}
	return nil
}

func (w *world) askSubscribe() *ask {
	s := &w.subscribers
	s.asked++
	sub := &subscriber{uri: fmt.Sprintf("http://subscriber-%d/in", s.asked), refuses: map[string]bool{}}
	s.all = append(s.all, sub)
	body := map[string]any{"callbackUri": sub.uri, "verbosity": pick(w.rng, []string{"FULL", "SHORT"})}
	if w.rng.IntN(2) == 0 {
		sub.password = "password of " + sub.uri
		body["authentication"] = map[string]any{
			"authType": []string{"BASIC"}, "paramsBasic": map[string]any{"userName": "vnfm", "password": sub.password},
		}
	}
	return &ask{
		what: "subscribe " + sub.uri, method: http.MethodPost, path: lcmRoot + "/subscriptions", body: encode(body),
		finish: func(r reply) {
			if r.status == http.StatusCreated {
				sub.id = lastPart(r.location)
			}
		},
	}
}

func (w *world) askUnsubscribe(sub *subscriber) *ask {
	sub.unwanted = true
	return &ask{
		what: "unsubscribe " + sub.uri, method: http.MethodDelete, path: lcmRoot + "/subscriptions/" + sub.id,
		finish: func(r reply) { sub.deleted = sub.deleted || r.status == http.StatusNoContent },
	}
}

func (w *world) askTellAgain(row string) *ask {
	return &ask{what: "tell again " + row, method: http.MethodPost, path: "/vnfm/v1/notifications/" + row + "/retry", finish: func(reply) {}}
}

// subscribe has the first of the subscribers subscribe before anything fails.
func (w *world) subscribe() {
	if w.subscribers.planned > 0 {
		w.send(w.askSubscribe())
	}
	for len(w.tasks) > 0 {
		w.step()
	}
}

// notices are the rows of notifications in a state.
func (w *world) notices(state string) []eventstore.Record {
	rows, err := w.store.Records(context.Background(), eventstore.RecordQuery{Table: eventstore.TableNotifications, State: state})
	w.must(err)
	return rows
}

// tellAgain has an operator try again what was given up, once the subscribers take what they refused.
func (w *world) tellAgain() bool {
	w.subscribers.mended = true
	rows := w.notices(notify.StateFailed)
	for _, r := range rows {
		w.operatorAsks(w.askTellAgain(r.ID))
	}
	return len(rows) > 0
}

// judgeNotices: a notification is made once for a subscription; it is taken off its queue when it was told, and given up only
// when it is too old.
func (w *world) judgeNotices(c *eventstore.Commit) {
	s := &w.subscribers
	for i := range c.Events {
		switch id := strings.TrimPrefix(c.Events[i].Stream, notify.StreamPrefix); c.Events[i].Type {
		case (&notify.SubscriptionCreated{}).EventType():
			s.began[id] = w.observed.heads
		case (&notify.SubscriptionDeleted{}).EventType():
			s.ended[id] = true
		}
	}
	for i := range c.Records {
		r := &c.Records[i]
		if r.Table != eventstore.TableNotifications || r.State != notify.StatePending && r.State != notify.StateFailed {
			continue
		}
		var n notify.Notification
		w.must(json.Unmarshal(r.Doc, &n))
		key := n.Subscription + "/" + n.ID
		switch {
		case r.Delete:
			if !s.told[key] && !s.ended[n.Subscription] {
				w.violate("I5: notification %s was taken off its queue, and nobody was told", key)
			}
		case r.State == notify.StateFailed:
			if c.Time.Before(n.GiveUp) || s.config.MaxAge == longAge {
				w.violate("I5: notification %s was given up before %s", key, n.GiveUp)
			}
			s.givenUp[key] = true
		case r.Expected == 0 && s.made[key]:
			w.violate("I5: notification %s was made twice", key)
		default:
			s.made[key] = true
		}
	}
}

// dropsOnly reports whether a commit is no more than the removal of notifications that nobody will be told: what is left to
// do after the end of a subscription, which a worker does as well.
func dropsOnly(c *eventstore.Commit) bool {
	return len(c.Records) > 0 && len(c.Appends)+len(c.Cursors) == 0 && !slices.ContainsFunc(c.Records, func(r eventstore.RecordWrite) bool {
		return !r.Delete || r.Table != eventstore.TableNotifications
	})
}

// whileMade returns the notifications of events from while a subscription was being made: after the heads of lanes it was
// given, and before its commit. It may hear of them.
func (w *world) whileMade(sub *notify.Subscription) (ids []string) {
	for lane, end := range w.subscribers.began[sub.ID] {
		if sub.From[lane] >= end {
			continue
		}
		events, err := w.store.ReadLane(context.Background(), lane, sub.From[lane], int(end-sub.From[lane]))
		w.must(err)
		for i := range events {
			ids = append(ids, message.DeriveID("notification", events[i].ID))
		}
	}
	return ids
}

// checkSubscribers checks the second half of I5: each subscriber was told everything that came after its subscription was made, in
// order, or it is listed as given up. At the end nothing is.
func (w *world) checkSubscribers() {
	ctx := context.Background()
	s := &w.subscribers
	views, err := w.store.Views(ctx, eventstore.ViewQuery{Kind: notify.KindSubscription})
	w.must(err)
	there := map[string]bool{}
	for _, v := range views {
		var sub notify.Subscription
		w.must(json.Unmarshal(v.Doc, &sub))
		if there[sub.CallbackURI] {
			w.violate("I6: %s has two subscriptions", sub.CallbackURI)
		}
		there[sub.ID], there[sub.CallbackURI] = true, true
		except := w.whileMade(&sub)
		for _, key := range slices.Sorted(maps.Keys(s.givenUp)) {
			if id, is := strings.CutPrefix(key, sub.ID+"/"); is {
				except = append(except, id)
			}
		}
		wrong, err := notifytest.Check(ctx, w.store, sub.From, s.taken.Told(sub.CallbackURI), except...)
		w.must(err)
		for _, x := range wrong {
			w.violate("I5: subscriber %s: %s", sub.CallbackURI, x)
		}
	}
	listed := map[string]bool{}
	for _, r := range w.notices(notify.StateFailed) {
		var n notify.Notification
		w.must(json.Unmarshal(r.Doc, &n))
		listed[n.Subscription+"/"+n.ID] = true
	}
	for _, key := range slices.Sorted(maps.Keys(s.givenUp)) {
		if sub, _, _ := strings.Cut(key, "/"); there[sub] && !s.told[key] && !listed[key] {
			w.violate("I5: notification %s was given up, and is not listed", key)
		}
	}
	for _, r := range slices.Concat(w.notices(notify.StatePending), w.notices("QUEUE")) {
		w.violate("I5: %s %s waits", r.State, r.ID)
	}
	for _, sub := range s.all {
		switch {
		case sub.deleted && there[sub.id]:
			w.violate("I7: subscription %s was deleted and is there", sub.id)
		case sub.id != "" && !sub.unwanted && !there[sub.id]:
			w.violate("I7: subscription %s was made and is not there", sub.id)
		}
	}
}
