package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/outbox"
)

// publications is a database in which a capture may be made, and what is done to it.
type publications struct {
	now  eventstore.Publishing
	done []string
	busy bool
	fail error
}

func (p *publications) did(what string) error {
	p.done = append(p.done, what)
	if p.busy {
		return eventstore.ErrBusy
	}
	return p.fail
}

func (p *publications) Publishing(context.Context, string) (eventstore.Publishing, error) {
	return p.now, nil
}

func (p *publications) WantPublishing(_ context.Context, mode eventstore.PublishMode) error {
	p.now.Wanted = mode
	return nil
}

func (p *publications) MakeCapture(context.Context, eventstore.Capture) error { return p.did("make") }

func (p *publications) RemoveCapture(context.Context, eventstore.Capture) error {
	return p.did("remove")
}

func (p *publications) PublishByCapture(context.Context, eventstore.Capture, int64, time.Duration) error {
	return p.did("capture")
}

func (p *publications) PublishByRelay(_ context.Context, _ eventstore.Capture, _ int64, reason string) error {
	return p.did("relay: " + reason)
}

// What is next to be done, for every state that the database may be in.
func TestPublisher_does_what_is_next(t *testing.T) {
	good := eventstore.Slot{Active: true, Ours: true}
	for name, c := range map[string]struct {
		want  eventstore.PublishMode
		now   eventstore.Publishing
		slot  *eventstore.Slot
		does  string
		fails bool
		says  string
	}{
		"nothing is set":                   {"polling", eventstore.Publishing{Mode: "polling"}, nil, "", false, "the relays publish"},
		"cdc, and the log is not logical":  {"cdc", eventstore.Publishing{Mode: "polling"}, nil, "", true, "wal_level=logical"},
		"cdc, and nothing is there":        {"cdc", eventstore.Publishing{Mode: "polling", Logical: true}, nil, "make", false, "are being made"},
		"cdc, without the slot":            {"cdc", eventstore.Publishing{Mode: "polling", Logical: true, Publication: true}, nil, "make", false, "are being made"},
		"cdc, nobody reads":                {"cdc", eventstore.Publishing{Mode: "polling", Logical: true, Publication: true}, &eventstore.Slot{Ours: true}, "", false, "when the connector reads"},
		"cdc, the reader is far behind":    {"cdc", eventstore.Publishing{Mode: "polling", Logical: true, Publication: true}, &eventstore.Slot{Ours: true, Active: true, Behind: 1 << 30}, "", false, "as soon as"},
		"cdc, the slot is read":            {"cdc", eventstore.Publishing{Mode: "polling", Logical: true, Publication: true}, &good, "capture", false, "as soon as"},
		"cdc, somebody else's slot":        {"cdc", eventstore.Publishing{Mode: "polling", Logical: true, Publication: true}, &eventstore.Slot{Active: true}, "remove", false, "are being made"},
		"cdc, a slot of a capture before":  {"cdc", eventstore.Publishing{Mode: "polling", Logical: true}, &good, "remove", false, "are being made"},
		"cdc, a slot that was given up":    {"cdc", eventstore.Publishing{Mode: "polling", Logical: true, Publication: true}, &eventstore.Slot{Ours: true, Lost: true}, "remove", false, "are being made"},
		"cdc in force":                     {"cdc", eventstore.Publishing{Mode: "cdc", Publication: true}, &good, "", false, "is read, 0 bytes"},
		"cdc in force, nobody reads":       {"cdc", eventstore.Publishing{Mode: "cdc", Publication: true}, &eventstore.Slot{Ours: true}, "", false, "nobody reads"},
		"cdc in force, the slot is gone":   {"cdc", eventstore.Publishing{Mode: "cdc", Publication: true}, nil, "relay: the replication slot is gone", false, "is gone"},
		"cdc in force, given up":           {"cdc", eventstore.Publishing{Mode: "cdc", Publication: true}, &eventstore.Slot{Ours: true, Lost: true}, "relay: the database gave the replication slot up", false, "gave"},
		"cdc in force, made anew":          {"cdc", eventstore.Publishing{Mode: "cdc", Publication: true}, &eventstore.Slot{Active: true}, "relay: the replication slot was made anew by somebody else", false, "made anew"},
		"cdc in force, no publication":     {"cdc", eventstore.Publishing{Mode: "cdc"}, &good, "relay: the publication is gone", false, "publication is gone"},
		"polling is set, cdc in force":     {"polling", eventstore.Publishing{Mode: "cdc", Publication: true}, &good, "relay: it is set so", false, "is read"},
		"polling, a slot of before":        {"polling", eventstore.Publishing{Mode: "polling", Epoch: 2}, &good, "remove", false, "the relays publish"},
		"polling, a slot that is not ours": {"polling", eventstore.Publishing{Mode: "polling"}, &eventstore.Slot{}, "", false, "the relays publish"},
		"polling, and cdc was never begun": {"polling", eventstore.Publishing{Mode: "polling", Publication: true}, &good, "remove", false, "the relays publish"},
	} {
		t.Run(name, func(t *testing.T) {
			db := &publications{now: c.now}
			db.now.Slot = c.slot
			leads := false
			p := outbox.NewPublisher(outbox.PublisherConfig{Store: db, Want: c.want, Now: time.Now, Leads: func() bool { return leads }, Logger: slog.New(slog.DiscardHandler)})
			if p.Publishes("polling") || p.Publishes("cdc") {
				t.Error("publishes before it has looked")
			}
			if changed, err := p.RunOnce(t.Context()); changed || err != nil || len(db.done) > 0 {
				t.Fatalf("who does not lead did %v, %v", db.done, err)
			}
			leads = true
			changed, err := p.RunOnce(t.Context())
			if got := strings.Join(db.done, ", "); got != c.does || changed != (c.does != "") || (err != nil) != c.fails {
				t.Errorf("did %q (%v, %v), want %q", got, changed, err, c.does)
			}
			if !p.Publishes(c.now.Mode) || p.Publishes("polling") && p.Publishes("cdc") {
				t.Error("not exactly one publishes")
			}
			if !strings.Contains(p.Describe(), c.says) {
				t.Errorf("%q does not say %q", p.Describe(), c.says)
			}
		})
	}
}

