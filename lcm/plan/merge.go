package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnf"
)

// NullEntry is a configuration that a request sets to null: its connection point is to be disconnected.
type NullEntry struct {
	Cp  int // of the link's Cps
	Key string
}

// cpEntry names one entry of the configuration of a CPD.
type cpEntry struct{ cpd, key string }

// connection is an entry with the link that it is on.
type connection struct {
	link   *ExtLink
	config vnf.ExtCpConfig
}

// Links are what a VNF is to be connected to outside: what it is connected to, with a request laid over it (SOL003 v3.7.1
// §5.5.2.11, §4.4.1.12).
type Links struct {
	Links []ExtLink
	asked map[cpEntry]string // where the request sets an entry, as a JSON pointer
	moved map[string]string  // links that are another network of the VIM now, with the pointer
}

// Connected returns the links that a VNF is connected to, with the configuration of its connection points, and the ports on them that
// someone else made.
func Connected(v *vnf.Instance) []ExtLink {
	own := make(map[string]bool, len(v.Resources))
	for i := range v.Resources {
		own[v.Resources[i].ID] = true
	}
	out := make([]ExtLink, 0, len(v.Info.ExtLinks))
	for i := range v.Info.ExtLinks {
		l := &v.Info.ExtLinks[i]
		x := ExtLink{ID: l.ID, Connection: l.Handle.Connection, Provider: l.Handle.Provider, NetworkID: l.Handle.VimID}
		for _, data := range l.Cps {
			x.Cps = append(x.Cps, vnf.ExtCpData{CpdID: data.CpdID, Config: maps.Clone(data.Config)})
		}
		for _, p := range l.Ports {
			if !own[p.ID] {
				x.Ports = append(x.Ports, vnf.ExtPort{ID: p.ID, Handle: p.Handle, Trunk: p.Trunk})
			}
		}
		out = append(out, x)
	}
	return out
}

// MergeLinks lays the external links of a request over those that a VNF is connected to: an entry of a connection point that is named
// replaces the one with its key, on whatever link that is; null takes it away; what is not named stays. external says which CPDs
// there are. Returns Unprocessable with the attribute.
func MergeLinks(there, request []ExtLink, external func(cpd string) bool) (*Links, error) {
	m := &Links{Links: slices.Clone(there), asked: map[cpEntry]string{}, moved: map[string]string{}}
	for i := range m.Links {
		m.Links[i].Cps = slices.Clone(m.Links[i].Cps)
	}
	seen := map[string]bool{}
	for i := range request {
		l, at := &request[i], fmt.Sprintf("/extVirtualLinks/%d", i)
		if l.ID == "" || seen[l.ID] {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "an external virtual link needs an id of its own").At(at + "/id")
		}
		seen[l.ID] = true
		m.link(l, at)
		for j := range l.Cps {
			if cpd := l.Cps[j].CpdID; !external(cpd) {
				return nil, vnfm.Errorf(vnfm.Unprocessable, "the flavour has no external connection point %q", cpd).At(fmt.Sprintf("%s/extCps/%d/cpdId", at, j))
			}
			if err := m.cp(l, j, at); err != nil {
				return nil, err
			}
		}
	}
	m.Links = slices.DeleteFunc(m.Links, func(l ExtLink) bool { return len(l.Cps) == 0 })
	return m, m.check()
}

// link adds a link of the request, or lays it over the one with its id.
func (m *Links) link(l *ExtLink, at string) {
	i := slices.IndexFunc(m.Links, func(x ExtLink) bool { return x.ID == l.ID })
	if i < 0 {
		m.Links = append(m.Links, ExtLink{ID: l.ID, Connection: l.Connection, Provider: l.Provider, NetworkID: l.NetworkID, Ports: slices.Clone(l.Ports)})
		return
	}
	x := &m.Links[i]
	if l.NetworkID != "" && l.NetworkID != x.NetworkID || l.Connection != "" && x.Connection != "" && l.Connection != x.Connection {
		m.moved[l.ID] = at
	}
	for _, set := range []struct {
		to   *string
		from string
	}{{&x.NetworkID, l.NetworkID}, {&x.Connection, l.Connection}, {&x.Provider, l.Provider}} {
		if set.from != "" {
			*set.to = set.from
		}
	}
	x.Ports = slices.Clone(x.Ports)
	for _, p := range l.Ports {
		if n := slices.IndexFunc(x.Ports, func(o vnf.ExtPort) bool { return o.ID == p.ID }); n >= 0 {
			x.Ports[n] = p
		} else {
			x.Ports = append(x.Ports, p)
		}
	}
}

