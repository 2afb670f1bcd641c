package nfvomanager

import (
	"hash/fnv"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/nfvo"
)

// placement assigns zones to groups of computes that belong together.
type placement struct {
	zones []string
	first int // where the turn begins
	group map[string]int
	apart [][]int // by group: those it must not share a zone with
	// barred are zones that a group must not be in, since members of its rules that stand are there; bound those it must be in.
	barred, bound map[int][]string
	zone          []int // by group: index into zones, -1 while open
	tries         int
}

// maxTries bounds the search for zones; the rules of a VNF are few, and zones differ only by name.
const maxTries = 100_000

// placed returns a zone for every compute to be added, by definition id; none when the site has no zones. Rules of the
// scopes ZONE and ZONE_GROUP are kept here; the VIM keeps those of NFVI_NODE by its server groups, within the one zone
// that an affinity of that scope needs; a single VIM is one NFVI_POP. A definition that is not added is where it is, and binds nothing.
func placed(req nfvo.GrantRequest, zones []string) (map[string]string, error) {
	p := &placement{zones: zones, group: map[string]int{}, barred: map[int][]string{}, bound: map[int][]string{}}
	computes := []string{}
	for _, d := range slices.Concat(req.Add, req.Temp) {
		if d.Type == "COMPUTE" && (d.Snapshot == nil || d.Snapshot.Of == nil) {
			p.group[d.ID] = len(computes)
			computes = append(computes, d.ID)
		}
	}
	for _, r := range req.Placement {
		if r.Scope == "NFVI_POP" && !r.Affinity {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "The anti-affinity of %v over NFVI-PoPs cannot be kept at one VIM.", r.Resources)
		}
		if r.Affinity && (zonal(r) || r.Scope == "NFVI_NODE") { // what shares a node shares its zone
			p.join(r.Resources)
		}
	}
	p.apart, p.zone = make([][]int, len(computes)), make([]int, len(computes))
	for _, r := range req.Placement {
		p.standing(r)
		if !zonal(r) || r.Affinity {
			continue
		}
		if err := p.separate(r.Resources); err != nil {
			return nil, err
		}
	}
	out := map[string]string{}
	if len(computes) == 0 || len(zones) == 0 {
		return out, nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(req.VnfID)) // never fails
	p.first = int(h.Sum32() % uint32(len(zones)))
	var order []int // groups, by their first compute
	for _, id := range computes {
		if g := p.group[id]; !slices.Contains(order, g) {
			order = append(order, g)
		}
		p.zone[p.group[id]] = -1
	}
	if !p.search(order, 0) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "The placement rules of scope ZONE cannot be kept for %d computes in the %d zones of the VIM%s.",
			len(computes), len(zones), p.stands())
	}
	for _, id := range computes {
		out[id] = zones[p.zone[p.group[id]]]
	}
	return out, nil
}

// standing notes what members of a rule that stand already mean for those that are to be placed.
func (p *placement) standing(r nfvo.PlacementRule) {
	if binds := zonal(r) || r.Affinity && r.Scope == "NFVI_NODE"; !binds || len(r.Zones) == 0 {
		return
	}
	for _, id := range r.Resources {
		switch g, ok := p.group[id]; {
		case !ok:
		case r.Affinity:
			p.bound[g] = append(p.bound[g], r.Zones...)
		default:
			p.barred[g] = append(p.barred[g], r.Zones...)
		}
	}
}

// stands says in which zones others stand that the rules bind.
func (p *placement) stands() string {
	var zones []string
	for _, by := range []map[int][]string{p.barred, p.bound} {
		for _, z := range by {
			zones = append(zones, z...)
		}
	}
	if len(zones) == 0 {
		return ""
	}
	slices.Sort(zones)
	return ", with others that they bind in " + strings.Join(slices.Compact(zones), ", ")
}

func zonal(r nfvo.PlacementRule) bool { return r.Scope == "ZONE" || r.Scope == "ZONE_GROUP" }

// join makes one group of the computes of an affinity rule.
func (p *placement) join(resources []string) {
	to := -1
	for _, id := range resources {
		g, ok := p.group[id]
		switch {
		case !ok:
		case to < 0:
			to = g
		default:
			for other, o := range p.group {
				if o == g {
					p.group[other] = to
				}
			}
		}
	}
}

// separate keeps the computes of an anti-affinity rule apart.
func (p *placement) separate(resources []string) error {
	for i, a := range resources {
		for _, b := range resources[i+1:] {
			g, okA := p.group[a]
			h, okB := p.group[b]
			if !okA || !okB {
				continue
			}
			if g == h || len(p.zones) == 0 {
				return vnfm.Errorf(vnfm.Unprocessable, "The placement rules of scope ZONE for %s and %s cannot be kept.", a, b)
			}
			p.apart[g], p.apart[h] = append(p.apart[g], h), append(p.apart[h], g)
		}
	}
	return nil
}

// search gives every group a zone, each in its turn where the rules let it.
func (p *placement) search(order []int, n int) bool {
	if n == len(order) {
		return true
	}
	for i := range p.zones {
		if p.tries++; p.tries > maxTries {
			return false
		}
		zone := (p.first + n + i) % len(p.zones)
		g, name := order[n], p.zones[zone]
		if slices.ContainsFunc(p.apart[g], func(o int) bool { return p.zone[o] == zone }) || slices.Contains(p.barred[g], name) ||
			len(p.bound[g]) > 0 && !slices.Contains(p.bound[g], name) {
			continue
		}
		p.zone[order[n]] = zone
		if p.search(order, n+1) {
			return true
		}
		p.zone[order[n]] = -1
	}
	return false
}
