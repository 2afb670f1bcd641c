package postgres

import (
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// textArray encodes []string as an array in one go and in one piece of memory; all else is left to pgx. Most of what a
// batch sends are such columns.
type textArray struct{ *pgtype.ArrayCodec }

func registerTextArray(m *pgtype.Map) {
	known, ok := m.TypeForOID(pgtype.TextArrayOID)
	if !ok {
		return
	}
	if codec, ok := known.Codec.(*pgtype.ArrayCodec); ok {
		m.RegisterType(&pgtype.Type{Name: known.Name, OID: known.OID, Codec: textArray{codec}})
	}
}

// PlanEncode returns how a value is encoded.
func (c textArray) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.([]string); ok && format == pgtype.BinaryFormatCode {
		return stringsPlan{}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type stringsPlan struct{}

// Encode writes dimensions, "no NULLs", the type of the elements, then length and lower bound of the one dimension, and
// each element after its length. No slice is NULL.
func (stringsPlan) Encode(value any, buf []byte) ([]byte, error) {
	list, _ := value.([]string) // PlanEncode looked
	if list == nil {
		return nil, nil
	}
	size := 20 + 4*len(list)
	for _, s := range list {
		size += len(s)
	}
	buf = slices.Grow(buf, size)
	number := func(n int) { buf = binary.BigEndian.AppendUint32(buf, uint32(n)) } //nolint:gosec // lengths
	number(1)
	number(0)
	number(pgtype.TextOID)
	number(len(list))
	number(1)
	for _, s := range list {
		number(len(s))
		buf = append(buf, s...)
	}
	return buf, nil
}
