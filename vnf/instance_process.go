package vnf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnfd"
)

// InstanceCommand is a wish addressed to an instance; see the types that have this method.
type InstanceCommand interface{ instanceCommand() }

// CreateInstance asks for an instance of a descriptor. Metadata overrides initial values the descriptor declares.
type CreateInstance struct {
	ID, Name, Description string
	PackageID, Digest     string
	Descriptor            *vnfd.Descriptor
	Metadata              map[string]json.RawMessage
}

// DeleteInstance asks for the end of an instance.
type DeleteInstance struct{}

// BeginOperation asks to hold the instance for an operation occurrence. Extensions and Configurable are what the request
// sets, as Laid has it; together with the instance's own they must have every required property, and fit the descriptor.
type BeginOperation struct {
	OpID                     string
	Package                  string // that the instance is to be of; "": it stays what it is of
	Operation                Operation
	Descriptor               *vnfd.Descriptor
	Extensions, Configurable map[string]json.RawMessage
	Take                     Extensible
}

// CompleteInstantiate lands an instantiation.
type CompleteInstantiate struct{ Landed InstanceInstantiated }

// CompleteTerminate lands a termination.
type CompleteTerminate struct {
	OpID     string
	Released []string // planned resource ids
}

// CompleteOperate lands a start or a stop.
type CompleteOperate struct{ Landed InstanceOperated }

// CompleteScale lands an operation that added or removed VNFCs.
type CompleteScale struct{ Landed InstanceScaled }

// CompleteHeal lands a healing.
type CompleteHeal struct{ Landed InstanceHealed }

// RollBackOperation frees the instance from an operation that left no trace but in how often resources were changed.
type RollBackOperation struct {
	OpID    string
	Changed []Resource
}

// FailOperation frees the instance from an operation that was given up.
type FailOperation struct{ Failed OperationFailed }

// ReportLeftovers adds resources that a saga could not release.
type ReportLeftovers struct {
	Saga      string
	Leftovers []Resource
}

// BeginCleanup asks for the release of the leftovers by a saga.
type BeginCleanup struct{ Saga string }

// EndCleanup ends one: what was released.
type EndCleanup struct {
	Saga     string
	Released []Resource
}

func (CreateInstance) instanceCommand()      {}
func (DeleteInstance) instanceCommand()      {}
func (BeginOperation) instanceCommand()      {}
func (CompleteInstantiate) instanceCommand() {}
func (CompleteTerminate) instanceCommand()   {}
func (CompleteOperate) instanceCommand()     {}
func (CompleteScale) instanceCommand()       {}
func (CompleteHeal) instanceCommand()        {}
func (RollBackOperation) instanceCommand()   {}
func (FailOperation) instanceCommand()       {}
func (ReportLeftovers) instanceCommand()     {}
func (BeginCleanup) instanceCommand()        {}
func (EndCleanup) instanceCommand()          {}

// Process answers a command with the events it brings about. It returns NotFound for an instance that does not exist
// (any more), Conflict when its state does not allow the command, Unprocessable with the attribute for values that do
// not fit the descriptor.
func (v *Instance) Process(command InstanceCommand) ([]InstanceEvent, error) {
	if c, ok := command.(CreateInstance); ok {
		return v.create(c)
	}
	if v.ID == "" || v.Deleted {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no such VNF instance")
	}
	switch c := command.(type) {
	case DeleteInstance:
		if err := v.deletable(); err != nil {
			return nil, err
		}
		return []InstanceEvent{&InstanceDeleted{}}, nil
	case BeginOperation:
		return v.begin(c)
	case CompleteInstantiate:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteModify:
		return v.land(c.Landed.OpID, &c.Landed)
	case ChangeConnections:
		return []InstanceEvent{&c.Changed}, nil
	case CompleteTerminate:
		return v.land(c.OpID, &InstanceTerminated{OpID: c.OpID, Released: c.Released})
	case CompleteOperate:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteScale:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteHeal:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteConnect:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteFlavour:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompletePackage:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteSnapshot:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteRevert:
		return v.land(c.Landed.OpID, &c.Landed)
	case CompleteVnfcsRevert:
		return v.land(c.Landed.OpID, &c.Landed)
	case DiscardSnapshot:
		return v.discard(c)
	case RollBackOperation:
		return v.land(c.OpID, &OperationRolledBack{OpID: c.OpID, Changed: c.Changed})
	case FailOperation:
		return v.land(c.Failed.OpID, &c.Failed)
	case ReportLeftovers:
		return v.report(c), nil
	case BeginCleanup:
		return v.beginCleanup(c)
	case EndCleanup:
		return v.endCleanup(c), nil
	case NoteDrift:
		return v.noteDrift(c), nil
	}
	return nil, vnfm.Errorf(vnfm.Internal, "unknown instance command %T", command)
}

func (v *Instance) create(c CreateInstance) ([]InstanceEvent, error) {
	if v.Version > 0 {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF instance %s exists", c.ID)
	}
	d := c.Descriptor
	if err := checkValues("/metadata", d.Metadata, c.Metadata); err != nil {
		return nil, err
	}
	return []InstanceEvent{&InstanceCreated{
		ID: c.ID, Name: c.Name, Description: c.Description, PackageID: c.PackageID, DescriptorDigest: c.Digest,
		VnfdID: d.ID, VnfdVersion: d.Version, Provider: d.Provider, ProductName: d.ProductName, SoftwareVersion: d.SoftwareVersion,
		Configurable: initial(d.Configurable), Extensions: initial(d.Extensions),
		Metadata: merged(initial(d.Metadata), c.Metadata),
	}}, nil
}

