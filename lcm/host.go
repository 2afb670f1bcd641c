package lcm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/tell"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// operation is what one LCM operation makes of the turns of its saga.
type operation interface {
	// warnings are known from the plan.
	warnings(in *saga.Instance) []string
	// done records what an item that is done changed, undone that it was undone.
	done(in *saga.Instance, run *saga.ItemRun, v *vnf.Instance) ([]vnf.OpCommand, error)
	undone(in *saga.Instance, run *saga.ItemRun, v *vnf.Instance) ([]vnf.OpCommand, error)
	// progress is how far the items of a turn got; passed names entries that will not be done after all, once there is a grant.
	progress(in *saga.Instance, runs []*saga.ItemRun) []vnf.ProgressMade
	passed(in *saga.Instance) []vnf.ProgressMade
	// told is what readers of the operation are told when it ends, beside what became of each resource.
	told(in *saga.Instance, v *vnf.Instance, state vnf.OpState) ([]vnf.OpCommand, error)
	// landed is what a completed operation makes of the instance.
	landed(in *saga.Instance, v *vnf.Instance) (vnf.InstanceCommand, error)
	// failed is what an operation that was given up leaves of the instance.
	failed(in *saga.Instance, v *vnf.Instance) (vnf.OperationFailed, error)
	// rolledBack is what a rollback left behind on purpose, and resources of the instance that it put back in another form.
	rolledBack(in *saga.Instance, v *vnf.Instance) (left, changed []vnf.Resource, err error)
}

// host gives the sagas their meaning.
type host struct{ *Service }

var _ saga.Host = host{}

// Load implements saga.Host: the streams of the instance, of the operation occurrence, and of the snapshot that the operation may take. A cleanup saga has no
// operation occurrence of its own; its stream does not exist.
func (s host) Load(sagaID, key string) eventstore.Load { return s.load(sagaID, key) }

func (s *Service) load(sagaID, key string) eventstore.Load {
	return s.cfg.Instances.Load(key).Merge(s.cfg.OpOccs.Load(sagaID)).Merge(s.cfg.Snapshots.Taken.Load(sagaID))
}

// Turn implements saga.Host: it makes events of what an input did to a saga. An operation and its saga move in one
// commit. A saga that has ended moves no operation: late successes are released by cleanup sagas.
func (s host) Turn(l *eventstore.Loaded, t *saga.Turn, c *eventstore.Commit) error {
	in := t.Instance
	x := &change{s: s.Service, l: l, c: c, meta: eventstore.Metadata{
		CorrelationID: in.CorrelationID, CausationID: t.Cause, Command: "saga." + in.Type, Actor: t.Actor, Traceparent: in.Traceparent,
	}}
	op, ok := s.ops[in.Type]
	if !ok {
		return s.cleanupTurn(x, t)
	}
	if t.From.Final() {
		return nil
	}
	o, err := x.opOcc(in.ID)
	if err != nil {
		return err
	}
	v, err := x.instance(in.Key)
	if err != nil {
		return err
	}
	target := opState(in.State, in.Stage > 0 || in.Type == sagaModify) // which asks for no grant
	to := vnf.Advance{To: target, Error: problem(o, in), ByPolicy: t.From != saga.Held && t.From != saga.Stuck}
	if o.State == vnf.Starting {
		to.Grant = s.granted(op, in)
		if m := withdrawal(in, t.Now); m != nil {
			c.Outbox = append(c.Outbox, *m)
		}
	}
	commands := forward(o.State, to)
	records, err := s.records(op, t, v, o)
	if err != nil {
		return err
	}
	commands = append(commands, records...)
	c.Outbox = append(c.Outbox, followUps(t)...)
	if err := x.onOpOcc(o, in.ID, commands...); err != nil {
		return err
	}
	made := op.progress(in, t.Items)
	if slices.ContainsFunc(t.Notes, func(n saga.Note) bool { return n.Kind == saga.NoteItemDone && n.Step == stepGrant }) {
		made = append(made, op.passed(in)...)
	}
	told, err := op.told(in, v, target)
	if err != nil {
		return err
	}
	if err := x.onOpOcc(o, in.ID, append(append([]vnf.OpCommand{vnf.ReportProgress{Items: made}}, told...), to)...); err != nil {
		return err
	}
	return s.land(x, op, o, v, in)
}

