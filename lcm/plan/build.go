package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// planner builds a plan.
type planner struct {
	plan    *Wanted
	op      string // seed of the ids
	d       *vnfd.Descriptor
	f       *vnfd.Flavour
	r       *Request
	counts  map[string]int
	managed map[string]Link         // by VL id: provided from outside
	network map[string]string       // by VL id: reference to the network
	subnets map[string][]Resource   // by VL id
	shared  map[string]string       // by storage id: volume shared by all VNFCs
	cover   map[string][]coverage   // by CPD id
	planned map[string]bool         // entries of cover that have a subport, by pointer
	taken   map[string]bool         // what nobody else can have: entries of cover (entryKey), addresses on links (addressKey)
	keeps   map[string]string       // by keepKey: the entry that a connection point has, or that it has none
	grows   bool                    // VNFCs are added to those there are
	stage   map[vim.Kind][]Resource // resources by kind
	byVdu   map[string][]string     // computes
}

// Flavours names the deployment flavours there are, for whoever asked for another.
func Flavours(d *vnfd.Descriptor) string {
	ids := make([]string, len(d.Flavours))
	for i, f := range d.Flavours {
		ids[i] = f.ID
	}
	return strings.Join(ids, ", ")
}

// Limits are what a site allows. Zero fields mean no bound.
type Limits struct {
	Vnfcs     int // of one VNF
	Resources int // steps of one operation
	Snapshots int // of one VNF
}

// vnfcs refuses a flavour's level with more VNFCs than are allowed, before any is planned.
func (l Limits) vnfcs(f *vnfd.Flavour, counts map[string]int) error {
	n := 0
	for _, vdu := range f.Vdus {
		if c := counts[vdu.ID]; l.Vnfcs > 0 && (c > l.Vnfcs || n+c > l.Vnfcs) {
			return vnfm.Errorf(vnfm.Unprocessable, "the level asks for more than %d VNFCs (%d of the VDU %s alone): max-vnfcs-per-vnf allows no more",
				l.Vnfcs, c, vdu.ID).At("/instantiationLevelId")
		}
		n += counts[vdu.ID]
	}
	return nil
}

// Build makes what an instantiation wants. op is the operation occurrence's id: equal ids give equal plans. Returns
// Unprocessable with the attribute for what does not fit the descriptor.
func Build(op, name string, d *vnfd.Descriptor, r *Request, vars map[string]string) (*Wanted, error) {
	f, ok := d.Flavour(r.FlavourID)
	if !ok {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no deployment flavour %q; it has %s", r.FlavourID, Flavours(d)).At("/flavourId")
	}
	counts, err := f.Counts(r.Level)
	if err != nil {
		return nil, err
	}
	if err := r.Limits.vnfcs(f, counts); err != nil {
		return nil, err
	}
	level := r.Level
	if level == "" {
		level = f.DefaultLevel
	}
	p := newPlanner(op, name, d, f, r, counts, level, vars)
	for _, step := range []func() error{p.scale, p.coverage, p.links, p.vnfcs, p.units, p.extCps, p.affinity} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for _, k := range kinds {
		p.plan.Resources = append(p.plan.Resources, p.stage[k.kind]...)
	}
	return p.plan, nil
}

func newPlanner(op, name string, d *vnfd.Descriptor, f *vnfd.Flavour, r *Request, counts map[string]int, level string, vars map[string]string) *planner {
	return &planner{
		plan: &Wanted{Name: name, FlavourID: f.ID, Level: level, Vars: vars, Boots: map[string]*vnfd.BootData{}, Localization: r.Localization},
		op:   op, d: d, f: f, r: r, counts: counts,
		managed: map[string]Link{}, network: map[string]string{}, subnets: map[string][]Resource{}, shared: map[string]string{},
		cover: map[string][]coverage{}, planned: map[string]bool{}, stage: map[vim.Kind][]Resource{}, byVdu: map[string][]string{},
		taken: map[string]bool{},
	}
}

// id returns the id of the n-th resource of a kind and template.
func (p *planner) id(kind vim.Kind, template string, parts ...string) string {
	return message.DeriveID(append([]string{p.op, string(kind), template}, parts...)...)
}

// name returns the name of a resource.
func (p *planner) name(parts ...string) string {
	return strings.Join(append([]string{p.plan.Name}, parts...), "-")
}

func (p *planner) add(r Resource) { p.stage[r.Kind] = append(p.stage[r.Kind], r) }

func (p *planner) warnf(format string, args ...any) {
	p.plan.Warnings = append(p.plan.Warnings, fmt.Sprintf(format, args...))
}

// scale records the scaling attributes of the level.
func (p *planner) scale() error {
	status, err := p.f.ScaleStatus(p.plan.Level)
	if err != nil {
		return err
	}
	for _, a := range p.f.Aspects {
		p.plan.ScaleStatus = append(p.plan.ScaleStatus, vnf.ScaleInfo{AspectID: a.ID, Level: status[a.ID]})
		p.plan.MaxScaleLevels = append(p.plan.MaxScaleLevels, vnf.ScaleInfo{AspectID: a.ID, Level: a.MaxLevel})
	}
	for _, m := range p.f.Monitoring {
		p.plan.Monitoring = append(p.plan.Monitoring, vnf.MonitoringParameter{ID: m.ID, Name: m.Name, Metric: m.Metric})
	}
	if l := p.plan.Localization; l != "" && len(p.d.Localization) > 0 && !slices.Contains(p.d.Localization, l) {
		return vnfm.Errorf(vnfm.Unprocessable, "the VNFD does not offer the language %q", l).At("/localizationLanguage")
	}
	for _, s := range p.f.Scripts {
		if s.Operation == "instantiate_start" || s.Operation == "instantiate_end" || s.Operation == "instantiate" {
			p.warnf("the package's script for %s was not run: scripts in packages are never run", s.Operation)
		}
	}
	return nil
}

