package openstack

import (
	"context"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// A leaf bit rate is a QoS policy of the network: Neutron applies it at each of its ports. It is named by the network's token. The root
// bit rate, what a network is to carry in all, has no counterpart in OpenStack: nothing is limited by it.

type policyDoc struct {
	ID    string `json:"id"`
	Rules []struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		MaxKbps int64  `json:"max_kbps"`
	} `json:"rules"`
}

const kbit = 1000

func (c call) policies(ctx context.Context, t vim.Token) ([]policyDoc, error) {
	var out struct{ Policies []policyDoc }
	err := c.get(ctx, network, "qos/policies", marked(t), &out)
	return out.Policies, err
}

// limit makes the policy of a network limit its ports to a rate, and returns its id; "" when there is no limit.
func (c call) limit(ctx context.Context, t vim.Token, rate int64) (string, error) {
	if rate <= 0 {
		return "", nil
	}
	there, err := c.policies(ctx, t)
	if vim.ClassOf(err) == message.NotFound {
		return "", c.fail(message.Permanent, "the cloud cannot limit bit rates (Neutron's extension qos), and the virtual link has a leaf bit rate")
	}
	if err != nil {
		return "", err
	}
	if len(there) == 0 {
		var out struct{ Policy policyDoc }
		in := object{"policy": object{"name": fitting("vnfm "+t.String(), maxName), "description": description(t)}}
		if err := c.rated(c.post(ctx, network, "qos/policies", in, &out)); err != nil {
			return "", err
		}
		there = []policyDoc{out.Policy}
	}
	p := there[0]
	kbps := (rate + kbit - 1) / kbit
	in := object{"bandwidth_limit_rule": object{"max_kbps": kbps, "direction": "egress"}}
	for _, r := range p.Rules {
		if r.Type != "bandwidth_limit" {
			continue
		}
		if r.MaxKbps == kbps {
			return p.ID, nil
		}
		return p.ID, c.rated(c.put(ctx, network, "qos/policies/"+escaped(p.ID)+"/bandwidth_limit_rules/"+escaped(r.ID), in, &object{}))
	}
	return p.ID, c.rated(c.post(ctx, network, "qos/policies/"+escaped(p.ID)+"/bandwidth_limit_rules", in, &object{}))
}

// rated says what a project that may not limit rates can do about it.
func (c call) rated(err error) error {
	if vim.ClassOf(err) == message.Auth {
		return c.fail(message.Auth, "the project may not limit bit rates: the cloud's policies create_policy and create_policy_bandwidth_limit_rule say who may")
	}
	return err
}

// unlimit deletes the policy of a network.
func (c call) unlimit(ctx context.Context, t vim.Token) error {
	there, err := c.policies(ctx, t)
	if class := vim.ClassOf(err); class == message.NotFound || class == message.Auth { // the cloud has none, or shows none
		return nil
	}
	for _, p := range there {
		if err == nil {
			_, err = c.remove(ctx, network, "qos/policies/"+escaped(p.ID))
		}
	}
	return err
}
