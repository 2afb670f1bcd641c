// Package vault keeps, for each VNF, the key that its own secrets are sealed with: the secret values among its parameters
// and properties, which stay in its events, messages, sagas and views as sealed texts (secret.Sealer).
//
// It owns one ledger row per VNF that has any (eventstore.TableSecrets), sealed by the site's key. Whoever seals writes the row
// in the same commit; whoever deletes the VNF deletes it, and with it all its secrets wherever they are. It knows nothing of
// VNFs but their ids.
package vault

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/secret"
)

// group is the group of the rows.
const group = "vnf-key"

// Row names the row of a VNF.
func Row(vnfID string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: group + "/" + vnfID}
}

// Sealer returns the sealer of a VNF from its row as loaded, nil when it has none: then there is a new one, and a row to
// write with what it seals. Returns Internal when no key of the site opens the row.
func Sealer(keys *secret.Keyring, row *eventstore.Record, vnfID string) (*secret.Sealer, *eventstore.RecordWrite, error) {
	ref := Row(vnfID)
	if row != nil {
		s, err := secret.OpenSealer(keys, ref.ID, row.Doc)
		return s, nil, err //nolint:wrapcheck // names the row
	}
	s, doc := secret.NewSealer(keys, ref.ID)
	return s, &eventstore.RecordWrite{Record: eventstore.Record{
		Table: ref.Table, ID: ref.ID, Key: vnfID, Group: group, State: "SEALED", Doc: doc,
	}}, nil
}

// Store is what a Reader reads: the database that has the VNFs' events.
type Store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
}

// Reader opens what is sealed, outside any commit: where it is used.
type Reader struct {
	Store Store
	Keys  *secret.Keyring
}

// Open returns a document of a VNF with what is sealed in it opened, and the secrets in it. One in which nothing is sealed costs
// nothing. Returns Unavailable when the row cannot be read now, and Internal when it is gone, or cannot be opened.
func (r Reader) Open(ctx context.Context, vnfID string, document json.RawMessage) (json.RawMessage, []string, error) {
	if !secret.HasSealed(document) {
		return document, nil, nil
	}
	ref := Row(vnfID)
	l, err := r.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		return nil, nil, vnfm.Wrap(vnfm.Unavailable, err, "the key of the secrets of VNF instance %s cannot be read", vnfID)
	}
	row := l.Records[ref]
	if row == nil {
		return nil, nil, vnfm.Errorf(vnfm.Internal, "the key of the secrets of VNF instance %s is not there", vnfID)
	}
	s, _, err := Sealer(r.Keys, row, vnfID)
	if err != nil {
		return nil, nil, err
	}
	plain, err := s.Open(document)
	return plain, s.Plain(document), err //nolint:wrapcheck // has its kind
}
