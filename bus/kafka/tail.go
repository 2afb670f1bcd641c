package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/eventstore"
)

const (
	// tailWindow is how many records of a partition are read from its end at first: a publisher that was interrupted sends a run of them
	// again, so that the last is not the furthest.
	tailWindow = 64
	// tailWait bounds how long the reading takes.
	tailWait = time.Minute
)

// Tail returns how far the records of a topic are that are of an outbox, or of the log beside it: the furthest offset in each lane. Where
// there are none it is 0.
func (c *Cluster) Tail(ctx context.Context, topic, outbox string) (far [eventstore.Lanes]int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, tailWait)
	defer cancel()
	cl, err := c.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.KeepControlRecords()) // the last of a partition may be one
	if err != nil {
		return far, err
	}
	defer cl.Close()
	if _, err := c.check(ctx, cl, topic); err != nil {
		return far, err
	}
	name, admin := c.name(topic), kadm.NewClient(cl)
	starts, err := admin.ListStartOffsets(ctx, name)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return far, fmt.Errorf("ask where topic %s begins: %w", name, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return far, fmt.Errorf("ask where topic %s ends: %w", name, err)
	}
	from := map[int32]int64{} // where the partitions are read that nothing was found of yet
	starts.Each(func(o kadm.ListedOffset) {
		if end, ok := ends.Lookup(name, o.Partition); ok && end.Offset > o.Offset && int(o.Partition) < eventstore.Lanes {
			from[o.Partition] = end.Offset
		}
	})
	for window := int64(tailWindow); len(from) > 0; window *= 4 {
		add := map[int32]kgo.Offset{}
		for p, before := range from {
			begin, _ := starts.Lookup(name, p)
			from[p] = max(begin.Offset, before-window)
			add[p] = kgo.NewOffset().At(from[p])
		}
		cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{name: add})
		if err := furthest(ctx, cl, add, ends[name], outbox, &far); err != nil {
			return far, fmt.Errorf("read the end of topic %s: %w", name, err)
		}
		var done []int32
		for p := range from {
			done = append(done, p)
			if begin, _ := starts.Lookup(name, p); far[p] > 0 || from[p] <= begin.Offset {
				delete(from, p)
			}
		}
		cl.RemoveConsumePartitions(map[string][]int32{name: done})
	}
	return far, nil
}

// furthest reads partitions to where they ended.
func furthest(ctx context.Context, cl *kgo.Client, reading map[int32]kgo.Offset, ends map[int32]kadm.ListedOffset, outbox string, far *[eventstore.Lanes]int64) error {
	left := map[int32]bool{}
	for p := range reading {
		left[p] = true
	}
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, k := range p.Records {
				m, err := toMessage(k, p.Topic)
				if err == nil && (m.outbox == "" || m.outbox == outbox) {
					far[p.Partition] = max(far[p.Partition], m.Offset)
				}
				if k.Offset >= ends[p.Partition].Offset-1 {
					delete(left, p.Partition)
				}
			}
		})
	}
	return nil
}
