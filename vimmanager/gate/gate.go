// Package gate holds calls to VIM connections within their limits: how many may be under way at once, how many may be begun in a second, and
// none for a while at a VIM that is away, or that asks for time (429 with Retry-After).
//
// A connection is closed, which is the state of one that may be called; OPEN once several calls in a row found its VIM away; HALF_OPEN when the
// wait is over: then one call at a time is made, and the first that is answered closes it; or PAUSED until the time that its VIM asked for.
// That it is held is a row in the database of the records, so all nodes know it, and a restart does not forget it. All times are the
// store's.
//
// A VIM is not waited for without end: after the patience it is called as if nobody held anything, and who waits is told what the calls say.
package gate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// State says how a connection is held.
type State string

// The states; "" is of a connection that is not held.
const (
	Open     State = "OPEN"
	HalfOpen State = "HALF_OPEN"
	Paused   State = "PAUSED"
)

// Store is what gates read.
type Store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
	Now(ctx context.Context) (time.Time, error)
}

// Config describes the gates of all connections.
type Config struct {
	Store    Store
	Doer     eventstore.Doer
	Registry vim.Registry
	Limits   vim.Limits // of connections that say nothing else
	// First is the wait after the breaker opened, doubled each time that a call after it finds the VIM still away, up to Most; 0 means 5 s and 1 min.
	// A pause that a VIM asks for is no longer than Most either.
	First, Most time.Duration
	Patience    time.Duration // for which rows wait for a VIM that is away; 0 means 10 min
	Observer    Observer      // nil: nobody
	Logger      *slog.Logger  // nil: slog.Default
}

// Observer is told of gates.
type Observer interface {
	// Held is told that a connection is held, or is not any more ("").
	Held(connection string, state State)
}

