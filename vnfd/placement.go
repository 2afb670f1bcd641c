package vnfd

import (
	"slices"
	"strings"
)

// affinity reads the affinity and anti-affinity rules, with groups resolved to their members.
func (s *scope) affinity() []AffinityRule {
	var out []AffinityRule
	for _, policy := range s.topology.get("policies").named() {
		kind := policy.value.get("type").text()
		is := s.derives(policyTypes, kind, "tosca.policies.nfv.AffinityRule")
		if !is && !s.derives(policyTypes, kind, "tosca.policies.nfv.AntiAffinityRule") {
			continue
		}
		rule := AffinityRule{ID: policy.name, Affinity: is, Scope: strings.ToLower(s.get(policy.value, "properties", "scope").text()), At: policy.key}
		if rule.Scope == "" {
			rule.Scope = "nfvi_node"
			s.findf("affinity-scope", policy.key, "the rule %s has no scope; nfvi_node is taken", quote(policy.name))
		}
		for _, target := range policy.value.get("targets").list() {
			s.addTarget(&rule, target, policy.name, 0)
		}
		out = append(out, rule)
	}
	return out
}

// addTarget adds a node template, or the members of a group, to a rule.
func (s *scope) addTarget(rule *AffinityRule, target *node, policy string, depth int) {
	if !s.pay(10, target.where()) { // groups of groups multiply
		return
	}
	name := target.text()
	nt := s.byName[name]
	switch {
	case nt == nil:
		members := s.topology.get("groups", name, "members")
		if members == nil || depth > 8 {
			s.findf("unknown-target", target.where(), "the rule %s is for %s, which is neither a group nor a node template", quote(policy), quote(name))
			return
		}
		for _, m := range members.list() {
			s.addTarget(rule, m, policy, depth+1)
		}
	case s.isVdu(nt.kind):
		rule.Vdus = addOnce(rule.Vdus, name)
	case s.derives(nodeTypes, nt.kind, typeVirtualLink):
		rule.Links = addOnce(rule.Links, name)
	default:
		s.findf("unknown-target", target.at, "the rule %s is for %s, which is neither a VDU nor a virtual link", quote(policy), quote(name))
	}
}

func addOnce(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