// forward makes the moves that come before what the turn did: it was done in the state they lead to.
func forward(from vnf.OpState, to vnf.Advance) []vnf.OpCommand {
	first := to
	switch {
	case from == vnf.Starting && to.To != vnf.Starting && to.To != vnf.RolledBack:
		first.To = vnf.Processing
	case from == vnf.FailedTemp && (to.To == vnf.Processing || to.To == vnf.Completed):
		first.To = vnf.Processing
	case from == vnf.FailedTemp && (to.To == vnf.RollingBack || to.To == vnf.RolledBack):
		first.To = vnf.RollingBack
	default:
		return nil
	}
	return []vnf.OpCommand{first}
}

// granted is what the grant says, once there is one.
func (s *Service) granted(op operation, in *saga.Instance) vnf.OpGranted {
	g, err := grantOf(in)
	if err != nil || g == nil {
		return vnf.OpGranted{} // one that cannot be read is refused by the stage after it
	}
	return vnf.OpGranted{GrantID: g.ID, Href: g.Href, Warnings: slices.Concat(op.warnings(in), g.Warnings)}
}

// records turns notes into commands.
func (s *Service) records(op operation, t *saga.Turn, v *vnf.Instance, o *vnf.OpOcc) ([]vnf.OpCommand, error) {
	var out []vnf.OpCommand
	for _, n := range t.Notes {
		run := t.Instance.Item(n.Step, n.Item)
		switch n.Kind {
		case saga.NoteItemWorking, saga.NoteItemFailed, saga.NoteItemRetried, saga.NoteItemUnknown:
			heard, err := heard(o, &n)
			if err != nil {
				return nil, err
			}
			out = append(out, heard...)
		case saga.NoteItemDone:
			if n.Step == stepGrant || run == nil {
				continue
			}
			heard, err := heard(o, &n)
			if err != nil {
				return nil, err
			}
			out = append(out, heard...)
			done, err := op.done(t.Instance, run, v)
			if err != nil {
				return nil, err
			}
			out = append(out, done...)
		case saga.NoteItemUndone:
			if run == nil || n.Step == stepGrant {
				continue
			}
			undone, err := op.undone(t.Instance, run, v)
			if err != nil {
				return nil, err
			}
			out = append(out, undone...)
			if n.Failure != nil { // an operator's word
				out = append(out, vnf.Record{Event: &vnf.OpWarned{Text: fmt.Sprintf("%s was marked as done: %s", where(o, n.Step, n.Item), n.Failure.Reason)}})
			}
		case saga.NoteItemSkipped:
			heard, err := heard(o, &n)
			if err != nil {
				return nil, err
			}
			out = append(out, heard...)
			text := fmt.Sprintf("%s: %s was skipped", where(o, n.Step, n.Item), n.Step)
			if n.Failure != nil && n.Failure.Reason != "" {
				text += ": " + n.Failure.Reason
			}
			out = append(out, vnf.Record{Event: &vnf.OpWarned{Text: text}})
		case saga.NoteCancelled:
			out = append(out, vnf.HandleError{Task: vnf.TriggerCancel, Mode: n.Failure.Reason})
		default: // the progress tells
		}
	}
	return out, nil
}

// heard is what an operation occurrence records of a coordination that is told of.
func heard(o *vnf.OpOcc, n *saga.Note) ([]vnf.OpCommand, error) {
	if n.Step != stepCoordinate {
		return nil, nil
	}
	known := n.Result
	if n.Failure != nil {
		known = n.Failure.Result
	}
	return tell.Heard(o, known) //nolint:wrapcheck // has its kind
}

// sagaPlanBeside is the type of the same saga where its data say what programs before it do not know and would carry out wrongly: that new
// machines stand beside the old ones, or that parts of a snapshot are reverted to. Such a program lets it wait for one that knows.
const sagaPlanBeside = "plan-beside"

