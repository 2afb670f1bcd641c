package sagabench

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

const topic = "bench.commands"

func definition() *saga.Definition {
	d := &saga.Definition{Type: "bench", Version: 1, Rollbackable: saga.Always}
	for _, id := range []string{"one", "two", "three"} {
		d.Stages = append(d.Stages, saga.Stage{ID: id, Steps: []saga.Step{{
			ID: id, Topic: topic, Do: "bench." + id, UndoAs: "bench.undo", Timeout: 2 * time.Minute,
		}}})
	}
	return d
}

// many is a saga of as many items as its data says, in one stage.
func many() *saga.Definition {
	return &saga.Definition{
		Type: "many", Version: 1, Rollbackable: saga.Always,
		StagesOf: func(in *saga.Instance) ([]saga.Stage, error) {
			n, err := saga.Data[int](in)
			if err != nil {
				return nil, err
			}
			return []saga.Stage{{ID: "many", Window: inFlight, Steps: []saga.Step{{
				ID: "make", Topic: topic, Do: "bench.one", UndoAs: "bench.undo", Timeout: time.Hour,
				Items: func(*saga.Instance) ([]saga.Item, error) {
					items := make([]saga.Item, *n)
					for i := range items {
						items[i] = saga.Item{ID: "item-" + strconv.Itoa(i), Group: "g"}
					}
					return items, nil
				},
				DataFor: func(_ *saga.Instance, run *saga.ItemRun) (json.RawMessage, error) {
					return json.RawMessage(`{"make":"` + run.Item + `"}`), nil
				},
			}}}}, nil
		},
	}
}

// participant commits a reply to each command.
type participant struct{}

func (participant) Load([]message.Message) eventstore.Load { return eventstore.Load{} }

func (participant) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for _, m := range msgs {
		r := message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`{"made":true}`)}
		if m.Type == "bench.three" && bytes.Contains(m.Data, []byte(`"fail":true`)) {
			r = message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "every tenth"}
		}
		c.Outbox = append(c.Outbox, message.NewReply(m, "/bench", l.Now, r))
	}
	return nil
}

// host gives the sagas no meaning.
type host struct{}

func (host) Load(string, string) eventstore.Load { return eventstore.Load{} }

func (host) Turn(*eventstore.Loaded, *saga.Turn, *eventstore.Commit) error { return nil }

func (host) Cleanup(*saga.Instance, string, json.RawMessage, json.RawMessage) (string, int, json.RawMessage, bool) {
	return "", 0, nil, false
}
