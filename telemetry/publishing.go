package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/eventstore"
)

// publishing is who publishes an outbox, as metrics.
type publishing struct {
	state                              func() (eventstore.Publishing, error, bool)
	cdc, wanted, epoch, active, behind *prometheus.Desc
	usable                             *prometheus.Desc
}

// NewPublishing returns the metrics of who publishes the outbox of a database, and of the replication slot: it, not what Kafka Connect
// says of itself, tells whether somebody captures.
func NewPublishing(database string, state func() (now eventstore.Publishing, fail error, known bool)) prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, nil, prometheus.Labels{"database": database})
	}
	return &publishing{
		state:  state,
		cdc:    desc("vnfm_publish_cdc", "1 when a capture (Kafka Connect) publishes the outbox, 0 when the relays do."),
		wanted: desc("vnfm_publish_cdc_wanted", "1 when publish=cdc is set: not vnfm_publish_cdc as well means that the relays stand in."),
		epoch:  desc("vnfm_publish_epoch", "Changes of who publishes."),
		usable: desc("vnfm_publish_slot_usable", "1 when the replication slot is there, is the one that was made for the capture and was not given up by the database."),
		active: desc("vnfm_publish_slot_active", "1 when somebody reads the replication slot."),
		behind: desc("vnfm_publish_slot_behind_bytes", "Bytes of the database's log that the replication slot keeps because they were not confirmed as published."),
	}
}

// Describe sends the descriptions of all metrics.
func (p *publishing) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.cdc, p.wanted, p.epoch, p.usable, p.active, p.behind} {
		out <- d
	}
}

// Collect sends what the last look saw; nothing before the first. Of the slot it sends nothing where none is wanted.
func (p *publishing) Collect(out chan<- prometheus.Metric) {
	now, _, known := p.state()
	if !known {
		return
	}
	gauge(out, p.cdc, one(now.Mode == eventstore.CDC))
	gauge(out, p.wanted, one(now.Wanted == eventstore.CDC))
	gauge(out, p.epoch, float64(now.Epoch))
	if now.Slot == nil {
		if now.Wanted == eventstore.CDC {
			gauge(out, p.usable, 0)
			gauge(out, p.active, 0)
		}
		return
	}
	gauge(out, p.usable, one(now.Slot.Ours && !now.Slot.Lost))
	gauge(out, p.active, one(now.Slot.Active))
	gauge(out, p.behind, float64(now.Slot.Behind))
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
