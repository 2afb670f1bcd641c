package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// Resolver turns a plan's references into the VIM's ids, from the grant and from what was made. It is to be made once for a
// grant; it may be used by several callers at once.
type Resolver struct {
	plan  *Plan
	want  *Wanted // with what the grant decides
	grant *nfvo.Grant
	infos map[string]*nfvo.GrantInfo
}

// Made is what has become of the resources of a plan so far.
type Made interface {
	// Made returns what the creation of a planned resource has made; false when it has not, or it is undone.
	Made(id string) (vim.Resource, bool)
	// Changed returns what a resource is since the last set of the plan changed it where it stands; false when it did not, or that is
	// undone.
	Changed(id string) (vim.Resource, bool)
	// Remade returns what undoing the release of a planned resource has made; false when it has not.
	Remade(id string) (vim.Resource, bool)
}

// NewResolver returns the resolver of a plan that was granted. A plan that asks for no grant has an empty one.
func NewResolver(p *Plan, g *nfvo.Grant) *Resolver {
	if p.forms == nil {
		p.Index()
	}
	r := &Resolver{plan: p, want: p.Want.Granted(g), grant: g, infos: make(map[string]*nfvo.GrantInfo, len(g.Infos))}
	for i := range g.Infos {
		r.infos[g.Infos[i].DefinitionID] = &g.Infos[i]
	}
	return r
}

// Want is what the VNF is to consist of, with what the grant decided.
func (r *Resolver) Want() *Wanted { return r.want }

// Grant is the grant.
func (r *Resolver) Grant() *nfvo.Grant { return r.grant }

// To returns the form of a step's resource after it, with what the grant decided; nil when nothing is left of it, or the
// grant has put something else in its place.
func (r *Resolver) To(s Step) *Resource {
	if s.Set+1 < len(r.plan.forms)-1 {
		return r.plan.To(s)
	}
	return r.want.resource(s.ID)
}

// Steps returns the steps of a stage that are to be taken, now that the grant has decided: those of resources that somebody
// else provides are not.
func (r *Resolver) Steps(stage *Stage) []Step {
	if stage.Assets {
		return r.assetSteps()
	}
	out := make([]Step, 0, len(stage.Steps))
	for _, s := range stage.Steps {
		if s.Action != Create {
			out = append(out, s)
			continue
		}
		if planned := r.plan.To(s); planned.Kind == vim.ServerGroup {
			out = append(out, r.groupSteps(s)...)
			continue
		}
		to := r.want.resource(s.ID)
		if to == nil || stage.Ports != "" && (stage.Ports == GivenAddresses) != givenAddress(r.kept(s)) {
			continue
		}
		out = append(out, s)
	}
	if stage.Ports == ChosenAddresses {
		out = slices.DeleteFunc(out, func(s Step) bool { return s.Action != Create })
	}
	return out
}

// groupSteps are the steps that make a server group at each VIM that needs one.
func (r *Resolver) groupSteps(s Step) []Step {
	var out []Step
	for _, g := range r.plan.Want.groups(r.grant, r.plan.To(s)) {
		one := s
		one.ID = g.id
		out = append(out, one)
	}
	return out
}

// givenAddress reports whether a port is to have an address that was given.
func givenAddress(s vim.Spec) bool {
	return s.Port != nil && slices.ContainsFunc(s.Port.FixedIPs, func(ip vim.FixedIP) bool { return ip.Address != "" })
}

// place returns the VIM connection and the VIM's zone of a resource.
func (r *Resolver) place(p *Resource) (connection, zone string) {
	return r.want.placeBy(r.info, r.grant, p)
}

func (r *Resolver) info(definition string) *nfvo.GrantInfo { return r.infos[definition] }

func (p *Wanted) place(g *nfvo.Grant, r *Resource) (connection, zone string) {
	return p.placeBy(g.Info, g, r)
}

