package saga_test

import (
	"slices"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

// step returns the step of an item.
func (p *play) step(r *saga.ItemRun) saga.Step {
	stages, err := p.def.StagesFor(p.in)
	if err != nil {
		p.t.Fatalf("stages: %v", err)
	}
	for _, s := range stages[r.Stage].Steps {
		if s.ID == r.Step {
			return s
		}
	}
	p.t.Fatalf("no step %s", r.Step)
	return saga.Step{}
}

// obeysTheRules looks, turn by turn, at the commands a saga sends, as one who sees nothing but what goes in and out: they are
// sent one attempt after the other; an attempt is made when the one before it was answered or given up; a stage is begun when
// those before it are done; nothing is undone while a command is waited for, nor before what was built on it; and nothing is
// done any more once undoing has begun, and nothing at all after the end; and no more of a group is under way than the window says.
func obeysTheRules(p *play) func(saga.Input, *saga.Effects) {
	waits := map[doing]string{}    // commands that are waited for
	attempts := map[doing]int{}    // made so far
	undoing, final := false, false // as of the turn before
	return func(i saga.Input, fx *saga.Effects) {
		p.t.Helper()
		p.settle(i, fx, waits)
		if final && len(fx.Send) > 0 {
			p.t.Fatalf("a command is sent after the end: %+v", fx.Send[0])
		}
		for _, m := range fx.Send {
			r := p.rows[m.ID]
			if waits[doing{r.Step, r.Item, r.Direction}] == m.ID {
				continue // the participant is asked
			}
			one := doing{r.Step, r.Item, r.Direction}
			if attempts[one]++; r.Attempt != attempts[one] {
				p.t.Fatalf("%s: attempt %d is sent after %d", one, r.Attempt, attempts[one]-1)
			}
			if waits[one] != "" {
				p.t.Fatalf("%s: attempt %d is sent while the one before it is waited for", one, r.Attempt)
			}
			switch r.Direction {
			case saga.DirectionDo:
				if undoing || p.in.Undone {
					p.t.Fatalf("%s is sent, and undoing has begun", one)
				}
				p.doneBefore(one)
			default:
				for other := range waits {
					if other.direction == saga.DirectionDo {
						p.t.Fatalf("%s is sent while %s is waited for", one, other)
					}
				}
				p.undoneAfter(one)
			}
			waits[one] = m.ID
		}
		p.within(waits)
		undoing, final = p.in.Undone, p.in.State.Final()
	}
}

// within wants no more commands of a group to be waited for than the stage has room for.
func (p *play) within(waits map[doing]string) {
	p.t.Helper()
	stages, err := p.def.StagesFor(p.in)
	if err != nil {
		p.t.Fatalf("stages: %v", err)
	}
	type place struct {
		stage int
		group string
	}
	n := map[place]int{}
	for one := range waits {
		r := p.item(one.step, one.item)
		at := place{r.Stage, r.Group}
		if n[at]++; stages[r.Stage].Window > 0 && n[at] > stages[r.Stage].Window {
			p.t.Fatalf("%d commands of stage %d and %s are under way, its window is %d", n[at], at.stage, at.group, stages[r.Stage].Window)
		}
	}
}

// doing is what the attempts of one command are of.
type doing struct{ step, item, direction string }

// settle takes from what is waited for what an input settles: an answer, a time that is over, or an operator who will not wait.
func (p *play) settle(i saga.Input, fx *saga.Effects, waits map[doing]string) {
	p.t.Helper()
	for one, id := range waits {
		if slices.ContainsFunc(fx.Send, func(m message.Message) bool { return m.ID == id }) {
			continue // it is only asked about
		}
		settled := false
		switch i := i.(type) {
		case saga.ReplyReceived:
			row := p.rows[i.Message.CausationID]
			// A success of an older attempt is one of the item: the newest is not waited for any more.
			older := row.State == saga.RowSucceeded && one == doing{row.Step, row.Item, row.Direction} && !p.under(one)
			settled = id == i.Message.CausationID || older
		case saga.TimedOut:
			settled = i.Name == "item:"+one.step+"/"+one.item
		case saga.Action:
			settled = i.Kind == saga.Cancel && i.Mode == saga.Forceful
		}
		if settled {
			delete(waits, one)
		}
	}
}

// under reports whether the saga says that a command is under way.
func (p *play) under(one doing) bool {
	p.t.Helper()
	s := p.item(one.step, one.item).State
	return one.direction == saga.DirectionDo && s == saga.ItemSent || one.direction == saga.DirectionUndo && s == saga.ItemUndoing
}

// doneBefore wants the stages before a command's to be done.
func (p *play) doneBefore(one doing) {
	p.t.Helper()
	at := p.item(one.step, one.item).Stage
	for _, r := range p.in.Items {
		if r.Stage < at && r.State != saga.ItemDone && r.State != saga.ItemSkipped {
			p.t.Fatalf("%s is sent, and %s %s of an earlier stage is %s", one, r.Step, r.Item, r.State)
		}
	}
}

// undoneAfter wants nothing of the stages after a command's to stand.
func (p *play) undoneAfter(one doing) {
	p.t.Helper()
	at := p.item(one.step, one.item).Stage
	stand := []saga.ItemState{saga.ItemSent, saga.ItemDone, saga.ItemUnknown, saga.ItemUndoing, saga.ItemStuck}
	for _, r := range p.in.Items {
		if r.Stage > at && slices.Contains(stand, r.State) {
			p.t.Fatalf("%s is sent, and %s %s of a later stage is %s", one, r.Step, r.Item, r.State)
		}
	}
}
