package configurator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
)

// coordinationPrefix begins the ids of rows of coordinations.
const coordinationPrefix = "coordination:"

// maxRejections is how many refusals of one coordination are kept: the first.
const maxRejections = 50

// coordinating is the document of a coordination's row.
type coordinating struct {
	Request  configuration.Coordinate `json:"request"`
	Commands []message.Message        `json:"commands"` // without their data
	Waiting  []string                 `json:"waiting,omitempty"`
	Intent   string                   `json:"intent,omitempty"` // id of the call that may be under way
	By       time.Time                `json:"by,omitzero"`      // when it is given up; set by the first call
	Tries    int                      `json:"tries,omitempty"`  // calls in a row that said nothing new
	// Known is what was told of it. Its ID is set once the endpoint has said that it has begun.
	Known configuration.Coordination `json:"known,omitzero"`
	// CalledOff: nobody waits for it any more. AskedToEnd: the endpoint was told so.
	CalledOff  bool           `json:"calledOff,omitempty"`
	AskedToEnd bool           `json:"askedToEnd,omitempty"`
	Last       string         `json:"last,omitempty"` // what was in the way last
	Told       time.Time      `json:"told,omitzero"`  // when it was told last that it goes on
	Reply      *message.Reply `json:"reply,omitempty"`
}

func coordinationRef(token string) eventstore.RecordRef { return refOf(coordinationPrefix + token) }

// coordinationRefs are the rows that a command about a coordination needs.
func coordinationRefs(m message.Message) []eventstore.RecordRef {
	var c configuration.CallOff
	if json.Unmarshal(m.Data, &c) != nil || c.Token == "" {
		return nil
	}
	return []eventstore.RecordRef{coordinationRef(c.Token), fenceRef(c.VnfID)}
}

// takeCoordination lets a command change its coordination's row.
func takeCoordination(b *ledger.Book, m message.Message) error {
	var c configuration.Coordinate // a call-off is a part of it
	if err := json.Unmarshal(m.Data, &c); err != nil || c.Token == "" {
		answer(b, m, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "the command cannot be read, or has no token"})
		return nil //nolint:nilerr // it is answered
	}
	r, err := ledger.Get[coordinating](b, coordinationRef(c.Token))
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	if m.Type == configuration.TypeCallOff {
		if r != nil && r.State != Done && !r.Doc.CalledOff {
			r.Doc.CalledOff, r.Doc.Tries = true, 0
			if r.Touch(); r.State == Open {
				r.Move(Open, b.Now)
			}
		}
		return nil
	}
	if r != nil && again(b, m, r.Doc.Commands, r.Doc.Waiting, r.Doc.Reply) {
		return nil
	}
	older, err := fenced(b, m.Key, c.VnfID, c.Fence)
	switch {
	case err != nil:
		return err
	case older != nil:
		answer(b, m, *older)
		return nil
	case r == nil:
		r = ledger.Add[coordinating](b, coordinationRef(c.Token), m.Key, c.VnfID)
	}
	d := &r.Doc
	m.Data = nil
	d.Commands = append(d.Commands, m)
	r.Touch()
	switch {
	case r.State == Done && d.Reply.Outcome == message.Succeeded:
		answer(b, m, *d.Reply)
	case r.State == Calling || r.State == Open: // it waits for what is under way
		d.Waiting = append(d.Waiting, m.ID)
	default: // anew: the one before ended otherwise
		d.Request, d.Waiting = c, []string{m.ID}
		d.Reply, d.By, d.Tries, d.CalledOff, d.AskedToEnd, d.Last = nil, time.Time{}, 0, false, false, ""
		d.Known = configuration.Coordination{Action: c.Action, Endpoint: c.Endpoint.Type}
		r.Move(Open, b.Now)
	}
	return nil
}

// asking is one call about a coordination, and what came of it.
type asking struct {
	doc    coordinating // as the call's intent was committed
	ends   bool         // the call asks to end it
	got    configuration.CoordinationAnswer
	failed error
}

