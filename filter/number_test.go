package filter

import (
	"math/big"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	numbers := []string{"0", "-0", "0.0", "1", "-1", "1.0", "10e-1", "0.1e1", "1E+1", "100", "99.99", "1e20", "-1e20", "1e-20", "123456789012345678901234567890", "0.5", "-0.5", "5e-1"}
	for _, a := range numbers {
		for _, b := range numbers {
			x, ok1 := parseNumber(a)
			y, ok2 := parseNumber(b)
			rx, _ := new(big.Rat).SetString(a)
			ry, _ := new(big.Rat).SetString(b)
			if c := x.compare(y); !ok1 || !ok2 || min(max(c, -1), 1) != rx.Cmp(ry) {
				t.Errorf("%s against %s: %d", a, b, c)
			}
		}
	}
	for _, s := range []string{"", "-", "+1", "01", ".5", "1.", "1e", "0x1", "1_0", "inf", "NaN", "1e99999999999", " 1", "1-", "--1"} {
		if n, ok := parseNumber(s); ok {
			t.Errorf("%q is a number: %v", s, n)
		}
	}
	if is, small := IsNumber("1e400"); !is || small {
		t.Error("1e400")
	}
	for _, s := range []string{"1e-400", "-1e-400", "1e300", strings.Repeat("9", 400), "0." + strings.Repeat("1", 400)} {
		if is, small := IsNumber(s); !is || small {
			t.Errorf("%s: %t, %t", s, is, small)
		}
	}
	for _, s := range []string{"0", "-1.5e20", "1e298", "1e-298"} {
		if is, small := IsNumber(s); !is || !small {
			t.Errorf("%s: %t, %t", s, is, small)
		}
	}
}
