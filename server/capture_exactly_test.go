//go:build broker

package server_test

import (
	"os"
	"os/exec"
	"testing"
)

// Where Kafka Connect writes in transactions, records and its place in the slot are one: it may be killed at any moment, and no record
// is in the topic twice. Without, what was written since the place was last noted comes again: seen with a Kafka Connect without.
func TestExactlyOnceByACapture(t *testing.T) {
	if os.Getenv("EXACTLY_ONCE") != "enabled" {
		t.Fatal("EXACTLY_ONCE is not enabled: deploy/kafka-lab.sh connect reads it, and starts a Kafka Connect that can")
	}
	c := newCapture(t, "exactly")
	c.config["exactly.once.support"], c.config["transaction.boundary"] = "required", "poll"
	vims, args := shared(t)
	p := startProgram(t, c.args("cdc", args...)...)
	c.start(p)
	c.publishes(p, true)
	stops := []func() int{load(p, 1), load(p, 2)}
	vnf := p.create("beside")
	p.run(vnf, "instantiate", instantiate)
	for _, verb := range []string{"crash", "connect"} {
		if out, err := exec.CommandContext(t.Context(), "../deploy/kafka-lab.sh", verb).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", verb, err, out)
		}
	}
	p.run(vnf, "terminate", terminate)
	done := 0
	for _, stop := range stops {
		done += stop()
	}
	if left := vims.Inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	c.sent(p)
	if twice := c.complete(); twice > 0 {
		t.Errorf("%d records are in the topic twice", twice)
	}
	t.Logf("%d VNFs came and went", done)
}
