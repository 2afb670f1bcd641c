package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// topicWait is how long a topic that was made may take to be known by the cluster, and checkWait how long the look at all of them.
const (
	topicWait = 30 * time.Second
	checkWait = time.Minute
)

// check returns the ids of topics, by their names with us, after it has made those that are not there, if it may. A topic that
// was deleted and made anew has another id. It fails with what to do when a topic is not there, or has not a partition for each lane.
func (c *Cluster) check(ctx context.Context, cl *kgo.Client, topics ...string) (map[string]string, error) {
	deadline := time.Now().Add(topicWait)
	for made := false; ; {
		ids, missing, err := c.look(ctx, cl, topics)
		if err != nil || len(missing) == 0 {
			return ids, err
		}
		if !c.Create {
			return nil, fmt.Errorf("topic %s is not there: make it (kafka-topics.sh --create --topic %s --partitions %d), or set bus-topics=create",
				c.name(missing[0]), c.name(missing[0]), eventstore.Lanes)
		}
		if !made {
			if err := c.create(ctx, cl, missing); err != nil {
				return nil, err
			}
			made = true
			continue
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("topic %s was made, and the cluster does not know it after %s", c.name(missing[0]), topicWait)
		}
		if err := pause(ctx, metadataAge); err != nil {
			return nil, err
		}
	}
}

// look asks the cluster for topics. The request is made by hand: what a client remembers may be of a topic that is gone.
func (c *Cluster) look(ctx context.Context, cl *kgo.Client, topics []string) (ids map[string]string, missing []string, err error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, t := range topics {
		want := kmsg.NewMetadataRequestTopic()
		want.Topic = kmsg.StringPtr(c.name(t))
		req.Topics = append(req.Topics, want)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s for topics: %w", strings.Join(c.Brokers, ", "), err)
	}
	ids = map[string]string{}
	for _, t := range resp.Topics {
		i := slices.IndexFunc(topics, func(topic string) bool { return t.Topic != nil && c.name(topic) == *t.Topic })
		if i < 0 {
			continue
		}
		err := kerr.ErrorForCode(t.ErrorCode)
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			missing = append(missing, topics[i])
		case err != nil:
			return nil, nil, fmt.Errorf("topic %s: %w", *t.Topic, err)
		case len(t.Partitions) != eventstore.Lanes:
			return nil, nil, fmt.Errorf("topic %s has %d partitions and must have %d, one for each lane: make it anew, or set another bus-prefix",
				*t.Topic, len(t.Partitions), eventstore.Lanes)
		default:
			ids[topics[i]] = hex.EncodeToString(t.TopicID[:])
		}
	}
	return ids, missing, nil
}

// create makes topics. Who makes one at the same time is as good.
func (c *Cluster) create(ctx context.Context, cl *kgo.Client, topics []string) error {
	adm := kadm.NewClient(cl)
	replicas := int16(-1) // as the cluster has it
	if c.Replicas > 0 {
		replicas = int16(c.Replicas) //nolint:gosec // a handful
	}
	for _, t := range topics {
		cfg := map[string]*string{}
		if t == message.TopicVnfEvents { // who begins to read later reads all of them
			cfg["retention.ms"] = kadm.StringPtr("-1")
		}
		if c.maxBytes() > defaultMaxBytes {
			cfg["max.message.bytes"] = kadm.StringPtr(strconv.Itoa(c.maxBytes() + recordRoom))
		}
		r, err := adm.CreateTopics(ctx, eventstore.Lanes, replicas, cfg, c.name(t))
		if err == nil {
			err = r[c.name(t)].Err
		}
		if errors.Is(err, kerr.TopicAlreadyExists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("make topic %s: %w", c.name(t), err)
		}
		c.log().InfoContext(ctx, "topic made", "topic", c.name(t))
	}
	return nil
}

// pause waits, and returns the context's error when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
