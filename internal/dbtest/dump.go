package dbtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Dump returns every value of every table of a database as text, bytes as they are: to look for what must not be there. It
// fails when there is no table.
func Dump(ctx context.Context, url string) (_ string, err error) {
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close(ctx)) }()
	rows, err := db.Query(ctx, "select table_schema, table_name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')")
	if err != nil {
		return "", fmt.Errorf("list tables: %w", err)
	}
	type table struct{ Schema, Name string }
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil || len(tables) == 0 {
		return "", fmt.Errorf("%d tables: %w", len(tables), err)
	}
	var b strings.Builder
	for _, t := range tables {
		rows, err := db.Query(ctx, "select * from "+pgx.Identifier{t.Schema, t.Name}.Sanitize())
		if err != nil {
			return "", fmt.Errorf("read %s: %w", t.Name, err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return "", fmt.Errorf("read %s: %w", t.Name, err)
			}
			fmt.Fprint(&b, t.Name)
			for _, v := range values {
				if raw, ok := v.([]byte); ok {
					v = string(raw)
				}
				fmt.Fprint(&b, " ", v)
			}
			b.WriteByte('\n')
		}
		if err := rows.Err(); err != nil {
			return "", fmt.Errorf("read %s: %w", t.Name, err)
		}
	}
	return b.String(), nil
}
