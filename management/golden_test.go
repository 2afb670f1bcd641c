package management_test

import (
	"testing"

	"github.com/vnfm/vnfm/aggregate/aggregatetest"
	"github.com/vnfm/vnfm/management"
)

// Every form of event ever written is a line of events.jsonl.
func TestEveryEventEverWrittenIsDecoded(t *testing.T) {
	t.Parallel()
	aggregatetest.Golden(t, "testdata/events.jsonl", management.Forms()...)
}
