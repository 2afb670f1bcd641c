package lcm

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
)

// stepGrant is the step that asks for a grant, in every saga that has one.
const stepGrant = "grant"

// grantOf returns the grant a saga was given, nil while there is none.
func grantOf(in *saga.Instance) (*nfvo.Grant, error) {
	for _, r := range in.Items {
		if r.Step != stepGrant || len(r.Result) == 0 {
			continue
		}
		g := &nfvo.Grant{}
		if err := json.Unmarshal(r.Result, g); err != nil {
			return nil, fmt.Errorf("the grant cannot be read: %w", err)
		}
		return g, nil
	}
	return nil, nil
}

// withdrawal ends the asking for the grant of an operation that ended without the answer; nil when there is none to end.
func withdrawal(in *saga.Instance, now time.Time) *message.Message {
	if !in.State.Final() {
		return nil
	}
	for _, r := range in.Items {
		if r.Step == stepGrant && r.EverSent && len(r.Result) == 0 && r.State != saga.ItemFailed {
			return &message.Message{
				ID: message.DeriveID(in.ID, stepGrant, "withdraw"), Type: nfvo.TypeWithdrawGrant, Source: saga.Source,
				Topic: message.TopicNfvoCommands, Key: in.Key, Time: now, CorrelationID: in.ID, CausationID: r.Command,
				Traceparent: in.Traceparent, Data: json.RawMessage(`{}`),
			}
		}
	}
	return nil
}
