package vnf

import (
	"maps"
	"time"
)

// The states of an entry of the progress.
const (
	ProgressPending = "PENDING"
	ProgressRunning = "RUNNING" // sent, or waiting to be tried again
	ProgressDone    = "DONE"
	ProgressFailed  = "FAILED"  // nothing stands of it
	ProgressUnknown = "UNKNOWN" // something may stand of it
	ProgressSkipped = "SKIPPED"
	ProgressUndoing = "UNDOING"
	ProgressUndone  = "UNDONE"
	ProgressStuck   = "STUCK" // its undo failed for good
)

// Progress is how far one planned resource got, for people who watch.
type Progress struct {
	Step    string    `json:"step"` // saga step id
	ID      string    `json:"id"`   // planned resource id
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	State   string    `json:"state"` // one of the Progress… values
	Attempt int       `json:"attempt"`
	Began   time.Time `json:"began,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Reason  string    `json:"reason,omitempty"`
}

// ProgressList is the progress of an operation: an entry for each step and resource, in order of planning.
type ProgressList struct {
	List[Progress]
	places map[[2]string]int // by step and resource; shared by lists with the same entries, and never changed
}

// ProgressOf returns the progress with the entries given.
func ProgressOf(entries ...Progress) ProgressList {
	p := ProgressList{List: ListOf(entries...), places: make(map[[2]string]int, len(entries))}
	for i, x := range p.All() {
		p.places[[2]string{x.Step, x.ID}] = i
	}
	return p
}

// UnmarshalJSON decodes an array.
func (p *ProgressList) UnmarshalJSON(b []byte) error {
	var l List[Progress]
	if err := l.UnmarshalJSON(b); err != nil {
		return err
	}
	*p = ProgressOf(l.Slice()...)
	return nil
}

// Find returns the place of the entry of a step and resource, -1 when there is none. Where the step is not said, it is the
// first of the resource.
func (p ProgressList) Find(step, id string) int {
	if i, ok := p.places[[2]string{step, id}]; ok {
		return i
	}
	if step != "" {
		return -1
	}
	return p.Index(func(x *Progress) bool { return x.ID == id })
}

// made returns the progress with what became of one entry, which is added when it is not there.
func (p ProgressList) made(m ProgressMade, at time.Time) ProgressList {
	i := p.Find(m.Step, m.ID)
	x := Progress{Step: m.Step, ID: m.ID, Kind: m.Kind, Name: m.Name}
	if i >= 0 {
		x = *p.At(i)
	} else {
		i = p.Len()
		p.places = maps.Clone(p.places)
		if p.places == nil {
			p.places = map[[2]string]int{}
		}
		p.places[[2]string{m.Step, m.ID}] = i
	}
	x.State, x.Reason = m.State, m.Reason
	if m.Attempt > 0 {
		x.Attempt = m.Attempt
	}
	switch m.State {
	case ProgressRunning, ProgressUndoing:
		if x.Began.IsZero() {
			x.Began = at
		}
		x.Ended = time.Time{}
	case ProgressPending:
	default:
		x.Ended = at
	}
	p.List = p.With(i, x)
	return p
}
