package postgres

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// Our arrays are what pgx would have sent, behind what is in the buffer before them.
// Seen failing with the lower bound left out.
func TestTextArray_is_encoded_as_by_pgx(t *testing.T) {
	theirs, ours := pgtype.NewMap(), pgtype.NewMap()
	registerTextArray(ours)
	for _, list := range [][]string{nil, {}, {""}, {"a", "", "äöü", strings.Repeat("x", 100_000)}} {
		want, err := theirs.Encode(pgtype.TextArrayOID, pgtype.BinaryFormatCode, list, []byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ours.Encode(pgtype.TextArrayOID, pgtype.BinaryFormatCode, list, []byte("before"))
		if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%d elements: %x, error %v, want %x", len(list), got, err, want)
		}
	}
	if plan := ours.PlanEncode(pgtype.TextArrayOID, pgtype.BinaryFormatCode, []string{}); plan != (stringsPlan{}) {
		t.Errorf("the plan is %T", plan)
	}
	var back []string
	b, err := ours.Encode(pgtype.TextArrayOID, pgtype.BinaryFormatCode, []string{"a", "b"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Scan(pgtype.TextArrayOID, pgtype.BinaryFormatCode, b, &back); err != nil || len(back) != 2 || back[1] != "b" {
		t.Errorf("%v, error %v", back, err)
	}
}
