package saga

import "slices"

// tally is what the items of a saga count to, so that a turn need not look at those it does not change.
type tally struct {
	stages []*stageTally // of the stages begun
	sent   int           // items whose Do command is under way
	timers int           // items with a timer
	begun  int           // items of which a command was sent whose failure does not mean that nothing was begun
}

// stageTally counts the items of one stage. They stand one behind the other.
type stageTally struct {
	fresh      bool // made by the turn that is going on
	from, to   int  // places of the items: from the first to before the last
	unfinished int  // neither done nor skipped
	undoing    int
	stuck      int
	needUndo   int // to be undone by a command that is not under way
	forgotten  int // to be undone, which takes no command
	groups     []groupTally
}

// groupTally counts the items of one group in a stage with a window; else all items are of one group.
type groupTally struct {
	name           string
	busy           int // with a command under way, or waiting for the next attempt
	next, nextUndo int // before these places no item is to be sent, or to be undone
}

// part is what one item counts to.
type part uint16

const (
	partUnfinished part = 1 << iota
	partSent
	partUndoing
	partStuck
	partNeedUndo
	partForgotten
	partBusy
	partTimer
	partBegun
	partReady // to be sent
)

func partsOf(r *ItemRun, s *Step) part {
	var p part
	add := func(is bool, what part) {
		if is {
			p |= what
		}
	}
	needs := r.needsUndo()
	add(r.State != ItemDone && r.State != ItemSkipped, partUnfinished)
	add(r.State == ItemSent, partSent)
	add(r.State == ItemUndoing, partUndoing)
	add(r.State == ItemStuck, partStuck)
	add(needs && s.UndoAs != "", partNeedUndo)
	add(needs && s.UndoAs == "", partForgotten)
	add(r.State == ItemSent || r.State == ItemUndoing || r.Waiting, partBusy)
	add(r.Timer != 0, partTimer)
	add(r.EverSent && !s.Rejects, partBegun)
	add(r.State == ItemPending && !r.Waiting, partReady)
	return p
}

// edited is an item that the turn changes, with what it counted to when it was last counted.
type edited struct {
	r     *ItemRun
	place int
	was   part
}

// count counts the items of a saga.
func count(c *compiled, items []*ItemRun) *tally {
	t := &tally{}
	for i, r := range items {
		st := t.stage(r.Stage)
		if st.from == st.to {
			st.from = i
		}
		st.to = i + 1
		t.move(c, edited{r: r, place: i}, partsOf(r, c.step(r)))
	}
	return t
}

func (t *tally) clone() *tally {
	c := *t
	c.stages = slices.Clone(t.stages)
	return &c
}

// stage returns the tally of a stage, to be changed.
func (t *tally) stage(n int) *stageTally {
	for len(t.stages) <= n {
		t.stages = append(t.stages, &stageTally{fresh: true})
	}
	if st := t.stages[n]; !st.fresh {
		c := *st
		c.fresh = true
		c.groups = slices.Clone(st.groups)
		t.stages[n] = &c
	}
	return t.stages[n]
}

// group returns the tally of an item's group.
func (st *stageTally) group(c *compiled, r *ItemRun) *groupTally {
	name := c.group(r)
	i := slices.IndexFunc(st.groups, func(g groupTally) bool { return g.name == name })
	if i < 0 {
		i = len(st.groups)
		st.groups = append(st.groups, groupTally{name: name, next: st.from, nextUndo: st.from})
	}
	return &st.groups[i]
}

// group is what an item is counted by within its stage's window.
func (c *compiled) group(r *ItemRun) string {
	if r.Stage < len(c.stages) && c.stages[r.Stage].Window > 0 {
		return r.Group
	}
	return ""
}

// move counts an item anew.
func (t *tally) move(c *compiled, e edited, now part) {
	st := t.stage(e.r.Stage)
	g := st.group(c, e.r) // also of one that counts to nothing: the groups are in the order of their first items, however they came
	if e.was == now {
		return
	}
	for _, x := range []struct {
		what part
		n    *int
	}{
		{partUnfinished, &st.unfinished}, {partSent, &t.sent}, {partUndoing, &st.undoing}, {partStuck, &st.stuck},
		{partNeedUndo, &st.needUndo}, {partForgotten, &st.forgotten}, {partBusy, &g.busy}, {partTimer, &t.timers}, {partBegun, &t.begun},
	} {
		switch {
		case now&x.what != 0 && e.was&x.what == 0:
			*x.n++
		case now&x.what == 0 && e.was&x.what != 0:
			*x.n--
		}
	}
	if now&partReady != 0 {
		g.next = min(g.next, e.place)
	}
	if now&partNeedUndo != 0 {
		g.nextUndo = min(g.nextUndo, e.place)
	}
}

// edit returns the item at a place, to be changed.
func (t *turn) edit(place int) *ItemRun {
	r := t.in.Items[place]
	if r.fresh {
		return r
	}
	c := *r
	c.Open = slices.Clone(r.Open)
	c.fresh = true
	t.in.Items[place] = &c
	t.edited = append(t.edited, edited{r: &c, place: place, was: partsOf(r, t.c.step(r))})
	return &c
}

// recount counts the items that the turn has changed.
func (t *turn) recount() {
	for i := range t.edited {
		e := &t.edited[i]
		now := partsOf(e.r, t.c.step(e.r))
		t.in.tally.move(t.c, *e, now)
		e.was = now
	}
}

// stageNow returns the tally of a stage as the turn has left it so far, to be read.
func (t *turn) stageNow(n int) stageTally {
	t.recount()
	if n < len(t.in.tally.stages) {
		return *t.in.tally.stages[n]
	}
	return stageTally{}
}
