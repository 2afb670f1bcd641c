package plan

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Connecting is how a VNF is to be connected to the outside.
type Connecting struct {
	Op, Name string // seed of the new ids; what names of resources begin with
	Vnf      *vnf.Instance
	Flavour  *vnfd.Flavour
	Links    []ExtLink // of the request, to be laid over those there are
}

// Connect returns the two sets of a plan that connects a VNF that has some resources to the outside in another way. They have what is
// touched and no more: the VNFCs of the connection points that are named, with what these refer to. A connection point keeps its port,
// with another network or addresses, unless it gets one that someone else made. An entry with a key that serves none yet is for the
// first connection point of its CPD that lost its own, or has none, or is connected as nobody has asked. Returns Unprocessable with
// the attribute for what does not fit the flavour or the VNF.
func Connect(c *Connecting, have []Resource) (held []Resource, want *Wanted, err error) {
	x := &connecting{Connecting: c, touched: map[string]bool{}, served: map[cpEntry]int{}, own: map[cpEntry]string{}}
	x.before, x.owner = map[string]cpEntry{}, map[string]string{}
	for _, e := range c.Vnf.Info.ExtCps {
		x.before[e.ID] = cpEntry{e.CpdID, e.ConfigID}
	}
	x.was = entriesOf(Connected(c.Vnf))
	request, at := x.named()
	if x.links, err = MergeLinks(Connected(c.Vnf), request, func(cpd string) bool { return externalOf(c.Flavour, cpd) }); err != nil {
		return nil, nil, at(err)
	}
	if x.want, err = Of(c.Vnf, have); err != nil {
		return nil, nil, err
	}
	x.want.Name, x.want.FixedVars = c.Name, true
	x.now = x.links.entries()
	x.assign()
	if err := x.shared(); err != nil {
		return nil, nil, at(err)
	}
	x.want.ExtLinks = x.links.Links
	for _, v := range x.want.Vnfcs {
		for _, cp := range v.Cps {
			x.owner[cp.ID] = v.ID
		}
	}
	if err := x.ports(); err != nil {
		return nil, nil, err
	}
	if err := x.whole(); err != nil {
		return nil, nil, err
	}
	x.want.ExtCps = slices.DeleteFunc(x.want.ExtCps, func(e ExtCp) bool { return !x.changed(&e) && !x.touched[x.owner[e.Cp]] })
	return trimmed(have, x.want, x.touched), x.want, nil
}

// whole refuses to connect VNFCs of which something may be gone.
func (x *connecting) whole() error {
	of := map[string]bool{}
	for _, c := range x.want.Vnfcs {
		if x.touched[c.ID] {
			of[c.ID] = true
			for _, cp := range c.Cps {
				of[cp.Port] = true
			}
		}
	}
	for i := range x.Vnf.Resources {
		if r := &x.Vnf.Resources[i]; r.MayBeGone && of[r.ID] {
			return vnfm.Errorf(vnfm.Conflict, "the %s %s may be gone, since an operation was given up: heal the VNF first", r.Kind, r.Name)
		}
	}
	return nil
}

// externalOf reports whether a CPD of a flavour can be connected from outside.
func externalOf(f *vnfd.Flavour, cpd string) bool {
	return (&planner{f: f}).isExternal(cpd)
}

