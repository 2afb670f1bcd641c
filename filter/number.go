package filter

import (
	"strconv"
	"strings"
)

// number is a decimal number of any size, exactly: 0.digits × 10^exponent. Floating point would find numbers equal that a
// database tells apart.
type number struct {
	negative bool
	digits   string // without zeros at either end; "" is zero
	exponent int
}

// parseNumber reads a number as JSON has it.
func parseNumber(s string) (number, bool) {
	var n number
	s, n.negative = strings.TrimPrefix(s, "-"), strings.HasPrefix(s, "-")
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 1<<30 || e < -1<<30 {
			return number{}, false
		}
		n.exponent = e
	}
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || dotted && fraction == "" || !digits(whole) || !digits(fraction) {
		return number{}, false
	}
	n.exponent += len(whole)
	n.digits = whole + fraction
	trimmed := strings.TrimLeft(n.digits, "0")
	n.exponent -= len(n.digits) - len(trimmed)
	n.digits = strings.TrimRight(trimmed, "0")
	if n.digits == "" {
		return number{}, true
	}
	return n, true
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// sign is -1, 0 or 1.
func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

// compare orders two numbers.
func (n number) compare(o number) int {
	if a, b := n.sign(), o.sign(); a != b || a == 0 {
		return a - b
	}
	c := n.exponent - o.exponent
	if c == 0 {
		c = strings.Compare(n.digits, o.digits)
	}
	if n.negative {
		return -c
	}
	return c
}

// IsNumber says whether a value is a number as JSON has it, and whether it is of a size that every database can hold.
func IsNumber(s string) (is, small bool) {
	n, ok := parseNumber(s)
	const most = 300
	return ok, ok && n.exponent < most && n.exponent > -most && len(n.digits) < most
}
