package postgres_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/message"
)

// captured reads a slot, as Kafka Connect does, and keeps the rows that it is let have: "table id payload".
type captured struct {
	t    *testing.T
	conn *pgconn.PgConn
	rel  map[uint32]relation
	rows []string
}

type relation struct {
	name    string
	columns []string
}

func capture(t *testing.T, url, name string) *captured {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), url+"&replication=database")
	if err != nil {
		t.Fatal(err)
	}
	c := &captured{t: t, conn: conn, rel: map[uint32]relation{}}
	conn.Frontend().Send(&pgproto3.Query{String: fmt.Sprintf(`START_REPLICATION SLOT "%s" LOGICAL 0/0 (proto_version '1', publication_names '%s')`, name, name)})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := conn.ReceiveMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *pgproto3.CopyBothResponse:
			return c
		case *pgproto3.ErrorResponse:
			t.Fatal(m.Message)
		}
	}
}

func (c *captured) close() { _ = c.conn.Close(context.WithoutCancel(c.t.Context())) }

// until reads until a row with an id has come.
func (c *captured) until(id string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	for !slices.ContainsFunc(c.rows, func(row string) bool { return strings.Contains(row, " "+id+" ") }) {
		m, err := c.conn.ReceiveMessage(ctx)
		if err != nil {
			c.t.Fatalf("waited in vain for %s: %v; read %q", id, err, c.rows)
		}
		switch m := m.(type) {
		case *pgproto3.CopyData:
			if m.Data[0] == 'w' {
				c.change(m.Data[25:])
			}
		case *pgproto3.ErrorResponse:
			c.t.Fatal(m.Message)
		}
	}
}

// change takes a message of pgoutput: a relation or an insertion.
func (c *captured) change(b []byte) {
	kind := b[0]
	if kind != 'R' && kind != 'I' {
		return
	}
	id, rest := binary.BigEndian.Uint32(b[1:]), b[5:]
	text := func() string {
		i := bytes.IndexByte(rest, 0)
		s := string(rest[:i])
		rest = rest[i+1:]
		return s
	}
	if kind == 'R' {
		text() // the schema
		r := relation{name: text()}
		n := int(binary.BigEndian.Uint16(rest[1:]))
		rest = rest[3:]
		for range n {
			rest = rest[1:]
			r.columns = append(r.columns, text())
			rest = rest[8:]
		}
		c.rel[id] = r
		return
	}
	r, values := c.rel[id], map[string]string{}
	rest = rest[3:] // 'N' and how many columns
	for _, column := range r.columns {
		if was := rest[0]; was != 't' {
			values[column], rest = "null", rest[1:]
			continue
		}
		n := binary.BigEndian.Uint32(rest[1:])
		values[column], rest = string(rest[5:5+n]), rest[5+n:]
	}
	c.rows = append(c.rows, fmt.Sprint(r.name, " ", values["id"], " ", values["payload"], values["data"], " ", values["ce_dataref"]))
}

func commit(t *testing.T, s *postgres.Store, c eventstore.Commit) {
	t.Helper()
	_, err := s.Execute(t.Context(), []*eventstore.Work{{Keys: []string{"v"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return c.Clone(), nil }}})
	if err != nil {
		t.Fatal(err)
	}
}

// moved moves a relay's cursor over all there is.
func moved(t *testing.T, s *postgres.Store, relay string, to int64) {
	t.Helper()
	lane := eventstore.LaneOf("v")
	leases, err := s.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: "me", Roles: []string{"relay"}}, Want: eventstore.LanesOf("relay", lane), TTL: 60_000})
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Cursors(t.Context(), relay)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, eventstore.Commit{Cursors: []eventstore.CursorMove{{
		Consumer: relay, Role: "relay", Lane: lane, From: at[lane].Offset, To: to, Epoch: leases.Held[0].Epoch,
	}}})
}

