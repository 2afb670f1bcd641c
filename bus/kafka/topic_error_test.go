package kafka_test

import (
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A cluster may say of a whole topic, not of a partition, that it cannot be read now, as after it was made or while a broker is gone. The
// consumer goes on when it can. Seen failing with an index of -1, which ended the program.
func TestATopicThatCannotBeReadForAWhile(t *testing.T) {
	w := newWorld(t)
	w.send(3)
	w.drain(w.relay())
	host, port, err := net.SplitHostPort(w.cluster.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	var asked, refused atomic.Int64
	w.kafka.ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		req, ok := r.(*kmsg.MetadataRequest)
		if !ok || len(req.Topics) == 0 || asked.Add(1) == 1 || refused.Load() == 8 { // the first is that of the check
			return nil, nil, false
		}
		refused.Add(1)
		resp, ok := req.ResponseKind().(*kmsg.MetadataResponse)
		if !ok {
			return nil, nil, false
		}
		b := kmsg.NewMetadataResponseBroker()
		b.Host, b.Port = host, int32(n)
		resp.Brokers = append(resp.Brokers, b)
		for _, topic := range req.Topics {
			x := kmsg.NewMetadataResponseTopic()
			x.Topic, x.TopicID, x.ErrorCode = topic.Topic, topic.TopicID, kerr.LeaderNotAvailable.Code
			resp.Topics = append(resp.Topics, x)
		}
		return resp, nil, true
	})
	l, b := &listener{}, w.bus()
	b.Subscribe(l)
	w.drain(b)
	w.expect(l, 3)
	if refused.Load() == 0 {
		t.Error("the topic could be read all the time")
	}
}
