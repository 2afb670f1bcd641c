package lcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	for _, v := range p.Vdus {
		r.Computes = append(r.Computes, nfvo.ComputeNeed{
			VduID: v.ID, FlavourName: v.FlavourName, VCPUs: v.VCPUs, MemoryBytes: v.MemoryBytes, DiskBytes: v.DiskBytes,
		})
	}
	for _, i := range p.Images {
		r.Images = append(r.Images, nfvo.ImageNeed{ID: i.ID, Name: i.Name, Checksum: i.Checksum})
	}
	r.UncoveredExtCps = p.Uncovered
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

// checkGrant refuses a malformed grant: there must be one GrantInfo per resource definition (SOL003 v3.7.1 §9.5.2.3),
// each with a VIM connection, in zones the grant defines, and an asset for each need.
func checkGrant(r *nfvo.GrantRequest, g *nfvo.Grant) error {
	if g == nil {
		return fmt.Errorf("there is no grant")
	}
	asked := slices.Concat(r.Add, r.Remove, r.Update, r.Temp)
	seen := map[string]bool{}
	for _, i := range g.Infos {
		switch {
		case !slices.ContainsFunc(asked, func(d nfvo.ResourceDefinition) bool { return d.ID == i.DefinitionID }):
			return fmt.Errorf("malformed grant: it decides about %s, which was not asked for", i.DefinitionID)
		case seen[i.DefinitionID]:
			return fmt.Errorf("malformed grant: it decides twice about %s", i.DefinitionID)
		case i.Zone != "" && zoneOf(g, i.Zone) == nil:
			return fmt.Errorf("malformed grant: the zone %s of %s is not defined", i.Zone, i.DefinitionID)
		}
		seen[i.DefinitionID] = true
	}
	for _, d := range asked {
		if !seen[d.ID] {
			return fmt.Errorf("malformed grant: it does not decide about %s %s (%s)", d.Type, d.TemplateID, d.ID)
		}
	}
	for _, d := range r.Add {
		if i := infoOf(g, d.ID); i.Connection == "" {
			return fmt.Errorf("malformed grant: no VIM connection is named for %s %s", d.Type, d.TemplateID)
		}
	}
	return checkAssets(r, g)
}

func checkAssets(r *nfvo.GrantRequest, g *nfvo.Grant) error {
	for _, n := range r.Computes {
		if !slices.ContainsFunc(g.Flavours, func(a nfvo.VimAsset) bool { return a.ID == n.VduID && a.VimAssetID != "" }) {
			return fmt.Errorf("the grant names no compute flavour for the VDU %s", n.VduID)
		}
	}
	for _, n := range r.Images {
		if !slices.ContainsFunc(g.Images, func(a nfvo.VimAsset) bool { return a.ID == n.ID && a.VimAssetID != "" }) {
			return fmt.Errorf("the grant names no software image for %s (%s)", n.ID, n.Name)
		}
	}
	return nil
}

func zoneOf(g *nfvo.Grant, id string) *nfvo.Zone {
	for i := range g.Zones {
		if g.Zones[i].ID == id {
			return &g.Zones[i]
		}
	}
	return nil
}

func infoOf(g *nfvo.Grant, definition string) *nfvo.GrantInfo {
	for i := range g.Infos {
		if g.Infos[i].DefinitionID == definition {
			return &g.Infos[i]
		}
	}
	return nil
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