// affinity plans a server group for each rule over hosts, and hands the others to the grant. A rule needs two
// resources.
func (p *planner) affinity() error {
	for i, rule := range p.f.Affinity {
		var members []string
		for _, vdu := range rule.Vdus {
			members = append(members, p.byVdu[vdu]...)
		}
		scope := strings.ToUpper(rule.Scope)
		if scope != scopeNode {
			for _, l := range rule.Links {
				if n, ok := strings.CutPrefix(p.network[l], refPlan); ok {
					members = append(members, n)
				}
			}
		}
		if len(members) < 2 {
			continue
		}
		p.plan.Rules = append(p.plan.Rules, Rule{Affinity: rule.Affinity, Scope: scope, Members: members})
		if scope != scopeNode {
			continue
		}
		g := Resource{
			ID: p.id(vim.ServerGroup, rule.ID, strconv.Itoa(i)), Kind: vim.ServerGroup, Template: rule.ID, Near: members[0],
			Spec:    vim.Spec{Name: p.name(rule.ID), ServerGroup: &vim.ServerGroupSpec{Affinity: rule.Affinity}},
			Members: members,
		}
		p.add(g)
		for j := range p.stage[vim.Compute] {
			c := &p.stage[vim.Compute][j]
			if slices.Contains(members, c.ID) {
				c.Spec.Compute.ServerGroup = append(c.Spec.Compute.ServerGroup, refPlan+g.ID)
			}
		}
	}
	return nil
}

// links plans a network and its subnets for each internal link that a connection point refers to, unless the request
// provides it.
func (p *planner) links() error {
	for i, m := range p.r.ExtManaged {
		at := fmt.Sprintf("/extManagedVirtualLinks/%d", i)
		if !slices.ContainsFunc(p.f.Links, func(l vnfd.VirtualLink) bool { return l.ID == m.LinkID }) {
			return vnfm.Errorf(vnfm.Unprocessable, "flavour %s has no virtual link %q", p.f.ID, m.LinkID).At(at + "/vnfVirtualLinkDescId")
		}
		if m.NetworkID == "" {
			return vnfm.Errorf(vnfm.Unprocessable, "the network to use is not named").At(at + "/resourceId")
		}
		if _, twice := p.managed[m.LinkID]; twice {
			return vnfm.Errorf(vnfm.Unprocessable, "the virtual link %q is provided twice", m.LinkID).At(at + "/vnfVirtualLinkDescId")
		}
		l := Link{ID: m.ID, Desc: m.LinkID, NetworkID: m.NetworkID, Connection: m.Connection, Provider: m.Provider}
		if l.ID == "" {
			l.ID = message.DeriveID(p.op, "ext-managed", m.LinkID)
		}
		p.managed[m.LinkID] = l
		p.plan.Links = append(p.plan.Links, l)
		p.network[m.LinkID] = m.NetworkID
	}
	for _, l := range p.f.Links {
		if _, ok := p.managed[l.ID]; ok || !p.used(l.ID) {
			continue
		}
		if l.ExternallyManaged == "required" {
			return vnfm.Errorf(vnfm.Unprocessable, "the virtual link %s must be provided", l.ID).At("/extManagedVirtualLinks")
		}
		p.link(l)
	}
	return nil
}

// used reports whether any connection point refers to a link, also one of a VDU that has no instance at this level:
// scaling out finds the link there.
func (p *planner) used(link string) bool {
	return slices.ContainsFunc(p.f.Cps, func(c vnfd.VduCp) bool { return c.Link == link }) ||
		slices.ContainsFunc(p.f.ExtCps, func(c vnfd.ExtCp) bool { return c.Link == link })
}

func (p *planner) link(l vnfd.VirtualLink) {
	n := Resource{
		ID: p.id(vim.Network, l.ID), Kind: vim.Network, Template: l.ID,
		Spec: vim.Spec{Name: p.name(l.ID), Network: &vim.NetworkSpec{Type: l.NetworkType, MTU: l.MTU}},
	}
	if l.BitRate != nil {
		rate := p.f.LinkRateAt(&l, p.plan.Level)
		n.Spec.Network.RootBitRate, n.Spec.Network.LeafBitRate = rate.Root, rate.Leaf
	}
	n.Definition = n.ID
	p.add(n)
	p.network[l.ID] = refPlan + n.ID
	for i, s := range l.Subnets {
		name := s.Name
		if name == "" {
			name = p.name(l.ID, "subnet", strconv.Itoa(i))
		}
		sub := Resource{
			ID: p.id(vim.Subnet, l.ID, strconv.Itoa(i)), Kind: vim.Subnet, Template: l.ID, Near: n.ID,
			Spec: vim.Spec{Name: name, Subnet: &vim.SubnetSpec{
				Network: refPlan + n.ID, IPVersion: s.IPVersion, CIDR: s.CIDR, Gateway: s.Gateway, DHCP: s.DHCP,
			}},
		}
		p.add(sub)
		p.subnets[l.ID] = append(p.subnets[l.ID], sub)
	}
}
