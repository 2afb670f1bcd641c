package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// request is one change asked for under one Idempotency-Key, however often it is sent.
type request struct {
	method, path, key string
	body              []byte
	media             string // of the body; "": JSON
}

// looked reports whether an answer says what is there, where the request would have changed it only if that differed from the records:
// nothing is kept of it under its key, and an equal request may have begun an operation.
func (r request) looked(a answer) bool { return a.status == http.StatusOK && tail(r.path) == "sync" }

// answer is what the server said.
type answer struct {
	status   int
	location string
	replayed bool
	body     []byte
}

// same reports whether two answers tell a client the same.
func (a answer) same(b answer) bool {
	return a.status == b.status && a.location == b.location && bytes.Equal(a.body, b.body)
}

func (a answer) String() string {
	return fmt.Sprintf("%d %s %s", a.status, a.location, bytes.TrimSpace(a.body))
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// caller sends requests to the server. Each client has its own, with its own source of randomness.
type caller struct {
	urls []string // of the nodes: any of them answers any request
	http *http.Client
	rng  *rand.Rand
	book *book
}

// patience is how long a client waits for an answer: mostly long enough, sometimes it hangs up at once.
func (c *caller) patience() time.Duration {
	if c.rng.IntN(10) == 0 {
		return time.Duration(1+c.rng.IntN(50)) * time.Millisecond
	}
	return 5 * time.Second
}

// send sends a request once. ok is false when there was no answer.
func (c *caller) send(ctx context.Context, r request, patience time.Duration) (answer, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, c.urls[rand.IntN(len(c.urls))]+r.path, bytes.NewReader(r.body))
	if err != nil {
		panic(err) // a path of ours
	}
	if r.body != nil {
		req.Header.Set("Content-Type", cmp.Or(r.media, "application/json"))
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, false
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, false
	}
	return answer{res.StatusCode, res.Header.Get("Location"), res.Header.Get("Idempotency-Replayed") == "true", body}, true
}

// change asks for a change until there is an answer, under one Idempotency-Key, and writes success into the book. ok is
// false when the context ended before.
func (c *caller) change(ctx context.Context, method, path string, body any) (answer, bool) {
	r := request{method: method, path: path, key: uuid.NewString()}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err) // a body of ours
		}
		r.body = b
	}
	c.book.count("changes asked for", 1)
	var twin chan answer
	if c.rng.IntN(20) == 0 { // the same at the same time
		twin = make(chan answer, 1)
		go func() {
			a, ok := c.send(ctx, r, 5*time.Second)
			if ok {
				twin <- a
			}
			close(twin)
		}()
	}
	for ctx.Err() == nil {
		a, ok := c.send(ctx, r, c.patience())
		if !ok || a.status == http.StatusServiceUnavailable {
			c.book.count("requests repeated", 1)
			pause(ctx, time.Duration(10+c.rng.IntN(40))*time.Millisecond)
			continue
		}
		if twin != nil {
			c.book.count("requests sent twice at once", 1)
			if b := <-twin; r.looked(a) && b.ok() || a.ok() && r.looked(b) {
				if r.looked(a) {
					a = b // the one that began, if one did
				}
			} else if b.ok() && a.ok() && !a.same(b) {
				c.book.violation("I6: %s %s, sent twice at once with one key, has two answers: %s and %s", r.method, r.path, a, b)
			} else if b.ok() && !a.ok() {
				a = b // refused, and then it was possible
			}
		}
		c.judge(r, a)
		return a, true
	}
	c.book.open(r)
	return answer{}, false
}

// judge looks at an answer as a client that knows the promises does.
func (c *caller) judge(r request, a answer) {
	c.book.count(fmt.Sprintf("answered %d", a.status), 1)
	if a.replayed {
		c.book.count("duplicate requests suppressed", 1)
	}
	if r.looked(a) {
		c.book.open(r) // another try of it may be under way: in the end it is asked once more
		return
	}
	if a.ok() {
		c.book.answered(r, a)
		if c.rng.IntN(20) == 0 {
			c.again(context.Background(), r, a)
		}
		return
	}
	// Another client may have changed the VNF in between: then what is asked for is too much, or there already, or names what is gone.
	resized := a.status == http.StatusUnprocessableEntity && slices.Contains([]string{
		"scale", "heal", "change_ext_conn", "change_flavour", "change_vnfpkg", "create_snapshot", "revert_to_snapshot",
	}, tail(r.path))
	if a.status != http.StatusConflict && a.status != http.StatusNotFound && !resized {
		c.book.violation("unexpected answer to %s %s %s: %s", r.method, r.path, r.body, a)
	}
}

// again repeats an answered request: the answer must be the same. Without an answer nothing is known.
func (c *caller) again(ctx context.Context, r request, want answer) bool {
	got, ok := c.send(ctx, r, 5*time.Second)
	if !ok || got.status == http.StatusServiceUnavailable {
		return false
	}
	c.book.count("answered requests repeated", 1)
	if !got.same(want) || !got.replayed {
		c.book.violation("I7: %s %s was answered %s, and under the same key later (replayed: %v) %s", r.method, r.path, want, got.replayed, got)
	}
	return true
}

// get reads a resource as decoded JSON, once. The status is 0 when there was no answer.
func (c *caller) get(ctx context.Context, path string, into any) int {
	return c.getWithin(ctx, path, into, 5*time.Second)
}

// getWithin is get with the time it may take.
func (c *caller) getWithin(ctx context.Context, path string, into any, limit time.Duration) int {
	a, ok := c.send(ctx, request{method: http.MethodGet, path: path}, limit)
	if !ok {
		return 0
	}
	if a.status == http.StatusOK {
		if err := json.Unmarshal(a.body, into); err != nil {
			c.book.violation("GET %s is not what it should be: %v: %s", path, err, a.body)
			return 0
		}
	}
	return a.status
}

// tail returns what follows the last slash.
func tail(location string) string { return location[strings.LastIndex(location, "/")+1:] }
