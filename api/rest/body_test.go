package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a connection from which bytes come at a pace, until a deadline.
type pipe struct {
	http.ResponseWriter
	each     time.Duration // between two bytes
	left     int
	deadline time.Time
}

func (p *pipe) SetReadDeadline(t time.Time) error { p.deadline = t; return nil }

func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

func (p *pipe) Close() error { return nil }

func (p *pipe) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	next := time.Now().Add(p.each)
	if !p.deadline.IsZero() && next.After(p.deadline) {
		<-time.After(time.Until(p.deadline)) // of the bubble
		return 0, os.ErrDeadlineExceeded
	}
	<-time.After(p.each)
	p.left--
	b[0] = 'x'
	return 1, nil
}

// A body has to come at a rate: a byte now and then is given up soon after the grace, one that comes fast enough is read however
// long it is, within the time there is for a whole one. Seen failing with the rate left out.
func TestABodyHasToComeAtARate(t *testing.T) {
	for name, c := range map[string]struct {
		each    time.Duration
		bytes   int
		limit   time.Duration
		err     error
		atMost  time.Duration
		atLeast time.Duration
	}{
		"a byte a second":          {time.Second, 1000, 0, os.ErrDeadlineExceeded, 11 * time.Second, 9 * time.Second},
		"nothing":                  {time.Hour, 1, 0, os.ErrDeadlineExceeded, 11 * time.Second, 9 * time.Second},
		"a little under the rate":  {12 * time.Millisecond, 100_000, 0, os.ErrDeadlineExceeded, 2 * time.Minute, 50 * time.Second},
		"fast enough, and long":    {9 * time.Millisecond, 100_000, 0, nil, time.Hour, 15 * time.Minute},
		"fast enough, but no time": {9 * time.Millisecond, 100_000, time.Minute, os.ErrDeadlineExceeded, 61 * time.Second, 59 * time.Second},
		"slow within the grace":    {time.Second, 9, 0, nil, 10 * time.Second, 9 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			conn := &pipe{ResponseWriter: httptest.NewRecorder(), each: c.each, left: c.bytes}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.Body = conn
			s := &Server{Config: Config{MinRate: 100}}
			s.pace(conn, r)
			r.Body.(*paced).within(c.limit) //nolint:forcetypeassert // pace made it
			began := time.Now()
			n, err := io.Copy(io.Discard, r.Body)
			took := time.Since(began)
			if !errors.Is(err, c.err) || c.err == nil && (err != nil || n != int64(c.bytes)) {
				t.Errorf("%s: %d bytes, %v", name, n, err)
			}
			if took > c.atMost || took < c.atLeast {
				t.Errorf("%s: took %v", name, took)
			}
			if err == nil && !conn.deadline.IsZero() {
				t.Errorf("%s: the deadline of a body that came stays", name)
			}
		})
	}
}

// Whoever is refused before the body was read gets the answer when the body has come, or soon; a body that was read to its end
// leaves no deadline.
func TestAnAnswerDoesNotWaitForTheBody(t *testing.T) {
	for name, c := range map[string]struct {
		read, waits bool
	}{"not read": {false, true}, "read": {true, false}} {
		conn := &pipe{ResponseWriter: httptest.NewRecorder(), left: 1}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Body = conn
		w := (&Server{}).pace(conn, r)
		if c.read {
			_, _ = io.ReadAll(r.Body)
		}
		w.WriteHeader(http.StatusUnauthorized)
		if _, err := w.Write([]byte("no")); err != nil {
			t.Fatal(err)
		}
		if waits := !conn.deadline.IsZero(); waits != c.waits || waits && time.Until(conn.deadline) > time.Second {
			t.Errorf("%s: the body is waited for until %v", name, conn.deadline)
		}
	}
}

// Of a body more than a small one is read only by whoever has a place.
func TestALargeBodyNeedsAPlace(t *testing.T) {
	full := errors.New("no place")
	for size, want := range map[int]error{largeBody: nil, largeBody + 100_000: full} {
		r := &room{Reader: strings.NewReader(strings.Repeat("x", size)), enter: func() error { return full }}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); !errors.Is(err, want) || want == nil && b.Len() != size {
			t.Errorf("%d bytes: %d read, %v", size, b.Len(), err)
		}
	}
}
