//go:build broker

package kafka_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/bustest"
	"github.com/vnfm/vnfm/bus/kafka"
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

// A broker takes the tokens that the token endpoint gives, each as long as it is valid, and no others.
func TestLoginByATokenOnABroker(t *testing.T) {
	host, port, err := net.SplitHostPort(strings.Split(os.Getenv("VNFM_TEST_KAFKA"), ",")[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	valid, asked := time.Hour, 0
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if user, password, _ := r.BasicAuth(); user != "vnfm" || password != "right" || r.FormValue("scope") != "kafka" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		part := func(v map[string]any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		now := time.Now()
		token := part(map[string]any{"alg": "none"}) + "." + part(map[string]any{"sub": "vnfm", "iat": now.Unix() - 10, "exp": now.Add(valid).Unix()}) + "."
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
	}))
	t.Cleanup(tokens.Close)
	look := func(password string) error {
		c := &kafka.Cluster{
			Brokers: []string{net.JoinHostPort(host, strconv.Itoa(n+2))}, Prefix: fmt.Sprintf("t%d.token.", os.Getpid()), Create: true, Replicas: 1, Logger: quiet,
			Login: kafka.Login{Mechanism: kafka.OAuthBearer, User: "vnfm", Password: password, TokenURL: tokens.URL, Scopes: []string{"kafka"}},
		}
		t.Cleanup(func() { removeTopics(t, strings.Split(os.Getenv("VNFM_TEST_KAFKA"), ","), c.Prefix) })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := c.Tail(ctx, "topic", "")
		return err
	}
	if err := look("right"); err != nil || asked == 0 {
		t.Fatalf("asked for %d tokens: %v", asked, err)
	}
	if err := look("wrong"); err == nil || !strings.Contains(err.Error(), "invalid_client") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong secret: %v", err)
	}
	valid = -time.Second
	if err := look("right"); err == nil {
		t.Error("a token that has run out is taken")
	}
}
