package openstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// The rules of a port are a security group: one of each set of rules and VNF, since projects may have few of them. The ports that have it
// are what counts its users: Neutron deletes none that a port has. Its name says whose it is and which rules it has, and its description
// that it is ours.

// securityMark is the description of every security group of ours.
const securityMark = "vnfm:security-group"

type securityGroupDoc struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Created     string            `json:"created_at"`
	Rules       []securityRuleDoc `json:"security_group_rules"`
}

type securityRuleDoc struct {
	ID        string `json:"id"`
	Direction string `json:"direction"`
	EtherType string `json:"ethertype"`
	Protocol  string `json:"protocol"`
	Min       *int   `json:"port_range_min"`
	Max       *int   `json:"port_range_max"`
	Prefix    string `json:"remote_ip_prefix"`
	Group     string `json:"remote_group_id"`
}

// anything is the protocol of a rule that names none: Neutron gives every new group two, one for each version of IP, that let all out.
const anything = "any"

// rule is what a rule says. One that says more than we would has a word of its own as its protocol, so that it is like none of ours.
func (d securityRuleDoc) rule() vim.SecurityRule {
	r := vim.SecurityRule{Direction: d.Direction, IPVersion: 4, Protocol: d.Protocol}
	if strings.EqualFold(d.EtherType, "IPv6") {
		r.IPVersion = 6
	}
	switch {
	case r.Protocol == "":
		r.Protocol = anything
	case r.IPVersion == 6 && (r.Protocol == "icmp" || r.Protocol == "icmpv6" || r.Protocol == "58"):
		r.Protocol = "ipv6-icmp"
	}
	if d.Min != nil && d.Max != nil {
		r.PortMin, r.PortMax = *d.Min, *d.Max
	}
	if d.Prefix != "" || d.Group != "" {
		r.Protocol += " with " + d.Prefix + d.Group
	}
	return r
}

// told is what a group lets through as a specification says it: that all goes out is nothing to be said, unless something else is.
func (g securityGroupDoc) told() []vim.SecurityRule {
	var out []vim.SecurityRule
	for _, d := range g.Rules {
		out = append(out, d.rule())
	}
	said := func(r vim.SecurityRule) bool { return r.Direction == vim.Egress && r.Protocol != anything }
	if !slices.ContainsFunc(out, said) {
		out = slices.DeleteFunc(out, func(r vim.SecurityRule) bool { return r.Direction == vim.Egress })
	}
	return out
}

// has are the rules of a group for what a specification says.
func has(rules []vim.SecurityRule) []vim.SecurityRule {
	out := slices.Clone(rules)
	if !slices.ContainsFunc(rules, func(r vim.SecurityRule) bool { return r.Direction == vim.Egress }) {
		for _, v := range []int{4, 6} {
			out = append(out, vim.SecurityRule{Direction: vim.Egress, IPVersion: v, Protocol: anything})
		}
	}
	return out
}

// securityName names the group of a VNF for rules.
func securityName(owner string, rules []vim.SecurityRule) string {
	text, _ := json.Marshal(slices.SortedFunc(slices.Values(rules), vim.SecurityRule.Compare)) // such rules always marshal
	sum := sha256.Sum256(text)
	return "rules " + hex.EncodeToString(sum[:8]) + "@" + owner
}

func (c call) securityGroups(ctx context.Context, q url.Values) ([]securityGroupDoc, error) {
	var out struct {
		Groups []securityGroupDoc `json:"security_groups"`
	}
	err := c.get(ctx, network, "security-groups", q, &out)
	return out.Groups, err
}

// named looks for the groups of a VNF for rules; the oldest is first.
func (c call) named(ctx context.Context, name string) ([]securityGroupDoc, error) {
	found, err := c.securityGroups(ctx, projects(c, url.Values{"name": {name}, "description": {securityMark}}))
	slices.SortStableFunc(found, func(a, b securityGroupDoc) int { return strings.Compare(a.Created+a.ID, b.Created+b.ID) })
	return found, err
}

