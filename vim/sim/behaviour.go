package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
)

// Behaviour says how the simulator behaves. It is put whole and outlives restarts.
//
// Rules are tried in order. The outcome duplicate-reply concerns the message that answers a command, every other one
// the call to the VIM; for each of the two the first rule that matches wins.
type Behaviour struct {
	// Seed varies everything the simulator chooses: ids, addresses, hosts.
	Seed int64 `json:"seed"`
	// Delay is how long a resource takes to be built, and to go away; 0 means at once.
	Delay Duration `json:"delay"`
	Rules []Rule   `json:"rules"`
	// Absent names images, flavours and networks that the site does not have, by name or id. Every other is there.
	Absent []string `json:"absent,omitempty"`
	// Quota bounds the number of resources per kind and VIM; a kind that is not named has DefaultQuota. Of units the replicas
	// are counted.
	Quota map[vim.Kind]int `json:"quota,omitempty"`
	// Stop is how long a guest takes to stop by itself when it is asked to; 0: as long as Delay. One that ignores it takes
	// longer than anybody waits.
	Stop Duration `json:"stop,omitempty"`
	// Fixed names attributes, by kind, that this VIM cannot change of a resource that stands, though others of its type can.
	Fixed vim.InPlace `json:"fixed,omitempty"`
}

// DefaultQuota is how many resources of one kind a VIM holds when the behaviour says nothing.
const DefaultQuota = 100_000

// Rule makes calls of one operation end in one way.
type Rule struct {
	On      string `json:"on"`
	Outcome string `json:"outcome"`
	// Times is how often the rule applies; absent: always.
	Times int `json:"times,omitempty"`
	// After is when the effect of a late-effect call lands, and the second one of a twice call; absent: DefaultAfter.
	After Duration `json:"after,omitempty"`
}

// DefaultAfter is when a late effect lands when its rule does not say.
const DefaultAfter = 2 * time.Second

// The operations a rule may name. Reserve is the start of any resource, change a change of one, configure the configuration of
// a VNF, find every look: find, poll and list.
const (
	OnReserve   = "reserve"
	OnChange    = "change"
	OnRelease   = "release"
	OnConfigure = "configure"
	OnFind      = "find"
	OnAny       = "*"
)

// The outcomes of a rule.
const (
	Transient      = "transient"       // fails; may succeed when tried again
	Permanent      = "permanent"       // fails
	Quota          = "quota"           // fails for want of room
	Unavailable    = "unavailable"     // refuses: the VIM is away
	Throttled      = "throttled"       // does nothing, and asks to be left alone for a while (after)
	Hang           = "hang"            // blocks until the caller gives up; no effect
	LoseReply      = "lose-reply"      // the effect happens, its answer is lost
	DuplicateReply = "duplicate-reply" // the message that answers the command is sent twice
	LateEffect     = "late-effect"     // no answer; the effect lands later, whatever became of the caller
	Twice          = "twice"           // the effect happens, its answer is lost, and it happens once more later
	Half           = "half"            // some of a change happens, then no answer; the revision stays
)

var (
	operations = []string{OnReserve, OnChange, OnRelease, OnConfigure, OnFind, OnAny}
	outcomes   = []string{Transient, Permanent, Quota, Unavailable, Throttled, Hang, LoseReply, DuplicateReply, LateEffect, Twice, Half}
	quotaKinds = []vim.Kind{vim.Compute, vim.Port, vim.Network, vim.Subnet, vim.Volume, vim.ServerGroup, vim.Unit, vim.Snapshot}
)

// Duration is a time.Duration that travels as text ("1s", "250ms").
type Duration time.Duration

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads what time.ParseDuration reads.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is a text such as \"1s\"")
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"1s\"", s)
	}
	*d = Duration(v)
	return nil
}

// longest is the longest duration a behaviour may name.
const longest = 24 * time.Hour

