package vnfd

import (
	"maps"
	"slices"
)

// ofType returns the policies of a type or derived from it, in order.
func (s *scope) ofType(base string) []field {
	var out []field
	for _, f := range s.topology.get("policies").named() {
		if s.derives(policyTypes, f.value.get("type").text(), base) {
			out = append(out, f)
		}
	}
	return out
}

// vduTargets returns the VDUs a policy is for.
func (s *scope) vduTargets(f *Flavour, policy field) []*Vdu {
	var out []*Vdu
	at := make(map[string]int, len(f.Vdus))
	for i := range f.Vdus {
		at[f.Vdus[i].ID] = i
	}
	for _, t := range policy.value.get("targets").list() {
		i, ok := at[t.text()]
		if !ok {
			s.findf("unknown-target", t.at, "the policy %s is for %s, which is no VDU of this template", quote(policy.name), quote(t.text()))
			continue
		}
		out = append(out, &f.Vdus[i])
	}
	return out
}

// scaling reads initial sizes, aspects with their steps, and instantiation levels.
func (s *scope) scaling(f *Flavour) {
	for _, policy := range s.ofType("tosca.policies.nfv.VduInitialDelta") {
		for _, v := range s.vduTargets(f, policy) {
			n := s.count(s.get(policy.value, "properties", "initial_delta", "number_of_instances"), 0)
			v.Initial = &n
		}
	}
	stepDeltas := map[string][]string{}
	for _, policy := range s.ofType("tosca.policies.nfv.ScalingAspects") {
		for _, a := range s.get(policy.value, "properties", "aspects").each() {
			if len(f.Aspects) == maxAspects {
				s.failf("too-large", a.key, "the flavour has more than %d scaling aspects", maxAspects)
				return
			}
			deltas := s.get(a.value, "step_deltas").texts()
			stepDeltas[a.name] = deltas
			f.Aspects = append(f.Aspects, Aspect{
				ID: a.name, Name: s.get(a.value, "name").text(), Description: s.get(a.value, "description").text(),
				MaxLevel: s.maxLevel(a, len(deltas)), Steps: map[string][]int{}, At: a.key,
			})
		}
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VduScalingAspectDeltas") {
		name := s.get(policy.value, "properties", "aspect")
		aspect := f.aspect(name.text())
		if aspect == nil {
			s.findf("unknown-aspect", policy.key, "the policy %s is for the unknown scaling aspect %s", quote(policy.name), quote(name.text()))
			continue
		}
		steps := s.steps(policy, aspect, stepDeltas[aspect.ID])
		for _, v := range s.vduTargets(f, policy) {
			if s.pay(len(steps), policy.key) {
				aspect.Steps[v.ID] = steps
			}
		}
	}
	s.levels(f)
}

func (s *scope) maxLevel(a field, deltas int) int {
	n := s.get(a.value, "max_scale_level")
	level := s.count(n, deltas)
	if n.empty() && deltas == 0 {
		s.failf("missing-property", a.key, "the scaling aspect %s has no max_scale_level", quote(a.name))
	}
	if level > maxScaleLevels {
		s.failf("bad-value", n.at, "the max_scale_level %d is more than %d", level, maxScaleLevels)
		return 0
	}
	return level
}

// steps works out what each step of an aspect adds. One delta is the same for every step (uniform); else step n uses
// the n-th of step_deltas.
func (s *scope) steps(policy field, a *Aspect, order []string) []int {
	values := map[string]int{}
	deltas := s.get(policy.value, "properties", "deltas").each()
	for _, d := range deltas {
		values[d.name] = s.count(s.get(d.value, "number_of_instances"), 0)
	}
	if len(order) == 0 && len(deltas) > 0 {
		order = []string{deltas[0].name}
	}
	if len(order) > 1 && len(order) < a.MaxLevel {
		s.findf("step-deltas", a.At, "the scaling aspect %s has %d step_deltas for %d levels; the last one repeats", quote(a.ID), len(order), a.MaxLevel)
	}
	out := make([]int, a.MaxLevel)
	for i := range out {
		if len(order) == 0 {
			break
		}
		name := order[min(i, len(order)-1)]
		v, ok := values[name]
		if !ok {
			s.findf("step-deltas", policy.key, "the policy %s has no delta %s, which step %d of %s uses; it adds nothing", quote(policy.name), quote(name), i+1, quote(a.ID))
		}
		out[i] = v
	}
	return out
}

