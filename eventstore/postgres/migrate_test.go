package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
)

// TestOlderDatabase: a database that an older program has written is read as if this one had.
func TestOlderDatabase(t *testing.T) {
	url := dbtest.Postgres(t)
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg)
	p, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{
		{readmodel.KindVnf, "v", `{"name":"fw","vnfdId":"d","provider":"p","productName":"q"}`, "fw", "d", "p", "q"},
		{readmodel.KindOpOcc, "o", `{"operation":"TERMINATE","startTime":"2026-01-02T03:04:05Z"}`, "TERMINATE", "2026-01-02T03:04:05.000000000Z", "", ""},
	} {
		if _, err := db.ExecContext(t.Context(), `insert into views (kind, id, revision, parent, state, name, updated, doc, attr1, attr2, attr3, attr4)
			values ($1, $2, 1, '', '', '', now(), $3, $4, $5, $6, $7)`, row...); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []string{
		`insert into saga_instances (id, type, def_version, key, parent, state, version, lane, data, created, updated)
			values ('g', 't', 1, 'v', '', 'RUNNING', 3, 7, '{"whole":true}', now(), now())`,
		`insert into saga_steps (command_id, saga, seq, step, item, direction, attempt, state, class, reason)
			values ('c2', 'g', 2, 'st', 'it', 'undo', 1, 'FAILED', 'quota', 'full'), ('c1', 'g', 1, 'st', 'it', 'do', 1, 'SUCCEEDED', '', '')`,
		`insert into events (lane, off, stream, version, id, type, schema, at, meta, data, hash) values
			(7, 1, 'vnf-v', 1, 'e1', 't', 1, now(), convert_to('{"correlationId":"c","causationId":"a","traceparent":"p"}', 'utf8'), convert_to('{}', 'utf8'), convert_to('h', 'utf8')),
			(7, 2, 'opocc-o', 1, 'e2', 't', 1, now(), convert_to('{}', 'utf8'), convert_to('{"vnfInstanceId":"v"}', 'utf8'), convert_to('h', 'utf8')),
			(7, 3, 'opocc-o', 2, 'e3', 't', 1, now(), convert_to('{}', 'utf8'), convert_to('{}', 'utf8'), convert_to('h', 'utf8')),
			(7, 4, 'sub-s', 1, 'e4', 't', 1, now(), convert_to('{}', 'utf8'), convert_to('{}', 'utf8'), convert_to('h', 'utf8'))`,
		`insert into outbox (lane, off, id, aggregatetype, aggregateid, type, payload, topic, ce_source, ce_time, correlation, causation,
			reply_to, traceparent, tracestate) values (7, 9, 'm', 'tp', 'v', 't', convert_to('{}', 'utf8'), 'tp', '/s', now(), 'c', '', '', '', '')`,
	} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, url)
	defer func() { _ = s.Close() }()
	for kind, terms := range map[string][]string{
		readmodel.KindVnf:   {"(eq,name,fw)", "(eq,vnfdId,d)", "(eq,provider,p)", "(eq,productName,q)"},
		readmodel.KindOpOcc: {"(eq,operation,TERMINATE)", "(gte,startTime,2026-01-02T03:04:05Z)"},
	} {
		for _, term := range terms {
			f, err := filter.Parse(term)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := s.Views(t.Context(), eventstore.ViewQuery{Kind: kind, Where: f, Columns: readmodel.Columns(kind)})
			if err != nil || len(rows) != 1 {
				t.Error(fmt.Sprintf("%s %s finds %d rows", kind, term, len(rows)), err)
			}
		}
	}
	events, err := s.ReadLane(t.Context(), 7, 0, 10)
	if err != nil || len(events) != 4 || events[0].Key != "v" || events[1].Key != "v" || events[2].Key != "v" || events[3].Key != "" {
		t.Error(events, err)
	}
	box, err := s.ReadOutbox(t.Context(), 7, 0, 10)
	if err != nil || len(box) != 1 || box[0].Topic != "tp" || box[0].CorrelationID != "c" || box[0].CausationID != "" {
		t.Error(box, err)
	}
	l, err := s.Load(t.Context(), eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: "g"}}})
	if err != nil || string(l.Sagas["g"].Data) != `{"whole":true}` || l.Sagas["g"].Version != 3 || l.Sagas["g"].Plan != nil {
		t.Error(l.Sagas["g"], err)
	}
	steps, err := s.Steps(t.Context(), "g")
	if err != nil || len(steps) != 2 || steps[0].CommandID != "c1" || steps[1].Class != "quota" {
		t.Error(steps, err)
	}
}

// TestRowsHaveWhatRecordsNeed: whoever makes records of rows finds all of it in columns, and null where there is nothing.
func TestRowsHaveWhatRecordsNeed(t *testing.T) {
	url := dbtest.Postgres(t)
	s := openAt(t, url)
	defer func() { _ = s.Close() }()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = s.Execute(t.Context(), []*eventstore.Work{{Keys: []string{"v"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{
			Appends: []eventstore.Append{{Stream: "opocc-o", Events: []eventstore.Event{
				{ID: "e1", Type: "t", Meta: []byte(`{"correlationId":"c","causationId":"a","traceparent":"p"}`)}, {ID: "e2", Type: "t"},
			}}},
			Outbox: []message.Message{{ID: "m1", Topic: "tp", Key: "v", Traceparent: "p"}},
		}, nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"select key || ' ' || correlation || ' ' || causation || ' ' || traceparent || ' ' || ce_source || ' ' || ce_specversion from events where id = 'e1'":                      "v c a p /vnfm/events 1.0",
		"select key || ' ' || coalesce(correlation, 'null') || coalesce(causation, 'null') || coalesce(traceparent, 'null') from events where id = 'e2'":                           "v nullnullnull",
		"select aggregatetype || ' ' || aggregateid || ' ' || traceparent || ' ' || ce_specversion || coalesce(correlation, causation, reply_to, tracestate, ' null') from outbox": "tp v p 1.0 null",
	} {
		var got string
		err := conn.QueryRow(t.Context(), query).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%q, want %q: %v", got, want, err)
		}
	}
}
