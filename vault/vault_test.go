package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vault"
)

// rows is a store that has some rows, or does not answer.
type rows struct {
	there map[eventstore.RecordRef]*eventstore.Record
	err   error
	loads int
}

func (r *rows) Load(context.Context, eventstore.Load) (*eventstore.Loaded, error) {
	r.loads++
	return &eventstore.Loaded{Records: r.there}, r.err
}

func ring(t *testing.T) *secret.Keyring {
	t.Helper()
	r, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is sealed for a VNF is opened by whoever has the site's key and the VNF's row, and by nobody else.
func TestWhatIsSealedForAVnfIsOpenedByItsRow(t *testing.T) {
	keys := ring(t)
	s, row, err := vault.Sealer(keys, nil, "v1")
	if err != nil || row == nil || row.ID != vault.Row("v1").ID || row.Key != "v1" {
		t.Fatalf("%+v, %v", row, err)
	}
	doc := s.Seal(json.RawMessage(`{"password":"x"}`), nil)
	again, none, err := vault.Sealer(keys, &row.Record, "v1")
	if err != nil || none != nil || string(again.Seal(json.RawMessage(`{"password":"x"}`), nil)) != string(doc) {
		t.Errorf("with the row there is another sealer: %+v, %v", none, err)
	}
	store := &rows{there: map[eventstore.RecordRef]*eventstore.Record{vault.Row("v1"): &row.Record}}
	for name, c := range map[string]struct {
		keys *secret.Keyring
		vnf  string
		err  error
		kind vnfm.Kind
	}{
		"the VNF's":               {keys, "v1", nil, ""},
		"another site's key":      {ring(t), "v1", nil, vnfm.Internal},
		"another VNF's":           {keys, "v2", nil, vnfm.Internal},
		"a database that is away": {keys, "v1", errors.New("away"), vnfm.Unavailable},
	} {
		store.err = c.err
		got, secrets, err := vault.Reader{Store: store, Keys: c.keys}.Open(t.Context(), c.vnf, doc)
		if vnfm.KindOf(err) != c.kind || c.kind == "" && (string(got) != `{"password":"x"}` || len(secrets) != 1 || secrets[0] != "x") {
			t.Errorf("%s: %s, %q, %v", name, got, secrets, err)
		}
		if c.vnf == "v2" && !strings.Contains(err.Error(), "is not there") { // another key would not open it either, but nobody would look for the row
			t.Errorf("a row that is not there: %v", err)
		}
	}
	store.loads = 0
	if got, _, err := (vault.Reader{Store: store, Keys: keys}).Open(t.Context(), "v1", json.RawMessage(`{"a":1}`)); err != nil || string(got) != `{"a":1}` || store.loads != 0 {
		t.Errorf("nothing is sealed: %s, %v, %d loads", got, err, store.loads)
	}
}
