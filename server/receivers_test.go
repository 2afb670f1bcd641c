package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/server"
)

// moody is a subscriber that answers every POST with a status, and notes when they came and what was in those it took.
type moody struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	tried  []time.Time
	took   []string // states of operations, types of the others
}

func newMoody(t *testing.T, elsewhere string) *moody {
	t.Helper()
	m := &moody{status: http.StatusNoContent}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		m.tried = append(m.tried, time.Now())
		if m.status == http.StatusNoContent {
			var n struct{ NotificationType, OperationState string }
			if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
				t.Error(err)
			}
			m.took = append(m.took, strings.TrimSuffix(n.NotificationType, "Notification")+n.OperationState)
		}
		w.Header().Set("Location", elsewhere)
		w.WriteHeader(m.status)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *moody) answer(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

// seen returns when it was tried, and what it took.
func (m *moody) seen() ([]time.Time, []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.tried), slices.Clone(m.took)
}

// waiting returns the notifications of a subscription in a state, in order.
func (p *program) waiting(state, sub string) []any {
	p.t.Helper()
	all, ok := p.must(200, "GET", "/vnfm/v1/notifications?state="+state+"&subscription="+sub, nil).([]any)
	if !ok {
		p.t.Fatal("the notifications are no array")
	}
	return all
}

// A receiver that turns bad after it subscribed is tried again, after growing waits; a redirect is not followed; what is too
// old is given up where an operator sees it. Seen failing with redirects followed, with the waits not growing, and with what
// is given up deleted.
func TestReceiversThatTurnBad(t *testing.T) {
	var trapped atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		trapped.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer trap.Close()
	p := startProgram(t, "--notification-backoff=100ms", "--notification-max-backoff=400ms", "--notification-max-age=3s")
	subs := map[int]string{}
	receivers := map[int]*moody{}
	for _, status := range []int{http.StatusUnauthorized, http.StatusInternalServerError, http.StatusTemporaryRedirect, http.StatusFound} {
		receivers[status] = newMoody(t, trap.URL)
		subs[status] = text(p.must(201, "POST", "/vnflcm/v2/subscriptions", map[string]any{"callbackUri": receivers[status].URL}), "id")
		receivers[status].answer(status)
	}
	p.create("told")
	for status, m := range receivers {
		p.await(fmt.Sprint(status, ": the notification given up"), func() bool { return len(p.waiting("FAILED", subs[status])) == 1 })
		n := p.waiting("FAILED", subs[status])[0]
		if !strings.Contains(text(n, "reason"), fmt.Sprint(status)) || text(n, "notificationType") != "VnfIdentifierCreationNotification" {
			t.Errorf("%d: %v", status, n)
		}
		tried, _ := m.seen()
		if text(n, "attempts") != fmt.Sprint(len(tried)) || len(tried) < 2 || len(tried) > 12 {
			t.Errorf("%d: %v attempts said, %d seen in 3 s", status, field(n, "attempts"), len(tried))
		}
		for i, least := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond} {
			if i+1 >= len(tried) { // a slow machine
				break
			} else if gap := tried[i+1].Sub(tried[i]); gap < least-20*time.Millisecond {
				t.Errorf("%d: attempt %d came %v after the one before, want %v", status, i+2, gap, least)
			}
		}
		if !strings.Contains(p.log.String(), `"notification given up"`) {
			t.Error("the log does not say it")
		}
	}
	if n := trapped.Load(); n > 0 {
		t.Errorf("redirects were followed %d times", n)
	}
}

// A receiver that was given up on: its notifications are listed, and an operator's retries, in whatever order they are
// asked for, deliver them in theirs; what happened since goes behind them. Seen failing with the order of the retries
// kept instead, and with a retry that leaves the notification FAILED.
func TestRetryOfWhatWasGivenUp(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, append(args, "--notification-backoff=20ms", "--notification-max-backoff=100ms", "--notification-max-age=5s")...)
		m := newMoody(t, "")
		sub := text(p.must(201, "POST", "/vnflcm/v2/subscriptions", map[string]any{"callbackUri": m.URL}), "id")
		m.answer(http.StatusUnauthorized)
		vnf := p.create("told")
		p.run(vnf, "instantiate", instantiate)
		p.await("four notifications given up", func() bool { return len(p.waiting("FAILED", sub)) == 4 })
		given := p.waiting("FAILED", sub)
		p.must(202, "POST", "/vnfm/v1/notifications/"+text(given, 0, "id")+"/retry", nil, "Idempotency-Key", "once")
		p.must(202, "POST", "/vnfm/v1/notifications/"+text(given, 0, "id")+"/retry", nil, "Idempotency-Key", "once")
		for _, i := range []int{3, 1, 2} {
			n := p.must(202, "POST", "/vnfm/v1/notifications/"+text(given, i, "id")+"/retry", nil)
			if text(n, "state") != "PENDING" || text(n, "id") != text(given, i, "id") {
				t.Errorf("the retry answers %v", n)
			}
		}
		if left := p.waiting("FAILED", sub); len(left) > 0 {
			t.Errorf("still given up: %v", left)
		}
		p.begin(vnf, "terminate", terminate)
		m.answer(http.StatusNoContent)
		want := []string{"VnfIdentifierCreation"}
		for range 2 {
			for _, state := range []string{"STARTING", "PROCESSING", "COMPLETED"} {
				want = append(want, "VnfLcmOperationOccurrence"+state)
			}
		}
		p.await("all of it", func() bool { _, took := m.seen(); return len(took) >= len(want) })
		if _, took := m.seen(); !slices.Equal(took, want) {
			t.Errorf("took %q, want %q", took, want)
		}
		p.await("an empty list", func() bool { return text(p.must(200, "GET", "/vnfm/v1/notifications", nil)) == "[]" })
		p.must(404, "POST", "/vnfm/v1/notifications/"+text(given, 0, "id")+"/retry", nil)
	})
}

// Two nodes on one database: an operator asks one of them, and whichever waits for the receiver to come back goes on at once. Seen failing with a retry that only the node asked hears of.
func TestRetryAskedOfOneOfTwoNodes(t *testing.T) {
	key := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(key, []byte(secret.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--database=" + dbtest.Postgres(t), "--secret-key-file=" + key,
		"--notification-backoff=1h", "--notification-max-backoff=1h"}
	first := startProgram(t, args...)
	second := newProgram(t, settings(t, append(args, "--data="+t.TempDir())...), server.Options{Guide: io.Discard})
	second.open()
	m := newMoody(t, "")
	sub := text(first.must(201, "POST", "/vnflcm/v2/subscriptions", map[string]any{"callbackUri": m.URL}), "id")
	m.answer(http.StatusServiceUnavailable)
	const vnfs = 12
	for i := range vnfs {
		first.create(fmt.Sprint("told", i))
	}
	first.await("an attempt of the first node", func() bool { return strings.Contains(first.log.String(), "notification not delivered") })
	first.await("what waits", func() bool { return len(second.waiting("PENDING", sub)) == vnfs })
	m.answer(http.StatusNoContent)
	first.await("all of it", func() bool { // attempts that were under way may fail still: then they are asked for, too
		for _, n := range second.waiting("PENDING", sub) {
			if text(n, "attempts") != "0" {
				second.call("POST", "/vnfm/v1/notifications/"+text(n, "id")+"/retry", nil)
			}
		}
		_, took := m.seen()
		return len(took) >= vnfs
	})
	first.await("an empty list", func() bool { return len(first.waiting("PENDING", sub)) == 0 })
}
