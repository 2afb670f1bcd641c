package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/vnf"
)

// lifecycle follows the log and tells operators of it: one log line per change of an instance or operation, and
// counters. It is at least once: after a crash a line may come again, with the same position.
type lifecycle struct {
	log        *slog.Logger
	operations *prometheus.CounterVec
}

// lifecycleName names the follower; lifecycleConsumer is its cursor.
const (
	lifecycleName     = "lifecycle"
	lifecycleConsumer = projection.ConsumerPrefix + lifecycleName
)

func newLifecycle(log *slog.Logger, reg prometheus.Registerer) (*lifecycle, error) {
	l := &lifecycle{log: log, operations: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vnfm_lcm_events_total", Help: "Events of VNF instances and operation occurrences seen in the log, by type.",
	}, []string{"type"})}
	return l, reg.Register(l.operations)
}

// Name names the follower's checkpoint.
func (l *lifecycle) Name() string { return lifecycleName }

// Handle logs and counts events.
func (l *lifecycle) Handle(ctx context.Context, events []eventstore.Event) error {
	for i := range events {
		e := &events[i]
		l.operations.WithLabelValues(e.Type).Inc()
		var meta eventstore.Metadata
		if json.Unmarshal(e.Meta, &meta) != nil {
			continue // the audit reports it; a log line is no reason to stop
		}
		key := "stream"
		id := e.Stream
		switch {
		case strings.HasPrefix(e.Stream, vnf.InstanceStream):
			key, id = "vnf_id", strings.TrimPrefix(e.Stream, vnf.InstanceStream)
		case strings.HasPrefix(e.Stream, vnf.OpOccStream):
			key, id = "opocc_id", strings.TrimPrefix(e.Stream, vnf.OpOccStream)
		}
		level := slog.LevelInfo
		if e.Type == (&vnf.OpProgressed{}).EventType() || e.Type == (&vnf.ResourceReserved{}).EventType() || e.Type == (&vnf.ResourceReleased{}).EventType() {
			level = slog.LevelDebug
		}
		l.log.Log(ctx, level, "lifecycle event", "type", e.Type, key, id, "version", e.Version, "lane", e.Lane, "position", e.Offset,
			"command", meta.Command, "actor", meta.Actor, "correlation_id", meta.CorrelationID)
	}
	return nil
}
