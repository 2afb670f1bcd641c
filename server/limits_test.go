package server_test

import (
	"strings"
	"testing"
)

// A connection says how it may be called; that calls to it are held back is told by API and metrics, and operations wait for it.
func TestCallsToAVimAreHeldBack(t *testing.T) {
	p := startProgram(t, "--vim-breaker-wait=300ms", "--vim-breaker-most=300ms", "--operation-backoff=10ms", "--reconcile-interval=0s", "--vim-sweep-interval=0s")
	const vims = "/vnfm/v1/vims"
	for name, value := range map[string]any{"workers": 0, "rate": -1, "breakerFailures": "three"} {
		if refused := p.must(422, "POST", vims, map[string]any{"vimType": "VNFM.SIM.V_1", "extra": map[string]any{name: value}}); !strings.Contains(text(refused, "detail"), "extra."+name) {
			t.Errorf("%v", refused)
		}
	}
	p.must(201, "POST", vims, map[string]any{"id": "small", "vimType": "VNFM.SIM.V_1", "default": true, "extra": map[string]any{"workers": 2, "rate": 1000.5, "breakerFailures": 2}})
	v := p.must(200, "GET", vims+"/small", nil)
	if field(v, "limits", "workers") != 2.0 || field(v, "limits", "rate") != 1000.5 || field(v, "limits", "breakerFailures") != 2.0 || field(v, "held") != nil {
		t.Errorf("%v", v)
	}
	if v := p.must(200, "GET", vims+"/sim-1", nil); field(v, "limits", "workers") != 16.0 || field(v, "limits", "breakerFailures") != 3.0 {
		t.Errorf("%v", v)
	}
	p.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "delay": "0s", "rules": []any{
		map[string]any{"on": "find", "outcome": "unavailable"}, map[string]any{"on": "reserve", "outcome": "unavailable"},
	}})
	op := p.begin(p.create("waits"), "instantiate", instantiate)
	p.await("a connection that is held", func() bool {
		v := p.must(200, "GET", vims+"/small", nil)
		return text(v, "held", "state") == "OPEN" && strings.Contains(text(v, "held", "reason"), "told to fail") && field(v, "held", "failures").(float64) >= 2
	})
	p.await("the metric", func() bool { return strings.Contains(p.metrics(), `vnfm_vim_held{state="OPEN",vim_id="small"} 1`) })
	for range 3 { // it is tried again and again
		since := text(p.must(200, "GET", vims+"/small", nil), "held", "until")
		p.await("another try", func() bool { return text(p.must(200, "GET", vims+"/small", nil), "held", "until") != since })
	}
	if v := p.must(200, "GET", op, nil); text(v, "operationState") != "PROCESSING" {
		t.Errorf("it does not wait: %v", v)
	}
	p.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "delay": "0s", "rules": []any{}})
	p.completed(op)
	if v := p.must(200, "GET", vims+"/small", nil); field(v, "held") != nil {
		t.Errorf("%v", v)
	}
}
