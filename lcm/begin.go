package lcm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/drift"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lcm/tell"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// wish is an operation that is asked for: what its own file says of it.
type wish struct {
	command   string // for the events' metadata
	operation vnf.Operation
	params    json.RawMessage // the request, secrets masked
	own       *owning         // VIM connections that the request brings; nil: none
	places    []string        // those that it names beside the usual one
	to        *newPackage     // that the instance is to be of; nil: it stays what it is of
	// What the request sets of the instance; with checksProperties, what the VNFD requires must be set.
	extensions, configurable map[string]json.RawMessage
	checksProperties         bool
	take                     vnf.Extensible
	looks                    bool     // at what is there at the VIMs, before it is planned
	at                       []string // the VNFCs that it looks at; none: the whole VNF
	compares                 bool     // what is there with the records
	automatic                bool     // see request.Info
	forceful                 bool     // what cannot be coordinated does not keep it from going on
	snapshot                 *aboutSnapshot
	// plan says what the operation wants; it is pure.
	plan func(b *beginning) error
}

// beginning is an operation in the making.
type beginning struct {
	limits     plan.Limits
	vnf        *vnf.Instance // as it is once the operation holds it, what is secret sealed
	descriptor *vnfd.Descriptor
	data       *planData
	policy     saga.Policy
	inPlace    map[string]vim.InPlace // by VIM connection
	places     []string               // see wish
	look       *drift.Found           // what they show, of an operation that compares
	missing    map[vim.Token]bool     // what the VIMs do not have, of an operation that looks

	secrets *secrets
	sealed  map[string]any // members of the request as they are kept
	// What the request itself sets of extensions and configurable properties.
	setExtensions, setConfigurable map[string]json.RawMessage

	automatic, forceful, simulated bool
	// named is the management connection that the request names. find returns whom to call by an interface and endpoint type.
	named string
	find  func(name, endpoint, named string) (*configuration.Endpoint, error)
}

// check refuses parameters that the VNFD's schema does not allow. What is the VNFM's own does not have to be in the schema: the names given, and
// that of a management connection, which it reads.
func (b *beginning) check(schema, params json.RawMessage, names ...string) error {
	if err := own(params, tell.Param, &b.named, "the id of a management connection"); err != nil {
		return err
	}
	return vnf.CheckSchema(schema, undeclared(schema, params, append(names, tell.Param)), "/additionalParams")
}

// undeclared returns parameters without those of some names, but for what a schema says something of: that is the schema's to judge, and it may
// require it.
func undeclared(schema, params json.RawMessage, names []string) json.RawMessage {
	var all map[string]json.RawMessage
	if len(params) == 0 || json.Unmarshal(params, &all) != nil {
		return params // what is no object is the schema's to refuse
	}
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	_ = json.Unmarshal(schema, &s) // it was checked with the descriptor
	for _, name := range names {
		if _, declared := s.Properties[name]; !declared {
			delete(all, name)
		}
	}
	return encode(all)
}

// talk says what the VNF and its element manager are told and asked.
func (b *beginning) talk(p *plan.Plan) error {
	setup := tell.Setup{
		Vnf: b.vnf, OpID: b.data.OpID, Operation: b.data.Operation, Number: b.data.Number, Name: nameOf(b.vnf), Plan: p,
		Properties: b.vnf.Configurable, Own: []string{tell.Param, paramAll, paramVictims, paramBatch, paramBeside}, Simulated: b.simulated, Forceful: b.forceful,
		Find: func(name, endpoint string) (*configuration.Endpoint, error) { return b.find(name, endpoint, b.named) },
	}
	if b.data.Configurable != nil {
		setup.Properties = b.data.Configurable
	}
	setup.Params, _ = b.sealed["additionalParams"].(json.RawMessage)
	flavour := p.Want.FlavourID
	if b.vnf.Info != nil {
		flavour = b.vnf.Info.FlavourID
	}
	if f, ok := b.descriptor.Flavour(flavour); ok {
		setup.Flavour = f
	}
	told, err := setup.Told()
	if err != nil {
		return below("/additionalParams/"+tell.Param, err)
	}
	b.data.Configure, b.data.Again, b.data.Coordinations = told.Configure, told.Again, told.Coordinations
	p.Want.Warnings = append(p.Want.Warnings, told.Warnings...)
	return nil
}

// seal seals a request's parameters by their schema, as they are kept or sent.
func (b *beginning) seal(params, schema json.RawMessage) json.RawMessage {
	params = b.secrets.document(params, schema)
	b.sealed["additionalParams"] = params
	return params
}

