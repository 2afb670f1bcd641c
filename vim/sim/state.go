package sim

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/vnfm/vnfm/vim"
)

// record is one line of the journal: what one effect changed, all of it or none.
type record struct {
	Format    int        `json:"format,omitempty"`
	Behaviour *Behaviour `json:"behaviour,omitempty"` // replaces the behaviour and forgets how often its rules applied
	Fired     []int      `json:"fired,omitempty"`     // rules that applied once more, by index
	Serial    int64      `json:"serial,omitempty"`    // the highest serial number given out
	Put       *held      `json:"put,omitempty"`
	Delete    *ref       `json:"delete,omitempty"`
	Late      *late      `json:"late,omitempty"`
	Landed    int64      `json:"landed,omitempty"` // serial of the late effect that has happened
}

// ref names a resource of a VIM.
type ref struct {
	Vim   string    `json:"vim"`
	Token vim.Token `json:"token"`
}

// held is a resource as the simulator keeps it.
type held struct {
	Vim      string       `json:"vim"`
	Resource vim.Resource `json:"resource"`
	Spec     vim.Spec     `json:"spec"`
	Host     string       `json:"host,omitempty"`
	BuiltAt  time.Time    `json:"builtAt,omitzero"`
	ReadyAt  time.Time    `json:"readyAt"`         // and not being changed
	StopAt   time.Time    `json:"stopAt,omitzero"` // set while a guest that was asked to stop has not; its power is on until then
	GoneAt   time.Time    `json:"goneAt,omitzero"` // set while it is being deleted

	had map[string]bool // of takes, what it had before the change that is worked out, and may keep
}

func (h *held) ref() ref { return ref{h.Vim, h.Resource.Token} }

// refers returns the ids of the resources this one needs.
func (h *held) refers() []string {
	var ids []string
	switch s := h.Spec; {
	case s.Compute != nil:
		ids = append(ids, s.Compute.Ports...)
		for _, p := range s.Compute.SubPorts {
			ids = append(ids, p.Port)
		}
		ids = append(ids, s.Compute.ServerGroup...)
		for _, v := range s.Compute.Volumes {
			ids = append(ids, v.ID)
		}
	case s.Port != nil:
		ids = append(ids, s.Port.Network)
		for _, a := range h.Resource.Addresses {
			ids = append(ids, a.Subnet)
		}
	case s.Subnet != nil:
		ids = append(ids, s.Subnet.Network)
	}
	return ids
}

// takes returns the keys of the addresses that nobody else may have.
func (h *held) takes() []string {
	if h.Spec.Port == nil {
		return nil
	}
	keys := []string{macKey(h.Vim, h.Spec.Port.Network, h.Resource.MAC)}
	for _, a := range h.Resource.Addresses {
		keys = append(keys, addressKey(h.Vim, h.Spec.Port.Network, a.Address))
	}
	return keys
}

// at returns the resource as it is seen at a moment.
func (h *held) at(now time.Time) vim.Resource {
	r := h.Resource
	r.Ready = r.Failed == nil && h.GoneAt.IsZero() && !now.Before(h.ReadyAt) && !now.Before(h.StopAt)
	if r.Kind == vim.Compute {
		r.Power = vim.PowerOn
		if h.Spec.Compute.Off() && !now.Before(h.StopAt) {
			r.Power = vim.PowerOff
		}
	}
	switch {
	case r.Kind != vim.Compute && r.Kind != vim.Unit:
	case r.Failed != nil:
		r.Health = vim.Unhealthy
	case r.Ready && r.Power != vim.PowerOff:
		r.Health = vim.Healthy
	}
	return r
}

// weight is how much of its kind's quota the resource uses.
func (h *held) weight() int {
	if h.Spec.Unit != nil {
		return h.Spec.Unit.Replicas
	}
	return 1
}

// late is an effect whose caller has long been told nothing.
type late struct {
	Serial  int64              `json:"serial"`
	Due     time.Time          `json:"due"`
	Vim     string             `json:"vim"`
	Start   *vim.StartRequest  `json:"start,omitempty"`
	Change  *vim.ChangeRequest `json:"change,omitempty"`
	Release *vim.Token         `json:"release,omitempty"`
}

// state is everything the simulator remembers. It changes only through apply.
type state struct {
	behaviour Behaviour
	fired     []int
	serial    int64
	held      map[ref]*held
	byID      map[string]*held         // key: vim + "/" + id
	counts    map[string]int           // key: vim + "/" + kind; what of its quota is used
	going     map[ref]*held            // those being deleted
	late      []late                   // in the order of Due, then Serial
	users     map[string]map[ref]*held // key: vim + "/" + id; who refers to it
	addresses map[string]bool          // see addressKey and macKey
}

