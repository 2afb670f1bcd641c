package server

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm/api"
)

// logLevel is from which level on this process logs: what the settings say, or what somebody said since, until they are read again.
type logLevel struct {
	slog.LevelVar
	node string
	log  *slog.Logger

	mu          sync.Mutex
	setting     slog.Level
	by          string
	since, till time.Time
	back        *time.Timer
}

// settings has it log from the level that the settings say.
func (l *logLevel) settings(level slog.Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setting = level
	l.reset()
}

// reset has it log as the settings say. Whoever calls it holds mu.
func (l *logLevel) reset() {
	if l.back != nil {
		l.back.Stop()
	}
	l.by, l.since, l.till, l.back = "", time.Time{}, time.Time{}, nil
	l.Set(l.setting)
}

// Now implements api.LogLevel.
func (l *logLevel) Now() api.LogState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return api.LogState{Node: l.node, Level: wordOf(l.Level()), Setting: wordOf(l.setting), By: l.by, Since: l.since, Until: l.till}
}

// Change implements api.LogLevel. Who changed it is logged, at whatever level.
func (l *logLevel) Change(ctx context.Context, level slog.Level, lasts time.Duration, by string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.Level()
	l.reset()
	l.Set(level)
	l.by, l.since = by, time.Now().UTC().Truncate(time.Millisecond)
	if lasts > 0 {
		l.till = l.since.Add(lasts)
		var back *time.Timer
		back = time.AfterFunc(lasts, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.back == back { // else somebody was here since
				l.reset()
				l.say(context.WithoutCancel(ctx), level, "settings", 0)
			}
		})
		l.back = back
	}
	l.say(ctx, was, by, lasts)
}

// say logs a change so that it is seen whatever the level is: it is the record of who did it.
func (l *logLevel) say(ctx context.Context, was slog.Level, by string, lasts time.Duration) {
	is := l.Level()
	l.Set(min(is, slog.LevelWarn))
	l.log.WarnContext(ctx, "log level changed", "was", wordOf(was), "level", wordOf(is), "caller", by, "for", lasts)
	l.Set(is)
}

func wordOf(level slog.Level) string { return strings.ToLower(level.String()) }
