package tell

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Param is the member of additionalParams that names the management connection for the request. It is the VNFM's own; the schema of
// the VNFD does not have to know it.
const Param = "managementConnectionId"

// Setup is an operation that is planned.
type Setup struct {
	Vnf       *vnf.Instance
	Flavour   *vnfd.Flavour // nil: the descriptor has it no more
	OpID      string
	Operation vnf.Operation
	Number    int64 // of the operation: the fence
	Name      string
	// Params are those of the request, Properties the VNF's vnfConfigurableProperties; what is secret in both is sealed.
	Params     json.RawMessage
	Properties map[string]json.RawMessage
	Own        []string // members of Params that are the VNFM's own: nobody is told of them
	Plan       *plan.Plan
	// Simulated: the site configures VNFs that nobody else does.
	Simulated bool
	// Forceful: what cannot be coordinated does not keep the operation from going on.
	Forceful bool
	// Find returns whom to call by an interface and endpoint type; nil: nobody.
	Find func(name, endpoint string) (*configuration.Endpoint, error)
}

// Told is what an operation tells and asks: part of its saga's data.
type Told struct {
	// Configure is sent once the resources stand, when what was made is filled in (Filled); nil: nothing is.
	Configure *configuration.Configure
	// Again tells the VNF what it had, once the operation has left no trace; nil: nothing is.
	Again         *configuration.Configure
	Coordinations []Coordination
	Warnings      []string
}

// Coordination is one that an operation asks for.
type Coordination struct {
	Stage    string                   `json:"stage,omitempty"` // vnfd.CoordinateAtStart, vnfd.CoordinateAtEnd; "": in the middle
	Optional bool                     `json:"optional,omitempty"`
	Command  configuration.Coordinate `json:"command"`
}

// configures are the operations after which a VNF is told its configuration. Of a modification it is told by Modified.
func configures(op vnf.Operation) bool {
	switch op {
	case vnf.OpInstantiate, vnf.OpScale, vnf.OpScaleToLevel, vnf.OpHeal, vnf.OpChangeFlavour, vnf.OpChangeExtConn, vnf.OpChangeVnfPkg:
		return true
	case vnf.OpTerminate, vnf.OpOperate, vnf.OpModifyInfo, vnf.OpCreateSnapshot, vnf.OpRevertToSnapshot:
	}
	return false
}

// Told says what the operation tells and asks. Returns the errors of Find.
func (s *Setup) Told() (*Told, error) {
	out := &Told{}
	if err := s.configure(out); err != nil {
		return nil, err
	}
	return out, s.coordinate(out)
}

// Token names what is told after an operation.
func Token(op string) string { return message.DeriveID(op, "configure") }

func (s *Setup) configure(out *Told) error {
	if !configures(s.Operation) {
		return nil
	}
	endpoint, err := s.Find(configuration.InterfaceConfiguration, "")
	if err != nil {
		return err
	}
	touched := s.touched()
	if endpoint == nil && (!s.Simulated || len(touched.makes) == 0) {
		return nil
	}
	out.Configure = &configuration.Configure{
		VnfID: s.Vnf.ID, OpID: s.OpID, Token: Token(s.OpID), Fence: s.Number, Action: strings.ToLower(string(s.Operation)), Name: s.Name,
		Params: s.params(s.Vnf.Params, s.Params), Endpoint: endpoint, GoneVnfcs: touched.gone,
	}
	if endpoint == nil {
		return nil
	}
	s.address(endpoint)
	if len(s.Properties) > 0 {
		if out.Configure.Properties, err = json.Marshal(s.Properties); err != nil {
			return fmt.Errorf("encode the configurable properties: %w", err)
		}
	}
	if i := s.Vnf.Info; i != nil {
		for _, c := range i.Vnfcs { // what was made of them is filled in later
			if touched.ids[c.ID] && len(c.Configurable) > 0 {
				out.Configure.Vnfcs = append(out.Configure.Vnfcs, configuration.Vnfc{ID: c.ID, Vdu: c.VduID, Properties: object(c.Configurable)})
			}
		}
		out.Configure.GoneCps = goneCps(i, touched.gone)
		out.Again = s.again(out.Configure, touched)
	}
	return nil
}

