package sim

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Type is the vimType of a connection to the simulator.
const Type = "VNFM.SIM.V_1"

// The two VIMs the simulator offers. Any other connection of its type is a VIM of its own as well.
const (
	Default = "sim-1"
	Second  = "sim-2"
)

// Connections returns the connections to the two VIMs, the default first.
func Connections() []vim.Connection {
	return []vim.Connection{
		{ID: Default, VimID: Default, Type: Type},
		{ID: Second, VimID: Second, Type: Type},
	}
}

// Config says how to open a simulator. The zero value is one in memory.
type Config struct {
	// Path of the journal; "" keeps everything in memory.
	Path string
	// Now is the VIM's clock; nil is the wall clock.
	Now func() time.Time
	// Block is called where a VIM hangs, and returns when the caller has given up; nil waits for the context. Under a
	// simulated clock it moves that clock to the context's deadline.
	Block func(ctx context.Context)
	// Behaviour is used until one is set.
	Behaviour Behaviour
	// Hosts is the number of hosts per zone; 0 means 8.
	Hosts int
}

// Sim is a simulator: a vim.Driver and the VIMs behind it. It is safe for concurrent use.
type Sim struct {
	now   func() time.Time
	block func(context.Context)
	hosts int

	mu      sync.Mutex
	state   *state
	journal *journal  // nil in memory
	mended  time.Time // when that was tried last
}

// Open opens a simulator with what its journal holds.
func Open(c Config) (*Sim, error) {
	if err := c.Behaviour.Validate(); err != nil {
		return nil, err
	}
	s := &Sim{now: c.Now, block: c.Block, hosts: c.Hosts, state: newState(c.Behaviour)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.block == nil {
		s.block = func(ctx context.Context) { <-ctx.Done() }
	}
	if s.hosts <= 0 {
		s.hosts = 8
	}
	if c.Path != "" {
		j, err := openJournal(c.Path, s.state.apply, s.state.snapshot)
		if err != nil {
			return nil, err
		}
		s.journal = j
	}
	return s, nil
}

// Close syncs and closes the journal. The simulator must not be used after it.
func (s *Sim) Close() error {
	if s.journal == nil {
		return nil
	}
	return s.journal.close()
}

// Behaviour returns the behaviour as it was set.
func (s *Sim) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.behaviour.clone()
}

// SetBehaviour replaces the behaviour; its rules count from anew. Returns Invalid, naming the attribute at fault.
func (s *Sim) SetBehaviour(b Behaviour) error {
	if err := b.Validate(); err != nil {
		return err
	}
	c := b.clone()
	return s.locked(func(time.Time) error { return s.commit(record{Behaviour: &c}) })
}

// Replies returns how often the message that answers a command is to be sent: 2 where a duplicate-reply rule applies.
// It has the shape of the VIM manager's Tap.
func (s *Sim) Replies(_ string, kind vim.Kind, op string) int {
	copies := 1
	err := s.locked(func(time.Time) error {
		i, spent := s.pick(ruleName(op, kind), true)
		if i < 0 {
			return nil
		}
		copies = 2
		return s.spend(spent)
	})
	if err != nil {
		return 1
	}
	return copies
}

// ruleName returns what rules call a driver operation.
func ruleName(op string, kind vim.Kind) string {
	switch {
	case op != "start" && op != OnReserve:
		return op
	case kind == vim.Configuration:
		return OnConfigure
	default:
		return OnReserve
	}
}

// Entry is one resource of the inventory.
type Entry struct {
	Kind      vim.Kind  `json:"kind"`
	ID        string    `json:"id"`
	Token     string    `json:"token"`
	Owner     string    `json:"owner"`
	Vim       string    `json:"vim"`
	Name      string    `json:"name,omitempty"`
	State     string    `json:"state"` // BUILDING (or being changed), ACTIVE, DELETING, ERROR
	Zone      string    `json:"zone,omitempty"`
	Host      string    `json:"host,omitempty"`
	MAC       string    `json:"mac,omitempty"`
	Addresses []vim.IP  `json:"addresses,omitempty"`
	Revision  int       `json:"revision"`
	Power     vim.Power `json:"power,omitempty"`
	// Spec is what stands. It stays in the process: boot data may be secret.
	Spec vim.Spec `json:"-"`
}

// Has reports whether a VIM has something that carries a token now, as Inventory would: no rule applies to it.
func (s *Sim) Has(connection string, token vim.Token) bool {
	has := false
	_ = s.locked(func(time.Time) error { // a journal that cannot be written does not hide what is there
		has = s.state.held[ref{connection, token}] != nil
		return nil
	})
	return has
}