// coordinate says what is due about the row of a coordination.
func (cfg Config) coordinate(rec eventstore.Record) (*ledger.Step, error) {
	read, err := ledger.Decode[coordinating](rec)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	token := read.Doc.Request.Token
	x := &asking{}
	var deadline time.Time
	return &ledger.Step{
		Load:    []eventstore.RecordRef{coordinationRef(token), fenceRef(read.Doc.Request.VnfID)},
		Timeout: cfg.Attempt, Deadline: func() time.Time { return deadline },
		Begin: func(b *ledger.Book) (bool, error) {
			r, err := ledger.Get[coordinating](b, coordinationRef(token))
			if err != nil || r == nil || r.Version != rec.Version { // somebody was first
				return false, err //nolint:wrapcheck // says what it was about
			}
			f, err := ledger.Get[fence](b, fenceRef(r.Doc.Request.VnfID))
			if err != nil {
				return false, err //nolint:wrapcheck // says what it was about
			}
			if f != nil && r.Doc.Request.Fence < f.Doc.Highest && !r.Doc.CalledOff { // nobody waits for it any more
				r.Doc.CalledOff = true
			}
			if !cfg.toBeCalled(b, r) {
				return false, nil
			}
			deadline = b.Now.Add(cfg.Attempt)
			r.Doc.Intent = rec.ID + "/" + strconv.FormatInt(rec.Version, 10)
			x.doc, x.ends = r.Doc, r.Doc.CalledOff && !r.Doc.AskedToEnd
			r.Move(Calling, deadline)
			return true, nil
		},
		Call: func(ctx context.Context) error {
			x.got, x.failed = cfg.ask(cfg.Context(ctx, x.doc.Commands[len(x.doc.Commands)-1].Traceparent), x)
			return x.failed
		},
		End: func(b *ledger.Book) error {
			r, err := ledger.Get[coordinating](b, coordinationRef(token))
			if err != nil || r == nil || r.State != Calling || r.Doc.Intent != x.doc.Intent {
				return err //nolint:wrapcheck // it was called again meanwhile
			}
			r.Doc.Intent = ""
			return cfg.heard(b, r, x)
		},
	}, nil
}

// toBeCalled reports whether the endpoint is to be called about a row that is due. One that nobody waits for and that was not begun
// ends without; so does one whose time is over, once the endpoint was asked to end it.
func (cfg Config) toBeCalled(b *ledger.Book, r *ledger.Row[coordinating]) bool {
	d := &r.Doc
	if d.By.IsZero() {
		d.By = b.Now.Add(cfg.Coordination)
	}
	over := !b.Now.Before(d.By)
	switch {
	case cfg.Coordinator == nil:
		cfg.ended(b, r, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "this site coordinates with nobody"})
	case d.Known.ID == "" && d.CalledOff && r.State != Calling:
		cfg.ended(b, r, message.Reply{Outcome: message.Cancelled, Reason: fmt.Sprintf("the coordination %s was called off before it had begun", d.Request.Action)})
	case over && (d.Known.ID == "" || d.AskedToEnd):
		reason := fmt.Sprintf("the coordination %s has not ended within %s (coordination-timeout)", d.Request.Action, cfg.Coordination)
		if d.Last != "" {
			reason += ": " + d.Last
		}
		cfg.ended(b, r, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: reason})
	default:
		if over {
			d.CalledOff = true
		}
		return true
	}
	return false
}

// ask calls the endpoint: to begin, to end, or to hear how it goes. What is sealed in the input is opened here and nowhere else, and is
// not in what is kept of the answer.
func (cfg Config) ask(ctx context.Context, x *asking) (configuration.CoordinationAnswer, error) {
	c := x.doc.Request
	secrets, err := cfg.open(ctx, c.VnfID, &c.Input)
	if err != nil {
		return configuration.CoordinationAnswer{}, err
	}
	var got configuration.CoordinationAnswer
	switch id := x.doc.Known.ID; {
	case id == "":
		got, err = cfg.Coordinator.Begin(ctx, c)
	case x.ends:
		err = cfg.Coordinator.CallOff(ctx, c, id)
	default:
		got, err = cfg.Coordinator.Look(ctx, c, id)
	}
	got.Warnings, got.Problem, got.Rejected = secret.Scrub(got.Warnings, secrets), secret.Scrub(got.Problem, secrets), secret.Scrub(got.Rejected, secrets)
	if err != nil {
		class, hint := failureOf(err)
		err = &configuration.Error{Class: class, Hint: secret.Scrub(hint, secrets)}
	}
	return got, err
}

