package server_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const monitoring = "../deploy/monitoring/"

var (
	ourMetric = regexp.MustCompile(`vnfm_[a-z_]+`)
	ofHistory = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// onlyWithKafka are the metrics that the program of TestMetricsReference lacks.
const onlyWithKafka = "vnfm_outbox_backlog_messages"

// known says whether the reference page has a metric, or the page about captures.
func known(page, capturePage, metric string) bool {
	return metric == onlyWithKafka || strings.HasPrefix(metric, "vnfm_publish_") && strings.Contains(capturePage, "`"+metric+"`") || strings.Contains(page, "`"+metric+"`") || strings.Contains(page, "`"+ofHistory.ReplaceAllString(metric, "")+"` | histogram")
}

// What is shipped for Prometheus and Grafana asks for metrics that there are, and the page says of each alert what to do. The rules
// themselves are tried by make test-monitoring. Seen failing with a metric renamed.
func TestMonitoringAsksForWhatThereIs(t *testing.T) {
	page := read(t, metricsPage)
	for _, file := range []string{"alerts.yaml", "alerts-test.yaml", "dashboard.json"} {
		found := ourMetric.FindAllString(read(t, monitoring+file), -1)
		if len(found) == 0 {
			t.Errorf("%s has no metric", file)
		}
		for _, m := range found {
			if !known(page, read(t, "../docs/howto/cdc.md"), m) {
				t.Errorf("%s: there is no metric %s", file, m)
			}
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Labels      struct{ Severity string }
				Annotations struct{ Summary, Description, Runbook string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, monitoring+"alerts.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	howto, tried := read(t, "../docs/howto/monitor.md"), read(t, monitoring+"alerts-test.yaml")
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			n++
			if r.Annotations.Summary == "" || r.Annotations.Description == "" || !strings.HasSuffix(r.Annotations.Runbook, "/docs/howto/monitor.md#"+strings.ToLower(r.Alert)) {
				t.Errorf("%s: %+v", r.Alert, r.Annotations)
			}
			if !strings.Contains(howto, "\n### "+r.Alert+"\n") {
				t.Errorf("docs/howto/monitor.md does not say what to do about %s", r.Alert)
			}
			if !strings.Contains(tried, "\n  - name: "+r.Alert+"\n") {
				t.Errorf("alerts-test.yaml does not try %s", r.Alert)
			}
		}
	}
	if n == 0 {
		t.Error("no rules")
	}
}

// The panels of the dashboard do not lie on each other, and each asks something.
func TestDashboardIsWhole(t *testing.T) {
	var board struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, monitoring+"dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: the id %d is there twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if len(ids) < 20 {
		t.Errorf("%d panels", len(ids))
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
