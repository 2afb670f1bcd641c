package vnf

import "encoding/json"

// Event is a fact about an instance or an operation occurrence. Its Go type is closed: every event is listed in Events.
type Event interface {
	// EventType returns the wire name, without a version.
	EventType() string
}

// InstanceEvent is an event of the VnfInstance aggregate.
type InstanceEvent interface {
	Event
	instanceEvent()
}

// OpEvent is an event of the VnfLcmOpOcc aggregate.
type OpEvent interface {
	Event
	opEvent()
}

// The streams of the aggregates are named by a prefix and the id.
const (
	InstanceStream = "vnf-"
	OpOccStream    = "opocc-"
)

// EventForm is one type of event in its present form: what a registry needs to decode it.
type EventForm struct {
	Type   string
	Schema int // version of the form; older ones are upcast on read
	New    func() Event
	// Upcasts turn the payload of schema i+1 into that of i+2; there are Schema-1 of them.
	Upcasts []func(json.RawMessage) (json.RawMessage, error)
}

// Events lists every type of event that was ever written, in its present form.
func Events() []EventForm {
	return []EventForm{
		form(func() Event { return new(InstanceCreated) }),
		form(func() Event { return new(InstanceDeleted) }),
		form(func() Event { return new(OperationBegun) }),
		form(func() Event { return new(ConnectionsChanged) }),
		form(func() Event { return new(InstanceInstantiated) }),
		form(func() Event { return new(InstanceModified) }),
		form(func() Event { return new(InstanceTerminated) }),
		form(func() Event { return new(InstanceOperated) }),
		form(func() Event { return new(InstanceScaled) }),
		form(func() Event { return new(InstanceHealed) }),
		form(func() Event { return new(InstanceConnected) }),
		form(func() Event { return new(InstanceFlavourChanged) }),
		form(func() Event { return new(InstancePackageChanged) }),
		form(func() Event { return new(InstanceSnapshotTaken) }),
		form(func() Event { return new(InstanceReverted) }),
		form(func() Event { return new(InstanceVnfcsReverted) }),
		form(func() Event { return new(InstanceSnapshotDiscarded) }),
		form(func() Event { return new(SnapshotInfoCreated) }),
		form(func() Event { return new(SnapshotInfoModified) }),
		form(func() Event { return new(SnapshotInfoDeleted) }),
		form(func() Event { return new(SnapshotTaken) }),
		form(func() Event { return new(SnapshotDiscarded) }),
		form(func() Event { return new(OperationRolledBack) }),
		form(func() Event { return new(OperationFailed) }),
		form(func() Event { return new(LeftoversFound) }),
		form(func() Event { return new(CleanupBegun) }),
		form(func() Event { return new(CleanupEnded) }),
		form(func() Event { return new(InstanceDrifted) }),
		form(func() Event { return new(InstanceDriftEnded) }),
		form(func() Event { return new(InstancePodsObserved) }),
		form(func() Event { return new(OpStarted) }),
		form(func() Event { return new(OpGranted) }),
		form(func() Event { return new(OpRefused) }),
		form(func() Event { return new(OpCompleted) }),
		form(func() Event { return new(OpFailedTemporarily) }),
		form(func() Event { return new(OpRetried) }),
		form(func() Event { return new(OpRollbackBegun) }),
		form(func() Event { return new(OpRolledBack) }),
		form(func() Event { return new(OpFailed) }),
		form(func() Event { return new(OpCancelRequested) }),
		form(func() Event { return new(OpProgressed) }),
		form(func() Event { return new(ResourceReserved) }),
		form(func() Event { return new(ResourceChanged) }),
		form(func() Event { return new(ResourceReleased) }),
		form(func() Event { return new(ResourceUndone) }),
		form(func() Event { return new(OpWarned) }),
		form(func() Event { return new(OpInfoChanged) }),
		form(func() Event { return new(OpCoordinated) }),
		form(func() Event { return new(OpConnectivityChanged) }),
	}
}

func form(n func() Event) EventForm { return EventForm{Type: n().EventType(), Schema: 1, New: n} }
