package server_test

import (
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// samples returns the samples of a metric that have all of these labels.
func (p *program) samples(name string, labels map[string]string) (out []*dto.Metric) {
	p.t.Helper()
	families, err := p.server.Metrics().Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			n := 0
			for _, l := range m.GetLabel() {
				if v, ok := labels[l.GetName()]; ok && v == l.GetValue() {
					n++
				}
			}
			if n == len(labels) {
				out = append(out, m)
			}
		}
	}
	return out
}

// Requests count by route, method and status, whatever clients ask for: a path that is no route adds no series of its own.
// Operations count by what they are and how they end.
func TestRequestsAndOperationsAreMeasured(t *testing.T) {
	p := startProgram(t)
	p.run(p.create("measured"), "instantiate", instantiate)
	p.must(404, "GET", "/vnflcm/v2/vnf_instances/none", nil)
	p.must(404, "GET", "/nowhere/1", nil)
	p.must(404, "GET", "/nowhere/2", nil)
	p.must(405, "DELETE", "/vnflcm/v2/vnf_instances", nil)
	for _, c := range []struct {
		route, method, code string
		n                   float64
	}{
		{"/vnflcm/v2/vnf_instances", "post", "201", 1},
		{"/vnflcm/v2/vnf_instances", "delete", "405", 1},
		{"/vnflcm/v2/vnf_instances/{id}", "get", "404", 1},
		{"/vnflcm/v2/vnf_instances/{id}/instantiate", "post", "202", 1},
		{"none", "get", "404", 2},
	} {
		if got := p.samples("vnfm_http_requests_total", map[string]string{"route": c.route, "method": c.method, "code": c.code}); len(got) != 1 || got[0].GetCounter().GetValue() != c.n {
			t.Errorf("%v: %v", c, got)
		}
	}
	if got := p.samples("vnfm_http_response_seconds", map[string]string{"route": "/vnflcm/v2/vnf_instances/{id}/instantiate", "method": "post"}); len(got) != 1 || got[0].GetHistogram().GetSampleCount() != 1 {
		t.Errorf("time to an answer: %v", got)
	}
	p.await("the operation to be measured", func() bool {
		got := p.samples("vnfm_lcm_operation_seconds", map[string]string{"operation": "INSTANTIATE", "state": "COMPLETED"})
		return len(got) == 1 && got[0].GetHistogram().GetSampleCount() == 1 && got[0].GetHistogram().GetSampleSum() >= 0
	})
	if got := p.samples("vnfm_build_info", nil); len(got) != 1 || got[0].GetGauge().GetValue() != 1 {
		t.Errorf("build: %v", got)
	}
}
