package lcm

import (
	"context"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Preview is what an operation would do. Nothing of it is stored.
type Preview struct {
	Operation vnf.Operation `json:"operation"`
	// Steps are in the order they would be taken; those of one stage at once.
	Steps []PreviewStep `json:"steps"`
	// Policy is what would follow a failure; Reversible whether it can be rolled back.
	Policy     saga.Policy       `json:"policy"`
	Reversible bool              `json:"reversible"`
	Grant      nfvo.GrantRequest `json:"grantRequest"` // as it would be asked for
	Warnings   []string          `json:"warnings,omitempty"`
}

// PreviewStep is one thing that would be done to one resource.
type PreviewStep struct {
	Stage  string      `json:"stage"`
	Action plan.Action `json:"action"`
	// Replaces: a release and a creation that belong together, as its spec cannot be changed where it stands.
	Replaces   bool            `json:"replaces,omitempty"`
	ID         string          `json:"id"` // of the resource
	Kind       string          `json:"kind"`
	Name       string          `json:"name"`
	Template   string          `json:"template,omitempty"` // VDU, VL, CPD or storage in the VNFD
	Connection string          `json:"vimConnectionId,omitempty"`
	Why        []vim.Attribute `json:"why,omitempty"` // what differs
	Optional   bool            `json:"optional,omitempty"`
}

// preview plans an operation as begin does, and stores nothing.
func (s *Service) preview(ctx context.Context, vnfID string, w *wish) (*Preview, error) {
	p, err := s.prepare(ctx, vnfID, s.cfg.NewID(), w)
	if err != nil {
		return nil, err
	}
	out := &Preview{
		Operation: w.operation, Policy: p.policy, Reversible: p.data.Reversible, Grant: p.data.Grant, Warnings: p.data.Plan.Want.Warnings,
		Steps: []PreviewStep{},
	}
	out.Grant.AdditionalParams = secret.Hide(out.Grant.AdditionalParams)
	for i := range p.data.Plan.Stages {
		st := &p.data.Plan.Stages[i]
		if st.Ports == plan.GivenAddresses {
			continue // its steps are those of the stage after it: the grant decides which are taken in which
		}
		for _, x := range st.Steps {
			r := p.data.Plan.To(x)
			if r == nil || x.Action == plan.Release {
				r = p.data.Plan.From(x)
			}
			step := PreviewStep{
				Stage: st.ID, Action: x.Action, Replaces: x.Replaces, ID: r.Token().ID, Kind: string(r.Kind), Name: r.Name(), Template: r.Template,
				Why: x.Why, Optional: st.Optional,
			}
			if r.At != nil {
				step.Connection = r.At.Connection
			}
			out.Steps = append(out.Steps, step)
		}
	}
	for i := range p.data.Coordinations {
		c := &p.data.Coordinations[i]
		out.Steps = append(out.Steps, PreviewStep{
			Stage: stepCoordinate, Action: plan.Create, ID: c.Command.Token, Kind: "coordination", Name: c.Command.Action, Optional: c.Optional,
		})
	}
	if c := p.data.Configure; c != nil {
		out.Steps = append(out.Steps, PreviewStep{
			Stage: stepConfigure, Action: plan.Create, ID: configurationID(p.data.OpID), Kind: string(vim.Configuration), Name: c.Name,
		})
	}
	return out, nil
}