// named returns the links of the request with the ids of external connection points, where it has them in place of keys (SOL003 v2.6.1
// §4.4.1.10), as the keys of these: of one that shares its entry with others the id is the key of one of its own. Errors about the
// links become errors about the request by at.
func (x *connecting) named() (links []ExtLink, at func(error) error) {
	of, shared := map[cpEntry]string{}, map[cpEntry]int{} // key by id
	for _, e := range x.Vnf.Info.ExtCps {
		of[cpEntry{e.CpdID, e.ID}] = e.ConfigID
		shared[cpEntry{e.CpdID, e.ConfigID}]++
	}
	was := map[string]string{}
	name := func(i, j int, cpd, key string) string {
		to, isID := of[cpEntry{cpd, key}]
		if isID && shared[cpEntry{cpd, to}] > 1 {
			x.own[cpEntry{cpd, key}] = key
			return key
		}
		if isID {
			point := fmt.Sprintf("/extVirtualLinks/%d/extCps/%d/cpConfig", i, j)
			was[point+vnfm.Step(to)] = point + vnfm.Step(key)
			return to
		}
		return key
	}
	links = slices.Clone(x.Links)
	for i := range links {
		l := &links[i]
		l.Cps, l.Nulls = slices.Clone(l.Cps), slices.Clone(l.Nulls)
		for j := range l.Cps {
			config := map[string]vnf.ExtCpConfig{}
			for key, c := range l.Cps[j].Config {
				config[name(i, j, l.Cps[j].CpdID, key)] = c
			}
			l.Cps[j].Config = config
		}
		for n := range l.Nulls {
			l.Nulls[n].Key = name(i, l.Nulls[n].Cp, l.Cps[l.Nulls[n].Cp].CpdID, l.Nulls[n].Key)
		}
	}
	return links, func(err error) error {
		var e *vnfm.Error
		if errors.As(err, &e) {
			for to, from := range was {
				if rest, ok := strings.CutPrefix(e.Attribute, to); ok && (rest == "" || rest[0] == '/') {
					return e.At(from + rest)
				}
			}
		}
		return err
	}
}

// connecting builds what is wanted.
type connecting struct {
	*Connecting
	want     *Wanted
	links    *Links
	was, now map[cpEntry]connection
	served   map[cpEntry]int    // how many connection points have the entry
	touched  map[string]bool    // VNFCs with connection points that change
	own      map[cpEntry]string // entries whose key is the id of an external connection point that shared another
	before   map[string]cpEntry // of external connection points
	owner    map[string]string  // VNFC by connection point
}

// changed reports whether an external connection point is connected in another way than before.
func (x *connecting) changed(e *ExtCp) bool {
	key := cpEntry{e.Cpd, e.ConfigID}
	old, ok := x.before[e.ID]
	return !ok || old != key || (x.was[key].link != nil || x.now[key].link != nil) && !sameConnection(x.was[key], x.now[key])
}

// assign says which entry each external connection point is connected by: it keeps the one with its key, or has the next that serves
// nobody, or is disconnected.
func (x *connecting) assign() {
	var lost []*ExtCp
	for i := range x.want.ExtCps {
		e := &x.want.ExtCps[i]
		if own := (cpEntry{e.Cpd, e.ID}); x.own[own] != "" && x.now[own].link != nil {
			e.ConfigID = e.ID
		}
		key := cpEntry{e.Cpd, e.ConfigID}
		switch now, there := x.now[key]; {
		case there:
			e.ExtLink = now.link.ID
			x.served[key]++
		case x.was[key].link != nil: // its entry was taken away
			lost = append(lost, e)
		}
	}
	gone := map[string]bool{}
	for _, e := range lost {
		was := x.was[cpEntry{e.Cpd, e.ConfigID}]
		if was.config.Parent != "" || !x.give(e) { // a subport goes with its entry
			gone[e.ID] = true
		}
	}
	x.reconnect()
	for i := range x.want.ExtCps { // connected as nobody has asked
		if e := &x.want.ExtCps[i]; e.ConfigID == grantConfig && x.links.asked[cpEntry{e.Cpd, grantConfig}] == "" && !gone[e.ID] {
			if was := (cpEntry{e.Cpd, grantConfig}); x.give(e) {
				if x.served[was]--; x.served[was] == 0 {
					x.links.take(was)
				}
			}
		}
	}
	x.links.Links = slices.DeleteFunc(x.links.Links, func(l ExtLink) bool { return len(l.Cps) == 0 })
	x.now = x.links.entries()
	x.subports()
	x.disconnect(gone)
	for _, key := range sortedEntries(x.now) {
		if x.links.asked[key] != "" && x.served[key] == 0 {
			x.want.Warnings = append(x.want.Warnings, fmt.Sprintf(
				"the configuration %s of %s serves no connection point now: it is for those to come; to have it in place of another, take that away with null", key.key, key.cpd))
		}
	}
}