// DecodeBehaviour reads a behaviour as a client sends it. Everything it does not know is an error: Invalid, naming the
// attribute at fault.
func DecodeBehaviour(b []byte) (Behaviour, error) {
	var out Behaviour
	err := object(b, "", map[string]func(json.RawMessage, string) error{
		"seed":  into(&out.Seed),
		"delay": into(&out.Delay),
		"stop":  into(&out.Stop),
		"fixed": func(raw json.RawMessage, at string) error {
			out.Fixed = vim.InPlace{}
			fields := map[string]func(json.RawMessage, string) error{}
			for kind := range inPlace {
				fields[string(kind)] = func(raw json.RawMessage, at string) error {
					out.Fixed[kind] = []vim.Attribute{}
					return array(raw, at, func(raw json.RawMessage, at string) error {
						var a vim.Attribute
						err := into(&a)(raw, at)
						out.Fixed[kind] = append(out.Fixed[kind], a)
						return err
					})
				}
			}
			return object(raw, at, fields)
		},
		"absent": func(raw json.RawMessage, at string) error {
			return array(raw, at, func(raw json.RawMessage, at string) error {
				out.Absent = append(out.Absent, "")
				return into(&out.Absent[len(out.Absent)-1])(raw, at)
			})
		},
		"quota": func(raw json.RawMessage, at string) error {
			out.Quota = map[vim.Kind]int{}
			fields := map[string]func(json.RawMessage, string) error{}
			for _, kind := range quotaKinds {
				fields[string(kind)] = func(raw json.RawMessage, at string) error {
					var n int
					err := into(&n)(raw, at)
					out.Quota[kind] = n
					return err
				}
			}
			return object(raw, at, fields)
		},
		"rules": func(raw json.RawMessage, at string) error {
			return array(raw, at, func(raw json.RawMessage, at string) error {
				var r Rule
				var times *int
				err := object(raw, at, map[string]func(json.RawMessage, string) error{
					"on": into(&r.On), "outcome": into(&r.Outcome), "times": into(&times), "after": into(&r.After),
				})
				if err != nil {
					return err
				}
				if times != nil && *times < 1 {
					return vnfm.Errorf(vnfm.Invalid, "times is at least 1; leave it out for always").At(at + "/times")
				}
				if times != nil {
					r.Times = *times
				}
				out.Rules = append(out.Rules, r)
				return nil
			})
		},
	})
	if err != nil {
		return Behaviour{}, err
	}
	return out.clone(), out.Validate()
}

// object decodes a JSON object field by field, so that an error can name the attribute.
func object(b []byte, at string, fields map[string]func(json.RawMessage, string) error) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil || raw == nil {
		return vnfm.Errorf(vnfm.Invalid, "want a JSON object").At(at)
	}
	names := make([]string, 0, len(raw))
	for name := range raw {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		decode, ok := fields[name]
		if !ok {
			return vnfm.Errorf(vnfm.Invalid, "there is no attribute %q here", name).At(at + vnfm.Step(name))
		}
		if bytes.Equal(bytes.TrimSpace(raw[name]), []byte("null")) {
			return vnfm.Errorf(vnfm.Invalid, "%s is null; leave it out", name).At(at + vnfm.Step(name))
		}
		if err := decode(raw[name], at+vnfm.Step(name)); err != nil {
			return err
		}
	}
	return nil
}

