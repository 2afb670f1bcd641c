package sol001

import (
	"maps"
	"slices"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// ofType returns the policies of a type or derived from it, in order.
func (s *scope) ofType(base string) []tosca.Field {
	var out []tosca.Field
	for _, f := range s.policies {
		if s.Derives(tosca.PolicyTypes, f.Value.Get("type").Text(), base) {
			out = append(out, f)
		}
	}
	return out
}

// vduTargets returns the VDUs a policy is for, each once.
func (s *scope) vduTargets(f *vnfd.Flavour, policy tosca.Field) []*vnfd.Vdu {
	var out []*vnfd.Vdu
	if s.vdus == nil {
		s.vdus = make(map[string]*vnfd.Vdu, len(f.Vdus))
		for i := range f.Vdus {
			s.vdus[f.Vdus[i].ID] = &f.Vdus[i]
		}
	}
	seen := map[string]bool{}
	for _, t := range s.Get(policy.Value, "targets").List() {
		v := s.vdus[t.Text()]
		switch {
		case v == nil:
			s.Findf("unknown-target", t.At, "the policy %s is for %s, which is no VDU of this template", vnfd.Quote(policy.Name), vnfd.Quote(t.Text()))
		case !seen[v.ID]:
			seen[v.ID] = true
			out = append(out, v)
		}
	}
	return out
}

// scaling reads initial sizes, aspects with their steps, and instantiation levels.
func (s *scope) scaling(f *vnfd.Flavour) {
	for _, policy := range s.ofType("tosca.policies.nfv.VduInitialDelta") {
		n := s.instances(s.Get(policy.Value, "properties", "initial_delta", "number_of_instances"), 0)
		for _, v := range s.vduTargets(f, policy) {
			v.Initial = &n
		}
	}
	stepDeltas := map[string][]string{}
	for _, policy := range s.ofType("tosca.policies.nfv.ScalingAspects") {
		for _, a := range s.Get(policy.Value, "properties", "aspects").Each() {
			if len(f.Aspects) == s.Limits.Aspects {
				s.Exceedf("aspects", "too-large", a.Key, "the flavour has more than %d scaling aspects", s.Limits.Aspects)
				break
			}
			deltas := a.Value.Get("step_deltas").Texts()
			if len(deltas) > s.Limits.Deltas {
				s.Exceedf("deltas", "too-large", a.Key, "the scaling aspect %s has more than %d step_deltas", vnfd.Quote(a.Name), s.Limits.Deltas)
				deltas = nil
			}
			stepDeltas[a.Name] = deltas
			f.Aspects = append(f.Aspects, vnfd.Aspect{
				ID: s.Identifier(a.Name, a.Key, "the scaling aspect"), Name: s.Identifier(a.Value.Get("name").Text(), a.Key, "the name of the scaling aspect"),
				Description: a.Value.Get("description").Text(),
				MaxLevel:    s.maxLevel(a, len(deltas)), Steps: map[string][]int{}, At: a.Key,
			})
		}
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VduScalingAspectDeltas") {
		aspect := s.aspectOf(f, policy)
		if aspect == nil {
			continue
		}
		steps := s.steps(policy, aspect, stepDeltas[aspect.ID])
		for _, v := range s.vduTargets(f, policy) {
			if s.Pay(len(steps), policy.Key) {
				aspect.Steps[v.ID] = steps
			}
		}
	}
	s.linkRates(f, stepDeltas)
	s.levels(f)
}

// aspectOf returns the scaling aspect that a policy is for; nil, with a finding, when there is none.
func (s *scope) aspectOf(f *vnfd.Flavour, policy tosca.Field) *vnfd.Aspect {
	name := s.Get(policy.Value, "properties", "aspect")
	aspect := f.Aspect(name.Text())
	if aspect == nil {
		s.Findf("unknown-aspect", policy.Key, "the policy %s is for the unknown scaling aspect %s", vnfd.Quote(policy.Name), vnfd.Quote(name.Text()))
	}
	return aspect
}

func (s *scope) maxLevel(a tosca.Field, deltas int) int {
	n := a.Value.Get("max_scale_level")
	level := s.Count(n, deltas)
	if n.Empty() && deltas == 0 {
		s.Failf("missing-property", a.Key, "the scaling aspect %s has no max_scale_level", vnfd.Quote(a.Name))
	}
	if level > s.Limits.Steps {
		s.Exceedf("steps", "too-large", n.Where(), "the max_scale_level %d is more than %d", level, s.Limits.Steps)
		return 0
	}
	return level
}

// steps works out what each step of an aspect adds. One delta is the same for every step (uniform); else step n uses
// the n-th of step_deltas.
func (s *scope) steps(policy tosca.Field, a *vnfd.Aspect, order []string) []int {
	values := map[string]int{}
	deltas := s.Get(policy.Value, "properties", "deltas").Each()
	if len(deltas) > s.Limits.Deltas {
		s.Exceedf("deltas", "too-large", policy.Key, "the policy %s has more than %d deltas", vnfd.Quote(policy.Name), s.Limits.Deltas)
		return nil
	}
	for _, d := range deltas {
		values[d.Name] = s.instances(d.Value.Get("number_of_instances"), 0)
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
			if len(f.Levels) == s.Limits.Levels {
				s.Exceedf("levels", "too-large", l.Key, "the flavour has more than %d instantiation levels", s.Limits.Levels)
				break
			}
			f.Levels = append(f.Levels, s.levelOf(f, l))
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
			n := s.instances(l.Value.Get("number_of_instances"), 0)
			for _, v := range targets {
				if s.Pay(1, l.Key) {
					level.Counts = set(level.Counts, v.ID, n)
				}
			}
		}
	}
	s.linkLevels(f)
	s.defaultLevel(f, named, at)
}

