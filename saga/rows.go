package saga

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// The forms a saga is stored in.
const (
	// formWhole: its row holds all of it, data and items, as programs wrote it that knew no other form. One that was begun so
	// stays so until it ends: such a program may go on with it.
	formWhole = 0
	// formParts: its data is written once. Its items are in the row while that is small (inline); then each has its own.
	formParts = 1
)

// inlineItems and inlineBytes bound the row of a saga that has its items in it: a saga of a few steps is cheaper to write so.
const inlineItems = 16

//nolint:gochecknoglobals // tests try both
var inlineBytes = 1500

// Decode returns the instance stored in a saga's row, as Load reads it. A row that was read because its reader has the
// instance of an earlier version (SagaRow.Base) is laid over that. One of a list may show no items, and no data.
func Decode(row *eventstore.SagaRow) (*Instance, error) {
	in := &Instance{kept: &kept{}}
	decode := func() error { return json.Unmarshal(row.Data, in) }
	if bytes.HasPrefix(row.Data, []byte(`{"form":`)) {
		decode = func() error { return decodeSaga(row.ID, row.Data, in) }
	}
	if err := decode(); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode saga %s", row.ID)
	}
	// What is a column of its own is not in the data.
	in.ID, in.Type, in.DefVersion, in.Key, in.Parent, in.State = row.ID, row.Type, row.DefVersion, row.Key, row.Parent, State(row.State)
	in.Version, in.written, in.row = row.Version, row.Updated, len(row.Data)
	in.size = len(row.Data) + len(row.Plan)
	base, _ := row.Base.(*Instance)
	inline := in.Items != nil
	if in.Form == formWhole {
		for i, r := range in.Items {
			r.No, in.Planned = i+1, i+1
			r.result, r.undone = &memo{}, &memo{}
		}
	}
	switch {
	case in.Form == formWhole:
	case base != nil:
		in.Data, in.kept, in.size = base.Data, base.kept.afresh(), base.size-base.row+in.row
		if !inline && base.known > 0 { // else all of them were written since
			in.Items = slices.Clone(base.Items)
		}
	default:
		in.Data = row.Plan
	}
	if in.Form == formParts && !inline {
		in.known = in.Planned
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
	r, err := decodeItem(in.ID, i.Data)
	if err != nil {
		return err
	}
	r.No, r.size = i.No, len(i.Data)
	in.size += r.size
	if known {
		in.Items[place] = r
	} else {
		in.Items = slices.Insert(in.Items, place, r)
	}
	return nil
}

// encode makes the row of an instance that was changed, and the rows of its items that were.
func (in *Instance) encode() (eventstore.SagaRow, error) {
	row := eventstore.SagaRow{
		ID: in.ID, Type: in.Type, DefVersion: in.DefVersion, Key: in.Key, Parent: in.Parent, State: string(in.State),
		Expected: in.Version, Ended: in.State.Final(), Base: in,
	}
	if in.Form == formWhole {
		var err error
		if row.Data, err = json.Marshal(in); err != nil {
			return row, vnfm.Wrap(vnfm.Internal, err, "encode saga %s", in.ID)
		}
		return row, nil
	}
	if in.Version == 0 {
		row.Plan = in.Data
	}
	inline := in.known == 0 && in.Planned <= inlineItems
	if inline {
		row.Data = in.encodeSaga(true)
		inline = len(row.Data) <= inlineBytes
	}
	if !inline {
		if in.known == 0 {
			in.changed = nil
			for _, r := range in.Items {
				in.changed = append(in.changed, r.No)
			}
		}
		row.Data, row.Items = in.encodeSaga(false), in.encodeItems()
	}
	in.size += len(row.Data) - in.row
	in.row = len(row.Data)
	return row, nil
}

// encodeItems makes the rows of the items that changed. One that is gone has no data; one that came and went with the same
// commit has no row.
func (in *Instance) encodeItems() []eventstore.SagaItem {
	slices.Sort(in.changed)
	in.changed = slices.Compact(in.changed)
	rows := make([]eventstore.SagaItem, 0, len(in.changed))
	for _, no := range in.changed {
		i := eventstore.SagaItem{No: no, New: no > in.known}
		place, there := in.placeOf(no)
		switch {
		case there:
			r := in.Items[place]
			o := object{make([]byte, 0, 512)}
			r.encode(&o)
			i.Data = o.b
			in.size += len(i.Data) - r.size
			r.size = len(i.Data)
		case i.New:
			continue
		}
		rows = append(rows, i)
	}
	return rows
}
