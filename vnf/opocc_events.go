package vnf

import (
	"encoding/json"
	"slices"
	"time"
)

// OpStarted is the first event of an operation occurrence: what was asked, by whom, and how failures are handled.
type OpStarted struct {
	ID           string          `json:"id"`
	VnfID        string          `json:"vnfInstanceId"`
	Operation    Operation       `json:"operation"`
	Number       int64           `json:"number"`
	Automatic    bool            `json:"isAutomaticInvocation,omitempty"`
	Params       json.RawMessage `json:"operationParams,omitempty"`
	Policy       string          `json:"policy"`
	Irreversible bool            `json:"irreversible,omitempty"`
	Actor        string          `json:"actor,omitempty"`
	Planned      []PlannedStep   `json:"planned,omitempty"`
	Snapshot     string          `json:"vnfSnapshotInfoId,omitempty"` // that it takes, or reverts to
	// FromVnfdID and ToVnfdID are the VNFDs of a change of package.
	FromVnfdID string `json:"fromVnfdId,omitempty"`
	ToVnfdID   string `json:"toVnfdId,omitempty"`
}

// PlannedStep is one entry of what an operation means to do.
type PlannedStep struct {
	Step string `json:"step"` // saga step id
	ID   string `json:"id"`   // planned resource id
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// OpGranted records that the operation may change resources.
type OpGranted struct {
	GrantID  string   `json:"grantId,omitempty"` // "" for a local one of an older program
	Href     string   `json:"href,omitempty"`    // where the orchestrator shows it
	Warnings []string `json:"warnings,omitempty"`
}

// OpRefused records that the operation ended before anything was changed.
type OpRefused struct {
	Error Problem `json:"error"`
}

// OpCompleted records that the operation reached its aim.
type OpCompleted struct{}

// OpFailedTemporarily records that the operation stopped and waits for error handling.
type OpFailedTemporarily struct {
	Error Problem `json:"error"`
}

// OpRetried records that the operation goes on.
type OpRetried struct{}

// OpRollbackBegun records that what was begun is being undone. Policy tells the VNFM's own decision from an operator's.
type OpRollbackBegun struct {
	ByPolicy bool `json:"byPolicy,omitempty"`
}

// OpRolledBack records that no trace is left.
type OpRolledBack struct{}

// OpFailed records that the operation was given up.
type OpFailed struct{}

// OpCancelRequested records that a cancel is pending.
type OpCancelRequested struct {
	Mode string `json:"cancelMode"`
}

// OpProgressed records how far planned resources got.
type OpProgressed struct {
	Items []ProgressMade `json:"items"`
}

// ProgressMade is what became of one entry of the progress. An entry that was not planned brings its kind and name.
type ProgressMade struct {
	Step    string `json:"step"`
	ID      string `json:"id"`
	State   string `json:"state"`
	Attempt int    `json:"attempt,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Name    string `json:"name,omitempty"`
}

// ResourceReserved records that a resource stands at its VIM. What it changed for a reader of the operation is set in
// at most one of the other fields; resources that SOL003 does not show (subnets, server groups) change none.
type ResourceReserved struct {
	ID         string           `json:"id"` // planned resource id
	Generation int              `json:"generation"`
	Kind       string           `json:"kind"`
	Handle     Handle           `json:"resourceHandle"`
	Vnfc       *AffectedVnfc    `json:"affectedVnfc,omitempty"`
	Link       *AffectedLink    `json:"affectedVirtualLink,omitempty"` // for a link port: its link and the port
	ExtPort    *AffectedExtPort `json:"affectedExtLinkPort,omitempty"`
	Storage    *AffectedStorage `json:"affectedVirtualStorage,omitempty"`
	Step       string           `json:"step,omitempty"`          // of the progress; "" in what older programs wrote
	Vnfcs      []AffectedVnfc   `json:"affectedVnfcs,omitempty"` // those of a container unit
}

// ResourceChanged records that a resource was changed where it stands: it has the spec of this revision now.
type ResourceChanged struct {
	ID       string           `json:"id"` // planned resource id
	Revision int              `json:"revision"`
	Kind     string           `json:"kind"`
	Vnfc     *AffectedVnfc    `json:"affectedVnfc,omitempty"`
	Link     *AffectedLink    `json:"affectedVirtualLink,omitempty"`
	ExtPort  *AffectedExtPort `json:"affectedExtLinkPort,omitempty"`
	Storage  *AffectedStorage `json:"affectedVirtualStorage,omitempty"`
	Step     string           `json:"step,omitempty"`          // of the progress; "" in what older programs wrote
	Vnfcs    []AffectedVnfc   `json:"affectedVnfcs,omitempty"` // those of a container unit
}

// ResourceReleased records that a resource of the instance was released, as the operation meant to.
type ResourceReleased struct {
	ID      string           `json:"id"`
	Kind    string           `json:"kind"`
	Vnfc    *AffectedVnfc    `json:"affectedVnfc,omitempty"`
	Link    *AffectedLink    `json:"affectedVirtualLink,omitempty"`
	ExtPort *AffectedExtPort `json:"affectedExtLinkPort,omitempty"`
	Storage *AffectedStorage `json:"affectedVirtualStorage,omitempty"`
	Step    string           `json:"step,omitempty"`          // of the progress; "" in what older programs wrote
	Vnfcs   []AffectedVnfc   `json:"affectedVnfcs,omitempty"` // those of a container unit
}

// ResourceUndone records that what the operation had done to a resource, or may have, was undone. Of a replacement's second
// half, the fields say what the first half means for a reader as long as it is not undone as well.
type ResourceUndone struct {
	ID      string           `json:"id"`
	Step    string           `json:"step,omitempty"` // of the progress; "" in what older programs wrote
	Vnfc    *AffectedVnfc    `json:"affectedVnfc,omitempty"`
	Link    *AffectedLink    `json:"affectedVirtualLink,omitempty"`
	ExtPort *AffectedExtPort `json:"affectedExtLinkPort,omitempty"`
	Storage *AffectedStorage `json:"affectedVirtualStorage,omitempty"`
}

// OpWarned records something an operator should know.
type OpWarned struct {
	Text string `json:"text"`
}

// Replaces reports whether the resource stands in place of an older generation of it.
func (e *ResourceReserved) Replaces() bool {
	return e.Vnfc != nil && e.Vnfc.Change == Modified || e.Link != nil && e.Link.Change == Modified ||
		e.ExtPort != nil && e.ExtPort.Change == Modified || e.Storage != nil && e.Storage.Change == Modified
}

// EventType returns "opocc.started".
func (*OpStarted) EventType() string { return "opocc.started" }

// EventType returns "opocc.granted".
func (*OpGranted) EventType() string { return "opocc.granted" }

// EventType returns "opocc.refused".
func (*OpRefused) EventType() string { return "opocc.refused" }

// EventType returns "opocc.completed".
func (*OpCompleted) EventType() string { return "opocc.completed" }

// EventType returns "opocc.failed-temporarily".
func (*OpFailedTemporarily) EventType() string { return "opocc.failed-temporarily" }

// EventType returns "opocc.retried".
func (*OpRetried) EventType() string { return "opocc.retried" }

// EventType returns "opocc.rollback-begun".
func (*OpRollbackBegun) EventType() string { return "opocc.rollback-begun" }

// EventType returns "opocc.rolled-back".
func (*OpRolledBack) EventType() string { return "opocc.rolled-back" }

// EventType returns "opocc.failed".
func (*OpFailed) EventType() string { return "opocc.failed" }

// EventType returns "opocc.cancel-requested".
func (*OpCancelRequested) EventType() string { return "opocc.cancel-requested" }

// EventType returns "opocc.progressed".
func (*OpProgressed) EventType() string { return "opocc.progressed" }

// EventType returns "opocc.resource-reserved".
func (*ResourceReserved) EventType() string { return "opocc.resource-reserved" }

// EventType returns "opocc.resource-changed".
func (*ResourceChanged) EventType() string { return "opocc.resource-changed" }

// EventType returns "opocc.resource-released".
func (*ResourceReleased) EventType() string { return "opocc.resource-released" }

// EventType returns "opocc.resource-undone".
func (*ResourceUndone) EventType() string { return "opocc.resource-undone" }

// EventType returns "opocc.warned".
func (*OpWarned) EventType() string { return "opocc.warned" }

func (*OpStarted) opEvent()           {}
func (*OpGranted) opEvent()           {}
func (*OpRefused) opEvent()           {}
func (*OpCompleted) opEvent()         {}
func (*OpFailedTemporarily) opEvent() {}
func (*OpRetried) opEvent()           {}
func (*OpRollbackBegun) opEvent()     {}
func (*OpRolledBack) opEvent()        {}
func (*OpFailed) opEvent()            {}
func (*OpCancelRequested) opEvent()   {}
func (*OpProgressed) opEvent()        {}
func (*ResourceReserved) opEvent()    {}
func (*ResourceChanged) opEvent()     {}
func (*ResourceReleased) opEvent()    {}
func (*ResourceUndone) opEvent()      {}
func (*OpWarned) opEvent()            {}
func (*OpCoordinated) opEvent()       {}

// EventType returns "opocc.coordinated".
func (*OpCoordinated) EventType() string { return "opocc.coordinated" }

// Milestone reports whether the view of an operation is written with an event: one that changes its state, or what is asked of
// it. What it did to each resource in between is read from its stream.
func Milestone(event OpEvent) bool {
	switch event.(type) {
	case *OpProgressed, *ResourceReserved, *ResourceChanged, *ResourceReleased, *ResourceUndone:
		return false
	}
	return true
}

// Apply folds one event, with the time it was stored at. It never changes what the state before shares with it.
func (o *OpOcc) Apply(event OpEvent, at time.Time) {
	o.Version++
	o.Updated = at
	switch e := event.(type) {
	case *OpStarted:
		o.start(e, at)
	case *OpGranted:
		o.GrantID, o.GrantHref = e.GrantID, e.Href
		o.Warnings = append(slices.Clip(o.Warnings), e.Warnings...)
		o.enter(Processing, at)
	case *OpRefused:
		o.Error = &e.Error
		o.enter(RolledBack, at)
	case *OpCompleted:
		o.Error = nil
		o.enter(Completed, at)
	case *OpFailedTemporarily:
		o.Error = &e.Error
		o.enter(FailedTemp, at)
	case *OpRetried:
		o.enter(Processing, at)
	case *OpRollbackBegun:
		o.UndoBegun = true
		o.enter(RollingBack, at)
	case *OpRolledBack:
		o.enter(RolledBack, at)
	case *OpFailed:
		o.enter(Failed, at)
	case *OpCancelRequested:
		o.CancelPending, o.CancelMode = true, e.Mode
	case *OpProgressed:
		for _, p := range e.Items {
			o.Progress = o.Progress.made(p, at)
		}
	case *ResourceReserved:
		o.pods(e.Vnfcs)
		if e.Replaces() { // its release is no change of its own any more
			o.Changes = o.Changes.without(e.ID)
		}
		o.affect(e.Vnfc, e.Link, e.ExtPort, e.Storage)
		o.step(e.Step, e.ID, ProgressDone, at)
	case *ResourceChanged:
		o.pods(e.Vnfcs)
		o.affect(e.Vnfc, e.Link, e.ExtPort, e.Storage)
		o.step(e.Step, e.ID, ProgressDone, at)
	case *ResourceReleased:
		o.pods(e.Vnfcs)
		o.affect(e.Vnfc, e.Link, e.ExtPort, e.Storage)
		o.step(e.Step, e.ID, ProgressDone, at)
	case *ResourceUndone:
		o.Changes = o.Changes.without(e.ID).with(e.Vnfc, e.Link, e.ExtPort, e.Storage)
		o.step(e.Step, e.ID, ProgressUndone, at)
	case *OpConnectivityChanged:
		o.ExtLinks = e.ExtLinks
	case *OpInfoChanged:
		o.ChangedInfo = &e.Changed
	case *OpWarned:
		o.Warnings = append(slices.Clip(o.Warnings), e.Text)
	case *OpCoordinated:
		o.coordinated(e)
	}
}

func (o *OpOcc) start(e *OpStarted, at time.Time) {
	o.ID, o.VnfID, o.Operation, o.Number = e.ID, e.VnfID, e.Operation, e.Number
	o.Automatic, o.Params, o.Policy, o.Actor = e.Automatic, e.Params, e.Policy, e.Actor
	o.Irreversible, o.Snapshot, o.FromVnfdID, o.ToVnfdID = e.Irreversible, e.Snapshot, e.FromVnfdID, e.ToVnfdID
	o.Started = at
	planned := make([]Progress, len(e.Planned))
	for i, p := range e.Planned {
		planned[i] = Progress{Step: p.Step, ID: p.ID, Kind: p.Kind, Name: p.Name, State: ProgressPending}
	}
	o.Progress = ProgressOf(planned...)
	state := Starting
	if e.Operation == OpModifyInfo { // needs no grant (SOL003 v3.7.1 §5.4.2.3.3)
		state = Processing
	}
	o.enter(state, at)
}

func (o *OpOcc) enter(s OpState, at time.Time) {
	o.State, o.StateEntered = s, at
	if s.Final() {
		o.Ended = at
	}
	// A pending cancel has bitten, or came too late. Only the grant's arrival leaves it pending.
	if s != Processing {
		o.CancelPending, o.CancelMode = false, ""
	}
}

// affect takes down what a change means for a reader. A resource that was replaced is MODIFIED, and not REMOVED any more.
func (o *OpOcc) affect(vnfc *AffectedVnfc, link *AffectedLink, port *AffectedExtPort, storage *AffectedStorage) {
	c := &o.Changes
	if vnfc != nil && vnfc.Change == Modified {
		c.Vnfcs = c.Vnfcs.Without(func(x *AffectedVnfc) bool { return x.ID == vnfc.ID && x.Change == Removed })
	}
	if port != nil && port.Change == Modified {
		c.ExtPorts = c.ExtPorts.Without(func(x *AffectedExtPort) bool { return x.ID == port.ID && x.Change == Removed })
	}
	if storage != nil && storage.Change == Modified {
		c.Storages = c.Storages.Without(func(x *AffectedStorage) bool { return x.ID == storage.ID && x.Change == Removed })
	}
	if link != nil && link.Change == Modified && len(link.PortIDs) == 0 {
		c.Links = c.Links.Without(func(x *AffectedLink) bool { return x.ID == link.ID && x.Change == Removed })
	}
	o.Changes = c.with(vnfc, link, port, storage)
}

// pods takes down what a change of a container unit means for its VNFCs.
func (o *OpOcc) pods(vnfcs []AffectedVnfc) {
	for i := range vnfcs {
		o.affect(&vnfcs[i], nil, nil, nil)
	}
}

// step ends an entry of the progress: the one of that step and resource, or, where the step is not said, the first of the
// resource.
func (o *OpOcc) step(step, id, state string, at time.Time) {
	i := o.Progress.Find(step, id)
	if i < 0 {
		return
	}
	x := o.Progress.At(i)
	o.Progress = o.Progress.made(ProgressMade{Step: x.Step, ID: id, State: state, Attempt: max(x.Attempt, 1)}, at)
}
