package vimregistry

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
)

// change is one commit about a registered connection in the making.
type change struct {
	s          *Service
	l          *eventstore.Loaded
	c          *eventstore.Commit
	id         string
	meta       eventstore.Metadata
	connection Connection
	unreadable bool // what is sealed cannot be opened
}

// do makes a change with its view and the stored answer, and returns the connection as the commit left it. rival says that
// the connection may become the default in place of another.
func (s *Service) do(ctx context.Context, id, name string, rival bool, by request.Info, decide func(x *change) error) (*Connection, error) {
	if s.builtIn(id) != nil {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VIM connection %s comes with the program and does not change.", id)
	}
	var others []string
	if rival {
		all, err := s.registered(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			if c.Default && c.ID != id {
				others = append(others, c.ID)
			}
		}
	}
	var result Connection
	_, err := s.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{key},
		Load: func() eventstore.Load {
			l := s.repo.Load(append([]string{id}, others...)...)
			l.Records = []eventstore.RecordRef{ref(id)}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, id: id, meta: by.Metadata(name, id)}
			state, err := s.repo.Read(l, x.c, id)
			if err != nil {
				return nil, err
			}
			x.connection = state.Value
			if err := decide(x); err != nil {
				return nil, err
			}
			if result, err = x.finish(others); err != nil {
				return nil, err
			}
			if x.c.Idempotency = by.Idempotency(&result); x.c.Empty() {
				return nil, nil
			}
			return x.c, nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, id, err)
	}
	return &result, nil
}

// finish ends the default of others when this connection has become it, and writes the views.
func (x *change) finish(others []string) (Connection, error) {
	after, err := x.s.repo.Read(x.l, x.c, x.id)
	if err != nil {
		return Connection{}, err
	}
	changed := []string{x.id}
	if after.Value.Default && !x.connection.Default {
		for _, other := range others {
			o, err := x.s.repo.Read(x.l, x.c, other)
			if err != nil {
				return Connection{}, err
			}
			if !o.Value.exists() || !o.Value.Default {
				continue
			}
			if err := x.s.repo.Append(x.l, x.c, other, x.meta, &DefaultEnded{}); err != nil {
				return Connection{}, err
			}
			changed = append(changed, other)
		}
	}
	if len(x.c.Appends) == 0 {
		return after.Value, nil
	}
	for _, id := range changed {
		st, err := x.s.repo.Read(x.l, x.c, id)
		if err != nil {
			return Connection{}, err
		}
		w, err := view(&st.Value)
		if err != nil {
			return Connection{}, err
		}
		x.c.Views = append(x.c.Views, w)
	}
	return after.Value, nil
}

func (x *change) append(events ...aggregate.Event) error {
	return x.s.repo.Append(x.l, x.c, x.id, x.meta, events...)
}

// found refuses a connection that is not registered, or not at the version the client knows.
func (x *change) found(by request.Info) error {
	if !x.connection.exists() {
		return notFound(x.id)
	}
	return by.Check(x.connection.Version)
}

// ref names the row of a registered connection. Its id is the name it is sealed under.
func ref(id string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: "vim/" + id}
}

// details opens what is sealed.
func (x *change) details() (*details, error) {
	d, err := x.s.open(x.l, x.id)
	x.unreadable = err != nil
	return d, err
}

// seal adds the row with all of a connection. Two seals of one thing differ, and mean the same.
func (x *change) seal(d *details) {
	w := eventstore.RecordWrite{Record: eventstore.Record{
		Table: eventstore.TableSecrets, ID: ref(x.id).ID, Key: key, Group: group, State: "SEALED", Doc: x.s.cfg.Keys.Seal(ref(x.id).ID, d.json()),
	}}
	if row := x.l.Records[ref(x.id)]; row != nil {
		w.Expected = row.Version
	}
	x.c.Records = append(x.c.Records, w)
}

// unseal removes the row.
func (x *change) unseal() {
	if row := x.l.Records[ref(x.id)]; row != nil {
		x.c.Records = append(x.c.Records, eventstore.RecordWrite{Record: *row, Expected: row.Version, Delete: true})
	}
}

// open returns all of a registered connection from its row. Returns Internal when no key opens it.
func (s *Service) open(l *eventstore.Loaded, id string) (*details, error) {
	row := l.Records[ref(id)]
	if row == nil {
		return nil, vnfm.Errorf(vnfm.Internal, "the credentials of VIM connection %s are not there", id)
	}
	return openInto[details](s, row)
}

func openInto[T any](s *Service, row *eventstore.Record) (*T, error) {
	b, err := s.cfg.Keys.Open(row.ID, row.Doc)
	if err != nil {
		return nil, err
	}
	out := new(T)
	if json.Unmarshal(b, out) != nil { // the error would quote it
		return nil, vnfm.Errorf(vnfm.Internal, "the secret %s is of an unknown form", row.ID)
	}
	return out, nil
}