func (p *Wanted) placeBy(info func(string) *nfvo.GrantInfo, g *nfvo.Grant, r *Resource) (connection, zone string) {
	for range p.Resources { // no longer than the longest chain there can be
		if r == nil || r.At != nil || r.Definition != "" {
			break
		}
		if r.Had != nil && lends(r.Kind) {
			return r.Had.Connection, ""
		}
		r = p.resource(r.Near)
	}
	switch {
	case r == nil:
		return "", ""
	case r.At != nil:
		return r.At.Connection, r.At.Zone
	}
	i := info(r.Definition)
	if i == nil {
		return "", ""
	}
	if z := g.Zone(i.Zone); z != nil {
		zone = z.ZoneID
	}
	return i.Connection, zone
}

// placement is what the grant says of a resource beside its VIM connection and zone; nil when nothing.
func (r *Resolver) placement(p *Resource) *vim.Placement {
	for p.Kind == vim.Unit && p.Definition == "" && p.Near != "" { // all objects are where the workload is
		if p = r.want.resource(p.Near); p == nil {
			return nil
		}
	}
	i := r.info(p.Definition)
	if p.Definition == "" || i == nil || i.Reservation == "" && i.Group == "" && i.Provider == "" {
		return nil
	}
	return &vim.Placement{Reservation: i.Reservation, Group: i.Group, Provider: i.Provider}
}

// Creation returns where a resource is to be made and how, all references resolved.
func (r *Resolver) Creation(s Step, m Made) (connection string, spec vim.Spec, err error) {
	to := r.To(s)
	if to == nil {
		return "", vim.Spec{}, fmt.Errorf("%s is not wanted", s.ID)
	}
	connection, _ = r.place(to)
	as := *to
	as.Spec = r.kept(s)
	spec, err = r.settle(&as)
	if err == nil {
		spec, err = r.concrete(&as, spec, false, r.forward(m, connection))
	}
	if err == nil {
		spec, err = to.Snapshot.source(spec, connection, r.grant)
	}
	return connection, spec, err
}

// kept is the specification that a step makes a resource by: a port that takes the place of another keeps what the VIM had chosen
// for that.
func (r *Resolver) kept(s Step) vim.Spec {
	to, from := r.To(s), r.plan.From(s)
	if s.Action == Create && s.Replaces && from != nil && keepsAddresses(from, to) {
		as := *from
		as.Spec = to.Spec
		return r.pinned(&as)
	}
	if s.Action == Create && from == nil && to.Had != nil && to.Spec.Port != nil {
		as := *to
		as.At = to.Had
		return r.pinned(&as)
	}
	return to.Spec
}

// Changing returns where a resource is changed, and the specifications before and after, all references resolved.
func (r *Resolver) Changing(s Step, m Made) (connection string, before, after vim.Spec, err error) {
	from, to := r.plan.From(s), r.To(s)
	if to == nil || from == nil || from.At == nil {
		return "", before, after, fmt.Errorf("%s does not stand", s.ID)
	}
	connection = from.At.Connection
	if before, err = r.concrete(from, from.Spec, true, r.held(m)); err != nil {
		return connection, before, after, err
	}
	if s.Set+1 < len(r.plan.forms)-1 { // on the way: it refers to what stands, and is settled
		after, err = r.concrete(to, to.Spec, true, r.held(m))
		return connection, before, after, err
	}
	as := *to
	if astray(from) && keepsAddresses(from, to) { // it is to have the addresses back that the records know
		is := *from
		is.Spec = to.Spec
		as.Spec = r.readdressed(&is)
	}
	after, err = r.settle(&as)
	if err == nil {
		after, err = r.concrete(to, after, false, r.forward(m, connection))
	}
	return connection, before, after, err
}

// Restoring is the specification that undoes a change of a resource, given the one before it with all references resolved: a port is
// to have the addresses back that its VIM had chosen.
func (r *Resolver) Restoring(s Step, before vim.Spec) vim.Spec {
	from, to := r.plan.From(s), r.plan.To(s)
	if before.Port == nil || from.At == nil || len(from.At.Addresses) == 0 {
		return before
	}
	if !losesAddresses(vim.Differences(from.Spec, to.Spec)) && !astray(from) {
		return before
	}
	c := *before.Port
	if slices.Contains(from.Drift, vim.AttributeMAC) {
		c.MAC = from.At.MAC
	}
	c.FixedIPs = nil
	for _, ip := range from.At.Addresses {
		c.FixedIPs = append(c.FixedIPs, vim.FixedIP{Subnet: ip.Subnet, Address: ip.Address})
	}
	before.Port = &c
	return before
}

