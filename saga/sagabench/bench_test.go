package sagabench_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/saga/sagabench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Seen failing with the participant answering success only (nothing compensated).
func TestRun_reports_sagas_of_which_every_tenth_compensates(t *testing.T) {
	var r sagabench.Report
	for d := time.Second; r.Sagas < 20 && d < time.Minute; d *= 2 { // a slow machine takes longer
		var err error
		r, err = sagabench.Run(t.Context(), memory.New(memory.Config{}), sagabench.Options{Clients: 8, Duration: d, Uncontended: 10})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Log(r)
	if r.Sagas < 20 || r.Compensated == 0 || r.Compensated > r.Sagas/3 || r.Commits <= 0 || r.UncontendedP50 <= 0 {
		t.Fatalf("%+v", r)
	}
}
