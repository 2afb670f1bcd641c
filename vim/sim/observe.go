package sim

import (
	"context"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

var _ vim.Observer = (*Sim)(nil)

// observed are the attributes that the simulator shows of a resource, by kind.
//
//nolint:gochecknoglobals // data
var observed = map[vim.Kind][]vim.Attribute{
	vim.Compute: {
		vim.AttributeName, vim.AttributeFlavour, vim.AttributeImage, vim.AttributePorts, vim.AttributeSubPorts, vim.AttributeVolumes,
		vim.AttributeServerGroups, vim.AttributeMetadata, vim.AttributePower,
	},
	vim.Port:        {vim.AttributeName, vim.AttributeNetwork, vim.AttributeVnicType, vim.AttributeSecurityRules, vim.AttributeShared},
	vim.Network:     {vim.AttributeName, vim.AttributeType, vim.AttributeMTU, vim.AttributeRootBitRate, vim.AttributeLeafBitRate},
	vim.Subnet:      {vim.AttributeName, vim.AttributeNetwork, vim.AttributeIPVersion, vim.AttributeCIDR, vim.AttributeGateway, vim.AttributeDHCP},
	vim.Volume:      {vim.AttributeName, vim.AttributeSize, vim.AttributeImage, vim.AttributeType},
	vim.ServerGroup: {vim.AttributeName, vim.AttributeAffinity},
	vim.Unit:        {vim.AttributeName, vim.AttributeReplicas},
}

// Observe returns a page of resources as List does, with what is seen of them from outside.
func (s *Sim) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	out := vim.ObservedPage{Resources: []vim.Observed{}}
	next, err := s.page(ctx, conn, r, func(h *held, now time.Time) {
		out.Resources = append(out.Resources, h.observedAt(now))
	})
	if err != nil {
		return vim.ObservedPage{}, err
	}
	out.Next = next
	return out, nil
}

func (h *held) observedAt(now time.Time) vim.Observed {
	o := vim.Observed{Resource: h.at(now), Spec: copied(h.Spec), About: slices.Clone(observed[h.Resource.Kind])}
	if c := o.Spec.Compute; c != nil {
		c.UserData, c.Power = "", o.Resource.Power
	}
	if u := o.Spec.Unit; u != nil {
		u.Values, u.Objects = nil, nil
	}
	return o
}

// Tamper changes, behind the VNFM's back, how a resource stands, as somebody would at a VIM: its revision stays. It is no call of a
// driver, and no rule applies to it. NotFound when nothing carries the token.
func (s *Sim) Tamper(connection string, token vim.Token, change func(*vim.Spec)) error {
	return s.locked(func(now time.Time) error {
		h := s.state.held[ref{connection, token}]
		if h == nil {
			return call{op: "tamper", what: token.String()}.fail(message.NotFound, "nothing carries this token")
		}
		next := *h
		next.Spec = copied(h.Spec)
		change(&next.Spec)
		next.Resource.Name = next.Spec.Name
		return s.commit(record{Put: &next})
	})
}

// Lose has a VIM forget resources at once, as one whose database was set back.
func (s *Sim) Lose(connection string, tokens ...vim.Token) error {
	return s.locked(func(time.Time) error {
		for _, t := range tokens {
			if s.state.held[ref{connection, t}] == nil {
				continue
			}
			if err := s.commit(record{Delete: &ref{connection, t}}); err != nil {
				return err
			}
		}
		return nil
	})
}