// shared refuses an address or a port for an entry that several connection points have: only one of them could get it.
func (x *connecting) shared() error {
	for _, key := range sortedEntries(x.now) {
		if c := x.now[key]; c.config.Static() && x.served[key] > 1 && x.links.asked[key] != "" {
			return vnfm.Errorf(vnfm.Unprocessable,
				"the configuration %s connects %d connection points of %s, and an address or a port can be given to one only: name the one that is to have it by its id in extCpInfo",
				key.key, x.served[key], key.cpd).At(x.links.asked[key])
		}
	}
	return nil
}

// give connects an external connection point by the next entry of its CPD that serves nobody; false when there is none.
func (x *connecting) give(e *ExtCp) bool {
	for _, key := range sortedEntries(x.now) {
		if c := x.now[key]; key.cpd == e.Cpd && x.links.asked[key] != "" && x.served[key] == 0 && c.config.Parent == "" {
			x.served[key]++
			e.ConfigID, e.ExtLink = key.key, c.link.ID
			return true
		}
	}
	return false
}

// reconnect gives entries to the connection points of VNFCs that were disconnected before.
func (x *connecting) reconnect() {
	for i := range x.want.Vnfcs {
		c := &x.want.Vnfcs[i]
		for j := range c.Cps {
			cp := &c.Cps[j]
			if cp.ExtCp != "" || cp.Port != "" || cp.Foreign != nil || cp.Link != "" || cp.Parent != "" {
				continue
			}
			e := ExtCp{ID: message.DeriveID(x.Op, "ext-cp", cp.ID), Cpd: cp.Cpd, Cp: cp.ID}
			if x.give(&e) {
				cp.ExtCp = e.ID
				x.want.ExtCps = append(x.want.ExtCps, e)
				x.touched[c.ID] = true
			}
		}
	}
}

// subports adds the subports whose entries are new, to each VNFC with the parent of their trunk.
func (x *connecting) subports() {
	for _, key := range sortedEntries(x.now) {
		c := x.now[key]
		if c.config.Parent == "" || x.served[key] > 0 || x.links.asked[key] == "" {
			continue
		}
		for i := range x.want.Vnfcs {
			v := &x.want.Vnfcs[i]
			parent := x.parent(v, key.cpd, c.config.Parent)
			if parent == nil || c.config.Static() && x.served[key] > 0 {
				continue
			}
			point := Cp{ID: message.DeriveID(x.Op, "cp", parent.ID, key.key), Cpd: key.cpd, Parent: parent.ID}
			point.ExtCp = message.DeriveID(x.Op, "ext-cp", point.ID)
			v.Cps = append(v.Cps, point)
			x.want.ExtCps = append(x.want.ExtCps, ExtCp{ID: point.ExtCp, Cpd: key.cpd, Cp: point.ID, ConfigID: key.key, ExtLink: c.link.ID})
			x.served[key]++
			x.touched[v.ID] = true
		}
	}
}

// parent returns the connection point of a VNFC that has a configuration which a subport of a CPD names; nil when none has it.
func (x *connecting) parent(v *Vnfc, cpd, key string) *Cp {
	vdu := x.vduCp(cpd)
	if vdu == nil || vdu.Vdu != v.Vdu {
		return nil
	}
	for i := range v.Cps {
		if e := x.extCp(v.Cps[i].ExtCp); e != nil && e.ConfigID == key && v.Cps[i].Parent == "" {
			return &v.Cps[i]
		}
	}
	return nil
}

func (x *connecting) vduCp(cpd string) *vnfd.VduCp { return (&planner{f: x.Flavour}).vduCp(cpd) }

func (x *connecting) extCp(id string) *ExtCp {
	if i := slices.IndexFunc(x.want.ExtCps, func(e ExtCp) bool { return e.ID == id }); id != "" && i >= 0 {
		return &x.want.ExtCps[i]
	}
	return nil
}