// losesAddresses reports whether a change of a port may cost it its addresses.
func losesAddresses(why []vim.Attribute) bool {
	return slices.ContainsFunc(why, func(a vim.Attribute) bool {
		return a == vim.AttributeNetwork || a == vim.AttributeAddresses || a == vim.AttributeNoAddresses
	})
}

// astray reports whether a port stands with other addresses or another MAC than the records say, or may.
func astray(p *Resource) bool {
	return p.Unsure || losesAddresses(p.Drift) || slices.Contains(p.Drift, vim.AttributeMAC)
}

// readdressed is the specification of a port that stands with the addresses that the records know, and the MAC where that is another.
func (r *Resolver) readdressed(p *Resource) vim.Spec {
	s := r.pinned(p)
	if s.Port != nil && !slices.Contains(p.Drift, vim.AttributeMAC) {
		c := *s.Port
		c.MAC, s.Port = p.Spec.Port.MAC, &c
	}
	return s
}

// Remaking returns where a resource whose release is undone is made again, and how.
func (r *Resolver) Remaking(s Step, m Made) (connection string, spec vim.Spec, err error) {
	from := r.plan.From(s)
	if from == nil || from.At == nil {
		return "", spec, fmt.Errorf("it is not known where %s was", s.ID)
	}
	spec, err = r.concrete(from, r.pinned(from), true, r.held(m))
	return from.At.Connection, spec, err
}

// pinned is the specification of a resource that stands with what its VIM chose for it: made anew it is to have the same.
func (r *Resolver) pinned(p *Resource) vim.Spec {
	s := p.Spec
	if s.Port == nil {
		return s
	}
	c := *s.Port
	c.MAC, c.FixedIPs = p.At.MAC, nil
	for _, ip := range p.At.Addresses {
		c.FixedIPs = append(c.FixedIPs, vim.FixedIP{Subnet: r.subnet(p.At.Connection, ip.Subnet), Address: ip.Address})
	}
	if len(c.FixedIPs) == 0 {
		c.FixedIPs = s.Port.FixedIPs
	}
	s.Port = &c
	return s
}

// subnet refers to the VNF's own subnet that a VIM has by an id, since it may be made anew, too; what is not the VNF's stays as it is.
func (r *Resolver) subnet(connection, id string) string {
	for i := range r.plan.Held {
		if h := &r.plan.Held[i]; h.Kind == vim.Subnet && h.At != nil && h.At.Connection == connection && h.At.ID == id {
			return refPlan + h.ID
		}
	}
	for i := range r.want.Resources { // one that is made once more
		if h := &r.want.Resources[i]; h.Kind == vim.Subnet && h.Had != nil && h.Had.Connection == connection && h.Had.ID == id {
			return refPlan + h.ID
		}
	}
	return id
}

// settle fills in what the grant decides about a resource: assets, networks, zone and placement. References to resources of the
// VNF stay, and boot data stay to be rendered: this is the form in which an instance keeps it.
func (r *Resolver) settle(p *Resource) (vim.Spec, error) {
	connection, zone := r.place(p)
	s, err := mapReferences(p.Spec, func(ref string) (string, error) { return r.granted(ref, connection) })
	if err != nil {
		return s, fmt.Errorf("%s %s: %w", p.Kind, p.Spec.Name, err)
	}
	anew := p.At == nil && zone != "" // in place of what may have been elsewhere
	if s.Compute != nil && (s.Compute.Zone == "" || anew) {
		s.Compute.Zone = zone // s has a copy of its own
	}
	if s.Volume != nil && (s.Volume.Zone == "" || anew) {
		s.Volume.Zone = zone
	}
	if at := r.placement(p); s.Placement == nil || p.At == nil && at != nil {
		s.Placement = at
	}
	return s, nil
}

