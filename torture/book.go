package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// book is what all clients together know: what they asked for, what they were answered, and what was wrong with it.
type book struct {
	mu         sync.Mutex
	counts     map[string]int
	answers    []answeredRequest
	unanswered []request
	vnfs       map[string]*known
	ids        []string          // of vnfs, in order of creation
	ops        map[string]string // the VNF of each operation that a client was told of
	snapshots  map[string]string // the VNF of each snapshot resource that is there
	taken      []string          // of snapshots, in order of creation, also of those that were deleted
	violations []string
	effect     time.Time // when the last change that was no replay was answered
}

type answeredRequest struct {
	request request
	answer  answer
}

// known is what is known of a VNF.
type known struct {
	id       string
	op       string // the newest operation
	deleting int    // how many ask for it to be deleted
	deleted  bool   // and it was
}

func newBook() *book {
	return &book{counts: map[string]int{}, vnfs: map[string]*known{}, ops: map[string]string{}, snapshots: map[string]string{}}
}

func (b *book) count(what string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what] += n
}

// violation notes that a promise was broken.
func (b *book) violation(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const most = 200
	b.counts["violations"]++
	if len(b.violations) < most {
		b.violations = append(b.violations, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// open notes a request that was never answered.
func (b *book) open(r request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unanswered = append(b.unanswered, r)
}

// answered notes a success and what it says.
func (b *book) answered(r request, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, answeredRequest{r, a})
	parts := strings.Split(strings.Trim(r.path, "/"), "/")
	switch {
	case r.method == http.MethodPost && r.path == instances:
		id := tail(a.location)
		b.vnfs[id] = &known{id: id}
		b.ids = append(b.ids, id)
	case r.method == http.MethodDelete && strings.HasPrefix(r.path, snapshots+"/"):
		delete(b.snapshots, tail(r.path))
	case r.method == http.MethodDelete:
		b.vnfs[parts[len(parts)-1]].deleted = true
	case (strings.HasPrefix(r.path, instances+"/") || strings.HasPrefix(r.path, own+"/vnf_instances/")) && strings.Contains(a.location, opOccs+"/"):
		op := tail(a.location)
		b.ops[op] = parts[3]
		b.vnfs[parts[3]].op = op
	}
	if !a.replayed {
		b.effect = time.Now()
	}
}

// deleting says that somebody is about to ask for a VNF to be deleted, or, with -1, that it was refused.
func (b *book) deleting(id string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.vnfs[id].deleting += n
}

// vnf returns a copy of what is known of a VNF.
func (b *book) vnf(id string) known {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.vnfs[id]
}

// all lists the VNFs in order of creation.
func (b *book) all() []known {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]known, 0, len(b.ids))
	for _, id := range b.ids {
		out = append(out, *b.vnfs[id])
	}
	return out
}

// lastEffect returns when the last change was answered.
func (b *book) lastEffect() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.effect
}
