package vim

import (
	"encoding/json"

	"github.com/vnfm/vnfm"
)

// What a connection says in extra of how it may be called; what it does not say is as the settings have it.
const (
	extraWorkers         = "workers"
	extraRate            = "rate"
	extraBreakerFailures = "breakerFailures"
)

// The most that a connection may say.
const (
	MaxWorkers         = 1000
	MaxRate            = 10_000
	MaxBreakerFailures = 1000
)

// Limits are how a VIM connection may be called.
type Limits struct {
	Workers int     `json:"workers"` // calls under way at once
	Rate    float64 `json:"rate"`    // calls per second on average; 0: no bound
	// Failures is after how many calls in a row that found the VIM away nothing more is asked of it for a while; 0: it is asked on and on.
	Failures int `json:"breakerFailures"`
}

// LimitsOf returns the limits of a connection: what its extra says, over those that are given. Returns Unprocessable at the value that cannot be
// one, below /extra.
func LimitsOf(extra map[string]json.RawMessage, otherwise Limits) (Limits, error) {
	out := otherwise
	whole := func(name string, into *int, least, most int) error {
		raw, said := extra[name]
		var n int
		if !said {
			return nil
		}
		if json.Unmarshal(raw, &n) != nil || string(raw) == "null" || n < least || n > most {
			return vnfm.Errorf(vnfm.Unprocessable, "extra.%s must be a whole number from %d to %d.", name, least, most).At("/extra/" + name)
		}
		*into = n
		return nil
	}
	if err := whole(extraWorkers, &out.Workers, 1, MaxWorkers); err != nil {
		return otherwise, err
	}
	if err := whole(extraBreakerFailures, &out.Failures, 0, MaxBreakerFailures); err != nil {
		return otherwise, err
	}
	if raw, said := extra[extraRate]; said {
		var r float64
		if json.Unmarshal(raw, &r) != nil || string(raw) == "null" || r < 0 || r > MaxRate {
			return otherwise, vnfm.Errorf(vnfm.Unprocessable, "extra.rate must be a number of calls per second from 0, which is no bound, to %d.", MaxRate).At("/extra/rate")
		}
		out.Rate = r
	}
	return out, nil
}
