package sol001

import (
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// affinity reads the affinity and anti-affinity rules, with groups resolved to their members.
func (s *scope) affinity() []vnfd.AffinityRule {
	var out []vnfd.AffinityRule
	for _, policy := range s.policies {
		kind := policy.Value.Get("type").Text()
		is := s.Derives(tosca.PolicyTypes, kind, "tosca.policies.nfv.AffinityRule")
		if !is && !s.Derives(tosca.PolicyTypes, kind, "tosca.policies.nfv.AntiAffinityRule") {
			continue
		}
		rule := vnfd.AffinityRule{ID: policy.Name, Affinity: is, Scope: strings.ToLower(s.Get(policy.Value, "properties", "scope").Text()), At: policy.Key}
		if rule.Scope == "" {
			rule.Scope = "nfvi_node"
			s.Findf("affinity-scope", policy.Key, "the rule %s has no scope; nfvi_node is taken", vnfd.Quote(policy.Name))
		}
		for _, target := range s.Get(policy.Value, "targets").List() {
			s.addTarget(&rule, target, policy.Name, 0)
		}
		out = append(out, rule)
	}
	return out
}

// addTarget adds a node template, or the members of a group, to a rule.
func (s *scope) addTarget(rule *vnfd.AffinityRule, target *tosca.Node, policy string, depth int) {
	if !s.Pay(10, target.Where()) { // groups of groups multiply
		return
	}
	name := target.Text()
	nt := s.Template(name)
	switch {
	case nt == nil:
		members := s.Get(s.Topology.Get("groups", name), "members")
		if members == nil {
			s.Findf("unknown-target", target.Where(), "the rule %s is for %s, which is neither a group nor a node template", vnfd.Quote(policy), vnfd.Quote(name))
			return
		}
		if depth == s.Limits.GroupDepth {
			s.Exceedf("group-depth", "too-large", target.Where(), "the groups of the rule %s nest deeper than %d", vnfd.Quote(policy), s.Limits.GroupDepth)
			return
		}
		for _, m := range members.List() {
			s.addTarget(rule, m, policy, depth+1)
		}
	case s.isVdu(nt.Kind):
		rule.Vdus = addOnce(rule.Vdus, name)
	case s.Derives(tosca.NodeTypes, nt.Kind, typeVirtualLink):
		rule.Links = addOnce(rule.Links, name)
	default:
		s.Findf("unknown-target", target.At, "the rule %s is for %s, which is neither a VDU nor a virtual link", vnfd.Quote(policy), vnfd.Quote(name))
	}
}

func addOnce(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
