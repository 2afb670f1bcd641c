//go:build broker

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/internal/dbtest"
)

// TestPagesOnABroker runs the pages whose commands need Apache Kafka, and Kafka Connect, each with topics and a database of its own.
// Seen failing with another word in what a page says of a connector.
func TestPagesOnABroker(t *testing.T) {
	brokers, connect := os.Getenv("VNFM_TEST_KAFKA"), os.Getenv("VNFM_TEST_CONNECT")
	if brokers == "" || connect == "" {
		t.Fatal("VNFM_TEST_KAFKA must name brokers, and VNFM_TEST_CONNECT a Kafka Connect (make test-kafka starts some)")
	}
	first, _, _ := strings.Cut(brokers, ",")
	readPages(t, "kafka", 2, func(r *reader, flags string) {
		prefix := "page-" + uuid.NewString()[:8] + "."
		var database string
		if flags == "capture" {
			database = r.captured(connect, prefix)
		} else {
			database = dbtest.Postgres(r.t)
		}
		r.means = append([][2]string{
			{"postgres://vnfm:SECRET@db.example/vnfm", database}, {"10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092", brokers},
			{"10.0.0.1:9092", brokers}, {"127.0.0.1:9092", first}, {"http://connect.example:8083", connect},
		}, r.means...)
		r.env = append(r.env, "VNFM_BUS_PREFIX="+prefix, "VNFM_DATA="+r.home+"/data")
	})
}

// captured gives a reader what the page of a capture begins with: a database of a user who is no administrator, on a server whose log can be captured, and
// the connector that is shipped with what a site puts into it. It returns the database's URL.
func (r *reader) captured(connect, prefix string) string {
	r.t.Helper()
	server, err := dbtest.StartLogical("", false)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(func() { // where the page did not come to its end
		gone, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, connect+"/connectors/vnfm", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(gone); err == nil {
			_ = resp.Body.Close()
		}
	})
	for _, q := range []string{"create role vnfm login password 'SECRET'", "create database vnfm owner vnfm"} {
		if _, err := dbtest.Query(r.t.Context(), server.URL(), q); err != nil {
			r.t.Fatal(err)
		}
	}
	at, err := url.Parse(server.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	shipped, err := os.ReadFile("../deploy/kafka-connect/vnfm.json")
	if err != nil {
		r.t.Fatal(err)
	}
	var connector map[string]string
	if err := json.Unmarshal(shipped, &connector); err != nil {
		r.t.Fatal(err)
	}
	password := filepath.Join(r.home, "vnfm.properties")
	maps.Copy(connector, map[string]string{
		"database.hostname": at.Hostname(), "database.port": at.Port(), "database.password": "${file:" + password + ":password}",
		"transforms.outbox.route.topic.replacement": prefix + "${routedByValue}", "transforms.events.route.topic.replacement": prefix + "vnf.events",
	})
	config, err := json.Marshal(connector)
	if err != nil {
		r.t.Fatal(err)
	}
	roles, err := os.ReadFile("../deploy/kafka-connect/role.sql")
	if err != nil {
		r.t.Fatal(err)
	}
	for name, content := range map[string][]byte{"vnfm.json": config, "role.sql": roles, "vnfm.properties": []byte("password=CHANGE-ME\n")} {
		if err := os.WriteFile(filepath.Join(r.home, name), content, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.means = append([][2]string{{"-h db.example", "-h " + at.Hostname() + " -p " + at.Port()}}, r.means...)
	return "postgres://vnfm:SECRET@" + at.Host + "/vnfm?sslmode=disable"
}
