package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// PublisherConfig says who is to publish an outbox.
type PublisherConfig struct {
	Store eventstore.Publications
	// Want is what this node is set to. The node that started last decides for all.
	Want    eventstore.PublishMode
	Capture eventstore.Capture
	Now     func() time.Time // this process's clock, for waits
	// Leads reports whether this node makes the changes; the others follow.
	Leads    func() bool
	Every    time.Duration // between two looks; 0 means a second
	Patience time.Duration // how long commits may wait for the relays when a capture takes over; 0 means two seconds
	Logger   *slog.Logger  // nil: slog.Default
}

// Publisher sees to it that an outbox is published either by the relays of this program (polling) or by a capture of the database's
// log (cdc), never by both. Who does is a row of the database, with an epoch. What is set is carried out when nothing is lost by it:
// a capture takes over when its slot is there and read, at a boundary before which the relays have sent all; and the relays take over when
// that is wanted, or when the slot of the capture is gone, given up or not the one it was: from where the consumers are.
type Publisher struct {
	cfg   PublisherConfig
	mu    sync.Mutex
	known bool
	now   eventstore.Publishing
	fail  error // of the last attempt to change something
	asked bool
	retry time.Time
	// changed is when this process saw the mode change.
	changed time.Time
}

// maxBehind is how many bytes of log a capture may have to read when it takes over: messages wait for it to do so.
const maxBehind = 64 << 20

// NewPublisher returns a publisher that knows nothing yet.
func NewPublisher(cfg PublisherConfig) *Publisher {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Publisher{cfg: cfg}
}

// settle is how long the relays wait for a capture that was sent away, so that readers outside do not have twice what it still sends.
const settle = 10 * time.Second

// Publishes reports whether a mode is in force, as far as is known.
func (p *Publisher) Publishes(mode eventstore.PublishMode) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	leaving := p.now.Mode == eventstore.Polling && !p.now.Publication && p.now.Slot != nil && p.now.Slot.Active && p.cfg.Now().Sub(p.changed) < settle
	return p.known && p.now.Mode == mode && !leaving
}

// State returns what the last look saw, and what kept the last change from being made.
func (p *Publisher) State() (now eventstore.Publishing, fail error, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now, p.fail, p.known
}