// flavour is the deployment flavour that the instance has; nil when the descriptor has it no more.
func (b *beginning) flavour() *vnfd.Flavour {
	if b.vnf.Info == nil {
		return nil
	}
	f, ok := b.descriptor.Flavour(b.vnf.Info.FlavourID)
	if !ok {
		return nil
	}
	return f
}

// hasVnfcs refuses the ids of VNFCs that the instance does not have.
func (b *beginning) hasVnfcs(ids []string) error {
	for i, id := range ids {
		if !slices.ContainsFunc(b.vnf.Info.Vnfcs, func(c vnf.Vnfc) bool { return c.ID == id }) {
			return vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", id).At("/vnfcInstanceId" + vnfm.Step(itoa(i)))
		}
	}
	return nil
}

// about is what the flavour says of an operation.
func (b *beginning) about(op vnf.Operation) vnfd.Operation {
	if f := b.flavour(); f != nil {
		return f.Operations[string(op)]
	}
	return vnfd.Operation{}
}

// want makes the plan, and asks for its grant. Returns Unprocessable when it has more steps than the site allows.
func (b *beginning) want(have []plan.Resource, want *plan.Wanted, o plan.Options) error {
	if want.Boots == nil { // what stands is changed, and made anew, with the boot data that it was made with
		want.Boots, want.Vars = plan.Boots(b.flavour()), b.vnf.Values
	}
	if want.Package = b.vnf.PackageID; b.data.Package != nil {
		want.Package = b.data.Package.PackageID
	}
	p, err := plan.New(have, want, o)
	if err != nil {
		return err
	}
	if n := len(p.Steps()); n > b.limits.Resources {
		return vnfm.Errorf(vnfm.Unprocessable, "the operation takes %d steps, and %d are allowed (max-resources-per-operation)", n, b.limits.Resources)
	}
	if err := b.talk(p); err != nil {
		return err
	}
	b.data.Plan = p
	g := &b.data.Grant
	g.Automatic = b.automatic
	if g.Connections = b.places; !g.Named {
		g.Connections = others(b.vnf, b.places, g.DefaultConnection)
	}
	g.VnfID, g.OpOccID, g.VnfdID, g.Operation = b.vnf.ID, b.data.OpID, b.vnf.VnfdID, string(b.data.Operation)
	p.Ask(g)
	recalled(g, b.vnf)
	return nil
}

// prepared is an operation that was planned for one version of its instance.
type prepared struct {
	beginning
	begin   vnf.BeginOperation
	version int64           // of the instance as it was read
	raw     []byte          // the data of the saga
	params  json.RawMessage // of the request, secrets masked
}

// place waits for a place to plan in, and returns what gives it back. Returns Unavailable when the context ends before there is one.
func (s *Service) place(ctx context.Context) (leave func(), err error) {
	if s.planning == nil {
		return func() {}, nil
	}
	select {
	case s.planning <- struct{}{}:
		return func() { <-s.planning }, nil
	case <-ctx.Done():
		return nil, vnfm.Wrap(vnfm.Unavailable, ctx.Err(), "%d operations are being planned (max-plans-at-once)", cap(s.planning))
	}
}

// prepare reads the instance and plans the operation, outside any transaction: a large plan keeps nobody waiting.
func (s *Service) prepare(ctx context.Context, vnfID, opID string, w *wish) (*prepared, error) {
	leave, err := s.place(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	seen, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	d, err := s.cfg.Packages.Descriptor(ctx, seen.DescriptorDigest)
	if err != nil {
		return nil, err
	}
	l, err := s.cfg.Store.Load(ctx, s.loadSecrets(vnfID))
	if err != nil {
		return nil, err
	}
	k, err := s.secrets(l, vnfID)
	if err != nil {
		return nil, err
	}
	plain, err := k.opened(seen)
	if err != nil {
		return nil, err
	}
	of := d // that the properties are to fit
	if w.to != nil {
		of = w.to.descriptor
	}
	over := w.over(plain, seen, of)
	v := *seen
	p := &prepared{begin: over.begin(opID, of), version: seen.Version}
	events, err := v.Process(p.begin)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		v.Apply(e, seen.Updated)
	}
	brought, err := s.brings(ctx, w, &v)
	if err != nil {
		return nil, err
	}
	// From here on everything is kept or sent.
	p.beginning = beginning{
		limits: s.cfg.Settings.Limits, vnf: &v, descriptor: d, policy: saga.Hold, inPlace: s.inPlace(ctx, &v), places: w.places,
		data: &planData{
			VnfID: v.ID, OpID: opID, Operation: w.operation, Number: v.Operations, Brought: brought,
			Extensions: k.properties(over.extensions, of.Extensions), Configurable: k.properties(over.configurable, of.Configurable),
		},
		secrets: k, setExtensions: w.extensions, setConfigurable: w.configurable,
		simulated: s.cfg.Settings.Configures, forceful: w.forceful, automatic: w.automatic,
		find: func(name, endpoint, named string) (*configuration.Endpoint, error) {
			if s.cfg.Management == nil {
				return nil, nil //nolint:nilnil // nobody is called
			}
			return s.cfg.Management.Endpoint(ctx, &v, name, endpoint, named)
		},
		sealed: map[string]any{
			"extensions": k.properties(w.extensions, of.Extensions), "vnfConfigurableProperties": k.properties(w.configurable, of.Configurable),
		},
	}
	if w.looks {
		of, err := p.part(w.at)
		if err != nil {
			return nil, err
		}
		if p.missing, err = s.missing(ctx, of); err != nil {
			return nil, err
		}
	}
	if w.compares {
		if p.look, err = s.compare(ctx, &v); err != nil {
			return nil, err
		}
	}
	if err := w.plan(&p.beginning); err != nil {
		return nil, err
	}
	p.params = shown(w.params, p.sealed)
	if p.raw, err = json.Marshal(p.data); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "encode the data of operation %s", opID)
	}
	return p, nil
}

