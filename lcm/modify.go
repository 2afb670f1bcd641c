package lcm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/tell"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// sagaModify is the type of the saga of MODIFY_INFO.
const sagaModify = "modify"

// modifyData is the data of the saga: what lands. Credentials are not in it.
type modifyData struct {
	Modified vnf.InstanceModified `json:"modified"`
	// Configure is what the VNF is told before that; Changed is what the operation says of it when it lands. nil: it lands at once.
	Configure *configuration.Configure `json:"configure,omitempty"`
	Changed   *vnf.ChangedInfo         `json:"changed,omitempty"`
}

// Modify implements API.
func (s *Service) Modify(ctx context.Context, vnfID string, r Modify, by request.Info) (*vnf.OpOcc, error) {
	var err error
	for range 3 { // a package that changed meanwhile is looked at again
		var op *vnf.OpOcc
		if op, err = s.modify(ctx, vnfID, r, by); !errors.Is(err, eventstore.ErrVersion) {
			return op, err
		}
	}
	return nil, vnfm.Wrap(vnfm.Conflict, err, "the package or the VNF instance is being changed: send the request again")
}

func (s *Service) modify(ctx context.Context, vnfID string, r Modify, by request.Info) (*vnf.OpOcc, error) {
	if err := s.room(); err != nil {
		return nil, err
	}
	seen, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	pkg, err := s.newPackage(ctx, seen, r.VnfdID)
	if err != nil {
		return nil, err
	}
	if err := s.removable(ctx, seen, r.Connections); err != nil {
		return nil, err
	}
	own, err := s.own(ctx, vnfID, r.Connections)
	if err != nil {
		return nil, err
	}
	d, err := s.cfg.Packages.Descriptor(ctx, seen.DescriptorDigest)
	if err != nil {
		return nil, err
	}
	endpoint, err := s.toldBy(ctx, seen, &r)
	if err != nil {
		return nil, err
	}
	var uses []string
	if pkg != nil {
		uses = []string{pkg.ref.ID}
	}
	opID := s.cfg.NewID()
	load := func() eventstore.Load { return s.load(opID, vnfID).Merge(own.load()).Merge(s.loadSecrets(vnfID)) }
	return s.decideOp(ctx, vnfID, opID, by, load, func(x *change) error {
		x.meta = by.Metadata("lcm.modify", opID)
		v, err := x.instance(vnfID)
		if err != nil {
			return err
		}
		if v.DescriptorDigest != seen.DescriptorDigest {
			return vnfm.Errorf(vnfm.Conflict, "the VNF instance changed its package meanwhile: send the request again")
		}
		return s.beginModify(x, v, opID, d, &r, pkg, own, endpoint, by)
	}, uses...)
}

// toldBy is who tells a running VNF that its properties were modified; nil: nobody, or they were not.
func (s *Service) toldBy(ctx context.Context, v *vnf.Instance, r *Modify) (*configuration.Endpoint, error) {
	if v.Info == nil || len(r.Configurable)+len(r.Vnfcs) == 0 || s.cfg.Management == nil {
		return nil, nil //nolint:nilnil // said above
	}
	return s.cfg.Management.Endpoint(ctx, v, configuration.InterfaceConfiguration, "", "")
}

// newPackage is a package that an instance is to be of.
type newPackage struct {
	ref        PackageRef
	descriptor *vnfd.Descriptor
	containers // of which a VNF is made there
}

// newPackage finds the package of a vnfdId, nil when the instance is of it or none is asked for. Its VNFD may differ from the
// instance's in its software images only (SOL003 v3.7.1 §5.5.2.12). Returns Unprocessable at /vnfdId otherwise.
func (s *Service) newPackage(ctx context.Context, v *vnf.Instance, vnfdID *string) (*newPackage, error) {
	if vnfdID == nil || *vnfdID == v.VnfdID {
		return nil, nil //nolint:nilnil // said above
	}
	ref, err := s.cfg.Packages.Enabled(ctx, *vnfdID)
	if err != nil {
		return nil, enabledError(err, *vnfdID)
	}
	was, err := s.cfg.Packages.Descriptor(ctx, v.DescriptorDigest)
	if err != nil {
		return nil, err
	}
	d, err := s.cfg.Packages.Descriptor(ctx, ref.Digest)
	if err != nil {
		return nil, err
	}
	if at := vnfd.Beyond(was, d); at != "" {
		return nil, vnfm.Errorf(vnfm.Unprocessable,
			"the VNFD %q differs from %q in more than its software images (%s): a modification may not lead to it", *vnfdID, v.VnfdID, at).At("/vnfdId")
	}
	return &newPackage{ref: ref, descriptor: d}, nil
}

