package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

func TestWhenPeopleSay(t *testing.T) {
	s := &session{Screen: &screen.Screen{}}
	for text, want := range map[string]string{
		"": "", "12": "12", "-10m": "-10m", "10m": "-10m", "1h30m": "-1h30m", "2026-01-02T03:04:05Z": "2026-01-02T03:04:05Z",
		"2026-01-02 03:04:05.123": "2026-01-02T03:04:05.123999Z", // as printed: the whole millisecond
		"2026-01-02 03:04:05":     "2026-01-02T03:04:05Z",
		"2026-01-02 03:04":        "2026-01-02T03:04:00Z",
		"yesterday":               "yesterday", // the server says what it reads
	} {
		if got := s.when(text); got != want {
			t.Errorf("%q means %q, want %q", text, got, want)
		}
	}
}

// On a terminal no line is wider than it, whatever is in it.
func TestLinesFitTheTerminal(t *testing.T) {
	var out bytes.Buffer
	w := &screen.Screen{Terminal: true, Width: 60, Out: &out}
	e := sol.VnfEvent{Stream: "opocc-0123456789abcdef", Version: 3, Type: "opocc.failed-temporarily", Actor: strings.Repeat("long", 20), Data: []byte(
		`{"error":{"detail":"` + strings.Repeat("the VIM is away ", 20) + `"}}`)}
	show.History(w, []sol.VnfEvent{e, e})
	show.Saga(w, &sol.Saga{Id: "s", Stages: []sol.SagaStage{{Items: []sol.SagaItem{{Step: "compute", Item: "i"}}}}, Attempts: []sol.SagaAttempt{
		{Step: "compute", Item: "i", Attempt: 1, State: "FAILED", Reason: strings.Repeat("no room ", 20)},
	}}, map[string]string{"i": strings.Repeat("name", 30)}, "")
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		if n := lipgloss.Width(line); n > 60 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

// The tail goes on behind the last event it saw when the connection ends, and ends when it was told to.
func TestEventsTailGoesOn(t *testing.T) {
	var asked []string
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery+" "+r.Header.Get("Last-Event-ID"))
		from := 1
		if _, err := fmt.Sscan(r.Header.Get("Last-Event-ID"), &from); err == nil {
			from++
		}
		for n := from; n < from+2; n++ {
			_, _ = fmt.Fprintf(w, ": heartbeat\n\nid: %d\ndata: {\"stream\":\"vnf-i\",\"version\":%d,\"type\":\"vnf.terminated\",\"time\":\"2026-01-02T03:04:05Z\",\"data\":{\"released\":[1]}}\n\n", n, n)
		}
	}))
	defer ts.Close()
	var out, errs bytes.Buffer
	code := run(context.WithoutCancel(t.Context()), []string{"--server", ts.URL, "events", "tail", "--since", "10m", "--type", "vnf.*,opocc.started", "--limit", "3"},
		strings.NewReader(""), &out, &errs)
	want := []string{"/vnfm/v1/events?from=-10m&type=vnf.%2A%2Copocc.started ", "/vnfm/v1/events?from=-10m&type=vnf.%2A%2Copocc.started 2"}
	if code != exitOK || fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("exit %d %s, asked %q", code, errs.String(), asked)
	}
	if n := strings.Count(out.String(), "vnf.terminated  1 resource released"); n != 3 || !strings.Contains(out.String(), "vnf i #3") {
		t.Errorf("%s", out.String())
	}
}