func (s *scope) levelOf(f *vnfd.Flavour, l tosca.Field) vnfd.Level {
	level := vnfd.Level{ID: s.Identifier(l.Name, l.Key, "the instantiation level"), Description: l.Value.Get("description").Text(), At: l.Key}
	for _, info := range l.Value.Get("scale_info").Each() {
		n := info.Value.Get("scale_level")
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
	return level
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

// checkScaling compares each level with what initial size and deltas come to, both with the VDU's profile, and all of it with
// what a VNF may have.
func (s *scope) checkScaling(f *vnfd.Flavour) {
	sizes := newSizes(f)
	levels := f.Levels
	if len(levels) == 0 {
		levels = []vnfd.Level{{At: f.At}} // the one that says nothing
	}
	for i := range levels {
		s.checkLevel(f, &levels[i], sizes)
	}
	top := map[string]int{}
	for _, a := range f.Aspects {
		top[a.ID] = a.MaxLevel
	}
	total := map[string]int{}
	for i := range f.Vdus {
		v := &f.Vdus[i]
		n := sizes.of(v, top)
		total[v.ID] = n
		if sizes.scaled(v) && n > v.Max {
			s.Findf("count-outside-profile", v.At, "%s scales to %d instances, more than its maximum %d", vnfd.Quote(v.ID), n, v.Max)
		}
	}
	if n := vnfd.Total(total); n > s.r.maxVnfcs {
		s.Findf("exceeds-vnfcs", f.At, "scaled to its highest levels the flavour has %d VNFCs, more than the %d of %s: scaling ends there", n, s.r.maxVnfcs, vnfd.LimitVnfcs)
	}
}

func (s *scope) checkLevel(f *vnfd.Flavour, l *vnfd.Level, sizes *sizes) {
	total, name := 0, "the level "+vnfd.Quote(l.ID)
	if l.ID == "" {
		name = "the flavour " + vnfd.Quote(f.ID)
	}
	for i := range f.Vdus {
		v := &f.Vdus[i]
		given, ok := l.Counts[v.ID]
		worked := sizes.of(v, l.ScaleInfo)
		if ok && (v.Initial != nil || sizes.scaled(v)) && given != worked {
			s.Findf("levels-contradict-deltas", l.At, "the level %s gives %s %d instances, but initial delta and scaling deltas come to %d", vnfd.Quote(l.ID), vnfd.Quote(v.ID), given, worked)
		}
		if !ok {
			given = worked
		}
		if given < v.Min || given > v.Max {
			s.Findf("count-outside-profile", l.At, "%s gives %s %d instances, outside its profile of %d to %d", name, vnfd.Quote(v.ID), given, v.Min, v.Max)
		}
		total = vnfd.Sum(total, given)
	}
	if total > s.r.maxVnfcs {
		s.ExceedSetting(vnfd.LimitVnfcs, "too-large", l.At, "%s has %d VNFCs, more than %d", name, total, s.r.maxVnfcs)
	}
}

// sizes has what the first n steps of each aspect add to each VDU, so that looking one up costs the same for any n.
type sizes struct {
	aspects []string
	sums    []map[string][]int // by aspect: VDU to sums, from 0 steps on
}

func newSizes(f *vnfd.Flavour) *sizes {
	z := &sizes{}
	for _, a := range f.Aspects {
		sums := map[string][]int{}
		for vdu, steps := range a.Steps {
			sum := make([]int, len(steps)+1)
			for i, n := range steps {
				sum[i+1] = vnfd.Sum(sum[i], n)
			}
			sums[vdu] = sum
		}
		z.aspects, z.sums = append(z.aspects, a.ID), append(z.sums, sums)
	}
	return z
}

func (z *sizes) scaled(v *vnfd.Vdu) bool {
	return slices.ContainsFunc(z.sums, func(sums map[string][]int) bool { return sums[v.ID] != nil })
}

// of is vnfd.Flavour.Scaled.
func (z *sizes) of(v *vnfd.Vdu, levels map[string]int) int {
	n := v.Min
	if v.Initial != nil {
		n = *v.Initial
	}
	for i, sums := range z.sums {
		if sum := sums[v.ID]; sum != nil {
			n = vnfd.Sum(n, sum[min(levels[z.aspects[i]], len(sum)-1)])
		}
	}
	return n
}