// brings lets an instance have the VIM connections that a request brings, as the commit will, and returns their ids.
func (s *Service) brings(ctx context.Context, w *wish, v *vnf.Instance) ([]string, error) {
	if w.own == nil {
		return nil, nil
	}
	l, err := s.cfg.Store.Load(ctx, w.own.load())
	if err != nil {
		return nil, err
	}
	event, _, err := w.own.decide(l.Records[w.own.ref])
	if err != nil || event == nil {
		return nil, err
	}
	v.Apply(event, v.Updated)
	return slices.Sorted(maps.Keys(event.Connections)), nil
}

// inPlace tells what may be changed of the resources of an instance where they stand, by VIM connection.
func (s *Service) inPlace(ctx context.Context, v *vnf.Instance) map[string]vim.InPlace {
	out := map[string]vim.InPlace{}
	for i := range v.Resources {
		connection := v.Resources[i].Connection
		if _, known := out[connection]; known || s.cfg.InPlace == nil {
			continue
		}
		vimType := v.Connections[connection].Type
		if c, err := s.cfg.Connections.Connection(ctx, v.ID, connection); err == nil {
			vimType = c.Type
		}
		out[connection] = s.cfg.InPlace(vimType)
	}
	return out
}

// over returns the wish with the properties that the request sets laid over those the instance has, secrets opened. Of another package
// the instance gets the values that it declares and the instance does not have.
func (w wish) over(plain, kept *vnf.Instance, d *vnfd.Descriptor) *wish {
	if w.to != nil {
		w.extensions = with(w.extensions, missingIn(plain.Extensions, vnf.Initial(d.Extensions)))
		w.configurable = with(w.configurable, missingIn(plain.Configurable, vnf.Initial(d.Configurable)))
	}
	w.extensions = vnf.Laid(plain.Extensions, given(w.extensions, kept.Extensions))
	w.configurable = vnf.Laid(plain.Configurable, given(w.configurable, kept.Configurable))
	return &w
}

// with returns values with those of others that they do not have.
func with(values, others map[string]json.RawMessage) map[string]json.RawMessage {
	if len(others) == 0 {
		return values
	}
	out := maps.Clone(others)
	maps.Copy(out, values)
	return out
}

// shared is the package, or the snapshot, that the operation is about.
func (w *wish) shared() []string {
	if w.to == nil {
		return w.snapshot.keys()
	}
	return []string{w.to.ref.ID}
}

func (w *wish) begin(opID string, d *vnfd.Descriptor) vnf.BeginOperation {
	b := vnf.BeginOperation{OpID: opID, Operation: w.operation}
	if w.to != nil {
		b.Package = w.to.ref.ID
	}
	if w.checksProperties {
		b.Descriptor, b.Extensions, b.Configurable, b.Take = d, w.extensions, w.configurable, w.take
	}
	return b
}

// errMoved says that the instance is not the one that the operation was planned for.
var errMoved = errors.New("the VNF instance has changed meanwhile")