// heard goes on with a coordination by what the endpoint said.
func (cfg Config) heard(b *ledger.Book, r *ledger.Row[coordinating], x *asking) error {
	d := &r.Doc
	began := d.Known.ID == "" && x.got.ID != ""
	if began {
		d.Known.ID, d.Known.Started = x.got.ID, b.Now
	}
	var e *configuration.Error
	switch {
	case errors.As(x.failed, &e):
		if !passes(e.Class) && (d.Known.ID == "" || e.Class == message.NotFound || !x.ends) {
			cfg.ended(b, r, message.Reply{Outcome: message.Failed, Class: e.Class, Reason: fmt.Sprintf("the coordination %s failed: %s", d.Request.Action, e.Hint)})
			return nil
		}
		if d.Last = e.Hint; x.ends && (!passes(e.Class) || !b.Now.Before(d.By)) { // it does not let itself be called off
			d.AskedToEnd = true
		}
	case d.Known.ID != "" && x.doc.Known.ID != "" && x.ends:
		d.AskedToEnd, d.Tries, d.Last = true, 0, ""
		r.Move(Open, b.Now)
		return nil
	case x.got.Result != "":
		d.Known.Result, d.Known.Ended, d.Known.Delay, d.Known.Warnings = x.got.Result, b.Now, time.Time{}, x.got.Warnings
		cfg.ended(b, r, outcomeOf(d, &x.got))
		return nil
	case x.got.Rejected != "":
		d.Last = x.got.Rejected
		if len(d.Known.Rejections) < maxRejections {
			d.Known.Rejections = append(d.Known.Rejections, configuration.Rejection{At: b.Now, Delay: b.Now.Add(cfg.pace(d.Tries, x.got.After))})
		}
	default:
		d.Last = ""
	}
	next := b.Now.Add(cfg.pace(d.Tries, x.got.After))
	if d.Known.ID != "" {
		if d.Known.Delay = (time.Time{}); x.got.After > 0 {
			d.Known.Delay = next
		}
	}
	d.Tries++
	if began {
		d.Tries = 0
	}
	if next.After(d.By) {
		next = d.By
	}
	if d.CalledOff { // which came while the call was under way
		next = b.Now.Add(cfg.PollFirst)
	}
	r.Move(Open, next)
	if began || x.got.Rejected != "" || x.got.After > 0 && !b.Now.Before(d.Told.Add(seldom)) {
		d.Told = b.Now
		return tell(b, d)
	}
	return nil
}

// seldom is how often it is told, at most, that a coordination goes on.
const seldom = time.Minute

// passes reports whether a failure may pass when the endpoint is asked again.
func passes(c message.Class) bool {
	return c == message.Unavailable || c == message.UnknownOutcome || c == message.Transient
}

// outcomeOf is the reply to a coordination that has ended.
func outcomeOf(d *coordinating, got *configuration.CoordinationAnswer) message.Reply {
	reason := fmt.Sprintf("the coordination %s ended %s", d.Request.Action, got.Result)
	if got.Problem != "" {
		reason += ": " + got.Problem
	}
	switch got.Result {
	case configuration.Continue:
		return message.Reply{Outcome: message.Succeeded}
	case configuration.Cancelled:
		return message.Reply{Outcome: message.Cancelled, Reason: reason}
	default:
		return message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: reason}
	}
}

// tell says what is known of a coordination to whoever waits for it.
func tell(b *ledger.Book, d *coordinating) error {
	known, err := json.Marshal(d.Known)
	if err != nil {
		return vnfm.Wrap(vnfm.Internal, err, "encode what is known of the coordination %s", d.Request.Token)
	}
	for _, m := range d.Commands {
		if m.ReplyTo != "" && slices.Contains(d.Waiting, m.ID) {
			b.Commit.Outbox = append(b.Commit.Outbox, message.NewProgress(m, Source, b.Now, known))
		}
	}
	return nil
}

// ended answers whoever waits for a coordination.
func (cfg Config) ended(b *ledger.Book, r *ledger.Row[coordinating], reply message.Reply) {
	if known, err := json.Marshal(r.Doc.Known); err == nil { // times and texts
		reply.Result = known
	}
	for _, m := range r.Doc.Commands {
		if slices.Contains(r.Doc.Waiting, m.ID) {
			answer(b, m, reply)
		}
	}
	r.Doc.Waiting, r.Doc.Reply = nil, &reply
	r.Move(Done, ledger.Until(b.Now, cfg.Retention))
}