func newState(b Behaviour) *state {
	return &state{
		behaviour: b.clone(), fired: make([]int, len(b.Rules)),
		held: map[ref]*held{}, byID: map[string]*held{}, counts: map[string]int{}, going: map[ref]*held{},
		users: map[string]map[ref]*held{}, addresses: map[string]bool{},
	}
}

// apply makes one record true. It fails only for a record that no simulator wrote.
func (s *state) apply(r record) error {
	if r.Behaviour != nil {
		if err := r.Behaviour.Validate(); err != nil {
			return err
		}
		s.behaviour = r.Behaviour.clone()
		s.fired = make([]int, len(s.behaviour.Rules))
	}
	for _, i := range r.Fired {
		if i < 0 || i >= len(s.fired) {
			return fmt.Errorf("there is no rule %d", i)
		}
		s.fired[i]++
	}
	s.serial = max(s.serial, r.Serial)
	if r.Put != nil {
		h := *r.Put
		h.had = nil
		if h.Vim == "" || h.Resource.ID == "" || h.Resource.Token.ID == "" {
			return errors.New("a resource without vim, id or token")
		}
		if !specified(h.Resource.Kind, h.Spec) {
			return errors.New("a resource without the specification of its kind")
		}
		s.remove(h.ref())
		s.held[h.ref()] = &h
		s.byID[h.Vim+"/"+h.Resource.ID] = &h
		s.counts[h.Vim+"/"+string(h.Resource.Kind)] += h.weight()
		for _, id := range h.refers() {
			key := h.Vim + "/" + id
			if s.users[key] == nil {
				s.users[key] = map[ref]*held{}
			}
			s.users[key][h.ref()] = &h
		}
		for _, key := range h.takes() {
			s.addresses[key] = true
		}
		if !h.GoneAt.IsZero() {
			s.going[h.ref()] = &h
		}
	}
	if r.Delete != nil {
		s.remove(*r.Delete)
	}
	if r.Late != nil {
		if r.Late.Serial == 0 || r.Late.Vim == "" {
			return errors.New("a late effect without serial number or vim")
		}
		s.late = append(s.late, *r.Late)
		sort.SliceStable(s.late, func(i, j int) bool {
			a, b := s.late[i], s.late[j]
			return a.Due.Before(b.Due) || a.Due.Equal(b.Due) && a.Serial < b.Serial
		})
	}
	if r.Landed != 0 {
		for i, l := range s.late {
			if l.Serial == r.Landed {
				s.late = append(s.late[:i:i], s.late[i+1:]...)
				break
			}
		}
	}
	return nil
}

func (s *state) remove(r ref) {
	h := s.held[r]
	if h == nil {
		return
	}
	delete(s.held, r)
	delete(s.going, r)
	delete(s.byID, h.Vim+"/"+h.Resource.ID)
	if h.Resource.Kind.Shared() {
		for _, o := range s.held {
			if o.Vim == h.Vim && o.Resource.ID == h.Resource.ID {
				s.byID[h.Vim+"/"+h.Resource.ID] = o
			}
		}
	}
	s.counts[h.Vim+"/"+string(h.Resource.Kind)] -= h.weight()
	for _, id := range h.refers() {
		key := h.Vim + "/" + id
		if delete(s.users[key], r); len(s.users[key]) == 0 {
			delete(s.users, key)
		}
	}
	for _, key := range h.takes() {
		delete(s.addresses, key)
	}
}

// usersOf returns the resources of a kind that refer to an id, in order of token.
func (s *state) usersOf(vimID, id string, kind vim.Kind) []*held {
	var out []*held
	for _, h := range s.users[vimID+"/"+id] {
		if h.Resource.Kind == kind {
			out = append(out, h)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Resource.Token.String() < out[j].Resource.Token.String() })
	return out
}

// snapshot yields records that make an empty state this one.
func (s *state) snapshot(put func(record) error) error {
	b := s.behaviour.clone()
	first := record{Behaviour: &b, Serial: s.serial}
	for i, n := range s.fired {
		for range n {
			first.Fired = append(first.Fired, i)
		}
	}
	errs := []error{put(first)}
	for _, h := range s.sorted("") {
		errs = append(errs, put(record{Put: h}))
	}
	for i := range s.late {
		errs = append(errs, put(record{Late: &s.late[i]}))
	}
	return errors.Join(errs...)
}

// sorted returns the resources of one VIM, or of all, in order of VIM, kind and token.
func (s *state) sorted(vimID string) []*held {
	out := make([]*held, 0, len(s.held))
	for _, h := range s.held {
		if vimID == "" || h.Vim == vimID {
			out = append(out, h)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Vim != b.Vim {
			return a.Vim < b.Vim
		}
		if a.Resource.Kind != b.Resource.Kind {
			return a.Resource.Kind < b.Resource.Kind
		}
		return a.Resource.Token.String() < b.Resource.Token.String()
	})
	return out
}
