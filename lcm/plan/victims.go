package plan

import (
	"slices"
	"strconv"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

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
