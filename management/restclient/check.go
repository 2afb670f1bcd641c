package restclient

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/management"
)

// Checked is how one interface of an endpoint answers.
type Checked struct {
	Interface string
	Reachable bool
	Detail    string // why it is not, or what is odd; for people, no secrets
	Took      time.Duration
}

// Check asks the endpoint whether it serves interfaces: it reads the configuration (SOL002 v3.7.1 §9.4.2.3.2), and which versions of the
// coordination interface there are (SOL013 v3.7.1 §9.3.3). It changes nothing. That an interface does not answer is no error.
func (c *Client) Check(ctx context.Context, e *configuration.Endpoint, interfaces []string) []Checked {
	if len(interfaces) == 0 {
		interfaces = []string{management.Configuration, management.Coordination}
	}
	out := make([]Checked, 0, len(interfaces))
	for _, name := range interfaces {
		x := call{method: http.MethodGet, path: configRoot + "/configuration", version: configVersion}
		if name == management.Coordination {
			x = call{method: http.MethodGet, path: "/lcmcoord/api_versions", version: coordVersion}
		}
		begun := time.Now()
		got := c.ask(ctx, e, x)
		got.Interface, got.Took = name, time.Since(begun)
		out = append(out, got)
	}
	return out
}

// ask makes a call that only reads.
func (c *Client) ask(ctx context.Context, e *configuration.Endpoint, x call) Checked {
	p, err := c.peer(ctx, e)
	if err != nil {
		return Checked{Detail: hint(err)}
	}
	a, err := p.do(ctx, x)
	switch {
	case err != nil:
		return Checked{Detail: hint(err)}
	case a.status == http.StatusOK:
		return Checked{Reachable: true}
	case a.status == http.StatusNotFound && x.version == coordVersion:
		// Many that coordinate do not say in which versions: the root may be right all the same.
		return Checked{Reachable: true, Detail: "it answers, and does not say which versions it has (404)"}
	}
	return Checked{Detail: hint(p.refusal(x, a))}
}

// hint is what an error says to people.
func hint(err error) string {
	var e *configuration.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return err.Error()
}

// Reachable reports whether all interfaces answer.
func Reachable(all []Checked) bool {
	return !slices.ContainsFunc(all, func(c Checked) bool { return !c.Reachable })
}
