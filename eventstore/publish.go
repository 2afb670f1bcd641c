package eventstore

import (
	"context"
	"time"
)

// PublishMode says who publishes the messages and events of a database to Kafka.
type PublishMode string

// The modes: a relay of this program reads them, or Kafka Connect captures them from the database's log.
const (
	Polling PublishMode = "polling"
	CDC     PublishMode = "cdc"
)

// Publishing is who publishes, and what of it is in the database.
type Publishing struct {
	Mode   PublishMode
	Wanted PublishMode // what the node that started last is set to
	Epoch  int64       // rises with each change of Mode
	Reason string      // of the last change
	Since  time.Time
	// Logical: the database's log has what a capture needs (wal_level=logical).
	Logical bool
	// Publication: there is one by the name; it lets rows through in mode CDC only.
	Publication bool
	Slot        *Slot // nil: there is none by the name
}

// Slot is a replication slot: what keeps the database's log for whoever captures.
type Slot struct {
	Active bool  // somebody reads it
	Ours   bool  // it was made by MakeCapture, and not made anew by anybody else
	Lost   bool  // the database has given it up: what was to be read is gone
	Behind int64 // bytes of log that were not confirmed as read
}

// Capture names what a capture needs in a database.
type Capture struct {
	// Name is that of the publication and of the slot.
	Name string
	// Streams are the prefixes of the streams whose events are published; none: no events are.
	Streams []string
	// Relays are the consumers that have to have passed all messages, and all events, before a capture takes over; "": none.
	MessageRelay, EventRelay string
}

// Publications are met by stores that a capture may publish from. Each method may be called again, and by several processes at once.
type Publications interface {
	// Publishing returns who publishes, and what is there by a name.
	Publishing(ctx context.Context, name string) (Publishing, error)
	// WantPublishing notes what a node is set to.
	WantPublishing(ctx context.Context, mode PublishMode) error
	// MakeCapture makes the publication, which lets nothing through, and the slot, where they are not there.
	MakeCapture(ctx context.Context, c Capture) error
	// RemoveCapture removes the slot and the publication, in mode Polling. Returns ErrBusy while somebody reads the slot.
	RemoveCapture(ctx context.Context, c Capture) error
	// PublishByCapture changes the mode from Polling to CDC, if it has that epoch: every row from then on is let through, and
	// none before. Commits wait meanwhile, until the relays have sent all there is, for patience at most. Returns ErrBusy when they have
	// not, or when the slot is not read.
	PublishByCapture(ctx context.Context, c Capture, epoch int64, patience time.Duration) error
	// PublishByRelay changes the mode from CDC to Polling, if it has that epoch, and removes the publication, so that nothing is let
	// through any more.
	PublishByRelay(ctx context.Context, c Capture, epoch int64, reason string) error
}