// params are parameters with others over them, without what is the VNFM's own; none of no object.
func (s *Setup) params(layers ...json.RawMessage) json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, raw := range layers {
		var over map[string]json.RawMessage
		_ = json.Unmarshal(raw, &over) // nothing, or an object
		for name, v := range over {
			if !slices.Contains(s.Own, name) {
				all[name] = v
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic("lcm/tell: what was JSON does not marshal") // its text is not said
	}
	return b
}

// address gives an endpoint the address of the connection point it names, as the VNF has it now.
func (s *Setup) address(e *configuration.Endpoint) {
	if e.Cpd == "" || s.Vnf.Info == nil {
		return
	}
	for _, cp := range s.Vnf.Info.ExtCps {
		if cp.CpdID == e.Cpd && len(cp.Addresses.IPs) > 0 {
			e.CpID, e.Address = cp.ID, cp.Addresses.IPs[0].Address
			return
		}
	}
}

// touched is what a plan is about.
type touched struct {
	ids   map[string]bool // of resources that are made or changed
	made  []string        // VNFCs that the VNF did not have
	gone  []string        // VNFCs that it will not have
	makes map[string]bool // computes and units, also in place of others
}

func (s *Setup) touched() touched { return touchedBy(s.Plan) }

func touchedBy(p *plan.Plan) touched {
	out := touched{ids: map[string]bool{}, makes: map[string]bool{}}
	for _, step := range p.Steps() {
		r := p.To(step)
		if step.Action == plan.Release {
			r = p.From(step)
		}
		vnfc := r.Kind == vim.Compute || r.Kind == vim.Unit
		switch {
		case step.Action != plan.Release:
			out.ids[step.ID] = true
			if vnfc && step.Action == plan.Create {
				out.makes[step.ID] = true
			}
			if out.makes[step.ID] && !step.Replaces && !slices.Contains(out.made, step.ID) {
				out.made = append(out.made, step.ID)
			}
		case vnfc && !step.Replaces && !slices.Contains(out.gone, step.ID):
			out.gone = append(out.gone, step.ID)
		}
	}
	return out
}

// goneCps are the external connection points that expose one of VNFCs that go.
func goneCps(i *vnf.InstantiatedInfo, vnfcs []string) []string {
	of := map[string]bool{}
	for _, c := range i.Vnfcs {
		for _, cp := range c.Cps {
			of[cp.ID] = slices.Contains(vnfcs, c.ID)
		}
	}
	var out []string
	for _, cp := range i.ExtCps {
		if of[cp.VnfcCpID] {
			out = append(out, cp.ID)
		}
	}
	return out
}

// again is what the VNF is told once the operation has left no trace: what the plan is about as the VNF had it.
func (s *Setup) again(c *configuration.Configure, t touched) *configuration.Configure {
	out := *c
	out.Token, out.Action, out.Params = message.DeriveID(s.OpID, "configure", "again"), "rollback", s.params(s.Vnf.Params)
	out.GoneVnfcs, out.GoneCps = t.made, nil
	for _, cp := range s.Plan.Want.ExtCps {
		if !slices.ContainsFunc(s.Vnf.Info.ExtCps, func(x vnf.ExtCp) bool { return x.ID == cp.ID }) {
			out.GoneCps = append(out.GoneCps, cp.ID)
		}
	}
	for _, id := range t.gone {
		t.ids[id] = true
	}
	out.ExtCps, out.Vnfcs = parts(s.Vnf.Info, t.ids)
	return &out
}

// coordinate plans what is coordinated. An action that nobody can be asked about is a warning: the VNFD says what is supported.
func (s *Setup) coordinate(out *Told) error {
	if s.Flavour == nil {
		return nil
	}
	var input map[string]json.RawMessage
	_ = json.Unmarshal(s.Params, &input) // what is no object has no parameters
	for n, a := range s.Flavour.Operations[string(s.Operation)].Coordinations {
		e, err := s.Find(configuration.InterfaceCoordination, a.Endpoint)
		if err != nil {
			return err
		}
		if e == nil {
			out.Warnings = append(out.Warnings, fmt.Sprintf("%s is not coordinated: no management connection for %s serves %s of this VNF",
				a.Action, configuration.InterfaceCoordination, cmp.Or(a.Endpoint, "any endpoint")))
			continue
		}
		s.address(e)
		given := map[string]json.RawMessage{}
		for _, name := range a.Inputs {
			if v, ok := input[name]; ok {
				given[name] = v
			}
		}
		c := Coordination{Stage: a.Stage, Optional: s.Forceful, Command: configuration.Coordinate{
			VnfID: s.Vnf.ID, OpID: s.OpID, Operation: string(s.Operation), Action: a.Action,
			Token: message.DeriveID(s.OpID, "coordinate", strconv.Itoa(n), a.Action), Fence: s.Number, Endpoint: *e,
		}}
		if len(given) > 0 {
			b, err := json.Marshal(given)
			if err != nil {
				return fmt.Errorf("encode the input parameters of %s: %w", a.Action, err)
			}
			c.Command.Input = b
		}
		out.Coordinations = append(out.Coordinations, c)
	}
	return nil
}
