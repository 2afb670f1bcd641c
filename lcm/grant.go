package lcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
)

// stepGrant is the step that asks for a grant, in every saga that has one.
const stepGrant = "grant"

// grantTypes are the kinds a grant decides about, with their words in a grant request. Of ports only those that connect
// the VNF to the outside are asked for: they alone have a definition.
//
//nolint:gochecknoglobals // data
var grantTypes = map[vim.Kind]string{
	vim.Compute: "COMPUTE", vim.Network: "VL", vim.Volume: "STORAGE", vim.Port: "LINKPORT",
}

// addRequest asks for all a plan means to create.
func (p *Plan) addRequest(r *nfvo.GrantRequest) {
	for _, res := range p.Resources {
		if res.Definition == "" {
			continue
		}
		d := nfvo.ResourceDefinition{ID: res.Definition, Type: grantTypes[res.Kind], TemplateID: res.Template, Planned: res.ID}
		if res.Kind == vim.Compute {
			d.VduID = res.Template
		}
		r.Add = append(r.Add, d)
	}
	for _, rule := range p.Rules {
		r.Placement = append(r.Placement, nfvo.PlacementRule{Affinity: rule.Affinity, Scope: rule.Scope, Resources: rule.Members})
	}
	r.SameVim = p.together()
	for _, v := range p.Vdus {
		r.Computes = append(r.Computes, nfvo.ComputeNeed{
			VduID: v.ID, FlavourName: v.FlavourName, VCPUs: v.VCPUs, MemoryBytes: v.MemoryBytes, DiskBytes: v.DiskBytes, NoBoot: v.NoBoot,
		})
	}
	for _, i := range p.Images {
		r.Images = append(r.Images, nfvo.ImageNeed{ID: i.ID, Name: i.Name, Checksum: i.Checksum})
	}
	r.UncoveredExtCps = p.Uncovered
}

// together groups the resources that refer to each other, and so must be at one VIM.
func (p *Plan) together() []nfvo.VimRule {
	root := make(map[string]string, len(p.Resources))
	var find func(id string) string
	find = func(id string) string {
		if up, ok := root[id]; ok && up != id {
			root[id] = find(up)
			return root[id]
		}
		return id
	}
	for _, r := range p.Resources {
		for _, ref := range references(&r.Spec) {
			if id, ok := strings.CutPrefix(ref, refPlan); ok {
				root[find(id)] = find(r.ID)
			}
		}
	}
	at := map[string]int{}
	var out []nfvo.VimRule
	for _, r := range p.Resources {
		if r.Definition == "" {
			continue
		}
		group := find(r.ID)
		i, ok := at[group]
		if !ok {
			i = len(out)
			at[group] = i
			out = append(out, nfvo.VimRule{})
		}
		out[i].Resources = append(out[i].Resources, r.Definition)
	}
	return slices.DeleteFunc(out, func(v nfvo.VimRule) bool { return len(v.Resources) < 2 })
}

// references lists what a compute or a port refers to; server groups need not be at one VIM.
func references(s *vim.Spec) []string {
	var out []string
	if c := s.Compute; c != nil {
		out = slices.Clone(c.Ports)
		for _, v := range c.Volumes {
			out = append(out, v.ID)
		}
	}
	if s.Port != nil {
		out = append(out, s.Port.Network)
	}
	return out
}

// grantOf returns the grant a saga was given, nil while there is none.
func grantOf(in *saga.Instance) (*nfvo.Grant, error) {
	for _, r := range in.Items {
		if r.Step != stepGrant || len(r.Result) == 0 {
			continue
		}
		g := &nfvo.Grant{}
		if err := json.Unmarshal(r.Result, g); err != nil {
			return nil, fmt.Errorf("the grant cannot be read: %w", err)
		}
		return g, nil
	}
	return nil, nil
}

// checkGrant refuses a malformed grant.
func checkGrant(r *nfvo.GrantRequest, g *nfvo.Grant) error {
	if g == nil {
		return fmt.Errorf("there is no grant")
	}
	return g.Check(r)
}

// asset returns the VIM's id of an asset at a connection.
func asset(assets []nfvo.VimAsset, id, connection string) (string, bool) {
	for _, a := range assets {
		if a.ID == id && (a.Connection == connection || a.Connection == "") {
			return a.VimAssetID, true
		}
	}
	return "", false
}

// extNetwork returns the network the grant connects an external CP to.
func extNetwork(g *nfvo.Grant, cpd string) *nfvo.ExtNetwork {
	for i := range g.ExtNetworks {
		if g.ExtNetworks[i].CpdID == cpd {
			return &g.ExtNetworks[i]
		}
	}
	return nil
}

// needsExtNetwork lists the CPDs whose ports cannot be made without a network of the grant.
func (p *Plan) needsExtNetwork() []string {
	var out []string
	for _, r := range p.Resources {
		if r.Kind != vim.Port {
			continue
		}
		if cpd, ok := strings.CutPrefix(r.Spec.Port.Network, refExtNet); ok && !slices.Contains(out, cpd) {
			out = append(out, cpd)
		}
	}
	return out
}

// withdrawal ends the asking for the grant of an operation that ended without the answer; nil when there is none to end.
func withdrawal(in *saga.Instance, now time.Time) *message.Message {
	if !in.State.Final() {
		return nil
	}
	for _, r := range in.Items {
		if r.Step == stepGrant && r.EverSent && len(r.Result) == 0 && r.State != saga.ItemFailed {
			return &message.Message{
				ID: message.DeriveID(in.ID, stepGrant, "withdraw"), Type: nfvo.TypeWithdrawGrant, Source: saga.Source,
				Topic: message.TopicNfvoCommands, Key: in.Key, Time: now, CorrelationID: in.ID, CausationID: r.Command,
				Traceparent: in.Traceparent, Data: json.RawMessage(`{}`),
			}
		}
	}
	return nil
}
