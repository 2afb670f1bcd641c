package server_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/nfvo/nfvotest"
	"github.com/vnfm/vnfm/samples"
)

// One VNF's life as its NFVO sees it: it subscribes, grants later, and hears of every state of every operation once and in
// order, of one that fails, is retried, fails again and is rolled back, of one that is cancelled, and of those that succeed.
func TestAWholeLifeAsTheNfvoSeesIt(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			p, fake := withNfvo(t, append(args(t), "--operation-on-failure=INSTANTIATE=hold", "--operation-attempts=1", "--egress-allow-local")...)
			if _, err := fake.Onboard(samples.CSAR()); err != nil {
				t.Fatal(err)
			}
			p.start()
			sub := p.must(201, "POST", "/vnflcm/v2/subscriptions", map[string]any{"callbackUri": p.cfg.Nfvo.URL + "/notifications/lcm"})
			fake.SetBehaviour(nfvotest.Behaviour{Answer: nfvotest.AnswerLater, Polls: 1})
			vnf := p.created("walk")

			p.misbehave(`{"seed":1,"rules":[{"on":"configure","outcome":"permanent","times":2}]}`)
			op := p.begin(vnf, "instantiate", instantiate)
			failed := p.ends(op, "FAILED_TEMP")
			if text(failed, "error", "detail") == "<nil>" {
				t.Errorf("FAILED_TEMP without a cause: %v", failed)
			}
			p.must(202, "POST", op+"/retry", nil)
			p.await("the second failure", func() bool { return p.states(fake, op)["FAILED_TEMP"] == 2 })
			p.must(202, "POST", op+"/rollback", nil)
			p.ends(op, "ROLLED_BACK")

			p.misbehave(`{"seed":1,"rules":[{"on":"reserve","outcome":"hang","times":1}]}`)
			cancelled := p.begin(vnf, "instantiate", instantiate)
			p.ends(cancelled, "PROCESSING")
			p.must(202, "POST", cancelled+"/cancel", map[string]any{"cancelMode": "FORCEFUL"})
			p.ends(cancelled, "FAILED_TEMP")
			p.misbehave(`{"seed":1,"rules":[]}`)
			p.must(202, "POST", cancelled+"/rollback", nil)
			p.ends(cancelled, "ROLLED_BACK")

			p.run(vnf, "instantiate", instantiate)
			p.run(vnf, "terminate", terminate)
			p.must(204, "DELETE", "/vnflcm/v2/vnf_instances/"+vnf, nil)

			want := []string{
				"VnfIdentifierCreationNotification",
				"INSTANTIATE STARTING START", "INSTANTIATE PROCESSING RESULT", "INSTANTIATE FAILED_TEMP RESULT",
				"INSTANTIATE PROCESSING RESULT", "INSTANTIATE FAILED_TEMP RESULT", "INSTANTIATE ROLLING_BACK RESULT", "INSTANTIATE ROLLED_BACK RESULT",
				"INSTANTIATE STARTING START", "INSTANTIATE PROCESSING RESULT", "INSTANTIATE FAILED_TEMP RESULT",
				"INSTANTIATE ROLLING_BACK RESULT", "INSTANTIATE ROLLED_BACK RESULT",
				"INSTANTIATE STARTING START", "INSTANTIATE PROCESSING RESULT", "INSTANTIATE COMPLETED RESULT",
				"TERMINATE STARTING START", "TERMINATE PROCESSING RESULT", "TERMINATE COMPLETED RESULT",
				"VnfIdentifierDeletionNotification",
			}
			p.await("the last notification", func() bool { return len(heard(t, fake, vnf)) >= len(want) })
			if got := heard(t, fake, vnf); !slices.Equal(got, want) {
				t.Errorf("heard\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			p.must(204, "DELETE", "/vnflcm/v2/subscriptions/"+text(sub, "id"), nil)
			if n := len(fake.Asked()); n != 4 {
				t.Errorf("%d grants were asked for, want one for each operation", n)
			}
			if left := p.inventory(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// misbehave sets how the simulated VIM behaves.
func (p *program) misbehave(behaviour string) {
	p.t.Helper()
	p.must(200, "PUT", "/vnfm/v1/sim/behaviour", json.RawMessage(behaviour))
}

// heard lists what the NFVO was told of a VNF, each notification once, in the order in which it came first.
func heard(t *testing.T, fake *nfvotest.NFVO, vnf string) []string {
	t.Helper()
	var out []string
	seen := map[string]bool{}
	for _, told := range fake.Told() {
		var n struct {
			ID     string `json:"id"`
			Type   string `json:"notificationType"`
			Vnf    string `json:"vnfInstanceId"`
			Op     string `json:"operation"`
			State  string `json:"operationState"`
			Status string `json:"notificationStatus"`
		}
		if err := json.Unmarshal(told.Body, &n); err != nil {
			t.Fatal(err)
		}
		if n.Vnf != vnf || seen[n.ID] {
			continue
		}
		seen[n.ID] = true
		if n.Op == "" {
			out = append(out, n.Type)
		} else {
			out = append(out, n.Op+" "+n.State+" "+n.Status)
		}
	}
	return out
}

// states counts how often the NFVO was told of each state of an operation.
func (p *program) states(fake *nfvotest.NFVO, op string) map[string]int {
	out := map[string]int{}
	for _, told := range fake.Told() {
		var n struct {
			Op    string `json:"vnfLcmOpOccId"`
			State string `json:"operationState"`
		}
		if json.Unmarshal(told.Body, &n) == nil && strings.HasSuffix(op, "/"+n.Op) {
			out[n.State]++
		}
	}
	return out
}
