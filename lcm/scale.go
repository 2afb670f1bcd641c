package lcm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// The directions of SCALE (SOL003 v3.7.1 §5.5.2.5).
const (
	scaleOut = "SCALE_OUT"
	scaleIn  = "SCALE_IN"
)

// Scale implements API: the plan adds the VNFCs that steps of an aspect bring, or removes as many.
func (s *Service) Scale(ctx context.Context, vnfID string, r Scale, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.scaling(&r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanScale implements API.
func (s *Service) PlanScale(ctx context.Context, vnfID string, r Scale) (*Preview, error) {
	o, err := s.scaling(&r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) scaling(r *Scale) (*wish, error) {
	if r.Steps == 0 {
		r.Steps = 1
	}
	switch {
	case r.Type != scaleOut && r.Type != scaleIn:
		return nil, vnfm.Errorf(vnfm.Invalid, "type is %s or %s, not %q", scaleOut, scaleIn, r.Type).At("/type")
	case r.AspectID == "":
		return nil, vnfm.Errorf(vnfm.Invalid, "aspectId names the aspect to scale").At("/aspectId")
	case r.Steps < 0:
		return nil, vnfm.Errorf(vnfm.Invalid, "numberOfSteps is at least 1, not %d", r.Steps).At("/numberOfSteps")
	}
	return &wish{
		command: "lcm.scale", operation: vnf.OpScale, params: r.Params,
		plan: func(b *beginning) error { return s.planScale(b, r) },
	}, nil
}

func (s *Service) planScale(b *beginning, r *Scale) error {
	f, err := b.scalable(vnf.OpScale)
	if err != nil {
		return err
	}
	a := f.Aspect(r.AspectID)
	if a == nil {
		return vnfm.Errorf(vnfm.Unprocessable, "the flavour %s has no scaling aspect %q; it has %s", f.ID, r.AspectID, aspects(f)).At("/aspectId")
	}
	steps := r.Steps
	if r.Type == scaleIn {
		steps = -steps
	}
	level := plan.LevelOf(b.vnf.Info, a.ID)
	delta, err := f.Delta(a.ID, level, steps)
	if err != nil {
		return err
	}
	return s.resize(b, f, &size{
		add: delta, aspects: map[string]int{a.ID: level + steps}, at: "/numberOfSteps", params: r.AdditionalParams,
	})
}

// scalable is the flavour of a VNF that can be scaled. Returns NotFound for one without scaling aspects: the task is not supported
// for it (SOL003 v3.7.1 §5.4.5.3.1).
func (b *beginning) scalable(op vnf.Operation) (*vnfd.Flavour, error) {
	f := b.flavour()
	if f == nil {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	}
	if len(f.Aspects) == 0 && (op == vnf.OpScale || len(f.Levels) < 2) {
		return nil, vnfm.Errorf(vnfm.NotFound, "%s is not supported for this VNF: its flavour %s has no scaling aspects", op, f.ID)
	}
	return f, nil
}

// aspects names the aspects there are, for whoever asked for another.
func aspects(f *vnfd.Flavour) string {
	ids := make([]string, len(f.Aspects))
	for i := range f.Aspects {
		ids[i] = f.Aspects[i].ID
	}
	return strings.Join(ids, ", ")
}

// ScaleToLevel implements API: the plan is from what the VNF has to the VNFCs of a level, out and in at once.
func (s *Service) ScaleToLevel(ctx context.Context, vnfID string, r ScaleToLevel, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.scalingToLevel(&r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanScaleToLevel implements API.
func (s *Service) PlanScaleToLevel(ctx context.Context, vnfID string, r ScaleToLevel) (*Preview, error) {
	o, err := s.scalingToLevel(&r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) scalingToLevel(r *ScaleToLevel) (*wish, error) {
	if (r.Level == "") == (len(r.Scale) == 0) {
		return nil, vnfm.Errorf(vnfm.Invalid, "either instantiationLevelId or scaleInfo says where to scale to, and not both")
	}
	seen := map[string]bool{}
	for i, x := range r.Scale {
		at := fmt.Sprintf("/scaleInfo/%d", i)
		switch {
		case x.AspectID == "":
			return nil, vnfm.Errorf(vnfm.Invalid, "aspectId names an aspect").At(at + "/aspectId")
		case x.Level < 0:
			return nil, vnfm.Errorf(vnfm.Invalid, "a scale level is not negative").At(at + "/scaleLevel")
		case seen[x.AspectID]:
			return nil, vnfm.Errorf(vnfm.Invalid, "the aspect %s is there twice", x.AspectID).At(at + "/aspectId")
		}
		seen[x.AspectID] = true
	}
	return &wish{
		command: "lcm.scale-to-level", operation: vnf.OpScaleToLevel, params: r.Params,
		plan: func(b *beginning) error { return s.planScaleToLevel(b, r) },
	}, nil
}

func (s *Service) planScaleToLevel(b *beginning, r *ScaleToLevel) error {
	f, err := b.scalable(vnf.OpScaleToLevel)
	if err != nil {
		return err
	}
	z := &size{aspects: map[string]int{}, params: r.AdditionalParams}
	var want map[string]int
	if r.Level != "" {
		z.at, z.level = "/instantiationLevelId", r.Level
		want, err = f.Counts(r.Level)
		if err == nil {
			z.aspects, err = f.ScaleStatus(r.Level)
		}
	} else {
		z.at = "/scaleInfo"
		want, err = countsAt(f, b.vnf, r.Scale, z.aspects)
	}
	if err != nil {
		return err
	}
	z.add = map[string]int{}
	for vdu, n := range counts(b.vnf.Info) {
		z.add[vdu] = -n
	}
	for i := range f.Vdus {
		id := f.Vdus[i].ID
		if n, ok := want[id]; ok {
			z.add[id] += n
		} else {
			delete(z.add, id)
		}
	}
	maps.DeleteFunc(z.add, func(_ string, n int) bool { return n == 0 })
	return s.resize(b, f, z)
}

// countsAt returns how many VNFCs the VDUs of some aspects have once these are at given levels, and notes the levels: those of the
// instantiation level that has exactly these, else what initial and scaling deltas come to. Aspects that are not named keep theirs.
func countsAt(f *vnfd.Flavour, v *vnf.Instance, to []AspectLevel, levels map[string]int) (map[string]int, error) {
	all := map[string]int{}
	for _, a := range f.Aspects {
		all[a.ID] = plan.LevelOf(v.Info, a.ID)
	}
	for n, x := range to {
		a := f.Aspect(x.AspectID)
		switch at := fmt.Sprintf("/scaleInfo/%d", n); {
		case x.VnfdID != "" && x.VnfdID != v.VnfdID:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF is of the VNFD %s, not %s", v.VnfdID, x.VnfdID).At(at + "/vnfdId")
		case a == nil:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the flavour %s has no scaling aspect %q; it has %s", f.ID, x.AspectID, aspects(f)).At(at + "/aspectId")
		case x.Level > a.MaxLevel:
			return nil, vnfm.Errorf(vnfm.Unprocessable, "level %d is outside the levels 0 to %d of the aspect %s", x.Level, a.MaxLevel, a.ID).At(at + "/scaleLevel")
		}
		levels[a.ID], all[a.ID] = x.Level, x.Level
	}
	known := map[string]int{}
	same := slices.IndexFunc(f.Levels, func(l vnfd.Level) bool {
		return !slices.ContainsFunc(f.Aspects, func(a vnfd.Aspect) bool { return l.ScaleInfo[a.ID] != all[a.ID] })
	})
	if same >= 0 {
		known = f.Levels[same].Counts
	}
	want := map[string]int{}
	for n := range f.Vdus {
		vdu := &f.Vdus[n]
		for aspect := range levels {
			if _, scaled := f.Aspect(aspect).Steps[vdu.ID]; !scaled {
				continue
			}
			if c, ok := known[vdu.ID]; ok {
				want[vdu.ID] = c
			} else {
				want[vdu.ID] = f.Scaled(vdu, all)
			}
		}
	}
	return want, nil
}
