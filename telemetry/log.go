package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger makes the program's logger, which logs from the level on that level has at the time; format is text or json.
func NewLogger(w io.Writer, level slog.Leveler, format, node string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if format == "json" {
		h = slog.NewJSONHandler(w, o)
	}
	return slog.New(h).With("node", node)
}
