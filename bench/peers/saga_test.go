package main

import (
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/saga/sagabench"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// Seen failing with a saga on River that does not undo its first step.
func TestReply_next_gives_the_same_commands_as_steps(t *testing.T) {
	for _, fail := range []bool{false, true} {
		var want, got []command
		compensated, err := steps("s", fail, func(c command) error {
			want = append(want, c)
			_, err := participate(c)
			return err
		})
		if err != nil || compensated != fail {
			t.Fatalf("fail %t: compensated %t, %v", fail, compensated, err)
		}
		for c, ended := (command{Saga: "s", Step: 1, Fail: fail}), false; !ended; {
			got = append(got, c)
			_, refused := participate(c)
			c, ended = reply{Command: c, Refused: refused != nil}.next()
		}
		if !slices.Equal(got, want) || len(want) != map[bool]int{false: 3, true: 5}[fail] {
			t.Errorf("fail %t: %v, want %v", fail, got, want)
		}
	}
}

// Seen failing with a participant that refuses nothing.
func TestEveryEngine_compensates_every_tenth_saga(t *testing.T) {
	for _, e := range engines {
		t.Run(e.key, func(t *testing.T) {
			r, err := e.run(t.Context(), dbtest.Postgres(t), sagabench.Options{Clients: 20, Duration: 10 * time.Second, Uncontended: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r)
			if err := sound(r); err != nil || r.Sagas == 0 {
				t.Errorf("%+v: %v", r, err)
			}
		})
	}
}
