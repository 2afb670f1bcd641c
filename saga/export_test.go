package saga

import (
	"testing"

	"github.com/vnfm/vnfm/eventstore"
)

// Stored returns a saga as it is read again, with its items in its row or in rows of their own.
func Stored(in *Instance, inRows bool) (*Instance, error) {
	defer func(n int) { inlineBytes = n }(inlineBytes)
	if inlineBytes = 1 << 20; inRows {
		inlineBytes = 0
	}
	c := in.clone()
	c.Version, c.known, c.Form = 0, 0, formParts
	row, err := c.encode()
	if err != nil {
		return nil, err
	}
	return Decode(&eventstore.SagaRow{
		ID: row.ID, Type: row.Type, DefVersion: row.DefVersion, Key: row.Key, Parent: row.Parent, State: row.State, Version: in.Version + 1,
		Data: row.Data, Plan: row.Plan, Items: row.Items,
	})
}

// InForms runs a test with sagas stored in each of the forms: with their items in their row, in rows of their own, and growing
// out of their row on the way.
func InForms(t *testing.T, f func(t *testing.T)) {
	for name, bytes := range map[string]int{"in a row": inlineBytes, "in rows": 0, "grown": 700} {
		t.Run(name, func(t *testing.T) {
			defer func(n int) { inlineBytes = n }(inlineBytes)
			inlineBytes = bytes
			f(t)
		})
	}
}

// InRows has sagas stored with their items in rows of their own until the test ends.
func InRows(t *testing.T) {
	before := inlineBytes
	t.Cleanup(func() { inlineBytes = before })
	inlineBytes = 0
}
