package plan

import (
	"cmp"

	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Wanted is what a VNF is to consist of: every resource with an id of ours that is fixed before the grant and stays through
// retry, heal and restart, and how they make up VNFCs, connection points and links. It is part of a saga's data, so it holds
// all that later stages need.
type Wanted struct {
	Name      string     `json:"name"` // what resource names begin with
	FlavourID string     `json:"flavourId"`
	Level     string     `json:"level,omitempty"`
	Resources []Resource `json:"resources"` // in the order of their stages
	Vnfcs     []Vnfc     `json:"vnfcs"`
	// Gone are VNFCs of container units that go with the change of their unit.
	Gone      []Vnfc       `json:"gone,omitempty"`
	Links     []Link       `json:"links,omitempty"` // provided from outside
	ExtCps    []ExtCp      `json:"extCps,omitempty"`
	ExtLinks  []ExtLink    `json:"extLinks,omitempty"`  // as requested
	Cut       []string     `json:"cut,omitempty"`       // external CPs that the VNF has and is to have no more
	Uncovered []string     `json:"uncovered,omitempty"` // external CPDs for the grant to connect
	Rules     []Rule       `json:"rules,omitempty"`     // for the grant
	Vdus      []VduNeed    `json:"vdus"`
	Images    []vnfd.Image `json:"images,omitempty"`
	Package   string       `json:"packageId,omitempty"` // that has the files of Images
	// Boots are the boot data by VDU; they are rendered when a compute's command is built.
	Boots map[string]*vnfd.BootData `json:"boots,omitempty"`
	Vars  map[string]string         `json:"vars,omitempty"`
	// Was is what the boot data of what stands were made of, where that is not what they are made of now; nil: it is.
	Was *Boot `json:"was,omitempty"`
	// Rebooted are VDUs whose boot data say something else than before.
	Rebooted map[string]bool `json:"-"`
	// FixedVars: they are the instance's, and no grant says otherwise: later operations render them again.
	FixedVars bool     `json:"fixedVars,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`

	ScaleStatus    []vnf.ScaleInfo           `json:"scaleStatus,omitempty"`
	MaxScaleLevels []vnf.ScaleInfo           `json:"maxScaleLevels,omitempty"`
	Monitoring     []vnf.MonitoringParameter `json:"monitoring,omitempty"`
	Localization   string                    `json:"localization,omitempty"`

	index map[string]int // of Resources by id
	vnfcs map[string]int // of Vnfcs by id
	ports map[string]*Cp // by the planned port
}

// Boot is what boot data are made of: their texts by VDU, and the values of their variables.
type Boot struct {
	Boots map[string]*vnfd.BootData `json:"boots,omitempty"`
	Vars  map[string]string         `json:"vars,omitempty"`
}

// Resource is one resource of a plan. Its Spec is complete but for references, strings that begin with "plan:" or
// "grant-": they become the VIM's ids when the command is built.
type Resource struct {
	ID         string   `json:"id"`
	Kind       vim.Kind `json:"kind"`
	Template   string   `json:"template"`             // VDU, VL, CPD or storage id in the VNFD; the rule's of a server group
	Definition string   `json:"definition,omitempty"` // resourceDefinitionId, when the grant decides its place
	Near       string   `json:"near,omitempty"`       // else: the planned resource whose VIM it shares
	Spec       vim.Spec `json:"spec"`
	// Members are the computes of a server group's rule.
	Members []string `json:"members,omitempty"`
	// Generation counts allocations, Revision the specs wanted of one; both from 1, 0 in what Build wants of a new one.
	Generation int `json:"generation,omitempty"`
	Revision   int `json:"revision,omitempty"`
	// Tried is the highest generation that was tried before, where that is above Generation.
	Tried int `json:"triedGeneration,omitempty"`
	// Snapshot is what a resource has to do with a snapshot: it is one, or is made of one; nil: nothing.
	Snapshot *Snapshot `json:"snapshotOf,omitempty"`
	// Had is what the VIM had chosen for a port, or a subnet, that is made again though the VNF does not have it now; of an image or a flavour that takes the place of
	// another, where that was.
	Had *At `json:"had,omitempty"`
	// At is where a resource stands that the VNF has.
	At *At `json:"at,omitempty"`
	// Unsure: whether the spec of this revision stands is not known; a plan sees to it that what is wanted does.
	Unsure bool `json:"unsure,omitempty"`
	// Drift names what stands at the VIM in another way than Spec says: a plan that wants it so changes it back.
	Drift []vim.Attribute `json:"drift,omitempty"`
	// Lost: its VIM does not have it. What stands must not be asked to refer to it on the way.
	Lost bool `json:"lost,omitempty"`
	// Stray: it is at the VIM under the VNF's name, and the records do not have it. Once it is released nobody can make it again.
	Stray bool `json:"stray,omitempty"`
	// VnfdID is the VNFD that a resource was made of, where that is not the VNF's.
	VnfdID string `json:"vnfdId,omitempty"`
	// Allocated is the id in the token, where that is not ID: of a leftover in an older generation than what the VNF has.
	Allocated string `json:"allocated,omitempty"`
}

// At is where a resource stands, and what its VIM chose for it.
type At struct {
	Connection string    `json:"vimConnectionId"`
	ID         string    `json:"resourceId,omitempty"` // the VIM's; "" when it is not known whether it stands
	Type       string    `json:"vimLevelResourceType,omitempty"`
	Zone       string    `json:"zoneId,omitempty"` // the VIM's
	MAC        string    `json:"mac,omitempty"`
	Addresses  []vim.IP  `json:"addresses,omitempty"`
	Pods       []vim.Pod `json:"pods,omitempty"` // of a unit
}

// Token names the allocation of a resource.
func (r *Resource) Token() vim.Token {
	return vim.Token{ID: cmp.Or(r.Allocated, r.ID), Generation: max(r.Generation, 1)}
}

// Name is the resource's name for people.
func (r *Resource) Name() string {
	if r.Spec.Name != "" {
		return r.Spec.Name
	}
	return r.Template
}

// Vnfc is one VNFC of a plan.
type Vnfc struct {
	ID       string   `json:"id"`             // the compute's; of a container one of its own
	Unit     string   `json:"unit,omitempty"` // of a container: the unit whose pod it is
	Pod      string   `json:"pod,omitempty"`  // the VIM's id of that, as far as is known
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
	// Existing are members that stand already and are no part of the plan, in Zones of their VIMs.
	Existing []nfvo.ResourceHandle `json:"existing,omitempty"`
	Zones    []string              `json:"zones,omitempty"`
	// Groups are the server groups that stand for the rule; Group is the one that is planned.
	Groups []string `json:"groups,omitempty"`
	Group  string   `json:"group,omitempty"`
}

// scopeNode is the scope of rules that VIMs keep by server groups.
const scopeNode = "NFVI_NODE"

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

// Request is what an instantiation asks of a descriptor (SOL003 v3.7.1 §5.5.2.4).
type Request struct {
	FlavourID    string
	Level        string // "" for the flavour's default
	ExtLinks     []ExtLink
	ExtManaged   []ExtManaged
	Localization string
	Limits       Limits
	// Objects are those of the containers, in the order of the package, and ObjectsAt what in the request asks for them. Namespace is
	// made for those that name none, "" when there is one.
	Objects   []Object
	Releases  []ChartRelease // of charts
	ObjectsAt string
	Namespace string
}

// ExtLink is an external virtual link to connect to (ExtVirtualLinkData).
type ExtLink struct {
	ID         string          `json:"id"`
	Connection string          `json:"vimConnectionId,omitempty"`
	Provider   string          `json:"resourceProviderId,omitempty"` // told to whoever reads of the link
	NetworkID  string          `json:"resourceId"`                   // the VIM's
	Cps        []vnf.ExtCpData `json:"extCps"`
	Ports      []vnf.ExtPort   `json:"extLinkPorts,omitempty"` // made by someone else
	// Nulls are configurations to be taken away, where links are laid over others.
	Nulls []NullEntry `json:"-"`
}

// connects says whether a configuration names one of the link's ports.
func (l *ExtLink) connects(port string) bool {
	for _, cp := range l.Cps {
		for _, config := range cp.Config {
			if config.LinkPortID == port {
				return true
			}
		}
	}
	return false
}

// ExtManaged is an internal link provided from outside (ExtManagedVirtualLinkData).
type ExtManaged struct {
	ID         string `json:"id"`
	LinkID     string `json:"vnfVirtualLinkDescId"`
	Connection string `json:"vimConnectionId,omitempty"`
	Provider   string `json:"resourceProviderId,omitempty"`
	NetworkID  string `json:"resourceId"`
}

// resource returns a resource by id, nil when there is none.
func (w *Wanted) resource(id string) *Resource {
	if w.index == nil {
		w.Index()
	}
	i, ok := w.index[id]
	if !ok {
		return nil
	}
	return &w.Resources[i]
}

// Index prepares for finding resources by id. It is to be called once after decoding, before a Wanted is shared.
func (w *Wanted) Index() {
	w.index = make(map[string]int, len(w.Resources))
	for i := range w.Resources {
		w.index[w.Resources[i].ID] = i
	}
	w.vnfcs, w.ports = make(map[string]int, len(w.Vnfcs)), make(map[string]*Cp, len(w.Vnfcs))
	for i := range w.Vnfcs {
		w.vnfcs[w.Vnfcs[i].ID] = i
		for j := range w.Vnfcs[i].Cps {
			if cp := &w.Vnfcs[i].Cps[j]; cp.Port != "" {
				w.ports[cp.Port] = cp
			}
		}
	}
}

// vnfc returns a VNFC by the id of its compute, nil when there is none.
func (w *Wanted) vnfc(id string) *Vnfc {
	if i, ok := w.vnfcs[id]; ok {
		return &w.Vnfcs[i]
	}
	return nil
}

// cpOf returns the connection point that a planned port belongs to, nil when there is none.
func (w *Wanted) cpOf(port string) *Cp { return w.ports[port] }
