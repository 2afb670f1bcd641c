package vimregistry

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnf"
)

// ownGroup is the group of the rows of what VNFs have of their own.
const ownGroup = "vnf-vims"

// OwnRow names the ledger row of the connections that a VNF has of its own: a merge patch by vimConnectionId, sealed.
func (s *Service) OwnRow(vnfID string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: ownGroup + "/" + vnfID}
}

func described(p Public) vnf.VimConnection {
	return vnf.VimConnection{VimID: p.VimID, Type: p.Type, InterfaceInfo: p.InterfaceInfo, AccessInfo: p.AccessInfo, Extra: p.Extra}
}

// Own prepares a change of the connections that a VNF has of its own: merge patches by vimConnectionId (RFC 7396), each over
// what the VNF has already, that over what is registered; null removes what the VNF has. A patch that says nothing else than
// what is registered makes nothing the VNF's own. The function returned decides, from the row that OwnRow names: what the
// instance records, nil for nothing, and the row to write, if any. With an id that is removed comes what is registered under
// it, in the event's Connections. It returns Invalid and Unprocessable below
// /vimConnectionInfo.
func (s *Service) Own(
	ctx context.Context, vnfID string, patches map[string]json.RawMessage,
) (func(row *eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error), error) {
	ids := slices.Sorted(maps.Keys(patches))
	want := eventstore.Load{}
	for _, id := range ids {
		if s.builtIn(id) == nil {
			want.Records = append(want.Records, ref(id))
			want.Views = append(want.Views, eventstore.ViewRef{Kind: readmodel.KindVim, ID: id})
		}
	}
	l, err := s.cfg.Store.Load(ctx, want)
	if err != nil {
		return nil, unavailable(err)
	}
	base := map[string]*details{}
	for _, id := range ids {
		if base[id], _, err = s.base(l, id); err != nil {
			return nil, err
		}
	}
	return func(row *eventstore.Record) (*vnf.ConnectionsChanged, *eventstore.RecordWrite, error) {
		before, err := s.owned(row)
		if err != nil {
			return nil, nil, err
		}
		own := maps.Clone(before)
		event := &vnf.ConnectionsChanged{Connections: map[string]vnf.VimConnection{}}
		for _, id := range ids {
			if mergepatch.Null(patches[id]) {
				delete(own, id)
				event.Removed = append(event.Removed, id)
				if base[id] != nil {
					event.Connections[id] = described(base[id].public())
				}
				continue
			}
			if err := s.lay(event, own, id, base[id], patches[id]); err != nil {
				return nil, nil, err
			}
		}
		if len(event.Connections)+len(event.Removed) == 0 {
			event = nil
		}
		return event, s.ownWrite(vnfID, row, before, own), nil
	}, nil
}

// lay puts one patch over what a VNF has under an id.
func (s *Service) lay(event *vnf.ConnectionsChanged, own map[string]json.RawMessage, id string, base *details, patch json.RawMessage) error {
	pointer := "/vimConnectionInfo" + vnfm.Step(id)
	patch = secret.Unmasked(patch)
	cur, had := own[id]
	next := patch
	if had {
		next = mergepatch.Compose(cur, patch)
	}
	now, err := base.over(next, pointer)
	if err != nil {
		return err
	}
	if err := s.check(now, pointer); err != nil {
		return err
	}
	plain := base != nil && mergepatch.Equal(base.json(), now.json())
	switch {
	case plain && !had:
		return nil
	case plain:
		delete(own, id)
	default:
		own[id] = next
	}
	c := described(now.public())
	c.Own = !plain
	event.Connections[id] = c
	return nil
}

// ownWrite returns the write that makes a VNF's row what it should be, nil when it is.
func (s *Service) ownWrite(vnfID string, row *eventstore.Record, before, own map[string]json.RawMessage) *eventstore.RecordWrite {
	if maps.EqualFunc(before, own, mergepatch.Equal) {
		return nil
	}
	name := s.OwnRow(vnfID).ID
	w := &eventstore.RecordWrite{Record: eventstore.Record{Table: eventstore.TableSecrets, ID: name, Key: vnfID, Group: ownGroup, State: "SEALED"}}
	if row != nil {
		w.Expected = row.Version
	}
	if len(own) == 0 {
		w.Delete = true
		return w
	}
	b, err := json.Marshal(own)
	if err != nil {
		panic("vimregistry: patches do not marshal") // they were JSON; what they say is not said
	}
	w.Doc = s.cfg.Keys.Seal(name, b)
	return w
}

// owned opens what a VNF has of its own; empty when it has nothing.
func (s *Service) owned(row *eventstore.Record) (map[string]json.RawMessage, error) {
	if row == nil {
		return map[string]json.RawMessage{}, nil
	}
	own, err := openInto[map[string]json.RawMessage](s, row)
	if err != nil {
		return nil, err
	}
	if *own == nil {
		return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is of an unknown form", row.ID)
	}
	return *own, nil
}