// disconnect removes external connection points that have no entry any more, and subports whose parent lost its own. What a VNFC has
// of them stays, connected to nothing, but for subports, which are no more.
func (x *connecting) disconnect(gone map[string]bool) {
	for i := range x.want.Vnfcs {
		c := &x.want.Vnfcs[i]
		cut := map[string]bool{}
		for _, cp := range c.Cps {
			cut[cp.ID] = gone[cp.ExtCp]
		}
		for j := range c.Cps {
			if cp := &c.Cps[j]; cp.ExtCp != "" && (gone[cp.ExtCp] || cut[cp.Parent] && cp.Parent != "") {
				gone[cp.ExtCp] = true
				x.drop(cp.Port)
				cp.ExtCp, cp.Port, cp.Foreign = "", "", nil
				x.touched[c.ID] = true
			}
		}
		c.Cps = slices.DeleteFunc(c.Cps, func(cp Cp) bool { return cp.Parent != "" && cp.ExtCp == "" && cp.Link == "" })
	}
	x.want.ExtCps = slices.DeleteFunc(x.want.ExtCps, func(e ExtCp) bool { return gone[e.ID] })
	x.want.Cut = sorted(gone)
}

func (x *connecting) drop(port string) {
	if port != "" {
		x.want.Resources = slices.DeleteFunc(x.want.Resources, func(r Resource) bool { return r.ID == port })
		x.want.Index()
	}
}

// ports gives the connection points that are connected in another way than before their ports, and the computes of their VNFCs these.
func (x *connecting) ports() error {
	for i := range x.want.Vnfcs {
		c := &x.want.Vnfcs[i]
		for j := range c.Cps {
			e := x.extCp(c.Cps[j].ExtCp)
			if e == nil || e.Cp != c.Cps[j].ID {
				continue
			}
			key := cpEntry{e.Cpd, e.ConfigID}
			if !x.changed(e) {
				continue
			}
			if err := x.port(c, &c.Cps[j], e, x.now[key], x.links.asked[key]); err != nil {
				return err
			}
			x.touched[c.ID] = true
		}
	}
	for i := range x.want.Vnfcs {
		if c := &x.want.Vnfcs[i]; x.touched[c.ID] {
			if err := x.compute(c); err != nil {
				return err
			}
		}
	}
	x.want.Index()
	return nil
}

func sameConnection(a, b connection) bool {
	return a.link != nil && b.link != nil && a.link.ID == b.link.ID && a.link.NetworkID == b.link.NetworkID && reflect.DeepEqual(a.config, b.config)
}

// port gives one connection point its port: the one that it has, in another form, a new one, or one that someone else made.
func (x *connecting) port(c *Vnfc, cp *Cp, e *ExtCp, to connection, asked string) error {
	compute := x.want.resource(c.ID)
	if at := to.link.Connection; at != "" && compute != nil && compute.At != nil && at != compute.At.Connection {
		return vnfm.Errorf(vnfm.Unprocessable, "%s is of a VNFC at the VIM connection %s, but the external virtual link %s is at %s",
			cp.Cpd, compute.At.Connection, to.link.ID, at).At(cmp.Or(asked, "/extVirtualLinks"))
	}
	e.ExtLink, e.Dynamic = to.link.ID, true
	if id := to.config.LinkPortID; id != "" {
		n := slices.IndexFunc(to.link.Ports, func(p vnf.ExtPort) bool { return p.ID == id })
		foreign := to.link.Ports[n]
		x.drop(cp.Port)
		cp.Port, cp.Foreign, e.Port = "", &foreign, id
		return nil
	}
	r := Resource{
		ID: message.DeriveID(x.Op, string(vim.Port), cp.ID), Kind: vim.Port, Template: cp.Cpd, Near: c.ID,
		Spec: vim.Spec{Name: strings.Join([]string{x.Name, c.Vdu, strconv.Itoa(c.Index), cp.Cpd}, "-"), Port: &vim.PortSpec{}},
	}
	if cp.Parent != "" {
		r.Spec.Name += "-" + e.ConfigID
	}
	r.Definition = r.ID
	if d := x.vduCp(cp.Cpd); d != nil {
		r.Spec.Port = portOf(d)
	}
	if there := x.want.resource(cp.Port); there != nil {
		if there.Spec.Port == nil {
			return vnfm.Errorf(vnfm.Conflict, "the port %s was made by a program that did not record how: terminate the VNF and instantiate it again", there.Name())
		}
		r = *there
		spec := *there.Spec.Port
		r.Spec.Port = &spec
	}
	s := r.Spec.Port
	s.Network, s.MAC, s.NoIPs = to.link.NetworkID, to.config.MAC, to.config.NoIPs
	s.FixedIPs = wantedIPs(to.config.Addresses())
	e.Dynamic = !slices.ContainsFunc(s.FixedIPs, func(ip vim.FixedIP) bool { return ip.Address != "" })
	cp.Port, cp.Foreign, e.Port = r.ID, nil, r.ID
	x.want.Put(r)
	return nil
}

