package tosca

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
)

// Number reads an integer property; what is missing is def. TOSCA integers are decimal, also "010".
func (s *Scope) Number(n *Node, def int) int {
	n = s.Val(n)
	if n.Empty() {
		return def
	}
	v, err := strconv.ParseInt(n.Text(), 10, 32)
	if err != nil {
		s.Failf("bad-value", n.At, "%s is not a whole number", vnfd.Quote(n.Text()))
		return def
	}
	return int(v)
}

// Count reads a number that must not be negative.
func (s *Scope) Count(n *Node, def int) int {
	v := s.Number(n, def)
	if v < 0 {
		s.Failf("bad-value", s.Val(n).Where(), "%d is negative", v)
		return def
	}
	return v
}

// Boolean reads a truth value; what is missing is def.
func (s *Scope) Boolean(n *Node, def bool) bool {
	n = s.Val(n)
	if n.Empty() {
		return def
	}
	v, ok := Truth(n.Text())
	if !ok {
		s.Failf("bad-value", n.At, "%s is neither true nor false", vnfd.Quote(n.Text()))
		return def
	}
	return v
}

// Truth reads a truth value as TOSCA and YAML 1.1 write it.
func Truth(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off":
		return false, true
	}
	return false, false
}

var sizeUnits = map[string]int64{
	"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

var timeUnits = map[string]int64{"d": 86400e9, "h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}

// Size reads a scalar-unit.size in bytes: "512 MB" counts in powers of ten, "512 MiB" in powers of two.
func (s *Scope) Size(n *Node) int64 {
	n = s.Val(n)
	if n.Empty() {
		return 0
	}
	v, unit, ok := scalarUnit(n.Text(), sizeUnits)
	switch {
	case !ok:
		s.Failf("bad-value", n.At, "%s is not a size such as '4 GiB'", vnfd.Quote(n.Text()))
		return 0
	case !unit:
		s.Findf("size-without-unit", n.At, "the size %s has no unit; it is taken for bytes", vnfd.Quote(n.Text()))
	}
	return v
}

// Seconds reads a scalar-unit.time, rounded up.
func (s *Scope) Seconds(n *Node) int {
	n = s.Val(n)
	if n.Empty() {
		return 0
	}
	v, unit, ok := scalarUnit(n.Text(), timeUnits)
	switch {
	case !ok:
		s.Failf("bad-value", n.At, "%s is not a time such as '60 s'", vnfd.Quote(n.Text()))
		return 0
	case !unit: // scalarUnit counts it in the smallest unit
		return int(min(v, math.MaxInt32))
	}
	return int(min((v+999_999_999)/1_000_000_000, math.MaxInt32))
}

// scalarUnit reads "number unit". Without a unit it returns the number itself.
func scalarUnit(text string, units map[string]int64) (value int64, hasUnit, ok bool) {
	text = strings.TrimSpace(text)
	end := strings.LastIndexAny(text, "0123456789.") + 1
	if end == 0 || end > 40 {
		return 0, false, false
	}
	for _, c := range text[:end] {
		if (c < '0' || c > '9') && c != '.' {
			return 0, false, false // no signs and no exponents, which would make a number of any length
		}
	}
	amount, ok := new(big.Rat).SetString(text[:end])
	if !ok {
		return 0, false, false
	}
	unit := strings.ToLower(strings.TrimSpace(text[end:]))
	factor := int64(1)
	if unit != "" {
		if factor, ok = units[unit]; !ok {
			return 0, false, false
		}
	}
	amount.Mul(amount, new(big.Rat).SetInt64(factor))
	whole := new(big.Int).Quo(amount.Num(), amount.Denom())
	if !whole.IsInt64() {
		return 0, false, false
	}
	return whole.Int64(), unit != "", true
}
