package api_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
)

// FuzzNumbers: each number of each body, as a client may write it: it is what was sent, or it is refused at its attribute, and no
// use case is handed one of which a few make more than an int holds. Seen failing with an integer of any size taken, and with
// the limit that a number is beyond left unsaid.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{
		"0", "-0", "1", "-1", "1.0", "1e2", "1E+2", "0.5", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036", "9223372037",
		"9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551617", "1e299", "1e300", "1e999999999", "1e99999999999999999999",
	} {
		f.Add(seed)
	}
	var w *whole
	sent := 0
	f.Fuzz(func(t *testing.T, number string) {
		if !json.Valid([]byte(number)) || strings.Trim(number, "0123456789+-.eE") != "" {
			return // no number
		}
		tried := 0
		for _, r := range newWhole(t).routes {
			if r.Body == nil || r.Stream {
				continue
			}
			for _, body := range examplesOf(r) {
				for at := 0; ; at++ {
					_, p := with(t, body, at, func(place) {})
					if p.set == nil {
						break
					}
					if _, is := p.value.(float64); !is {
						continue
					}
					if sent%500 == 0 { // one for each would take most of the time
						w = newWhole(t)
					}
					sent++
					tried++
					changed, _ := with(t, body, at, func(p place) { p.set(json.Number(number)) })
					w.cases.last = nil
					got := w.send(t, r.Method, w.of(r.Pattern), changed, "Content-Type", contentType(r))
					if got.status >= 500 {
						t.Fatalf("%s%s is %s: %d %s", r.Pattern, p.pointer, number, got.status, got.body)
					}
					if got.status == 400 { // at the number, or around it where what is 0 counts as absent
						problem := got.problem()
						says := strings.ContainsAny(problem.Detail, "0123456789") || strings.Contains(problem.Detail, "negative")
						if problem.Attribute == "" || !strings.HasPrefix(p.pointer, problem.Attribute) || !says {
							t.Errorf("%s%s is %s: %s", r.Pattern, p.pointer, number, got.body)
						}
					}
					want, err := strconv.Atoi(number)
					switch c := w.cases.last.(type) {
					case lcm.Terminate:
						if !p.free && (err != nil || c.GracefulTimeout != want || want > math.MaxInt32) {
							t.Errorf("%s was taken for %d", number, c.GracefulTimeout)
						}
					case lcm.Instantiate:
						for _, l := range c.ExtLinks {
							for _, cp := range l.Cps {
								for _, config := range cp.Config {
									for _, ips := range config.Addresses() {
										if n := ips.Dynamic; n != 0 && n != 1 && n != want || n > math.MaxInt32 {
											t.Errorf("%s was taken for %d", number, n)
										}
									}
								}
							}
						}
					}
				}
			}
		}
		if tried < 20 {
			t.Fatalf("only %d numbers are tried", tried)
		}
	})
}
