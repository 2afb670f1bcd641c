package dbtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// Each test's database is empty and its own.
func TestPostgres_fresh(t *testing.T) {
	for range 2 {
		c, err := pgx.Connect(t.Context(), dbtest.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "create table only_here (x int)"); err != nil {
			t.Error(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// What was committed is there after a crash.
func TestCluster_kill(t *testing.T) {
	c, err := dbtest.Start(true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	exec := func(sql string) {
		t.Helper()
		p, err := pgx.Connect(t.Context(), c.URL())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	exec("create table kept (x int)")
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	exec("insert into kept values (1)")
}