// cp takes what a request says of one CPD on a link.
func (m *Links) cp(l *ExtLink, j int, link string) error {
	data, at := l.Cps[j], fmt.Sprintf("%s/extCps/%d", link, j)
	config := maps.Clone(data.Config)
	nulls := 0
	for _, x := range l.Nulls {
		if x.Cp != j {
			continue
		}
		nulls++
		e := cpEntry{data.CpdID, x.Key}
		if err := m.ask(e, at+"/cpConfig"+vnfm.Step(x.Key)); err != nil {
			return err
		}
		if !m.take(e) {
			return vnfm.Errorf(vnfm.Unprocessable, "%s has no configuration %q to take away; it has %s", data.CpdID, x.Key, m.keys(data.CpdID)).At(m.asked[e])
		}
	}
	if len(config) == 0 && nulls == 0 { // all connection points of the CPD, as the VIM likes
		config = m.anything(data.CpdID)
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		e := cpEntry{data.CpdID, key}
		if err := m.ask(e, at+"/cpConfig"+vnfm.Step(key)); err != nil {
			return err
		}
		m.take(e)
		m.put(l.ID, e, config[key])
		to := m.of(l.ID)
		switch port := config[key].LinkPortID; {
		case port == "" && to.NetworkID == "":
			return vnfm.Errorf(vnfm.Unprocessable, "the network to connect to is not named").At(link + "/resourceId")
		case port != "" && !slices.ContainsFunc(to.Ports, func(x vnf.ExtPort) bool { return x.ID == port }):
			return vnfm.Errorf(vnfm.Unprocessable, "extLinkPorts has no port %q", port).At(m.asked[e] + "/linkPortId")
		}
	}
	return nil
}

// anything is the configuration of all connection points of a CPD that leaves the addresses to the VIM; subports stay as they are.
func (m *Links) anything(cpd string) map[string]vnf.ExtCpConfig {
	out := map[string]vnf.ExtCpConfig{}
	for e, c := range m.entries() {
		if e.cpd == cpd && c.config.Parent == "" {
			out[e.key] = vnf.ExtCpConfig{}
		}
	}
	if len(out) == 0 {
		out[grantConfig] = vnf.ExtCpConfig{}
	}
	return out
}

func (m *Links) ask(e cpEntry, at string) error {
	if before, twice := m.asked[e]; twice {
		return vnfm.Errorf(vnfm.Unprocessable, "the configuration %q of %s is there more than once: %s has it, too", e.key, e.cpd, before).At(at)
	}
	m.asked[e] = at
	return nil
}

func (m *Links) of(id string) *ExtLink {
	return &m.Links[slices.IndexFunc(m.Links, func(x ExtLink) bool { return x.ID == id })]
}

// take removes an entry from whatever link has it; false when none has.
func (m *Links) take(e cpEntry) bool {
	found := false
	for i := range m.Links {
		l := &m.Links[i]
		for j := range l.Cps {
			if _, has := l.Cps[j].Config[e.key]; has && l.Cps[j].CpdID == e.cpd {
				found = true
				config := maps.Clone(l.Cps[j].Config)
				delete(config, e.key)
				l.Cps[j].Config = config
			}
		}
		l.Cps = slices.DeleteFunc(l.Cps, func(d vnf.ExtCpData) bool { return len(d.Config) == 0 })
	}
	return found
}

func (m *Links) put(link string, e cpEntry, config vnf.ExtCpConfig) {
	l := m.of(link)
	l.Cps = vnf.MergedCps(l.Cps, []vnf.ExtCpData{{CpdID: e.cpd, Config: map[string]vnf.ExtCpConfig{e.key: config}}})
}

// entries returns all entries with their links.
func (m *Links) entries() map[cpEntry]connection { return entriesOf(m.Links) }

func entriesOf(links []ExtLink) map[cpEntry]connection {
	out := map[cpEntry]connection{}
	for i := range links {
		for _, data := range links[i].Cps {
			for key, config := range data.Config {
				out[cpEntry{data.CpdID, key}] = connection{&links[i], config}
			}
		}
	}
	return out
}

// keys names the entries of a CPD, for whoever asked for another.
func (m *Links) keys(cpd string) string {
	var out []string
	for e := range m.entries() {
		if e.cpd == cpd {
			out = append(out, e.key)
		}
	}
	if slices.Sort(out); len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// check refuses a port that would serve twice, and a link that is another network now and has connection points that are not named.
func (m *Links) check() error {
	ports := map[string]cpEntry{}
	all := m.entries()
	for _, e := range sortedEntries(all) {
		c := all[e]
		if at, moved := m.moved[c.link.ID]; moved && m.asked[e] == "" {
			return vnfm.Errorf(vnfm.Unprocessable, "the external virtual link %s has another network than before, and the connection point %s (%s) on it is not named: name it, or give the other network a link with an id of its own",
				c.link.ID, e.cpd, e.key).At(at + "/resourceId")
		}
		id := c.config.LinkPortID
		if id == "" {
			continue
		}
		if other, twice := ports[id]; twice {
			at := m.asked[e]
			if at == "" {
				at = m.asked[other]
			}
			return vnfm.Errorf(vnfm.Unprocessable, "the link port %q serves %s (%s) and %s (%s): it can serve one", id, other.cpd, other.key, e.cpd, e.key).At(at + "/linkPortId")
		}
		ports[id] = e
	}
	return nil
}

func sortedEntries(m map[cpEntry]connection) []cpEntry {
	out := slices.Collect(maps.Keys(m))
	slices.SortFunc(out, func(a, b cpEntry) int {
		if a.cpd != b.cpd {
			return strings.Compare(a.cpd, b.cpd)
		}
		return strings.Compare(a.key, b.key)
	})
	return out
}