// array decodes a JSON array entry by entry.
func array(b []byte, at string, entry func(json.RawMessage, string) error) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return vnfm.Errorf(vnfm.Invalid, "want a JSON array").At(at)
	}
	for i := range raw {
		if err := entry(raw[i], at+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func into(v any) func(json.RawMessage, string) error {
	return func(raw json.RawMessage, at string) error {
		if err := json.Unmarshal(raw, v); err != nil {
			return vnfm.Errorf(vnfm.Invalid, "%w", err).At(at)
		}
		return nil
	}
}

// Validate returns Invalid, naming the attribute, for a behaviour that says nothing sensible.
func (b Behaviour) Validate() error {
	if b.Delay < 0 || time.Duration(b.Delay) > longest {
		return vnfm.Errorf(vnfm.Invalid, "delay is between 0s and %s", longest).At("/delay")
	}
	if b.Stop < 0 || time.Duration(b.Stop) > longest {
		return vnfm.Errorf(vnfm.Invalid, "stop is between 0s and %s", longest).At("/stop")
	}
	for kind, attributes := range b.Fixed {
		for i, a := range attributes {
			if !inPlace.Can(kind, a) {
				return vnfm.Errorf(vnfm.Invalid, "of a %s only %v can be changed", kind, inPlace[kind]).At(fmt.Sprintf("/fixed/%s/%d", kind, i))
			}
		}
	}
	for i, r := range b.Rules {
		at := fmt.Sprintf("/rules/%d", i)
		switch {
		case !slices.Contains(operations, r.On):
			return vnfm.Errorf(vnfm.Invalid, "on is one of %v, not %q", operations, r.On).At(at + "/on")
		case !slices.Contains(outcomes, r.Outcome):
			return vnfm.Errorf(vnfm.Invalid, "outcome is one of %v, not %q", outcomes, r.Outcome).At(at + "/outcome")
		case r.Times < 0:
			return vnfm.Errorf(vnfm.Invalid, "times is at least 1; leave it out for always").At(at + "/times")
		case r.After < 0 || time.Duration(r.After) > longest:
			return vnfm.Errorf(vnfm.Invalid, "after is between 0s and %s", longest).At(at + "/after")
		case r.After != 0 && r.Outcome != LateEffect && r.Outcome != Twice && r.Outcome != Throttled:
			return vnfm.Errorf(vnfm.Invalid, "after goes with %s, %s and %s only", LateEffect, Twice, Throttled).At(at + "/after")
		case r.Outcome == Half && r.On != OnChange:
			return vnfm.Errorf(vnfm.Invalid, "%s goes with %s only", Half, OnChange).At(at + "/outcome")
		}
	}
	for i, name := range b.Absent {
		if name == "" {
			return vnfm.Errorf(vnfm.Invalid, "an absent name is empty").At(fmt.Sprintf("/absent/%d", i))
		}
	}
	for kind, n := range b.Quota {
		if !slices.Contains(quotaKinds, kind) {
			return vnfm.Errorf(vnfm.Invalid, "a quota is for one of %v, not %q", quotaKinds, kind).At("/quota/" + string(kind))
		}
		if n < 0 {
			return vnfm.Errorf(vnfm.Invalid, "a quota is not negative").At("/quota/" + string(kind))
		}
	}
	return nil
}

// clone returns a copy that shares nothing, with no nil lists, as a client is shown it.
func (b Behaviour) clone() Behaviour {
	b.Rules = append([]Rule{}, b.Rules...)
	b.Absent = slices.Clone(b.Absent)
	if b.Quota != nil {
		q := make(map[vim.Kind]int, len(b.Quota))
		for k, v := range b.Quota {
			q[k] = v
		}
		b.Quota = q
	}
	if b.Fixed != nil {
		f := make(vim.InPlace, len(b.Fixed))
		for k, v := range b.Fixed {
			f[k] = slices.Clone(v)
		}
		b.Fixed = f
	}
	return b
}

// match returns the index of the first rule for an operation that is not used up, -1 when there is none. reply selects
// between the rules about the answering message and those about the call.
func (b Behaviour) match(op string, reply bool, fired []int) int {
	for i, r := range b.Rules {
		if (r.Outcome == DuplicateReply) != reply || r.On != op && r.On != OnAny {
			continue
		}
		if r.Times > 0 && fired[i] >= r.Times {
			continue
		}
		return i
	}
	return -1
}

func (b Behaviour) absent(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n != "" && slices.Contains(b.Absent, n) })
}

func (b Behaviour) quota(kind vim.Kind) int {
	if n, ok := b.Quota[kind]; ok {
		return n
	}
	return DefaultQuota
}
