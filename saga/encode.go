package saga

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/message"
)

// A saga is written with every turn and read seldom, so what is stored of it is made short: times are microseconds, what is as
// usual is left out, and what can be derived as well (the ids of commands). The encoding is JSON, of the fields of storedSaga,
// storedItem and storedSending; they say how it is read.

type storedSaga struct {
	CorrelationID string       `json:"correlation"`
	Policy        Policy       `json:"policy"`
	Stage         int          `json:"stage"`
	Items         []storedItem `json:"items"`
	Planned       int          `json:"planned"`
	Form          int          `json:"form"`
	Seq           int          `json:"seq"`
	Cause         *Failure     `json:"cause"`
	CancelMode    string       `json:"cancel"`
	Undone        bool         `json:"undo"`
	Tokens        int64        `json:"tokens"`
	Traceparent   string       `json:"traceparent"`
	Started       int64        `json:"started"`
	Deadline      int64        `json:"deadline"`
	DeadlineTimer int64        `json:"timer"`
	Wake          int64        `json:"wake"`
	Cleanups      []string     `json:"cleanups"`
}

type storedItem struct {
	No         int             `json:"no"`
	Step       string          `json:"step"`
	Item       string          `json:"item"`
	Group      string          `json:"group"`
	Stage      int             `json:"stage"`
	State      ItemState       `json:"state"`
	Generation int             `json:"gen"` // absent: 1
	Attempt    int             `json:"do"`
	Budget     int             `json:"budget"`
	Undo       int             `json:"undo"`
	UndoBudget int             `json:"undoBudget"`
	EverSent   bool            `json:"sent"`
	Data       json.RawMessage `json:"data"`
	Result     json.RawMessage `json:"result"`
	UndoResult json.RawMessage `json:"undoResult"`
	Cause      *Failure        `json:"cause"`
	Due        int64           `json:"due"`
	Waiting    bool            `json:"waiting"`
	Asked      bool            `json:"asked"`
	Timer      int64           `json:"timer"`
	Open       []storedSending `json:"open"`
	Log        []storedSending `json:"log"`
	Late       int             `json:"late"`
	Released   bool            `json:"released"`
}

type storedSending struct {
	Undo       bool            `json:"undo"`
	Attempt    int             `json:"n"`
	Generation int             `json:"gen"` // absent: 1
	Seq        int             `json:"seq"`
	Sent       int64           `json:"at"`
	Cause      string          `json:"cause"`
	State      string          `json:"state"`
	Replied    int64           `json:"replied"`
	Class      message.Class   `json:"class"`
	Reason     string          `json:"reason"`
	Result     json.RawMessage `json:"result"`
}

// object appends the fields of a JSON object that are not zero.
type object struct{ b []byte }

func (o *object) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) int(name string, n int64) {
	if n != 0 {
		o.key(name)
		o.b = strconv.AppendInt(o.b, n, 10)
	}
}

func (o *object) time(name string, t time.Time) {
	if !t.IsZero() {
		o.int(name, t.UnixMicro())
	}
}

func (o *object) bool(name string, is bool) {
	if is {
		o.key(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) string(name, s string) {
	if s == "" {
		return
	}
	o.key(name)
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // never fails
			o.b = append(o.b, quoted...)
			return
		}
	}
	o.b = append(append(append(o.b, '"'), s...), '"')
}

func (o *object) raw(name string, m json.RawMessage) {
	if len(m) > 0 {
		o.key(name)
		o.b = append(o.b, m...)
	}
}

func (o *object) failure(name string, f *Failure) {
	if f == nil {
		return
	}
	o.key(name)
	o.b = append(o.b, '{')
	o.string("step", f.Step)
	o.string("item", f.Item)
	o.string("class", string(f.Class))
	o.string("reason", f.Reason)
	o.b = append(o.b, '}')
}

// encodeSaga encodes all of a saga that changes, its items with it or not. What is a column of its row is left out.
func (in *Instance) encodeSaga(items bool) []byte {
	o := object{append(make([]byte, 0, 1024), '{')}
	o.int("form", int64(in.Form)) // first, so that Decode sees it
	if in.CorrelationID != in.ID {
		o.string("correlation", in.CorrelationID)
	}
	o.string("policy", string(in.Policy))
	o.int("stage", int64(in.Stage))
	o.int("planned", int64(in.Planned))
	o.int("seq", int64(in.Seq))
	o.failure("cause", in.Cause)
	o.string("cancel", in.CancelMode)
	o.bool("undo", in.Undone)
	o.int("tokens", in.Tokens)
	o.string("traceparent", in.Traceparent)
	o.time("started", in.Started)
	o.time("deadline", in.Deadline)
	o.int("timer", in.DeadlineTimer)
	o.time("wake", in.Wake)
	if len(in.Cleanups) > 0 {
		ids, _ := json.Marshal(in.Cleanups) // never fails
		o.raw("cleanups", ids)
	}
	if items && len(in.Items) > 0 {
		o.key("items")
		o.b = append(o.b, '[')
		for i, r := range in.Items {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			r.encode(&o)
		}
		o.b = append(o.b, ']')
	}
	return append(o.b, '}')
}

