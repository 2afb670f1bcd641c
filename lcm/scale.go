package lcm

import (
	"context"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
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
	level := levelOf(b.vnf.Info, a.ID)
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

// levelOf is the scale level that a VNF has of an aspect.
func levelOf(i *vnf.InstantiatedInfo, aspect string) int {
	if at := slices.IndexFunc(i.ScaleStatus, func(s vnf.ScaleInfo) bool { return s.AspectID == aspect }); at >= 0 {
		return i.ScaleStatus[at].Level
	}
	return 0
}

// aspects names the aspects there are, for whoever asked for another.
func aspects(f *vnfd.Flavour) string {
	ids := make([]string, len(f.Aspects))
	for i := range f.Aspects {
		ids[i] = f.Aspects[i].ID
	}
	return strings.Join(ids, ", ")
}
