package telemetry_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/telemetry"
)

// The metrics say what the slot is, and that there is none where one is wanted.
func TestPublishing_tells_of_the_slot(t *testing.T) {
	var now eventstore.Publishing
	known := false
	reg := prometheus.NewRegistry()
	if err := reg.Register(telemetry.NewPublishing("main", func() (eventstore.Publishing, error, bool) { return now, nil, known })); err != nil {
		t.Fatal(err)
	}
	has := func(what string, want map[string]float64) {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			got[f.GetName()[len("vnfm_publish_"):]] = f.GetMetric()[0].GetGauge().GetValue()
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	has("not looked yet", map[string]float64{})
	known, now = true, eventstore.Publishing{Mode: eventstore.Polling, Wanted: eventstore.Polling}
	has("polling", map[string]float64{"cdc": 0, "cdc_wanted": 0, "epoch": 0})
	now = eventstore.Publishing{Mode: eventstore.Polling, Wanted: eventstore.CDC, Epoch: 2}
	has("no slot", map[string]float64{"cdc": 0, "cdc_wanted": 1, "epoch": 2, "slot_active": 0, "slot_usable": 0})
	now = eventstore.Publishing{Mode: eventstore.CDC, Wanted: eventstore.CDC, Epoch: 3, Slot: &eventstore.Slot{Active: true, Ours: true, Behind: 7}}
	has("captured", map[string]float64{"cdc": 1, "cdc_wanted": 1, "epoch": 3, "slot_active": 1, "slot_usable": 1, "slot_behind_bytes": 7})
	now.Slot.Lost = true
	has("given up", map[string]float64{"cdc": 1, "cdc_wanted": 1, "epoch": 3, "slot_active": 1, "slot_usable": 0, "slot_behind_bytes": 7})
}