// A capture is let have every row from the change of the mode on, and none before; and none after the relays have taken over. It takes over only when
// its slot is read and the relays have sent all.
func TestPublishing_has_a_boundary(t *testing.T) {
	url := dbtest.Logical(t)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Address: func(e *eventstore.Event) string { return "/events/" + e.Stream }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	c := eventstore.Capture{Name: "boundary", Streams: []string{"vnf-"}, MessageRelay: "relay", EventRelay: "events"}
	state := func() eventstore.Publishing {
		t.Helper()
		p, err := s.Publishing(t.Context(), c.Name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	busy := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, eventstore.ErrBusy) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if p := state(); p.Mode != eventstore.Polling || p.Slot != nil || p.Publication || !p.Logical {
		t.Fatalf("%+v", p)
	}
	both := func(id string, size int) eventstore.Commit {
		data := []byte(`"` + strings.Repeat("x", size) + `"`)
		return eventstore.Commit{
			Appends: []eventstore.Append{
				{Stream: "vnf-" + id, Events: []eventstore.Event{{ID: "e" + id, Type: "t", Data: data}}}, {Stream: "pkg-" + id, Events: []eventstore.Event{{ID: "p" + id, Type: "t"}}},
			},
			Outbox: []message.Message{{ID: "m" + id, Topic: "tp", Key: "v", Data: data}},
		}
	}
	commit(t, s, both("1", 1))
	for range 2 { // it may be done again
		if err := s.MakeCapture(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	moved(t, s, "relay", 1)
	moved(t, s, "events", 2)
	busy("nobody reads", s.PublishByCapture(t.Context(), c, 0, 10*time.Millisecond))
	reader := capture(t, url, c.Name)
	defer reader.close()
	commit(t, s, both("2", 1))
	busy("the relays have not sent all", s.PublishByCapture(t.Context(), c, 0, 10*time.Millisecond))
	moved(t, s, "relay", 2)
	busy("the events are not sent", s.PublishByCapture(t.Context(), c, 0, 10*time.Millisecond))
	moved(t, s, "events", 4)
	busy("another epoch", s.PublishByCapture(t.Context(), c, 7, 10*time.Millisecond))
	if err := s.PublishByCapture(t.Context(), c, 0, time.Second); err != nil {
		t.Fatal(err)
	}
	if p := state(); p.Mode != eventstore.CDC || p.Epoch != 1 || p.Slot == nil || !p.Slot.Active || !p.Slot.Ours {
		t.Fatalf("%+v %+v", p, p.Slot)
	}
	commit(t, s, both("3", 1))
	commit(t, s, both("4", 600_000))
	reader.until("m4")
	reader.until("e4")
	slices.Sort(reader.rows)
	lane := eventstore.LaneOf("v")
	want := []string{"events e3 \\x227822 null", "events e4 null /events/vnf-4", "outbox m3 \\x227822 null", fmt.Sprintf("outbox m4 null outbox:%d/4", lane)}
	if !slices.Equal(reader.rows, want) {
		t.Errorf("read %.300q, want %q", reader.rows, want)
	}
	if box, err := s.ReadOutbox(t.Context(), lane, 3, 1); err != nil || len(box) != 1 || len(box[0].Data) != 600_002 {
		t.Errorf("the message that is too large for a record is not read whole: %v", err)
	}
	if l, err := s.Load(t.Context(), eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "vnf-4"}}}); err != nil || len(l.Streams["vnf-4"].Events[0].Data) != 600_002 {
		t.Errorf("the event that is too large for a record is not loaded whole: %v", err)
	}
	busy("a capture that publishes is not removed", s.RemoveCapture(t.Context(), c))
	if err := s.PublishByRelay(t.Context(), c, 1, "a test"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, both("5", 1))
	if p := state(); p.Mode != eventstore.Polling || p.Epoch != 2 || p.Publication || p.Reason != "a test" {
		t.Fatalf("%+v", p)
	}
	for err := eventstore.ErrBusy; errors.Is(err, eventstore.ErrBusy); { // until its reader is gone
		err = s.RemoveCapture(t.Context(), c)
		if err != nil && !errors.Is(err, eventstore.ErrBusy) {
			t.Fatal(err)
		}
	}
	if p := state(); p.Slot != nil {
		t.Fatalf("%+v", p.Slot)
	}
	if slices.ContainsFunc(reader.rows, func(r string) bool { return strings.Contains(r, "5 ") }) {
		t.Errorf("let through after the relays had taken over: %q", reader.rows)
	}
}

// A slot that somebody else made by the name is told from ours, and what a node is set to is remembered.
func TestPublishing_tells_whose_slot_it_is(t *testing.T) {
	url := dbtest.Logical(t)
	s := openAt(t, url)
	defer func() { _ = s.Close() }()
	if err := s.WantPublishing(t.Context(), eventstore.CDC); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "select pg_create_logical_replication_slot('whose', 'pgoutput')"); err != nil {
		t.Fatal(err)
	}
	p, err := s.Publishing(t.Context(), "whose")
	if err != nil || p.Wanted != eventstore.CDC || p.Slot == nil || p.Slot.Ours {
		t.Fatalf("%+v %+v %v", p, p.Slot, err)
	}
	if err := s.RemoveCapture(t.Context(), eventstore.Capture{Name: "whose"}); err != nil {
		t.Fatal(err)
	}
	if p, err = s.Publishing(t.Context(), "whose"); err != nil || p.Slot != nil {
		t.Fatalf("%+v %v", p.Slot, err)
	}
}

// While the change waits for the relays, commits wait for it, and no longer than they are told to.
func TestPublishing_lets_commits_go_on_when_the_relays_are_late(t *testing.T) {
	url := dbtest.Logical(t)
	s := openAt(t, url)
	defer func() { _ = s.Close() }()
	c := eventstore.Capture{Name: "late", MessageRelay: "relay"}
	if err := s.MakeCapture(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	reader := capture(t, url, c.Name)
	defer reader.close()
	commit(t, s, eventstore.Commit{Outbox: []message.Message{{ID: "m1", Topic: "tp", Key: "v"}}})
	done := make(chan error, 1)
	go func() { done <- s.PublishByCapture(t.Context(), c, 0, 300*time.Millisecond) }()
	commit(t, s, eventstore.Commit{Outbox: []message.Message{{ID: "m2", Topic: "tp", Key: "v"}}})
	if err := <-done; !errors.Is(err, eventstore.ErrBusy) {
		t.Fatal(err)
	}
	if p, err := s.Publishing(t.Context(), c.Name); err != nil || p.Mode != eventstore.Polling {
		t.Fatalf("%+v %v", p, err)
	}
}
