package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/internal/dbtest"
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
	l, err := s.Load(t.Context(), eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: "g"}}})
	if err != nil || string(l.Sagas["g"].Data) != `{"whole":true}` || l.Sagas["g"].Version != 3 || l.Sagas["g"].Plan != nil {
		t.Error(l.Sagas["g"], err)
	}
	steps, err := s.Steps(t.Context(), "g")
	if err != nil || len(steps) != 2 || steps[0].CommandID != "c1" || steps[1].Class != "quota" {
		t.Error(steps, err)
	}
}
