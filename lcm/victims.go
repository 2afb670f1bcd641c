package lcm

import (
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// paramVictims is the member of additionalParams that names VNFCs which are to go before others when a VNF gets smaller. It is the
// VNFM's own; the schema of the VNFD does not have to know it.
const paramVictims = "vnfcInstanceId"

// victimsOf takes the VNFCs that are to go first out of a request's parameters.
func victimsOf(params json.RawMessage) (rest json.RawMessage, first []string, err error) {
	var all map[string]json.RawMessage
	if json.Unmarshal(params, &all) != nil || len(all[paramVictims]) == 0 {
		return params, nil, nil
	}
	if err := json.Unmarshal(all[paramVictims], &first); err != nil {
		return nil, nil, vnfm.Errorf(vnfm.Unprocessable, "%s is a list of ids of VNFCs that are to be removed before others", paramVictims).
			At("/additionalParams/" + paramVictims)
	}
	delete(all, paramVictims)
	return encode(all), first, nil
}

// victims chooses the VNFCs that go, once and for all: of each VDU that gets smaller those that are named, then the newest. They are
// in the order in which they are chosen. Returns Unprocessable for a name that cannot be followed.
func victims(i *vnf.InstantiatedInfo, z *size, first []string) ([]string, error) {
	open := map[string]int{}
	for vdu, n := range z.add {
		if n < 0 {
			open[vdu] = -n
		}
	}
	var out []string
	chosen := map[string]bool{}
	for k, id := range first {
		at := "/additionalParams/" + paramVictims + vnfm.Step(itoa(k))
		n := slices.IndexFunc(i.Vnfcs, func(c vnf.Vnfc) bool { return c.ID == id })
		switch {
		case n < 0:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", id).At(at)
		case chosen[id]:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNFC %s is named twice", id).At(at)
		case open[i.Vnfcs[n].VduID] == 0:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNFC %s is of the VDU %s, of which %d are to be removed and none beyond those named before it",
				id, i.Vnfcs[n].VduID, max(0, -z.add[i.Vnfcs[n].VduID])).At(at)
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

// losses says which level of an aspect is lost with which VNFCs: each step down takes as many as it had brought, in the order in
// which they were chosen.
func losses(i *vnf.InstantiatedInfo, f *vnfd.Flavour, z *size, remove []string) []loss {
	byVdu := map[string][]string{}
	vdu := make(map[string]string, len(i.Vnfcs))
	for _, c := range i.Vnfcs {
		vdu[c.ID] = c.VduID
	}
	for _, id := range remove {
		byVdu[vdu[id]] = append(byVdu[vdu[id]], id)
	}
	var out []loss
	for _, a := range f.Aspects {
		to, ok := z.aspects[a.ID]
		if !ok {
			continue
		}
		taken := map[string]int{}
		for level := levelOf(i, a.ID); level > to; level-- {
			l := loss{Aspect: a.ID, Level: level - 1}
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
