package plan

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Resizing is what is wanted of the number of a VNF's VNFCs.
type Resizing struct {
	Op, Name   string // seed of the new ids; what names of resources begin with
	Vnf        *vnf.Instance
	Descriptor *vnfd.Descriptor
	Flavour    *vnfd.Flavour
	Add        map[string]int // VNFCs to be added, by VDU
	Remove     []string       // VNFCs that go
	Vars       map[string]string
	// Rate is what a virtual link is to carry that carries so much now; nil: as much.
	Rate func(l *vnfd.VirtualLink, now vnfd.BitRate) vnfd.BitRate
	// InPlace says what may be changed of a resource where it stands, by VIM connection.
	InPlace map[string]vim.InPlace
	// Power is what new VNFCs are made with.
	Power vim.Power
	// At points at what in the request asks for the VNFCs.
	At string
}

// Resize returns the two sets of a plan that adds VNFCs to a VNF, and removes others. They have what is touched and no more: what
// goes, the new VNFCs, and what these refer to of what stands. So a plan costs what it changes, however large the VNF is. What
// goes with a VNFC are its ports and the volumes that are its own; what VNFCs share stays. Returns Unprocessable for what does
// not fit the descriptor.
func Resize(r *Resizing) (held []Resource, want *Wanted, err error) {
	x := &resizing{Resizing: r, info: r.Vnf.Info, stands: make(map[string]*vnf.Resource, len(r.Vnf.Resources)), goes: map[string]bool{}}
	for i := range r.Vnf.Resources {
		x.stands[r.Vnf.Resources[i].ID] = &r.Vnf.Resources[i]
	}
	x.remove()
	x.planner = &planner{
		plan: &Wanted{Name: r.Name, FlavourID: r.Flavour.ID, Vars: r.Vars, FixedVars: true, Boots: map[string]*vnfd.BootData{}, Localization: x.info.Localization},
		op:   r.Op, d: r.Descriptor, f: r.Flavour, r: &Request{}, counts: map[string]int{}, grows: true,
		network: map[string]string{}, subnets: map[string][]Resource{}, shared: map[string]string{}, cover: map[string][]coverage{},
		planned: map[string]bool{}, stage: map[vim.Kind][]Resource{}, byVdu: map[string][]string{}, taken: map[string]bool{},
	}
	for _, step := range []func() error{x.links, x.external, x.vnfcs, x.resizeUnits, x.exposes, x.affinity, x.rates} {
		if err := step(); err != nil {
			return nil, nil, x.blame(err)
		}
	}
	for _, k := range kinds {
		x.plan.Resources = append(x.plan.Resources, x.stage[k.kind]...)
	}
	if err := x.context(); err != nil {
		return nil, nil, err
	}
	return x.held, x.plan, nil
}

// resizing builds the two sets.
type resizing struct {
	*Resizing
	*planner
	info   *vnf.InstantiatedInfo
	stands map[string]*vnf.Resource
	goes   map[string]bool // resources that are released
	held   []Resource
	groups map[string][]string // server groups that stand, by rule
}

// blame lets an error point at what asks for VNFCs: what it points at is of the request that the VNF was instantiated with.
func (x *resizing) blame(err error) error {
	var e *vnfm.Error
	if !errors.As(err, &e) {
		return err
	}
	return e.At(x.At)
}

// remove marks what goes with the VNFCs that go.
func (x *resizing) remove() {
	gone := make(map[string]bool, len(x.Remove))
	for _, id := range x.Remove {
		gone[id] = true
	}
	port := map[string]string{} // by external connection point
	for _, e := range x.info.ExtCps {
		port[e.ID] = e.LinkPortID
	}
	used := map[string]bool{} // storages of those that stay
	for _, c := range x.info.Vnfcs {
		for _, id := range c.Storages {
			used[id] = used[id] || !gone[c.ID]
		}
	}
	own := map[string]bool{}
	for _, s := range x.info.Storages {
		d := slices.IndexFunc(x.Flavour.Storages, func(d vnfd.Storage) bool { return d.ID == s.StorageID })
		own[s.ID] = d < 0 || x.Flavour.Storages[d].PerVnfc
	}
	for _, c := range x.info.Vnfcs {
		if !gone[c.ID] {
			continue
		}
		x.goes[c.ID] = c.UnitID == ""
		for _, cp := range c.Cps {
			x.goes[cp.LinkPortID], x.goes[port[cp.ExtCpID]] = true, true
		}
		for _, id := range c.Storages {
			x.goes[id] = own[id] && !used[id]
		}
	}
}