// secure sees to it that a VNF has a group with exactly these rules, and returns its id; "" for no rules.
func (c call) secure(ctx context.Context, owner string, rules []vim.SecurityRule) (string, error) {
	if len(rules) == 0 {
		return "", nil
	}
	name := securityName(owner, rules)
	done, err := c.making.take(ctx, c, name) // the ports of a VNF are made at the same time
	if err != nil {
		return "", err
	}
	defer done()
	found, err := c.named(ctx, name)
	switch {
	case vim.ClassOf(err) == message.NotFound:
		return "", c.fail(message.Permanent, "the cloud has no security groups (Neutron's extension security-group), and the VNFD has rules of one")
	case err != nil:
		return "", err
	}
	if len(found) == 0 {
		var out struct {
			Group securityGroupDoc `json:"security_group"`
		}
		in := object{"security_group": object{"name": name, "description": securityMark}}
		if err := c.post(ctx, network, "security-groups", in, &out); err != nil {
			return "", err
		}
		found = []securityGroupDoc{out.Group}
	}
	for _, other := range found[1:] { // of several programs that made one at the same time
		if err := c.unsecure(ctx, other.ID); err != nil {
			return "", err
		}
	}
	return found[0].ID, c.ruled(ctx, found[0], has(rules))
}

// ruled makes a group have exactly these rules.
func (c call) ruled(ctx context.Context, g securityGroupDoc, rules []vim.SecurityRule) error {
	for _, d := range g.Rules {
		if i := slices.Index(rules, d.rule()); i >= 0 {
			rules = slices.Delete(slices.Clone(rules), i, i+1)
		} else if _, err := c.remove(ctx, network, "security-group-rules/"+escaped(d.ID)); err != nil {
			return err
		}
	}
	if len(rules) == 0 {
		return nil
	}
	made := make([]object, len(rules))
	for i, r := range rules {
		made[i] = object{"security_group_id": g.ID, "direction": r.Direction, "ethertype": "IPv4"}
		if r.IPVersion == 6 {
			made[i]["ethertype"] = "IPv6"
		}
		if r.Protocol != anything {
			made[i]["protocol"] = r.Protocol
		}
		if r.PortMax > 0 {
			made[i]["port_range_min"], made[i]["port_range_max"] = r.PortMin, r.PortMax
		}
	}
	return c.post(ctx, network, "security-group-rules", object{"security_group_rules": made}, &object{})
}

// unsecure deletes a group, unless a port has it.
func (c call) unsecure(ctx context.Context, id string) error {
	_, err := c.remove(ctx, network, "security-groups/"+escaped(id))
	if vim.ClassOf(err) == message.Transient { // which is what a conflict is: it is in use
		return nil
	}
	return err
}

// mine returns those of some groups that are ours. That a group is none of ours is remembered: a project's own is on most of its ports.
func (c call) mine(ctx context.Context, ids []string) (map[string]securityGroupDoc, error) {
	out := map[string]securityGroupDoc{}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, not := c.foreign.Load(id); return not })
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), portsAtOnce) {
		found, err := c.securityGroups(ctx, url.Values{"id": some})
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			if g.Description == securityMark {
				out[g.ID] = g
			} else {
				c.foreign.Store(g.ID, true)
			}
		}
	}
	return out, nil
}

// sweep deletes the groups of ours that no port has: what is left when a program ended between the two.
func (c call) sweep(ctx context.Context) error {
	all, err := c.securityGroups(ctx, projects(c, url.Values{"description": {securityMark}, "fields": {"id"}}))
	if vim.ClassOf(err) == message.NotFound { // the cloud has none
		return nil
	}
	for _, g := range all {
		if err == nil {
			err = c.unsecure(ctx, g.ID)
		}
	}
	return err
}

// usual is the group that Neutron gives a port for which nobody names one.
func (c call) usual(ctx context.Context) ([]string, error) {
	found, err := c.securityGroups(ctx, projects(c, url.Values{"name": {"default"}, "fields": {"id"}}))
	ids := []string{}
	for _, g := range found {
		ids = append(ids, g.ID)
	}
	return ids, err
}
