package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lru"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// lifecycle follows the log and tells operators of it: one log line per change of an instance or operation, and
// counters. It is at least once: after a crash a line may come again, with the same position.
type lifecycle struct {
	log    *slog.Logger
	views  eventstore.Reader
	events *prometheus.CounterVec
	ended  *prometheus.HistogramVec
	ofOp   *lru.Cache[string] // VNFs by operation; "": it is none
}

// lifecycleName names the follower; lifecycleConsumer is its cursor.
const (
	lifecycleName     = "lifecycle"
	lifecycleConsumer = projection.ConsumerPrefix + lifecycleName
)

func newLifecycle(log *slog.Logger, views eventstore.Reader, reg prometheus.Registerer) (*lifecycle, error) {
	l := &lifecycle{
		log: log, views: views, ofOp: lru.New[string](1 << 20),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vnfm_lcm_events_total", Help: "Events of VNF instances and operation occurrences seen in the log, by type.",
		}, []string{"type"}),
		ended: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vnfm_lcm_operation_seconds", Help: "Time from the start of an operation to its end, by operation and the state it ended in.",
			Buckets: prometheus.ExponentialBuckets(0.1, 3, 11), // up to an hour and a half
		}, []string{"operation", "state"}),
	}
	return l, errors.Join(reg.Register(l.events), reg.Register(l.ended))
}

// Name names the follower's checkpoint.
func (l *lifecycle) Name() string { return lifecycleName }

// Handle logs and counts events. It fails when the database does not answer, and is called again.
func (l *lifecycle) Handle(ctx context.Context, events []eventstore.Event) error {
	for i := range events {
		e := &events[i]
		l.events.WithLabelValues(e.Type).Inc()
		var meta eventstore.Metadata
		if json.Unmarshal(e.Meta, &meta) != nil {
			continue // the audit reports it; a log line is no reason to stop
		}
		about, err := l.about(ctx, e, meta.CorrelationID)
		if err != nil {
			return err
		}
		level := slog.LevelInfo
		if e.Type == (&vnf.OpProgressed{}).EventType() || e.Type == (&vnf.ResourceReserved{}).EventType() || e.Type == (&vnf.ResourceReleased{}).EventType() {
			level = slog.LevelDebug
		}
		l.log.Log(ctx, level, "lifecycle event", append(append([]any{"type", e.Type}, about...), "version", e.Version, "lane", e.Lane, "position", e.Offset,
			"command", meta.Command, "actor", meta.Actor, "correlation_id", meta.CorrelationID)...)
		if err := l.measure(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// about names the VNF and the operation that an event belongs to: each line of an operation has both.
func (l *lifecycle) about(ctx context.Context, e *eventstore.Event, correlation string) ([]any, error) {
	if id, ok := strings.CutPrefix(e.Stream, vnf.InstanceStream); ok {
		out := []any{"vnf_id", id}
		if _, err := l.vnfOf(ctx, correlation); err == nil {
			out = append(out, "opocc_id", correlation)
		} else if vnfm.KindOf(err) != vnfm.NotFound {
			return nil, err
		}
		return out, nil
	}
	id, ok := strings.CutPrefix(e.Stream, vnf.OpOccStream)
	if !ok {
		return []any{"stream", e.Stream}, nil
	}
	of, err := l.vnfOf(ctx, id)
	if err != nil && vnfm.KindOf(err) != vnfm.NotFound {
		return nil, err
	}
	return []any{"vnf_id", of, "opocc_id", id}, nil
}

// vnfOf returns the VNF of an operation; NotFound.
func (l *lifecycle) vnfOf(ctx context.Context, op string) (string, error) {
	if id, known := l.ofOp.Get(op); known > 0 {
		if id == "" {
			return "", vnfm.Errorf(vnfm.NotFound, "no operation %q", op)
		}
		return id, nil
	}
	o, err := readmodel.OpOcc(ctx, l.views, op)
	switch {
	case vnfm.KindOf(err) == vnfm.NotFound: // a request's, of no operation
		l.ofOp.Put(op, 1, "", len(op))
		return "", err //nolint:wrapcheck // says what it was about
	case err != nil:
		return "", err //nolint:wrapcheck // says what it was about
	}
	l.ofOp.Put(op, 1, o.VnfID, len(op)+len(o.VnfID))
	return o.VnfID, nil
}

// measure notes how long an operation took, when an event ends it. The operation's view is written in the event's commit.
func (l *lifecycle) measure(ctx context.Context, e *eventstore.Event) error {
	switch e.Type {
	case (&vnf.OpCompleted{}).EventType(), (&vnf.OpFailed{}).EventType(), (&vnf.OpRolledBack{}).EventType(), (&vnf.OpRefused{}).EventType():
	default:
		return nil
	}
	op, err := readmodel.OpOcc(ctx, l.views, strings.TrimPrefix(e.Stream, vnf.OpOccStream))
	if err != nil {
		if vnfm.KindOf(err) == vnfm.NotFound {
			return nil // the audit reports it
		}
		return err //nolint:wrapcheck // says what it was about
	}
	if op.State.Final() {
		l.ended.WithLabelValues(string(op.Operation), string(op.State)).Observe(op.Ended.Sub(op.Started).Seconds())
	}
	return nil
}