// removable refuses to remove a connection that resources are at and that nothing would be left of.
func (s *Service) removable(ctx context.Context, v *vnf.Instance, patches map[string]json.RawMessage) error {
	for _, id := range slices.Sorted(maps.Keys(patches)) {
		if !mergepatch.Null(patches[id]) || !used(v, id) {
			continue
		}
		switch _, err := s.cfg.Connections.Connection(ctx, "", id); {
		case vnfm.KindOf(err) == vnfm.NotFound:
			return vnfm.Errorf(vnfm.Conflict, "the VNF instance has resources at the VIM connection %q, which is not registered: register it first", id).At(pointerTo(id))
		case err != nil:
			return err
		}
	}
	return nil
}

// beginModify adds the operation to the commit, and, unless the VNF is told of it first, with its saga also its end.
func (s *Service) beginModify(
	x *change, v *vnf.Instance, opID string, d *vnfd.Descriptor, r *Modify, pkg *newPackage, own *owning, endpoint *configuration.Endpoint, by request.Info,
) error {
	if err := by.Check(v.Version); err != nil {
		return err
	}
	begin := vnf.BeginOperation{OpID: opID, Operation: vnf.OpModifyInfo}
	if pkg != nil {
		begin.Package = pkg.ref.ID
	}
	if err := x.onInstance(v, v.ID, begin); err != nil {
		return err
	}
	k, err := x.secrets(v.ID)
	if err != nil {
		return err
	}
	plain, err := k.opened(v)
	if err != nil {
		return err
	}
	landed := vnf.InstanceModified{
		OpID: opID, Name: r.Name, Description: r.Description, Metadata: r.Metadata,
		Configurable: given(r.Configurable, v.Configurable), Extensions: given(r.Extensions, v.Extensions),
	}
	if pkg != nil {
		d = pkg.descriptor
		use := vnf.UseOf(pkg.ref.ID, pkg.ref.Digest, d)
		landed.Package = &use
		if pkg.ref.Stream != "" {
			x.c.Expect = append(x.c.Expect, eventstore.StreamVersion{Stream: pkg.ref.Stream, Version: pkg.ref.Version})
		}
	}
	landed.Vnfcs = r.Vnfcs
	if err := plain.Modifiable(d, &landed, s.cfg.Settings.Take); err != nil {
		return err
	}
	// From here on everything is kept or sent.
	landed.Configurable, landed.Extensions = k.properties(landed.Configurable, d.Configurable), k.properties(landed.Extensions, d.Extensions)
	k.keep(x, all(landed.Configurable), all(landed.Extensions))
	k.vnfcs(x, v, &landed, r.Vnfcs)
	params := shown(r.Params, map[string]any{
		"vnfConfigurableProperties": k.properties(r.Configurable, d.Configurable), "extensions": k.properties(r.Extensions, d.Extensions),
		"vnfcInfoModifications": vnfcModifications(landed.Vnfcs),
	})
	changed := vnf.ChangedInfo{
		Name: landed.Name, Description: landed.Description, Package: landed.Package,
		Configurable: landed.Configurable, Extensions: landed.Extensions, Metadata: landed.Metadata, Vnfcs: landed.Vnfcs,
	}
	connections, err := x.own(own, v, opID)
	if err != nil {
		return err
	}
	if connections != nil {
		changed.Connections = connections.Connections
	}
	of := modifyData{Modified: landed}
	if endpoint != nil {
		if of.Configure, err = telling(v, opID, landed, endpoint); err != nil {
			return err
		}
		of.Changed = &changed
	}
	data, err := json.Marshal(of)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode the data of operation %s", opID)
	}
	err = x.onOpOcc(&vnf.OpOcc{}, opID, vnf.StartOperation{Started: vnf.OpStarted{
		ID: opID, VnfID: v.ID, Operation: vnf.OpModifyInfo, Number: v.Operations, Params: params, Policy: string(saga.Hold), Actor: by.Actor,
		Automatic: by.Automatic, Irreversible: of.Configure != nil,
	}})
	if err != nil {
		return err
	}
	o, err := x.opOcc(opID)
	if err != nil {
		return err
	}
	version := 1
	if of.Configure != nil {
		version = 2
	} else if err := x.onOpOcc(o, opID, vnf.Record{Event: &vnf.OpInfoChanged{Changed: changed}}); err != nil {
		return err
	}
	for _, text := range vnf.Beyond(d, r.Extensions, r.Configurable) {
		if err := x.onOpOcc(o, opID, vnf.Record{Event: &vnf.OpWarned{Text: text}}); err != nil {
			return err
		}
	}
	return s.runtime.Begin(x.l, x.c, saga.New{
		ID: opID, Type: sagaModify, DefVersion: version, Key: v.ID, Policy: saga.Hold, Data: data,
		Actor: by.Actor, Cause: by.ID, Traceparent: by.Traceparent,
	})
}