// compute gives the machine of a VNFC the ports of its connection points, in their order.
func (x *connecting) compute(c *Vnfc) error {
	r := x.want.resource(c.ID)
	if r == nil || r.Spec.Compute == nil {
		return vnfm.Errorf(vnfm.Conflict, "the machine %s was made by a program that did not record how: terminate the VNF and instantiate it again", c.ID)
	}
	spec := *r.Spec.Compute
	spec.Ports, spec.SubPorts = []string{}, nil
	refs := map[string]string{}
	for _, cp := range c.Cps {
		switch {
		case cp.Foreign != nil:
			refs[cp.ID] = cp.Foreign.Handle.VimID
		case cp.Port != "":
			refs[cp.ID] = refPlan + cp.Port
		}
	}
	foreign := map[string]bool{}
	for _, cp := range c.Cps {
		foreign[cp.ID] = cp.Foreign != nil
	}
	for _, cp := range c.Cps {
		switch ref := refs[cp.ID]; {
		case ref == "" || cp.Parent != "" && foreign[cp.ID] && foreign[cp.Parent]: // whoever made both has put one under the other
		case cp.Parent == "":
			spec.Ports = append(spec.Ports, ref)
		default:
			sub := vim.SubPort{Port: ref, Parent: refs[cp.Parent]}
			if e := x.extCp(cp.ExtCp); e != nil {
				config := x.now[cpEntry{e.Cpd, e.ConfigID}].config
				sub.SegmentationType, sub.SegmentationID = config.SegmentationType, config.SegmentationID
			}
			spec.SubPorts = append(spec.SubPorts, sub)
		}
	}
	next := *r
	next.Spec.Compute = &spec
	x.want.Put(next)
	return nil
}

// Connectivity is how the external connection points of an instance are connected once a plan of Connect has been carried out, as far
// as that is another than before. counts says of a VNFC whether it got that far; nil: all did.
func (o *Outcome) Connectivity(v *vnf.Instance, counts func(vnfc string) bool) *vnf.Connectivity {
	x := &connected{v: v, i: o.Info(), moved: map[string]bool{}, all: counts == nil}
	owner := map[string]string{} // VNFC by connection point
	for _, set := range [][]vnf.Vnfc{v.Info.Vnfcs, x.i.Vnfcs} {
		for _, c := range set {
			for _, cp := range c.Cps {
				owner[cp.ID] = c.ID
			}
		}
	}
	done := func(vnfc string) bool { return x.all || vnfc != "" && counts(vnfc) }
	cps, points := map[string][]vnf.VnfcCp{}, map[string]vnf.ExtCp{}
	for _, c := range v.Info.Vnfcs {
		cps[c.ID] = c.Cps
	}
	for _, e := range v.Info.ExtCps {
		points[e.ID] = e
	}
	for _, c := range x.i.Vnfcs {
		if done(c.ID) && !reflect.DeepEqual(cps[c.ID], c.Cps) {
			x.out.Vnfcs = append(x.out.Vnfcs, vnf.VnfcCps{ID: c.ID, Cps: c.Cps})
		}
	}
	for _, e := range x.i.ExtCps {
		if done(owner[e.VnfcCpID]) && !reflect.DeepEqual(points[e.ID], e) {
			x.out.ExtCps = append(x.out.ExtCps, e)
			x.moved[e.ID] = true
		}
	}
	for _, e := range v.Info.ExtCps {
		if slices.Contains(o.want.Cut, e.ID) && done(owner[e.VnfcCpID]) {
			x.out.Gone = append(x.out.Gone, e.ID)
			x.moved[e.ID] = true
		}
	}
	x.links(o.want)
	return &x.out
}

