package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A level that was asked for a time goes when the time is over, unless somebody asked for another since.
func TestALogLevelForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := &logLevel{node: "n"}
		l.log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: &l.LevelVar}))
		l.settings(slog.LevelError)
		after := func(d time.Duration, want, by string) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			if s := l.Now(); s.Level != want || s.By != by || s.Setting != "error" {
				t.Errorf("%+v, want %s by %s", s, want, by)
			}
		}
		l.Change(t.Context(), slog.LevelDebug, time.Minute, "ann")
		after(59*time.Second, "debug", "ann")
		l.Change(t.Context(), slog.LevelInfo, time.Minute, "bob")
		after(59*time.Second, "info", "bob")
		after(2*time.Second, "error", "")
		if s := l.Now(); !s.Since.IsZero() || !s.Until.IsZero() {
			t.Errorf("%+v", s)
		}
		l.Change(t.Context(), slog.LevelInfo, 0, "ann")
		after(24*time.Hour, "info", "ann")
		l.settings(slog.LevelWarn)
		if l.Now().Level != "warn" || l.Now().By != "" {
			t.Errorf("%+v", l.Now())
		}
		if n := strings.Count(out.String(), "log level changed"); n != 4 || !strings.Contains(out.String(), "was=info level=error caller=settings") {
			t.Errorf("%d lines: %s", n, out.String())
		}
	})
}