// links finds the networks that stand, and the volumes that VNFCs share.
func (x *resizing) links() error {
	for _, l := range x.info.Links {
		x.network[l.LinkID] = refPlan + l.ID
	}
	for _, l := range x.info.ExtManaged {
		x.network[l.LinkID] = l.Handle.VimID
		x.plan.Links = append(x.plan.Links, Link{
			ID: l.ID, Desc: l.LinkID, NetworkID: l.Handle.VimID, Connection: l.Handle.Connection, Provider: l.Handle.Provider,
		})
	}
	for _, s := range x.info.Storages {
		if d := slices.IndexFunc(x.f.Storages, func(d vnfd.Storage) bool { return d.ID == s.StorageID }); d >= 0 && !x.f.Storages[d].PerVnfc {
			x.shared[s.StorageID] = s.ID
		}
	}
	x.groups = map[string][]string{}
	for i := range x.Vnf.Resources {
		switch r := &x.Vnf.Resources[i]; vim.Kind(r.Kind) {
		case vim.Subnet:
			sub, err := Held(r)
			if err != nil {
				return err
			}
			if sub.Spec.Subnet != nil {
				x.subnets[r.Template] = append(x.subnets[r.Template], sub)
			}
		case vim.ServerGroup:
			x.groups[r.Template] = append(x.groups[r.Template], r.ID)
		case vim.Port:
			if cp := x.vduCp(r.Template); cp != nil {
				x.take(cp.Link, r.Addresses)
			}
		default:
		}
	}
	return nil
}

func (x *resizing) take(link string, ips []vnf.IP) {
	for _, ip := range ips {
		x.taken[addressKey(link, ip.Address)] = true
	}
}

// external finds what the VNF is connected to outside, and which entries of the configuration serve a connection point.
func (x *resizing) external() error {
	for i := range x.info.ExtLinks {
		l := &x.info.ExtLinks[i]
		link := ExtLink{ID: l.ID, Connection: l.Handle.Connection, Provider: l.Handle.Provider, NetworkID: l.Handle.VimID, Cps: slices.Clone(l.Cps)}
		for _, p := range l.Ports {
			if x.stands[p.ID] == nil { // made by someone else
				link.Ports = append(link.Ports, vnf.ExtPort{ID: p.ID, Handle: p.Handle, Trunk: p.Trunk})
			}
		}
		x.plan.ExtLinks = append(x.plan.ExtLinks, link)
	}
	for i := range x.plan.ExtLinks {
		l := &x.plan.ExtLinks[i]
		for _, data := range l.Cps {
			for key, config := range data.Config {
				x.cover[data.CpdID] = append(x.cover[data.CpdID], coverage{key: key, link: l, config: config, at: entryKey(data.CpdID, key)})
			}
		}
	}
	for cpd := range x.cover {
		slices.SortFunc(x.cover[cpd], func(a, b coverage) int {
			return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.link.ID, b.link.ID))
		})
	}
	of := map[string]string{} // link by port
	for _, l := range x.info.ExtLinks {
		for _, p := range l.Ports {
			of[p.ID] = l.ID
		}
	}
	for _, e := range x.info.ExtCps {
		if !x.goes[e.LinkPortID] {
			x.taken[entryKey(e.CpdID, e.ConfigID)], x.planned[entryKey(e.CpdID, e.ConfigID)] = true, true
		}
		x.take(externalLink+of[e.LinkPortID], e.Addresses.IPs)
	}
	return nil
}

// externalLink is before the ids of external links where those of internal ones are names of their own.
const externalLink = "external "

// heldByOther reports whether an address that an entry fixes is that of another connection point.
func (p *planner) heldByOther(e coverage) bool {
	return slices.ContainsFunc(e.config.Addresses(), func(ips vnf.ExtCpIPs) bool {
		return slices.ContainsFunc(ips.Fixed, func(a string) bool { return p.taken[addressKey(externalLink+e.link.ID, a)] })
	})
}