// Inventory lists what was created for VNFs and is still there, in order of VIM, kind and token. It is never nil.
func (s *Sim) Inventory() []Entry {
	out := []Entry{}
	_ = s.locked(func(now time.Time) error { // a journal that cannot be written does not hide what is there
		for _, h := range s.state.sorted("") {
			if h.Resource.Kind == vim.Configuration {
				continue
			}
			r := h.at(now)
			e := Entry{
				Kind: r.Kind, ID: r.ID, Token: r.Token.String(), Owner: r.Owner, Vim: h.Vim, Name: r.Name, State: "BUILDING",
				Zone: r.Zone, Host: h.Host, MAC: r.MAC, Addresses: slices.Clone(r.Addresses),
				Revision: r.Revision, Power: r.Power, Spec: h.Spec,
			}
			switch {
			case !h.GoneAt.IsZero():
				e.State = "DELETING"
			case r.Failed != nil:
				e.State = "ERROR"
			case r.Ready:
				e.State = "ACTIVE"
			}
			out = append(out, e)
		}
		return nil
	})
	return out
}

// mendPause is the least time between two attempts to go on with a journal that could not be written.
const mendPause = time.Second

// Healthy returns nil when the simulator works: its journal can be written, or could be after it was mended.
func (s *Sim) Healthy() error { return s.locked(func(time.Time) error { return nil }) }

// mend goes on with a journal that could not be written, as after a full disk. The caller holds the lock.
func (s *Sim) mend(now time.Time) {
	if s.journal == nil || s.journal.failed() == nil || now.Sub(s.mended) < mendPause {
		return
	}
	s.mended = now
	_ = s.journal.mend(s.state.snapshot) // the error that there was stays
}

// locked runs f with the state as it is now and returns once all that f saw or did is on disk.
func (s *Sim) locked(f func(now time.Time) error) error {
	s.mu.Lock()
	now := s.now()
	s.mend(now)
	err := s.land(now)
	if ferr := f(now); ferr != nil {
		err = ferr
	}
	s.mu.Unlock()
	if s.journal == nil {
		return err
	}
	if jerr := s.journal.wait(); jerr != nil {
		return &vim.Error{Op: "store", Class: message.Unavailable, Hint: "the simulator's journal cannot be written", Err: jerr}
	}
	return err
}

// commit writes a record and makes it true.
func (s *Sim) commit(r record) error {
	if s.journal != nil {
		if err := s.journal.append(r); err != nil {
			return &vim.Error{Op: "store", Class: message.Unavailable, Hint: "the simulator's journal cannot be written", Err: err}
		}
	}
	return s.state.apply(r)
}

// land makes true what has come due: effects that were late, and resources that were going away.
func (s *Sim) land(now time.Time) error {
	for len(s.state.late) > 0 && !s.state.late[0].Due.After(now) {
		l := s.state.late[0]
		r := record{Landed: l.Serial}
		switch {
		case l.Start != nil:
			if made, err := s.create(l.Vim, *l.Start, l.Due); err == nil { // refused: nobody is there to be told
				r.Put, r.Serial = made.Put, made.Serial
			}
		case l.Change != nil:
			if changed, err := s.change(l.Vim, *l.Change, l.Due, false); err == nil {
				r.Put = changed
			}
		case l.Release != nil:
			if gone, _, err := s.discard(l.Vim, *l.Release, l.Due); err == nil {
				r.Put, r.Delete = gone.Put, gone.Delete
			}
		}
		if err := s.commit(r); err != nil {
			return err
		}
	}
	var gone []ref
	for _, h := range s.state.going {
		if !h.GoneAt.After(now) {
			gone = append(gone, h.ref())
		}
	}
	slices.SortFunc(gone, func(a, b ref) int {
		return strings.Compare(a.Vim+"/"+a.Token.String(), b.Vim+"/"+b.Token.String())
	})
	for _, r := range gone {
		if err := s.commit(record{Delete: &r}); err != nil {
			return err
		}
	}
	return nil
}

// pick returns the rule that applies to an operation, -1 for none, and what must be recorded for its use.
func (s *Sim) pick(op string, reply bool) (int, []int) {
	i := s.state.behaviour.match(op, reply, s.state.fired)
	if i < 0 || s.state.behaviour.Rules[i].Times == 0 {
		return i, nil // a rule without a bound need not be counted
	}
	return i, []int{i}
}

// Fired returns how often each rule of the behaviour has applied that does not always apply.
func (s *Sim) Fired() []int {
	var out []int
	_ = s.locked(func(time.Time) error { // a journal that cannot be written does not hide what has happened
		out = slices.Clone(s.state.fired)
		return nil
	})
	return out
}

func (s *Sim) spend(fired []int) error {
	if len(fired) == 0 {
		return nil
	}
	return s.commit(record{Fired: fired})
}
