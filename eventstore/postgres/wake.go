package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/eventstore"
)

var _ eventstore.Waker = (*Store)(nil)

// told is what goes over the wire: programs of this schema hear it, the teller too.
type told struct {
	From string `json:"f"`
	eventstore.Wake
}

// channel is a name of its own for each schema of a database.
const channel = "vnfm_wake_"

// Wake tells the other processes, over a connection that nothing else uses and never within a transaction that writes: commits with a
// NOTIFY wait for each other.
func (s *Store) Wake(ctx context.Context, w eventstore.Wake) error {
	b, err := json.Marshal(told{From: s.id, Wake: w})
	if err != nil {
		return err
	}
	_, err = s.telling.Exec(ctx, "select pg_notify($1 || current_schema(), $2)", channel, string(b))
	return s.meaning(err)
}

// The pauses before a lost connection is tried again.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 5 * time.Second
)

// Listen hands on what other processes tell, until ctx ends.
func (s *Store) Listen(ctx context.Context, heard func(eventstore.Wake)) error {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		begun := time.Now()
		_ = s.listen(ctx, heard) // an error is the connection's
		if time.Since(begun) > longestPause {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (s *Store) listen(ctx context.Context, heard func(eventstore.Wake)) error {
	conn, err := pgx.ConnectConfig(ctx, s.telling.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to listen: %w", meaning(err))
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	var schema string
	if err := conn.QueryRow(ctx, "select current_schema()").Scan(&schema); err != nil {
		return meaning(err)
	}
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channel + schema}.Sanitize()); err != nil {
		return meaning(err)
	}
	if err := s.catchUp(ctx, heard); err != nil {
		return err
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return meaning(err)
		}
		var t told
		if err := json.Unmarshal([]byte(n.Payload), &t); err == nil && t.From != s.id {
			heard(t.Wake)
		}
	}
}

// catchUp hands on the heads of all lanes: what was told while nobody listened.
func (s *Store) catchUp(ctx context.Context, heard func(eventstore.Wake)) error {
	heads, err := s.Heads(ctx)
	if err != nil {
		return err
	}
	w := eventstore.Wake{Heads: map[int]eventstore.LaneHead{}}
	for lane, h := range heads {
		if h != (eventstore.LaneHead{}) {
			w.Heads[lane] = h
		}
	}
	heard(w)
	return nil
}
