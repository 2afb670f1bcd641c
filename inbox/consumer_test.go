package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/message"
)

const lane = 7

// key returns the n-th key of the lane.
func key(n int) string {
	for i := 0; ; i++ {
		if k := fmt.Sprint("key-", i); eventstore.LaneOf(k) == lane {
			if n == 0 {
				return k
			}
			n--
		}
	}
}

// fixture is a consumer whose handler records messages as ledger rows, but for those it is told to refuse.
type fixture struct {
	t        *testing.T
	store    eventstore.Store
	config   inbox.Config
	doer     *eventstore.Committer
	consumer *inbox.Consumer
	refuse   map[string]error
	seen     func(message.Message)
	works    int
	offset   int64
	epoch    int64
	held     bool
	fault    error // at point
	point    string
}

func newFixture(t *testing.T) *fixture {
	var f *fixture
	f = newFixtureOn(t, memory.New(memory.Config{Fault: func(point string) error {
		if f == nil {
			return nil
		}
		if point == memory.FaultBegin {
			f.works++
		}
		if point == f.point {
			return f.fault
		}
		return nil
	}}))
	f.point = memory.FaultBegin
	return f
}

func newFixtureOn(t *testing.T, store eventstore.Store) *fixture {
	f := &fixture{t: t, refuse: map[string]error{}, held: true, store: store}
	leases, err := f.store.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: "me"}, Want: eventstore.LanesOf("", lane), TTL: 3_600_000})
	if err != nil {
		t.Fatal(err)
	}
	f.epoch = leases.Held[0].Epoch
	f.doer = eventstore.NewCommitter(f.store, eventstore.CommitterConfig{Logger: quiet})
	f.config = inbox.Config{
		Name: "me", Handlers: map[string]inbox.Handler{"topic": f, "other": f}, Store: f.store, Doer: f.doer, Epochs: f,
		Attempts: 3, Logger: quiet,
	}
	f.restart()
	return f
}

func (f *fixture) Role() string            { return "" }
func (f *fixture) Epoch(int) (int64, bool) { return f.epoch, f.held }

func (f *fixture) Load([]message.Message) eventstore.Load { return eventstore.Load{} }

func (f *fixture) Decide(_ *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for _, m := range msgs {
		if err := f.refuse[m.ID]; err != nil {
			return err
		}
		if f.seen != nil {
			f.seen(m)
		}
		if m.Key != msgs[0].Key {
			f.t.Errorf("messages of %s and %s together", m.Key, msgs[0].Key)
		}
		c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
			Table: eventstore.TableVimCommands, ID: m.ID, Key: m.Key, Doc: []byte(`{}`),
		}})
	}
	return nil
}

func (f *fixture) message(k, topic string) bus.Record {
	f.offset++
	return bus.Record{Offset: f.offset, Message: message.Message{
		ID: fmt.Sprintf("m%02d", f.offset), Topic: topic, Key: k, Data: []byte(`{}`),
	}}
}

// deliver hands the messages over until they are handled or parked, at most n times, and returns the last error.
func (f *fixture) deliver(n int, ms ...bus.Record) (err error) {
	f.t.Helper()
	to := ms[len(ms)-1].Offset
	for range n {
		from := f.cursor()
		d := bus.Delivery{Lane: lane, From: from, To: to}
		for _, m := range ms {
			if m.Offset > from {
				d.Messages = append(d.Messages, m)
			}
		}
		var at int64
		at, err = f.consumer.Deliver(f.t.Context(), d)
		if at != f.cursor() {
			f.t.Fatalf("Deliver returned %d, the cursor is at %d", at, f.cursor())
		}
		if at == to {
			return err
		}
	}
	return err
}

func (f *fixture) cursor() int64 {
	p, err := f.consumer.Positions(context.WithoutCancel(f.t.Context()))
	if err != nil {
		f.t.Fatal(err)
	}
	return p[lane].Offset
}

func (f *fixture) handled() (ids []string) {
	rs, err := f.store.Records(f.t.Context(), eventstore.RecordQuery{Table: eventstore.TableVimCommands})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range rs {
		ids = append(ids, r.ID)
	}
	return ids
}

func (f *fixture) parked() (ids []string) {
	ps, err := f.store.Parked(f.t.Context(), eventstore.ParkedQuery{Consumer: "me"})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range ps {
		ids = append(ids, p.ID)
	}
	return ids
}