// Status is how a connection is held.
type Status struct {
	Connection string    `json:"vimConnectionId"`
	State      State     `json:"state"` // OPEN or PAUSED; HALF_OPEN is OPEN whose time is over
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`
	Tries      int       `json:"tries"`    // waits so far
	Failures   int       `json:"failures"` // calls in a row that found the VIM away
	Reason     string    `json:"reason"`   // what the last of them said
}

// At returns the state at a time.
func (s *Status) At(now time.Time) State {
	switch {
	case s == nil, s.State == Paused && !now.Before(s.Until):
		return ""
	case s.State == Open && !now.Before(s.Until):
		return HalfOpen
	}
	return s.State
}

// Gates are the gates of all connections, as one process keeps them.
type Gates struct {
	cfg Config

	mu      sync.Mutex
	clock   time.Time // the store's, as last heard
	learned time.Time // when the connections were read last
	read    time.Time // when the rows were
	limits  map[string]vim.Limits
	prints  map[string][32]byte // of the registered connections
	at      map[string]*gate
}

// gate is one connection.
type gate struct {
	held    *Status // nil: it is not
	written bool    // there is a row
	fails   int
	tokens  *rate.Limiter // nil: no rate
	busy    int           // calls under way
}

// New returns gates that hold nothing yet.
func New(cfg Config) *Gates {
	if cfg.First <= 0 {
		cfg.First = 5 * time.Second
	}
	if cfg.Most <= 0 {
		cfg.Most = time.Minute
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 10 * time.Minute
	}
	if cfg.Limits.Workers <= 0 {
		cfg.Limits.Workers = 16
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Gates{cfg: cfg, limits: map[string]vim.Limits{}, prints: map[string][32]byte{}, at: map[string]*gate{}}
}

const (
	// relearn is how often the limits of the connections are read, reread how often what other nodes know of them.
	relearn = 5 * time.Second
	reread  = time.Second
)

// Look reads what the connections say of their limits, and what other nodes know of the VIMs, both when it is time for that. It is the Looks of a ledger.Config.
func (g *Gates) Look(ctx context.Context, now time.Time) error {
	g.mu.Lock()
	g.hear(now)
	learn, read := now.Sub(g.learned) >= relearn, now.Sub(g.read) >= reread
	g.mu.Unlock()
	if learn {
		all, err := g.cfg.Registry.Connections(ctx)
		if err != nil {
			return fmt.Errorf("read the VIM connections: %w", err)
		}
		g.learn(all, now)
	}
	if read {
		rows, err := Read(ctx, g.cfg.Store)
		if err != nil {
			return err
		}
		g.share(rows, now)
	}
	return nil
}

func (g *Gates) hear(now time.Time) {
	if now.After(g.clock) {
		g.clock = now
	}
}

// learn takes over the limits of the registered connections.
func (g *Gates) learn(all []vim.Connection, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learned = now
	clear(g.limits)
	clear(g.prints)
	for _, c := range all {
		l, err := vim.LimitsOf(c.Extra, g.cfg.Limits)
		if err != nil { // registered by a program that did not look at them
			g.cfg.Logger.Warn("limits of a VIM connection not understood", "vim_id", c.ID, "error", err)
		}
		g.limits[c.ID], g.prints[c.ID] = l, print(c)
		x := g.gate(c.ID)
		switch {
		case l.Rate == 0:
			x.tokens = nil
		case x.tokens == nil:
			x.tokens = rate.NewLimiter(rate.Limit(l.Rate), burst(l.Rate))
		case x.tokens.Limit() != rate.Limit(l.Rate):
			x.tokens.SetLimitAt(now, rate.Limit(l.Rate))
			x.tokens.SetBurstAt(now, burst(l.Rate))
		}
	}
	for id, x := range g.at {
		if _, there := g.limits[id]; !there && x.busy == 0 {
			delete(g.at, id)
			g.tell(id, &gate{}, now)
		}
	}
}

// burst is how many calls may be begun at once where there is a rate: those of a second.
func burst(perSecond float64) int { return max(1, int(math.Ceil(perSecond))) }

// print tells connections apart.
func print(c vim.Connection) [32]byte {
	c.Disabled = false
	return sha256.Sum256(vim.Encode(c)) // stays in memory
}

// share takes over what other nodes have written.
func (g *Gates) share(rows map[string]Status, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = now
	for id, row := range rows {
		if _, there := g.limits[id]; !there { // it was deleted while it was held; what is registered under its id takes the row over
			continue
		}
		x := g.gate(id)
		if x.written = true; x.held == nil || row.Until.After(x.held.Until) {
			x.held = &row
		}
	}
	for id, x := range g.at {
		if _, there := rows[id]; !there && x.written { // another node was answered
			x.held, x.written, x.fails = nil, false, 0
		}
		g.tell(id, x, now)
	}
}

func (g *Gates) tell(id string, x *gate, now time.Time) {
	if g.cfg.Observer != nil {
		g.cfg.Observer.Held(id, x.held.At(now))
	}
}

func (g *Gates) gate(id string) *gate {
	x := g.at[id]
	if x == nil {
		x = &gate{}
		g.at[id] = x
	}
	return x
}

func (g *Gates) limit(id string) vim.Limits {
	if l, ok := g.limits[id]; ok {
		return l
	}
	return vim.Limits{Workers: g.cfg.Limits.Workers} // a VNF's own
}

// Room returns how many calls to a connection may be under way, and, where there may be none, until when. It is the Room of a ledger.Config.
func (g *Gates) Room(connection string, now time.Time) (int, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hear(now)
	x, room := g.at[connection], g.limit(connection).Workers
	if x == nil {
		return room, time.Time{}
	}
	switch x.held.At(now) {
	case Open:
		if g.patient(x, now) {
			return 0, x.held.Until
		}
	case HalfOpen:
		if g.patient(x, now) {
			room = 1
		}
	case Paused:
		return 0, x.held.Until
	}
	if x.tokens == nil {
		return room, time.Time{}
	}
	left := x.tokens.TokensAt(now)
	if room = min(room, x.busy+max(int(left), 0)); room > 0 {
		return room, time.Time{}
	}
	return 0, now.Add(time.Duration((1 - left) / float64(x.tokens.Limit()) * float64(time.Second)))
}

// Free reports whether a call to a connection may be begun by somebody who keeps no count of those under way; if not, when to ask again.
func (g *Gates) Free(ctx context.Context, connection string) (time.Time, bool, error) {
	if g == nil {
		return time.Time{}, true, nil
	}
	now, err := g.cfg.Store.Now(ctx)
	if err != nil {
		return now, false, fmt.Errorf("the store's clock: %w", err)
	}
	if err := g.Look(ctx, now); err != nil {
		return now, false, err
	}
	room, until := g.Room(connection, now)
	if room == 0 {
		return until, false, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Add(full), g.gate(connection).busy < room, nil
}

// full is how long is waited for a place where all are taken.
const full = 250 * time.Millisecond

// patient reports whether a VIM that is away is still waited for.
func (g *Gates) patient(x *gate, now time.Time) bool {
	return now.Before(x.held.Since.Add(g.cfg.Patience))
}

// Begin counts a call to a connection, and returns what is called with its outcome.
func (g *Gates) Begin(conn vim.Connection) (ended func(ctx context.Context, err error)) {
	if g == nil {
		return func(context.Context, error) {}
	}
	g.mu.Lock()
	x := g.gate(conn.ID)
	x.busy++
	if x.tokens != nil {
		x.tokens.AllowN(g.clock, 1)
	}
	g.mu.Unlock()
	return func(ctx context.Context, err error) {
		g.mu.Lock()
		x.busy--
		g.mu.Unlock()
		g.Saw(ctx, conn, err)
	}
}

// Saw notes the outcome of a call. That a connection which a VNF has in a way of its own does not answer says nothing about the registered one.
func (g *Gates) Saw(ctx context.Context, conn vim.Connection, err error) {
	if g == nil || errors.Is(ctx.Err(), context.Canceled) { // this process stops
		return
	}
	g.mu.Lock()
	x := g.at[conn.ID]
	quiet := (err == nil || !away(err) && vim.RetryAfter(err) == 0) && (x == nil || x.fails == 0 && x.held == nil)
	g.mu.Unlock()
	if quiet {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reread*5) // the time of the call may be over
	defer cancel()
	now, clock := g.cfg.Store.Now(ctx)
	if clock != nil { // what is not known now is seen at the next call
		return
	}
	if !g.registered(conn) { // as far as was known at the last look
		all, unread := g.cfg.Registry.Connections(ctx)
		if unread != nil {
			return
		}
		if g.learn(all, now); !g.registered(conn) {
			return
		}
	}
	if status, news := g.saw(conn.ID, err, now); news {
		g.write(ctx, conn.ID, status)
	}
}

// registered reports whether a connection is the registered one of its id.
func (g *Gates) registered(conn vim.Connection) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, there := g.prints[conn.ID]
	return there && p == print(conn)
}

// Listed is Saw for what walks through lists of a VIM, whose errors may be others than the VIM's.
func (g *Gates) Listed(ctx context.Context, conn vim.Connection, err error) {
	var e *vim.Error
	if err == nil || errors.As(err, &e) {
		g.Saw(ctx, conn, err)
	}
}

// saw changes what is known of a connection by the outcome of a call, and reports whether that is to be written.
func (g *Gates) saw(id string, err error, now time.Time) (*Status, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hear(now)
	x := g.gate(id)
	defer g.tell(id, x, now)
	if wait := vim.RetryAfter(err); wait > 0 {
		until := now.Add(min(wait, g.cfg.Most))
		if x.held != nil && !until.After(x.held.Until) {
			return nil, false
		}
		x.fails, x.held = 0, &Status{Connection: id, State: Paused, Since: now, Until: until, Tries: 1, Reason: vim.HintOf(err)}
		return x.held, true
	}
	if !away(err) {
		x.fails = 0
		if x.held == nil || x.held.At(now) == Paused {
			return nil, false
		}
		g.cfg.Logger.Info("VIM answers again", "vim_id", id, "since", x.held.Since)
		x.held = nil
		return nil, x.written
	}
	x.fails++
	if most := g.limit(id).Failures; most == 0 || x.fails < most && x.held.At(now) == "" {
		return nil, false
	}
	if x.held.At(now) == Open { // another call of the same time said so already
		return nil, false
	}
	s := Status{Connection: id, State: Open, Since: now, Failures: x.fails, Reason: vim.HintOf(err)}
	if h := x.held; h != nil && h.State == Open {
		s.Since, s.Tries = h.Since, h.Tries
	}
	wait := g.cfg.First
	for range s.Tries {
		wait = min(2*wait, g.cfg.Most)
	}
	s.Tries++
	s.Until = now.Add(min(wait, g.cfg.Most))
	x.held = &s
	g.cfg.Logger.Warn("VIM is away: it is left alone", "vim_id", id, "failures", s.Failures, "until", s.Until, "reason", s.Reason)
	return x.held, true
}

// away reports whether an error says that a VIM cannot be asked: it refuses, or does not answer.
func away(err error) bool {
	switch vim.ClassOf(err) {
	case message.Unavailable, message.UnknownOutcome:
		return true
	}
	return false
}

// Wait returns until when a row waits whose call ended so: its VIM is away, or asks for time, nothing was done, and it is held. ok is false when
// the call's error is to be told.
func (g *Gates) Wait(connection string, err error) (until time.Time, ok bool) {
	var e *vim.Error
	if g == nil || !errors.As(err, &e) || e.Class != message.Unavailable && e.RetryAfter <= 0 {
		return until, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	x, now := g.at[connection], g.clock
	switch x.state(now) {
	case Paused, Open:
		return x.held.Until, g.patient(x, now)
	}
	return until, false
}

func (x *gate) state(now time.Time) State {
	if x == nil {
		return ""
	}
	return x.held.At(now)
}

func ref(connection string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableReconcile, ID: "gate/" + connection}
}

// stateHeld is the state of the rows.
const stateHeld = "HELD"

// write writes the row of a connection, or removes it. What cannot be written now is by the next outcome.
func (g *Gates) write(ctx context.Context, id string, s *Status) {
	_, err := ledger.Do(ctx, g.cfg.Doer, []string{id}, []eventstore.RecordRef{ref(id)}, func(b *ledger.Book) error {
		row, err := ledger.Get[Status](b, ref(id))
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if s == nil {
			if row != nil {
				row.Remove()
			}
			return nil
		}
		if row == nil {
			row = ledger.Add[Status](b, ref(id), id, id)
		}
		row.Doc = *s
		row.Move(stateHeld, time.Time{})
		return nil
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.cfg.Logger.WarnContext(ctx, "state of a VIM connection not written", "vim_id", id, "error", err)
		return
	}
	g.gate(id).written = s != nil
}

// Read returns how connections are held, of those that are.
func Read(ctx context.Context, store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
},
) (map[string]Status, error) {
	out := map[string]Status{}
	q := eventstore.RecordQuery{Table: eventstore.TableReconcile, State: stateHeld}
	return out, ledger.Each(ctx, store, q, func(rec eventstore.Record) error { //nolint:wrapcheck // says what it was about
		var s Status
		if err := json.Unmarshal(rec.Doc, &s); err != nil {
			return fmt.Errorf("decode the row %s: %w", rec.ID, err)
		}
		out[s.Connection] = s
		return nil
	})
}
