//go:build broker

package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/internal/dbtest"
)

// TestPagesOnABroker runs the pages whose commands need Apache Kafka, each with topics and a database of its own.
func TestPagesOnABroker(t *testing.T) {
	brokers := os.Getenv("VNFM_TEST_KAFKA")
	if brokers == "" {
		t.Fatal("VNFM_TEST_KAFKA must name brokers (make test-kafka starts some)")
	}
	first, _, _ := strings.Cut(brokers, ",")
	readPages(t, "kafka", 1, func(r *reader, _ string) {
		r.means = append([][2]string{
			{"postgres://vnfm:SECRET@db.example/vnfm", dbtest.Postgres(t)}, {"10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092", brokers}, {"127.0.0.1:9092", first},
		}, r.means...)
		r.env = append(r.env, "VNFM_BUS_PREFIX=page-"+uuid.NewString()[:8]+".", "VNFM_DATA="+r.home+"/data")
	})
}
