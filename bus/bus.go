// Package bus carries committed messages from an outbox to their consumers, in order per key, at least once.
//
// It owns transport only. A consumer keeps its own position, in the store its effects are in, and moves it in the commit
// of the effect; the bus asks for it and never keeps one of its own. The suite is bustest; embedded is the bus of one
// process.
package bus

import (
	"context"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Record is a message with its place in the outbox it came from. Offsets of a lane rise, and have holes where messages of
// other topics were.
type Record struct {
	Offset int64
	message.Message
}

// Delivery is a run of messages of one lane, in order. A consumer moves its cursor from From to To in the commit of its
// effects. Messages of other topics between them are left out; Messages may be empty when only the cursor is to move.
type Delivery struct {
	Lane     int
	From, To int64
	// Mark says where the bus reads on after To, in a form of its own; a consumer stores it with To, and not when it handled
	// less. "" leaves the one that is stored.
	Mark     string
	Messages []Record
}

// Consumer handles deliveries.
type Consumer interface {
	// Name is the consumer's name: its cursors' and parked messages'.
	Name() string
	Topics() []string
	// Owns reports whether this process may move the consumer's cursor in a lane; lanes of others are left alone.
	Owns(lane int) bool
	// Positions returns where the consumer stands in each lane.
	Positions(ctx context.Context) ([eventstore.Lanes]eventstore.Position, error)
	// Deliver handles a run and returns the position it now stands at: To, or less when part of the run was handled.
	// An error means that nothing more can be handled now (the store is away, the lane is not ours): try again later.
	Deliver(ctx context.Context, d Delivery) (int64, error)
}

// Bus moves messages to the consumers subscribed.
type Bus interface {
	// Subscribe adds a consumer; only before Run or RunOnce.
	Subscribe(c Consumer)
	// RunOnce delivers what is waiting for one consumer in one lane, and reports whether there was anything.
	RunOnce(ctx context.Context) (bool, error)
	// Run delivers until the context ends, then returns nil.
	Run(ctx context.Context) error
}