// levels reads the instantiation levels and settles which is the default.
func (s *scope) levels(f *Flavour) {
	var named *node
	at := f.At
	for _, policy := range s.ofType("tosca.policies.nfv.InstantiationLevels") {
		at = policy.key
		for _, l := range s.get(policy.value, "properties", "levels").each() {
			if len(f.Levels) == maxLevels {
				s.failf("too-large", l.key, "the flavour has more than %d instantiation levels", maxLevels)
				return
			}
			level := Level{ID: l.name, Description: s.get(l.value, "description").text(), At: l.key}
			for _, info := range s.get(l.value, "scale_info").each() {
				n := s.get(info.value, "scale_level")
				if n == nil {
					n = info.value
				}
				a := f.aspect(info.name)
				switch v := s.count(n, 0); {
				case a == nil:
					s.findf("unknown-aspect", info.key, "the level %s is of the unknown scaling aspect %s", quote(l.name), quote(info.name))
				case v > a.MaxLevel:
					s.failf("bad-value", info.key, "the level %s scales %s to %d, more than its maximum %d", quote(l.name), quote(info.name), v, a.MaxLevel)
				default:
					level.ScaleInfo = set(level.ScaleInfo, info.name, v)
				}
			}
			f.Levels = append(f.Levels, level)
		}
		if n := s.get(policy.value, "properties", "default_level"); n.text() != "" {
			named = n
		}
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VduInstantiationLevels") {
		targets := s.vduTargets(f, policy)
		for _, l := range s.get(policy.value, "properties", "levels").each() {
			level := f.level(l.name)
			if level == nil {
				s.findf("unknown-level", l.key, "the policy %s is for the unknown instantiation level %s", quote(policy.name), quote(l.name))
				continue
			}
			for _, v := range targets {
				level.Counts = set(level.Counts, v.ID, s.count(s.get(l.value, "number_of_instances"), 0))
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
func (s *scope) defaultLevel(f *Flavour, named *node, at Position) {
	switch {
	case named != nil && f.level(named.text()) != nil:
		f.DefaultLevel = named.text()
		return
	case named != nil:
		s.failf("unknown-reference", named.at, "the default_level %s is no instantiation level", quote(named.text()))
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
			s.findf("no-default-level", at, "several instantiation levels and no default_level; %s is taken, whose scale levels are all 0", quote(l.ID))
			return
		}
	}
	s.findf("no-default-level", at, "several instantiation levels, no default_level, and none whose scale levels are all 0; a request must name one")
}

// checkScaling compares each level with what initial size and deltas come to, and both with the VDU's profile.
func (s *scope) checkScaling(f *Flavour) {
	for _, l := range f.Levels {
		for i := range f.Vdus {
			v := &f.Vdus[i]
			given, ok := l.Counts[v.ID]
			worked := f.scaled(v, l.ScaleInfo)
			if ok && (v.Initial != nil || f.isScaled(v)) && given != worked {
				s.findf("levels-contradict-deltas", l.At, "the level %s gives %s %d instances, but initial delta and scaling deltas come to %d", quote(l.ID), quote(v.ID), given, worked)
			}
			if !ok {
				given = worked
			}
			if given < v.Min || given > v.Max {
				s.findf("count-outside-profile", l.At, "the level %s gives %s %d instances, outside its profile of %d to %d", quote(l.ID), quote(v.ID), given, v.Min, v.Max)
			}
		}
	}
	top := map[string]int{}
	for _, a := range f.Aspects {
		top[a.ID] = a.MaxLevel
	}
	for i := range f.Vdus {
		v := &f.Vdus[i]
		if n := f.scaled(v, top); f.isScaled(v) && n > v.Max {
			s.findf("count-outside-profile", v.At, "%s scales to %d instances, more than its maximum %d", quote(v.ID), n, v.Max)
		}
	}
}

func (f *Flavour) isScaled(v *Vdu) bool {
	return slices.ContainsFunc(f.Aspects, func(a Aspect) bool { return a.Steps[v.ID] != nil })
}

func (f *Flavour) aspect(id string) *Aspect {
	for i := range f.Aspects {
		if f.Aspects[i].ID == id {
			return &f.Aspects[i]
		}
	}
	return nil
}

func (f *Flavour) level(id string) *Level {
	for i := range f.Levels {
		if f.Levels[i].ID == id {
			return &f.Levels[i]
		}
	}
	return nil
}
