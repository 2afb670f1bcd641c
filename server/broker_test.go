//go:build broker

package server_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/internal/dbtest"
)

// Operations run over real brokers, at VNFM_TEST_KAFKA (host:port, comma-separated): with one database and with two, and when the program
// starts again in the middle. make test-kafka starts a broker.
func TestOperationsRunOverARealBroker(t *testing.T) {
	at := os.Getenv("VNFM_TEST_KAFKA")
	if at == "" {
		t.Fatal("VNFM_TEST_KAFKA has no brokers")
	}
	for name, args := range map[string][]string{
		"one": {"--database=" + dbtest.Postgres(t)}, "two": {"--database=" + dbtest.Postgres(t), "--vim-database=sqlite:vims.db"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, append(args, "--bus=kafka://"+at, fmt.Sprintf("--bus-prefix=t%d.%s.", os.Getpid(), name))...)
			vnf := p.create("over-kafka")
			p.run(vnf, "instantiate", instantiate)
			op := p.begin(vnf, "terminate", terminate)
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			p.start()
			p.completed(op)
			if left := p.inventory(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			p.await("all sent", func() bool {
				return strings.Contains(p.metrics(), `vnfm_outbox_backlog_messages{database="main"} 0`)
			})
		})
	}
}