// begin is the way every operation with a plan begins: plan it for the instance as it is, then, in one commit, let the instance
// be held, and begin the operation and its saga. When the instance has changed in between, it is planned anew.
func (s *Service) begin(ctx context.Context, vnfID string, w *wish, by request.Info) (*vnf.OpOcc, error) {
	if err := s.room(); err != nil {
		return nil, err
	}
	opID := s.cfg.NewID()
	if w.snapshot != nil && w.snapshot.uses {
		opID = w.snapshot.next
	}
	w.automatic = by.Automatic
	for attempt := 1; ; attempt++ {
		p, err := s.prepare(ctx, vnfID, opID, w)
		if err != nil {
			return nil, err
		}
		load := func() eventstore.Load { return s.load(opID, vnfID).Merge(w.own.load()).Merge(s.loadSecrets(vnfID)) }
		o, err := s.decideOp(ctx, vnfID, opID, by, load, func(x *change) error {
			x.meta = by.Metadata(w.command, opID)
			return s.add(x, p, w, by)
		}, w.shared()...)
		if w.snapshot != nil && errors.Is(err, eventstore.ErrVersion) {
			return nil, vnfm.Wrap(vnfm.Conflict, err, "the VNF snapshot or the VNF instance is being changed: send the request again")
		}
		if w.to != nil && errors.Is(err, eventstore.ErrVersion) {
			return nil, vnfm.Wrap(vnfm.Conflict, err, "the package or the VNF instance is being changed: send the request again")
		}
		if !errors.Is(err, errMoved) {
			return o, err
		}
		if attempt == 5 {
			return nil, vnfm.Errorf(vnfm.Conflict, "the VNF instance changes faster than the operation can be planned: send the request again")
		}
	}
}

// add adds a planned operation and its saga to the commit.
func (s *Service) add(x *change, p *prepared, w *wish, by request.Info) error {
	v, err := x.instance(p.data.VnfID)
	if err != nil {
		return err
	}
	k := *p.secrets
	if v.Version != p.version || k.row != nil && x.l.Records[vault.Row(v.ID)] != nil {
		return errMoved
	}
	if err := x.onInstance(v, v.ID, p.begin); err != nil {
		return err
	}
	k.keep(x, p.raw)
	if _, err := x.own(w.own, v, p.data.OpID); err != nil {
		return err
	}
	if w.to != nil && w.to.ref.Stream != "" { // it is enabled still
		x.c.Expect = append(x.c.Expect, eventstore.StreamVersion{Stream: w.to.ref.Stream, Version: w.to.ref.Version})
	}
	from, to := "", ""
	if w.to != nil {
		from, to = v.VnfdID, w.to.descriptor.ID
	}
	if err := x.useSnapshot(w.snapshot, p.data.OpID); err != nil {
		return err
	}
	snapshot := ""
	if w.snapshot != nil {
		snapshot = w.snapshot.info.ID
	}
	err = x.onOpOcc(&vnf.OpOcc{}, p.data.OpID, vnf.StartOperation{Started: vnf.OpStarted{
		FromVnfdID: from, ToVnfdID: to,
		ID: p.data.OpID, VnfID: v.ID, Operation: w.operation, Number: v.Operations, Params: p.params,
		Policy: string(p.policy), Irreversible: !p.data.Reversible, Actor: by.Actor, Automatic: by.Automatic, Planned: p.data.steps(),
		Snapshot: snapshot,
	}})
	if err != nil {
		return err
	}
	return s.runtime.Begin(x.l, x.c, saga.New{
		ID: p.data.OpID, Type: p.data.sagaType(), DefVersion: s.runtime.Newest(p.data.sagaType()), Key: v.ID, Policy: p.policy, Data: p.raw,
		Actor: by.Actor, Cause: by.ID, Traceparent: by.Traceparent,
	})
}

// sagaType is the type of the saga that carries the plan out.
func (d *planData) sagaType() string {
	if d.Beside || d.Snapshot != nil && d.Snapshot.Parts {
		return sagaPlanBeside
	}
	return sagaPlan
}

// carriesPlan says whether a saga carries out the plan of an operation.
func carriesPlan(in *saga.Instance) bool { return in.Type == sagaPlan || in.Type == sagaPlanBeside }

// decideOp makes one commit about an operation of a VNF, with the answer to the request in it, and returns the operation
// as it is then.
func (s *Service) decideOp(
	ctx context.Context, vnfID, opID string, by request.Info, load func() eventstore.Load, decide func(x *change) error, shared ...string,
) (*vnf.OpOcc, error) {
	var op *vnf.OpOcc
	err := s.do(ctx, &eventstore.Work{
		Keys: []string{vnfID}, Shared: shared, Load: load,
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}}
			if err := decide(x); err != nil {
				return nil, err
			}
			var err error
			if op, err = x.opOcc(opID); err != nil {
				return nil, err
			}
			x.c.Idempotency = by.Idempotency(op)
			return x.c, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return op, nil
}

func itoa(i int) string { return strconv.Itoa(i) }

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
