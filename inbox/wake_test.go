package inbox_test

import (
	"context"
	"database/sql"
	"strconv"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // a connection beside the stores

	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
)

// told hands on the messages that a node handles.
type told chan string

func (told) Load([]message.Message) eventstore.Load { return eventstore.Load{} }

func (h told) Decide(_ *eventstore.Loaded, msgs []message.Message, _ *eventstore.Commit) error {
	for _, m := range msgs {
		h <- m.ID
	}
	return nil
}

// A message that node A commits in a lane of node B is handled by B at once, though B would look for itself in a minute only; also
// when the connection that B listens on was lost, for what was committed meanwhile too.
func TestRun_hears_of_what_another_node_commits(t *testing.T) {
	url := dbtest.Postgres(t)
	open := func() *postgres.Store {
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}

	atA, atB := open(), open()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 8)
	running := 0
	run := func(loop func(context.Context) error) {
		running++
		go func() { ended <- loop(ctx) }()
	}
	defer func() {
		stop()
		for range running {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}()

	keeper := lease.New(lease.Config{Store: atB, Node: eventstore.Node{ID: "b", Roles: []string{"r"}}, TTL: time.Hour, Now: time.Now, Logger: quiet})
	if _, err := keeper.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	handled := make(told, 100)
	feed := outbox.NewFeed(atB, 0)
	b := embedded.New(embedded.Config{Source: feed, Poll: time.Minute, Logger: quiet})
	b.Subscribe(inbox.New(inbox.Config{
		Name: "c", Handlers: map[string]inbox.Handler{"topic": handled}, Store: atB, Doer: eventstore.NewCommitter(atB, eventstore.CommitterConfig{Logger: quiet}),
		Epochs: keeper.Role("r"), Logger: quiet,
	}))
	listening := make(chan struct{}, 100)
	run(b.Run)
	run(eventstore.NewTeller(eventstore.TellerConfig{Waker: atB, Logger: quiet, Heard: func(w eventstore.Wake) {
		feed.Heard(w)
		listening <- struct{}{}
	}}).Run)
	teller := eventstore.NewTeller(eventstore.TellerConfig{Waker: atA, Logger: quiet, Heard: func(w eventstore.Wake) {
		if len(w.Heads) > 0 && w.Heads[eventstore.LaneOf("a")].Outbox > 100 {
			t.Error("a node hears itself")
		}
	}})
	run(teller.Run)
	doer := eventstore.NewCommitter(atA, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){teller.OnCommit}, Logger: quiet})
	n := 0
	publish := func() string {
		t.Helper()
		n++
		m := message.Message{ID: strconv.Itoa(n), Topic: "topic", Key: "a", Data: []byte(`{}`)}
		_, err := doer.Do(t.Context(), &eventstore.Work{Keys: []string{"a"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Outbox: []message.Message{m}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-handled:
			if got != want {
				t.Fatalf("message %s is handled, want %s", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("message %s is not handled", want)
		}
	}
	<-listening // B has connected
	for range 10 {
		expect(publish())
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var lost int
	if err := db.QueryRowContext(t.Context(), `select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and query like 'listen %') x`).Scan(&lost); err != nil || lost != 2 {
		t.Fatalf("%d listening connections are lost, want 2: %v", lost, err)
	}
	for range 10 {
		expect(publish())
	}
}
