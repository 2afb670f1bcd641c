package vnfd

import (
	"math"
	"slices"

	"github.com/vnfm/vnfm"
)

// Counts returns how many instances of each VDU an instantiation level means: what VduInstantiationLevels says, else
// the initial delta with the deltas of the level's scale levels, else the profile's minimum. "" is the default level.
// Returns Unprocessable at /instantiationLevelId for a level that the flavour does not have.
func (f *Flavour) Counts(level string) (map[string]int, error) {
	l, err := f.pick(level)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int, len(f.Vdus))
	for i := range f.Vdus {
		v := &f.Vdus[i]
		if n, ok := l.Counts[v.ID]; ok {
			out[v.ID] = n
			continue
		}
		out[v.ID] = f.Scaled(v, l.ScaleInfo)
	}
	return out, nil
}

// ScaleStatus returns the scale level of each aspect at an instantiation level; "" is the default level. Returns
// Unprocessable like Counts.
func (f *Flavour) ScaleStatus(level string) (map[string]int, error) {
	l, err := f.pick(level)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int, len(f.Aspects))
	for _, a := range f.Aspects {
		out[a.ID] = l.ScaleInfo[a.ID]
	}
	return out, nil
}

// Delta returns how many instances of each VDU are added when an aspect goes from a scale level by some steps; negative
// steps, negative counts. Returns Unprocessable for an unknown aspect (at /aspectId) and for steps that lead outside
// the aspect's levels (at /numberOfSteps).
func (f *Flavour) Delta(aspect string, fromLevel, steps int) (map[string]int, error) {
	a := f.Aspect(aspect)
	if a == nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the flavour %s has no scaling aspect %q", f.ID, aspect).At("/aspectId")
	}
	if fromLevel < 0 || fromLevel > a.MaxLevel || steps < -fromLevel || steps > a.MaxLevel-fromLevel {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "%d steps from level %d lead outside the levels 0 to %d of the aspect %s",
			steps, fromLevel, a.MaxLevel, aspect).At("/numberOfSteps")
	}
	to := fromLevel + steps
	sign, low, high := 1, fromLevel, to
	if to < fromLevel {
		sign, low, high = -1, to, fromLevel
	}
	out := make(map[string]int, len(a.Steps))
	for vdu, adds := range a.Steps {
		sum := 0
		for _, n := range adds[min(low, len(adds)):min(high, len(adds))] {
			sum = Sum(sum, n)
		}
		if low < high {
			out[vdu] = sign * sum
		}
	}
	return out, nil
}

// Bootable says whether a VDU has something to start from: an image of its own, or a volume made from one. A container has
// its image elsewhere.
func (f *Flavour) Bootable(v *Vdu) bool {
	return v.Container || v.Image != nil || slices.ContainsFunc(f.Storages, func(s Storage) bool {
		return s.Image != nil && slices.Contains(v.Storages, s.ID)
	})
}

// Total returns how many VNFCs counts come to, at most math.MaxInt: a number in a descriptor or a request is not a promise
// that it can be added up.
func Total(counts map[string]int) int {
	total := 0
	for _, n := range counts {
		total = Sum(total, n)
	}
	return total
}

// Resources returns how many resources a VNF of these counts has at a VIM at most, without planning them: computes with their
// ports and volumes, networks with their subnets, server groups. At most math.MaxInt.
func (f *Flavour) Resources(counts map[string]int) int {
	each := make(map[string]int, len(f.Vdus)) // VDU to resources of one VNFC
	shared := map[string]bool{}
	volumes := make(map[string]bool, len(f.Storages)) // storage to whether each VNFC has its own
	for _, s := range f.Storages {
		if s.Type == "BLOCK" || s.Type == "" {
			volumes[s.ID] = s.PerVnfc
		}
	}
	for _, v := range f.Vdus {
		each[v.ID]++
		for _, id := range v.Storages {
			if own, ok := volumes[id]; own {
				each[v.ID]++
			} else if ok {
				shared[id] = true
			}
		}
	}
	for _, cp := range f.Cps {
		each[cp.Vdu]++
	}
	total := len(shared) + len(f.Links) + len(f.Affinity)
	for _, l := range f.Links {
		total += len(l.Subnets)
	}
	for id, n := range counts {
		total = Sum(total, times(n, each[id]))
	}
	return total
}

// Sum adds numbers that are not negative, up to math.MaxInt; what is negative counts nothing.
func Sum(a, b int) int {
	b = max(b, 0)
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// times multiplies numbers that are not negative, up to math.MaxInt; what is negative counts nothing.
func times(a, b int) int {
	a, b = max(a, 0), max(b, 0)
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

// pick finds a level; a flavour without levels has one that says nothing.
func (f *Flavour) pick(level string) (*Level, error) {
	if level == "" {
		level = f.DefaultLevel
	}
	if l := f.Level(level); l != nil {
		return l, nil
	}
	if level == "" && len(f.Levels) == 0 {
		return &Level{}, nil
	}
	ids := make([]string, 0, len(f.Levels))
	for _, l := range f.Levels {
		ids = append(ids, l.ID)
	}
	switch {
	case len(ids) == 0:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the flavour %s has no instantiation levels", f.ID).At("/instantiationLevelId")
	case level == "":
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the flavour %s has no default level; name one of %s", f.ID, Join(ids)).At("/instantiationLevelId")
	}
	return nil, vnfm.Errorf(vnfm.Unprocessable, "the flavour %s has no instantiation level %q; it has %s", f.ID, level, Join(ids)).At("/instantiationLevelId")
}

// Scaled returns the size of a VDU at scale levels: its initial delta (else its minimum) and what each step adds.
func (f *Flavour) Scaled(v *Vdu, levels map[string]int) int {
	n := v.Min
	if v.Initial != nil {
		n = *v.Initial
	}
	for _, a := range f.Aspects {
		steps := a.Steps[v.ID]
		for _, add := range steps[:min(max(levels[a.ID], 0), len(steps))] {
			n = Sum(n, add)
		}
	}
	return n
}

// LinkRate returns the bit rate of a virtual link at scale levels: its initial one and what each step adds.
func (f *Flavour) LinkRate(l *VirtualLink, levels map[string]int) BitRate {
	var rate BitRate
	if l.BitRate != nil {
		rate = *l.BitRate
	}
	for i := range f.Aspects {
		steps := f.Aspects[i].LinkSteps[l.ID]
		for _, add := range steps[:min(max(levels[f.Aspects[i].ID], 0), len(steps))] {
			rate = rate.Plus(add)
		}
	}
	return rate
}

// LinkRateAt returns the bit rate of a virtual link at an instantiation level: the level's own, else that of its scale levels.
func (f *Flavour) LinkRateAt(l *VirtualLink, level string) BitRate {
	x, err := f.pick(level)
	if err != nil {
		return f.LinkRate(l, nil)
	}
	if rate, ok := x.BitRates[l.ID]; ok {
		return rate
	}
	return f.LinkRate(l, x.ScaleInfo)
}

// Aspect returns the scaling aspect with an id, nil when there is none.
func (f *Flavour) Aspect(id string) *Aspect {
	for i := range f.Aspects {
		if f.Aspects[i].ID == id {
			return &f.Aspects[i]
		}
	}
	return nil
}

// Level returns the instantiation level with an id, nil when there is none.
func (f *Flavour) Level(id string) *Level {
	for i := range f.Levels {
		if f.Levels[i].ID == id {
			return &f.Levels[i]
		}
	}
	return nil
}