// Run looks until the context ends, then returns nil.
func (p *Publisher) Run(ctx context.Context) error {
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	for {
		changed, err := p.RunOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			p.cfg.Logger.WarnContext(ctx, "who publishes cannot be changed", "capture", p.cfg.Capture.Name, "error", err)
		}
		if changed && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// RunOnce looks, and does what is next to be done; it reports whether it changed anything.
func (p *Publisher) RunOnce(ctx context.Context) (bool, error) {
	if !p.asked {
		if err := p.cfg.Store.WantPublishing(ctx, p.cfg.Want); err != nil {
			return false, fmt.Errorf("note who is to publish: %w", err)
		}
		p.asked = true
	}
	now, err := p.look(ctx)
	if err != nil || !p.cfg.Leads() {
		return false, err
	}
	changed, err := p.step(ctx, &now)
	if errors.Is(err, eventstore.ErrBusy) {
		changed, err = false, nil
	}
	p.mu.Lock()
	p.fail = err
	p.mu.Unlock()
	if changed {
		if _, e := p.look(ctx); err == nil {
			err = e
		}
	}
	return changed, err
}

func (p *Publisher) look(ctx context.Context) (eventstore.Publishing, error) {
	now, err := p.cfg.Store.Publishing(ctx, p.cfg.Capture.Name)
	if err != nil {
		return now, fmt.Errorf("read who publishes: %w", err)
	}
	p.mu.Lock()
	before, known := p.now, p.known
	p.now, p.known = now, true
	if known && now.Epoch != before.Epoch {
		p.changed = p.cfg.Now()
	}
	p.mu.Unlock()
	if known && now.Epoch != before.Epoch {
		p.cfg.Logger.InfoContext(ctx, "who publishes has changed", "mode", now.Mode, "epoch", now.Epoch, "reason", now.Reason)
	}
	return now, nil
}

var errLogical = errors.New("cdc is set, and the database's log has not what a capture needs: set wal_level=logical and start PostgreSQL again")

// step does what is next.
func (p *Publisher) step(ctx context.Context, now *eventstore.Publishing) (bool, error) {
	c := p.cfg.Capture
	if now.Mode == eventstore.CDC {
		reason := broken(now)
		if now.Wanted == eventstore.Polling {
			reason = "it is set so"
		}
		if reason == "" {
			return false, nil
		}
		return true, p.cfg.Store.PublishByRelay(ctx, c, now.Epoch, reason)
	}
	if now.Wanted == eventstore.Polling {
		if !now.Publication && (now.Slot == nil || now.Epoch == 0) {
			return false, nil
		}
		return true, p.cfg.Store.RemoveCapture(ctx, c)
	}
	if !now.Logical {
		return false, errLogical
	}
	switch {
	case now.Slot != nil && broken(now) != "": // of a capture before, or of somebody else
		return true, p.cfg.Store.RemoveCapture(ctx, c)
	case now.Slot == nil || !now.Publication:
		return true, p.cfg.Store.MakeCapture(ctx, c)
	case !now.Slot.Active || now.Slot.Behind > maxBehind || p.cfg.Now().Before(p.retry):
		return false, nil
	}
	err := p.cfg.Store.PublishByCapture(ctx, c, now.Epoch, p.cfg.Patience)
	if errors.Is(err, eventstore.ErrBusy) {
		p.retry = p.cfg.Now().Add(2 * p.cfg.Patience) // commits do not wait again at once
	}
	return err == nil, err
}

// broken says what of a capture is not as it was made; "" when all is.
func broken(now *eventstore.Publishing) string {
	switch {
	case now.Slot == nil:
		return "the replication slot is gone"
	case now.Slot.Lost:
		return "the database gave the replication slot up"
	case !now.Slot.Ours:
		return "the replication slot was made anew by somebody else"
	case !now.Publication:
		return "the publication is gone"
	}
	return ""
}

// Describe says for people who publishes, and what a capture lacks.
func (p *Publisher) Describe() string {
	now, fail, known := p.State()
	if !known {
		return "not known yet"
	}
	said := "the relays publish (polling)"
	if now.Mode == eventstore.CDC {
		said = "a capture publishes (cdc)"
	}
	if now.Reason != "" {
		said += ", since " + now.Since.Format(time.RFC3339) + ": " + now.Reason
	}
	switch s := now.Slot; {
	case errors.Is(fail, errLogical):
		said += "; " + errLogical.Error()
	case fail != nil:
		said += "; publication or slot " + p.cfg.Capture.Name + " could not be made or removed: the log says why"
	case now.Mode == eventstore.CDC && broken(&now) != "":
		said += "; " + broken(&now)
	case now.Mode == eventstore.CDC && !s.Active:
		said += fmt.Sprintf("; nobody reads the slot %s, %d bytes wait", p.cfg.Capture.Name, s.Behind)
	case now.Mode == eventstore.CDC:
		said += fmt.Sprintf("; the slot %s is read, %d bytes behind", p.cfg.Capture.Name, s.Behind)
	case now.Wanted == eventstore.CDC && (s == nil || !now.Publication || broken(&now) != ""):
		said += "; cdc is set: publication and slot " + p.cfg.Capture.Name + " are being made"
	case now.Wanted == eventstore.CDC && !s.Active:
		said += "; cdc is set, and takes over when the connector reads the slot " + p.cfg.Capture.Name
	case now.Wanted == eventstore.CDC:
		said += "; cdc is set, and takes over as soon as all is sent"
	}
	return said
}
