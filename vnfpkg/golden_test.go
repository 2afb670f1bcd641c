package vnfpkg_test

import (
	"testing"

	"github.com/vnfm/vnfm/aggregate/aggregatetest"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Every form of event ever written is a line of events.jsonl. Seen failing with a JSON
// name in Onboarded changed, and with a line taken away.
func TestEveryEventEverWrittenIsDecoded(t *testing.T) {
	t.Parallel()
	aggregatetest.Golden(t, "testdata/events.jsonl", vnfpkg.Forms()...)
}