// followUps are messages that nobody waits for: a coordination that is open when its operation goes forward no more is called off, and
// a VNF that was told of what an operation has undone is told again what it has.
func followUps(t *saga.Turn) []message.Message {
	in := t.Instance
	if !carriesPlan(in) {
		return nil
	}
	d, err := dataOf(in)
	if err != nil {
		return nil // its turn has said so
	}
	follow := func(kind, typ, cause string, data any) message.Message {
		return message.Message{
			ID: message.DeriveID(in.ID, kind), Type: typ, Source: saga.Source, Topic: message.TopicVnfCommands, Key: in.Key, Time: t.Now,
			CorrelationID: in.ID, CausationID: cause, Traceparent: in.Traceparent, Data: vim.Encode(data),
		}
	}
	var out []message.Message
	for i := range d.Coordinations {
		token := d.Coordinations[i].Command.Token
		run := in.Item(stepCoordinate, token)
		if run != nil && run.EverSent && len(run.Open) > 0 && t.From == saga.Running && in.State != saga.Running {
			out = append(out, follow("call-off/"+run.Command, configuration.TypeCallOff, run.Command, configuration.CallOff{VnfID: d.VnfID, Token: token}))
		}
	}
	if run := in.Item(stepConfigure, configurationID(d.OpID)); d.Again != nil && run != nil && run.EverSent && in.State == saga.Compensated && t.From != saga.Compensated {
		again := *d.Again
		out = append(out, follow("configure-again", configuration.TypeConfigure, run.Command, again))
	}
	return out
}

func progressOf(run *saga.ItemRun) string {
	switch run.State {
	case saga.ItemPending:
		if run.EverSent {
			return vnf.ProgressRunning
		}
		return vnf.ProgressPending
	case saga.ItemSent:
		return vnf.ProgressRunning
	case saga.ItemDone:
		return vnf.ProgressDone
	case saga.ItemFailed:
		return vnf.ProgressFailed
	case saga.ItemUnknown:
		if run.Waiting {
			return vnf.ProgressRunning
		}
		return vnf.ProgressUnknown
	case saga.ItemSkipped:
		return vnf.ProgressSkipped
	case saga.ItemUndoing:
		return vnf.ProgressUndoing
	case saga.ItemUndone:
		return vnf.ProgressUndone
	case saga.ItemStuck:
		return vnf.ProgressStuck
	}
	return vnf.ProgressPending
}

// land changes the instance when the operation has ended.
func (s *Service) land(x *change, op operation, o *vnf.OpOcc, v *vnf.Instance, in *saga.Instance) error {
	if !o.State.Final() || v.Operation != in.ID {
		return nil
	}
	var cmd vnf.InstanceCommand
	var err error
	switch o.State {
	case vnf.Completed:
		if err := x.keepSnapshot(o, v, in); err != nil {
			return err
		}
		cmd, err = op.landed(in, v)
	case vnf.Failed:
		var f vnf.OperationFailed
		f, err = op.failed(in, v)
		cmd = vnf.FailOperation{Failed: f}
	default:
		left, changed, err := op.rolledBack(in, v)
		if err != nil {
			return err
		}
		return x.onInstance(v, in.Key, vnf.RollBackOperation{OpID: in.ID, Changed: changed}, vnf.ReportLeftovers{Saga: in.ID, Leftovers: left})
	}
	if err != nil {
		return err
	}
	return x.onInstance(v, in.Key, cmd)
}

// maxDetail is where a problem's detail, in bytes, takes no more of what came on top.
const maxDetail = 2000

// problem says why an operation failed: the first cause, which stays, and behind it what came on top while it was undone.
func problem(o *vnf.OpOcc, in *saga.Instance) vnf.Problem {
	p := cause(o, in)
	if o.UndoBegun && o.Error != nil {
		p = *o.Error
	}
	add := func(text string) {
		if len(p.Detail) < maxDetail && !strings.Contains(p.Detail, text) {
			p.Detail += "; " + text
		}
	}
	for _, run := range in.Items {
		if run.State == saga.ItemStuck && run.Cause != nil {
			add(fmt.Sprintf("undoing %s failed: %s", where(o, run.Step, run.Item), run.Cause.Reason))
		}
	}
	if o.UndoBegun && in.State == saga.Held {
		add("undoing was cancelled")
	}
	return p
}

// cause says why an operation failed in the first place.
func cause(o *vnf.OpOcc, in *saga.Instance) vnf.Problem {
	f := in.Cause
	if f == nil {
		return vnf.Problem{Title: "Failed", Status: 500, Detail: "the operation failed"}
	}
	p := vnf.Problem{Title: "Operation failed", Status: 500, Detail: f.Reason}
	switch f.Class {
	case message.Unavailable:
		p.Status = 503
	case message.UnknownOutcome:
		p.Status = 504
	default:
	}
	switch {
	case f.Step == "" && f.Class == "": // a cancel
		p.Title, p.Status = "Cancelled", 409
	case f.Step == "":
		p.Title = "Deadline passed"
	case in.State == saga.Compensated && o.State == vnf.Starting && f.Class != message.UnknownOutcome && f.Class != message.Unavailable:
		p.Title, p.Status = "Grant rejected", 403
	case f.Step == stepGrant:
		p.Title = "No grant"
	default:
		p.Detail = fmt.Sprintf("%s: %s", where(o, f.Step, f.Item), f.Reason)
	}
	return p
}