// vnfcs seals what is secret among the properties that VNFCs are given, and has them land.
func (k *secrets) vnfcs(x *change, v *vnf.Instance, landed *vnf.InstanceModified, patches map[string]map[string]json.RawMessage) {
	if len(patches) == 0 {
		return
	}
	landed.Vnfcs = map[string]map[string]json.RawMessage{}
	for _, id := range slices.Sorted(maps.Keys(patches)) {
		var there map[string]json.RawMessage
		if i := slices.IndexFunc(v.Info.Vnfcs, func(c vnf.Vnfc) bool { return c.ID == id }); i >= 0 {
			there = v.Info.Vnfcs[i].Configurable
		}
		landed.Vnfcs[id] = k.properties(given(patches[id], there), nil)
		k.keep(x, all(landed.Vnfcs[id]))
	}
}

// vnfcModifications are patches of VNFCs as a request has them.
func vnfcModifications(patches map[string]map[string]json.RawMessage) []map[string]any {
	out := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(patches)) {
		out = append(out, map[string]any{"id": id, "vnfcConfigurableProperties": patches[id]})
	}
	return out
}

// telling is what a VNF is told before a modification lands.
func telling(v *vnf.Instance, opID string, landed vnf.InstanceModified, endpoint *configuration.Endpoint) (*configuration.Configure, error) {
	after, number := *v, v.Operations
	after.Apply(&landed, v.Updated)
	properties := map[string]map[string]json.RawMessage{}
	for _, c := range after.Info.Vnfcs {
		if landed.Vnfcs[c.ID] != nil {
			properties[c.ID] = c.Configurable
		}
	}
	setup := tell.Setup{
		Vnf: &after, OpID: opID, Operation: vnf.OpModifyInfo, Number: number, Name: nameOf(&after), Properties: after.Configurable,
		Own: []string{tell.Param, paramAll, paramVictims, paramBatch, paramBeside},
	}
	return setup.Modified(properties, *endpoint)
}

// modifyV2 is the saga of a modification that the VNF is told of: it lands once the VNF has taken it. What fails is tried again, or given up:
// then nothing lands.
func (s *Service) modifyV2() *saga.Definition {
	return &saga.Definition{Type: sagaModify, Version: 2, Deadline: s.cfg.Settings.Deadline, Stages: []saga.Stage{{ID: stepConfigure, Steps: []saga.Step{{
		ID: stepConfigure, Topic: message.TopicVnfCommands, Do: configuration.TypeConfigure,
		Timeout: s.cfg.Settings.StepTimeout, Retry: s.retry(),
		Items: func(in *saga.Instance) ([]saga.Item, error) { return []saga.Item{{ID: configurationID(in.ID)}}, nil },
		DataFor: func(in *saga.Instance, _ *saga.ItemRun) (json.RawMessage, error) {
			d, err := saga.Data[modifyData](in)
			if err != nil {
				return nil, err
			}
			return vim.Encode(d.Configure), nil
		},
	}}}}}
}

// modifyV1 is the saga: one stage without a command. It needs no grant, changes nothing outside the records, and so is
// complete in the commit that begins it: the operation passes PROCESSING and is COMPLETED, or it was never accepted. Nothing of it
// can fail later, hang or be cancelled.
func (s *Service) modifyV1() *saga.Definition {
	return &saga.Definition{Type: sagaModify, Version: 1, Deadline: s.cfg.Settings.Deadline, Stages: []saga.Stage{{ID: "apply"}}}
}

// modifyOp is what MODIFY_INFO makes of the only turn of its saga.
type modifyOp struct{ before }

func (modifyOp) warnings(*saga.Instance) []string { return nil }

func (modifyOp) done(*saga.Instance, *saga.ItemRun, *vnf.Instance) ([]vnf.OpCommand, error) {
	return nil, nil
}

func (modifyOp) landed(in *saga.Instance, _ *vnf.Instance) (vnf.InstanceCommand, error) {
	d, err := saga.Data[modifyData](in)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteModify{Landed: d.Modified}, nil
}

// told is what the operation has changed, once the VNF knows it.
func (modifyOp) told(in *saga.Instance, _ *vnf.Instance, state vnf.OpState) ([]vnf.OpCommand, error) {
	d, err := saga.Data[modifyData](in)
	if err != nil || d.Changed == nil || state != vnf.Completed {
		return nil, err
	}
	return []vnf.OpCommand{vnf.Record{Event: &vnf.OpInfoChanged{Changed: *d.Changed}}}, nil
}

// failed leaves the instance as it is: what was to land does not.
func (modifyOp) failed(in *saga.Instance, _ *vnf.Instance) (vnf.OperationFailed, error) {
	return vnf.OperationFailed{OpID: in.ID}, nil
}

func (modifyOp) rolledBack(*saga.Instance, *vnf.Instance) (left, changed []vnf.Resource, err error) {
	return nil, nil, nil
}