func (r *ItemRun) encode(o *object) {
	o.b = append(o.b, '{')
	o.int("no", int64(r.No))
	o.string("step", r.Step)
	o.string("item", r.Item)
	o.string("group", r.Group)
	o.int("stage", int64(r.Stage))
	o.string("state", string(r.State))
	o.int("gen", unlessOne(r.Generation))
	o.int("do", int64(r.Attempt))
	o.int("budget", int64(r.Budget))
	o.int("undo", int64(r.Undo))
	o.int("undoBudget", int64(r.UndoBudget))
	o.bool("sent", r.EverSent)
	o.raw("data", r.Data)
	o.raw("result", r.Result)
	o.raw("undoResult", r.UndoResult)
	o.failure("cause", r.Cause)
	o.time("due", r.Due)
	o.bool("waiting", r.Waiting)
	o.bool("asked", r.Asked)
	o.int("timer", r.Timer)
	o.sendings("open", r.Open)
	o.sendings("log", r.Log)
	o.int("late", int64(r.Late))
	o.bool("released", r.Released)
	o.b = append(o.b, '}')
}

func (o *object) sendings(name string, all []Sending) {
	if len(all) == 0 {
		return
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		s := &all[i]
		o.b = append(o.b, '{')
		o.bool("undo", s.Undo)
		o.int("n", int64(s.Attempt))
		o.int("gen", unlessOne(s.Generation))
		o.int("seq", int64(s.Seq))
		o.time("at", s.Sent)
		o.string("cause", s.Cause)
		o.string("state", s.State)
		o.time("replied", s.Replied)
		o.string("class", string(s.Class))
		o.string("reason", s.Reason)
		o.raw("result", s.Result)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

func unlessOne(n int) int64 {
	if n == 1 {
		return 0
	}
	return int64(n)
}

func orOne(n int) int {
	if n == 0 {
		return 1
	}
	return n
}

func timeOf(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

// decodeSaga is the other way round. The id is not among the data.
func decodeSaga(id string, data []byte, in *Instance) error {
	var s storedSaga
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	in.CorrelationID, in.Policy, in.Stage, in.Planned, in.Form, in.Seq = s.CorrelationID, s.Policy, s.Stage, s.Planned, s.Form, s.Seq
	in.Cause, in.CancelMode, in.Undone, in.Tokens, in.Traceparent = s.Cause, s.CancelMode, s.Undone, s.Tokens, s.Traceparent
	in.Started, in.Deadline, in.DeadlineTimer, in.Wake = timeOf(s.Started), timeOf(s.Deadline), s.DeadlineTimer, timeOf(s.Wake)
	in.Cleanups = s.Cleanups
	if in.CorrelationID == "" {
		in.CorrelationID = id
	}
	for i := range s.Items {
		in.Items = append(in.Items, s.Items[i].run(id))
	}
	return nil
}

func decodeItem(saga string, data []byte) (*ItemRun, error) {
	var i storedItem
	if err := json.Unmarshal(data, &i); err != nil {
		return nil, err
	}
	return i.run(saga), nil
}

func (i *storedItem) run(saga string) *ItemRun {
	r := &ItemRun{
		No: i.No, Step: i.Step, Item: i.Item, Group: i.Group, Stage: i.Stage, State: i.State, Generation: orOne(i.Generation),
		Attempt: i.Attempt, Budget: i.Budget, Undo: i.Undo, UndoBudget: i.UndoBudget, EverSent: i.EverSent, Data: i.Data,
		Result: i.Result, UndoResult: i.UndoResult, Cause: i.Cause, Due: timeOf(i.Due), Waiting: i.Waiting, Asked: i.Asked,
		Timer: i.Timer, Late: i.Late, Released: i.Released, result: &memo{}, undone: &memo{},
	}
	r.Open, r.Log = sendings(saga, r, i.Open), sendings(saga, r, i.Log)
	switch { // nothing is done any more once undoing has begun
	case r.Undo > 0:
		r.Command = CommandID(saga, r.Step, r.Item, DirectionUndo, r.Undo)
	case r.Attempt > 0:
		r.Command = CommandID(saga, r.Step, r.Item, DirectionDo, r.Attempt)
	}
	return r
}

func sendings(saga string, r *ItemRun, stored []storedSending) []Sending {
	if len(stored) == 0 {
		return nil
	}
	out := make([]Sending, len(stored))
	for i, s := range stored {
		direction := DirectionDo
		if s.Undo {
			direction = DirectionUndo
		}
		out[i] = Sending{
			Command: CommandID(saga, r.Step, r.Item, direction, s.Attempt), Undo: s.Undo, Attempt: s.Attempt,
			Generation: orOne(s.Generation), Seq: s.Seq, Sent: timeOf(s.Sent), Cause: s.Cause, State: s.State,
			Replied: timeOf(s.Replied), Class: s.Class, Reason: s.Reason, Result: s.Result,
		}
	}
	return out
}
