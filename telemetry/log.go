package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger makes the program's logger. Level is debug, info, warn or error; format is text or json.
func NewLogger(w io.Writer, level, format, node string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	o := &slog.HandlerOptions{Level: l}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if format == "json" {
		h = slog.NewJSONHandler(w, o)
	}
	return slog.New(h).With("node", node), nil
}
