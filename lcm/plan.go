package lcm

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

// Plan is what an operation means to create: every resource with an id of ours that is fixed before the grant and
// stays through retry, heal and restart. It is part of a saga's data, so it holds all that later stages need.
type Plan struct {
	Name      string       `json:"name"` // what resource names begin with
	FlavourID string       `json:"flavourId"`
	Level     string       `json:"level,omitempty"`
	Resources []Planned    `json:"resources"` // in the order of their stages
	Vnfcs     []Vnfc       `json:"vnfcs"`
	Links     []Link       `json:"links,omitempty"` // provided from outside
	ExtCps    []ExtCp      `json:"extCps,omitempty"`
	ExtLinks  []ExtLink    `json:"extLinks,omitempty"`  // as requested
	Uncovered []string     `json:"uncovered,omitempty"` // external CPDs for the grant to connect
	Rules     []Rule       `json:"rules,omitempty"`     // for the grant
	Vdus      []VduNeed    `json:"vdus"`
	Images    []vnfd.Image `json:"images,omitempty"`
	// Boots are the boot data by VDU; they are rendered when a compute's command is built.
	Boots    map[string]*vnfd.BootData `json:"boots,omitempty"`
	Vars     map[string]string         `json:"vars,omitempty"`
	Warnings []string                  `json:"warnings,omitempty"`

	ScaleStatus    []vnf.ScaleInfo           `json:"scaleStatus,omitempty"`
	MaxScaleLevels []vnf.ScaleInfo           `json:"maxScaleLevels,omitempty"`
	Monitoring     []vnf.MonitoringParameter `json:"monitoring,omitempty"`
	Localization   string                    `json:"localization,omitempty"`
}

// Planned is one resource of a plan. Its Spec is complete but for references, strings that begin with "plan:" or
// "grant-": they become the VIM's ids when the command is built.
type Planned struct {
	ID         string   `json:"id"`
	Kind       vim.Kind `json:"kind"`
	Template   string   `json:"template"`             // VDU, VL, CPD or storage id in the VNFD; the rule's of a server group
	Definition string   `json:"definition,omitempty"` // resourceDefinitionId, when the grant decides its place
	Near       string   `json:"near,omitempty"`       // else: the planned resource whose VIM it shares
	Spec       vim.Spec `json:"spec"`
	// Members are the computes of a server group's rule.
	Members []string `json:"members,omitempty"`
}

// Vnfc is one VNFC of a plan.
type Vnfc struct {
	ID       string   `json:"id"` // the compute's
	Vdu      string   `json:"vdu"`
	Index    int      `json:"index"`
	Cps      []Cp     `json:"cps,omitempty"` // in the order of the interfaces
	Storages []string `json:"storages,omitempty"`
}

// Cp is one connection point of a VNFC.
type Cp struct {
	ID      string       `json:"id"`
	Cpd     string       `json:"cpd"`
	Port    string       `json:"port,omitempty"`    // planned; "" when someone else made it
	Foreign *vnf.ExtPort `json:"foreign,omitempty"` // made by someone else
	Link    string       `json:"link,omitempty"`    // internal link's id in the VNFD
	ExtCp   string       `json:"extCp,omitempty"`   // id of the external CP it is
	Parent  string       `json:"parent,omitempty"`  // of a subport: the Cp that is the parent of its trunk
}

// ExtCp is one external connection point of a VNF.
type ExtCp struct {
	ID       string `json:"id"`
	Cpd      string `json:"cpd"`
	ConfigID string `json:"configId"`
	ExtLink  string `json:"extLink,omitempty"` // requested; "" when the grant connects it
	Port     string `json:"port,omitempty"`    // planned port id, or the foreign port's
	Cp       string `json:"cp,omitempty"`      // of a VNFC
	Link     string `json:"link,omitempty"`    // internal link's id in the VNFD
	Dynamic  bool   `json:"dynamic,omitempty"` // the VIM chose the addresses
}

// Link is an internal link that is provided from outside.
type Link struct {
	ID         string `json:"id"`
	Desc       string `json:"desc"`
	NetworkID  string `json:"networkId"`
	Connection string `json:"connection,omitempty"`
	Provider   string `json:"provider,omitempty"`
}

// Rule is a placement rule for the grant.
type Rule struct {
	Affinity bool     `json:"affinity"`
	Scope    string   `json:"scope"`
	Members  []string `json:"members"` // planned ids
}

// VduNeed is what one VDU needs of a VIM's flavour.
type VduNeed struct {
	ID          string `json:"id"`
	FlavourName string `json:"flavourName,omitempty"`
	VCPUs       int    `json:"vcpus"`
	MemoryBytes int64  `json:"memoryBytes"`
	DiskBytes   int64  `json:"diskBytes"`
	Container   bool   `json:"container,omitempty"`
	NoBoot      bool   `json:"nothingToBootFrom,omitempty"` // neither an image nor a storage with one
}

