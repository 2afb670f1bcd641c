package vnfd

import "github.com/vnfm/vnfm"

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
	to := fromLevel + steps
	if fromLevel < 0 || fromLevel > a.MaxLevel || to < 0 || to > a.MaxLevel {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "%d steps from level %d lead outside the levels 0 to %d of the aspect %s",
			steps, fromLevel, a.MaxLevel, aspect).At("/numberOfSteps")
	}
	sign, low, high := 1, fromLevel, to
	if to < fromLevel {
		sign, low, high = -1, to, fromLevel
	}
	out := make(map[string]int, len(a.Steps))
	for vdu, adds := range a.Steps {
		for _, n := range adds[low:high] {
			out[vdu] += sign * n
		}
	}
	return out, nil
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
		for _, add := range steps[:min(levels[a.ID], len(steps))] {
			n += add
		}
	}
	return n
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
