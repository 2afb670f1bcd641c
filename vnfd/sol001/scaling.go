package sol001

import (
	"maps"
	"slices"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// Sizes that no descriptor of a real VNF comes near. What is worked out for each pair or triple of things stays cheap.
const (
	maxAspects     = 200
	maxLevels      = 200
	maxScaleLevels = 1_000 // a scale level is a number of steps
)

// ofType returns the policies of a type or derived from it, in order.
func (s *scope) ofType(base string) []tosca.Field {
	var out []tosca.Field
	for _, f := range s.Topology.Get("policies").Named() {
		if s.Derives(tosca.PolicyTypes, f.Value.Get("type").Text(), base) {
			out = append(out, f)
		}
	}
	return out
}

// vduTargets returns the VDUs a policy is for.
func (s *scope) vduTargets(f *vnfd.Flavour, policy tosca.Field) []*vnfd.Vdu {
	var out []*vnfd.Vdu
	at := make(map[string]int, len(f.Vdus))
	for i := range f.Vdus {
		at[f.Vdus[i].ID] = i
	}
	for _, t := range policy.Value.Get("targets").List() {
		i, ok := at[t.Text()]
		if !ok {
			s.Findf("unknown-target", t.At, "the policy %s is for %s, which is no VDU of this template", vnfd.Quote(policy.Name), vnfd.Quote(t.Text()))
			continue
		}
		out = append(out, &f.Vdus[i])
	}
	return out
}

// scaling reads initial sizes, aspects with their steps, and instantiation levels.
func (s *scope) scaling(f *vnfd.Flavour) {
	for _, policy := range s.ofType("tosca.policies.nfv.VduInitialDelta") {
		for _, v := range s.vduTargets(f, policy) {
			n := s.Count(s.Get(policy.Value, "properties", "initial_delta", "number_of_instances"), 0)
			v.Initial = &n
		}
	}
	stepDeltas := map[string][]string{}
	for _, policy := range s.ofType("tosca.policies.nfv.ScalingAspects") {
		for _, a := range s.Get(policy.Value, "properties", "aspects").Each() {
			if len(f.Aspects) == maxAspects {
				s.Failf("too-large", a.Key, "the flavour has more than %d scaling aspects", maxAspects)
				return
			}
			deltas := s.Get(a.Value, "step_deltas").Texts()
			stepDeltas[a.Name] = deltas
			f.Aspects = append(f.Aspects, vnfd.Aspect{
				ID: a.Name, Name: s.Get(a.Value, "name").Text(), Description: s.Get(a.Value, "description").Text(),
				MaxLevel: s.maxLevel(a, len(deltas)), Steps: map[string][]int{}, At: a.Key,
			})
		}
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VduScalingAspectDeltas") {
		name := s.Get(policy.Value, "properties", "aspect")
		aspect := f.Aspect(name.Text())
		if aspect == nil {
			s.Findf("unknown-aspect", policy.Key, "the policy %s is for the unknown scaling aspect %s", vnfd.Quote(policy.Name), vnfd.Quote(name.Text()))
			continue
		}
		steps := s.steps(policy, aspect, stepDeltas[aspect.ID])
		for _, v := range s.vduTargets(f, policy) {
			if s.Pay(len(steps), policy.Key) {
				aspect.Steps[v.ID] = steps
			}
		}
	}
	s.levels(f)
}

func (s *scope) maxLevel(a tosca.Field, deltas int) int {
	n := s.Get(a.Value, "max_scale_level")
	level := s.Count(n, deltas)
	if n.Empty() && deltas == 0 {
		s.Failf("missing-property", a.Key, "the scaling aspect %s has no max_scale_level", vnfd.Quote(a.Name))
	}
	if level > maxScaleLevels {
		s.Failf("bad-value", n.At, "the max_scale_level %d is more than %d", level, maxScaleLevels)
		return 0
	}
	return level
}

// steps works out what each step of an aspect adds. One delta is the same for every step (uniform); else step n uses
// the n-th of step_deltas.
func (s *scope) steps(policy tosca.Field, a *vnfd.Aspect, order []string) []int {
	values := map[string]int{}
	deltas := s.Get(policy.Value, "properties", "deltas").Each()
	for _, d := range deltas {
		values[d.Name] = s.Count(s.Get(d.Value, "number_of_instances"), 0)
	}
	if len(order) == 0 && len(deltas) > 0 {
		order = []string{deltas[0].Name}
	}
	if len(order) > 1 && len(order) < a.MaxLevel {
		s.Findf("step-deltas", a.At, "the scaling aspect %s has %d step_deltas for %d levels; the last one repeats", vnfd.Quote(a.ID), len(order), a.MaxLevel)
	}
	out := make([]int, a.MaxLevel)
	for i := range out {
		if len(order) == 0 {
			break
		}
		name := order[min(i, len(order)-1)]
		v, ok := values[name]
		if !ok {
			s.Findf("step-deltas", policy.Key, "the policy %s has no delta %s, which step %d of %s uses; it adds nothing", vnfd.Quote(policy.Name), vnfd.Quote(name), i+1, vnfd.Quote(a.ID))
		}
		out[i] = v
	}
	return out
}

// levels reads the instantiation levels and settles which is the default.
func (s *scope) levels(f *vnfd.Flavour) {
	var named *tosca.Node
	at := f.At
	for _, policy := range s.ofType("tosca.policies.nfv.InstantiationLevels") {
		at = policy.Key
		for _, l := range s.Get(policy.Value, "properties", "levels").Each() {
			if len(f.Levels) == maxLevels {
				s.Failf("too-large", l.Key, "the flavour has more than %d instantiation levels", maxLevels)
				return
			}
			level := vnfd.Level{ID: l.Name, Description: s.Get(l.Value, "description").Text(), At: l.Key}
			for _, info := range s.Get(l.Value, "scale_info").Each() {
				n := s.Get(info.Value, "scale_level")
				if n == nil {
					n = info.Value
				}
				a := f.Aspect(info.Name)
				switch v := s.Count(n, 0); {
				case a == nil:
					s.Findf("unknown-aspect", info.Key, "the level %s is of the unknown scaling aspect %s", vnfd.Quote(l.Name), vnfd.Quote(info.Name))
				case v > a.MaxLevel:
					s.Failf("bad-value", info.Key, "the level %s scales %s to %d, more than its maximum %d", vnfd.Quote(l.Name), vnfd.Quote(info.Name), v, a.MaxLevel)
				default:
					level.ScaleInfo = set(level.ScaleInfo, info.Name, v)
				}
			}
			f.Levels = append(f.Levels, level)
		}
		if n := s.Get(policy.Value, "properties", "default_level"); n.Text() != "" {
			named = n
		}
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VduInstantiationLevels") {
		targets := s.vduTargets(f, policy)
		for _, l := range s.Get(policy.Value, "properties", "levels").Each() {
			level := f.Level(l.Name)
			if level == nil {
				s.Findf("unknown-level", l.Key, "the policy %s is for the unknown instantiation level %s", vnfd.Quote(policy.Name), vnfd.Quote(l.Name))
				continue
			}
			for _, v := range targets {
				level.Counts = set(level.Counts, v.ID, s.Count(s.Get(l.Value, "number_of_instances"), 0))
			}
		}
	}
	s.defaultLevel(f, named, at)
}

// set adds to a map that is nil as long as it is empty: a descriptor read back from JSON equals the one that was written.
func set[V any](m map[string]V, key string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}

// defaultLevel settles the level of an instantiate request that names none: the one the descriptor names, a lone one,
// else the one whose scale_info is all 0.
func (s *scope) defaultLevel(f *vnfd.Flavour, named *tosca.Node, at vnfd.Position) {
	switch {
	case named != nil && f.Level(named.Text()) != nil:
		f.DefaultLevel = named.Text()
		return
	case named != nil:
		s.Failf("unknown-reference", named.At, "the default_level %s is no instantiation level", vnfd.Quote(named.Text()))
		return
	case len(f.Levels) == 0:
		return
	case len(f.Levels) == 1:
		f.DefaultLevel = f.Levels[0].ID
		return
	}
	for _, l := range f.Levels {
		if !slices.ContainsFunc(slices.Collect(maps.Values(l.ScaleInfo)), func(n int) bool { return n != 0 }) {
			f.DefaultLevel = l.ID
			s.Findf("no-default-level", at, "several instantiation levels and no default_level; %s is taken, whose scale levels are all 0", vnfd.Quote(l.ID))
			return
		}
	}
	s.Findf("no-default-level", at, "several instantiation levels, no default_level, and none whose scale levels are all 0; a request must name one")
}

// checkScaling compares each level with what initial size and deltas come to, and both with the VDU's profile.
func (s *scope) checkScaling(f *vnfd.Flavour) {
	for _, l := range f.Levels {
		for i := range f.Vdus {
			v := &f.Vdus[i]
			given, ok := l.Counts[v.ID]
			worked := f.Scaled(v, l.ScaleInfo)
			if ok && (v.Initial != nil || isScaled(f, v)) && given != worked {
				s.Findf("levels-contradict-deltas", l.At, "the level %s gives %s %d instances, but initial delta and scaling deltas come to %d", vnfd.Quote(l.ID), vnfd.Quote(v.ID), given, worked)
			}
			if !ok {
				given = worked
			}
			if given < v.Min || given > v.Max {
				s.Findf("count-outside-profile", l.At, "the level %s gives %s %d instances, outside its profile of %d to %d", vnfd.Quote(l.ID), vnfd.Quote(v.ID), given, v.Min, v.Max)
			}
		}
	}
	top := map[string]int{}
	for _, a := range f.Aspects {
		top[a.ID] = a.MaxLevel
	}
	for i := range f.Vdus {
		v := &f.Vdus[i]
		if n := f.Scaled(v, top); isScaled(f, v) && n > v.Max {
			s.Findf("count-outside-profile", v.At, "%s scales to %d instances, more than its maximum %d", vnfd.Quote(v.ID), n, v.Max)
		}
	}
}

func isScaled(f *vnfd.Flavour, v *vnfd.Vdu) bool {
	return slices.ContainsFunc(f.Aspects, func(a vnfd.Aspect) bool { return a.Steps[v.ID] != nil })
}
