package saga

import (
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Decode returns the instance stored in a saga's row, as Load reads it. A row that was read because its reader has the
// instance of an earlier version (SagaRow.Base) is laid over that. One of a list shows no items and no data.
func Decode(row *eventstore.SagaRow) (*Instance, error) {
	in := &Instance{kept: &kept{}}
	if err := json.Unmarshal(row.Data, in); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode saga %s", row.ID)
	}
	in.Version, in.written, in.row = row.Version, row.Updated, len(row.Data)
	in.size = len(row.Data) + len(row.Plan)
	base, _ := row.Base.(*Instance)
	in.whole = in.Data != nil || in.Items != nil || base != nil && base.whole
	switch {
	case in.whole:
		for i, r := range in.Items {
			r.No = i + 1
			r.result, r.undone = &memo{}, &memo{}
		}
		in.Planned = len(in.Items)
	case base != nil:
		in.Data, in.Items, in.kept = base.Data, slices.Clone(base.Items), base.kept.afresh()
		in.size = base.size - base.row + in.row
	default:
		in.Data = row.Plan
	}
	for _, i := range row.Items {
		if err := in.lay(i); err != nil {
			return nil, vnfm.Wrap(vnfm.Internal, err, "decode item %d of saga %s", i.No, row.ID)
		}
	}
	in.index = newIndex(in.Items)
	return in, nil
}

// lay puts the row of an item where it belongs.
func (in *Instance) lay(i eventstore.SagaItem) error {
	place, known := in.placeOf(i.No)
	if known {
		in.size -= in.Items[place].size
	}
	if len(i.Data) == 0 { // it is gone
		if known {
			in.Items = slices.Delete(in.Items, place, place+1)
		}
		return nil
	}
	r := &ItemRun{result: &memo{}, undone: &memo{}, size: len(i.Data)}
	if err := json.Unmarshal(i.Data, r); err != nil {
		return err
	}
	r.No = i.No
	in.size += r.size
	if known {
		in.Items[place] = r
	} else {
		in.Items = slices.Insert(in.Items, place, r)
	}
	return nil
}

// encode makes the row of an instance that was changed, and of its items that were. Its data is fixed and is written once. A saga
// that was stored before items had rows stays as it is until it ends: a program of that time may go on with it.
func (in *Instance) encode() (eventstore.SagaRow, error) {
	row := eventstore.SagaRow{
		ID: in.ID, Type: in.Type, DefVersion: in.DefVersion, Key: in.Key, Parent: in.Parent, State: string(in.State),
		Expected: in.Version, Base: in,
	}
	small := *in
	if !in.whole {
		small.Data, small.Items = nil, nil
		if in.Version == 0 {
			row.Plan = in.Data
		}
		slices.Sort(in.changed)
		in.changed = slices.Compact(in.changed)
		row.Items = make([]eventstore.SagaItem, 0, len(in.changed))
		for _, no := range in.changed {
			i, err := in.encodeItem(no)
			if err != nil {
				return row, err
			}
			row.Items = append(row.Items, i)
		}
	}
	var err error
	if row.Data, err = json.Marshal(&small); err != nil {
		return row, vnfm.Wrap(vnfm.Internal, err, "encode saga %s", in.ID)
	}
	in.size += len(row.Data) - in.row
	in.row = len(row.Data)
	return row, nil
}

func (in *Instance) encodeItem(no int) (eventstore.SagaItem, error) {
	place, there := in.placeOf(no)
	if !there {
		return eventstore.SagaItem{No: no}, nil
	}
	r := in.Items[place]
	data, err := json.Marshal(r)
	if err != nil {
		return eventstore.SagaItem{}, vnfm.Wrap(vnfm.Internal, err, "encode item %s %s of saga %s", r.Step, r.Item, in.ID)
	}
	in.size += len(data) - r.size
	r.size = len(data)
	return eventstore.SagaItem{No: no, Data: data}, nil
}
