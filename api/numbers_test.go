package api_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/lcm"
)

// numberAt is a number in an example of a body.
type numberAt struct {
	route api.Served
	body  string
	at    int // of the values in the body
}

// numbersOf lists the numbers of all bodies.
func numbersOf(t *testing.T, routes []api.Served) (out []numberAt) {
	t.Helper()
	for _, r := range routes {
		if r.Body == nil || r.Stream {
			continue
		}
		for _, body := range examplesOf(r) {
			for at := 0; ; at++ {
				_, p := with(t, body, at, func(place) {})
				if p.set == nil {
					break
				}
				if _, is := p.value.(float64); is {
					out = append(out, numberAt{r, body, at})
				}
			}
		}
	}
	return out
}

// check sends a number in the place of another: it is what was sent, or it is refused at its attribute, and no use case is handed one
// of which a few make more than an int holds.
func (n numberAt) check(t *testing.T, w *whole, number string) {
	t.Helper()
	r := n.route
	changed, p := with(t, n.body, n.at, func(p place) { p.set(json.Number(number)) })
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
	if _, small := filter.IsNumber(number); !small && got.status != 400 {
		t.Errorf("%s%s is %s: %d %s", r.Pattern, p.pointer, number, got.status, got.body)
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

// oddNumbers are those at which something ends.
var oddNumbers = []string{
	"0", "-0", "1", "-1", "1.0", "1e2", "1E+2", "0.5", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036", "9223372037",
	"9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551617", "1e299", "1e300", "1e999999999", "1e99999999999999999999",
}

// Seen failing with an integer of any size taken, with a number of any length handed on, and with the limit that a number is beyond
// left unsaid.
func TestNumbersAreTakenOrRefused(t *testing.T) {
	w := newWhole(t)
	numbers := numbersOf(t, w.routes)
	if len(numbers) < 20 {
		t.Fatalf("only %d numbers are there", len(numbers))
	}
	for _, number := range oddNumbers {
		for _, n := range numbers {
			n.check(t, w, number)
		}
	}
}

// FuzzNumbers is TestNumbersAreTakenOrRefused with any number.
func FuzzNumbers(f *testing.F) {
	for i, number := range oddNumbers {
		f.Add(number, uint8(i))
	}
	var w *whole
	var numbers []numberAt
	sent := 0
	f.Fuzz(func(t *testing.T, number string, at uint8) {
		if !json.Valid([]byte(number)) || strings.Trim(number, "0123456789+-.eE") != "" {
			return // no number
		}
		if sent%500 == 0 { // one for each would take most of the time
			w = newWhole(t)
			numbers = numbersOf(t, w.routes)
		}
		sent++
		numbers[int(at)%len(numbers)].check(t, w, number)
	})
}