// The references of a plan's specs.
const (
	refPlan    = "plan:"          // a planned resource
	refFlavour = "grant-flavour:" // a VDU
	refImage   = "grant-image:"   // a software image
	refExtNet  = "grant-ext:"     // an external CPD
	refBoot    = "boot:"          // a compute's boot data
)

// planner builds a plan.
type planner struct {
	plan    *Plan
	op      string // seed of the ids
	d       *vnfd.Descriptor
	f       *vnfd.Flavour
	r       *Instantiate
	counts  map[string]int
	managed map[string]Link        // by VL id: provided from outside
	network map[string]string      // by VL id: reference to the network
	subnets map[string][]Planned   // by VL id
	shared  map[string]string      // by storage id: volume shared by all VNFCs
	cover   map[string][]coverage  // by CPD id
	planned map[string]bool        // entries of cover that have a subport, by pointer
	stage   map[vim.Kind][]Planned // resources by kind
	byVdu   map[string][]string    // computes
}

// flavours names the deployment flavours there are, for whoever asked for another.
func flavours(d *vnfd.Descriptor) string {
	ids := make([]string, len(d.Flavours))
	for i, f := range d.Flavours {
		ids[i] = f.ID
	}
	return strings.Join(ids, ", ")
}

// NewPlan plans an instantiation. op is the operation occurrence's id: equal ids give equal plans. Returns
// Unprocessable with the attribute for what does not fit the descriptor.
func NewPlan(op, name string, d *vnfd.Descriptor, r *Instantiate, vars map[string]string) (*Plan, error) {
	f, ok := d.Flavour(r.FlavourID)
	if !ok {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no deployment flavour %q; it has %s", r.FlavourID, flavours(d)).At("/flavourId")
	}
	counts, err := f.Counts(r.Level)
	if err != nil {
		return nil, err
	}
	level := r.Level
	if level == "" {
		level = f.DefaultLevel
	}
	p := &planner{
		plan: &Plan{Name: name, FlavourID: f.ID, Level: level, Vars: vars, Boots: map[string]*vnfd.BootData{}, Localization: r.Localization},
		op:   op, d: d, f: f, r: r, counts: counts,
		managed: map[string]Link{}, network: map[string]string{}, subnets: map[string][]Planned{}, shared: map[string]string{},
		cover: map[string][]coverage{}, planned: map[string]bool{}, stage: map[vim.Kind][]Planned{}, byVdu: map[string][]string{},
	}
	for _, step := range []func() error{p.scale, p.coverage, p.links, p.vnfcs, p.extCps, p.affinity, p.configuration} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	for _, k := range kindOrder {
		p.plan.Resources = append(p.plan.Resources, p.stage[k]...)
	}
	return p.plan, nil
}

// kindOrder is the order of creation: what others refer to comes first.
//
//nolint:gochecknoglobals // data
var kindOrder = []vim.Kind{vim.Network, vim.ServerGroup, vim.Subnet, vim.Volume, vim.Port, vim.Compute, vim.Configuration}

// StageOf is the place of a kind in the order of creation: 1 for networks and server groups, 5 for the configuration.
// Release goes backwards.
func StageOf(k vim.Kind) int {
	switch k {
	case vim.Network, vim.ServerGroup:
		return 1
	case vim.Subnet, vim.Volume:
		return 2
	case vim.Port:
		return 3
	case vim.Compute:
		return 4
	case vim.Configuration:
		return 5
	}
	return 0
}

// id returns the id of the n-th resource of a kind and template.
func (p *planner) id(kind vim.Kind, template string, parts ...string) string {
	return message.DeriveID(append([]string{p.op, string(kind), template}, parts...)...)
}

// name returns the name of a resource.
func (p *planner) name(parts ...string) string {
	return strings.Join(append([]string{p.plan.Name}, parts...), "-")
}

func (p *planner) add(r Planned) { p.stage[r.Kind] = append(p.stage[r.Kind], r) }

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
		if scope != "NFVI_NODE" {
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
		if scope != "NFVI_NODE" {
			continue
		}
		g := Planned{
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

// configuration plans the one configuration of the VNF.
func (p *planner) configuration() error {
	computes := p.stage[vim.Compute]
	if len(computes) == 0 {
		return nil
	}
	c := &vim.ConfigurationSpec{Action: "start", Computes: map[string]string{}, Params: p.r.AdditionalParams}
	for _, r := range computes {
		c.Computes[r.ID] = refPlan + r.ID
	}
	p.add(Planned{
		ID: p.id(vim.Configuration, ""), Kind: vim.Configuration, Near: computes[0].ID,
		Spec: vim.Spec{Name: p.name("configuration"), Configuration: c},
	})
	return nil
}