// further adds an entry to the configuration of a CPD whose entries all fix what only one connection point can have: like the last
// of them that has addresses, with as many that the VIM chooses. ok is false when its network is not known: then the grant is to say.
func (p *planner) further(cpd string, entries []coverage) (c coverage, ok bool) {
	c = entries[len(entries)-1]
	for _, e := range entries {
		if len(e.config.Addresses()) > 0 && e.link.NetworkID != "" {
			c = e
		}
	}
	if c.link.NetworkID == "" {
		return coverage{}, false
	}
	like := c.config
	c.config.LinkPortID, c.config.MAC, c.config.FixedIPs, c.config.DynamicIPs, c.config.Subnet, c.config.IPs = "", "", nil, 0, "", nil
	for _, ips := range like.Addresses() {
		c.config.IPs = append(c.config.IPs, vnf.ExtCpIPs{Type: ips.Type, Dynamic: len(ips.Fixed) + ips.Dynamic, Subnet: ips.Subnet})
	}
	c.key = "dynamic"
	for n := 2; slices.ContainsFunc(p.cover[cpd], func(x coverage) bool { return x.key == c.key }); n++ {
		c.key = "dynamic-" + strconv.Itoa(n)
	}
	c.at = entryKey(cpd, c.key)
	p.cover[cpd] = append(p.cover[cpd], c)
	p.taken[c.at] = true
	for i, data := range c.link.Cps {
		if data.CpdID != cpd {
			continue
		}
		config := map[string]vnf.ExtCpConfig{c.key: c.config}
		for k, v := range data.Config {
			config[k] = v
		}
		c.link.Cps[i].Config = config
		p.warnf("%s: each entry of its configuration fixes an address or a port and serves a connection point: a further one has addresses that the VIM chooses", cpd)
		break
	}
	return c, true
}

// vnfcs plans the new VNFCs. Each has the lowest index that is free in its VDU, and what the descriptor has for that index.
func (x *resizing) vnfcs() error {
	indexes := map[string]map[int]bool{}
	for _, c := range x.info.Vnfcs {
		if indexes[c.VduID] == nil {
			indexes[c.VduID] = map[int]bool{}
		}
		indexes[c.VduID][c.Index] = true
	}
	for i := range x.f.Vdus {
		vdu := &x.f.Vdus[i]
		n := x.Add[vdu.ID]
		if n <= 0 || vdu.Container {
			continue
		}
		if err := x.needs(vdu); err != nil {
			return err
		}
		used := indexes[vdu.ID]
		x.counts[vdu.ID] = len(used) + n
		for index := 0; n > 0; index++ {
			if used[index] {
				continue
			}
			if err := x.vnfc(vdu, index); err != nil {
				return err
			}
			n--
		}
	}
	if x.Power == vim.PowerOff {
		for _, r := range x.stage[vim.Compute] {
			r.Spec.Compute.Power = vim.PowerOff
		}
	}
	return nil
}

// exposes plans the external connection points that expose one of a new VNFC.
func (x *resizing) exposes() error {
	for _, cp := range x.f.ExtCps {
		if cp.Cp == "" {
			continue
		}
		if err := x.exposed(cp); err != nil {
			return err
		}
	}
	return nil
}

// affinity hands the rules over the new VNFCs and those they join to the grant. Over hosts, VIMs keep them by server groups: the
// new ones join those that stand; where a rule has none yet, since it had nothing to say, one is made.
func (x *resizing) affinity() error {
	for _, rule := range x.f.Affinity {
		var added []string
		for _, vdu := range rule.Vdus {
			added = append(added, x.byVdu[vdu]...)
		}
		if len(added) == 0 {
			continue
		}
		r := Rule{Affinity: rule.Affinity, Scope: strings.ToUpper(rule.Scope), Members: added, Groups: x.groups[rule.ID]}
		for _, c := range x.info.Vnfcs {
			if slices.Contains(rule.Vdus, c.VduID) && !x.goes[c.ID] {
				r.join(c.Handle, c.Zone)
			}
		}
		if r.Scope != scopeNode {
			for _, l := range x.info.Links {
				if slices.Contains(rule.Links, l.LinkID) {
					r.join(l.Handle, l.Zone)
				}
			}
		}
		if len(added)+len(r.Existing) < 2 {
			continue
		}
		if r.Scope == scopeNode {
			x.group(rule, &r)
		}
		x.plan.Rules = append(x.plan.Rules, r)
	}
	return nil
}

