package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// configured has a VNF configured by the program, and returns the reply.
func (p *program) configured(computes map[string]configuration.Compute) message.Reply {
	p.t.Helper()
	vnf := uuid.NewString()
	data, err := json.Marshal(configuration.Configure{VnfID: vnf, OpID: "op", Token: uuid.NewString() + ":1", Fence: 1, Action: "instantiate", Computes: computes})
	if err != nil {
		p.t.Fatal(err)
	}
	replied, err := p.server.Send(p.t.Context(), message.Message{
		ID: uuid.NewString(), Type: configuration.TypeConfigure, Topic: message.TopicVnfCommands, Key: vnf, CorrelationID: uuid.NewString(),
		ReplyTo: message.TopicReplies, Data: data,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	var reply message.Reply
	p.await("a reply", func() (ok bool) {
		reply, ok = replied()
		return ok
	})
	return reply
}

// A site with simulated VIMs configures VNFs by their behaviour: rules on configure apply, and machines must be there.
func TestTheSimulatedSiteConfiguresVnfs(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, args...)
		if r := p.configured(nil); r.Outcome != message.Succeeded {
			t.Errorf("%+v", r)
		}
		vm := vim.StartRequest{
			Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Compute, Owner: uuid.NewString(),
			Spec: vim.Spec{Compute: &vim.ComputeSpec{Flavour: "m1.tiny", Image: "image-a"}},
		}
		res, err := p.server.Sim().Start(t.Context(), sim.Connections()[1], vm)
		if err != nil {
			t.Fatal(err)
		}
		if r := p.configured(map[string]configuration.Compute{"a": {Connection: sim.Second, ID: res.ID}}); r.Outcome != message.Succeeded {
			t.Errorf("%+v", r)
		}
		if r := p.configured(map[string]configuration.Compute{"a": {Connection: sim.Default, ID: res.ID}}); r.Class != message.NotFound || !strings.Contains(r.Reason, res.ID) {
			t.Errorf("a machine that is not there: %+v", r)
		}
		if err := p.server.Sim().SetBehaviour(sim.Behaviour{Rules: []sim.Rule{{On: sim.OnConfigure, Outcome: sim.Permanent, Times: 1}}}); err != nil {
			t.Fatal(err)
		}
		if r := p.configured(nil); r.Class != message.Permanent {
			t.Errorf("as the behaviour wants it: %+v", r)
		}
	})
}