// deletable says why the instance cannot be deleted, nil when it can (SOL003 v3.7.1 §5.4.3.3.5).
func (v *Instance) deletable() error {
	if err := v.free(); err != nil {
		return err
	}
	if v.State != NotInstantiated {
		return vnfm.Errorf(vnfm.Conflict, "the VNF instance is %s: terminate it first", v.State)
	}
	if len(v.Snapshots) > 0 {
		return vnfm.Errorf(vnfm.Conflict, "the VNF instance has snapshots, which nobody could use without it: delete %s first", v.snapshotted())
	}
	if len(v.Leftovers) > 0 {
		return vnfm.Errorf(vnfm.Conflict, "a failed operation left %s: release what is left by POST /vnfm/v1/vnf_instances/%s/cleanup first",
			describe(v.Leftovers), v.ID)
	}
	return nil
}

// Uncleaned reports whether nothing but what failed operations left keeps the instance from being deleted.
func (v *Instance) Uncleaned() bool {
	return v.Version > 0 && !v.Deleted && v.Operation == "" && v.State == NotInstantiated && len(v.Snapshots) == 0 && len(v.Leftovers) > 0
}

// free is the rule that joins the two aggregates: one unfinished operation per VNF.
func (v *Instance) free() error {
	if v.Operation != "" {
		return vnfm.Errorf(vnfm.Conflict, "the operation occurrence %s is not finished: wait for its end, or retry, roll back or fail it when it is FAILED_TEMP", v.Operation)
	}
	return nil
}

// need is the instantiation state an operation needs; operations that are not named can begin in both.
//
//nolint:gochecknoglobals // data
var need = map[Operation]InstantiationState{
	OpInstantiate: NotInstantiated, OpScale: Instantiated, OpScaleToLevel: Instantiated, OpChangeFlavour: Instantiated,
	OpTerminate: Instantiated, OpHeal: Instantiated, OpOperate: Instantiated, OpChangeExtConn: Instantiated,
	OpCreateSnapshot: Instantiated, OpRevertToSnapshot: Instantiated, OpChangeVnfPkg: Instantiated,
}

func (v *Instance) begin(c BeginOperation) ([]InstanceEvent, error) {
	if want, ok := need[c.Operation]; ok && v.State != want {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF instance is %s: only one that is %s can begin %s", v.State, want, c.Operation)
	}
	if err := v.free(); err != nil {
		return nil, err
	}
	if d := c.Descriptor; d != nil {
		if err := checkDeclared(atExtensions, d.Extensions, present(c.Extensions), c.Take); err != nil {
			return nil, err
		}
		if err := checkDeclared(atConfigurable, d.Configurable, present(c.Configurable), c.Take); err != nil {
			return nil, err
		}
		// SOL003 v3.7.1 §5.4.4.3.1: 409 when a required child is unset.
		missing := append(unset("extensions", d.Extensions, v.Extensions, c.Extensions),
			unset("vnfConfigurableProperties", d.Configurable, v.Configurable, c.Configurable)...)
		if len(missing) > 0 {
			return nil, vnfm.Errorf(vnfm.Conflict, "required by the VNFD and not set: %s; send them, or set them by PATCH first", strings.Join(missing, ", "))
		}
	}
	return []InstanceEvent{&OperationBegun{OpID: c.OpID, Operation: c.Operation, Number: v.Operations + 1, Package: c.Package}}, nil
}

// land ends the operation that holds the instance. An operation that does not hold it has nothing to end.
func (v *Instance) land(op string, e InstanceEvent) ([]InstanceEvent, error) {
	if v.Operation != op {
		return nil, vnfm.Errorf(vnfm.Conflict, "the operation occurrence %s does not hold the VNF instance", op)
	}
	return []InstanceEvent{e}, nil
}

func (v *Instance) beginCleanup(c BeginCleanup) ([]InstanceEvent, error) {
	if err := v.free(); err != nil {
		return nil, err
	}
	if v.Cleanup != "" {
		return nil, vnfm.Errorf(vnfm.Conflict, "the saga %s is cleaning up: wait for its end", v.Cleanup)
	}
	if len(v.Leftovers) == 0 {
		return nil, vnfm.Errorf(vnfm.Conflict, "nothing is left to clean up")
	}
	return []InstanceEvent{&CleanupBegun{Saga: c.Saga}}, nil
}

// endCleanup takes note of leftovers that are gone. Of a cleanup that released nothing the instance lists, there is
// nothing to note.
func (v *Instance) endCleanup(c EndCleanup) []InstanceEvent {
	e := &CleanupEnded{Saga: c.Saga}
	for _, l := range v.Leftovers {
		if slices.ContainsFunc(c.Released, func(r Resource) bool { return r.ID == l.ID && r.Generation >= l.Generation }) {
			e.Released = append(e.Released, l.ID)
		}
	}
	if v.Cleanup != c.Saga && len(e.Released) == 0 {
		return nil
	}
	return []InstanceEvent{e}
}

// report takes note of leftovers the instance does not list yet.
func (v *Instance) report(c ReportLeftovers) []InstanceEvent {
	e := &LeftoversFound{Saga: c.Saga}
	for _, l := range c.Leftovers {
		if !slices.ContainsFunc(v.Leftovers, func(r Resource) bool { return r.ID == l.ID && r.Generation >= l.Generation }) {
			e.Leftovers = append(e.Leftovers, l)
		}
	}
	if len(e.Leftovers) == 0 {
		return nil
	}
	return []InstanceEvent{e}
}

// describe names resources for people: "1 compute (VDU1, id …), …".
func describe(rs []Resource) string {
	parts := make([]string, 0, len(rs))
	for _, r := range rs {
		s := fmt.Sprintf("%s %s", r.Kind, r.ID)
		if r.Template != "" {
			s = fmt.Sprintf("%s %s (%s)", r.Kind, r.ID, r.Template)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}