// group puts the new computes of a rule into its server groups.
func (x *resizing) group(rule vnfd.AffinityRule, r *Rule) {
	refs := r.Groups
	if len(refs) == 0 {
		g := Resource{
			ID: x.id(vim.ServerGroup, rule.ID), Kind: vim.ServerGroup, Template: rule.ID, Near: r.Members[0],
			Spec:    vim.Spec{Name: x.name(rule.ID), ServerGroup: &vim.ServerGroupSpec{Affinity: rule.Affinity}},
			Members: r.Members,
		}
		x.add(g)
		r.Group, refs = g.ID, []string{g.ID}
	}
	for i := range x.stage[vim.Compute] {
		c := &x.stage[vim.Compute][i]
		if !slices.Contains(r.Members, c.ID) {
			continue
		}
		for _, id := range refs {
			c.Spec.Compute.ServerGroup = append(c.Spec.Compute.ServerGroup, refPlan+id)
		}
	}
}

// rates changes what the virtual links carry whose bit rate is scaled. A network is never replaced for it: where the VIM cannot change
// it, it stays, with a warning. Returns Unprocessable for a bit rate outside the link's profile.
func (x *resizing) rates() error {
	for i := range x.f.Links {
		l := &x.f.Links[i]
		ref, managed := strings.CutPrefix(x.network[l.ID], refPlan)
		if l.BitRate == nil || x.Rate == nil || !managed || x.stands[ref] == nil { // others see to what others provide
			continue
		}
		r, err := Held(x.stands[ref])
		if err != nil {
			return err
		}
		if r.Spec.Network == nil {
			continue
		}
		was := vnfd.BitRate{Root: r.Spec.Network.RootBitRate, Leaf: r.Spec.Network.LeafBitRate}
		rate := x.Rate(l, was)
		if rate == was {
			continue
		}
		if err := allowed(l, rate); err != nil {
			return err
		}
		to := r.Spec
		to.Network = &vim.NetworkSpec{Type: r.Spec.Network.Type, MTU: r.Spec.Network.MTU, RootBitRate: rate.Root, LeafBitRate: rate.Leaf}
		if !x.InPlace[r.At.Connection].Can(vim.Network, vim.Differences(r.Spec, to)...) {
			x.warnf("the virtual link %s is to carry %d bit/s and %d at each port, which VIM connection %s cannot change: it stays as it is", l.ID, rate.Root, rate.Leaf, r.At.Connection)
			continue
		}
		x.held = append(x.held, r)
		r.Spec = to
		x.plan.Resources = append(x.plan.Resources, r)
	}
	return nil
}

// allowed refuses a bit rate outside a link's profile.
func allowed(l *vnfd.VirtualLink, rate vnfd.BitRate) error {
	least, most := vnfd.BitRate{}, vnfd.BitRate{Root: math.MaxInt64, Leaf: math.MaxInt64}
	if l.Least != nil {
		least = *l.Least
	}
	if l.Most != nil {
		most.Root = l.Most.Root
		if l.Most.Leaf > 0 {
			most.Leaf = l.Most.Leaf
		}
	}
	for _, x := range []struct {
		name             string
		rate, from, upto int64
	}{{"root", rate.Root, least.Root, most.Root}, {"leaf", rate.Leaf, least.Leaf, most.Leaf}} {
		if x.rate < x.from || x.rate > x.upto {
			return vnfm.Errorf(vnfm.Unprocessable, "the virtual link %s would have a %s bit rate of %d, and its profile allows %d to %d", l.ID, x.name, x.rate, x.from, x.upto)
		}
	}
	return nil
}

