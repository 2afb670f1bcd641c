package lcm

import (
	"slices"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// change is one commit in the making: it processes commands against the aggregates as the commit leaves them so far,
// and keeps their views in step.
type change struct {
	s    *Service
	l    *eventstore.Loaded
	c    *eventstore.Commit
	meta eventstore.Metadata
}

// instance returns an instance as the commit leaves it; one that does not exist has version 0.
func (x *change) instance(id string) (*vnf.Instance, error) {
	st, err := x.s.cfg.Instances.Read(x.l, x.c, id)
	if err != nil {
		return nil, err
	}
	return &st.Value, nil
}

// opOcc returns an operation occurrence as the commit leaves it; one that does not exist has version 0.
func (x *change) opOcc(id string) (*vnf.OpOcc, error) {
	st, err := x.s.cfg.OpOccs.Read(x.l, x.c, id)
	if err != nil {
		return nil, err
	}
	return &st.Value, nil
}

// onInstance processes commands, changes the state given, and adds events and view to the commit.
func (x *change) onInstance(v *vnf.Instance, id string, commands ...vnf.InstanceCommand) error {
	repo := x.s.cfg.Instances
	for _, cmd := range commands {
		events, err := v.Process(cmd)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := repo.Append(x.l, x.c, id, x.meta, e.(aggregate.Event)); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			st, err := repo.Read(x.l, x.c, id)
			if err != nil {
				return err
			}
			*v = st.Value
			x.view(readmodel.InstanceView(v))
		}
	}
	return nil
}

// onOpOcc is onInstance for an operation occurrence. Its view shows its last milestone.
func (x *change) onOpOcc(o *vnf.OpOcc, id string, commands ...vnf.OpCommand) error {
	repo := x.s.cfg.OpOccs
	at := x.at(repo.Stream(id))
	for _, cmd := range commands {
		events, err := o.Process(cmd)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := repo.Append(x.l, x.c, id, x.meta, e.(aggregate.Event)); err != nil {
				return err
			}
			o.Apply(e, at)
			if vnf.Milestone(e) {
				x.view(readmodel.OpOccView(o))
			}
		}
	}
	return nil
}

// at is the time the store will give events of a stream: never before the one before.
func (x *change) at(stream string) time.Time {
	if last := x.l.Stream(stream).Last; last.After(x.l.Now) {
		return last
	}
	return x.l.Now
}

// view puts a row into the commit, in place of an older one of the same aggregate.
func (x *change) view(w eventstore.ViewWrite) {
	i := slices.IndexFunc(x.c.Views, func(o eventstore.ViewWrite) bool { return o.Kind == w.Kind && o.ID == w.ID })
	if i >= 0 {
		x.c.Views[i] = w
		return
	}
	x.c.Views = append(x.c.Views, w)
}
