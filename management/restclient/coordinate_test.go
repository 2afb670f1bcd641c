package restclient_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/management/managementtest"
	"github.com/vnfm/vnfm/message"
)

func drain() configuration.Coordinate {
	return configuration.Coordinate{
		VnfID: "vnf-1", OpID: "op-1", Operation: "SCALE", Action: "drain", Token: "t-1", Endpoint: configuration.Endpoint{Connection: "em"},
		Input: json.RawMessage(`{"seconds":3}`),
	}
}

// A coordination is begun, looked at, called off; every answer says what it means.
func TestACoordination(t *testing.T) {
	p := newPlace(t, managementtest.Config{}, nil)
	begin := func(b managementtest.Behaviour) (configuration.CoordinationAnswer, error) {
		p.vnf.SetBehaviour(b)
		return p.client.Begin(t.Context(), drain())
	}
	got, err := begin(managementtest.Behaviour{Warnings: "two sessions were cut"})
	if err != nil || got.Result != configuration.Continue || got.ID == "" || got.Warnings != "two sessions were cut" {
		t.Errorf("201: %+v, %v", got, err)
	}
	asked := p.vnf.Asked("POST")
	if r := asked[0]; r.Key != "t-1" {
		t.Errorf("asked without its key: %+v", r)
	}
	got, err = begin(managementtest.Behaviour{Polls: 2, Result: configuration.Abort, Problem: "calls are up", RetryAfter: 5})
	if err != nil || got.Result != "" || got.ID == "" || got.After != 5*time.Second {
		t.Fatalf("202: %+v, %v", got, err)
	}
	id := got.ID
	if got, err = p.client.Look(t.Context(), drain(), id); err != nil || got.Result != "" || got.After != 5*time.Second {
		t.Errorf("a look at one that goes on: %+v, %v", got, err)
	}
	p.vnf.Finish()
	if got, err = p.client.Look(t.Context(), drain(), id); err != nil || got.Result != configuration.Abort || got.Problem != "calls are up" {
		t.Errorf("a look at one that has ended: %+v, %v", got, err)
	}
	if err := p.client.CallOff(t.Context(), drain(), id); err != nil {
		t.Errorf("called off when it has ended: %v", err)
	}
	if got, err = begin(managementtest.Behaviour{Polls: 9}); err != nil {
		t.Fatal(err)
	}
	if err := p.client.CallOff(t.Context(), drain(), got.ID); err != nil {
		t.Errorf("called off: %v", err)
	}
	if got, err = p.client.Look(t.Context(), drain(), got.ID); err != nil || got.Result != configuration.Cancelled {
		t.Errorf("called off: %+v, %v", got, err)
	}
	if _, err := p.client.Look(t.Context(), drain(), "unknown"); classOf(err) != message.NotFound {
		t.Errorf("an unknown one: %v", err)
	}
	for outcome, tt := range map[string]struct {
		after    int
		rejected bool
		class    message.Class
	}{
		"503": {after: 4, rejected: true}, "409": {rejected: true}, "429": {rejected: true}, "502": {class: message.Unavailable},
		"403": {class: message.Auth}, "400": {class: message.Permanent}, managementtest.Lost: {class: message.Unavailable},
		managementtest.Hang: {class: message.UnknownOutcome}, managementtest.Malformed: {class: message.Permanent},
	} {
		got, err := begin(managementtest.Behaviour{Rules: []managementtest.Rule{{On: "coordinate", Outcome: outcome, RetryAfter: tt.after, Detail: "busy"}}})
		if tt.rejected && (err != nil || got.Rejected != "busy" || got.After != time.Duration(tt.after)*time.Second) || !tt.rejected && classOf(err) != tt.class {
			t.Errorf("%s: %+v, %v", outcome, got, err)
		}
	}
	if _, err := begin(managementtest.Behaviour{Rules: []managementtest.Rule{{On: "coordinate", Outcome: "503"}}}); classOf(err) != message.Unavailable {
		t.Errorf("503 without Retry-After: %v", err)
	}
	if _, err := begin(managementtest.Behaviour{Result: "PERHAPS", Rules: []managementtest.Rule{{On: "look", Outcome: "500"}}}); classOf(err) != message.Permanent {
		t.Errorf("a result that there is not: %v", err)
	}
}
