package simulation

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"
)

// task is a coroutine of a node: a turn of one of its loops, or a request to it.
type task struct {
	node  *node
	name  string
	next  func() (string, bool)
	cease func()
	yield func(string) bool

	began   time.Time
	wakeAt  time.Time   // suspended until then; zero: as the scheduler likes
	until   func() bool // or until it says true; nil: until then
	ended   bool
	crashed bool
	defect  string // a panic of the program
	done    func(t *task)
	commits int // made by it
}

// crash is what a coroutine of a node that has died is unwound with.
type crash struct{}

// start makes a coroutine and runs it to its first suspension. done is called once, when it has ended or its node has died.
func (w *world) start(n *node, name string, f func(), done func(t *task)) *task {
	t := &task{node: n, name: name, began: w.now, done: done}
	t.next, t.cease = iter.Pull(func(yield func(string) bool) {
		t.yield = yield
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(crash); ok || n.dead {
					t.crashed = true
					return
				}
				t.defect = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
		}()
		f()
		t.crashed = n.dead
	})
	w.tasks = append(w.tasks, t)
	w.resume(t)
	return t
}

// resume lets a coroutine run to its next suspension or end, and buries its node if that died.
func (w *world) resume(t *task) {
	t.wakeAt, t.until = time.Time{}, nil
	w.current = t
	where, more := t.next()
	w.current = nil
	if more {
		w.tracef("  %s %s waits: %s", t.node.name, t.name, where)
	} else {
		w.end(t)
	}
	if t.node.dead && !t.node.buried {
		w.bury(t.node)
	}
}

func (w *world) end(t *task) {
	if t.ended {
		return
	}
	t.ended = true
	if i := slices.Index(w.tasks, t); i >= 0 {
		w.tasks = slices.Delete(w.tasks, i, i+1)
	}
	if t.defect != "" {
		w.violate("panic in %s %s: %s", t.node.name, t.name, t.defect)
	}
	t.done(t)
}

// bury unwinds what is left of a dead node and starts it anew, after a while.
func (w *world) bury(n *node) {
	n.buried = true
	for _, t := range slices.Clone(w.tasks) {
		if t.node == n {
			t.cease()
			t.crashed = true
			w.end(t)
		}
	}
	i := slices.Index(w.nodes, n)
	w.restarts++
	fresh := w.newNode(n.index, n.life+1, n.program)
	fresh.asleep = w.now.Add(w.between(0, 15*time.Second))
	w.nodes[i] = fresh
}

// die crashes the node of the coroutine that runs.
func (w *world) die(n *node) {
	n.dead = true
	panic(crash{})
}

// pause is a place where the coroutine that runs may be suspended.
func (w *world) pause(n *node, where string) {
	if n.dead {
		panic(crash{})
	}
	t := w.current
	if t == nil || w.rng.Float64() >= w.interleave {
		return
	}
	if w.fault(TaskStalled) {
		t.wakeAt = w.now.Add(w.between(0, pick(w.rng, []time.Duration{time.Second, 5 * time.Second, 30 * time.Second})))
	}
	w.suspend(t, where)
}

// overtake suspends the coroutine that runs, between what it has read of a key and what it writes, until somebody else
// has written about the key.
func (w *world) overtake(key string) {
	if t := w.current; t != nil && w.fault(TaskOvertaken) {
		before := w.protocol.commits[key]
		t.wakeAt = w.now.Add(w.between(0, 20*time.Second))
		t.until = func() bool { return w.protocol.commits[key] > before }
		w.suspend(t, "overtaken")
	}
}

// ready reports whether a suspended coroutine may go on.
func (t *task) ready(now time.Time) bool {
	return !t.node.asleep.After(now) && (!t.wakeAt.After(now) || t.until != nil && t.until())
}

func (w *world) suspend(t *task, where string) {
	w.current = nil
	on := t.yield(where)
	if !on || t.node.dead {
		panic(crash{})
	}
	w.current = t
}

// block suspends the coroutine that runs until a time: a call that hangs.
func (w *world) block(until time.Time) {
	t := w.current
	if t == nil {
		w.now = later(w.now, until)
		return
	}
	for w.now.Before(until) {
		t.wakeAt = until
		w.suspend(t, "hangs")
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
