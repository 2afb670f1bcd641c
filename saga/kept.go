package saga

import (
	"encoding/json"
	"sync"

	"github.com/vnfm/vnfm"
)

// Data returns a saga's data, decoded once for all turns of a saga that a runtime remembers. It is shared: nobody may
// change it. Returns Internal when it cannot be decoded.
func Data[T any](in *Instance) (*T, error) {
	var m *memo
	if in.kept != nil {
		m = &in.kept.data
	}
	d, err := decoded[T](m, in.Data)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode the data of saga %s", in.ID)
	}
	return d, nil
}

// Result returns an item's result, decoded once, nil when it has none. It is shared: nobody may change it. Returns Invalid
// when it cannot be decoded: it is a participant's.
func Result[T any](run *ItemRun) (*T, error) {
	return result[T](run, run.result, run.Result)
}

// UndoResult returns the result of an item's undo, as Result does.
func UndoResult[T any](run *ItemRun) (*T, error) {
	return result[T](run, run.undone, run.UndoResult)
}

func result[T any](run *ItemRun, m *memo, raw json.RawMessage) (*T, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d, err := decoded[T](m, raw)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Invalid, err, "the result of %s %s", run.Step, run.Item)
	}
	return d, nil
}

// memo keeps a decoded value.
type memo struct {
	mu    sync.Mutex
	value any
}

func decoded[T any](m *memo, raw json.RawMessage) (*T, error) {
	if m == nil {
		d := new(T)
		return d, json.Unmarshal(raw, d)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.value.(*T); ok {
		return d, nil
	}
	d := new(T)
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, err
	}
	m.value = d
	return d, nil
}

// kept is what was made of a saga, for all instances that come of each other: it is dropped with them.
type kept struct {
	data memo

	making sync.Mutex // held while stages are made
	stages *compiled

	mu     sync.Mutex // guards what follows
	sent   map[string]sent
	closed bool // sent has the commands that were answered, too
}

// afresh returns what can be kept for an instance whose items others have changed.
func (k *kept) afresh() *kept {
	n := &kept{}
	k.data.mu.Lock()
	n.data.value = k.data.value
	k.data.mu.Unlock()
	k.making.Lock()
	n.stages = k.stages
	k.making.Unlock()
	return n
}

// stagesOf returns the saga's stages, made once.
func (k *kept) stagesOf(d *Definition, in *Instance) *compiled {
	k.making.Lock()
	defer k.making.Unlock()
	if k.stages == nil || k.stages.def != d {
		k.stages = d.compile(in)
	}
	return k.stages
}

// sent says what a command was: an attempt of an item.
type sent struct {
	step, item string
	undo       bool
	attempt    int
}

// command returns the item whose command has an id, as a place among the items, and what the command was; -1 when it is none
// of the saga's. The ids of commands that were answered are derived once, when the first is asked for.
func (k *kept) command(in *Instance, id string) (int, sent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sent == nil {
		k.sent = make(map[string]sent, len(in.Items))
		for _, r := range in.Items {
			for _, s := range r.Open {
				k.sent[s.Command] = sent{r.Step, r.Item, s.Undo, s.Attempt}
			}
		}
	}
	s, ok := k.sent[id]
	if !ok && !k.closed {
		for _, r := range in.Items {
			for n := range r.Attempt {
				k.sent[CommandID(in.ID, r.Step, r.Item, DirectionDo, n+1)] = sent{r.Step, r.Item, false, n + 1}
			}
			for n := range r.Undo {
				k.sent[CommandID(in.ID, r.Step, r.Item, DirectionUndo, n+1)] = sent{r.Step, r.Item, true, n + 1}
			}
		}
		k.closed = true
		s, ok = k.sent[id]
	}
	if !ok {
		return -1, s
	}
	i := in.place(s.step, s.item)
	if i >= 0 {
		if r := in.Items[i]; s.undo && s.attempt > r.Undo || !s.undo && s.attempt > r.Attempt {
			return -1, s // sent by a turn that was not written
		}
	}
	return i, s
}

// add takes note of a command.
func (k *kept) add(id string, s sent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sent != nil {
		k.sent[id] = s
	}
}

// index finds the items of a saga by step and id. It is shared by instances that come of each other: each has the same items
// in the same places, and a later one more of them.
type index struct {
	mu     sync.Mutex
	places map[[2]string]int
}

func newIndex(items []*ItemRun) *index {
	ix := &index{places: make(map[[2]string]int, len(items))}
	for i, r := range items {
		ix.places[[2]string{r.Step, r.Item}] = i
	}
	return ix
}

// place returns where an item is among those given, -1 when it is not there.
func (ix *index) place(items []*ItemRun, step, item string) int {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if i, ok := ix.places[[2]string{step, item}]; ok && i < len(items) {
		return i
	}
	return -1
}

// grown returns the index of items of which it knows all but the last few. A turn that is never written may have made it
// grow before; then those items begin an index of their own.
func (ix *index) grown(items []*ItemRun, known int) *index {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if len(ix.places) != known {
		return newIndex(items)
	}
	for i, r := range items[known:] {
		ix.places[[2]string{r.Step, r.Item}] = known + i
	}
	return ix
}
