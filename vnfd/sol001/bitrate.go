package sol001

import (
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// linkRates reads what virtual links carry, and what steps of aspects add to it (VirtualLinkBitrateInitialDelta,
// VirtualLinkBitrateScalingAspectDeltas).
func (s *scope) linkRates(f *vnfd.Flavour, stepDeltas map[string][]string) {
	for _, policy := range s.ofType("tosca.policies.nfv.VirtualLinkBitrateInitialDelta") {
		rate := s.bitRate(s.Get(policy.Value, "properties", "initial_delta"))
		for _, l := range s.linkTargets(f, policy) {
			s.scaled(l).BitRate = &rate
		}
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VirtualLinkBitrateScalingAspectDeltas") {
		aspect := s.aspectOf(f, policy)
		if aspect == nil {
			continue
		}
		steps := s.linkSteps(policy, aspect, stepDeltas[aspect.ID])
		for _, l := range s.linkTargets(f, policy) {
			if s.Pay(len(steps), policy.Key) {
				s.scaled(l)
				aspect.LinkSteps = set(aspect.LinkSteps, l.ID, steps)
			}
		}
	}
}

// linkLevels reads what virtual links carry at instantiation levels (VirtualLinkInstantiationLevels).
func (s *scope) linkLevels(f *vnfd.Flavour) {
	for _, policy := range s.ofType("tosca.policies.nfv.VirtualLinkInstantiationLevels") {
		targets := s.linkTargets(f, policy)
		for _, l := range s.Get(policy.Value, "properties", "levels").Each() {
			level := f.Level(l.Name)
			if level == nil {
				s.Findf("unknown-level", l.Key, "the policy %s is for the unknown instantiation level %s", vnfd.Quote(policy.Name), vnfd.Quote(l.Name))
				continue
			}
			rate := s.bitRate(l.Value)
			for _, target := range targets {
				if s.Pay(1, l.Key) {
					s.scaled(target)
					level.BitRates = set(level.BitRates, target.ID, rate)
				}
			}
		}
	}
}

// linkSteps works out what each step of an aspect adds to a bit rate: the n-th of step_deltas, of which the last one repeats.
func (s *scope) linkSteps(policy tosca.Field, a *vnfd.Aspect, order []string) []vnfd.BitRate {
	deltas := s.Get(policy.Value, "properties", "deltas").Each()
	if len(deltas) > s.Limits.Deltas {
		s.Exceedf("deltas", "too-large", policy.Key, "the policy %s has more than %d deltas", vnfd.Quote(policy.Name), s.Limits.Deltas)
		return nil
	}
	values := map[string]vnfd.BitRate{}
	for _, d := range deltas {
		values[d.Name] = s.bitRate(d.Value)
	}
	if len(order) == 0 && len(deltas) > 0 {
		order = []string{deltas[0].Name}
	}
	out := make([]vnfd.BitRate, a.MaxLevel)
	for i := range out {
		if len(order) > 0 {
			out[i] = values[order[min(i, len(order)-1)]]
		}
	}
	return out
}

// bitRate reads a VirtualLinkBitrateLevel.
func (s *scope) bitRate(n *tosca.Node) vnfd.BitRate { return s.rate(s.Get(n, "bitrate_requirements")) }

// rate reads LinkBitrateRequirements.
func (s *scope) rate(n *tosca.Node) vnfd.BitRate {
	return vnfd.BitRate{Root: int64(s.Count(s.Get(n, "root"), 0)), Leaf: int64(s.Count(s.Get(n, "leaf"), 0))}
}

// scaled notes the profile of a virtual link whose bit rate is scaled.
func (s *scope) scaled(l *vnfd.VirtualLink) *vnfd.VirtualLink {
	if l.BitRate == nil {
		l.BitRate = &vnfd.BitRate{}
	}
	profile := s.Prop(s.Template(l.ID), "vl_profile")
	if n := s.Get(profile, "min_bitrate_requirements"); !n.Empty() && l.Least == nil {
		rate := s.rate(n)
		l.Least = &rate
	}
	if n := s.Get(profile, "max_bitrate_requirements"); !n.Empty() && l.Most == nil {
		rate := s.rate(n)
		l.Most = &rate
	}
	return l
}

// linkTargets returns the virtual links that a policy is for.
func (s *scope) linkTargets(f *vnfd.Flavour, policy tosca.Field) []*vnfd.VirtualLink {
	links := make(map[string]*vnfd.VirtualLink, len(f.Links))
	if s.Pay(len(f.Links), policy.Key) {
		for i := range f.Links {
			links[f.Links[i].ID] = &f.Links[i]
		}
	}
	var out []*vnfd.VirtualLink
	for _, t := range s.Get(policy.Value, "targets").List() {
		if l := links[t.Text()]; l != nil {
			out = append(out, l)
			delete(links, t.Text()) // once
			continue
		}
		s.Findf("unknown-target", t.At, "the policy %s is for %s, which is no virtual link of this template, or named before", vnfd.Quote(policy.Name), vnfd.Quote(t.Text()))
	}
	return out
}