// Ports are the planned ports of a VNFC.
func (o *Outcome) Ports(vnfc string) []string {
	c := o.want.vnfc(vnfc)
	if c == nil {
		return nil
	}
	var out []string
	for _, cp := range c.Cps {
		if cp.Port != "" {
			out = append(out, cp.Port)
		}
	}
	return out
}

// connected works out what changed.
type connected struct {
	v     *vnf.Instance
	i     *vnf.InstantiatedInfo // as the plan would have it, of what it touches
	moved map[string]bool       // external connection points that are connected in another way, or no more
	all   bool
	out   vnf.Connectivity
}

// links says what becomes of the external links.
func (x *connected) links(want *Wanted) {
	to := want.ExtLinks
	if !x.all {
		to = x.half(want)
	}
	before := map[string]*vnf.ExtVirtualLink{}
	for n := range x.v.Info.ExtLinks {
		before[x.v.Info.ExtLinks[n].ID] = &x.v.Info.ExtLinks[n]
	}
	after := map[string]*vnf.ExtVirtualLink{}
	for n := range x.i.ExtLinks {
		after[x.i.ExtLinks[n].ID] = &x.i.ExtLinks[n]
	}
	left := map[string]bool{}
	for _, l := range to {
		left[l.ID] = true
		now := vnf.ExtVirtualLink{ID: l.ID, Cps: l.Cps}
		taken := map[string]bool{}
		if was := before[l.ID]; was != nil {
			now.Handle = was.Handle
			for _, p := range was.Ports {
				if !x.moved[p.CpID] && p.CpID != "" {
					now.Ports = append(now.Ports, p)
					taken[p.ID] = true
				}
			}
		}
		if is := after[l.ID]; is != nil {
			now.Handle = is.Handle
			for _, p := range is.Ports {
				if !taken[p.ID] && (p.CpID == "" || x.moved[p.CpID]) {
					now.Ports = append(now.Ports, p)
				}
			}
		}
		if was := before[l.ID]; was == nil || !reflect.DeepEqual(*was, now) {
			x.out.ExtLinks = append(x.out.ExtLinks, now)
		}
	}
	for _, l := range x.v.Info.ExtLinks {
		if !left[l.ID] {
			x.out.Left = append(x.out.Left, l.ID)
		}
	}
}

// half is the links there were, with the entries of those connection points on them that are connected in another way now.
func (x *connected) half(want *Wanted) []ExtLink {
	m := &Links{Links: Connected(x.v)}
	used := map[cpEntry]bool{} // by connection points that are as they were
	for _, e := range x.v.Info.ExtCps {
		if !x.moved[e.ID] {
			used[cpEntry{e.CpdID, e.ConfigID}] = true
		}
	}
	for _, e := range x.v.Info.ExtCps {
		if key := (cpEntry{e.CpdID, e.ConfigID}); x.moved[e.ID] && !used[key] {
			m.take(key)
		}
	}
	all := entriesOf(want.ExtLinks)
	for _, e := range x.out.ExtCps {
		key := cpEntry{e.CpdID, e.ConfigID}
		c, ok := all[key]
		if !ok {
			continue
		}
		if !slices.ContainsFunc(m.Links, func(l ExtLink) bool { return l.ID == c.link.ID }) {
			m.Links = append(m.Links, ExtLink{ID: c.link.ID})
		}
		m.put(c.link.ID, key, c.config)
	}
	return slices.DeleteFunc(m.Links, func(l ExtLink) bool { return len(l.Cps) == 0 })
}