// context adds to both sets what new resources refer to of those that stand, with the images and flavours that the VNF has, and to the first what goes.
func (x *resizing) context() error {
	seen := map[string]bool{}
	for i := range x.plan.Resources {
		seen[x.plan.Resources[i].ID] = true
	}
	for i := range x.Vnf.Resources {
		if r := &x.Vnf.Resources[i]; lends(vim.Kind(r.Kind)) && !r.MayBeGone {
			h, err := Held(r)
			if err != nil {
				return err
			}
			seen[h.ID] = true
			x.held, x.plan.Resources = append(x.held, h), append(x.plan.Resources, h)
		}
	}
	for i := 0; i < len(x.plan.Resources); i++ { // grows
		for _, ref := range references(&x.plan.Resources[i].Spec) {
			id := strings.TrimPrefix(ref, refPlan)
			if seen[id] {
				continue
			}
			if x.stands[id] == nil {
				return vnfm.Errorf(vnfm.Conflict, "what new VNFCs are to be connected to (%s) is gone: heal the VNF first", id)
			}
			r, err := Held(x.stands[id])
			if err != nil {
				return err
			}
			seen[id] = true
			x.held, x.plan.Resources = append(x.held, r), append(x.plan.Resources, r)
		}
	}
	for i := range x.Vnf.Resources {
		if r := &x.Vnf.Resources[i]; x.goes[r.ID] {
			h, err := Held(r)
			if err != nil {
				return err
			}
			x.held = append(x.held, h)
		}
	}
	return nil
}

// LevelOf is the scale level that a VNF has of an aspect.
func LevelOf(i *vnf.InstantiatedInfo, aspect string) int {
	if at := slices.IndexFunc(i.ScaleStatus, func(s vnf.ScaleInfo) bool { return s.AspectID == aspect }); at >= 0 {
		return i.ScaleStatus[at].Level
	}
	return 0
}

// Victims chooses the VNFCs that go, once and for all: of each VDU that gets smaller those that are named, then the newest. They are
// in the order in which they are chosen. Returns Unprocessable at its index for a name that cannot be followed.
func Victims(i *vnf.InstantiatedInfo, add map[string]int, first []string) ([]string, error) {
	open := map[string]int{}
	for vdu, n := range add {
		if n < 0 {
			open[vdu] = -n
		}
	}
	var out []string
	chosen := map[string]bool{}
	for k, id := range first {
		at := "/" + strconv.Itoa(k)
		n := slices.IndexFunc(i.Vnfcs, func(c vnf.Vnfc) bool { return c.ID == id })
		switch {
		case n < 0:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", id).At(at)
		case chosen[id]:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNFC %s is named twice", id).At(at)
		case open[i.Vnfcs[n].VduID] == 0:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNFC %s is of the VDU %s, of which %d are to be removed and none beyond those named before it",
				id, i.Vnfcs[n].VduID, max(0, -add[i.Vnfcs[n].VduID])).At(at)
		}
		open[i.Vnfcs[n].VduID]--
		chosen[id] = true
		out = append(out, id)
	}
	for n := len(i.Vnfcs) - 1; n >= 0; n-- { // the record has them in the order in which they were made
		if c := &i.Vnfcs[n]; open[c.VduID] > 0 && !chosen[c.ID] {
			open[c.VduID]--
			out = append(out, c.ID)
		}
	}
	return out, nil
}

// Loss is the level that an aspect has at most once one of some VNFCs is gone.
type Loss struct {
	Aspect string   `json:"aspectId"`
	Level  int      `json:"scaleLevel"`
	Vnfcs  []string `json:"vnfcs"`
}

// Losses says which level of an aspect is lost with which VNFCs: each step down takes as many as it had brought, in the order in
// which they were chosen.
func Losses(i *vnf.InstantiatedInfo, f *vnfd.Flavour, levels map[string]int, remove []string) []Loss {
	byVdu := map[string][]string{}
	vdu := make(map[string]string, len(i.Vnfcs))
	for _, c := range i.Vnfcs {
		vdu[c.ID] = c.VduID
	}
	for _, id := range remove {
		byVdu[vdu[id]] = append(byVdu[vdu[id]], id)
	}
	var out []Loss
	for _, a := range f.Aspects {
		to, ok := levels[a.ID]
		if !ok {
			continue
		}
		taken := map[string]int{}
		for level := LevelOf(i, a.ID); level > to; level-- {
			l := Loss{Aspect: a.ID, Level: level - 1}
			for v, steps := range a.Steps {
				all := byVdu[v][min(taken[v], len(byVdu[v])):]
				n := len(all)
				if level-1 > to && level <= len(steps) { // the last step takes what is left
					n = min(n, steps[level-1])
				}
				taken[v] += n
				l.Vnfcs = append(l.Vnfcs, all[:n]...)
			}
			if slices.Sort(l.Vnfcs); len(l.Vnfcs) > 0 {
				out = append(out, l)
			}
		}
	}
	return out
}