// concrete fills in the VIM's ids of what a settled specification refers to, and renders its boot data: was says that the resource had
// it before the plan.
func (r *Resolver) concrete(p *Resource, s vim.Spec, was bool, stands func(id string) (string, error)) (vim.Spec, error) {
	s, err := mapReferences(s, func(ref string) (string, error) {
		if id, ok := strings.CutPrefix(ref, refPlan); ok {
			return stands(id)
		}
		return ref, nil
	})
	if err == nil && s.Compute != nil {
		from := Boot{r.want.Boots, r.want.Vars}
		switch before := r.plan.Want.Was; {
		case was && before != nil:
			from = *before
		case p.At != nil && before == nil: // the grant's parameters are for what is made: what stands was made with its own
			from.Vars = r.plan.Want.Vars
		}
		s.Compute.UserData, err = from.render(s.Compute.UserData)
	}
	if err != nil {
		return s, fmt.Errorf("%s %s: %w", p.Kind, p.Name(), err)
	}
	return s, nil
}

// forward finds what a resource refers to that is made or stands; it must be at the same VIM.
func (r *Resolver) forward(m Made, connection string) func(id string) (string, error) {
	return func(id string) (string, error) {
		p := r.want.resource(id)
		if p == nil {
			return "", fmt.Errorf("what it refers to (%s) is not wanted", id)
		}
		if at, _ := r.place(p); connection != "" && at != connection {
			return "", fmt.Errorf("it is granted at %s, but refers to %s %s at %s", connection, p.Kind, p.Name(), at)
		}
		if made, ok := m.Made(id); ok {
			return made.ID, nil
		}
		if p.At == nil {
			return "", fmt.Errorf("what it refers to (%s) was not made", id)
		}
		return p.At.ID, nil
	}
}

// held finds what a resource of the first set refers to: as it was, or as it was made again when its release was undone.
func (r *Resolver) held(m Made) func(id string) (string, error) {
	return func(id string) (string, error) {
		if remade, ok := m.Remade(id); ok {
			return remade.ID, nil
		}
		p := r.plan.form(0, id)
		if p == nil || p.At == nil {
			return "", fmt.Errorf("what it refers to (%s) did not stand", id)
		}
		return p.At.ID, nil
	}
}

// granted resolves a reference to what the grant gives.
func (r *Resolver) granted(ref, connection string) (string, error) {
	if id, ok := strings.CutPrefix(ref, refFlavour); ok {
		if a, ok := asset(r.grant.Flavours, id, connection); ok {
			return a, nil
		}
		if own := r.want.made(r.grant, ref, connection); own != nil {
			return refPlan + own.ID, nil
		}
		return "", fmt.Errorf("the grant names no compute flavour for the VDU %s at %s", id, connection)
	}
	if id, ok := strings.CutPrefix(ref, refImage); ok {
		if a, ok := asset(r.grant.Images, id, connection); ok {
			return a, nil
		}
		if own := r.want.made(r.grant, ref, connection); own != nil {
			return refPlan + own.ID, nil
		}
		return "", fmt.Errorf("the grant names no software image for %s at %s", id, connection)
	}
	if cpd, ok := strings.CutPrefix(ref, refExtNet); ok {
		n := extNetwork(r.grant, cpd)
		if n == nil {
			return "", fmt.Errorf("the grant connects %s to no network", cpd)
		}
		if n.Connection != "" && n.Connection != connection {
			return "", fmt.Errorf("it is granted at %s, but connected to the network %s at %s", connection, n.NetworkID, n.Connection)
		}
		return n.NetworkID, nil
	}
	return ref, nil
}