func (f *fixture) expect(what string, got []string, want ...string) {
	f.t.Helper()
	if !slices.Equal(got, want) {
		f.t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// Seen failing with Deliver beginning with the single messages: four transactions.
func TestDeliver_handles_a_run_of_many_keys_in_one_commit(t *testing.T) {
	f := newFixture(t)
	ms := []bus.Record{
		f.message(key(0), "topic"), f.message(key(1), "topic"), f.message(key(0), "other"), f.message(key(0), "topic"),
	}
	f.works = 0
	if err := f.deliver(1, ms...); err != nil {
		t.Fatal(err)
	}
	f.expect("handled", f.handled(), "m01", "m02", "m03", "m04")
	if f.works != 1 {
		t.Fatalf("%d transactions", f.works)
	}
}

// Messages of one key stay in order though they are of several topics. Seen failing with all of a topic handled at once, and with a
// message handed to the handler of another topic.
func TestDeliver_keeps_the_order_of_a_key_over_topics(t *testing.T) {
	f := newFixture(t)
	var order []string
	f.seen = func(m message.Message) { order = append(order, m.ID+" "+m.Topic) }
	f.config.Handlers = map[string]inbox.Handler{"topic": ofTopic{f, "topic"}, "other": ofTopic{f, "other"}}
	f.restart()
	if err := f.deliver(1,
		f.message(key(0), "topic"), f.message(key(0), "other"), f.message(key(0), "topic"), f.message(key(0), "topic"), f.message(key(0), "other"),
	); err != nil {
		t.Fatal(err)
	}
	f.expect("handled", order, "m01 topic", "m02 other", "m03 topic", "m04 topic", "m05 other")
}

// ofTopic is the handler of one topic.
type ofTopic struct {
	*fixture

	topic string
}

func (h ofTopic) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for _, m := range msgs {
		if m.Topic != h.topic {
			h.t.Errorf("the handler of %s is given %s of %s", h.topic, m.ID, m.Topic)
		}
	}
	return h.fixture.Decide(l, msgs, c)
}

// design §4: "relay publishes, dies before moving its cursor | published twice; consumers drop the duplicate".
func TestDeliver_behind_the_cursor_is_refused(t *testing.T) {
	f := newFixture(t)
	m := f.message(key(0), "topic")
	if err := f.deliver(1, m); err != nil {
		t.Fatal(err)
	}
	_, err := f.consumer.Deliver(t.Context(), bus.Delivery{Lane: lane, From: 0, To: 1, Messages: []bus.Record{m}})
	if !errors.Is(err, eventstore.ErrFenced) {
		t.Fatalf("a run behind the cursor: %v", err)
	}
}

func TestDeliver_of_nothing_moves_the_cursor(t *testing.T) {
	f := newFixture(t)
	to, err := f.consumer.Deliver(t.Context(), bus.Delivery{Lane: lane, From: 0, To: 9})
	if err != nil || to != 9 || f.cursor() != 9 {
		t.Fatalf("at %d, cursor %d, %v", to, f.cursor(), err)
	}
}

// design §4: "poison message | after n attempts it and every later message of its VNF move to parked_messages in the
// commit that moves the cursor; visible, re-drivable in order; other VNFs go on".
// Seen failing with the l.Parked check removed (a later message of the key overtakes), and with Redrive not sorted.
func TestPoison_is_parked_with_every_later_message_of_its_key_and_redriven_in_order(t *testing.T) {
	f := newFixture(t)
	bad, good := key(0), key(1)
	ms := []bus.Record{
		f.message(bad, "topic"), f.message(bad, "topic"), f.message(good, "topic"), f.message(bad, "topic"),
	}
	f.refuse["m02"] = errors.New("poison")
	for attempt := 1; attempt < 3; attempt++ {
		if err := f.deliver(1, ms...); err == nil {
			t.Fatal("a failed message is no success")
		}
		f.expect("parked too early", f.parked())
	}
	if err := f.deliver(1, ms...); err != nil {
		t.Fatal(err)
	}
	f.expect("handled", f.handled(), "m01", "m03")
	f.expect("parked", f.parked(), "m02", "m04")

	if err := f.deliver(1, f.message(bad, "topic"), f.message(good, "topic")); err != nil {
		t.Fatal(err)
	}
	f.expect("handled", f.handled(), "m01", "m03", "m06")
	f.expect("parked", f.parked(), "m02", "m04", "m05")

	if _, err := f.consumer.Redrive(t.Context(), "m04"); err == nil {
		t.Fatal("the poison is still there")
	}
	f.expect("parked", f.parked(), "m02", "m04", "m05")
	delete(f.refuse, "m02")
	if n, err := f.consumer.Redrive(t.Context(), "m04"); err != nil || n != 3 {
		t.Fatalf("%d re-driven, %v", n, err)
	}
	f.expect("handled", f.handled(), "m01", "m02", "m03", "m04", "m05", "m06")
	f.expect("parked", f.parked())
	if err := f.deliver(1, f.message(bad, "topic")); err != nil {
		t.Fatal(err)
	}
	f.expect("parked after the key is free again", f.parked())
	if _, err := f.consumer.Redrive(t.Context(), "m99"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Fatalf("re-drive of nothing: %v", err)
	}
}

// To handle the messages of one key again is to say nothing about those of others.
func TestRedrive_leaves_other_keys_alone(t *testing.T) {
	f := newFixture(t)
	ms := []bus.Record{f.message(key(0), "topic"), f.message(key(1), "topic")}
	f.refuse["m01"], f.refuse["m02"] = errors.New("poison"), errors.New("poison")
	for len(f.parked()) < len(ms) {
		_ = f.deliver(1, ms...) // fails until both are parked
	}
	clear(f.refuse)
	if n, err := f.consumer.Redrive(t.Context(), "m02"); err != nil || n != 1 {
		t.Fatalf("%d re-driven, %v", n, err)
	}
	f.expect("handled", f.handled(), "m02")
	f.expect("parked", f.parked(), "m01")
}

// A message that is given up is never handled, not even when it comes again later; those of its key behind it are, in order.
func TestSkip_gives_one_up_and_goes_on(t *testing.T) {
	f := newFixture(t)
	ms := []bus.Record{f.message(key(0), "topic"), f.message(key(0), "topic"), f.message(key(1), "topic"), f.message(key(0), "topic")}
	f.refuse["m01"], f.refuse["m03"] = errors.New("poison"), errors.New("poison")
	for len(f.parked()) < len(ms) {
		_ = f.deliver(1, ms...) // fails until all are parked
	}
	delete(f.refuse, "m03")
	if n, err := f.consumer.Skip(t.Context(), "m01"); err != nil || n != 2 {
		t.Fatalf("%d handled behind it, %v", n, err)
	}
	f.expect("handled", f.handled(), "m02", "m04")
	f.expect("parked", f.parked(), "m03")
	clear(f.refuse)
	if err := f.deliver(1, ms...); err != nil {
		t.Fatal(err)
	}
	f.expect("handled after all came again", f.handled(), "m02", "m04")
	if _, err := f.consumer.Skip(t.Context(), "m01"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Fatalf("given up twice: %v", err)
	}
}

// design §4: "database down | nothing is acknowledged; all resumes". Seen failing with wait() always false.
func TestDatabase_away_loses_nothing_and_parks_nothing(t *testing.T) {
	f := newFixture(t)
	m := f.message(key(0), "topic")
	f.fault = eventstore.ErrUnavailable
	if err := f.deliver(10, m); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Fatal(err)
	}
	f.fault = nil
	if err := f.deliver(1, m); err != nil {
		t.Fatal(err)
	}
	f.expect("handled", f.handled(), "m01")
	f.expect("parked", f.parked())
}

func TestHandler_that_is_unavailable_is_asked_for_ever(t *testing.T) {
	f := newFixture(t)
	m := f.message(key(0), "topic")
	f.refuse["m01"] = vnfm.Errorf(vnfm.Unavailable, "try again")
	if err := f.deliver(10, m); err == nil {
		t.Fatal("it was handled")
	}
	f.expect("parked", f.parked())
}

func TestLane_not_held_is_left_alone(t *testing.T) {
	f := newFixture(t)
	f.held = false
	if err := f.deliver(1, f.message(key(0), "topic")); !errors.Is(err, eventstore.ErrFenced) || f.consumer.Owns(lane) {
		t.Fatal(err)
	}
	f.expect("handled", f.handled())
}
