package vimregistry

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
)

// Connection implements vim.Registry. It reads the store each time: three rows at most, in one round trip.
func (s *Service) Connection(ctx context.Context, vnfID, id string) (vim.Connection, error) {
	want := eventstore.Load{}
	if vnfID != "" {
		want.Records = append(want.Records, s.OwnRow(vnfID))
	}
	shown := eventstore.ViewRef{Kind: readmodel.KindVim, ID: id}
	if s.builtIn(id) == nil {
		want.Records = append(want.Records, ref(id))
		want.Views = append(want.Views, shown)
	}
	l := &eventstore.Loaded{}
	if len(want.Records) > 0 {
		var err error
		if l, err = s.cfg.Store.Load(ctx, want); err != nil {
			return vim.Connection{}, unavailable(err)
		}
	}
	base, disabled, err := s.base(l, id)
	if err != nil {
		return vim.Connection{}, err
	}
	if vnfID != "" {
		own, err := s.owned(l.Records[s.OwnRow(vnfID)])
		if err != nil {
			return vim.Connection{}, err
		}
		if patch, ok := own[id]; ok {
			if base, err = base.over(patch, ""); err != nil {
				return vim.Connection{}, vnfm.Wrap(vnfm.Internal, err, "VIM connection %s of VNF instance %s", id, vnfID)
			}
		}
	}
	if base == nil {
		return vim.Connection{}, notFound(id)
	}
	return base.connection(id, disabled), nil
}

// base returns what is registered under an id, nil when nothing is.
func (s *Service) base(l *eventstore.Loaded, id string) (d *details, disabled bool, err error) {
	if c := s.builtIn(id); c != nil {
		from := detailsOf(*c)
		return &from, false, nil
	}
	v := l.Views[eventstore.ViewRef{Kind: readmodel.KindVim, ID: id}]
	if v == nil {
		return nil, false, nil
	}
	var c Connection
	if err := json.Unmarshal(v.Doc, &c); err != nil {
		return nil, false, vnfm.Wrap(vnfm.Internal, err, "decode the view of VIM connection %s", id)
	}
	d, err = s.open(l, id)
	return d, !c.Enabled, err
}

// Default implements vim.Registry.
func (s *Service) Default(ctx context.Context) (string, error) {
	all, err := s.registered(ctx)
	if err != nil {
		return "", err
	}
	if i := newest(all); i >= 0 {
		return all[i].ID, nil
	}
	if len(s.cfg.BuiltIn) > 0 {
		return s.cfg.BuiltIn[0].ID, nil
	}
	return "", nil
}

// IDs implements vim.Registry.
func (s *Service) IDs(ctx context.Context) ([]string, error) {
	all, err := s.registered(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range s.cfg.BuiltIn {
		ids = append(ids, c.ID)
	}
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids, nil
}

// Connections implements vim.Registry.
func (s *Service) Connections(ctx context.Context) ([]vim.Connection, error) {
	all, err := s.registered(ctx)
	if err != nil {
		return nil, err
	}
	want := eventstore.Load{}
	for _, c := range all {
		want.Records = append(want.Records, ref(c.ID))
	}
	l := &eventstore.Loaded{}
	if len(want.Records) > 0 {
		if l, err = s.cfg.Store.Load(ctx, want); err != nil {
			return nil, unavailable(err)
		}
	}
	out := slices.Clone(s.cfg.BuiltIn)
	for _, c := range all {
		if l.Records[ref(c.ID)] == nil {
			continue // deleted between the two reads
		}
		d, err := s.open(l, c.ID)
		if err != nil { // it cannot be used, and is still one whose rows are looked at
			out = append(out, vim.Connection{ID: c.ID, VimID: c.VimID, Disabled: true})
			continue
		}
		out = append(out, d.connection(c.ID, !c.Enabled))
	}
	slices.SortFunc(out, func(a, b vim.Connection) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out, nil
}

// Owned implements vim.Registry. Returns Internal when the connections of one VNF cannot be opened: whose they are is not
// known then.
func (s *Service) Owned(ctx context.Context) ([]vim.Owned, error) {
	registered, err := s.Connections(ctx)
	if err != nil {
		return nil, err
	}
	base := map[string]vim.Connection{}
	for _, c := range registered {
		base[c.ID] = c
	}
	var out []vim.Owned
	for q := (eventstore.RecordQuery{Table: eventstore.TableSecrets, Group: ownGroup, Limit: 500}); ; {
		rows, err := s.cfg.Store.Records(ctx, q)
		if err != nil {
			return nil, unavailable(err)
		}
		for _, row := range rows {
			q.After = row.ID
			own, err := s.owned(&row)
			if err != nil {
				return nil, err
			}
			for _, id := range slices.Sorted(maps.Keys(own)) {
				var under *details
				if c, ok := base[id]; ok {
					d := detailsOf(c)
					under = &d
				}
				d, err := under.over(own[id], "")
				if err != nil {
					return nil, vnfm.Wrap(vnfm.Internal, err, "VIM connection %s of VNF instance %s", id, row.Key)
				}
				out = append(out, vim.Owned{VnfID: row.Key, Connection: d.connection(id, base[id].Disabled)})
			}
		}
		if len(rows) < q.Limit {
			return out, nil
		}
	}
}
