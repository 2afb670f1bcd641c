package vnfd

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number reads an integer property; what is missing is def. TOSCA integers are decimal, also "010".
func (s *scope) number(n *node, def int) int {
	n = s.val(n)
	if n.empty() {
		return def
	}
	v, err := strconv.ParseInt(n.text(), 10, 32)
	if err != nil {
		s.failf("bad-value", n.at, "%s is not a whole number", quote(n.text()))
		return def
	}
	return int(v)
}

// count reads a number that must not be negative.
func (s *scope) count(n *node, def int) int {
	v := s.number(n, def)
	if v < 0 {
		s.failf("bad-value", s.val(n).where(), "%d is negative", v)
		return def
	}
	return v
}

// boolean reads a truth value; what is missing is def.
func (s *scope) boolean(n *node, def bool) bool {
	n = s.val(n)
	if n.empty() {
		return def
	}
	v, ok := truth(n.text())
	if !ok {
		s.failf("bad-value", n.at, "%s is neither true nor false", quote(n.text()))
		return def
	}
	return v
}

func truth(text string) (value, ok bool) {
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

// size reads a scalar-unit.size in bytes: "512 MB" counts in powers of ten, "512 MiB" in powers of two.
func (s *scope) size(n *node) int64 {
	n = s.val(n)
	if n.empty() {
		return 0
	}
	v, unit, ok := scalarUnit(n.text(), sizeUnits)
	switch {
	case !ok:
		s.failf("bad-value", n.at, "%s is not a size such as '4 GiB'", quote(n.text()))
		return 0
	case !unit:
		s.findf("size-without-unit", n.at, "the size %s has no unit; it is taken for bytes", quote(n.text()))
	}
	return v
}

// seconds reads a scalar-unit.time, rounded up.
func (s *scope) seconds(n *node) int {
	n = s.val(n)
	if n.empty() {
		return 0
	}
	v, unit, ok := scalarUnit(n.text(), timeUnits)
	switch {
	case !ok:
		s.failf("bad-value", n.at, "%s is not a time such as '60 s'", quote(n.text()))
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
