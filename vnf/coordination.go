package vnf

import (
	"slices"
	"time"
)

// Coordination is a coordination of an operation with its VNF or element manager (lcmCoordinations, SOL002 v3.7.1 §5.5.2.13).
type Coordination struct {
	ID       string    `json:"id"`
	Action   string    `json:"coordinationActionName"`
	Endpoint string    `json:"endpointType"`                 // VNF, MGMT
	Result   string    `json:"coordinationResult,omitempty"` // CONTINUE, ABORT, CANCELLED; "": it goes on
	Started  time.Time `json:"startTime"`
	Ended    time.Time `json:"endTime,omitzero"`
	Delay    time.Time `json:"delay,omitzero"` // until when it asked to wait
}

// Rejection is a coordination that was refused for now (rejectedLcmCoordinations, SOL002 v3.7.1 §5.5.2.13).
type Rejection struct {
	Action   string    `json:"coordinationActionName"`
	Endpoint string    `json:"endpointType"`
	At       time.Time `json:"rejectionTime"`
	Delay    time.Time `json:"delay"`
}

// OpCoordinated records what became known of a coordination: nil, when it was only rejected.
type OpCoordinated struct {
	Coordination *Coordination `json:"coordination,omitempty"`
	Rejected     []Rejection   `json:"rejected,omitempty"`
}

// News returns of what is known of a coordination what the occurrence does not have yet; nil when it has all. What comes late is
// nothing new once the coordination has ended.
func (o *OpOcc) News(c *Coordination, rejected []Rejection) *OpCoordinated {
	out := &OpCoordinated{Coordination: c}
	if c != nil {
		i := slices.IndexFunc(o.Coordinations, func(x Coordination) bool { return x.ID == c.ID })
		if i >= 0 && (o.Coordinations[i] == *c || o.Coordinations[i].Result != "") {
			out.Coordination = nil
		}
	}
	for _, r := range rejected {
		if !slices.ContainsFunc(o.Rejected, func(x Rejection) bool { return x.Action == r.Action && x.At.Equal(r.At) }) {
			out.Rejected = append(out.Rejected, r)
		}
	}
	if out.Coordination == nil && len(out.Rejected) == 0 {
		return nil
	}
	return out
}

func (o *OpOcc) coordinated(e *OpCoordinated) {
	if c := e.Coordination; c != nil {
		all := slices.Clone(o.Coordinations)
		if i := slices.IndexFunc(all, func(x Coordination) bool { return x.ID == c.ID }); i >= 0 {
			all[i] = *c
		} else {
			all = append(all, *c)
		}
		o.Coordinations = all
	}
	o.Rejected = append(slices.Clip(o.Rejected), e.Rejected...)
}