// where names an item for people.
func where(o *vnf.OpOcc, step, item string) string {
	for _, p := range o.Progress.All() {
		if p.Step == step && p.ID == resourceOf(item) {
			return fmt.Sprintf("%s %s", p.Kind, p.Name)
		}
	}
	return step
}

// told is the external links that the operation has changed, and what it has changed of the information about the VNF.
func (op planOp) told(in *saga.Instance, v *vnf.Instance, state vnf.OpState) ([]vnf.OpCommand, error) {
	if v.Operation != in.ID || !state.Final() {
		return nil, nil
	}
	d, err := dataOf(in)
	if err != nil {
		return nil, err
	}
	var out []vnf.OpCommand
	if e := d.changedInfo(v, state == vnf.Completed); e != nil {
		out = append(out, vnf.Record{Event: e})
	}
	_, o, err := outcome(in)
	if err != nil {
		return out, nil //nolint:nilerr // without a grant nothing was begun
	}
	var links []vnf.ExtVirtualLink
	switch {
	case d.Operation == vnf.OpInstantiate && state == vnf.Completed:
		links = o.Info().ExtLinks
	case v.Info == nil:
	case d.Operation == vnf.OpChangeExtConn && state == vnf.Completed:
		links = o.Connectivity(v, nil).ExtLinks
	case d.Operation == vnf.OpChangeExtConn && state == vnf.Failed:
		links = connectedSoFar(in, v, d, o).ExtLinks
	case d.Snapshot != nil && d.Snapshot.Vnfc != "": // it has what it had
	case (d.Operation == vnf.OpChangeFlavour || d.Operation == vnf.OpChangeVnfPkg || d.Operation == vnf.OpRevertToSnapshot) && state == vnf.Completed:
		for _, l := range o.Info().ExtLinks {
			if !slices.ContainsFunc(v.Info.ExtLinks, func(was vnf.ExtVirtualLink) bool { return reflect.DeepEqual(was, l) }) {
				links = append(links, l)
			}
		}
	default:
	}
	if len(links) > 0 {
		out = append(out, vnf.Record{Event: &vnf.OpConnectivityChanged{ExtLinks: links}})
	}
	return out, nil
}

// changedInfo is what an operation has changed of the information about its VNF, as that is before it lands; nil: nothing. VIM connections that the request
// brought are the VNF's whatever becomes of the operation; everything else is its own with the landing (SOL003 v3.7.1 §5.5.2.13; of a change of package §5.5.2.12b).
func (d *planData) changedInfo(v *vnf.Instance, landed bool) *vnf.OpInfoChanged {
	c := vnf.ChangedInfo{}
	for _, id := range d.Brought {
		if at, ok := v.Connections[id]; ok {
			if c.Connections == nil {
				c.Connections = map[string]vnf.VimConnection{}
			}
			c.Connections[id] = at
		}
	}
	if landed {
		c.Package, c.Metadata = d.Package, d.Metadata
		c.Extensions, c.Configurable = differing(v.Extensions, d.Extensions), differing(v.Configurable, d.Configurable)
		if d.Snapshot != nil && d.Operation == vnf.OpRevertToSnapshot && v.Info != nil {
			c.Vnfcs = d.Snapshot.restored(v.Info)
		}
	}
	if c.Package == nil && len(c.Connections)+len(c.Extensions)+len(c.Configurable)+len(c.Metadata)+len(c.Vnfcs) == 0 {
		return nil
	}
	return &vnf.OpInfoChanged{Changed: c}
}

// differing are the members of a patch that are not as they are to be.
func differing(have, patch map[string]json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	for name, value := range patch {
		was, there := have[name]
		if there && bytes.Equal(was, value) || !there && mergepatch.Null(value) {
			continue
		}
		if out == nil {
			out = map[string]json.RawMessage{}
		}
		out[name] = value
	}
	return out
}
