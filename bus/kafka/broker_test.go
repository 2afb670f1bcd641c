//go:build broker

package kafka_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/bustest"
)

// TestSuiteOnABroker is TestSuite on real brokers, at VNFM_TEST_KAFKA (host:port, comma-separated): make test-kafka starts one.
func TestSuiteOnABroker(t *testing.T) {
	at := os.Getenv("VNFM_TEST_KAFKA")
	if at == "" {
		t.Fatal("VNFM_TEST_KAFKA has no brokers")
	}
	var worlds atomic.Int64
	bustest.Run(t, func(t *testing.T) bustest.Fixture {
		w := newWorld(t)
		w.cluster.Brokers = strings.Split(at, ",")
		w.cluster.Prefix = fmt.Sprintf("t%d.%d.", os.Getpid(), worlds.Add(1))
		t.Cleanup(func() { removeTopics(t, w.cluster.Brokers, w.cluster.Prefix) })
		return bustest.Fixture{
			OneTopic: true, Lag: lag, Publish: w.publish,
			Start: func() bus.Bus { return both{w.bus(), w.relay()} },
		}
	})
}

// removeTopics removes what a test made, so that the broker holds the partitions of one at a time.
func removeTopics(t *testing.T, brokers []string, prefix string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	ctx := context.WithoutCancel(t.Context()) // which ends before cleanups run
	all, err := admin.ListTopics(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	var ours []string
	for _, name := range all.Names() {
		if strings.HasPrefix(name, prefix) {
			ours = append(ours, name)
		}
	}
	if len(ours) == 0 {
		return
	}
	if _, err := admin.DeleteTopics(ctx, ours...); err != nil {
		t.Error(err)
	}
}
