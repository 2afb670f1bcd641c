package main

import (
	"errors"
	"sync/atomic"
)

// The saga all engines run: three steps, each a durable command to a participant and its durable reply. Every tenth saga's
// third step fails for good; then the second and the first are undone, by a command and a reply each.

// command is what a participant is told.
type command struct {
	Saga string `json:"saga"`
	Step int    `json:"step"` // 1 to 3
	Undo bool   `json:"undo"`
	Fail bool   `json:"fail"` // the third step shall fail
}

// answer is what a participant replies.
type answer struct {
	Made bool `json:"made"`
}

// errRefused is a step that failed for good.
var errRefused = errors.New("every tenth")

// participate is what a participant does with a command: nothing that costs.
func participate(c command) (answer, error) {
	if c.Fail && c.Step == 3 && !c.Undo {
		return answer{}, errRefused
	}
	return answer{Made: true}, nil
}

// everyTenth says which sagas shall fail.
type everyTenth struct{ n atomic.Int64 }

func (e *everyTenth) next() bool { return e.n.Add(1)%10 == 0 }

// steps runs a saga on an engine whose processes are functions: do sends a command and waits for its reply.
func steps(saga string, fail bool, do func(command) error) (compensated bool, err error) {
	for step := 1; step <= 3; step++ {
		err := do(command{Saga: saga, Step: step, Fail: fail})
		switch {
		case err == nil:
		case !fail || step < 3:
			return false, err
		default:
			for undo := step - 1; undo >= 1; undo-- {
				if err := do(command{Saga: saga, Step: undo, Undo: true, Fail: fail}); err != nil {
					return false, err
				}
			}
			return true, nil
		}
	}
	return false, nil
}