// misplaced says which port is granted at one VIM while what it is to be connected to, or is made of, is said to be at another;
// nil when none is. A network's id at one VIM may be that of something else at another.
func (r *Resolver) misplaced() error {
	at := map[string]string{} // connections of links
	for _, l := range r.want.ExtLinks {
		at["external link "+l.ID] = l.Connection
	}
	for _, l := range r.want.Links {
		at["internal link "+l.Desc] = l.Connection
	}
	external := map[string]string{} // link by external connection point
	for _, e := range r.want.ExtCps {
		external[e.ID] = e.ExtLink
	}
	for _, c := range r.want.Vnfcs {
		granted, _ := r.place(r.want.resource(c.ID))
		for _, cp := range c.Cps {
			link, wanted := "internal link "+cp.Link, at["internal link "+cp.Link]
			if cp.ExtCp != "" {
				link = "external link " + external[cp.ExtCp]
				wanted = at[link]
			}
			if cp.Foreign != nil && cp.Foreign.Handle.Connection != "" {
				link, wanted = "port "+cp.Foreign.ID, cp.Foreign.Handle.Connection
			}
			if wanted != "" && granted != "" && wanted != granted {
				return fmt.Errorf("%s of the VDU %s is granted at the VIM connection %s, but the %s that it is connected to is at %s",
					cp.Cpd, c.Vdu, granted, link, wanted)
			}
		}
	}
	return nil
}

// ungrouped says which rule over hosts nobody would keep: its server groups stand at other VIMs than where several of its VNFCs are
// granted now. nil when all are kept.
func (r *Resolver) ungrouped() error {
	for _, rule := range r.want.Rules {
		if len(rule.Groups) == 0 || rule.Scope != scopeNode {
			continue
		}
		at := map[string]int{}
		for _, h := range rule.Existing {
			at[h.Connection]++
		}
		for _, m := range rule.Members {
			c, _ := r.place(r.want.resource(m))
			if at[c]++; at[c] >= 2 && !slices.ContainsFunc(rule.Groups, func(id string) bool { return r.want.standsAt(refPlan+id, c) }) {
				return fmt.Errorf("%d VNFCs that a rule of scope %s binds are granted at the VIM connection %s, where the VNF has no server group for it", at[c], rule.Scope, c)
			}
		}
	}
	return nil
}

// render renders the boot data of a compute with the values of its variables.
func (b *Boot) render(ref string) (string, error) {
	rest, ok := strings.CutPrefix(ref, refBoot)
	if !ok {
		return ref, nil
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return "", fmt.Errorf("%q names no boot data", ref)
	}
	vdu := rest[:i]
	index, err := strconv.Atoi(rest[i+1:])
	if err != nil {
		return "", fmt.Errorf("%q names no boot data: %w", ref, err)
	}
	data := b.Boots[vdu]
	if data == nil { // without any it would be made, or changed, to have none
		return "", fmt.Errorf("the VNFD has no boot data for the VDU %s any more", vdu)
	}
	return vnfd.Render(data, bootVars(b.Vars, vdu, index))
}

// Check refuses a grant that leaves something open that cannot be made without it.
func (r *Resolver) Check() error {
	if err := r.misplaced(); err != nil {
		return err
	}
	if err := r.ungrouped(); err != nil {
		return err
	}
	for _, cpd := range r.want.needsExtNetwork() {
		if extNetwork(r.grant, cpd) == nil {
			return fmt.Errorf("neither the request nor the grant connects %s", cpd)
		}
	}
	return nil
}

// Connection returns the VIM connection a step is taken at.
func (r *Resolver) Connection(s Step) string {
	if from := r.plan.From(s); from != nil && from.At != nil && s.Action != Create {
		return from.At.Connection
	}
	c, _ := r.place(r.To(s))
	return c
}

// Computes returns where the computes are, and the units of containers, by their ids in the plan.
func (r *Resolver) Computes(m Made) map[string]*At {
	o := &Outcome{Resolver: r, Made: m}
	out := map[string]*At{}
	for i := range r.want.Resources {
		p := &r.want.Resources[i]
		if p.Kind != vim.Compute && p.Kind != vim.Unit {
			continue
		}
		if at := o.at(p.ID); at != nil {
			out[p.ID] = at
		}
	}
	return out
}
