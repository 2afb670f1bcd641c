package own

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/sol"
)

// LogLevel is from which level on the process logs that serves the request.
type LogLevel interface {
	Now() LogState
	// Change lasts until the settings are read again, or for a time; 0: no bound.
	Change(ctx context.Context, level slog.Level, lasts time.Duration, by string)
}

// LogState is a level, and who has set it; nobody: the settings.
type LogState struct {
	Node, Level, Setting string
	By                   string
	Since, Until         time.Time
}

// maxLogFor is the longest time for which a level is asked for.
const maxLogFor = 7 * 24 * time.Hour

// logLevel shows from which level on this node logs.
func (a *API) logLevel(*rest.Call) (*rest.Answer, error) {
	s := a.Log.Now()
	out := sol.LogLevel{Node: s.Node, Level: s.Level, Setting: s.Setting, By: s.By}
	if !s.Since.IsZero() {
		out.Since = &s.Since
	}
	if !s.Until.IsZero() {
		out.Until = &s.Until
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// setLogLevel changes it for this node alone: a log is a process's.
func (a *API) setLogLevel(c *rest.Call) (*rest.Answer, error) {
	var body sol.LogLevelRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(body.Level)); err != nil || !slices.Contains(sol.LogLevels, body.Level) {
		return nil, decode.Wrong("/level", "is one of "+strings.Join(sol.LogLevels, ", "))
	}
	lasts := time.Duration(body.Seconds) * time.Second
	if body.Seconds < 0 || body.Seconds > int(maxLogFor/time.Second) {
		return nil, decode.Wrong("/seconds", fmt.Sprintf("is between 0, for no bound, and %d", int(maxLogFor/time.Second)))
	}
	a.Log.Change(c.Ctx, level, lasts, c.By.Actor)
	return a.logLevel(c)
}
