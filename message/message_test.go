package message_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
)

func TestDeriveID(t *testing.T) {
	first, again := message.DeriveID("a", "b"), message.DeriveID([]string{"a", "b"}...)
	if first != again {
		t.Errorf("equal parts, different ids: %s and %s", first, again)
	}
	// Seen failing with the parts simply joined: where one part ends must matter.
	for _, other := range [][]string{{"ab"}, {"a", "b", ""}, {"", "ab"}, {"b", "a"}} {
		if message.DeriveID(other...) == message.DeriveID("a", "b") {
			t.Errorf("%q has the id of [a b]", other)
		}
	}
}

// The reply to a command made twice is the same message: the second is dropped by its id.
func TestAReplyMadeTwiceIsTheSameMessage(t *testing.T) {
	command := message.Message{ID: "c1", Key: "vnf", CorrelationID: "op", ReplyTo: message.TopicReplies, Traceparent: "00-1-2-01"}
	r := message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`{"a":1}`)}
	first := message.NewReply(command, "/vim", time.Unix(1, 0), r)
	again := message.NewReply(command, "/vim", time.Unix(2, 0), r)
	if first.ID != again.ID || first.ID == command.ID {
		t.Errorf("ids %s and %s of the reply to %s", first.ID, again.ID, command.ID)
	}
	if first.CausationID != "c1" || first.CorrelationID != "op" || first.Key != "vnf" || first.Topic != message.TopicReplies || first.Traceparent != "00-1-2-01" {
		t.Errorf("the reply does not follow from its command: %+v", first)
	}
	var got message.Reply
	if err := json.Unmarshal(first.Data, &got); err != nil || got.Outcome != message.Succeeded || string(got.Result) != `{"a":1}` {
		t.Errorf("data %s: %v", first.Data, err)
	}
	broken := message.NewReply(command, "/vim", time.Unix(1, 0), message.Reply{Outcome: message.Succeeded, Result: json.RawMessage("{")})
	if err := json.Unmarshal(broken.Data, &got); err != nil || got.Outcome != message.Failed {
		t.Errorf("a result that is no JSON became %s", broken.Data)
	}
}

// What comes again is answered with the reply, or with a word that is another message each time.
// Seen failing with the word's id made of the command alone.
func TestAnswer_is_the_reply_or_the_word(t *testing.T) {
	command := message.Message{ID: "c", Key: "k", CorrelationID: "s", ReplyTo: message.TopicReplies}
	now := time.Unix(7, 0)
	reply := message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`1`)}
	if m := message.Answer(command, "/toy", now, &reply); m.ID != message.ReplyID("c") || m.Type != message.ReplyType {
		t.Errorf("%+v", m)
	}
	one, two := message.Answer(command, "/toy", now, nil), message.Answer(command, "/toy", now.Add(time.Second), nil)
	if one.Type != message.WorkingType || one.CausationID != "c" || one.ID == two.ID || one.ID != message.Answer(command, "/toy", now, nil).ID {
		t.Errorf("%+v and %+v", one, two)
	}
}
