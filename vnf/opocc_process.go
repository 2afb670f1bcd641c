package vnf

import (
	"github.com/vnfm/vnfm"
)

// OpCommand is a wish addressed to an operation occurrence; see the types that have this method.
type OpCommand interface{ opCommand() }

// StartOperation asks for a new operation occurrence.
type StartOperation struct{ Started OpStarted }

// Advance moves the occurrence to a state. It records every move on the way there: a failure that policy answers with a
// rollback at once is both. Error is why, for the states that have one; Grant is what STARTING waited for.
type Advance struct {
	To       OpState
	Error    Problem
	Grant    OpGranted
	ByPolicy bool // a rollback on the way is the VNFM's own decision
}

// HandleError checks whether an error-handling task is possible; only a cancel is an event of its own.
type HandleError struct {
	Task Trigger
	Mode string // of a cancel
}

// Record takes down what happened to a resource or to the information about the VNF, or a warning: ResourceReserved,
// ResourceReleased, ResourceUndone, OpInfoChanged, OpWarned.
type Record struct{ Event OpEvent }

// ReportProgress takes down how far entries got. Entries that say what is known already are dropped.
type ReportProgress struct{ Items []ProgressMade }

func (StartOperation) opCommand() {}
func (Advance) opCommand()        {}
func (HandleError) opCommand()    {}
func (Record) opCommand()         {}
func (ReportProgress) opCommand() {}

// Process answers a command with the events it brings about. It returns NotFound for an occurrence that does not exist
// and for the rollback of an irreversible one, Conflict when the state does not allow the command.
func (o *OpOcc) Process(command OpCommand) ([]OpEvent, error) {
	if c, ok := command.(StartOperation); ok {
		if o.Version > 0 {
			return nil, vnfm.Errorf(vnfm.Conflict, "the operation occurrence %s exists", o.ID)
		}
		return []OpEvent{&c.Started}, nil
	}
	if o.Version == 0 {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no such operation occurrence")
	}
	switch c := command.(type) {
	case Advance:
		return o.advance(c)
	case HandleError:
		return o.handleError(c)
	case Record:
		return []OpEvent{c.Event}, nil
	case ReportProgress:
		return o.report(c), nil
	}
	return nil, vnfm.Errorf(vnfm.Internal, "unknown operation command %T", command)
}

func (o *OpOcc) advance(c Advance) ([]OpEvent, error) {
	path, err := Path(o.State, c.To)
	if err != nil {
		return nil, vnfm.Errorf(vnfm.Conflict, "operation occurrence %s: %w", o.ID, err)
	}
	events := make([]OpEvent, 0, len(path))
	for _, on := range path {
		if err := o.allowed(on); err != nil {
			return nil, err
		}
		events = append(events, c.event(on))
	}
	return events, nil
}

// event is the fact a trigger becomes.
func (c Advance) event(on Trigger) OpEvent {
	switch on {
	case TriggerGranted:
		return &c.Grant
	case TriggerRefused:
		return &OpRefused{Error: c.Error}
	case TriggerDone:
		return &OpCompleted{}
	case TriggerRetry:
		return &OpRetried{}
	case TriggerRollback:
		return &OpRollbackBegun{ByPolicy: c.ByPolicy}
	case TriggerUndone:
		return &OpRolledBack{}
	case TriggerFail:
		return &OpFailed{}
	case TriggerFailed, TriggerStuck, TriggerCancel: // a cancel is on no path
	}
	return &OpFailedTemporarily{Error: c.Error}
}

// allowed checks the rules beside the table.
func (o *OpOcc) allowed(on Trigger) error {
	switch {
	case on == TriggerRollback && o.Irreversible:
		return vnfm.Errorf(vnfm.NotFound, "a %s cannot be rolled back", o.Operation)
	case on == TriggerRetry && o.UndoBegun:
		return vnfm.Errorf(vnfm.Conflict, "retry is not possible: undoing has begun, only rollback and fail are")
	}
	return nil
}

func (o *OpOcc) handleError(c HandleError) ([]OpEvent, error) {
	if err := o.allowed(c.Task); err != nil && vnfm.KindOf(err) == vnfm.NotFound {
		return nil, err // not supported at all, in whatever state
	}
	if _, err := Next(o.State, c.Task); err != nil {
		return nil, err
	}
	if err := o.allowed(c.Task); err != nil {
		return nil, err
	}
	if c.Task != TriggerCancel {
		return nil, nil
	}
	if c.Mode != "GRACEFUL" && c.Mode != "FORCEFUL" {
		return nil, vnfm.Errorf(vnfm.Invalid, "cancelMode is GRACEFUL or FORCEFUL, not %q", c.Mode).At("/cancelMode")
	}
	if o.CancelMode == c.Mode {
		return nil, nil
	}
	return []OpEvent{&OpCancelRequested{Mode: c.Mode}}, nil
}

func (o *OpOcc) report(c ReportProgress) []OpEvent {
	var made []ProgressMade
	for _, p := range c.Items {
		if i := o.Progress.Find(p.Step, p.ID); i >= 0 {
			x := o.Progress.At(i)
			if x.State == p.State && x.Reason == p.Reason && (p.Attempt == 0 || x.Attempt == p.Attempt) {
				continue
			}
			p.Kind, p.Name = "", ""
		}
		made = append(made, p)
	}
	if len(made) == 0 {
		return nil
	}
	return []OpEvent{&OpProgressed{Items: made}}
}
