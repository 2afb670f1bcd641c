package plan

import (
	"slices"
	"strings"

	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
)

// Ask adds to a grant request what a plan does to the resources a grant decides about: computes, networks, volumes, and those
// ports that connect the VNF to the outside (SOL003 v3.7.1 §9.5.2.2).
func (p *Plan) Ask(r *nfvo.GrantRequest) {
	added, released := map[string]bool{}, map[string]bool{}
	steps := p.Steps()
	for _, s := range steps {
		released[s.ID] = released[s.ID] || s.Action == Release
	}
	for _, s := range steps {
		from, to := p.From(s), p.To(s)
		switch {
		case s.Action == Create && to.Definition != "":
			added[to.ID] = true
			r.Add = append(r.Add, definition(to, to.Definition))
		case s.Action == Change && to.Definition != "" && !released[s.ID] && !listed(r.Update, to.ID): // a grant decides once about each
			r.Update = append(r.Update, definition(from, from.Definition))
		case s.Action == Release && from.Definition != "":
			r.Remove = append(r.Remove, definition(from, from.Definition))
		}
	}
	w := p.Want
	for _, rule := range w.Rules {
		if x := p.placementRule(rule, added); len(x.Resources) > 0 && len(x.Resources)+len(x.Existing) > 1 { // SOL003 v3.7.1 §9.5.3.6
			r.Placement = append(r.Placement, x)
		}
	}
	r.SameVim = w.together()
	for _, v := range w.Vdus {
		r.Computes = append(r.Computes, nfvo.ComputeNeed{
			VduID: v.ID, FlavourName: v.FlavourName, VCPUs: v.VCPUs, MemoryBytes: v.MemoryBytes, DiskBytes: v.DiskBytes, NoBoot: v.NoBoot,
		})
	}
	for _, i := range w.Images {
		r.Images = append(r.Images, nfvo.ImageNeed{ID: i.ID, Name: i.Name, Checksum: i.Checksum, Package: w.makeable(refImage + i.ID)})
	}
	r.UncoveredExtCps = w.Uncovered
}

func listed(defs []nfvo.ResourceDefinition, id string) bool {
	return slices.ContainsFunc(defs, func(d nfvo.ResourceDefinition) bool { return d.Planned == id })
}

// definition is what a grant request says of a resource; of one that stands, also where.
func definition(r *Resource, id string) nfvo.ResourceDefinition {
	d := nfvo.ResourceDefinition{ID: id, Type: kindOf(r.Kind).grant, TemplateID: r.Template, Planned: r.ID}
	switch form := vim.FormOf(r.Kind, r.Spec); {
	case r.Kind == vim.Compute:
		d.VduID = r.Template
	case form != vim.Machines:
		d.Form = string(form)
	}
	if r.At != nil {
		d.Resource = r.handle()
	}
	if s := r.Snapshot; s != nil && r.At == nil {
		s.define(&d)
	}
	return d
}

func (r *Resource) handle() *nfvo.ResourceHandle {
	return &nfvo.ResourceHandle{Connection: r.At.Connection, ID: r.At.ID, Type: r.At.Type}
}

// placementRule names the members of a rule that are made by their definitions, the others by where they stand.
func (p *Plan) placementRule(rule Rule, added map[string]bool) nfvo.PlacementRule {
	out := nfvo.PlacementRule{Affinity: rule.Affinity, Scope: rule.Scope, Existing: slices.Clone(rule.Existing), Zones: rule.Zones}
	for _, m := range rule.Members {
		switch r := p.Want.resource(m); {
		case r == nil:
		case added[m]:
			out.Resources = append(out.Resources, r.Definition)
		case r.At != nil:
			out.Existing = append(out.Existing, *r.handle())
		}
	}
	return out
}

// together groups the resources that refer to each other, and so must be at one VIM.
func (p *Wanted) together() []nfvo.VimRule {
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
		for _, ref := range binding(&r.Spec) {
			if id, ok := strings.CutPrefix(ref, refPlan); ok {
				root[find(id)] = find(r.ID)
			}
		}
	}
	unit := ""
	for i := range p.Resources { // the objects of a VNF find each other by name
		if r := &p.Resources[i]; r.Kind == vim.Unit && unit == "" {
			unit = r.ID
		} else if r.Kind == vim.Unit {
			root[find(r.ID)] = find(unit)
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
		if r.At != nil {
			out[i].Existing = append(out[i].Existing, *r.handle())
			continue
		}
		out[i].Resources = append(out[i].Resources, r.Definition)
	}
	return slices.DeleteFunc(out, func(v nfvo.VimRule) bool { return len(v.Resources) == 0 || len(v.Resources)+len(v.Existing) < 2 })
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
func (p *Wanted) needsExtNetwork() []string {
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