// After commits waited in vain for the relays, they are left alone for a while; and while a capture that was sent away still reads, the relays
// wait for it, not for ever.
func TestPublisher_waits(t *testing.T) {
	clock := time.Unix(0, 0)
	db := &publications{now: eventstore.Publishing{Mode: "polling", Logical: true, Publication: true, Slot: &eventstore.Slot{Active: true, Ours: true}}, busy: true}
	p := outbox.NewPublisher(outbox.PublisherConfig{Store: db, Want: "cdc", Now: func() time.Time { return clock }, Leads: func() bool { return true }, Logger: slog.New(slog.DiscardHandler)})
	once := func(want int) {
		t.Helper()
		if _, err := p.RunOnce(t.Context()); err != nil || len(db.done) != want {
			t.Fatalf("tried %d times, want %d: %v", len(db.done), want, err)
		}
	}
	once(1)
	once(1)
	clock = clock.Add(5 * time.Second)
	once(2)
	db.now.Mode, db.now.Epoch = "cdc", 1
	once(2)
	db.now.Mode, db.now.Epoch, db.now.Publication = "polling", 2, false
	once(3)
	if p.Publishes("polling") || p.Publishes("cdc") {
		t.Error("the relays publish beside a capture that is being sent away")
	}
	clock = clock.Add(11 * time.Second)
	if !p.Publishes("polling") {
		t.Error("the relays wait for ever")
	}
	db.busy, db.fail = false, errors.New("no right to")
	if _, err := p.RunOnce(t.Context()); err == nil || !strings.Contains(p.Describe(), "the log says why") || strings.Contains(p.Describe(), "no right") {
		t.Error(err, p.Describe())
	}
}
